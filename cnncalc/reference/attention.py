"""Attention and matrix products as they are defined. Maps are (N, C, *size), every position a token.

Windows are cut out and put back by indexing; which positions may see each other behind a shift is asked position by
position, and shares nothing with what the layer claims of its windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from cnncalc.reference.activation import holds_values, number
from cnncalc.reference.base import Array, Shape, Weight, Weights, axes_of, bias, kernel, reference


def projection_weights(layer: Any, c: int, e: int) -> dict[str, Weight]:
    """query (d, C), key (d, E), value (v, E), out (f, v), and the biases that there are."""
    # As the textbook has them: queries and keys d wide, values v, and f channels that come out.
    d = layer.dim or c
    v = layer.value_dim or d
    f = layer.out or c
    stored = {"query": kernel((d, c), c), "key": kernel((d, e), e), "value": kernel((v, e), e)}
    if layer.bias in (True, "in"):
        stored |= {"query_bias": bias((d,)), "key_bias": bias((d,)), "value_bias": bias((v,))}
    if layer.project:
        stored["out"] = kernel((f, v), v)
        if layer.bias in (True, "out"):
            stored["out_bias"] = bias((f,))
    return stored


def project(w: Weights, name: str, x: Array) -> Array:
    """(N, C, tokens) by (f, C): (N, f, tokens), plus a bias for every f."""
    y = w[name] @ x
    return y + w[f"{name}_bias"][:, np.newaxis] if f"{name}_bias" in w else y


def in_heads(x: Array, heads: int) -> Array:
    """(N, width, tokens) to (N, heads, tokens, width of a head)."""
    n, width, tokens = x.shape
    return x.reshape(n, heads, width // heads, tokens).swapaxes(2, 3)


def multiply(a: Array, b: Array, allowed: Array | None = None) -> Array:
    """A matrix product of two values: nothing is read through a weight. `allowed` says where a is not 0 for sure."""
    between = getattr(a, "between", None)
    return a @ b if between is None else between(b, allowed)


def mix(q: Array, k: Array, v: Array, *added: Array, allowed: Array | None = None) -> Array:
    """softmax(q k' / sqrt(d) + added) v, over the last two axes; where it is not allowed the exp is made 0."""
    scores = multiply(q, k.swapaxes(-1, -2)) * number(q.shape[-1] ** -0.5, q)
    for more in added:
        scores = scores + more
    if holds_values(scores):  # no exp is too large then, and the result is the same
        scores = scores - scores.max(axis=-1, keepdims=True)
    e = np.exp(scores)
    if allowed is not None:
        e = e * allowed.astype(e.dtype)
    return multiply(e / e.sum(axis=-1, keepdims=True), v, allowed)


def join_heads(x: Array) -> Array:
    """(N, heads, tokens, width of a head) to (N, width, tokens)."""
    n, heads, tokens, width = x.shape
    return x.swapaxes(2, 3).reshape(n, heads * width, tokens)


def attention_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """The projections; relative (distances, heads) with a row for every way in which two positions lie apart."""
    stored = projection_weights(layer, x[0], x[0])
    if layer.relative_bias:
        # Counted by listing all distances, not by the formula of the claim.
        rows = len(list(product(*(range(1 - m, m) for m in window_of(layer, x[1:])))))
        stored["relative"] = bias((rows, layer.heads))
    if layer.pair_bias:
        tokens = int(np.prod(window_of(layer, x[1:])))
        stored["pairs"] = bias((layer.heads, tokens, tokens))
    return stored


def window_of(layer: Any, size: Sequence[int]) -> tuple[int, ...]:
    """The positions per axis that see each other."""
    return axes_of(layer.window or layer.grid or tuple(size), len(size))


@reference("attention", weights=attention_weights)
def attention(layer: Any, w: Weights, x: Array) -> Array:
    """Every window by itself: all its positions ask all of them."""
    n, c, *size = x.shape
    q, k, v = (project(w, name, x.reshape(n, c, -1)) for name in ("query", "key", "value"))
    members = members_of_windows(layer, size)
    added = [distances(layer, w, size)] if layer.relative_bias else []
    added += [w["pairs"]] if layer.pair_bias else []
    allowed = None
    if layer.shift is not None and any(shifts(layer, size)):
        allowed = together(layer, members, size)[:, np.newaxis]
    # (N, windows, heads, tokens of a window, width of a head)
    q, k, v = (in_heads(a, layer.heads)[:, :, members].swapaxes(1, 2) for a in (q, k, v))
    y = mix(q, k, v, *added, allowed=allowed)
    # Tokens back to where they were: the inverse of the order in which windows took them.
    back = np.argsort(members.reshape(-1), kind="stable")
    y = y.swapaxes(1, 2).reshape(n, layer.heads, -1, y.shape[-1])[:, :, back]
    y = join_heads(y)
    if layer.project:
        y = project(w, "out", y)
    return y.reshape(n, -1, *size)


def shifts(layer: Any, size: Sequence[int]) -> list[int]:
    """How far windows are moved along each axis: not at all along one that a single window fills."""
    moved = axes_of(layer.shift, len(size))
    return [s if m < n else 0 for s, m, n in zip(moved, window_of(layer, size), size, strict=True)]


def members_of_windows(layer: Any, size: Sequence[int]) -> Array:
    """For each window the tokens in it, by their number in the map: (windows, tokens of a window)."""
    tokens = np.arange(np.prod(size)).reshape(size)
    if layer.shift is not None:
        for axis, s in enumerate(shifts(layer, size)):
            # Tokens are moved, not values: what a window holds is read off their numbers.
            tokens = np.roll(tokens, -s, axis=axis)
    cells = window_of(layer, size)
    members = []
    for corner in product(*(range(n // m) for n, m in zip(size, cells, strict=True))):
        if layer.grid is not None:
            # A grid's positions lie apart, one of each cell; a window's lie together.
            inside = [slice(i, None, n // m) for i, n, m in zip(corner, size, cells, strict=True)]
        else:
            inside = [slice(i * m, i * m + m) for i, m in zip(corner, cells, strict=True)]
        members.append(tokens[tuple(inside)].reshape(-1))
    return np.array(members)


def together(layer: Any, members: Array, size: Sequence[int]) -> Array:
    """(windows, tokens, tokens): whether one may see the other; those that came around the border are apart."""
    places = np.array(np.unravel_index(members, size))  # (axes, windows, tokens)
    # The roll moved the first `s` places of an axis behind its end, into a window with others.
    wrapped = np.array([axis < s for axis, s in zip(places, shifts(layer, size), strict=True)])
    return (wrapped[:, :, :, np.newaxis] == wrapped[:, :, np.newaxis, :]).all(axis=0)


def distances(layer: Any, w: Weights, size: Sequence[int]) -> Array:
    """(heads, tokens, tokens): the number that is trained for how far apart two positions of a window are."""
    cells = window_of(layer, size)
    apart = [len(range(1 - m, m)) for m in cells]
    # The numbers of the table by how far apart, of which an axis has 1 - m first.
    row = np.arange(np.prod(apart)).reshape(apart)
    inside = np.indices(cells).reshape(len(cells), -1)
    of_pairs = row[tuple(p[:, np.newaxis] - p + m - 1 for p, m in zip(inside, cells, strict=True))]
    return np.moveaxis(w["relative"][of_pairs], 2, 0)


@reference("cross_attention", weights=lambda layer, x, y: projection_weights(layer, x[0], y[0]))
def cross_attention(layer: Any, w: Weights, x: Array, y: Array) -> Array:
    """The positions of x ask those of y."""
    n, c, *size = x.shape
    others = y.reshape(*y.shape[:2], -1)
    q = project(w, "query", x.reshape(n, c, -1))
    k, v = project(w, "key", others), project(w, "value", others)
    z = join_heads(mix(*(in_heads(a, layer.heads) for a in (q, k, v))))
    if layer.project:
        z = project(w, "out", z)
    return z.reshape(n, -1, *size)


@reference("dot_product_attention")
def dot_product_attention(layer: Any, w: Weights, q: Array, k: Array, v: Array, *added: Array) -> Array:
    """softmax(q k' / sqrt(d) + what is added) v."""
    return mix(q, k, v, *added)


@reference("matmul")
def matmul(layer: Any, w: Weights, a: Array, b: Array) -> Array:
    return multiply(a, b)
