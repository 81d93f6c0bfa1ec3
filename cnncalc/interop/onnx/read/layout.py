"""How the axes of an ONNX tensor lie in a map: what a Reshape or a Transpose moves before anything is computed.

ONNX tensors have the samples of a batch first and their axes in any order and grouping; maps are (C, *size). A tensor
is a map's value and, for each of its axes, the factors that the axis is made of: (axis, size, stride) of the map. So a
Reshape, a Transpose, a Squeeze are bookkeeping, and what a chain of them does, shuffling channels say, shows in the
factors when a layer needs the map. Axes of size 1 have no factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cnncalc.layers.base import Shape

BATCH = -1  # the axis of factors that count samples
MOST_AXES = 32  # of a tensor


class Factor(NamedTuple):
    """`size` steps over an axis of the map, `stride` elements apart."""

    axis: int
    size: int
    stride: int


Axis = tuple[Factor, ...]


class Tensor(NamedTuple):
    """A value of the network and how an ONNX tensor sees it. No axes: its shape is not known."""

    value: int
    axes: tuple[Axis, ...] | None

    def dims(self) -> tuple[int, ...]:
        """The ONNX shape."""
        return tuple(prod(f.size for f in axis) for axis in self.axes or ())


def whole(axis: int, size: int) -> Axis:
    """All of one axis of a map."""
    return (Factor(axis, size, 1),) if size > 1 else ()


def plain(shape: Shape, batch: int) -> tuple[Axis, ...]:
    """The axes of a map as they are, the samples first."""
    return (whole(BATCH, batch), *(whole(i, n) for i, n in enumerate(shape)))


def regroup(axes: Sequence[Axis], dims: Sequence[int]) -> tuple[Axis, ...] | None:
    """The axes of a Reshape; None where a size divides none of the factors."""
    left = [factor for axis in axes for factor in axis]
    left.reverse()
    found = []
    for need in dims:
        axis: list[Factor] = []
        while need > 1:
            if not left:
                return None
            a, n, stride = left.pop()
            if need % n == 0:
                axis.append(Factor(a, n, stride))
                need //= n
            elif n % need == 0:
                # 6 channels as (2, 3): (axis 0, size 2, stride 3), and (axis 0, size 3, stride 1) for the next axis.
                axis.append(Factor(a, need, stride * (n // need)))
                left.append(Factor(a, n // need, stride))
                need = 1
            else:
                return None
        found.append(join(axis))
    return None if left else tuple(found)


def join(axis: Sequence[Factor]) -> Axis:
    """Factors that follow each other in the map, as one."""
    found: list[Factor] = []
    for factor in axis:
        last = found[-1] if found else None
        if last is not None and last.axis == factor.axis and last.stride == factor.size * factor.stride:
            found[-1] = Factor(factor.axis, last.size * factor.size, factor.stride)
        else:
            found.append(factor)
    return tuple(found)


def in_order(axes: Sequence[Axis]) -> bool:
    """Whether the factors stand in the order in which the map holds them."""
    factors = [factor for axis in axes for factor in axis]
    return factors == sorted(factors, key=lambda f: (f.axis, -f.stride))


def permutation(axes: Sequence[Axis], shape: Shape) -> tuple[int, ...] | None:
    """The order in which whole axes of a map stand; None where an axis is not whole. Sizes of 1 fill the gaps."""
    if len(axes) != len(shape):
        return None
    taken = [axis[0].axis for axis in axes if axis]
    if any(len(axis) > 1 or (axis and axis[0] != Factor(axis[0].axis, shape[axis[0].axis], 1)) for axis in axes):
        return None
    rest = iter([i for i in range(len(shape)) if i not in taken])
    return tuple(axis[0].axis if axis else next(rest) for axis in axes)


def find_groups(axes: Sequence[Axis], shape: Shape) -> int | None:
    """The groups of a channel shuffle: each channel axis in turn gives one of its channels. None if it is none."""
    if len(axes) != len(shape) or len(axes[0]) != 2:
        return None
    # g groups of n channels, (g, n) turned to (n, g): the factors (0, n, 1) and (0, g, n).
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
        wanted = (Factor(i, shape[i], 1), Factor(0, r, r ** (rank - i)))
        if axis != wanted and not (shape[i] == 1 and axis == wanted[1:]):
            return None
    channels = shape[0] // r**rank
    return r if axes[0] == ((Factor(0, channels, r**rank),) if channels > 1 else ()) else None


def find_factor(axes: Sequence[Axis], shape: Shape) -> int | None:
    """The factor of a pixel unshuffle: space moved into channels. None if it is none."""
    rank = len(shape) - 1
    if len(axes) != len(shape) or not rank or not axes[0] or axes[0][-1].axis != rank:
        return None
    r = axes[0][-1].size
    inner = tuple(Factor(i, r, 1) for i in range(1, rank + 1))
    outer = tuple((Factor(i, shape[i] // r, r),) if shape[i] > r else () for i in range(1, rank + 1))
    return r if tuple(axes) == ((*whole(0, shape[0]), *inner), *outer) else None
