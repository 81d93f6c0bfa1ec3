"""ONNX operators that repeat axes as a whole: Expand and Tile."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import settle
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _
from cnncalc.layers.base import shape_text
from cnncalc.layers.options import SPATIAL


@reads("Expand")
def read_expand(net: Network, node: NodeData) -> Value:
    """Axes of one element repeated."""
    x = net.tensor(node)
    target = net.weight(node, 1).whole()
    rank = max(len(x.dims()), len(target))
    axes = ((),) * (rank - len(x.dims())) + (x.axes or ())
    dims = (1,) * (rank - len(x.dims())) + x.dims()
    wanted = [1] * (rank - len(target)) + target
    # Expand broadcasts both ways: a 1 in the wanted shape leaves the axis as long as it is.
    new = [max(a, b) for a, b in zip(dims, wanted, strict=True)]
    if any(a != b and 1 not in (a, b) for a, b in zip(dims, wanted, strict=True)):
        raise NotReadError(_("its sizes do not fit {shape}", shape=shape_text(dims)))
    return repeat(net, node, Tensor(x.value, axes), [b // a for a, b in zip(dims, new, strict=True)], new)


@reads("Tile")
def read_tile(net: Network, node: NodeData) -> Value:
    """Axes repeated as a whole."""
    x = net.tensor(node)
    times = net.weight(node, 1).whole()
    if len(times) != len(x.dims()):
        raise NotReadError(_("{n} factors for {rank} axes", n=len(times), rank=len(x.dims())))
    return repeat(net, node, x, times, [n * t for n, t in zip(x.dims(), times, strict=True)])


def repeat(net: Network, node: NodeData, x: Tensor, times: Sequence[int], dims: Sequence[int]) -> Value:
    """Each axis so many times, one after the other, with all axes in their places."""
    if all(t == 1 for t in times):
        return x
    if times[0] != 1:
        raise NotReadError(_("it repeats samples"), dims)
    x = settle(net, node, x)
    shape = net.shape(x)
    if len(shape) != len(times) - 1:
        raise NotReadError(_("it repeats mixed axes"), dims)
    value = x.value
    for axis, t in enumerate(times[1:]):
        if t != 1:
            letter = ("c" + SPATIAL[len(shape)])[axis]
            value = net.add(node, "tile", {"times": t, "axis": None if axis == 0 else letter}, [value])
    return net.see(value)
