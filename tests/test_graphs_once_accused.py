"""Graphs on which claims and evidence once disagreed, and random ones from fixed numbers: now they agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import read_yaml, write_yaml
from click.testing import CliRunner
from random_graphs import disagreements, random_graph

import cnncalc
from cnncalc import cli

ACCUSED = read_yaml(Path(__file__).parent / "graphs_once_accused.yaml")


def differing(text: str) -> list[str]:
    """What differs of a graph, with and without padding."""
    graph = cnncalc.load(text)
    found = cnncalc.verify(graph)
    exactly = cnncalc.verify(graph, exact_padding=True, quantities=("connections", "macs", "flops"))
    checks = [check for check in (*found.checks, *exactly.checks) if check.verdict == "differs"]
    return [f"{c.layer} {c.quantity}: {c.claimed}, but {c.measured}" for c in checks] + [found.failure] * bool(
        found.failure
    )


@pytest.mark.parametrize("case", ACCUSED, ids=[case["name"] for case in ACCUSED])
def test_a_graph_that_was_accused_does_what_it_claims(case: dict[str, object]) -> None:
    graph = cnncalc.load(write_yaml(case["spec"]))
    found = cnncalc.verify(graph, exact_padding=bool(case["exact"]))
    assert [check for check in found.checks if check.verdict == "differs"] == []
    assert not found.failure


def test_random_graphs_do_what_they_claim() -> None:
    assert disagreements(range(40), differing) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 6000, 500))
def test_thousands_of_random_graphs_do_what_they_claim(first: int) -> None:
    assert disagreements(range(first, first + 500), differing) == []


def test_a_number_gives_the_same_graph_again() -> None:
    assert random_graph(7) == random_graph(7) != random_graph(8)


# (spec, layer, size, start): by hand from the layers; the first two of each are what `rf --unit` says pixel by pixel.
FIELDS = [
    # 84 elements row by row: the middle third are rows 4 to 7
    ("1x12x7; flatten; split 3 part=1; dense 4", "dense1", (4, 7), (4, 0)),
    ("1x12x7; flatten; split 3 part=0; relu; dense 4", "dense1", (4, 7), (0, 0)),
    # a dense layer over all parts sees all
    ("1x12x7; flatten; split 3 part=1; dense 4; dense 2", "dense2", (4, 7), (4, 0)),
    # the only unit reads rows -1 and 2 of two: padding alone
    ("6x7; adaptive_maxpool 1; adaptive_maxpool 2; lppool 2 s2 d3 p1; dense 3", "dense1", (0,), None),
    # what the kernel of one leaves empty between its rows 0, 3, ..: rows 1, 4, .. see nothing
    ("1x9; transposed_conv 1 k1 s3; maxpool 1 s3; dense 2", "dense1", (9,), (0,)),
    ("1x9; transposed_conv 1 k1 s3; slice 1:end axis=l; maxpool 1 s3; dense 2", "dense1", (0,), None),
    # two channels see all by a norm, two a place: on a map that goes on all of their taps land
    ("4x1x6; {concat: [groupnorm 2, identity]}; conv 16 k2x1 d3x1 g8 same", "conv1", (1, 6), (0, 0)),
    # so many units at any size: the holes of the way back from a kernel of one are known one by one
    (
        "1x9; global_avgpool; adaptive_avgpool 3; transposed_conv 1 k1 s3; crop 1; subsample 1 s3",
        "subsample1",
        (0,),
        None,
    ),
    ("1x9; dense 3; reshape 1x3; transposed_conv 1 k1 s3; crop 1; subsample 1 s3", "subsample1", (0,), None),
    (
        "1x9; adaptive_avgpool 3; layernorm axes=all; transposed_conv 1 k1 s3; crop 1; subsample 1 s3",
        "subsample1",
        (0,),
        None,
    ),
    (
        "1x9; flatten; split 3 part=1; dense 3; reshape 1x3; transposed_conv 1 k1 s3; crop 1; subsample 1 s3",
        "subsample1",
        (0,),
        None,
    ),
    (
        "1x9; flatten; split 3 part=1; dense 3; reshape 1x3; transposed_conv 1 k1 s3; crop 1; dense 2",
        "dense2",
        (3,),
        (3,),
    ),
    # behind another order of units it is not told which of them see
    (
        "1x9x9; dense 9; reshape 1x3x3; transposed_conv 1 k1 s3; permute 0,2,1; crop 1; subsample 1 s3",
        "subsample1",
        None,
        None,
    ),
    # of three units one sees all; behind a kernel of two, two of them
    ("1x9; groupnorm 1; transposed_conv 1 k1 s3; transposed_conv 1 k2 s1", "transposed_conv2", (9,), (0,)),
    # tokens: a patch each, one that sees nothing before them, until attention lets each see all
    ("3x16x12; conv 4 k4 s4; reshape 4x-1", "reshape1", (4, 4), (0, 0)),
    (
        "3x16x12; conv 4 k4 s4; reshape 4x-1; {concat: [parameter 4x1, identity], axis: l}; layernorm",
        "layernorm1",
        (4, 4),
        None,
    ),
    (
        "3x16x12; conv 4 k4 s4; reshape 4x-1; {concat: [parameter 4x1, identity], axis: l}; attention 2",
        "attention1",
        (16, 12),
        (0, 0),
    ),
    ("3x16x12; {concat: [conv 2 k3 p1, conv 2 k5 p2], axis: h}", "concat1", (5, 5), (-1, -1)),
    # one place at this size: a map behind a norm grows with the image, one behind a global pool does not
    ("2x5x4; maxpool 4; groupnorm 1; conv 1 k2 d3 same", "conv1", (5, 4), (0, 0)),
    ("1x4; maxpool 4; attention heads=1; conv 1 k2 d3 same", "conv1", (4,), (0,)),
    ("2x5x4; global_avgpool; groupnorm 1; conv 1 k2 d3 same", "conv1", (0, 0), None),
    # the branch that sees more sees nothing at rows 1, 2, 4, ..: what is seen of columns by way of it is not told
    ("4x9x9; {mean: [[conv 4 k3 s3, transposed_conv 4 k1 s3 output_padding=2], identity]}", "mean1", (3, 3), (0, 0)),
    (
        "4x9x9; {mean: [[conv 4 k3 s3, transposed_conv 4 k1 s3 output_padding=2], identity]}; maxpool 1 s3",
        "maxpool1",
        (3, 3),
        (0, 0),
    ),
    (
        "4x9x9; {mean: [[conv 4 k3 s3, transposed_conv 4 k1 s3 output_padding=2], identity]}; crop 1x0; maxpool 1 s3x1",
        "maxpool1",
        (1, None),
        (1, None),
    ),
    (
        "4x9x9; {mean: [[conv 4 k3 s3, transposed_conv 4 k1 s3 output_padding=2], identity]}; maxpool 3 s3",
        "maxpool1",
        (3, 3),
        (0, 0),
    ),
    # taps at all odd places around a single unit at 0, more of them than are told apart one by one
    ("1x9; global_avgpool; conv 1 k2 s2 d2 p33001", "conv1", (0,), None),
    ("1x9; global_avgpool; conv 1 k2 s2 d2 p33000", "conv1", (9,), (0,)),
    # a window over the whole map makes a gate as a global pool does: every unit sees all
    ("3x4x4; {multiply: [identity, [avgpool 4, conv 3 k1]]}", "multiply1", (4, 4), (0, 0)),
    # a gate stands beside a map that grows with the image, though it has one place here
    ("2x3x3; {add: [maxpool 3, [global_avgpool, conv 2 k1]]}; conv 2 k2 d3 same", "conv2", (3, 3), (0, 0)),
    # two units at any size beside as many that grow with the image: there are two of the sum, too, and no tap meets one
    (
        "1x9; {add: [[adaptive_avgpool 2, groupnorm 1], [maxpool 5 s4, groupnorm 1]]}; layernorm axes=all; "
        "conv 1 k2 d4 same",
        "conv1",
        (0,),
        None,
    ),
    # an instance norm of a vector has no places to take its mean over
    ("1x6; flatten; instancenorm; slice 1:end; dense 2", "dense1", (5,), (1,)),
]


@pytest.mark.parametrize(("spec", "layer", "size", "start"), FIELDS, ids=[spec for spec, *_ in FIELDS])
def test_fields_of_parts_and_of_what_sees_nothing(
    spec: str, layer: str, size: tuple[int, ...], start: tuple[int, ...] | None
) -> None:
    row = cnncalc.analyze(spec)[layer]
    assert (row.receptive_field, row.rf_start) == (size, start)


def test_branches_on_a_map_of_one_unit_keep_all_phases() -> None:
    """Unit 0 of a period of two reads one row, unit 1 two: the largest field is that of unit 1, jump 3/2 as before."""
    spec = "1x8; transposed_conv 1 k1 s2; local 1 k2 s3; {mean: [identity, conv 1 k1]}"
    rows = cnncalc.analyze(spec)
    assert rows.layers[-1].jump == rows["local1"].jump
    assert rows.layers[-1].receptive_field == rows["local1"].receptive_field


def test_verify_of_a_hopfield_network_of_one_unit() -> None:
    done = CliRunner().invoke(cli.group(), ["verify", "-e", "11; dense 1; hopfield"])
    assert done.exit_code == 0, done.output


def test_an_input_that_does_not_arrive_is_json_too(tmp_path: Path) -> None:
    spec = tmp_path / "two.yaml"
    spec.write_text("inputs: {a: 4, b: 1x5}\nlayers: [dense 3]\n", encoding="utf-8")
    done = CliRunner().invoke(cli.group(), ["verify", str(spec), "--format", "json"])
    assert done.exit_code == 0, done.output


VAST = "1000000000000x4x4; softmax"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rf", "-e", VAST, "--unit", "softmax1[1,1]"), "up to 16,777,216 places"),
        (("rf", "-e", VAST, "--effective"), "up to 16,777,216 places"),
        (("rf", "-e", VAST, "--coverage"), "up to 16,777,216 places"),
        (("rf", "-e", VAST, "--all-units"), "up to 16,777,216 places"),
        (("rf", "-e", "20000; hopfield", "--unit", "hopfield1[1]"), "more than 8,192 units"),
    ],
)
def test_sets_that_would_fill_memory_are_refused(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli.group(), [*words])
    assert (done.exit_code, type(done.exception)) == (2, SystemExit), done.output
    assert said in done.output


def test_a_unit_of_a_hopfield_network_sees_all_but_itself() -> None:
    patch = cnncalc.receptive_field("80; hopfield", "hopfield1", (1,)).inputs[0]
    assert patch.pixels == 79
    assert patch.products == [([(0, 0), (2, 79)],)]


def test_the_limit_on_the_process_counts_as_the_memory_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="there are no such limits here")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**26, 2**26))
    done = CliRunner().invoke(cli.group(), ["verify", "vgg16"])
    assert done.exit_code == 2
    assert "0.0 GiB free" in done.output


def test_a_rule_that_multiplies_out_to_thousands_of_terms_is_refused(tmp_path: Path) -> None:
    rule = tmp_path / "poly.yaml"
    count = "*".join(["(x+o+c+f+n+m+k+N)"] * 20)
    rule.write_text(f"name: poly\nnumber: macs\nrules:\n- kinds: all\n  count: {count}\n", encoding="utf-8")
    words = ["conventions", "-e", "1x8x8; conv 2 k3", "--reconcile", "cnncalc", str(rule)]
    done = CliRunner().invoke(cli.group(), words)
    assert done.exit_code == 2
    assert "more than 2,000 terms" in done.output
