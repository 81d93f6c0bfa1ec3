"""Models that a tool has quantised are read as the decimals that they stand for: kinds, counts and what they compute.

What each operator computes is on its page at onnx.ai/onnx/operators, or in ContribOperators.md of ONNX Runtime; the
chains are what ONNX Runtime 1.2x writes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_bytes import Model, part, tensor

import cnncalc
from cnncalc import SpecError, analyze, load, reference

X = np.random.default_rng(5).uniform(0.5, 2, (1, 4, 6, 5)).astype(np.float32)
MICROSOFT = "com.microsoft"
INT8, INT32 = 3, 6


def whole(m: Model, name: str, *dims: int, dtype: int = INT8) -> Model:
    """A stored tensor of whole numbers, all different."""
    values = (np.arange(np.prod(dims, dtype=int)) % 97 - 30).astype(np.int8 if dtype == INT8 else "<i4")
    m.after += part(5, tensor(name, dims, dtype, values.tobytes()))
    return m


def numbers(*dims: int, scale: float = 0.25, zero: int = -30) -> Any:
    """The decimals that `whole` stores, with the scale and the zero of `scaled`."""
    return ((np.arange(np.prod(dims)) % 97 - 30 - zero) * scale).reshape(dims)


def scaled(m: Model) -> Model:
    """The scale of weights, a quarter, their zero, -30, and those of values."""
    m.number("ws", 0.25).number("xs", 0.5).number("ys", 0.125)
    whole(m, "wz", 1)
    m.after += part(5, tensor("z", (), INT8, b"\0"))
    return m


def quantised(m: Model) -> Model:
    return scaled(m).op("QuantizeLinear", "x xs z", "q")


def dynamic(m: Model, operator: str, more: str = "", **options: Any) -> Model:
    """x is quantised by its own range, multiplied, and made decimal by both scales."""
    scaled(m).op("DynamicQuantizeLinear", "x", "q s qz").op("Mul", "s ws", "both")
    m.op(operator, "q w qz wz", "i", **options)
    if more:
        m.op("Div", f"{more} both", "b1").op("Floor", "b1", "b2").op("Cast", "b2", "b3", to=6)
        m.whole("shape", 1, -1, 1, 1).op("Reshape", "b3 shape", "b4").op("Add", "i b4", "j")
    return m.op("Cast", "j" if more else "i", "f", to=1).op("Mul", "f both", "y")


def convolve(x: Any, w: Any) -> Any:
    out = np.zeros((1, w.shape[0], x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1))
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            part_of_x = x[:, :, i : i + out.shape[2], j : j + out.shape[3]]
            out += np.einsum("nchw,oc->nohw", part_of_x, w[:, :, i, j])
    return out


# name: (the model, what comes out of it, kinds, parameters)
READ: dict[str, tuple[Callable[[Model], Model], Callable[[Any], Any], str, int]] = {
    "MatMulInteger": (
        lambda m: dynamic(whole(m, "w", 5, 3), "MatMulInteger"), lambda x: x @ numbers(5, 3), "conv reshape", 15,
    ),
    "ConvInteger": (
        lambda m: dynamic(whole(m, "w", 2, 4, 3, 3), "ConvInteger", kernel_shape=[3, 3]),
        lambda x: convolve(x, numbers(2, 4, 3, 3)), "conv", 72,
    ),
    "ConvInteger with a bias": (
        lambda m: dynamic(whole(m, "w", 2, 4, 3, 3).weight("b", 2), "ConvInteger", "b", kernel_shape=[3, 3]),
        lambda x: convolve(x, numbers(2, 4, 3, 3)) + np.array([-0.3, -0.29]).reshape(1, 2, 1, 1), "conv", 74,
    ),
    "QLinearAdd": (
        lambda m: quantised(m).op("Relu", "q", "r").op("QLinearAdd", "q xs z r xs z ys z", "y", domain=MICROSOFT),
        lambda x: 2 * x, "relu add", 0,
    ),
    "QLinearMul with stored numbers": (
        lambda m: whole(quantised(m), "w", 4, 1, 1).op("QLinearMul", "q xs z w ws wz ys z", "y", domain=MICROSOFT),
        lambda x: x * numbers(4, 1, 1), "scale", 4,
    ),
    "QLinearConcat": (
        lambda m: quantised(m).op("Relu", "q", "r").op("QLinearConcat", "ys z q xs z r xs z", "y", domain=MICROSOFT,
                                                       axis=1),
        lambda x: np.concatenate([x, x], 1), "relu concat", 0,
    ),
    "QLinearGlobalAveragePool": (
        lambda m: quantised(m).op("QLinearGlobalAveragePool", "q xs z ys z", "y", domain=MICROSOFT, channels_last=0),
        lambda x: x.mean((2, 3)), "global_avgpool", 0,
    ),
    "QLinearSigmoid": (
        lambda m: quantised(m).op("QLinearSigmoid", "q xs z ys z", "y", domain=MICROSOFT),
        lambda x: 1 / (1 + np.exp(-x)), "sigmoid", 0,
    ),
    "QGemm with a bias": (
        lambda m: whole(whole(quantised(m), "w", 120, 3), "b", 3, dtype=INT32).whole("s", 1, 120)
        .op("Reshape", "q s", "r").op("QGemm", "r xs z w ws wz b ys z", "y", domain=MICROSOFT),
        lambda x: x.reshape(1, 120) @ numbers(120, 3) + numbers(3, scale=0.125, zero=0), "flatten dense", 363,
    ),
    "QLinearMatMul": (
        lambda m: whole(quantised(m), "w", 5, 3).op("QLinearMatMul", "q xs z w ws wz ys z", "y"),
        lambda x: x @ numbers(5, 3), "conv reshape", 15,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_quantised_is_read_as_what_it_stands_for(name: str, tmp_path: Path) -> None:
    build, compute, kinds, params = READ[name]
    path = build(Model(*X.shape, opset=17)).save(tmp_path)
    graph = load(path)
    assert [node.layer.kind for node in graph.nodes if node.layer.kind not in ("permute", "reshape")] == [
        kind for kind in kinds.split() if kind != "reshape"
    ]
    report = analyze(graph)
    assert report.totals.params == params
    assert not [text for text in report.to_dict().get("remarks", []) if "left out" in text]
    found = list(reference.run(graph, X, cnncalc.weights_of(path)).values())[-1]
    expected = compute(X.astype(np.float64))
    assert np.allclose(np.sort(found.reshape(-1)), np.sort(expected.reshape(-1)), atol=1e-3)


def test_a_weight_that_two_products_use_is_counted_once(tmp_path: Path) -> None:
    m = whole(scaled(Model(1, 4, 6, 6)), "w", 6, 6)
    for i, (enters, leaves) in enumerate((("x", "m"), ("m", "y"))):
        m.op("DynamicQuantizeLinear", enters, f"q{i} s{i} z{i}").op("Mul", f"s{i} ws", f"both{i}")
        m.op("MatMulInteger", f"q{i} w z{i} wz", f"i{i}").op("Cast", f"i{i}", f"f{i}", to=1)
        m.op("Mul", f"f{i} both{i}", leaves)
    assert analyze(load(m.save(tmp_path))).totals.params == 36


REFUSED: dict[str, tuple[Callable[[Model], Model], str]] = {
    "a product that nothing makes decimal": (
        lambda m: whole(scaled(m), "w", 5, 3).op("DynamicQuantizeLinear", "x", "q s qz")
        .op("MatMulInteger", "q w qz wz", "y"),
        "DynamicQuantizeLinear is not known here",
    ),
    "a pooling with its channels last": (
        lambda m: quantised(m).op("QLinearGlobalAveragePool", "q xs z ys z", "y", domain=MICROSOFT, channels_last=1),
        "the attribute channels_last is 1",
    ),
    "an operator that is not read": (
        lambda m: quantised(m).op("QLinearReduceMean", "q xs z ys z", "y", domain=MICROSOFT),
        "com.microsoft.QLinearReduceMean is not known here",
    ),
    "a softmax of before": (
        lambda m: quantised(m).op("QLinearSoftmax", "q xs z ys z", "y", domain=MICROSOFT, opset=11),
        "the attribute opset is 11",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_form_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    build, reason = REFUSED[name]
    path = build(Model(*X.shape, opset=17)).save(tmp_path)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert reason in str(caught.value)
    assert analyze(load(path, allow_unknown=True)).totals.left_out
