"""`cnncalc explain` as a student runs it: words, formats, mistakes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.dom.minidom
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnncalc.cli import group
from cnncalc.layers import KINDS


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "cnncalc", "explain", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=60)


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_arithmetic_of_every_kind_is_shown_on_an_example(kind: str) -> None:
    """As a textbook prints it, and not the code: a number and a formula, or the sentence that there is nothing."""
    result = CliRunner().invoke(group(), ["kinds", kind])
    assert result.exit_code == 0, result.output
    assert "arithmetic, by the example of" in result.output
    assert "example.output = " in result.output
    assert "def facts" not in result.output
    assert not re.search(r"self\.\w|_\(", result.output)
