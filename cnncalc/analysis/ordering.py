"""Whether another order of the branches takes less memory: the peak over all orders in which operations may run.

What is held after some operations depends on which they are, not on their order. So the best order is a path through
sets of operations whose highest point is lowest: exact as long as the sets that have to be looked at are no more than
MOST_SETS. Every operation writes a new tensor; elements of one sample. Source: Liberis & Lane 2019, arXiv:1910.05110.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from cnncalc.analysis.memory import count_held, find_lives
from cnncalc.graph import Graph

MOST_SETS = 200_000


class Order(NamedTuple):
    """The best order that was found: the operations by their number, its peak, and that of the order as it stands.

    exact  whether no order has a smaller peak
    """

    nodes: tuple[int, ...]
    peak: int
    as_written: int
    exact: bool


def find_order(graph: Graph, most: int = MOST_SETS) -> Order | None:
    """The order with the smallest peak, or the best of those that were looked at; None where a shape is not known."""
    held = count_held(graph)
    if held is None or not graph.nodes:
        return None
    as_written = max(held)
    return Search(graph, as_written).run(most)


class Search:
    """Sets of operations that have run, as bits, reached by a path whose peak is smallest."""

    def __init__(self, graph: Graph, as_written: int) -> None:
        known = find_lives(graph)
        assert known is not None
        self.first, self.count = len(graph.inputs), len(graph.nodes)
        self.elements, self.as_written = known.elements, as_written
        self.reads = [tuple(dict.fromkeys(node.reads)) for node in graph.nodes]
        self.readers = [0] * (self.first + self.count)  # of each value the operations that read it, as bits
        for i, values in enumerate(self.reads):
            for value in values:
                self.readers[value] |= 1 << i
        self.needs = [sum(1 << v - self.first for v in values if v >= self.first) for values in self.reads]
        self.stays = set(graph.outputs)
        # Held from the start: inputs that somebody reads, and those that are handed on as outputs.
        self.start = sum(n for n, bits in zip(known.elements[: self.first], self.readers, strict=False) if bits)
        self.start += sum(known.elements[v] for v in self.stays if v < self.first and not self.readers[v])

    def run(self, most: int) -> Order:
        """Sets are left by the lowest path first, so that the first one that is complete is the best."""
        everything = (1 << self.count) - 1
        came: dict[int, tuple[int, int]] = {}  # of each set the one before it, and the operation between
        best: dict[int, int] = {0: self.start}
        waiting: list[tuple[int, int, int, int]] = [(self.start, 0, 0, self.start)]  # peak, less is more, set, held
        done: set[int] = set()
        while waiting and len(done) < most:
            peak, _count, ran, held = heappop(waiting)
            if ran in done:
                continue
            done.add(ran)
            if ran == everything:
                return Order(self.path(came, ran), max(peak, self.start), self.as_written, exact=True)
            for i, reached, left in self.moves(ran, held, peak):
                then = ran | 1 << i
                higher = max(peak, reached)
                # A path above the order as it stands leads to nothing better.
                if higher < best.get(then, self.as_written + 1):
                    best[then] = higher
                    came[then] = ran, i
                    # Of equal peaks the set of which most has run: it is the nearest to the end.
                    heappush(waiting, (higher, -then.bit_count(), then, left))
        # There are too many sets, and no path that is complete: the order stays as it stands.
        return Order(tuple(range(self.count)), self.as_written, self.as_written, exact=False)

    def moves(self, ran: int, held: int, peak: int) -> list[tuple[int, int, int]]:
        """Operations that may run now, with what is held at them and behind them.

        One that raises no peak and leaves no more behind than there was may always run first: then it is the only one.
        """
        found = []
        waiting = ~ran & (1 << self.count) - 1
        while waiting:
            lowest = waiting & -waiting  # of long networks most have run: those are not looked at
            waiting ^= lowest
            i = lowest.bit_length() - 1
            if self.needs[i] & ~ran:
                continue
            after = ran | 1 << i
            reached = held + self.elements[self.first + i]
            left = reached - sum(self.elements[v] for v in self.reads[i] if self.is_over(v, after))
            if self.is_over(self.first + i, after):
                left -= self.elements[self.first + i]
            if reached <= peak and left <= held:
                return [(i, reached, left)]
            found.append((i, reached, left))
        return found

    def is_over(self, value: int, ran: int) -> bool:
        """Whether nothing needs a value any more."""
        return value not in self.stays and not self.readers[value] & ~ran

    def path(self, came: dict[int, tuple[int, int]], ran: int) -> tuple[int, ...]:
        """The operations that lead to a set, in order."""
        found = []
        while ran:
            ran, i = came[ran]
            found.append(i)
        return tuple(reversed(found))
