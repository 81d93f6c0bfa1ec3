"""ONNX operators that move elements: bookkeeping of axes where that does, layers where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.interop.axis_parts import Axis, regroup, whole
from cnncalc.interop.onnx.read.constants import Constant, constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    BATCH,
    Tensor,
    in_order,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import as_map, reshape_map, settle
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _
from cnncalc.layers.base import shape_text

# TensorProto.DataType: whole numbers of 2 to 64 bits, with truth values
WHOLE_NUMBERS = (2, 3, 4, 5, 6, 7, 9, 12, 13, 21, 22, 25, 26)


@reads("Identity", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear")
def read_same(net: Network, node: NodeData) -> Value:
    """The same numbers in another type; whole numbers stand for what they were quantised from."""
    value = net.values[node.inputs[0]]  # what a constant is cast like may be computed
    like = net.values.get(node.inputs[1]) if node.operator == "CastLike" else None
    of_whole = isinstance(like, Constant) and like.array().dtype.kind in "iub"
    if of_whole or node.attributes.get("to") in WHOLE_NUMBERS:
        raise NotReadError(_("it makes whole numbers of what is computed"))
    if not isinstance(value, Constant):
        return net.tensor(node)
    # What is computed are decimals, and so is what is cast like it: whole numbers would divide as such.
    array = value.array()
    return constant(array.astype("float32")) if array.dtype.kind in "iub" else value


@reads("Shape")
def read_shape(net: Network, node: NodeData) -> Value:
    """The shape, or some of it, as a constant: sizes are all known here."""
    import numpy as np

    dims = net.tensor(node).dims()
    stop = node.attributes.get("end")
    return constant(np.array(dims[node.attributes.get("start", 0) : stop], np.int64))


@reads("Size")
def read_size(net: Network, node: NodeData) -> Value:
    """How many elements there are, as a constant."""
    import numpy as np

    return constant(np.array(prod(net.tensor(node).dims()), np.int64))


@reads("Reshape")
def read_reshape(net: Network, node: NodeData) -> Value:
    """The same elements under another shape: 0 keeps a size, -1 is what is left."""
    x = net.tensor(node)
    dims = x.dims()
    # The sizes are an input since operator set 5, and an attribute before.
    target = net.numbers(node, 1, "shape") or []
    if not node.attributes.get("allowzero", 0):
        target = [dims[i] if n == 0 and i < len(dims) else n for i, n in enumerate(target)]
    known = prod(n for n in target if n != -1)
    if target.count(-1) > 1 or not known or prod(dims) % known:
        raise NotReadError(_("its sizes do not fit {shape}", shape=shape_text(dims)))
    target = [prod(dims) // known if n == -1 else n for n in target]
    if prod(target) != prod(dims):
        net.refuse(node, _("{shape} cannot become {other}", shape=list(dims), other=target))
    return view_in(net, node, x, target)


def view_in(net: Network, node: NodeData, x: Tensor, target: Sequence[int]) -> Tensor:
    """The same elements in the same order under another shape."""
    # Most reshapes only say otherwise how the axes of a value are grouped: they are kept in mind and make no layer.
    axes = regroup(x.axes or (), target)
    shape = net.shape(x)
    if axes is not None and len(axes) == 2 and len(shape) > 1 and len(x.axes or ()) > 2 and is_vector(net, axes):
        return net.see(net.add(node, "flatten", {}, [x.value]))
    if axes is not None:
        return Tensor(x.value, axes)
    if len(target) < 2 or target[0] != net.batch:
        raise NotReadError(_("its result has no samples in front"), target)
    value = reshape_map(net, node, settle(net, node, x).value, target[1:])
    return net.see(value)


def is_vector(net: Network, axes: Sequence[Axis]) -> bool:
    """Whether a sample has one axis, that of a map whose elements stand in their order."""
    return in_order(axes[1:]) and axes[0] == whole(BATCH, net.batch)


@reads("Flatten")
def read_flatten(net: Network, node: NodeData) -> Value:
    """A matrix: the axes in front of one, and those behind."""
    x = net.tensor(node)
    dims = x.dims()
    axis = node.attributes.get("axis", 1)
    # Not by %: an axis behind the last one is allowed, and makes (all, 1).
    axis = axis + len(dims) if axis < 0 else axis
    return view_in(net, node, x, [prod(dims[:axis]), prod(dims[axis:])])


@reads("Squeeze")
def read_squeeze(net: Network, node: NodeData) -> Value:
    """Without axes of one element, all of them where none is named."""
    x = net.tensor(node)
    dims = x.dims()
    axes = net.numbers(node, 1, "axes")
    gone = {i for i, n in enumerate(dims) if n == 1} if axes is None else {axis % len(dims) for axis in axes}
    return Tensor(x.value, tuple(axis for i, axis in enumerate(x.axes or ()) if i not in gone))


@reads("Unsqueeze")
def read_unsqueeze(net: Network, node: NodeData) -> Value:
    """With axes of one element."""
    x = net.tensor(node)
    axes = net.numbers(node, 1, "axes") or []
    # Axes are those of the result, negative ones too.
    rank = len(x.dims()) + len(axes)
    new = {axis % rank for axis in axes}
    left = iter(x.axes or ())
    return Tensor(x.value, tuple(() if i in new else next(left) for i in range(rank)))


@reads("Transpose")
def read_transpose(net: Network, node: NodeData) -> Value:
    """Axes in another order."""
    x = net.tensor(node)
    axes = x.axes or ()
    # Without `perm` ONNX turns all axes round, the samples too.
    order = node.attributes.get("perm") or tuple(reversed(range(len(axes))))
    if len(order) != len(axes):
        net.refuse(node, _("it orders {count} axes, and what it reads has {axes}", count=len(order), axes=len(axes)))
    if sorted(order) != list(range(len(axes))):
        net.refuse(node, _("{order} is no order of {axes} axes", order=list(order), axes=len(axes)))
    return Tensor(x.value, tuple(axes[i] for i in order))


@reads("SpaceToDepth")
def read_space_to_depth(net: Network, node: NodeData) -> Value:
    """The places of a block come before the channels, in a pixel unshuffle behind them."""
    x = net.tensor(node)
    value = net.add(node, "pixel_unshuffle", {"factor": node.attributes["blocksize"]}, [as_map(net, node, x)])
    # DCR: the places of a block vary slowest, where a pixel shuffle has them vary fastest. Exchanging both is a channel
    # shuffle.
    channels = x.dims()[1] if node.attributes.get("mode", "DCR") == "DCR" else 1
    return net.see(net.add(node, "channel_shuffle", {"groups": channels}, [value]) if channels > 1 else value)


@reads("DepthToSpace")
def read_depth_to_space(net: Network, node: NodeData) -> Value:
    """Channels into space: a pixel shuffle."""
    x, r = net.tensor(node), node.attributes["blocksize"]
    c = x.dims()[1]
    if node.attributes.get("mode", "DCR") == "CRD":
        value = net.add(node, "pixel_shuffle", {"factor": r}, [as_map(net, node, x)])
        return net.see(value)
    first = as_map(net, node, x)
    # DCR counts the places of a block slowest: a shuffle brings them behind the channels, as PyTorch counts.
    if c > r * r:
        first = net.add(node, "channel_shuffle", {"groups": r * r}, [first])
    return net.see(net.add(node, "pixel_shuffle", {"factor": r}, [first]))
