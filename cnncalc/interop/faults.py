"""One place for what goes wrong inside a reader of models: it is said where, and is never the user's."""

from __future__ import annotations

import os
import traceback

from cnncalc.language import _

VARIABLE = "CNNCALC_DEBUG"  # set by --debug: the traceback of what is caught


def fault_text(error: BaseException) -> str:
    """Why something cannot be read, for an error that nobody foresaw."""
    return _(
        "an error that nobody foresaw ({error}); --debug shows where, and a report is welcome",
        error=type(error).__name__,
    )


def say_fault(error: BaseException) -> None:
    """Show the traceback where --debug asks for it."""
    if os.environ.get(VARIABLE):
        traceback.print_exception(error)
