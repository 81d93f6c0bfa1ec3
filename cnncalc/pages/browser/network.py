"""A report as data for the page: columns, rows in their blocks, totals, and what is said of the network.

Every number is one of the report's; the page writes them, adds nothing up and divides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis.derivations.costs import COSTS
from cnncalc.analysis.memory import count_held, find_lives
from cnncalc.analysis.timeline import FORWARD, Plan, plan_training
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.pages.browser.equations import Distinct, as_exact, shortest
from cnncalc.pages.browser.pool import Text
from cnncalc.pages.browser.units import MOST_SPREAD
from cnncalc.pages.drawing.graph.tree import Leaf, Part, Tree
from cnncalc.pages.view import COLUMNS, View, find_peak_place, make_notes, title
from cnncalc.quantities import EXPLAINED, FIELD, OF_THE_NETWORK, QUANTITIES, SHAPE, SUMMED, listed_in, of_subject
from cnncalc.report import BYTES, Report, Row, as_json

GROUP, ROW, OPERATION = "group", "row", "operation"
FIELDS = of_subject(FIELD)
SHOWN = tuple(name for name, column in COLUMNS.items() if not column.asked)


class Item(NamedTuple):
    """A line of the table: a block with what is in it, a row as the command shows it, or one operation of a row.

    id           of the leaf or block of the tree; "": of an operation
    parent       the number of the item that it lies in; -1: none
    first, last  its operations, `last` not among them
    node         the operation that gives its result
    """

    type: str
    id: str
    name: str
    parent: int
    first: int
    last: int
    node: int
    row: Row


def items_of(tree: Tree) -> list[Item]:
    """Blocks, rows and operations, each behind the one that holds it."""
    report = tree.report
    items: list[Item] = []

    def add(part: Part, parent: int) -> None:
        row = tree.row_of(part)
        if row is None:  # an input
            return
        if isinstance(part, Leaf):
            add_leaf(part, row, parent)
            return
        inside = [i for leaf in tree.leaves[part.first : part.last] for i in leaf.operations]
        place = len(items)
        node = result_of(report, part.name, inside)
        items.append(Item(GROUP, part.id, part.name, parent, min(inside), max(inside) + 1, node, row))
        for inner in part.parts:
            add(inner, place)

    def add_leaf(leaf: Leaf, row: Row, parent: int) -> None:
        place, own, rows = len(items), leaf.operations, report.layers
        # The operation after which the row is called.
        owner = next(i for i in own if rows[i].name == leaf.name)
        items.append(Item(ROW, leaf.id, leaf.name, parent, min(own), max(own) + 1, owner, row))
        # Of a row with one operation it is the same, and has no line of its own below it.
        if len(own) > 1:
            items.extend(Item(OPERATION, "", rows[i].name, place, i, i + 1, i, rows[i]) for i in own)

    for part in tree.root.parts:
        add(part, -1)
    return items


def result_of(report: Report, name: str, inside: Sequence[int]) -> int:
    """The operation that gives a block's result; the last of a block that only has a name in common."""
    # A block may hand on an input, which is no operation: its first one stands for it.
    group = report.groups.get(name)
    return max(0, group.result - len(report.inputs)) if group is not None else max(inside)


def places_of(report: Report, items: Sequence[Item]) -> dict[str, int]:
    """The number of the item of every leaf and block, by id; of input i it is -1 - i."""
    # Inputs are no items: negative numbers leave those from 0 on to the items.
    found = {f"input:{name}": -1 - i for i, name in enumerate(report.inputs)}
    return found | {item.id: i for i, item in enumerate(items) if item.id}


def values_of(report: Report, row: Row, places: dict[str, int]) -> Iterator[Any]:
    """What stands in each column: numbers as they are, shapes as lists, inputs as numbers of values."""
    for column in SHOWN:
        if column in ("name", "kind"):
            continue
        quantity, share, _rest = column.partition("_share")
        if column == "inputs":
            yield [places[name] for name in row.inputs if name in places]
        elif share:
            part = report.share(row, quantity)
            yield None if part is None else shortest(100 * part, 2)
        else:
            value = getattr(row, column)
            # A shape that is not known is an empty tuple.
            yield (as_json(value) if value != () else None) if isinstance(value, tuple) else as_exact(value)


def columns_data(report: Report) -> list[dict[str, Any]]:
    """The columns of the table, and which of them are there unless others are asked for."""
    usual = View().columns_for(report)
    return [
        {"key": name, "heading": Text(_(COLUMNS[name].heading)), **dict.fromkeys(marks_of(name, usual), True)}
        for name in SHOWN
    ]


def marks_of(name: str, usual: Sequence[str]) -> list[str]:
    """What holds of a column, by key; what does not is left out of the data."""
    marks = {
        "left": COLUMNS[name].left,
        "usual": name in usual,
        "total": COLUMNS[name].summed,
        "summed": name in SUMMED,
        "share": name.endswith("_share"),
        "explained": name in EXPLAINED_NAMES,
        "field": name in FIELDS,
    }
    return [key for key, holds in marks.items() if holds]


