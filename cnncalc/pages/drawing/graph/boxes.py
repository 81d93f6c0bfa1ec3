"""Boxes to place, and the room that they and the lines between them take. Lengths are whole pixels."""

from collections.abc import Mapping, Sequence

from cnncalc.pages.drawing.graph.ranks import Line, Ranks

SIDE, FOOT, HEAD = 12, 10, 22  # room inside a frame's border: left and right, below, above for its title
GAP, NARROW = 14, 6  # between neighbours; the width of a line that passes
STEP = 26  # between ranks, where lines go straight down

Point = tuple[int, int]
Offsets = dict[tuple[int, int], int]


class Box:
    """A box to place: a node, or a frame with boxes inside. Places are relative to the frame around it.

    size      of a node, elements of its output along its spatial axes; of a frame that of its last part
    title     the width of a frame's title
    lines     of a frame: (source, target, net) between its parts by number; -1 is the outside
    up        whether the lines in a frame lead up, as in the right half of a U
    ins, outs x of the ports of nets that enter and leave, from the left edge, once the frame is laid out
    routes    points of each line, once the frame is laid out
    """

    def __init__(self, w: int = 0, h: int = 0, size: int = 0, parts: "Sequence[Box]" = (),
                 lines: Sequence[Line] = (), title: int = 0) -> None:  # fmt: skip
        self.w, self.h, self.parts, self.lines, self.title = w, h, parts, lines, title
        self.size: int = parts[-1].size if parts else size
        self.x = self.y = self.title_x = 0
        self.up = False
        self.ins: dict[int, int] = {}
        self.outs: dict[int, int] = {}
        self.routes: dict[Line, list[Point]] = {}

    @property
    def is_frame(self) -> bool:
        return bool(self.parts)

    def turn_up(self) -> None:
        """Lines in this frame and all inside it lead up."""
        self.up = True
        for part in self.parts:
            part.turn_up()

    def move_inside(self, by: int, down: int = 0) -> None:
        """Everything inside a frame, further to the right and down."""
        for part in self.parts:
            part.x, part.y = part.x + by, part.y + down
        self.routes = {line: [(x + by, y + down) for x, y in points] for line, points in self.routes.items()}
        self.ins = {net: x + by for net, x in self.ins.items()}
        self.outs = {net: x + by for net, x in self.outs.items()}

    def straighten_entries(self) -> None:
        """Ports of nets that one box reads go right above (or below) where their line arrives; their order stays."""
        for net in self.ins:
            lines = [line for line in self.routes if line.source < 0 and line.net == net]
            points = self.routes[lines[0]]
            if len(lines) == 1 and len(points) > 2:
                x = self.ins[net] = points[2][0]
                self.routes[lines[0]] = [(x, points[0][1]), *points[2:]]

    def flip(self) -> None:
        """Everything inside a frame upside down; frames inside are as they are to be."""
        for part in self.parts:
            part.y = self.h - part.y - part.h
        self.routes = {line: [(x, self.h - y) for x, y in points] for line, points in self.routes.items()}


def offsets(frame: Box, ranks: Ranks) -> tuple[Offsets, Offsets]:
    """Where lines meet boxes, from the middle, by (vertex, net): above, and below."""
    above: Offsets = {}
    below: Offsets = {}
    for v, part in enumerate(frame.parts):
        if part.is_frame:
            above |= {(v, net): x - part.w // 2 for net, x in part.ins.items()}
            below |= {(v, net): x - part.w // 2 for net, x in part.outs.items()}
            continue
        # What arrives at a node spreads over its upper edge, the one line that goes straight down in the middle.
        near = sorted((ranks.leaves_at(u, net), u, net) for u, net in ranks.up[v])
        straight = [i for i, (_place, u, _net) in enumerate(near) if (u, v) not in ranks.skips]
        middle = 2 * straight[0] if len(straight) == 1 else len(near) - 1
        reach = max(middle, 2 * (len(near) - 1) - middle, 1)
        step = min(12, (part.w - 12) // 2 // reach)  # the outermost stays 6 pixels inside the edge
        above |= {(v, net): (2 * i - middle) * step for i, (_place, _u, net) in enumerate(near)}
    return above, below


def set_rows(frame: Box, ranks: Ranks, middles: Sequence[int], above: Mapping[tuple[int, int], int],
             below: Mapping[tuple[int, int], int], first: int, last: int) -> tuple[list[int], list[int]]:  # fmt: skip
    """Top and bottom of each rank: apart as far as lines between them go to the side.

    first, last  room above and below all of them, through which ports lead
    """
    tops, bottoms = [], []
    y = 0 if ranks.entering else first
    ends = len(ranks.rows) - 1
    for i, row in enumerate(ranks.rows):
        height = max((frame.parts[v].h for v in row if v < len(frame.parts)), default=0)
        if i == 0 and ranks.entering:
            height = first - 4 if first > FOOT else 0  # lines go aside below the title
        elif i == ends and ranks.leaving:
            height = last - 4 if last > FOOT else 0
        tops.append(y)
        bottoms.append(y + height)
        aside = max(
            (abs(middles[u] + below.get((u, net), 0) - middles[v] - above.get((v, net), 0))
             for u in row for v, net in ranks.down[u]),
            default=0,
        )  # fmt: skip
        # The further a line goes aside, the more room its bend has: flat curves could not be told from each other.
        step = STEP + min(aside // 8, 40)
        # From a port to the first box there is the border's own room already.
        if (i == 0 and ranks.entering) or (i + 1 == ends and ranks.leaving):
            step = max(12, step - 14)
        y += height + step
    return tops, bottoms or [0]


def make_room(frame: Box) -> None:
    """Room for the title beside the lines that cross the upper border: to their left, or to their right."""
    # Without any port there the title is left of all of them: one far to the right says so.
    ports = [*(frame.outs if frame.up else frame.ins).values()] or [frame.w + 1_000_000]
    need_left, need_right = frame.title + SIDE - min(ports), max(ports) + 8 + frame.title + SIDE // 2 - frame.w
    frame.title_x = SIDE // 2 + 2
    if need_left > 0 and need_right < need_left:
        frame.title_x = max(ports) + 8
        frame.w = max(frame.w, frame.w + need_right)
    elif need_left > 0:
        frame.move_inside(need_left + need_left % 2)
        frame.w += need_left + need_left % 2
    frame.w = max(frame.w, frame.title_x + frame.title + SIDE // 2)
    frame.w += frame.w % 2  # widths are even, so that a middle is a whole pixel
