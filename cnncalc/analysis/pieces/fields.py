"""Receptive fields of a network in pieces.

What the units behind a piece see of what enters it is a hull of intervals along each axis. Where units before it lie on
a grid, what they see is moved and stretched by that, and stays a hull of intervals: the piece is a step, as a layer is.
Where they do not, the pass goes through the piece, once for each way in which it is entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.analysis import of_first_input
from cnncalc.analysis.fields.forward import Pass, summarize
from cnncalc.analysis.fields.state import Value
from cnncalc.analysis.fields.values import LARGEST_SPAN, AxisField, ByOrigin, Fields, Grid
from cnncalc.layers.base import Shape
from cnncalc.pieces import ApartError, Piece, flatten, remember

MOST_KINDS = 10_000  # of fields that are remembered


class FieldFolds:
    """What units of pieces see."""

    def __init__(self) -> None:
        self._kinds: dict[Any, int] = {}
        self._count = 0  # of kinds that there were, those that are forgotten too: no number is given twice

    def field(self, piece: Piece) -> Any:
        """The receptive field of the network's output, on its first input."""
        graph = piece.outline.graph
        output = graph.outputs[0]
        if output < len(graph.inputs):
            return None
        sizes = [shape[1:] for shape in graph.inputs.values()]
        try:
            seen = self._behind(piece).seen
        except ApartError:  # channels that see differently are followed one by one, through the network as a whole
            whole = flatten(piece)
            seen = Pass(whole).fields[whole.outputs[0]]
        return of_first_input({str(i): summarize(fields, sizes[i]) for i, fields in seen.items()})[0]

    def _behind(self, piece: Piece) -> Value:
        """What the units that come out see of what enters."""

        def look() -> Value:
            # Pieces of one outline whose calls move what is seen alike see alike: what they count does not matter here.
            known, key = piece.outline.known, ("field", *map(self.kind_of, piece.pieces))
            if key in known:
                found: Value = known[key]
                return found
            done = PiecePass(self, piece)
            if done.moves:
                known[key] = done.last
            return done.last

        return remember(piece.known, "field", look)

    def kind_of(self, piece: Piece) -> int:
        """A number, the same for pieces through which the same is seen of what enters."""

        def number() -> int:
            key = as_key(self._behind(piece))
            if key not in self._kinds:
                # All at once: what has been numbered stays right, since no number is given twice.
                if len(self._kinds) > MOST_KINDS:
                    self._kinds.clear()
                self._count += 1
                self._kinds[key] = self._count
            return self._kinds[key]

        return remember(piece.known, "kind of field", number)

    def move(self, piece: Piece, entering: Value) -> Value | None:
        """What is found of a value behind a piece, where its units see what they see of what enters, moved."""
        behind = self._behind(piece)
        seen = _move(entering, behind)
        return None if seen is None else behind._replace(seen=seen)

    def through(self, piece: Piece, entering: Value, sizes: dict[int, Shape]) -> Value:
        """The same in any case: the pass goes through the piece."""
        key = ("through", *as_key(entering), tuple(sizes.items()))
        return remember(piece.known, key, lambda: PiecePass(self, piece, entering, sizes).last)


def as_key(value: Value) -> tuple[Any, ...]:
    """What is found of a value, to be looked up by."""
    return (value.shape, tuple(value.seen.items()), *value[2:])


class PiecePass(Pass):
    """The pass forward through a piece, of which a call is a step.

    entering  what is found of what enters; None: fields are counted in its own units
    sizes     of the inputs that those of `entering` are counted in
    """

    def __init__(
        self, folds: FieldFolds, piece: Piece, entering: Value | None = None, sizes: dict[int, Shape] | None = None
    ) -> None:
        self.folds = folds
        self.calls = dict(zip(piece.outline.calls, piece.pieces, strict=True))
        self.entering, self.own_sizes = entering, sizes
        self.moves = True  # whether no call was gone through
        super().__init__(piece.outline.graph, origins=None if entering is None else {})

    @property
    def last(self) -> Value:
        """What is found of the output."""
        return self.values[self.graph.outputs[0]]

    @property
    def by_channel(self) -> Any:
        """Not to be told of a piece."""
        raise ApartError

    def hulls_of(self, values: Sequence[int]) -> Any:
        """Nor this: what is read of what enters is not known here."""
        raise ApartError

    def _entering(self, value: int, shape: Shape) -> Value:
        if self.entering is None:
            return super()._entering(value, shape)
        assert self.own_sizes is not None
        self.sizes.update(self.own_sizes)
        self._folds |= self.entering.lead > 1
        return self.entering

    def _value_of(self, number: int) -> Value:
        piece = self.calls.get(number)
        if piece is None:
            return super()._value_of(number)
        entering = self.values[self.graph.nodes[number].reads[0]]
        value = self.folds.move(piece, entering)
        if value is None:
            self.moves = False
            value = self.folds.through(piece, entering, self.sizes)
        self._folds |= value.lead > 1
        return value


def _move(entering: Value, behind: Value) -> ByOrigin | None:
    """What is seen behind a piece, by what its units see of what enters; None where that is not for grids to say."""
    # Channels that see alike, on one axis, in no order of their own, of a whole map: anything else is not a plain grid.
    if entering[2:] != (False, 1, None, False) or len(behind.seen) != 1:
        return None
    (steps,) = behind.seen.values()
    found: dict[int, Fields] = {}
    for origin, fields in entering.seen.items():
        if len(fields) != len(steps):
            return None
        moved: list[AxisField] = []
        for field, step in zip(fields, steps, strict=True):
            one, other = _ends(field), _ends(step)
            if one is None or other is None:
                return None
            (lo, hi, span), (first, last, stride) = one, other
            if span * stride > LARGEST_SPAN:
                return None
            # Unit 0 behind sees units `first` to `last`, which begin at lo + first spans and end at hi + last spans.
            moved.append(Grid((lo + first * span,), (hi + last * span,), span * stride))
        found[origin] = tuple(moved)
    return found


def _ends(field: AxisField) -> tuple[int, int, int] | None:
    """The first and the last element that unit 0 sees, and how far unit 1 is; None where units are not all alike."""
    if not isinstance(field, Grid) or len(field.lo) > 1 or field.lo[0] is None or field.hi[0] is None:
        return None
    return field.lo[0], field.hi[0], field.span
