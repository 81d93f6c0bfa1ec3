"""Conventions as text: what every tool prints for a network, why two of them differ, and whose number it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

from cnncalc.conventions import Cause, Convention, Printed, Reconciled
from cnncalc.conventions.identifying import Candidate, Match
from cnncalc.conventions.quantities import QUANTITIES
from cnncalc.formats.grid import Grid, draw
from cnncalc.formats.lines import wrapped
from cnncalc.language import _
from cnncalc.pages.view import number

FORMATS = ("plain", "markdown", "csv", "json")
WIDTH = 100  # of lines of prose where there is no terminal


def as_json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def said(lines: Sequence[tuple[str, str]], format: str, width: int | None) -> str:
    """(subject, text) line by line, broken at the width; a list in Markdown."""
    if format == "markdown":
        return "".join(f"- {subject}: {text}\n" for subject, text in lines)
    found = []
    for subject, text in lines:
        first, *rest = wrapped(f"{subject}: {text}", (width or WIDTH) - 4)
        found += [first, *("    " + line for line in rest)]
    return "".join(line + "\n" for line in found)


def summary(one: Convention) -> dict[str, Any]:
    """A convention for JSON."""
    return {
        "name": one.name,
        "version": one.version,
        "number": one.number,
        "calls": one.calls,
        "unit": one.unit,
        "batch": "one" if one.one else "all",
        "source": one.project,
        "notes": list(one.notes),
    }


def listed(conventions: Sequence[Convention], format: str, width: int | None) -> str:
    """Every convention with its version, its unit and its source."""
    if format == "json":
        return as_json([summary(one) for one in conventions])
    if format == "csv":
        out = StringIO()
        rows = [[one.name, one.version, one.calls, one.unit, one.project] for one in conventions]
        csv.writer(out, lineterminator="\n").writerows([["name", "version", "calls", "unit", "source"], *rows])
        return out.getvalue()
    rows = [[one.name, one.version, one.calls] for one in conventions]
    grid = Grid([_("convention"), _("version"), _("its number")], rows, left=3)
    notes = [(one.name, _("{unit}. Source: {source}", unit=_(one.unit), source=one.project or "-"))
             for one in conventions]  # fmt: skip
    return draw(grid, format) + "\n" + said(notes, format, width)


def table(entries: Sequence[Printed], macs: int | None, format: str, width: int | None) -> str:
    """What every tool prints for one network: its number, what it calls it, and the ratio to the MACs there are."""
    if format == "json":
        return as_json({"macs": macs, "conventions": [entry_data(entry) for entry in entries]})
    rows = []
    for entry in entries:
        text = number(entry.number) + " + ?" * bool(entry.unknown and entry.number is not None)
        if entry.stops:
            text = _("stops")
        ratio = "" if entry.ratio is None else f"{float(entry.ratio):.4f}"
        if format == "csv":
            text = "" if entry.number is None or entry.unknown else str(entry.number)
        params = entry.params if format == "csv" else number(entry.params)
        rows.append([entry.convention.name, entry.convention.calls, text, ratio, str(params)])
    if format == "csv":
        return draw(Grid(["name", "calls", "number", "ratio_to_macs", "params"], rows), "csv")
    grid = Grid([_("tool"), _("its number"), _("it prints"), _("/ MACs"), _("parameters")], rows, left=2)
    shown, _gone = grid.fitted(width, [_("its number"), _("parameters")])
    units: dict[str, list[str]] = {}
    for entry in entries:
        units.setdefault(_(entry.convention.unit), []).append(entry.convention.name)
    notes = [(", ".join(names), unit) for unit, names in units.items()]
    reasons: dict[str, dict[str, None]] = {}
    for entry in entries:
        for layer, reason in entry.unknown.items():
            reasons.setdefault(reason, {})[layer] = None
    unknown = [(_("not known"), f"{some(list(layers))}: {reason}") for reason, layers in reasons.items()]
    return draw(shown, format) + "\n" + said([*notes, *unknown], format, width)


def entry_data(entry: Printed) -> dict[str, Any]:
    return {
        **{key: value for key, value in summary(entry.convention).items() if key != "notes"},
        "value": entry.number,
        "complete": not entry.unknown and not entry.stops,
        "ratio_to_macs": None if entry.ratio is None else float(entry.ratio),
        "params": entry.params,
        "stops": entry.stops or None,
        "unknown": entry.unknown,
    }


def some(names: Sequence[str]) -> str:
    if len(names) <= 5:
        return ", ".join(names)
    return _("{names} and {count} others", names=", ".join(names[:4]), count=len(names) - 4)


def reconciled(found: Reconciled, format: str, width: int | None) -> str:
    """The difference as a sum of causes: one line for each kind and pair of rules, then what the letters mean."""
    if format == "json":
        return as_json(reconciled_data(found))
    one, other = found.conventions
    rows = [
        [f"{cause.amount:+,}", cause.kind, str(len(cause.layers)), cause.term, cause.one, cause.other]
        for cause in found.causes
    ]
    rows.append([f"{found.difference:+,}", _("in all"), "", "", "", ""])
    if format == "csv":
        rows = [[str(c.amount), c.kind, str(len(c.layers)), c.term, c.one, c.other] for c in found.causes]
        return draw(Grid(["amount", "kind", "layers", "term", one.name, other.name], rows), "csv")
    heads = [_("difference"), _("kind"), _("layers"), _("in each layer"), one.name, other.name]
    grid = Grid(heads, [[row[1], row[0], row[2], row[3], row[4], row[5]] for row in rows], left=1)
    grid = grid._replace(headings=[heads[1], heads[0], *heads[2:]])
    shown, _gone = grid.fitted(width, [other.name, one.name])
    what = _("parameters") if found.quantity == "params" else one.calls
    head = _("{one}: {number} {what}", one=one.title, number=number(found.one), what=what)
    what = _("parameters") if found.quantity == "params" else other.calls
    head += "\n" + _("{one}: {number} {what}", one=other.title, number=number(found.other), what=what)
    words = sentence(found)
    where = [(cause.kind, some(cause.layers)) for cause in found.causes]
    names = sorted({name for cause in found.causes for name in cause.names if name in QUANTITIES})
    notes = [(name, _(QUANTITIES[name])) for name in names]
    notes += [(f"{rule.origin} ({cause.kind})", _("{source}; {note}", source=rule.source, note=_(rule.note)))
              for cause in found.causes for rule in cause.rules if rule is not None and rule.note]  # fmt: skip
    left = _("left over: {n}", n=found.left_over)
    if found.unknown:
        left += "\n" + _(
            "left out of both, because one of them has no number: {names}", names=some(list(found.unknown))
        )
    parts = [
        head,
        "\n".join(wrapped(words, width or WIDTH)),
        f"{draw(shown, format)}\n{left}",
        said(where, format, width).rstrip("\n"),
        said(list(dict.fromkeys(notes)), format, width).rstrip("\n"),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def sentence(found: Reconciled) -> str:
    """`thop = fvcore + 2 × x (batchnorm) + o (global_avgpool)`."""
    one, other = found.conventions
    parts = []
    for cause in found.causes:
        single = cause.term.count(" + ") + cause.term.count(" - ") == 0
        term = cause.term if single else f"({cause.term})"
        sign = "-" if single and term.startswith("-") else "+"
        parts.append(f"{sign} {term.removeprefix('- ')} [{cause.kind}]")
    return f"{one.name} = {other.name} {' '.join(parts)}".rstrip()


def reconciled_data(found: Reconciled) -> dict[str, Any]:
    one, other = found.conventions
    return {
        "quantity": found.quantity,
        "conventions": [one.name, other.name],
        "values": [found.one, found.other],
        "difference": found.difference,
        "causes": [cause_data(cause) for cause in found.causes],
        "left_over": found.left_over,
        "unknown": found.unknown,
    }


def cause_data(cause: Cause) -> dict[str, Any]:
    return {
        "kind": cause.kind,
        "term": cause.term,
        "amount": cause.amount,
        "parts": [{"term": term, "amount": amount} for term, amount in cause.parts],
        "rules": [cause.one, cause.other],
        "sources": [rule.source if rule else "" for rule in cause.rules],
        "layers": list(cause.layers),
    }


def identified(text: str, matches: Sequence[Match], near: Sequence[Candidate], format: str, width: int | None) -> str:
    """Whose number it is, exact hits first; or the nearest numbers, where nothing gives it."""
    if format == "json":
        return as_json(
            {
                "number": text,
                "matches": [{**candidate_data(m.candidate), "match": m.how, "unit": m.unit} for m in matches],
                "nearest": [] if matches else [candidate_data(one) for one in near],
            }
        )
    rows = [
        [one.variant, some(one.conventions), one.what, number(one.number), how]
        for one, how in (
            [(m.candidate, ", ".join(filter(None, [_(m.how), m.unit]))) for m in matches]
            or [(one, _("near")) for one in near]
        )
    ]
    grid = Grid([_("network"), _("tool"), _("what it is"), _("number"), ""], rows, left=3)
    if format == "csv":
        return draw(grid._replace(headings=["network", "tools", "what", "number", "match"]), "csv")
    none = _("Nothing here gives {number}. The nearest:", number=text)
    return draw(grid, format) if matches else f"{none}\n\n{draw(grid, format)}"


def candidate_data(one: Candidate) -> dict[str, Any]:
    return {"network": one.variant, "conventions": list(one.conventions), "what": one.what, "value": one.number}
