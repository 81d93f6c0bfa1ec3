"""What looks like an attention in a network: products on both sides of a softmax, with what stands between them.

    queries, keys -> matmul -> [scale, shift, add] -> softmax -> [dropout] -> matmul, with values

Whether it is one, and of which heads, shows where it is put together: see attention.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.graph import Graph, Node
from cnncalc.interop.spec.linear import factor_of
from cnncalc.interop.spec.moves import View, permute, plain, reshape
from cnncalc.layers.axes import axis_number


class Heads(NamedTuple):
    """Where an attention stands in a network.

    result  the value of its last product
    reads   queries, keys and values: (..., n, d), (..., m, d) and (..., m, e)
    factor  by which the products of queries and keys are multiplied, with keys of (..., d, m); None: by 1 / sqrt(d)
    added   values that are added to the scores
    inside  the values between
    """

    result: int
    reads: tuple[int, int, int]
    factor: float | None
    added: tuple[int, ...]
    inside: tuple[int, ...]


def find_heads(graph: Graph, readers: Mapping[int, Sequence[int]]) -> Iterator[Heads]:
    """All that looks like an attention."""
    first = len(graph.inputs)
    for i, node in enumerate(graph.nodes):
        if node.layer.kind == "dot_product_attention":
            yield Heads(first + i, (node.reads[0], node.reads[1], node.reads[2]), None, node.reads[3:], ())
        elif node.layer.kind == "softmax":
            found = look_around_softmax(graph, readers, first + i)
            if found is not None:
                yield found


def look_around_softmax(graph: Graph, readers: Mapping[int, Sequence[int]], value: int) -> Heads | None:
    """The products on both sides of a softmax over the last axis, perhaps moved to another place for it."""
    start, inside = node_of(graph, value).reads[0], [value]
    moves: list[int] = []
    # Before set 13 ONNX's softmax goes over all axes from one on: exporters bring the one that is meant to the end, and
    # back.
    while is_move(graph, start) and is_read_once(graph, readers, start):
        moves.append(start)
        start = node_of(graph, start).reads[0]
    scores = plain(start, graph.shape(start))
    seen = scores
    for move in reversed(moves):
        seen = apply_move(graph, move, seen) or seen
    shape = graph.shape(value)
    axis = axis_number(vars(node_of(graph, value).layer)["axis"], shape)
    if len(scores.axes) < 3 or seen.shape != shape or seen.axes[axis] != scores.axes[-1]:
        return None
    before = look_before_softmax(graph, readers, start)
    if before is None:
        return None
    at, factor, added, between = before
    inside += [*moves, *between]
    # Forward to the product with the values. Whatever else reads something between would lose it.
    behind = value
    while True:
        if not is_read_once(graph, readers, behind):
            return None
        reader = readers[behind][0]
        node = node_of(graph, reader)
        if node.layer.kind == "matmul":
            break
        if is_move(graph, reader):
            seen = apply_move(graph, reader, seen) or seen
        elif node.layer.kind != "dropout" or vars(node.layer)["rate"]:
            return None
        inside.append(reader)
        behind = reader
    # The scores are its first factor, moved back to where they were.
    if node.reads[0] != behind or behind == node.reads[1] or seen != scores:
        return None
    queries, keys = node_of(graph, at).reads
    return Heads(reader, (queries, keys, node.reads[1]), factor, tuple(added), (*inside, at))


def node_of(graph: Graph, value: int) -> Any:
    """What makes a value; None for an input."""
    return graph.nodes[value - len(graph.inputs)] if value >= len(graph.inputs) else None


def is_move(graph: Graph, value: int) -> bool:
    node = node_of(graph, value)
    return node is not None and node.layer.kind in ("permute", "reshape") and node.weights_of is None


def apply_move(graph: Graph, value: int, seen: View) -> View | None:
    """What a move makes of a view."""
    layer = node_of(graph, value).layer
    if layer.kind == "permute":
        return permute(seen, vars(layer)["order"])
    return reshape(seen, graph.shape(value))


def look_before_softmax(
    graph: Graph, readers: Mapping[int, Sequence[int]], at: int
) -> tuple[int, float, list[int], list[int]] | None:
    """The product in front of a softmax, by which it is multiplied, what is added to it, and the values between."""
    inside: list[int] = []
    added: list[int] = []
    factor = 1.0
    while node_of(graph, at) is not None and node_of(graph, at).layer.kind != "matmul":
        node = node_of(graph, at)
        if not is_read_once(graph, readers, at):
            return None
        inside.append(at)
        scale = factor_of(node)
        alone = [v for v in node.reads if stands_alone(graph, v) is not None]
        if scale is not None:
            factor *= scale
        elif node.layer.kind == "shift" and node.weights_of is None and not node.layer.frozen:
            added.append(at)  # trained numbers of its own
        elif node.layer.kind == "add" and len(node.reads) == 2 and len(alone) == 1:
            added += alone
        else:
            return None
        at = next(v for v in node.reads if v not in alone)
    found = node_of(graph, at) is not None and is_read_once(graph, readers, at)
    return (at, factor, added, inside) if found else None


def stands_alone(graph: Graph, value: int) -> Node | None:
    """The numbers that read nothing of which a value is made by moves alone; None where it is another one."""
    node = node_of(graph, value)
    while is_move(graph, value):
        value = node.reads[0]
        node = node_of(graph, value)
    return node if node is not None and not node.reads else None


def is_read_once(graph: Graph, readers: Mapping[int, Sequence[int]], value: int) -> bool:
    return len(readers.get(value, ())) == 1 and value not in graph.outputs
