"""Mistakes in a total, or in the sum over a block: made in a layer, in all of a kind, or with layers left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from cnncalc.answers.mistakes.catalogue import EDITS
from cnncalc.answers.mistakes.edits import Case, Edit, Number, Numbers
from cnncalc.answers.mistakes.in_layers import find_lengths
from cnncalc.answers.mistakes.spreading import (
    Found,
    Network,
    count_on_map,
    first_read,
    make_together,
    mistakes_in,
    work_out,
)

MOST_COMMON = 11  # the rank of mistakes that are tried two at a time in every layer
MOST_PAIRS = 120  # mistakes of single layers that are tried two at a time
MOST_OF_KINDS = 24  # ranks of a mistake in one kind of layer and of another in another kind
WORK = ("macs", "connections", "flops")


class Off(NamedTuple):
    """A mistake in one layer of the sum: how much too large it makes the sum."""

    rank: int
    id: str
    off: Any
    where: str


class Sum:
    """A quantity added up over some layers.

    rows   their numbers in the network, in order
    units  what one counts for, by row; 0: the layer is left out, as its weights are another's
    """

    def __init__(self, network: Network, rows: Sequence[int], quantity: str, units: Mapping[int, int]) -> None:
        self.network, self.quantity, self.units = network, quantity, units
        self.terms = {i: self.value(network.plain[i]) * units[i] for i in rows}
        self.total = sum(self.terms.values())
        self.names = [node.name for node in network.graph.nodes]

    def value(self, found: Numbers | None) -> Any:
        return 0 if found is None or found.get(self.quantity) is None else found[self.quantity]

    @cached_property
    def singles(self) -> list[tuple[int, Edit, Any]]:
        """(row, edit, how much too large) of every mistake in one layer."""
        found = []
        for i in self.terms:
            made = mistakes_in(*self.network.cases[i][:4]).singles(self.quantity) if self.units[i] else ()
            for edit, _case, values in made:
                if values.get(self.quantity) is not None:
                    off = values[self.quantity] * self.units[i] - self.terms[i]
                    # A mistake that leaves the number as it is explains nothing.
                    if off:
                        found.append((i, edit, off))
        return found


def sum_mistakes(one: Sum) -> Iterator[Found]:
    """Every mistake in a sum."""
    yield from find_everywhere(one)
    yield from find_twice(one)
    yield from find_left_out(one)
    yield from find_in_layers(one)
    for far, name, where, results in one.network.spreading(len(one.network.graph.nodes) - 1):
        value = sum(one.value(results[i]) * unit for i, unit in one.units.items())
        yield Found(far, name, value, where)
    yield from merge_layers(one)
    yield from find_partial(one)
    if one.quantity in WORK:
        yield from find_on_other_maps(one)


def find_everywhere(one: Sum) -> Iterator[Found]:
    """A mistake in every layer in which it can be made, or in every one of a kind; two, each in a kind."""
    by_edit: dict[Edit, dict[str, Number]] = defaultdict(lambda: defaultdict(int))
    by_id: dict[str, tuple[int, Number]] = {}  # a mistake that several edits make, each in its kinds
    taken: set[tuple[int, str]] = set()
    for i, edit, off in one.singles:
        by_edit[edit][one.network.kinds[i]] += off
        # Several edits make one mistake, each in its kinds: of a layer the first one counts.
        if (i, edit.id) not in taken:
            taken.add((i, edit.id))
            by_id[edit.id] = edit.rank, by_id.get(edit.id, (0, 0))[1] + off
    yield from (Found(rank, name, one.total + off) for name, (rank, off) in by_id.items())
    for edit, by_kind in by_edit.items():
        yield Found(edit.rank, edit.id, one.total + sum(by_kind.values()))
        # In one kind alone is farther fetched than everywhere.
        yield from (Found(edit.rank + 4, edit.id, one.total + off) for off in by_kind.values())
    for (first, offs), (second, others) in combinations(by_edit.items(), 2):
        if first.rank + second.rank > MOST_OF_KINDS or first.id == second.id:
            continue
        name, rank = f"{first.id}+{second.id}", first.rank + second.rank + 8
        for kind, off in offs.items():
            yield from (Found(rank, name, one.total + off + more) for other, more in others.items() if kind != other)


def find_twice(one: Sum) -> Iterator[Found]:
    """Two mistakes made in every layer in which they can be made."""
    common = [edit for edit in EDITS if edit.rank <= MOST_COMMON and one.quantity in edit.of and edit.pairs]
    ranks = {edit.id: edit.rank for edit in common}
    applied: dict[int, dict[str, Edit]] = {}
    for i, term in one.terms.items():
        if term:
            edits = {made.edit for made in mistakes_in(*one.network.cases[i][:4]).singles(one.quantity, MOST_COMMON)}
            # Reversed, so that of several edits of one name the first stays.
            applied[i] = {edit.id: edit for edit in reversed(common) if edit in edits}
    for first, second in combinations(ranks, 2):
        value, met = one.total, False
        for i, by_id in applied.items():
            mine = tuple(by_id[name] for name in (first, second) if name in by_id)
            found = make_together(mine, *one.network.cases[i][:4]) if mine else None
            if found is not None and found.get(one.quantity) is not None:
                value += found[one.quantity] * one.units[i] - one.terms[i]
                # Where the two never meet in a layer they are made kind by kind above.
                met = met or len(mine) == 2
        if met:
            yield Found(ranks[first] + ranks[second] + 6, f"{first}+{second}", value)


def find_in_layers(one: Sum) -> Iterator[Found]:
    """A mistake in one layer, or in two; another map flattened in front of one."""
    offs = [Off(edit.rank + 8, edit.id, off, one.names[i]) for i, edit, off in one.singles]
    for i, term in one.terms.items():
        for rank, length in find_lengths(one.network, i) if one.units[i] else ():
            found = work_out(one.network.cases[i].layer, ((length,),))
            off = one.value(found) * one.units[i] - term
            if off:
                yield Found(rank + 2, "wrong_flatten_size", one.total + off, one.names[i])
    yield from (Found(each.rank, each.id, one.total + each.off, each.where) for each in offs)
    # Of large networks the pairs would be too many to be special.
    if len(offs) <= MOST_PAIRS:
        for first, second in combinations(offs, 2):
            if first.where != second.where:
                name = first.id if first.id == second.id else f"{first.id}+{second.id}"
                where = f"{first.where}, {second.where}"
                yield Found(first.rank + second.rank, name, one.total + first.off + second.off, where)


def find_left_out(one: Sum) -> Iterator[Found]:
    """Layers left out or counted twice: one, all of a kind, or those of one name in every block."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, term in one.terms.items():
        if not term:
            continue
        name = name_omission(one.network, i)
        yield Found(12 if name != "forgot_a_layer" else 13, name, one.total - term, one.names[i])
        yield Found(16, "counted_twice", one.total + term, one.names[i])
        groups[one.network.kinds[i]].append(i)
        if "/" in one.names[i]:
            groups["/" + one.names[i].rpartition("/")[2]].append(i)
            groups["//" + name].append(i)
    # All layers of a kind, or those of one name in every block, as when all biases or all norms are forgotten.
    for key, places in groups.items():
        if 1 < len(places) < len(one.terms):
            kind = one.network.kinds[places[0]]
            name = "forgot_batchnorm" if kind == key == "batchnorm" else name_omission(one.network, places[0])
            said = key.lstrip("/") if key[0] == "/" and key[1] != "/" else kind
            rest = one.total - sum(one.terms[i] for i in places)
            yield Found(12 if name == "forgot_batchnorm" else 15, name, rest, said)


