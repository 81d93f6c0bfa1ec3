"""The report as Python and JSON see it."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from cases import bundled_report

import cnncalc
from cnncalc.layers import KINDS, Kind, register
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.quantities import SUMMED
from cnncalc.shipped import bundled

NETWORKS = sorted(bundled())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_rows_add_up_to_the_totals(name: str) -> None:
    report = bundled_report(name)
    for quantity in SUMMED:
        assert sum(getattr(row, quantity) for row in report) == getattr(report.totals, quantity)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_expectation_of_a_bundled_network_holds(name: str) -> None:
    report = bundled_report(name)
    assert report.source
    assert len(report.expectations) >= 3
    assert [v.name for v in report.expectations if not v.holds] == []


def test_json_follows_the_contract() -> None:
    report = cnncalc.analyze("lenet5")
    text = report.to_json()
    data = json.loads(text)
    assert list(data)[:5] == ["schema_version", "name", "inputs", "layers", "totals"]
    assert data["schema_version"] == 1
    assert data["inputs"] == {"input": [1, 32, 32]}
    contract = {
        "name": "C1", "kind": "conv", "inputs": ["input"], "output": [6, 28, 28], "params": 156, "fixed_params": 0,
        "buffers": 0, "connections": 122304, "macs": 117600, "flops": 239904, "trainable_params": 156,
        "activations": 4704, "backward_flops": 235200,
        "receptive_field": [5, 5], "jump": [1, 1], "rf_start": [0, 0], "activation_bytes": 18816,
        "parameter_bytes": 624, "moved_bytes": 23536, "saved_bytes": 4096, "arithmetic_intensity": 239904 / 23536,
    }  # fmt: skip
    first = data["layers"][0]
    assert list(first)[: len(contract)] == list(contract)
    assert {key: first[key] for key in contract} == contract
    totals = {"params": 60000, "fixed_params": 840, "buffers": 0, "connections": 340908, "macs": 328096}
    assert list(data["totals"])[:11] == [
        *totals, "flops", "trainable_params", "activation_bytes",
        "receptive_field", "peak_activation_bytes", "parameter_bytes",
    ]  # fmt: skip
    assert {key: data["totals"][key] for key in totals} == totals
    assert data["totals"]["receptive_field"] == [32, 32]
    assert [row["name"] for row in data["layers"]][-3:] == ["F6", "F6/tanh", "OUTPUT"]
    assert text == cnncalc.analyze("lenet5").to_json()


def test_a_row_is_found_by_name_and_a_block_as_the_sum_of_its_rows() -> None:
    report = cnncalc.analyze("resnet50")
    assert report["stage1/0/conv2"].params == 36_864
    block, stage = report["stage1/0"], report["stage1"]
    assert block.params == 4_096 + 128 + 36_864 + 128 + 16_384 + 512 + 16_384 + 512
    assert block.inputs == ("maxpool1",)
    assert (stage.output, stage.receptive_field, stage.kind) == ((256, 56, 56), (35, 35), "bottleneck")
    with pytest.raises(cnncalc.UnknownLayerError, match=r"no layer 'stage9': did you mean stage"):
        report["stage9"]
    assert issubclass(cnncalc.UnknownLayerError, KeyError)


def test_shares_are_parts_of_the_total() -> None:
    report = cnncalc.analyze("lenet5")
    assert report.share(report["C5"], "params") == 48_120 / 60_000
    assert sum(report.share(row, "macs") or 0 for row in report) == pytest.approx(1)
    assert report.share(report["C1"], "buffers") == 0


def test_rows_are_ready_for_a_data_frame() -> None:
    rows = cnncalc.analyze("lenet5").to_rows()
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert sum(row["params"] for row in rows) == 60_000


def test_a_jump_below_one_is_exact() -> None:
    report = cnncalc.analyze("1x20; upsample 2; upsample 3")
    assert report["upsample1"].jump == (Fraction(1, 2),)
    rows = json.loads(report.to_json())["layers"]
    assert [row["jump"] for row in rows] == [[0.5], ["1/6"]]


def test_with_several_inputs_every_field_is_told() -> None:
    spec = "inputs: {a: 1x20, b: 1x20}\nlayers:\n- L: {from: a, layers: [conv 1 k3 p1]}\n- add: [identity, {from: b}]\n"
    rows = json.loads(cnncalc.analyze(spec).to_json())["layers"]
    assert rows[1]["receptive_field"] == [3]
    assert {name: field["receptive_field"] for name, field in rows[1]["fields"].items()} == {"a": [3], "b": [1]}


def test_a_notebook_gets_a_table() -> None:
    page = cnncalc.analyze("lenet5")._repr_html_()
    assert "<td>340,908</td>" in page
    assert "<script" not in page


def test_dtype_and_batch_change_memory_and_work() -> None:
    one = cnncalc.analyze("lenet5")
    many = cnncalc.analyze("lenet5", dtype="float16", batch=8)
    assert one["C1"].activation_bytes == 6 * 28 * 28 * 4
    assert many["C1"].activation_bytes == 6 * 28 * 28 * 2 * 8
    assert many.totals.peak_activation_bytes == 4 * one.totals.peak_activation_bytes
    assert many.totals.parameter_bytes == one.totals.parameter_bytes // 2
    assert many.totals.macs == 8 * one.totals.macs
    assert many.totals.connections == one.totals.connections
    assert (many.totals.params, many["C3"].params) == (60_000, 1_516)


def test_parameters_and_input_can_be_changed_from_python() -> None:
    thin = cnncalc.analyze("resnet50", width=32, set={"depth": [2, 2, 2, 2]}, input=(3, 64, 96))
    assert thin["stage4"].output == (1024, 2, 3)
    assert not thin.as_written
    graph = cnncalc.load("resnet50", set={"classes": 10})
    assert cnncalc.analyze(graph).layers[-1].output == (10,)


def test_settings_that_do_not_exist_are_said() -> None:
    with pytest.raises(cnncalc.CnncalcError, match="unknown dtype 'flaot16': did you mean float16"):
        cnncalc.analyze("lenet5", dtype="flaot16")
    with pytest.raises(cnncalc.CnncalcError, match="at least one sample"):
        cnncalc.analyze("lenet5", batch=0)
    with pytest.raises(cnncalc.CnncalcError, match="a graph is fixed"):
        cnncalc.analyze(cnncalc.load("lenet5"), input="1x28x28")


def test_counts_are_exact_at_any_size() -> None:
    report = cnncalc.analyze("1000000x1000000x1000000; conv 1000000 k999 p499; flatten; dense 1000000000000")
    assert report["conv1"].macs == 10**6 * 10**6 * 999**2 * 10**12
    assert report["dense1"].params == (10**18 + 1) * 10**12


class Riddle(Layer):
    """A layer whose work and field nobody has written down."""

    def facts(self, x: Shape) -> Facts:
        return Facts(output=x, params=3)


@pytest.fixture
def riddle(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import cnncalc.layers as layers

    monkeypatch.setitem(sys.modules, "cnncalc.layers.riddles", sys.modules[__name__])
    monkeypatch.setattr(layers, "KINDS", dict(KINDS))
    monkeypatch.setattr(layers, "_BY_PLAIN_NAME", dict(layers._BY_PLAIN_NAME))
    register(Kind("riddle", "riddles", "Riddle"))


@pytest.mark.usefixtures("riddle")
def test_what_a_kind_does_not_say_is_unknown_and_never_zero() -> None:
    from cnncalc.pages.network import render

    report = cnncalc.analyze("1x8x8; conv 2 k3; riddle; conv 2 k3")
    row = report["riddle1"]
    assert (row.macs, row.flops, row.connections, row.receptive_field) == (None, None, None, None)
    assert report["conv2"].receptive_field is None
    # What the class does not say, and what is worked out of that; any quantity that comes is one or the other.
    unknown = [name for name in SUMMED if getattr(row, name) is None]
    assert {"connections", "macs", "flops", "activations", "backward_flops", "saved_bytes"} <= set(unknown)
    assert report.totals.left_out == dict.fromkeys(unknown, 1)
    assert report.totals.arithmetic_intensity is None
    data = json.loads(report.to_json())
    assert data["layers"][1]["macs"] is None
    assert data["totals"]["left_out"]["macs"] == 1
    text = render(report, "plain")
    assert "?" in text
    assert "macs of 1 row, left out of the total" in text


def test_public_names_are_sorted_and_exist() -> None:
    assert cnncalc.__all__ == sorted(cnncalc.__all__)
    assert all(getattr(cnncalc, name) is not None for name in cnncalc.__all__)
    assert set(dir(cnncalc)) == set(cnncalc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cnncalc.nothing  # noqa: B018


def test_errors_come_back_from_another_process() -> None:
    import copy
    import pickle

    from cnncalc.errors import OptionError

    with pytest.raises(cnncalc.SpecError, match="does not fit") as caught:
        cnncalc.analyze("1x8x8; conv 2 k9")
    for error in (caught.value, cnncalc.ShapeError("a", "b", "c"), OptionError("a", "b")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
        assert str(copy.deepcopy(error)) == str(error)


def test_graphs_and_reports_can_be_sent_to_another_process() -> None:
    import pickle

    graph = pickle.loads(pickle.dumps(cnncalc.load("resnet50")))
    report = cnncalc.analyze(graph)
    assert report.to_json() == cnncalc.analyze("resnet50").to_json()
    assert pickle.loads(pickle.dumps(report)).to_json() == report.to_json()


def test_numbers_of_numpy_stay_exact() -> None:
    np = pytest.importorskip("numpy")
    report = cnncalc.analyze("resnet50", batch=np.int64(10**10), depth=np.array([3, 4, 6, 3]), width=np.int64(64))
    assert report.totals.macs == 4_089_184_256 * 10**10
    assert json.loads(report.to_json())["totals"]["macs"] == 4_089_184_256 * 10**10
    assert cnncalc.analyze("vgg16", input=np.array([3, 64, 96])).inputs == {"input": (3, 64, 96)}


@pytest.mark.parametrize("batch", [2.5, "2", None])
def test_a_batch_is_a_whole_number(batch: object) -> None:
    with pytest.raises(cnncalc.CnncalcError, match="whole number of samples"):
        cnncalc.analyze("lenet5", batch=batch)  # type: ignore[arg-type]


def test_a_report_knows_which_names_it_has() -> None:
    report = cnncalc.analyze("resnet50")
    assert "conv1" in report
    assert "stage1" in report
    assert "stage9" not in report
    with pytest.raises(cnncalc.UnknownLayerError, match="by name, not by 0"):
        report[0]  # type: ignore[index]


def test_a_graph_and_its_layers_are_fixed() -> None:
    graph = cnncalc.load("lenet5")
    with pytest.raises(AttributeError, match="a graph is fixed"):
        graph.name = "other"
    with pytest.raises(AttributeError, match="Conv is frozen"):
        graph.nodes[0].layer.filters = 7  # type: ignore[attr-defined]
    assert graph.nodes[0].layer == graph.nodes[0].layer.replace(filters=6)


def test_a_family_of_networks_is_swept_and_equals_its_members_one_by_one() -> None:
    np = pytest.importorskip("numpy")
    family = cnncalc.sweep("resnet34", width=np.arange(8, 40, 8), depth=([1, 1, 1, 1], [2, 2, 2, 2]), classes=10)
    assert len(family) == 8
    for width, depth, macs, connections in zip(
        family["width"].tolist(), family["depth"].tolist(), family["macs"], family["connections"], strict=True
    ):
        totals = cnncalc.analyze("resnet34", width=width, depth=depth, classes=10).totals
        assert (totals.macs, totals.connections) == (macs, connections)
    some = cnncalc.sweep("resnet34", width=range(-1, 2))
    assert [reason is None for reason in some.reasons] == [False, False, True]
    assert some["macs"].tolist()[:2] == [None, None]


@pytest.mark.parametrize("digits", ["1_000", "0x10", "0b1", "0o7"])
def test_a_number_of_python_s_is_none_of_an_expression(digits: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=f"'{digits}' is not a whole number"):
        cnncalc.analyze(f"1x8x8; conv $({digits}) k3")
