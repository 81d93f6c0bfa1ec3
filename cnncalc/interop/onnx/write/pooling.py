"""Pooling as ONNX operators, with the sizes of windows and padding that the layers claim."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, per_channel, window_attributes
from cnncalc.interop.onnx.write.table import NotInOnnxError, writes, writes_operators
from cnncalc.interop.windows import ends
from cnncalc.language import _
from cnncalc.layers.base import per_axis
from cnncalc.layers.windows import Window

writes_operators(
    {
        "global_avgpool": ("GlobalAveragePool", {}),
        "global_maxpool": ("GlobalMaxPool", {}),
    }
)


@writes("maxpool")
def maxpool(ops: Part, layer: Any, x: Value) -> str:
    """Padding is written out where it is as wide as the kernel: dilation makes room for it, which a runtime refuses."""
    _, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    after = ends(windows, size)
    if all(max(w.before, end) < w.kernel for w, end in zip(windows, after, strict=True)):
        return ops("MaxPool", x.name, **window_attributes(windows, after))
    sides = [(w.before, end) for w, end in zip(windows, after, strict=True)]
    nothing = [0] * len(size)
    return ops("MaxPool", ops.surround(x.name, sides, -np.inf), **window_attributes(windows, nothing, nothing))


@writes("max_unpool")
def max_unpool(ops: Part, layer: Any, x: Value, pooled: Value) -> str:
    """By the places that a max pooling gives as its second result; the first was pooled already, and nobody asks."""
    size = pooled.shape[1:]
    windows, _positions = layer.geometry(pooled.shape)
    after = ends(windows, size)
    if any(max(w.before, end) >= w.kernel for w, end in zip(windows, after, strict=True)):
        raise NotInOnnxError(_("padding as wide as the kernel of a pooling whose places are asked for"))
    options = window_attributes(windows, after)
    _values, places = ops.several("MaxPool", [True, True], pooled.name, **options)
    options.pop("dilations")  # places tell it
    return ops("MaxUnpool", x.name, places, ops("Shape", pooled.name), **options)


@writes("avgpool")
def avgpool(ops: Part, layer: Any, x: Value) -> str:
    """Padding that counts is written out as zeros; what `same` pads and what `ceil` adds never counts."""
    _, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    before, after = [w.before for w in windows], ends(windows, size)
    y = x.name
    if layer.count_include_pad and layer.padding != "same":
        if after == [w.after for w in windows] and all(max(w.before, w.after) < w.kernel for w in windows):
            return ops(
                "AveragePool",
                y,
                count_include_pad=int(any(map(any, zip(before, after, strict=True)))),
                **window_attributes(windows, after),
            )
        y = ops.surround(y, [(w.before, w.after) for w in windows])
        # What `ceil` adds behind stays padding, which does not count.
        after = [end - w.after for w, end in zip(windows, after, strict=True)]
        before = [0] * len(size)
    return ops("AveragePool", y, count_include_pad=0, **window_attributes(windows, after, before))


@writes("lppool")
def lppool(ops: Part, layer: Any, x: Value) -> str:
    _, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    return ops("LpPool", x.name, p=layer.norm, **window_attributes(windows, ends(windows, size)))


@writes("blurpool")
def blurpool(ops: Part, layer: Any, x: Value) -> str:
    """A convolution, map by map, with weights that belong to the layer's definition."""
    c, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    (read,) = layer.elements(x.shape)
    # Of one row for each axis, (1 2 1) / 4 say, the outer product is the window.
    weights = np.ones(())
    for (row,) in read.weights:
        weights = np.multiply.outer(weights, np.array(row, dtype=float))
    filters = ops.constant(np.broadcast_to(weights, (c, 1, *weights.shape)))
    return ops("Conv", x.name, filters, group=c, **window_attributes(windows, ends(windows, size)))


@writes("adaptive_avgpool", "adaptive_maxpool")
def adaptive_pool(ops: Part, layer: Any, x: Value) -> str:
    """Equal windows are a pooling. For others ONNX has no operator: axis by axis they are cut out and put in a row."""
    _, *size = x.shape
    target = per_axis(layer.size, size, "size")
    if all(n % m == 0 for n, m in zip(size, target, strict=True)):
        windows = [Window(n // m, n // m) for n, m in zip(size, target, strict=True)]
        pool = {"adaptive_avgpool": "AveragePool", "adaptive_maxpool": "MaxPool"}[layer.kind]
        return ops(pool, x.name, **window_attributes(windows, [0] * len(size)))
    reduce = {"adaptive_avgpool": "ReduceMean", "adaptive_maxpool": "ReduceMax"}[layer.kind]
    y = x.name
    for axis, (n, m) in enumerate(zip(size, target, strict=True), start=2):
        # As PyTorch has it windows may overlap: 7 elements to 3 are 0:3, 2:5 and 4:7.
        bounds = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        y = ops("Concat", *(ops(reduce, ops.cut(y, axis, *part), ops.whole(axis)) for part in bounds), axis=axis)
    return y


@writes("subsample")
def subsample(ops: Part, layer: Any, x: Value) -> str:
    """A convolution of each map by itself, whose kernel is the map's coefficient everywhere."""
    c, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    kernel = np.broadcast_to(per_channel(ops.array("weight"), 1 + len(size)), (c, 1, *(w.kernel for w in windows)))
    return ops(
        "Conv",
        x.name,
        ops.weight("weight", kernel),
        ops.weight("bias"),
        group=c,
        **window_attributes(windows, ends(windows, size)),
    )
