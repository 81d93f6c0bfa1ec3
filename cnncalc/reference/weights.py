"""The arrays that a network stores: which there are, by LAYER.name, and values drawn for them.

The same seed gives the same values. A family's file is loaded when the first of its kinds is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from zlib import crc32

import numpy as np

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.language import _
from cnncalc.reference.base import REFERENCES, Array, Reference, Shape, Weight


class NoReferenceError(CnncalcError):
    """A kind that has no reference: what it does is not known here."""


def find_reference(kind: str) -> Reference:
    """The reference of a kind; its family's file is loaded now. Raises NoReferenceError."""
    if kind not in REFERENCES:
        from importlib import import_module

        from cnncalc.layers import KINDS

        try:
            import_module(f"cnncalc.reference.{KINDS[kind].family}")
        except (ImportError, KeyError):
            pass
        if kind not in REFERENCES:
            raise NoReferenceError(_("the kind {kind} has no reference: what it does cannot be run", kind=kind))
    return REFERENCES[kind]


def allocate(node: Node, *shapes: Shape) -> Mapping[str, Weight]:
    """The arrays that a layer stores when these shapes enter, without the batch."""
    return find_reference(node.layer.kind).weights(node.layer, *shapes)


def owner(graph: Graph, node: Node) -> Node:
    """The node whose weights a node uses: itself, unless it shares another's."""
    return node if node.weights_of is None else graph.nodes[node.weights_of - len(graph.inputs)]


class Drawn(Mapping[str, Array]):
    """Weights for a network, float32, as LAYER.name, drawn each time they are asked for: never all at once."""

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        self.seed = seed
        self.weights = {
            name_array(node, name): weight
            for node in graph.nodes
            if node.weights_of is None
            for name, weight in allocate(node, *(graph.shape(v) for v in node.reads)).items()
        }

    def __getitem__(self, name: str) -> Array:
        weight = self.weights[name]
        # By its name, not by its turn: a layer's weights stay the same when another is added before it.
        values = np.random.default_rng((self.seed, crc32(name.encode()))).random(weight.shape, dtype=np.float32)
        values *= np.float32(weight.high - weight.low)
        values += np.float32(weight.low)
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __len__(self) -> int:
        return len(self.weights)


def draw(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Weights for a network, as LAYER.name: the same seed gives the same values. Shared ones once."""
    return dict(Drawn(graph, seed))


def name_array(node: Node, name: str) -> str:
    """`C1.weight`: how a layer's array is called among those of the network."""
    return f"{node.name}.{name}"
