"""Attention in ONNX, as exporters write it out and by its operator; what it computes is worked out with NumPy.

Source of the operator: onnx.ai/onnx/operators/onnx__Attention.html, set 23.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_bytes import Model

import cnncalc
from cnncalc import SpecError, analyze, load, reference

X = np.random.default_rng(7).standard_normal((1, 9, 8)).astype(np.float32)
HEADS = 2


def weight(rows: int, columns: int, first: int = 0) -> Any:
    """The values that `Model.weight` stores."""
    return np.array([0.01 * (i % 97) - 0.3 for i in range(rows * columns)]).reshape(rows, columns)


def in_heads(x: Any) -> Any:
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)


def attend(q: Any, k: Any, v: Any, added: Any = 0.0) -> Any:
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]) + added
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)) @ v


def joined(x: Any) -> Any:
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def projections(m: Model, *, apart: bool = True) -> Model:
    """q, k and v of the tokens x, by weights of their own; apart in heads."""
    m.weight("wq", 8, 8).weight("wk", 8, 8).weight("wv", 8, 8).whole("split", 1, 9, HEADS, 4)
    for name in "qkv":
        m.op("MatMul", f"x w{name}", f"{name}0" if apart else name)
        if apart:
            m.op("Reshape", f"{name}0 split", f"{name}1").op("Transpose", f"{name}1", name, perm=[0, 2, 1, 3])
    return m


def written_out(m: Model) -> Model:
    """As PyTorch's exporters write it: queries and keys scaled, keys turned."""
    projections(m).number("s", 4**-0.25).whole("join", 1, 9, 8)
    m.op("Transpose", "k", "kt", perm=[0, 1, 3, 2]).op("Mul", "q s", "qs").op("Mul", "kt s", "ks")
    m.op("MatMul", "qs ks", "scores").op("Softmax", "scores", "p", axis=-1).op("MatMul", "p v", "o")
    return m.op("Transpose", "o", "t", perm=[0, 2, 1, 3]).op("Reshape", "t join", "y")


def with_heads_as_samples(m: Model) -> Model:
    """Heads and samples in one axis, the sequence in front of them."""
    m.weight("wq", 8, 8).weight("wk", 8, 8).weight("wv", 8, 8).whole("split", 9, HEADS, 4).number("s", 0.5)
    m.whole("join", 9, 1, 8).op("Transpose", "x", "first", perm=[1, 0, 2])
    for name in "qkv":
        m.op("MatMul", f"first w{name}", f"{name}0").op("Reshape", f"{name}0 split", f"{name}1")
        m.op("Transpose", f"{name}1", name, perm=[1, 0, 2])
    m.op("Transpose", "k", "kt", perm=[0, 2, 1]).op("MatMul", "q kt", "scores").op("Mul", "scores s", "scaled")
    m.op("Softmax", "scaled", "p", axis=-1).op("MatMul", "p v", "o").op("Transpose", "o", "t", perm=[1, 0, 2])
    return m.op("Reshape", "t join", "z").op("Transpose", "z", "y", perm=[1, 0, 2])


def plain(x: Any) -> tuple[Any, Any, Any]:
    return x @ weight(8, 8), x @ weight(8, 8), x @ weight(8, 8)


def expected(x: Any) -> Any:
    return joined(attend(*(in_heads(part) for part in plain(x))))


