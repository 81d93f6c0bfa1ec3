"""The steps of a network as a spec has them, found in its graph: lines with what follows them, merges, residuals.

A graph is taken from its input on. Where a value has one reader, that is the next step; where it has several, the
step is the merge in which all ways from it end, with the ways as its branches. What is not nested like this, a skip
over half of a U-Net or the exchange of a HRNet, is written as steps that start `from:` a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.graph import Graph
from cnncalc.interop.spec.numbers import Number
from cnncalc.layers import KINDS, MERGES
from cnncalc.layers.base import Layer

DEEPEST = 12  # merges in each other's first steps that somebody reads
LONG = 12  # layers of a branch beside which a skip is written with `from:`


class Line:
    """A layer, and the norms and activations that stand behind it."""

    def __init__(self, node: int, name: str, layer: Layer) -> None:
        self.node = node
        self.name = name
        self.layer = layer
        self.tail: list[Line] = []
        self.options: dict[str, Any] | None = None  # in a block: those that are stated, with its parameters
        self.word = ""  # in a block: the parameter that says which activation it is


class Merge:
    """Branches that are brought together; one that is empty is the identity."""

    def __init__(self, node: int, name: str, layer: Layer, branches: list[list[Step]]) -> None:
        self.node = node
        self.name = name
        self.layer = layer
        self.branches = branches
        self.tail: list[Line] = []
        self.residual = False  # two branches, the second of which is the shortcut


class From:
    """Steps that start at another value, of which only the number is known here."""

    def __init__(self, origin: int, steps: list[Step]) -> None:
        self.origin = origin
        self.steps = steps
        self.said: Number | None = None  # in a block: what the value is called there, `in` or a parameter


class Named:
    """Steps whose names begin alike."""

    def __init__(self, name: str, steps: list[Step]) -> None:
        self.name = name
        self.steps = steps


class Call:
    """A block with values for its parameters, perhaps repeated."""

    def __init__(self, name: str, block: str, values: dict[str, Number]) -> None:
        self.name = name
        self.block = block
        self.values = values
        self.repeat: Number = 1
        self.first: dict[str, Number] = {}
        self.last: dict[str, Number] = {}


Step = Line | Merge | From | Named | Call


class Structure:
    """The steps of one graph.

    running  what does not stand within a merge stands in the order in which it runs
    """

    def __init__(self, graph: Graph, *, running: bool = False) -> None:
        self.graph = graph
        self.running = running
        self.first = len(graph.inputs)
        count = self.first + len(graph.nodes)
        self.readers: list[list[int]] = [[] for _ in range(count)]
        for i, node in enumerate(graph.nodes):
            for v in dict.fromkeys(node.reads):
                self.readers[v].append(self.first + i)
        self.end = count  # stands for what leaves the network
        leaving = set(graph.outputs)
        self.leaving = {v for v in leaving if self.readers[v]} | (leaving if len(leaving) > 1 else set())
        self.depth = [0] * (count + 1)  # of each value, how many meetings lie behind it
        self.meets = [self.end] * (count + 1)  # for each the first in which all ways from it meet: see `meet`
        # Backwards: where the ways from a value meet follows from where those of its readers do.
        for v in reversed(range(count)):
            ends = [*self.readers[v], *([self.end] if v in leaving or not self.readers[v] else [])]
            self.meets[v] = self.meet(ends)
            self.depth[v] = self.depth[self.meets[v]] + 1
        self.done: set[int] = set()
        self.next = self.first  # before it all is done
        self.nested = 0  # merges around the one that is looked at

    def meet(self, values: Sequence[int]) -> int:
        """The first value in which all ways from these meet, one of them perhaps: their nearest post-dominator."""
        found, *others = values
        for other in others:
            while found != other:
                if self.depth[found] >= self.depth[other]:
                    found = self.meets[found]
                else:
                    other = self.meets[other]
        return found

    def steps(self) -> list[Step]:
        """All steps; those that the first input does not lead to start at theirs."""
        steps, at = self.along(0, self.end)
        for value in range(self.first, self.end):
            if value in self.done:
                continue
            node = self.graph.nodes[value - self.first]
            if len(node.reads) > 1 or node.layer.kind in MERGES:
                branches: list[list[Step]] = [[] if v == at else [From(v, [])] for v in node.reads]
                self.done.add(value)
                merge = Merge(value, node.name, node.layer, branches)
                more, at = self.along(value, self.end)
                steps += [merge, *more]
                continue
            if not node.reads:
                self.done.add(value)
                more, at = self.along(value, self.end)
                steps += [self.line(value), *more]
                continue
            own, end = self.along(node.reads[0], self.end, value)
            steps += own if node.reads[0] == at else [From(node.reads[0], own)]
            at = end
        return steps

    def steps_in_order(self) -> list[Step]:
        """All steps in the order in which they run, each from where it starts: nothing is nested."""
        steps: list[Step] = []
        at = 0
        for value in range(self.first, self.end):
            node = self.graph.nodes[value - self.first]
            if len(node.reads) > 1 or node.layer.kind in MERGES:
                branches: list[list[Step]] = [[] if v == at else [From(v, [])] for v in node.reads]
                steps.append(Merge(value, node.name, node.layer, branches))
            elif not node.reads or node.reads[0] == at:
                steps.append(self.line(value))
            else:
                steps.append(From(node.reads[0], [self.line(value)]))
            at = value
        return steps

    def along(self, start: int, stop: int, following: int | None = None) -> tuple[list[Step], int]:
        """Steps one behind the other from a value on, as far as they are nested, and the value they lead to."""
        steps: list[Step] = []
        at = start
        while at != stop:
            readers = self.readers[at] if following is None else [following]
            following = None
            # What leaves the network and is read again needs a name: the list ends, so that `outputs:` can say it.
            if at in self.leaving and at != start and steps and len(readers) != 1:
                break
            if len(readers) == 1 and len(self.graph.nodes[readers[0] - self.first].reads) == 1:
                if readers[0] in self.done or not self.is_turn(readers[0]):
                    break
                at = readers[0]
                self.done.add(at)
                steps.append(self.line(at))
                continue
            before = set(self.done) if self.running else None
            merge = self.merge(at, self.meets[at])
            if merge is None:
                break
            if before is not None and not self.is_turn(*self.done - before):
                self.done = before
                break
            steps.append(merge)
            at = merge.node
        return steps, at

    def is_turn(self, *values: int) -> bool:
        """Whether one of the values is the next that runs, where that matters."""
        if not self.running or self.nested:
            return True
        while self.next in self.done and self.next not in values:
            self.next += 1
        return self.next in values

    def line(self, value: int) -> Line:
        node = self.graph.nodes[value - self.first]
        return Line(value, node.name, node.layer)

    def merge(self, start: int, end: int, around: set[int] | None = None) -> Merge | None:
        """The branches from one value to the merge in which they meet; None where they are not nested.

        around  the values of the branch that begins with this merge, where it does: others may read its start
        """
        if end == self.end or end in self.done or self.nested == DEEPEST:
            return None
        node = self.graph.nodes[end - self.first]
        if len(node.reads) < 2:
            return None
        regions = []
        inside: set[int] = set()
        for read in node.reads:
            region = self.region(start, read)
            if region is None or region & inside or region & self.done:
                return None
            inside |= region
            regions.append(region)
        # x + x: two branches that are the same value cannot be written as two.
        if len({*node.reads} - {start}) < len([v for v in node.reads if v != start]):
            return None
        beside = [r for r in self.readers[start] if around is None or r in around]
        if any(
            r not in inside and r != end for readers in (beside, *(self.readers[v] for v in inside)) for r in readers
        ):
            return None
        # A value inside a branch has no name outside it.
        if inside & self.leaving or (start in self.leaving and start >= self.first):
            return None
        sizes = [len(region) for region in regions]
        if node.layer.kind == "concat" and len(sizes) == 2 and min(sizes) * 4 <= max(sizes) >= LONG:
            return None  # a long way round: a skip
        before = set(self.done)
        branches = []
        self.nested += 1
        for read, region in zip(node.reads, regions, strict=True):
            steps, at = self.within(start, read, region)
            if at != read:
                break
            branches.append(steps)
        self.nested -= 1
        if len(branches) < len(regions):
            self.done = before
            return None
        self.done.add(end)
        return Merge(end, node.name, node.layer, branches)

    def within(self, start: int, stop: int, region: set[int]) -> tuple[list[Step], int]:
        """The steps of one branch."""
        if start == stop:
            return [], start
        sources = [v for v in region if not self.graph.nodes[v - self.first].reads]
        if sources:  # numbers that stand by themselves, and what is made of them
            self.done.add(sources[0])
            steps, at = self.along(sources[0], stop)
            return [self.line(sources[0]), *steps], at
        [*entries] = [r for r in self.readers[start] if r in region]
        if len(entries) == 1 and len(self.graph.nodes[entries[0] - self.first].reads) == 1:
            return self.along(start, stop, entries[0])
        merge = self.merge(start, self.meet(entries), region)  # several ways, which meet within the branch
        if merge is None:
            return [], start
        steps, at = self.along(merge.node, stop)
        return [merge, *steps], at

    def region(self, start: int, end: int) -> set[int] | None:
        """The values between, the end among them; None where something else leads there."""
        found: set[int] = set()
        left = [end]
        while left:
            v = left.pop()
            if v == start or v in found:
                continue
            # Values are numbered as they run: what ran before the start leads in from elsewhere.
            if v < self.first or v < start:
                return None
            found.add(v)
            left += self.graph.nodes[v - self.first].reads
        return found


def attach_followers(steps: list[Step], structure: Structure) -> list[Step]:
    """Steps with norms and activations behind the step that they follow, where nothing else reads its result."""
    found: list[Step] = []
    graph = structure.graph
    for step in steps:
        flattens = isinstance(step, Line) and step.layer.kind == "flatten"
        if flattens and isinstance(step, Line) and graph.nodes[step.node - structure.first].shown_with is not None:
            continue  # a dense layer that meets a map gets it anyway
        if isinstance(step, Merge):
            step.branches = [attach_followers(branch, structure) for branch in step.branches]
        elif isinstance(step, From):
            step.steps = attach_followers(step.steps, structure)
        last = found[-1] if found else None
        if isinstance(step, Line) and KINDS[step.layer.kind].appendable and isinstance(last, (Line, Merge)):
            before = last.tail[-1].node if last.tail else last.node
            ends = before in graph.outputs or len(structure.readers[before]) != 1
            option = step.layer.kind in last.layer.options  # `shift` behind `scale` would be one of it
            if not ends and not option and not leaves_list(last, step):
                last.tail.append(step)
                continue
        found.append(step)
    return found


def leaves_list(last: Line | Merge, step: Line) -> bool:
    """Whether a norm of a name of its own stands outside the list of the step before it: `norm` behind `encoder/11`."""
    around = last.name.rpartition("/")[0]
    return not KINDS[step.layer.kind].inline and not f"{step.name}/".startswith(around)


def with_residuals(steps: list[Step], graph: Graph, *, straight: bool = False) -> None:
    """Additions with the identity, or with a way of their own where the shape changes, as residuals.

    straight  not those whose shortcut runs before the branch
    """
    for step in steps:
        if isinstance(step, From):
            with_residuals(step.steps, graph, straight=straight)
        if not isinstance(step, Merge):
            continue
        for branch in step.branches:
            with_residuals(branch, graph, straight=straight)
        if step.layer.kind != "add" or len(step.branches) != 2:
            continue
        if any(branch and stands_by_itself(branch[0], graph) for branch in step.branches):
            continue  # what is added is no way round
        shapes = [graph.shape(v) for v in graph.nodes[step.node - len(graph.inputs)].reads]
        if shapes[0] != shapes[1]:
            continue
        make_residual(step, graph, straight=straight)


def make_residual(step: Merge, graph: Graph, *, straight: bool) -> None:
    """An addition of two branches as a residual, where one of them is a shortcut."""
    if straight and all(step.branches):
        starts = [min((line.node for line in lines_of(branch)), default=step.node) for branch in step.branches]
        if starts[1] < starts[0]:  # the second term was worked out first
            step.branches.reverse()
            return
    size = [layers_of(branch) for branch in step.branches]
    if [] in step.branches or short_of(step.branches[1], step.branches[0]) or short_of(*step.branches):
        # The shorter of the two is the shortcut, whichever was written first.
        turned = not step.branches[0] or bool(step.branches[1] and size[0] < size[1])
        first, second = (branch[0] if branch else None for branch in step.branches)
        if straight and turned and first is not None and second is not None:
            return
        if turned:
            step.branches.reverse()
        step.residual = bool(step.branches[0])
        if step.residual and is_projection(step.branches[1]):
            step.branches[1] = []
        start = entry(step, graph)
        if step.branches[1] and (start is None or graph.shape(start) == graph.shape(step.node)):
            step.residual = False  # a residual would leave its shortcut out


def stands_by_itself(step: Step, graph: Graph) -> bool:
    """Whether a step reads nothing: trained numbers, or constants."""
    return isinstance(step, Line) and not graph.nodes[step.node - len(graph.inputs)].reads


def is_projection(branch: Sequence[Step]) -> bool:
    """Whether a branch is what a residual puts in by itself where the shape changes, by its name."""
    line = branch[0] if len(branch) == 1 else None
    if not isinstance(line, Line) or not re.fullmatch(r"(.*/)?shortcut\d+", line.name):
        return False
    given = vars(line.layer)
    # What a residual puts in by itself, option by option: anything else has to be written.
    usual = {"kernel": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1, "bias": False, "table": None}
    norms = [part.layer.kind for part in line.tail]
    return line.layer.kind == "conv" and norms == ["batchnorm"] and all(given[k] == v for k, v in usual.items())


def entry(step: Merge, graph: Graph) -> int | None:
    """The value from which the branches start."""
    for branch in step.branches:
        for first in branch[:1]:
            if isinstance(first, Line):
                reads = graph.nodes[first.node - len(graph.inputs)].reads
                if not reads:
                    continue  # numbers that stand by themselves: another branch knows
                return reads[0]
            if isinstance(first, Merge):
                return entry(first, graph)
    return None


def short_of(one: Sequence[Step], other: Sequence[Step]) -> bool:
    """Whether one way is a projection beside the other: a layer or two."""
    return 0 < layers_of(one) < layers_of(other) and all(isinstance(step, Line) for step in one)


def layers_of(steps: Sequence[Step]) -> int:
    return sum(1 for _line in lines_of(steps))


def lines_of(steps: Sequence[Step]) -> Iterator[Line | Merge]:
    """Every layer that has a step, those of the branches before their merge."""
    for step in steps:
        if isinstance(step, Merge):
            for branch in step.branches:
                yield from lines_of(branch)
            yield step
        elif isinstance(step, Line):
            yield step
        elif isinstance(step, (From, Named)):
            yield from lines_of(step.steps)


def named_lists(steps: list[Step], prefix: str, taken: set[str]) -> list[Step]:
    """Steps whose names go on with the same part, one behind the other, as a list of that name; each name once.

    taken  names that no list can have: those of the layers, to begin with
    """
    found: list[Step] = []
    for step in [part for whole in steps for part in parts_of(whole, prefix)]:
        part = common_part(step, prefix)
        last = found[-1] if found else None
        if part is not None and isinstance(last, Named) and last.name == part:
            last.steps.append(step)
        elif part is not None and prefix + part not in taken:
            taken.add(prefix + part)
            found.append(Named(part, [step]))
        else:
            found.append(step)
    for i, step in enumerate(found):
        if isinstance(step, Named):
            step.steps = named_lists(step.steps, f"{prefix}{step.name}/", taken)
            found[i] = without_list(step, prefix)
        elif isinstance(step, Merge):
            inner = f"{step.name}/"
            below = all(line.name.startswith(inner) for branch in step.branches for line in lines_of(branch))
            around = inner if not is_numbered(step) and below else prefix  # its branches stand below its name
            step.branches = [named_lists(branch, around, taken) for branch in step.branches]
        elif isinstance(step, From):
            step.steps = named_lists(step.steps, prefix, taken)
    return found


def parts_of(step: Step, prefix: str) -> list[Step]:
    """Steps from elsewhere that belong to several lists, those of each by themselves; any other step as it is."""
    if not isinstance(step, From) or len(step.steps) < 2 or common_part(step, prefix) is not None:
        return [step]
    parts = [common_part(inner, prefix) for inner in step.steps]
    if not any(parts):
        return [step]
    same = next((i for i, part in enumerate(parts) if part != parts[0]), len(parts))
    return [From(step.origin, step.steps[:same]), *step.steps[same:]]


def without_list(named: Named, prefix: str) -> Step:
    """What stands alone in a list, called like it: another list, or a layer of which nobody chose the name."""
    line = named.steps[0]
    if len(named.steps) == 1 and isinstance(line, Named):
        path = f"{prefix}{named.name}/"
        for inner in lines_of(line.steps):
            inner.name = path + inner.name.removeprefix(f"{path}{line.name}/")
        return Named(named.name, line.steps)
    if len(named.steps) > 1 or not isinstance(line, Line):
        return named
    if not is_numbered(line) and not line.name.rpartition("/")[2].isdigit():
        return named
    line.name = prefix + named.name
    return line


def is_numbered(line: Line | Merge) -> bool:
    """Whether a layer is called as a step without a name would be: by its kind and a number."""
    last = line.name.rpartition("/")[2]
    return last.startswith(line.layer.kind) and last[len(line.layer.kind) :].isdigit()


def common_part(step: Step, prefix: str) -> str | None:
    """The part behind the prefix with which the names of all layers of a step go on; None if that is all of a name."""
    parts = set()
    if isinstance(step, From) and not step.steps:
        return None
    lines = list(lines_of([step]))
    for line in lines:
        if isinstance(line, Merge) and is_numbered(line) and len(lines) > 1:
            continue  # nobody chose its name
        if not line.name.startswith(prefix):
            return None
        part, stroke, _rest = line.name[len(prefix) :].partition("/")
        if not stroke:
            return None
        parts.add(part)
    return parts.pop() if len(parts) == 1 else None
