"""How the axes of an ONNX tensor lie in a map: what a Reshape or a Transpose moves before anything is computed.

ONNX tensors have the samples of a batch first and their axes in any order and grouping; maps are (C, *size). A tensor
is a map's value and, for each of its axes, the parts of the map's axes that it is made of (axis_parts.py). A Reshape,
a Transpose, a Squeeze are bookkeeping, and what a chain of them does, shuffling channels say, shows in the parts when a
layer needs the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cnncalc.interop.axis_parts import Axis, Part, whole
from cnncalc.layers.base import Shape

BATCH = -1  # the axis of parts that count samples
MOST_AXES = 32  # of a tensor


class Tensor(NamedTuple):
    """A value of the network and how an ONNX tensor sees it. No axes: its shape is not known."""

    value: int
    axes: tuple[Axis, ...] | None

    def dims(self) -> tuple[int, ...]:
        """The ONNX shape."""
        return tuple(prod(f.size for f in axis) for axis in self.axes or ())


def plain(shape: Shape, batch: int) -> tuple[Axis, ...]:
    """The axes of a map as they are, the samples first."""
    return (whole(BATCH, batch), *(whole(i, n) for i, n in enumerate(shape)))


def in_order(axes: Sequence[Axis]) -> bool:
    """Whether the parts stand in the order in which the map holds them."""
    parts = [part for axis in axes for part in axis]
    return parts == sorted(parts, key=lambda f: (f.axis, -f.stride))


def permutation(axes: Sequence[Axis], shape: Shape) -> tuple[int, ...] | None:
    """The order in which whole axes of a map stand; None where an axis is not whole. Sizes of 1 fill the gaps."""
    if len(axes) != len(shape):
        return None
    # Axes of one element have no parts, and may be any of those of the map that are left.
    taken = [axis[0].axis for axis in axes if axis]
    if any(len(axis) > 1 or (axis and axis[0] != Part(axis[0].axis, shape[axis[0].axis], 1)) for axis in axes):
        return None
    rest = iter([i for i in range(len(shape)) if i not in taken])
    return tuple(axis[0].axis if axis else next(rest) for axis in axes)


def find_groups(axes: Sequence[Axis], shape: Shape) -> int | None:
    """The groups of a channel shuffle: each channel axis in turn gives one of its channels. None if it is none."""
    if len(axes) != len(shape) or len(axes[0]) != 2:
        return None
    # g groups of n channels, (g, n) turned to (n, g): the parts (0, n, 1) and (0, g, n).
    inner, outer = axes[0]
    if tuple(axes[1:]) != tuple(whole(i + 1, n) for i, n in enumerate(shape[1:])):
        return None
    if inner.axis or outer.axis or inner.stride != 1 or outer.stride != inner.size:
        return None
    return outer.size


def spread(axes: Sequence[Axis], shape: Shape) -> int | None:
    """The factor of a pixel shuffle: channels moved into space. None if it is none."""
    rank = len(shape) - 1
    if len(axes) != len(shape) or not rank or any(len(axis) != 2 for axis in axes[1:]):
        return None
    r = axes[1][1].size
    for i, axis in enumerate(axes[1:], start=1):
        # Of an image channel c r r + i r + j goes to row h r + i, column w r + j: the strides of i and j are r and 1.
        wanted = (Part(i, shape[i], 1), Part(0, r, r ** (rank - i)))
        if axis != wanted and not (shape[i] == 1 and axis == wanted[1:]):
            return None
    channels = shape[0] // r**rank
    return r if axes[0] == ((Part(0, channels, r**rank),) if channels > 1 else ()) else None


def find_factor(axes: Sequence[Axis], shape: Shape) -> int | None:
    """The factor of a pixel unshuffle: space moved into channels. None if it is none."""
    rank = len(shape) - 1
    if len(axes) != len(shape) or not rank or not axes[0] or axes[0][-1].axis != rank:
        return None
    r = axes[0][-1].size
    inner = tuple(Part(i, r, 1) for i in range(1, rank + 1))
    outer = tuple((Part(i, shape[i] // r, r),) if shape[i] > r else () for i in range(1, rank + 1))
    return r if tuple(axes) == ((*whole(0, shape[0]), *inner), *outer) else None
