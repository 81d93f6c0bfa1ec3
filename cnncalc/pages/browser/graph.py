"""The graph of a network as data for the page: every frame laid out by itself, its blocks folded.

The page puts an unfolded frame into the place of its folded box, and makes room for it: so whatever is folded, the
places are those of here. Frames, boxes and lines are those of drawing/graph; places are pixels within the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.pages.browser.pool import Text
from cnncalc.pages.drawing.graph.assembly import Seen, box_around, frame_around, see, title_of
from cnncalc.pages.drawing.graph.cells import Cell, cell_of
from cnncalc.pages.drawing.graph.frames import lay_out, order_parts
from cnncalc.pages.drawing.graph.tree import ONCE, Tree, bounds

WRITTEN = "macs"  # a box has room for this number; the page writes the one that is asked for


def graph_data(tree: Tree, places: Mapping[str, int]) -> dict[str, Any]:
    """Boxes and frames, in the language in use.

    places  the row of each leaf and block by its id; of an input a negative number

    boxes   for each row that has one: title, lines, width, height, 1 if its result leaves the network
    frames  for each block that may be unfolded: width, height, title with its place, parts as [row, x, y], ports above
            and below as {net: x}, lines as [part, part, net, x, y, x, y, ...]; -1 is the outside. `root`: that of all
    """
    # All that can be unfolded is, so that every frame is laid out once; the page folds them again.
    folded = tree.fold(tree.depth) | {block.id for block in tree.blocks.values() if not block.frame}
    root, _nodes, frames, _edges = see(tree, folded)
    boxes: dict[str, Any] = {}
    turned: set[int] = set()  # frames in whose place lines lead up
    found = {"root": frame_data(tree, root, places, boxes, turned)}
    closed = {id.removesuffix(ONCE) for id in tree.fold()}  # the page shows all repetitions of what is unfolded
    for frame in frames:
        found[str(places[frame.chain[0].id])] = frame_data(tree, frame, places, boxes, turned)
    open_ = [places[frame.chain[0].id] for frame in frames if not any(block.id in closed for block in frame.chain)]
    return {"boxes": boxes, "frames": found, "open": open_}


def frame_data(
    tree: Tree, frame: Seen, places: Mapping[str, int], boxes: dict[str, Any], turned: set[int]
) -> dict[str, Any]:
    """One frame, its parts folded; their boxes are added to `boxes`, and those in which lines lead up to `turned`."""
    bare = frame.around is None
    parts, ids = [], []
    for seen in frame.inside:
        part = seen.chain[0] if seen.chain else seen.part
        cell = cell_of(tree, part, "" if bare else frame.name, WRITTEN)
        first, last = bounds(part)
        place = places[part.id]
        ids.append(place)
        boxes[str(place)] = box_data(cell, is_output=any(first <= leaf < last for leaf in tree.outputs))
        parts.append(box_around(cell))
    box = frame_around(frame, parts)
    # The frame around this one, laid out before it, says whether lines lead up in its place.
    if not bare and places[frame.chain[0].id] in turned:
        box.turn_up()
    lay_out(box, order_parts(box), bare=bare)
    turned |= {place for place, part in zip(ids, box.parts, strict=True) if part.up}
    return {
        "w": box.w,
        "h": box.h,
        "title": ["" if bare else title_of(frame), box.title_x],
        "parts": [[place, part.x, part.y] for place, part in zip(ids, box.parts, strict=True)],
        "ins": {str(net): x for net, x in box.ins.items()},
        "outs": {str(net): x for net, x in box.outs.items()},
        "lines": [[*line, *(c for point in points for c in point)] for line, points in box.routes.items()],
    }


def box_data(cell: Cell, *, is_output: bool) -> list[Any]:
    """Title, kind and shape, width, height, whether its result leaves the network."""
    # An input has no kind: its only line is its shape.
    kind, shape, *_number = [*cell.lines, ""] if len(cell.lines) > 1 else ["", *cell.lines]
    return [cell.title, Text(kind or cell.kind), shape, cell.w, cell.h, int(is_output)]
