"""Descriptions, which are docstrings: where Python runs without these (-OO) they are read from the source."""

from __future__ import annotations

import ast
import sys
from inspect import cleandoc
from typing import Any


def docstring_of(thing: Any) -> str:
    """The docstring of a function or a class, without its indentation; a question mark where nothing says it."""
    text: str | None = thing.__doc__
    if text is None and sys.flags.optimize > 1:
        text = text_in_source(thing)
    return cleandoc(text or "?")


def text_in_source(thing: Any) -> str | None:
    """The docstring as the module's source has it; None where there is no source."""
    module = sys.modules[thing.__module__]
    loader: Any = getattr(module, "__loader__", None)
    source = loader.get_source(thing.__module__) if hasattr(loader, "get_source") else None
    found: Any = None if source is None else ast.parse(source)
    # From the module inwards: `Window.positions` is a function in a class.
    for name in thing.__qualname__.split("."):
        parts = getattr(found, "body", ())
        found = next((part for part in parts if getattr(part, "name", None) == name), None)
    return None if found is None else ast.get_docstring(found, clean=False)
