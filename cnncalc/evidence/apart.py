"""Receptive fields taken apart: without gates, and channel by channel. Measured by the probe reach, as all fields are.

Without gates the same network is run with the gates taken out: a map of one unit per channel is not merged into a
larger one, and a norm that takes the statistics of a whole map passes its values on.
"""

from __future__ import annotations

import numpy as np

from cnncalc import reference
from cnncalc.evidence.arrays import Array, Hulls
from cnncalc.evidence.counts import stopped
from cnncalc.evidence.fields import LENGTHENINGS, Claim, Field, NoWeights, index_planes, interior, lengthened
from cnncalc.fields.channels import Run
from cnncalc.fields.forward import Pass, Seen, summarize
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS


def without_gates(graph: Graph) -> Graph:
    """The network with its gates taken out; names and order stay."""
    passes_on = KINDS["identity"].load()(kind="identity")
    nodes: list[Node] = []
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        full = tuple(v for v in node.reads if graph.shape(v)[1:] == facts.output[1:])
        if len(node.reads) == 1 and facts.local is not None and facts.local != facts.reach:
            node = node._replace(layer=passes_on)
        elif len(node.reads) > 1 and 0 < len(full) < len(node.reads):
            node = node._replace(reads=full, layer=passes_on if len(full) == 1 else node.layer)
        nodes.append(node)
    return Graph(
        name=graph.name, inputs=graph.inputs, nodes=tuple(nodes), outputs=graph.outputs, groups=graph.groups,
        as_written=False,
    )  # fmt: skip


def local_claims(graph: Graph) -> list[dict[str, Seen]]:
    """For each node what its units see without gates, by the name of the input."""
    found = Pass(graph, local=True)
    names = list(graph.inputs)
    return [{names[i]: summarize(fields, found.sizes[i]) for i, fields in seen.items()} for seen in found.of_nodes]


def channel_runs(graph: Graph) -> dict[int, list[Run]]:
    """The nodes whose channels see differently, with the runs of channels that see the same."""
    found = Pass(graph)
    first = len(graph.inputs)
    several = [i for i in range(len(graph.nodes)) if found.values[first + i].several and len(graph.facts[i].output) > 1]
    runs = {i: found.by_channel.runs(first + i) for i in several}
    return {i: of for i, of in runs.items() if len(of) > 1}


def measure_runs(
    graph: Graph, source: str, runs: dict[int, list[Run]]
) -> dict[int, list[tuple[Seen | None, tuple[Field, ...]]]]:
    """For each node and run of channels what is claimed and what its interior units see, per axis.

    Nodes are left out where a network fits no longer image, and channels that see nothing of the input.
    """
    number = list(graph.inputs).index(source)
    sizes = graph.inputs[source][1:]
    claims: dict[int, list[Seen | None]] = {
        i: [summarize(run.seen[number], sizes) if number in run.seen else None for run in of] for i, of in runs.items()
    }
    found: dict[int, list[list[Field]]] = {i: [[] for _ in of] for i, of in runs.items()}
    for axis, n in enumerate(sizes):
        largest = max((c.size[axis] or 0 for of in claims.values() for c in of if c), default=0) or n
        step = LENGTHENINGS[-1]
        length = n + step * -(-3 * largest // step)
        longer = lengthened(graph, source, axis, length)
        if longer is None:
            return {}
        with np.errstate(all="ignore"), stopped():
            for i, (_node, y, _alive) in enumerate(
                reference.steps(longer, index_planes(longer, source, axis), NoWeights(longer, Hulls))
            ):
                if i in runs:
                    first = 0
                    for place, run in enumerate(runs[i]):
                        planes = np.asarray(y)[:, first : first + run.channels]
                        found[i][place].append(of_channels(planes, axis, length, n, claims[i][place]))
                        first += run.channels
    return {i: [(claim, tuple(fields)) for claim, fields in zip(claims[i], of, strict=True)] for i, of in found.items()}


def of_channels(planes: Array, axis: int, length: int, n: int, claim: Seen | None) -> Field:
    """What channels see that are said to see the same along an axis; if they do not, one that is not as claimed."""
    others = tuple(i for i in range(1, planes.ndim - 1) if i != 1 + axis)
    high, low = planes[0].max(axis=others), -planes[1].max(axis=others)
    own = None if claim is None else Claim(claim.size[axis], claim.jump[axis], claim.start[axis])
    different = np.unique(np.stack([low, high], axis=1), axis=0)
    fields = [interior(ends[0], ends[1], length, n, own) for ends in different]
    return next((field for field in fields if own is None or field.size != own.size), fields[0])
