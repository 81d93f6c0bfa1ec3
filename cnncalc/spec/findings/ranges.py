"""Between which bounds the values of a network lie: one pass over the graph, by what layers say of themselves."""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.layers.ranges import ANY, Range, behind


def ranges(graph: Graph) -> list[Range]:
    """The range of every value: the inputs, of which nothing is known, then the outputs of the nodes."""
    found: list[Range] = [ANY] * len(graph.inputs)
    for node in graph.nodes:
        found.append(behind(node.layer, [found[value] for value in node.reads]))
    return found
