"""Single layers of the reference against PyTorch's, the same weights: where torch is installed.

Tolerance: 1e-5 of the largest value, for one layer in float32. A layer that PyTorch has no function for is left out
by its translation, which returns None; each kind says how many of its layers are compared at least.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from option_sets import graphs, layers

from cnncalc import reference
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import per_axis

torch = pytest.importorskip("torch", reason="PyTorch is not installed: single layers are not compared with it")
F = torch.nn.functional

pytestmark = pytest.mark.framework
TOLERANCE = 1e-5
ALL = list(graphs())
Translation = Callable[..., Any]  # (layer, weights, *inputs) of tensors to a tensor, or None where PyTorch has none


def ranked(name: str, x: Any) -> Any:
    """The function for maps of as many axes as x has."""
    return getattr(F, f"{name}{x.ndim - 2}d")


def symmetric(windows: Any) -> bool:
    return all(w.before == w.after for w in windows)


def surrounded(x: Any, sides: Any, value: float = 0.0) -> Any:
    """Elements around each axis; torch lists the last one first. Negative ones cut off."""
    return F.pad(x, list(chain.from_iterable(reversed(list(sides)))), value=value)


def dense_weight(w: Any, table: Any, inputs: int) -> Any:
    """The weights of a table, one row behind the other, as a full matrix."""
    if table is None:
        return w["weight"]
    full = torch.zeros(len(table), inputs, *w["weight"].shape[1:])
    pairs = ((i, j) for i, row in enumerate(table) for j in row)
    for (i, j), values in zip(pairs, w["weight"], strict=True):
        full[i, j] = values
    return full


def conv(layer: Any, w: Any, x: Any) -> Any:
    if layer.kind == "depthwise":
        weight, groups = w["weight"].flatten(0, 1).unsqueeze(1), x.shape[1]
    else:
        weight, groups = dense_weight(w, layer.table, x.shape[1]), layer.groups
    windows = layer.windows(x.shape[2:])
    bias = w.get("bias")
    shared = bias if bias is not None and bias.ndim == 1 else None
    padding: Any = [w.before for w in windows]
    if not symmetric(windows):
        x, padding = surrounded(x, [(w.before, w.after) for w in windows]), 0
    strides, dilations = [w.stride for w in windows], [w.dilation for w in windows]
    y = ranked("conv", x)(x, weight, shared, strides, padding, dilations, groups)
    return y if bias is None or shared is not None else y + bias


def transposed_conv(layer: Any, w: Any, x: Any) -> Any:
    windows = layer.stretches(x.shape[2:])
    extra = per_axis(layer.output_padding, x.shape[2:], "output_padding")
    strides, dilations = [w.stride for w in windows], [w.dilation for w in windows]
    function = ranked("conv_transpose", x)
    if all(w.before == w.after + e for w, e in zip(windows, extra, strict=True)):
        padding = [w.before for w in windows]
        return function(x, w["weight"], w.get("bias"), strides, padding, extra, layer.groups, dilations)
    canvas = function(x, w["weight"], None, strides, 0, 0, layer.groups, dilations)
    y = surrounded(canvas, [(-w.before, -w.after) for w in windows])
    return y + w["bias"].reshape(-1, *[1] * len(windows)) if "bias" in w else y


def plain_pool(layer: Any, x: Any) -> list[Any] | None:
    """Kernel, stride and padding for torch; None where it does not take the padding."""
    windows, _ = layer.geometry(x.shape[1:])
    if not symmetric(windows) or any(2 * w.before > w.kernel for w in windows):
        return None
    return [[w.kernel for w in windows], [w.stride for w in windows], [w.before for w in windows]]


def maxpool(layer: Any, w: Any, x: Any) -> Any:
    found = plain_pool(layer, x)
    dilations = [w.dilation for w in layer.geometry(x.shape[1:])[0]]
    return found and ranked("max_pool", x)(x, *found, dilations, layer.rounding == "ceil")


def avgpool(layer: Any, w: Any, x: Any) -> Any:
    found = plain_pool(layer, x)
    if found is None or set(layer.dilation) != {1}:
        return None
    counted = layer.count_include_pad and layer.padding != "same"
    return ranked("avg_pool", x)(x, *found, layer.rounding == "ceil", counted)


def lppool(layer: Any, w: Any, x: Any) -> Any:
    """PyTorch's keeps the sign of odd powers, where a p-norm has |x|; it scales what `ceil` kept up to a full window,
    and knows no padding.
    """
    found = plain_pool(layer, x)
    if found is None or any(found[2]) or set(layer.dilation) != {1} or layer.rounding == "ceil":
        return None
    kernel, stride = (found[0][0], found[1][0]) if x.ndim == 3 else (found[0], found[1])
    return ranked("lp_pool", x)(x.abs(), float(layer.norm), kernel, stride)


def subsample(layer: Any, w: Any, x: Any) -> Any:
    """The mean of a window times its size; where no window is cut off."""
    found = plain_pool(layer, x)
    if found is None or set(layer.dilation) != {1} or layer.rounding == "ceil":
        return None
    shape = (-1, *[1] * (x.ndim - 2))
    total = ranked("avg_pool", x)(x, *found) * int(np.prod(found[0]))
    return total * w["weight"].reshape(shape) + w["bias"].reshape(shape)


def adaptive(name: str) -> Translation:
    return lambda layer, w, x: ranked(name, x)(x, list(per_axis(layer.size, x.shape[2:], "size")))


def layernorm(layer: Any, w: Any, x: Any) -> Any:
    """The axes that are normalised together are brought to the end, and back."""
    together = sorted(1 + axis for axis in layer.over(tuple(x.shape[1:])))
    order = [axis for axis in range(x.ndim) if axis not in together] + together
    shape = [x.shape[axis] for axis in together]
    trained = [w[name].reshape(shape) for name in ("gamma", "beta")] if layer.affine else [None, None]
    y = F.layer_norm(x.permute(order), shape, *trained, eps=layer.epsilon)
    return y.permute(*(order.index(axis) for axis in range(x.ndim)))


def rmsnorm(layer: Any, w: Any, x: Any) -> Any:
    """The axes that are normalised together are brought to the end, and back."""
    together = sorted(1 + axis for axis in layer.over(tuple(x.shape[1:])))
    order = [axis for axis in range(x.ndim) if axis not in together] + together
    shape = [x.shape[axis] for axis in together]
    y = F.rms_norm(x.permute(order), shape, w["gamma"].reshape(shape) if layer.affine else None, layer.epsilon)
    return y.permute(*(order.index(axis) for axis in range(x.ndim)))


def batchnorm(layer: Any, w: Any, x: Any) -> Any:
    return F.batch_norm(x, w["mean"], w["variance"], w.get("gamma"), w.get("beta"), eps=layer.epsilon)


def groupnorm(layer: Any, w: Any, x: Any) -> Any:
    return F.group_norm(x, layer.groups, w.get("gamma"), w.get("beta"), layer.epsilon)


def instancenorm(layer: Any, w: Any, x: Any) -> Any:
    return F.instance_norm(x, weight=w.get("gamma"), bias=w.get("beta"), eps=layer.epsilon) if x.ndim > 2 else None


def lrn(layer: Any, w: Any, x: Any) -> Any:
    y = x if x.ndim > 2 else x.unsqueeze(-1)
    return F.local_response_norm(y, layer.size, layer.alpha, layer.beta, layer.k).reshape(x.shape)


def upsample(layer: Any, w: Any, x: Any) -> Any:
    rank = x.ndim - 2
    mode = {
        "nearest": "nearest",
        "bilinear": {1: "linear", 2: "bilinear", 3: "trilinear"}[rank],
        "bicubic": {2: "bicubic"}.get(rank),
    }[layer.mode]
    factors = [float(f) for f in per_axis(layer.factor, x.shape[2:], "factor")]
    return mode and F.interpolate(x, scale_factor=factors, mode=mode)


def images(function: Any) -> Translation:
    """A function that takes maps of two axes only."""
    return lambda layer, w, x: function(x, layer) if x.ndim == 4 else None


def pad(layer: Any, w: Any, x: Any) -> Any:
    sides = layer.padding if len(layer.padding) > 1 else layer.padding * (x.ndim - 2)
    widths = list(chain.from_iterable(reversed(sides)))
    return F.pad(x, widths, layer.mode, layer.value if layer.mode == "constant" else None)


def attention(layer: Any, w: Any, x: Any) -> Any:
    """nn.functional's multi-head attention over the positions; windows and what they add are compared elsewhere."""
    c, d = x.shape[1], layer.dim or x.shape[1]
    plain = layer.window is layer.grid is None and not layer.relative_bias and layer.project
    if not plain or {d, layer.value_dim or d, layer.out or c} != {c} or layer.bias not in (True, False):
        return None
    tokens = x.flatten(2).permute(2, 0, 1)
    return many_heads(layer, w, tokens, tokens).permute(1, 2, 0).reshape(x.shape)


