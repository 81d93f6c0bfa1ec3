"""Where Python leaves docstrings out (-OO), descriptions are what they are elsewhere."""

from __future__ import annotations

import os

import pytest
from commands import Forked, cnncalc

# Nothing is kept of what Python compiles, which would lie in the tree
WITHOUT = {"PYTHONUTF8": "1", "PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.parametrize("words", [("kinds", "conv"), ("verify", "--help")])
def test_descriptions_survive_without_docstrings(words: tuple[str, ...]) -> None:
    without = Forked(words, None, {**os.environ, **WITHOUT}, settled=WITHOUT).end()
    assert without.returncode == 0, without.stderr
    assert without.stdout.decode() == cnncalc(*words).stdout
