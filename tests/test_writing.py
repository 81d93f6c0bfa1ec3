"""Graphs written as specs: read back they are the same network, and a person would have written them so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import commands
import pytest
from cases import bundled_graph
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from option_sets import specs
from random_specs import networks

import cnncalc
from cnncalc import analyze, load
from cnncalc.cli import group
from cnncalc.errors import Source
from cnncalc.interop.builder import Builder
from cnncalc.interop.spec import writing
from cnncalc.interop.spec.lifting import counts_alike
from cnncalc.interop.spec.writing import NotASpecError, as_people_say, same_numbers, to_spec
from cnncalc.shipped import VARIANTS, bundled

ALL = list(specs())
# Networks whose merges get names that they had not: their text written anew is another one.
NOT_NESTED = ("hrnet", "unet", "inception")
# Lines of the text where blocks must have been found: no more than a person needs.
LINES = {
    "resnet50": 26, "resnet152": 26, "googlenet": 36, "mobilenet-v1": 50, "mobilenet-v2": 42, "shufflenet-v1": 40,
    "vgg16": 31, "squeezenet1_1": 37, "lenet5": 13,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _a_text_is_read_once() -> Iterator[None]:
    """Whoever writes a text reads it back, and a test asks once more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "graph_from_text", lru_cache(4)(writing.graph_from_text))
        yield


@pytest.mark.parametrize("name", [*bundled(), *VARIANTS])
def test_a_bundled_network_is_read_back_as_it_was(name: str) -> None:
    graph = bundled_graph(name)
    text = to_spec(graph)
    back = writing.graph_from_text(Source("<spec>", text))
    ours, theirs = analyze(graph), analyze(back)
    totals = [report.totals.to_dict() for report in (ours, theirs)]
    assert totals[0] == totals[1]
    assert all(verdict.holds for verdict in theirs.expectations)
    assert to_spec(back).splitlines()[1:] == text.splitlines()[1:] or name.startswith(NOT_NESTED)
    assert text.count("\n") <= LINES.get(name, 1000)


@pytest.mark.parametrize(("spec", "values"), [pytest.param(*rest, id=name) for name, *rest in ALL])
def test_every_case_is_read_back_as_it_was(spec: str, values: Any) -> None:
    graph = load(spec, set=values)
    said = as_people_say(graph)
    assert counts_alike(graph, said)
    assert same_numbers(said, to_spec(graph))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(networks())
def test_a_random_network_is_read_back_as_it_was(drawn: tuple[str, cnncalc.Graph]) -> None:
    _text, graph = drawn
    text, said = to_spec(graph), as_people_say(graph)
    assert counts_alike(graph, said)
    assert same_numbers(said, text)
    assert to_spec(graph) == text


def test_resnet_50_is_what_a_person_would_have_written() -> None:
    assert (
        to_spec(load("resnet50")).split("\n", 2)[2]
        == """\
input: 3x224x224
blocks:
  bottleneck:
    params: {c: required, stride: 1}
    layers:
      - residual:
          - conv $c k1 nobias bn relu
          - conv $c k3 s$stride p1 nobias bn relu
          - conv $(4*c) k1 nobias bn
        shortcut:
          - projection: conv $(4*c) k1 s$stride nobias bn
        then: relu
layers:
  - conv 64 k7 s2 p3 nobias bn relu
  - maxpool k3 s2 p1
  - stage1: bottleneck 64 x3
  - stage2: bottleneck 128 x4 first:stride=2
  - stage3: bottleneck 256 x6 first:stride=2
  - stage4: bottleneck 512 x3 first:stride=2
  - global_avgpool
  - dense 1000
expect: {params: 25557032, macs: 4089184256}
"""
    )


def test_names_are_kept() -> None:
    for name in ("lenet5", "vgg16", "googlenet", "resnet50", "densenet121"):
        graph = bundled_graph(name)
        kept = {node.name for node in load(to_spec(graph)).nodes}
        main = {node.name for node in graph.nodes if "/flatten" not in node.name}
        assert len(main & kept) >= 0.98 * len(main), name


