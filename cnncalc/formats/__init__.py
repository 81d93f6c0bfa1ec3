"""From a report to text: one file per format, each a function `render(report, view) -> str`."""

from __future__ import annotations

from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, View
from cnncalc.report import Report

FORMATS = ("table", "plain", "markdown", "csv", "json", "latex", "html")
SUFFIXES = {
    "md": "markdown",
    "csv": "csv",
    "json": "json",
    "tex": "latex",
    "html": "html",
    "htm": "html",
    "txt": "plain",
}


def render(report: Report, format: str, view: View | None = None) -> str:
    """The report in one of FORMATS, ending with a line break. `table` is for terminals, and may hold colour."""
    from importlib import import_module

    if format not in FORMATS:
        raise CnncalcError(_("unknown format '{format}': known: {names}", format=format, names=", ".join(FORMATS)))
    unknown = set(view.columns or ()) - COLUMNS.keys() if view else set()
    if unknown:
        raise CnncalcError(
            _("there is no column '{name}': known: {names}", name=min(unknown), names=", ".join(COLUMNS))
        )
    text: str = import_module(f"cnncalc.formats.{format}").render(report, view or View())
    return text if text.endswith("\n") else text + "\n"
