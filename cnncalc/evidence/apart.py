"""Receptive fields taken apart: without gates, and channel by channel. Measured by the probe reach, as all fields are.

Without gates the same network is run with the gates taken out: a map of one unit per channel is not merged into a
larger one, and a norm that takes the statistics of a whole map passes its values on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from cnncalc.analysis.fields.channels import Run
from cnncalc.analysis.fields.forward import Pass, Seen, summarize
from cnncalc.evidence.fields import Part
from cnncalc.graph import Graph, Node
from cnncalc.layers import KINDS


def without_gates(graph: Graph) -> Graph:
    """The network with its gates taken out; names and order stay."""
    passes_on = KINDS["identity"].load()(kind="identity")
    nodes: list[Node] = []
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        # What is smaller than the output was spread over it: a gate. What is as large goes on without it.
        full = tuple(v for v in node.reads if graph.shape(v)[1:] == facts.output[1:])
        # Apart from its statistics a norm works element by element.
        if len(node.reads) == 1 and facts.local is not None and facts.local != facts.reach:
            node = node._replace(layer=passes_on)
        # What a kind of unknown reach takes (queries, places, offsets) is no gate, and it cannot do without.
        elif len(node.reads) > 1 and facts.reach is not None and 0 < len(full) < len(node.reads):
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


def parts_of(
    graph: Graph, source: str, claims: Sequence[Seen | None], runs: Mapping[int, Sequence[Run]]
) -> list[list[Part]]:
    """What is to be measured of each node: all its channels, and behind that its runs of channels, if there are any."""
    number = list(graph.inputs).index(source)
    sizes = graph.inputs[source][1:]
    found = [[Part(0, None, claim)] for claim in claims]
    for i, of in runs.items():
        ends = list(accumulate(run.channels for run in of))
        for run, end in zip(of, ends, strict=True):
            claim = summarize(run.seen[number], sizes) if number in run.seen else None
            found[i].append(Part(end - run.channels, end, claim))
    return found
