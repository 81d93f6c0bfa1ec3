"""What a run with numbers that remember comes to: formulas, or a message with numbers in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.families.evaluation import Evaluation
from cnncalc.families.numbers import BEFORE, BEHIND, is_traced
from cnncalc.families.tape import Operand, Step

STAND_IN = re.compile(f"{BEFORE}([0-9]+):([^{BEHIND}]*){BEHIND}")


class Formula(NamedTuple):
    """An answer as an operand, or one per axis; a fraction, and None for what is not known, stand as they are."""

    parts: tuple[Operand | Fraction | None, ...]
    is_tuple: bool


class Leaf(NamedTuple):
    """What a run gave: formulas, or the reason why there is no network; None and no formulas: nothing to rely on."""

    formulas: Mapping[str, Formula] | None
    reason: str | None

    @property
    def is_sound(self) -> bool:
        return self.formulas is not None or self.reason is not None


def formula_of(answer: Any) -> Formula:
    parts = answer if isinstance(answer, tuple) else (answer,)
    return Formula(tuple([part.step if is_traced(part) else part for part in parts]), isinstance(answer, tuple))


def fill_in(reason: str, evaluation: Evaluation) -> list[str | None]:
    """A message with the numbers of every member in place of those that stand in for them.

    None where something is left of them: a message that was cut.
    """
    if BEFORE not in reason and BEHIND not in reason:
        return [reason] * evaluation.members
    spans = list(STAND_IN.finditer(reason))
    columns = evaluation.values([Step(int(span[1])) for span in spans])
    template, last = "", 0
    for span in spans:
        # Braces of the message itself are doubled, for `format` fills in all others.
        template += reason[last : span.start()].replace("{", "{{").replace("}", "}}") + f"{{:{span[2]}}}"
        last = span.end()
    template += reason[last:].replace("{", "{{").replace("}", "}}")
    if BEFORE in template or BEHIND in template:
        return [None] * evaluation.members
    return [template.format(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
