"""A real git repository with a history: what `diff --git`, `check` and `lock` say about each kind of change."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import commands
import pytest

SPEC = """name: net
input: 3x32x32
blocks:
  unit:
    layers: [conv {width} k3 p1 bn relu]
layers:
"""
BODY = ("  - conv 16 k3 p1", "  - unit x2", "  - maxpool 2", "  - conv 32 k3 p1", "  - dense 10")


def cnncalc(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc(*arguments, cwd=folder, **extra)


def git(folder: Path, *arguments: str, check: bool = True) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=check, capture_output=True)


def write(folder: Path, name: str, body: tuple[str, ...] = BODY, width: int = 16) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SPEC.format(width=width) + "\n".join(body) + "\n", encoding="utf-8")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """main has five specs; on the branch one is renamed, one grows in the middle, one gets a wider block, one goes."""
    top = tmp_path / "the repository"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    for name in ("moved", "grown", "wider", "gone", "模型 一"):
        write(top, f"models/{name}.yaml", (*BODY, "  - dense 12") if name == "moved" else BODY)
    (top / ".github").mkdir()
    (top / ".github" / "ci.yml").write_text("on: push\n", encoding="utf-8")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "one")
    git(top, "checkout", "-qb", "branch")
    (top / "models" / "deep").mkdir()
    (top / "models/moved.yaml").rename(top / "models/deep/there.yaml")
    write(top, "models/grown.yaml", (*BODY[:3], "  - conv 64 k3 p1", *BODY[3:]))
    write(top, "models/wider.yaml", width=24)
    (top / "models/gone.yaml").unlink()
    write(top, "models/模型 一.yaml", (*BODY[:4], "  - dense 11"))
    (top / ".github" / "ci.yml").write_text("on: pull_request\n", encoding="utf-8")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "two")
    return top


def titles(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, int]]:
    """For each spec the totals that differ."""
    return {
        entry["title"]: {t["quantity"]: t["difference"] for t in entry["totals"] if t["difference"]}
        for entry in json.loads(done.stdout)["differences"]
    }


def test_every_kind_of_change_is_told_for_what_it_is(history: Path) -> None:
    found = titles(cnncalc(history, "diff", "--git", "main", "--format", "json"))
    assert list(found) == [
        "models/moved.yaml -> models/deep/there.yaml",
        "models/gone.yaml",
        "models/grown.yaml",
        "models/wider.yaml",
        "models/模型 一.yaml",
    ]
    assert found["models/moved.yaml -> models/deep/there.yaml"] == {}
    assert found["models/grown.yaml"]["params"] == (9 * 16 + 1) * 64 + 9 * (64 - 16) * 32
    # width 16 to 24: two convs with biases, two norms, the conv behind
    assert found["models/wider.yaml"]["params"] == (9 * 16 * 8 + 8) + (9 * (576 - 256) + 8) + 2 * 16 + 9 * 8 * 32
    assert found["models/模型 一.yaml"]["params"] == 32 * 16 * 16 + 1
    assert found["models/gone.yaml"]["params"] < 0


def test_an_insertion_in_the_middle_is_one_layer_and_the_one_behind_it(history: Path) -> None:
    data = json.loads(
        cnncalc(history, "diff", "main:models/grown.yaml", "models/grown.yaml", "--format", "json").stdout
    )
    changed = [layer for layer in data["layers"] if {c["quantity"] for c in layer["changes"]} != {"receptive_field"}]
    assert [layer["status"] for layer in changed] == ["added", "changed"]


def test_specs_can_be_named_and_a_folder_is_enough(history: Path) -> None:
    found = titles(cnncalc(history, "diff", "--git", "main", "models/wider.yaml", "models/deep", "--format", "json"))
    assert set(found) == {"models/wider.yaml", "models/deep/there.yaml"}
    inside = titles(cnncalc(history / "models", "diff", "--git", "main", "--format", "json"))
    assert "wider.yaml" in inside
    assert "模型 一.yaml" in inside


def test_limits_hold_for_changes_not_for_what_came_or_went(history: Path) -> None:
    field = ("--max-decrease", "receptive_field=0")
    done = cnncalc(history, "diff", "--git", "main", "--max-increase", "macs=1M", "--format", "github")
    assert done.returncode == 1
    errors = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert [line.split("file=")[1].split(",")[0] for line in errors] == ["models/grown.yaml", "models/wider.yaml"]
    assert ",line=11," in errors[0]  # the layer that was put in, which adds most
    assert sum(line.startswith("::notice ") for line in done.stdout.splitlines()) == 5
    assert cnncalc(history, "diff", "--git", "main", "models/gone.yaml", "--max-increase", "params=0").returncode == 0
    wide, narrow = "1x32x32; conv 2 k5; conv 2 k5", "1x32x32; conv 2 k3; conv 2 k5"
    for name, net in (("wide", wide), ("narrow", narrow)):
        steps = net.split("; ")
        (history / f"{name}.yaml").write_text(
            f"input: {steps[0]}\nlayers: [{', '.join(steps[1:])}]\n", encoding="utf-8"
        )
    assert cnncalc(history, "diff", "narrow.yaml", "wide.yaml", *field).returncode == 0
    back = cnncalc(history, "diff", "wide.yaml", "narrow.yaml", *field)
    assert back.returncode == 1
    assert "receptive_field shrinks by 2 (-22.2 %), limit 0" in back.stderr


def test_what_is_not_known_keeps_no_limit(tmp_path: Path) -> None:
    for name, filters in (("old", 1), ("new", 2)):
        text = f"input: 1x8x8\nlayers:\n  - conv {filters} k3\n  - permute 2,0,1\n  - conv 1 k1\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    done = cnncalc(tmp_path, "diff", "old.yaml", "new.yaml", "--max-decrease", "receptive_field=0")
    assert done.returncode == 1
    assert "is not known on both sides" in done.stderr


def test_one_spec_with_the_marks_of_a_merge_hides_no_other(history: Path) -> None:
    git(history, "checkout", "-qb", "other", "main")
    write(history, "models/wider.yaml", width=20)
    git(history, "commit", "-qam", "three")
    git(history, "merge", "branch", check=False)
    text = (history / "models/wider.yaml").read_text(encoding="utf-8")
    line = text.split("\n").index("<<<<<<< HEAD") + 1
    for command in (("check", "models"), ("diff", "--git", "main"), ("lock", "models")):
        done = cnncalc(history, *command)
        assert done.returncode == 2, command
        assert f"wider.yaml:{line}:1: " in done.stderr
        assert "merge" in done.stderr
        assert "Traceback" not in done.stderr
    assert "models/grown.yaml" in cnncalc(history, "diff", "--git", "main").stdout
    assert not (history / "cnncalc.lock").exists()


def test_a_shallow_clone_says_what_to_fetch_and_then_compares(history: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=branch", f"file://{history}", "shallow")
    clone = tmp_path / "shallow"
    done = cnncalc(clone, "diff", "--git", "origin/main")
    assert done.returncode == 2
    assert "git fetch --depth=1 origin BRANCH" in done.stderr
    git(clone, "fetch", "-q", "--depth=1", "origin", "main")
    found = titles(cnncalc(clone, "diff", "--git", "FETCH_HEAD", "--format", "json"))
    assert len(found) == 5


def test_a_lock_follows_renames_and_deletions(history: Path) -> None:
    git(history, "checkout", "-q", "main")
    assert cnncalc(history, "lock", "models").returncode == 0
    git(history, "add", "cnncalc.lock")
    git(history, "commit", "-qm", "lock")
    assert cnncalc(history, "lock", "--check").returncode == 0
    git(history, "checkout", "-q", "branch")
    git(history, "checkout", "-q", "main", "cnncalc.lock")
    drift = json.loads(cnncalc(history, "lock", "--check", "models", "--format", "json").stdout)["drift"]
    new = {entry["path"] for entry in drift if entry["locked"] is None}
    assert "models/deep/there.yaml" in new
    gone = json.loads(cnncalc(history, "lock", "--check", "--format", "json").stdout)["drift"]
    assert {entry["path"] for entry in gone if entry["now"] is None and entry["name"] == "params"} == {
        "models/gone.yaml", "models/moved.yaml",
    }  # fmt: skip
