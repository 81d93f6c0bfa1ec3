"""Graphs written as specs: read back they are the same network, and a person would have written them so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import commands
import pytest
from hypothesis import HealthCheck, given, settings
from option_sets import graphs
from random_specs import networks

import cnncalc
from cnncalc import analyze, load
from cnncalc.interop.builder import Builder
from cnncalc.interop.spec.writing import NotASpecError, same_numbers, to_spec
from cnncalc.shipped import VARIANTS, bundled

ALL = list(graphs())
# Networks whose merges get names that they had not: their text written anew is another one.
NOT_NESTED = ("hrnet", "unet", "inception")
# Lines of the text where blocks must have been found: no more than a person needs.
LINES = {
    "resnet50": 26, "resnet152": 26, "googlenet": 36, "mobilenet-v1": 50, "mobilenet-v2": 42, "shufflenet-v1": 40,
    "vgg16": 31, "squeezenet1_1": 37, "lenet5": 13,
}  # fmt: skip


@pytest.mark.parametrize("name", [*bundled(), *VARIANTS])
def test_a_bundled_network_is_read_back_as_it_was(name: str) -> None:
    graph = load(name)
    text = to_spec(graph)
    ours, theirs = analyze(graph), analyze(text)
    totals = [report.totals.to_dict() for report in (ours, theirs)]
    assert totals[0] == totals[1]
    assert all(verdict.holds for verdict in theirs.expectations)
    assert to_spec(load(text)).splitlines()[1:] == text.splitlines()[1:] or name.startswith(NOT_NESTED)
    assert text.count("\n") <= LINES.get(name, 1000)


@pytest.mark.parametrize(("name", "graph"), ALL, ids=[name for name, _ in ALL])
def test_every_case_is_read_back_as_it_was(name: str, graph: cnncalc.Graph) -> None:
    assert same_numbers(graph, to_spec(graph))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(networks())
def test_a_random_network_is_read_back_as_it_was(drawn: tuple[str, cnncalc.Graph]) -> None:
    _text, graph = drawn
    text = to_spec(graph)
    assert same_numbers(graph, text)
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
        graph = load(name)
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


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc("convert", *arguments, cwd=cwd)


def test_convert_writes_a_spec(tmp_path: Path) -> None:
    done = run("resnet50", "flat.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert analyze(str(tmp_path / "flat.yaml")).totals.params == 25_557_032
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
    ],
)
def test_what_convert_cannot_do_it_says(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())
