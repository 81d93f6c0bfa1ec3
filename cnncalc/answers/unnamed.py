"""Answers that do not say what is asked: `conv1: 896`. What is meant is what most of them are right as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cnncalc.answers.layer_names import LayerNames
from cnncalc.answers.matching import match
from cnncalc.answers.notation import read
from cnncalc.answers.options import option_of
from cnncalc.answers.sheets.sheet import Answer, Sheet
from cnncalc.answers.words import SHAPED, quantity_of
from cnncalc.errors import OptionError, Problem
from cnncalc.language import _

LOOKED_AT = 200  # answers, which tell what all are about


def name_quantities(
    sheet: Sheet, layers: LayerNames, find_expected: Callable[[str, str], Any], asked: Iterable[str]
) -> Sheet:
    """The sheet with its unnamed answers under the one of the `asked` quantities that most of them are right as.

    That it is so taken becomes a note. Of several, where none are right, or as many as two quantities, they stay
    unnamed: nobody is graded by a guess.
    """
    flags = [is_unnamed(answer, layers) for answer in sheet.answers]
    unnamed = [answer for answer, flag in zip(sheet.answers, flags, strict=True) if flag]
    looked_at = unnamed[:LOOKED_AT]
    right = {quantity: count_right(looked_at, quantity, layers, find_expected) for quantity in asked}
    most = max(right.values(), default=0)
    meant = [quantity for quantity, times in right.items() if times == most]
    # Where none is right all are alike; where one quantity alone is asked for, they are about that, right or not.
    if not unnamed or len(meant) != 1:
        return sheet
    said = _(
        "no answer says of what quantity it is: taken for {name}, as which {n} of {m} are right",
        name=meant[0], n=most, m=len(looked_at),
    )  # fmt: skip
    # Said once, at the first of them.
    first = unnamed[0]
    hint = _("write LAYER.{name}", name=meant[0])
    note = Problem(said, first.quantity_at or first.position, hint)
    named = [
        as_answer_of(answer, meant[0]) if flag else answer for answer, flag in zip(sheet.answers, flags, strict=True)
    ]
    return sheet._replace(answers=tuple(named), notes=(*sheet.notes, note))


def is_unnamed(answer: Answer, layers: LayerNames) -> bool:
    """Whether where the quantity should stand there is a layer."""
    known = quantity_of(answer.quantity) is not None or option_of(answer.quantity) is not None
    return answer.layer is None and not known and layers.find(answer.quantity) is not None


def as_answer_of(answer: Answer, quantity: str) -> Answer:
    return answer._replace(layer=answer.quantity, quantity=quantity, layer_at=answer.quantity_at)


def count_right(
    unnamed: Sequence[Answer], quantity: str, layers: LayerNames, find_expected: Callable[[str, str], Any]
) -> int:
    """How many of the answers are right for this quantity of their layers."""
    right = 0
    for answer in unnamed:
        try:
            readings = read(answer.text, shaped=quantity in SHAPED)
        except OptionError:  # no number: graded, and said, as whatever the others are
            continue
        layer = layers.find(answer.quantity)
        assert layer is not None
        right += match(readings, find_expected(layer, quantity), quantity) is not None
    return right
