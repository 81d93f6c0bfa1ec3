"""ONNX operators that make a map larger or smaller without windows: padding, cropping, interpolation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor, permutation, whole
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _

MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular", "constant": None}
Sides = list[tuple[int, int]]


@reads("Pad")
def read_pad(net: Network, node: NodeData) -> Value:
    x = net.tensor(node)
    dims = x.dims()
    pads = net.numbers(node, 1, "pads") or list(node.attributes.get("paddings", ()))
    chosen = net.numbers(node, 3, "axes") or list(range(len(dims)))
    rank = len(chosen)
    if len(pads) != 2 * rank:
        raise NotReadError(_("the attribute {name} has {n} numbers for {rank} axes", name="pads", n=len(pads),
                             rank=rank))  # fmt: skip
    around = {axis % len(dims): (pads[i], pads[i + rank]) for i, axis in enumerate(chosen) if pads[i] or pads[i + rank]}
    if not around:
        return x
    after = tuple(n + sum(around.get(i, (0, 0))) for i, n in enumerate(dims))
    sides = sides_of_map(net, x, around, after)
    added = [(max(0, before), max(0, behind)) for before, behind in sides]
    cut = [(max(0, -before), max(0, -behind)) for before, behind in sides]
    result = x.value
    if any(map(any, added)):
        result = net.add(node, "pad", {"padding": pairs(added), **filling(net, node, after)}, [result])
    if any(map(any, cut)):
        result = net.add(node, "crop", {"cropping": pairs(cut)}, [result])
    new = net.builder.shape(result)
    order = permutation((x.axes or ())[1:], net.shape(x))
    if order is None:
        raise NotReadError(_("it pads mixed axes"), after)
    return Tensor(result, ((x.axes or ())[0], *(whole(place, new[place]) for place in order)))


def sides_of_map(net: Network, x: Tensor, around: Mapping[int, tuple[int, int]], after: Sequence[int]) -> Sides:
    """What is added around each spatial axis of the map. Raises NotReadError for any other axis."""
    axes, shape = x.axes or (), net.shape(x)
    sides = [(0, 0)] * (len(shape) - 1)
    order = permutation(axes[1:], shape)
    for axis, pair in around.items():
        if (
            axes[axis]
            and axes[axis][0].axis >= 1
            and axes[axis] == whole(axes[axis][0].axis, shape[axes[axis][0].axis])
        ):
            sides[axes[axis][0].axis - 1] = pair
        elif axis and not axes[axis] and order is not None and order[axis - 1]:
            sides[order[axis - 1] - 1] = pair
        else:
            raise NotReadError(_("it pads an axis that is no spatial one"), after)
    return sides


def filling(net: Network, node: NodeData, after: Sequence[int]) -> dict[str, Any]:
    """With what it pads, as options."""
    name = node.attributes.get("mode", "constant")
    if name not in MODES:
        raise NotReadError(_("the attribute {name} is {value}", name="mode", value=str(name)[:30]), after)
    given = net.optional(node, 2)
    value = node.attributes.get("value", 0.0) if given is None else given.number()
    if MODES[name] is None and (value is None or abs(value) == float("inf")):
        raise NotReadError(_("it pads with {value}", value=value), after)
    return {"mode": MODES[name], "value": value if value and MODES[name] is None else None}


def pairs(sides: Sequence[tuple[int, int]]) -> Any:
    """One number, one per axis, or pairs."""
    if all(before == after for before, after in sides):
        values = [before for before, _ in sides]
        return values[0] if len(set(values)) == 1 else values
    return [list(pair) for pair in sides]


@reads("Resize", "Upsample")
def read_resize(net: Network, node: NodeData) -> Value:
    x = net.tensor(node)
    dims, axes, shape = x.dims(), x.axes or (), net.shape(x)
    factors = factors_of(net, node, dims)
    after = tuple(floor(n * f) for n, f in zip(dims, factors, strict=True))
    order = permutation(axes[1:], shape)
    if order is None or factors[0] != 1:
        raise NotReadError(_("it resizes the samples, or mixed axes"), after)
    by_place = dict(zip(order, factors[1:], strict=True))
    if by_place[0] != 1:
        raise NotReadError(_("it resizes the channels"), after)
    if all(factor == 1 for factor in by_place.values()):
        return x
    if any(f.denominator != 1 for f in factors):
        shown = "x".join(f"{float(by_place[i]):g}" for i in range(1, len(shape)))
        raise NotReadError(_("it resizes by {factors}, no whole numbers", factors=shown), after)
    factor = [int(by_place[i]) for i in range(1, len(shape))]
    mode = mode_of(net, node, factor, after)
    options = {"factor": factor[0] if len(set(factor)) == 1 else factor, "mode": mode}
    value = net.add(node, "upsample", options, [x.value])
    new = net.builder.shape(value)
    return Tensor(value, (axes[0], *(whole(place, new[place]) for place in order)))


def mode_of(net: Network, node: NodeData, factors: Sequence[int], after: Sequence[int]) -> str | None:
    """The option `mode`. Raises NotReadError for interpolation between other places than the layer's."""
    old = node.operator == "Upsample" or net.opset < 11
    mode = node.attributes.get("mode", "nearest")
    centres = node.attributes.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    kinds = {"nearest": None, "linear": "bilinear", "bilinear": "bilinear", "cubic": "bicubic"}
    if mode not in kinds:
        raise NotReadError(_("the attribute {name} is {value}", name="mode", value=str(mode)[:30]), after)
    name = "coordinate_transformation_mode"
    if mode != "nearest" and centres not in ("half_pixel", "pytorch_half_pixel"):
        raise NotReadError(_("the attribute {name} is {value}", name=name, value=str(centres)[:30]), after)
    rounding = node.attributes.get("nearest_mode", "floor" if old else "round_prefer_floor")
    if mode == "nearest" and not all(repeats(f, centres, rounding) for f in factors):
        value = f"{centres}, {rounding}"
        raise NotReadError(_("the attribute {name} is {value}", name=f"{name}, nearest_mode", value=value), after)
    if mode == "cubic" and abs(node.attributes.get("cubic_coeff_a", -0.75) + 0.75) > 1e-6:
        value = node.attributes["cubic_coeff_a"]
        raise NotReadError(_("the attribute {name} is {value}", name="cubic_coeff_a", value=value), after)
    return kinds[mode]


ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda x: ceil(x - Fraction(1, 2)),
    "round_prefer_ceil": lambda x: floor(x + Fraction(1, 2)),
}


