"""Conventions as pages: what every tool prints for a network, why two of them differ, and whose number it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.conventions import Cause, Convention, Printed, Reconciled
from cnncalc.conventions.identifying import Candidate, Match
from cnncalc.conventions.quantities import QUANTITIES
from cnncalc.formats.numbers import number
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _, enumerate_words

WIDTH = 100  # of lines of prose where there is no terminal
INDENT = 4  # of the second line of a note


def say_notes(notes: Sequence[tuple[str, str]]) -> list[str]:
    """`subject: text`, a sentence for each."""
    return [_("{name}: {text}", name=subject, text=text) for subject, text in notes]


def sum_up(one: Convention) -> dict[str, Any]:
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


def listed_page(conventions: Sequence[Convention]) -> Page:
    """Every convention with its version, its unit and its source."""
    rows = [[one.name, _(one.version) if one.version else "", one.calls] for one in conventions]
    table = Table([_("convention"), _("version"), _("its number")], rows, left=3)
    notes = [(one.name, _("{unit}. Source: {source}", unit=_(one.unit), source=one.project or "-"))
             for one in conventions]  # fmt: skip
    return Page(
        "",
        [Section("conventions", table, [sum_up(one) for one in conventions], notes=say_notes(notes), indent=INDENT)],
        records=lambda: [
            {"name": one.name, "version": one.version, "calls": one.calls, "unit": one.unit, "source": one.project}
            for one in conventions
        ],
        broken_at=WIDTH,
    )


def overview_page(entries: Sequence[Printed], macs: int | None) -> Page:
    """What every tool prints for one network: its number, what it calls it, and the ratio to the MACs there are."""
    rows = []
    for entry in entries:
        # Half a number says so beside itself; one that is not known at all is a ? already.
        text = number(entry.number) + " + ?" * bool(entry.unknown and entry.number is not None)
        if entry.stops:
            text = _("stops")
        rows.append([entry.convention.name, entry.convention.calls, text, ratio_text(entry), number(entry.params)])
    heads = [_("tool"), _("its number"), _("it prints"), _("/ MACs"), _("parameters")]
    table = Table(heads, rows, left=2, dispensable=[_("its number"), _("parameters")])
    # Many tools count in one unit: a note for each unit, with all of them.
    units: dict[str, list[str]] = {}
    for entry in entries:
        units.setdefault(_(entry.convention.unit), []).append(entry.convention.name)
    notes = [(", ".join(names), unit) for unit, names in units.items()]
    # Dicts in place of sets: the order in which layers run.
    reasons: dict[str, dict[str, None]] = {}
    for entry in entries:
        for layer, reason in entry.unknown.items():
            reasons.setdefault(reason, {})[layer] = None
    notes += [
        (_("not known"), _("{name}: {text}", name=name_some(list(layers)), text=reason))
        for reason, layers in reasons.items()
    ]
    return Page(
        "",
        [Section("", table, notes=say_notes(notes), indent=INDENT)],
        lambda: {"macs": macs, "conventions": [entry_data(entry) for entry in entries]},
        records=lambda: [entry_record(entry) for entry in entries],
        broken_at=WIDTH,
    )


def ratio_text(entry: Printed) -> str:
    """Four digits, or nothing."""
    return "" if entry.ratio is None else f"{float(entry.ratio):.4f}"


def entry_record(entry: Printed) -> dict[str, Any]:
    """A tool as a row of CSV; a number that leaves something out is none."""
    # To a program half a number looks like a whole one.
    known = None if entry.number is None or entry.unknown or entry.stops else entry.number
    return {"name": entry.convention.name, "calls": entry.convention.calls, "number": known,
            "ratio_to_macs": ratio_text(entry), "params": entry.params}  # fmt: skip


def entry_data(entry: Printed) -> dict[str, Any]:
    return {
        **{key: value for key, value in sum_up(entry.convention).items() if key != "notes"},
        "value": entry.number,
        "complete": not entry.unknown and not entry.stops,
        "ratio_to_macs": None if entry.ratio is None else float(entry.ratio),
        "params": entry.params,
        "stops": entry.stops or None,
        "unknown": entry.unknown,
    }


def name_some(names: Sequence[str]) -> str:
    # A fifth name is as short as that there is one more.
    if len(names) <= 5:
        return ", ".join(names)
    return _("{names} and {count} others", names=", ".join(names[:4]), count=len(names) - 4)


def reconciled_page(found: Reconciled) -> Page:
    """The difference as a sum of causes: one line for each kind and pair of rules, then what the letters mean."""
    one, other = found.conventions
    rows = [
        [cause.kind, f"{cause.amount:+,}", str(len(cause.layers)), cause.term, cause.one, cause.other]
        for cause in found.causes
    ]
    rows.append([_("in all"), f"{found.difference:+,}", "", "", "", ""])
    heads = [_("kind"), _("difference"), _("layers"), _("in each layer"), one.name, other.name]
    # The rules are the widest columns, and the sentence above the table does without them.
    table = Table(heads, rows, left=1, dispensable=[other.name, one.name])
    where = [(cause.kind, name_some(cause.layers)) for cause in found.causes]
    sections = [
        Section("", notes=totals_of(found)),
        Section("", notes=[write_sentence(found)], indent=0),
        Section("", table),
        Section("", notes=say_left_over(found)),
        Section("", notes=say_notes(where), indent=INDENT),
        # Causes share letters: each is explained once.
        Section("", notes=say_notes(list(dict.fromkeys(meanings_of(found)))), indent=INDENT),
    ]
    return Page("", sections, lambda: reconciled_data(found), records=lambda: cause_records(found), broken_at=WIDTH)


def totals_of(found: Reconciled) -> list[str]:
    """What each of the two prints."""
    said = []
    for one, total in zip(found.conventions, (found.one, found.other), strict=True):
        what = _("parameters") if found.quantity == "params" else one.calls
        said.append(_("{one}: {number} {what}", one=one.title, number=number(total), what=what))
    return said


def say_left_over(found: Reconciled) -> list[str]:
    """What the causes do not explain, and layers that were left out."""
    said = [_("left over: {n}", n=found.left_over)]
    if found.unknown:
        names = name_some(list(found.unknown))
        said.append(_("left out of both, because one of them has no number: {names}", names=names))
    return said


def meanings_of(found: Reconciled) -> list[tuple[str, str]]:
    """The letters of the terms, and the rules behind them."""
    names = sorted({name for cause in found.causes for name in cause.names if name in QUANTITIES})
    notes = [(name, _(QUANTITIES[name])) for name in names]
    notes += [(f"{rule.origin} ({cause.kind})", _("{source}; {note}", source=rule.source, note=_(rule.note)))
              for cause in found.causes for rule in cause.rules if rule is not None and rule.note]  # fmt: skip
    return notes


def cause_records(found: Reconciled) -> list[dict[str, Any]]:
    """The causes as rows of CSV."""
    one, other = found.conventions
    return [
        {
            "amount": c.amount,
            "kind": c.kind,
            "layers": len(c.layers),
            "term": c.term,
            one.name: c.one,
            other.name: c.other,
        }
        for c in found.causes
    ]


def write_sentence(found: Reconciled) -> str:
    """`thop = fvcore + 2 × x (batchnorm) + o (global_avgpool)`."""
    one, other = found.conventions
    parts = []
    for cause in found.causes:
        # A term that is a sum itself stands in brackets, or its sign would hold for the first part alone.
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


def identified_page(text: str, matches: Sequence[Match], near: Sequence[Candidate]) -> Page:
    """Whose number it is, exact hits first; or the nearest numbers, where nothing gives it."""
    found = [(m.candidate, enumerate_words(filter(None, [_(m.how), m.unit]))) for m in matches]
    # Where nothing matches, the nearest stand in the same table: `how` tells the two apart.
    found = found or [(one, _("near")) for one in near]
    rows = [[one.variant, name_some(one.conventions), one.what, number(one.number), how] for one, how in found]
    table = Table([_("network"), _("tool"), _("what it is"), _("number"), ""], rows, left={0, 1, 2, 4})
    none = [] if matches else [Section("", notes=[_("Nothing here gives {number}. The nearest:", number=text)])]
    facts = {
        "number": text,
        "matches": [{**candidate_data(m.candidate), "match": m.how, "unit": m.unit} for m in matches],
        "nearest": [] if matches else [candidate_data(one) for one in near],
    }
    return Page(
        "",
        [*none, Section("", table)],
        facts,
        records=lambda: [
            {
                "network": one.variant,
                "tools": name_some(one.conventions),
                "what": one.what,
                "number": one.number,
                "match": how,
            }
            for one, how in found
        ],
    )


def candidate_data(one: Candidate) -> dict[str, Any]:
    return {"network": one.variant, "conventions": list(one.conventions), "what": one.what, "value": one.number}
