"""Axes brought down to one element, as the words say it. Arrays are (N, C, *size)."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.reference.axes import number_axis
from cnncalc.reference.base import Array, Weights, reference


def over(layer: Any, x: Array) -> tuple[int, ...]:
    return tuple(number_axis(axis, x) for axis in layer.axes)


@reference("reduce_sum")
def reduce_sum(layer: Any, w: Weights, x: Array) -> Array:
    return np.add.reduce(x, axis=over(layer, x), keepdims=True)


@reference("reduce_mean")
def reduce_mean(layer: Any, w: Weights, x: Array) -> Array:
    """The sum over how many elements it has."""
    axes = over(layer, x)
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return np.add.reduce(x, axis=axes, keepdims=True) / count


@reference("reduce_max")
def reduce_max(layer: Any, w: Weights, x: Array) -> Array:
    return np.maximum.reduce(x, axis=over(layer, x), keepdims=True)


@reference("reduce_min")
def reduce_min(layer: Any, w: Weights, x: Array) -> Array:
    return np.minimum.reduce(x, axis=over(layer, x), keepdims=True)


@reference("reduce_norm")
def reduce_norm(layer: Any, w: Weights, x: Array) -> Array:
    """The p-th root of the sum of the p-th powers; a root of 1 is none, and the square needs no absolute value."""
    axes, p = over(layer, x), layer.order
    if p == 2:
        return np.sqrt(np.add.reduce(x * x, axis=axes, keepdims=True))
    sizes = np.absolute(x)
    if p == 1:
        return np.add.reduce(sizes, axis=axes, keepdims=True)
    return np.power(np.add.reduce(np.power(sizes, p), axis=axes, keepdims=True), 1 / p)
