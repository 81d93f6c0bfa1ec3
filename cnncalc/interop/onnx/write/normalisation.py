"""Norms, and trained numbers that stand alone, as ONNX operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, per_channel
from cnncalc.interop.onnx.write.table import writes


@writes("lrn")
def lrn(ops: Part, layer: Any, x: Value) -> str:
    """As a map with one column, whatever enters: ONNX Runtime reads no other.

    It takes odd sizes only. An even one, which has its odd neighbour before it here and behind it in ONNX, is the
    mean of the squares over an axis of channels.
    """
    c, *size = x.shape
    if layer.size % 2 and len(size) == 2:
        return ops("LRN", x.name, size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)
    flat = ops.reshape(x.name, c, -1, 1)
    if layer.size % 2:
        y = ops("LRN", flat, size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)
    else:
        sides = [layer.size // 2, 0, (layer.size - 1) // 2, 0]
        rows = ops.reshape(ops("Mul", flat, flat), 1, c, -1)
        # alpha is divided by the size in ONNX and PyTorch: a mean in which the padding counts.
        means = ops("AveragePool", rows, kernel_shape=[layer.size, 1], pads=sides, count_include_pad=1)
        base = ops("Add", ops.scale(ops.reshape(means, c, -1, 1), layer.alpha), ops.constant(layer.k))
        y = ops("Div", flat, ops("Pow", base, ops.constant(layer.beta)))
    return ops.reshape(y, *x.shape)


def add_trained(ops: Part, shape: tuple[int, ...]) -> list[str]:
    """Scale and shift in the shape that an operator wants; 1 and 0 where none are trained."""
    # The operators demand both, whatever is trained: readers know what was made up by its operator Constant.
    return [
        ops.weight(name, ops.array(name).reshape(shape)) if ops.has(name) else ops.constant(np.full(shape, value))
        for name, value in (("gamma", 1.0), ("beta", 0.0))
    ]


@writes("batchnorm")
def batchnorm(ops: Part, layer: Any, x: Value) -> str:
    statistics = [ops.weight("mean"), ops.weight("variance")]
    return ops("BatchNormalization", x.name, *add_trained(ops, x.shape[:1]), *statistics, epsilon=layer.epsilon)


def beside(ops: Part, name: str, x: Value) -> str:
    """Stored numbers to be combined with (N, C, *size): those per channel get an axis of 1 for each axis behind."""
    array = ops.array(name)
    return ops.weight(name, per_channel(array, len(x.shape) - 1) if array.ndim == 1 else array)


@writes("scale")
def scale(ops: Part, layer: Any, x: Value) -> str:
    y = ops("Mul", x.name, beside(ops, "gamma", x))
    return ops("Add", y, beside(ops, "beta", x)) if layer.shift else y


@writes("shift")
def shift(ops: Part, layer: Any, x: Value) -> str:
    return ops("Add", x.name, beside(ops, "beta", x))


@writes("layernorm")
def layernorm(ops: Part, layer: Any, x: Value) -> str:
    """LayerNormalization takes the last axes: those that are normalised together are brought there, and back."""
    together = sorted(layer.over(x.shape))
    others = [axis for axis in range(len(x.shape)) if axis not in together]
    order = [1 + axis for axis in (*others, *together)]
    back = [1 + order.index(1 + axis) for axis in range(len(order))]
    shape = tuple(x.shape[axis] for axis in together)
    y = ops.transpose(x.name, *order) if order != sorted(order) else x.name
    y = ops("LayerNormalization", y, *add_trained(ops, shape), axis=1 + len(others), epsilon=layer.epsilon)
    return ops.transpose(y, *back) if order != sorted(order) else y


@writes("rmsnorm")
def rmsnorm(ops: Part, layer: Any, x: Value) -> str:
    """By its definition: an operator of its own stands in operator set 23 only."""
    axes = ops.whole(*sorted(1 + axis for axis in layer.over(x.shape)))
    mean = ops("ReduceMean", ops("Mul", x.name, x.name), axes)
    y = ops("Div", x.name, ops("Sqrt", ops("Add", mean, ops.constant(layer.epsilon))))
    return ops("Mul", y, ops.weight("gamma")) if layer.affine else y


@writes("groupnorm")
def groupnorm(ops: Part, layer: Any, x: Value) -> str:
    return as_map(
        ops, "GroupNormalization", x, *add_trained(ops, x.shape[:1]), num_groups=layer.groups, epsilon=layer.epsilon
    )


@writes("instancenorm")
def instancenorm(ops: Part, layer: Any, x: Value) -> str:
    return as_map(ops, "InstanceNormalization", x, *add_trained(ops, x.shape[:1]), epsilon=layer.epsilon)


def as_map(ops: Part, operator: str, x: Value, *inputs: str, **attributes: Any) -> str:
    """An operator that wants a map: a vector is given an axis of length 1 meanwhile."""
    if len(x.shape) > 1:
        return ops(operator, x.name, *inputs, **attributes)
    return ops.reshape(ops(operator, ops.reshape(x.name, -1, 1), *inputs, **attributes), -1)
