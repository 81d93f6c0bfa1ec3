"""What `compare` and `networks` say of a network: its totals, as text and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.formats.numbers import number, sizes
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.quantities import COMPARED, QUANTITIES, listed_in
from cnncalc.report import Report, Totals, name_of
from cnncalc.results import Comparison

COUNTS = {name: QUANTITIES[name].heading for name in listed_in(COMPARED)}
# Where they do not all fit on a terminal: heading and rank, the first to go comes first. MACs and parameters stay.
LEAVES = {"layers": 2.5, "input": 6.5, **{q.heading: q.leaves or 7 for q in map(QUANTITIES.__getitem__, COUNTS)}}
DISPENSABLE = tuple(sorted((heading for heading, rank in LEAVES.items() if rank < 7), key=LEAVES.__getitem__))
LONG = ("buffers", "peak_activation_bytes")  # left out where networks are only listed


def totals_as_data(name: str, report: Report) -> dict[str, Any]:
    """One network for JSON: exact numbers, and what its sums leave out."""
    return {
        "name": name,
        "title": report.name,
        "inputs": {key: list(shape) for key, shape in report.inputs.items()},
        "layers": len(report),
        "totals": report.totals.to_dict(),
    }


def totals_table(reports: Sequence[tuple[str, Report]], *, short: bool = False) -> Table:
    """A row for each network. A sum that leaves rows out has a ? behind it."""
    counts = [quantity for quantity in COUNTS if not (short and quantity in LONG)]
    rows = []
    for name, report in reports:
        row = [name, ", ".join(map(sizes, report.inputs.values())), str(len(report))]
        for quantity in counts:
            row.append(total_text(report.totals, quantity))
        rows.append(row)
    # Names and inputs are texts, all that follows are numbers.
    heads = [_("network"), _("input"), _("layers"), *(_(COUNTS[quantity]) for quantity in counts)]
    return Table(heads, rows, left=2, dispensable=[_(heading) for heading in DISPENSABLE])


def compared_page(found: Comparison) -> Page:
    """Networks that were compared, side by side."""
    return comparison_page(list(zip(found.names, found.reports, strict=True)))


def total_text(totals: Totals, quantity: str) -> str:
    """A total. A sum that leaves rows out has a ? behind it."""
    value = totals.known(quantity)
    return ("" if value is None else number(value)) + "?" * totals.is_partial(quantity)


def totals_record(name: str, report: Report, *, short: bool = False) -> dict[str, Any]:
    """One network as a row of CSV, under the headings of every language."""
    row: dict[str, Any] = {
        "network": name,
        "input": ", ".join(map(sizes, report.inputs.values())),
        "layers": len(report),
    }
    for quantity, heading in COUNTS.items():
        if not (short and quantity in LONG):
            value, left_out = report.totals.known(quantity), report.totals.is_partial(quantity)
            # A sum that leaves something out must not look like a number to a spreadsheet.
            row[heading] = "?" if value is None else f"{value}?" if left_out else value
    return row


def comparison_page(reports: Sequence[tuple[str, Report]]) -> Page:
    """Networks side by side."""
    return Page(
        "",
        [Section("", totals_table(reports))],
        lambda: {"networks": [totals_as_data(*entry) for entry in reports]},
        records=lambda: [totals_record(*entry) for entry in reports],
    )


def networks_page(
    families: Mapping[str, Sequence[tuple[str, Report]]], variants: Mapping[str, Sequence[str]], *, sources: bool
) -> Page:
    """The bundled networks, a table for each family, their variants, and where they come from if that is wanted."""
    entries = [(family, name, report) for family, reports in families.items() for name, report in reports]
    sections = [
        Section("", totals_table(reports, short=True), heading=_(family)) for family, reports in families.items()
    ]
    # A no-break space keeps a variant and its spec in one line.
    also = ", ".join(f"{variant}\xa0({name})" for _family, name, _report in entries for variant in variants[name])
    sections.append(Section("", notes=[_("variants of these specs: {variants}", variants=also)], indent=0))
    if sources:
        notes = [
            _("{name}: {text}", name=name, text=f"{name_of(report)}. {report.source}")
            for _family, name, report in entries
        ]
        sections.append(Section("", notes=notes, indent=0))

    def as_data() -> dict[str, Any]:
        """What each costs is worked out for JSON alone: no table shows it."""
        data = [
            {"family": family, **totals_as_data(name, report), "source": report.source, "variants": variants[name]}
            for family, name, report in entries
        ]
        return {"networks": data}

    return Page(
        "",
        sections,
        as_data,
        records=lambda: [
            {"family": family, **totals_record(name, report, short=True)} for family, name, report in entries
        ],
        broken_at=100,
    )
