"""Conventions of other tools, to the unit: what the tools printed for layers and networks, faults included.

tests/conventions/ has what they printed, NUMBER/PARAMETERS for each tool: torch 2.13.0, torchvision 0.28.0 and the
versions that `cnncalc conventions` names, on a CPU; ERR where a tool ended with an error. The layers are those of
tests/cases/peer_layers.yaml. For tools without a model of their own one parameter was added, which is theirs.
"""

from __future__ import annotations

import csv
import json
import sys
from itertools import combinations
from math import prod
from pathlib import Path
from typing import Any

import pytest
from cases import load_cases, read_yaml, spec_of
from click.testing import CliRunner

import cnncalc
from cnncalc import layers
from cnncalc.cli import group
from cnncalc.conventions import SHIPPED, convention, counts, overview, reconcile, under
from cnncalc.conventions.identifying import identify
from cnncalc.conventions.reading import folder, read_convention
from cnncalc.errors import CnncalcError, OptionError, SpecError
from cnncalc.layers import KINDS
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.report import Report
from cnncalc.shipped import VARIANTS, bundled

HERE = Path(__file__).parent / "conventions"
CASES = {name: case for case in load_cases("peer_layers") for name in [case["case"], *case.get("also", [])]}

DIRECT = "direct nn.Parameter x*scale + conv1x1 8->4"

# Layers that are the same to us and are built in another way: see docs/spec.md, "How a layer is built".
BUILT: dict[str, list[Any]] = {
    "F.conv2d 8->16 k3 p1 bias": ["conv 16 k3 p1 built=function"],
    "F.linear 20->7 bias N=3": ["dense 7 built=function"],
    "x@w (3,20)x(20,7)": ["dense 7 nobias built=operator"],
    "relu inplace": ["relu inplace"],
    "F.relu": ["relu built=function"],
    "torch.relu": ["relu built=operator"],
    "F.max_pool2d 2": ["maxpool 2 built=function"],
    "F.avg_pool2d 2": ["avgpool 2 built=function"],
    "F.adaptive_avg_pool2d 1": ["adaptive_avgpool 1 built=function"],
    "x.mean((2,3))": ["global_avgpool built=operator", "flatten"],
    "F.interpolate x2 bilinear": ["upsample 2 bilinear built=function"],
    "F.softmax": ["softmax built=function"],
    "x+=  (inplace)": [{"add": ["identity", "identity"], "inplace": "true"}],
    "torch.add(x,x)": [{"add": ["identity", "identity"], "built": "function"}],
    DIRECT: ["scale", "conv 4 k1 nobias"],
    "torch.mul(x,x)": [{"multiply": ["identity", "identity"], "built": "function"}],
}
# Rows of the survey that a spec cannot say.
LEFT_OUT = {
    "linear 20->7 bias on (2,5,20)": "a dense layer reads one vector: on a sequence it is a convolution, another layer",
    "linear 20->7 nobias on (2,5,20)": "a dense layer reads one vector: on a sequence it is a convolution",
    "upsample size (7,9) nearest": "upsample has whole factors",
    "mha 8 h2 L5 N2": "no attention in the language",
    "embedding 100x8": "no look-up by index in the language",
    "unused Linear(100,100)": "every step of a spec is worked out",
    "keras: embedding": "no look-up by index in the language",
    "keras: mha h2 kd4": "no attention in the language",
}
UNKNOWN = {  # what a convention says is not known, where the survey has a number
    ("keras: lstm 10->6 T5", "tf-profiler"), ("keras: gru 10->6 T5", "tf-profiler"), ("keras: rnn", "tf-profiler"),
    ("keras: gru reset_after=False", "tf-profiler"),
    ("rnn 10->6 T5 N2", "onnx-tool-dynamo"), ("rnn 10->6 T5 N2 nobias", "onnx-tool-dynamo"),
    ("rnn 10->6 2layer T5 N2", "onnx-tool-dynamo"), ("rnn 10->6 bidir 2layer T5 N2", "onnx-tool-dynamo"),
    ("adaptiveavg (5,3) nondiv", "onnx-tool-dynamo"),
}  # fmt: skip
FROZEN = "frozen conv + conv1x1"  # a spec has no frozen layers: tools that count trained ones alone see 64


