"""`cnncalc lock`: numbers accepted once, and held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "cnncalc", "lock", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=60)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "models" / "deep").mkdir(parents=True)
    for name, filters in (("a net", 6), ("网络", 8), ("deep/c", 10)):
        text = f"input: 1x32x32\nlayers: [{{C1: conv {filters} k5}}, dense 10]\n"
        (tmp_path / "models" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_numbers_are_locked_a_line_each_and_hold(models: Path) -> None:
    assert "of 3 specs are locked in cnncalc.lock" in run("models", cwd=models).stdout
    lines = (models / "cnncalc.lock").read_text(encoding="utf-8").splitlines()
    assert "models/a net.yaml\tC1.params\t156" in lines
    assert "models/网络.yaml\tC1.output\t8x28x28" in lines
    assert lines[1:] == sorted(lines[1:], key=lambda line: line.split("\t"))
    assert run("--check", cwd=models).returncode == 0
    assert run("--check", "models", cwd=models).returncode == 0


def test_a_drift_is_told_line_by_line_with_status_1(models: Path) -> None:
    run("models", cwd=models)
    spec = models / "models" / "a net.yaml"
    spec.write_text(spec.read_text().replace("conv 6", "conv 7"))
    (models / "models" / "deep" / "c.yaml").unlink()
    (models / "models" / "new.yaml").write_text("input: 3\nlayers: [dense 2]\n")
    done = run("--check", "models", cwd=models)
    assert done.returncode == 1
    assert "models/a net.yaml: C1.params: 156 -> 182" in done.stdout
    assert "models/new.yaml: params: (not locked) -> 8" in done.stdout
    gone = run("--check", cwd=models)
    assert "models/deep/c.yaml: C1.macs: " in gone.stdout
    assert "-> (gone)" in gone.stdout


def test_one_changed_number_changes_few_lines(models: Path) -> None:
    run("models", cwd=models)
    before = (models / "cnncalc.lock").read_text(encoding="utf-8").splitlines()
    spec = models / "models" / "a net.yaml"
    spec.write_text(spec.read_text().replace("dense 10", "dense 11"))
    run("models", cwd=models)
    after = (models / "cnncalc.lock").read_text(encoding="utf-8").splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) < 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--check",), "cannot be read"),
        ((), "there is no spec to lock"),
        (("nothing.yaml",), "there is no such file"),
        (("models", "--file", "no/such/folder.lock"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(models: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments, cwd=models)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_is_left_of_a_merge_is_told_at_its_line(models: Path) -> None:
    (models / "cnncalc.lock").write_text("# head\n<<<<<<< HEAD\n", encoding="utf-8")
    done = run("--check", cwd=models)
    assert done.returncode == 2
    assert "cnncalc.lock:2:1: not a line of a lock file" in done.stderr


def test_a_drift_is_annotated_at_its_layer_and_a_broken_spec_hides_none(models: Path) -> None:
    run("models", cwd=models)
    spec = models / "models" / "a net.yaml"
    spec.write_text("input: 1x32x32\nlayers:\n- C1: conv 7 k5\n- dense 10\n", encoding="utf-8")
    (models / "models" / "网络.yaml").write_text("input: 1x32x32\nlayers: [conv 8 k99]\n", encoding="utf-8")
    done = run("--check", "models", "--format", "github", cwd=models)
    assert done.returncode == 2
    assert "网络.yaml:2:" in done.stderr
    lines = done.stdout.splitlines()
    layer = next(line for line in lines if ",line=3,col=7," in line)
    assert layer.startswith("::error file=models/a net.yaml,")
    assert "C1.params: 156 -> 182" in layer
    assert any("models/网络.yaml,line=2," in line for line in lines)
    data = json.loads(run("--check", "models", "--format", "json", cwd=models).stdout)
    assert {"path": "models/a net.yaml", "name": "C1.params", "locked": "156", "now": "182"} in data["drift"]
    assert list(data["errors"]) == ["models/网络.yaml"]
    assert {entry["path"] for entry in data["drift"]} == {"models/a net.yaml"}
    rows = run("--check", "models/a net.yaml", "--format", "markdown", cwd=models)
    assert rows.returncode == 1
    assert "| models/a net.yaml | C1.params" in rows.stdout
    log = json.loads(run("--check", "models/a net.yaml", "--format", "sarif", cwd=models).stdout)
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == {"drift"}
