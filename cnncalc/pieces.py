"""A network in pieces: what a block does by itself, and the calls in it, each of which is a piece again.

A call whose block has the same values, on the same shape, is the same piece: what is worked out of it serves wherever
it stands, in one network and in others. Made by spec/build/pieces.py, folded by analysis/pieces/.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Facts, Shape

T = TypeVar("T")


class ApartError(Exception):
    """What a network in pieces does not tell: it is to be built, and analyzed, as a whole."""


class Outline:
    """What a block, or a network, does by itself: a graph in which each call is one operation.

    calls   which of its operations are calls
    steps   of the spec that were taken for it; depth: how deep they are nested
    known   what folds have worked out of it
    """

    __slots__ = ("calls", "depth", "graph", "known", "steps")

    def __init__(self, graph: Graph, calls: Sequence[int], steps: int, depth: int) -> None:
        self.graph, self.calls, self.steps, self.depth = graph, tuple(calls), steps, depth
        self.known: dict[Any, Any] = {}


class Piece:
    """An outline with the piece of each of its calls.

    operations, steps, depth  those of its calls among them
    known                     what folds have worked out of it
    """

    __slots__ = ("depth", "known", "operations", "outline", "pieces", "steps")

    def __init__(self, outline: Outline, pieces: Sequence["Piece"], depth: int) -> None:
        self.outline, self.pieces, self.depth = outline, tuple(pieces), depth
        own = len(outline.graph.nodes) - len(outline.calls)
        self.operations: int = own + sum([piece.operations for piece in pieces])
        self.steps: int = outline.steps + sum([piece.steps for piece in pieces])
        self.known: dict[Any, Any] = {}

    @property
    def output(self) -> Shape | None:
        """The shape that comes out; None of a call that comes to nothing: what enters is what comes out."""
        graph = self.outline.graph
        return graph.shape(graph.outputs[0]) if graph.nodes else None


def remember(known: dict[Any, Any], key: Any, work_out: Callable[[], T]) -> T:
    """What a fold has kept under a key; where there is nothing yet, what is worked out now, which is kept."""
    if key not in known:
        known[key] = work_out()
    return cast(T, known[key])


def flatten(piece: Piece) -> Graph:
    """The network as a whole, without the names of its operations."""
    nodes: list[Node] = []
    facts: list[Facts] = []
    graph = piece.outline.graph
    inputs = len(graph.inputs)

    def add(piece: Piece, values: list[int]) -> int:
        """The operations of a piece behind those before it; the value that comes out."""
        own = piece.outline.graph
        calls = dict(zip(piece.outline.calls, piece.pieces, strict=True))
        for i, node in enumerate(own.nodes):
            reads = [values[v] for v in node.reads]
            if i in calls:
                values.append(add(calls[i], reads))
                continue
            # In whose row it is shown is nothing without names.
            nodes.append(node._replace(reads=tuple(reads), shown_with=None))
            facts.append(own.facts[i])
            values.append(inputs + len(nodes) - 1)
        # The outermost piece notes its outputs last.
        found.append([values[v] for v in own.outputs])
        return found[-1][0]

    found: list[list[int]] = []
    add(piece, list(range(inputs)))
    return Graph(
        name="", inputs=graph.inputs, nodes=tuple(nodes), outputs=tuple(found[-1]), groups={}, facts=tuple(facts)
    )