# name: (the model, what comes out, parameters, MACs)
MODELS: dict[str, tuple[Callable[[Model], Model], Callable[[Any], Any], int, int]] = {
    "written out": (written_out, expected, 192, 9 * 192 + 2 * 81 * 8),
    "heads as samples": (with_heads_as_samples, expected, 192, 9 * 192 + 2 * 81 * 8),
    "the operator, heads apart": (
        lambda m: projections(m).whole("join", 1, 9, 8).op("Attention", "q k v", "o")
        .op("Transpose", "o", "t", perm=[0, 2, 1, 3]).op("Reshape", "t join", "y"),
        expected, 192, 9 * 192 + 2 * 81 * 8,
    ),
    "the operator, heads in one axis": (
        lambda m: projections(m, apart=False).op("Attention", "q k v", "y", q_num_heads=HEADS, kv_num_heads=HEADS),
        expected, 192, 9 * 192 + 2 * 81 * 8,
    ),
    "the operator, with trained numbers added": (
        lambda m: projections(m, apart=False).weight("bias", 9, 9)
        .op("Attention", "q k v bias", "y", q_num_heads=HEADS, kv_num_heads=HEADS, scale=0.5),
        lambda x: joined(attend(*(in_heads(part) for part in plain(x)), weight(9, 9))),
        192 + 81, 9 * 192 + 2 * 81 * 8,
    ),
    "a class token in front": (
        lambda m: m.weight("c", 1, 1, 8).weight("w", 8, 3).op("Concat", "c x", "j", axis=1).op("MatMul", "j w", "y"),
        lambda x: np.concatenate([weight(1, 8)[None], x], 1) @ weight(8, 3),
        8 + 24, 10 * 24,
    ),
    "weights in front": (
        lambda m: m.weight("w", 5, 9).op("MatMul", "w x", "y"), lambda x: weight(5, 9) @ x, 45, 8 * 45,
    ),
    "a product of tokens": (
        lambda m: m.op("Transpose", "x", "t", perm=[0, 2, 1]).op("MatMul", "x t", "y"),
        lambda x: x @ x.swapaxes(1, 2), 0, 81 * 8,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_attention_is_read_as_what_it_computes(name: str, tmp_path: Path) -> None:
    build, compute, params, macs = MODELS[name]
    path = build(Model(*X.shape, opset=23)).save(tmp_path)
    graph = load(path)
    totals = analyze(graph).totals
    assert (totals.params, totals.macs) == (params, macs)
    assert totals.left_out == {}
    image = X if graph.inputs["input"] == X.shape[1:] else X.swapaxes(1, 2)
    ours = list(reference.run(graph, image, cnncalc.weights_of(path)).values())[graph.outputs[0]]
    theirs = compute(X.astype(np.float64))[0]
    assert any(
        np.allclose(each.reshape(theirs.shape), theirs, atol=1e-4) for each in (ours[0], np.moveaxis(ours[0], 0, -1))
    )


def operator(inputs: str = "q k v", **options: Any) -> Callable[[Model], Model]:
    def build(m: Model) -> Model:
        projections(m).weight("kk", 8, 4).op("Relu", "k", "past").constant("mask", 1.0, 9, 9)
        return m.op("Attention", inputs, "o", **options).op("Relu", "o", "y")

    return build


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (operator(is_causal=1), "the attribute is_causal is 1"),
        (operator(scale=0.25), "the attribute scale is 0.25"),
        (operator(softcap=2.0), "the attribute softcap is 2.0"),
        (operator("q k v - past past"), "its input 5 is not read"),
        (operator("q k v mask"), "its input attn_mask is not read"),
        (operator(domain="com.microsoft"), "the operator of com.microsoft is another one"),
    ],
)
def test_attention_that_is_another_is_refused_by_the_name_of_it(
    build: Callable[[Model], Model], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        load(build(Model(*X.shape, opset=23)).save(tmp_path))
    assert reason in str(caught.value)


def test_trained_numbers_that_stand_at_several_places_are_counted_once(tmp_path: Path) -> None:
    """A table of positions that is looked up, (4, 8), for nine tokens: 32 numbers, not 72."""
    model = Model(*X.shape, opset=17).weight("t", 4, 8).whole("i", 0, 1, 2, 3, 0, 1, 2, 3, 0)
    path = model.op("Gather", "t i", "p", axis=0).op("Add", "x p", "y").save(tmp_path)
    graph = load(path)
    assert analyze(graph).totals.params == 32
    with pytest.raises(cnncalc.CnncalcError, match="which of its numbers stands at which place is not known"):
        reference.run(graph, None, cnncalc.weights_of(path))


def test_numbers_for_every_sample_are_no_weights_of_a_layer(tmp_path: Path) -> None:
    model = Model(2, 9, 8, opset=17).weight("c", 2, 1, 8).op("Concat", "c x", "y", axis=1)
    with pytest.raises(SpecError, match="this Concat is not read here"):
        load(model.save(tmp_path))