def cross_attention(layer: Any, w: Any, x: Any, others: Any) -> Any:
    c, d = x.shape[1], layer.dim or x.shape[1]
    if {d, layer.value_dim or d, layer.out or c} != {c} or not layer.project or layer.bias not in (True, False):
        return None
    y = many_heads(layer, w, x.flatten(2).permute(2, 0, 1), others.flatten(2).permute(2, 0, 1))
    return y.permute(1, 2, 0).reshape(x.shape)


def many_heads(layer: Any, w: Any, asking: Any, asked: Any) -> Any:
    """(tokens, N, C) of both sides."""
    biases = torch.cat([w[f"{name}_bias"] for name in ("query", "key", "value")]) if layer.bias else None
    return F.multi_head_attention_forward(
        asking, asked, asked, asking.shape[2], layer.heads, None, biases, None, None, False, 0.0, w["out"],
        w.get("out_bias"), training=False, need_weights=False, use_separate_proj_weight=True,
        q_proj_weight=w["query"], k_proj_weight=w["key"], v_proj_weight=w["value"],
    )[0]  # fmt: skip


def resample(layer: Any, w: Any, x: Any) -> Any:
    rank = x.ndim - 2
    name = {"nearest": "nearest", "nearest_exact": "nearest-exact", "bicubic": {2: "bicubic"}.get(rank)}
    mode = name.get(layer.mode, {1: "linear", 2: "bilinear", 3: "trilinear"}[rank])
    corners = None if layer.mode.startswith("nearest") else layer.align_corners
    return mode and F.interpolate(x, per_axis(layer.size, x.shape[2:], "size"), mode=mode, align_corners=corners)


