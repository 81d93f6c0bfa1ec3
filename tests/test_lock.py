"""`cnncalc lock`: numbers accepted once, and held."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import commands
import pytest


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc("lock", *arguments, cwd=cwd)


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
    assert lines[1] == "# covers models/"
    assert lines[2:] == sorted(lines[2:], key=lambda line: line.split("\t"))
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
    assert "models/new.yaml: all 12 numbers: (not locked) -> (new)" in done.stdout
    assert "models/deep/c.yaml: all 22 numbers: locked -> (gone)" in done.stdout
    gone = run("--check", cwd=models)
    assert "models/deep/c.yaml: all 22 numbers: locked -> (gone)" in gone.stdout


def test_of_many_drifts_the_first_are_told_and_the_others_counted(models: Path) -> None:
    spec = models / "models" / "a net.yaml"
    spec.write_text("input: 1x32x32\nlayers: [conv 2 k3 p1 x20]\n", encoding="utf-8")
    run("models", cwd=models)
    spec.write_text("input: 1x32x32\nlayers: [conv 3 k3 p1 x20]\n", encoding="utf-8")
    every = json.loads(run("--check", "--format", "json", cwd=models).stdout)["drift"]
    told = run("--check", cwd=models).stdout
    shown = told.count(" -> ")
    assert 0 < shown < len(every)
    assert f"and {len(every) - shown} more\n" in told


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


NASTY = ("#x", "tab\there", "two\nlines", "line\u2028separator", '"quotes"', " # ", "back\\slash", "next\x85line")


def test_a_name_of_any_characters_is_held(tmp_path: Path) -> None:
    """A path that read back as a comment, or as two lines, would be locked and never checked."""
    (tmp_path / "m").mkdir()
    for name in NASTY:
        (tmp_path / "m" / f"{name}.yaml").write_text("input: 3\nlayers: [dense 2]\n", encoding="utf-8")
    (tmp_path / "#top.yaml").write_text("input: 3\nlayers: [dense 2]\n", encoding="utf-8")
    assert run("m", "#top.yaml", cwd=tmp_path).returncode == 0
    assert run("--check", cwd=tmp_path).returncode == 0
    for path in ("#top.yaml", *(f"m/{name}.yaml" for name in NASTY)):
        (tmp_path / path).write_text("input: 3\nlayers: [dense 1]\n", encoding="utf-8")
        data = json.loads(run("--check", "--format", "json", cwd=tmp_path).stdout)
        assert {entry["path"] for entry in data["drift"]} == {path}
        (tmp_path / path).write_text("input: 3\nlayers: [dense 2]\n", encoding="utf-8")


def test_without_arguments_what_the_file_names_is_accepted_anew(models: Path) -> None:
    run("models", cwd=models)
    spec = models / "models" / "a net.yaml"
    spec.write_text(spec.read_text().replace("conv 6", "conv 7"))
    (models / "models" / "deep" / "c.yaml").unlink()
    (models / "models" / "deep" / "new.yaml").write_text("input: 3\nlayers: [dense 2]\n")
    drift = run("--check", cwd=models)
    assert drift.returncode == 1
    assert "`cnncalc lock` accepts them" in drift.stderr
    assert "models/deep/new.yaml: all 12 numbers: (not locked) -> (new)" in drift.stdout
    done = run(cwd=models)
    assert done.returncode == 0
    assert "models/deep/c.yaml: is gone, and locked no longer" in done.stdout
    assert run("--check", cwd=models).returncode == 0
    assert "models/deep/new.yaml\tparams\t8" in (models / "cnncalc.lock").read_text(encoding="utf-8")


def test_a_spec_beside_those_that_were_named_one_by_one_is_missed_too(models: Path) -> None:
    run("models/a net.yaml", cwd=models)  # another stands beside it: not all of the folder is meant
    assert run("--check", cwd=models).returncode == 0
    run("models/网络.yaml", cwd=models)  # what was locked stays
    assert "models/a net.yaml\tC1.params\t156" in (models / "cnncalc.lock").read_text(encoding="utf-8")
    (models / "models" / "new.yaml").write_text("input: 3\nlayers: [dense 2]\n")
    done = run("--check", cwd=models)
    assert done.returncode == 1
    assert "models/new.yaml: all 12 numbers: (not locked) -> (new)" in done.stdout


def test_paths_start_from_where_the_command_runs(models: Path) -> None:
    run("models", cwd=models)
    (models / "models" / "a net.yaml").write_text("input: 1x32x32\nlayers: [conv 8 k99]\n", encoding="utf-8")
    for where, file, path in ((".", "cnncalc.lock", "models/a net.yaml"), ("models", "../cnncalc.lock", "a net.yaml")):
        done = run("--check", "--file", file, cwd=models / where)
        assert done.returncode == 2
        assert done.stderr.startswith(f"{path}:2:")


def test_what_is_expected_is_brought_up_to_date_and_nothing_else_is_touched(tmp_path: Path) -> None:
    text = (
        "input: 1x32x32  # as MNIST, padded\r\nlayers: [C1: conv 6 k5, dense 10]\r\nexpect:  # by hand\r\n"
        "  C1.params: 155   # wrong\r\n  C1.output: '6x2x2'\r\n  params: 1,000\r\n  macs: <= 1k\r\n"
    )
    (tmp_path / "net.yaml").write_bytes(text.encode())
    done = run("--update-expect", "net.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "net.yaml: C1.params: 155 -> 156" in done.stdout
    assert "net.yaml: macs: <= 1k stays, although it is 164640" in done.stdout
    new = text.replace(": 155", ": 156").replace("6x2x2", "6x28x28").replace("1,000", "47,206")
    assert (tmp_path / "net.yaml").read_bytes() == new.encode()
    assert not (tmp_path / "cnncalc.lock").exists()


def test_a_lock_file_that_never_ends_is_refused(models: Path) -> None:
    done = run("--check", "--file", "/dev/urandom", cwd=models)
    assert done.returncode == 2
    assert "no file that could be read" in done.stderr


def test_bundled_networks_are_held_from_wherever_the_lock_file_is_named(tmp_path: Path) -> None:
    assert run("lenet5", cwd=tmp_path).returncode == 0
    assert run("alexnet", cwd=tmp_path).returncode == 0
    lock = tmp_path / "cnncalc.lock"
    assert "# covers" not in lock.read_text()  # a bundled network is in no folder of theirs
    (tmp_path / "other").mkdir()
    for where, file in ((tmp_path, "cnncalc.lock"), (tmp_path / "other", "../cnncalc.lock")):
        held = run("--check", "--file", file, cwd=where)
        assert held.returncode == 0, held.stdout
        assert "gone" not in held.stdout
    lock.write_text(lock.read_text().replace("C1.params\t156", "C1.params\t157"))
    assert run("--check", cwd=tmp_path).returncode == 1
    # A file that is called like a network is that file.
    (tmp_path / "lenet5").write_text("input: 1x32x32\nlayers: [conv 6 k5]\n")
    assert run("--check", "lenet5", cwd=tmp_path).returncode == 1