def test_branches_that_are_not_nested_start_from_a_name() -> None:
    text = """\
input: 3x8x8
layers:
  - a: conv 4 k3 p1
  - b: conv 4 k3 p1
  - c: conv 4 k3 p1
  - one: {add: [{from: a}, identity]}
  - two: {add: [{from: b}, identity]}
"""
    graph = load(text)
    assert "from: " in to_spec(graph)
    assert same_numbers(graph, to_spec(graph))


def test_several_inputs_outputs_and_shared_weights() -> None:
    text = """\
inputs: {left: 8, right: 8}
layers:
  - one: dense 4 relu
  - two: {from: right, layers: [dense 4 relu], weights: one}
  - far: {add: [{from: one}, {from: two}]}
outputs: [one, far]
"""
    graph = load(text)
    back = load(to_spec(graph))
    assert same_numbers(graph, to_spec(graph))
    assert analyze(back).totals.params == analyze(graph).totals.params == 36
    assert [back.shape(v) for v in back.outputs] == [(4,), (4,)]


def test_what_is_not_known_cannot_be_written() -> None:
    b = Builder("", "m.onnx")
    b.output(b.unknown("odd", "Foo", [b.input("x", (3, 8, 8))], (3, 8, 8)))
    with pytest.raises(NotASpecError, match="odd: Foo is not known"):
        to_spec(b.graph(allow_unknown=True))


def test_what_cannot_be_shown_of_a_name_is_written_out() -> None:
    for name, written in (("a\x1b[31mb", r"'a\x1b[31mb'"), ("it's \u202e", r"'it''s \u202e'"), ("a b", "a b")):
        text = to_spec(cnncalc.load("3; dense 2").replace(name=name))
        assert text.splitlines()[0] == f"name: {written}"
        assert cnncalc.load(text).name == written.strip("'").replace("''", "'")


def test_another_networks_text_is_not_the_same() -> None:
    """The comparison sees a stride, a bias, an order, a name of an input."""
    graph = load("3x8x8; conv 4 k3 p1; relu; conv 4 k3")
    for other in (
        "3x8x8; conv 4 k3 p1; relu; conv 4 k3 nobias",
        "3x8x8; conv 4 k3 p1; conv 4 k3; relu",
        "3x8x8; conv 4 k3; relu; conv 4 k3 p1",
        "3x8x8; conv 4 k3 p1; sigmoid; conv 4 k3",
        "3x8x8; conv 4 k3 p1; relu",
    ):
        assert not same_numbers(graph, to_spec(load(other)))


# --- the command


