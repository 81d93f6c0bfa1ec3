"""Layers that make a map larger or smaller without windows, as ONNX operators."""

from __future__ import annotations

from itertools import chain
from math import prod
from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, move
from cnncalc.interop.onnx.write.table import NotInOnnxError, writes
from cnncalc.language import _
from cnncalc.layers.base import per_axis

# Written out, as ONNX's defaults, half_pixel and round_prefer_floor, read other elements than PyTorch's nearest.
INTERPOLATION: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    "bicubic": {"mode": "cubic", "coordinate_transformation_mode": "half_pixel", "cubic_coeff_a": -0.75},
}


@writes("upsample")
def upsample(ops: Part, layer: Any, x: Value) -> str:
    """Axis by axis, each as the rows of a map, but for images: ONNX Runtime knows a cubic for them only."""
    shape = list(x.shape)
    if len(shape) == 3:
        factors = per_axis(layer.factor, shape[1:], "factor")
        # The empty input is `roi`, which only tf_crop_and_resize reads.
        return ops("Resize", x.name, "", ops.constant([1, 1, *factors]), **INTERPOLATION[layer.mode])
    y = x.name
    for axis, factor in enumerate(per_axis(layer.factor, shape[1:], "factor"), start=1):
        rows = ops.reshape(y, int(np.prod(shape[:axis])), shape[axis], -1)
        longer = ops("Resize", rows, "", ops.constant([1, 1, factor, 1]), **INTERPOLATION[layer.mode])
        shape[axis] *= factor
        y = ops.reshape(longer, *shape)
    return y


@writes("pixel_shuffle")
def pixel_shuffle(ops: Part, layer: Any, x: Value) -> str:
    """DepthToSpace, which images alone have; else (C, r, r, r, *size) with each r brought behind its axis."""
    c, *size = x.shape
    r, rank = layer.factor, len(size)
    if rank == 2:
        # CRD counts channels as PyTorch does, the block behind the channel; ONNX's default DCR is TensorFlow's.
        return ops("DepthToSpace", x.name, blocksize=r, mode="CRD")
    order = [1, *chain.from_iterable((2 + rank + a, 2 + a) for a in range(rank))]
    left = c // r**rank
    return move(ops, x.name, [left, *(r,) * rank, *size], order, [left, *(n * r for n in size)])


@writes("pixel_unshuffle")
def pixel_unshuffle(ops: Part, layer: Any, x: Value) -> str:
    """(C, n, r, n, r, ...) with every r brought behind the channels; SpaceToDepth would bring them before."""
    c, *size = x.shape
    r, rank = layer.factor, len(size)
    order = [1, *(3 + 2 * a for a in range(rank)), *(2 + 2 * a for a in range(rank))]
    apart = [c, *chain.from_iterable((n // r, r) for n in size)]
    return move(ops, x.name, apart, order, [c * r**rank, *(n // r for n in size)])


@writes("resample")
def resample(ops: Part, layer: Any, x: Value) -> str:
    """Axis by axis, each as the rows of a map, as an upsampling is."""
    shape = list(x.shape)
    y = x.name
    for axis, m in enumerate(per_axis(layer.size, shape[1:], "size"), start=1):
        rows = ops.reshape(y, prod(shape[:axis]), shape[axis], -1)
        # Sizes, not factors: a factor in float32 may round to one element less. The samples' number is open.
        to = ops("Concat", ops("Shape", rows, start=0, end=2), ops.whole(m), ops("Shape", rows, start=3, end=4), axis=0)
        y = ops.reshape(ops("Resize", rows, "", "", to, **interpolation(layer)), *shape[:axis], m, *shape[axis + 1 :])
        shape[axis] = m
    return y


def interpolation(layer: Any) -> dict[str, Any]:
    """The attributes of Resize."""
    if layer.mode == "nearest":
        return INTERPOLATION["nearest"]
    if layer.mode == "nearest_exact":
        return {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
    corners = "align_corners" if layer.align_corners else "half_pixel"
    mode = {"bilinear": "linear", "bicubic": "cubic"}[layer.mode]
    return {"mode": mode, "coordinate_transformation_mode": corners, "cubic_coeff_a": -0.75}


@writes("grid_sample")
def grid_sample(ops: Part, layer: Any, x: Value, grid: Value) -> str:
    """GridSample, which has samples alone in front of a map."""
    d = grid.shape[-1]
    if len(x.shape) > d + 1:
        raise NotInOnnxError(_("maps that are read at places, with axes in front of their channels"))
    corners = int(layer.align_corners)
    # In operator set 16 this was called bilinear; 20 renamed it.
    return ops("GridSample", x.name, grid.name, mode="linear", padding_mode=layer.outside, align_corners=corners)
