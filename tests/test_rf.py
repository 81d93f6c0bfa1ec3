"""`cnncalc rf`: backward is forward, paths that meet, channels, gates, and what is printed."""

from __future__ import annotations

import json
from bisect import bisect_left
from fractions import Fraction
from typing import Any

import pytest
from cases import bundled_graph
from click.testing import CliRunner
from hypothesis import HealthCheck, given, note, settings
from random_specs import networks

import cnncalc
from cnncalc.analysis.fields.alignment import merges
from cnncalc.analysis.fields.backward import look_back
from cnncalc.analysis.fields.channels import Run
from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.steps import sees_nothing
from cnncalc.analysis.fields.table import groups_of
from cnncalc.analysis.fields.values import Fields, Grid, Loose, Units, Whole, jump_of, sizes_of
from cnncalc.cli import group
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from cnncalc.shipped import bundled


def numbers(fields: Fields | None, shape: Shape) -> Any:
    """What two ways must agree on: kind, start, sizes of the phases of which a map of this shape has units, and jump
    where units have neighbours."""
    if fields is None:
        return None
    if any(map(sees_nothing, fields)):
        return "nothing"
    return [
        (sorted(set(sizes_of(f)[:n])), jump_of(f) if max(shape[1:], default=1) > 1 else None, f.lo[0])
        if isinstance(f, Grid)
        else "whole"
        if isinstance(f, Whole)
        else (f.size, f.start)
        if isinstance(f, Loose)
        else None
        for f, n in zip(fields, shape[1:] if len(shape) - 1 == len(fields) else (1,) * len(fields), strict=True)
    ]


def disagreements(graph: Graph, step: int = 1) -> list[tuple[int, int, Any, Any]]:
    """Pairs of a value and a node behind it where the way back and the way forward differ."""
    first, count = len(graph.inputs), len(graph.nodes)
    values = range(0, first + count, step)
    forward = {v: Pass(graph, origins={v: 0}).fields for v in values}
    single = [v for v in range(first + count) if 1 in graph.shape(v)[1:]]
    found = []
    for number in range(count - 1, -1, -step):
        back = look_back(graph, number)
        for v in (v for v in values if v <= first + number):
            shape = graph.facts[number].output
            if bisect_left(single, v) < bisect_left(single, first + number):
                continue  # one unit lies on no grid: how it would go on is nobody's business
            ahead = forward[v][first + number].get(0)
            pair = numbers(back[v], shape), numbers(ahead, shape)
            if pair[0] != pair[1]:
                found.append((v, number, *pair))
    return found


# Where windows of attention are many, each way takes seconds: of these every so manieth value and node.
STEPS = {"hrnet": 100, "maxvit-t": 120, "mobilevit-s": 25, "swin-t": 9, "densenet121": 7}


@pytest.mark.parametrize("name", bundled())
def test_the_way_back_and_the_way_forward_agree_for_all_pairs_of_layers(name: str) -> None:
    graph = bundled_graph(name)
    assert disagreements(graph, STEPS.get(name, 1 if len(graph.nodes) < 120 else 3)) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks(6))
def test_both_ways_agree_on_random_networks(network: tuple[str, Graph]) -> None:
    note(network[0])
    assert disagreements(network[1]) == []


# What a unit sees between the taps of a dilated kernel, and taps that all miss a map of so many units.
MISSING = [
    ("1x9; transposed_conv 1 k1 s2; conv 1 k2 d2", 0, [0, 2]),
    ("1x6x6; conv 1 k3; global_avgpool; conv 2 k2 d2 p1; relu; conv 1 k1", 0, [0]),
    ("1x6x6; conv 1 k3; adaptive_avgpool 3; conv 2 k2 d4 p1; relu", 0, [0]),
    ("1x4; instancenorm; conv 1 k1; transposed_conv 1 k1 s3; crop 1; subsample k1 s3; conv 1 k1", 0, [0]),
]


