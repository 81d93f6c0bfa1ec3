"""Claims beside evidence, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.formats.numbers import value_text
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _, enumerate_words, n_
from cnncalc.pages.view import headings_of
from cnncalc.quantities import EXPLAINED, MEMORY, QUANTITIES, listed_in
from cnncalc.report import as_json, name_of

if TYPE_CHECKING:
    from cnncalc.evidence import Check, Verification

MARKS = {"holds": "✓", "differs": "✗", "not measured": "?", "not claimed": "-"}
SHOWN = tuple(name for name in listed_in(EXPLAINED) if QUANTITIES[name].subject != MEMORY)
PROBES = (n_("shape"), n_("allocation"), n_("tally"), n_("ones"), n_("reach"))  # as checks name them
HEADINGS = (n_("layer"), n_("quantity"), n_("claimed"), n_("measured"), n_("probe"), n_("verdict"))


def verification_page(found: Verification, *, show_all: bool = False, scaled: str = "") -> Page:
    """What differs and what could not be measured, number by number; what holds as a table of how many.

    show_all  what holds too, number by number
    scaled    what was changed to make the network smaller
    """
    title = _("{name}: claims against evidence", name=name_of(found.report) or _("network"))
    if scaled:
        title += _(", on a smaller version ({changes})", changes=scaled)
    sections = [Section("", make_layer_table(found)), Section("", make_summary(found.checks))]
    shown = [check for check in found.checks if show_all or check.verdict == "differs"]
    if shown:
        heads = [_(heading) for heading in HEADINGS]
        sections.append(
            Section(
                "", Table(heads, [write_cells(check) for check in shown], left={0, 1, 4, 5}, dispensable=[_("probe")])
            )
        )
    said = [_("{verdict}: {text}", verdict=_(verdict), text=text) for verdict, text in list_unmeasured(found.checks)]
    sections += [Section("", notes=[line]) for line in [*said, conclude(found)]]
    checks = [make_entry(check) for check in found.checks]
    facts = {
        "name": found.report.name,
        "inputs": {name: list(shape) for name, shape in found.report.inputs.items()},
        "scaled": scaled or None,
        "seed": found.seed,
        "holds": found.holds,
        "counts": found.count_verdicts(),
        "checks": checks,
    }
    return Page(title, sections, facts, records=lambda: checks)


def make_layer_table(found: Verification) -> Table:
    """A row for each layer and one for the total: every claim with the mark of its verdict."""
    # A column for what was claimed and looked at alone: the others would be empty.
    quantities = [q for q in SHOWN if any(check.quantity == q and check.claimed for check in found.checks)]
    rows: dict[str | None, dict[str, str]] = {}
    for check in found.checks:
        if check.quantity in quantities:
            text = write_value(check.claimed)
            if check.verdict == "differs":
                text = _("{claimed}, but {measured}", claimed=text, measured=write_value(check.measured))
            rows.setdefault(check.layer, {})[check.quantity] = f"{text} {MARKS[check.verdict]}"
    total = _("total")
    heads = [_("layer"), *headings_of(quantities)]
    # On a narrow terminal columns go from the right; the first quantity stays.
    gone = headings_of([quantity for quantity in reversed(quantities) if quantity != quantities[0]])
    return Table(
        heads, [[name or total, *(row.get(q, "") for q in quantities)] for name, row in rows.items()], dispensable=gone
    )


def make_summary(checks: Sequence[Check]) -> Table:
    """For each quantity how many numbers hold, differ, and could not be measured, and the probes that looked."""
    rows = []
    verdicts = tuple(MARKS)
    for quantity in dict.fromkeys(check.quantity for check in checks):
        own = [check for check in checks if check.quantity == quantity]
        counts = [sum(check.verdict == verdict for check in own) for verdict in verdicts]
        # More than one probe may have looked at a number.
        probes = dict.fromkeys(p for check in own if check.probe for p in check.probe.split(" and "))
        rows.append([quantity, enumerate_words(map(_, probes)), *(str(n) if n else "" for n in counts)])
    gone = [_("probe"), _("not claimed"), _("not measured")]
    return Table([_("quantity"), _("probe"), *map(_, verdicts)], rows, left=2, dispensable=gone)


def write_cells(check: Check) -> list[str]:
    return [
        check.layer or _("total"), check.quantity,
        write_value(check.claimed), write_value(check.measured), probes_of(check),
        _("{verdict}: {text}", verdict=_(check.verdict), text=_(check.reason)) if check.reason else _(check.verdict),
    ]  # fmt: skip


def probes_of(check: Check) -> str:
    """The probes of one number, as people read them."""
    return _(" and ").join(_(probe) for probe in check.probe.split(" and ") if probe)


def write_value(value: Any) -> str:
    if value == ():
        return _("nothing")  # the run ended here
    return value_text(value)


def list_unmeasured(checks: Sequence[Check]) -> list[tuple[str, str]]:
    """Every reason for which something was not measured, with the numbers that it concerns."""
    found: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        if check.verdict in ("not measured", "not claimed"):
            reason = check.reason or (n_("the claim is unknown") if check.verdict == "not claimed" else "")
            name = f"{check.layer or _('total')}.{check.quantity}"
            found.setdefault((check.verdict, _(reason) if reason else ""), []).append(name)
    lines = []
    for (verdict, reason), names in found.items():
        some = enumerate_words(names[:4])
        if len(names) > 4:
            some = _("{names} and {count} more", names=some, count=len(names) - 4)
        lines.append((verdict, _("{names} ({reason})", names=some, reason=reason)))
    return lines


def conclude(found: Verification) -> str:
    counts = found.count_verdicts()
    differs, unmeasured, unclaimed = (counts[verdict] for verdict in ("differs", "not measured", "not claimed"))
    said = _("{n:,} numbers hold", n=counts["holds"])
    said += _(", {n:,} differ", n=differs) if differs else _(", none differs")
    said += _(", {n:,} not measured", n=unmeasured) if unmeasured else ""
    said += _(", {n:,} not claimed", n=unclaimed) if unclaimed else ""
    return said + _("; the network could not be run to its end") if found.failure else said


def make_entry(check: Check) -> dict[str, Any]:
    values = {key: as_json(value) for key, value in (("claimed", check.claimed), ("measured", check.measured))}
    return {"layer": check.layer, "quantity": check.quantity, **values, "probe": check.probe,
            "verdict": check.verdict, "reason": check.reason or None}  # fmt: skip
