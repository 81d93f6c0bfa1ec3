"""What nobody reads, and who sees how much of the image, as a page: see formats/page.py."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from cnncalc.analysis.fields.sets.coverage import Coverage, Reached, Unread
from cnncalc.formats.numbers import number, percent, sizes
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.units import runs_text


def coverage_page(found: Coverage, of: str, facts: Mapping[str, Any], inside: Container[str]) -> Page:
    """Two tables: inputs and maps of which something is not read, and layers with what their units see."""
    sections = [unread_section(found, inside)]
    if found.reached:
        sections.append(reached_section(found, inside))
    # Vectors have no borders to see: of them nothing is missing, and nothing is said.
    elif any(len(shape) > 1 for shape in facts["inputs"].values()):
        notes = [_("what units see is not listed: the image is too large, or layers mix its axes")]
        sections.append(Section("seen", heading=_("what units see of the image"), notes=notes))
    totals = {"wasted_macs": found.macs, "macs": found.total}
    return Page(_("coverage: {network}", network=of), sections, {**facts, **totals})


def unread_section(found: Coverage, inside: Container[str]) -> Section:
    heads = [_("map"), _("shape"), _("rows"), _("columns"), _("channels"), _("values"), _("MACs wasted")]
    rows = []
    for entry in found.unread:
        # What is shown in the row of another layer has none, unless work is wasted in it.
        if entry.name not in inside or entry.macs:
            high, wide = lines_text(entry)
            macs = "?" if entry.macs is None else number(entry.macs)
            channels = runs_text(entry.channels) if entry.channels else "-"
            rows.append([entry.name, sizes(entry.shape), high, wide, channels, number(entry.elements), macs])
    notes = []
    if not rows:
        notes.append(_("every pixel and every value of every map is read"))
    elif found.macs is None:
        notes.append(_("how much work is wasted is not known of every layer"))
    elif found.macs:
        share = percent(100 * found.macs / found.total) if found.total else "?"
        notes.append(_("{macs} MACs are wasted, {share} % of all", macs=number(found.macs), share=share))
    if rows:
        notes.append(_("rows and columns are counted from 0; values: all that no output depends on"))
    table = Table(heads, rows)
    # Hardly a network has channels that nobody reads.
    if not any(entry.channels for entry in found.unread):
        table = table.without([_("channels")])
    data = [unread_data(entry) for entry in found.unread]
    return Section("unread", table._replace(dispensable=[_("shape")]), data, _("what no output depends on"), notes)


def lines_text(entry: Unread) -> tuple[str, str]:
    """Rows and columns of which nothing is read; of a volume depths and rows."""
    texts = [runs_text(spans) if spans else "-" for spans in entry.lines]
    return ", ".join(texts[:-1]) or "-", texts[-1] if texts else "-"


def unread_data(entry: Unread) -> dict[str, Any]:
    return {
        "name": entry.name,
        "shape": list(entry.shape),
        "values": entry.elements,
        "lines": [[list(span) for span in spans] for spans in entry.lines],
        "channels": [list(span) for span in entry.channels],
        "macs": entry.macs,
    }


def reached_section(found: Coverage, inside: Container[str]) -> Section:
    several = len({entry.source for entry in found.reached}) > 1
    heads = [_("layer"), *([_("input")] if several else []), _("share of the image"), _("from border to border")]
    rows = []
    for entry in found.reached:
        if entry.layer not in inside:
            rows.append([entry.layer, *([entry.source] if several else []), share_text(entry), reach_text(entry)])
    notes = [_("share: of the unit that sees most, between its first and last row and column")]
    for source in dict.fromkeys(entry.source for entry in found.reached):
        some, every = found.first_covering(source), found.first_covering(source, every=True)
        if some is None:
            said = _("no unit sees the image from border to border")
        elif every is None:
            said = _("{some} is the first layer with a unit that sees all of it; no layer's units all do", some=some)
        else:
            said = _("{some} is the first layer with a unit that sees all of it, {every} the first whose units all do",
                      some=some, every=every)  # fmt: skip
        notes.append(_("{name}: {text}", name=source, text=said) if several else said)
    data = [
        {
            "name": entry.layer,
            "input": entry.source,
            "share": float(entry.share),
            "some_unit_sees_all": entry.some,
            "every_unit_sees_all": entry.all,
        }
        for entry in found.reached
    ]
    return Section("seen", Table(heads, rows, left=1 + several), data, _("what units see of the image"), notes)


def share_text(entry: Reached) -> str:
    return percent(float(100 * entry.share)) + " %"


def reach_text(entry: Reached) -> str:
    return _("every unit") if entry.all else _("some units") if entry.some else "-"
