"""Answers that people give: which mistake is behind a wrong one."""

from __future__ import annotations

from cnncalc.answers.mistakes import Mistake, diagnose

__all__ = ["Mistake", "diagnose"]
