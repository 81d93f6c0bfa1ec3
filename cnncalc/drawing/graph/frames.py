"""Frames with boxes inside, placed: each frame by itself, from inside out, with ports where lines cross its border."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnncalc.drawing.graph.columns import set_columns
from cnncalc.drawing.graph.layers import Layers, Line

SIDE, FOOT, HEAD = 12, 10, 22  # room inside a frame's border: left and right, below, above for its title
GAP, NARROW = 14, 6  # between neighbours; the width of a line that passes
STEP = 26  # between layers, where lines go straight down

Point = tuple[int, int]


class Box:
    """A box to place: a node, or a frame with boxes inside. Places are relative to the frame around it.

    lines     of a frame: (source, target, net) between its boxes by number; -1 is the outside
    ins, outs x of the ports above and below, from the left edge, by net, once the frame is laid out
    routes    points of each line, once the frame is laid out
    """

    def __init__(self, w: int = 0, h: int = 0, parts: "Sequence[Box]" = (), lines: Sequence[Line] = (),
                 title: int = 0) -> None:  # fmt: skip
        self.w, self.h, self.parts, self.lines, self.title = w, h, parts, lines, title
        self.x = self.y = self.title_x = 0
        self.ins: dict[int, int] = {}
        self.outs: dict[int, int] = {}
        self.routes: dict[Line, list[Point]] = {}

    @property
    def is_frame(self) -> bool:
        return bool(self.parts)


class Sketch(NamedTuple):
    """A frame's boxes and ports as vertices: its parts by number, then ports for nets that enter and that leave."""

    layers: Layers
    entering: list[int]
    leaving: list[int]
    ends: dict[Line, Line]  # each line between vertices


