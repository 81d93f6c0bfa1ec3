"""What `solve` shows: a row for each solution, the formulas that were solved, and what comes nearest where none is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.sweep import as_data, heading_of, text_of

if TYPE_CHECKING:
    from cnncalc.families.solving import Forbidden, Solved
    from cnncalc.families.sweeping import Part

MOST_ROWS = 1000  # of a table for people; the formats for programs have all of them


def solve_page(found: Solved) -> Page:
    """The solutions, or the nearest misses."""
    # For people as a textbook prints it; JSON has what can be typed.
    lines = [line.replace(" <= ", " ≤ ").replace(" >= ", " ≥ ") for line in found.lines]
    if len(found):
        solved = [_("solved: {formula}", formula=line) for line in lines]
        table = table_of(found.solutions)
        notes = [*solved, *notes_of(found)]
    else:
        table = table_of(found.misses)
        asked = ", ".join(condition.text for condition in found.conditions)
        solved = [_("asked: {formula}", formula=line) for line in lines]
        notes = [_("no solution: nothing meets {conditions}", conditions=asked), *solved, *notes_of(found)]
    return Page("", [Section("", table, notes=notes)], lambda: facts_of(found))


def table_of(part: Part) -> Table:
    params, quantities = list(part.params), [name for name in part.columns if name not in part.params]
    columns = [part.column(name) for name in (*params, *quantities)]
    rows = [
        [text_of(column.item(row), is_parameter=place < len(params)) for place, column in enumerate(columns)]
        for row in range(min(len(part), MOST_ROWS))
    ]
    return Table([*params, *map(heading_of, quantities)], rows, left=len(params))


def notes_of(found: Solved) -> list[str]:
    """How many solutions there are among how many members."""
    notes = []
    if found.bisected is not None and len(found):
        notes.append(
            _("{name} was bisected: rows are the first and the last value of each stretch", name=found.bisected)
        )
    # --maximize and --minimize keep the best of those that meet the conditions.
    elif found.meeting > len(found):
        notes.append(_("the best of {count:,} solutions among {seen:,} members", count=found.meeting, seen=found.seen))
    elif len(found):
        several = _("{count:,} solutions among {seen:,} members", count=len(found), seen=found.seen)
        one = _("the only solution among {seen:,} members", seen=found.seen)
        notes.append(one if len(found) == 1 else several)
    elif len(found.misses):
        notes.append(_("the nearest of {seen:,} members are above", seen=found.seen))
    if len(found) > MOST_ROWS:
        notes.append(_("{more:,} more rows: --format csv writes all", more=len(found) - MOST_ROWS))
    if found.infeasible:
        notes.append(_("{count:,} of {seen:,} members are no networks", count=found.infeasible, seen=found.seen))
        # What the formulas give and a layer refuses says more than how many are refused.
        if found.forbidden is not None:
            values = ", ".join(
                f"{name}={text_of(value, is_parameter=True)}" for name, value in found.forbidden.params.items()
            )
            asked = ", ".join(condition.text for condition in found.conditions if "." in condition.name)
            reason = found.forbidden.reason
            notes.append(_("{values} would give {asked}, but {reason}", values=values, asked=asked, reason=reason))
        elif not len(found):  # where no member meets the conditions, why many are no networks may be why
            most = list(found.reasons.items())[:3]
            notes += [_("{reason} ({count:,})", reason=reason, count=count) for reason, count in most]
    return notes


def facts_of(found: Solved) -> Mapping[str, Any]:
    return {
        "conditions": [condition.text for condition in found.conditions],
        "formulas": list(found.lines),
        "solutions": records_of(found.solutions),
        "nearest": records_of(found.misses),
        "bisected": found.bisected,
        "seen": found.seen,
        "infeasible": found.infeasible,
        "reasons": dict(found.reasons),
        "forbidden": forbidden_of(found.forbidden),
    }


def forbidden_of(forbidden: Forbidden | None) -> Mapping[str, Any] | None:
    """The member that a layer rules out, for programs."""
    if forbidden is None:
        return None
    return {**{name: as_data(value) for name, value in forbidden.params.items()}, "reason": forbidden.reason}


def records_of(part: Part) -> list[dict[str, Any]]:
    """Members for programs: exact numbers, lists for what has several axes."""
    # A parameter that is asked for as a number too stands once.
    names = dict.fromkeys((*part.params, *part.columns))
    return [{name: as_data(part.column(name).item(row)) for name in names} for row in range(len(part))]
