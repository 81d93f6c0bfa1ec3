"""The GitHub Action, step by step as a runner runs it, on a pull request; and the hooks of pre-commit."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import cnncalc, put_stand_in

ROOT = Path(__file__).parent.parent
SPEC = "input: 1x32x32\nlayers:\n  - C1: conv {filters} k5\n  - dense 10\nexpect:\n  params: {params}\n"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
INSTALL, CHECK, LOCK, DIFF, PAGES, KEEP = STEPS


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def write(folder: Path, name: str, filters: int, params: int) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(SPEC.format(filters=filters, params=params), encoding="utf-8")


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shallow clone of a branch on which one of two specs grew, with a locked number that no longer holds."""
    folder = tmp_path_factory.mktemp("cloned")
    origin = folder / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    write(origin, "models/a net 网络.yaml", 6, 47_206)
    write(origin, "models/b.yaml", 6, 47_206)
    assert cnncalc("lock", "models", cwd=origin).returncode == 0
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "one")
    git(origin, "checkout", "-qb", "wider")
    write(origin, "models/a net 网络.yaml", 7, 47_206)
    git(origin, "commit", "-qam", "two")
    git(folder, "clone", "-q", "--depth=1", "--branch=wider", f"file://{origin}", "workspace")
    return folder / "workspace"


@pytest.fixture
def pull_request(cloned: Path, tmp_path: Path) -> Path:
    """A copy of that clone, of this test alone."""
    return Path(shutil.copytree(cloned, tmp_path / "workspace"))


class Runner:
    """Runs steps: fills in the expressions of their `env`, and nothing else, for the scripts have none."""

    def __init__(self, workspace: Path, **inputs: str) -> None:
        self.workspace = workspace
        self.home = workspace.parent / "runner"
        self.home.mkdir(exist_ok=True)
        self.values = {f"inputs.{name}": entry["default"] for name, entry in ACTION["inputs"].items()}
        self.values |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
        self.values |= {"github.action_path": str(ROOT), "github.base_ref": "main"}
        shims = self.home / "shims"
        shims.mkdir(exist_ok=True)
        put_stand_in(shims)
        self.path = os.pathsep.join([str(shims), os.environ["PATH"]])

    def run(self, step: str) -> subprocess.CompletedProcess[str]:
        entry = STEPS[step]
        assert entry["shell"] == "bash"
        assert "${{" not in entry["run"]  # nothing of a pull request becomes part of a script
        expressions = {name: re.fullmatch(r"\$\{\{ (\S+) \}\}", text) for name, text in entry["env"].items()}
        given = {name: self.values[found[1]] for name, found in expressions.items() if found}
        assert given.keys() == entry["env"].keys()
        environment = {
            **os.environ,
            **given,
            "PATH": self.path,
            "PYTHONUTF8": "1",
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.home),
            "GITHUB_PATH": str(self.home / "path"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_STEP_SUMMARY": str(self.home / "summary.md"),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", entry["run"]]
        return subprocess.run(
            command, cwd=self.workspace, env=environment, capture_output=True, encoding="utf-8", timeout=300
        )

    @property
    def summary(self) -> str:
        return (self.home / "summary.md").read_text(encoding="utf-8")


def test_the_steps_say_what_the_change_does_and_fail(pull_request: Path) -> None:
    runner = Runner(pull_request, specs="models/\n", max_increase="macs=5%")
    check = runner.run(CHECK)
    assert check.returncode == 1, check.stderr
    assert "::error file=models/a net 网络.yaml,line=6," in check.stdout
    lock = runner.run(LOCK)
    assert lock.returncode == 1, lock.stderr
    assert "::error file=models/a net 网络.yaml,line=3,col=9," in lock.stdout
    diff = runner.run(DIFF)
    assert diff.returncode == 1, diff.stderr
    assert "macs grows by 27,440 (+" in diff.stdout
    assert "b.yaml" not in diff.stdout
    for said in ("### cnncalc check", "### cnncalc lock", "### models/a net 网络.yaml", "<details>"):
        assert said in runner.summary


def test_pages_are_written_where_they_are_asked_for_and_kept(pull_request: Path) -> None:
    runner = Runner(pull_request, pages="models/a net 网络.yaml\n\nlenet5\n")
    done = runner.run(PAGES)
    assert done.returncode == 0, done.stderr
    folder = runner.home / "cnncalc-pages"
    assert sorted(path.name for path in folder.iterdir()) == ["a net 网络.html", "lenet5.html"]
    assert "Content-Security-Policy" in (folder / "lenet5.html").read_text(encoding="utf-8")
    assert STEPS[KEEP]["with"]["path"] == "${{ runner.temp }}/cnncalc-pages"
    assert all(STEPS[name]["if"] == "${{ !cancelled() && inputs.pages != '' }}" for name in (PAGES, KEEP))


