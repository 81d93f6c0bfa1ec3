"""Concats that grow: a join of all that came before is the join of the last such value with what is new.

DenseNets of frameworks join a list of maps anew in front of every layer, (a, b), (a, b, c), (a, b, c, d). People say
that each layer joins its maps to what entered it: ((a, b), c), which is the same value with the same counts, and needs
no name of an earlier step. Less is alive at once, since the parts are not kept beside what was made of them.
"""

from __future__ import annotations

from cnncalc.analysis.memory import peak_elements
from cnncalc.graph import Graph, Node


def grow_concats(graph: Graph) -> Graph:
    """The same network with such joins one behind the other; the graph itself where there are none."""
    first = len(graph.inputs)
    made: dict[tuple[int, ...], int] = {}  # what was joined along the channels, and the value that it gave
    nodes: list[Node] = []
    for i, node in enumerate(graph.nodes):
        if node.layer.kind != "concat" or vars(node.layer)["axis"] != "c":
            nodes.append(node)
            continue
        reads = node.reads
        # The longest beginning that was joined before.
        known = next((n for n in range(len(reads) - 1, 1, -1) if reads[:n] in made), None)
        nodes.append(node if known is None else node._replace(reads=(made[reads[:known]], *reads[known:])))
        made.setdefault(reads, first + i)
    if tuple(nodes) == graph.nodes:
        return graph
    grown = graph.replace(nodes=tuple(nodes))
    # A part that is read again further on stays alive beside the joined value: then nothing is gained.
    before, behind = peak_elements(graph), peak_elements(grown)
    return graph if before is None or behind is None or behind > before else grown