def name_omission(network: Network, node: int) -> str:
    """What it is called to forget this layer: half of a separable convolution, a norm, or just a layer."""
    layer = vars(network.graph.nodes[node].layer)
    if network.kinds[node] == "batchnorm":
        return "forgot_batchnorm"
    if "multiplier" in layer:
        return "forgot_depthwise"
    before = find_weighted(network, node)
    pointwise = "filters" in layer and set(layer["kernel"]) == {1}
    if pointwise and before is not None and "multiplier" in vars(network.graph.nodes[before].layer):
        return "forgot_pointwise"
    return "forgot_a_layer"


def find_weighted(network: Network, node: int) -> int | None:
    """The nearest layer with weights on the way back, where all between keep the shape; None where there is none."""
    graph, first = network.graph, len(network.graph.inputs)
    value = first_read(graph, node)
    while value >= first and not graph.facts[value - first].connections:
        value = first_read(graph, value - first)
    return value - first if value >= first else None


def merge_layers(one: Sum) -> Iterator[Found]:
    """One convolution where there are two: 1x1 before a larger one, 3x1 and 1x3, or the halves of a separable one."""
    offs: dict[str, list[Any]] = defaultdict(list)
    for i in one.terms:
        before = find_weighted(one.network, i)
        if before is None or before not in one.terms or one.network.kinds[i] != "conv":
            continue
        found = as_one(one.network, before, i)
        if found is None:
            continue
        name, case = found
        values = case.numbers
        if values is not None:
            off = one.value(values) * one.units[i] - one.terms[i] - one.terms[before]
            offs[name].append(off)
            yield Found(13 if name == "answered_the_alternative" else 14, name, one.total + off, one.names[i])
    # In every such place of the network at once.
    for name, many in offs.items():
        if len(many) > 1:
            yield Found(13, name, one.total + sum(many))


