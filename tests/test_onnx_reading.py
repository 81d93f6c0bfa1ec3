"""Models of ONNX read as graphs: the ways in which exporters write what people mean, and files that are none."""

from __future__ import annotations

import os
import pickle
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import commands
import numpy as np
import pytest
from onnx_bytes import Model, described, part, tensor, varint, whole

import cnncalc
from cnncalc import CnncalcError, SpecError, analyze, load, reference

Build = Callable[[Model], Model]

# What exporters write: (shape that enters with its samples, the operators, what must come out of it)
PATTERNS: dict[str, tuple[tuple[int, ...], Build, str]] = {
    "a convolution with its bias added behind": (
        (1, 3, 8, 8),
        lambda m: m.weight("w", 4, 3, 3, 3).weight("b", 1, 4, 1, 1).op("Conv", "x w", "c").op("Add", "c b", "y"),
        "conv 4x6x6 112",
    ),
    "as many groups as channels are depthwise": (
        (1, 6, 8, 8),
        lambda m: m.weight("w", 12, 1, 3, 3).op("Conv", "x w", "y", group=6, pads=[1, 1, 1, 1]),
        "depthwise 12x8x8 108",
    ),
    "padding that is the same above": (
        (1, 3, 8, 8),
        lambda m: m.weight("w", 4, 3, 3, 3).op("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2]),
        "conv 4x4x4 108",
    ),
    "padding that is the same below": (
        (1, 3, 8, 8),
        lambda m: m.weight("w", 4, 3, 3, 3).op("Conv", "x w", "y", auto_pad="SAME_LOWER", strides=[2, 2]),
        "conv 4x4x4 108",
    ),
    "a matrix product and an addition": (
        (1, 10),
        lambda m: m.weight("w", 10, 4).weight("b", 4).op("MatMul", "x w", "m").op("Add", "b m", "y"),
        "dense 4 44",
    ),
    "a matrix product at every place, channels last": (
        (1, 8, 5, 5),
        lambda m: (
            m.weight("w", 8, 16)
            .op("Transpose", "x", "t", perm=[0, 2, 3, 1])
            .op("MatMul", "t w", "m")
            .op("Transpose", "m", "y", perm=[0, 3, 1, 2])
        ),
        "conv 16x5x5 128",
    ),
    "layer normalisation channels last": (
        (1, 8, 5, 5),
        lambda m: (
            m.weight("w", 8)
            .weight("b", 8)
            .op("Transpose", "x", "t", perm=[0, 2, 3, 1])
            .op("LayerNormalization", "t w b", "n", axis=-1)
            .op("Transpose", "n", "y", perm=[0, 3, 1, 2])
        ),
        "layernorm 8x5x5 16",
    ),
    "a shape that is computed": (
        (1, 8, 5, 5),
        lambda m: (
            m.whole("zero", 0, dims=[])
            .whole("rest", -1)
            .weight("w", 3, 200)
            .op("Shape", "x", "s")
            .op("Gather", "s zero", "n", axis=0)
            .op("Unsqueeze", "n axis", "u")
            .whole("axis", 0)
            .op("Concat", "u rest", "dims", axis=0)
            .op("Reshape", "x dims", "f")
            .op("Gemm", "f w", "y", transB=1)
        ),
        "flatten 200 0, dense 3 600",
    ),
    "channels shuffled by a Reshape and a Transpose": (
        (1, 6, 5, 5),
        lambda m: (
            m.whole("apart", 1, 2, 3, 5, 5)
            .whole("together", 1, -1, 5, 5)
            .op("Reshape", "x apart", "a")
            .op("Transpose", "a", "t", perm=[0, 2, 1, 3, 4])
            .op("Reshape", "t together", "s")
            .op("Relu", "s", "r")
            .weight("w", 2, 6, 1, 1)
            .op("Conv", "r w", "y")
        ),
        "relu 6x5x5 0, channel_shuffle 6x5x5 0, conv 2x5x5 12",
    ),
    "DepthToSpace by depth first": (
        (1, 12, 5, 5),
        lambda m: m.op("DepthToSpace", "x", "y", blocksize=2),
        "channel_shuffle 12x5x5 0, pixel_shuffle 3x10x10 0",
    ),
    "SpaceToDepth": (
        (1, 3, 6, 6),
        lambda m: m.op("SpaceToDepth", "x", "y", blocksize=2),
        "pixel_unshuffle 12x3x3 0, channel_shuffle 12x3x3 0",
    ),
    "SiLU as a product": ((1, 4, 3), lambda m: m.op("Sigmoid", "x", "s").op("Mul", "x s", "y"), "silu 4x3 0"),
    "hard swish in pieces": (
        (1, 4, 3),
        lambda m: (
            m.number("three", 3)
            .number("zero", 0)
            .number("six", 6)
            .op("Add", "x three", "a")
            .op("Clip", "a zero six", "c")
            .op("Mul", "x c", "p")
            .op("Div", "p six", "y")
        ),
        "hard_swish 4x3 0",
    ),
    "hard sigmoid in pieces": (
        (1, 4, 3),
        lambda m: (
            m.number("three", 3)
            .number("zero", 0)
            .number("six", 6)
            .op("Add", "x three", "a")
            .op("Clip", "a zero six", "c")
            .op("Div", "c six", "y")
        ),
        "hard_sigmoid 4x3 0",
    ),
    "GELU in pieces": (
        (1, 4, 3),
        lambda m: (
            m.number("root", 2**0.5)
            .number("one", 1)
            .number("half", 0.5)
            .op("Div", "x root", "d")
            .op("Erf", "d", "e")
            .op("Add", "e one", "a")
            .op("Mul", "x a", "p")
            .op("Mul", "p half", "y")
        ),
        "gelu 4x3 0",
    ),
    "Mish in pieces": (
        (1, 4, 3),
        lambda m: m.op("Softplus", "x", "s").op("Tanh", "s", "t").op("Mul", "x t", "y"),
        "mish 4x3 0",
    ),
    "ReLU6 as a Clip": (
        (1, 4, 3),
        lambda m: m.number("zero", 0).number("six", 6).op("Clip", "x zero six", "y"),
        "relu6 4x3 0",
    ),
    "ReLU6 as a minimum and a maximum": (
        (1, 4, 3),
        lambda m: m.number("zero", 0).number("six", 6).op("Max", "x zero", "m").op("Min", "m six", "y"),
        "relu6 4x3 0",
    ),
    "layer normalisation in pieces": (
        (1, 4, 3, 8),
        lambda m: (
            m.number("two", 2)
            .number("small", 1e-6)
            .op("ReduceMean", "x", "m", axes=[1])
            .op("Sub", "x m", "d")
            .op("Pow", "d two", "p")
            .op("ReduceMean", "p", "v", axes=[1])
            .op("Add", "v small", "a")
            .op("Sqrt", "a", "r")
            .op("Div", "d r", "y")
        ),
        "layernorm 4x3x8 0",
    ),
    "squeeze and excitation": (
        (1, 8, 5, 5),
        lambda m: (
            m.weight("a", 2, 8, 1, 1)
            .weight("b", 8, 2, 1, 1)
            .op("GlobalAveragePool", "x", "g")
            .op("Conv", "g a", "c")
            .op("Relu", "c", "r")
            .op("Conv", "r b", "d")
            .op("Sigmoid", "d", "s")
            .op("Mul", "s x", "y")
        ),
        "global_avgpool 8x1x1 0, conv 2x1x1 16, relu 2x1x1 0, conv 8x1x1 16, sigmoid 8x1x1 0, multiply 8x5x5 0",
    ),
    "means over all places": (
        (1, 8, 5, 5),
        lambda m: m.op("ReduceMean", "x", "y", axes=[2, 3], keepdims=0),
        "global_avgpool 8x1x1 0",
    ),
    "a mean over one axis": (
        (1, 8, 5, 7),
        lambda m: m.op("ReduceMean", "x", "y", axes=[3]),
        "avgpool 8x5x1 0",
    ),
    "padding before a pooling": (
        (1, 3, 8, 8),
        lambda m: (
            m.whole("p", 0, 0, 1, 1, 0, 0, 1, 1).op("Pad", "x p", "a").op("MaxPool", "a", "y", kernel_shape=[3, 3])
        ),
        "pad 3x10x10 0, maxpool 3x8x8 0",
    ),
    "a window keeps its last place": (
        (1, 3, 8, 8),
        lambda m: m.op("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        "maxpool 3x4x4 0",
    ),
    "group normalisation through an instance's": (
        (1, 8, 5, 5),
        lambda m: (
            m.whole("groups", 0, 2, -1)
            .weight("ones", 2, fill=1)
            .weight("zeros", 2, fill=0)
            .weight("g", 8, 1, 1)
            .weight("b", 8, 1, 1)
            .op("Shape", "x", "s")
            .op("Reshape", "x groups", "r")
            .op("InstanceNormalization", "r ones zeros", "n")
            .op("Reshape", "n s", "back")
            .op("Mul", "back g", "m")
            .op("Add", "m b", "y")
        ),
        "groupnorm 8x5x5 16",
    ),
    "a scale for each channel": (
        (1, 8, 5, 5),
        lambda m: m.weight("g", 8, 1, 1).op("Mul", "g x", "y"),
        "scale 8x5x5 8",
    ),
    "an image brought to a mean of 0": (
        (1, 3, 5, 5),
        lambda m: m.weight("m", 3, 1, 1).weight("s", 1, 3, 1, 1).op("Sub", "x m", "a").op("Div", "a s", "y"),
        "batchnorm 3x5x5 0",
    ),
    "a rescaling": (
        (1, 3, 5, 5),
        lambda m: m.number("a", 0.5).number("b", -1).op("Mul", "x a", "p").op("Add", "p b", "y"),
        "rescale 3x5x5 0",
    ),
    "parts of the channels": (
        (1, 6, 5, 5),
        lambda m: m.op("Split", "x", "a b", axis=1).op("Relu", "b", "r").op("Concat", "r a", "y", axis=1),
        "split 3x5x5 0, split 3x5x5 0, relu 3x5x5 0, concat 6x5x5 0",
    ),
    "the middle of a map": (
        (1, 6, 5, 5),
        lambda m: m.whole("a", 1, 1).whole("b", -1, 4).whole("c", 2, 3).op("Slice", "x a b c", "y"),
        "crop 6x3x3 0",
    ),
    "twice as large": (
        (1, 6, 5, 5),
        lambda m: m.whole("s", 1, 6, 10, 10).op("Resize", "x - - s", "y", mode="nearest"),
        "upsample 6x10x10 0",
    ),
    "what does nothing": (
        (1, 6, 5, 5),
        lambda m: m.op("Identity", "x", "a").op("Cast", "a", "b", to=1).op("Relu", "b", "y"),
        "relu 6x5x5 0",
    ),
    "a fixed batch of four in a Reshape": (
        (4, 6, 5, 5),
        lambda m: m.whole("s", 4, -1).weight("w", 2, 150).op("Reshape", "x s", "r").op("Gemm", "r w", "y", transB=1),
        "flatten 150 0, dense 2 300",
    ),
    "a function of the model's own": (
        (1, 6, 5, 5),
        lambda m: m.op("Twice", "x", "y", domain="own"),
        "relu 6x5x5 0, sigmoid 6x5x5 0",
    ),
    "an operator set of long ago": (
        (1, 6, 5, 5),
        lambda m: (
            m.weight("w", 2, 6, 1, 1).weight("b", 2).op("Conv", "x w", "c").op("Add", "c b", "y", broadcast=1, axis=1)
        ),
        "conv 2x5x5 14",
    ),
}


def with_function(model: Model) -> Model:
    body = part(7, model.node("Relu", "a", "m")) + part(7, model.node("Sigmoid", "m", "b"))
    model.functions = part(25, part(1, "Twice") + part(4, "a") + part(5, "b") + part(10, "own") + body)
    return model


@pytest.mark.parametrize("name", PATTERNS)
def test_what_exporters_write_is_read_as_what_people_mean(name: str, tmp_path: Path) -> None:
    dims, build, expected = PATTERNS[name]
    path = with_function(build(Model(*dims))).save(tmp_path)
    report = analyze(load(path, allow_unknown="None" in expected))
    found = [f"{row.kind} {'x'.join(map(str, row.output))} {row.params}" for row in report]
    assert ", ".join(found) == expected


@pytest.mark.parametrize(("attribute", "counted"), [({}, False), ({"count_include_pad": 1}, True)])
def test_a_mean_counts_its_padding_where_the_model_says_so(
    attribute: dict[str, int], counted: bool, tmp_path: Path
) -> None:
    """Of ONNX the default is not to (AveragePool, count_include_pad), of a spec it is."""
    model = Model(1, 1, 4, 4).op(
        "AveragePool", "x", "y", kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4, **attribute
    )
    corner = reference.run(load(model.save(tmp_path)), np.ones((1, 4, 4)))["y"][0, 0, 0]
    assert corner == (4 / 9 if counted else 1)


@pytest.mark.parametrize(("automatic", "first"), [("SAME_UPPER", 1), ("SAME_LOWER", 2)])
def test_same_padding_of_a_transposed_convolution(automatic: str, first: int, tmp_path: Path) -> None:
    """The size is that of the input times the stride; what is cut off beyond an even share is cut off at the end
    (SAME_UPPER) or at the beginning (ConvTranspose in the operators of ONNX)."""
    model = Model(1, 1, 3, 3).weight("w", 1, 1, 5, 5)
    model.op("ConvTranspose", "x w", "y", auto_pad=automatic, strides=[2, 2])
    (row,) = analyze(load(model.save(tmp_path)))
    assert row.output == (1, 6, 6)
    graph = load(model.save(tmp_path))
    assert graph.nodes[0].layer.padding == ((first, 3 - first),) * 2  # type: ignore[attr-defined]


def test_an_image_with_its_channels_last_is_a_map_with_them_first(tmp_path: Path) -> None:
    """As tf2onnx writes a model of Keras."""
    model = Model("N", 32, 32, 3).weight("w", 4, 3, 3, 3).weight("b", 4).whole("flat", -1, 900 * 4).weight("d", 3600, 2)
    model.op("Transpose", "x", "t", perm=[0, 3, 1, 2]).op("Conv", "t w b", "c").op("Relu", "c", "r")
    model.op("Transpose", "r", "u", perm=[0, 2, 3, 1]).op("Reshape", "u flat", "f").op("MatMul", "f d", "y")
    report = analyze(model.save(tmp_path))
    assert report.inputs == {"input": (3, 32, 32)}
    assert [(row.kind, row.output) for row in report] == [
        ("conv", (4, 30, 30)), ("relu", (4, 30, 30)), ("flatten", (3600,)), ("dense", (2,)),
    ]  # fmt: skip
    assert report["conv1" if "conv1" in report else report.layers[0].name].receptive_field == (3, 3)


def test_a_layer_that_is_used_twice_stores_its_weights_once(tmp_path: Path) -> None:
    model = Model(1, 6, 5, 5).weight("w", 6, 6, 1, 1).op("Conv", "x w", "a").op("Conv", "a w", "y")
    report = analyze(model.save(tmp_path))
    assert (report.totals.params, report.totals.macs) == (36, 2 * 36 * 25)
    assert report.layers[1].weights_of == report.layers[0].name


def test_equal_vectors_of_a_fresh_network_are_not_one_layer_twice(tmp_path: Path) -> None:
    model = Model(1, 6, 5, 5).weight("one", 6, fill=1).weight("zero", 6, fill=0)
    for a, b in (("x", "a"), ("a", "y")):
        model.op("BatchNormalization", f"{a} one zero zero one", b)
    model.after = model.after.replace(b"zero", b"beta").replace(b"one", b"w.w")
    model.graph = model.graph.replace(b"zero", b"beta").replace(b"one", b"w.w")
    assert analyze(model.save(tmp_path)).totals.params == 24


# --- files that take for ever, or break the rules


def chain(length: int) -> Model:
    model = Model(1, 3, 4, 4)
    for i in range(length):
        reads, gives = "x" if i == 0 else f"v{i - 1}", "y" if i == length - 1 else f"v{i}"
        model.op("Relu", reads, gives, name=f"node_{i}")
    return model


def test_a_long_chain_of_operators_without_names_takes_time_in_proportion(tmp_path: Path) -> None:
    path = chain(5_000).save(tmp_path)
    before = time.process_time()
    graph = load(path)
    assert time.process_time() - before < 4  # numbering each from 1 takes ten times as long
    assert [graph.nodes[0].name, graph.nodes[-1].name] == ["relu1", "relu5000"]


def test_many_inputs_and_one_weight_of_many_layers_take_time_in_proportion(tmp_path: Path) -> None:
    many = Model(1, 3, 4, 4)
    many.graph = b"".join(part(11, described(f"i{k}", (1, 3))) for k in range(10_000))
    many.op("Sum", " ".join(f"i{k}" for k in range(10_000)), "y")
    shared = Model(1, 4).weight("w", 4, 4)
    for i in range(5_000):
        shared.op("Gemm", f"{f'v{i - 1}' if i else 'x'} w", "y" if i == 4_999 else f"v{i}", name=f"Gemm_{i}")
    before = time.process_time()
    assert analyze(many.save(tmp_path)).totals.flops == 3 * 9_999
    assert analyze(shared.save(tmp_path)).totals.params == 16
    assert time.process_time() - before < 12


def test_functions_that_stand_for_too_many_operators_are_counted_not_taken_apart(tmp_path: Path) -> None:
    """Each of 40 functions calls the next one twice: 2^40 operators in a few lines."""
    model = Model(1, 3).op("f0", "x", "y", domain="own")
    for i in range(40):
        inner = "Relu" if i == 39 else f"f{i + 1}"
        domain = {} if i == 39 else {"domain": "own"}
        body = part(7, model.node(inner, "a", "b", **domain)) + part(7, model.node(inner, "b", "c", **domain))
        model.functions += part(25, part(1, f"f{i}") + part(4, "a") + part(5, "c") + body + part(10, "own"))
    with pytest.raises(SpecError, match="more than 1,000,000 operations"):
        load(model.save(tmp_path))


def test_an_operator_that_breaks_its_rules_is_refused_at_its_place(tmp_path: Path) -> None:
    """Attributes of another type, inputs that are missing: nothing but a refusal, and --allow-unknown gets past it."""
    for operator, options in (
        ("Div", {}), ("Conv", {"group": "two"}), ("MaxPool", {}), ("Transpose", {"perm": [7, 8]}), ("Gemm", {}),
        ("LSTM", {}), ("Resize", {"mode": "nearest"}), ("Concat", {"axis": "q"}), ("Pad", {}), ("Clip", {"min": "a"}),
        ("BatchNormalization", {}), ("GroupNormalization", {}), ("LRN", {}),
    ):  # fmt: skip
        path = Model(1, 3, 8, 8).op(operator, "x", "y", name="odd", **options).save(tmp_path)
        with pytest.raises(SpecError, match="node 'odd'"):
            load(path)
        assert analyze(load(path, allow_unknown=True)).layers[-1].kind == operator


def test_a_number_of_eight_bytes_where_four_belong_is_no_model(tmp_path: Path) -> None:
    wrong = part(1, "alpha") + varint(2 << 3 | 1) + bytes(8)
    model = Model(1, 3)
    model.graph += part(1, part(1, "x") + part(2, "y") + part(4, "Elu") + part(5, wrong))
    with pytest.raises(SpecError, match="not a field of a model"):
        load(model.save(tmp_path))


def test_weights_in_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights.bin")
    outside = part(13, part(1, "location") + part(2, "weights.bin")) + b"\x70\x01"
    model = Model(1, 3).op("Gemm", "x w", "y")
    model.after += part(5, tensor("w", (3, 2), 1, None) + outside)
    path = model.save(tmp_path)
    with pytest.raises(CnncalcError, match="missing or no file"):
        dict(cnncalc.weights_of(path) or {})


# --- names


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("/layer1/layer1.0/conv1/Conv", "layer1/0/conv1"),
        ("/features/features.3/features.3.0/Conv", "features/3/0"),
        ("StatefulPartitionedCall/resnet50/conv1_conv/Conv2D", "resnet50/conv1_conv"),
        ("fc", "fc1"),
        ("node_Conv_12", "conv1"),
        ("", "y"),
    ],
)
def test_names_are_those_of_the_modules(written: str, read: str, tmp_path: Path) -> None:
    model = Model(1, 6, 5, 5).weight("w", 6, 6, 1, 1).op("Conv", "x w", "y", name=written)
    assert [row.name for row in analyze(model.save(tmp_path))] == [read]


