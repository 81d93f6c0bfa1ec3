"""Layers without weights as ONNX operators: pooling, activations, layers that move elements, merges.

Shapes are without the batch. Where ONNX has an operator of its own for a kind it is taken, not the formula.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, ends, per_channel, sliding, writes
from cnncalc.layers.axes import axis_number
from cnncalc.layers.base import per_axis
from cnncalc.layers.sliding import sides_per_axis
from cnncalc.layers.windows import Window

# Kinds that are one operator of the same inputs, with attributes that no option changes.
OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "identity": ("Identity", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "hard_swish": ("HardSwish", {}),
    "mish": ("Mish", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "abs": ("Abs", {}),
    "negative": ("Neg", {}),
    "sqrt": ("Sqrt", {}),
    "reciprocal": ("Reciprocal", {}),
    "exp": ("Exp", {}),
    "log": ("Log", {}),
    "erf": ("Erf", {}),
    "sin": ("Sin", {}),
    "cos": ("Cos", {}),
    "sign": ("Sign", {}),
    "flatten": ("Flatten", {"axis": 1}),
    "global_avgpool": ("GlobalAveragePool", {}),
    "global_maxpool": ("GlobalMaxPool", {}),
    "add": ("Sum", {}),
    "maximum": ("Max", {}),
    "mean": ("Mean", {}),
    "minimum": ("Min", {}),
}


@writes(*OPERATORS)
def operator(o: Part, layer: Any, *values: Value) -> str:
    name, attributes = OPERATORS[layer.kind]
    return o(name, *(value.name for value in values), **attributes)


IN_PAIRS = {"multiply": "Mul", "subtract": "Sub", "divide": "Div"}
COMPARED = {"greater": "Greater", "less": "Less", "equal": "Equal"}


@writes(*IN_PAIRS)
def pair_by_pair(o: Part, layer: Any, first: Value, *others: Value) -> str:
    """The operator takes two."""
    y = first.name
    for value in others:
        y = o(IN_PAIRS[layer.kind], y, value.name)
    return y


@writes(*COMPARED)
def compared(o: Part, layer: Any, first: Value, *others: Value) -> str:
    """A comparison is true or false, and becomes 1 or 0."""
    y = first.name
    for value in others:
        y = o("Cast", o(COMPARED[layer.kind], y, value.name), to=o.onnx.TensorProto.FLOAT)
    return y


@writes("concat")
def concat(o: Part, layer: Any, *values: Value) -> str:
    axis = 1 + axis_number(layer.axis, values[0].shape)
    return o("Concat", *(value.name for value in values), axis=axis)


@writes("softmax", "log_softmax")
def softmax(o: Part, layer: Any, x: Value) -> str:
    name = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[layer.kind]
    return o(name, x.name, axis=1 + axis_number(layer.axis, x.shape))


REDUCED = {"reduce_sum": "ReduceSum", "reduce_mean": "ReduceMean", "reduce_max": "ReduceMax", "reduce_min": "ReduceMin"}


@writes(*REDUCED, "reduce_norm")
def reduced(o: Part, layer: Any, x: Value) -> str:
    axes = o.whole(*sorted(1 + axis for axis in layer.over(x.shape)))
    if layer.kind != "reduce_norm":
        return o(REDUCED[layer.kind], x.name, axes)
    if layer.order in (1, 2):
        return o(f"ReduceL{layer.order}", x.name, axes)
    powers = o("Pow", o("Abs", x.name), o.constant(layer.order))
    return o("Pow", o("ReduceSum", powers, axes), o.constant(1 / layer.order))


@writes("dropout")
def dropout(o: Part, layer: Any, x: Value) -> str:
    """At inference."""
    return o("Dropout", x.name, o.constant(layer.rate))


# --- activations

SLOPED = {"leaky_relu": ("LeakyRelu", 0.01), "elu": ("Elu", 1.0), "celu": ("Celu", 1.0)}


@writes(*SLOPED)
def sloped(o: Part, layer: Any, x: Value) -> str:
    name, default = SLOPED[layer.kind]
    return o(name, x.name, alpha=default if layer.alpha is None else layer.alpha)


@writes("gelu")
def gelu(o: Part, layer: Any, x: Value) -> str:
    return o("Gelu", x.name, approximate=layer.approximate)


@writes("step")
def step(o: Part, layer: Any, x: Value) -> str:
    return o("Cast", o("Greater", x.name, o.constant(0.0)), to=o.onnx.TensorProto.FLOAT)


@writes("scaled_tanh")
def scaled_tanh(o: Part, layer: Any, x: Value) -> str:
    return o.scaled(o("Tanh", o.scaled(x.name, 2 / 3)), 1.7159)


@writes("rescale")
def rescale(o: Part, layer: Any, x: Value) -> str:
    def constant(value: Any) -> str:
        several = isinstance(value, tuple)
        return o.constant(per_channel(np.array(value), len(x.shape) - 1) if several else value)

    y = x.name if layer.factor == 1 else o("Mul", x.name, constant(layer.factor))
    return y if layer.offset == 0 else o("Add", y, constant(layer.offset))


@writes("clamp", "hardtanh")
def clamp(o: Part, layer: Any, x: Value) -> str:
    low, high = layer.bounds()
    return o("Clip", x.name, "" if low is None else o.constant(low), *([] if high is None else [o.constant(high)]))


@writes("power")
def power(o: Part, layer: Any, x: Value) -> str:
    return o("Pow", x.name, o.constant(layer.exponent))


@writes("square")
def square(o: Part, layer: Any, x: Value) -> str:
    return o("Mul", x.name, x.name)


@writes("round")
def rounded(o: Part, layer: Any, x: Value) -> str:
    return o({"nearest": "Round", "floor": "Floor", "ceil": "Ceil"}[layer.to], x.name)


@writes("log_sigmoid")
def log_sigmoid(o: Part, layer: Any, x: Value) -> str:
    return o("Neg", o("Softplus", o("Neg", x.name)))


@writes("tanhshrink")
def tanhshrink(o: Part, layer: Any, x: Value) -> str:
    return o("Sub", x.name, o("Tanh", x.name))


@writes("softshrink", "hardshrink")
def shrink(o: Part, layer: Any, x: Value) -> str:
    alpha = 0.5 if layer.alpha is None else layer.alpha
    return o("Shrink", x.name, lambd=alpha, bias=alpha if layer.kind == "softshrink" else 0.0)


@writes("relu6")
def relu6(o: Part, layer: Any, x: Value) -> str:
    return o("Clip", x.name, o.constant(0.0), o.constant(6.0))


@writes("silu")
def silu(o: Part, layer: Any, x: Value) -> str:
    return o("Mul", x.name, o("Sigmoid", x.name))


@writes("prelu")
def prelu(o: Part, layer: Any, x: Value) -> str:
    return o("PRelu", x.name, o.weight("slope", per_channel(o.array("slope"), len(x.shape) - 1)))


@writes("maxout")
def maxout(o: Part, layer: Any, x: Value) -> str:
    c, *size = x.shape
    apart = o.reshape(x.name, c // layer.pieces, layer.pieces, *size)
    return o("ReduceMax", apart, o.whole(2), keepdims=0)


@writes("glu")
def glu(o: Part, layer: Any, x: Value) -> str:
    values, gates = o.several("Split", [True, True], x.name, axis=1, num_outputs=2)
    return o("Mul", values, o("Sigmoid", gates))


# --- pooling


@writes("maxpool")
def maxpool(o: Part, layer: Any, x: Value) -> str:
    """Padding is written out where it is as wide as the kernel: dilation makes room for it, which a runtime refuses."""
    _, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    after = ends(windows, size)
    if all(max(w.before, end) < w.kernel for w, end in zip(windows, after, strict=True)):
        return o("MaxPool", x.name, **sliding(windows, after))
    sides = [(w.before, end) for w, end in zip(windows, after, strict=True)]
    nothing = [0] * len(size)
    return o("MaxPool", o.surround(x.name, sides, -np.inf), **sliding(windows, nothing, nothing))


@writes("avgpool")
def avgpool(o: Part, layer: Any, x: Value) -> str:
    """Padding that counts is written out as zeros; what `same` pads and what `ceil` adds never counts."""
    _, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    before, after = [w.before for w in windows], ends(windows, size)
    y = x.name
    if layer.count_include_pad and layer.padding != "same":
        if after == [w.after for w in windows] and all(max(w.before, w.after) < w.kernel for w in windows):
            return o(
                "AveragePool",
                y,
                count_include_pad=int(any(map(any, zip(before, after, strict=True)))),
                **sliding(windows, after),
            )
        y = o.surround(y, [(w.before, w.after) for w in windows])
        after = [end - w.after for w, end in zip(windows, after, strict=True)]
        before = [0] * len(size)
    return o("AveragePool", y, count_include_pad=0, **sliding(windows, after, before))


@writes("lppool")
def lppool(o: Part, layer: Any, x: Value) -> str:
    _, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    return o("LpPool", x.name, p=layer.norm, **sliding(windows, ends(windows, size)))


@writes("blurpool")
def blurpool(o: Part, layer: Any, x: Value) -> str:
    """A convolution, map by map, with weights that belong to the layer's definition."""
    c, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    (read,) = layer.elements(x.shape)
    weights = np.ones(())
    for (row,) in read.weights:
        weights = np.multiply.outer(weights, np.array(row, dtype=float))
    filters = o.constant(np.broadcast_to(weights, (c, 1, *weights.shape)))
    return o("Conv", x.name, filters, group=c, **sliding(windows, ends(windows, size)))


