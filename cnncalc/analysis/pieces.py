"""The totals of a network in pieces: each piece is folded once for each way in which it stands.

Most numbers of a piece are sums over its layers, whatever is around it. Three depend on that, and on little of it:

    gradients   whether one reaches what enters, and what comes out
    memory      whether what enters is needed behind the piece; whether it is kept already, and in whose memory it is
    fields      what the units that enter see. Behind units of a grid, what is seen of what enters is moved and
                stretched: hulls of intervals stay hulls

How a single layer counts is said where networks are analyzed as a whole: here are the folds alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.analysis import of_first_input, times, without_padding
from cnncalc.analysis.costs import (
    Keeping,
    Known,
    count_backward_macs,
    count_moved,
    depends_on_trained,
    find_leading,
    is_smooth,
)
from cnncalc.analysis.fields.forward import Pass, summarize
from cnncalc.analysis.fields.state import Value
from cnncalc.analysis.fields.values import LARGEST_SPAN, AxisField, ByOrigin, Fields, Grid
from cnncalc.analysis.memory import Holding, Lives, lives
from cnncalc.graph import Graph
from cnncalc.layers.base import Facts, Shape
from cnncalc.pieces import ApartError, Outline, Piece, flatten
from cnncalc.quantities import OF_A_LAYER, RATIOS, SUM
from cnncalc.report import BYTES, Settings, Totals, divide

COUNTED = [q for q in OF_A_LAYER if q.fact and q.total == SUM]  # of a layer by itself, whatever is around it
MOVED = "moved_bytes"
BACKWARD, SAVED = "backward_flops", "saved_bytes"
PEAK, FIELD = "peak_activation_bytes", "receptive_field"
ALONE = (*(quantity.name for quantity in COUNTED), MOVED)
QUOTIENTS = [ratio for ratio in RATIOS if {*ratio.of} <= {*ALONE}]
MOST_KINDS = 10_000  # of fields that are remembered
# A quantity that has a fold of its own elsewhere, and none here yet, is that of networks as a whole.
TOLD = {*ALONE, BACKWARD, SAVED, PEAK, FIELD, "output", *(ratio.name for ratio in QUOTIENTS)}


class Sums(NamedTuple):
    """What layers come to, for each quantity; of so many it is not known, and of so many each ratio is not."""

    numbers: tuple[int, ...]
    unknown: tuple[int, ...]
    ratios: tuple[int, ...]


class Entering(NamedTuple):
    """What enters a piece: whether it needs a gradient; whether its memory is whole, kept already, and how large."""

    needed: Known
    whole: bool
    kept: bool
    elements: int


SAME, WEIGHT, OWN = range(3)  # whose memory what comes out is in: that of what enters, of a weight, or its own


class Cost(NamedTuple):
    """What training takes of a piece, and how it leaves what enters and what comes out.

    macs, bytes    of gradients, and kept; of so many layers they are not known
    entered        whether what enters is kept now
    memory, whole, kept, elements  of what comes out
    needed         whether what comes out depends on a trained weight
    """

    macs: int
    bytes: int
    unknown_macs: int
    unknown_bytes: int
    entered: bool
    memory: int
    whole: bool
    kept: bool
    elements: int
    needed: Known


class Folds:
    """Totals of networks in pieces, all under the same settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.size, self.batch = BYTES[settings.dtype], settings.batch
        self._kinds_of_fields: dict[Any, int] = {}
        self._kinds = 0  # that there were, those that are forgotten too

    def totals(self, piece: Piece, names: Iterable[str]) -> Totals:
        """The totals of a network that are named, and no others. Raises ApartError."""
        graph = piece.outline.graph
        names = {*names}
        if not names <= TOLD:
            raise ApartError
        totals = Totals(None)
        numbers, unknown, ratios = self.sums(piece)
        totals.unknown = dict(zip(ALONE, unknown, strict=True))
        for name, number in zip(ALONE, numbers, strict=True):
            setattr(totals, name, number)
        for ratio, missing in zip(QUOTIENTS, ratios, strict=True):
            above, below = (getattr(totals, name) for name in ratio.of)
            setattr(totals, ratio.name, None if missing else divide(above, below))
        if names & {BACKWARD, SAVED}:
            # Inputs of a network need no gradient, and nobody else has the memory that they are in.
            images = map(prod, graph.inputs.values())
            entering = tuple([Entering(needed=False, whole=True, kept=False, elements=n) for n in images])
            cost = self.cost(piece, entering, leads=True)
            totals.backward_flops, totals.saved_bytes = 2 * cost.macs * self.batch, cost.bytes
            totals.unknown |= {BACKWARD: cost.unknown_macs, SAVED: cost.unknown_bytes}
        if PEAK in names:
            totals.peak_activation_bytes = times(self.peak(piece, ends=True), self.size * self.batch)
        totals.output = graph.shape(graph.outputs[0])
        if FIELD in names:
            totals.receptive_field = self.field(piece)
        return totals

    # --- sums

    def sums(self, piece: Piece) -> Sums:
        """What the layers of a piece come to by themselves."""
        known: Sums | None = piece.known.get("sums")
        if known is None:
            parts = [self._own_sums(piece.outline), *map(self.sums, piece.pieces)]
            known = piece.known["sums"] = Sums(
                *[tuple(map(sum, zip(*of, strict=True))) for of in zip(*parts, strict=True)]
            )
        return known

    def _own_sums(self, outline: Outline) -> Sums:
        known: Sums | None = outline.known.get("sums")
        if known is None:
            rows = [self._counts(outline.graph, i, facts) for i, facts in self._facts(outline) if facts is not None]
            numbers = [sum([n for n in column if n is not None]) for column in zip(*rows, strict=True)]
            unknown = [column.count(None) for column in zip(*rows, strict=True)]
            ratios = [sum([_divide(row, *ratio.of) is None for row in rows]) for ratio in QUOTIENTS]
            nothing = (0,) * len(ALONE)
            known = Sums(tuple(numbers) or nothing, tuple(unknown) or nothing, tuple(ratios))
            outline.known["sums"] = known
        return known

    def _counts(self, graph: Graph, place: int, facts: Facts) -> list[int | None]:
        """The numbers of a layer that ALONE names."""
        counts = [quantity.value(facts, self.batch, self.size) for quantity in COUNTED]
        return [*counts, count_moved(graph, graph.nodes[place], facts, self.size, self.batch)]

    def _facts(self, outline: Outline) -> list[tuple[int, Facts | None]]:
        """The operations with what is counted of them; None of a call."""
        known: list[tuple[int, Facts | None]] | None = outline.known.get("facts")
        if known is None:
            graph, known = outline.graph, []
            for i, (node, facts) in enumerate(zip(graph.nodes, graph.facts, strict=True)):
                if self.settings.exact_padding and i not in outline.calls:
                    facts = without_padding(facts, *node.layer.on_padding(*(graph.shape(v) for v in node.reads)))
                known.append((i, None if i in outline.calls else facts))
            outline.known["facts"] = known
        return known

    # --- gradients, and what is kept for them

    def cost(self, piece: Piece, entering: tuple[Entering, ...], *, leads: bool) -> Cost:
        """What training takes of a piece; `leads`: whether an output of the network depends on what comes out."""
        key = (entering, leads)
        known: Cost | None = piece.known.get(key)
        if known is None:
            known = piece.known[key] = _Costing(self, piece, entering, leads=leads).cost()
        return known

    def leading(self, piece: Piece) -> list[bool]:
        """For each value whether what comes out depends on it through what is smooth."""
        key: tuple[Any, ...] = ("leading", *[self.leading(part)[0] for part in piece.pieces])
        known: list[bool] | None = piece.outline.known.get(key)
        if known is None:
            parts = iter(key[1:])
            smooth = [next(parts) if facts is None else is_smooth(facts) for _i, facts in self._facts(piece.outline)]
            known = piece.outline.known[key] = find_leading(piece.outline.graph, smooth)
        return known

    # --- what is alive at once

    def peak(self, piece: Piece, *, ends: bool) -> int:
        """The most elements that are alive in a piece, of what enters and what it writes.

        ends  whether nothing behind the piece reads what enters
        """
        key = ("peak", ends)
        known: int | None = piece.known.get(key)
        if known is None:
            outline = piece.outline
            holding, calls = self._holding(outline, ends=ends)
            inside = {
                i: self.peak(part, ends=last) - entering
                for (i, entering, last), part in zip(calls, piece.pieces, strict=True)
            }
            known = piece.known[key] = max(holding.count_held(inside))
        return known

    def _holding(self, outline: Outline, *, ends: bool) -> tuple[Holding, list[tuple[int, int, bool]]]:
        """What the outline holds; for each call, how many elements enter, and whether it is the last to read them."""
        key = ("holding", ends)
        known: tuple[Holding, list[tuple[int, int, bool]]] | None = outline.known.get(key)
        if known is None:
            graph = outline.graph
            alive = lives(graph)
            assert alive is not None  # a piece whose shapes are not known is none
            elements, last_use = alive
            if not ends:
                last_use = [len(graph.nodes), *last_use[1:]]
            reads = [(i, graph.nodes[i].reads[0]) for i in outline.calls]
            calls = [(i, elements[value], last_use[value] == i) for i, value in reads]
            known = outline.known[key] = Holding(Lives(elements, last_use), len(graph.inputs)), calls
        return known

    # --- fields

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
        known: Value | None = piece.known.get("field")
        if known is None:
            # Pieces of one outline whose calls move what is seen alike see alike: what they count does not matter here.
            key = ("field", *map(self.kind_of_field, piece.pieces))
            known = piece.outline.known.get(key)
            if known is None:
                found = PiecePass(self, piece)
                known = found.last
                if found.moves:
                    piece.outline.known[key] = known
            piece.known["field"] = known
        return known

    def kind_of_field(self, piece: Piece) -> int:
        """A number, the same for pieces through which the same is seen of what enters."""
        known: int | None = piece.known.get("kind of field")
        if known is None:
            value = self._behind(piece)
            key = (*value[:1], tuple(value.seen.items()), *value[2:])
            if key not in self._kinds_of_fields:
                if len(self._kinds_of_fields) > MOST_KINDS:
                    self._kinds_of_fields.clear()
                self._kinds += 1
                self._kinds_of_fields[key] = self._kinds
            known = piece.known["kind of field"] = self._kinds_of_fields[key]
        return known

    def move(self, piece: Piece, entering: Value) -> Value | None:
        """What is found of a value behind a piece, where its units see what they see of what enters, moved."""
        behind = self._behind(piece)
        seen = _move(entering, behind)
        return None if seen is None else behind._replace(seen=seen)

    def through(self, piece: Piece, entering: Value, sizes: dict[int, Shape]) -> Value:
        """The same in any case: the pass goes through the piece."""
        key = ("through", *entering[:1], tuple(entering.seen.items()), *entering[2:], tuple(sizes.items()))
        known: Value | None = piece.known.get(key)
        if known is None:
            known = piece.known[key] = PiecePass(self, piece, entering, sizes).last
        return known