@pytest.mark.parametrize(("spec", "value", "sizes"), MISSING)
def test_the_way_back_tells_what_every_tap_misses(spec: str, value: int, sizes: list[int]) -> None:
    graph = cnncalc.load(spec)
    back = look_back(graph, len(graph.nodes) - 1)[value]
    assert back is not None
    assert sorted({size for field in back if isinstance(field, (Grid, Units)) for size in sizes_of(field)}) == sizes
    ahead = Pass(graph, origins={value: 0}).fields[-1][0]
    shape = graph.facts[-1].output
    assert numbers(back, shape) == numbers(ahead, shape)


def kinds(spec: str, **options: Any) -> list[tuple[str, Any]]:
    """Kind and shift of every merge, the first axis."""
    return [(m.kind, m.axes[0].shift) for m in merges(Pass(cnncalc.load(spec, **options)))]


def test_a_resnet_meets_centred_and_its_d_variant_2_4_and_8_pixels_off() -> None:
    assert set(kinds("resnet50")) == {("aligned", 0)}
    assert [entry for entry in kinds("resnet50-d") if entry[0] != "aligned"] == [
        ("nested", 2),
        ("nested", 4),
        ("nested", 8),
    ]
    assert cnncalc.analyze("resnet50-d")["stage4"].receptive_field == (431, 431)  # timm's resnet50d, by its gradients


@pytest.mark.parametrize(
    ("branches", "kind", "shift", "field"),
    [
        ("conv 1 k3 p1, conv 1 k5 p2", "aligned", 0, 5),
        ("identity, conv 1 k2 same", "nested", Fraction(1, 2), 2),
        (
            "{conv: 1, kernel: 5, padding: [[4, 0]]}, {conv: 1, kernel: 5, padding: [[0, 4]]}",
            "extending",
            4,
            9,
        ),
        ("[conv 1 k3 s2, upsample 2, conv 1 k2], [conv 1 k2, conv 1 k2]", "aligned", 0, 5),
        ("[conv 1 k1 s2, {pad: [[5, 6]]}], conv 1 k5", "stride mismatch", None, None),
        ("identity, [global_avgpool, conv 1 k1]", "whole", None, 31),
    ],
)
def test_where_paths_meet_their_alignment_is_told(branches: str, kind: str, shift: Any, field: int | None) -> None:
    merge = "multiply" if kind == "whole" else "add"
    spec = f"input: 1x31\nlayers: [{{m: {{{merge}: [{branches}]}}}}]"
    assert kinds(spec) == [(kind, shift)]
    assert cnncalc.analyze(spec)["m"].receptive_field == (None if field is None else (field,))


GATED = """
input: 3x64x64
layers:
  - a: conv 8 k3 p1
  - se: {multiply: [identity, [global_avgpool, conv 8 k1, sigmoid]]}
  - b: conv 8 k3 s2
  - NORM
  - c: conv 3 k3x5
"""


@pytest.mark.parametrize("norm", ["groupnorm 4", "instancenorm", "layernorm axes=spatial", "layernorm axes=all"])
def test_gates_and_statistics_of_maps_are_left_out_of_the_local_field(norm: str) -> None:
    graph = cnncalc.load(GATED.replace("NORM", norm))
    full, local = Pass(graph), Pass(graph, local=True)
    gate = GATED.split("\n")[4]
    plain = cnncalc.analyze(GATED.replace("NORM", "batchnorm").replace(gate, "  - relu"))
    assert all(isinstance(field, Whole) for field in full.of_nodes[-1][0])
    assert [sizes_of(field) for field in local.of_nodes[-1][0] if isinstance(field, Grid)] == [[9], [13]]
    assert plain["c"].receptive_field == (9, 13)


def test_a_norm_over_channels_alone_is_no_gate() -> None:
    text = GATED.replace("NORM", "layernorm").replace("multiply", "concat").replace("global_avgpool, ", "")
    graph = cnncalc.load(text)
    shape = graph.facts[-1].output
    assert numbers(Pass(graph).of_nodes[-1][0], shape) == numbers(Pass(graph, local=True).of_nodes[-1][0], shape)