@writes("adaptive_avgpool", "adaptive_maxpool")
def adaptive_pool(o: Part, layer: Any, x: Value) -> str:
    """Equal windows are a pooling. For others ONNX has no operator: axis by axis they are cut out and put in a row."""
    _, *size = x.shape
    target = per_axis(layer.size, size, "size")
    if all(n % m == 0 for n, m in zip(size, target, strict=True)):
        windows = [Window(n // m, n // m) for n, m in zip(size, target, strict=True)]
        pool = {"adaptive_avgpool": "AveragePool", "adaptive_maxpool": "MaxPool"}[layer.kind]
        return o(pool, x.name, **sliding(windows, [0] * len(size)))
    reduce = {"adaptive_avgpool": "ReduceMean", "adaptive_maxpool": "ReduceMax"}[layer.kind]
    y = x.name
    for axis, (n, m) in enumerate(zip(size, target, strict=True), start=2):
        bounds = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        y = o("Concat", *(o(reduce, o.cut(y, axis, *part), o.whole(axis)) for part in bounds), axis=axis)
    return y


@writes("lrn")
def lrn(o: Part, layer: Any, x: Value) -> str:
    """As a map with one column, whatever enters: ONNX Runtime reads no other.

    It takes odd sizes only. An even one, which has its odd neighbour before it here and behind it in ONNX, is the
    mean of the squares over an axis of channels.
    """
    c, *size = x.shape
    if layer.size % 2 and len(size) == 2:
        return o("LRN", x.name, size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)
    flat = o.reshape(x.name, c, -1, 1)
    if layer.size % 2:
        y = o("LRN", flat, size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)
    else:
        sides = [layer.size // 2, 0, (layer.size - 1) // 2, 0]
        rows = o.reshape(o("Mul", flat, flat), 1, c, -1)
        means = o("AveragePool", rows, kernel_shape=[layer.size, 1], pads=sides, count_include_pad=1)
        base = o("Add", o.scaled(o.reshape(means, c, -1, 1), layer.alpha), o.constant(layer.k))
        y = o("Div", flat, o("Pow", base, o.constant(layer.beta)))
    return o.reshape(y, *x.shape)


# --- layers that move elements


@writes("pad")
def pad(o: Part, layer: Any, x: Value) -> str:
    mode = {"replicate": "edge", "circular": "wrap"}.get(layer.mode, layer.mode)
    return o.surround(x.name, sides_per_axis(layer.padding, x.shape[1:]), layer.value, mode)


@writes("crop")
def crop(o: Part, layer: Any, x: Value) -> str:
    """Its windows have negative padding: what is cut off."""
    windows, size = layer.facts(x.shape).reach, x.shape[1:]
    starts = o.whole(*(-w.before for w in windows))
    stops = o.whole(*(n + w.after for w, n in zip(windows, size, strict=True)))
    return o("Slice", x.name, starts, stops, o.whole(*range(2, 2 + len(size))))


@writes("slice")
def slice_of_axis(o: Part, layer: Any, x: Value) -> str:
    start, stop, axis = layer.bounds(x.shape)
    return o.cut(x.name, 1 + axis, start, stop)


@writes("roll", "tile")
def rearranged(o: Part, layer: Any, x: Value) -> str:
    """Parts of one axis one behind the other."""
    axis = axis_number(layer.axis, x.shape)
    n = x.shape[axis]
    if layer.kind == "tile":
        return o("Concat", *[x.name] * layer.times, axis=1 + axis)
    start = -layer.shift % n
    parts = [o.cut(x.name, 1 + axis, first, last) for first, last in ((start, n), (0, start)) if first < last]
    return o("Concat", *parts, axis=1 + axis)


@writes("split")
def split(o: Part, layer: Any, x: Value) -> str:
    share = x.shape[0] // layer.parts
    return o.cut(x.name, 1, layer.part * share, (layer.part + 1) * share)


INTERPOLATION: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    "bicubic": {"mode": "cubic", "coordinate_transformation_mode": "half_pixel", "cubic_coeff_a": -0.75},
}


@writes("upsample")
def upsample(o: Part, layer: Any, x: Value) -> str:
    """Axis by axis, each as the rows of a map, but for images: ONNX Runtime knows a cubic for them only."""
    shape = list(x.shape)
    if len(shape) == 3:
        factors = per_axis(layer.factor, shape[1:], "factor")
        return o("Resize", x.name, "", o.constant([1, 1, *factors]), **INTERPOLATION[layer.mode])
    y = x.name
    for axis, factor in enumerate(per_axis(layer.factor, shape[1:], "factor"), start=1):
        rows = o.reshape(y, int(np.prod(shape[:axis])), shape[axis], -1)
        longer = o("Resize", rows, "", o.constant([1, 1, factor, 1]), **INTERPOLATION[layer.mode])
        shape[axis] *= factor
        y = o.reshape(longer, *shape)
    return y


def moved(o: Part, x: str, apart: list[int], order: list[int], together: list[int]) -> str:
    """Axes taken apart, brought into another order, and joined again."""
    return o.reshape(o.transpose(o.reshape(x, *apart), *order), *together)


@writes("pixel_shuffle")
def pixel_shuffle(o: Part, layer: Any, x: Value) -> str:
    """DepthToSpace, which images alone have; else (C, r, r, r, *size) with each r brought behind its axis."""
    c, *size = x.shape
    r, rank = layer.factor, len(size)
    if rank == 2:
        return o("DepthToSpace", x.name, blocksize=r, mode="CRD")
    order = [1, *chain.from_iterable((2 + rank + a, 2 + a) for a in range(rank))]
    left = c // r**rank
    return moved(o, x.name, [left, *(r,) * rank, *size], order, [left, *(n * r for n in size)])


@writes("pixel_unshuffle")
def pixel_unshuffle(o: Part, layer: Any, x: Value) -> str:
    """(C, n, r, n, r, ...) with every r brought behind the channels; SpaceToDepth would bring them before."""
    c, *size = x.shape
    r, rank = layer.factor, len(size)
    order = [1, *(3 + 2 * a for a in range(rank)), *(2 + 2 * a for a in range(rank))]
    apart = [c, *chain.from_iterable((n // r, r) for n in size)]
    return moved(o, x.name, apart, order, [c * r**rank, *(n // r for n in size)])


@writes("channel_shuffle")
def channel_shuffle(o: Part, layer: Any, x: Value) -> str:
    c, *size = x.shape
    rest = [3 + a for a in range(len(size))]
    return moved(o, x.name, [layer.groups, c // layer.groups, *size], [2, 1, *rest], [c, *size])


@writes("reshape")
def reshape(o: Part, layer: Any, x: Value) -> str:
    return o.reshape(x.name, *layer.shape)


@writes("permute")
def permute(o: Part, layer: Any, x: Value) -> str:
    return o.transpose(x.name, *(1 + axis for axis in layer.order))
