"""Mistakes in a network: one that spoils what enters the layers behind it, and those in a total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from cnncalc.answers.mistakes.catalogue import EDITS
from cnncalc.answers.mistakes.edits import Case, Edit, Number, Numbers, apply_edits, numbers
from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, Facts, Layer, Shape

LARGEST = 80  # nodes of a network in which a mistake at every single place is followed to the end
# Mistakes in a size, which the layers behind inherit.
SPREADING = frozenset(
    {
        "forgot_plus_one", "forgot_stride", "forgot_padding", "padding_once", "padded_twice", "valid_instead_of_same",
        "same_instead_of_valid", "ceil_instead_of_floor", "floor_instead_of_ceil", "forgot_dilation", "tf_same",
        "pool_always_halves", "non_square_pool", "used_conv_formula", "flatten_forgot_channels", "flatten_forgot_area",
        "pool_changes_channels", "depth_kept_from_input", "forgot_a_layer", "plus_one_inside",
    }
)  # fmt: skip


class Found(NamedTuple):
    """A wrong number: how far-fetched, the ids of its mistakes, and the layer that it was made in, if it is one."""

    rank: int
    id: str
    value: Any
    where: str = ""


Results = Sequence[Numbers | None]


NOTHING_READ = -1


def first_read(graph: Graph, node: int) -> int:
    """The value that a node reads first; NOTHING_READ of what is only stored, such as a position embedding."""
    reads = graph.nodes[node].reads
    return reads[0] if reads else NOTHING_READ


def case_of(graph: Graph, node: int, shapes: tuple[Shape, ...]) -> Case:
    """A layer as it stands in the network; what was flattened in front of it is remembered.

    Behind a shape that is not known nothing can be worked out again, as of what reads nothing.
    """
    shapes = () if () in shapes else shapes
    first = len(graph.inputs)
    value, flat = first_read(graph, node), None
    # Back through what leaves a vector as long as it is, to the flattening that made it.
    while value >= first and len(graph.shape(value)) == 1 and flat is None:
        before = first_read(graph, value - first)
        if before == NOTHING_READ:
            break
        if graph.facts[value - first].reach == FLATTENED:
            flat = graph.shape(before)
        elif graph.shape(before) != graph.shape(value):
            break
        value = before
    return Case(graph.nodes[node].layer, shapes, flat, value < first)


@lru_cache(maxsize=4096)
def work_out(layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool) -> Numbers | None:
    """The right numbers of a layer. The first four fields of a Case, which can be looked up."""
    return numbers(Case(layer, shapes, flat, direct)) if shapes else None


@lru_cache(maxsize=2048)
def singles(
    layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> tuple[tuple[Edit, Numbers], ...]:
    """Every single mistake in a layer."""
    if not shapes:  # of what is only stored no mistakes are known
        return ()
    return tuple((edits[0], found) for edits, found in apply_edits(Case(layer, shapes, flat, direct), EDITS, 0))


@lru_cache(maxsize=4096)
def make_together(
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
    return () if not shapes else tuple(apply_edits(Case(layer, shapes, flat, direct), EDITS, 26))


def numbers_of_facts(facts: Facts) -> Numbers:
    """The right numbers of what reads nothing: there is no derivation from its input."""
    stored = None if facts.params is None or facts.fixed_params is None else facts.params + facts.fixed_params
    return {
        "output": facts.output, "values": facts.elements, "params": facts.params, "fixed_params": facts.fixed_params,
        "buffers": facts.buffers, "connections": facts.connections, "macs": facts.macs, "stored": stored,
        "flops": facts.flops,
    }  # fmt: skip


class Network:
    """A graph whose layers can be worked out again with mistakes in some of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes = [tuple(graph.shape(v) for v in node.reads) for node in graph.nodes]
        self.cases = [case_of(graph, i, shapes) for i, shapes in enumerate(self.shapes)]
        self.plain: list[Numbers | None] = [
            work_out(*case[:4]) if case.shapes else numbers_of_facts(facts)
            for case, facts in zip(self.cases, graph.facts, strict=True)
        ]
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
            result = found[i] = numbers(case) if edit is not None else work_out(*case[:4])
            # Half a pixel cannot enter the next layer: here the student would have noticed.
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
        for (number, group), far in self.groups_of_places(last).items():
            edit = EDITS[number]
            rerun = self.rerun(dict.fromkeys(group, edit), {}, last)
            if rerun is not None:
                where = self.graph.nodes[group[0]].name if len(group) == 1 else ""
                result.append((edit.rank + far, edit.id, where, rerun))
        # A picture of one channel may be taken for one in colours.
        for v, shape in enumerate(self.graph.inputs.values()):
            if len(shape) > 1 and shape[0] == 1:
                rerun = self.rerun({}, {v: (3, *shape[1:])}, last)
                if rerun is not None:
                    result.append((12, "assumed_rgb", "", rerun))
        return result

    def groups_of_places(self, last: int) -> dict[tuple[int, tuple[int, ...]], int]:
        """(number of the edit, layers that it is made in) -> how much less common than the edit alone."""
        per_edit: dict[int, list[int]] = defaultdict(list)
        for i, case in enumerate(self.cases[: last + 1]):
            right = self.plain[i]
            for number, found in outputs(*case[:4]):
                if right is not None and found != right["output"]:
                    per_edit[number].append(i)
        groups: dict[tuple[int, tuple[int, ...]], int] = {}
        for number, places in per_edit.items():
            # 2, 3, 4: the more consistently a mistake is made, the likelier it is.
            groups.setdefault((number, tuple(places)), 2)
            by_kind: dict[str, list[int]] = defaultdict(list)
            for i in places:
                by_kind[self.kinds[i]].append(i)
            for same in by_kind.values():
                groups.setdefault((number, tuple(same)), 3)
            # A mistake at one single place is followed to the end in networks of moderate length alone.
            for i in places if last <= LARGEST else ():
                groups.setdefault((number, (i,)), 4)
        return groups


@lru_cache(maxsize=4096)
def outputs(
    layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> tuple[tuple[int, tuple[Number, ...]], ...]:
    """(number of the edit, output shape) of the mistakes that are inherited."""
    case = Case(layer, shapes, flat, direct)
    found = []
    for number, edit in enumerate(EDITS if shapes else ()):
        if edit.id in SPREADING:
            changed = edit.change(case)
            result = None if changed is None else numbers(changed)
            if result is not None:
                found.append((number, result["output"]))
    return tuple(found)


def numbers_on_map(network: Network, node: int, other: int, quantity: str) -> Iterator[Any]:
    """A layer's work with the output size of another."""
    sizes = network.graph.facts[other].output[1:]
    here = network.graph.facts[node].output
    if len(sizes) == len(here) - 1 and sizes != here[1:]:
        found = numbers(network.cases[node]._replace(output=lambda shape: (shape[0], *sizes)))
        if found is not None and found.get(quantity):
            yield found[quantity]