@pytest.mark.parametrize(
    ("network", "last", "groups"),
    [
        ("densenet121", "batchnorm1", [(512, 1047), *((32, 1047 + 64 * i) for i in range(1, 17))]),
        ("inception-v3", "7c/concat1", None),
        ("googlenet-torchvision", "5b/concat1", [(384, 315), (640, 379)]),
    ],
)
def test_channels_behind_a_concat_see_differently(network: str, last: str, groups: Any) -> None:
    """Source: dependency sets of torchvision 0.28, channel by channel."""
    graph = cnncalc.load(network)
    node = next(i for i, n in enumerate(graph.nodes) if n.name == last)
    found = [(g.last - g.first, g.axes[0].size) for g in groups_of(Pass(graph), node)[0]]
    if groups is None:
        assert {size for _count, size in found} == {1183, 1247, 1311}
        assert sum(count for count, _size in found) == 2048
    else:
        assert found == groups


APART = [
    ("concat: [identity, conv 2 k3 p1]", "slice 0:1", 1),
    ("concat: [identity, conv 2 k3 p1]", "split 2 part=1", 3),
    ("concat: [conv 2 k5 p2, conv 2 k3 p1]", "{conv: 2, kernel: 1, table: [[0, 1], [1]]}", 5),
    ("concat: [conv 2 k5 p2, conv 2 k3 p1]", "{conv: 2, kernel: 1, table: [[2], [2, 3]]}", 3),
    ("pixel_unshuffle: 2", "pixel_shuffle 2", 1),
    ("concat: [conv 2 k5 p2, conv 2 k3 p1]", "flatten", 5),
]


@pytest.mark.parametrize(("first", "second", "size"), APART)
def test_layers_that_tell_channels_apart_claim_what_is_read(first: str, second: str, size: int) -> None:
    spec = f"input: 2x32x32\nlayers:\n  - {{a: {{{first}}}}}\n  - b: {second}"
    found = cnncalc.verify(spec, quantities=("receptive_field", "jump", "rf_start"))
    assert found.holds
    assert found.report["b"].receptive_field == (size, size)
    assert [c.verdict for c in found.checks if c.layer == "b" and c.quantity == "receptive_field"] == ["holds"]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks(6))
def test_runs_of_channels_add_up_to_the_channels_and_their_hull_is_the_claim(network: tuple[str, Graph]) -> None:
    note(network[0])
    graph = network[1]
    found = Pass(graph)
    for number, facts in enumerate(graph.facts):
        runs: list[Run] = found.by_channel.runs(len(graph.inputs) + number)
        assert sum(run.channels for run in runs) == facts.output[0]
        for source, fields in found.of_nodes[number].items():
            of = [run.seen[source] for run in runs if source in run.seen]
            assert of
            for axis, field in enumerate(fields):
                if isinstance(field, Grid) and all(isinstance(f[axis], Grid) for f in of):
                    assert max(sizes_of(field)) >= max(max(sizes_of(f[axis])) for f in of)  # type: ignore[arg-type]


def run(*words: str, status: int = 0, **environment: str) -> str:
    done = CliRunner().invoke(group(), ["rf", *words], env=environment)
    assert done.exit_code == status, done.output
    return done.output


def test_the_textbooks_column_stands_beside_the_forward_one() -> None:
    lines = run("alexnet-torchvision", "--to", "pool5").splitlines()
    assert lines[2].split() == [
        "layer", "kind", "output", "k", "s", "RF", "jump", "RF", "start", "centre", "pool5", "sees",
    ]  # fmt: skip
    assert [line.split()[-1] for line in lines[4:13]] == ["195", "47", "23", "19", "9", "7", "5", "3", "1"]


def test_between_two_layers_fields_are_counted_in_units_of_the_first() -> None:
    data = json.loads(run("alexnet-torchvision", "--from", "conv2", "--to", "conv4", "--format", "json"))
    assert [(row["name"], row["receptive_field"][0], row["seen_by_target"][0]) for row in data["layers"]] == [
        ("conv2/relu", 1, 11), ("pool2", 3, 5), ("conv3", 7, 3), ("conv3/relu", 7, 3), ("conv4", 11, 1),
    ]  # fmt: skip


