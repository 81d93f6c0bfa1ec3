"""What `sweep` shows: a row for each member, its parameters and its numbers, and why some are no networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.formats.numbers import value_text
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.quantities import QUANTITIES

if TYPE_CHECKING:
    from cnncalc.families.conditions import Condition
    from cnncalc.families.results import Sweep

MOST_ROWS = 1000  # of a table for people; the formats for programs have all of them
MOST_REASONS = 8


def sweep_page(found: Sweep) -> Page:
    """The rows of a sweep."""
    params, quantities = list(found.part.params), list(found.shown)
    columns = [found.part.column(name) for name in (*params, *quantities)]
    shown = range(min(len(found), MOST_ROWS))
    rows = [
        [text_of(column.item(i), is_parameter=place < len(params)) for place, column in enumerate(columns)]
        for i in shown
    ]
    below = [[] if found.reasons[i] is None else [str(found.reasons[i])] for i in shown]
    heads = [*params, *map(heading_of, quantities)]
    # As in other tables, least needed first; from 7 on a number stays.
    leaves = sorted((name for name in quantities if name in QUANTITIES), key=lambda name: QUANTITIES[name].leaves or 9)
    table = Table(
        heads, rows, left=len(params), below=below,
        dispensable=[heading_of(name) for name in leaves if (QUANTITIES[name].leaves or 9) < 7],
    )  # fmt: skip
    return Page("", [Section("", table, notes=notes_of(found))], lambda: facts_of(found))


def record_of(found: Sweep, row: int) -> dict[str, Any]:
    """One member for programs: exact numbers, lists for what has several axes."""
    names = (*found.part.params, *found.quantities)
    record = {name: as_data(found.part.column(name).item(row)) for name in names}
    return {**record, "reason": found.reasons[row]}


def as_data(value: Any) -> Any:
    if isinstance(value, tuple):
        return [as_data(item) for item in value]
    return value if value is None or isinstance(value, (int, str)) else str(value)


def facts_of(found: Sweep) -> Mapping[str, Any]:
    members = [record_of(found, row) for row in range(len(found))]
    return {"members": members, "seen": found.seen, "infeasible": found.infeasible, "reasons": found.examples}


def heading_of(name: str) -> str:
    return _(QUANTITIES[name].heading) if name in QUANTITIES else name


def text_of(value: Any, *, is_parameter: bool) -> str:
    """A value in a cell: parameters as they are written, numbers for people."""
    if value is None:
        return ""
    shown = tuple if is_parameter else (int, tuple)  # a parameter has no thousands apart: it is typed again
    return value_text(value) if isinstance(value, shown) else str(value)


def notes_of(found: Sweep) -> list[str]:
    """How many rows there are, and why some members have none."""
    more = len(found) - MOST_ROWS
    notes = [_("{more:,} more rows: --top shows the first, --format csv writes all", more=more)] if more > 0 else []
    if found.seen < found.members:  # there was no need to look further
        return [*notes, _("the first {rows:,} of {members:,} members", rows=len(found), members=found.members)]
    return notes + notes_on(found.conditions, len(found), found.seen, found.examples)


def notes_on(conditions: Sequence[Condition], rows: int, seen: int, examples: Mapping[str, int]) -> list[str]:
    """How many of the members that were seen have rows, and why some are no networks."""
    notes = []
    infeasible = sum(examples.values())
    # Where no member is a network, conditions are not to blame: the reasons below say it.
    if not rows and seen > infeasible and conditions:
        asked = ", ".join(condition.text for condition in conditions)
        notes.append(_("none of {seen:,} members meets {conditions}", seen=seen, conditions=asked))
    elif rows < seen > infeasible:
        notes.append(_("{rows:,} of {seen:,} members", rows=rows, seen=seen))
    if infeasible:
        several = _("{count:,} of {seen:,} members are no networks:", count=infeasible, seen=seen)
        notes.append(several if seen > 1 else _("the only member is no network:"))
        most = sorted(examples.items(), key=lambda item: -item[1])
        notes += [_("{reason} ({count:,})", reason=reason, count=count) for reason, count in most[:MOST_REASONS]]
        if len(most) > MOST_REASONS:
            rest = sum(count for _reason, count in most[MOST_REASONS:])
            notes.append(_("other reasons ({count:,})", count=rest))
    return notes
