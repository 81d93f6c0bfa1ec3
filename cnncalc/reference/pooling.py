"""Pooling as it is defined: what a window reads, summarised. Maps are (N, C, *size)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from cnncalc.reference.base import (
    Array,
    Shape,
    Slide,
    Weight,
    Weights,
    axes_of,
    bias,
    fold_views,
    kernel,
    per_channel,
    reference,
    slides,
    surround,
    taps,
)


@reference("maxpool")
def maxpool(layer: Any, w: Weights, x: Array) -> Array:
    """The largest value of each window; padding is smaller than any."""
    moves = slides(layer, x.shape[2:])
    return fold_views(np.maximum, taps(surround(x, moves, -np.inf), moves))


@reference("max_unpool")
def max_unpool(layer: Any, w: Weights, x: Array, pooled: Array) -> Array:
    """Each value where the first of the largest elements of its window stands; zeros elsewhere."""
    size = pooled.shape[2:]
    moves = slides(layer, size)
    numbers = np.arange(prod(size)).reshape(1, 1, *size)
    places = np.stack(list(taps(surround(numbers, moves, -1), moves)))
    anywhere = getattr(x, "put_anywhere", None)
    if anywhere is not None:  # values that remember where they are from, and say nothing of which is the largest
        result: Array = anywhere(taps(surround(pooled, moves, -np.inf), moves), places[:, 0, 0], size)
        return result
    known = np.asarray(pooled)  # finding the largest was the pooling's work
    views = np.stack(list(taps(surround(np.where(np.isnan(known), np.inf, known), moves, -np.inf), moves)))
    largest = (views == views.max(axis=0)) & (places >= 0)  # padding is never the largest
    where = np.take_along_axis(np.broadcast_to(places, views.shape), largest.argmax(axis=0)[np.newaxis], axis=0)[0]
    maps = x.shape[0] * x.shape[1]
    # Written position by position: of several values for one place the last one stays.
    room = np.zeros_like(x, shape=(maps, prod(size)))
    values, where = x.reshape(maps, -1), where.reshape(maps, -1)
    room[np.arange(maps)[:, np.newaxis], where] = values
    return room.reshape(pooled.shape)


@reference("avgpool")
def avgpool(layer: Any, w: Weights, x: Array) -> Array:
    """The sum of each window over the number of its elements, padding among them if it counts."""
    moves = slides(layer, x.shape[2:])
    total = fold_views(np.add, taps(surround(x, moves), moves))
    return total / elements(layer, x.shape[2:], moves).astype(x.dtype)


def elements(layer: Any, size: Sequence[int], moves: Sequence[Slide]) -> Array:
    """How many elements each window averages. What `ceil` adds beyond the padding never counts."""
    per_axis = []
    for axis, (n, move) in enumerate(zip(size, moves, strict=True)):
        # Places that count, in the frame in which padding begins at 0.
        first, last = move.before, move.before + n
        if layer.count_include_pad and layer.padding != "same":
            before, after = layer.padding[axis if len(layer.padding) > 1 else 0]
            first, last = 0, before + n + after
        per_axis.append([sum(first <= start + tap < last for tap in move.taps) for start in move.starts])
    # A window is a box: its elements are the product of those along its axes.
    counts = np.ones((), dtype=np.int64)
    for count in per_axis:
        counts = counts[..., np.newaxis] * np.array(count)
    return counts


@reference("lppool")
def lppool(layer: Any, w: Weights, x: Array) -> Array:
    """The p-th root of the sum of |x| to the p."""
    moves = slides(layer, x.shape[2:])
    # Padding with zeros adds nothing to the sum.
    total = fold_views(np.add, (np.power(np.absolute(view), layer.norm) for view in taps(surround(x, moves), moves)))
    return np.power(total, 1 / layer.norm)


@reference("blurpool")
def blurpool(layer: Any, w: Weights, x: Array) -> Array:
    """What a window reads, times binomial weights: along an axis those of k - 1 tosses of a coin."""
    moves = slides(layer, x.shape[2:])
    weights = np.ones(())
    for move in moves:
        row = np.ones(1)
        # Row n of Pascal's triangle over 2 to the n, by its definition: no formula of it is shared with the claim.
        for _toss in range(len(move.taps) - 1):
            row = np.convolve(row, [0.5, 0.5])
        weights = np.multiply.outer(weights, row)
    weighted = (
        view * weight.astype(x.dtype)
        for view, weight in zip(taps(surround(x, moves), moves), weights.ravel(), strict=True)
    )
    return fold_views(np.add, weighted)


def subsample_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (C,) and bias (C,): a coefficient and a bias for each map."""
    window = prod(axes_of(layer.kernel, len(x) - 1))
    return {"weight": kernel((x[0],), window), "bias": bias((x[0],))}


@reference("subsample", weights=subsample_weights, sums="scaled")
def subsample(layer: Any, w: Weights, x: Array) -> Array:
    """The sum of each window, times the map's coefficient, plus the map's bias."""
    moves = slides(layer, x.shape[2:])
    total = fold_views(np.add, taps(surround(x, moves), moves))
    n, c, *positions = total.shape
    # As a matrix product, so that the coefficient counts as a weight that connects.
    scaled = w["weight"].reshape(c, 1, 1) @ total.reshape(n, c, 1, -1)
    return np.add(scaled.reshape(n, c, *positions), per_channel(w["bias"], len(positions)))


@reference("global_avgpool")
def global_avgpool(layer: Any, w: Weights, x: Array) -> Array:
    """The mean of each map."""
    flat = x.reshape(*x.shape[:2], -1)
    mean = flat.sum(axis=2) / flat.shape[2]
    return mean.reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


@reference("global_maxpool")
def global_maxpool(layer: Any, w: Weights, x: Array) -> Array:
    """The largest value of each map."""
    flat = x.reshape(*x.shape[:2], -1)
    return np.max(flat, axis=2).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


def parts(n: int, m: int) -> list[slice]:
    """m windows that cover n elements: the i-th begins where i/m of them are over, and reaches to (i + 1)/m."""
    # Neighbours overlap where m does not divide n.
    return [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def per_part(x: Array, layer: Any, summarise: Any) -> Array:
    """`summarise` of the elements of each window, (N, C, elements) to (N, C)."""
    size = x.shape[2:]
    target = axes_of(layer.size, len(size))
    windows = [parts(n, m) for n, m in zip(size, target, strict=True)]
    # Windows differ in size, so there is no view of all of them at once.
    y = np.empty_like(x, shape=(*x.shape[:2], *target))
    for place in np.ndindex(*target):
        where = [along[i] for along, i in zip(windows, place, strict=True)]
        y[(slice(None), slice(None), *place)] = summarise(
            x[(slice(None), slice(None), *where)].reshape(*x.shape[:2], -1)
        )
    return y


@reference("adaptive_avgpool")
def adaptive_avgpool(layer: Any, w: Weights, x: Array) -> Array:
    """The mean of each window; how many there are is given, and so is their size."""
    return per_part(x, layer, lambda window: window.sum(axis=2) / window.shape[2])


@reference("adaptive_maxpool")
def adaptive_maxpool(layer: Any, w: Weights, x: Array) -> Array:
    """The largest value of each window."""
    return per_part(x, layer, lambda window: np.max(window, axis=2))
