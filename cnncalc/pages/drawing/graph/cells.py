"""What is written in the boxes: title, kind, shape and the number that is asked for."""

from math import ceil
from typing import Any, NamedTuple

from cnncalc.formats.numbers import sizes, value_text
from cnncalc.language import _
from cnncalc.pages.drawing.graph.tree import Block, Part, Tree
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.quantities import QUANTITIES

TITLE, TEXT = 13, 12  # font sizes in pixels
LINE = 16  # from line to line
WIDEST = 320  # what a text may take; longer ones lose their middle


class Cell(NamedTuple):
    """What a box says, and how large it is for that."""

    title: str
    lines: list[str]
    kind: str
    shape: tuple[int, ...]
    number: Any
    w: int
    h: int


def cell_of(tree: Tree, part: Part, around: str, quantity: str) -> Cell:
    """The cell of a leaf or a folded block, inside a frame of the name `around`; `quantity` may be empty."""
    row = tree.row_of(part)
    # A name begins with that of the frame around it, which is to be read there.
    name = part.name if isinstance(part, Block) and part.range else part.name.removeprefix(f"{around}/")
    title = fit(name, WIDEST, TITLE, bold=True)
    if row is None:
        kind, shape, value = _("input"), tree.leaves[part.first if isinstance(part, Block) else part.number].shape, None
        lines = [sizes(shape)]
    else:
        shape = row.output
        kind = kind_of(part, row.kind) if isinstance(part, Block) else row.kind
        value = getattr(row, quantity) if quantity else None
        lines = [fit(kind, WIDEST, TEXT), sizes(shape)]
        if quantity:
            lines.append(f"{_(QUANTITIES[quantity].heading)} {value_text(value)}")
    # Even the shortest name gets 64 pixels: room for a shape, and for lines to arrive side by side.
    inside = max(width_of(title, TITLE, bold=True), *(width_of(line, TEXT) for line in lines))
    return Cell(title, lines, kind, shape, value, max(64, make_even(inside) + 20), LINE * (1 + len(lines)) + 10)


def kind_of(block: Block, kind: str = "") -> str:
    """What a block is: `bottleneck x3`, of one that nobody called what is given; of a range how many rows it is."""
    if block.range:
        return _("{count:,} rows", count=block.last - block.first)
    kind = block.kind or kind
    return f"{kind} x{block.times}" if block.times > 1 else kind


def make_even(width: float) -> int:
    """The next even number: a box has its middle at a whole pixel."""
    return 2 * ceil(width / 2)


def heat_of(value: Any) -> int | None:
    """What heat grows with: a count itself, of sizes their sum."""
    if isinstance(value, tuple):
        known = [v for v in value if v is not None]
        return sum(known) if known else None
    return None if value is None else int(value)