def test_units_of_a_decoder_that_see_nothing_are_counted() -> None:
    text = run("-e", "3x64x64; conv 8 k3 s2; transposed_conv 4 k2 s3")
    assert "1 / 3" in text
    (row,) = (row for row in json.loads(run("-e", "1x20; transposed_conv 1 k2 s3", "--format", "json"))["layers"])
    assert row["phases"][0]["sizes"] == [1, 1, 0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lenet5", "--to", "C9"), "there is no layer 'C9'"),
        (("lenet5", "--from", "C9"), "there is no layer 'C9'"),
        (("lenet5", "--to", "input"), "input is an input"),
        (("lenet5", "--from", "C3", "--to", "C1"), "C1 sees nothing of C3"),
        (("lenet5", "--channels", "--to", "input"), "input is an input"),
    ],
)
def test_names_that_lead_nowhere_are_told(words: tuple[str, ...], said: str) -> None:
    assert said in run(*words, status=2)


@pytest.mark.parametrize("width", ["40", "60", "70"])
def test_a_narrow_terminal_gets_what_fits(width: str) -> None:
    text = run("lenet5", "--to", "S4", "--format", "table", COLUMNS=width)
    assert max(map(len, text.splitlines())) <= int(width)
    assert "not shown here" in text


@pytest.mark.parametrize("format", ["plain", "table", "markdown", "csv", "json"])
@pytest.mark.parametrize("words", ["unet", "densenet121 --channels", "resnet50-d --alignment", "mlp-digits"])
def test_every_view_comes_in_every_format(words: str, format: str) -> None:
    text = run(*words.split(), "--format", format)
    assert text.endswith("\n")
    assert "Fraction" not in text
    if format == "json":
        assert json.loads(text)["schema_version"] == 1


SHUFFLED = """
input: 2x16x16
layers:
  - a: {concat: [conv 2 k5 p2, conv 2 k3 p1]}
  - SHUFFLE
  - c: slice 1:2
  - d: conv 1 k3
"""
BY_HAND = "reshape 2x2x16x16\n  - relu\n  - permute 1,0,2,3\n  - b: reshape 4x16x16"


def test_a_channel_shuffle_written_out_is_a_channel_shuffle() -> None:
    one, other = (cnncalc.load(SHUFFLED.replace("SHUFFLE", text)) for text in ("b: channel_shuffle 2", BY_HAND))
    for graph in (one, other):
        report = cnncalc.analyze(graph)
        assert [report[name].receptive_field for name in "abcd"] == [(5, 5), (5, 5), (3, 3), (5, 5)]
        assert cnncalc.verify(graph, quantities=("receptive_field",)).holds
        assert disagreements(graph) == []


def test_other_layers_on_channels_that_lie_on_several_axes_are_not_known() -> None:
    graph = cnncalc.load("2x16x16; reshape 2x1x16x16; conv 3 k1x3x3 p0x1x1; reshape 3x16x16")
    report = cnncalc.analyze(graph)
    assert [row.receptive_field for row in report] == [(1, 1), None, None]


def test_a_pixel_that_became_a_channel_keeps_its_place() -> None:
    report = cnncalc.analyze("2x32x32; pixel_unshuffle 2; slice 1:2; conv 1 k3")
    assert [row.rf_start for row in report] == [(0, 0), (0, 1), (0, 1)]
    assert [row.receptive_field for row in report] == [(2, 2), (1, 1), (5, 5)]


def test_a_filter_of_a_table_sees_what_its_own_row_reads() -> None:
    steps = "a: {concat: [conv 2 k5 p2, conv 2 k3 p1]}", "b: {conv: 2, kernel: 1, table: [[0], [3]]}", "c: slice 1:2"
    report = cnncalc.analyze("input: 2x32x32\nlayers:\n  - " + "\n  - ".join(steps))
    assert [report[name].receptive_field for name in "abc"] == [(5, 5), (5, 5), (3, 3)]


def test_the_centre_of_the_first_unit_may_lie_between_two_pixels() -> None:
    rows = json.loads(run("lenet5", "--format", "json"))["layers"]
    assert {row["name"]: row["centre"] for row in rows if row["name"] in ("C1", "S2", "C5")} == {
        "C1": [2, 2],
        "S2": [2.5, 2.5],
        "C5": [15.5, 15.5],
    }
