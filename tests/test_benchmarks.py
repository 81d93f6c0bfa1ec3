"""Every script of benchmarks/ works: a short round of it ends well and prints a number. What it measures is no test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))
SHORT = {
    "census.py": ("torchvision", "--only", "alexnet"),
    "keras_layers.py": ("--only", "Conv2D"),
    "onnx_cases.py": ("--only", "relu"),
}  # others know --short
# What a script may lack here and say so; anything else that is missing is a script that does not work.
OTHERS = ("dask", "distributed", "keras", "onnx", "onnxruntime", "timm", "torch", "torchinfo", "torchvision")
LACKS = rf"No module named '({'|'.join(OTHERS)})[.']|not installed here|No such file or directory: 'dot'"


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_short_round_of_a_benchmark_ends_well(script: str) -> None:
    command = [sys.executable, str(FOLDER / script), *SHORT.get(script, ["--short"])]
    folder = os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")])  # cnncalc, wherever it runs
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, env={**os.environ, "PYTHONPATH": folder}
    )
    lacks = re.search(LACKS, done.stderr)
    if done.returncode and lacks:
        pytest.skip(lacks[0])
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"\d", done.stdout)


def test_the_readme_of_the_benchmarks_names_every_script() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+\.py)`", text, re.MULTILINE)) == set(SCRIPTS)
