"""Graphs made from the operators of other programs' models."""

from __future__ import annotations

import numpy as np
import pytest

from cnncalc import SpecError, analyze
from cnncalc.analysis import analyze_graph
from cnncalc.interop.builder import Builder
from cnncalc.interop.names import legal
from cnncalc.pages.network import render


def lenet() -> Builder:
    b = Builder("LeNet", "lenet.model")
    x = b.input("input", (1, 32, 32))
    x = b.add("C1", "conv", {"filters": 6, "kernel": 5}, [x])
    x = b.add("C1/tanh", "tanh", {}, [x])
    x = b.add("", "maxpool", {"kernel": (2, 2)}, [x])
    x = b.add("features.3", "conv", {"filters": 16, "kernel": 5, "bias": True}, [x])
    x = b.add("features.4", "relu", {}, [x])
    x = b.add("features.5", "maxpool", {"kernel": 2}, [x])
    x = b.add("fc", "dense", {"units": 10}, [x])
    b.output(x)
    return b


def test_a_graph_from_a_builder_is_that_of_the_spec() -> None:
    made = analyze(lenet().graph())
    written = analyze("1x32x32; conv 6 k5 tanh; maxpool 2; conv 16 k5 relu; maxpool 2; dense 10")
    assert [(r.output, r.params, r.macs, r.shown_with) for r in made] == [
        (r.output, r.params, r.macs, r.shown_with) for r in written
    ]
    assert made.totals.to_dict() == written.totals.to_dict()


def test_names_are_kept_as_far_as_the_language_allows() -> None:
    assert [row.name for row in analyze(lenet().graph())] == [
        "C1", "C1/tanh", "maxpool1", "features/3", "features/4", "features/5", "fc1/flatten", "fc1",
    ]  # fmt: skip
    assert legal("layer1.0.conv1") == "layer1/0/conv1"
    assert legal("a b$c") == "a_b_c"
    assert legal("...") == legal("__") == ""
    assert legal("卷积1") == "卷积1"


def test_neighbours_whose_names_begin_alike_are_a_group() -> None:
    report = analyze(lenet().graph())
    assert report["features"].params == 16 * (6 * 25 + 1)
    assert report["features"].output == (16, 5, 5)


def test_two_layers_of_one_name_are_told_apart() -> None:
    b = Builder("", "m")
    x = b.input("x", (8,))
    for _ in range(3):
        x = b.add("a", "dense", {"units": 8}, [x])
    b.output(x)
    assert [node.name for node in b.graph().nodes] == ["a", "a_2", "a_3"]


def test_an_activation_stands_in_the_row_of_the_layer_that_it_follows_and_a_second_reader_does_not() -> None:
    b = Builder("", "m")
    x = b.input("x", (3, 8, 8))
    x = b.add("c", "conv", {"filters": 4, "kernel": 3}, [x])
    one = b.add("one", "relu", {}, [x])
    b.output(b.add("two", "sigmoid", {}, [x]), b.add("drop", "dropout", {}, [one]))
    assert [node.shown_with for node in b.graph().nodes] == [None, 1, None, 1]


def test_what_does_not_fit_is_said_with_its_place() -> None:
    b = Builder("", "net.onnx")
    x = b.input("x", (3, 8, 8))
    with pytest.raises(SpecError, match=r"^net\.onnx: node 'c' \(Conv\): a 9x9 window does not fit"):
        b.add("c", "conv", {"filters": 4, "kernel": 9}, [x], at="node 'c' (Conv)")
    with pytest.raises(SpecError, match=r"^net\.onnx: node 'c': conv: stride: '0' is not a positive whole number"):
        b.add("c", "conv", {"filters": 4, "kernel": 3, "stride": 0}, [x], at="node 'c'")


def unknown_in_the_middle() -> Builder:
    b = Builder("", "net.onnx")
    x = b.input("x", (3, 8, 8))
    x = b.add("c", "conv", {"filters": 4, "kernel": 3}, [x])
    x = b.unknown("odd", "Foo", [x], None, at="node 'odd' (Foo)")
    b.output(b.add("d", "dense", {"units": 2}, [b.add("r", "relu", {}, [x])]))
    return b


def test_an_unknown_operator_is_an_error_unless_it_is_allowed() -> None:
    with pytest.raises(SpecError, match=r"^net\.onnx: node 'odd' \(Foo\): .* Foo .* 4x6x6"):
        unknown_in_the_middle().graph()


def test_what_is_behind_an_unknown_operator_is_unknown_and_never_zero() -> None:
    report = analyze(unknown_in_the_middle().graph(allow_unknown=True))
    assert report["c"].output == (4, 6, 6)
    assert report["c"].params == report.totals.params == 4 * 28
    for name in ("odd", "r", "d"):
        row = report[name].to_dict()
        assert {row[q] for q in ("output", "params", "macs", "flops", "activation_bytes")} == {None}
    assert report.totals.left_out["params"] == 3
    assert report.totals.peak_activation_bytes is None
    for format in ("plain", "markdown", "csv", "json", "latex", "html"):
        assert render(analyze_graph(unknown_in_the_middle().graph(allow_unknown=True)), format)


def test_the_shape_behind_an_unknown_operator_may_be_known() -> None:
    b = Builder("", "net.onnx")
    x = b.unknown("odd", "Foo", [b.input("x", (3, 8, 8))], (4, 8, 8))
    b.output(b.add("d", "conv", {"filters": 2, "kernel": 1}, [x]))
    report = analyze(b.graph(allow_unknown=True))
    assert (report["d"].params, report["odd"].params, report.totals.left_out["params"]) == (10, None, 1)


def test_weights_of_another_layer_are_counted_once() -> None:
    b = Builder("", "m")
    one, two = b.input("left", (4,)), b.input("right", (4,))
    first = b.add("a", "dense", {"units": 3}, [one])
    second = b.add("b", "dense", {"units": 3}, [two], weights_of=first)
    b.output(b.add("", "add", {}, [first, second]))
    report = analyze(b.graph())
    assert (report.totals.params, report.totals.macs, report["b"].weights_of) == (15, 24, "a")


def test_options_are_numbers_and_no_text_in_between() -> None:
    """Of Python or NumPy, one for all axes or one for each; what is no such number is an error with its option."""
    b = Builder("", "m")
    x = b.input("x", (4, 9, 7))
    options = {"filters": np.int64(6), "kernel": (3, 1), "padding": [[0, 2], (1, 0)], "stride": np.array([2, 1])}
    x = b.add("a", "conv", {**options, "bias": False}, [x])
    x = b.add("b", "leaky_relu", {"alpha": np.float64(0.1)}, [x])
    x = b.add("c", "reshape", {"shape": [6, -1]}, [x])
    b.output(x)
    layers = [node.layer for node in b.graph().nodes]
    assert (vars(layers[0])["filters"], vars(layers[0])["kernel"], vars(layers[0])["bias"]) == (6, (3, 1), False)
    assert (vars(layers[0])["padding"], vars(layers[0])["stride"]) == (((0, 2), (1, 0)), (2, 1))
    assert vars(layers[1])["alpha"] == 0.1
    for wrong in (0, -1, 2.5, True, 10**13, float("nan"), [1, 2]):
        with pytest.raises(SpecError, match="conv: filters: "):
            b.layer("conv", {"filters": wrong, "kernel": 3})