def rows(name: str) -> list[dict[str, str]]:
    with open(HERE / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


LAYERS = [row for name in ("pytorch_layers", "keras_layers") for row in rows(name)]


def report_of(layer: str) -> Report:
    case = dict(CASES[layer])
    if layer in BUILT:
        case["layers"] = BUILT[layer]
    return cnncalc.analyze(spec_of(case), **case.get("settings", {}))


def number(report: Report) -> int | str:
    """The number of the convention as the survey has it."""
    labels = report.convention
    assert labels is not None
    if any("the tool stops" in reason for reason in labels.unknown.values()):
        return "ERR"
    return "?" if report.totals.is_partial(labels.number) else getattr(report.totals, labels.number)


def test_the_survey_is_all_there() -> None:
    assert len(LAYERS) == 99 + 42
    assert sum(bool(value) for row in LAYERS for name, value in row.items() if name != "layer") == 99 * 16 + 42 * 2
    assert {row["layer"] for row in LAYERS} - CASES.keys() <= LEFT_OUT.keys()
    assert BUILT.keys() <= CASES.keys()


@pytest.mark.parametrize(
    "row", [row for row in LAYERS if row["layer"] not in LEFT_OUT], ids=lambda row: str(row["layer"])
)
def test_every_tool_gives_for_a_layer_what_it_printed(row: dict[str, str]) -> None:
    layer = row["layer"]
    report = report_of(layer)
    printed, ours = {}, {}
    for name, text in row.items():
        if text and name not in ("layer", "keras-as-written"):
            printed[name] = "?" if (layer, name) in UNKNOWN else text.partition("/")[0]
            ours[name] = str(number(under(report, convention(name))))
    assert ours == printed
    if "keras-as-written" in row:
        assert under(report, convention("keras-as-written")).totals.params == int(row["keras-as-written"])


@pytest.mark.parametrize(
    "row", [row for row in rows("pytorch_layers") if row["layer"] not in LEFT_OUT], ids=lambda row: str(row["layer"])
)
def test_every_tool_sees_the_parameters_that_it_printed(row: dict[str, str]) -> None:
    layer = row["layer"]
    report = report_of(layer)
    for name, text in row.items():
        params = text.partition("/")[2]
        # dynamo stores shapes with them; a function's weights, or a dummy's, belong to no layer of the survey
        if name in ("layer", "onnx-tool-dynamo") or (layer in BUILT and layer != DIRECT) or params in ("", "1"):
            continue
        if layer == FROZEN and params == "64":
            continue
        assert under(report, convention(name)).totals.params == int(params), name


NETWORKS = {
    "lenet5": HERE / "networks" / "lenet5.yaml",
    "vgg16": HERE / "networks" / "vgg16.yaml",
    "dcgan_generator": "dcgan-generator",
    "dcgan_discriminator": "dcgan-discriminator",
    "alexnet": "alexnet-torchvision",
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "mobilenet_v2": "mobilenet-v2",
    "densenet121": "densenet121",
    "googlenet_aux_false": "googlenet-torchvision",
    "keras.ResNet50": "resnet50-keras",
    "keras.VGG16": "vgg16",
}
ENDS_WITH_SOFTMAX = 5 * 1000  # networks of keras.applications, to which a softmax belongs
# torchvision starts the biases of VGG, and those of the last layer of MobileNet and DenseNet, at 0. The exporters
# store equal tensors once, and dynamo drops a bias of 0: of the values of weights a spec says nothing.
ZERO_BIASES = {
    ("vgg16", "onnx-tool"): (0, 64 + 128 + 2 * 256 + 5 * 512 + 4096),
    ("vgg16", "onnx-tool-dynamo"): (13_556_712, 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512 + 2 * 4096 + 1000),
    ("mobilenet_v2", "onnx-tool-dynamo"): (1000, 1000),
    ("densenet121", "onnx-tool-dynamo"): (1000, 1000),
}


@pytest.mark.parametrize("row", rows("networks"), ids=lambda row: str(row["model"]))
def test_every_tool_gives_for_a_network_what_it_printed(row: dict[str, str]) -> None:
    model = row["model"]
    report = cnncalc.analyze(NETWORKS[model])
    for name, text in row.items():
        if name in ("model", "trainable") or not text:
            continue
        count, params = text.split("/")
        found = under(report, convention(name))
        ours = number(found)
        less, fewer = ZERO_BIASES.get((model, name), (0, 0))
        if name == "tf-profiler":
            assert ours + ENDS_WITH_SOFTMAX == int(count)
        elif name == "torchvision":
            assert round(ours / 10**6) == int(count) / 10**6  # published to three decimals of a GFLOP
        elif count:
            assert ours - less == int(count), name
        if name != "tf-profiler":
            assert found.totals.params - fewer == int(params), name
    if row["trainable"]:
        assert report.totals.params == int(row["trainable"].partition("/")[2])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_convention_says_its_unit_and_the_source_of_every_rule(name: str) -> None:
    one = convention(name)
    assert one.unit
    assert one.calls
    assert one.name == name
    assert [rule for rule in (*one.rules, one.otherwise) if rule and not rule.unknown and not rule.source] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_convention_has_a_rule_for_every_kind_or_says_that_it_does_not_know(name: str) -> None:
    one = convention(name)
    covered = {kind for kind in KINDS for rule in one.rules if rule.covers(kind)}
    assert one.otherwise is not None or covered >= KINDS.keys()


class Riddle(Layer):
    """A kind that no convention has heard of, and that multiplies."""

    def facts(self, x: Shape) -> Facts:
        n = prod(x)
        return Facts(output=x, params=n, connections=n, macs=n, work={"add": n})


@pytest.mark.parametrize("name", SHIPPED)
def test_a_kind_that_a_tool_has_not_heard_of_is_unknown_and_never_zero(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new kind of ours fell to the rule for all others, which said 0."""
    monkeypatch.setitem(sys.modules, "cnncalc.layers.riddles", sys.modules[__name__])
    monkeypatch.setattr(layers, "KINDS", dict(KINDS))
    monkeypatch.setattr(layers, "_BY_PLAIN_NAME", dict(layers._BY_PLAIN_NAME))
    layers.register(layers.Kind("riddle", "riddles", "Riddle"))
    one = convention(name)
    report = under(cnncalc.analyze("3x4x5; riddle"), one)
    value = getattr(report.layers[0], one.number)
    if name in ("cnncalc", "lecun") or one.number == "params":  # these count what every layer says of itself
        assert value == 60
    else:
        assert value is None
        assert report.convention is not None
        assert report.convention.unknown["riddle1"]


def test_every_file_in_tools_is_listed_or_is_what_others_extend() -> None:
    files = {path.stem for path in Path(folder()).glob("*.yaml")}
    assert files == {*SHIPPED, "pytorch"}


@pytest.mark.parametrize("name", [*sorted(bundled()), *VARIANTS])
def test_no_number_is_left_over_between_two_tools(name: str) -> None:
    report = cnncalc.analyze(name, batch=3)
    chosen = (
        "cnncalc",
        "lecun",
        "torchinfo-1.8",
        "fvcore",
        "ptflops",
        "thop",
        "torch",
        "torchscan",
        "onnx-tool",
        "keras",
    )
    pairs = combinations(map(convention, chosen), 2) if name in ("resnet50", "dcgan-generator", "lstm") else [
        (convention(a), convention(b)) for a, b in (("thop", "fvcore"), ("ptflops", "torchinfo-1.8"), ("keras", "thop"))
    ]  # fmt: skip
    for one, other in pairs:
        found = reconcile(report, one, other)
        assert found.left_over == 0
        assert found.difference == found.one - found.other
        for cause in found.causes:
            assert sum(amount for _term, amount in cause.parts) == cause.amount


def test_the_difference_of_thop_and_fvcore_is_said_in_terms() -> None:
    found = cnncalc.reconcile("resnet50", "thop", "fvcore")
    assert (found.one, found.other) == (4133742592, 4111512576)
    assert [(c.kind, c.term, c.amount, len(c.layers)) for c in found.causes] == [
        ("batchnorm", "2 × x", 2 * 11113984, 53),  # elements of all normalised maps of ResNet-50
        ("global_avgpool", "o", 2048, 1),
    ]


def test_a_transposed_convolution_of_thop_is_the_product_of_the_strides_too_large() -> None:
    report = cnncalc.analyze("8x12x10; transposed_conv 16 k4 s2 p1 nobias")
    assert number(under(report, convention("thop"))) == 4 * report.totals.macs == 983040


def test_keras_adds_the_bias_that_a_convolution_has_before_batch_norm() -> None:
    assert number(under(cnncalc.analyze("resnet50"), convention("keras"))) == 25_636_712
    assert number(under(cnncalc.analyze("resnet50-keras"), convention("keras"))) == 25_636_712
    # keras.applications.MobileNetV2 leaves that bias out: 3,538,984 in its documentation
    assert number(under(cnncalc.analyze("mobilenet-v2"), convention("keras-as-written"))) == 3_538_984


def test_torchscan_takes_a_window_given_as_one_number_for_its_product() -> None:
    numbers = [number(under(cnncalc.analyze(f"8x12x10; maxpool {k}"), convention("torchscan"))) for k in ("2", "2x2")]
    assert numbers == [240, 720]  # torchscan 0.2.0, nn.MaxPool2d(2) and nn.MaxPool2d((2, 2))


def test_thop_divides_in_floating_point() -> None:
    report = cnncalc.analyze("8x8x8; adaptive_avgpool 7")
    assert number(under(report, convention("thop"))) == 903  # thop 0.1.1: one less than 8*8*8 + 8*7*7


def test_counts_are_exact_at_any_size() -> None:
    report = cnncalc.analyze("3x1000000000000x1000000000000; conv 7 k3 p1", batch=10**9)
    assert number(under(report, convention("fvcore"))) == 7 * 27 * 10**24 * 10**9


def test_a_weight_that_is_used_twice_is_counted_twice_and_stored_once() -> None:
    spec = "input: 8x12x10\nlayers: [{A: conv 8 k3 p1 nobias}, {conv: 8 k3 p1 nobias, weights: A}]\n"
    found = under(cnncalc.analyze(spec), convention("thop"))
    assert (found.totals.macs, found.totals.params) == (138240, 576)


def test_what_is_not_known_is_said_and_makes_the_total_incomplete() -> None:
    found = cnncalc.analyze("lenet5", convention="fvcore")
    assert found["S2"].macs is None
    assert found.totals.left_out["macs"] == 4
    assert "no such layer" in found.convention.unknown["S2"]  # type: ignore[union-attr]
    entries = {entry.convention.name: entry for entry in overview(cnncalc.analyze("rnn"))}
    assert entries["thop"].number is None
    assert "two biases" in next(iter(entries["thop"].unknown.values()))
    entries = {entry.convention.name: entry for entry in overview(cnncalc.analyze("10x5; rnn 6 bias=double"))}
    assert "NotImplementedError" in entries["onnx-tool"].stops
    assert entries["onnx-tool"].number is None


# --- files of one's own

OWN = """
name: mine
extends: thop
unit: as thop, and a comparison for every rectified element
rules:
- kinds: [relu, relu6]
  count: x
  source: our own meter
"""


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_extends_a_convention_with_rules_of_its_own(tmp_path: Path) -> None:
    path = own(tmp_path, OWN)
    report = cnncalc.analyze("resnet50")
    mine, thop = under(report, convention(str(path))), under(report, convention("thop"))
    relus = sum(row.activation_bytes // 4 for row in report if row.kind == "relu")
    assert mine.totals.macs == thop.totals.macs + relus
    assert mine.convention is not None
    assert mine.convention.title == "mine"
    assert cnncalc.analyze("resnet50", convention=path).totals.macs == mine.totals.macs


BROKEN = read_yaml(HERE / "broken.yaml")


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case["case"])
def test_a_mistake_in_a_file_is_told_in_its_place(case: dict[str, Any], tmp_path: Path) -> None:
    path = own(tmp_path, case["file"])
    with pytest.raises(SpecError) as caught:
        read_convention(str(path))
    told = [
        f"{p.position.line if p.position else 0}:{p.position.column if p.position else 0}: {p.problem}"
        for p in caught.value.problems
    ]
    assert told == case["problems"]


def test_an_expression_that_cannot_be_worked_out_names_its_rule(tmp_path: Path) -> None:
    path = own(tmp_path, "name: mine\nrules:\n- kinds: [conv]\n  count: macs // (groups - 1)\n")
    with pytest.raises(CnncalcError, match=r"mine, rule in line 3: conv: division by zero"):
        cnncalc.analyze("1x8x8; conv 2 k3", convention=path)


def test_a_name_that_is_no_convention_is_answered_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="did you mean thop"):
        convention("thpo")


# --- whose number


@pytest.mark.parametrize(
    ("text", "name", "how", "unit"),
    [
        ("4133742592", "thop", "exact", ""),
        ("4.13G", "thop", "rounded", ""),
        ("8178368512", "torch", "exact", ""),
        ("4.1 GFLOPs", "fvcore", "rounded", ""),
        ("25,636,712", "keras", "exact", ""),
        ("3.81 GMACs", "torchvision", "rounded", "powers of 1024"),
        ("4.08G", "torchvision", "cut off", ""),
    ],
)
def test_a_number_is_identified(text: str, name: str, how: str, unit: str) -> None:
    matches, _near = identify(text, [("resnet50", cnncalc.analyze("resnet50"))])
    found = [(m.how, m.unit) for m in matches if name in m.candidate.conventions]
    assert (how, unit) in found
    assert [m.how for m in matches] == sorted((m.how for m in matches), key=["exact", "rounded", "cut off"].index)


def test_a_number_that_nothing_gives_is_not_explained_away() -> None:
    matches, near = identify("4133742591", [("resnet50", cnncalc.analyze("resnet50"))])
    assert not matches
    assert near[0].conventions == ("thop", "ultralytics-thop")
    with pytest.raises(OptionError, match="is not a number"):
        identify("many", [])


def test_the_number_of_a_layer_is_found_where_no_total_is_it() -> None:
    status, text = run("identify", "lenet5", "117,600")
    assert status == 0
    assert "C1.macs" in text
    report = cnncalc.analyze("resnet50")
    block = next(iter(report.groups))
    assert f"{block}.params" in {m.candidate.what.split(",")[0] for m in cnncalc.identify(report, report[block].params)}
    alike = [match.candidate.what for match in cnncalc.identify("vgg16", "2359808")]  # 3 x 3 x 512 x 512 + 512
    assert alike == ["conv4/1.params, and of 4 others"]
    assert run("identify", "lenet5", "1176001")[0] == 1


# --- the commands


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(group(), words)
    return done.exit_code, done.output


def test_analyze_prints_the_number_of_a_tool_under_its_name() -> None:
    status, text = run("resnet50", "--convention", "thop")
    assert status == 0
    assert "thop MACs" in text
    assert "4,133,742,592 MACs as thop 0.1.1-2209072238 prints them" in text
    data = json.loads(run("resnet50", "--convention", "torch", "--format", "json")[1])
    assert data["totals"]["flops"] == 8178368512
    assert data["convention"]["name"] == "torch"
    assert data["layers"][0]["macs"] is None


def test_without_a_convention_json_is_as_it_was() -> None:
    assert "convention" not in json.loads(run("lenet5", "--format", "json")[1])


def test_no_tool_leaves_padding_out() -> None:
    status, text = run("lenet5", "--convention", "thop", "--exact-padding")
    assert status == 2
    assert "every tool counts them" in text


def test_answers_and_budgets_are_held_against_the_number_of_the_tool(tmp_path: Path) -> None:
    assert run("check", "resnet50", "macs=4.13G", "--convention", "thop")[0] == 0
    assert "as cnncalc counts" in run("check", "resnet50", "macs=4.09G", "--convention", "thop")[1]
    assert run("check", "resnet50", "macs=4.09G", "--convention", "thop", "--strict")[0] == 1  # right, another way
    assert run("check", "resnet50", "macs=4.25G", "--convention", "thop")[0] == 1
    assert run("check", "lenet5-modern", "flops=416520", "--convention", "fvcore")[0] == 0  # which calls its MACs so
    assert run("check", "lenet5-modern", "flops=833040", "--convention", "fvcore")[0] == 1
    budget = tmp_path / "net.yaml"
    budget.write_text("input: 8x12x10\nlayers: [conv 16 k3 p1 bn]\nexpect: {macs: <= 140000}\n")
    assert run("check", str(budget))[0] == 0  # 138,240
    assert run("check", str(budget), "--convention", "thop")[0] == 1  # 145,920 with 4 for each normalised element


def test_diff_compares_the_numbers_of_the_tool() -> None:
    status, text = run("diff", "resnet18", "resnet50", "--convention", "thop", "--format", "json")
    assert status == 0
    totals = {change["quantity"]: change for change in json.loads(text)["totals"]}
    assert (totals["macs"]["old"], totals["macs"]["new"]) == (1824033792, 4133742592)
    assert totals["flops"]["new"] is None


def test_conventions_without_a_spec_lists_them_with_version_unit_and_source() -> None:
    listed = json.loads(run("conventions", "--format", "json")[1])["conventions"]
    assert [entry["name"] for entry in listed] == list(SHIPPED)
    assert all(entry["unit"] and entry["calls"] for entry in listed)


def test_the_file_of_a_convention_is_where_one_of_your_own_starts(tmp_path: Path) -> None:
    path = tmp_path / "copy.yaml"
    assert run("conventions", "--show", "thop", "-o", str(path))[0] == 0
    copy = read_convention(str(path))
    assert copy.rules == convention("thop").rules
    assert run("conventions", "--show", "thpo")[0] == 2


def test_conventions_of_a_spec_are_one_table() -> None:
    status, text = run("conventions", "resnet50")
    assert status == 0
    assert all(name in text for name in SHIPPED)
    data = json.loads(run("conventions", "resnet50", "--format", "json")[1])
    ratios = {entry["name"]: entry["ratio_to_macs"] for entry in data["conventions"]}
    assert ratios["torch"] == 2.0
    assert ratios["keras"] is None
    assert ratios["netscope"] is None  # incomplete: a ratio would mean nothing


def test_arrays_that_read_nothing_are_unknown_to_tools_and_end_nothing() -> None:
    """A class token: `cnncalc conventions vit-b16` ended with a traceback."""
    status, text = run("conventions", "vit-b16")
    assert status == 0
    assert "parameter1" in text


def test_reconcile_adds_up() -> None:
    data = json.loads(run("conventions", "vgg16", "--reconcile", "ptflops", "torch", "--format", "json")[1])
    assert data["left_over"] == 0
    assert sum(cause["amount"] for cause in data["causes"]) == data["difference"]
    assert run("conventions", "--reconcile", "thop", "fvcore")[0] == 2


def test_identify_tries_the_variants_of_a_bundled_network() -> None:
    status, text = run("identify", "resnet50", "7801405440")
    assert status == 0
    assert "resnet101" in text
    assert "--set heads=1" in run("identify", "googlenet-torchvision", "13,004,888")[1]  # torchvision's googlenet
    assert run("identify", "resnet50", "12345")[0] == 1
    assert run("identify", "resnet50", "nonsense")[0] == 2


def test_counts_of_equal_layers_are_those_of_one() -> None:
    graph = cnncalc.load("8x16x16; conv 8 k3 p1 x3")
    assert len({count.number for count in counts(graph, convention("thop"))}) == 1


@pytest.mark.parametrize("name", ["densenet121", "googlenet-torchvision", "dcgan-discriminator"])
def test_a_spec_that_is_written_anew_says_how_its_layers_are_built(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    assert run("convert", name, str(path))[0] == 0
    for tool in ("ptflops", "torchprofile", "torchscan-flops"):
        again, before = (number(under(cnncalc.analyze(spec), convention(tool))) for spec in (path, name))
        assert again == before


@pytest.mark.parametrize(
    ("words", "variant", "what"),
    [
        (("61706",), "lenet5-modern", "parameters"),
        (("61,470",), "lenet5-modern", "parameters without biases"),
        (("340908",), "lenet5", "connections"),
        (("138,357,544",), "vgg16", "parameters"),
        (("-e", "1x28x28; conv 6 k5", "150"), "1x28x28; conv 6 k5", "parameters without biases"),
        (("-e", "1x28x28; conv 6 k5", "156"), "1x28x28; conv 6 k5", "parameters"),
    ],
)
def test_a_number_alone_is_looked_for_in_all_bundled_networks(words: tuple[str, ...], variant: str, what: str) -> None:
    status, text = run("identify", *words)
    assert status == 0
    assert [
        line for line in text.splitlines() if line.startswith(variant) and f"  {what}  " in line and "exact" in line
    ]


def test_identify_needs_a_number() -> None:
    assert run("identify", "lenet5")[0] == 2
    assert run("identify", "-e", "1x28x28; conv 6 k5", "word")[0] == 2
