"""ONNX operators that compute: convolutions, products, pooling, activations, normalisation.

Sources: the operators' pages at onnx.ai/onnx/operators. Attributes that an operator set has not yet are at the values
that the later ones give as defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.interop.onnx.read.constants import Constant, shortest
from cnncalc.interop.onnx.read.file import NodeData, place
from cnncalc.interop.onnx.read.layout import Factor, Tensor, whole
from cnncalc.interop.onnx.read.merge import placed
from cnncalc.interop.onnx.read.reading import NotReadError, Reading, Value, reads
from cnncalc.language import _


def window(node: NodeData, kernel: Sequence[int], size: Sequence[int]) -> dict[str, Any]:
    """Kernel, stride, padding and dilation as options; what is at its default is left out."""
    rank = len(kernel)
    if len(size) != rank:
        raise NotReadError
    stride = node.attributes.get("strides") or (1,) * rank
    dilation = node.attributes.get("dilations") or (1,) * rank
    pads = node.attributes.get("pads") or (0,) * (2 * rank)
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if not len(stride) == len(dilation) == len(pads) // 2 == rank:
        raise NotReadError
    padding: Any = [(pads[i], pads[i + rank]) for i in range(rank)]
    if automatic == "SAME_UPPER":
        padding = "same"
    elif automatic == "SAME_LOWER":
        total = [
            max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
            for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
        ]
        padding = [(t - t // 2, t // 2) for t in total]
    elif automatic == "VALID":
        padding = [(0, 0)] * rank
    return {
        "kernel": one(kernel),
        "stride": one(stride),
        "padding": sides(padding),
        "dilation": None if set(dilation) == {1} else one(dilation),
    }


def one(values: Sequence[int]) -> Any:
    """One number where it is the same for all axes."""
    return values[0] if len(set(values)) == 1 else list(values)


def sides(padding: Any) -> Any:
    """Padding as people write it: one number, one per axis, or pairs; None for none at all."""
    if padding == "same":
        return padding
    if all(before == after for before, after in padding):
        found = one([before for before, _ in padding])
        return None if found == 0 else found
    return [list(pair) for pair in padding]


def spatial(o: Reading, value: int) -> tuple[int, ...]:
    shape = o.builder.shape(value)
    if not 2 <= len(shape) <= 4:
        raise NotReadError
    return shape[1:]


# --- convolutions and products


def added(bias: Constant | None) -> Constant | None:
    """A bias; none for zeros that no initializer holds: an exporter made them up."""
    return None if bias is None or (not bias.root and bias.number() == 0) else bias


def bias_behind(o: Reading, node: NodeData, rank: int, axis: int, length: int) -> Constant | None:
    """The vector that is added behind, along one axis: it is taken in as a bias, and its addition is gone."""
    add = o.following(node, "Add")
    if add is None:
        return None
    [other, *more] = [name for name in add.inputs if name != node.outputs[0]] or [""]
    value = o.values.get(other)
    value = placed(add, value, rank) if isinstance(value, Constant) else None
    if more or not isinstance(value, Constant) or value.size != length or len(value.dims) > rank:
        return None
    at = axis - (rank - len(value.dims))
    if at < 0 or value.dims[at] != length:
        return None
    o.absorbed[add.outputs[0]] = node.outputs[0]
    return value.moved((length,), lambda array: array.reshape(-1)) if len(value.dims) > 1 else value


@reads("Conv")
def conv(o: Reading, node: NodeData) -> Value:
    x, weight = o.map(node, o.tensor(node)), o.weight(node, 1)
    size = spatial(o, x)
    filters, read, *kernel = weight.dims
    groups = node.attributes.get("group", 1)
    bias = added(o.optional(node, 2)) or bias_behind(o, node, 2 + len(size), 1, filters)
    options: dict[str, Any] = {**window(node, kernel, size), "bias": None if bias is not None else False}
    channels = o.builder.shape(x)[0]
    if read * groups != channels:
        o.builder.fail(*reads_other(o, node, channels, read * groups))
    if groups == channels and groups > 1 and filters % groups == 0:
        multiplier = filters // channels
        weight = weight.moved(
            (channels, multiplier, *kernel), lambda array: array.reshape(channels, multiplier, *kernel)
        )
        options["multiplier"] = None if multiplier == 1 else multiplier
        return o.seen(o.add(node, "depthwise", options, [x], {"weight": weight, "bias": bias}))
    options |= {"filters": filters, "groups": None if groups == 1 else groups}
    return o.seen(o.add(node, "conv", options, [x], {"weight": weight, "bias": bias}))


def reads_other(o: Reading, node: NodeData, channels: int, wanted: int) -> tuple[str, str]:
    """Where a kernel is for another number of channels than there are."""
    return place(node), _(
        "its weights are for {wanted} channels; what enters has {channels}", wanted=wanted, channels=channels
    )


@reads("ConvTranspose")
def transposed_conv(o: Reading, node: NodeData) -> Value:
    x, weight = o.map(node, o.tensor(node)), o.weight(node, 1)
    size = spatial(o, x)
    _channels, per_group, *kernel = weight.dims
    groups = node.attributes.get("group", 1)
    bias = added(o.optional(node, 2)) or bias_behind(o, node, 2 + len(size), 1, per_group * groups)
    options = window(node, kernel, size)
    rank = len(kernel)
    stride = node.attributes.get("strides") or (1,) * rank
    extra = list(node.attributes.get("output_padding") or (0,) * rank)
    wanted = node.attributes.get("output_shape")
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic.startswith("SAME") or wanted:  # by the size of the output, not by that of the input
        dilation = node.attributes.get("dilations") or (1,) * rank
        lengths = wanted[-rank:] if wanted else [n * s for n, s in zip(size, stride, strict=True)]
        pads = []
        for i, n in enumerate(size):
            total = stride[i] * (n - 1) + extra[i] + dilation[i] * (kernel[i] - 1) + 1 - lengths[i]
            if total < 0:
                extra[i], total = extra[i] - total, 0
            before = total // 2 if automatic == "SAME_UPPER" else total - total // 2
            pads.append((before, total - before))
        options["padding"] = sides(pads)
    options |= {
        "filters": per_group * groups,
        "groups": None if groups == 1 else groups,
        "output_padding": one(extra) if any(extra) else None,
        "bias": None if bias is not None else False,
    }
    return o.seen(o.add(node, "transposed_conv", options, [x], {"weight": weight, "bias": bias}))


@reads("Gemm")
def gemm(o: Reading, node: NodeData) -> Value:
    weight, bias = o.weight(node, 1), o.optional(node, 2)
    if node.attributes.get("transA", 0) or len(weight.dims) != 2:
        raise NotReadError
    if not node.attributes.get("transB", 0):
        weight = weight.moved(weight.dims[::-1], lambda array: array.T)
    units = weight.dims[0]
    if bias is not None and bias.size not in (1, units):
        raise NotReadError
    bias = added(bias)
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    if alpha != 1:
        weight = weight.moved(weight.dims, lambda array: array * alpha)
    if bias is not None and beta != 1:
        bias = bias.moved(bias.dims, lambda array: array * beta)
    return product(o, node, o.tensor(node), weight, bias if bias is not None else bias_behind(o, node, 2, 1, units))


@reads("MatMul")
def matmul(o: Reading, node: NodeData) -> Value:
    """By a matrix of weights: a dense layer, or at every place of a map a convolution of 1x1."""
    weight, x = o.weight(node, 1), o.tensor(node)
    rows = weight.dims[-2:]
    if len(rows) != 2 or prod(rows) != weight.size:
        raise NotReadError
    weight = weight.moved(rows, lambda array: array.reshape(rows))
    rank = len(x.dims())
    weight = weight.moved(weight.dims[::-1], lambda array: array.T)
    return product(o, node, x, weight, bias_behind(o, node, rank, rank - 1, weight.dims[0]))


def product(o: Reading, node: NodeData, x: Tensor, weight: Constant, bias: Constant | None) -> Value:
    """The last axis of x times (units, inputs)."""
    from cnncalc.interop.onnx.read.shape import settled

    axes = x.axes or ()
    units, inputs = weight.dims
    shape = o.builder.shape(x.value)
    if x.dims()[-1:] != (inputs,):
        o.builder.fail(*reads_other(o, node, prod(x.dims()[-1:]), inputs))
    options: dict[str, Any] = {"bias": None if bias is not None else False}
    alone = all(not axis or (i == 0 and axis[0].axis < 0) for i, axis in enumerate(axes[:-1]))
    if alone and len(axes) == 2:
        order = list(axes[-1])
        if order != sorted(order, key=lambda f: (f.axis, -f.stride)):  # flattened in another order: so are the weights
            sizes = [f.size for f in order]
            back = sorted(range(len(order)), key=lambda i: (order[i].axis, -order[i].stride))
            weight = weight.moved(
                weight.dims,
                lambda array: array.reshape(-1, *sizes).transpose(0, *(1 + i for i in back)).reshape(array.shape),
            )
        value = o.add(node, "dense", {"units": units, **options}, [x.value], {"weight": weight, "bias": bias})
        return o.seen(value)
    if axes[-1] != whole(0, shape[0]) or len(shape) < 2:  # the axis that is multiplied comes first
        moved = settled(o, node, Tensor(x.value, (axes[0], axes[-1], *axes[1:-1])))
        shape = o.builder.shape(moved.value)
        left = moved.axes or ()
        x = Tensor(moved.value, (left[0], *left[2:], left[1]))
        axes = x.axes or ()
    kernel = (1,) * (len(shape) - 1)
    weight = weight.moved((units, inputs, *kernel), lambda array: array.reshape(units, inputs, *kernel))
    value = o.add(node, "conv", {"filters": units, "kernel": 1, **options}, [x.value], {"weight": weight, "bias": bias})
    return Tensor(value, (*axes[:-1], whole(0, units)))


# --- pooling


@reads("MaxPool", "AveragePool", "LpPool")
def pool(o: Reading, node: NodeData) -> list[Value]:
    x = o.map(node, o.tensor(node))
    size = spatial(o, x)
    options = window(node, node.attributes["kernel_shape"], size)
    kernel = options["kernel"]
    if options["stride"] == kernel and kernel != 1:
        options["stride"] = None
    ceil = bool(node.attributes.get("ceil_mode", 0))
    if ceil:
        options["rounding"] = "ceil"
    kind = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool"}[node.operator]
    padded = options["padding"] not in (None, "same")
    if kind == "avgpool" and padded and not node.attributes.get("count_include_pad", 0):
        options["count_include_pad"] = False
    if kind == "lppool" and node.attributes.get("p", 2) != 2:
        options["norm"] = node.attributes["p"]
    results: list[Value] = [o.seen(o.add(node, kind, options, [x]))]
    if len(node.outputs) > 1 and node.outputs[1] in o.readers:
        results.append(o.unknown(node, None))
    return results


@reads("GlobalAveragePool", "GlobalMaxPool")
def global_pool(o: Reading, node: NodeData) -> Value:
    kind = "global_avgpool" if node.operator == "GlobalAveragePool" else "global_maxpool"
    x = o.map(node, o.tensor(node))
    spatial(o, x)
    return o.seen(o.add(node, kind, {}, [x]))


@reads("ReduceMean", "ReduceMax")
def reduce(o: Reading, node: NodeData) -> Value:
    """Over all places a global pooling, over some axes a pooling of that size."""
    x = o.tensor(node)
    dims, axes = x.dims(), x.axes or ()
    over = o.numbers(node, 1, "axes") or list(range(len(dims)))
    chosen = {axis % len(dims) for axis in over}
    keep = bool(node.attributes.get("keepdims", 1))
    left = tuple(() if i in chosen else axis for i, axis in enumerate(axes))
    result = left if keep else tuple(axis for i, axis in enumerate(left) if i not in chosen)
    shape = o.builder.shape(x.value)
    factors = [factor for i in sorted(chosen) for factor in axes[i]]
    gone = [0 if f.axis < 0 else f.axis for f in factors if (f.axis < 0 or f == Factor(f.axis, shape[f.axis], 1))]
    kept = tuple(1 if i in chosen else n for i, n in enumerate(dims))
    kept = kept if keep else tuple(n for i, n in enumerate(dims) if i not in chosen)
    if len(gone) < len(factors) or 0 in gone or len(shape) < 2:
        raise NotReadError(kept)
    kind = "avgpool" if node.operator == "ReduceMean" else "maxpool"
    if all(n == 1 or i in gone for i, n in enumerate(shape) if i):
        return Tensor(o.add(node, f"global_{kind}", {}, [x.value]), result)
    kernel = [n if i in gone else 1 for i, n in enumerate(shape) if i]
    return Tensor(o.add(node, kind, {"kernel": one(kernel)}, [x.value]), result)


# --- activations

PLAIN = {
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "Selu": "selu", "Gelu": "gelu", "HardSwish": "hard_swish",
    "Mish": "mish", "Softplus": "softplus", "Softsign": "softsign", "Swish": "silu",
    # what fusion.py puts together
    "cnncalc:silu": "silu", "cnncalc:hard_swish": "hard_swish", "cnncalc:hard_sigmoid": "hard_sigmoid",
    "cnncalc:gelu": "gelu", "cnncalc:mish": "mish", "cnncalc:step": "step", "cnncalc:scaled_tanh": "scaled_tanh",
    "cnncalc:relu6": "relu6",
}  # fmt: skip
SLOPED = {"LeakyRelu": ("leaky_relu", 0.01), "Elu": ("elu", 1.0), "Celu": ("celu", 1.0)}


@reads(*PLAIN)
def activation(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    if node.operator == "Swish" and node.attributes.get("alpha", 1.0) != 1:
        raise NotReadError(x.dims())
    return Tensor(o.add(node, PLAIN[node.operator], {}, [x.value]), x.axes)


@reads("HardSigmoid")
def hard_sigmoid(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    slope, offset = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(slope - 1 / 6) > 1e-5 or offset != 0.5:
        raise NotReadError(x.dims())
    return Tensor(o.add(node, "hard_sigmoid", {}, [x.value]), x.axes)


@reads(*SLOPED)
def sloped(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    kind, default = SLOPED[node.operator]
    alpha = shortest(node.attributes.get("alpha", default))
    return Tensor(o.add(node, kind, {} if alpha == default else {"alpha": alpha}, [x.value]), x.axes)


@reads("Clip")
def clip(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    bounds = []
    for i, name in ((1, "min"), (2, "max")):
        found = o.optional(node, i)
        bounds.append(node.attributes.get(name) if found is None else found.number())
    low, high = bounds
    if low == 0 and (high is None or high > 1e30):
        return Tensor(o.add(node, "relu", {}, [x.value]), x.axes)
    if low == 0 and high == 6:
        return Tensor(o.add(node, "relu6", {}, [x.value]), x.axes)
    raise NotReadError(x.dims())


@reads("PRelu")
def prelu(o: Reading, node: NodeData) -> Value:
    x, slope = o.tensor(node), o.weight(node, 1)
    channels = o.builder.shape(x.value)[0]
    if slope.size not in (1, channels):
        raise NotReadError(x.dims())
    per = "channel" if slope.size == channels and channels > 1 else None
    flat = slope.moved((slope.size,), lambda array: array.reshape(-1))
    return Tensor(o.add(node, "prelu", {"per": per}, [x.value], {"slope": flat}), x.axes)


@reads("Softmax", "LogSoftmax")
def softmax(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    axes, dims = x.axes or (), x.dims()
    axis = node.attributes.get("axis", -1 if o.opset >= 13 else 1) % len(dims)
    shape = o.builder.shape(x.value)
    over = axes[axis] if o.opset >= 13 else tuple(f for part in axes[axis:] for f in part)
    if over != whole(0, shape[0]):
        if len(over) != len([f for part in axes for f in part if f.axis >= 0]):
            raise NotReadError(dims)
        x = Tensor(o.add(node, "flatten", {}, [x.value], part="flatten"), (axes[0], whole(0, prod(shape))))
    kind = "softmax" if node.operator == "Softmax" else "log_softmax"
    return Tensor(o.add(node, kind, {}, [x.value]), x.axes)


@reads("Dropout")
def dropout(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    ratio = o.optional(node, 1)
    rate = shortest((ratio.number() or 0) if ratio is not None else node.attributes.get("ratio", 0.5))
    results: list[Value] = [Tensor(o.add(node, "dropout", {} if rate == 0.5 else {"rate": rate}, [x.value]), x.axes)]
    return results[0]
