"""Where vertices in ranks stand from left to right: long lines straight, boxes in the middle of what they read.

After Brandes and Köpf (2001), on boxes of any width with ports (Rüegg et al. 2015): vertices are aligned into
columns in four ways, each is packed, and a vertex stands at the mean of the two middle places. Whole numbers only.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from cnncalc.pages.drawing.graph.ranks import Ranks

Offsets = Mapping[tuple[int, int], int]  # of (vertex, net): where the line meets it, from its middle


def set_columns(ranks: Ranks, widths: Sequence[int], above: Offsets, below: Offsets, gap: int) -> list[int]:
    """The middle of each vertex; `above` and `below` are the offsets of lines that arrive and leave."""
    rank_conflicts = find_conflicts(ranks)
    runs: list[list[int]] = []
    # Left and right take turns: run i is packed to the side i % 2, which the shift below goes by.
    for down in (True, False):
        near = find_near(ranks, above, below, down=down)
        for left in (True, False):
            one = _Run(ranks, widths, gap, near=near, conflicts=rank_conflicts, down=down, left=left)
            runs.append(one.x)
    if not runs[0]:
        return []
    spans = [
        (min(x - w // 2 for x, w in zip(run, widths, strict=True)),
         max(x + w // 2 for x, w in zip(run, widths, strict=True)))
        for run in runs
    ]  # fmt: skip
    # The four are made to lie over each other, on the narrowest, before their places are compared.
    small = min(range(4), key=lambda i: (spans[i][1] - spans[i][0], i))
    for i, run in enumerate(runs):  # packed to the left: left edges together; to the right: right edges
        side = i % 2
        shift = spans[small][side] - spans[i][side]
        runs[i] = [x + shift for x in run]
    found = []
    # The mean of the two in the middle keeps their order: no vertex comes over its neighbour, as in each of the runs.
    for four in zip(*runs, strict=True):
        _least, b, c, _most = sorted(four)
        found.append((b + c) // 2)
    return found


def find_conflicts(ranks: Ranks) -> set[tuple[int, int]]:
    """Arcs (upper, lower) that cross one between two bends, which is to be straight."""
    # Between bends a long line passes ranks without a box to hold it: crooked, it would look like several lines.
    found = set()
    for row in ranks.rows[:-1]:
        arcs = [(ranks.leaves_at(u, net), ranks.arrives_at(v, net), u, v) for u in row for v, net in ranks.down[u]]
        inner = [arc for arc in arcs if ranks.is_bend(arc[2]) and ranks.is_bend(arc[3])]
        if not inner:
            continue
        for a, b, u, v in arcs:
            if not (ranks.is_bend(u) and ranks.is_bend(v)) and any((a < c) != (b < d) for c, d, _u, _v in inner):
                found.add((u, v))
    return found


def find_near(ranks: Ranks, above: Offsets, below: Offsets, *, down: bool) -> list[list[tuple[int, int]]]:
    """For each vertex those that it may stand below (or above), with the shift that makes the line straight.

    The main line comes first, and what passes by goes round: it is only straight where no main line wants to be.
    """
    neighbours, others = (ranks.up, ranks.down) if down else (ranks.down, ranks.up)
    leaves, arrives, place = (below, above, ranks.leaves_at) if down else (above, below, ranks.arrives_at)
    skips = ranks.skips if down else {(v, u) for u, v in ranks.skips}
    found = []
    for v, near in enumerate(neighbours):
        if skips:
            main = [(u, net) for u, net in near if (u, v) not in skips]
            near = main or [(u, net) for u, net in near if all((u, w) in skips for w, _net in others[u])]
        # By their places, then by number and shift.
        ordered = [(place(u, net), u, leaves.get((u, net), 0) - arrives.get((v, net), 0)) for u, net in near]
        ordered.sort()
        found.append([(u, shift) for _place, u, shift in ordered])
    return found


class _Run:
    """One of the four ways: aligned downwards or upwards, the left or the right of two middle ones first."""

    def __init__(self, ranks: Ranks, widths: Sequence[int], gap: int, *, near: Sequence[Sequence[tuple[int, int]]],
                 conflicts: set[tuple[int, int]], down: bool, left: bool) -> None:  # fmt: skip
        self.ranks, self.down, self.left, self.conflicts = ranks, down, left, conflicts
        self.near = near
        self.root = list(range(len(widths)))
        self.shift = [0] * len(widths)  # of a vertex from its column
        self._align()
        self.x = self._pack(widths, gap)

    def _align(self) -> None:
        """Vertices into columns: each joins the one in the middle of what it reads (or is read by), if it is free."""
        rows = self.ranks.rows if self.down else self.ranks.rows[::-1]
        place, taken = self.ranks.place, set()
        for row in rows:
            # Columns do not cross: a vertex may only join one beyond the last that was joined in this row.
            last = -1 if self.left else 1 << 60
            for v in row if self.left else reversed(row):
                near = self.near[v]
                # Of an even number there are two in the middle; the run says which of them is tried first.
                middle = sorted({(len(near) - 1) // 2, len(near) // 2}, reverse=not self.left) if near else []
                for i in middle:
                    u, shift = near[i]
                    free = place[u] > last if self.left else place[u] < last
                    pair = (u, v) if self.down else (v, u)
                    if free and u not in taken and pair not in self.conflicts:
                        self.root[v] = self.root[u]
                        self.shift[v] = self.shift[u] + shift
                        last = place[u]
                        taken.add(u)
                        break

    def _pack(self, widths: Sequence[int], gap: int) -> list[int]:
        """Columns as far to the left as they go, then as near to their right neighbours; or the other way round."""
        # How far the middles of two columns must be apart: the most that any row asks in which they are neighbours.
        apart: dict[int, dict[int, int]] = {}
        behind: dict[int, dict[int, int]] = {}
        for row in self.ranks.rows:
            for u, v in pairwise(row):
                a, b = self.root[u], self.root[v]
                need = (widths[u] + widths[v]) // 2 + gap + self.shift[u] - self.shift[v]
                apart.setdefault(a, {})[b] = max(need, apart.get(a, {}).get(b, need))
                behind.setdefault(b, {})[a] = apart[a][b]
        order = _sort_columns(sorted(set(self.root)), apart)
        # To the right is to the left in a mirror: the same passes with both ways exchanged, and the sign at the end.
        if not self.left:
            order, apart, behind = order[::-1], behind, apart
        x: dict[int, int] = {}
        for v in order:
            x[v] = max((x[u] + need for u, need in behind.get(v, {}).items()), default=0)
        for v in reversed(order):
            room = min((x[w] - need for w, need in apart.get(v, {}).items()), default=x[v])
            x[v] = max(x[v], room)
        sign = 1 if self.left else -1
        return [sign * x[self.root[v]] + self.shift[v] for v in range(len(widths))]


def _sort_columns(vertices: Sequence[int], ahead: Mapping[int, Mapping[int, int]]) -> list[int]:
    """The columns, each behind all that stand to its left."""
    waiting = dict.fromkeys(vertices, 0)
    for near in ahead.values():
        for v in near:
            waiting[v] += 1
    ready = [v for v in vertices if not waiting[v]]
    order = []
    while ready:
        v = ready.pop()
        order.append(v)
        for w in ahead.get(v, {}):
            waiting[w] -= 1
            if not waiting[w]:
                ready.append(w)
    return order
