"""Tiles: how far they have to overlap so that every output that is kept is the one of the whole image.

A tile begins at a multiple of the period, so that strides and phases fall alike. A unit of a tile is right if all of
its taps lie inside the tile's maps on the way and are right themselves: padding at a cut is wrong, that of the image
is not. The wrong units at a cut are counted layer by layer; half the receptive field is more than it takes, or less.
Along one axis, pixels of the image and units of the output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from math import ceil, lcm
from typing import NamedTuple

from cnncalc.analysis.fields.effective.moments import find_reaching
from cnncalc.analysis.fields.reads import Book
from cnncalc.analysis.fields.table import find_value
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.language import _
from cnncalc.layers.base import POINTWISE, Facts, Shape
from cnncalc.layers.elements import Read
from cnncalc.layers.windows import Listed, Phases, Window

LARGEST_PERIOD = 2**20  # pixels

Resized = Callable[[Mapping[str, Shape]], Graph]


class Halo(NamedTuple):
    """How tiles have to be cut along one axis for one output.

    period         a tile begins at a multiple of so many pixels
    remainder      of a tile's length divided by the period: that of the image, unless the tile ends where it ends
    jump           pixels from one output to the next
    before, after  outputs next to a cut that are not those of the whole image
    margin         pixels of a tile less those that its outputs stand for, jump each: what valid convolutions take
    """

    output: str
    axis: int
    period: int
    remainder: int
    jump: Fraction
    before: int
    after: int
    margin: Fraction

    @property
    def overlap(self) -> int:
        """The fewest pixels that neighbouring tiles have in common, such that no output is missing between them."""
        least = max(0, ceil(self.margin + (self.before + self.after) * self.jump))
        # Tiles begin at multiples of the period and are as long as the image modulo it: so is what they share.
        return least + (self.remainder - least) % self.period


class Cut(NamedTuple):
    """A map of a tile along the axis: its jump, the units that are wrong at either end, and how many there are."""

    jump: Fraction
    before: int
    after: int
    units: int


def halos(graph: Graph, layer: str, resized: Resized | None = None) -> list[Halo]:
    """The halo of a layer's output, axis by axis.

    resized  the same network for inputs of other sizes; needed where sizes that it mentions, as those of crops, follow
             from the size of the image

    Raises CnncalcError for a layer that does not exist, and where no tile gives the outputs of the whole image.
    """
    value = find_value(graph, layer)
    axes = len(graph.shape(value)) - 1
    sizes = {shape[1:] for shape in graph.inputs.values()}
    if not axes or any(len(size) != axes for size in sizes):
        raise CnncalcError(_("{name} is no map of the image's axes: there is nothing to cut into tiles", name=layer))
    if len(sizes) > 1:
        raise CnncalcError(_("the inputs differ in size: how they would be cut together is not known"))
    return [along(graph, layer, value, axis, resized) for axis in range(axes)]


def along(graph: Graph, layer: str, value: int, axis: int, resized: Resized | None) -> Halo:
    """The halo along one axis."""
    nodes = leading_to(graph, value)
    period = period_of(graph, nodes, axis)
    n = next(iter(graph.inputs.values()))[1 + axis]
    longer = lengthen(graph, axis, period, resized)
    here, there = cuts(graph, nodes, axis), cuts(longer, nodes, axis)
    for number in nodes:
        v = number + len(graph.inputs)
        # All of a cut but its number of units, which grows with the image.
        if moves(graph.facts[number], axis) != moves(longer.facts[number], axis) or here[v][:3] != there[v][:3]:
            problem = _(
                "{name} does something else on another size: tiles give other outputs", name=graph.nodes[number].name
            )
            raise CnncalcError(problem)
    cut = here[value]
    return Halo(layer, axis, period, n % period, cut.jump, cut.before, cut.after, n - cut.units * cut.jump)


def leading_to(graph: Graph, value: int) -> list[int]:
    """The nodes between the inputs and a value, in order."""
    first = len(graph.inputs)
    wanted = {value}
    for i in range(value - first, -1, -1):
        if i + first in wanted:
            wanted.update(graph.nodes[i].reads)
    # What no input reaches, such as stored numbers, is not cut.
    wanted &= set().union(*(find_reaching(graph, source) for source in range(first)))
    return [i for i in range(len(graph.nodes)) if i + first in wanted]


def moves(facts: Facts, axis: int) -> object:
    """What a layer does to the axis."""
    return facts.reach[axis] if isinstance(facts.reach, tuple) and len(facts.reach) > axis else facts.reach


def lengthen(graph: Graph, axis: int, more: int, resized: Resized | None) -> Graph:
    """The network on an image that is longer. Raises CnncalcError where it does not fit."""
    inputs = {
        name: (*shape[: 1 + axis], shape[1 + axis] + more, *shape[2 + axis :]) for name, shape in graph.inputs.items()
    }
    try:
        # From the spec where there is one: sizes in it may follow from that of the image.
        longer = (resized or partial(with_inputs, graph))(inputs)
    except CnncalcError as error:
        raise CnncalcError(_("the network fits its own size alone: {reason}", reason=error)) from None
    if [node.layer.kind for node in longer.nodes] != [node.layer.kind for node in graph.nodes]:
        raise CnncalcError(_("on another size the network has other layers: tiles give other outputs"))
    return longer


def with_inputs(graph: Graph, inputs: Mapping[str, Shape]) -> Graph:
    return Graph(
        name=graph.name, inputs=inputs, nodes=graph.nodes, outputs=graph.outputs, groups=graph.groups, as_written=False
    )


def step_of(node: Node, facts: Facts, read: Read, axis: int) -> Window | Phases:
    """What a read does to the axis. Raises CnncalcError for what needs more of the image than a tile has."""
    step = read.steps[axis]
    if isinstance(step, Listed) and isinstance(moves(facts, axis), Window):  # padding from the map itself
        window = moves(facts, axis)
        assert isinstance(window, Window)
        # Padding that reflects or repeats reads close by; what comes from the other end of the map is in no tile.
        farthest = max(abs(place[0] - (o - window.before)) for o, place in enumerate(step.reads))
        if farthest <= 2 * max(window.before, window.after):
            return window
    if step == POINTWISE:
        return Window()
    if isinstance(step, (Window, Phases)):
        return step
    raise CnncalcError(_("{name} sees the whole image: no tile gives its outputs", name=node.name))


def cuts(graph: Graph, nodes: list[int], axis: int) -> dict[int, Cut]:
    """For each value on the way what is wrong of it where a tile is cut. Raises CnncalcError."""
    book = Book(graph, channels=False)
    first = len(graph.inputs)
    found = {v: Cut(Fraction(1), 0, 0, shape[1 + axis]) for v, shape in enumerate(graph.inputs.values())}
    for number in nodes:
        node, facts = graph.nodes[number], graph.facts[number]
        reads = book.of(number)
        if not isinstance(reads, list):
            raise CnncalcError(_("{name} moves elements between axes: no tile gives its outputs", name=node.name))
        units = facts.output[1 + axis] if len(facts.output) > 1 + axis else 1
        parts = []
        for read in reads:
            if node.reads[read.source] in found:
                step = step_of(node, facts, read, axis)
                parts.append(behind(found[node.reads[read.source]], step, units))
        if len({part.jump for part in parts}) > 1:
            raise CnncalcError(
                _("branches meet in {name} whose jumps differ: no tile gives its outputs", name=node.name)
            )
        before, after = max(part.before for part in parts), max(part.after for part in parts)
        found[first + number] = Cut(parts[0].jump, before, after, units)
    return found


def behind(cut: Cut, step: Window | Phases, units: int) -> Cut:
    """What is wrong of the units behind one step: those with a tap outside the tile's map, or on a wrong unit of it."""
    last = cut.units - 1 - cut.after  # that is right
    if isinstance(step, Window):
        k, s, padding, d = step.kernel, step.stride, step.before, step.dilation
        # Unit o begins at o s - padding: it is right from o s >= before + padding on.
        before = max(0, -(-(cut.before + padding) // s))
        after = max(0, units - 1 - (last + padding - (k - 1) * d) // s)
        return Cut(cut.jump * s, before, after, units)
    up = len(step.taps)
    before, first_wrong = 0, units
    for phase, taps in enumerate(step.taps):
        if taps:
            # Unit q U + phase reads q + t: wrong up to q = before - t - 1, for the least t, counted from 0.
            before = max(before, (cut.before - min(taps) - 1) * up + phase + 1)
            first_wrong = min(first_wrong, (last - max(taps) + 1) * up + phase)
    return Cut(cut.jump / up, before, max(0, units - first_wrong), units)


def period_of(graph: Graph, nodes: list[int], axis: int) -> int:
    """The fewest pixels by which a tile can be moved such that it moves whole units in every map on the way."""
    found = cuts(graph, nodes, axis)
    period = lcm(*(cut.jump.numerator for cut in found.values()))
    if period > LARGEST_PERIOD:
        raise CnncalcError(_("tiles would begin at multiples of {period} pixels", period=f"{period:,}"))
    return period
