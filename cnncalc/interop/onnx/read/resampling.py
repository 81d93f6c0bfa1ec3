"""ONNX operators that make a map larger or smaller without windows: padding, cropping, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor, permutation, whole
from cnncalc.interop.onnx.read.reading import NotReadError, Reading, Value, reads


@reads("Pad")
def pad(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims, axes = x.dims(), x.axes or ()
    pads = o.numbers(node, 1, "pads") or list(node.attributes.get("paddings", ()))
    chosen = o.numbers(node, 3, "axes") or list(range(len(dims)))
    rank = len(chosen)
    around = {axis % len(dims): (pads[i], pads[i + rank]) for i, axis in enumerate(chosen) if pads[i] or pads[i + rank]}
    if not around:
        return x
    after = tuple(n + sum(around.get(i, (0, 0))) for i, n in enumerate(dims))
    shape = o.builder.shape(x.value)
    sides = [(0, 0)] * (len(shape) - 1)
    for axis, pair in around.items():
        if axes[axis] and axes[axis][0].axis >= 1 and axes[axis][0].size == shape[axes[axis][0].axis]:
            sides[axes[axis][0].axis - 1] = pair
        elif not axes[axis] and permutation(axes[1:], shape) is not None:
            place = (permutation(axes[1:], shape) or ())[axis - 1]
            if not place:
                raise NotReadError(after)
            sides[place - 1] = pair
        else:
            raise NotReadError(after)
    mode = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}.get(node.attributes.get("mode", "constant"))
    number = o.optional(node, 2)
    value = node.attributes.get("value", 0.0) if number is None else number.number()
    cut = [(max(0, -before), max(0, -behind)) for before, behind in sides]
    added = [(max(0, before), max(0, behind)) for before, behind in sides]
    result = x.value
    if any(map(any, added)):
        options = {"padding": pairs(added), "mode": mode, "value": value if value and not mode else None}
        result = o.add(node, "pad", options, [result])
    if any(map(any, cut)):
        result = o.add(node, "crop", {"cropping": pairs(cut)}, [result])
    new = o.builder.shape(result)
    order = permutation(axes[1:], shape)
    if order is None:
        raise NotReadError(after)
    return Tensor(result, (axes[0], *(whole(place, new[place]) for place in order)))


def pairs(sides: Sequence[tuple[int, int]]) -> Any:
    """One number, one per axis, or pairs."""
    if all(before == after for before, after in sides):
        values = [before for before, _ in sides]
        return values[0] if len(set(values)) == 1 else values
    return [list(pair) for pair in sides]


@reads("Resize", "Upsample")
def resize(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims, axes = x.dims(), x.axes or ()
    shape = o.builder.shape(x.value)
    old = node.operator == "Upsample" or o.opset < 11
    scales = o.optional(node, 1 if old else 2)
    wanted = None if old else o.optional(node, 3)
    chosen = [axis % len(dims) for axis in node.attributes.get("axes", range(len(dims)))]
    factors = [1.0] * len(dims)
    if wanted is not None and wanted.size:
        for axis, n in zip(chosen, wanted.whole(), strict=True):
            factors[axis] = n / dims[axis]
    else:
        given = scales_of(node) if scales is None else scales.array().reshape(-1).tolist()
        for axis, factor in zip(chosen, given or (), strict=True):
            factors[axis] = factor
    after = tuple(int(n * f) for n, f in zip(dims, factors, strict=True))
    order = permutation(axes[1:], shape)
    if any(f != int(f) or f < 1 for f in factors) or order is None or factors[0] != 1:
        raise NotReadError(after)
    by_place = {place: int(factor) for place, factor in zip(order, factors[1:], strict=True)}
    mode = node.attributes.get("mode", "nearest")
    centres = node.attributes.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    aligned = mode != "nearest" and centres not in ("half_pixel", "pytorch_half_pixel")
    if by_place[0] != 1 or aligned:
        raise NotReadError(after)
    if all(factor == 1 for factor in by_place.values()):
        return x
    factor = [by_place[i] for i in range(1, len(shape))]
    kind = {"nearest": None, "linear": "bilinear", "cubic": "bicubic"}[mode]
    value = o.add(node, "upsample", {"factor": factor[0] if len(set(factor)) == 1 else factor, "mode": kind}, [x.value])
    new = o.builder.shape(value)
    return Tensor(value, (axes[0], *(whole(place, new[place]) for place in order)))


def scales_of(node: NodeData) -> Sequence[float]:
    """The factors of an Upsample of the old operator sets."""
    attributes = node.attributes
    if "height_scale" in attributes:
        return [1.0, 1.0, attributes["height_scale"], attributes["width_scale"]]
    found: Sequence[float] = attributes.get("scales", ())
    return found


@reads("Expand")
def expand(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    target = o.weight(node, 1).whole()
    dims = x.dims()
    rank = max(len(dims), len(target))
    new = [
        max(a, b)
        for a, b in zip([1] * (rank - len(dims)) + list(dims), [1] * (rank - len(target)) + target, strict=True)
    ]
    if tuple(new) != dims:
        raise NotReadError(new)
    return x
