"""Members one by one, in pieces: calls of blocks that members have in common are worked out once.

For members that differ in words, each of which is a structure of its own: the cells of a search space. What a member
in pieces does not tell, the member as a whole does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.analysis.pieces import TOLD, Folds
from cnncalc.errors import SpecError
from cnncalc.families.columns import Column, Evaluated
from cnncalc.families.questions import Question
from cnncalc.families.settings import Setting
from cnncalc.families.singly import evaluate_singly
from cnncalc.pieces import ApartError
from cnncalc.report import Totals
from cnncalc.spec import tree_of
from cnncalc.spec.build.pieces import Pieces
from cnncalc.spec.read.document import read_document
from cnncalc.spec.values import write_value

TRIED = 60  # members before it is judged whether pieces are worth it
LITTLE = 10  # operations of members for one that was unrolled
PATIENCE = 40  # members that are tried, before it is given up where none of them was in pieces

Member = tuple[Mapping[str, Any], Mapping[str, Any]]  # parameters, inputs


class Piecewise:
    """Evaluates members of one setting; what pieces come to is remembered."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.folds = Folds(setting.settings)
        self.pieces: Pieces | None = None
        self.served = self.apart = 0
        if not setting.inline:
            try:
                self.pieces = Pieces(
                    lambda: read_document(setting.source, tree_of(setting.source)), setting.max_operations
                )
            # A spec that has no pieces, or is wrong, is told of where its members are analyzed as a whole.
            except (ApartError, SpecError):
                pass

    def serves(self, questions: Mapping[str, Question]) -> bool:
        """Whether members are likely to be in pieces, and these questions are about the network alone."""
        if self.pieces is None or (self.apart >= PATIENCE and not self.served):
            return False
        return all(not question.layer and question.quantity in TOLD for question in questions.values())

    @property
    def reuses(self) -> bool:
        """Whether hardly an operation of a member is unrolled for it alone, as far as is known: a few are tried."""
        if self.pieces is None:
            return False
        # Unrolled anew too often, pieces cost more than formulas.
        return self.served + self.apart < TRIED or self.pieces.unrolled * LITTLE < self.pieces.asked

    def evaluate(self, members: Sequence[Member], questions: Mapping[str, Question]) -> Evaluated:
        """The columns of some members, as `evaluate_singly` gives them."""
        values: dict[str, list[Any]] = {name: [] for name in questions}
        reasons: list[str | None] = []
        names = [question.quantity for question in questions.values()]
        for member in members:
            totals = self.totals(member, names) if self.serves(questions) else None
            if totals is not None:
                reasons.append(None)
                for name, question in questions.items():
                    values[name].append(totals.known(question.quantity))
                continue
            alone = evaluate_singly(self.setting, [member], questions)
            reasons += alone.reasons
            for name, column in alone.columns.items():
                values[name].append(column.item(0))
        return Evaluated({name: Column.of(items) for name, items in values.items()}, reasons)

    def totals(self, member: Member, names: Sequence[str]) -> Totals | None:
        """The totals of a member that are named; None where it is to be analyzed as a whole."""
        params, inputs = member
        setting = self.setting
        assert self.pieces is not None
        try:
            piece = self.pieces.network(
                {**dict(setting.source.params), **setting.params, **_as_text(params)},
                {**setting.inputs, **_as_text(inputs)},
            )
            totals = self.folds.totals(piece, names)
        except ApartError:
            self.apart += 1
            return None
        self.served += 1
        return totals


def _as_text(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: write_value(value) for name, value in values.items()}
