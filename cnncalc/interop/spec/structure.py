"""The steps of a network, found in its graph.

A graph is taken from its input on. Where a value has one reader, that is the next step; where it has several, the
step is the merge in which all ways from it end, with the ways as its branches. What is not nested like this, a skip
over half of a U-Net or the exchange of a HRNet, is written as steps that start `from:` a name.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.graph import Graph
from cnncalc.interop.spec.steps import From, Line, Merge, Step
from cnncalc.layers import MERGES

DEEPEST = 12  # merges in each other's first steps that somebody reads


LONG = 12  # layers of a branch beside which a skip is written with `from:`


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
        # What is not nested ends a list early: its values are taken up again here, in the order in which they run.
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
            # A merge whose branches would run before their turn is taken back, and taken apart by `steps`.
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
        """A layer as a step."""
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
        # Branches have nothing in common but where they start: a value of two of them would be written twice.
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
        # And nothing of them is read from outside, apart from where they start.
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
        # Now they are written, one after the other; what cannot be, as something inside is not nested, is taken back.
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
