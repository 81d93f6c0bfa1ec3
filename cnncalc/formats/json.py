"""JSON: every number, a line per row, so that differences stay small. The same page gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cnncalc.formats.page import SCHEMA_VERSION, Page

# Control characters, direction marks, what has no width, and halves of characters.
ACTED_ON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]")


def escape(text: str) -> str:
    r"""JSON in which a character that a terminal acts on, or that is half of one, is written as \u001b."""
    if text.isascii() and "\x7f" not in text:
        # Most are plain, and asking for that is quicker than the pattern.
        return text
    return ACTED_ON.sub(encode, text)


def encode(found: re.Match[str]) -> str:
    """A character as JSON writes what it cannot show."""
    return f"\\u{ord(found[0]):04x}"


def compact(value: Any) -> str:
    """A value on one line."""
    return escape(json.dumps(value, ensure_ascii=False, allow_nan=False))


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """An object with what is said of the page, and the data of its sections under their keys."""
    facts = page.facts() if callable(page.facts) else page.facts
    content = {"schema_version": SCHEMA_VERSION, **facts, **{s.key: s.data or [] for s in page.sections if s.key}}
    return object_text(content)


def object_text(content: Mapping[str, Any]) -> str:
    """A key per line, and of a list of objects a line per object."""
    lines = []
    for key, value in content.items():
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
            rows = ",\n".join(f"    {compact(row)}" for row in value)
            lines.append(f"  {compact(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {compact(key)}: {compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
