"""Boxes of one frame in ranks, each line one rank further down, and their order in each rank.

After Sugiyama, Tagawa and Toda (1981), whose word is layers: ranks by the longest path; a line that passes ranks has a
point in each of them, a bend, which all lines of one source share; orders by barycentres, kept where fewest lines
cross. What a frame reads from outside comes in by ports in a rank above all others, and what is read of it goes out by
ports below.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

SWEEPS = 12  # passes down and up before the best order so far is kept


class Line(NamedTuple):
    """What goes from one vertex to another; `net` says whose output it is. Lines of one net may run together."""

    source: int
    target: int
    net: int


class Ranks:
    """The vertices of a frame: boxes, ports, and bends, which are added here.

    lines   between boxes and ports, as they were given; paths: the vertices that each of them goes through
    rank    the rank of each vertex; rows: the vertices of each rank, from left to right
    skips   (upper, lower) of neighbouring ranks on the way of lines that pass by other boxes on theirs
    down    of each vertex the (vertex, net) that its lines lead to in the next rank; up: that they come from
    ins     of a vertex that is a frame, nets by the order of its ports above; outs: below
    fixed   ranks of ports whose order is given
    """

    def __init__(self, count: int, lines: Sequence[Line], entering: Sequence[int], leaving: Sequence[int],
                 ins: Mapping[int, Sequence[int]], outs: Mapping[int, Sequence[int]],
                 fixed: Sequence[Sequence[int]] = ()) -> None:  # fmt: skip
        self.lines, self.entering, self.leaving, self.boxes = lines, list(entering), list(leaving), count
        self.ins = {v: _places(nets) for v, nets in ins.items()}
        self.outs = {v: _places(nets) for v, nets in outs.items()}
        self.rank = rank_boxes(count, lines, self.entering, self.leaving)
        self.fixed = {self.rank[ports[0]]: list(ports) for ports in fixed if ports}
        self.down: list[list[tuple[int, int]]] = [[] for _v in self.rank]
        self.up: list[list[tuple[int, int]]] = [[] for _v in self.rank]
        self.skips: set[tuple[int, int]] = set()
        self.paths = self._bend(lines)
        self.place: list[int] = [0] * len(self.rank)
        self.rows = self._first_order()
        self.crossings = self._sort()

    def is_bend(self, v: int) -> bool:
        """Whether a vertex is only there for a line to pass."""
        return v >= self.boxes

    def _bend(self, lines: Sequence[Line]) -> list[list[int]]:
        bends: dict[tuple[int, int, int], int] = {}
        joined: set[tuple[int, int, int]] = set()
        paths = []
        beside = find_skips(self.rank, lines)
        straight: set[tuple[int, int]] = set()
        for line in lines:
            source, target, net = line
            path = [source]
            for rank in range(self.rank[source] + 1, self.rank[target]):
                # One bend for all lines of a net: they run together as far as they go the same way.
                bend = bends.setdefault((source, net, rank), len(self.rank))
                if bend == len(self.rank):
                    self.rank.append(rank)
                    self.down.append([])
                    self.up.append([])
                path.append(bend)
            path.append(target)
            (self.skips if line in beside else straight).update(pairwise(path))
            for u, v in pairwise(path):
                if (u, v, net) not in joined:
                    joined.add((u, v, net))
                    self.down[u].append((v, net))
                    self.up[v].append((u, net))
            paths.append(path)
        # Where lines run together, what one of them needs straight is straight.
        self.skips -= straight
        return paths

    def _first_order(self) -> list[list[int]]:
        """Depth first, boxes as they run and then bends: lines that pass others by are to their right."""
        rows: list[list[int]] = [[] for _layer in range(max(self.rank, default=-1) + 1)]
        seen = [False] * len(self.rank)
        for start in sorted(range(len(self.rank)), key=lambda v: (self.rank[v], v)):
            stack = [start]
            while stack:
                v = stack.pop()
                if seen[v]:
                    continue
                seen[v] = True
                rows[self.rank[v]].append(v)
                # Reversed, as the stack gives the last first: the first box that runs stands furthest left.
                stack += sorted({w for w, _net in self.down[v] if not seen[w]}, reverse=True)
        for rank, ports in self.fixed.items():
            rows[rank] = ports  # what a frame outside has settled is not asked again
        for row in rows:
            self._number(row)
        return rows

    def set_ports(self, v: int, ins: Sequence[int], outs: Sequence[int]) -> None:
        """Another order of the ports of a frame; crossings are counted anew."""
        self.ins[v], self.outs[v] = _places(ins), _places(outs)
        self.crossings = self.count_crossings()

    def wishes_of(self, v: int) -> tuple[list[int], list[int]]:
        """The orders of a frame's ports above and below in which its lines would not cross each other outside."""
        above = sorted((self.leaves_at(u, net), net) for u, net in self.up[v])
        beside: defaultdict[int, list[float]] = defaultdict(list)
        for w, net in self.down[v]:
            beside[net].append(self.arrives_at(w, net))
        below = sorted((sum(places) / len(places), net) for net, places in beside.items())
        return [net for _place, net in above], [net for _place, net in below]

    def sort_again(self) -> None:
        """Orders with fewer crossings, from those that there are."""
        self.crossings = self._sort()

    def _number(self, row: Sequence[int]) -> None:
        for i, v in enumerate(row):
            self.place[v] = i

    def leaves_at(self, v: int, net: int) -> float:
        """Where a line leaves below its rank's boxes, in places: a frame has several ports."""
        ports = self.outs.get(v)
        return self.place[v] + ports[net] if ports else self.place[v] + 0.5

    def arrives_at(self, v: int, net: int) -> float:
        """Where a line arrives above."""
        ports = self.ins.get(v)
        return self.place[v] + ports[net] if ports else self.place[v] + 0.5

    def _sort(self) -> int:
        """Orders with few crossings; how many there are."""
        best, rows, worse = self.count_crossings(), [list(row) for row in self.rows], 0
        # Without crossings there is nothing to better.
        for sweep in range(SWEEPS if best else 0):
            # Ties are turned around in every second pair of sweeps: otherwise equal wishes would never change places.
            self._sweep(down=sweep % 2 == 0, turned=sweep % 4 > 1)
            self._exchange()
            found = self.count_crossings()
            worse += 1
            if found < best:
                best, rows, worse = found, [list(row) for row in self.rows], 0
            # A sweep may lead through worse orders to better ones, but not for long.
            if not best or worse > 4:
                break
        self.rows = rows
        for row in rows:
            self._number(row)
        return best

    def _sweep(self, *, down: bool, turned: bool) -> None:
        # A vertex wishes to stand at the mean of what it is joined to in the rank that was sorted before its own.
        ranks = range(1, len(self.rows)) if down else range(len(self.rows) - 2, -1, -1)
        for rank in ranks:
            if rank in self.fixed:
                continue
            row = self.rows[rank]
            wish = {}
            for v in row:
                if down:
                    near = [self.leaves_at(u, net) for u, net in self.up[v]]
                else:
                    near = [self.arrives_at(u, net) for u, net in self.down[v]]
                wish[v] = sum(near) / len(near) if near else self.place[v]
            row.sort(key=lambda v: (wish[v], -self.place[v] if turned else self.place[v]))
            self._number(row)

    def _exchange(self) -> None:
        """Neighbours change places as long as that leaves fewer crossings."""
        for rank, row in enumerate(self.rows):
            # So often a vertex can go from one end of the row to the other.
            for _time in range(len(row) if rank not in self.fixed else 0):
                changed = False
                for i in range(len(row) - 1):
                    a, b = row[i], row[i + 1]
                    if self._between(a, b) > self._between(b, a):
                        row[i], row[i + 1] = b, a
                        self.place[a], self.place[b] = i + 1, i
                        changed = True
                if not changed:
                    break

    def _between(self, a: int, b: int) -> int:
        """Crossings of the lines of a with those of b, if a is to the left of b."""
        up = [self.leaves_at(u, net) for u, net in self.up[b]]
        down = [self.arrives_at(u, net) for u, net in self.down[b]]
        found = sum(self.leaves_at(u, net) > other for u, net in self.up[a] for other in up)
        return found + sum(self.arrives_at(u, net) > other for u, net in self.down[a] for other in down)

    def count_crossings(self) -> int:
        """Pairs of lines between neighbouring ranks that cross."""
        return sum(
            count_inversions(
                [(self.leaves_at(u, net), self.arrives_at(v, net)) for u in row for v, net in self.down[u]]
            )
            for row in self.rows
        )