def as_one(network: Network, before: int, node: int) -> tuple[str, Case] | None:
    """The id, and the one convolution that two stand for; None where they are no factors of one."""
    layer, earlier = network.graph.nodes[node].layer, network.graph.nodes[before].layer
    mine, other = vars(layer), vars(earlier)
    rank = len(network.shapes[node][0]) - 1
    kernel = tuple(mine["kernel"]) * (rank if len(mine["kernel"]) == 1 else 1)
    if network.kinds[before] == "depthwise" and set(kernel) == {1}:
        whole = layer.replace(**{name: other[name] for name in ("kernel", "stride", "padding", "dilation")})
        return "answered_the_alternative", Case(whole, network.shapes[before])
    if network.kinds[before] != "conv":
        return None
    narrow = tuple(other["kernel"]) * (rank if len(other["kernel"]) == 1 else 1)
    reduces = set(narrow) == {1} and set(kernel) != {1}
    # 1xk and kx1 make one kxk (Szegedy et al. 2016); windows along the same axis do not.
    if not reduces and not all(min(a, b) == 1 < max(a, b) for a, b in zip(kernel, narrow, strict=True)):
        return None
    # The field of two windows in a row, at a stride of 1.
    whole = layer.replace(kernel=tuple(a + b - 1 for a, b in zip(kernel, narrow, strict=True)))
    return "ignored_factorisation", Case(whole, network.shapes[before])


def find_partial(one: Sum) -> Iterator[Found]:
    """The sum up to a layer, and a single layer's number for the sum."""
    running = 0
    # Up to the last layer it is the sum itself.
    for i, term in list(one.terms.items())[:-1]:
        running += term
        if term:
            yield Found(15, "stopped_too_early", running, one.names[i])
    for i, term in one.terms.items():
        if term:
            yield Found(18, "one_layer_only", term, one.names[i])


def find_on_other_maps(one: Sum) -> Iterator[Found]:
    """Work counted on the map of the layer before or behind."""
    working = [i for i, term in one.terms.items() if term and len(one.network.graph.facts[i].output) > 1]
    for i, j in pair_neighbours(working):
        for value in count_on_map(one.network, i, j, one.quantity):
            yield Found(14, "used_wrong_map_size", one.total - one.terms[i] + value * one.units[i], one.names[i])


def pair_neighbours(rows: Sequence[int]) -> Iterable[tuple[int, int]]:
    # Each with the layer behind it, and with the one before.
    return [*pairwise(rows), *pairwise(rows[::-1])]
