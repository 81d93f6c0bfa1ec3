"""ONNX operators that read a map between its elements: at regular places, to make it larger or smaller, or anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor, isfinite
from typing import Any

from cnncalc.interop.axis_parts import whole, whole_axis
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
    permutation,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import as_map
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.unread import no_more
from cnncalc.interop.onnx.read.windows import shorten_sizes
from cnncalc.language import _
from cnncalc.layers.base import Shape


@reads("GridSample")
def read_grid_sample(net: Network, node: NodeData) -> Value:
    """A map read at places that another value names: (N, C, H, W) at (N, h, w, 2)."""
    # Operator set 20 renamed bilinear, and added volumes.
    mode = node.attributes.get("mode", "linear")
    outside, corners = node.attributes.get("padding_mode", "zeros"), node.attributes.get("align_corners", 0)
    if mode not in ("linear", "bilinear") or outside not in ("zeros", "border"):
        raise NotReadError(_("its mode is {mode}, and {outside} is outside", mode=mode, outside=outside))
    x, grid = (as_map(net, node, net.tensor(node, i)) for i in (0, 1))
    value = net.add(node, "grid_sample", {"outside": outside, "align_corners": bool(corners)}, [x, grid])
    return net.see(value)


@reads("Resize", "Upsample")
def read_resize(net: Network, node: NodeData) -> Value:
    """Axes of another length, by repeating elements or by mixing them."""
    x = net.tensor(node)
    dims, axes, shape = x.dims(), x.axes or (), net.shape(x)
    factors = factors_of(net, node, dims)
    after = tuple(floor(n * f) for n, f in zip(dims, factors, strict=True))
    by_place = factors_by_place(x, shape, factors)
    if by_place is None:
        raise NotReadError(_("it resizes the samples, or mixed axes"), after)
    if by_place[0] != 1:
        raise NotReadError(_("it resizes the channels"), after)
    if all(factor == 1 for factor in by_place.values()):
        no_more(node)
        return x
    longer = [by_place[i] for i in range(1, len(shape))]
    mode = node.attributes.get("mode", "nearest")
    # `upsample` repeats elements a whole number of times or mixes them with the usual centres; the rest needs a size.
    if (
        any(f.denominator != 1 for f in longer)
        or aligns_corners(node)
        or (mode == "nearest" and not all(repeats(int(f), *rounding_of(net, node)) for f in longer))
    ):
        options: dict[str, Any] = resample_options(net, node, shape[1:], longer, after)
        kind = "resample"
    else:
        factor = [int(f) for f in longer]
        options = {"factor": shorten_sizes(factor), "mode": mode_of(net, node, after)}
        node.attributes.get("antialias")  # it smooths what shrinks, and nothing here does
        kind = "upsample"
    value = net.add(node, kind, options, [x.value])
    new = net.builder.shape(value)
    order = permutation(axes[1:], shape)
    if order is not None:
        return Tensor(value, (axes[0], *(whole(place, new[place]) for place in order)))
    grown = [axis if f == 1 else whole(axis[0].axis, new[axis[0].axis]) for axis, f in zip(axes, factors, strict=True)]
    return Tensor(value, tuple(grown))


def factors_by_place(x: Tensor, shape: Shape, factors: Sequence[Fraction]) -> dict[int, Fraction] | None:
    """How much larger each axis of the map gets; None where an axis of the tensor that does is no whole one of it."""
    axes = x.axes or ()
    order = permutation(axes[1:], shape)
    if factors[0] != 1:
        return None
    if order is not None:
        return dict(zip(order, factors[1:], strict=True))
    found = dict.fromkeys(range(len(shape)), Fraction(1))  # the others may be taken apart or joined, and stay
    for axis, factor in zip(axes, factors, strict=True):
        if factor != 1:
            place = whole_axis(axis, shape)
            if place is None:
                return None
            found[place] = factor
    return found


def aligns_corners(node: NodeData) -> bool:
    """Whether the outermost elements of a mixture keep their places."""
    mode = node.attributes.get("mode", "nearest")
    return mode != "nearest" and node.attributes.get("coordinate_transformation_mode") == "align_corners"


def rounding_of(net: Network, node: NodeData) -> tuple[str, str]:
    """Where the nearest element is looked for, and how halves are rounded."""
    # Before set 11 there was neither attribute: place i read floor(i / factor).
    old = node.operator == "Upsample" or net.opset < 11
    centres = node.attributes.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    return centres, node.attributes.get("nearest_mode", "floor" if old else "round_prefer_floor")


def resample_options(
    net: Network, node: NodeData, size: Sequence[int], factors: Sequence[Fraction], after: Sequence[int]
) -> dict[str, Any]:
    """The options of `resample`, to any size. Raises NotReadError where it reads between other places."""
    target = [floor(n * f) for n, f in zip(size, factors, strict=True)]
    centres, rounding = rounding_of(net, node)
    mode = node.attributes.get("mode", "nearest")
    # 5 elements times 1.5 are 7, read in steps of 1 / 1.5; `resample` to 7 would read in steps of 5 / 7.
    if any(n * f != m for n, f, m in zip(size, factors, target, strict=True)):
        shown = "x".join(f"{float(f):g}" for f in factors)
        raise NotReadError(_("it resizes by {factors}, which gives no whole size", factors=shown), after)
    if node.attributes.get("antialias", 0) and any(m < n for n, m in zip(size, target, strict=True)):
        raise NotReadError(_("the attribute {name} is {value}", name="antialias", value=1), after)
    if mode == "nearest":
        for kind, half in (("nearest", 0), ("nearest_exact", 1)):
            if all(reads_alike(n, m, half, centres, rounding) for n, m in zip(size, target, strict=True)):
                return {"size": target, "mode": kind}
        name, value = "coordinate_transformation_mode, nearest_mode", f"{centres}, {rounding}"
        raise NotReadError(_("the attribute {name} is {value}", name=name, value=value), after)
    if centres == "align_corners":  # of one element along an axis, both read the first
        return {"size": target, "mode": mode_of(net, node, after), "align_corners": True}
    # Where the result has one element, this reads the first one and half_pixel the middle.
    if centres == "pytorch_half_pixel" and 1 in target:
        raise NotReadError(_("the attribute {name} is {value}", name="coordinate_transformation_mode", value=centres),
                           after)  # fmt: skip
    return {"size": target, "mode": mode_of(net, node, after)}


MOST_LOOKED_AT = 10_000  # places of an axis


def reads_alike(n: int, m: int, half: int, centres: str, rounding: str) -> bool:
    """Whether each of m places reads the element of n that `resample` reads: floor((o + half / 2) n / m)."""
    if m > MOST_LOOKED_AT:
        return False
    place = nearest_place(Fraction(m, n), centres)
    if place is None or rounding not in ROUNDINGS:
        return n == m
    round_off = ROUNDINGS[rounding]
    return all(min(max(round_off(place(o)), 0), n - 1) == (2 * o + half) * n // (2 * m) for o in range(m))


def mode_of(net: Network, node: NodeData, after: Sequence[int]) -> str | None:
    """The option `mode`. Raises NotReadError for interpolation between other places than the layer's."""
    mode = node.attributes.get("mode", "nearest")
    centres, _rounding = rounding_of(net, node)
    kinds = {"nearest": None, "linear": "bilinear", "bilinear": "bilinear", "cubic": "bicubic"}
    if mode not in kinds:
        raise NotReadError(_("the attribute {name} is {value}", name="mode", value=str(mode)[:30]), after)
    if mode != "nearest" and centres not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        name = "coordinate_transformation_mode"
        raise NotReadError(_("the attribute {name} is {value}", name=name, value=str(centres)[:30]), after)
    if mode == "cubic":
        # PyTorch's coefficient, and ONNX's default; some of TensorFlow's resizing has -0.5.
        for name, usual in (("cubic_coeff_a", -0.75), ("exclude_outside", 0)):
            value = node.attributes.get(name, usual)
            if abs(value - usual) > 1e-6:
                raise NotReadError(_("the attribute {name} is {value}", name=name, value=value), after)
    return kinds[mode]