def repeats(factor: int, centres: str, rounding: str) -> bool:
    """Whether the nearest element is each element `factor` times, as the layer has it: tried on an axis of 3."""
    half = Fraction(1, 2)
    places: dict[str, Callable[[int], Fraction]] = {
        "asymmetric": lambda i: Fraction(i, factor),
        "half_pixel": lambda i: (i + half) / factor - half,
        "pytorch_half_pixel": lambda i: (i + half) / factor - half,
        "half_pixel_symmetric": lambda i: (i + half) / factor - half,
        "tf_half_pixel_for_nn": lambda i: (i + half) / factor,
    }
    place = places.get(centres)
    if place is None or rounding not in ROUNDINGS:
        return factor == 1
    return all(min(max(ROUNDINGS[rounding](place(i)), 0), 2) == i // factor for i in range(3 * factor))


def factors_of(net: Network, node: NodeData, dims: Sequence[int]) -> list[Fraction]:
    """By how much each axis grows. Where the sizes are said and the aspect is to stay, all by the same."""
    old = node.operator == "Upsample" or net.opset < 11
    scales = net.optional(node, 1 if old else 2)
    wanted = None if old else net.optional(node, 3)
    chosen = [axis % len(dims) for axis in node.attributes.get("axes") or range(len(dims))]
    factors = [Fraction(1)] * len(dims)
    if wanted is None or not wanted.size:
        given = scales_of(node) if scales is None else scales.array().reshape(-1).tolist()
        if len(given) != len(chosen):
            raise NotReadError(_("{n} factors for {rank} axes", n=len(given), rank=len(chosen)))
        for axis, factor in zip(chosen, given, strict=True):
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
    if "height_scale" in attributes:
        return [1.0, 1.0, attributes["height_scale"], attributes["width_scale"]]
    found: Sequence[float] = attributes.get("scales", ())
    return found


@reads("Expand")
def read_expand(net: Network, node: NodeData) -> Value:
    x = net.tensor(node)
    target = net.weight(node, 1).whole()
    dims = x.dims()
    rank = max(len(dims), len(target))
    new = [
        max(a, b)
        for a, b in zip([1] * (rank - len(dims)) + list(dims), [1] * (rank - len(target)) + target, strict=True)
    ]
    if tuple(new) != dims:
        raise NotReadError(_("it repeats elements"), new)
    return x
