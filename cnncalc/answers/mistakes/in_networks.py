"""Mistakes in a network: one that spoils what enters the layers behind it, and those in a total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from cnncalc.answers.mistakes.edits import Case, Edit, Number, Numbers, edited, numbers
from cnncalc.answers.mistakes.in_layers import EDITS
from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, Layer, Shape

LARGEST = 80  # nodes of a network in which a mistake at every single place is followed to the end
MOST_COMMON = 11  # the rank of mistakes that are tried two at a time in every layer
MOST_PAIRS = 120  # mistakes of single layers that are tried two at a time

# Mistakes in a size, which the layers behind inherit.
SPREADING = frozenset(
    {
        "forgot_plus_one", "forgot_stride", "forgot_padding", "padding_once", "padded_twice", "valid_instead_of_same",
        "same_instead_of_valid", "ceil_instead_of_floor", "floor_instead_of_ceil", "forgot_dilation", "tf_same",
        "pool_always_halves", "non_square_pool", "used_conv_formula", "flatten_forgot_channels", "flatten_forgot_area",
        "pool_changes_channels",
    }
)  # fmt: skip


class Found(NamedTuple):
    """A wrong number: how far-fetched, the ids of its mistakes, and the layer that it was made in, if it is one."""

    rank: int
    id: str
    value: Any
    where: str = ""


Results = Sequence[Numbers | None]


def case_of(graph: Graph, node: int, shapes: tuple[Shape, ...]) -> Case:
    """A layer as it stands in the network; what was flattened in front of it is remembered."""
    here = graph.nodes[node]
    first = len(graph.inputs)
    value, flat = here.reads[0], None
    while value >= first and len(graph.shape(value)) == 1 and flat is None:
        before = graph.nodes[value - first]
        if graph.facts[value - first].reach == FLATTENED:
            flat = graph.shape(before.reads[0])
        elif graph.shape(before.reads[0]) != graph.shape(value):
            break
        value = before.reads[0]
    return Case(here.layer, shapes, flat, value < first)


@lru_cache(maxsize=4096)
def plain(layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool) -> Numbers | None:
    """The right numbers of a layer. The first four fields of a Case, which can be looked up."""
    return numbers(Case(layer, shapes, flat, direct))


@lru_cache(maxsize=2048)
def singles(
    layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> tuple[tuple[Edit, Numbers], ...]:
    """Every single mistake in a layer."""
    return tuple((edits[0], found) for edits, found in edited(Case(layer, shapes, flat, direct), EDITS, 0))


@lru_cache(maxsize=4096)
def made(
    edits: tuple[Edit, ...], layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> Numbers | None:
    """A layer with some mistakes in it, as far as they can be made together."""
    case = Case(layer, shapes, flat, direct)
    for edit in edits:
        case = edit.change(case) or case
    return numbers(case)


@lru_cache(maxsize=512)
def pairs(
    layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> tuple[tuple[tuple[Edit, ...], Numbers], ...]:
    """Every mistake in a layer, alone and in pairs."""
    return tuple(edited(Case(layer, shapes, flat, direct), EDITS, 26))


class Network:
    """A graph whose layers can be worked out again with mistakes in some of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes = [tuple(graph.shape(v) for v in node.reads) for node in graph.nodes]
        self.cases = [case_of(graph, i, shapes) for i, shapes in enumerate(self.shapes)]
        self.plain: list[Numbers | None] = [plain(*case[:4]) for case in self.cases]
        self.kinds = [node.layer.kind for node in graph.nodes]
        self._spread: dict[int, list[tuple[int, str, str, Results]]] = {}

    def rerun(self, edits: Mapping[int, Edit], inputs: Mapping[int, Shape], upto: int) -> Results | None:
        """The numbers of the nodes up to one, with mistakes in some of them and perhaps other inputs."""
        first = len(self.graph.inputs)
        moved: dict[int, Shape] = dict(inputs)
        found: list[Numbers | None] = list(self.plain)
        for i, node in enumerate(self.graph.nodes[: upto + 1]):
            edit = edits.get(i)
            touched = any(v in moved for v in node.reads)
            if edit is None and not touched:
                continue
            case = self.cases[i]
            if touched:
                shapes = tuple(moved.get(v, self.graph.shape(v)) for v in node.reads)
                case = Case(case.layer, shapes)
            if edit is not None:
                changed = edit.change(case)
                case = case if changed is None else changed
            result = found[i] = numbers(case) if edit is not None else plain(*case[:4])
            if result is None or not all(n == int(n) > 0 for n in result["output"]):
                return None
            output = tuple(int(n) for n in result["output"])
            if output != self.graph.shape(first + i):
                moved[first + i] = output
        return found

    def spreading(self, last: int) -> list[tuple[int, str, str, Results]]:
        """(rank, id, layer, numbers) of the mistakes that are inherited: made everywhere, in a kind, in one layer."""
        if last in self._spread:
            return self._spread[last]
        result = self._spread[last] = []
        made: dict[tuple[str, tuple[int, ...]], int] = {}
        per_edit: dict[int, list[int]] = defaultdict(list)
        for i, case in enumerate(self.cases[: last + 1]):
            right = self.plain[i]
            for number, found in outputs(*case[:4]):
                if right is not None and found != right["output"]:
                    per_edit[number].append(i)
        for number, places in per_edit.items():
            groups: list[tuple[int, Sequence[int]]] = [(2, places)]
            by_kind: dict[str, list[int]] = defaultdict(list)
            for i in places:
                by_kind[self.kinds[i]].append(i)
            groups += [(3, same) for same in by_kind.values()]
            groups += [(4, (i,)) for i in places] if last <= LARGEST else []
            edit = EDITS[number]
            for far, group in groups:
                key = (str(number), tuple(group))
                if key in made:
                    continue
                made[key] = 1
                rerun = self.rerun(dict.fromkeys(group, edit), {}, last)
                if rerun is not None:
                    where = self.graph.nodes[group[0]].name if len(group) == 1 else ""
                    result.append((edit.rank + far, edit.id, where, rerun))
        for v, shape in enumerate(self.graph.inputs.values()):
            if len(shape) > 1 and shape[0] == 1:
                rerun = self.rerun({}, {v: (3, *shape[1:])}, last)
                if rerun is not None:
                    result.append((12, "assumed_rgb", "", rerun))
        return result


