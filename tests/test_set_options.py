"""Options of layers that are set from outside, LAYER.option: the spec with that value in the line of the layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import group as make_group

NET = """\
input: 3x32x32
blocks:
  twice:
    params: {filters: 8}
    layers: [conv $filters k3 p1 bn relu, conv $filters k3 p1 bn relu]
layers:
  - conv 8 k5 p2 relu
  - stem: twice filters=8
  - maxpool 2
  - again: twice filters=16 x3
  - conv 16 k3 relu x2
  - dense 10
"""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(make_group(), arguments)


def totals(*arguments: str) -> Any:
    done = run(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    return found["totals"], [{**row, "name": None} for row in found["layers"]]


@pytest.mark.parametrize(
    ("given", "line", "instead"),
    [
        (["conv1.filters=12"], "conv 8 k5 p2 relu", "conv 12 k5 p2 relu"),
        (["Conv1.k=3", "conv1.padding=same"], "conv 8 k5 p2 relu", "conv 8 k3 same relu"),
        (["conv1.stride=2", "conv1.bias=no"], "conv 8 k5 p2 relu", "conv 8 k5 p2 s2 nobias relu"),
        (["maxpool1.kernel=3", "maxpool1.stride=1"], "maxpool 2", "maxpool 3 s1"),
        (["dense1.units=7"], "dense 10", "dense 7"),
        (["stem/conv1.filters=5"], "[conv $filters k3 p1 bn relu,", "[conv 5 k3 p1 bn relu,"),
    ],
)
def test_a_network_is_the_one_with_that_value_in_its_line(
    given: list[str], line: str, instead: str, tmp_path: Path
) -> None:
    own, edited = tmp_path / "own.yaml", tmp_path / "edited.yaml"
    # The block stands once: its lines belong to one layer each.
    once = NET.replace("  - again: twice filters=16 x3\n", "")
    own.write_text(once)
    edited.write_text(once.replace(line, instead))
    assert edited.read_text() != once
    assert totals(str(own), *(part for text in given for part in ("--set", text))) == totals(str(edited))


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("conv9.filters", "conv9", "conv3"),
        ("conv1.filtres", "filtres", "filters"),
        ("stem/conv1.filters", "4 layers", "$width"),  # of the block, which is called again
        ("conv2.filters", "2 layers", "$width"),
        ("stem.filters", "stem", "LAYER.option"),
    ],
)
def test_what_is_no_option_of_one_layer_is_told(name: str, said: str, hint: str, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(NET)
    for arguments in (
        ["--set", f"{name}=4"],
        ["--over", f"{name}=4,5"],
        ["--find", f"{name}=4,5", "--where", "macs>1"],
    ):
        command = {"--set": "analyze", "--over": "sweep", "--find": "solve"}[arguments[0]]
        done = run(command, str(spec), *arguments)
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert hint in done.stderr


def test_a_wrong_value_is_told_at_the_line_of_the_layer(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(NET)
    done = run(str(spec), "--set", "dense1.units=-3")
    assert done.exit_code == 2
    assert f"{spec}:12:5: " in done.stderr


def test_they_vary_as_parameters_do() -> None:
    swept = cnncalc.sweep("lenet5", over={"C1.kernel": (3, 4, 5), "F6.units": range(80, 90)})
    rows = list(zip(*(swept[name] for name in ("C1.kernel", "F6.units", "params", "macs")), strict=True))
    assert len(rows) == 30
    for kernel, units, params, macs in rows:
        found = cnncalc.analyze("lenet5", **{"C1.kernel": int(kernel), "F6.units": int(units)}).totals
        assert (params, macs) == (found.params, found.macs)


def test_questions_are_asked_backwards_of_any_network() -> None:
    done = run("solve", "lenet5", "--find", "F6.units=10..120", "--where", "params<55000", "--maximize", "F6.units")
    assert done.exit_code == 0, done.output
    assert "42" in done.stdout  # 121 F6 + 49,836 < 55,000, by hand: 156 + 12 + 1516 + 32 + 48120 and 121 per unit of F6
    done = run(
        "solve", "-e", "1x32x32; conv 6 k5", "--find", "conv1.k=1..11,conv1.p=0..5", "--where", "conv1.output=6x28x28"
    )
    assert [line.split()[:2] for line in done.stdout.splitlines()[2:6]] == [
        ["5", "0"],
        ["7", "1"],
        ["9", "2"],
        ["11", "3"],
    ]


def test_in_a_line_with_names_of_its_own_the_option_is_written_there() -> None:
    done = run("sweep", "-e", "1x32x32; conv 6 k$k; dense 10", "--over", "k=3,5", "--over", "dense1.units=5,6")
    assert done.exit_code == 2
    assert "$k" in done.stderr
