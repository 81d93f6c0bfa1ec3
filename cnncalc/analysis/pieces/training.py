"""What training takes of a piece: gradients, and what is kept for them.

A piece costs the same wherever it stands in the same way: see `Entering`, and whether an output of the network depends
on what comes out. So it is worked out once for each such way, and says how it leaves things for what stands behind.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from cnncalc.analysis.costs import (
    Keeping,
    Known,
    count_backward_macs,
    depends_on_trained,
    find_leading,
    is_smooth,
)
from cnncalc.layers.base import Facts
from cnncalc.pieces import Outline, Piece, remember

SAME, WEIGHT, OWN = range(3)  # whose memory what comes out is in: that of what enters, of a weight, or its own


class Entering(NamedTuple):
    """What enters a piece: whether it needs a gradient; whether its memory is whole, kept already, and how large."""

    needed: Known
    whole: bool
    kept: bool
    elements: int


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


class TrainingFolds:
    """Costs of pieces under the same settings: `size` bytes per value, `batch` samples.

    facts_of  the operations of an outline with what is counted of them; None of a call
    """

    def __init__(self, facts_of: Callable[[Outline], list[tuple[int, Facts | None]]], size: int, batch: int) -> None:
        self.facts_of, self.size, self.batch = facts_of, size, batch

    def cost_of_network(self, piece: Piece) -> Cost:
        """Inputs of a network need no gradient, and nobody else has the memory that they are in."""
        elements = map(prod, piece.outline.graph.inputs.values())
        entering = tuple([Entering(needed=False, whole=True, kept=False, elements=n) for n in elements])
        return self.cost(piece, entering, leads=True)

    def cost(self, piece: Piece, entering: tuple[Entering, ...], *, leads: bool) -> Cost:
        """What training takes of a piece; `leads`: whether an output of the network depends on what comes out."""
        return remember(piece.known, (entering, leads), lambda: _Costing(self, piece, entering, leads=leads).cost())

    def leading(self, piece: Piece) -> list[bool]:
        """For each value whether what comes out depends on it through what is smooth."""
        inside = [self.leading(part)[0] for part in piece.pieces]

        def look() -> list[bool]:
            parts = iter(inside)
            smooth = [next(parts) if facts is None else is_smooth(facts) for _i, facts in self.facts_of(piece.outline)]
            return find_leading(piece.outline.graph, smooth)

        # Of a call nothing else matters than whether it is smooth: pieces of one outline share what they come to.
        return remember(piece.outline.known, ("leading", *inside), look)


class _Costing:
    """One piece, in one way in which it stands."""

    def __init__(self, folds: TrainingFolds, piece: Piece, entering: tuple[Entering, ...], *, leads: bool) -> None:
        self.folds, self.piece = folds, piece
        self.graph = piece.outline.graph
        self.needed: list[Known] = [value.needed for value in entering]
        # -1 is the memory of weights, which are kept in any case.
        self.elements = {-1: 0, **{i: value.elements for i, value in enumerate(entering)}}
        self.keeping = Keeping(len(entering), self.elements.__getitem__, folds.size, folds.batch)
        self.keeping.stores.whole[:] = [value.whole for value in entering]
        self.keeping.seen.update(i for i, value in enumerate(entering) if value.kept)
        self.leading = folds.leading(piece) if leads else [False] * (len(entering) + len(self.graph.nodes))
        self.macs = self.bytes = self.unknown_macs = self.unknown_bytes = 0

    def cost(self) -> Cost:
        parts = iter(self.piece.pieces)
        for i, facts in self.folds.facts_of(self.piece.outline):
            if facts is None:
                self.call(i, next(parts))
            else:
                self.layer(i, facts)
        stores, result = self.keeping.stores, self.graph.outputs[0]
        place = stores.of[result]
        return Cost(
            macs=self.macs,
            bytes=self.bytes,
            unknown_macs=self.unknown_macs,
            unknown_bytes=self.unknown_bytes,
            # What enters a call is value 0, and its memory is called so too.
            entered=0 in self.keeping.seen,
            memory=SAME if place == 0 else WEIGHT if place == -1 else OWN,
            whole=stores.whole[result],
            kept=place in self.keeping.seen,
            elements=self.elements[place],
            needed=self.needed[result],
        )

    def layer(self, i: int, facts: Facts) -> None:
        """One layer: its gradients, and what it is the first to keep."""
        node, own = self.graph.nodes[i], len(self.needed)
        self.needed.append(depends_on_trained(facts, [self.needed[v] for v in node.reads]))
        self.elements[own] = prod(facts.output)
        # Only between the loss and something that is trained do gradients flow.
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
        # What comes out of a call may be in the memory of what entered it: then it is in that same place here.
        stores.of.append(place if cost.memory == SAME else -1 if cost.memory == WEIGHT else own)
        stores.whole.append(cost.whole)
        self.elements[own] = cost.elements
        if cost.memory == OWN and cost.kept:
            keeping.seen.add(own)
        self.needed.append(cost.needed)
