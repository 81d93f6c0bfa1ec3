"""From a tree and what is folded of it to the picture: which boxes there are, and where lines run in the whole."""

from collections.abc import Sequence
from math import prod

from cnncalc.formats.numbers import value_text
from cnncalc.language import _
from cnncalc.pages.drawing.graph.boxes import Box, Point
from cnncalc.pages.drawing.graph.cells import TEXT, Cell, cell_of, heat_of, kind_of, make_even
from cnncalc.pages.drawing.graph.frames import lay_out, order_parts
from cnncalc.pages.drawing.graph.picture import Edge, Frame, Legend, Node, Picture
from cnncalc.pages.drawing.graph.ranks import Line
from cnncalc.pages.drawing.graph.tree import ONCE, Block, Leaf, Part, Tree, bounds, choose_parts, find_first_repetition
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.quantities import QUANTITIES

MARGIN = 16
TITLE_WIDTH = 260


class Seen:
    """A node or a frame that is seen: its part of the tree, and the frame around it.

    chain  of a frame: the blocks that it is, from outside in; a block with one block inside has one frame with it
    """

    def __init__(self, part: Part, around: "Seen | None", chain: Sequence[Block] = ()) -> None:
        self.part, self.around, self.chain = part, around, chain
        self.inside: list[Seen] = []
        self.number = self.depth = 0  # among its neighbours; frames around it
        self.lines: dict[Line, None] = {}
        self.box = Box()
        self.cell: Cell | None = None

    @property
    def name(self) -> str:
        """What names inside begin with."""
        return self.chain[-1].name if self.chain else self.part.name


def assemble(tree: Tree, folded: frozenset[str], quantity: str) -> Picture:
    """The picture; see `place`."""
    root, nodes, frames, edges = see(tree, folded)
    for node in nodes:
        around = "" if node.around is None or node.around is root else node.around.name
        node.cell = cell_of(tree, node.part, around, quantity)
        node.box = box_around(node.cell)
    prepare(root)
    lay_out(root.box, order_parts(root.box), bare=True)
    root.box.x = root.box.y = MARGIN
    settle(root.box)
    of, _hidden = find_stand_ins(tree, folded)
    leaving = {of.get(leaf, leaf) for leaf in tree.outputs}
    largest = max((heat_of(node.cell.number) or 0 for node in nodes if node.cell), default=0)
    return {
        "width": root.box.w + 2 * MARGIN,
        "height": root.box.h + 2 * MARGIN,
        "nodes": [node_value(node, leaving, largest) for node in nodes],
        "frames": [frame_value(frame) for frame in frames],
        "edges": [edge_value(source, target, net) for source, target, net in edges],
        "legend": legend_of(nodes, quantity),
    }


def see(tree: Tree, folded: frozenset[str]) -> tuple[Seen, list[Seen], list[Seen], list[tuple[Seen, Seen, int]]]:
    """What is seen of a network, connected: all of it, its nodes, its frames, and what leads from node to node.

    A net is the number of the node that it comes from: its lines are one where they run together.
    """
    root = Seen(tree.root, None)
    root.inside = [seen for part in tree.root.parts for seen in look(part, root, folded)]
    nodes: list[Seen] = []
    frames: list[Seen] = []
    number(root, nodes, frames)
    of_leaf = {leaf: node for node in nodes for leaf in range(*bounds(node.part))}
    order = {id(node): n for n, node in enumerate(nodes)}
    stand_in, hidden = find_stand_ins(tree, folded)
    ends = [(stand_in.get(a, a), stand_in.get(b, b)) for a, b in tree.edges if (a, b) not in hidden]
    # Several layers of a node may read one value: that is one line.
    pairs = dict.fromkeys((order[id(of_leaf[a])], order[id(of_leaf[b])]) for a, b in ends)
    # What leads from a box to itself is inside it, and no line.
    edges = [(nodes[a], nodes[b], a) for a, b in pairs if a != b]
    for edge in edges:
        for frame, line in pieces_of(*edge):
            frame.lines[line] = None  # in order, and each once: nets run together
    return root, nodes, frames, edges


