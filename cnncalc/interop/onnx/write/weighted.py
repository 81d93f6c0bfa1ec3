"""Layers with weights as ONNX operators: convolutions, dense, normalisation, recurrent.

Shapes are without the batch. Gate orders and formulas: the operators GRU, LSTM and RNN of ONNX.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.gates import GATES
from cnncalc.interop.onnx.write.part import Array, Part, Value, ends, per_channel, sliding, taps, writes
from cnncalc.layers.base import per_axis

# --- convolutions


def with_bias(o: Part, y: str, rank: int) -> str:
    """y plus the bias of each map; or of each place of each map."""
    if not o.has("bias"):
        return y
    bias = o.array("bias")
    return o("Add", y, o.weight("bias", bias if bias.ndim > 1 else per_channel(bias, rank)))


def convolved(o: Part, layer: Any, x: Value, weight: str, groups: int) -> str:
    """A Conv, whose bias is an input of its own unless each place has one."""
    _, *size = x.shape
    windows = layer.windows(size)
    attributes = sliding(windows, ends(windows, size))
    if o.has("bias") and o.array("bias").ndim == 1:
        return o("Conv", x.name, weight, o.weight("bias"), group=groups, **attributes)
    return with_bias(o, o("Conv", x.name, weight, group=groups, **attributes), len(size))


@writes("conv")
def conv(o: Part, layer: Any, x: Value) -> str:
    """(F, C/g, *kernel). With a table every filter has a kernel for every map, zero where they are not connected."""
    weight = o.array("weight")
    if layer.table is not None:
        weight = spread(layer.table, weight, x.shape[0])
    return convolved(o, layer, x, o.weight("weight", weight), layer.groups)


def spread(table: tuple[tuple[int, ...], ...], weights: Array, inputs: int) -> Array:
    """(pairs, ...) in the order of a table to (rows, inputs, ...): zeros for the pairs that are not in it."""
    full = np.zeros((len(table), inputs, *weights.shape[1:]), dtype=weights.dtype)
    rows = [i for i, row in enumerate(table) for _ in row]
    full[rows, [j for row in table for j in row]] = weights
    return full


@writes("depthwise")
def depthwise(o: Part, layer: Any, x: Value) -> str:
    """As many groups as channels: (C, multiplier, *kernel) to (C * multiplier, 1, *kernel)."""
    weight = o.array("weight")
    return convolved(o, layer, x, o.weight("weight", weight.reshape(-1, 1, *weight.shape[2:])), x.shape[0])


@writes("subsample")
def subsample(o: Part, layer: Any, x: Value) -> str:
    """A convolution of each map by itself, whose kernel is the map's coefficient everywhere."""
    c, *size = x.shape
    windows, _ = layer.geometry(x.shape)
    kernel = np.broadcast_to(per_channel(o.array("weight"), 1 + len(size)), (c, 1, *(w.kernel for w in windows)))
    return o(
        "Conv", x.name, o.weight("weight", kernel), o.weight("bias"), group=c, **sliding(windows, ends(windows, size))
    )


@writes("local")
def local(o: Part, layer: Any, x: Value) -> str:
    """A Conv of kernels with a single 1 lays out what each window reads; every place multiplies it by its own bank."""
    c, *size = x.shape
    windows = layer.windows(size)
    k = taps(windows)
    ones = np.tile(np.eye(k).reshape(k, 1, *(w.kernel for w in windows)), (c, *(1,) * (1 + len(size))))
    read = o("Conv", x.name, o.constant(ones), group=c, **sliding(windows, ends(windows, size)))
    positions = [w.positions(n) for w, n in zip(windows, size, strict=True)]
    columns = o("Unsqueeze", o.transpose(o.reshape(read, c * k, -1), 2, 1), o.whole(-1))  # (N, places, C * taps, 1)
    banks = o.weight("weight", o.array("weight").reshape(-1, layer.filters, c * k))
    y = o.reshape(o("MatMul", banks, columns), -1, layer.filters)  # (N, places, filters)
    return with_bias(o, o.reshape(o.transpose(y, 2, 1), layer.filters, *positions), len(size))


@writes("transposed_conv")
def transposed_conv(o: Part, layer: Any, x: Value) -> str:
    """ConvTranspose with the padding and output padding that the layer states; `same` may go on beyond the canvas.

    ONNX Runtime wants less output padding than the stride, although dilation allows more: then zeros are put
    behind, and the bias is added last.
    """
    size = x.shape[1:]
    windows = layer.stretches(size)
    extra = per_axis(layer.output_padding, size, "output_padding")
    cuts = [w.after + e for w, e in zip(windows, extra, strict=True)]
    beyond = [e - min(0, cut) for e, cut in zip(extra, cuts, strict=True)]
    attributes = {"group": layer.groups, **sliding(windows, [max(0, cut) for cut in cuts])}
    if all(e < w.stride for e, w in zip(beyond, windows, strict=True)):
        bias = [o.weight("bias")] if layer.bias else []
        return o("ConvTranspose", x.name, o.weight("weight"), *bias, output_padding=beyond, **attributes)
    attributes["pads"] = [*(w.before for w in windows), *(0 for _ in windows)]
    canvas = o("ConvTranspose", x.name, o.weight("weight"), **attributes)
    ends = [e - max(0, cut) for e, cut in zip(beyond, cuts, strict=True)]
    return with_bias(o, o.surround(canvas, [(0, end) for end in ends]), len(size))