HOSTILE = (
    "--output=stolen.html", "-o", "--help", "--version", "-", "--", "$(touch stolen.html)", "`touch stolen.html`",
    "; touch stolen.html", "'; touch stolen.html; '", "*", "a\n::stop-commands::x", "--upload-pack=touch stolen.html",
    "\r", "../../../etc/passwd", "{a,b}", "\\", '"', "~",
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_input_is_a_name_and_nothing_else(value: str, pull_request: Path) -> None:
    """It writes no file, says no command to the log, and nothing passes that was not looked at."""
    before = sorted(path.name for path in pull_request.iterdir())
    runner = Runner(pull_request, specs=value, lock=value, base=value, pages=value, max_increase=value)
    for step in (CHECK, LOCK, DIFF, PAGES):
        done = runner.run(step)
        nothing = step == LOCK or (step == PAGES and not value.strip())  # to hold to, or to write
        assert nothing or done.returncode in (1, 2), (step, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("::stop")], step
    assert sorted(path.name for path in pull_request.iterdir()) == before
    pages = runner.home / "cnncalc-pages"
    assert not list(pages.iterdir())


def test_pages_of_two_specs_of_one_name_are_both_written(pull_request: Path) -> None:
    write(pull_request, "more/b.yaml", 6, 47_206)
    runner = Runner(pull_request, pages="models/b.yaml\nmore/b.yaml\n./more/b.yaml\n")
    done = runner.run(PAGES)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (runner.home / "cnncalc-pages").iterdir())
    assert names == ["b-2-2.html", "b-2.html", "b.html"]


def test_the_steps_pass_where_nothing_is_wrong(pull_request: Path) -> None:
    git(pull_request, "fetch", "-q", "--depth=1", "origin", "main")
    git(pull_request, "checkout", "-q", "FETCH_HEAD")
    runner = Runner(pull_request, specs="models/a net 网络.yaml\n\nmodels/b.yaml", max_increase="macs=0")
    for step in (CHECK, LOCK, DIFF):
        done = runner.run(step)
        assert done.returncode == 0, done.stderr
    (pull_request / "cnncalc.lock").unlink()
    assert "there is no cnncalc.lock" in runner.run(LOCK).stdout
    runner.values["github.base_ref"] = ""
    assert "nothing to compare with" in runner.run(DIFF).stdout


@pytest.mark.installs
def test_the_first_step_installs_the_command(pull_request: Path) -> None:
    runner = Runner(pull_request)
    done = runner.run(INSTALL)
    if "Could not find a version" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    found = Path((runner.home / "path").read_text().strip()) / "cnncalc"
    assert subprocess.run([found, "lenet5"], capture_output=True, timeout=60).returncode == 0


FIND = ("cnncalc-check", "cnncalc-lock")  # these hooks find something there


def hooks() -> dict[str, Any]:
    entries = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in entries}


def test_the_entries_of_the_hooks_run_as_pre_commit_runs_them(pull_request: Path) -> None:
    files = ["models/a net 网络.yaml", "models/b.yaml", "other.yaml"]
    (pull_request / "other.yaml").write_text("on: push\n", encoding="utf-8")
    runner = Runner(pull_request)
    for hook, entry in hooks().items():
        words = shlex.split(entry["entry"]) + (files if entry.get("pass_filenames", True) else [])
        environment = {**os.environ, "PATH": runner.path, "PYTHONUTF8": "1"}
        done = subprocess.run(words, cwd=pull_request, env=environment, capture_output=True, timeout=60)
        assert done.returncode == int(hook in FIND), (hook, done.stderr)


@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="pre-commit is not installed")
def test_pre_commit_finds_what_is_wrong(pull_request: Path, tmp_path: Path) -> None:
    clone = tmp_path / "hooks"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache"))
    git(clone, "init", "-q")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "all")
    lines = [f"repos:\n- repo: {clone}\n  rev: HEAD\n  hooks:", *(f"  - id: {name}" for name in hooks())]
    (pull_request / ".pre-commit-config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    git(pull_request, "add", "-A")
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
    command = ["pre-commit", "run", "--all-files"]
    done = subprocess.run(
        command, cwd=pull_request, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 1
    assert re.search(r"params +47206 +55,072", done.stdout)
    assert done.stdout.count("Failed") == len(FIND)
    assert done.stdout.count("Passed") == len(hooks()) - len(FIND)