def _divide(row: Sequence[int | None], above: str, below: str) -> float | None:
    return divide(row[ALONE.index(above)], row[ALONE.index(below)])


class _Costing:
    """One piece, in one way in which it stands."""

    def __init__(self, folds: Folds, piece: Piece, entering: tuple[Entering, ...], *, leads: bool) -> None:
        self.folds, self.piece = folds, piece
        self.graph = piece.outline.graph
        self.needed: list[Known] = [value.needed for value in entering]
        self.elements = {-1: 0, **{i: value.elements for i, value in enumerate(entering)}}
        self.keeping = Keeping(len(entering), self.elements.__getitem__, folds.size, folds.batch)
        self.keeping.stores.whole[:] = [value.whole for value in entering]
        self.keeping.seen.update(i for i, value in enumerate(entering) if value.kept)
        self.leading = folds.leading(piece) if leads else [False] * (len(entering) + len(self.graph.nodes))
        self.macs = self.bytes = self.unknown_macs = self.unknown_bytes = 0

    def cost(self) -> Cost:
        parts = iter(self.piece.pieces)
        for i, facts in self.folds._facts(self.piece.outline):
            if facts is None:
                self.call(i, next(parts))
            else:
                self.layer(i, facts)
        stores, result = self.keeping.stores, self.graph.outputs[0]
        place = stores.of[result]
        return Cost(
            self.macs,
            self.bytes,
            self.unknown_macs,
            self.unknown_bytes,
            0 in self.keeping.seen,
            SAME if place == 0 else WEIGHT if place == -1 else OWN,
            stores.whole[result],
            place in self.keeping.seen,
            self.elements[place],
            self.needed[result],
        )

    def layer(self, i: int, facts: Facts) -> None:
        """One layer: its gradients, and what it is the first to keep."""
        node, own = self.graph.nodes[i], len(self.needed)
        self.needed.append(depends_on_trained(facts, [self.needed[v] for v in node.reads]))
        self.elements[own] = prod(facts.output)
        reached = self.needed[own] if self.leading[own] else False
        macs = count_backward_macs(node, facts, self.needed, reached)
        if macs is None:
            self.unknown_macs += 1
        else:
            self.macs += macs
        kept = self.keeping.keep(node, facts, self.needed, reached)
        if kept is None:
            self.unknown_bytes += 1
        else:
            self.bytes += sum([store.size for store in kept])

    def call(self, i: int, piece: Piece) -> None:
        """A call: what it comes to in this place, and what it leaves behind."""
        keeping, stores = self.keeping, self.keeping.stores
        value, own = self.graph.nodes[i].reads[0], len(self.needed)
        place = stores.of[value]
        entering = Entering(self.needed[value], stores.whole[value], place in keeping.seen, self.elements[place])
        cost = self.folds.cost(piece, (entering,), leads=self.leading[own])
        self.macs += cost.macs
        self.bytes += cost.bytes
        self.unknown_macs += cost.unknown_macs
        self.unknown_bytes += cost.unknown_bytes
        if cost.entered:
            keeping.seen.add(place)
        stores.of.append(place if cost.memory == SAME else -1 if cost.memory == WEIGHT else own)
        stores.whole.append(cost.whole)
        self.elements[own] = cost.elements
        if cost.memory == OWN and cost.kept:
            keeping.seen.add(own)
        self.needed.append(cost.needed)


class PiecePass(Pass):
    """The pass forward through a piece, of which a call is a step.

    entering  what is found of what enters; None: fields are counted in its own units
    sizes     of the inputs that those of `entering` are counted in
    """

    def __init__(
        self, folds: Folds, piece: Piece, entering: Value | None = None, sizes: dict[int, Shape] | None = None
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
            moved.append(Grid((lo + first * span,), (hi + last * span,), span * stride))
        found[origin] = tuple(moved)
    return found


def _ends(field: AxisField) -> tuple[int, int, int] | None:
    """The first and the last element that unit 0 sees, and how far unit 1 is; None where units are not all alike."""
    if not isinstance(field, Grid) or len(field.lo) > 1 or field.lo[0] is None or field.hi[0] is None:
        return None
    return field.lo[0], field.hi[0], field.span
