"""Attention, matrix products, and numbers that stand by themselves, as ONNX operators.

ONNX's own operator Attention (opset 23) is younger than the opset that is written; the products are written out.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Array, Part, Value, writes
from cnncalc.layers.base import WHOLE, per_axis


def projected(o: Part, name: str, x: str) -> str:
    """(N, C, tokens) to (N, f, tokens)."""
    y = o("MatMul", o.weight(name), x)
    biased = f"{name}_bias"
    return o("Add", y, o.weight(biased, o.array(biased)[:, np.newaxis])) if o.has(biased) else y


def mixed(o: Part, q: str, k: str, v: str, width: int, *added: str) -> str:
    """softmax(q k' / sqrt(width) + added) v, k with its axes exchanged already."""
    scores = o.scaled(o("MatMul", q, k), width**-0.5)
    for more in added:
        scores = o("Add", scores, more)
    return o("MatMul", o("Softmax", scores, axis=-1), v)


@writes("attention")
def attention(o: Part, layer: Any, x: Value) -> str:
    """Tokens are brought into the order of their windows by Gather, and back."""
    c, *size = x.shape
    n, h = prod(size), layer.heads
    d, v, f = layer.widths(c)
    windows = layer.windows(size)
    order = tokens_of_windows(layer, size)
    count, inside = order.shape
    flat = o.reshape(x.name, c, n)
    if count > 1:
        flat = o("Gather", flat, o.whole(*order.ravel().tolist()), axis=2)

    def heads(name: str, width: int, *perm: int) -> str:
        apart = o.reshape(projected(o, name, flat), h, width // h, count, inside)
        return o.transpose(apart, *perm)

    # (N, windows, heads, tokens, width of a head); keys with the last two exchanged
    q, k, values = heads("query", d, 3, 1, 4, 2), heads("key", d, 3, 1, 2, 4), heads("value", v, 3, 1, 4, 2)
    added = []
    if layer.relative_bias:
        added.append(o("Gather", o.weight("relative"), o.constant(distances(windows), np.int64), axis=0))
        added[0] = o("Transpose", added[0], perm=[2, 0, 1])
    if any(layer.shifts(size)):
        added.append(o.constant(forbidden(layer, size, order)[:, np.newaxis]))
    y = o.transpose(mixed(o, q, k, values, d // h, *added), 2, 4, 1, 3)
    y = o.reshape(y, v, n)
    if count > 1:
        y = o("Gather", y, o.whole(*np.argsort(order.ravel()).tolist()), axis=2)
    if layer.project:
        y = projected(o, "out", y)
    return o.reshape(y, f, *size)


def tokens_of_windows(layer: Any, size: list[int]) -> Array:
    """(windows, tokens of a window), from the first position that each window holds: what the layer claims of them."""
    windows, shifts = layer.windows(size), layer.shifts(size)
    grid = layer.grid is not None
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, place in enumerate(product(*map(range, size))):
        cell = tuple(
            i % (n // w) if grid else (i - s) % n // w for i, n, w, s in zip(place, size, windows, shifts, strict=True)
        )
        groups.setdefault(cell, []).append(number)
    if not any(shifts):
        return np.array(list(groups.values()))

    def rolled(number: int) -> tuple[int, ...]:
        places = np.unravel_index(number, size)
        return tuple((int(i) - s) % n for i, s, n in zip(places, shifts, size, strict=True))

    return np.array([sorted(members, key=rolled) for members in groups.values()])


def distances(windows: tuple[int, ...]) -> Array:
    """(tokens, tokens): the row of the table for each pair of positions."""
    places = np.array(list(product(*map(range, windows))))
    apart = places[:, np.newaxis] - places[np.newaxis] + np.array(windows) - 1
    rows = np.zeros(apart.shape[:2], dtype=np.int64)
    for axis, w in enumerate(windows):
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
        for o, seen in enumerate(step.reads):
            reads[o, list(seen)] = True
        apart |= ~reads[places[axis][:, :, np.newaxis], places[axis][:, np.newaxis, :]]
    return np.where(apart, np.float32(-1e9), np.float32(0))


@writes("cross_attention")
def cross_attention(o: Part, layer: Any, x: Value, others: Value) -> str:
    h, (d, v, f) = layer.heads, layer.widths(x.shape[0])
    n, m = prod(x.shape[1:]), prod(others.shape[1:])
    asking, asked = o.reshape(x.name, x.shape[0], n), o.reshape(others.name, others.shape[0], m)
    q = o.transpose(o.reshape(projected(o, "query", asking), h, d // h, n), 1, 3, 2)
    k = o.reshape(projected(o, "key", asked), h, d // h, m)
    values = o.transpose(o.reshape(projected(o, "value", asked), h, v // h, m), 1, 3, 2)
    y = o.reshape(o.transpose(mixed(o, q, k, values, d // h), 1, 3, 2), v, n)
    if layer.project:
        y = projected(o, "out", y)
    return o.reshape(y, f, *x.shape[1:])


@writes("dot_product_attention")
def dot_product_attention(o: Part, layer: Any, q: Value, k: Value, v: Value, *added: Value) -> str:
    rank = len(k.shape)
    exchanged = o.transpose(k.name, *range(1, rank - 1), rank, rank - 1)
    return mixed(o, q.name, exchanged, v.name, q.shape[-1], *(value.name for value in added))


@writes("matmul")
def matmul(o: Part, layer: Any, a: Value, b: Value) -> str:
    return o("MatMul", a.name, b.name)


@writes("parameter")
def parameter(o: Part, layer: Any) -> str:
    """The numbers once for every sample."""
    values = o.array("value")[np.newaxis]
    samples = o("Shape", o.network_input, start=0, end=1)
    shape = o("Concat", samples, o.whole(*layer.shape), axis=0)
    return o("Expand", o.weight("value", values), shape)


@writes("embedding")
def embedding(o: Part, layer: Any, x: Value) -> str:
    """Rows are looked up by whole numbers, (N, L, dim), and the numbers of a row become channels."""
    rank = max(2, len(x.shape))
    flat = x.name if len(x.shape) == 1 else o.reshape(x.name, *x.shape[1:])
    index = o("Mod", o("Cast", flat, to=o.onnx.TensorProto.INT64), o.whole(layer.size))
    return o("Transpose", o("Gather", o.weight("table"), index, axis=0), perm=[0, rank, *range(1, rank)])


@writes("resample")
def resample(o: Part, layer: Any, x: Value) -> str:
    """Axis by axis, each as the rows of a map, as an upsampling is."""
    shape = list(x.shape)
    y = x.name
    for axis, m in enumerate(per_axis(layer.size, shape[1:], "size"), start=1):
        rows = o.reshape(y, prod(shape[:axis]), shape[axis], -1)
        to = o("Concat", o("Shape", rows, start=0, end=2), o.whole(m), o("Shape", rows, start=3, end=4), axis=0)
        y = o.reshape(o("Resize", rows, "", "", to, **interpolation(layer)), *shape[:axis], m, *shape[axis + 1 :])
        shape[axis] = m
    return y


def interpolation(layer: Any) -> dict[str, Any]:
    """The attributes of Resize."""
    if layer.mode == "nearest":
        return {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if layer.mode == "nearest_exact":
        return {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
    corners = "align_corners" if layer.align_corners else "half_pixel"
    mode = {"bilinear": "linear", "bicubic": "cubic"}[layer.mode]
    return {"mode": mode, "coordinate_transformation_mode": corners, "cubic_coeff_a": -0.75}
