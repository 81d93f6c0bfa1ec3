"""Frames with boxes inside, placed: each frame by itself, from inside out, with ports where lines cross its border."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cnncalc.pages.drawing.graph.boxes import (
    FOOT,
    GAP,
    HEAD,
    NARROW,
    SIDE,
    STEP,
    Box,
    Point,
    make_room,
    offsets,
    set_rows,
)
from cnncalc.pages.drawing.graph.columns import set_columns
from cnncalc.pages.drawing.graph.horseshoe import find_legs
from cnncalc.pages.drawing.graph.ranks import Line, Ranks

LANE = 36  # between the legs of a U, where lines go across
BETWEEN = 56  # its two halves


class Order(NamedTuple):
    """How the parts of a frame are ordered, and the parts of its frames; its ports from left to right."""

    ranks: Ranks
    ends: dict[Line, Line]  # each line between the vertices of `ranks`
    ins: list[int]
    outs: list[int]
    inside: "dict[int, Orders]"
    crossings: int


class Leg(NamedTuple):
    """A piece of a U: a frame without a border, and the numbers that its parts have in the frame around it."""

    box: Box
    numbers: list[int]
    order: Order


class Bow(NamedTuple):
    """A frame that is a U, in its legs as they run; `mains`: the nets from each to the next; `across`: the net of the
    line across, by leg; its ports.
    """

    legs: list[Leg]
    mains: list[int]
    across: dict[int, int]
    ins: list[int]
    outs: list[int]
    crossings: int


Orders = Order | Bow


def order_parts(frame: Box, ins: Sequence[int] = (), outs: Sequence[int] = ()) -> Orders:
    """An order with few crossings, inside frames and between them, with these ports if they are given."""
    # No U in the right half of a U: its legs would have to be turned twice.
    legs = None if frame.up else find_legs([part.size for part in frame.parts], frame.lines)
    return order_ranks(frame, ins, outs) if legs is None else order_legs(frame, legs)


def order_ranks(frame: Box, ins: Sequence[int] = (), outs: Sequence[int] = ()) -> Order:
    """Frames are ordered first by themselves; where the lines outside wish their ports otherwise, they are ordered
    again with these, and stay so if there are fewer crossings in all.
    """
    inside = {v: order_parts(part) for v, part in enumerate(frame.parts) if part.is_frame}
    ranks, ends = ranks_of(frame, inside, ins, outs)
    # Twice: another order inside a frame moves its ports, which moves what its neighbours wish; then it settles.
    for _time in range(2):
        changed = False
        for v, order in inside.items():
            above, below = ranks.wishes_of(v)
            # Nothing crosses, or the ports stand as the lines wish: no other order would be better.
            if not ranks.crossings or (above, below) == (order.ins, order.outs):
                continue
            other = order_parts(frame.parts[v], above, below)
            before = ranks.crossings + order.crossings
            ranks.set_ports(v, other.ins, other.outs)
            if ranks.crossings + other.crossings < before:
                inside[v], changed = other, True
            else:
                ranks.set_ports(v, order.ins, order.outs)
        if not changed:
            break
        ranks.sort_again()
    first = len(frame.parts)
    crossings = ranks.crossings + sum(order.crossings for order in inside.values())
    nets = {v: end.net for end in ends.values() for v in (end.source, end.target) if v >= first}
    above, below = ([nets[v] for v in by_place(ranks, ports)] for ports in (ranks.entering, ranks.leaving))
    return Order(ranks, ends, above, below, inside, crossings)


def ranks_of(frame: Box, inside: Mapping[int, Orders], ins: Sequence[int],
              outs: Sequence[int]) -> tuple[Ranks, dict[Line, Line]]:  # fmt: skip
    """The frame's parts and ports in ranks: parts by number, then ports for nets that enter and that leave."""
    entering = list(ins) or list(dict.fromkeys(line.net for line in frame.lines if line.source < 0))
    leaving = list(outs) or list(dict.fromkeys(line.net for line in frame.lines if line.target < 0))
    first = len(frame.parts)
    port_in = {net: first + i for i, net in enumerate(entering)}
    port_out = {net: first + len(entering) + i for i, net in enumerate(leaving)}
    ends = {
        line: Line(port_in[line.net] if line.source < 0 else line.source,
                   port_out[line.net] if line.target < 0 else line.target, line.net)
        for line in frame.lines
    }  # fmt: skip
    count = first + len(entering) + len(leaving)
    fixed = [list(ports.values()) for ports, given in ((port_in, ins), (port_out, outs)) if given]
    above = {v: order.ins for v, order in inside.items()}
    below = {v: order.outs for v, order in inside.items()}
    ranks = Ranks(count, list(ends.values()), list(port_in.values()), list(port_out.values()), above, below, fixed)
    return ranks, ends


