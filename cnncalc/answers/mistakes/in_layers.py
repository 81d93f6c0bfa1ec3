"""Mistakes in one number of a layer: made in it, inherited from the layers before it, or taken from another layer."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from cnncalc.answers.mistakes.spreading import Found, Network, count_on_map, first_read, mistakes_in, work_out
from cnncalc.graph import Graph
from cnncalc.report import Report

MOST_TOGETHER = 26  # ranks of two mistakes in one layer that are tried together
MOST_BEFORE = 12  # ranks of a mistake before a layer and of one in it that are tried together
MOST_MAPS = 8  # maps of other layers that may have been flattened
AROUND = 3  # sizes around the flattened map's own that are tried
WEIGHED = ("params", "stored", "connections", "macs", "flops")  # what other layers' numbers are taken for
WORK = ("macs", "connections", "flops")


def layer_mistakes(report: Report, network: Network, node: int, quantity: str, scale: int) -> Iterator[Found]:
    """Every mistake in a quantity of a layer; `scale`: what one of it counts for in the report."""
    found = [*own_mistakes(network, node, quantity), *inherit_mistakes(network, node, quantity)]
    if quantity == "output":
        found += find_shapes(network, node)
    if quantity in WEIGHED:
        found += find_elsewhere(network, node, quantity)
    # The map of a neighbour, which stands beside it in the table.
    if quantity in WORK:
        for other in (node - 1, node + 1, node - 2, node + 2):
            if 0 <= other < len(network.cases) and report.layers[other].macs:
                values = count_on_map(network, node, other, quantity)
                found += [Found(17, "used_wrong_map_size", value) for value in values]
    for one in found:
        yield one if scale == 1 or isinstance(one.value, tuple) else one._replace(value=one.value * scale)


def own_mistakes(network: Network, node: int, quantity: str) -> Iterator[Found]:
    """Mistakes made in the layer itself: one, or two at once."""
    case = network.cases[node]
    made = mistakes_in(*case[:4])
    for edit, _case, numbers in made.singles(quantity):
        if numbers.get(quantity) is not None:
            yield Found(edit.rank, edit.id, numbers[quantity])
    for (first, second), numbers in made.pairs(quantity, MOST_TOGETHER):
        if numbers.get(quantity) is not None:
            # Together both are far less common than each; no sum of ranks comes near a single mistake's.
            yield Found(first.rank + second.rank + 10, f"{first.id}+{second.id}", numbers[quantity])


def inherit_mistakes(network: Network, node: int, quantity: str) -> Iterator[Found]:
    """Mistakes in a size before the layer, alone or with one in the layer."""
    case, first = network.cases[node], len(network.graph.inputs)
    for rank, name, where, results in network.spreading(node):
        found = results[node]
        if found is not None and found.get(quantity) is not None:
            yield Found(rank, name, found[quantity], where)
        if quantity == "output" or rank > MOST_BEFORE:
            continue
        # The mistake before the layer changes what enters; one in the layer is made on top of it.
        shapes = tuple(
            network.graph.shape(v) if v < first else as_whole(results[v - first])
            for v in network.graph.nodes[node].reads
        )
        if shapes != case.shapes:
            for edit, _case, numbers in mistakes_in(case.layer, shapes, None, direct=False).singles(
                quantity, MOST_BEFORE
            ):
                if numbers.get(quantity) is not None:
                    yield Found(rank + edit.rank + 12, f"{name}+{edit.id}", numbers[quantity])


def as_whole(numbers: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in numbers["output"])


def find_elsewhere(network: Network, node: int, quantity: str) -> Iterator[Found]:
    """The numbers of the weighted layers next to it, and those with another map flattened."""
    graph, case = network.graph, network.cases[node]
    weighted = [i for i, facts in enumerate(graph.facts) if facts.connections]
    neighbours = [(15, "stopped_too_early", i) for i in [i for i in weighted if i < node][-2:]]
    neighbours += [(19, "went_too_far", i) for i in [i for i in weighted if i > node][:2]]
    for rank, name, i in neighbours:
        numbers = network.plain[i]
        if numbers is not None and numbers.get(quantity):
            yield Found(rank, name, numbers[quantity], graph.nodes[i].name)
    for rank, length in find_lengths(network, node):
        found = work_out(case.layer, ((length,),))
        if found is not None and found.get(quantity):
            yield Found(rank, "wrong_flatten_size", found[quantity])


def find_lengths(network: Network, node: int) -> Iterator[tuple[int, int]]:
    """(rank, length) of other maps that may have been flattened: earlier ones, and those a little larger or smaller."""
    graph, flat = network.graph, network.cases[node].flat
    if flat is None:
        return
    right = network.cases[node].shapes[0][0]
    lengths: dict[int, int] = {}
    for shape in [*(facts.output for facts in reversed(graph.facts[:node])), *graph.inputs.values()]:
        if len(shape) > 1 and len(lengths) < MOST_MAPS:
            lengths.setdefault(prod(shape), 14)
            lengths.setdefault(flat[0] * prod(shape[1:]), 14)
    # An arithmetic slip on the way to the last map: a size one off.
    for shift in range(-AROUND, AROUND + 1):
        sizes = [size + shift for size in flat[1:]]
        if min(sizes) > 0:
            lengths.setdefault(flat[0] * prod(sizes), 20 + abs(shift))
    for power in range(9):  # a size that is a power of 2, as of a map that was halved again and again
        lengths.setdefault(flat[0] * 2 ** (power * (len(flat) - 1)), 24)
    yield from ((rank, length) for length, rank in lengths.items() if length != right)


def find_shapes(network: Network, node: int) -> Iterator[Found]:
    """The shapes of the layers around; the channels of all convolutions on the way to a concatenation."""
    graph, first = network.graph, len(network.graph.inputs)
    value, shape = first_read(graph, node), graph.shape(first + node)
    seen = [shape]
    # Three other shapes on the way back: nobody stops earlier.
    while value >= first and len(seen) <= 3:
        if graph.shape(value) not in seen:
            seen.append(graph.shape(value))
            yield Found(11 + len(seen), "stopped_too_early", graph.shape(value), graph.nodes[value - first].name)
        value = first_read(graph, value - first)
    if 0 <= value < first and len(seen) <= 3:
        yield Found(16, "stopped_too_early", graph.shape(value))
    for i, later in enumerate(graph.nodes[node + 1 :], node + 1):
        if graph.facts[i].output != shape and len(graph.facts[i].output) == len(shape):
            yield Found(18, "went_too_far", graph.facts[i].output, later.name)
            break
    if len(shape) == 1:
        yield from (
            Found(rank, "wrong_flatten_size", (length,)) for rank, length in find_earlier_lengths(network, node)
        )
    yield from stack_depth(graph, node, shape)


def find_earlier_lengths(network: Network, node: int) -> Iterator[tuple[int, int]]:
    """Of a map that is flattened here: what earlier maps would have given."""
    shapes = network.cases[node].shapes
    if len(shapes) != 1 or len(shapes[0]) < 2 or "units" in vars(network.cases[node].layer):
        return
    graph = network.graph
    for shape in [*(facts.output for facts in reversed(graph.facts[:node])), *graph.inputs.values()]:
        if len(shape) > 1 and shape != shapes[0]:
            yield 15, prod(shape)
            yield 16, shapes[0][0] * prod(shape[1:])


def stack_depth(graph: Graph, node: int, shape: tuple[int, ...]) -> Iterator[Found]:
    """A concatenation as deep as all convolutions of its branches, not only the last of each."""
    first, reads = len(graph.inputs), graph.nodes[node].reads
    if len(reads) < 2 or shape[0] != sum(graph.shape(v)[0] for v in reads):
        return
    behind = [find_ancestors(graph, v) for v in reads]
    # What all branches have in common lies before the place where they part.
    branches = {v for one in behind for v in one if not all(v in other for other in behind)}
    depth = sum(graph.shape(v)[0] for v in branches if v >= first and has_filters(graph, v))
    if depth and prod(shape):
        yield Found(12, "concat_counts_reduce_layers", (depth, *shape[1:]))


def find_ancestors(graph: Graph, value: int) -> set[int]:
    """A value and all that it is made of."""
    found: set[int] = set()
    waiting = [value]
    while waiting:
        v = waiting.pop()
        if v not in found:
            found.add(v)
            waiting += graph.nodes[v - len(graph.inputs)].reads if v >= len(graph.inputs) else ()
    return found


def has_filters(graph: Graph, value: int) -> bool:
    return "filters" in vars(graph.nodes[value - len(graph.inputs)].layer)
