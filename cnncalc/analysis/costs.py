"""What each layer costs to run and to train, beside what it counts: bytes moved and kept, products of gradients.

Bytes and operations of all samples of a batch; weights are moved once, however many samples there are.
"""

from collections.abc import Sequence
from math import prod

from cnncalc.analysis.training import backward_macs, kept_stores, values_with_gradients
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Facts
from cnncalc.quantities import RATIOS
from cnncalc.report import BYTES, Row, Settings


def add_costs(graph: Graph, facts: Sequence[Facts], rows: Sequence[Row], settings: Settings) -> None:
    """Put the numbers into the rows of a network, whose facts are given as they are counted."""
    size, batch = BYTES[settings.dtype], settings.batch
    needed = values_with_gradients(graph, facts)
    kept = kept_stores(graph, facts, size, batch, needed)
    first = len(graph.inputs)
    for i, (node, claimed, row) in enumerate(zip(graph.nodes, facts, rows, strict=True)):
        macs = backward_macs(node, claimed, needed, needed[first + i])
        row.backward_flops = None if macs is None else 2 * macs * batch
        row.moved_bytes = moved(graph, node, claimed, size, batch)
        parts = kept[i]
        row.saved_bytes = None if parts is None else sum([part.size for part in parts])
        for ratio in RATIOS:
            above, below = (getattr(row, name) for name in ratio.of)
            setattr(row, ratio.name, above / below if below and above is not None else None)


def moved(graph: Graph, node: Node, facts: Facts, size: int, batch: int) -> int | None:
    """Bytes of a layer's weights, of what it reads and of what it writes; a value that it reads twice counts once."""
    shapes = [facts.output, *(graph.shape(value) for value in dict.fromkeys(node.reads))]
    if facts.weights is None or () in shapes:
        return None
    return size * (facts.weights + batch * sum(map(prod, shapes)))
