"""Mistakes in a network: one that spoils what enters the layers behind it, and those in a total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, NamedTuple

from cnncalc.answers.mistakes.catalogue import EDITS
from cnncalc.answers.mistakes.edits import Case, Edit, Mistakes, Number, Numbers
from cnncalc.errors import CnncalcError
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
    """A wrong number: how far-fetched, the ids of its mistakes, and the layer that it was made in, if it is one.

    of  the number that was miswritten, where it is another mistake's
    """

    rank: int
    id: str
    value: Any
    where: str = ""
    of: Any = None


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
def work_out(layer: Layer, shapes: tuple[Shape, ...]) -> Numbers | None:
    """The right numbers of a layer; None where it cannot be applied."""
    try:
        return numbers_of_facts(layer.facts(*shapes)) if shapes else None
    except CnncalcError:
        return None


@lru_cache(maxsize=2048)
def mistakes_in(layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool) -> Mistakes:
    """Every mistake in a layer; of what is only stored none is known."""
    return Mistakes(Case(layer, shapes, flat, direct), EDITS if shapes else ())


@lru_cache(maxsize=4096)
def make_together(
    edits: tuple[Edit, ...], layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> Numbers | None:
    """A layer with some mistakes in it, as far as they can be made together."""
    case = Case(layer, shapes, flat, direct)
    for edit in edits:
        case = edit.change(case) or case
    return case.numbers


def numbers_of_facts(facts: Facts) -> Numbers:
    """What a layer claims, as the numbers of a case."""
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
            work_out(*case[:2]) if case.shapes else numbers_of_facts(facts)
            for case, facts in zip(self.cases, graph.facts, strict=True)
        ]
        self.kinds = [node.layer.kind for node in graph.nodes]
        self.readers: dict[int, list[int]] = defaultdict(list)  # by value, the nodes that read it
        for i, node in enumerate(graph.nodes):
            for value in node.reads:
                self.readers[value].append(i)
        self._places: dict[int, dict[str, Places]] = {}
        self._looked = 0  # nodes whose mistakes are known
        self._reruns: dict[Any, Rerun] = {}
        self._spread: dict[int, list[tuple[int, str, str, Results]]] = {}

    def spreading(self, last: int) -> list[tuple[int, str, str, Results]]:
        """(rank, id, layer, numbers) of the mistakes that are inherited: made everywhere, in a kind, in one layer.

        The numbers are those of the nodes up to the last one.
        """
        if last in self._spread:
            return self._spread[last]
        result = self._spread[last] = []
        for (number, group), (far, whole, places) in self.groups_of_places(last).items():
            edit = EDITS[number]
            numbers = self.rerun((number, whole), edit, places, {}).upto(last)
            if numbers is not None:
                where = self.graph.nodes[group[0]].name if len(group) == 1 else ""
                result.append((edit.rank + far, edit.id, where, numbers))
        # A picture of one channel may be taken for one in colours.
        for v, shape in enumerate(self.graph.inputs.values()):
            if len(shape) > 1 and shape[0] == 1:
                numbers = self.rerun(v, None, {}, {v: (3, *shape[1:])}).upto(last)
                if numbers is not None:
                    result.append((12, "assumed_rgb", "", numbers))
        return result

    def rerun(self, key: Any, edit: Edit | None, places: Places, inputs: Mapping[int, Shape]) -> Rerun:
        """The network worked out again; what is asked about one layer is known when the next one is asked about."""
        if key not in self._reruns:
            self._reruns[key] = Rerun(self, edit, places, inputs)
        return self._reruns[key]

    def groups_of_places(self, last: int) -> dict[tuple[int, tuple[int, ...]], tuple[int, Any, Places]]:
        """Where mistakes are made: (number of the edit, layers up to the last one that it is made in) ->

        how much less common than the edit alone, what it is made in without regard to the last one: all that it can
        be made in, a kind, or one layer; and the places of these.
        """
        self.look_for_places(last)
        groups: dict[tuple[int, tuple[int, ...]], tuple[int, Any, Places]] = {}
        for number, of_kinds in self._places.items():
            # 2, 3, 4: the more consistently a mistake is made, the likelier it is.
            for far, (kind, places) in zip(chain((2,), repeat(3)), of_kinds.items(), strict=False):
                group = tuple([i for i in places if i <= last])
                if group:
                    groups.setdefault((number, group), (far, kind, places))
            # A mistake at one single place is followed to the end in networks of moderate length alone.
            for i in of_kinds[EVERYWHERE] if last <= LARGEST else ():
                if i <= last:
                    groups.setdefault((number, (i,)), (4, i, {i: None}))
        return groups

    def look_for_places(self, last: int) -> None:
        """Note for every node up to the last one which mistakes change its output."""
        for i in range(self._looked, last + 1):
            right = self.plain[i]
            for number, found in find_outputs(*self.cases[i][:4]):
                if right is not None and found != right["output"]:
                    of_kinds = self._places.setdefault(number, {EVERYWHERE: {}})
                    of_kinds[EVERYWHERE][i] = None
                    of_kinds.setdefault(self.kinds[i], {})[i] = None
        self._looked = max(self._looked, last + 1)


EVERYWHERE = ""  # beside the names of kinds
Places = dict[int, None]  # nodes, in order


class Rerun:
    """The numbers of a network with one mistake in some of its layers, or with other inputs.

    They are worked out node by node, as far as they are asked for: of what comes later it does not matter what it is.
    """

    def __init__(self, network: Network, edit: Edit | None, places: Places, inputs: Mapping[int, Shape]) -> None:
        self.network, self.edit, self.places = network, edit, places
        self.numbers: list[Numbers | None] = list(network.plain)
        self.moved: dict[int, Shape] = {}  # values whose shape is another
        self.touched: set[int] = set()  # nodes that read them
        self.done = 0
        self.ends: int | None = None  # the node that cannot follow, from which on nothing is known
        for value, shape in inputs.items():
            self.move(value, shape)

    def move(self, value: int, shape: Shape) -> None:
        self.moved[value] = shape
        self.touched.update(self.network.readers[value])

    def upto(self, last: int) -> Results | None:
        """The numbers of the nodes up to one; None where one of them cannot be worked out."""
        while self.done <= last and self.ends is None:
            i = self.done
            if (i in self.touched or i in self.places) and not self.follow(i):
                self.ends = i
            self.done += 1
        return None if self.ends is not None and self.ends <= last else self.numbers

    def follow(self, i: int) -> bool:
        """Work out a node; whether the next ones can be."""
        graph, case = self.network.graph, self.network.cases[i]
        if i in self.touched:
            case = Case(case.layer, tuple([self.moved.get(v, graph.shape(v)) for v in graph.nodes[i].reads]))
        if self.edit is not None and i in self.places:
            case = self.edit.change(case) or case
            result = case.numbers
        else:
            result = work_out(*case[:2])
        self.numbers[i] = result
        # Half a pixel cannot enter the next layer: here the student would have noticed.
        if result is None or not all(n == int(n) > 0 for n in result["output"]):
            return False
        output = tuple(map(int, result["output"]))
        value = len(graph.inputs) + i
        if output != graph.shape(value):
            self.move(value, output)
        return True


@lru_cache(maxsize=4096)
def find_outputs(
    layer: Layer, shapes: tuple[Shape, ...], flat: Shape | None, direct: bool
) -> tuple[tuple[int, tuple[Number, ...]], ...]:
    """(number of the edit, output shape) of the mistakes that are inherited."""
    case = Case(layer, shapes, flat, direct)
    found = []
    for number, edit in enumerate(EDITS if shapes else ()):
        if edit.id in SPREADING:
            changed = edit.change(case)
            result = None if changed is None else changed.numbers
            if result is not None:
                found.append((number, result["output"]))
    return tuple(found)


def count_on_map(network: Network, node: int, other: int, quantity: str) -> Iterator[Any]:
    """A layer's work with the output size of another."""
    sizes = network.graph.facts[other].output[1:]
    here = network.graph.facts[node].output
    if len(sizes) == len(here) - 1 and sizes != here[1:]:
        found = network.cases[node]._replace(output=lambda shape: (shape[0], *sizes)).numbers
        if found is not None and found.get(quantity):
            yield found[quantity]