def _places(nets: Sequence[int]) -> dict[int, float]:
    """Ports as parts of a place."""
    return {net: (i + 0.5) / len(nets) for i, net in enumerate(nets)}


def rank_boxes(count: int, lines: Sequence[Line], entering: Sequence[int], leaving: Sequence[int]) -> list[int]:
    """A rank for each vertex: lines lead down, as short as the longest way allows; ports are above and below all.

    Vertices are numbered so that lines go from smaller to greater ones, apart from ports.
    """
    ends, starts = set(leaving), set(entering)
    # Layer 0 is kept for ports, where there are some: boxes that read nothing do not stand beside them.
    rank = [1 if starts else 0] * count
    ahead: defaultdict[int, list[int]] = defaultdict(list)
    read: set[int] = set()
    for source, target, _net in lines:
        ahead[source].append(target)
        read.add(target)
    for v in starts:
        rank[v] = 0
    inner = [v for v in range(count) if v not in starts and v not in ends]
    # In the order of their numbers every source has its rank before its targets are looked at.
    for v in inner:
        for target in ahead[v]:
            rank[target] = max(rank[target], rank[v] + 1)
    for v in reversed(inner):  # what reads nothing stands right above its first reader
        readers = [rank[target] for target in ahead[v] if target not in ends]
        if v not in read and readers:
            rank[v] = max(rank[v], min(readers) - 1)
    last = 1 + max((rank[v] for v in inner), default=0)
    for v in ends:
        rank[v] = last
    return rank


