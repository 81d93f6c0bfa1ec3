"""Operators of ONNX one by one, with what they compute: the reference runs what was read, NumPy is what the operator's
page at onnx.ai/onnx/operators says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_bytes import Model, described, part

import cnncalc
from cnncalc import SpecError, load, reference

Build = Callable[[Model], Model]
X = np.random.default_rng(5).uniform(0.5, 2, (1, 4, 6, 5)).astype(np.float32)
WEIGHT = (0.01 * (np.arange(120) % 97) - 0.3).reshape(4, 6, 5)  # what Model.weight stores


def softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def put_back(x: Any) -> Any:
    """tanh of the largest of every 2x2 elements where it stands, and zeros."""
    windows = x[..., :4].reshape(1, 4, 3, 2, 2, 2)
    kept = np.where(windows == windows.max((3, 5), keepdims=True), np.tanh(windows), 0)
    return np.pad(kept.reshape(1, 4, 6, 4), ((0, 0), (0, 0), (0, 0), (0, 1)))


TWO = {"kernel_shape": [2, 2], "strides": [2, 2]}
# operator: (the model, what comes out of it, the kinds that it is read as)
COMPUTED: dict[str, tuple[Build, Callable[[Any], Any], str]] = {
    "Abs": (lambda m: m.op("Neg", "x", "n").op("Abs", "n", "y"), lambda x: x, "negative abs"),
    "Sqrt": (lambda m: m.op("Sqrt", "x", "y"), np.sqrt, "sqrt"),
    "Exp, Log": (lambda m: m.op("Exp", "x", "e").op("Log", "e", "y"), lambda x: x, "exp log"),
    "Sin, Cos": (lambda m: m.op("Sin", "x", "s").op("Cos", "s", "y"), lambda x: np.cos(np.sin(x)), "sin cos"),
    "Floor": (lambda m: m.op("Floor", "x", "y"), np.floor, "round"),
    "Ceil": (lambda m: m.op("Ceil", "x", "y"), np.ceil, "round"),
    "Reciprocal": (lambda m: m.op("Reciprocal", "x", "y"), lambda x: 1 / x, "reciprocal"),
    "a number over x": (lambda m: m.number("n", 3).op("Div", "n x", "y"), lambda x: 3 / x, "reciprocal rescale"),
    "Pow": (lambda m: m.number("n", 1.5).op("Pow", "x n", "y"), lambda x: x**1.5, "power"),
    "a square": (lambda m: m.number("n", 2).op("Pow", "x n", "y"), lambda x: x * x, "square"),
    "Clip": (
        lambda m: m.number("a", 0.75).number("b", 1.25).op("Clip", "x a b", "y"),
        lambda x: x.clip(0.75, 1.25),
        "clamp",
    ),
    "Min with a number": (lambda m: m.number("a", 1).op("Min", "x a", "y"), lambda x: np.minimum(x, 1), "clamp"),
    "HardSigmoid of Keras": (
        lambda m: m.op("HardSigmoid", "x", "y", alpha=0.2, beta=0.5),
        lambda x: (0.2 * x + 0.5).clip(0, 1),
        "rescale clamp",
    ),
    "Gelu by tanh": (
        lambda m: m.op("Gelu", "x", "y", approximate="tanh"),
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        "gelu",
    ),
    "Sub of two maps": (
        lambda m: m.op("Sqrt", "x", "s").op("Sub", "x s", "y"), lambda x: x - np.sqrt(x), "sqrt subtract",
    ),
    "Div of two maps": (
        lambda m: m.op("Sqrt", "x", "s").op("Div", "s x", "y"), lambda x: np.sqrt(x) / x, "sqrt divide",
    ),
    "Softmax over the rows": (lambda m: m.op("Softmax", "x", "y", axis=2), lambda x: softmax(x, 2), "softmax"),
    "Softmax over a part of the channels": (
        lambda m: m.whole("s", 1, 2, 2, 6, 5).op("Reshape", "x s", "r").op("Softmax", "r", "y", axis=1),
        lambda x: softmax(x.reshape(1, 2, 2, 6, 5), 1),
        "reshape softmax",
    ),
    "a sum over a part of the channels": (
        lambda m: m.whole("s", 1, 2, 2, 6, 5).op("Reshape", "x s", "r").op("ReduceSum", "r", "y", axes=[1], keepdims=0),
        lambda x: x.reshape(1, 2, 2, 6, 5).sum(1),
        "reshape reduce_sum",
    ),
    "Concat along the columns": (
        lambda m: m.op("Sqrt", "x", "s").op("Concat", "x s", "y", axis=3),
        lambda x: np.concatenate([x, np.sqrt(x)], 3),
        "sqrt concat",
    ),
    "a mean over the channels": (
        lambda m: m.op("ReduceMean", "x", "y", axes=[1]), lambda x: x.mean(1, keepdims=True), "reduce_mean",
    ),
    "a sum over everything": (
        lambda m: m.op("ReduceSum", "x", "y", axes=[1, 2, 3], keepdims=0), lambda x: x.sum((1, 2, 3)), "reduce_sum",
    ),
    "a norm over the places": (
        lambda m: m.op("ReduceL2", "x", "y", axes=[2, 3]),
        lambda x: np.sqrt((x * x).sum((2, 3), keepdims=True)),
        "reduce_norm",
    ),
    "ReduceSumSquare": (
        lambda m: m.op("ReduceSumSquare", "x", "y", axes=[1]), lambda x: (x * x).sum(1, keepdims=True),
        "square reduce_sum",
    ),
    "Tile": (
        lambda m: m.whole("t", 1, 1, 2, 3).op("Tile", "x t", "y"), lambda x: np.tile(x, (1, 1, 2, 3)), "tile tile",
    ),
    "a blur by one filter for all channels": (
        lambda m: m.op("Expand", "f t", "w").whole("t", 4, 1, 2, 2).weight("f", 1, 1, 2, 2, fill=0.25)
        .op("Conv", "x w", "y", group=4),
        lambda x: (x[:, :, :-1, :-1] + x[:, :, 1:, :-1] + x[:, :, :-1, 1:] + x[:, :, 1:, 1:]) / 4,
        "blurpool",
    ),
    "Expand": (
        lambda m: m.whole("t", 1, 4, 6, 5).op("ReduceMean", "x", "m", axes=[3]).op("Expand", "m t", "y"),
        lambda x: np.broadcast_to(x.mean(3, keepdims=True), x.shape),
        "avgpool tile",
    ),
    "Resize to sizes of their own": (
        lambda m: m.whole("s", 1, 4, 9, 4).op("Resize", "x - - s", "y", coordinate_transformation_mode="asymmetric",
                                               nearest_mode="floor"),
        lambda x: x[:, :, np.arange(9) * 6 // 9][:, :, :, np.arange(4) * 5 // 4],
        "resample",
    ),
    "Resize that keeps the aspect, not larger": (
        lambda m: m.whole("s", 12, 20).op("Resize", "x - - s", "y", axes=[2, 3], nearest_mode="floor",
                                          coordinate_transformation_mode="asymmetric",
                                          keep_aspect_ratio_policy="not_larger"),
        lambda x: x.repeat(2, 2).repeat(2, 3),
        "upsample",
    ),
    "a Pad of the channels": (
        lambda m: m.whole("p", 0, 1, 2, 0, 0, 0, 0, 1).op("Pad", "x p", "y"),
        lambda x: np.pad(x, ((0, 0), (1, 0), (2, 0), (0, 1))),
        "reshape pad reshape",
    ),
    "a Pad of a vector": (
        lambda m: m.whole("s", 1, 120).whole("p", 0, 3, 0, 2).op("Reshape", "x s", "r")
        .op("Pad", "r p", "y", mode="reflect"),
        lambda x: np.pad(x.reshape(1, 120), ((0, 0), (3, 2)), mode="reflect"),
        "flatten reshape pad flatten",
    ),
    "a Pad of an axis that is put together": (
        lambda m: m.whole("s", 1, 4, 30).whole("p", 0, 0, 1, 0, 0, 1).op("Transpose", "x", "t", perm=[0, 2, 1, 3])
        .whole("s2", 1, 24, 5).op("Reshape", "t s2", "r").op("Pad", "r p", "y"),
        lambda x: np.pad(x.transpose(0, 2, 1, 3).reshape(1, 24, 5), ((0, 0), (0, 0), (1, 1))),
        "permute reshape reshape pad reshape",
    ),
    "MaxUnpool": (
        lambda m: m.op("MaxPool", "x", "v i", **TWO).op("Tanh", "v", "t").whole("s", 1, 4, 6, 5)
        .op("MaxUnpool", "t i s", "y", **TWO),
        put_back,
        "maxpool tanh max_unpool",
    ),
    "MaxUnpool by the places of a pooling that is written again": (
        lambda m: m.op("MaxPool", "x", "v", **TWO).op("Tanh", "v", "t").whole("s", 1, 4, 6, 5)
        .op("MaxPool", "x", "w i", **TWO).op("MaxUnpool", "t i s", "y", **TWO),
        put_back,
        "maxpool tanh max_unpool",
    ),
    "Where of two maps": (
        lambda m: m.op("Sqrt", "x", "s").op("Greater", "x s", "c").op("Where", "c x s", "y"),
        lambda x: np.where(x > np.sqrt(x), x, np.sqrt(x)),
        "sqrt greater rescale multiply multiply add",
    ),
    "Where of a map and a number": (
        lambda m: m.number("n", 1).number("z", 0.5).op("Less", "x n", "c").op("Where", "c z x", "y"),
        lambda x: np.where(x < 1, 0.5, x),
        "parameter less rescale rescale multiply add",
    ),
    "not less than a number": (
        lambda m: m.number("n", 1).op("GreaterOrEqual", "x n", "y"), lambda x: x >= 1, "parameter less rescale",
    ),
    "And, Or and Not": (
        lambda m: m.number("n", 1).op("Sqrt", "x", "s").op("Less", "n x", "a").op("Less", "x s", "b")
        .op("Or", "a b", "c").op("Not", "b", "d").op("And", "c d", "y"),
        lambda x: x > 1,
        "sqrt parameter less less maximum rescale multiply",
    ),
    "Max with what everything is greater than": (
        lambda m: m.number("n", float("-inf")).op("Max", "x n", "m").op("Relu", "m", "y"), lambda x: x, "relu",
    ),
    "Concat with numbers of the formula": (
        lambda m: m.constant("c", 0.5, 1, 2, 6, 5).weight("w", 1).op("Concat", "x c", "y", axis=1),
        lambda x: np.concatenate([x, np.full((1, 2, 6, 5), 0.5)], 1),
        "parameter concat",
    ),
    "Concat with nothing": (
        lambda m: m.whole("none", dims=[0]).op("Sqrt", "x", "s").op("Concat", "x none s", "y", axis=1),
        lambda x: np.concatenate([x, np.sqrt(x)], 1),
        "sqrt concat",
    ),
    "numbers that make a value larger": (
        lambda m: m.constant("c", 0.5, 1, 1, 6, 5).weight("w", 1).op("ReduceMax", "x", "m", axes=[2, 3])
        .op("Mul", "m c", "y"),
        lambda x: x.max((2, 3), keepdims=True) * np.full((1, 1, 6, 5), 0.5),
        "global_maxpool parameter multiply",
    ),
    "a sum over axes, where none would be all": (
        lambda m: m.whole("a", 1).op("ReduceSum", "x a", "y", noop_with_empty_axes=1),
        lambda x: x.sum(1, keepdims=True),
        "reduce_sum",
    ),
    "a count from a stored number": (
        lambda m: m.number("first", 0).number("last", 5).number("step", 1).weight("w", 1)
        .op("Range", "first last step", "r").op("Mul", "x r", "y"),
        lambda x: x * np.arange(5),
        "parameter multiply",
    ),
    "a constant in equal parts": (
        lambda m: m.whole("s", 4, 6, 1, 5).op("Split", "s", "a b").op("Concat", "b a", "c", axis=0)
        .op("Reshape", "x c", "y"),
        lambda x: x.reshape(1, 5, 4, 6),
        "reshape",
    ),
    "Swish with a slope of its own": (
        lambda m: m.op("Swish", "x", "y", alpha=0.5),
        lambda x: x / (1 + np.exp(-x / 2)),
        "rescale sigmoid multiply",
    ),
    "the logarithm of a sum": (
        lambda m: m.op("ReduceLogSum", "x", "y", axes=[1]),
        lambda x: np.log(x.sum(1, keepdims=True)),
        "reduce_sum log",
    ),
    "the logarithm of a sum of powers of e": (
        lambda m: m.op("ReduceLogSumExp", "x", "y", axes=[2], keepdims=0),
        lambda x: np.log(np.exp(x).sum(2)),
        "exp reduce_sum log",
    ),
    "a sum of absolute values over no axis": (
        lambda m: m.op("Neg", "x", "n").op("ReduceL1", "n", "y", noop_with_empty_axes=1), np.abs, "negative abs",
    ),
    "a root mean square over channels and places": (
        lambda m: m.weight("g", 4, 6, 5).op("RMSNormalization", "x g", "y", axis=1, epsilon=0.01),
        lambda x: x / np.sqrt((x**2).mean((1, 2, 3), keepdims=True) + 0.01) * WEIGHT,
        "rmsnorm",
    ),
    "a length of absolute values": (
        lambda m: m.op("LpNormalization", "x", "y", axis=2, p=1),
        lambda x: x / np.abs(x).sum(2, keepdims=True),
        "reduce_norm divide",
    ),
    "whole numbers that stand for decimals": (
        lambda m: m.number("s", 0.125).constant("z", 0, 1).op("QuantizeLinear", "x s", "q")
        .op("DequantizeLinear", "q s", "d").op("Relu", "d", "y"),
        lambda x: x,
        "relu",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_an_operator_is_read_as_what_it_computes(name: str, tmp_path: Path) -> None:
    build, compute, kinds = COMPUTED[name]
    path = build(Model(*X.shape, opset=17)).save(tmp_path)
    graph = load(path)
    assert " ".join(node.layer.kind for node in graph.nodes) == kinds
    found = list(reference.run(graph, X, cnncalc.weights_of(path)).values())[-1]
    expected = compute(X.astype(np.float64))
    assert np.allclose(found.reshape(expected.shape), expected, atol=1e-4)


REFUSED: dict[str, tuple[Build, str]] = {
    "a Resize that keeps the aspect in another way": (
        lambda m: m.whole("s", 12, 20).op("Resize", "x - - s", "y", axes=[2, 3], keep_aspect_ratio_policy="none"),
        "the attribute keep_aspect_ratio_policy is none",
    ),
    "a Conv with a padding that nobody knows": (
        lambda m: m.weight("w", 4, 4, 3, 3).op("Conv", "x w", "y", auto_pad="SAME"), "the attribute auto_pad is SAME",
    ),
    "a Gemm of a transposed map": (
        lambda m: m.weight("w", 6, 3).op("Gemm", "x w", "y", transA=1), "the attribute transA is 1",
    ),
    "a Pow by something trained": (
        lambda m: m.weight("g", 4, 1, 1).op("Pow", "x g", "y"), "its exponent is no single number of the formula",
    ),
    "a Pad in a mode to come": (
        lambda m: m.whole("p", 0, 0, 1, 1, 0, 0, 1, 1).op("Pad", "x p", "y", mode="mirror"),
        "the attribute mode is mirror",
    ),
    "a MaxUnpool to another size": (
        lambda m: m.op("MaxPool", "x", "v i", **TWO).op("MaxUnpool", "v i", "y", **TWO),
        "its output is not as large as the map that was pooled",
    ),
    "places that are numbers": (
        lambda m: m.op("MaxPool", "x", "v i", **TWO).op("Cast", "i", "c", to=1).op("Add", "c v", "y"),
        "the places of the largest elements, its second result, are used",
    ),
    "whole numbers of four bits": (
        lambda m: m.op("Relu", "x", "r").op("Cast", "r", "y", to=22), "it makes whole numbers of what is computed",
    ),
    "a Selu with constants of its own": (lambda m: m.op("Selu", "x", "y", alpha=2.0), "the attribute alpha is 2.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_use_that_no_layer_is_is_refused_with_its_attribute(name: str, tmp_path: Path) -> None:
    build, reason = REFUSED[name]
    path = build(Model(*X.shape, opset=18)).save(tmp_path)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert reason in str(caught.value)
    assert cnncalc.analyze(load(path, allow_unknown=True)).totals.left_out


def test_a_shape_with_its_channels_last_gets_a_hint(tmp_path: Path) -> None:
    path = Model("n", 3, "h", "w").weight("w", 4, 3, 3, 3).op("Conv", "x w", "y").save(tmp_path)
    with pytest.raises(SpecError, match="channels come first here: 3x24x20 instead of 24x20x3"):
        load(path, input="24x20x3")
    with pytest.raises(SpecError) as caught:
        load(path, input="5x24x20")
    assert "channels come first" not in str(caught.value)


def test_one_number_that_enters_stretches_to_every_element(tmp_path: Path) -> None:
    model = Model(*X.shape).op("Relu", "x", "r").op("Mul", "r s", "y")
    model.graph += part(11, described("s", []))
    graph = load(model.save(tmp_path))
    found = reference.run(graph, {"input": X, "s": np.full((1, 1), 3.0)})
    assert graph.shape(graph.outputs[0]) == X.shape[1:]
    assert np.allclose(list(found.values())[-1], 3 * X)
