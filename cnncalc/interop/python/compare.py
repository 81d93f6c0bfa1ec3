"""Whether code that was written is the network that it was written from: what is read back stores and computes as much.

Layers that hold numbers are compared one by one, in the order in which they run. The others may be said otherwise in
code: padding on one side is a layer of its own, a sum of three is two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from cnncalc.analysis.fields.forward import receptive_fields
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.language import _
from cnncalc.layers.base import Facts

# Code computes a border of these that the network does not have, and cuts it off.
BORDERED = ("transposed_conv",)


class NotTheSameError(CnncalcError):
    """Code that was written, read back as another network: nothing is given out."""


def compare(graph: Graph, back: Graph) -> None:
    """Raise NotTheSameError with the first layer in which two networks differ."""
    for (node, ours), (other, theirs) in zip_longest(list_storing(graph), list_storing(back), fillvalue=(None, None)):
        name = node.name if node is not None else other.name if other is not None else ""
        if ours != theirs:
            raise NotTheSameError(
                _(
                    "what was written is not this network: {name} stores {theirs} there, and {ours} here",
                    name=name,
                    theirs=say(theirs),
                    ours=say(ours),
                )
            )
    for what, ours_too, theirs_too in whole(graph, back):
        if ours_too != theirs_too:
            problem = _("what was written is not this network: {what} {theirs} there, and {ours} here", what=what,
                        theirs=theirs_too, ours=ours_too)  # fmt: skip
            raise NotTheSameError(problem)


def list_storing(graph: Graph) -> Iterator[tuple[Node, tuple[int, int]]]:
    """The layers that store something: how many weights, how many statistics."""
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        held = count_held(facts) if node.weights_of is None else (0, 0)
        if held != (0, 0):
            yield node, held


def count_held(facts: Facts) -> tuple[int, int]:
    return facts.weights or 0, facts.buffers or 0


def whole(graph: Graph, back: Graph) -> Iterator[tuple[str, Any, Any]]:
    """What two networks have in common as a whole: a name, and both values."""
    both = (graph, back)
    shapes = [sorted(g.shape(v) for v in g.outputs) for g in both]
    yield "output", shapes[0], shapes[1]
    if any(node.layer.kind in BORDERED for node in graph.nodes):
        return
    for quantity in ("macs", "connections"):
        counts = [sum(getattr(facts, quantity) or 0 for facts in g.facts) for g in both]
        yield quantity, counts[0], counts[1]
    fields = [sorted(map(str, fields_of(g))) for g in both]
    yield "receptive_field", fields[0], fields[1]


def fields_of(graph: Graph) -> list[Any]:
    """What the outputs see of the inputs, in their order: of a network without a layer, all of them."""
    first = len(graph.inputs)
    seen = receptive_fields(graph)
    return [[(field.size, field.jump) for field in seen[v - first].values()] for v in graph.outputs if v >= first]


def say(held: tuple[int, int] | None) -> str:
    return (
        _("nothing")
        if held is None
        else _("{weights} weights and {buffers} statistics", weights=held[0], buffers=held[1])
    )
