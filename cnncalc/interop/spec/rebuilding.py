"""A network while it is written anew, value by value, with the moves of the old one kept beside its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.graph import Graph, Node
from cnncalc.graph_builder import GraphBuilder
from cnncalc.interop.axis_parts import whole
from cnncalc.interop.names import Names, number_name, unique
from cnncalc.interop.spec.heads import Heads
from cnncalc.interop.spec.moves import (
    Cut,
    View,
    is_whole,
    plain,
    steps_of,
)
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer

MOVES = ("permute", "reshape", "flatten")


class Rebuilt:
    """The new network so far, and what of the old one each of its values is.

    graph     the old network; both have the same inputs, and layers from value `first` on
    b         the new network
    readers   who reads each value of the old one
    views     for each old value what it is in the new network, in their order
    sources   for each new value the old one
    free      parameters that nobody has read yet: the old value of each
    made      views that had to be made
    parts     slices that had to be made, and what they are multiplied by
    shaped    views of which axes had to be put together
    attended  new attentions
    taken     names of layers, those of moves left out, which are given anew
    """

    def __init__(self, graph: Graph, readers: Mapping[int, Sequence[int]]) -> None:
        self.graph = graph
        self.readers = readers
        self.first = len(graph.inputs)
        self.b = GraphBuilder()
        self.taken = Names(graph.inputs)
        self.taken.update(node.name for node in graph.nodes if node.layer.kind not in MOVES)
        self.moves = {node.name for node in graph.nodes if node.layer.kind in MOVES}
        self.views: list[View] = [plain(self.b.add_input(name, shape), shape) for name, shape in graph.inputs.items()]
        self.sources: dict[int, int] = {}
        self.free: dict[int, int] = {}
        self.made: dict[View, int] = {}
        self.parts: dict[tuple[int, ...], int] = {}
        self.shaped: dict[View, int] = {}
        self.attended: dict[int, Heads] = {}

    # --- what old values are

    def view(self, value: int, order: Sequence[int] | None = None) -> View:
        """What an old value is now; numbers that stand by themselves are added now, with their axes in an order."""
        if value in self.free:
            self.views[value] = self.add_parameter(value, order)
        cut = self.views[value].cut
        if cut is not None:  # something has to see the part alone
            self.views[value] = View(self.cut_out(cut), cut.axes)
        return self.views[value]

    def add_parameter(self, value: int, order: Sequence[int] | None) -> View:
        """Numbers that stand by themselves. Stored in the order of who reads them they need no permutation."""
        del self.free[value]
        layer = self.graph.nodes[value - self.first].layer
        shape = self.graph.shape(value)
        if layer.kind != "parameter" or order is None or len(order) != len(shape):
            return plain(self.add(value, layer, []), shape)
        turned = [0] * len(shape)
        for i, own in enumerate(order):
            turned[own] = shape[i]
        made = self.add(value, layer.replace(shape=tuple(turned)), [])
        return View(made, tuple(whole(own, shape[i]) for i, own in enumerate(order)))

    def cut_out(self, cut: Cut) -> int:
        """A part that was only noted, as the slice that it was, and multiplied as it was since; both once."""
        key = (cut.source, *cut.scaled)
        if key not in self.parts:
            made = self.as_it_was(cut.source).value
            for scaled in cut.scaled:
                made = self.add(scaled, self.graph.nodes[scaled - self.first].layer, [made])
            self.parts[key] = made
        return self.parts[key]

    def make(self, view: View, place: str) -> int:
        """The value that a view shows, moved there once."""
        shape = self.b.shapes[view.value]
        if view == plain(view.value, shape):
            return view.value
        if view not in self.made:
            parts, order, out = steps_of(view, shape)
            value = view.value
            turned = order_of(self, view)
            # As few steps as do it: a permutation of whole axes, or one of parts between two reshapes.
            if turned is not None:
                value = self.add_new("permute", place, [value], order=turned)
            elif order != tuple(sorted(order)):
                if parts != shape:
                    value = self.add_new("reshape", place, [value], shape=parts)
                value = self.add_new("permute", place, [value], order=order)
            if self.b.shapes[value] != out and len(out) == 1:
                value = self.add_new("flatten", place, [value])
            elif self.b.shapes[value] != out:
                value = self.add_new("reshape", place, [value], shape=out)
            self.made[view] = value
        return self.made[view]

    # --- what is added

    def as_it_was(self, value: int) -> View:
        """A layer that sees what was moved, as it is."""
        node = self.graph.nodes[value - self.first]
        place = node.name.rpartition("/")[0]
        reads = [self.make(self.view(v), place) for v in node.reads]
        return plain(self.add(value, node.layer, reads), self.graph.shape(value))

    def add(self, value: int, layer: Layer, reads: Sequence[int]) -> int:
        """A layer of the old network, on values of the new one."""
        node = self.graph.nodes[value - self.first]
        owner = None if node.weights_of is None else self.views[node.weights_of].value
        made = self.b.append(Node(self.name_of(node), layer, tuple(reads), None, node.shown_with, owner))
        self.sources[made] = value
        return made

    def add_new(self, kind: str, place: str, reads: Sequence[int], **options: Any) -> int:
        """A layer that the old network has not."""
        name = unique(number_name(kind, f"{place}/" if place else "", self.taken), self.taken)
        self.taken.add(name)
        return self.b.append(Node(name, make_layer(kind, **options), tuple(reads)))

    def name_of(self, node: Node) -> str:
        """The name of a layer, that of a move in front of it where it was called `fc1_3` for that reason alone."""
        base, _line, number = node.name.rpartition("_")
        if not number.isdigit() or base not in self.moves or base in self.taken:
            return node.name
        self.taken.add(base)
        return base


def make_layer(kind: str, **options: Any) -> Layer:
    """A layer with these options and the usual others."""
    return KINDS[kind].load()(kind=kind, **options)


def order_of(new: Rebuilt, view: View) -> tuple[int, ...] | None:
    """Which axis of the value each axis of a view is, where it shows them whole."""
    shape = new.b.shapes[view.value] if view.value >= 0 else view.shape
    if len(view.axes) != len(shape):
        return None
    order: list[int] = []
    singles = [i for i, n in enumerate(shape) if n == 1]
    for axis in view.axes:
        if not axis and not singles:
            return None
        # Axes of one element have no parts, and stand for those of the value in turn.
        own = axis[0].axis if axis else singles.pop(0)
        if axis and not is_whole(axis, own, shape):
            return None
        order.append(own)
    return tuple(order) if len(set(order)) == len(order) else None
