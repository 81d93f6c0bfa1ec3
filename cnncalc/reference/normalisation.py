"""Normalisation as it is defined. Any shape with the samples first, unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnncalc.reference.base import Array, Shape, Weight, Weights, per_channel, reference, scale, shift


def affine(layer: Any, shape: Shape) -> dict[str, Weight]:
    """gamma and beta, trained."""
    return {"gamma": scale(shape), "beta": shift(shape)} if layer.affine else {}


def batchnorm_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """gamma, beta, mean, variance: (C,) each; the last two are statistics."""
    c = x[:1]
    trained = {"scale": {"gamma": scale(c)}, "shift": {"beta": shift(c)}}.get(layer.affine) or affine(layer, c)
    return {**trained, "mean": shift(c, "buffers"), "variance": scale(c, "buffers")}


@reference("batchnorm", weights=batchnorm_weights)
def batchnorm(layer: Any, w: Weights, x: Array) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta: what is stored gives one factor and one summand."""
    # Folded into one product and one sum, as everybody runs it: what is stored is worked out before an image comes.
    factor = 1 / np.sqrt(w["variance"] + layer.epsilon)
    if "gamma" in w:
        factor = factor * w["gamma"]
    summand = -w["mean"] * factor
    if "beta" in w:
        summand = summand + w["beta"]
    rank = x.ndim - 2
    y = x * per_channel(factor.astype(x.dtype), rank)
    # In place: y is ours.
    return np.add(y, per_channel(summand.astype(x.dtype), rank), out=y)


def standardise(x: Array, axes: Sequence[int], epsilon: float) -> Array:
    """Mean 0 and variance 1 over some axes of each sample."""
    # Mean and variance by sums: NumPy's own would hide from a probe what they do.
    count = int(np.prod([x.shape[axis] for axis in axes]))
    over = tuple(axes)
    centred = x - x.sum(axis=over, keepdims=True) / count
    variance = (centred * centred).sum(axis=over, keepdims=True) / count
    return centred / np.sqrt(variance + x.dtype.type(epsilon))


def letters(x: Shape) -> str:
    """The names of the axes of a shape, channels first."""
    return {1: "c", 2: "cl", 3: "chw", 4: "cdhw"}[len(x)]


def normalised_axes(layer: Any, x: Shape) -> list[int]:
    """Which axes of a sample are normalised together."""
    names = letters(x)
    wanted = {"channels": "c", "all": names, "spatial": names[1:]}.get(layer.axes, layer.axes)
    return [i for i, name in enumerate(names) if name in wanted]


def layernorm_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """gamma and beta for every element that is normalised together; 1 along the other axes."""
    together = normalised_axes(layer, x)
    return affine(layer, tuple(n if i in together else 1 for i, n in enumerate(x)))


@reference("layernorm", weights=layernorm_weights)
def layernorm(layer: Any, w: Weights, x: Array) -> Array:
    """Standardised over the axes, then scaled and shifted element by element."""
    y = standardise(x, [1 + axis for axis in normalised_axes(layer, x.shape[1:])], layer.epsilon)
    return y * w["gamma"] + w["beta"] if layer.affine else y


def rmsnorm_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """gamma for every element that is normalised together; 1 along the other axes."""
    together = normalised_axes(layer, x)
    return {"gamma": scale(tuple(n if i in together else 1 for i, n in enumerate(x)))} if layer.affine else {}


@reference("rmsnorm", weights=rmsnorm_weights)
def rmsnorm(layer: Any, w: Weights, x: Array) -> Array:
    """Over the root of the mean square, then scaled element by element."""
    axes = tuple(1 + axis for axis in normalised_axes(layer, x.shape[1:]))
    count = int(np.prod([x.shape[axis] for axis in axes]))
    square = (x * x).sum(axis=axes, keepdims=True) / count
    y = x / np.sqrt(square + x.dtype.type(layer.epsilon))
    return y * w["gamma"] if layer.affine else y


def per_channel_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """gamma and beta (C,)."""
    return affine(layer, x[:1])


@reference("groupnorm", weights=per_channel_weights)
def groupnorm(layer: Any, w: Weights, x: Array) -> Array:
    """Each group of channels standardised by itself, then scaled and shifted channel by channel."""
    return in_groups(layer, w, x, layer.groups)


@reference("instancenorm", weights=per_channel_weights)
def instancenorm(layer: Any, w: Weights, x: Array) -> Array:
    """Each channel standardised by itself."""
    return in_groups(layer, w, x, x.shape[1])


def in_groups(layer: Any, w: Weights, x: Array, groups: int) -> Array:
    # Neighbouring channels are a group, so that a group is a row.
    y = standardise(x.reshape(x.shape[0], groups, -1), [2], layer.epsilon).reshape(x.shape)
    if not layer.affine:
        return y
    rank = x.ndim - 2
    return y * per_channel(w["gamma"], rank) + per_channel(w["beta"], rank)


def numbers_per(per: str, x: Shape) -> Shape:
    """How many numbers there are along each axis: (C,) for one per channel."""
    if per == "channel":
        return x[:1]
    names = letters(x)
    wanted = {"layer": "", "element": names}.get(per, per)
    return tuple(n if name in wanted else 1 for n, name in zip(x, names, strict=True))


def beside(numbers: Array, rank: int) -> Array:
    """Stored numbers beside (N, C, *size): those per channel with an axis of 1 for each of `rank` axes behind."""
    return per_channel(numbers, rank) if numbers.ndim == 1 else numbers


def scale_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """Factors, (C,) or (C, *size) with 1 where elements share one; summands of the same shape if they are trained."""
    stored = numbers_per(layer.per, x)
    return {"gamma": scale(stored), **({"beta": shift(stored)} if layer.shift else {})}


@reference("scale", weights=scale_weights)
def scale_values(layer: Any, w: Weights, x: Array) -> Array:
    """Each element times its factor, plus its summand."""
    rank = x.ndim - 2
    y = x * beside(w["gamma"], rank)
    return y + beside(w["beta"], rank) if layer.shift else y


@reference("shift", weights=lambda layer, x: {"beta": shift(numbers_per(layer.per, x))})
def shift_values(layer: Any, w: Weights, x: Array) -> Array:
    """Each element plus its summand."""
    return x + beside(w["beta"], x.ndim - 2)


@reference("lrn")
def lrn(layer: Any, w: Weights, x: Array) -> Array:
    """Each value over (k + alpha/size * sum of squares of the channels around it) ** beta."""
    channels = x.shape[1]
    # Each square is worked out once, however many windows it stands in.
    squares = x * x
    total = squares.copy()
    # Of an even size one channel more lies before than behind. Those that do not exist are left out.
    for before in range(1, min(layer.size // 2, channels - 1) + 1):
        np.add(total[:, before:], squares[:, :-before], out=total[:, before:])
    for behind in range(1, min((layer.size - 1) // 2, channels - 1) + 1):
        np.add(total[:, :-behind], squares[:, behind:], out=total[:, :-behind])
    base = total * x.dtype.type(layer.alpha / layer.size) + x.dtype.type(layer.k)
    return x / np.power(base, x.dtype.type(layer.beta))
