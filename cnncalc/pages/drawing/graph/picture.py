"""The picture of a network's dataflow as a plain value: nodes, frames and edges with their places, ready for JSON.

Places are whole pixels, x to the right and y down, from the top left of the picture.
"""

from typing import Any, TypedDict


class Node(TypedDict):
    """A box: an input, a row of the table, or a folded block.

    id        of the row or the block, unique; what `folded` of `place` takes, where it is a block's
    name      in full; title: what of it is written in the box, its frame's name left out
    lines     what stands below the title, line by line
    kind, shape, number   the same as data: `conv + relu`; [64, 112, 112]; the quantity asked for, as the table has it
    heat      the number's part of the largest in this picture, 0 to 1; None where there is none, or it is not known
    role      "input", "layer" or "block"; output: whether its result leaves the network; times: repeats inside
    frame     the id of the frame around it; "" outside all
    """

    id: str
    name: str
    title: str
    lines: list[str]
    kind: str
    shape: list[int]
    number: Any
    heat: float | None
    role: str
    output: bool
    times: int
    frame: str
    x: int
    y: int
    w: int
    h: int


class Frame(TypedDict):
    """A block that is not folded, round its nodes. `folds`: the ids of the blocks that it may be folded as.

    A block with one block alone inside has one frame with it. The title's baseline starts at `title_x`, `title_y`.
    """

    id: str
    folds: list[str]
    name: str
    title: str
    frame: str
    depth: int
    x: int
    y: int
    w: int
    h: int
    title_x: int
    title_y: int


class Edge(TypedDict):
    """A line from a node to another, through its points.

    Points come in turns: straight down a column, then across to the next. What goes across may be drawn straight, or
    as a curve that starts and ends vertically; neither meets a box on its way.
    """

    source: str
    target: str
    points: list[list[int]]


class Legend(TypedDict):
    """What heat means: the heading of the quantity, and the numbers at 0 and at 1 as people read them."""

    quantity: str
    heading: str
    least: str
    most: str


class Picture(TypedDict):
    """All of it. `legend` is None where no quantity is asked for, or none of it is known."""

    width: int
    height: int
    nodes: list[Node]
    frames: list[Frame]
    edges: list[Edge]
    legend: Legend | None