@lru_cache(maxsize=4096)
def outputs(
    layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> tuple[tuple[int, tuple[Number, ...]], ...]:
    """(number of the edit, output shape) of the mistakes that are inherited."""
    case = Case(layer, shapes, flat, direct)
    found = []
    for number, edit in enumerate(EDITS):
        if edit.id in SPREADING:
            changed = edit.change(case)
            result = None if changed is None else numbers(changed)
            if result is not None:
                found.append((number, result["output"]))
    return tuple(found)


def total_mistakes(network: Network, rows: Sequence[int], quantity: str, unit: Callable[[int], int]) -> Iterator[Found]:
    """Mistakes in the sum of a quantity over some layers. `unit`: what one counts for in the sum; 0: left out."""
    terms = {i: _number(network.plain[i], quantity) * unit(i) for i in rows}
    total = sum(terms.values())
    names = [node.name for node in network.graph.nodes]
    deltas: list[tuple[int, str, int, str]] = []  # rank, id, difference, layer
    everywhere: dict[Edit, dict[str, Number]] = defaultdict(lambda: defaultdict(int))  # edit -> kind -> difference
    of_one_id: dict[str, tuple[int, Number]] = {}  # a mistake that several edits make, each in its kinds
    for i in rows:
        if not unit(i):
            continue
        taken: set[str] = set()
        for edit, found in singles(*network.cases[i][:4]):
            if quantity in edit.of and found.get(quantity) is not None:
                off = found[quantity] * unit(i) - terms[i]
                if off:
                    deltas.append((edit.rank + 8, edit.id, off, names[i]))
                    everywhere[edit][network.kinds[i]] += off
                    if edit.id not in taken:
                        taken.add(edit.id)
                        of_one_id[edit.id] = edit.rank, of_one_id.get(edit.id, (0, 0))[1] + off
    yield from (Found(rank, name, total + off) for name, (rank, off) in of_one_id.items())
    for edit, by_kind in everywhere.items():
        yield Found(edit.rank, edit.id, total + sum(by_kind.values()))
        for off in by_kind.values():
            yield Found(edit.rank + 4, edit.id, total + off)
    for (one, first), (two, second) in combinations(everywhere.items(), 2):
        if one.rank + two.rank <= 24 and one.id != two.id:
            for kind, off in first.items():
                for other, more in second.items():
                    if kind != other:
                        yield Found(one.rank + two.rank + 8, f"{one.id}+{two.id}", total + off + more)
    yield from everywhere_twice(network, terms, quantity, unit)
    yield from skipped(network, terms, total, names)
    yield from (Found(rank, name, total + off, where) for rank, name, off, where in deltas)
    if len(deltas) <= MOST_PAIRS:
        for (far, id, off, where), (further, other_id, more, there) in combinations(deltas, 2):
            if where != there:
                name = id if id == other_id else f"{id}+{other_id}"
                yield Found(far + further, name, total + off + more, f"{where}, {there}")
    for far, name, where, results in network.spreading(len(network.graph.nodes) - 1):
        value = sum(_number(results[i], quantity) * unit(i) for i in rows)
        yield Found(far, name, value, where)
    yield from factorised(network, terms, total, quantity)
    yield from other_maps(network, terms, total, quantity, unit)


def _number(found: Numbers | None, quantity: str) -> Any:
    return 0 if found is None or found.get(quantity) is None else found[quantity]


def everywhere_twice(
    network: Network, terms: Mapping[int, Any], quantity: str, unit: Callable[[int], int]
) -> Iterator[Found]:
    """Two mistakes made in every layer in which they can be made."""
    common = [edit for edit in EDITS if edit.rank <= MOST_COMMON and quantity in edit.of and edit.pairs]
    ranks = {edit.id: edit.rank for edit in common}
    applied: dict[int, dict[str, Edit]] = {}
    for i, term in terms.items():
        if term:
            edits = {edit for edit, _found in singles(*network.cases[i][:4])}
            applied[i] = {edit.id: edit for edit in reversed(common) if edit in edits}
    for first, second in combinations(ranks, 2):
        value, met = sum(terms.values()), False
        for i, by_id in applied.items():
            mine = tuple(by_id[name] for name in (first, second) if name in by_id)
            found = made(mine, *network.cases[i][:4]) if mine else None
            if found is not None and found.get(quantity) is not None:
                value += found[quantity] * unit(i) - terms[i]
                met = met or len(mine) == 2
        if met:
            yield Found(ranks[first] + ranks[second] + 6, f"{first}+{second}", value)


def skipped(network: Network, terms: Mapping[int, Any], total: Any, names: Sequence[str]) -> Iterator[Found]:
    """Layers left out or counted twice: one, all of a kind, or those of one name in every block."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, term in terms.items():
        if not term:
            continue
        name = halves(network, i)
        yield Found(12 if name != "forgot_a_layer" else 13, name, total - term, names[i])
        yield Found(16, "counted_twice", total + term, names[i])
        groups[network.kinds[i]].append(i)
        if "/" in names[i]:
            groups["/" + names[i].rpartition("/")[2]].append(i)
            groups["//" + halves(network, i)].append(i)
    for key, places in groups.items():
        if 1 < len(places) < len(terms):
            kind = network.kinds[places[0]]
            name = "forgot_batchnorm" if kind == key == "batchnorm" else halves(network, places[0])
            said = key.lstrip("/") if key[0] == "/" and key[1] != "/" else kind
            yield Found(12 if name == "forgot_batchnorm" else 15, name, total - sum(terms[i] for i in places), said)


def halves(network: Network, node: int) -> str:
    """What it is called to forget this layer: half of a separable convolution, a norm, or just a layer."""
    graph, first = network.graph, len(network.graph.inputs)
    layer = vars(graph.nodes[node].layer)
    if network.kinds[node] == "batchnorm":
        return "forgot_batchnorm"
    if "multiplier" in layer:
        return "forgot_depthwise"
    if "filters" in layer and set(layer["kernel"]) == {1}:
        value = graph.nodes[node].reads[0]
        while value >= first and not graph.facts[value - first].connections:
            value = graph.nodes[value - first].reads[0]
        if value >= first and "multiplier" in vars(graph.nodes[value - first].layer):
            return "forgot_pointwise"
    return "forgot_a_layer"


def factorised(network: Network, terms: Mapping[int, Any], total: Any, quantity: str) -> Iterator[Found]:
    """One large convolution where a 1x1 reduces before another, or where 3x1 and 1x3 follow each other."""
    graph, first = network.graph, len(network.graph.inputs)
    offs = []
    for i in terms:
        layer = vars(graph.nodes[i].layer)
        value = graph.nodes[i].reads[0]
        while value >= first and graph.nodes[value - first].layer.kind != "conv":
            if graph.facts[value - first].output != graph.shape(graph.nodes[value - first].reads[0]):
                break
            value = graph.nodes[value - first].reads[0]
        before = value - first
        if network.kinds[i] != "conv" or before not in terms or network.kinds[before] != "conv":
            continue
        earlier = vars(graph.nodes[before].layer)
        kernels = layer["kernel"], earlier["kernel"]
        rank = len(network.shapes[i][0]) - 1
        wide, narrow = (k * rank if len(k) == 1 else k for k in kernels)
        reduces = set(narrow) == {1} and set(wide) != {1}
        if not reduces and not all(min(a, b) == 1 < max(a, b) for a, b in zip(wide, narrow, strict=True)):
            continue
        kernel = tuple(a + b - 1 for a, b in zip(wide, narrow, strict=True))
        sides = layer["padding"]
        merged = graph.nodes[i].layer.replace(kernel=kernel, padding=sides)
        found = numbers(Case(merged, network.shapes[before]))
        if found is not None:
            off = found[quantity] - terms[i] - terms[before]
            offs.append(off)
            yield Found(14, "ignored_factorisation", total + off, graph.nodes[i].name)
    if len(offs) > 1:
        yield Found(13, "ignored_factorisation", total + sum(offs))


def other_maps(
    network: Network, terms: Mapping[int, Any], total: Any, quantity: str, unit: Callable[[int], int]
) -> Iterator[Found]:
    """The sum up to a layer; work counted on the map of the layer before or behind."""
    running = 0
    for i, term in list(terms.items())[:-1]:
        running += term
        if term:
            yield Found(15, "stopped_too_early", running, network.graph.nodes[i].name)
    if quantity not in ("macs", "connections", "flops"):
        return
    working = [i for i, term in terms.items() if term and len(network.graph.facts[i].output) > 1]
    for i, j in [*pairwise(working), *pairwise(working[::-1])]:
        yield from (
            Found(14, "used_wrong_map_size", total - terms[i] + value * unit(i), network.graph.nodes[i].name)
            for value in on_map_of(network, i, j, quantity)
        )


def on_map_of(network: Network, node: int, other: int, quantity: str) -> Iterator[Any]:
    """A layer's work with the output size of another."""
    sizes = network.graph.facts[other].output[1:]
    here = network.graph.facts[node].output
    if len(sizes) == len(here) - 1 and sizes != here[1:]:
        found = numbers(network.cases[node]._replace(output=lambda shape: (shape[0], *sizes)))
        if found is not None and found.get(quantity):
            yield found[quantity]
