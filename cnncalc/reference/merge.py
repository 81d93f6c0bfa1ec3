"""Layers with several inputs, as they are defined. Axes of length 1 are stretched."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.reference.base import Array, Weights, folded, reference


@reference("add")
def add(layer: Any, w: Weights, *xs: Array) -> Array:
    return combined(np.add, xs)


@reference("multiply")
def multiply(layer: Any, w: Weights, *xs: Array) -> Array:
    return combined(np.multiply, xs)


@reference("maximum")
def maximum(layer: Any, w: Weights, *xs: Array) -> Array:
    return combined(np.maximum, xs)


@reference("mean")
def mean(layer: Any, w: Weights, *xs: Array) -> Array:
    """The sum over the number of inputs."""
    return combined(np.add, xs) / len(xs)


def combined(operation: np.ufunc, xs: tuple[Array, ...]) -> Array:
    """All inputs, stretched to one shape, combined element by element."""
    return folded(operation, iter(np.broadcast_arrays(*xs, subok=True)))


@reference("concat")
def concat(layer: Any, w: Weights, *xs: Array) -> Array:
    """The channels of all inputs, one behind the other."""
    return np.concatenate(xs, axis=1)
