"""A graph as the text of a spec that a person would have written, whatever it came from.

Names are kept, but for those of norms and activations, which are flags behind their layer; steps that repeat become
blocks. The text is read back before it is given, and every number compared.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from cnncalc.analysis.fields.forward import receptive_fields
from cnncalc.analysis.memory import peak_elements
from cnncalc.errors import CnncalcError, Source, SpecError, SpecWarning
from cnncalc.graph import Graph
from cnncalc.interop.spec.document import Way, write_text
from cnncalc.interop.spec.growing import grow_concats
from cnncalc.interop.spec.lifting import lift
from cnncalc.interop.targets import Conversion
from cnncalc.language import _
from cnncalc.layers.unknown import Unknown
from cnncalc.spec import graph_from_text

# The shortest text first that says the same network.
NESTED = (
    Way(blocks=True, runs=True),
    Way(blocks=True, runs=True, straight=True),
    Way(blocks=True),
    Way(blocks=True, straight=True),
    Way(blocks=True, merges=True),
    Way(blocks=True, straight=True, merges=True),
)
# What is not nested is shorter in the order in which it runs, where modules run one after the other.
RUNNING = (
    Way(blocks=True, runs=True, running=True),
    Way(blocks=True, runs=True, running=True, straight=True),
    Way(blocks=True, running=True, straight=True, merges=True),
)
LONG = (
    Way(),
    Way(merges=True),
    Way(flat=True, merges=True),
    Way(merges=True, ordered=True),
    Way(flat=True, merges=True, ordered=True),
)


class NotASpecError(CnncalcError):
    """A network that the language of specs cannot say."""


def to_spec(graph: Graph) -> str:
    """The text of a spec of this network. Raises NotASpecError where it has operators that no kind is.

    Reading it gives the same layers with the same numbers, concats that grow one behind the other: that is checked.
    """
    return text_for(as_people_say(graph))


def text_for(graph: Graph) -> str:
    """The shortest text that is read back as this network."""
    for node in graph.nodes:
        if isinstance(node.layer, Unknown):
            raise NotASpecError(
                _(
                    "{name}: {kind} is not known, and cannot be written",
                    name=node.name,
                    kind=node.layer.kind,
                )
            )
    found = []
    ours: list[Fingerprints] = []  # of this network, once they are asked for

    @cache  # ways that differ may give one text
    def same(text: str) -> bool:
        return same_numbers(graph, text, ours)

    # Each text is read back, and the first that gives the same network is taken: what cannot be said one way is tried
    # in the next.
    for ways in (NESTED, RUNNING):
        texts = (write_text(graph, way) for way in ways)
        text = next((text for text in texts if same(text)), None)
        found += [] if text is None else [text]
        # Where all is nested, no other order is shorter.
        if found and "from:" not in found[0]:
            break
    if found:
        return min(found, key=lambda text: text.count("\n"))
    for way in LONG:
        text = write_text(graph, way)
        if same(text):
            return text
    raise NotASpecError(_("{name} cannot be written as a spec: what is read back is not the same", name=graph.name))


def convert(graph: Graph, weights: Callable[[], Mapping[str, Any]]) -> Conversion:
    """The text, which holds no weights."""
    said = as_people_say(graph)
    return Conversion(text_for(said), again=None if said is graph else said)


def as_people_say(graph: Graph) -> Graph:
    """The same network in the words of the language: concats that grow, channels in front, attention."""
    grown = grow_concats(graph)
    lifted = lift(grown)
    # Layers of a spec have positions there. A single move that somebody wrote is meant, even where all its sizes are 1.
    written = any(node.position is not None for node in graph.nodes)
    return grown if written and len(lifted.nodes) > len(grown.nodes) - 2 else lifted


Fingerprints = Counter[Any]


def same_numbers(graph: Graph, text: str, ours: list[Fingerprints] | None = None) -> bool:
    """Whether a text is read as the same layers: kinds, shapes and counts, and the same outputs.

    ours  takes the fingerprints of the network, for the next text that is held against it
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpecWarning)  # what is probably meant otherwise has been said
            other = graph_from_text(Source("<spec>", text))
    except SpecError:
        return False
    leaving = [sorted(g.shape(v) for v in g.outputs) for g in (graph, other)]
    if leaving[0] != leaving[1] or len(graph.nodes) != len(other.nodes):
        return False
    ours = [] if ours is None else ours
    if not ours:
        ours.append(Counter(fingerprints(graph)))
    alike = ours[0] == Counter(fingerprints(other))
    return alike and peak_elements(graph) == peak_elements(other)  # in another order more may be alive at once


def fingerprints(graph: Graph) -> Iterable[Any]:
    """What each layer is and what enters it, without names."""
    kinds = [*(("input", shape) for shape in graph.inputs.values())]
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        kinds.append((node.layer.kind, facts.output))
    fields = receptive_fields(graph)
    for node, facts, seen in zip(graph.nodes, graph.facts, fields, strict=True):
        # By what they are, not by number: the order of branches is the writer's to choose.
        entering = tuple(sorted([kinds[v] for v in node.reads]))
        counts = (facts.params, facts.macs, facts.connections, facts.flops)
        built = (node.layer.built, node.layer.inplace, node.layer.frozen)
        yield (node.layer.kind, entering, facts.output, *counts, node.weights_of is None, tuple(seen.values()), built)
