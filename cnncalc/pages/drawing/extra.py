"""What the extra `[draw]` brings: ReportLab for PDF and resvg for PNG, loaded when they are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.language import _


def require(module: str, ending: str) -> Any:
    """A module of a library of the extra. Raises CnncalcError where it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        raise CnncalcError(
            _("drawings as {ending} need {library}: pip install 'cnncalc[draw]'", ending=ending,
              library=module.split(".")[0].replace("_py", ""))
        ) from None  # fmt: skip
