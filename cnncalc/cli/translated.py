"""What click itself says, in another language than English: its headings and complaints, and lines of wide characters.

Loaded for other languages only. Click looks its texts up by `gettext` in the domain in force, under the language
that the environment asks for; the ones that are met here are in our catalogue.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterable

import click

from cnncalc.errors import columns_of
from cnncalc.formats.lines import wrap_text
from cnncalc.language import _, folder

MARKS = "，。；：、！？（）"
SAID = click.NoSuchOption.format_message


def translate_click(language: str) -> None:
    """Click's own texts in this language from now on, help in lines that are no wider than the terminal."""
    # Click asks gettext, and that asks the environment: there is no argument to give it.
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain("cnncalc", folder())
    gettext.textdomain("cnncalc")
    click.Context.formatter_class = WideFormatter
    click.NoSuchOption.format_message = lambda self: close(SAID(self))  # type: ignore[method-assign]  # click has no hook


def close(text: str) -> str:
    """Chinese text without the spaces that are put behind a full stop elsewhere: its marks are wide."""
    return re.sub(rf"([{MARKS}]) +", r"\1", text)


def break_choices(term: str, width: int) -> list[str]:
    """`--format [table|plain|json]` in lines that are no wider: broken behind a bar, however many choices there are."""
    lines = [""]
    for part in re.split(r"(?<=\|)", term):
        if lines[-1] and columns_of(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return lines


class WideFormatter(click.HelpFormatter):
    """Help whose lines are measured in terminal columns instead of characters."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, _("Usage:") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        self.write(" " * self.current_indent + _("{heading}:", heading=heading) + "\n")

    def write_text(self, text: str) -> None:
        for i, paragraph in enumerate(text.split("\n\n")):
            self.write("\n" * bool(i))
            for line in wrap_text(close(" ".join(paragraph.split())), self.width - self.current_indent):
                self.write(" " * self.current_indent + line + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        # Terminal columns: a Chinese character takes two, which click does not know.
        left = min(max(columns_of(term) for term, _text in rows), col_max) + col_spacing
        margin = " " * self.current_indent
        for term, text in rows:
            *above, term = break_choices(term, self.width - self.current_indent)
            for line in above:
                self.write(margin + line + "\n")
            first, *others = wrap_text(close(" ".join(text.split())), max(self.width - left - self.current_indent, 10))
            # A term that is wider than its column has its text in the lines below.
            beside = columns_of(term) <= left - col_spacing
            gap = " " * (left - columns_of(term)) if beside else "\n" + margin + " " * left
            self.write((margin + term + gap + first).rstrip() + "\n")
            for line in others:
                self.write(margin + " " * left + line + "\n")
