"""Operators of ONNX one by one, with what they compute: the reference runs what was read, NumPy is what the operator's
page at onnx.ai/onnx/operators says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_bytes import Model

import cnncalc
from cnncalc import SpecError, load, reference

Build = Callable[[Model], Model]
X = np.random.default_rng(5).uniform(0.5, 2, (1, 4, 6, 5)).astype(np.float32)


def softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


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
    graph = load(build(Model(*X.shape, opset=17)).save(tmp_path))
    assert " ".join(node.layer.kind for node in graph.nodes) == kinds
    found = list(reference.run(graph, X, {}).values())[-1]
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