def lay_out(frame: Box, *, bare: bool = False) -> None:
    """Places for everything inside a frame, and its size; `bare`: without a border and a title."""
    for part in frame.parts:
        if part.is_frame:
            lay_out(part)
    sketch = sketched(frame)
    layers = sketch.layers
    widths = [NARROW] * len(layers.rank)
    widths[: len(frame.parts)] = [part.w for part in frame.parts]
    above, below = offsets(frame, layers)
    middles = set_columns(layers, widths, above, below, GAP)
    left = min((x - w // 2 for x, w in zip(middles, widths, strict=True)), default=0) - (0 if bare else SIDE)
    middles = [x - left for x in middles]
    right = max((x + w // 2 for x, w in zip(middles, widths, strict=True)), default=0)
    frame.w = right + (0 if bare else SIDE)
    tops, bottoms = set_rows(frame, layers, middles, above, below, bare=bare)
    frame.h = bottoms[-1] if bare or sketch.leaving else bottoms[-1] + FOOT
    for v, part in enumerate(frame.parts):
        part.x, part.y = middles[v] - part.w // 2, tops[layers.rank[v]]
    for (line, ends), path in zip(sketch.ends.items(), layers.paths, strict=True):
        points = []
        for v in path:
            off = 0 if v == ends.source else above.get((v, ends.net), 0)
            if v == ends.source:
                off = below.get((v, ends.net), 0)
            x, top, bottom = middles[v] + off, tops[layers.rank[v]], bottoms[layers.rank[v]]
            if v != ends.source:
                points.append((x, top))
            if v == ends.source:
                points += [(x, top + (frame.parts[v].h if v < len(frame.parts) else 0)), (x, bottom)]
            elif v != ends.target:
                points.append((x, bottom))
        frame.routes[line] = points
    first = len(frame.parts)
    frame.ins = {net: middles[first + i] for i, net in enumerate(sketch.entering)}
    start = first + len(sketch.entering)
    frame.outs = {net: middles[start + i] for i, net in enumerate(sketch.leaving)}
    if not bare:
        make_room(frame)


def sketched(frame: Box) -> Sketch:
    """The frame's parts in layers."""
    entering = list(dict.fromkeys(line.net for line in frame.lines if line.source < 0))
    leaving = list(dict.fromkeys(line.net for line in frame.lines if line.target < 0))
    first = len(frame.parts)
    port_in = {net: first + i for i, net in enumerate(entering)}
    port_out = {net: first + len(entering) + i for i, net in enumerate(leaving)}
    ends = {
        line: Line(port_in[line.net] if line.source < 0 else line.source,
                   port_out[line.net] if line.target < 0 else line.target, line.net)
        for line in frame.lines
    }  # fmt: skip
    ins = {v: sorted(part.ins, key=part.ins.__getitem__) for v, part in enumerate(frame.parts)}
    outs = {v: sorted(part.outs, key=part.outs.__getitem__) for v, part in enumerate(frame.parts)}
    count = first + len(entering) + len(leaving)
    layers = Layers(count, list(ends.values()), list(port_in.values()), list(port_out.values()), ins, outs)
    return Sketch(layers, entering, leaving, ends)


def offsets(frame: Box, layers: Layers) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """Where lines meet boxes, from the middle: above, as (vertex, net), and below."""
    above: dict[tuple[int, int], int] = {}
    below: dict[tuple[int, int], int] = {}
    for v, part in enumerate(frame.parts):
        if part.is_frame:
            above |= {(v, net): x - part.w // 2 for net, x in part.ins.items()}
            below |= {(v, net): x - part.w // 2 for net, x in part.outs.items()}
            continue
        near = sorted((layers.leaves_at(u, net), u, net) for u, net in layers.up[v])
        straight = [i for i, (_place, u, _net) in enumerate(near) if (u, v) not in layers.skips]
        middle = 2 * straight[0] if len(straight) == 1 else len(near) - 1
        reach = max(middle, 2 * (len(near) - 1) - middle, 1)
        step = min(12, (part.w - 12) // 2 // reach)
        above |= {(v, net): (2 * i - middle) * step for i, (_place, _u, net) in enumerate(near)}
    return above, below


def set_rows(frame: Box, layers: Layers, middles: Sequence[int], above: Mapping[tuple[int, int], int],
             below: Mapping[tuple[int, int], int], *, bare: bool) -> tuple[list[int], list[int]]:  # fmt: skip
    """Top and bottom of each layer: apart as far as lines between them go to the side."""
    tops, bottoms = [], []
    y = 0 if bare or layers.entering else HEAD
    for i, row in enumerate(layers.rows):
        height = max((frame.parts[v].h for v in row if v < len(frame.parts)), default=0)
        if i == 0 and layers.entering:
            height = HEAD - 8
        tops.append(y)
        bottoms.append(y + height)
        aside = max(
            (abs(middles[u] + below.get((u, net), 0) - middles[v] - above.get((v, net), 0))
             for u in row for v, net in layers.down[u]),
            default=0,
        )  # fmt: skip
        step = STEP + min(aside // 8, 40)
        if (i == 0 and layers.entering) or (i + 2 == len(layers.rows) and layers.leaving):
            step = max(12, step - 14)
        y += height + step
    return tops, bottoms or [0]


def make_room(frame: Box) -> None:
    """Room for the title beside the lines that cross the upper border: to their left, or to their right."""
    ports = [*frame.ins.values()] or [frame.w + 1_000_000]
    need_left, need_right = frame.title + SIDE - min(ports), max(ports) + 8 + frame.title + SIDE // 2 - frame.w
    frame.title_x = SIDE // 2 + 2
    if need_left > 0 and need_right < need_left:
        frame.title_x = max(ports) + 8
        frame.w = max(frame.w, frame.w + need_right)
    elif need_left > 0:
        shift_right(frame, need_left + need_left % 2)
    frame.w = max(frame.w, frame.title_x + frame.title + SIDE // 2)
    frame.w += frame.w % 2


def shift_right(frame: Box, by: int) -> None:
    """Everything inside a frame, further to the right."""
    for part in frame.parts:
        part.x += by
    frame.routes = {line: [(x + by, y) for x, y in points] for line, points in frame.routes.items()}
    frame.ins = {net: x + by for net, x in frame.ins.items()}
    frame.outs = {net: x + by for net, x in frame.outs.items()}
    frame.w += by
