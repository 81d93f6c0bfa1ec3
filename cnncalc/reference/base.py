"""What every reference is made of: weights that are allocated, windows that are slid, values that are combined.

A kind's reference is its definition in NumPy, `forward(layer, w, *xs)`, on arrays with the samples of a batch
first: (N, C, *size), (N, F). It reads the options of a layer and shares no arithmetic with what the layer claims:
no output size is computed, windows start where there is room for them. What it does to the values is a ufunc, a
reduction or a matrix product, so that arrays which count, or which remember where values come from, can take
the values' place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Weights = Mapping[str, Array]
Forward = Callable[..., Array]
BAND = 2**21  # elements of the columns that are read at once: more fill memory anew, layer by layer


class Weight(NamedTuple):
    """An array that a layer stores: its shape, and the range from which values are drawn.

    stored  what it counts as: params (trained), fixed_params or buffers
    unit    the value with which an input of 1 adds 1 to a sum: connections are counted with it; None where the
            array scales or shifts and connects nothing
    added   it is added to the sum of a unit, once: a bias
    value   it is itself what comes out: what is done to it is work on data
    """

    shape: Shape
    low: float
    high: float
    stored: str = "params"
    unit: float | None = None
    added: bool = False
    value: bool = False


def kernel(shape: Shape, fan_in: int) -> Weight:
    """Weights of sums over `fan_in` inputs, small enough that the sums stay as large as the inputs."""
    reach = (3 / fan_in) ** 0.5
    return Weight(shape, -reach, reach, unit=1.0)


def bias(shape: Shape) -> Weight:
    return Weight(shape, -0.5, 0.5, unit=1.0, added=True)


def scale(shape: Shape, stored: str = "params") -> Weight:
    """Factors around 1: never 0, never negative."""
    return Weight(shape, 0.5, 1.5, stored)


def shift(shape: Shape, stored: str = "params") -> Weight:
    return Weight(shape, -0.5, 0.5, stored)


class Reference(NamedTuple):
    """How a kind runs, and what it stores.

    sums  `products` where every output is a sum of products of what its unit reads, `scaled` where the sum is
          multiplied once, empty where it is no sum
    cuts  some of the products are cut off with the border of the output
    """

    forward: Forward
    weights: Callable[..., Mapping[str, Weight]]
    sums: str = ""
    cuts: bool = False


REFERENCES: dict[str, Reference] = {}


def nothing(layer: Any, *shapes: Shape) -> Mapping[str, Weight]:
    """The weights of a layer that has none."""
    return {}


def reference(
    *kinds: str, weights: Callable[..., Mapping[str, Weight]] = nothing, sums: str = "", cuts: bool = False
) -> Callable[[Forward], Forward]:
    """Declare the forward pass of one or several kinds, and the function that says what they store.

    `weights(layer, *shapes)` gets the shapes that enter, without the batch.
    """

    def declare(forward: Forward) -> Forward:
        for kind in kinds:
            REFERENCES[kind] = Reference(forward, weights, sums, cuts)
        return forward

    return declare


# --- windows


class Slide(NamedTuple):
    """A window's way along one axis: padding on both sides, where it starts on the padded axis, its taps."""

    before: int
    after: int
    starts: range
    taps: range


def axes_of(values: Any, rank: int) -> tuple[int, ...]:
    """An option for every axis: one value is used for all."""
    return tuple(values) * rank if len(values) == 1 else tuple(values)


def slides(layer: Any, size: Sequence[int]) -> list[Slide]:
    """How a layer's window moves over a map of this size: it starts wherever all of it fits.

    `same` gives every `stride`-th element a window, and pads what the windows then need, the odd element
    behind. `ceil` lets one more window start where something is left over, if it starts before the padding at
    the end; what it lacks there is padded too.
    """
    rank = len(size)
    kernels = axes_of(layer.kernel, rank)
    strides = axes_of(layer.stride or layer.kernel, rank)
    dilations = axes_of(layer.dilation, rank)
    ceil = getattr(layer, "rounding", "floor") == "ceil"
    moves = []
    for axis, (n, k, s, d) in enumerate(zip(size, kernels, strides, dilations, strict=True)):
        taps = range(0, d * k, d)
        span = taps[-1] + 1
        if layer.padding == "same":
            starts = range(0, n, s)
            missing = max(0, starts[-1] + span - n)
            before, after = missing // 2, missing - missing // 2
        else:
            before, after = layer.padding[axis if len(layer.padding) > 1 else 0]
            end = before + n + after
            starts = range(0, end - span + 1, s)
            following = s * len(starts)
            if ceil and following - s + span < end and following < before + n:  # the one before leaves something over
                starts = range(0, following + 1, s)
                after += following + span - end
        moves.append(Slide(before, after, starts, taps))
    return moves


