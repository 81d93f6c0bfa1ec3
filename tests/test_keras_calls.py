"""Calls of Keras: what nobody reads is refused by its name; attention, operators of keras.ops, layers at each step.

Configurations are ours, in the forms that Keras 3.15 writes. Parameters and MACs are counted by hand beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_keras_reading import SINGLE, entry, functional, layer, one, tensor

import cnncalc
from cnncalc import SpecError, reference


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    def reader(model: Any, **options: Any) -> Any:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(model), encoding="utf-8")
        return cnncalc.load(path, **options)

    return reader


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: f"{case[0]}-{case[4]}")
def test_a_setting_that_nobody_reads_is_refused_by_its_name(case: Any, read: Any) -> None:
    word, shape, config, *_expected = case
    with pytest.raises(SpecError, match=f"this {word} is not read here: to_come is 3"):
        read(one(word, shape, **config, to_come=3))


@pytest.mark.parametrize(
    ("word", "config", "reason"),
    [
        ("BatchNormalization", {"renorm": True}, "renorm is True"),
        ("Resizing", {"height": 8, "width": 8, "antialias": True}, "antialias is True"),
        ("Resizing", {"height": 8, "width": 8, "fill_mode": "reflect"}, "fill_mode is reflect"),
        ("Bidirectional", {"layer": {"class_name": "LSTM", "config": {"units": 3, "time_major": True}}}, "time_major"),
        ("TimeDistributed", {"layer": {"class_name": "Dense", "config": {"units": 3, "to_come": 2}}}, "to_come is 2"),
    ],
)
def test_settings_that_are_not_usual_are_refused_those_inside_others_too(
    word: str, config: Any, reason: str, read: Any
) -> None:
    shape = [4, 3] if "layer" in config else [4, 4, 3]
    with pytest.raises(SpecError, match=f"this {word} is not read here: {reason}"):
        read(one(word, shape, **config))


def called(word: str, args: list[Any], kwargs: Any = None, shapes: Any = ((9, 8),), **config: Any) -> Any:
    """A model of one call; "a" and "b" among its arguments are what enters."""
    names = "ab"[: len(shapes)]
    entering = {name: tensor(name, list(shape)) for name, shape in zip(names, shapes, strict=True)}

    def put(value: Any) -> Any:
        return [put(each) for each in value] if isinstance(value, list) else entering.get(str(value), value)

    made = layer(word, "it", **config)
    made["inbound_nodes"] = [{"args": put(args), "kwargs": {k: put([v])[0] for k, v in (kwargs or {}).items()}}]
    starts = [[name, 0, 0] for name in names]
    return functional([*(entry(list(s), n) for n, s in zip(names, shapes, strict=True)), made], starts=starts)


HEADS = {"num_heads": 2, "key_dim": 4, "attention_axes": [1], "dropout": 0.1}
TWO = ((9, 8), (7, 6))


@pytest.mark.parametrize(
    ("args", "kwargs", "shapes", "config", "params", "macs"),
    [
        (["a", "a"], {}, TWO[:1], {}, 4 * (64 + 8), 9 * 4 * 64 + 2 * 81 * 8),
        ([], {"query": "a", "value": "a", "key": "a"}, TWO[:1], {}, 288, 3600),
        (["a", "a"], {}, ((3, 5, 8),), {"attention_axes": [1, 2]}, 288, 15 * 256 + 2 * 225 * 8),
        (["a", "a"], {}, TWO[:1], {"use_bias": False, "value_dim": 3, "output_shape": 5}, 64 * 2 + 48 + 30,
         9 * 206 + 81 * 14),
        (["a", "b"], {}, TWO, {}, 72 + 56 + 56 + 72, 9 * 128 + 7 * 96 + 2 * 63 * 8),
        (["a", "b", "b"], {"training": False}, TWO, {}, 256, 2832),
    ],
)  # fmt: skip
def test_attention_of_several_heads(
    args: Any, kwargs: Any, shapes: Any, config: Any, params: int, macs: int, read: Any
) -> None:
    totals = cnncalc.analyze(read(called("MultiHeadAttention", args, kwargs, shapes, **{**HEADS, **config}))).totals
    assert (totals.params, totals.macs) == (params, macs)


@pytest.mark.parametrize(
    ("args", "kwargs", "config", "reason"),
    [
        (["a", "a"], {"use_causal_mask": True}, {}, "use_causal_mask is True"),
        (["a", "a"], {"attention_mask": "b"}, {}, "its input 3 is not read"),
        (["a", "a"], {"return_attention_scores": True}, {}, "return_attention_scores is True"),
        (["a", "a"], {}, {"use_gate": True}, "use_gate is True"),
        (["a", "a"], {"training": True}, {}, "training is True"),
    ],
)
def test_attention_that_is_masked_or_gated_is_refused_by_the_name_of_it(
    args: Any, kwargs: Any, config: Any, reason: str, read: Any
) -> None:
    shapes = ((9, 8), (9, 9)) if "b" in kwargs.values() else ((9, 8),)
    with pytest.raises(SpecError, match=f"this MultiHeadAttention is not read here: {reason}"):
        read(called("MultiHeadAttention", args, kwargs, shapes, **{**HEADS, **config}))


def test_a_state_that_enters_a_recurrent_layer_is_not_lost(read: Any) -> None:
    model = called("GRU", ["a"], {"initial_state": "b"}, ((9, 8), (5,)), units=5)
    with pytest.raises(SpecError, match="this GRU is not read here: its input 2 is not read"):
        read(model)


WHOLE = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
SOME = {"class_name": "__slice__", "config": {"start": 1, "stop": 4, "step": None}}
EVERY = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": 2}}
DOTS = {"class_name": "__ellipsis__", "config": {}}
# class, arguments, settings, and what it computes, samples first and channels last
OPERATORS: list[tuple[str, list[Any], dict[str, Any], Callable[[Any], Any]]] = [
    ("Subtract", [1, "a"], {}, lambda a: 1 - a),
    ("Subtract", ["a", 1], {}, lambda a: a - 1),
    ("TrueDivide", [2, "a"], {}, lambda a: 2 / a),
    ("TrueDivide", ["a", 4], {}, lambda a: a / 4),
    ("Power", ["a", 2], {}, lambda a: a**2),
    ("Power", ["a", 1.5], {}, lambda a: a**1.5),
    ("Maximum", ["a", 0.5], {}, lambda a: np.maximum(a, 0.5)),
    ("Minimum", ["a", 0.5], {}, lambda a: np.minimum(a, 0.5)),
    ("Negative", ["a"], {}, lambda a: -a),
    ("Sqrt", ["a"], {}, np.sqrt),
    ("Floor", ["a"], {}, np.floor),
    ("Clip", ["a"], {"x_min": 0.25, "x_max": 0.75}, lambda a: a.clip(0.25, 0.75)),
    ("LeakyRelu", ["a"], {"negative_slope": 0.2}, lambda a: np.where(a > 0, a, 0.2 * a)),
    ("Mean", ["a"], {"axis": [1, 2], "keepdims": False}, lambda a: a.mean((1, 2))),
    ("Mean", ["a"], {"axis": 3, "keepdims": True}, lambda a: a.mean(3, keepdims=True)),
    ("Sum", ["a"], {"axis": -1, "keepdims": False}, lambda a: a.sum(-1)),
    ("Max", ["a"], {"axis": 1, "keepdims": False}, lambda a: a.max(1)),
    ("Reshape", ["a"], {"newshape": [-1, 6, 15]}, lambda a: a.reshape(1, 6, 15)),
    ("Transpose", ["a"], {"axes": [0, 2, 3, 1]}, lambda a: a.transpose(0, 2, 3, 1)),
    ("Stack", [["a", "a"]], {"axis": 2}, lambda a: np.stack([a, a], 2)),
    ("GetItem", ["a", [WHOLE, SOME, DOTS, 2]], {}, lambda a: a[:, 1:4, ..., 2]),
    ("GetItem", ["a", [WHOLE, -1]], {}, lambda a: a[:, -1]),
    ("GetItem", ["a", [WHOLE, WHOLE, EVERY]], {}, lambda a: a[:, :, ::2]),
    ("Flip", ["a"], {"axis": 1}, lambda a: a[:, ::-1]),
    ("Flip", ["a"], {"axis": [2, 3]}, lambda a: a[:, :, ::-1, ::-1]),
    ("Roll", ["a"], {"shift": 2, "axis": 1}, lambda a: np.roll(a, 2, 1)),
    ("Greater", ["a", "a"], {}, lambda a: a > a),
    ("GreaterEqual", ["a", "a"], {}, lambda a: a >= a),
    ("NotEqual", ["a", "a"], {}, lambda a: a != a),
    ("Where", ["a", "a", "a"], {}, lambda a: a * a + (1 - a) * a),
    ("RMSNormalization", ["a"], {"axis": -1, "epsilon": 0.001},
     lambda a: a / np.sqrt((a * a).mean(-1, keepdims=True) + 0.001)),
    ("UnitNormalization", ["a"], {"axis": -1}, lambda a: a / np.sqrt((a * a).sum(-1, keepdims=True))),
    ("UnitNormalization", ["a"], {"axis": 1}, lambda a: a / np.sqrt((a * a).sum(1, keepdims=True))),
    ("LayerNormalization", ["a"], {"axis": [1, 2, 3], "center": False, "scale": False},
     lambda a: (a - a.mean()) / np.sqrt(a.var() + 0.001)),
    ("Activation", ["a"], {"activation": "exponential"}, np.exp),
    ("Activation", ["a"], {"activation": "hard_tanh"}, lambda a: a.clip(-1, 1)),
    ("Activation", ["a"], {"activation": "tanh_shrink"}, lambda a: a - np.tanh(a)),
    ("Resizing", ["a"], {"height": 10, "width": 6, "interpolation": "nearest"}, lambda a: a.repeat(2, 1)),
]  # fmt: skip


@pytest.mark.parametrize("case", OPERATORS, ids=lambda case: f"{case[0]}{case[2] or case[1]}"[:40])
def test_an_operator_of_keras_is_read_as_what_it_computes(case: Any, read: Any) -> None:
    word, args, config, compute = case
    graph = read(called(word, args, shapes=((5, 6, 3),), **config))
    image = np.random.default_rng(2).uniform(0.2, 2.0, (5, 6, 3)).astype(np.float32)
    weights = {name: np.ones(weight.shape, np.float32) for name, weight in reference.Drawn(graph).weights.items()}
    values = list(reference.run(graph, np.moveaxis(image, -1, 0), weights).values())
    ours, theirs = values[graph.outputs[0]], compute(image[np.newaxis])[0]
    assert np.allclose(np.moveaxis(ours, 0, -1) if ours.ndim > 1 else ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("word", "args", "config", "reason"),
    [
        ("Mean", ["a"], {"axis": 0, "keepdims": False}, "it goes over the samples"),
        ("GetItem", ["a", 0], {}, "it takes a part of the samples"),
        ("Sqrt", ["a", 3], {}, "the numbers among its arguments are not read"),
        ("Mean", ["a"], {"axis": 1, "keepdims": False, "to_come": 1}, "to_come is 1"),
    ],
)
def test_a_use_of_an_operator_that_no_layer_is_is_refused(
    word: str, args: Any, config: Any, reason: str, read: Any
) -> None:
    with pytest.raises(SpecError, match=f"this {word} is not read here: {reason}"):
        read(called(word, args, shapes=((5, 6, 3),), **config))


def test_parts_are_results_of_their_own(read: Any) -> None:
    split = called("Split", ["a"], shapes=((9, 8),), indices_or_sections=2, axis=-1)
    split["config"]["output_layers"] = [["it", 0, 1]]
    graph = read(split)
    assert graph.shape(graph.outputs[0]) == (4, 9)


# A layer, what enters each step (channels last), and what comes out with its parameters and MACs of 5 steps.
STEPS: list[tuple[str, tuple[int, ...], dict[str, Any], tuple[int, ...], int, int]] = [
    ("Conv2D", (9, 8, 2), {"filters": 3, "kernel_size": [3, 2], "padding": "same"}, (3, 5, 9, 8), 39, 5 * 72 * 36),
    ("DepthwiseConv2D", (9, 8, 2), {"kernel_size": [3, 3], "strides": [2, 2]}, (2, 5, 4, 3), 20, 5 * 12 * 18),
    ("SeparableConv1D", (9, 2), {"filters": 3, "kernel_size": [3]}, (3, 5, 7), 6 + 9, 5 * 7 * 12),
    ("MaxPooling2D", (9, 8, 2), {"pool_size": [2, 2], "strides": [2, 2]}, (2, 5, 4, 4), 0, 0),
    ("GlobalAveragePooling2D", (9, 8, 2), {}, (2, 5), 0, 0),
    ("Flatten", (3, 4, 2), {}, (24, 5), 0, 0),
    ("Reshape", (3, 4, 2), {"target_shape": [12, 2]}, (2, 5, 12), 0, 0),
    ("BatchNormalization", (3, 4, 2), {"axis": 3}, (2, 5, 3, 4), 4, 0),
    ("UpSampling2D", (3, 4, 2), {"size": [2, 2]}, (2, 5, 6, 8), 0, 0),
    ("ZeroPadding2D", (3, 4, 2), {"padding": [[1, 0], [0, 2]]}, (2, 5, 4, 6), 0, 0),
    ("Dense", (4,), {"units": 3}, (3, 5), 15, 60),
]


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case[0])
def test_a_layer_at_each_step_moves_along_no_step(case: Any, read: Any) -> None:
    word, shape, config, output, params, macs = case
    inner = {"class_name": word, "config": {"name": "inner", **config}}
    graph = read(one("TimeDistributed", [5, *shape], layer=inner))
    totals = cnncalc.analyze(graph).totals
    assert graph.shape(graph.outputs[0]) == output
    assert (totals.params, totals.macs) == (params, macs)


def test_a_model_at_each_step(read: Any) -> None:
    """Five images, each through the same convolution and pooling, then a recurrent layer over the steps."""
    image = [9, 8, 2]
    conv = layer("Conv2D", "c1", tensor("inner_input", image), filters=4, kernel_size=[3, 3], activation="relu")
    pool = layer("GlobalMaxPooling2D", "pool", tensor("c1", [7, 6, 4]))
    inner = functional([entry(image, "inner_input"), conv, pool])
    steps = layer("TimeDistributed", "each", tensor("input_layer", [5, *image]), layer=inner)
    last = layer("SimpleRNN", "last", tensor("each", [5, 4]), units=3)
    report = cnncalc.analyze(read(functional([entry([5, *image]), steps, last])))
    assert report.totals.params == 76 + (4 + 3 + 1) * 3
    assert report["each/c1"].macs == 5 * 42 * 72


def test_a_layer_that_mixes_steps_is_refused_inside(read: Any) -> None:
    inner = {"class_name": "LSTM", "config": {"name": "inner", "units": 3}}
    with pytest.raises(SpecError, match="it is a layer at each step"):
        read(one("TimeDistributed", [5, 4, 3], layer=inner))


def test_one_layer_asked_in_two_ways_has_its_weights_once_or_is_refused(read: Any) -> None:
    model = called("MultiHeadAttention", ["a", "a"], {}, ((9, 8), (9, 8)), **HEADS)
    [_a, _b, it] = model["config"]["layers"]
    it["inbound_nodes"].append({"args": [tensor("it", [9, 8]), tensor("it", [9, 8])], "kwargs": {}})
    model["config"]["output_layers"] = [["it", 1, 0]]
    assert cnncalc.analyze(read(model)).totals.params == 288
    it["inbound_nodes"][1]["args"][1] = tensor("b", [9, 8])
    with pytest.raises(SpecError, match="and its weights are the same"):
        read(model)


def test_the_scale_of_convnext_in_keras_is_one_number_for_each_channel(read: Any) -> None:
    scale = one("LayerScale", [3, 4, 6], init_values=1e-6, projection_dim=6)
    assert cnncalc.analyze(read(scale)).totals.params == 6
    with pytest.raises(SpecError, match="LayerScale"):
        read(one("LayerScale", [3, 4, 6], init_values=1e-6, projection_dim=3))


# Sequences of 5 steps with 3 values: a layer, its settings, parameters, MACs, and what comes out, channels first.
CELL = {"class_name": "GRUCell", "config": {"units": 4, "reset_after": False}}
RECURRENT: list[tuple[str, dict[str, Any], int, int, tuple[int, ...]]] = [
    ("RNN", {"cell": CELL}, 3 * (12 + 16 + 4), 5 * 84, (4,)),
    ("RNN", {"cell": CELL, "return_sequences": True}, 96, 420, (4, 5)),
    ("RNN", {"cell": {"class_name": "StackedRNNCells", "config": {"cells": [
        CELL, {"class_name": "SimpleRNNCell", "config": {"units": 2}}]}}}, 96 + 8 + 4 + 2, 420 + 5 * 12, (2,)),
    ("LSTM", {"units": 4, "go_backwards": True}, 4 * (12 + 16 + 4), 5 * 112, (4,)),
    ("Bidirectional", {"merge_mode": "sum", "layer": {"class_name": "SimpleRNN", "config": {
        "units": 4, "return_sequences": True}}}, 2 * (12 + 16 + 4), 5 * 56, (4, 5)),
    ("Bidirectional", {"merge_mode": "ave", "layer": {"class_name": "SimpleRNN", "config": {"units": 4}}}, 64, 280,
     (4,)),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [None, 7], "bias_axes": "d"}, 28, 105, (7, 5)),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [None, 2, 7], "bias_axes": None}, 42, 210, (7, 5, 2)),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 7, "bias_axes": "y"}, 28, 105, (7, 5)),
    ("LayerNormalization", {"center": False}, 3, 0, (3, 5)),
    ("LayerNormalization", {"axis": [1, 2]}, 30, 0, (3, 5)),
]  # fmt: skip


@pytest.mark.parametrize("case", RECURRENT, ids=lambda case: f"{case[0]}{sorted(case[1])[0]}")
def test_layers_of_sequences(case: Any, read: Any) -> None:
    word, config, params, macs, output = case
    if word == "EinsumDense" and isinstance(config["output_shape"], int):
        config = {**config, "output_shape": [config["output_shape"]]}
    graph = read(one(word, [5, 3], **config))
    totals = cnncalc.analyze(graph).totals
    assert (totals.params, totals.macs, graph.shape(graph.outputs[0])) == (params, macs, output)


def test_a_layer_that_reads_backwards_reads_the_steps_from_the_last(read: Any) -> None:
    graph = read(one("SimpleRNN", [5, 3], units=4, go_backwards=True))
    there = read(one("SimpleRNN", [5, 3], units=4))
    x = np.random.default_rng(4).normal(size=(3, 5)).astype(np.float32)
    weights = reference.Drawn(there)
    drawn = {name: weights[name] for name in weights.weights}
    ours = list(reference.run(graph, x, drawn).values())[-1]
    assert np.allclose(ours, list(reference.run(there, x[:, ::-1], drawn).values())[-1], atol=1e-6)


@pytest.mark.parametrize("sequences", [True, False])
def test_a_layer_gives_its_last_state_too_and_the_cells_are_refused_where_they_are_used(
    sequences: bool, read: Any
) -> None:
    model = one("LSTM", [5, 3], units=4, return_state=True, return_sequences=sequences)
    name = model["config"]["layers"][-1]["config"]["name"]
    model["config"]["output_layers"] = [[name, 0, 0], [name, 0, 1]]
    graph = read(model)
    assert [graph.shape(value) for value in graph.outputs][-1] == (4,)
    model["config"]["output_layers"].append([name, 0, 2])
    with pytest.raises(SpecError, match="this LSTM is not read here: its result 3 is not read"):
        read(model)
    assert cnncalc.analyze(read(model, allow_unknown=True)).totals.params == 4 * (12 + 16 + 4)


def test_attention_and_products_of_two_sequences(read: Any) -> None:
    totals = cnncalc.analyze(read(called("Attention", [["a", "b"]], shapes=((9, 8), (7, 8))))).totals
    assert (totals.params, totals.macs) == (0, 2 * 9 * 7 * 8)
    graph = read(called("Dot", [["a", "b"]], shapes=((9, 8), (7, 8)), axes=2))
    assert (cnncalc.analyze(graph).totals.macs, graph.shape(graph.outputs[0])) == (9 * 7 * 8, (7, 9))
    graph = read(called("Dot", [["a", "b"]], shapes=((8,), (8,)), axes=1))
    assert graph.shape(graph.outputs[0]) == (1,)


def test_a_table_of_rows_and_a_vector_that_is_repeated(read: Any) -> None:
    graph = read(one("Embedding", [7], input_dim=50, output_dim=6, mask_zero=False))
    assert (cnncalc.analyze(graph).totals.params, graph.shape(graph.outputs[0])) == (300, (6, 7))
    with pytest.raises(SpecError, match="mask_zero is True"):
        read(one("Embedding", [7], input_dim=50, output_dim=6, mask_zero=True))
    graph = read(one("RepeatVector", [7], n=3))
    assert graph.shape(graph.outputs[0]) == (7, 3)


def test_layers_that_prepare_images_say_that_they_train(read: Any) -> None:
    """Keras 3.12 writes training=True beside them, which changes no count."""
    graph = read(called("Resizing", ["a"], {"training": True}, ((4, 6, 3),), height=8, width=12))
    assert graph.shape(graph.outputs[0]) == (3, 8, 12)