# --- what cannot be read


def relu(*dims: int | str) -> Model:
    return Model(*dims).op("Relu", "x", "y")


def test_an_unknown_operator_is_named_with_its_place(tmp_path: Path) -> None:
    model = Model(1, 3, 8, 8).op("Foo", "x", "f", name="odd", domain="own").op("Relu", "f", "y")
    path = model.save(tmp_path)
    with pytest.raises(SpecError, match=r"node 'odd' \(Foo\): .*own\.Foo is not known.*3x8x8"):
        load(path)
    report = analyze(load(path, allow_unknown=True))
    assert [row.to_dict()["params"] for row in report] == [None, None]
    assert report.totals.left_out["macs"] == 2


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc(*arguments)


def test_the_command_ends_with_2_unless_unknown_operators_are_allowed(tmp_path: Path) -> None:
    path = Model(1, 3, 8, 8).op("Foo", "x", "f").op("Relu", "f", "y").save(tmp_path)
    refused, allowed = run(path), run(path, "--allow-unknown")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Foo" in refused.stderr
    assert "--allow-unknown" in refused.stderr
    assert allowed.returncode == 0
    assert "parameters  ? trained" in allowed.stdout
    assert "0 + ?" not in allowed.stdout
    assert "Traceback" not in refused.stderr