EXPLAINED_NAMES = {*listed_in(EXPLAINED), *COSTS}


def totals_data(report: Report) -> dict[str, Any]:
    """The totals as far as they are known; `left_out` has how many rows are not in them."""
    # The shape of the output is that of the last row, and is said apart.
    totals = report.totals
    found = {q.name: as_known(totals.known(q.name)) for q in OF_THE_NETWORK if q.subject != SHAPE}
    return {**found, "left_out": totals.left_out, "output": as_json(totals.output), "peak_at": find_peak_place(report)}


def as_known(value: Any) -> Any:
    return as_json(value) if isinstance(value, tuple) else as_exact(value)


def describe(report: Report) -> dict[str, Any]:
    """What is said of the network, in the language in use."""
    said = [[Text(subject), Text(text)] for subject, text in make_notes(report)]
    if len(report.layers) > MOST_SPREAD:
        left_out = _("left out above {n:,} operations: `cnncalc rf --effective` has them", n=MOST_SPREAD)
        said.append([Text(_("effective fields")), Text(left_out)])
    return {
        "title": Text(title(report)),
        "columns": columns_data(report),
        "notes": said,
        "families": {name: [KINDS[name].family, Text(_(KINDS[name].family))] for name in kinds_of(report)},
        "quantities": {name: {"heading": Text(_(row.heading)), "of": list(row.of)} for name, row in QUANTITIES.items()},
    }


def rows_data(report: Report, items: Sequence[Item]) -> dict[str, list[Any]]:
    """Rows as [type, name, kind, parent, first, last, node, values, fields, inputs]; 0: the name or kind of the node.

    values and fields are numbers in lists of what differs: of fields, and of all the other numbers. Left out are
    inputs that are those of the row's first operation.
    """
    graph = report.graph
    assert graph is not None
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    places = {name: i for i, name in enumerate(names)}
    shared, fields = Distinct(), Distinct()
    columns = [column for column in SHOWN if column not in ("name", "kind")]
    rows = []
    for item in items:
        values = dict(zip(columns, values_of(report, item.row, places), strict=True))
        kind, inputs = graph.nodes[item.node].layer.kind, values.pop("inputs")
        rows.append(
            [
                (GROUP, ROW, OPERATION).index(item.type), item.name if item.type == GROUP else 0,
                item.row.kind if item.row.kind != kind else 0, item.parent, item.first, item.last, item.node,
                shared.place([value for name, value in values.items() if name not in FIELDS]),
                fields.place([values[name] for name in FIELDS]),
                *([] if inputs == list(graph.nodes[item.first].reads) else [inputs]),
            ]
        )  # fmt: skip
    return {"rows": rows, "values": shared.values, "fields": fields.values}


def nodes_data(report: Report) -> dict[str, list[Any]]:
    """The operations, field by field: name, kind, which values they read, and the shape of their output."""
    graph = report.graph
    assert graph is not None
    kinds = [node.layer.kind for node in graph.nodes]
    return {
        "name": [node.name for node in graph.nodes],
        "kind": kinds,
        "reads": [list(node.reads) for node in graph.nodes],
        "shape": [list(facts.output) for facts in graph.facts],
    }


def kinds_of(report: Report) -> list[str]:
    """The kinds of layers in a network, each once."""
    return [name for name in dict.fromkeys(row.kind for row in report.layers) if name in KINDS]


def memory_data(report: Report) -> dict[str, Any] | None:
    """Bytes of every value, which operation reads it last, and the bytes alive at each; None: not known."""
    graph = report.graph
    assert graph is not None
    known, held = find_lives(graph), count_held(graph)
    if known is None or held is None or not graph.nodes:
        return None
    size = BYTES[report.settings.dtype] * report.settings.batch
    return {
        "bytes": [as_exact(size * elements) for elements in known.elements],
        "last": known.last_use,
        "held": [as_exact(size * elements) for elements in held[1:]],
    }


def training_data(report: Report) -> dict[str, Any] | None:
    """Bytes held at each operation of one step of training, as `cnncalc memory --train` has them; None: not known.

    backward  the operations that go backward, behind `forward`, all of which go forward in their order
    at_peak  what is held at the peak, kind by kind, in the language in use
    """
    graph = report.graph
    assert graph is not None
    places = {node.name: i for i, node in enumerate(graph.nodes)}
    try:
        found = plan_training(graph, Plan(dtype=report.settings.dtype, batch=report.settings.batch))
    except CnncalcError:
        # A plan needs every shape: where one is not known, the page does without.
        return None
    # The page takes the forward steps for the operations, one for one.
    if [step.name for step in found.steps if step.phase == FORWARD] != [*places]:
        return None
    return {
        "held": [as_exact(held) for held in found.sum_held()],
        "forward": len(graph.nodes),
        "backward": [places[step.name] for step in found.steps if step.phase != FORWARD],
        "at_peak": [[Text(_(kind)), as_exact(size)] for kind, size in found.by_kind(found.peak_step()).items() if size],
    }
