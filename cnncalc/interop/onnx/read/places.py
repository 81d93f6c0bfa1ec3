"""The layers that it takes to have a map's axes in their places, where bookkeeping does not do."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Axis, Tensor, gathered, in_order, permutation, shuffled, spread
from cnncalc.interop.onnx.read.network import Network, NotReadError
from cnncalc.language import _
from cnncalc.layers.base import Shape, shape_text


def settle(net: Network, node: NodeData, x: Tensor) -> Tensor:
    """The tensor as a map, its samples first and its axes in order: layers are added where it takes them."""
    axes, shape, dims = x.axes or (), net.shape(x), x.dims()
    if not axes or any(f.axis < 0 for axis in axes[1:] for f in axis) or any(f.axis >= 0 for f in axes[0]):
        raise NotReadError(_("the samples are not the first axis of what enters"))
    target = tuple(dims[1:]) or (1,)
    places = tuple(axes[1:]) or ((),)
    if len(target) > 4:
        raise NotReadError(_("what enters has {count} axes behind the samples: 4 at most", count=len(target)))
    if target == shape and in_order(places):
        return Tensor(x.value, x.axes)
    value = x.value
    node = net.movers.get((x.value, x.axes), node)
    if in_order(places):
        return net.seen(reshape_map(net, node, value, target))
    groups = shuffled(places, shape)
    if groups is not None:
        return net.seen(net.add(node, "channel_shuffle", {"groups": groups}, [value]))
    factor = spread(places, shape)
    if factor is not None:
        return net.seen(net.add(node, "pixel_shuffle", {"factor": factor}, [value]))
    factor = gathered(places, shape)
    if factor is not None:
        return net.seen(net.add(node, "pixel_unshuffle", {"factor": factor}, [value]))
    return net.seen(permute_map(net, node, value, places, target))


def as_map(net: Network, node: NodeData, x: Tensor) -> int:
    """The value of the map that a tensor is, moved about where its axes are not in their places."""
    return settle(net, node, x).value


def reshape_map(net: Network, node: NodeData, value: int, target: Sequence[int]) -> int:
    if net.builder.shape(value) == tuple(target):
        return value
    if len(target) == 1:
        return net.add(node, "flatten", {}, [value])
    return net.add(node, "reshape", {"shape": list(target)}, [value])


def permute_map(net: Network, node: NodeData, value: int, places: Sequence[Axis], target: Shape) -> int:
    """Any other order: the factors apart, moved, and together again."""
    order = permutation(places, net.builder.shape(value))
    if order is not None:
        return net.add(node, "permute", {"order": list(order)}, [value])
    apart = sorted((f for axis in places for f in axis), key=lambda f: (f.axis, -f.stride))
    if len(apart) > 4:
        raise NotReadError(_("its axes are mixed in a way that no layer is: {shape}", shape=shape_text(target)))
    value = reshape_map(net, node, value, [f.size for f in apart])
    moved = [apart.index(f) for axis in places for f in axis]
    if moved != sorted(moved):
        value = net.add(node, "permute", {"order": moved}, [value])
    return reshape_map(net, node, value, target)


def spatial_axes(net: Network, value: int) -> tuple[int, ...]:
    """The axes of a map behind its channels. Raises NotReadError for a vector."""
    shape = net.builder.shape(value)
    if not 2 <= len(shape) <= 4:
        raise NotReadError(_("what enters is no map: {shape}", shape=shape_text(shape)))
    return shape[1:]
