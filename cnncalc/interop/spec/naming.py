"""The names that steps get in the text of a spec: their own, without what stands around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from cnncalc.graph import Graph
from cnncalc.interop.names import Names, number_name, unique
from cnncalc.interop.spec.lists import is_numbered
from cnncalc.interop.spec.steps import From, Line, Merge, Named, Step, every_step, lines_of


class Naming:
    """Names steps, and notes what their values are called.

    flat     names stand in no lists
    merges   merges are given their names where something reads them, even those that they have anyway
    values   what each value is called
    owners   what the layer that gives it is called, for others that use its weights
    taken    names that are given
    results  the last steps of lists, by identity: they can be called like these
    origins  values at which steps start
    wanted   values that leave the network, or whose weights others use: a name for them has to be there
    """

    def __init__(self, graph: Graph, *, merges: bool, flat: bool = False) -> None:
        self.graph = graph
        self.flat = flat
        self.merges = merges
        self.first = len(graph.inputs)
        self.values = dict(enumerate(graph.inputs))
        self.taken = Names(graph.inputs)
        self.owners: dict[int, str] = {}
        self.results: set[int] = set()
        self.origins: set[int] = set()
        self.wanted = set(graph.outputs) | {n.weights_of for n in graph.nodes if n.weights_of is not None}

    def walk(self, steps: Sequence[Step], prefix: str) -> None:
        """Give every step below a prefix its name; values are called by the whole of it."""
        origins = [step.origin for step in every_step(steps) if isinstance(step, From)]
        self.origins |= set(origins)
        self.name_steps(steps, prefix)
        for value in origins:
            self.values.setdefault(value, self.graph_name(value))

    def name_steps(self, steps: Sequence[Step], prefix: str) -> None:
        """Give steps that stand side by side their names, in their order: of two that want one, the first has it."""
        for step in steps:
            if isinstance(step, Named):
                self.results.add(id(step.steps[-1]))
                self.name_steps(step.steps, f"{prefix}{step.name}/")
                self.call_result(step.steps, f"{prefix}{step.name}")
            elif isinstance(step, From):
                self.name_steps(step.steps, prefix)
            elif isinstance(step, Merge):
                self.merge(step, prefix)
            elif isinstance(step, Line):
                own = self.own_name(step.name, prefix)
                path = unique(prefix + own, self.taken)
                # Nobody chose `conv3`: a step may as well have the number that it gets without a name.
                if is_numbered(step) and (path != prefix + own or (not self.flat and "_" in own)):
                    path = number_name(step.layer.kind, prefix, self.taken)
                self.taken.add(path)
                step.name = path[len(prefix) :]
                self.call_values(step, path)

    def call_result(self, steps: Sequence[Step], path: str) -> None:
        """What a list gives is called like the list."""
        last = steps[-1]
        if isinstance(last, (Named, From)) and last.steps:
            self.call_result(last.steps, path)
        elif isinstance(last, (Line, Merge)):
            self.values[last.tail[-1].node if last.tail else last.node] = path

    def own_name(self, name: str, prefix: str) -> str:
        """What is left of a name behind the lists around the step."""
        # Not every list around a step is in its name: those that are need not be said again.
        left = name.split("/")
        for part in prefix.split("/")[:-1]:
            if left[0] == part and len(left) > 1:
                del left[0]
        return "_".join(left)

    def merge(self, step: Merge, prefix: str) -> None:
        """A merge that is read elsewhere, or that somebody named, keeps its name: its branches stand below it."""
        own = self.own_name(step.name, prefix)
        read = {step.node, *(part.node for part in step.tail)} & (self.origins | self.wanted)
        inside = list(lines_of([branch_step for branch in step.branches for branch_step in branch]))
        below = all(line.name.startswith(f"{step.name}/") for line in inside)
        # The last step of a list is what the list is called, and needs no name besides.
        by_itself = is_numbered(step) and not self.merges and id(step) in self.results
        if read and by_itself:
            self.call_values(step, prefix + own)
            read = set()
        if read or (not is_numbered(step) and (below or not inside)):
            path = unique(prefix + own, self.taken)
            self.taken.add(path)
            step.name = path[len(prefix) :]
            self.call_values(step, path)
            for branch in step.branches:
                self.name_steps(branch, f"{path}/")
            return
        step.name = ""
        for part in step.tail:
            part.name = ""
        for branch in step.branches:
            self.name_steps(branch, prefix)

    def call_values(self, step: Line | Merge, path: str) -> None:
        """Values of a step and of what follows it are called by the step: nobody can read what lies between."""
        self.values[step.node] = path
        self.owners[step.node] = path
        for part in step.tail:
            self.values[part.node] = path
            self.owners[part.node] = f"{path}/{part.layer.kind}"
            part.name = ""  # it is called after the step that it follows

    def graph_name(self, value: int) -> str:
        """What a value is called in the graph."""
        return self.graph.nodes[value - self.first].name if value >= self.first else list(self.graph.inputs)[value]

    def weights(self) -> dict[int, str]:
        """For layers that use the weights of others, what these are called."""
        found = {}
        for i, node in enumerate(self.graph.nodes):
            if node.weights_of is not None:
                owner = node.weights_of
                found[self.first + i] = self.owners.get(owner, self.graph_name(owner))
        return found


def without_numbers(steps: Sequence[Step]) -> None:
    """Leave out the names that steps without one would get: their kind with the next number of what is around them."""
    # A name that has to be written shifts the numbers of those behind it: again until all are right.
    kept: set[int] = set()
    while True:
        given = {name for name in names_of(steps, kept) if name}
        wrong = find_misnamed(steps, kept, given, Counter())
        if not wrong:
            break
        kept |= wrong
    for step in every_step(steps):
        if isinstance(step, Line) and is_numbered(step) and id(step) not in kept and "/" not in step.name:
            step.name = ""


def names_of(steps: Sequence[Step], kept: set[int]) -> Iterable[str]:
    """The names that stand in the text."""
    for step in every_step(steps):
        if isinstance(step, Line) and is_numbered(step) and id(step) not in kept:
            continue
        if isinstance(step, (Line, Merge, Named)):
            yield step.name


def find_misnamed(steps: Sequence[Step], kept: set[int], given: set[str], counters: Counter[str]) -> set[int]:
    """Steps that would be called otherwise without their name. `counters` are those of the steps around."""
    wrong: set[int] = set()
    for step in steps:
        if isinstance(step, Named):
            wrong |= find_misnamed(step.steps, kept, given, Counter())
        elif isinstance(step, From):
            wrong |= find_misnamed(step.steps, kept, given, counters)
        elif isinstance(step, Merge):
            inner = Counter() if step.name else counters
            for branch in step.branches:
                wrong |= find_misnamed(branch, kept, given, inner)
            if not step.name:
                advance(counters, step.layer.kind, given)
        elif not isinstance(step, Line) or not is_numbered(step) or id(step) in kept:
            continue
        elif advance(counters, step.layer.kind, given) != step.name:
            wrong.add(id(step))
    return wrong


def advance(counters: Counter[str], kind: str, given: set[str]) -> str:
    """The next name of a step without one."""
    while True:
        counters[kind] += 1
        if f"{kind}{counters[kind]}" not in given:
            return f"{kind}{counters[kind]}"
