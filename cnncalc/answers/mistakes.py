"""Which mistake a wrong number comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnncalc.report import Report


class Mistake(NamedTuple):
    """A mistake that gives exactly the number that was written: its name, what to say, and the number."""

    id: str
    sentence: str
    value: Any


def diagnose(report: Report, layer: str | None, quantity: str, values: Sequence[Any]) -> list[Mistake]:
    """The likeliest mistakes behind a wrong number, at most three; of a total where `layer` is None."""
    return []
