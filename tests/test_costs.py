"""What a network costs to run and to train: outputs of convolutions, bytes moved and kept, products of gradients."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.analysis.derivations import explain
from cnncalc.cli import group
from cnncalc.language import use
from cnncalc.report import Report

# `acts` of facebookresearch/pycls, dev/model_complexity.json: elements that come out of convolutions and dense layers;
# of ResNets its authors count the max pool too, 64x56x56.
POOLED = 64 * 56 * 56
RESNEXT = """
input: 3x224x224
defaults: {conv: {bias: false}}
blocks:
  block:
    params: {c: required, stride: 1}
    layers:
      - residual: [conv $c k1 bn relu, conv $c k3 s$stride p1 g32 bn relu, conv $(2*c) k1 bn]
        then: relu
layers: [conv 64 k7 s2 p3 bn relu, maxpool k3 s2 p1, block c=128 x3, block c=256 x4 first:stride=2,
  block c=512 x6 first:stride=2, block c=1024 x3 first:stride=2, global_avgpool, dense 1000]
"""
REGNET = """
input: 3x224x224
defaults: {conv: {bias: false}}
blocks:
  block:
    params: {c: required, stride: 1}
    layers:
      - residual: [conv $c k1 bn relu, conv $c k3 s$stride p1 groups=$(c//16) bn relu, conv $c k1 bn]
        then: relu
layers: [conv 32 k3 s2 p1 bn relu, block c=32 x1 first:stride=2, block c=64 x2 first:stride=2,
  block c=160 x7 first:stride=2, block c=384 x12 first:stride=2, global_avgpool, dense 1000]
"""


@pytest.mark.parametrize(
    ("spec", "acts", "flops", "pooled"),
    [
        ("resnet50", 11_315_688, 4_089_185_256, POOLED),
        ("resnet101", 16_433_640, 7_801_406_440, POOLED),
        ("resnet152", 22_755_816, 11_513_627_624, POOLED),
        (RESNEXT, 14_602_216, 4_230_480_872, POOLED),
        (REGNET, 3_143_272, 397_678_568, 0),
    ],
    ids=["R-50", "R-101", "R-152", "X-50-32x4d", "RegNetX-400MF"],
)
def test_activations_are_those_of_pycls(spec: str, acts: int, flops: int, pooled: int) -> None:
    totals = cnncalc.analyze(spec).totals
    assert (totals.activations + pooled, totals.connections) == (acts, flops)


def test_of_each_product_two_gradients_but_for_the_image() -> None:
    report = cnncalc.analyze("lenet5-modern")
    assert report["C1"].backward_flops == 2 * 117_600
    assert report["C3"].backward_flops == 4 * 240_000
    assert report["C3/relu"].backward_flops == report["S2"].backward_flops == 0
    assert report.totals.backward_flops == 4 * 416_520 - 2 * 117_600
    assert cnncalc.analyze("lenet5-modern", batch=7).totals.backward_flops == 7 * report.totals.backward_flops


def test_what_is_frozen_has_no_gradient_and_needs_none_before_it() -> None:
    report = cnncalc.analyze("1x8x8; conv 2 k3 frozen; conv 3 k3; conv 4 k3 frozen; conv 5 k1")
    macs = [row.macs or 0 for row in report]
    assert [row.backward_flops for row in report] == [0, 2 * macs[1], 2 * macs[2], 4 * macs[3]]
    # The first keeps nothing; a convolution keeps what enters, frozen or not (PyTorch).
    assert [row.saved_bytes for row in report] == [0, 2 * 36 * 4, 3 * 16 * 4, 4 * 4 * 4]


def test_what_leads_to_no_output_has_no_backward_pass() -> None:
    report = cnncalc.analyze(
        "input: 1x8x8\nlayers: [A: conv 2 k3, B: {from: input, layers: [conv 9 k3]}]\noutputs: [A]\n"
    )
    unused = report.layers[-1]
    assert (unused.macs, unused.backward_flops, unused.saved_bytes) == (9 * 9 * 36, 0, 0)
    assert (report["A"].backward_flops or 0) > 0


def test_products_of_data_have_a_gradient_for_each_factor() -> None:
    report = cnncalc.analyze("inputs: {a: 1x5x3, b: 1x3x4}\nlayers: [scale, matmul: [identity, {from: b}]]\n")
    assert report["matmul1"].backward_flops == 2 * 60  # of b none is needed
    twice = cnncalc.analyze("1x6x6; scale; {matmul: [identity, identity]}")
    assert twice["matmul1"].backward_flops == 2 * 2 * 216


def test_bytes_moved_are_weights_and_every_value_once() -> None:
    report = cnncalc.analyze("3x8x8; conv 6 k3; {add: [identity, identity]}", dtype="float16", batch=5)
    assert report["conv1"].moved_bytes == 2 * (6 * 28 + 5 * (3 * 64 + 6 * 36))
    assert report["add1"].moved_bytes == 2 * 5 * (6 * 36 + 6 * 36)  # what it reads twice is moved once
    flops = report["conv1"].flops or 0
    assert report["conv1"].arithmetic_intensity == float(Fraction(flops, report["conv1"].moved_bytes or 0))
    totals = report.totals
    assert totals.arithmetic_intensity == totals.flops / totals.moved_bytes


def test_a_ratio_of_a_block_is_that_of_its_sums() -> None:
    report = cnncalc.analyze("resnet34")
    block = report["stage1"]
    rows = [row for row in report if row.name.startswith("stage1")]
    assert block.arithmetic_intensity == sum(r.flops or 0 for r in rows) / sum(r.moved_bytes or 0 for r in rows)


def test_memory_is_kept_once_where_the_first_layer_keeps_it() -> None:
    report = cnncalc.analyze("5x8x8; conv 6 k1; relu; conv 4 k3; batchnorm; relu6; maxpool 2; dropout; dense 3")
    assert {row.name: row.saved_bytes for row in report} == {
        "conv1": 4 * 5 * 64,  # the image
        "relu1": 4 * 6 * 64,  # its result,
        "conv2": 0,  # which is what enters here
        "batchnorm1": 4 * 4 * 36 + 4 * 2 * 4,  # what enters, means and variances
        "relu61": 4 * 4 * 36,  # what enters, since it may be clamped above
        "maxpool1": 4 * 4 * 36 + 8 * 4 * 9,  # what enters, and where the largest stood
        "dropout1": 4 * 9,  # a byte for each value
        "dense1/flatten": 0,
        "dense1": 4 * 4 * 9,
    }


def test_what_is_not_known_is_left_out_and_said() -> None:
    report = cnncalc.analyze("1x4; hopfield frozen; dense 2 frozen=3")
    assert report["dense1"].backward_flops is None  # which of its weights are frozen is not known
    assert report.totals.left_out == {"backward_flops": 1}
    data = json.loads(report.to_json())
    assert data["layers"][-1]["backward_flops"] is None


def test_every_number_explains_itself() -> None:
    for spec in ("lenet5", "mobilenet-v2", "vit-b16", "gru", "rbf-network", "densenet121"):
        report = cnncalc.analyze(spec, batch=3)
        rows = [row for row in report.layers if row.name.count("/") < 2][:40]
        for row in rows:
            check_lines(report, row.name)


def check_lines(report: Report, layer: str) -> None:
    for quantity in ("backward_flops", "moved_bytes", "saved_bytes", "arithmetic_intensity"):
        (found,) = explain(report, layer, quantity)
        assert found.value == getattr(report[layer], quantity)
        if found.steps and quantity != "arithmetic_intensity":
            assert found.steps[-1].value == found.value, (layer, quantity)
        elif not found.steps:
            assert not found.value


def test_letters_stay_free_in_costs_too() -> None:
    (found,) = explain(cnncalc.analyze("3x9x9; conv 6 k3"), "conv1", "moved_bytes", free=["n"])
    assert list(found.symbols) == ["n"]
    assert found.steps[0].formula() == "3 × n × n"


def run(*words: str) -> str:
    done = CliRunner().invoke(group(), list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_explain_says_why_there_is_nothing_more() -> None:
    text = " ".join(run("explain", "lenet5-modern", "C1", "backward_flops").split())
    assert "what enters needs no gradient" in text
    assert "backward FLOPs = 2 × MACs = 2 × 117,600 = 235,200" in text
    assert "which is memory that is kept already" in run("explain", "lenet5-modern", "S2", "saved_bytes")
    assert "2.29" in run("explain", "lenet5-modern", "total", "arithmetic_intensity").split("\n")[-2]
    usual = run("explain", "lenet5-modern", "C1")
    assert "saved_bytes" not in usual  # what costs is explained where it is asked for


def test_every_output_has_them_and_the_usual_table_has_not() -> None:
    usual = run("lenet5")
    assert not [name for name in ("backward", "saved", "moved") if name in usual]
    asked = run("lenet5", "--columns", "name,activations,backward_flops,moved_bytes,saved_bytes,arithmetic_intensity")
    assert asked.split("\n")[2].split("  ")[0] == "layer"
    assert "FLOPs per byte" in asked
    head, first, *_rest = run("lenet5", "--format", "csv").split("\n")
    row = dict(zip(head.split(","), first.split(","), strict=True))
    assert row["saved_bytes"] == "4096"
    assert row["backward_flops"] == "235200"


def test_budgets_and_expectations_know_them() -> None:
    expected = "{saved_bytes: 4096, C.arithmetic_intensity: 10.19, moved_bytes: <= 25k}"
    spec = f"input: 1x32x32\nlayers: [C: conv 6 k5]\nexpect: {expected}\n"
    report = cnncalc.analyze(spec)
    assert [verdict.holds for verdict in report.expectations] == [True, True, True]
    wrong = cnncalc.analyze(spec.replace("10.19", "10.2"))
    assert [v.name for v in wrong.expectations if not v.holds] == []  # 10.19 is 10.2, as far as that is written
    wrong = cnncalc.analyze(spec.replace("10.19", "10.3"))
    assert [v.name for v in wrong.expectations if not v.holds] == ["C.arithmetic_intensity"]


def test_another_tools_count_has_no_ratio() -> None:
    from cnncalc.conventions import convention, under

    report = under(cnncalc.analyze("lenet5-modern"), convention("thop"))
    assert report.totals.arithmetic_intensity is None
    assert report["C1"].arithmetic_intensity is None


def test_in_chinese() -> None:
    try:
        use("zh")
        text = run("--lang", "zh", "explain", "lenet5-modern", "C1", "backward_flops")
    finally:
        use("en")
    assert "进入的值不需要梯度" in text


def test_no_gradient_passes_what_has_no_derivative() -> None:
    """A sign tells nothing of how much: neither what is before it is learnt by gradients nor the layer itself."""
    behind = cnncalc.analyze("4; dense 3; hopfield; dense 2")
    assert {row.name: (row.backward_flops, row.saved_bytes) for row in behind} == {
        "dense1": (0, 0),
        "hopfield1": (0, 0),
        "dense2": (2 * 3 * 2, 4 * 3),  # of its weights alone: what enters depends on nothing that gradients reach
    }
    perceptron = cnncalc.analyze("perceptron")
    assert (perceptron.totals.backward_flops, perceptron.totals.saved_bytes) == (0, 0)
    beside = cnncalc.analyze("4; a: dense 3; {add: [identity, step]}; dense 2")
    assert beside["a"].backward_flops == 2 * 4 * 3  # by way of the sum
    for report in ("4; dense 3; hopfield; dense 2", "4; dense 3; step; dense 2", "perceptron"):
        assert cnncalc.verify(report, quantities=("backward_flops",)).holds


# (spec, layer, bytes): what autograd keeps of it, torch 2.13, batch 1, without what is kept before it.
KEPT_OF_SEVERAL = [
    ("2x9; {multiply: [identity, conv 2 k3 p1, conv 2 k1]}", "multiply1", 4 * 2 * 18),  # conv2's result and a product
    ("2x9; {multiply: [conv 2 k1, identity]}", "multiply1", 0),  # the image, which conv1 keeps
    ("2x9; {multiply: [conv 2 k1, conv 2 k3 p1, identity]}", "multiply1", 4 * 2 * 18),  # no product: none asks for it
    ("2x9; {maximum: [identity, conv 2 k3 p1, conv 2 k1]}", "maximum1", 4 * 3 * 18),
    # what looks at some channels, or at nothing else, looks at the same memory, and so does a flattened one of it
    ("4x8x8; conv 2 k1; split 2 part=1; dense 4", "dense1", 4 * 2 * 64),
    ("9; dense 5; slice 1:end; identity; dense 3", "dense2", 4 * 5),
    ("4x8x8; conv 2 k1; crop 1; dense 4", "dense1", 4 * 2 * 36),  # rows that are apart are put together anew
]


@pytest.mark.parametrize(("spec", "layer", "size"), KEPT_OF_SEVERAL)
def test_what_is_kept_of_several_factors_and_of_parts(spec: str, layer: str, size: int) -> None:
    report = cnncalc.analyze(spec)
    assert report[layer].saved_bytes == size
    check_lines(report, layer)


def test_statistics_that_are_kept_have_32_bits_whatever_values_have() -> None:
    from cnncalc.analysis.timeline import Plan, plan_training

    graph = cnncalc.load("3x8x8; conv 6 k1; batchnorm; relu")
    for amp in (False, True):
        kept = [t for t in plan_training(graph, Plan(amp=amp, batch=2)).tensors if t.name == "batchnorm1"]
        assert [t.once for t in kept if t.once == 4 * 2 * 6], amp  # a mean and a variance for each channel
