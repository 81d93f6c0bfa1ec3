"""A network as a drawing has it: a part for each input and each row, and which parts a part reads.

The rows are those of the table (analysis/folding.py). Where nobody says how deep blocks are folded, they are folded as
far as a reader can take in, and what is still too much is gathered in order.
"""

from typing import NamedTuple

from cnncalc.analysis.folding import Fold, count_blocks, fold, fold_blocks
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.report import Report, Row, add_rows

DEEPEST = 12  # levels of blocks that are looked through for the right depth
FEW = 12  # of so many rows that could be read one is hardly any


class Part(NamedTuple):
    """An input, or a row. `members` are its operations, by number; `reads` the parts before it whose outputs it reads.

    row  None of an input
    """

    name: str
    kind: str
    output: Shape
    reads: tuple[int, ...] = ()
    row: Row | None = None
    members: tuple[int, ...] = ()

    @property
    def role(self) -> str:
        """The role of its colour."""
        from cnncalc.pages.drawing.colours import of_kind

        return of_kind(self.kind)


def parts_of(report: Report, depth: int | None, most: int) -> list[Part]:
    """The inputs, then the rows in the order in which they run; without a depth, at most `most` rows."""
    folds = fold(report, depth=depth)
    if depth is None and len(folds) > most:
        folds = fold_to_read(report, folds, most)
    return link(report, folds)


def fold_to_read(report: Report, folds: list[Fold], most: int) -> list[Fold]:
    """The rows folded as little as gives no more than `most` of them.

    Where that leaves hardly any, and where nothing can be folded, neighbours are gathered instead.
    """
    deepest = min(max(row.name.count("/") for row, _places in folds), DEEPEST)
    # The most that can be read: the first depth from below that leaves so few.
    depth = next((depth for depth in range(deepest, 0, -1) if count_blocks(folds, depth) <= most), 0)
    if depth and count_blocks(folds, depth) * FEW >= most:
        return fold_blocks(report, folds, depth)
    return gather(folds if depth == deepest else fold_blocks(report, folds, depth + 1), most)


def gather(folds: list[Fold], most: int) -> list[Fold]:
    """Neighbouring rows as one, so that no more than `most` are left."""
    # Rounded up, so that no more than `most` are left.
    each = -(-len(folds) // most)
    found = []
    for start in range(0, len(folds), each):
        part = folds[start : start + each]
        rows = [row for row, _places in part]
        if len(rows) == 1:
            found.append(part[0])
            continue
        name = _("{first} to {last}", first=rows[0].name, last=rows[-1].name)
        row = add_rows(rows, rows[-1], name=name, kind=rows[0].kind)
        found.append((row, [i for _row, places in part for i in places]))
    return found


def link(report: Report, folds: list[Fold]) -> list[Part]:
    """The parts with what each reads of the others."""
    graph = report.graph
    assert graph is not None
    first = len(graph.inputs)
    # A row may stand for operations that are far apart: which one reads what is asked of each of them.
    home = list(range(first)) + [0] * len(graph.nodes)  # of a value, the part that writes it
    for place, (_row, members) in enumerate(folds):
        for node in members:
            home[first + node] = first + place
    parts = [Part(name, "input", shape) for name, shape in graph.inputs.items()]
    for place, (row, members) in enumerate(folds):
        me = first + place
        reads = dict.fromkeys(home[v] for node in members for v in graph.nodes[node].reads if home[v] != me)
        parts.append(Part(row.name, row.kind, row.output, tuple(reads), row, tuple(members)))
    return parts