def order_legs(frame: Box, found: Sequence[Sequence[int]]) -> Bow:
    """The legs of a U, each ordered by itself."""
    turn = len(found) // 2
    lines, mains, across = share_lines(frame.lines, found)
    legs = []
    for i, numbers in enumerate(found):
        box = Box(parts=[frame.parts[part] for part in numbers], lines=list(lines[i]))
        if i > turn:
            order = order_upwards(box, across[i], mains[i - 1])
        else:
            # What leads across leaves to the right of the main line; from the leg round the turn nothing does.
            order = order_ranks(box, (), list(dict.fromkeys([mains[i], across.get(i, mains[i])])))
        legs.append(Leg(box, list(numbers), order))
    ins = list(dict.fromkeys(line.net for line in frame.lines if line.source < 0))
    outs = list(dict.fromkeys(line.net for line in frame.lines if line.target < 0))
    found_mains = [mains[i] for i in range(len(found) - 1)]
    return Bow(legs, found_mains, across, ins, outs, sum(leg.order.crossings for leg in legs))


def share_lines(
    lines: Sequence[Line], legs: Sequence[Sequence[int]]
) -> tuple[list[dict[Line, None]], dict[int, int], dict[int, int]]:
    """The lines of each leg, in its own numbers; by leg the net that leads to the next, and the one that leads across.

    A line between two legs leaves the one and enters the other: it is a line of both.
    """
    leg_of = {part: i for i, numbers in enumerate(legs) for part in numbers} | {-1: -1}
    place = {part: i for numbers in legs for i, part in enumerate(numbers)} | {-1: -1}
    shared: list[dict[Line, None]] = [{} for _leg in legs]
    mains: dict[int, int] = {}
    across: dict[int, int] = {}
    for source, target, net in lines:
        one, other = leg_of[source], leg_of[target]
        if one >= 0:
            shared[one][Line(place[source], place[target] if one == other else -1, net)] = None
        if other >= 0 and one != other:
            shared[other][Line(-1, place[target], net)] = None
        if one >= 0 and other == one + 1:
            mains[one] = net
        elif one >= 0 and other > one:
            across[one] = across[other] = net
    return shared, mains, across


def order_upwards(box: Box, across: int, main: int) -> Order:
    """A right leg of a U. What comes across arrives to the left of what comes from below.

    It is ordered and laid out as if it ran down too, and turned upside down when it has its places.
    """
    box.turn_up()
    order = order_ranks(box, list(dict.fromkeys([across, main])))
    # What comes across counts as passing by, so that the line from below is the one that is straight.
    for path, end in zip(order.ranks.paths, order.ends.values(), strict=True):
        if end.net == across:
            order.ranks.skips.update(pairwise(path))
    return order


def lay_out(frame: Box, order: Orders, *, bare: bool = False) -> None:
    """Places for everything inside a frame, and its size; `bare`: without a border and a title."""
    # A frame that leads up is flipped at the end: until then the room for its title is at its foot.
    first, last = (0, 0) if bare else (FOOT, HEAD) if frame.up else (HEAD, FOOT)
    side = 0 if bare else SIDE
    if isinstance(order, Bow):
        place_legs(frame, order, first, last, side)
    else:
        place_ranks(frame, order, first, last, side)
    if not bare:
        make_room(frame)
    if frame.up:
        frame.flip()


