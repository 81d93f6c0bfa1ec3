"""What changed between two networks: text for a terminal, Markdown for a pull request, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cnncalc.difference import Change, Difference, LayerDifference
from cnncalc.formats.grid import Grid, draw
from cnncalc.formats.markdown import escaped
from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, counted_by, number, sizes
from cnncalc.quantities import ALWAYS, QUANTITIES, SUMMED, USUAL, listed_in
from cnncalc.report import listed

FORMATS = ("text", "markdown", "json")
MARKS = {"same": " ", "changed": "~", "added": "+", "removed": "-"}
COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "~": "\x1b[33m"}


def heading(quantity: str) -> str:
    """A quantity as the tables call it."""
    return _((QUANTITIES.get(quantity) or COLUMNS[quantity]).heading)


def render(found: Difference, format: str, *, title: str = "", colour: bool = False) -> str:
    """The totals, then layer by layer what is not the same."""
    if format == "json":
        return as_json(found, title)
    heading = title or f"{found.old.name} -> {found.new.name}"
    fields = [layer for layer in changed_of(found) if only_sees_more(layer)]
    totals, layers = totals_grid(found), layers_grid([layer for layer in changed_of(found) if layer not in fields])
    same = sum(layer.status == "same" for layer in found.layers)
    note = _("layers that are the same: {same}", same=same)
    note += "".join("\n" + counted_by(report) for report in (found.new,) if report.convention is not None)
    if fields:
        first, last = fields[0], fields[-1]
        note += "\n" + _(
            "{count} layers differ in their receptive field alone, from {first} to {last}",
            count=len(fields), first=first.name, last=last.name,
        )  # fmt: skip
    if format == "markdown":
        parts = [f"### {escaped(heading)}", "", draw(totals, "markdown")]
        if layers.rows:
            count = _(
                "layers that differ: {changed}, that are the same: {same}", changed=len(changed_of(found)), same=same
            )
            parts += [f"<details><summary>{count}</summary>", "", draw(layers, "markdown"), "</details>", ""]
        return "\n".join([*parts, note, ""])
    text = draw(layers) if layers.rows else ""
    if colour:
        text = "\n".join(map(coloured, text.split("\n")))
    return "\n".join([heading, "", draw(totals), *([text] if text else []), note, ""])


def coloured(line: str) -> str:
    """A line in the colour of its mark."""
    return f"{COLOURS[line[0]]}{line}\x1b[0m" if line[:1] in COLOURS and line[1:2] == " " else line


def only_sees_more(layer: LayerDifference) -> bool:
    """Whether nothing but the receptive field changed: what comes before did that."""
    return layer.status == "changed" and all(change.quantity == "receptive_field" for change in layer.changes)


def changed_of(found: Difference) -> list[LayerDifference]:
    return [layer for layer in found.layers if layer.status != "same"]


def totals_grid(found: Difference) -> Grid:
    """Every total that changed, and those that are always asked for."""
    always = set(SUMMED) & set(listed_in(USUAL))
    shown = [change for change in found.totals if change.old != change.new or change.quantity in always]
    shown = [change for change in shown if (change.old, change.new) != (None, None)]
    rows = [[heading(change.quantity), *numbers(change)] for change in shown]
    return Grid([_("total"), _("old"), _("new"), _("difference"), "%"], rows)


def layers_grid(layers: Sequence[LayerDifference]) -> Grid:
    """A row for each number that changed; a layer that came or went with what it brings or takes away."""
    rows = []
    for layer in layers:
        for i, change in enumerate(layer.changes or whole(layer)):
            mark, name = (
                (MARKS[layer.status], f"{layer.name} ({kind_of(layer)})") if not i else (MARKS[layer.status], "")
            )
            rows.append([mark, name, heading(change.quantity), *numbers(change)])
    return Grid(["", _("layer"), _("quantity"), _("old"), _("new"), _("difference"), "%"], rows, left=3)


def in_short(found: Difference) -> str:
    """The totals that changed, on one line: `params +1,706 (+2.8 %), MACs +88,424 (+27.0 %)`."""
    parts = []
    for change in found.totals:
        if change.by:
            share = "" if change.share is None else f" ({100 * change.share:+.1f} %)"
            parts.append(f"{heading(change.quantity)} {change.by:+,}{share}")
        elif change.old != change.new:
            parts.append(f"{heading(change.quantity)} {shown(change.old) or '?'} -> {shown(change.new) or '?'}")
    return ", ".join(parts) or _("no total differs")


def kind_of(layer: LayerDifference) -> str:
    kinds = [row.kind for row in (layer.old, layer.new) if row is not None]
    return " -> ".join(dict.fromkeys(kinds))


def whole(layer: LayerDifference) -> list[Change]:
    """The numbers of a layer that is on one side only: its shape, and what is not 0."""
    row = layer.new or layer.old
    found = []
    for quantity in listed_in(ALWAYS):
        value = getattr(row, quantity)
        if value or isinstance(value, tuple):
            found.append(Change(quantity, None, value) if layer.old is None else Change(quantity, value, None))
    return found


def numbers(change: Change) -> list[str]:
    by, share = change.by, change.share
    return [
        shown(change.old), shown(change.new), "" if by is None else f"{by:+,}",
        "" if share is None or not by else f"{100 * share:+.1f}",
    ]  # fmt: skip


def shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return sizes(value) if isinstance(value, tuple) else number(value)


def as_json(found: Difference, title: str) -> str:
    content = {
        "schema_version": 1,
        "title": title or None,
        **({} if found.new.convention is None else {"convention": found.new.convention.name}),
        "same": found.same,
        "totals": [entry(change) for change in found.totals],
        "layers": [
            {"status": layer.status, "old": layer.old.name if layer.old else None,
             "new": layer.new.name if layer.new else None, "kind": kind_of(layer),
             "changes": [entry(change) for change in layer.changes or whole(layer)]}
            for layer in changed_of(found)
        ],
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def entry(change: Change) -> dict[str, Any]:
    old, new = (value if isinstance(value, str) else listed(value) for value in (change.old, change.new))
    return {"quantity": change.quantity, "old": old, "new": new, "difference": change.by}
