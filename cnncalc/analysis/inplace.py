"""A network whose activations are written over what enters, wherever that loses nothing that is needed."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.graph import Graph, Node
from cnncalc.layers.base import KEPT, POINTWISE, Facts


def in_place(graph: Graph) -> Graph:
    """The same network with `inplace` where it can be."""
    able = dict(find_able(graph))
    nodes = tuple([node._replace(layer=able.get(i, node).layer) for i, node in enumerate(graph.nodes)])
    return graph.replace(nodes=nodes)


def find_able(graph: Graph) -> Iterator[tuple[int, Node]]:
    """The layers that do with their result, by number, each as it would be in place.

    What enters must be needed by nothing else: no other layer reads it, it is no output, and the layer that gives it
    does not keep it.
    """
    first = len(graph.inputs)
    readers: dict[int, int] = {}
    for node in graph.nodes:
        for value in node.reads:
            readers[value] = readers.get(value, 0) + 1
    for i, (node, facts) in enumerate(zip(graph.nodes, graph.facts, strict=True)):
        if len(node.reads) != 1 or node.layer.inplace or not is_elementwise(node, facts):
            continue
        value = node.reads[0]
        # Inputs belong to whoever has put them in.
        if value < first or value in graph.outputs or readers[value] > 1:
            continue
        before = graph.facts[value - first].kept
        if before is None or before.result or before.shares:
            continue
        # Asked by trying: one that keeps what enters in place too would find it overwritten.
        changed = node._replace(layer=node.layer.replace(inplace=True))
        kept = changed.layer.facts(graph.shape(value)).kept
        if kept is not None and kept.result and not (kept.inputs or kept.values):
            yield i, changed


def is_elementwise(node: Node, facts: Facts) -> bool:
    """Whether each element of the output is worked out from those at its own place alone."""
    return facts.reach == POINTWISE and node.layer.channels == KEPT and facts.macs == 0 and bool(node.reads)
