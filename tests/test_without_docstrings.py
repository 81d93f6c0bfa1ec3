"""Where Python leaves docstrings out (-OO), descriptions are what they are elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def said(*words: str, optimize: str) -> str:
    environment = {**os.environ, "PYTHONOPTIMIZE": optimize, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", *words], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


@pytest.mark.parametrize("words", [("kinds", "conv"), ("verify", "--help")])
def test_descriptions_survive_without_docstrings(words: tuple[str, ...]) -> None:
    assert said(*words, optimize="2") == said(*words, optimize="")