def find_stand_ins(tree: Tree, folded: frozenset[str]) -> tuple[dict[int, int], set[tuple[int, int]]]:
    """For each leaf of a repetition that is not drawn the one of the first; and what leads from one to another."""
    of: dict[int, int] = {}
    hidden: set[tuple[int, int]] = set()
    for block in (tree.blocks[id.removesuffix(ONCE)] for id in folded if id.endswith(ONCE)):
        first, last = bounds(find_first_repetition(block))
        period = last - first
        of |= {leaf: first + (leaf - first) % period for leaf in range(last, block.last)}
        inside = [(a, b) for a, b in tree.edges if block.first <= a and b < block.last]
        # In the only repetition that is drawn, a line to the next one would lead back to its beginning.
        hidden |= {(a, b) for a, b in inside if (a - first) // period != (b - first) // period}
    return of, hidden


def look(part: Part, around: Seen, folded: frozenset[str]) -> list[Seen]:
    """What is seen of a part: a node, a frame, or, of a block without a frame, what is inside it."""
    if isinstance(part, Leaf) or part.id in folded:
        return [Seen(part, around)]
    parts = choose_parts(part, folded)
    if not part.frame:
        return [seen for inner in parts for seen in look(inner, around, folded)]
    frame = Seen(part, around, [part])
    frame.inside = [seen for inner in parts for seen in look(inner, frame, folded)]
    # A frame round one thing alone shows nothing: both are one, under the names of both.
    if len(frame.inside) == 1:
        only = frame.inside[0]
        only.around = around
        if only.chain:
            only.chain = [part, *only.chain]
        return [only]
    return [frame]


def number(frame: Seen, nodes: list[Seen], frames: list[Seen]) -> None:
    """All nodes and frames, in the order in which they run, with their number in their frame."""
    for i, seen in enumerate(frame.inside):
        seen.number, seen.depth = i, frame.depth + 1
        if seen.inside:
            frames.append(seen)
            number(seen, nodes, frames)
        else:
            nodes.append(seen)


def pieces_of(source: Seen, target: Seen, net: int) -> list[tuple[Seen, Line]]:
    """A line as pieces, each in its frame: out of those around the source, across, and into those around the target."""
    leaving: list[tuple[Seen, Line]] = []
    entering: list[tuple[Seen, Line]] = []
    out, into = source, target
    while out.around is not into.around:
        # The deeper end climbs, so that both ends come to the innermost frame around both.
        if out.depth >= into.depth:
            assert out.around is not None
            leaving.append((out.around, Line(out.number, -1, net)))
            out = out.around
        else:
            assert into.around is not None
            entering.append((into.around, Line(-1, into.number, net)))
            into = into.around
    assert out.around is not None
    return [*leaving, (out.around, Line(out.number, into.number, net)), *reversed(entering)]


def prepare(frame: Seen) -> None:
    """The boxes of a frame, with their lines."""
    for seen in frame.inside:
        if seen.inside:
            prepare(seen)
    frame.box = frame_around(frame, [seen.box for seen in frame.inside])


def box_around(cell: Cell) -> Box:
    """The box of a node: as large as what stands in it, on the size of its map."""
    return Box(cell.w, cell.h, prod(cell.shape[1:]))


def frame_around(frame: Seen, parts: list[Box]) -> Box:
    """The box of a frame around these, with its lines and room for its title; all of a network has none."""
    title = 0 if frame.around is None else make_even(width_of(title_of(frame), TEXT, bold=True))
    return Box(parts=parts, lines=list(frame.lines), title=title)


def title_of(frame: Seen) -> str:
    """`stage1 · bottleneck x3`: the name inside the frame around it, and what it is, if that frame does not say so."""
    around = frame.around
    outer = "" if around is None else around.name
    name = frame.chain[0].name.removeprefix(f"{outer}/")
    inner = next((block for block in frame.chain if block.times > 1), frame.chain[-1])
    repeats = around is not None and bool(around.chain) and around.chain[-1].times > 1
    kind = "" if repeats and len(frame.chain) == 1 else kind_of(inner)
    return fit(f"{name} · {kind}" if kind else name, TITLE_WIDTH, TEXT, bold=True)


def settle(frame: Box) -> None:
    """Places in the whole picture, from places in the frame around."""
    for part in frame.parts:
        part.x, part.y = part.x + frame.x, part.y + frame.y
        if part.is_frame:
            settle(part)
    frame.routes = {line: [(x + frame.x, y + frame.y) for x, y in points] for line, points in frame.routes.items()}


def edge_value(source: Seen, target: Seen, net: int) -> Edge:
    """A line's pieces put together again, without points on the way of a straight line."""
    points = [point for frame, line in pieces_of(source, target, net) for point in frame.box.routes[line]]
    return {"source": source.part.id, "target": target.part.id, "points": [list(p) for p in straighten(points)]}


def straighten(points: Sequence[Point]) -> list[Point]:
    """The points less those that are twice there, and those between two others on a vertical or horizontal line."""
    found: list[Point] = []
    for point in points:
        if found and found[-1] == point:
            continue
        while len(found) > 1 and any(found[-2][i] == found[-1][i] == point[i] for i in (0, 1)):
            found.pop()
        found.append(point)
    return found


def node_value(node: Seen, leaving: set[int], largest: int) -> Node:
    cell, part, box = node.cell, node.part, node.box
    assert cell is not None
    heat = heat_of(cell.number)
    first, last = bounds(part)
    return {
        "id": part.id,
        "name": part.name,
        "title": cell.title,
        "lines": cell.lines,
        "kind": cell.kind,
        "shape": list(cell.shape),
        "number": list(cell.number) if isinstance(cell.number, tuple) else cell.number,
        # Where nothing is more than 0, nothing is hot.
        "heat": None if heat is None else round(heat / max(largest, 1), 4),
        "role": "block" if isinstance(part, Block) else "layer" if part.row is not None else "input",
        "output": any(first <= leaf < last for leaf in leaving),
        "times": part.times if isinstance(part, Block) else 1,
        "frame": frame_id(node),
        "x": box.x,
        "y": box.y,
        "w": box.w,
        "h": box.h,
    }


def frame_id(seen: Seen) -> str:
    return "" if seen.around is None or seen.around.around is None else seen.around.part.id


def frame_value(frame: Seen) -> Frame:
    box = frame.box
    return {
        "id": frame.part.id,
        "folds": [block.id for block in frame.chain],
        "name": frame.part.name,
        "title": title_of(frame),
        "frame": frame_id(frame),
        "depth": frame.depth,
        "x": box.x,
        "y": box.y,
        "w": box.w,
        "h": box.h,
        "title_x": box.x + box.title_x,
        "title_y": box.y + 15,
    }


def legend_of(nodes: Sequence[Seen], quantity: str) -> Legend | None:
    """The largest number of any node, at which heat is 1."""
    known = [(heat_of(node.cell.number), node.cell.number) for node in nodes if node.cell]
    found = [(heat, value) for heat, value in known if heat is not None]
    most, value = max(found, key=lambda pair: pair[0], default=(0, None))
    if not most:
        return None
    return {"quantity": quantity, "heading": _(QUANTITIES[quantity].heading), "least": "0", "most": value_text(value)}
