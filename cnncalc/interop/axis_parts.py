"""Axes that are made of parts of a value's axes: what reshapes and permutations show of it without moving anything.

An axis is a list of parts, the slowest first: (C, H, W) seen as windows of 7 is [[h / 7, w / 7], [h % 7, w % 7], [c]].
The reader of ONNX and the writer of specs both keep moves so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.layers.base import Shape


class Part(NamedTuple):
    """`size` steps of `stride` elements along an axis of the value."""

    axis: int
    size: int
    stride: int


Axis = tuple[Part, ...]  # an axis of one element has no part


def whole(axis: int, size: int) -> Axis:
    """All of an axis of the value."""
    return (Part(axis, size, 1),) if size > 1 else ()


def whole_axis(axis: Axis, shape: Shape) -> int | None:
    """Which axis of a value, of this shape, all of an axis is.

    None where it is a part of one or put together, one of the samples, or of one element.
    """
    if len(axis) != 1 or axis[0].axis < 0 or axis != whole(axis[0].axis, shape[axis[0].axis]):
        return None
    return axis[0].axis


def regroup(axes: Sequence[Axis], sizes: Sequence[int]) -> tuple[Axis, ...] | None:
    """The parts of axes, in their order, as axes of other sizes; None where one would have to be cut unevenly."""
    left = [part for axis in axes for part in axis]
    # The next one is taken from the end, which costs nothing.
    left.reverse()
    found = []
    for size in sizes:
        axis: list[Part] = []
        while size > 1:
            if not left:
                return None
            part = left.pop()
            if size % part.size == 0:
                axis.append(part)
                size //= part.size
            elif part.size % size == 0:
                # 56 rows as (8, 7) are 8 steps of 7 rows, and 7 steps of one.
                inner = part.size // size
                axis.append(Part(part.axis, size, part.stride * inner))
                left.append(Part(part.axis, inner, part.stride))
                size = 1
            else:
                return None
        found.append(join(axis))
    return None if left else tuple(found)


def join(parts: Sequence[Part]) -> Axis:
    """Parts, those that go on where the one before ends as one."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if last is not None and last.axis == part.axis and last.stride == part.size * part.stride:
            found[-1] = Part(part.axis, last.size * part.size, part.stride)
        else:
            found.append(part)
    return tuple(found)
