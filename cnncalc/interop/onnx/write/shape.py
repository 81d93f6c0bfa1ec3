"""Layers that move elements, as ONNX operators."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.onnx.write.part import Part, Value, move
from cnncalc.interop.onnx.write.table import writes
from cnncalc.layers.axes import axis_number
from cnncalc.layers.sliding import sides_per_axis


@writes("dropout")
def dropout(ops: Part, layer: Any, x: Value) -> str:
    """At inference."""
    return ops("Dropout", x.name, ops.constant(layer.rate))


@writes("pad")
def pad(ops: Part, layer: Any, x: Value) -> str:
    mode = {"replicate": "edge", "circular": "wrap"}.get(layer.mode, layer.mode)
    return ops.surround(x.name, sides_per_axis(layer.padding, x.shape[1:]), layer.value, mode)


@writes("crop")
def crop(ops: Part, layer: Any, x: Value) -> str:
    """Its windows have negative padding: what is cut off."""
    windows, size = layer.facts(x.shape).reach, x.shape[1:]
    starts = ops.whole(*(-w.before for w in windows))
    stops = ops.whole(*(n + w.after for w, n in zip(windows, size, strict=True)))
    return ops("Slice", x.name, starts, stops, ops.whole(*range(2, 2 + len(size))))


@writes("slice")
def slice_of_axis(ops: Part, layer: Any, x: Value) -> str:
    start, stop, axis = layer.bounds(x.shape)
    return ops.cut(x.name, 1 + axis, start, stop)


@writes("roll", "tile")
def rearrange(ops: Part, layer: Any, x: Value) -> str:
    """Parts of one axis one behind the other."""
    axis = axis_number(layer.axis, x.shape)
    n = x.shape[axis]
    if layer.kind == "tile":
        return ops("Concat", *[x.name] * layer.times, axis=1 + axis)
    # Rolled by 1, the elements 0 1 2 3 are 3 0 1 2: what starts at 3 comes first.
    start = -layer.shift % n
    parts = [ops.cut(x.name, 1 + axis, first, last) for first, last in ((start, n), (0, start)) if first < last]
    return ops("Concat", *parts, axis=1 + axis)


@writes("take")
def take(ops: Part, layer: Any, x: Value) -> str:
    return ops("Gather", x.name, ops.whole(*layer.indices), axis=1 + axis_number(layer.axis, x.shape))


@writes("split")
def split(ops: Part, layer: Any, x: Value) -> str:
    share = x.shape[0] // layer.parts
    return ops.cut(x.name, 1, layer.part * share, (layer.part + 1) * share)


@writes("channel_shuffle")
def channel_shuffle(ops: Part, layer: Any, x: Value) -> str:
    c, *size = x.shape
    # (N, groups, channels of each, *size): axes 1 and 2 change places.
    rest = [3 + a for a in range(len(size))]
    return move(ops, x.name, [layer.groups, c // layer.groups, *size], [2, 1, *rest], [c, *size])


@writes("reshape")
def reshape(ops: Part, layer: Any, x: Value) -> str:
    return ops.reshape(x.name, *layer.shape)


@writes("permute")
def permute(ops: Part, layer: Any, x: Value) -> str:
    return ops.transpose(x.name, *(1 + axis for axis in layer.order))
