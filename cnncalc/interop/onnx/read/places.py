"""The layers that it takes to have a map's axes in their places, where bookkeeping does not do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import NamedTuple

from cnncalc.interop.axis_parts import Axis, whole
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
    find_factor,
    find_groups,
    in_order,
    permutation,
    spread,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError
from cnncalc.language import _
from cnncalc.layers.base import Shape, shape_text
from cnncalc.layers.options import MOST_AXES


class Laid(NamedTuple):
    """A tensor whose axes are whole ones of its map, in their order, and which of those each of them is.

    where  the axis of the map for each axis of the tensor; None for the one that the samples have for themselves
    """

    tensor: Tensor
    where: tuple[int | None, ...]

    def axis(self, i: int) -> int:
        """The axis of the map that an axis of the tensor is. Raises NotReadError for that of the samples."""
        place = self.where[i]
        if place is None or any(f.axis < 0 for f in (self.tensor.axes or ())[i]):
            raise NotReadError(_("it goes over the samples"))
        return place


def lay_alike(net: Network, node: NodeData, tensors: Sequence[Tensor], apart: int = 0) -> list[Laid]:
    """Tensors that are combined, each axis of one with that of the others. Raises NotReadError where they differ.

    Those with fewer axes are filled up in front; the last axes, `apart` of them, are no samples.
    """
    rank = max(len(x.axes or ()) for x in tensors)
    filled = [Tensor(x.value, ((),) * (rank - len(x.axes or ())) + (x.axes or ())) for x in tensors]
    free = {i for i in range(rank - apart) if not any((x.axes or ())[i] for x in filled)}
    found = [lay(net, node, x, free) for x in filled]
    if len({each.where for each in found}) > 1:
        raise NotReadError(_("its inputs have their samples in different places"))
    return found


def lay(net: Network, node: NodeData, x: Tensor, free: Collection[int] | None = None) -> Laid:
    """The tensor with its axes in order, wherever the samples stand: layers are added where it takes them.

    The samples may stand in front of others in one axis, as heads that are taken for samples do. Where there is one
    sample nothing shows its place: `free` are the axes that may be it, those of one element unless it is said.
    """
    axes = x.axes or ()
    places = [tuple(f for f in axis if f.axis >= 0) for axis in axes]
    holding = [i for i, axis in enumerate(axes) if any(f.axis < 0 for f in axis)]
    if len(holding) > 1 or any(f.axis < 0 for axis in axes for f in axis[1:]):
        raise NotReadError(_("the samples are not the first axis of what enters"))
    free = [i for i, axis in enumerate(axes) if not axis] if free is None else sorted(free)
    lead = next(iter([*holding, *free]), None)
    kept = [i for i in range(len(axes)) if i != lead or places[i]]
    value = move_axes(net, node, x, [places[i] for i in kept] or [()])
    shape = net.builder.shape(value)
    # In the map the samples have no axis, so those behind them move up by one.
    where = [kept.index(i) if i in kept else None for i in range(len(axes))]
    found = tuple(
        (*(f for f in axis if f.axis < 0), *(() if at is None else whole(at, shape[at])))
        for axis, at in zip(axes, where, strict=True)
    )
    return Laid(Tensor(value, found), tuple(where))


def in_places(net: Network, laid: Laid, value: int) -> Tensor:
    """A result whose axes stand as those of one of the values that it is made of."""
    shape = net.builder.shape(value)
    samples = [tuple(f for f in axis if f.axis < 0) for axis in laid.tensor.axes or ()]
    places = [() if at is None else whole(at, shape[at]) for at in laid.where]
    return Tensor(value, tuple((*lead, *place) for lead, place in zip(samples, places, strict=True)))


def settle(net: Network, node: NodeData, x: Tensor) -> Tensor:
    """The tensor as a map, its samples first and its axes in order: layers are added where it takes them."""
    axes = x.axes or ()
    if not axes or any(f.axis < 0 for axis in axes[1:] for f in axis) or any(f.axis >= 0 for f in axes[0]):
        raise NotReadError(_("the samples are not the first axis of what enters"))
    value = move_axes(net, node, x, list(axes[1:]) or [()])
    return Tensor(x.value, x.axes) if value == x.value else net.see(value)


def move_axes(net: Network, node: NodeData, x: Tensor, places: Sequence[Axis]) -> int:
    """The value of the map whose axes are these parts, in this order: layers are added where it takes them."""
    target = tuple(prod(f.size for f in axis) for axis in places)
    if len(target) > MOST_AXES:
        count = len(target)
        raise NotReadError(
            _("what enters has {count} axes behind the samples: {most} at most", count=count, most=MOST_AXES)
        )
    # The cheapest first: nothing at all, a reshape, then layers that people have a name for.
    value, shape = x.value, net.shape(x)
    if target == shape and in_order(places):
        return value
    node = net.movers.get((x.value, x.axes), node)
    if in_order(places):
        return reshape_map(net, node, value, target)
    # A layer that has a name (a shuffle) before the permutation between two reshapes that it is made of.
    groups = find_groups(places, shape)
    if groups is not None:
        return net.move(node, "channel_shuffle", {"groups": groups}, value)
    factor = spread(places, shape)
    if factor is not None:
        return net.move(node, "pixel_shuffle", {"factor": factor}, value)
    factor = find_factor(places, shape)
    if factor is not None:
        return net.move(node, "pixel_unshuffle", {"factor": factor}, value)
    return permute_map(net, node, value, places, target)


def as_map(net: Network, node: NodeData, x: Tensor) -> int:
    """The value of the map that a tensor is, moved about where its axes are not in their places."""
    return settle(net, node, x).value


def reshape_map(net: Network, node: NodeData, value: int, target: Sequence[int]) -> int:
    """A map under another shape: flattened, where that is one axis."""
    if net.builder.shape(value) == tuple(target):
        return value
    if len(target) == 1:
        return net.move(node, "flatten", {}, value)
    return net.move(node, "reshape", {"shape": list(target)}, value)


def permute_map(net: Network, node: NodeData, value: int, places: Sequence[Axis], target: Shape) -> int:
    """Any other order: the parts apart, moved, and together again."""
    order = permutation(places, net.builder.shape(value))
    if order is not None:
        return net.move(node, "permute", {"order": list(order)}, value)
    # As they lie in memory: of an axis 6 = 2 x 3, the part 2 has the stride 3 and comes first.
    apart = sorted((f for axis in places for f in axis), key=lambda f: (f.axis, -f.stride))
    if len(apart) > MOST_AXES:
        raise NotReadError(_("its axes are mixed in a way that no layer is: {shape}", shape=shape_text(target)))
    value = reshape_map(net, node, value, [f.size for f in apart])
    moved = [apart.index(f) for axis in places for f in axis]
    if moved != sorted(moved):
        value = net.move(node, "permute", {"order": moved}, value)
    return reshape_map(net, node, value, target)


def spatial_axes(net: Network, value: int) -> tuple[int, ...]:
    """The axes of a map behind its channels. Raises NotReadError for a vector."""
    shape = net.builder.shape(value)
    if not 2 <= len(shape) <= 4:
        raise NotReadError(_("what enters is no map: {shape}", shape=shape_text(shape)))
    return shape[1:]
