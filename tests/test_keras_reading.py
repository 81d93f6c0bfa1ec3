"""Models of Keras by their JSON, without Keras. The configurations are ours, in the forms that Keras 2 and 3 write."""

from __future__ import annotations

import json
import time
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import cnncalc


def tensor(name: str, shape: list[int | None], node: int = 0) -> dict[str, Any]:
    config = {"shape": [None, *shape], "dtype": "float32", "keras_history": [name, node, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def layer(kind: str, name: str, *entering: Any, **config: Any) -> dict[str, Any]:
    """A layer of Keras 3 with one call; a list of tensors is one argument."""
    nodes = [{"args": list(entering), "kwargs": {}}] if entering else []
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }


def entry(shape: list[int | None], name: str = "input_layer") -> dict[str, Any]:
    return layer("InputLayer", name, batch_shape=[None, *shape])


def functional(layers: list[dict[str, Any]], ends: list[Any] | None = None, starts: list[Any] | None = None) -> Any:
    config = {
        "name": "net",
        "layers": layers,
        "input_layers": starts or [[layers[0]["name"], 0, 0]],
        "output_layers": ends or [[layers[-1]["name"], 0, 0]],
    }
    return {"module": "keras", "class_name": "Functional", "config": config, "registered_name": "Functional"}


def sequential(layers: list[dict[str, Any]], **more: Any) -> Any:
    return {
        "class_name": "Sequential",
        "config": {"name": "chain", "layers": layers, **more},
        "keras_version": "2.15.0",
    }


def flat(arguments: list[Any]) -> list[Any]:
    return arguments[0] if isinstance(arguments[0], list) else arguments


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Reads a configuration out of a file."""

    def loader(model: Any, **options: Any) -> cnncalc.Report:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(model), encoding="utf-8")
        return cnncalc.analyze(cnncalc.load(path, **options))

    return loader


def one(kind: str, shape: list[int | None], **config: Any) -> Any:
    return functional([entry(shape), layer(kind, "it", tensor("input_layer", shape), **config)])


# class, what enters (channels last), configuration; kinds, shapes (channels first), params, buffers, macs
SINGLE: list[tuple[str, list[int | None], dict[str, Any], list[str], list[tuple[int, ...]], int, int, int]] = [
    ("Conv2D", [9, 8, 3], {"filters": 4, "kernel_size": [3, 2], "strides": [2, 2], "padding": "same"},
     ["conv"], [(4, 5, 4)], 76, 0, 72 * 20),
    ("Conv2D", [9, 8, 3], {"filters": 4, "kernel_size": [3, 3], "use_bias": False, "activation": "relu"},
     ["conv", "relu"], [(4, 7, 6), (4, 7, 6)], 108, 0, 108 * 42),
    ("Conv1D", [10, 3], {"filters": 4, "kernel_size": [3], "padding": "causal", "dilation_rate": [2]},
     ["conv"], [(4, 10)], 40, 0, 360),
    ("Conv2D", [9, 8, 4], {"filters": 8, "kernel_size": [3, 3], "groups": 4},
     ["depthwise"], [(8, 7, 6)], 80, 0, 72 * 42),
    ("Conv2D", [4, 9, 8], {"filters": 6, "kernel_size": [3, 3], "groups": 2, "data_format": "channels_first"},
     ["conv"], [(6, 7, 6)], 114, 0, 108 * 42),
    ("DepthwiseConv2D", [9, 8, 3], {"kernel_size": [3, 3], "depth_multiplier": 2},
     ["depthwise"], [(6, 7, 6)], 60, 0, 54 * 42),
    ("SeparableConv2D", [9, 8, 3], {"filters": 5, "kernel_size": [3, 3], "activation": "swish"},
     ["depthwise", "conv", "silu"], [(3, 7, 6), (5, 7, 6), (5, 7, 6)], 27 + 20, 0, (27 + 15) * 42),
    ("Conv2DTranspose", [5, 4, 3], {"filters": 2, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same"},
     ["transposed_conv"], [(2, 10, 8)], 56, 0, 54 * 20),
    ("Conv2DTranspose", [5, 4, 3], {"filters": 2, "kernel_size": [2, 2], "strides": [3, 3]},
     ["transposed_conv"], [(2, 15, 12)], 26, 0, 24 * 20),
    ("Dense", [7], {"units": 4, "activation": "softmax"}, ["dense", "softmax"], [(4,), (4,)], 32, 0, 28),
    ("Dense", [9, 7], {"units": 4}, ["conv"], [(4, 9)], 32, 0, 28 * 9),
    ("BatchNormalization", [9, 8, 3], {"axis": 3, "scale": False}, ["batchnorm"], [(3, 9, 8)], 3, 6, 0),
    ("BatchNormalization", [9, 8, 3], {"center": False, "scale": False}, ["batchnorm"], [(3, 9, 8)], 0, 6, 0),
    ("LayerNormalization", [9, 8, 3], {"axis": -1}, ["layernorm"], [(3, 9, 8)], 6, 0, 0),
    ("GroupNormalization", [9, 8, 6], {"groups": 3}, ["groupnorm"], [(6, 9, 8)], 12, 0, 0),
    ("RMSNormalization", [9, 8, 6], {"axis": -1}, ["rmsnorm"], [(6, 9, 8)], 6, 0, 0),
    ("Normalization", [9, 8, 3], {"axis": [-1]}, ["batchnorm"], [(3, 9, 8)], 0, 6, 0),
    ("Normalization", [9, 8, 3], {"axis": [-1], "mean": [1.0, 2.0, 3.0], "variance": [4.0, 4.0, 4.0]},
     ["rescale"], [(3, 9, 8)], 0, 0, 0),
    ("Rescaling", [9, 8, 3], {"scale": 0.00392156862745098}, ["rescale"], [(3, 9, 8)], 0, 0, 0),
    ("MaxPooling2D", [9, 8, 3], {"pool_size": [2, 2], "strides": [2, 2], "padding": "same"},
     ["maxpool"], [(3, 5, 4)], 0, 0, 0),
    ("AveragePooling1D", [9, 3], {"pool_size": [3]}, ["avgpool"], [(3, 3)], 0, 0, 0),
    ("GlobalAveragePooling2D", [9, 8, 3], {"keepdims": False},
     ["global_avgpool", "flatten"], [(3, 1, 1), (3,)], 0, 0, 0),
    ("GlobalMaxPooling2D", [9, 8, 3], {"keepdims": True}, ["global_maxpool"], [(3, 1, 1)], 0, 0, 0),
    ("ZeroPadding2D", [9, 8, 3], {"padding": [[0, 1], [2, 3]]}, ["pad"], [(3, 10, 13)], 0, 0, 0),
    ("Cropping2D", [9, 8, 3], {"cropping": [[0, 1], [2, 3]]}, ["crop"], [(3, 8, 3)], 0, 0, 0),
    ("UpSampling2D", [9, 8, 3], {"size": [2, 3], "interpolation": "bilinear"}, ["upsample"], [(3, 18, 24)], 0, 0, 0),
    ("ReLU", [9, 8, 3], {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}, ["relu6"], [(3, 9, 8)], 0, 0, 0),
    ("LeakyReLU", [7], {"alpha": 0.2}, ["leaky_relu"], [(7,)], 0, 0, 0),
    ("PReLU", [9, 8, 3], {"shared_axes": [1, 2]}, ["prelu"], [(3, 9, 8)], 3, 0, 0),
    ("Activation", [7], {"activation": "hard_sigmoid"}, ["hard_sigmoid"], [(7,)], 0, 0, 0),
    ("Reshape", [6], {"target_shape": [1, 1, 6]}, ["reshape"], [(6, 1, 1)], 0, 0, 0),
    ("Flatten", [9, 8, 3], {}, ["flatten"], [(216,)], 0, 0, 0),
    ("Dropout", [7], {"rate": 0.3}, ["dropout"], [(7,)], 0, 0, 0),
    ("LSTM", [20, 5], {"units": 4, "return_sequences": True}, ["lstm"], [(4, 20)], 4 * 40, 0, 20 * 144),
    ("GRU", [20, 5], {"units": 4, "reset_after": True}, ["gru"], [(4,)], 3 * 44, 0, 20 * 108),
]  # fmt: skip


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: f"{case[0]} {sorted(case[2].items())}"[:70])
def test_a_layer_is_the_kinds_that_it_is(load: Any, case: Any) -> None:
    kind, shape, config, kinds, shapes, params, buffers, macs = case
    report = load(one(kind, shape, **config))
    assert [row.kind for row in report] == kinds
    assert [row.output for row in report] == shapes
    totals = report.totals
    assert (totals.params, totals.buffers, totals.macs) == (params, buffers, macs)


def test_keras_2_and_3_say_the_same(load: Any) -> None:
    three = functional(
        [
            entry([8, 8, 3]),
            layer("Conv2D", "a", tensor("input_layer", [8, 8, 3]), filters=4, kernel_size=[3, 3], padding="same"),
            layer("Conv2D", "b", tensor("a", [8, 8, 4]), filters=4, kernel_size=[3, 3], padding="same"),
            layer("Add", "total", [tensor("a", [8, 8, 4]), tensor("b", [8, 8, 4])]),
            layer("Flatten", "flat", tensor("total", [8, 8, 4])),
            layer("Dense", "out", tensor("flat", [256]), units=10),
        ]
    )
    two = json.loads(json.dumps(three))
    for each in two["config"]["layers"]:
        each.pop("module")
        each["inbound_nodes"] = [
            [[t["config"]["keras_history"][0], 0, 0, {}] for t in flat(node["args"])] for node in each["inbound_nodes"]
        ]
    two["config"]["layers"][0]["config"] = {"name": "input_layer", "batch_input_shape": [None, 8, 8, 3]}
    two["class_name"] = "Model"
    reports = [load(model) for model in (three, two)]
    assert reports[0].to_json() == reports[1].to_json()
    assert [row.name for row in reports[0]] == ["a", "b", "total", "flat", "out"]
    assert reports[0].totals.params == 112 + 148 + 2570


def test_a_sequential_model_without_an_input_layer(load: Any) -> None:
    layers = [
        {
            "class_name": "Conv2D",
            "config": {"name": "c", "filters": 2, "kernel_size": [3, 3], "batch_input_shape": [None, 8, 8, 1]},
        },
        {"class_name": "MaxPooling2D", "config": {"name": "p", "pool_size": [2, 2]}},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Dense", "config": {"name": "d", "units": 3}},
    ]
    assert load(sequential(layers)).totals.params == 20 + 57
    del layers[0]["config"]["batch_input_shape"]
    assert load(sequential(layers, build_input_shape=[None, 8, 8, 1])).totals.params == 20 + 57
    assert load(sequential(layers), input="1x8x8").totals.params == 20 + 57
    with pytest.raises(cnncalc.SpecError, match="its shape is not known"):
        load(sequential(layers))


def test_an_input_that_is_asked_for(load: Any) -> None:
    model = one("Conv2D", [None, None, 3], filters=4, kernel_size=[3, 3])
    with pytest.raises(cnncalc.SpecError, match=r"its shape is not known: \?x\?x3"):
        load(model)
    assert [row.output for row in load(model, input="3x11x7")] == [(4, 9, 5)]
    with pytest.raises(cnncalc.SpecError, match="1x3x11x7 has 4 axes, the model's own has 3"):
        load(model, input="1x3x11x7")


def test_a_model_inside_a_model_used_twice_shares_its_weights(load: Any) -> None:
    tower = functional(
        [entry([9, 9, 3], "enter"), layer("Conv2D", "c", tensor("enter", [9, 9, 3]), filters=4, kernel_size=[3, 3])]
    )
    tower["name"] = tower["config"]["name"] = "tower"
    tower["inbound_nodes"] = [
        {"args": [tensor("a", [9, 9, 3])], "kwargs": {}},
        {"args": [tensor("b", [9, 9, 3])], "kwargs": {}},
    ]
    outputs = [tensor("tower", [7, 7, 4], 0), tensor("tower", [7, 7, 4], 1)]
    starts = [["a", 0, 0], ["b", 0, 0]]
    model = functional(
        [entry([9, 9, 3], "a"), entry([9, 9, 3], "b"), tower, layer("Concatenate", "both", outputs, axis=-1)],
        starts=starts,
    )
    report = load(model)
    assert report.totals.params == 112
    assert report.totals.macs == 2 * 108 * 49
    assert report["both"].output == (8, 7, 7)


def test_a_squeeze_and_excitation_block(load: Any) -> None:
    x, s = tensor("input_layer", [9, 7, 8]), [1, 1, 8]
    report = load(
        functional(
            [
                entry([9, 7, 8]),
                layer("GlobalAveragePooling2D", "squeeze", x),
                layer("Reshape", "shape", tensor("squeeze", [8]), target_shape=s),
                layer("Conv2D", "gate", tensor("shape", s), filters=8, kernel_size=[1, 1], activation="sigmoid"),
                layer("Multiply", "excite", [x, tensor("gate", s)]),
            ]
        )
    )
    assert [row.kind for row in report] == ["global_avgpool", "conv", "sigmoid", "multiply"]
    assert report["excite"].output == (8, 9, 7)


def test_an_operator_that_is_not_known_keeps_its_shape_if_keras_wrote_it(load: Any) -> None:
    model = functional(
        [
            entry([9, 8, 3]),
            layer("Lambda", "mystery", tensor("input_layer", [9, 8, 3]), function="print"),
            layer("Conv2D", "c", tensor("mystery", [9, 8, 5]), filters=2, kernel_size=[3, 3]),
        ]
    )
    with pytest.raises(cnncalc.SpecError, match=r"layer 'mystery' \(Lambda\): the operator Lambda is not known here"):
        load(model)
    report = load(model, allow_unknown=True)
    assert [row.output for row in report] == [(5, 9, 8), (2, 7, 6)]
    assert report["c"].params == 92
    assert report.totals.left_out["params"] == 1


def test_an_archive_is_read_without_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("config.json", json.dumps(one("Dense", [7], units=4)))
        archive.writestr("model.weights.h5", b"not looked at")
    assert cnncalc.analyze(cnncalc.load(path)).totals.params == 32
    renamed = tmp_path / "net.zip"
    path.rename(renamed)
    assert cnncalc.analyze(cnncalc.load(renamed)).totals.params == 32


def archive_of(path: Path, text: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", text)
    return path


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.keras", b"not an archive", "no archive of Keras 3"),
        ("b.keras", b"PK\x03\x04 but broken", "the archive is damaged"),
        ("c.json", b'{"class_name": "Functional", "config": ', "its configuration is not JSON"),
        ("d.json", b'{"class_name": "Functional", "config": 3}', "no list of layers"),
        ("e.json", b'{"class_name": "MyModel", "config": {}}', "a MyModel is no graph of layers"),
        (
            "f.json",
            b'{"class_name": "Sequential", "config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "nested too deep",
        ),
        ("g.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    ],
)
def test_files_that_are_no_models_are_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(cnncalc.SpecError, match=told):
        cnncalc.load(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "bomb.keras", b" " * 51_000_000)
    assert path.stat().st_size < 200_000
    with pytest.raises(cnncalc.SpecError, match="larger than 50 MB"):
        cnncalc.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"filters": "many"}, {"filters": None}, {"filters": -3}, {"filters": 10**30}, {"kernel_size": []},
        {"kernel_size": [3, 3, 3]}, {"strides": 0}, {"padding": "odd"}, {"groups": 0}, {"kernel_size": {"a": 1}},
        {"dilation_rate": "x"}, {"groups": 2},
        {"activation": {"class_name": "Own"}}, {"kernel_size": [50, 50]},
    ],
    ids=str,
)  # fmt: skip
def test_a_configuration_that_makes_no_sense_is_an_error_and_no_traceback(load: Any, change: dict[str, Any]) -> None:
    config = {"filters": 4, "kernel_size": [3, 3], **change}
    with pytest.raises(cnncalc.SpecError, match="layer 'it'"):
        load(one("Conv2D", [9, 8, 3], **config))


@pytest.mark.parametrize("history", [None, "a", ["a"], ["a", 0, {}], [["a"], 0, 0], {"a": 1}], ids=str)
def test_what_enters_a_layer_has_to_be_readable(load: Any, history: Any) -> None:
    model = one("Dense", [7], units=4)
    model["config"]["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = history
    with pytest.raises(cnncalc.SpecError, match=r"cannot be read|no layer gives"):
        load(model)


def test_a_loop_and_a_missing_layer_are_said(load: Any) -> None:
    looping = functional(
        [entry([7]), layer("Dense", "a", tensor("b", [4]), units=4), layer("Dense", "b", tensor("a", [4]), units=4)]
    )
    with pytest.raises(cnncalc.SpecError, match="'a': it reads what no layer gives, or itself"):
        load(looping)
    with pytest.raises(cnncalc.SpecError, match="an output of the model is missing: nowhere"):
        load(functional([entry([7]), layer("Dense", "a", tensor("input_layer", [7]), units=4)], [["nowhere", 0, 0]]))


def test_a_shape_that_differs_from_what_keras_wrote_is_said(load: Any) -> None:
    model = functional(
        [
            entry([9, 8, 3]),
            layer("Conv2D", "a", tensor("input_layer", [9, 8, 3]), filters=4, kernel_size=[3, 3]),
            layer("Flatten", "b", tensor("a", [9, 9, 9])),
        ]
    )
    with pytest.raises(cnncalc.SpecError, match="'a': 9x9x9 comes out in Keras, and 7x6x4 was worked out"):
        load(model)


def test_a_model_that_is_a_layer_is_found_under_the_number_that_keras_gives_its_call(load: Any) -> None:
    """Keras 3 counts the call with which a model was made, and does not list it."""
    inside = functional([entry([8, 8, 3], "x"), layer("Conv2D", "c", tensor("x", [8, 8, 3]), filters=4, kernel_size=3)])
    inner = {**inside, "name": "inner", "inbound_nodes": [{"args": [tensor("input_layer", [8, 8, 3])], "kwargs": {}}]}
    report = load(functional([entry([8, 8, 3]), inner], ends=[["inner", 1, 0]]))
    assert [(row.name, row.params) for row in report] == [("inner/c", 112)]


def test_layers_in_any_order_are_read_in_linear_time(load: Any) -> None:
    count = 3000
    names = ["input_layer", *(f"a{i}" for i in range(count))]
    layers = [
        layer("Activation", name, tensor(before, [4, 4, 3]), activation="relu") for before, name in pairwise(names)
    ]
    start = time.process_time()
    report = load(functional([entry([4, 4, 3]), *reversed(layers)], ends=[[names[-1], 0, 0]]))
    assert len(report) == count
    assert time.process_time() - start < 10  # a second; tens of them where each pass reads one layer


def test_what_is_frozen_in_keras_is_not_trained(load: Any) -> None:
    layers = [
        entry([8, 8, 3]),
        layer("Conv2D", "c", tensor("input_layer", [8, 8, 3]), filters=4, kernel_size=3, trainable=False),
        layer("BatchNormalization", "bn", tensor("c", [6, 6, 4])),
    ]
    report = load(functional(layers))
    assert [(row.params, row.trainable_params) for row in report] == [(112, 0), (8, 8)]


def test_a_configuration_of_brackets_alone_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{"class_name": "Functional", "config": [' + "[]," * 4_000_000 + "[]]}")
    with pytest.raises(cnncalc.SpecError, match="more than 4,000,000 parts"):
        cnncalc.load(str(path))


def test_an_archive_that_is_damaged_inside_is_said(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": []}}) * 50)
    data = bytearray(path.read_bytes())
    at = data.index(b"config.json") + len("config.json")
    data[at + 10 : at + 40] = b"\xff" * 30
    path.write_bytes(bytes(data))
    with pytest.raises(cnncalc.SpecError, match=r"cannot be read|damaged"):
        cnncalc.load(str(path))


def test_the_hard_sigmoid_of_keras_2_is_another_than_that_of_keras_3(load: Any) -> None:
    """clip(0.2 x + 0.5, 0, 1) in Keras 2, relu6(x + 3) / 6 in Keras 3: the functions of this name."""
    layers = [entry([4]), layer("Activation", "gate", tensor("input_layer", [4]), activation="hard_sigmoid")]
    assert [node.layer.kind for node in load(functional(layers)).graph.nodes] == ["hard_sigmoid"]
    for old in (
        {**functional(layers), "keras_version": "2.15.0"},
        json.loads(json.dumps(functional(layers)).replace('"module": "keras.layers", ', "")),
    ):
        line, bound = (node.layer for node in load(old).graph.nodes)
        assert (line.kind, line.factor, line.offset) == ("rescale", 0.2, 0.5)
        assert (bound.kind, bound.low, bound.high) == ("clamp", 0, 1)


def test_the_version_of_keras_is_read_from_the_archive(tmp_path: Path) -> None:
    layers = [entry([4]), layer("Dense", "gate", tensor("input_layer", [4]), units=2, activation="hard_sigmoid")]
    for version, kinds in (("2.13.1", ["dense", "rescale", "clamp"]), ("3.3.0", ["dense", "hard_sigmoid"])):
        path = tmp_path / f"{version[0]}.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": version}))
            archive.writestr("config.json", json.dumps(functional(layers)))
        assert [node.layer.kind for node in cnncalc.load(str(path)).nodes] == kinds
