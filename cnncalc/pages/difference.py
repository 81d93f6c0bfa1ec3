"""What changed between two networks, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.difference import Change, Difference, LayerDifference
from cnncalc.formats.numbers import value_text, with_sign
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, say_convention
from cnncalc.quantities import ALWAYS, QUANTITIES, SUMMED, USUAL, listed_in
from cnncalc.report import as_json, name_of

MARKS = {"same": " ", "changed": "~", "added": "+", "removed": "-"}
COLOURS = {"+": "green", "-": "red", "~": "yellow"}


def heading_of(quantity: str) -> str:
    """A quantity as the tables call it."""
    return _((QUANTITIES.get(quantity) or COLUMNS[quantity]).heading)


def difference_section(found: Difference, title: str = "") -> list[Section]:
    """The totals, then layer by layer what is not the same, and what is."""
    # One larger kernel early on changes the field of all layers behind it: they are told in one line.
    fields = [layer for layer in find_changed(found) if only_sees_more(layer)]
    layers = layers_table([layer for layer in find_changed(found) if layer not in fields])
    same = sum(layer.status == "same" for layer in found.layers)
    notes = [_("layers that are the same: {same}", same=same)]
    # Both sides are counted by one convention: it is named once.
    notes += [say_convention(report) for report in (found.new,) if report.convention is not None]
    if fields:
        first, last = fields[0], fields[-1]
        notes.append(
            _("{count} layers differ in their receptive field alone, from {first} to {last}",
              count=len(fields), first=first.name, last=last.name)
        )  # fmt: skip
    changed = len(find_changed(found))
    folded = _("layers that differ: {changed}, that are the same: {same}", changed=changed, same=same)
    return [Section("", totals_table(found), heading=title), Section("", layers, notes=notes, folded=folded)]


def difference_page(found: Difference) -> Page:
    """Two networks."""
    title = f"{name_of(found.old)} -> {name_of(found.new)}"
    return Page(title, difference_section(found), as_data(found, ""), records=lambda: make_records(found, ""))


def differences_page(found: Sequence[tuple[str, Difference]]) -> Page:
    """Several pairs of networks, each under its title."""
    sections = [section for title, one in found for section in difference_section(one, title)]
    if not sections:
        sections = [Section("", notes=[_("no spec differs")])]
    return Page(
        "",
        sections,
        lambda: {"differences": [as_data(one, title) for title, one in found]},
        records=lambda: [row for title, one in found for row in make_records(one, title)],
    )


def only_sees_more(layer: LayerDifference) -> bool:
    """Whether nothing but the receptive field changed: what comes before did that."""
    return layer.status == "changed" and all(change.quantity == "receptive_field" for change in layer.changes)


def find_changed(found: Difference) -> list[LayerDifference]:
    return [layer for layer in found.layers if layer.status != "same"]


def totals_table(found: Difference) -> Table:
    """Every total that changed, and those that are always asked for."""
    always = set(SUMMED) & set(listed_in(USUAL))
    shown = [change for change in found.totals if change.old != change.new or change.quantity in always]
    # What is known on neither side cannot have changed.
    shown = [change for change in shown if (change.old, change.new) != (None, None)]
    rows = [[heading_of(change.quantity), *write_numbers(change)] for change in shown]
    return Table([_("total"), _("old"), _("new"), _("difference"), "%"], rows)


def layers_table(layers: Sequence[LayerDifference]) -> Table:
    """A row for each number that changed; a layer that came or went with what it brings or takes away."""
    rows = []
    for layer in layers:
        # The name stands once, at the first of its numbers.
        for i, change in enumerate(layer.changes or write_whole(layer)):
            mark, name = (
                (MARKS[layer.status], f"{layer.name} ({kind_of(layer)})") if not i else (MARKS[layer.status], "")
            )
            rows.append([mark, name, heading_of(change.quantity), *write_numbers(change)])
    heads = ["", _("layer"), _("quantity"), _("old"), _("new"), _("difference"), "%"]
    return Table(
        heads, rows, left=3, dispensable=["%", _("difference")], colours=[COLOURS.get(row[0], "") for row in rows]
    )


def in_short(found: Difference) -> str:
    """The totals that changed, on one line: `params +1,706 (+2.8 %), MACs +88,424 (+27.0 %)`."""
    parts = []
    for change in found.totals:
        if change.by:
            share = "" if change.share is None else f" ({100 * change.share:+.1f} %)"
            parts.append(f"{heading_of(change.quantity)} {with_sign(change.by)}{share}")
        # Shapes, and numbers that are known on one side alone, have no difference: both sides are shown.
        elif change.old != change.new:
            parts.append(
                f"{heading_of(change.quantity)} {write_value(change.old) or '?'} -> {write_value(change.new) or '?'}"
            )
    return ", ".join(parts) or _("no total differs")


def kind_of(layer: LayerDifference) -> str:
    kinds = [row.kind for row in (layer.old, layer.new) if row is not None]
    return " -> ".join(dict.fromkeys(kinds))


def write_whole(layer: LayerDifference) -> list[Change]:
    """The numbers of a layer that is on one side only: its shape, and what is not 0."""
    row = layer.new or layer.old
    found = []
    for quantity in listed_in(ALWAYS):
        value = getattr(row, quantity)
        # A count of 0 is not worth a line, a shape always is.
        if value or isinstance(value, tuple):
            found.append(Change(quantity, None, value) if layer.old is None else Change(quantity, value, None))
    return found


def write_numbers(change: Change) -> list[str]:
    by, share = change.by, change.share
    return [
        write_value(change.old), write_value(change.new), "" if by is None else with_sign(by),
        "" if share is None or not by else f"{100 * share:+.1f}",
    ]  # fmt: skip


def write_value(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return value_text(value)


def as_data(found: Difference, title: str) -> dict[str, Any]:
    """A pair of networks as JSON has it."""
    return {
        "title": title or None,
        **({} if found.new.convention is None else {"convention": found.new.convention.name}),
        "same": found.same,
        "totals": [make_entry(change) for change in found.totals],
        "layers": [
            {"status": layer.status, "old": layer.old.name if layer.old else None,
             "new": layer.new.name if layer.new else None, "kind": kind_of(layer),
             "changes": [make_entry(change) for change in layer.changes or write_whole(layer)]}
            for layer in find_changed(found)
        ],
    }  # fmt: skip


def make_records(found: Difference, title: str) -> list[dict[str, Any]]:
    """A row for each number that changed, of CSV; the totals stand first, without a layer."""
    # None stays, which is no 0: of a shape that changed, or a number that one side does not know.
    rows = [{"status": "", "layer": "", "kind": "", **make_entry(change)} for change in found.totals if change.by != 0]
    for layer in find_changed(found):
        name = (layer.new or layer.old).name  # type: ignore[union-attr]  # it is on one side at least
        rows += [
            {"status": layer.status, "layer": name, "kind": kind_of(layer), **make_entry(change)}
            for change in layer.changes or write_whole(layer)
        ]
    # A column of titles only where there is more than one pair.
    return [{"title": title, **row} if title else row for row in rows]


def make_entry(change: Change) -> dict[str, Any]:
    old, new = (value if isinstance(value, str) else as_json(value) for value in (change.old, change.new))
    return {"quantity": change.quantity, "old": old, "new": new, "difference": change.by}