# --- layers that read a vector


@writes("dense")
def dense(o: Part, layer: Any, x: Value) -> str:
    """Gemm; with a table zeros for what a unit does not read. Of a map the product with every position."""
    weight = o.array("weight")
    if len(x.shape) > 1:
        tokens = o("MatMul", o.weight("weight"), o.reshape(x.name, x.shape[0], -1))
        if layer.bias:
            tokens = o("Add", tokens, o.weight("bias", o.array("bias")[:, np.newaxis]))
        return o.reshape(tokens, layer.units, *x.shape[1:])
    if layer.table is not None:
        weight = spread(layer.table, weight, x.shape[0])
    return o("Gemm", x.name, o.weight("weight", weight), *([o.weight("bias")] if layer.bias else []), transB=1)


@writes("rbf")
def rbf(o: Part, layer: Any, x: Value) -> str:
    """The sum of squares of x - w: (N, 1, F) less (units, F)."""
    away = o("Sub", o("Unsqueeze", x.name, o.whole(1)), o.weight("centres"))
    return o("ReduceSumSquare", away, o.whole(-1), keepdims=0)


@writes("gaussian_rbf")
def gaussian_rbf(o: Part, layer: Any, x: Value) -> str:
    return o("Exp", o("Neg", o("Div", rbf(o, layer, x), o.weight("width"))))


@writes("hopfield")
def hopfield(o: Part, layer: Any, x: Value) -> str:
    """The pairs as a symmetric matrix with a diagonal of zeros; 1 or -1 by the sign, step by step."""
    n = x.shape[0]
    full = np.zeros((n, n), dtype=np.float32)
    full[np.triu_indices(n, 1)] = o.array("weight")
    weight = o.weight("weight", full + full.T)
    state, zero, one, minus = x.name, o.constant(0.0), o.constant(1.0), o.constant(-1.0)
    for _ in range(layer.steps):
        field = o("Gemm", state, weight, *([o.weight("bias")] if layer.bias else []))
        state = o("Where", o("GreaterOrEqual", field, zero), one, minus)
    return state


# --- normalisation


def trained(o: Part, shape: tuple[int, ...]) -> list[str]:
    """Scale and shift in the shape that an operator wants; 1 and 0 where none are trained."""
    return [
        o.weight(name, o.array(name).reshape(shape)) if o.has(name) else o.constant(np.full(shape, value))
        for name, value in (("gamma", 1.0), ("beta", 0.0))
    ]


@writes("batchnorm")
def batchnorm(o: Part, layer: Any, x: Value) -> str:
    statistics = [o.weight("mean"), o.weight("variance")]
    return o("BatchNormalization", x.name, *trained(o, x.shape[:1]), *statistics, epsilon=layer.epsilon)


def beside(o: Part, name: str, x: Value) -> str:
    """Stored numbers to be combined with (N, C, *size): those per channel get an axis of 1 for each axis behind."""
    array = o.array(name)
    return o.weight(name, per_channel(array, len(x.shape) - 1) if array.ndim == 1 else array)


@writes("scale")
def scale(o: Part, layer: Any, x: Value) -> str:
    y = o("Mul", x.name, beside(o, "gamma", x))
    return o("Add", y, beside(o, "beta", x)) if layer.shift else y


@writes("shift")
def shift(o: Part, layer: Any, x: Value) -> str:
    return o("Add", x.name, beside(o, "beta", x))


@writes("layernorm")
def layernorm(o: Part, layer: Any, x: Value) -> str:
    """LayerNormalization takes the last axes: those that are normalised together are brought there, and back."""
    together = sorted(layer.over(x.shape))
    others = [axis for axis in range(len(x.shape)) if axis not in together]
    order = [1 + axis for axis in (*others, *together)]
    back = [1 + order.index(1 + axis) for axis in range(len(order))]
    shape = tuple(x.shape[axis] for axis in together)
    y = o.transpose(x.name, *order) if order != sorted(order) else x.name
    y = o("LayerNormalization", y, *trained(o, shape), axis=1 + len(others), epsilon=layer.epsilon)
    return o.transpose(y, *back) if order != sorted(order) else y


