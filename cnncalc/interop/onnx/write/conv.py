"""Convolutions as ONNX operators. Shapes are without the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, per_channel, spread, taps, window_attributes
from cnncalc.interop.onnx.write.table import writes
from cnncalc.interop.windows import ends
from cnncalc.layers.base import per_axis


def with_bias(ops: Part, y: str, rank: int) -> str:
    """y plus the bias of each map; or of each place of each map."""
    if not ops.has("bias"):
        return y
    bias = ops.array("bias")
    return ops("Add", y, ops.weight("bias", bias if bias.ndim > 1 else per_channel(bias, rank)))


def convolve(ops: Part, layer: Any, x: Value, weight: str, groups: int) -> str:
    """A Conv, whose bias is an input of its own unless each place has one."""
    _, *size = x.shape
    windows = layer.windows(size)
    attributes = window_attributes(windows, ends(windows, size))
    # A bias of each unit is added behind, which no Conv does.
    if ops.has("bias") and ops.array("bias").ndim == 1:
        return ops("Conv", x.name, weight, ops.weight("bias"), group=groups, **attributes)
    return with_bias(ops, ops("Conv", x.name, weight, group=groups, **attributes), len(size))


@writes("conv")
def conv(ops: Part, layer: Any, x: Value) -> str:
    """(F, C/g, *kernel). With a table every filter has a kernel for every map, zero where they are not connected."""
    weight = ops.array("weight")
    if layer.table is not None:
        weight = spread(layer.table, weight, x.shape[0])
    return convolve(ops, layer, x, ops.weight("weight", weight), layer.groups)


@writes("depthwise")
def depthwise(ops: Part, layer: Any, x: Value) -> str:
    """As many groups as channels: (C, multiplier, *kernel) to (C * multiplier, 1, *kernel)."""
    weight = ops.array("weight")
    return convolve(ops, layer, x, ops.weight("weight", weight.reshape(-1, 1, *weight.shape[2:])), x.shape[0])


@writes("deformable_conv")
def deformable_conv(ops: Part, layer: Any, x: Value, offsets: Value, *weights: Value) -> str:
    """DeformConv, of operator set 19 on. Its bias stands in front of the weights of the taps."""
    windows = layer.windows(x.shape[1:])
    inputs = [x.name, ops.weight("weight"), offsets.name]
    if layer.bias or weights:
        inputs.append(ops.weight("bias") if layer.bias else "")
    inputs += [value.name for value in weights]
    sets = offsets.shape[0] // (2 * taps(windows))
    attributes = window_attributes(windows, ends(windows, x.shape[1:]))
    return ops("DeformConv", *inputs, group=layer.groups, offset_group=sets, **attributes)


@writes("local")
def local(ops: Part, layer: Any, x: Value) -> str:
    """A Conv of kernels with a single 1 lays out what each window reads; every place multiplies it by its own bank."""
    c, *size = x.shape
    windows = layer.windows(size)
    k = taps(windows)
    # Filter c * k + t copies tap t of channel c.
    ones = np.tile(np.eye(k).reshape(k, 1, *(w.kernel for w in windows)), (c, *(1,) * (1 + len(size))))
    read = ops("Conv", x.name, ops.constant(ones), group=c, **window_attributes(windows, ends(windows, size)))
    positions = [w.positions(n) for w, n in zip(windows, size, strict=True)]
    columns = ops(
        "Unsqueeze", ops.transpose(ops.reshape(read, c * k, -1), 2, 1), ops.whole(-1)
    )  # (N, places, C * taps, 1)
    banks = ops.weight("weight", ops.array("weight").reshape(-1, layer.filters, c * k))
    y = ops.reshape(ops("MatMul", banks, columns), -1, layer.filters)  # (N, places, filters)
    return with_bias(ops, ops.reshape(ops.transpose(y, 2, 1), layer.filters, *positions), len(size))


@writes("transposed_conv")
def transposed_conv(ops: Part, layer: Any, x: Value) -> str:
    """ConvTranspose with the padding and output padding that the layer states; `same` may go on beyond the canvas.

    ONNX Runtime wants less output padding than the stride, although dilation allows more: then zeros are put
    behind, and the bias is added last.
    """
    size = x.shape[1:]
    windows = layer.stretches(size)
    extra = per_axis(layer.output_padding, size, "output_padding")
    cuts = [w.after + e for w, e in zip(windows, extra, strict=True)]
    beyond = [e - min(0, cut) for e, cut in zip(extra, cuts, strict=True)]
    attributes = {"group": layer.groups, **window_attributes(windows, [max(0, cut) for cut in cuts])}
    if all(e < w.stride for e, w in zip(beyond, windows, strict=True)):
        bias = [ops.weight("bias")] if layer.bias else []
        return ops("ConvTranspose", x.name, ops.weight("weight"), *bias, output_padding=beyond, **attributes)
    attributes["pads"] = [*(w.before for w in windows), *(0 for _ in windows)]
    canvas = ops("ConvTranspose", x.name, ops.weight("weight"), **attributes)
    ends = [e - max(0, cut) for e, cut in zip(beyond, cuts, strict=True)]
    return with_bias(ops, ops.surround(canvas, [(0, end) for end in ends]), len(size))
