"""How other tools count, as data for the page: what each prints, and why that differs from the MACs here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.conventions import SHIPPED, Printed, convention, overview, reconcile
from cnncalc.errors import CnncalcError
from cnncalc.formats.page import Page
from cnncalc.pages.browser.pool import Pool
from cnncalc.pages.browser.sections import note_data, page_data, table_data
from cnncalc.pages.conventions import overview_page, reconciled_page
from cnncalc.report import Report

OURS = "cnncalc"


def tools_data(report: Report, pool: Pool) -> dict[str, Any]:
    """The table of all tools, and for each of them the difference to cnncalc as an exact sum of causes."""
    entries = overview(report, [convention(name) for name in SHIPPED])
    macs = None if report.totals.is_partial("macs") else report.totals.macs
    differences = [reconcile_with_ours(report, entry) for entry in entries]

    # A function, for the pool asks once for each language.
    def overall() -> dict[str, Any]:
        (section,) = overview_page(entries, macs).sections
        assert section.table is not None
        return {"table": table_data(section.table), "notes": [note_data(note) for note in section.notes]}

    return {
        **pool.speak(overall),
        "names": [entry.convention.name for entry in entries],
        "reconciled": [None if sections is None else pool.speak(sections) for sections in differences],
    }


def reconcile_with_ours(report: Report, entry: Printed) -> Callable[[], list[dict[str, Any]]] | None:
    """What makes the page on one tool, in the language in use; None for our own numbers, and where it has none."""
    # Against itself there is nothing to explain, and against no number either.
    if entry.convention.name == OURS or entry.stops or entry.number is None:
        return None
    try:
        found = reconcile(report, entry.convention, convention(OURS))
    except CnncalcError:
        return None

    def sections() -> list[dict[str, Any]]:
        page: Page = reconciled_page(found)
        return page_data(page)

    return sections