def surround(x: Array, moves: Sequence[Slide], value: float = 0.0) -> Array:
    """x with `value` around its axes (of a probe: with what the probe takes for padding)."""
    sides = [(move.before, move.after) for move in moves]
    if not any(map(any, sides)):
        return x
    around = getattr(x, "surround", None)
    if around is not None:
        return around(sides)
    size = [move.before + n + move.after for move, n in zip(moves, x.shape[2:], strict=True)]
    room = np.full_like(x, value, shape=(*x.shape[:2], *size))
    inside = [slice(move.before, move.before + n) for move, n in zip(moves, x.shape[2:], strict=True)]
    room[(slice(None), slice(None), *inside)] = x
    return room


def taps(x: Array, moves: Sequence[Slide]) -> Iterator[Array]:
    """For each tap of the window, in order, the elements that it lands on: (N, C, *positions), not copied."""
    for offsets in product(*(move.taps for move in moves)):
        where = [
            slice(offset + move.starts[0], offset + move.starts[-1] + 1, move.starts.step)
            for offset, move in zip(offsets, moves, strict=True)
        ]
        yield x[(slice(None), slice(None), *where)]


def columns(x: Array, moves: Sequence[Slide]) -> Array:
    """What every window reads, side by side: (N, C, taps, *positions)."""
    views = list(taps(x, moves))
    return views[0][:, :, np.newaxis] if len(views) == 1 else np.stack(views, axis=2)


def per_band(x: Array, moves: Sequence[Slide], combine: Callable[[Array], Array]) -> Array:
    """`combine` of what the windows read, (N, C, taps, *positions) to (N, F, *positions).

    Band by band where that is much: side by side, all windows of a map take as many maps as a window has taps.
    """
    positions = [len(move.starts) for move in moves]
    axis = positions.index(max(positions))
    move = moves[axis]
    per_place = (
        x.shape[0]
        * x.shape[1]
        * prod(len(move.taps) for move in moves)
        * prod(positions[:axis] + positions[axis + 1 :])
    )
    band = max(1, BAND // max(1, per_place))
    if band >= positions[axis]:
        return combine(columns(x, moves))
    bands = (move._replace(starts=move.starts[first : first + band]) for first in range(0, positions[axis], band))
    parts = [combine(columns(x, [*moves[:axis], some, *moves[axis + 1 :]])) for some in bands]
    return np.concatenate(parts, axis=2 + axis)


def accumulate(canvas: Array, where: Any, values: Array) -> None:
    """canvas[where] += values, where the values are products that were counted as multiply-accumulates."""
    pour = getattr(canvas, "pour", None)
    if pour is None:
        canvas[where] += values
    else:
        pour(where, values)


def per_channel(values: Array, rank: int) -> Array:
    """One value for each channel, to be combined with (N, C, *size)."""
    return values.reshape(-1, *(1,) * rank)


def fold_views(operation: np.ufunc, views: Iterator[Array]) -> Array:
    """All views combined element by element: one operation for each view after the first."""
    result = next(views)
    own = False  # the first view is part of the input, which stays as it is
    for view in views:
        result = operation(result, view, out=result) if own else operation(result, view)
        own = True
    return result


# --- between elements


BORDER = Slide(1, 1, range(0), range(0))  # one element of zeros on each side


def read_around(at: Array, n: int) -> list[tuple[Array, Array]]:
    """The elements before and behind places along an axis of n, with one of zeros on each side: number and share."""
    left = np.floor(at)
    behind = at - left
    return [(element(left, n), 1 - behind), (element(left, n, 1), behind)]


def element(place: Array, n: int, after: int = 0) -> Array:
    """The number of an element, counted with the one of zeros in front of the others; beyond the end: the one there."""
    plain = np.asarray(place).view(np.ndarray).astype(np.float64) + after
    return np.asarray(np.clip(np.nan_to_num(plain), -1, n), dtype=np.int64) + 1