def conv(b: Builder, name: str, x: int, filters: int, kernel: int = 3) -> int:
    return b.add(name, "conv", {"filters": filters, "kernel": kernel, "padding": kernel // 2}, [x])


@pytest.mark.parametrize("joined", [True, False])
def test_a_concat_that_grows_is_a_block_that_repeats(joined: bool) -> None:
    """DenseNet, which frameworks write with a concat of all that came before in front of every layer."""
    b = Builder("", "")
    maps = [conv(b, "stem", b.input("input", (4, 9, 9)), 8)]
    x = maps[0]
    for i in range(1, 5):
        narrow = b.add(f"features/layer{i}/act", "relu", {}, [conv(b, f"features/layer{i}/conv1", x, 4, 1)])
        maps.append(conv(b, f"features/layer{i}/conv2", narrow, 3))
        x = b.add(f"features/layer{i}/concat1", "concat", {}, maps if joined else [x, maps[-1]])
    b.output(x)
    graph = b.graph()
    text = to_spec(graph)
    assert "  - features: layer x4\n" in text
    ours, theirs = analyze(graph).totals, analyze(text).totals
    assert (ours.params, ours.macs, ours.flops) == (theirs.params, theirs.macs, theirs.flops)
    assert ours.peak_activation_bytes >= theirs.peak_activation_bytes


def test_what_convert_says_of_a_concat_that_grows(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "input: 4x9x9\nlayers:\n  - a: conv 8 k3 p1\n  - b: conv 8 k3 p1\n  - d: {concat: [{from: a}, {from: b}]}\n"
        "  - conv 64 k3 p1\n  - c: conv 8 k3 p1\n  - {concat: [{from: a}, {from: b}, {from: c}]}\n  - conv 1 k1\n"
    )
    done = run(str(spec), str(tmp_path / "out.yaml"))
    assert done.returncode == 0
    assert "note: read again it counts otherwise: peak_activation_bytes 31,104 -> 28,512" in done.stderr


def test_branches_of_several_layers_are_one_block_with_a_parameter_for_each() -> None:
    b = Builder("", "")
    x = conv(b, "stem", b.input("input", (4, 9, 9)), 8)
    for name, widths in (("mixed_a", (4, 2, 3)), ("mixed_b", (5, 3, 6)), ("mixed_c", (7, 2, 9))):
        ways = [conv(b, f"{name}/one/conv", x, widths[0], 1)]
        for way, width in zip(("two", "three"), widths[1:], strict=True):
            y = x
            for i in range(5):  # a long way beside a short one, and no skip
                y = b.add(f"{name}/{way}/{i}/act", "relu", {}, [conv(b, f"{name}/{way}/{i}/conv", y, width)])
            ways.append(y)
        x = b.add(f"{name}/concat1", "concat", {}, ways)
    b.output(x)
    text = to_spec(b.graph())
    assert "  - mixed_a: inception 4 2 3\n  - mixed_b: inception 5 3 6\n  - mixed_c: inception 7 2 9\n" in text


def test_channels_that_grow_by_as_many_each_time_are_no_parameter() -> None:
    b = Builder("", "")
    x = b.input("input", (4, 9, 9))
    for i in range(4):
        x = conv(b, f"stage/{i}/b", conv(b, f"stage/{i}/a", x, 4 + 5 * (i + 1)), 4 + 5 * (i + 1), 1)
    b.output(x)
    text = to_spec(b.graph())
    assert "conv $(in.c+5) k3 p1" in text
    assert "  - stage: block x4\n" in text


def test_what_stands_below_a_layer_is_numbered_and_blocks_are_found_around_it() -> None:
    b = Builder("", "")
    x = b.input("input", (4, 9))
    for i in range(3):
        y = b.add(f"blocks/{i}/fc/maxpool1", "maxpool", {"kernel": (1,)}, [x])
        y = b.add(f"blocks/{i}/fc", "dense", {"units": 4, "axes": "c"}, [y])
        x = b.add(f"blocks/{i}/fc/maxpool2", "maxpool", {"kernel": (1,)}, [y])
        x = b.add(f"blocks/{i}/act", "gelu", {}, [x])
    b.output(x)
    text = to_spec(b.graph())
    assert "  - blocks: block x3\n" in text
    assert "_maxpool" not in text


def test_a_shortcut_that_runs_first_is_a_branch_where_a_residual_would_need_more_memory() -> None:
    text = """input: 32x32x32
layers:
  - add:
      - conv 8 k1 s2
      - [conv 32 k1, conv 32 k3 p1, conv 8 k3 s2 p1]
"""
    graph = load(text)
    assert "add:" in to_spec(graph)
    assert "residual:" in to_spec(load(text.replace("conv 8 k1 s2", "identity").replace("conv 8 k3 s2", "conv 32 k3")))


def written(text: str, tmp_path: Path) -> str:
    """What the command writes of a spec."""
    (tmp_path / "net.yaml").write_text(text)
    done = CliRunner().invoke(group(), ["convert", str(tmp_path / "net.yaml"), "--to", "spec"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_sums_whose_terms_all_start_at_one_value_are_branches_in_each_other(tmp_path: Path) -> None:
    text = """\
input: 8x16x16
layers:
  - x: conv 8 k1 relu
  - a: conv 8 k1
  - {from: x, layers: [b: conv 8 k3 p1]}
  - ab: {add: [{from: a}, {from: b}]}
  - {from: x, layers: [c: conv 8 k5 p2]}
  - abc: {add: [{from: ab}, {from: c}]}
  - {add: [{from: abc}, {from: x}], then: relu}
"""
    assert """\
layers:
  - x: conv 8 k1 relu
  - add1:
      residual:
        - add:
            - add:
                - a: conv 8 k1
                - b: conv 8 k3 p1
            - c: conv 8 k5 p2
      then: relu
expect""" in written(text, tmp_path)  # RepVGG and MobileOne


def test_a_block_may_start_at_what_enters_at_its_own_steps_and_at_a_value_that_it_is_told(tmp_path: Path) -> None:
    text = """\
input: 3x16x16
layers:
  - stem: conv 8 k3 p1
  - stem2: conv 8 k3 p1
  - cell_0:
      - here: conv 8 k1 relu
      - {from: stem, layers: [before: conv 8 k1 relu]}
      - left: depthwise k3 p1
      - {from: here, layers: [right: depthwise k5 p2]}
      - {from: before, layers: [pooled: maxpool k3 s1 p1]}
      - {concat: [{from: left}, {from: right}, {from: pooled}]}
  - cell_1:
      - here: conv 16 k1 relu
      - {from: stem2, layers: [before: conv 16 k1 relu]}
      - left: depthwise k3 p1
      - {from: here, layers: [right: depthwise k5 p2]}
      - {from: before, layers: [pooled: maxpool k3 s1 p1]}
      - {concat: [{from: left}, {from: right}, {from: pooled}]}
  - cell_2:
      - here: conv 32 k1 relu
      - {from: cell_0, layers: [before: conv 32 k1 relu]}
      - left: depthwise k3 p1
      - {from: here, layers: [right: depthwise k5 p2]}
      - {from: before, layers: [pooled: maxpool k3 s1 p1]}
      - {concat: [{from: left}, {from: right}, {from: pooled}]}
"""
    assert """\
blocks:
  separable:
    params: {c: required, a: required}
    layers:
      - here: conv $c k1 relu
      - right: depthwise k5 p2
      - {from: $a, layers: [before: conv $c k1 relu]}
      - left: depthwise k3 p1
      - {from: before, layers: [pooled: maxpool k3 s1 p1]}
      - concat:
          - from: left
          - from: right
          - identity
layers:
  - stem: conv 8 k3 p1
  - stem2: conv 8 k3 p1
  - cell_0: separable 8 stem
  - cell_1: separable 16 stem2
  - cell_2: separable 32 cell_0
""" in written(text, tmp_path)  # the cells of NASNet


def test_an_activation_is_a_parameter_and_equal_calls_in_a_list_are_one(tmp_path: Path) -> None:
    text = """\
input: 8x16x16
layers:
  - features:
      - 0: [{residual: [conv 24 k1 nobias bn relu, depthwise k3 p1 nobias bn relu, conv 8 k1 nobias bn]}]
      - 1: [{residual: [conv 24 k1 nobias bn relu, depthwise k3 p1 nobias bn relu, conv 8 k1 nobias bn]}]
      - 2: [{residual: [conv 48 k1 nobias bn hard_swish, depthwise k3 p1 nobias bn hard_swish, conv 8 k1 nobias bn]}]
      - 3: [{residual: [conv 48 k1 nobias bn hard_swish, depthwise k3 p1 nobias bn hard_swish, conv 8 k1 nobias bn]}]
      - 4: [{residual: [conv 48 k1 nobias bn hard_swish, depthwise k3 p1 nobias bn hard_swish, conv 8 k1 nobias bn]}]
      - 5: conv 32 k1
  - gap
"""
    assert """\
  inverted:
    params: {c: required, act: required}
    layers:
      - residual:
          - conv $c k1 nobias bn $act
          - depthwise k3 p1 nobias bn $act
          - conv 8 k1 nobias bn
layers:
  - features:
      - 0: inverted 24 relu
      - 1: inverted 24 relu
      - 2: inverted 48 hard_swish x3
      - 5: conv 32 k1
""" in written(text, tmp_path)  # MobileNet v3


def test_how_an_activation_is_built_stands_behind_the_parameter_that_names_it(tmp_path: Path) -> None:
    text = "input: 8x9x9\nparams: {a: relu}\nlayers: [depthwise k3 bn $a inplace built=function, conv 4 k1 $a]\n"
    assert "depthwise k3 bn relu built=function inplace\n  - conv 4 k1 relu\n" in written(text, tmp_path)
    (tmp_path / "net.yaml").write_text(text)
    done = CliRunner().invoke(group(), ["format", str(tmp_path / "net.yaml")])
    assert done.exit_code == 0, done.output
    assert "[depthwise k3 bn $a built=function inplace, conv 4 k1 $a]\n" in (tmp_path / "net.yaml").read_text()


def test_what_stands_alone_in_a_list_is_called_like_it(tmp_path: Path) -> None:
    text = "input: 3x9x9\nlayers: [stem: [conv 8 k3 bn relu], body: [block: [one: conv 8 k1, two: conv 4 k1]]]\n"
    assert """\
layers:
  - stem: conv 8 k3 bn relu
  - body:
      - one: conv 8 k1
      - two: conv 4 k1
""" in written(text, tmp_path)


def test_a_shortcut_of_several_layers_that_runs_first_is_the_first_branch(tmp_path: Path) -> None:
    text = """\
input: 8x16x16
layers:
  - x: conv 8 k1 relu
  - short: [avgpool 2, conv 16 k1]
  - {from: x, layers: [conv 32 k1 relu, conv 32 k3 s2 p1, conv 16 k1]}
  - {add: [identity, {from: short}]}
"""
    assert "from:" not in written(text, tmp_path)  # MaxViT of timm: with the branch first more would be in memory


def test_how_all_layers_of_a_kind_are_built_is_said_once() -> None:
    graph = load(
        "3x9x9; conv 4 k3 relu inplace built=function; conv 4 k3 relu inplace built=function; conv 4 k1 sigmoid"
    )
    text = to_spec(graph)
    assert "defaults:\n  relu: {built: function, inplace: true}\n" in text
    assert "  - conv 4 k3 relu\n" in text
    assert [node.layer.inplace for node in load(text).nodes] == [False, True, False, True, False, False]


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc("convert", *arguments, cwd=cwd)


def test_convert_writes_a_spec(tmp_path: Path) -> None:
    done = run("resnet50", "flat.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert analyze(str(tmp_path / "flat.yaml")).totals.params == 25_557_032
    run("-e", "1x8x8; conv 2 k3; dense 3", "-o", "small.yaml", cwd=tmp_path)  # the word of other commands
    assert analyze(str(tmp_path / "small.yaml")).totals.params == 239
    shown = run("-e", "1x8x8; conv 2 k3; dense 3", "--to", "spec")
    assert shown.stdout.startswith("input: 1x8x8\nlayers:\n  - conv 2 k3\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lenet5"], "say in what form"),
        (["lenet5", "net.txt"], "say in what form"),
        (["lenet5", "gone/net.yaml"], "there is no folder gone"),
        (["lenet5", "net.yaml", "--seed", "1"], "holds no weights"),
        (["lenet5", "net.onnx", "--seed", "1", "--weights", "a.npz"], "not both"),
        (["nothing", "net.yaml"], "there is no such file"),
        (["lenet5", "net.yaml", "-o", "other.yaml"], "not both"),
    ],
)
def test_what_convert_cannot_do_it_says(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_elements_that_are_taken_are_a_list_of_numbers() -> None:
    graph = load("4x9; take 0,2,2,1; take 8,0 axis=l")
    text = to_spec(graph)
    assert "take 0,2,2,1" in text
    assert same_numbers(graph, text)