# Halves go down by ceil(2.5 - 0.5) = 2 and up by floor(2.5 + 0.5) = 3; Python's round would go to the even one.
ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda x: ceil(x - Fraction(1, 2)),
    "round_prefer_ceil": lambda x: floor(x + Fraction(1, 2)),
}


def nearest_place(factor: Fraction, centres: str) -> Callable[[int], Fraction] | None:
    """Where on the axis that enters a place of the result lies, by the name that ONNX has for it."""
    half = Fraction(1, 2)
    places: dict[str, Callable[[int], Fraction]] = {
        "asymmetric": lambda i: i / factor,
        "half_pixel": lambda i: (i + half) / factor - half,
        "pytorch_half_pixel": lambda i: (i + half) / factor - half,
        # It shifts by what a result of a broken size lacks: sizes are whole here, so there is no shift.
        "half_pixel_symmetric": lambda i: (i + half) / factor - half,
        "tf_half_pixel_for_nn": lambda i: (i + half) / factor,
    }
    return places.get(centres)


def repeats(factor: int, centres: str, rounding: str) -> bool:
    """Whether the nearest element is each element `factor` times, as `upsample` has it: tried on an axis of 3."""
    place = nearest_place(Fraction(factor), centres)
    if place is None or rounding not in ROUNDINGS:
        return factor == 1
    if factor < 1:
        return False
    ends = [
        i for first in range(0, 3 * factor, factor) for i in (first, first + factor - 1)
    ]  # between them it only grows
    return all(min(max(ROUNDINGS[rounding](place(i)), 0), 2) == i // factor for i in ends)


def factors_of(net: Network, node: NodeData, dims: Sequence[int]) -> list[Fraction]:
    """By how much each axis grows. Where the sizes are said and the aspect is to stay, all by the same."""
    old = node.operator == "Upsample" or net.opset < 11
    scales = net.optional(node, 1 if old else 2)
    wanted = None if old else net.optional(node, 3)
    chosen = [axis % len(dims) for axis in node.attributes.get("axes") or range(len(dims))]
    factors = [Fraction(1)] * len(dims)
    # Exporters give an empty tensor where an input in the middle is left out.
    if wanted is None or not wanted.size:
        given = scales_of(node) if scales is None else scales.array().reshape(-1).tolist()
        if len(given) != len(chosen):
            raise NotReadError(_("{n} factors for {rank} axes", n=len(given), rank=len(chosen)))
        for axis, factor in zip(chosen, given, strict=True):
            if not isfinite(factor):
                raise NotReadError(_("a factor is no number"))
            # In float32 two thirds are 0.6666667: the simple fraction is what was meant.
            factors[axis] = Fraction(factor).limit_denominator(10**6)
        return factors
    sizes = wanted.whole()
    if len(sizes) != len(chosen):
        raise NotReadError(_("{n} sizes for {rank} axes", n=len(sizes), rank=len(chosen)))
    for axis, n in zip(chosen, sizes, strict=True):
        factors[axis] = Fraction(n, dims[axis])
    policy = node.attributes.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        pick = {"not_larger": min, "not_smaller": max}.get(policy)
        if pick is None:
            name = "keep_aspect_ratio_policy"
            raise NotReadError(_("the attribute {name} is {value}", name=name, value=str(policy)[:30]))
        common = pick(factors[axis] for axis in chosen)
        for axis in chosen:  # sizes are rounded, halves up
            factors[axis] = Fraction(floor(dims[axis] * common + Fraction(1, 2)), dims[axis])
    return factors


def scales_of(node: NodeData) -> Sequence[float]:
    """The factors of an Upsample of the old operator sets."""
    attributes = node.attributes
    # Attributes of their own in set 1, `scales` in 7, an input from 9 on.
    if "height_scale" in attributes:
        return [1.0, 1.0, attributes["height_scale"], attributes["width_scale"]]
    found: Sequence[float] = attributes.get("scales", ())
    return found