def test_an_operator_set_to_come_is_read_and_said(tmp_path: Path) -> None:
    report = analyze(Model(1, 3, opset=99).op("Relu", "x", "y").save(tmp_path))
    assert [row.kind for row in report] == ["relu"]
    assert report.to_dict()["remarks"] == ["operator set 99 is newer than 26, the last that is known here"]


def test_an_open_size_is_asked_for(tmp_path: Path) -> None:
    path = relu("N", 3, "h", "w").save(tmp_path)
    with pytest.raises(SpecError, match=r"input 'x': the model leaves its size open: Nx3xhxw\n.*--input 3x224x224"):
        load(path)
    assert load(path, input="3x20x30").shape(1) == (3, 20, 30)
    with pytest.raises(SpecError, match="not a shape"):
        load(path, input="3x20xq")
    with pytest.raises(SpecError, match="there is no input 'z'"):
        load(path, input={"z": "3x20x20"})


def test_parameters_cannot_be_set(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="--set"):
        load(relu(1, 3, 8, 8).save(tmp_path), set={"width": 3})


FILES: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("a.onnx", b"", "the file is empty"),
    "text": ("a.onnx", b"name: x\ninput: 3x4x4\n", "not an ONNX model"),
    "a pointer": ("a.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "half of a model": ("a.onnx", relu(1, 3, 8, 8).bytes()[:-9], "ends in the middle"),
    "no graph": ("a.onnx", whole(1, 8) + part(2, "me"), "holds no graph"),
    "a pickle": ("a.pt", pickle.dumps({"a": 1}), "pickle, which runs whatever is in it: it is never loaded"),
    "a pickle of another name": ("net.yaml", pickle.dumps({"a": 1}), "pickle"),
    "a checkpoint": ("a.pth", b"PK\x03\x04" + bytes(26) + b"archive/data.pkl", "checkpoint of PyTorch"),
    "HDF5": ("a.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
    "a model for phones": ("a.tflite", b"\x1c\x00\x00\x00TFL3", "TensorFlow Lite"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_model_is_said_to_be_none(name: str, tmp_path: Path) -> None:
    file, data, said = FILES[name]
    path = tmp_path / file
    path.write_bytes(data)
    done = run(str(path))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'sprung')!r}, 'w').close()",)

    for name in ("a.pt", "a.onnx", "a.pkl", "a.bin"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(CnncalcError):
            load(str(tmp_path / name))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("cut", range(0, 260, 7))
def test_a_model_that_ends_early_or_is_damaged_is_an_error_and_no_traceback(cut: int, tmp_path: Path) -> None:
    model = Model(1, 3, 8, 8).weight("w", 4, 3, 3, 3).op("Conv", "x w", "c", pads=[1, 1, 1, 1]).op("Relu", "c", "y")
    data = model.bytes()
    for damaged in (data[: cut % len(data)], data[:cut] + b"\xff" + data[cut + 1 :], data[:cut] + data[cut + 1 :]):
        path = tmp_path / "a.onnx"
        path.write_bytes(damaged)
        with suppress(CnncalcError):
            analyze(load(str(path), allow_unknown=True))


def test_functions_that_call_each_other_end(tmp_path: Path) -> None:
    model = Model(1, 3).op("f0", "x", "y", domain="own")
    for i in range(30):
        calls = [model.node(f"f{i + 1}", "a", "c", domain="own"), model.node(f"f{i + 1}", "c", "b", domain="own")]
        body = b"".join(part(7, call) for call in calls)
        model.functions += part(25, part(1, f"f{i}") + part(4, "a") + part(5, "b") + part(10, "own") + body)
    with pytest.raises(SpecError, match="more than 1,000 operations"):
        load(model.save(tmp_path), max_operations=1000)


def test_more_fields_than_a_model_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(whole(1, 8) + part(7, b"\x0a\x00" * 3000))
    with pytest.raises(SpecError, match="more than 1,000 operations"):
        load(str(path), max_operations=1000)


def test_weights_beside_the_model_are_not_looked_for_and_those_inside_not_read(tmp_path: Path) -> None:
    """A tensor of 4 TB, of which the file holds nothing; another whose file is missing."""
    model = Model(1, 3, 8, 8).op("Conv", "x w", "c").op("Conv", "c v", "y")
    model.after += part(5, tensor("w", (10**6, 3, 1, 1), 1, b""))
    beside = tensor("v", (2, 10**6, 1, 1), 1, None) + part(13, part(1, "location") + part(2, "gone.bin")) + whole(14, 1)
    model.after += part(5, beside)
    path = model.save(tmp_path)
    assert analyze(path).totals.params == 5 * 10**6
    weights = cnncalc.weights_of(path)
    assert weights is not None
    for name, said in zip(weights, ("does not hold as many values", "which is missing"), strict=True):
        with pytest.raises(CnncalcError, match=said):
            weights[name]


def test_weights_outside_the_models_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    folder = tmp_path / "models"
    folder.mkdir()
    for location in ("../secret.bin", str(tmp_path / "secret.bin")):
        model = Model(1, 3, 8, 8).op("Conv", "x w", "y")
        stored = tensor("w", (4, 3, 1, 1), 1, None) + part(13, part(1, "location") + part(2, location)) + whole(14, 1)
        model.after += part(5, stored)
        weights = cnncalc.weights_of(model.save(folder))
        assert weights is not None
        with pytest.raises(CnncalcError, match="outside the model's folder"):
            dict(weights)


def test_a_number_has_ten_bytes_at_most(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"\x08" + b"\xff" * 50)
    with pytest.raises(SpecError, match="not an ONNX model"):
        load(str(path))
    assert varint(300) == b"\xac\x02"


# --- what is computed


def test_the_models_weights_are_those_of_the_layers(tmp_path: Path) -> None:
    """Checked by hand: a 1x1 convolution by the matrix that the model holds, transposed."""
    model = Model(1, 3, 2, 2).weight("w", 3, 4).weight("b", 4).op("Transpose", "x", "t", perm=[0, 2, 3, 1])
    model.op("MatMul", "t w", "m").op("Add", "m b", "a").op("Transpose", "a", "y", perm=[0, 3, 1, 2])
    path = model.save(tmp_path)
    graph = load(path)
    image = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    w = np.array([0.01 * (i % 97) - 0.3 for i in range(12)]).reshape(3, 4)
    b = np.array([0.01 * i - 0.3 for i in range(4)])
    expected = np.einsum("chw,cf->fhw", image, w) + b[:, None, None]
    found = reference.run(graph, image, cnncalc.weights_of(path))
    np.testing.assert_allclose(found[graph.nodes[-1].name], expected, atol=1e-5)


def test_every_command_reads_a_model(tmp_path: Path) -> None:
    path = PATTERNS["squeeze and excitation"][1](Model(1, 8, 5, 5)).save(tmp_path)
    for arguments in (
        ["explain", path, "r", "output"],
        ["verify", path],
        ["compare", path, "lenet5"],
        ["diff", path, path],
        ["lock", path, "--file", str(tmp_path / "lock")],
        ["check", path, "params=32"],
        [path, "--format", "json", "--batch", "2"],
    ):
        done = run(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)


def test_an_input_that_no_operator_of_the_graph_itself_reads_may_have_a_shape(tmp_path: Path) -> None:
    """As those that the branches of an If read alone."""
    model = Model(1, 3, 8, 8).op("Relu", "x", "y")
    model.graph += part(11, described("inner", [1, "N"]))
    path = model.save(tmp_path)
    assert load(path, input={"x": "3x8x8", "inner": "5"}).inputs == {"input": (3, 8, 8)}
    with pytest.raises(SpecError, match="there is no input 'other'"):
        load(path, input={"x": "3x8x8", "other": "5"})
