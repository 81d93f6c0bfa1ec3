"""Pooling in Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.keras.write.table import NotInKerasError, Step, rank_of, writes
from cnncalc.interop.keras.write.windows import pad_map, same
from cnncalc.interop.python.text import Call, Code, call, even
from cnncalc.interop.windows import ends, sides_of
from cnncalc.language import _
from cnncalc.layers.base import Shape, per_axis
from cnncalc.layers.sliding import same_padding

SMALLEST = Code('-float("inf")')


@writes("maxpool")
def maxpool(layer: Any, x: Shape, *, positive: bool = False) -> list[Step]:
    """Padding is smaller than any value: zeros will do where none is below 0."""
    rank = rank_of(layer, x)
    windows, _shape = layer.geometry(x)
    if any(w.dilation > 1 for w in windows):
        raise NotInKerasError(_("Keras has no pooling with dilation"))
    after = ends(windows, x[1:])
    sides = [(w.before, end) for w, end in zip(windows, after, strict=True)]
    size, stride = even(tuple(w.kernel for w in windows)), even(tuple(w.stride for w in windows))
    options = {"strides": (stride, size), "padding": ("valid", "valid")}
    before: list[Step] = []
    if any(map(any, sides)):
        if sides == [same_padding(n, w.kernel, w.stride, 1) for w, n in zip(windows, x[1:], strict=True)]:
            options["padding"] = ("same", "valid")
        elif positive:
            before = [Step(pad_map(sides), "pad")]
        else:
            width = ((0, 0), *sides, (0, 0))
            use = f"keras.ops.pad({{0}}, {width}, constant_values={SMALLEST})"
            before = [Step(Call(""), "pad", (), use)]
    return [*before, Step(call(f"layers.MaxPooling{rank}D", ("pool_size", size), **options))]


@writes("avgpool")
def avgpool(layer: Any, x: Shape) -> list[Step]:
    rank = rank_of(layer, x)
    windows, _shape = layer.geometry(x)
    if any(w.dilation > 1 for w in windows):
        raise NotInKerasError(_("Keras has no pooling with dilation"))
    cut = ends(windows, x[1:]) != [max(w.after, 0) for w in windows] and layer.rounding == "ceil"
    counted = layer.count_include_pad and layer.padding != "same"
    size, stride = even(tuple(w.kernel for w in windows)), even(tuple(w.stride for w in windows))
    options = {"strides": (stride, size), "padding": ("valid", "valid")}
    before: list[Step] = []
    if any(map(any, sides_of(windows))) or cut:
        if counted and not cut:
            before = [Step(pad_map(sides_of(windows)), "pad")]
        elif not counted and same(windows, x[1:]) and not cut:
            # Keras leaves what `same` pads out of the mean.
            options["padding"] = ("same", "valid")
        else:
            raise NotInKerasError(_("Keras averages padding that counts, or what `same` pads"))
    return [*before, Step(call(f"layers.AveragePooling{rank}D", ("pool_size", size), **options))]


@writes("global_avgpool", "global_maxpool")
def global_pool(layer: Any, x: Shape) -> list[Step]:
    name = "Average" if layer.kind == "global_avgpool" else "Max"
    return [Step(call(f"layers.Global{name}Pooling{rank_of(layer, x)}D", keepdims=(True, False)))]


@writes("adaptive_avgpool", "adaptive_maxpool")
def adaptive_pool(layer: Any, x: Shape) -> list[Step]:
    """Windows of one size, where the sizes divide."""
    rank, target = rank_of(layer, x), per_axis(layer.size, x[1:], "size")
    if any(n % m for n, m in zip(x[1:], target, strict=True)):
        raise NotInKerasError(_("Keras has no pooling with windows of unequal sizes"))
    size = even(tuple(n // m for n, m in zip(x[1:], target, strict=True)))
    name = "Average" if layer.kind == "adaptive_avgpool" else "Max"
    return [Step(call(f"layers.{name}Pooling{rank}D", ("pool_size", size)))]
