"""Layers that move elements, copy them or leave some out, as they are defined. Maps are (N, C, *size)."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.reference.axes import number_axis
from cnncalc.reference.base import Array, Slide, Weights, axes_of, reference, surround


@reference("dropout")
def dropout(layer: Any, w: Weights, x: Array) -> Array:
    """At inference nothing is left out."""
    return x


@reference("pad")
def pad(layer: Any, w: Weights, x: Array) -> Array:
    """A constant around the map, or elements of the map itself, axis by axis."""
    rank = x.ndim - 2
    sides = [layer.padding[axis if len(layer.padding) > 1 else 0] for axis in range(rank)]
    # To a probe of fields what lies beyond the border is the image going on, whatever the padding repeats there.
    if layer.mode == "constant" or getattr(x, "goes_on", False):
        return surround(x, [Slide(before, after, range(0), range(0)) for before, after in sides], layer.value)
    for axis, (before, after) in enumerate(sides, start=2):
        n = x.shape[axis]
        places = [around(i, n, layer.mode) for i in range(-before, n + after)]
        x = np.take(x, places, axis=axis)
    return x


def around(i: int, n: int, mode: str) -> int:
    """The element that stands for index i outside of n elements."""
    if mode == "circular":
        return i % n
    if mode == "replicate":
        return min(max(i, 0), n - 1)
    return -i if i < 0 else 2 * (n - 1) - i if i >= n else i  # reflected at the outermost element


@reference("crop")
def crop(layer: Any, w: Weights, x: Array) -> Array:
    """Elements cut off the sides, or the middle kept; the odd element is cut off behind."""
    size = x.shape[2:]
    kept = []
    for axis, n in enumerate(size):
        if layer.size is not None:
            m = axes_of(layer.size, len(size))[axis]
            # Rounded down, so that of an odd surplus more is cut off behind.
            before = (n - m) // 2
            kept.append(slice(before, before + m))
        else:
            before, after = layer.cropping[axis if len(layer.cropping) > 1 else 0]
            kept.append(slice(before, n - after))
    return x[(slice(None), slice(None), *kept)]


@reference("channel_shuffle")
def channel_shuffle(layer: Any, w: Weights, x: Array) -> Array:
    """The first channel of each group, then the second of each, and so on."""
    n, c, *size = x.shape
    return x.reshape(n, layer.groups, -1, *size).swapaxes(1, 2).reshape(n, c, *size)


@reference("reshape")
def reshape(layer: Any, w: Weights, x: Array) -> Array:
    """The same elements in the same order."""
    return x.reshape(x.shape[0], *layer.shape)


@reference("permute")
def permute(layer: Any, w: Weights, x: Array) -> Array:
    """The axes in another order."""
    return x.transpose(0, *(1 + axis for axis in layer.order))


@reference("split")
def split(layer: Any, w: Weights, x: Array) -> Array:
    """One of the equal parts of the channels."""
    return np.split(x, layer.parts, axis=1)[layer.part]


@reference("slice")
def part_of_axis(layer: Any, w: Weights, x: Array) -> Array:
    """Elements start:stop of one axis."""
    axis = number_axis(layer.axis, x)
    return x[(*[slice(None)] * axis, slice(*layer.range))]


@reference("roll")
def roll(layer: Any, w: Weights, x: Array) -> Array:
    """What leaves at the end of the axis comes in at its beginning."""
    return np.roll(x, layer.shift, axis=number_axis(layer.axis, x))


@reference("take")
def take(layer: Any, w: Weights, x: Array) -> Array:
    """The elements one by one."""
    axis = number_axis(layer.axis, x)
    # By slices, not by an index array: views of one element, which probes can follow.
    return np.concatenate([x[(slice(None),) * axis + (slice(i, i + 1),)] for i in layer.indices], axis=axis)


@reference("tile")
def tile(layer: Any, w: Weights, x: Array) -> Array:
    """The axis as a whole, several times."""
    return np.concatenate([x] * layer.times, axis=number_axis(layer.axis, x))
