"""Networks that other programs moved about, with their channels in front: tokens are (C, L), images (C, H, W).

Frameworks bring the channels behind the positions for a linear layer, cut maps into windows and put these together.
Nothing is computed by that, and a linear layer, a norm or a sum on what was moved is the same on what was not. So moves
are kept with the values (moves.py) and become layers only where something has to see them (on_views.py). Products,
scales and a softmax between projections become `attention` (heads.py, attention.py, projection.py). Everything that is
computed stays, and is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, cast

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.interop.builder import groups
from cnncalc.interop.spec.attention import add_attention
from cnncalc.interop.spec.heads import find_heads
from cnncalc.interop.spec.moves import View
from cnncalc.interop.spec.on_views import see
from cnncalc.interop.spec.projection import finish_attention
from cnncalc.interop.spec.rebuilding import MOVES, Rebuilt
from cnncalc.language import _

if TYPE_CHECKING:
    from cnncalc.layers.attention import Attention

MOST_TRIES = 40  # attentions that turn out to be something else


def lift(graph: Graph) -> Graph:
    """The same network with few moves and with its attention put together; itself where that is no shorter."""
    if not any(node.layer.kind in MOVES or node.layer.kind == "dot_product_attention" for node in graph.nodes):
        return graph
    refused: set[int] = set()
    # What was written for an attention that is none cannot be taken back: all is written anew without it.
    for _try in range(MOST_TRIES):
        # A layer that does not fit what it is given now is a fault of ours: then the network stays as it was.
        try:
            lifted, wrong = rebuild(graph, refused)
        except CnncalcError:
            return graph
        if not wrong:
            break
        refused |= wrong
    else:
        return graph
    return lifted if 0 < len(lifted.nodes) < len(graph.nodes) and counts_alike(graph, lifted) else graph


def rebuild(graph: Graph, refused: set[int]) -> tuple[Graph, set[int]]:
    """The network written anew; the attentions that were none, of which nothing may be taken from the network.

    refused  final products of attentions, by their value, that are to stay what they are
    """
    first = len(graph.inputs)
    readers: dict[int, list[int]] = {}
    for i, node in enumerate(graph.nodes):
        for v in node.reads:
            readers.setdefault(v, []).append(first + i)
    heads = {found.result: found for found in find_heads(graph, readers) if found.result not in refused}
    inside = {value for found in heads.values() for value in found.inside}
    new = Rebuilt(graph, readers)
    for value in range(first, first + len(graph.nodes)):
        if value in heads:
            view = add_attention(new, heads[value])
            if view is None:
                return graph, {value}
            new.views.append(view)
        elif value in inside:
            new.views.append(View(-1, ()))  # nobody reads it
        else:
            new.views.append(see(new, value))
    outputs = tuple(new.make(new.views[v], "") for v in graph.outputs)
    # Without what nobody reads any more; windows that moved are put together.
    nodes, outputs, wrong = finish_attention(new, outputs)
    if wrong:
        return graph, wrong
    remarks = (*graph.remarks, *remarks_on(nodes, graph, first))
    made = groups(nodes, first)
    return graph.replace(nodes=nodes, outputs=outputs, groups=made, expectations=(), remarks=remarks), set()


def counts_alike(one: Graph, other: Graph) -> bool:
    """Whether two graphs train and multiply as much, and the same leaves them.

    What is added to scores counts among the connections of `attention`, and not as a sum by itself; a mask of windows,
    which some programs store, is part of `shift`.
    """

    def totals(graph: Graph) -> list[Any]:
        own = [facts for facts, node in zip(graph.facts, graph.nodes, strict=True) if node.weights_of is None]
        stored = [[facts.params for facts in own], [facts.buffers for facts in own]]
        counts = [*stored, [facts.macs for facts in graph.facts]]
        known = [(sum(n for n in column if n is not None), column.count(None)) for column in counts]
        return [*known, [graph.shape(v) for v in graph.outputs]]

    return totals(one) == totals(other)


def remarks_on(nodes: Sequence[Node], graph: Graph, first: int) -> list[str]:
    """What is to be said of numbers that a program stores for every pair of positions."""
    pairs = [node for node in nodes if node.layer.kind == "attention" and vars(node.layer)["pair_bias"]]
    if not pairs:
        return []
    shapes = graph.replace(nodes=tuple(nodes), outputs=(first,), groups={}, expectations=())
    stored = relative = 0
    for node in pairs:
        x = shapes.shape(node.reads[0])
        heads, window = vars(node.layer)["heads"], cast("Attention", node.layer).windows(x[1:])
        stored += heads * prod(window) ** 2
        relative += heads * prod(2 * w - 1 for w in window)
    text = _(
        "attention stores {stored:,} numbers, one for every pair of positions; by distances, as relative_bias, they "
        "would be {relative:,}",
        stored=stored,
        relative=relative,
    )
    return [text]