def over(layer: Any, x: Any) -> list[int]:
    return sorted(1 + axis for axis in layer.over(tuple(x.shape[1:])))


def of_axis(layer: Any, x: Any) -> int:
    """The axis that an option names, the samples being 0."""
    letters = {2: "c", 3: "cl", 4: "chw", 5: "cdhw"}[x.ndim]
    return 1 + (int(layer.axis) if layer.axis.isdigit() else letters.index(layer.axis))


GATES = {"rnn": "c", "gru": "rzc", "lstm": "ifgo"}  # in the order in which torch stacks them


def recurrent(layer: Any, w: Any, x: Any) -> Any:
    """Our one bias is torch's first, its second then 0. A GRU resets behind the product only with two biases."""
    if layer.kind == "gru" and layer.bias != "double":
        return None
    module = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[layer.kind](
        x.shape[1], layer.units, bias=bool(layer.bias), bidirectional=layer.bidirectional, batch_first=True
    )
    state = {}
    for ours, theirs in (("", ""), ("back_", "_reverse"))[: 1 + layer.bidirectional]:
        for name, part in (("input", "weight_ih"), ("state", "weight_hh"), ("bias", "bias_ih"), ("bias2", "bias_hh")):
            gates = [w.get(f"{ours}{gate}_{name}", torch.zeros(layer.units)) for gate in GATES[layer.kind]]
            state[f"{part}_l0{theirs}"] = torch.cat(gates)
    module.load_state_dict({name: values for name, values in state.items() if layer.bias or "bias" not in name})
    steps, last = module(x.transpose(1, 2))
    if layer.kind == "lstm":
        last = last[0]
    return last.transpose(0, 1).flatten(1) if layer.last else steps.transpose(1, 2)


