"""Convolutions as they are defined: what a window reads, times weights, summed up.

Maps are (N, C, *size). The textbook's convolution is a correlation: the kernel is not flipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

import numpy as np

from cnncalc.reference.base import (
    BORDER,
    Array,
    Shape,
    Weight,
    Weights,
    accumulate,
    axes_of,
    bias,
    columns,
    fold_views,
    kernel,
    per_band,
    per_channel,
    read_around,
    reference,
    slides,
    surround,
)


def conv_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (F, C/g, *kernel); with a table one row of kernels behind the other (pairs, *kernel). bias (F,)."""
    c, *size = x
    window = axes_of(layer.kernel, len(size))
    if layer.table is None:
        shape: Shape = (layer.filters, c // layer.groups, *window)
        fan_in = prod(shape[1:])
    else:
        # A kernel for each pair of maps that the table joins, and none for those it does not.
        shape = (sum(len(row) for row in layer.table), *window)
        fan_in = prod(window) * max(len(row) for row in layer.table)
    return {"weight": kernel(shape, fan_in), **bias_of(layer, layer.filters, size)}


def bias_of(layer: Any, filters: int, size: list[int]) -> Mapping[str, Weight]:
    """One for each filter; with `per_unit` one for each place of each map."""
    if layer.bias is False:
        return {}
    if layer.bias is True:
        return {"bias": bias((filters,))}
    return {"bias": bias((filters, *(len(move.starts) for move in slides(layer, size))))}


def add_bias(y: Array, w: Weights) -> Array:
    """y with the bias added to every place of its map."""
    if "bias" not in w:
        return y
    b = w["bias"]
    # In place: a second map of this size would double what a layer needs.
    return np.add(y, b if b.ndim > 1 else per_channel(b, y.ndim - 2), out=y)


@reference("conv", weights=conv_weights, sums="products")
def conv(layer: Any, w: Weights, x: Array) -> Array:
    """Every filter at every place: the products of its kernel with what it reads, summed."""
    moves = slides(layer, x.shape[2:])

    def combine(read: Array) -> Array:
        n, c, k, *positions = read.shape
        if layer.table is not None:
            return sparse(layer, w["weight"], read).reshape(n, layer.filters, *positions)
        g = layer.groups
        # For each group (F/g, C/g * taps) by (C/g * taps, places): one product, which arrays that count can count.
        bank = w["weight"].reshape(g, layer.filters // g, c // g * k)
        return (bank @ read.reshape(n, g, c // g * k, -1)).reshape(n, layer.filters, *positions)

    return add_bias(per_band(surround(x, moves), moves, combine), w)


def sparse(layer: Any, kernels: Array, read: Array) -> Array:
    """Filter i sums over the maps of row i of the table, each with a kernel of its own."""
    n, _, k = read.shape[:3]
    maps, first = [], 0
    for row in layer.table:
        own = kernels[first : first + len(row)].reshape(1, len(row) * k)
        maps.append(own @ read[:, list(row)].reshape(n, len(row) * k, -1))
        first += len(row)
    return np.stack(maps, axis=1)


def depthwise_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (C, multiplier, *kernel), bias (C * multiplier,)."""
    c, *size = x
    window = axes_of(layer.kernel, len(size))
    stored = kernel((c, layer.multiplier, *window), prod(window))
    return {"weight": stored, **bias_of(layer, c * layer.multiplier, size)}


@reference("depthwise", weights=depthwise_weights, sums="products")
def depthwise(layer: Any, w: Weights, x: Array) -> Array:
    """Every filter reads one channel."""
    moves = slides(layer, x.shape[2:])

    def combine(read: Array) -> Array:
        n, c, k, *positions = read.shape
        y = w["weight"].reshape(c, layer.multiplier, k) @ read.reshape(n, c, k, -1)
        return y.reshape(n, c * layer.multiplier, *positions)

    return add_bias(per_band(surround(x, moves), moves, combine), w)


def deformable_weights(layer: Any, x: Shape, *others: Shape) -> Mapping[str, Weight]:
    """weight (F, C/g, *kernel), bias (F,)."""
    c, *size = x
    shape = (layer.filters, c // layer.groups, *axes_of(layer.kernel, len(size)))
    return {"weight": kernel(shape, prod(shape[1:])), **bias_of(layer, layer.filters, size)}


@reference("deformable_conv", weights=deformable_weights)
def deformable_conv(layer: Any, w: Weights, x: Array, offsets: Array, *weighing: Array) -> Array:
    """Each tap reads around its place and its offset, for each set of channels; a filter sums what its taps read."""
    n, c, *size = x.shape
    moves = slides(layer, size)
    corners = np.array(list(product(*(move.taps for move in moves))))  # (taps, 2)
    k, positions = len(corners), offsets.shape[2:]
    moved = offsets.reshape(n, -1, k, 2, *positions)
    sets = moved.shape[1]
    grid = np.meshgrid(*(list(move.starts) for move in moves), indexing="ij")
    per_axis = []
    for axis, move in enumerate(moves):
        still = grid[axis] + corners[:, axis].reshape(k, 1, 1) - move.before
        per_axis.append(read_around(moved[:, :, :, axis] + still.astype(x.dtype), size[axis]))
    around = surround(x, [BORDER] * len(size))
    maps = around.reshape(n, sets, c // sets, *around.shape[2:])
    sample, part = np.ogrid[:n, :sets]
    own = (sample.reshape(n, 1, 1, 1, 1), part.reshape(1, sets, 1, 1, 1), slice(None))

    def read(choice: tuple[tuple[Array, Array], ...]) -> Array:
        """One of the elements around every place, times how near it is."""
        where: Any = (*own, *(index for index, _share in choice))
        found = np.moveaxis(maps[where], -1, 2)  # (N, sets, C / sets, taps, *positions)
        return found * fold_views(np.multiply, (share for _index, share in choice))[:, :, np.newaxis]

    mixed = fold_views(np.add, map(read, product(*per_axis)))
    for weights in weighing:
        mixed = mixed * weights.reshape(n, sets, 1, k, *positions)
    g = layer.groups
    y = w["weight"].reshape(g, layer.filters // g, -1) @ mixed.reshape(n, g, c // g * k, -1)
    return add_bias(y.reshape(n, layer.filters, *positions), w)


def local_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (*positions, F, C, *kernel), bias (F, *positions)."""
    c, *size = x
    positions = [len(move.starts) for move in slides(layer, size)]
    window = axes_of(layer.kernel, len(size))
    stored = {"weight": kernel((*positions, layer.filters, c, *window), c * prod(window))}
    if layer.bias:
        stored["bias"] = bias((layer.filters, *positions))
    return stored


@reference("local", weights=local_weights, sums="products")
def local(layer: Any, w: Weights, x: Array) -> Array:
    """At every place kernels of its own."""
    moves = slides(layer, x.shape[2:])
    read = columns(surround(x, moves), moves)
    n, c, k, *positions = read.shape
    places = prod(positions)
    # The same product as of a convolution, with another bank of kernels in every place.
    banks = w["weight"].reshape(places, layer.filters, c * k)
    per_place = read.reshape(n, c * k, places).transpose(0, 2, 1)[..., np.newaxis]  # (N, places, C * taps, 1)
    y = (banks @ per_place).reshape(n, places, layer.filters).transpose(0, 2, 1)
    return add_bias(y.reshape(n, layer.filters, *positions), w)


def transposed_conv_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """weight (C, F/g, *kernel), bias (F,)."""
    c, *size = x
    window = axes_of(layer.kernel, len(size))
    per_group = layer.filters // layer.groups
    stored = {"weight": kernel((c, per_group, *window), c // layer.groups * prod(window))}
    if layer.bias:
        stored["bias"] = bias((layer.filters,))
    return stored


@reference("transposed_conv", weights=transposed_conv_weights, sums="products", cuts=True)
def transposed_conv(layer: Any, w: Weights, x: Array) -> Array:
    """Every element adds its multiple of the kernel to a canvas, stride by stride; then the border is cut off."""
    n, c, *size = x.shape
    g, f, rank = layer.groups, layer.filters, len(size)
    window = axes_of(layer.kernel, rank)
    starts = [range(0, m * s, s) for m, s in zip(size, axes_of(layer.stride, rank), strict=True)]
    offsets = [range(0, k * d, d) for k, d in zip(window, axes_of(layer.dilation, rank), strict=True)]
    lengths = [move[-1] + taps[-1] + 1 for move, taps in zip(starts, offsets, strict=True)]
    cuts = borders(layer, window, rank)
    extra = [max(0, -after) for _, after in cuts]  # output_padding beyond the canvas
    # Where nothing lands there is 0; arrays that count say what they take for it.
    canvas = np.full_like(
        x, getattr(x, "nothing", 0.0), shape=(n, f, *(m + e for m, e in zip(lengths, extra, strict=True)))
    )
    # The weight's first axis is that of what enters: it is the transpose of a convolution.
    kernels = w["weight"].reshape(g, c // g, f // g, -1)
    maps = x.reshape(n, g, c // g, -1)
    for t, corner in enumerate(product(*offsets)):
        part = kernels[..., t].transpose(0, 2, 1) @ maps  # (N, g, F/g, places)
        where = [slice(offset, offset + move[-1] + 1, move.step) for offset, move in zip(corner, starts, strict=True)]
        accumulate(canvas, (slice(None), slice(None), *where), part.reshape(n, f, *size))
    kept = [slice(before, m + e - max(0, after)) for (before, after), m, e in zip(cuts, lengths, extra, strict=True)]
    return add_bias(canvas[(slice(None), slice(None), *kept)].copy(), w)


def borders(layer: Any, window: tuple[int, ...], rank: int) -> list[tuple[int, int]]:
    """What is cut off before and after each axis; negative where the output goes on beyond the canvas.

    `same` leaves `stride` elements of output for each one that enters, the odd element cut off at the end.
    """
    strides, dilations = axes_of(layer.stride, rank), axes_of(layer.dilation, rank)
    extras = axes_of(layer.output_padding, rank)
    cuts = []
    for axis, (k, s, d, extra) in enumerate(zip(window, strides, dilations, extras, strict=True)):
        if layer.padding == "same":
            surplus = range(0, k * d, d)[-1] + 1 - s
            before = max(surplus, 0) // 2
            after = surplus - before
        else:
            before, after = layer.padding[axis if len(layer.padding) > 1 else 0]
        cuts.append((before, after - extra))
    return cuts