@writes("groupnorm")
def groupnorm(o: Part, layer: Any, x: Value) -> str:
    return as_map(o, "GroupNormalization", x, *trained(o, x.shape[:1]), num_groups=layer.groups, epsilon=layer.epsilon)


@writes("instancenorm")
def instancenorm(o: Part, layer: Any, x: Value) -> str:
    return as_map(o, "InstanceNormalization", x, *trained(o, x.shape[:1]), epsilon=layer.epsilon)


def as_map(o: Part, operator: str, x: Value, *inputs: str, **attributes: Any) -> str:
    """An operator that wants a map: a vector is given an axis of length 1 meanwhile."""
    if len(x.shape) > 1:
        return o(operator, x.name, *inputs, **attributes)
    return o.reshape(o(operator, o.reshape(x.name, -1, 1), *inputs, **attributes), -1)


# --- recurrent


def directions(layer: Any) -> list[str]:
    return ["", "back_"] if layer.bidirectional else [""]


@writes("rnn", "gru", "lstm")
def recurrent(o: Part, layer: Any, x: Value) -> str:
    """Gates stacked. One bias goes with the input; with two a GRU resets behind the product of the state."""

    def stacked(name: str) -> Array:
        return np.stack(
            [
                np.concatenate([o.array(f"{direction}{gate}_{name}") for gate in GATES[layer.kind]])
                for direction in directions(layer)
            ]
        )

    kept = [o.weight(name, stacked(part)) for name, part in (("W", "input"), ("R", "state"))]
    if layer.bias == "double":
        kept.append(o.weight("B", np.concatenate([stacked("bias"), stacked("bias2")], axis=1)))
    elif layer.bias:  # ONNX has room for two
        bias = stacked("bias")
        kept.append(o("Concat", o.weight("B", bias), o.constant(np.zeros_like(bias)), axis=1))
    steps, last = o.several(
        layer.kind.upper(),
        [not layer.last, bool(layer.last)],
        o("Transpose", x.name, perm=[2, 0, 1]),  # (steps, N, values)
        *kept,
        hidden_size=layer.units,
        direction="bidirectional" if layer.bidirectional else "forward",
        **({"linear_before_reset": int(layer.bias == "double")} if layer.kind == "gru" else {}),
    )
    if layer.last:  # (directions, N, units)
        return o.reshape(o("Transpose", last, perm=[1, 0, 2]), -1)
    joined = o("Transpose", steps, perm=[2, 1, 3, 0])  # (steps, directions, N, units)
    return o.reshape(joined, len(directions(layer)) * layer.units, -1)


@writes("mgu")
def mgu(o: Part, layer: Any, x: Value) -> str:
    """ONNX has no operator for it: a Scan over the steps, one for each direction, with the formulas inside."""
    n, m = x.shape[0], layer.units
    sequence = o("Transpose", x.name, perm=[2, 0, 1])  # (steps, N, values)
    samples = o("Shape", x.name, start=0, end=1)
    start = o("Expand", o.constant(np.zeros((1, m))), o("Concat", samples, o.whole(m), axis=0))
    results = []
    for back, direction in enumerate(directions(layer)):
        step = mgu_step(o.inner(), direction, n, m)
        last, states = o.several(
            "Scan",
            [True, True],
            start,
            sequence,
            body=step,
            num_scan_inputs=1,
            scan_input_directions=[back],
            scan_output_directions=[back],
        )
        results.append(last if layer.last else o("Transpose", states, perm=[1, 2, 0]))
    return o("Concat", *results, axis=1)


def mgu_step(o: Part, direction: str, n: int, m: int) -> Any:
    """The graph of one step: the state (N, units) and what enters (N, values), to the state, twice."""
    state, entering = f"{o.name}::state", f"{o.name}::x"

    def gate(name: str, h: str) -> str:
        y = o(
            "Add",
            o("Gemm", entering, o.weight(f"{direction}{name}_input"), transB=1),
            o("Gemm", h, o.weight(f"{direction}{name}_state"), transB=1),
        )
        for bias in (f"{direction}{name}_bias", f"{direction}{name}_bias2"):
            y = o("Add", y, o.weight(bias)) if o.has(bias) else y
        return y

    f = o("Sigmoid", gate("f", state))
    candidate = o("Tanh", gate("c", o("Mul", f, state)))
    kept = o("Mul", o("Sub", o.constant(1.0), f), state)
    result = o("Add", kept, o("Mul", f, candidate))
    copy = o("Identity", result)

    def described(name: str, length: int) -> Any:
        return o.onnx.helper.make_tensor_value_info(name, o.onnx.TensorProto.FLOAT, (None, length))

    return o.onnx.helper.make_graph(
        o.nodes,
        "step",
        [described(state, m), described(entering, n)],
        [described(result, m), described(copy, m)],
    )
