"""What is uploaded: an sdist and a wheel that build from the checkout, with everything that runs and no test."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib.util import find_spec
from pathlib import Path

import pytest
from checkout import ROOT

TOP = {"cnncalc", "cnncalc-0.1.0.dist-info"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made of what the sdist holds."""
    if find_spec("hatchling") is None:
        pytest.skip("needs hatchling")
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "hatchling", "build", "-t", "sdist", "-d", str(folder), cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=folder / sdist.name.removesuffix(".tar.gz"))
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def run(*arguments: str, cwd: Path) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_wheel_holds_what_runs_and_no_test(built: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(built[1]).namelist())
    assert {name.split("/")[0] for name in names} == TOP
    assert not [name for name in names if name.rpartition("/")[2].startswith("test_") or "/tests/" in name]
    tracked = {
        path.relative_to(ROOT).as_posix()
        for folder in ("cnncalc", "specs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected = {f"cnncalc/{name}" if name.startswith("specs/") else name for name in tracked}
    assert {name for name in names if name.startswith("cnncalc/")} == expected


def test_the_sdist_holds_what_the_tests_need(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"LICENSE", "CONTRIBUTING.md", "tests/conftest.py", "docs/design.md", "action.yml", ".ci/run"} <= names


def test_the_metadata_say_who_and_under_which_licence(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        metadata = message_from_bytes(wheel.read("cnncalc-0.1.0.dist-info/METADATA"))
        assert wheel.read("cnncalc-0.1.0.dist-info/licenses/LICENSE").startswith(b"MIT License")
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == "cnncalc developers"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Project-URL" not in metadata


@pytest.mark.skipif(find_spec("twine") is None, reason="needs twine")
def test_an_index_would_take_both(built: tuple[Path, Path]) -> None:
    run("-m", "twine", "check", "--strict", *map(str, built), cwd=ROOT)


def test_the_classifiers_name_the_versions_from_the_oldest_that_is_required() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if line.startswith("Programming Language")]
    assert named == ["3", "3.11", "3.12", "3.13", "3.14"]
    assert project["requires-python"] == ">=3.11"
