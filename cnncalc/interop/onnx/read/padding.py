"""ONNX's Pad: more around some axes, or less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.interop.axis_parts import whole, whole_axis
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
    permutation,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import in_places, lay, reshape_map
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.unread import no_more
from cnncalc.interop.onnx.read.windows import shorten_sides
from cnncalc.language import _
from cnncalc.layers.options import SPATIAL

MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular", "constant": None}


Sides = list[tuple[int, int]]


@reads("Pad")
def read_pad(net: Network, node: NodeData) -> Value:
    """More around some axes, or less."""
    x = net.tensor(node)
    dims = x.dims()
    # `paddings` in operator set 1, `pads` from 2 on, an input from 11 on; the input `axes` came with 18.
    pads = net.numbers(node, 1, "pads") or list(node.attributes.get("paddings", ()))
    chosen = net.numbers(node, 3, "axes") or list(range(len(dims)))
    rank = len(chosen)
    if len(pads) != 2 * rank:
        raise NotReadError(_("the attribute {name} has {n} numbers for {rank} axes", name="pads", n=len(pads),
                             rank=rank))  # fmt: skip
    # What is added in front of every axis comes first, then what is added behind: for two axes b0 b1 e0 e1.
    around = {axis % len(dims): (pads[i], pads[i + rank]) for i, axis in enumerate(chosen) if pads[i] or pads[i + rank]}
    if not around:
        no_more(node)
        return x
    after = tuple(n + sum(around.get(i, (0, 0))) for i, n in enumerate(dims))
    sides = sides_of_map(net, x, around)
    order = permutation((x.axes or ())[1:], net.shape(x))
    if sides is None or order is None:
        return pad_any(net, node, x, around, after)
    result = pad_map(net, node, x.value, sides, after)
    new = net.builder.shape(result)
    return Tensor(result, ((x.axes or ())[0], *(whole(place, new[place]) for place in order)))


def pad_map(net: Network, node: NodeData, value: int, sides: Sides, after: Sequence[int]) -> int:
    """A map with so much added around each spatial axis, or cut off."""
    # A negative pad cuts: each side does one of the two.
    added = [(max(0, before), max(0, behind)) for before, behind in sides]
    cut = [(max(0, -before), max(0, -behind)) for before, behind in sides]
    if any(map(any, added)):
        value = net.add(node, "pad", {"padding": shorten_sides(added), **find_filling(net, node, after)}, [value])
    if any(map(any, cut)):
        value = net.add(node, "crop", {"cropping": shorten_sides(cut)}, [value])
    return value


def pad_any(
    net: Network, node: NodeData, x: Tensor, around: Mapping[int, tuple[int, int]], after: Sequence[int]
) -> Tensor:
    """Any axis but that of the samples: behind a channel that is put in front, all are spatial ones."""
    laid = lay(net, node, x)
    shape = net.shape(laid.tensor)
    sides = [(0, 0)] * len(shape)
    for axis, pair in around.items():
        sides[laid.axis(axis)] = pair
    # A channel in front makes an axis more than the language has letters for.
    if 1 + len(shape) > max(SPATIAL):
        raise NotReadError(_("it pads an axis that is no spatial one"), after)
    value = pad_map(net, node, reshape_map(net, node, laid.tensor.value, (1, *shape)), sides, after)
    return in_places(net, laid, reshape_map(net, node, value, net.builder.shape(value)[1:]))


def sides_of_map(net: Network, x: Tensor, around: Mapping[int, tuple[int, int]]) -> Sides | None:
    """What is added around each spatial axis of the map; None where it is added around another."""
    axes, shape = x.axes or (), net.shape(x)
    sides = [(0, 0)] * (len(shape) - 1)
    order = permutation(axes[1:], shape)
    for axis, pair in around.items():
        place = whole_axis(axes[axis], shape)
        if place:
            sides[place - 1] = pair
        # An axis of one element has no parts: its place is known where the others leave one free.
        elif axis and not axes[axis] and order is not None and order[axis - 1]:
            sides[order[axis - 1] - 1] = pair
        else:
            return None
    return sides


def find_filling(net: Network, node: NodeData, after: Sequence[int]) -> dict[str, Any]:
    """With what it pads, as options."""
    name = node.attributes.get("mode", "constant")
    if name not in MODES:
        raise NotReadError(_("the attribute {name} is {value}", name="mode", value=str(name)[:30]), after)
    given = net.optional(node, 2)
    value = node.attributes.get("value", 0.0) if given is None else given.number()
    if MODES[name] is None and (value is None or abs(value) == float("inf")):
        raise NotReadError(_("it pads with {value}", value=value), after)
    return {"mode": MODES[name], "value": value if value and MODES[name] is None else None}
