"""ONNX operators that multiply by a matrix of weights: dense layers, or convolutions of 1x1 at every place of a map."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.conv import Bias, add_apart, find_bias, say_other_channels
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Axis, Tensor, whole
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import settle
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _


@reads("Gemm")
def read_gemm(net: Network, node: NodeData) -> Value:
    weight, given = net.weight(node, 1), net.optional(node, 2)
    if node.attributes.get("transA", 0):
        raise NotReadError(_("the attribute {name} is {value}", name="transA", value=1))
    if len(weight.dims) != 2:
        raise NotReadError(_("its weights are no matrix"))
    if not node.attributes.get("transB", 0):
        weight = weight.turned()
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    if given is not None and beta != 1:
        given = given.moved(given.dims, lambda array: array * beta, ("times", beta))
    bias = find_bias(net, node, weight, given, 2, 1, weight.dims[0])
    if alpha != 1:
        weight = weight.moved(weight.dims, lambda array: array * alpha, ("times", alpha))
    return multiply(net, node, net.tensor(node), weight, bias)


@reads("MatMul")
def read_matmul(net: Network, node: NodeData) -> Value:
    """By a matrix of weights: a dense layer, or at every place of a map a convolution of 1x1."""
    weight, x = net.weight(node, 1), net.tensor(node)
    rows = weight.dims[-2:]
    if len(rows) != 2 or prod(rows) != weight.size:
        raise NotReadError(_("its weights are no matrix"))
    weight = weight.moved(rows, lambda array: array.reshape(rows)).turned()
    rank = len(x.dims())
    bias = find_bias(net, node, weight, None, rank, rank - 1, weight.dims[0])
    return multiply(net, node, x, weight, bias)


def multiply(net: Network, node: NodeData, x: Tensor, weight: Constant, bias: Bias) -> Value:
    """The last axis of x times (units, inputs)."""
    axes = x.axes or ()
    units, inputs = weight.dims
    shape = net.shape(x)
    if x.dims()[-1:] != (inputs,):
        say_other_channels(net, node, prod(x.dims()[-1:]), inputs)
    alone = all(not axis or (i == 0 and axis[0].axis < 0) for i, axis in enumerate(axes[:-1]))
    if alone and len(axes) == 2:
        weight = in_order_of_map(weight, axes[-1])
        options: dict[str, Any] = {"units": units, "bias": bias.option}
        value = net.add(node, "dense", options, [x.value], bias.arrays(weight))
        return net.seen(add_apart(net, node, value, bias))
    if axes[-1] != whole(0, shape[0]) or len(shape) < 2:  # the axis that is multiplied comes first
        moved = settle(net, node, Tensor(x.value, (axes[0], axes[-1], *axes[1:-1])))
        shape = net.shape(moved)
        left = moved.axes or ()
        x = Tensor(moved.value, (left[0], *left[2:], left[1]))
        axes = x.axes or ()
    kernel = (1,) * (len(shape) - 1)
    weight = weight.moved((units, inputs, *kernel), lambda array: array.reshape(units, inputs, *kernel))
    options = {"filters": units, "kernel": 1, "bias": bias.option}
    value = add_apart(net, node, net.add(node, "conv", options, [x.value], bias.arrays(weight)), bias)
    return Tensor(value, (*axes[:-1], whole(0, units)))


def in_order_of_map(weight: Constant, axis: Axis) -> Constant:
    """Weights whose columns stand in the order of the map's elements, where these were flattened in another."""
    order = list(axis)
    if order == sorted(order, key=lambda f: (f.axis, -f.stride)):
        return weight
    sizes = [f.size for f in order]
    back = [1 + i for i in sorted(range(len(order)), key=lambda i: (order[i].axis, -order[i].stride))]
    return weight.moved(
        weight.dims, lambda array: array.reshape(-1, *sizes).transpose(0, *back).reshape(array.shape), ("order", *back)
    )
