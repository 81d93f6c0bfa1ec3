"""ONNX operators that multiply by a matrix of weights: dense layers, or convolutions of 1x1 at every place of a map."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.axis_parts import Axis, whole
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.conv import Bias, add_apart, find_bias, say_other_channels
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import in_places, lay, lay_alike
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _


@reads("Gemm")
def read_gemm(net: Network, node: NodeData) -> Value:
    """A dense layer: alpha x W + beta b."""
    weight, given = net.weight(node, 1), net.optional(node, 2)
    if node.attributes.get("transA", 0):
        raise NotReadError(_("the attribute {name} is {value}", name="transA", value=1))
    if len(weight.dims) != 2:
        raise NotReadError(_("its weights are no matrix"))
    # Gemm stores (inputs, units) unless transB is said; PyTorch and this reader have (units, inputs).
    if not node.attributes.get("transB", 0):
        weight = weight.turn()
    # alpha times the product plus beta times the bias: each goes into the numbers that are stored.
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    if given is not None and beta != 1:
        given = given.move_later(given.dims, lambda array: array * beta, ("times", beta))
    bias = find_bias(net, node, weight, given, 2, 1, weight.dims[0])
    if alpha != 1:
        weight = weight.move_later(weight.dims, lambda array: array * alpha, ("times", alpha))
    return multiply(net, node, net.tensor(node), weight, bias)


@reads("MatMul")
def read_matmul(net: Network, node: NodeData) -> Value:
    """By a matrix of weights: a dense layer, or at every place of a map a convolution of 1x1. Or of two values."""
    first, second = (net.values.get(name) for name in node.inputs[:2])
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return multiply_values(net, node, net.tensor(node), net.tensor(node, 1))
    turned = isinstance(first, Constant)
    weight, x = net.weight(node, 0 if turned else 1), net.tensor(node, 1 if turned else 0)
    rows = weight.dims[-2:]
    # (1, 1, inputs, units), as exporters write it to broadcast, is one matrix; (heads, inputs, units) is not.
    if len(rows) != 2 or prod(rows) != weight.size:
        raise NotReadError(_("its weights are no matrix"))
    weight = weight.move_later(rows, lambda array: array.reshape(rows))
    rank = len(x.dims())
    if not turned:
        weight = weight.turn()
        bias = find_bias(net, node, weight, None, rank, rank - 1, weight.dims[0])
        return multiply(net, node, x, weight, bias)
    if rank < 2:
        raise NotReadError(_("its weights are no matrix"))
    bias = find_bias(net, node, weight, None, rank, rank - 2, weight.dims[0])
    # W x is the transpose of x' W'.
    made = multiply(net, node, exchange(x), weight, bias)
    return exchange(made) if len(made.axes or ()) == rank else made


def exchange(x: Tensor) -> Tensor:
    """With its last two axes exchanged."""
    axes = x.axes or ()
    return Tensor(x.value, (*axes[:-2], axes[-1], axes[-2]))


def multiply_values(net: Network, node: NodeData, a: Tensor, b: Tensor) -> Tensor:
    """The product of two values over the last axis of one and the last but one of the other."""
    if min(len(a.dims()), len(b.dims())) < 2:
        raise NotReadError(_("its inputs are no matrices"))
    one, other = lay_alike(net, node, (a, b), apart=2)
    last = len(net.shape(one.tensor)) - 1
    if one.where[-2:] != (last - 1, last) or len(net.shape(other.tensor)) != last + 1:
        raise NotReadError(_("its inputs have their samples in different places"))
    if a.dims()[-1] != b.dims()[-2]:
        net.refuse(node, _("{shape} cannot be multiplied with {other}", shape=list(a.dims()), other=list(b.dims())))
    value = net.add(node, "matmul", {}, [one.tensor.value, other.tensor.value])
    return in_places(net, one, value)


def multiply(net: Network, node: NodeData, x: Tensor, weight: Constant, bias: Bias) -> Tensor:
    """The last axis of x times (units, inputs)."""
    axes = x.axes or ()
    units, inputs = weight.dims
    shape = net.shape(x)
    if x.dims()[-1:] != (inputs,):
        say_other_channels(net, node, prod(x.dims()[-1:]), inputs)
    # A vector of each sample: no other axis has more than one element.
    alone = all(not axis or (i == 0 and axis[0].axis < 0) for i, axis in enumerate(axes[:-1]))
    if alone and len(axes) == 2:
        weight = in_order_of_map(weight, axes[-1])
        options: dict[str, Any] = {"units": units, "bias": bias.option}
        value = net.add(node, "dense", options, [x.value], bias.arrays(weight))
        return net.see(add_apart(net, node, value, bias))
    # In the graph the axis that is multiplied comes first, as the channels.
    if axes[-1] != whole(0, shape[0]) or len(shape) < 2:
        moved = lay(net, node, Tensor(x.value, (axes[-1], *axes[:-1]))).tensor
        shape = net.shape(moved)
        left = moved.axes or ()
        x = Tensor(moved.value, (*left[1:], left[0]))
        axes = x.axes or ()
    kernel = (1,) * (len(shape) - 1)
    weight = weight.move_later((units, inputs, *kernel), lambda array: array.reshape(units, inputs, *kernel))
    options = {"filters": units, "kernel": 1, "bias": bias.option}
    value = add_apart(net, node, net.add(node, "conv", options, [x.value], bias.arrays(weight)), bias)
    return Tensor(value, (*axes[:-1], whole(0, units)))


def in_order_of_map(weight: Constant, axis: Axis) -> Constant:
    """Weights whose columns stand in the order of the map's elements, where these were flattened in another."""
    # Keras flattens (H, W, C), so that columns count h, w, c; a map here is flattened as c, h, w.
    order = list(axis)
    if order == sorted(order, key=lambda f: (f.axis, -f.stride)):
        return weight
    sizes = [f.size for f in order]
    back = [1 + i for i in sorted(range(len(order)), key=lambda i: (order[i].axis, -order[i].stride))]
    return weight.move_later(
        weight.dims, lambda array: array.reshape(-1, *sizes).transpose(0, *back).reshape(array.shape), ("order", *back)
    )
