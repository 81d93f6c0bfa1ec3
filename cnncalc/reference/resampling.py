"""Layers that make the axes of a map longer or shorter, as they are defined. Maps are (N, C, *size)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from cnncalc.reference.base import BORDER, Array, Weights, axes_of, fold_views, read_around, reference, surround


@reference("upsample")
def upsample(layer: Any, w: Weights, x: Array) -> Array:
    """Every output lies between elements of the input, half-pixel centres on both sides, and mixes the nearest."""
    size = x.shape[2:]
    factors = axes_of(layer.factor, len(size))
    if layer.mode == "nearest":
        for axis, (n, factor) in enumerate(zip(size, factors, strict=True), start=2):
            x = np.take(x, [o // factor for o in range(n * factor)], axis=axis)
        return x
    return combine_taps(x, [mixture(n, factor, layer.mode) for n, factor in zip(size, factors, strict=True)])


def combine_taps(x: Array, per_axis: list[list[tuple[Array, Array]]]) -> Array:
    """All combinations of taps, each with the product of its weights, added up."""

    def apply_weights(choice: tuple[tuple[Array, Array], ...]) -> Array:
        """The elements that one combination of taps reads, times its weight at every place."""
        elements, share = x, np.ones((), dtype=x.dtype)
        for axis, (index, weight) in enumerate(choice, start=2):
            elements = np.take(elements, index, axis=axis)
            share = share[..., np.newaxis] * weight.astype(x.dtype)
        return elements * share

    return fold_views(np.add, (apply_weights(choice) for choice in product(*per_axis)))


def mixture(n: int, factor: int, mode: str) -> list[tuple[Array, Array]]:
    """For each tap, the element that every output reads and its weight. Beyond the border the last one counts."""
    places = [((2 * o + 1) / factor - 1) / 2 for o in range(n * factor)]
    left = np.array([(2 * o + 1 - factor) // (2 * factor) for o in range(n * factor)])
    return weigh_taps(np.array(places) - left, left, n, mode)


def weigh_taps(away: Array, left: Array, n: int, mode: str) -> list[tuple[Array, Array]]:
    """The taps around places that lie `away` behind the element `left` of n."""
    away[np.isclose(away, 0)] = 0.0  # it falls on an element
    offsets = (0, 1) if mode == "bilinear" else (-1, 0, 1, 2)
    weigh = hat if mode == "bilinear" else cubic
    return [(np.clip(left + offset, 0, n - 1), weigh(np.absolute(away - offset))) for offset in offsets]


def hat(distance: Array) -> Array:
    """Linear: 1 at the element, 0 at its neighbours."""
    return 1 - distance


def cubic(distance: Array, a: float = -0.75) -> Array:
    """Keys 1981, with PyTorch's a: a cubic within one element, another within two."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    result: Array = np.where(distance <= 1, near, far)
    result[np.isclose(distance % 1, 0) & (distance > 0.5)] = 0.0  # at another element: exactly nothing
    return result


@reference("resample")
def resample(layer: Any, w: Weights, x: Array) -> Array:
    """Every output lies between elements of the input, and mixes the nearest; beyond the border the last counts."""
    size = x.shape[2:]
    wanted = axes_of(layer.size, len(size))
    if layer.mode.startswith("nearest"):
        middle = 0.5 if layer.mode == "nearest_exact" else 0.0
        for axis, (n, m) in enumerate(zip(size, wanted, strict=True), start=2):
            # 1e-9: a place that is whole by its definition may come out a little below it.
            places = np.floor((np.arange(m) + middle) * n / m + 1e-9).astype(int)
            x = np.take(x, np.minimum(places, n - 1), axis=axis)
        return x
    per_axis = [between(n, m, layer) for n, m in zip(size, wanted, strict=True)]
    return combine_taps(x, per_axis)


def between(n: int, m: int, layer: Any) -> list[tuple[Array, Array]]:
    """For each tap, the element that every one of m outputs reads and its weight."""
    o = np.arange(m)
    # Either the outermost elements lie over each other, or the outer edges of the outermost pixels.
    places = o * (n - 1) / max(1, m - 1) if layer.align_corners else (o + 0.5) * n / m - 0.5
    if layer.mode == "bilinear":
        places = np.maximum(places, 0)
    left = np.floor(places + 1e-9).astype(int)
    return weigh_taps(places - left, left, n, layer.mode)


@reference("pixel_shuffle")
def pixel_shuffle(layer: Any, w: Weights, x: Array) -> Array:
    """Channel (c, i, j) becomes the pixels (r h + i, r w + j) of channel c."""
    n, size = x.shape[0], x.shape[2:]
    r, rank = layer.factor, len(size)
    # The axes of i and j are set apart, each is brought behind the axis that it refines, and both are joined.
    apart = x.reshape(n, -1, *(r,) * rank, *size)
    order = [axis for a in range(rank) for axis in (2 + rank + a, 2 + a)]
    return apart.transpose(0, 1, *order).reshape(n, apart.shape[1], *(m * r for m in size))


@reference("pixel_unshuffle")
def pixel_unshuffle(layer: Any, w: Weights, x: Array) -> Array:
    """The pixels (r h + i, r w + j) of channel c become channel (c, i, j)."""
    n, c, *size = x.shape
    r, rank = layer.factor, len(size)
    # The other way round: each axis is cut in two, and the fine parts are brought to the channels.
    apart = x.reshape(n, c, *(part for m in size for part in (m // r, r)))
    order = [*(3 + 2 * a for a in range(rank)), *(2 + 2 * a for a in range(rank))]
    return apart.transpose(0, 1, *order).reshape(n, -1, *(m // r for m in size))


@reference("grid_sample")
def grid_sample(layer: Any, w: Weights, x: Array, grid: Array) -> Array:
    """Each place reads the elements around it, each by how near it is: those outside are zeros."""
    d = grid.shape[-1]
    size, out = x.shape[-d:], grid.shape[-d - 1 : -1]
    maps, places = x.reshape(-1, x.shape[-d - 1], *size), grid.reshape(-1, *out, d)
    per_axis = [read_along(layer, n, places[..., d - 1 - axis]) for axis, n in enumerate(size)]
    around = surround(maps, [BORDER] * d)
    number = np.arange(len(maps)).reshape(-1, *[1] * len(out))

    def read(choice: tuple[tuple[Array, Array], ...]) -> Array:
        """One element for each place, times how near it is."""
        where: Any = (number, slice(None), *(index for index, _share in choice))
        found = np.moveaxis(around[where], -1, 1)
        return found * fold_views(np.multiply, (share for _index, share in choice))[:, np.newaxis]

    mixed = fold_views(np.add, map(read, product(*per_axis)))
    return mixed.reshape(*x.shape[: -d - 1], x.shape[-d - 1], *out)


def read_along(layer: Any, n: int, places: Array) -> list[tuple[Array, Array]]:
    """Along an axis of n elements, with one of zeros in front: which each place reads, and by which share."""
    middle = (n - 1) / 2
    at = places * (middle if layer.align_corners else n / 2) + middle
    if layer.outside == "border":
        at = np.minimum(np.maximum(at, 0), n - 1)
    return read_around(at, n)
