"""`cnncalc explain` as a student runs it: words, formats, mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import xml.dom.minidom
from pathlib import Path
from random import Random
from typing import Any

import commands
import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import group
from cnncalc.layers import KINDS


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc("explain", *arguments, cwd=cwd)


def test_one_number_one_layer_a_total_and_the_whole_network() -> None:
    one = run("lenet5", "C3", "connections").stdout
    assert "connections = params × m × m = 1,516 × 10 × 10 = 151,600" in one
    layer = run("lenet5", "C3").stdout
    assert [line.split(" = ")[0] for line in layer.splitlines() if line.startswith("C3.")] == [
        f"C3.{name}"
        for name in ("output", "params", "connections", "macs", "flops", "receptive_field", "activation_bytes",
                     "parameter_bytes")
    ]  # fmt: skip
    assert "15   0 1 2 3 4 5         6" in layer
    assert "= 122,304 + 5,880 + 151,600 + 2,000 + 48,120 + 10,164 + 840" in run("lenet5", "total", "connections").stdout
    whole = run("lenet5").stdout
    assert whole.index("C1.output") < whole.index("S2.output") < whole.index("OUTPUT.connections")


def test_each_symbol_is_explained_once_per_page() -> None:
    page = run("lenet5", "C1").stdout
    assert len(re.findall(r"^    k = 5 +kernel size", page, re.MULTILINE)) == 1
    assert len(re.findall(r"^    f = 6 +filters", page, re.MULTILINE)) == 1


def test_a_net_without_a_file_and_a_field_between_two_layers() -> None:
    assert "MACs = k × k × c × f × m × m" in run("-e", "3x8x8; conv 2 k3", "conv1", "macs").stdout
    assert "in units of pool1 = 14x14" in run("example-field-30", "pool3", "rf", "--from", "pool1").stdout


def test_the_page_of_html_is_well_formed_and_loads_nothing() -> None:
    page = run("lenet5", "C3", "--format", "html").stdout
    body = page.partition("<body>")[2].partition("</body>")[0]
    xml.dom.minidom.parseString(f"<body>{body}</body>")
    assert "<script" not in page
    assert "http" not in page
    assert "<mo>⌊</mo><mfrac>" in page


def test_latex_is_balanced_and_markdown_has_formulas() -> None:
    page = run("alexnet", "conv1", "--format", "latex").stdout
    assert page.count(r"\begin{align*}") == page.count(r"\end{align*}") >= 5
    assert page.count(r"\left") == page.count(r"\right")
    assert page.count("{") == page.count("}")
    markdown = run("lenet5", "C3", "connections", "--format", "markdown").stdout
    assert "$$\\text{connections} = \\text{params} \\times m \\times m" in markdown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lenet5", "C9"), "there is no layer 'C9'"),
        (("lenet5", "C3", "macz"), "there is no quantity 'macz': did you mean macs?"),
        (("lenet5", "C3", "rf", "--from", "F6"), "F6 does not come before C3"),
        (("lenet5", "--symbolic"), "--symbolic needs a LAYER"),
        (("lenet5", "C1", "params", "--free", "y"), "nothing here depends on y"),
        (("lenet6",), "did you mean lenet5?"),
        ((), "Give a SPEC"),
    ],
)
def test_what_is_wrong_is_said_with_status_2(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_page_goes_into_a_file(tmp_path: Path) -> None:
    assert run("lenet5", "C3", "--format", "html", "-o", "c3.html", cwd=tmp_path).stdout == ""
    assert (tmp_path / "c3.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_field_and_the_peak_of_the_whole_network() -> None:
    """The field of a total is that of the network's result: 3x3 three times is 7x7."""
    field = run("-e", "3x32x32; conv 8 k3 x3", "total", "receptive_field")
    assert "conv3.receptive_field = 7x7" in field.stdout
    peak = "peak_activation_bytes = C1 + C1/tanh = 18,816 + 18,816 = 37,632"  # 6 x 28 x 28 values of 4 bytes, twice
    assert peak in run("lenet5", "total", "peak_activation_bytes").stdout
    assert peak in run("lenet5", "peak_activation_bytes").stdout
    assert "= 60,000" in run("lenet5", "params").stdout
    refused = run("lenet5", "C3", "peak_activation_bytes")
    assert refused.returncode == 2
    assert "whole network" in refused.stderr


@pytest.mark.parametrize(
    ("net", "lines"),
    [
        ("1x32x32; conv 6 k7 same", {"P": "6", "p_1": "3", "p_2": "3", "m": "n"}),
        ("1x32x32; conv 6 k7 s2 same", {"m": "ceil(n / 2)"}),
        ("1x32x32; conv 6 k5 p2", {"m": "n"}),
        ("1x32x32; conv 6 k5", {"m": "n - 4"}),
    ],
)
def test_what_cancels_out_is_not_written(net: str, lines: dict[str, str]) -> None:
    page = run("-e", net, "conv1", "output", "--symbolic").stdout
    found = dict(line.strip().split(" = ", 1) for line in page.splitlines() if " = " in line and line.startswith("  "))
    assert {name: found[name] for name in lines} == lines