def sample_places(layer: Any, w: Any, x: Any, grid: Any) -> Any:
    options = {"padding_mode": layer.outside, "align_corners": layer.align_corners}
    return torch.nn.functional.grid_sample(x, grid, **options)


def put_back(layer: Any, w: Any, x: Any, pooled: Any) -> Any:
    """torch's unpooling by torch's places."""
    kernel, stride, padding = layer.kernel, layer.stride or layer.kernel, [before for before, _after in layer.padding]
    rank = pooled.ndim - 2
    options = [values * rank if len(values) == 1 else values for values in map(list, (kernel, stride, padding))]
    pool, unpool = getattr(F, f"max_pool{rank}d"), getattr(F, f"max_unpool{rank}d")
    how = {"dilation": layer.dilation[0], "ceil_mode": layer.rounding == "ceil"}
    _values, places = pool(pooled, *options, **how, return_indices=True)
    return unpool(x, places, *options, output_size=pooled.shape[2:])


def simple(function: Any) -> Translation:
    return lambda layer, w, *xs: function(*xs)


def sloped(function: Any, default: float) -> Translation:
    return lambda layer, w, x: function(x, default if layer.alpha is None else layer.alpha)


# A kind's translation, and how many layers of it are compared at least.
TRANSLATIONS: dict[str, tuple[Translation, int]] = {
    "conv": (conv, 60),
    "depthwise": (conv, 8),
    "transposed_conv": (transposed_conv, 10),
    "maxpool": (maxpool, 20),
    "avgpool": (avgpool, 12),
    "lppool": (lppool, 3),
    "subsample": (subsample, 3),
    "global_avgpool": (simple(lambda x: x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)), 3),
    "global_maxpool": (simple(lambda x: x.amax(dim=tuple(range(2, x.ndim)), keepdim=True)), 2),
    "adaptive_avgpool": (adaptive("adaptive_avg_pool"), 3),
    "adaptive_maxpool": (adaptive("adaptive_max_pool"), 3),
    "dense": (
        lambda layer, w, x: F.linear(x.movedim(1, -1), dense_weight(w, layer.table, x.shape[1]), w.get("bias")).movedim(
            -1, 1
        ),
        5,
    ),
    "attention": (attention, 1),
    "cross_attention": (cross_attention, 1),
    "dot_product_attention": (lambda layer, w, q, k, v, *added: F.scaled_dot_product_attention(q, k, v, *added), 2),
    "matmul": (simple(torch.matmul), 2),
    "resample": (resample, 7),
    "max_unpool": (put_back, 8),
    "grid_sample": (sample_places, 3),
    "reduce_sum": (lambda layer, w, x: x.sum(over(layer, x), keepdim=True), 2),
    "reduce_mean": (lambda layer, w, x: x.mean(over(layer, x), keepdim=True), 2),
    "reduce_max": (lambda layer, w, x: x.amax(over(layer, x), keepdim=True), 2),
    "reduce_min": (lambda layer, w, x: x.amin(over(layer, x), keepdim=True), 2),
    "reduce_norm": (lambda layer, w, x: torch.linalg.vector_norm(x, layer.order, over(layer, x), keepdim=True), 3),
    "roll": (lambda layer, w, x: x.roll(layer.shift, of_axis(layer, x)), 2),
    "tile": (lambda layer, w, x: torch.cat([x] * layer.times, of_axis(layer, x)), 2),
    "take": (lambda layer, w, x: x.index_select(of_axis(layer, x), torch.tensor(layer.indices)), 2),
    "concat": (lambda layer, w, *xs: torch.cat(xs, of_axis(layer, xs[0])), 3),
    "subtract": (simple(lambda a, *others: a - sum(others)), 1),
    "divide": (simple(lambda a, *others: a / torch.stack(others).prod(0)), 1),
    "log_sigmoid": (simple(F.logsigmoid), 1),
    "tanhshrink": (simple(F.tanhshrink), 1),
    "softshrink": (sloped(F.softshrink, 0.5), 2),
    "hardshrink": (sloped(F.hardshrink, 0.5), 2),
    "hardtanh": (lambda layer, w, x: F.hardtanh(x, *layer.bounds()), 2),
    "clamp": (lambda layer, w, x: x.clamp(layer.low, layer.high), 2),
    "round": (lambda layer, w, x: {"nearest": x.round, "floor": x.floor, "ceil": x.ceil}[layer.to](), 3),
    "rbf": (lambda layer, w, x: torch.cdist(x, w["centres"]) ** 2, 2),
    "flatten": (simple(lambda x: x.flatten(1)), 2),
    "batchnorm": (batchnorm, 5),
    "layernorm": (layernorm, 6),
    "rmsnorm": (rmsnorm, 8),
    "groupnorm": (groupnorm, 4),
    "instancenorm": (instancenorm, 3),
    "lrn": (lrn, 6),
    "sigmoid": (simple(torch.sigmoid), 2),
    "hard_sigmoid": (simple(F.hardsigmoid), 2),
    "tanh": (simple(torch.tanh), 2),
    "relu": (simple(F.relu), 2),
    "relu6": (simple(F.relu6), 2),
    "leaky_relu": (sloped(F.leaky_relu, 0.01), 4),
    "prelu": (lambda layer, w, x: F.prelu(x, w["slope"]), 3),
    "elu": (sloped(F.elu, 1.0), 2),
    "selu": (simple(F.selu), 2),
    "celu": (sloped(F.celu, 1.0), 2),
    "gelu": (lambda layer, w, x: F.gelu(x, approximate=layer.approximate), 3),
    "silu": (simple(F.silu), 2),
    "hard_swish": (simple(F.hardswish), 2),
    "mish": (simple(F.mish), 2),
    "softplus": (simple(F.softplus), 2),
    "softsign": (simple(F.softsign), 2),
    "softmax": (lambda layer, w, x: F.softmax(x, dim=of_axis(layer, x)), 3),
    "log_softmax": (lambda layer, w, x: F.log_softmax(x, dim=of_axis(layer, x)), 4),
    "glu": (simple(lambda x: F.glu(x, dim=1)), 2),
    "pad": (pad, 6),
    "upsample": (upsample, 8),
    "pixel_shuffle": (images(lambda x, layer: F.pixel_shuffle(x, layer.factor)), 1),
    "pixel_unshuffle": (images(lambda x, layer: F.pixel_unshuffle(x, layer.factor)), 1),
    "channel_shuffle": (images(lambda x, layer: F.channel_shuffle(x, layer.groups)), 1),
    "split": (lambda layer, w, x: x.chunk(layer.parts, dim=1)[layer.part], 3),
    "permute": (lambda layer, w, x: x.permute(0, *(1 + axis for axis in layer.order)), 2),
    "rnn": (recurrent, 4),
    "gru": (recurrent, 3),
    "lstm": (recurrent, 6),
}


