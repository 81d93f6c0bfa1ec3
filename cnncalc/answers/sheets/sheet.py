"""What a sheet is: the answers of one person, each with its place, and what could not be read."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from typing import NamedTuple

from cnncalc.answers.words import is_total
from cnncalc.errors import OptionError, Position, Problem, Source, SpecError
from cnncalc.language import _

# What a sheet says of itself is no answer.
ABOUT_THE_SHEET = {"name", "student", "course", "date", "spec", "notes", "id", "姓名", "学号", "班级"}


class Answer(NamedTuple):
    """What stands in a sheet, words as written; a layer of None is the whole network.

    position, layer_at, quantity_at  where the answer, the layer and the quantity stand, if that is known
    under  the heading above an answer that names no layer: it is about that layer, if there is one of this name
    """

    layer: str | None
    quantity: str
    text: str
    position: Position | None = None
    points: Fraction = Fraction(1)
    accept: tuple[str, ...] = ()
    layer_at: Position | None = None
    quantity_at: Position | None = None
    under: str | None = None


class Sheet(NamedTuple):
    """The answers of one person, what could not be read, and the text for messages.

    student  whom the file names, where it holds the answers of several
    notes    what was passed over, though nothing is wrong with it
    """

    source: Source
    answers: tuple[Answer, ...]
    problems: tuple[Problem, ...] = ()
    student: str = ""
    notes: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """Who it is: `answers/li.csv` is the sheet of li, where it does not say."""
        return self.student or os.path.splitext(os.path.basename(self.source.name))[0]


def with_some_answer(sheet: Sheet) -> Sheet:
    """The sheet; if nothing is in it, with a problem that says so."""
    if sheet.problems or any(answer.text.strip() for answer in sheet.answers):
        return sheet
    hint = _("a line for each answer: layer, quantity, answer")
    return sheet._replace(problems=(Problem(_("the sheet is empty: there is no answer in it"), Position(1, 1), hint),))


def unusable(name: str, problem: str, hint: str | None = None) -> SpecError:
    return SpecError([Problem(problem, Position(1, 1), hint)], Source(name, ""))


def split_key(key: str) -> tuple[str | None, str]:
    """`C3.params` is a layer and a quantity, `params` and `total.params` are of the network."""
    # At the last point: names of layers may have points of their own.
    layer, dot, quantity = key.strip().rpartition(".")
    return (None if not dot or is_total(layer) else layer.strip()), quantity.strip()


def check_points(text: str) -> Fraction:
    """`2` or `0.5`. Raises OptionError."""
    if re.fullmatch(r"\d{1,6}(\.\d{1,4})?", text, re.ASCII):
        return Fraction(text)
    raise OptionError(_("'{text}' are no points", text=text[:20]), _("write 2 or 0.5"))