def find_skips(rank: Sequence[int], lines: Sequence[Line]) -> set[Line]:
    """Lines that are not the main one: another way goes beside them, through boxes, as round a block, or they lead to
    boxes from which nothing comes to the last rank, while others of the same source do.
    """
    ahead: list[set[int]] = [set() for _v in rank]
    for source, target, _net in lines:
        ahead[source].add(target)
    reach = [1 << v for v in range(len(rank))]  # of each vertex itself and those below it, a bit for each
    # From below: what can be reached from the next ranks is known then.
    for v in sorted(range(len(rank)), key=lambda v: -rank[v]):
        for w in ahead[v]:
            reach[v] |= reach[w]
    # Bits of integers in place of sets: a frame may have hundreds of boxes, and each sees most of those below.
    last = sum(1 << v for v in range(len(rank)) if rank[v] == max(rank))
    found = set()
    for line in lines:
        others = [w for w in ahead[line.source] if w != line.target]
        passes = rank[line.target] - rank[line.source] > 1 and any(reach[w] >> line.target & 1 for w in others)
        if passes or (not reach[line.target] & last and any(reach[w] & last for w in others)):
            found.add(line)
    return found


def count_inversions(pairs: list[tuple[float, float]]) -> int:
    """How many pairs of lines (from, to) cross; lines with a common end do not."""
    pairs.sort()
    passed: list[float] = []  # where the lines further left arrive, in order
    found = 0
    for _start, group in groupby(pairs, key=itemgetter(0)):
        # All lines that leave at one place are counted before any is added: they do not cross each other.
        ends = [end for _from, end in group]
        found += sum(len(passed) - bisect_right(passed, end) for end in ends)
        for end in ends:
            insort(passed, end)
    return found
