"""Writes the generated part of the docs: python tests/write_docs.py. A test compares it with the program."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from cnncalc.cli.kinds import option_line, options_of
from cnncalc.layers import KINDS

TARGET = Path(__file__).parent.parent / "docs" / "kinds.md"


def kinds_page() -> str:
    """Every kind with its description, options and other names."""
    lines = [
        "# Kinds",
        "",
        "Written by `python tests/write_docs.py`. `cnncalc kinds KIND` shows the arithmetic of a kind too.",
        "",
        "Names are compared without regard to case, `_`, `-` and a 1d, 2d or 3d: `Conv2D`, `MaxPool2d` and",
        "`max_pooling` are understood. In brackets how an option is written in a one-line step.",
        "",
    ]
    for family, rows in groupby(KINDS.values(), key=lambda row: row.family):
        lines += [f"## {family}", ""]
        for row in rows:
            layer = row.load()
            lines += [f"### {row.name}", "", " ".join((layer.__doc__ or "").split()), ""]
            if row.aliases:
                lines += [f"Also: {', '.join(f'`{alias}`' for alias in row.aliases)}", ""]
            lines += [f"- {option_line(option).strip()}" for option in options_of(layer)]
            lines += [""] if layer.options else []
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(kinds_page(), encoding="utf-8")
