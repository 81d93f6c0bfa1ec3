"""Layers with several inputs, as they are defined. Axes of length 1 are stretched."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.reference.axes import number_axis
from cnncalc.reference.base import Array, Weights, fold_views, reference


@reference("add")
def add(layer: Any, w: Weights, *xs: Array) -> Array:
    return combine(np.add, xs)


@reference("multiply")
def multiply(layer: Any, w: Weights, *xs: Array) -> Array:
    return combine(np.multiply, xs)


@reference("maximum")
def maximum(layer: Any, w: Weights, *xs: Array) -> Array:
    return combine(np.maximum, xs)


@reference("mean")
def mean(layer: Any, w: Weights, *xs: Array) -> Array:
    """The sum over the number of inputs."""
    return combine(np.add, xs) / len(xs)


def combine(operation: np.ufunc, xs: tuple[Array, ...]) -> Array:
    """All inputs, stretched to one shape, combined element by element."""
    return fold_views(operation, iter(np.broadcast_arrays(*xs, subok=True)))


@reference("minimum")
def minimum(layer: Any, w: Weights, *xs: Array) -> Array:
    return combine(np.minimum, xs)


@reference("subtract")
def subtract(layer: Any, w: Weights, *xs: Array) -> Array:
    """The first less all others."""
    return combine(np.subtract, xs)


@reference("divide")
def divide(layer: Any, w: Weights, *xs: Array) -> Array:
    """The first by all others, one after the other; by 0 it is infinite, or not a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return combine(np.divide, xs)


@reference("greater", "less", "equal")
def compare(layer: Any, w: Weights, *xs: Array) -> Array:
    """1 where it is so, else 0; a third input is compared with that."""
    operation = {"greater": np.greater, "less": np.less, "equal": np.equal}[layer.kind]
    # `subok`: what counts or remembers goes on doing so.
    result, *others = np.broadcast_arrays(*xs, subok=True)
    for other in others:
        result = operation(result, other).astype(xs[0].dtype)
    return result


@reference("concat")
def concat(layer: Any, w: Weights, *xs: Array) -> Array:
    """All inputs, one behind the other along one axis."""
    return np.concatenate(xs, axis=number_axis(layer.axis, xs[0]))
