"""Networks that look like a U: down to small maps, up again, and lines across between maps of the same size.

Found by what they are, whatever their blocks are called: on the longest way through a frame there is a turn, and the
lines that pass it are nested like parentheses, each from a smaller map than the one around it.
"""

from collections.abc import Sequence
from itertools import pairwise

from cnncalc.pages.drawing.graph.ranks import Line


def find_legs(sizes: Sequence[int], lines: Sequence[Line]) -> list[list[int]] | None:
    """The boxes of a U in legs, in the order in which they run; None if it is none.

    sizes   elements of each box's output along its spatial axes
    legs    2 m + 1 for m lines across: leg k leads down to where line k leaves, the middle one round the turn, and
            leg -1 - k begins where line k arrives
    """
    count = len(sizes)
    ahead: list[list[int]] = [[] for _box in range(count)]
    back: list[list[int]] = [[] for _box in range(count)]
    for source, target, _net in lines:
        if source >= 0 and target >= 0:
            ahead[source].append(target)
            back[target].append(source)
    spine = find_longest_way(back)
    # One line across is any residual block; maps that do not shrink are no way down.
    rungs = find_rungs(spine, ahead)
    if len(rungs) < 2 or any(sizes[spine[i]] <= sizes[spine[k]] for (i, _end), (k, _other) in pairwise(rungs)):
        return None
    legs = legs_of(spine, rungs, ahead, back)
    m = len(rungs)
    for source, target, _net in lines:
        one, other = legs[source] if source >= 0 else 0, legs[target] if target >= 0 else 2 * m
        # What enters begins the first leg, and what leaves ends the last: else a line would cut through the U.
        if (source < 0 and other != 0) or (target < 0 and one != 2 * m):
            return None
        # Inside a leg, to the next, or across to the one on the same level: there is no way for any other line.
        if source >= 0 and target >= 0 and other - one not in (0, 1) and other != 2 * m - one:
            return None
    found: list[list[int]] = [[] for _leg in range(2 * m + 1)]
    for box, leg in enumerate(legs):
        found[leg].append(box)
    return found if join_singly(legs, lines) else None


def join_singly(legs: Sequence[int], lines: Sequence[Line]) -> bool:
    """Whether no two legs are joined by lines of several boxes."""
    nets: dict[tuple[int, int], set[int]] = {}
    for source, target, net in lines:
        one, other = (legs[source] if source >= 0 else -1), (legs[target] if target >= 0 else -1)
        if one != other:
            nets.setdefault((one, other), set()).add(net)
    return all(len(found) == 1 for found in nets.values())


def find_longest_way(back: Sequence[Sequence[int]]) -> list[int]:
    """The boxes on the way with the most boxes; of several, the one that ends and runs first."""
    # Boxes are numbered as they run: the way to each source is known before its readers are asked.
    length, before = [1] * len(back), [-1] * len(back)
    for box, sources in enumerate(back):
        for source in sorted(sources):
            if length[source] + 1 > length[box]:
                length[box], before[box] = length[source] + 1, source
    way = []
    box = max(range(len(back)), key=lambda b: (length[b], -b), default=-1)
    while box >= 0:
        way.append(box)
        box = before[box]
    return way[::-1]


def find_rungs(spine: Sequence[int], ahead: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Places on the way between which lines pass the turn, from outside in; nothing where they are not nested."""
    place = {box: i for i, box in enumerate(spine)}
    jumps = set()
    for i, box in enumerate(spine):
        # A line across may lead through boxes of its own, off the longest way, before it comes back to it.
        seen, stack = set(ahead[box]), list(ahead[box])
        while stack:
            other = stack.pop()
            if other in place:
                if place[other] > i + 1:
                    jumps.add((i, place[other]))
                continue
            fresh = [w for w in ahead[other] if w not in seen]
            seen.update(fresh)
            stack += fresh
    # The turn is where most lines pass: nobody says which box it is.
    most: list[tuple[int, int]] = []
    for turn in range(1, len(spine) - 1):
        passing = sorted(jump for jump in jumps if jump[0] < turn < jump[1])
        if len(passing) > len(most):
            most = passing
    nested = all(outer[0] < inner[0] and inner[1] < outer[1] for outer, inner in pairwise(most))
    return most if nested else []


def legs_of(spine: Sequence[int], rungs: Sequence[tuple[int, int]], ahead: Sequence[Sequence[int]],
            back: Sequence[Sequence[int]]) -> list[int]:  # fmt: skip
    """The leg of each box; one that is not on the way belongs to its first reader."""
    m, legs = len(rungs), [-1] * len(ahead)
    for i, box in enumerate(spine):
        # A new leg begins behind each box from which a line leads across, and with each at which one arrives.
        legs[box] = sum(i > start for start, _end in rungs) + sum(i >= end for _start, end in rungs)
    # From the last box on, whose readers have their legs already.
    for box in range(len(legs) - 1, -1, -1):
        if legs[box] < 0 and ahead[box]:
            legs[box] = min(legs[reader] for reader in ahead[box])
    # What nobody reads goes with what it reads.
    for box, leg in enumerate(legs):
        if leg < 0:
            legs[box] = max((legs[source] for source in back[box]), default=m)
    return legs
