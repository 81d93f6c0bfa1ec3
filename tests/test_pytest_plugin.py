"""Specs as pytest collects them, in a project of their own; the fixture; and `assert_budget`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from commands import Forked

import cnncalc

GOOD = "name: good\ninput: 1x32x32\nlayers: [C1: conv 6 k5 tanh, dense 10]\nexpect: {C1.params: 156, macs: <= 170k}\n"
BAD = "name: bad\ninput: 1x32x32\nlayers:\n  - C1: conv 6 k5\nexpect: {C1.params: 156, C1.connections: 122300}\n"
UNUSABLE = "input: 1x32x32\nlayers:\n  - conv 6 k99\n"

# With the folder it is started in on its path, as -m has it
PYTEST = "import os, sys; sys.path[0] = os.getcwd(); import pytest; sys.exit(pytest.main())"
SETTLED_FOR_PYTEST = {"PYTHONUTF8": "1"}  # warnings are pytest's own


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models" / "深 层").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (tmp_path / "models" / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "models" / "深 层" / "bad.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "models" / "notes.yaml").write_text("to do: nothing\n", encoding="utf-8")
    (tmp_path / "tests" / "test_it.py").write_text("def test_it():\n    pass\n", encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str, cwd: str = ".") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120", "PYTHONUTF8": "1", "PYTEST_ADDOPTS": ""}
    # Of the plugins that are installed ours alone: others take longer to load than the tests to run
    # Ours is loaded already where it forks: pytest would warn that it cannot rewrite its assertions
    words = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--assert=plain", *arguments]
    done = Forked(words, project / cwd, environment, settled=SETTLED_FOR_PYTEST, code=PYTEST).end(120)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def outcome(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[-1].strip("= ").rpartition(" in ")[0]


def test_nothing_is_collected_where_nobody_asks(project: Path) -> None:
    assert outcome(run(project)) == "1 passed"


def test_each_spec_is_a_test_with_a_line_per_expectation(project: Path) -> None:
    done = run(project, "--cnncalc", "-rA", "models")
    assert done.returncode == 1
    assert outcome(done) == "1 failed, 1 passed"
    assert "PASSED models/good.yaml::expect" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["holds", "C1.params", "156", "expected", "156"] in lines
    assert ["FAILS", "C1.connections", "122,304", "expected", "122300"] in lines
    assert ["good:", "2", "of", "2", "expectations", "hold"] in lines
    assert "C1.connections = 122,304" in done.stdout  # its derivation
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["tests"]\ncnncalc_specs = ["models/"]\n'),
        ("pytest.ini", "[pytest]\ncnncalc_specs = models/\n"),
    ],
)
def test_specs_of_the_configuration_are_collected_beside_the_tests(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text, encoding="utf-8")
    assert outcome(run(project)) == "1 failed, 2 passed"
    assert outcome(run(project, "tests")) == "1 passed"
    assert outcome(run(project, "models/good.yaml")) == "1 passed"
    assert outcome(run(project, "models/good.yaml::expect")) == "1 passed"


def test_a_spec_that_cannot_be_read_fails_at_its_place(project: Path) -> None:
    (project / "models" / "wide.yaml").write_text(UNUSABLE, encoding="utf-8")
    done = run(project, "--cnncalc", "models/wide.yaml")
    assert outcome(done) == "1 failed"
    assert "wide.yaml:3:" in done.stdout
    assert "hint" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_fixture_gives_reports_from_wherever_pytest_runs(project: Path) -> None:
    text = """
def test_one(cnncalc_report):
    report = cnncalc_report("models/good.yaml")
    assert report["C1"].params == 156
    assert cnncalc_report("models/good.yaml") is report
    assert cnncalc_report("resnet50", width=32).totals.params < cnncalc_report("resnet50").totals.params
"""
    (project / "tests" / "test_it.py").write_text(text, encoding="utf-8")
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    assert outcome(run(project)) == "1 passed"
    assert outcome(run(project, "test_it.py", cwd="tests")) == "1 passed"


def test_a_budget_that_is_kept_gives_the_report() -> None:
    report = cnncalc.assert_budget("lenet5", {"C3.output": (16, 10, 10)}, macs="<= 500M", params=60000)
    assert report.name == "LeNet-5"
    cnncalc.assert_budget(report, {"C3.params": "1.5k..1.6k"})
    cnncalc.assert_budget("resnet50", set={"width": 32}, params="< 10M")


def test_a_budget_that_is_broken_is_explained() -> None:
    with pytest.raises(AssertionError) as caught:
        cnncalc.assert_budget("lenet5", {"C3.connections": "<= 150k"}, params=60000, macs="<= 1k")
    lines = [line.split() for line in str(caught.value).splitlines()]
    assert ["LeNet-5:", "1", "of", "3", "expectations", "hold"] in lines
    assert ["FAILS", "C3.connections", "151,600", "expected", "<=", "150k"] in lines
    assert "C3.connections = 151,600" in str(caught.value)


def test_a_bound_that_cannot_be_read_is_said() -> None:
    with pytest.raises(cnncalc.CnncalcError, match="did you mean macs"):
        cnncalc.assert_budget("lenet5", mcas="<= 1k")
    with pytest.raises(cnncalc.CnncalcError, match="no layer 'C9'"):
        cnncalc.assert_budget("lenet5", {"C9.params": 1})
    with pytest.raises(cnncalc.CnncalcError):
        cnncalc.assert_budget("lenet5", macs="a few")
    with pytest.raises(cnncalc.CnncalcError, match="no bound is given"):
        cnncalc.assert_budget("lenet5")
