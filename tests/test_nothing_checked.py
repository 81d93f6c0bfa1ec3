"""A command that checks nothing never looks as if all were well: paths that are not there or hold no spec."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import commands
import pytest
from onnx_bytes import Model

GOOD = "input: 3\nlayers: [dense 2]\n"
CHECKS = (("check", "--skip-others"), ("lint", "--skip-others"), ("format", "--check", "--skip-others"))
ALL = (*CHECKS, ("check",), ("lint",), ("format", "--check"), ("lock",))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc(*arguments, cwd=folder, timeout=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "ci.yml").write_text("on: push\n", encoding="utf-8")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "links" / "nowhere.yaml").symlink_to("gone.yaml")
    return tmp_path


@pytest.mark.parametrize("command", ALL, ids=" ".join)
@pytest.mark.parametrize(
    "path", ["nosuch", "nosuch/", "nosuch.yaml", "nosuch/net.yaml", "empty", "others", "links", "links/nowhere.yaml"]
)
def test_what_is_not_there_fails(folder: Path, command: tuple[str, ...], path: str) -> None:
    done = run(folder, *command, path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert path.rstrip("/") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_a_pipe_in_a_folder_is_refused_at_once(folder: Path, command: tuple[str, ...]) -> None:
    os.mkfifo(folder / "links" / "pipe.yaml")
    done = run(folder, *command, "links")
    assert done.returncode == 2
    assert "links/pipe.yaml: not a file, but a pipe or a device" in done.stderr


@pytest.mark.parametrize("command", CHECKS, ids=" ".join)
def test_what_is_skipped_is_counted(folder: Path, command: tuple[str, ...]) -> None:
    for name in ("a.yaml", "b.txt"):
        (folder / name).write_text("on: push\n", encoding="utf-8")
    done = run(folder, *command, "a.yaml", "b.txt")
    assert done.returncode == 0
    assert "2 files that are no specs are passed over" in done.stderr
    beside = run(folder, *command, "a.yaml", "links/good.yaml")
    assert beside.returncode == 0, beside.stderr
    assert "1 file that is no spec is passed over" in beside.stderr


@pytest.mark.parametrize("name", ["net.yaml", "NET.YAML"])
@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbflayers: [dense 99x]\n",
        b"name: a\rlayers: [dense 99x]\r",
        b'{"name": "a", "layers": ["dense 99x"]}',
        b"--- {name: a, layers: [dense 99x]}",
        b'"layers": [dense 99x]\n',
        "input: 3\nlayers: [dense 2]\n".encode("utf-16"),
    ],
    ids=range(6),
)
def test_a_spec_that_begins_in_no_usual_way_is_one(folder: Path, text: bytes, name: str) -> None:
    """It was passed over as other YAML, its mistakes with it."""
    (folder / "others" / name).write_bytes(text)
    for command in (("check", "--skip-others", f"others/{name}"), ("check", "others")):
        done = run(folder, *command)
        assert done.returncode == 2, command
        assert name in done.stderr


def test_what_cannot_be_read_is_not_passed_over(folder: Path) -> None:
    (folder / "net.onnx").symlink_to("/proc/self/mem")  # a file, of which the first byte cannot be read
    if not os.path.isfile(folder / "net.onnx"):
        pytest.skip("needs /proc")
    for command in CHECKS:
        done = run(folder, *command, "net.onnx")
        assert done.returncode == 2
        assert "net.onnx" in done.stderr


@pytest.mark.parametrize("command", CHECKS, ids=" ".join)
def test_nothing_named_is_an_error(folder: Path, command: tuple[str, ...]) -> None:
    assert run(folder, *command).returncode == 2


@pytest.mark.parametrize("path", ["nosuch", "nosuch/", "nosuch.yaml", "empty", "others"])
def test_differences_of_what_is_not_there_fail(folder: Path, path: str) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "links", "others"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    done = run(folder, "diff", "--git", "HEAD", path)
    assert done.returncode == 2
    assert path in done.stderr
    assert run(folder, "diff", "--git", "HEAD", "links").returncode == 0
    (folder / "links" / "good.yaml").unlink()
    gone = run(folder, "diff", "--git", "HEAD", "links/good.yaml")
    assert gone.returncode == 0, gone.stderr
    assert "links/good.yaml" in gone.stdout


def test_a_revision_is_no_option_of_git(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    for words in (("diff", "--git=--output=F"), ("diff", "--output=F:links/good.yaml", "links/good.yaml")):
        assert run(folder, *words).returncode == 2
    assert run(folder, "diff", "--", "--output=F:links/good.yaml", "links/good.yaml").returncode == 2
    assert not (folder / "F").exists()


SPEC_THAT_FAILS = "# a net\nname: a\ninput: 3\nlayers:\n- dense 2\nexpect: {params: 9}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("net.txt", SPEC_THAT_FAILS),
        ("net", SPEC_THAT_FAILS),
        ("net.bak", "\ufeff" + SPEC_THAT_FAILS.replace("\n", "\r\n")),
        ("net.json", '{"input": "3", "layers": ["dense 2"], "expect": {"params": 9}}'),
    ],
)
def test_a_spec_with_another_ending_is_one(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(text.encode())
    done = run(folder, "check", "--skip-others", name, "links/good.yaml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "params" in done.stdout
    assert "passed over" not in done.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "# A net\n\nWritten as\n\ninput: 3\nlayers: [dense 2]\n"),
        ("net.py", "input: int = 3\nlayers: list[str] = []\nprint(layers)\n"),
        ("package.json", '{"name": "a", "version": "1", "layers": []}'),
        ("model.json", '{"class_name": "Sequential", "config": {"layers": [], "name": "a"}}'),
        ("answers.txt", "input: 3\nC1: params=156\n"),
    ],
)
def test_a_text_that_is_no_spec_is_passed_over(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    done = run(folder, "check", "--skip-others", name, "links/good.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 file that is no spec is passed over" in done.stderr


def test_a_file_that_git_does_not_know_yet_is_new(folder: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (folder / ".gitignore").write_text("ignored.yaml\n", encoding="utf-8")
    for words in (["init", "-q"], ["add", ".gitignore", "links"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    for name in ("new.yaml", "net.txt", "ignored.yaml"):
        (folder / name).write_text(GOOD, encoding="utf-8")
    assert "net.txt" in run(folder, "diff", "--git", "HEAD", "net.txt").stdout
    found = run(folder, "diff", "--git", "HEAD")
    assert "new.yaml" in found.stdout
    assert "net.txt" not in found.stdout + found.stderr  # in a folder the ending says what is one
    assert "ignored.yaml" not in found.stdout + found.stderr


def test_a_number_that_is_locked_twice_is_an_error(folder: Path) -> None:
    (folder / "links" / "nowhere.yaml").unlink()
    assert run(folder, "lock", "links/good.yaml").returncode == 0
    lock = folder / "cnncalc.lock"
    line = "links/good.yaml\tparams\t8\n"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace(line, line * 2), encoding="utf-8")
    assert run(folder, "lock", "--check").returncode == 0
    lock.write_text(text.replace(line, line.replace("8", "9") + line), encoding="utf-8")
    done = run(folder, "lock", "--check")
    assert done.returncode == 2
    assert "another value for params of links/good.yaml" in done.stderr


@pytest.mark.parametrize("asked", [("--quantity", "saved_bytes"), ("--quantity", "jump", "--layer", "dense1")])
def test_a_verification_that_measures_nothing_does_not_hold(folder: Path, asked: tuple[str, ...]) -> None:
    done = run(folder, "verify", "links/good.yaml", *asked)
    assert done.returncode == 2
    assert "nothing was compared" in done.stderr


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("layer,quantity,answer,answer\ndense1,params,8,9\n", "a second column 'answer': the first one counts"),
        ("layer,params,params\ndense1,8,9\n", "a second column 'params': the first one counts"),
        ("layer,quantity,answer\ndense1,params,<=8\n", "'<=8' is a bound, not a number"),
        ("layer,quantity,answer\ndense1,params,≥ 8\n", "'≥ 8' is a bound, not a number"),
    ],
)
def test_an_answer_that_says_two_things_is_not_right(folder: Path, sheet: str, said: str) -> None:
    (folder / "answers.csv").write_text(sheet, encoding="utf-8")
    done = run(folder, "check", "links/good.yaml", "answers.csv")
    assert done.returncode == 1
    assert said in done.stderr


def test_no_limit_is_lost_where_an_option_is_given_twice(folder: Path) -> None:
    """The last one counted alone: what the first one forbids passed."""
    (folder / "small.yaml").write_text("input: 3\nlayers: [dense 2]\n", encoding="utf-8")
    (folder / "large.yaml").write_text("input: 3\nlayers: [dense 9]\n", encoding="utf-8")
    grown = run(folder, "diff", "small.yaml", "large.yaml", "--max-increase", "params=0", "--max-increase", "macs=100")
    assert grown.returncode == 1
    assert "params grows by 28" in grown.stderr
    shrunk = run(folder, "diff", "large.yaml", "small.yaml", "--max-decrease", "macs=0", "--max-decrease", "params=99")
    assert shrunk.returncode == 1
    for command in (("solve", "--find"), ("sweep", "--over")):
        words = (
            command[0],
            "-e",
            "3; dense $n",
            command[1],
            "n=1..9",
            "--where",
            "params >= 12",
            "--where",
            "macs < 20",
        )
        done = run(folder, *words, "--format", "json")
        found = [
            row["n"]
            for row in next(iter(v for k, v in json.loads(done.stdout).items() if k in ("solutions", "members")))
        ]
        assert found == [3, 4, 5, 6], done.stdout


def test_specs_beside_a_net_of_the_command_line_are_checked_too(folder: Path) -> None:
    (folder / "fails.yaml").write_text(SPEC_THAT_FAILS, encoding="utf-8")
    done = run(folder, "check", "-e", "3; dense 2", "fails.yaml")
    assert done.returncode == 1, done.stdout
    assert "fails.yaml" in done.stdout


def test_a_linter_that_looks_for_nothing_is_an_error(folder: Path) -> None:
    done = run(folder, "lint", "--select", "unread-pixels", "--ignore", "unread-pixels", "links/good.yaml")
    assert done.returncode == 2
    assert "--ignore leaves nothing to look for" in done.stderr


def test_models_and_bundled_networks_expect_nothing_that_could_be_updated(folder: Path) -> None:
    """A model is no text: its bytes were read as one."""
    (folder / "fails.yaml").write_text(SPEC_THAT_FAILS, encoding="utf-8")
    Model(1, 4, 6, 6).op("Relu", "x", "y").save(folder, "net.onnx")  # without the package onnx
    done = run(folder, "lock", "--update-expect", "fails.yaml", "lenet5", "net.onnx")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fails.yaml: params: 9 -> 8\n"
    assert "params: 8" in (folder / "fails.yaml").read_text(encoding="utf-8")


def test_how_many_are_not_named_is_counted(folder: Path) -> None:
    """Of what is cut short the first names stand there, and the number of the others."""
    unknown = run(folder, "conventions", "-e", "3x8x8; identity; hopfield x7", "--convention", "thop").stdout
    assert "hopfield1, hopfield2, hopfield3, hopfield4 and 3 others" in unknown
    shared = "".join(f"- s{i}: {{dense: 4, weights: l}}\n" for i in range(1, 8))
    (folder / "shared.yaml").write_text(f"input: 4\nlayers:\n- l: dense 4\n{shared}", encoding="utf-8")
    assert "s1, s2, s3, s4, s5 and 2 others use the weights of l" in run(folder, "shared.yaml").stdout
    (folder / "wrong.yaml").write_text("input: 4\nlayers:\n" + "- rellu\n" * 25, encoding="utf-8")
    assert run(folder, "wrong.yaml").stderr.rstrip().endswith("... and 5 others")
    many = folder / "many.yaml"
    many.write_text("input: 4\nlayers:\n" + "- dense 4\n" * 50, encoding="utf-8")
    assert run(folder, "lock", "many.yaml").returncode == 0
    many.write_text("input: 4\nlayers:\n" + "- dense 5\n" * 50, encoding="utf-8")
    drifted = run(folder, "lock", "--check")
    (more,) = re.findall(r"and (\d+) more", drifted.stdout)
    assert int(more) + 40 == int(drifted.stderr.split()[0])  # so many lines are shown
