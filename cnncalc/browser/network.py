"""A report as data for the page: columns, rows in their blocks, totals, and what is said of the network.

Every number is one of the report's; the page writes them, adds nothing up and divides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.browser.equations import exact
from cnncalc.browser.pool import Text
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.pages.view import COLUMNS, View, choose_rows, notes, peak_place, title
from cnncalc.quantities import EXPLAINED, OF_THE_NETWORK, QUANTITIES, SHAPE, listed_in
from cnncalc.report import Report, Row, as_json

GROUP, ROW, OPERATION = "group", "row", "operation"
SHOWN = tuple(name for name, column in COLUMNS.items() if not column.asked)


class Item(NamedTuple):
    """A line of the table: a block with what is in it, a row as the command shows it, or one operation of a row.

    parent       the number of the item that it lies in; -1: none
    first, last  its operations, `last` not among them
    node         the operation that gives its result
    """

    type: str
    name: str
    parent: int
    first: int
    last: int
    node: int
    row: Row


def items_of(report: Report) -> list[Item]:
    """Blocks, rows and operations, each behind the one that holds it."""
    rows = report.layers
    members: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(i if row.shown_with is None else row.shown_with, []).append(i)
    shown = dict(zip(members, choose_rows(report, View()), strict=True))
    owners = sorted(members)
    blocks = sorted(
        ((group.first, group.last, name) for name, group in report.groups.items()),
        key=lambda block: (block[0], -block[1], len(block[2])),
    )
    items: list[Item] = []
    open_: list[tuple[int, int]] = []  # (number of the item, where it ends)
    waiting = [block for block in blocks if sum(block[0] <= owner < block[1] for owner in owners) > 1]
    for owner in owners:
        while open_ and owner >= open_[-1][1]:
            open_.pop()
        while waiting and waiting[0][0] <= owner:
            first, last, name = waiting.pop(0)
            if owner < last:
                result = max(0, report.groups[name].result - len(report.inputs))
                parent = open_[-1][0] if open_ else -1
                open_.append((len(items), last))
                items.append(Item(GROUP, name, parent, first, last, result, report.group_row(name)))
        parent, own = open_[-1][0] if open_ else -1, members[owner]
        place = len(items)
        items.append(Item(ROW, rows[owner].name, parent, min(own), max(own) + 1, owner, shown[owner]))
        if len(own) > 1:
            items += [Item(OPERATION, rows[i].name, place, i, i + 1, i, rows[i]) for i in own]
    return items


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
            yield None if part is None else round(100 * part, 4)
        else:
            value = getattr(row, column)
            yield (as_json(value) if value != () else None) if isinstance(value, tuple) else exact(value)


def columns_data(report: Report) -> list[dict[str, Any]]:
    """The columns of the table, and which of them are there unless others are asked for."""
    usual = View().columns_for(report)
    return [
        {
            "key": name,
            "heading": Text(_(COLUMNS[name].heading)),
            "left": COLUMNS[name].left,
            "usual": name in usual,
            "summed": COLUMNS[name].summed,
            "share": name.endswith("_share"),
            "explained": name in EXPLAINED_NAMES,
        }
        for name in SHOWN
    ]


EXPLAINED_NAMES = listed_in(EXPLAINED)


def totals_data(report: Report) -> dict[str, Any]:
    """The totals as far as they are known; `left_out` has how many rows are not in them."""
    totals = report.totals
    found = {q.name: known(totals.known(q.name)) for q in OF_THE_NETWORK if q.subject != SHAPE}
    return {**found, "left_out": totals.left_out, "output": as_json(totals.output), "peak_at": peak_place(report)}


def known(value: Any) -> Any:
    return as_json(value) if isinstance(value, tuple) else exact(value)


def described(report: Report) -> dict[str, Any]:
    """What is said of the network, in the language in use."""
    return {
        "title": Text(title(report)),
        "columns": columns_data(report),
        "notes": [[Text(subject), Text(text)] for subject, text in notes(report)],
        "families": {kind.family: Text(_(kind.family)) for kind in KINDS.values()},
        "quantities": {
            name: {"heading": Text(_(row.heading)), "meaning": Text(_(row.meaning) if row.meaning else "")}
            for name, row in QUANTITIES.items()
        },
    }


def rows_data(report: Report, items: Sequence[Item]) -> list[list[Any]]:
    """[type, name, kind, parent, first, last, node, ...values], for every item."""
    graph = report.graph
    assert graph is not None
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    places = {name: i for i, name in enumerate(names)}
    return [
        [
            (GROUP, ROW, OPERATION).index(item.type), item.name, item.row.kind, item.parent, item.first, item.last,
            item.node, *values_of(report, item.row, places),
        ]
        for item in items
    ]  # fmt: skip


def nodes_data(report: Report) -> dict[str, list[Any]]:
    """The operations, field by field: name, kind, family, which values they read, and the shape of their output."""
    graph = report.graph
    assert graph is not None
    kinds = [node.layer.kind for node in graph.nodes]
    return {
        "name": [node.name for node in graph.nodes],
        "kind": kinds,
        "family": [KINDS[kind].family if kind in KINDS else "other" for kind in kinds],
        "reads": [list(node.reads) for node in graph.nodes],
        "shape": [list(facts.output) for facts in graph.facts],
    }