def test_a_closed_form_divides_large_sizes_at_once() -> None:
    # A size to the power of a stride would have six million digits.
    page = run("-e", "1x1000000; conv 4 k3 s1000000", "conv1", "macs", "--symbolic", "--free", "f").stdout
    assert "MACs = 3 × f" in page


@pytest.mark.parametrize("kind", KINDS)
def test_the_arithmetic_of_every_kind_is_shown_on_an_example(kind: str) -> None:
    """As a textbook prints it, and not the code: a number and a formula, or the sentence that there is nothing."""
    result = CliRunner().invoke(group(), ["kinds", kind])
    assert result.exit_code == 0, result.output
    assert "arithmetic, by the example of" in result.output
    assert "example.output = " in result.output
    assert "def facts" not in result.output
    assert not re.search(r"self\.\w|_\(", result.output)


def solved_for(net: str, layer: str, sought: str) -> list[list[int]]:
    """The solutions that the board names, axis by axis."""
    done = CliRunner().invoke(group(), ["explain", "-e", net, layer, "--inverse", sought, "--format", "json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["derivations"]
    return [list(map(int, re.findall(r"\d+", one["remarks"][0].rpartition(" = ")[2]))) for one in found]


@pytest.mark.parametrize(
    ("sought", "values"),
    [("padding", range(6)), ("kernel", range(1, 12)), ("stride", range(1, 9)), ("size", range(1, 40))],
)
def test_the_board_solves_for_what_gives_the_same_size(sought: str, values: range) -> None:
    """Each value tried on the layer itself: those that the board names give the output, and no others."""
    random = Random(sought)
    for _case in range(12):
        own = {"size": random.randint(9, 30), "kernel": random.randint(1, 5), "stride": random.randint(1, 4)}
        own |= {"padding": random.randint(0, 3), "dilation": random.randint(1, 2)}

        def output(changed: dict[str, int]) -> Any:
            net = "1x{size}x{size}; conv 2 k{kernel} s{stride} p{padding} d{dilation}".format(**changed)
            try:
                return cnncalc.analyze(net)["conv1"].output
            except cnncalc.CnncalcError:
                return None

        net = "1x{size}x{size}; conv 2 k{kernel} s{stride} p{padding} d{dilation}".format(**own)
        (named,) = solved_for(net, "conv1", sought)
        fits = [value for value in values if output({**own, sought: value}) == output(own)]
        assert [value for value in named if value in values] == fits, net


def test_the_steps_of_a_question_asked_backwards_are_on_the_board() -> None:
    done = CliRunner().invoke(
        group(), ["explain", "-e", "3x224x224; conv 64 k7 s2 p3", "conv1", "--inverse", "padding"]
    )
    for line in (
        "2 p lies between 5 and 6: p = 3.",
        "floor((2 × p + 217) / 2) + 1 = 112",
        "a = s × (m - 1) + k - n = 2 × (112 - 1) + 7 - 224 = 5",
    ):
        assert line in done.output


def test_axes_that_differ_are_solved_one_by_one_and_padding_that_is_uneven_as_a_whole() -> None:
    assert solved_for("3x32x40; conv 64 k3x5 s2 same d2", "conv1", "padding") == [[3, 4], [7, 8]]
    # one position: every stride beyond the room of 3
    assert solved_for("1x8; conv 1 k5", "conv1", "kernel") == [[5]]
    assert solved_for("1x8; conv 1 k8", "conv1", "stride")[0][:3] == [1, 2, 3]


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "csv", "rst", "plain"])
def test_every_format_writes_a_board_that_was_solved(form: str) -> None:
    done = CliRunner().invoke(group(), ["explain", "lenet5", "C1", "--inverse", "kernel", "--format", form])
    assert done.exit_code == 0
    assert "kernel" in done.output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("lenet5", "F6"), "F6 slides no window: there is no kernel to solve for"),
        (("-e", "1x8x8; maxpool 3 ceil", "maxpool1"), "maxpool1 rounds up"),
        (("-e", "1x8x8; conv 1 k3 same", "conv1"), "its padding follows from the others"),
        (("lenet5", "C9"), "C9"),
        (("lenet5",), "--inverse needs a LAYER"),
        (("resnet34", "stage1"), "slides no window"),
    ],
)
def test_what_cannot_be_solved_on_the_board_is_said(words: tuple[str, ...], problem: str) -> None:
    done = CliRunner().invoke(group(), ["explain", *words, "--inverse", "kernel"])
    assert done.exit_code == 2
    assert problem in done.output
