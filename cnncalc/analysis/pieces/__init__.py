"""The totals of a network in pieces: each piece is folded once for each way in which it stands.

Most numbers of a piece are sums over its layers, whatever is around it. Three depend on that, and on little of it:

    gradients   whether one reaches what enters, and what comes out (training.py)
    memory      whether what enters is needed behind the piece; whether it is kept already, and in whose memory it is
    fields      what the units that enter see (fields.py)

How a single layer counts is said where networks are analyzed as a whole: here are the folds alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cnncalc.analysis import multiply, without_padding
from cnncalc.analysis.costs import count_moved
from cnncalc.analysis.memory import Holding, Lives, find_lives
from cnncalc.analysis.pieces.fields import FieldFolds
from cnncalc.analysis.pieces.training import TrainingFolds
from cnncalc.graph import Graph
from cnncalc.layers.base import Facts
from cnncalc.pieces import ApartError, Outline, Piece, remember
from cnncalc.quantities import OF_A_LAYER, RATIOS, SUM
from cnncalc.report import BYTES, Settings, Totals, divide

COUNTED = [q for q in OF_A_LAYER if q.fact and q.total == SUM]  # of a layer by itself, whatever is around it
MOVED = "moved_bytes"
BACKWARD, SAVED = "backward_flops", "saved_bytes"
PEAK, FIELD = "peak_activation_bytes", "receptive_field"
ALONE = (*(quantity.name for quantity in COUNTED), MOVED)
QUOTIENTS = [ratio for ratio in RATIOS if {*ratio.of} <= {*ALONE}]
# A quantity that has a fold of its own elsewhere, and none here yet, is that of networks as a whole.
TOLD = {*ALONE, BACKWARD, SAVED, PEAK, FIELD, "output", *(ratio.name for ratio in QUOTIENTS)}


class Sums(NamedTuple):
    """What layers come to, for each quantity; of so many it is not known, and of so many each ratio is not."""

    numbers: tuple[int, ...]
    unknown: tuple[int, ...]
    ratios: tuple[int, ...]


class Folds:
    """Totals of networks in pieces, all under the same settings.

    What a fold comes to is kept with the piece, or with its outline where that alone decides it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.size, self.batch = BYTES[settings.dtype], settings.batch
        self.training = TrainingFolds(self.facts_of, self.size, self.batch)
        self.fields = FieldFolds()

    def totals(self, piece: Piece, names: Iterable[str]) -> Totals:
        """The totals of a network that are named, and no others. Raises ApartError."""
        graph = piece.outline.graph
        names = {*names}
        if not names <= TOLD:
            raise ApartError
        totals = Totals(None)
        self._add_sums(totals, self.sums(piece))
        if names & {BACKWARD, SAVED}:
            cost = self.training.cost_of_network(piece)
            totals.backward_flops, totals.saved_bytes = 2 * cost.macs * self.batch, cost.bytes
            totals.unknown |= {BACKWARD: cost.unknown_macs, SAVED: cost.unknown_bytes}
        if PEAK in names:
            totals.peak_activation_bytes = multiply(self.peak(piece, ends=True), self.size * self.batch)
        totals.output = graph.shape(graph.outputs[0])
        if FIELD in names:
            totals.receptive_field = self.fields.field(piece)
        return totals

    def _add_sums(self, totals: Totals, sums: Sums) -> None:
        totals.unknown = dict(zip(ALONE, sums.unknown, strict=True))
        for name, number in zip(ALONE, sums.numbers, strict=True):
            setattr(totals, name, number)
        # A ratio of sums is not known as soon as that of one layer is not: as of networks that are whole.
        for ratio, missing in zip(QUOTIENTS, sums.ratios, strict=True):
            above, below = (getattr(totals, name) for name in ratio.of)
            setattr(totals, ratio.name, None if missing else divide(above, below))

    # --- sums

    def sums(self, piece: Piece) -> Sums:
        """What the layers of a piece come to by themselves."""

        def add_up() -> Sums:
            # The layers of an outline are added up once, however many pieces have it.
            parts = [self._own_sums(piece.outline), *map(self.sums, piece.pieces)]
            return Sums(*[tuple(map(sum, zip(*of, strict=True))) for of in zip(*parts, strict=True)])

        return remember(piece.known, "sums", add_up)

    def _own_sums(self, outline: Outline) -> Sums:
        def add_up() -> Sums:
            rows = [self._counts(outline.graph, i, facts) for i, facts in self.facts_of(outline) if facts is not None]
            numbers = [sum([n for n in column if n is not None]) for column in zip(*rows, strict=True)]
            unknown = [column.count(None) for column in zip(*rows, strict=True)]
            ratios = [sum([_divide(row, *ratio.of) is None for row in rows]) for ratio in QUOTIENTS]
            nothing = (0,) * len(ALONE)  # of an outline of calls alone there are no rows, and so no columns
            return Sums(tuple(numbers) or nothing, tuple(unknown) or nothing, tuple(ratios))

        return remember(outline.known, "sums", add_up)

    def _counts(self, graph: Graph, place: int, facts: Facts) -> list[int | None]:
        """The numbers of a layer that ALONE names."""
        counts = [quantity.value(facts, self.batch, self.size) for quantity in COUNTED]
        return [*counts, count_moved(graph, graph.nodes[place], facts, self.size, self.batch)]

    def facts_of(self, outline: Outline) -> list[tuple[int, Facts | None]]:
        """The operations with what is counted of them; None of a call."""

        def look() -> list[tuple[int, Facts | None]]:
            graph, found = outline.graph, []
            for i, (node, facts) in enumerate(zip(graph.nodes, graph.facts, strict=True)):
                if self.settings.exact_padding and i not in outline.calls:
                    facts = without_padding(facts, *node.layer.on_padding(*(graph.shape(v) for v in node.reads)))
                found.append((i, None if i in outline.calls else facts))
            return found

        return remember(outline.known, "facts", look)

    # --- what is alive at once

    def peak(self, piece: Piece, *, ends: bool) -> int:
        """The most elements that are alive in a piece, of what enters and what it writes.

        ends  whether nothing behind the piece reads what enters
        """

        def find() -> int:
            holding, calls = self._holding(piece.outline, ends=ends)
            # What enters a call is alive around it already: only what comes on top of that is its own.
            inside = {
                i: self.peak(part, ends=last) - entering
                for (i, entering, last), part in zip(calls, piece.pieces, strict=True)
            }
            return max(holding.count_held(inside))

        return remember(piece.known, ("peak", ends), find)

    def _holding(self, outline: Outline, *, ends: bool) -> tuple[Holding, list[tuple[int, int, bool]]]:
        """What the outline holds; for each call, how many elements enter, and whether it is the last to read them."""

        def look() -> tuple[Holding, list[tuple[int, int, bool]]]:
            graph = outline.graph
            alive = find_lives(graph)
            assert alive is not None  # a piece whose shapes are not known is none
            elements, last_use = alive
            if not ends:  # what enters lives on, as if it were read at the end
                last_use = [len(graph.nodes), *last_use[1:]]
            reads = [(i, graph.nodes[i].reads[0]) for i in outline.calls]
            calls = [(i, elements[value], last_use[value] == i) for i, value in reads]
            return Holding(Lives(elements, last_use), len(graph.inputs)), calls

        return remember(outline.known, ("holding", ends), look)


def _divide(row: Sequence[int | None], above: str, below: str) -> float | None:
    return divide(row[ALONE.index(above)], row[ALONE.index(below)])