@pytest.mark.parametrize("kind", TRANSLATIONS)
def test_a_layer_is_what_pytorch_computes(kind: str) -> None:
    translation, least = TRANSLATIONS[kind]
    compared = 0
    wrong = []
    for name, layer, shapes in layers(kind, ALL):
        graph = Graph(
            name=name,
            inputs={f"x{i}": shape for i, shape in enumerate(shapes)},
            nodes=(Node("layer", layer, tuple(range(len(shapes)))),),
            outputs=(len(shapes),),
            groups={},
        )
        random = np.random.default_rng(11)
        image = {key: random.standard_normal((2, *shape), dtype=np.float32) for key, shape in graph.inputs.items()}
        weights = reference.draw(graph, seed=2)
        tensors = {key.removeprefix("layer."): torch.from_numpy(values) for key, values in weights.items()}
        with torch.no_grad():
            theirs = translation(layer, tensors, *map(torch.from_numpy, image.values()))
        if theirs is None:
            continue
        compared += 1
        ours = reference.run(graph, image, weights)["layer"]
        largest = theirs.abs().max().item() or 1.0
        if ours.shape != theirs.shape or not np.abs(ours - theirs.numpy()).max() <= TOLERANCE * largest:
            wrong.append(name)
    assert wrong == []
    assert compared >= least
