"""The workflow of releases: what it runs exists and runs here, and the page that it attaches is what is served."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import ROOT

from cnncalc.cli.playground import find_site

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
BUILD = ROOT / "playground" / "build.py"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert found[True]["push"]["tags"] == ["v*"]  # `on` is true in YAML 1.1
    assert found["permissions"] == {"contents": "read"}
    return dict(found["jobs"])


def scripts(jobs: dict[str, Any]) -> list[str]:
    return [line for job in jobs.values() for step in job["steps"] for line in step.get("run", "").splitlines()]


def test_each_job_waits_for_the_one_that_builds_and_asks_for_no_more_than_it_needs(jobs: dict[str, Any]) -> None:
    assert "permissions" not in jobs["build"]
    for name, allowed in (("attach", {"contents"}), ("pages", {"pages", "id-token"})):
        assert jobs[name]["needs"] == "build"
        assert jobs[name]["if"] == "github.ref_type == 'tag'"
        assert set(jobs[name]["permissions"]) == allowed
    uses = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in uses)


def test_no_script_puts_a_context_into_its_text(jobs: dict[str, Any]) -> None:
    assert [line for line in scripts(jobs) if "${{" in line] == []  # a tag may hold what a shell runs


def test_what_its_scripts_run_is_here(jobs: dict[str, Any]) -> None:
    modules = {name for line in scripts(jobs) for name in re.findall(r"python -m (\w+)", line)}
    assert modules == {"pip", "hatchling", "twine"}
    assert {name for line in scripts(jobs) for name in re.findall(r"python (\S+\.py)", line)} == {"playground/build.py"}
    told = subprocess.run([sys.executable, BUILD, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(option in told for option in ("--out", "--zip"))


@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling")
def test_the_tag_is_held_to_the_version() -> None:
    said = subprocess.run([sys.executable, "-m", "hatchling", "version"], cwd=ROOT, capture_output=True, text=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+", said.stdout.strip()), said.stderr


def test_the_zip_holds_the_page_as_it_is_served_and_is_the_same_each_time(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("playground_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    site = tmp_path / "site"
    (site / "pyodide").mkdir(parents=True)
    for name in ("index.html", "python.zip", "pyodide/pyodide.mjs"):
        (site / name).write_text(name)
    for name in ("one", "two"):
        module.write_zip(tmp_path / "dist" / f"{name}.zip", site)
    with zipfile.ZipFile(tmp_path / "dist" / "one.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked" / "cnncalc-playground"
    assert find_site(str(unpacked)) == str(unpacked)
    assert (unpacked / "pyodide" / "pyodide.mjs").read_text() == "pyodide/pyodide.mjs"
    assert (tmp_path / "dist" / "one.zip").read_bytes() == (tmp_path / "dist" / "two.zip").read_bytes()