def place_ranks(frame: Box, order: Order, first: int, last: int, side: int) -> None:
    """Places for parts in ranks, with so much room around them."""
    for v, inner in order.inside.items():
        lay_out(frame.parts[v], inner)
    ranks, count = order.ranks, len(frame.parts)
    # Ports and bends are vertices too, as wide as a line with some air.
    widths = [part.w for part in frame.parts] + [NARROW] * (len(ranks.rank) - count)
    above, below = offsets(frame, ranks)
    middles = set_columns(ranks, widths, above, below, GAP)
    left = min((x - w // 2 for x, w in zip(middles, widths, strict=True)), default=0) - side
    middles = [x - left for x in middles]
    frame.w = max((x + w // 2 for x, w in zip(middles, widths, strict=True)), default=0) + side
    tops, bottoms = set_rows(frame, ranks, middles, above, below, first, last)
    # Where lines leave, the last rank is that of their ports, which lies on the border.
    frame.h = bottoms[-1] if ranks.leaving else bottoms[-1] + last
    for v, part in enumerate(frame.parts):
        part.x, part.y = middles[v] - part.w // 2, tops[ranks.rank[v]]
    for (line, ends), path in zip(order.ends.items(), ranks.paths, strict=True):
        source, target, net = ends
        # Down out of the box to the foot of its rank, and through each rank on the way straight down.
        x, y = middles[source] + below.get((source, net), 0), tops[ranks.rank[source]]
        points = [(x, y + (frame.parts[source].h if source < count else 0)), (x, bottoms[ranks.rank[source]])]
        for v in path[1:-1]:
            points += [(middles[v], tops[ranks.rank[v]]), (middles[v], bottoms[ranks.rank[v]])]
        points.append((middles[target] + above.get((target, net), 0), tops[ranks.rank[target]]))
        if target >= count:
            points.append((points[-1][0], bottoms[ranks.rank[target]]))
        frame.routes[line] = points
    frame.ins = {net: middles[v] for net, v in zip(order.ins, by_place(ranks, ranks.entering), strict=True)}
    frame.outs = {net: middles[v] for net, v in zip(order.outs, by_place(ranks, ranks.leaving), strict=True)}


def by_place(ranks: Ranks, ports: Sequence[int]) -> list[int]:
    return sorted(ports, key=ranks.place.__getitem__)


def place_legs(frame: Box, bow: Bow, first: int, last: int, side: int) -> None:
    """Places for the legs of a U: down on the left, up on the right, both ends of a line across on one level."""
    boxes = [leg.box for leg in bow.legs]
    for leg in bow.legs:
        lay_out(leg.box, leg.order, bare=True)
        leg.box.straighten_entries()
    right = set_sides(boxes, bow, side)
    bottom = set_levels(boxes, first + (STEP if bow.outs else 0))
    # What leaves comes out at the top of the last leg, and goes down beside it to the lower border, as of any frame.
    frame.w, frame.h = right + side + (SIDE if bow.outs else 0), bottom + LANE + last
    frame.ins = {net: boxes[0].x + boxes[0].ins[net] for net in bow.ins}
    frame.outs = dict.fromkeys(bow.outs, right + SIDE)
    # A leg has no border: its parts are parts of the frame.
    for leg in bow.legs:
        for part in leg.box.parts:
            part.x, part.y = part.x + leg.box.x, part.y + leg.box.y
    route_legs(frame, bow)


def set_sides(boxes: Sequence[Box], bow: Bow, side: int) -> int:
    """Where legs stand from left to right, those down on the left, those up on the right; the right edge of all."""
    turn = len(boxes) // 2
    for i, net in enumerate(bow.mains):
        one, other = boxes[i : i + 2]
        leaves, enters = one.x + one.outs[net], other.ins[net]
        middle = one.x + (one.w - other.w) // 2
        # The main line goes straight; on its way up legs stand above each other, if it stays right of lines across.
        free = i > turn and middle + other.ins[bow.across[i + 1]] + NARROW < min(leaves, middle + enters)
        if i == turn:
            other.x = 0  # the right half begins, which is moved to its place below
        else:
            other.x = middle if free else leaves - enters
    start = side
    for half in (boxes[: turn + 1], boxes[turn + 1 :]):
        by = start - min(box.x for box in half)
        for box in half:
            box.x += by
        start = max(box.x + box.w for box in half) + BETWEEN
    return start - BETWEEN


def set_levels(boxes: Sequence[Box], top: int) -> int:
    """Where legs stand from top to bottom, leg k and leg -1 - k with their feet on one level; the lower edge of all."""
    turn = len(boxes) // 2
    y = top
    for k in range(turn):
        y += max(boxes[k].h, boxes[-1 - k].h) + (LANE if k else 0)
        boxes[k].y, boxes[-1 - k].y = y - boxes[k].h, y - boxes[-1 - k].h
    boxes[turn].y = y + LANE
    return boxes[turn].y + boxes[turn].h


def route_legs(frame: Box, bow: Bow) -> None:
    """The lines of a U: inside a leg, to the next, and across to the other half."""
    home = {part: (leg.box, i) for leg in bow.legs for i, part in enumerate(leg.numbers)}

    # Of a line inside a leg both ends are parts of it; of any other the way out of one leg and into another is known.
    def piece(box: Box, source: int, target: int, net: int) -> list[Point]:
        return [(x + box.x, y + box.y) for x, y in box.routes[Line(source, target, net)]]

    for line in frame.lines:
        source, target, net = line
        out, i = home.get(source, (None, -1))
        into, k = home.get(target, (None, -1))
        if out is into and out is not None:
            frame.routes[line] = piece(out, i, k, net)
            continue
        points = [(frame.ins[net], 0)] if out is None else piece(out, i, -1, net)
        (x, y), right = points[-1], frame.outs.get(net, 0)
        end = piece(into, -1, k, net) if into is not None else [(right, y - STEP // 2), (right, frame.h)]
        if into is None:  # it leaves the frame, by the right
            points.append((x, y - STEP // 2))
        elif out is not None and y == out.y:  # upwards: the lane below the next leg is where it goes aside
            points.append((x, into.y + into.h + LANE))
        elif x != end[0][0]:  # across, or into the leg round the turn
            points += [(x, y + LANE // 2), (end[0][0], y + LANE // 2)]
        frame.routes[line] = points + end
