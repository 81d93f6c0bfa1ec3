"""The axis of an array that an option means: (N, C), (N, C, L), (N, C, H, W), (N, C, D, H, W), or by its number."""

from __future__ import annotations

from cnncalc.reference.base import Array

LETTERS = {2: "c", 3: "cl", 4: "chw", 5: "cdhw"}


def number_axis(axis: str, x: Array) -> int:
    """Where the axis stands, the samples being 0."""
    return 1 + (int(axis) if axis.isdigit() else LETTERS[x.ndim].index(axis))
