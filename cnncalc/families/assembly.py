"""The columns of a family put together, from the leaves that its members came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from cnncalc.families.columns import Array, Column, Evaluated, np
from cnncalc.families.evaluation import Evaluation
from cnncalc.families.formulas import Leaf, fill_in


class _Piece(NamedTuple):
    """Part of a column: some rows, with a column for each of its axes; is_tuple where there are several."""

    rows: Array
    parts: list[Array | None]
    is_tuple: bool


class Assembly:
    """Columns and reasons of so many members, filled piece by piece."""

    def __init__(self, questions: Collection[str], members: int) -> None:
        self.members = members
        self.reasons: list[str | None] = [None] * members
        self.pieces: dict[str, list[_Piece]] = {name: [] for name in questions}

    def put(self, rows: Array, leaf: Leaf, evaluation: Evaluation) -> bool:
        """What a leaf says of these members; False where its message does not fit them all."""
        if leaf.reason is not None:
            reasons = fill_in(leaf.reason, evaluation)
            if None in reasons:
                return False
            for row, reason in zip(rows.tolist(), reasons, strict=True):
                self.reasons[row] = reason
        for name, formula in (leaf.formulas or {}).items():
            self.pieces[name].append(_Piece(rows, [_column(p, evaluation) for p in formula.parts], formula.is_tuple))
        return True

    def put_single(self, rows: Array, found: Evaluated) -> None:
        """What members gave that were analyzed one by one."""
        for row, reason in zip(rows.tolist(), found.reasons, strict=True):
            self.reasons[row] = reason
        for name, column in found.columns.items():
            for place, row in enumerate(rows):
                value = column.item(place)
                parts = value if isinstance(value, tuple) else (value,)
                if value is not None:
                    columns = [None if part is None else _alone(part) for part in parts]
                    self.pieces[name].append(_Piece(np.array([row]), columns, isinstance(value, tuple)))

    def put_together(self, rows: Sequence[int], found: Evaluated) -> None:
        """The same of many members; a column of which all is known is put in as a whole."""
        for row, reason in zip(rows, found.reasons, strict=True):
            self.reasons[row] = reason
        places = np.array(rows, dtype=np.int64)
        left = {}
        for name, column in found.columns.items():
            values = column.values
            if values.ndim == 2 and column.known.all():
                self.pieces[name].append(_Piece(places, [values[:, i] for i in range(values.shape[1])], is_tuple=True))
            elif values.dtype == np.int64 and column.known.all():
                self.pieces[name].append(_Piece(places, [values], is_tuple=False))
            else:
                left[name] = column
        if left:
            self.put_single(places, Evaluated(left, found.reasons))

    def finish(self) -> Evaluated:
        """All of it."""
        return Evaluated({name: self._join(pieces) for name, pieces in self.pieces.items()}, self.reasons)

    def _join(self, pieces: list[_Piece]) -> Column:
        # A single number that is not known does not say whether the column is one of tuples.
        pieces = [piece for piece in pieces if piece.is_tuple or piece.parts[0] is not None]
        ranks = {len(piece.parts) if piece.is_tuple else None for piece in pieces}
        if len(ranks) > 1:
            return self._of_several_ranks(pieces)
        rank = ranks.pop() if ranks else None
        columns = [self._axis(pieces, i) for i in range(rank or 1)]
        if rank is None:
            return columns[0]
        # Tuples without numbers leave nothing to stack.
        if not columns:
            return Column(np.zeros((self.members, 0), dtype=np.int64), np.zeros((self.members, 0), dtype=bool))
        return Column(np.stack([c.values for c in columns], axis=1), np.stack([c.known for c in columns], axis=1))

    def _axis(self, pieces: list[_Piece], axis: int) -> Column:
        parts = [(piece.rows, part) for piece in pieces if (part := piece.parts[axis]) is not None]
        # One number beyond int64 makes the whole column Python's integers: counts are never rounded.
        whole = all(part.dtype == np.int64 for _rows, part in parts)
        values: Array = np.zeros(self.members, dtype=np.int64 if whole else object)
        known = np.zeros(self.members, dtype=bool)
        for rows, part in parts:
            values[rows] = part
            known[rows] = True
        return Column(values, known)

    def _of_several_ranks(self, pieces: list[_Piece]) -> Column:
        items: list[Any] = [None] * self.members
        for piece in pieces:
            alone = Assembly((), len(piece.rows))
            place = _Piece(np.arange(len(piece.rows)), piece.parts, piece.is_tuple)
            for row, item in zip(piece.rows.tolist(), alone._join([place]).items(), strict=True):
                items[row] = item
        return Column.of(items)


def _column(part: Any, evaluation: Evaluation) -> Array | None:
    if part is None:
        return None
    if isinstance(part, (int, tuple)):
        return evaluation.column(part)
    return np.full(evaluation.members, part, dtype=object)


def _alone(part: Any) -> Array:
    return Column.of([part]).values
