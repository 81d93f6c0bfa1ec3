"""Layers of units that read a vector (N, F), as they are defined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cnncalc.reference.base import Array, Shape, Weight, Weights, bias, kernel, reference, scale


def dense_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (units, F); with a table what its rows list, one row behind the other (pairs,). bias (units,)."""
    n = x[0]  # of a map, the channels of one position
    if layer.table is None:
        stored = {"weight": kernel((layer.units, n), n)}
    else:
        stored = {"weight": kernel((sum(len(row) for row in layer.table),), max(len(row) for row in layer.table))}
    if layer.bias:
        stored["bias"] = bias((layer.units,))
    return stored


@reference("dense", weights=dense_weights, sums="products")
def dense(layer: Any, w: Weights, x: Array) -> Array:
    """Every unit: its weights times the inputs, summed, plus its bias; of a map, at every position."""
    # Of a map, channels are the features and positions are samples.
    if x.ndim > 2:
        tokens = w["weight"] @ x.reshape(*x.shape[:2], -1)
        if "bias" in w:
            tokens = tokens + w["bias"][:, np.newaxis]
        return tokens.reshape(len(x), -1, *x.shape[2:])
    if layer.table is None:
        y = products(w["weight"], x)
    else:
        units, first = [], 0
        for row in layer.table:
            units.append(products(w["weight"][np.newaxis, first : first + len(row)], x[:, list(row)]))
            first += len(row)
        y = np.concatenate(units, axis=1)
    return np.add(y, w["bias"], out=y) if "bias" in w else y


def products(weights: Array, x: Array) -> Array:
    """(units, F) with (N, F): a sum of products for each unit and sample."""
    # With an axis of 1 behind it is a matrix product: one operation, of which products and sums are counted.
    return (weights @ x[..., np.newaxis])[..., 0]


def squared_distances(centres: Array, x: Array) -> Array:
    """(units, F) and (N, F): for each unit the sum of (x - w)^2."""
    # A square as a product of the difference with itself: a matrix product again, which a probe counts as one.
    away = x[:, np.newaxis, :] - centres
    return (away[..., np.newaxis, :] @ away[..., np.newaxis])[..., 0, 0]


def rbf_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """centres (units, F): fixed. An input of 1 adds 1 to the distance from a centre of 0."""
    return {"centres": Weight((layer.units, x[0]), -1.0, 1.0, "fixed_params", unit=0.0)}


@reference("rbf", weights=rbf_weights, sums="products")
def rbf(layer: Any, w: Weights, x: Array) -> Array:
    """The squared distance of the input from each centre."""
    return squared_distances(w["centres"], x)


def gaussian_rbf_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """centres (units, F) and width (units,), both trained."""
    return {"centres": Weight((layer.units, x[0]), -1.0, 1.0, unit=0.0), "width": scale((layer.units,))}


@reference("gaussian_rbf", weights=gaussian_rbf_weights)
def gaussian_rbf(layer: Any, w: Weights, x: Array) -> Array:
    """exp(-d / s) of the squared distance d, with a width s for each unit."""
    return np.exp(np.negative(squared_distances(w["centres"], x)) / w["width"])


def hopfield_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (pairs,): one for each pair of units, (0, 1), (0, 2), ... in order. bias (F,): minus the threshold."""
    n = x[0]
    pairs = sum(n - 1 - i for i in range(n))  # of unit i with those behind it
    stored = {"weight": kernel((pairs,), max(1, n - 1))}
    if layer.bias:
        stored["bias"] = bias((n,))
    return stored


@reference("hopfield", weights=hopfield_weights)
def hopfield(layer: Any, w: Weights, x: Array) -> Array:
    """At every step each unit becomes 1 or -1 by the sum of all the others, which share a weight pair by pair."""
    n = x.shape[1]
    units = np.arange(n)
    first = np.cumsum([0, *(n - 1 - i for i in range(n - 1))])  # the number of each unit's pair with the next one
    state = x
    for _ in range(layer.steps):
        sums = []
        for i in range(n):  # row by row: a matrix of all pairs would fill memory
            others = np.delete(units, i)
            pairs = first[np.minimum(others, i)] + np.abs(others - i) - 1
            sums.append((w["weight"][pairs][np.newaxis] @ state[:, others, np.newaxis])[:, 0, 0])
        field = np.stack(sums, axis=1)
        if "bias" in w:
            field = field + w["bias"]
        above = np.greater_equal(field, 0)
        state = signs(above, x)
    return state


def signs(above: Array, like: Array) -> Array:
    """1 where something holds and -1 where it does not: which of two values to take is no arithmetic."""
    picked = getattr(above, "picked", None)
    if picked is not None:
        return picked
    return np.where(above, like.dtype.type(1), like.dtype.type(-1)).view(type(like))


@reference("flatten")
def flatten(layer: Any, w: Weights, x: Array) -> Array:
    """All elements in a row: channel by channel, line by line."""
    return x.reshape(x.shape[0], -1)
