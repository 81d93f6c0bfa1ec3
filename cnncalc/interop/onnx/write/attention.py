"""Attention and matrix products as ONNX operators.

ONNX's own operator Attention (opset 23) is younger than the opset that is written; the products are written out.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Array, Part, Value
from cnncalc.interop.onnx.write.table import writes
from cnncalc.layers.base import WHOLE


def project(ops: Part, name: str, x: str) -> str:
    """(N, C, tokens) to (N, f, tokens)."""
    y = ops("MatMul", ops.weight(name), x)
    biased = f"{name}_bias"
    return ops("Add", y, ops.weight(biased, ops.array(biased)[:, np.newaxis])) if ops.has(biased) else y


def mix(ops: Part, q: str, k: str, v: str, width: int, *added: str) -> str:
    """softmax(q k' / sqrt(width) + added) v, k with its axes exchanged already."""
    scores = ops.scale(ops("MatMul", q, k), width**-0.5)
    for more in added:
        scores = ops("Add", scores, more)
    return ops("MatMul", ops("Softmax", scores, axis=-1), v)


@writes("attention")
def attention(ops: Part, layer: Any, x: Value) -> str:
    """Tokens are brought into the order of their windows by Gather, and back."""
    c, *size = x.shape
    n, h = prod(size), layer.heads
    d, v, f = layer.widths(c)
    windows = layer.windows(size)
    order = tokens_of_windows(layer, size)
    count, inside = order.shape
    # Windows of a map are not neighbours in memory: their tokens are gathered, one window behind the other.
    flat = ops.reshape(x.name, c, n)
    if count > 1:
        flat = ops("Gather", flat, ops.whole(*order.ravel().tolist()), axis=2)

    def heads(name: str, width: int, *perm: int) -> str:
        apart = ops.reshape(project(ops, name, flat), h, width // h, count, inside)
        return ops.transpose(apart, *perm)

    # (N, windows, heads, tokens, width of a head); keys with the last two exchanged
    q, k, values = heads("query", d, 3, 1, 4, 2), heads("key", d, 3, 1, 2, 4), heads("value", v, 3, 1, 4, 2)
    added = []
    if layer.relative_bias:
        added.append(ops("Gather", ops.weight("relative"), ops.constant(distances(windows), np.int64), axis=0))
        added[0] = ops("Transpose", added[0], perm=[2, 0, 1])
    if layer.pair_bias:
        added.append(ops.weight("pairs"))
    if any(layer.shifts(size)):
        added.append(ops.constant(forbidden(layer, size, order)[:, np.newaxis]))
    # (N, windows, heads, tokens, width) back to (N, heads, width, windows, tokens).
    y = ops.transpose(mix(ops, q, k, values, d // h, *added), 2, 4, 1, 3)
    y = ops.reshape(y, v, n)
    if count > 1:
        # The order that sorts a permutation is its inverse.
        y = ops("Gather", y, ops.whole(*np.argsort(order.ravel()).tolist()), axis=2)
    if layer.project:
        y = project(ops, "out", y)
    return ops.reshape(y, f, *size)


def tokens_of_windows(layer: Any, size: list[int]) -> Array:
    """(windows, tokens of a window), from the first position that each window holds: what the layer claims of them."""
    windows, shifts = layer.windows(size), layer.shifts(size)
    grid = layer.grid is not None
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, place in enumerate(product(*map(range, size))):
        # A grid takes every so many-th position, a window neighbours as they lie after the roll.
        cell = tuple(
            i % (n // w) if grid else (i - s) % n // w for i, n, w, s in zip(place, size, windows, shifts, strict=True)
        )
        groups.setdefault(cell, []).append(number)
    if not any(shifts):
        return np.array(list(groups.values()))

    def roll(number: int) -> tuple[int, ...]:
        places = np.unravel_index(number, size)
        return tuple((int(i) - s) % n for i, s, n in zip(places, shifts, size, strict=True))

    return np.array([sorted(members, key=roll) for members in groups.values()])


def distances(windows: tuple[int, ...]) -> Array:
    """(tokens, tokens): the row of the table for each pair of positions."""
    places = np.array(list(product(*map(range, windows))))
    apart = places[:, np.newaxis] - places[np.newaxis] + np.array(windows) - 1
    rows = np.zeros(apart.shape[:2], dtype=np.int64)
    for axis, w in enumerate(windows):
        # Differences from -(w - 1) to w - 1 count from 0 on; the last axis varies fastest, as in Swin's table.
        rows = rows * (2 * w - 1) + apart[:, :, axis]
    return rows


def forbidden(layer: Any, size: list[int], order: Array) -> Array:
    """(windows, tokens, tokens): a number that leaves nothing of a score where two positions may not see each other."""
    places = np.array(np.unravel_index(order, size))
    apart = np.zeros((*order.shape, order.shape[1]), dtype=bool)
    for axis, (n, w) in enumerate(zip(size, layer.windows(size), strict=True)):
        step = layer.places(axis, n, w)
        if step == WHOLE:
            continue
        reads = np.zeros((n, n), dtype=bool)
        for ops, seen in enumerate(step.reads):
            reads[ops, list(seen)] = True
        apart |= ~reads[places[axis][:, :, np.newaxis], places[axis][:, np.newaxis, :]]
    # Not minus infinity, of which a row alone would make a softmax no number.
    return np.where(apart, np.float32(-1e9), np.float32(0))


@writes("cross_attention")
def cross_attention(ops: Part, layer: Any, x: Value, others: Value) -> str:
    h, (d, v, f) = layer.heads, layer.widths(x.shape[0])
    n, m = prod(x.shape[1:]), prod(others.shape[1:])
    asking, asked = ops.reshape(x.name, x.shape[0], n), ops.reshape(others.name, others.shape[0], m)
    q = ops.transpose(ops.reshape(project(ops, "query", asking), h, d // h, n), 1, 3, 2)
    k = ops.reshape(project(ops, "key", asked), h, d // h, m)
    values = ops.transpose(ops.reshape(project(ops, "value", asked), h, v // h, m), 1, 3, 2)
    y = ops.reshape(ops.transpose(mix(ops, q, k, values, d // h), 1, 3, 2), v, n)
    if layer.project:
        y = project(ops, "out", y)
    return ops.reshape(y, f, *x.shape[1:])


@writes("dot_product_attention")
def dot_product_attention(ops: Part, layer: Any, q: Value, k: Value, v: Value, *added: Value) -> str:
    rank = len(k.shape)
    exchanged = ops.transpose(k.name, *range(1, rank - 1), rank, rank - 1)
    return mix(ops, q.name, exchanged, v.name, q.shape[-1], *(value.name for value in added))


@writes("matmul")
def matmul(ops: Part, layer: Any, a: Value, b: Value) -> str:
    return ops("MatMul", a.name, b.name)
