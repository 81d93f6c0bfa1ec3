"""Convolutions and dense layers in Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.keras.write.table import Move, NotInKerasError, Step, rank_of, writes
from cnncalc.interop.keras.write.windows import crop_map, dilation, slide
from cnncalc.interop.python.text import call, even
from cnncalc.interop.windows import sides_of
from cnncalc.language import _
from cnncalc.layers.base import Shape


def last(w: Any) -> Any:
    """(out, in, *kernel) to (*kernel, in, out)."""
    return w.transpose(*range(2, w.ndim), 1, 0)


def find_biases(layer: Any) -> tuple[bool, bool]:
    if layer.bias not in (True, False):
        raise NotInKerasError(_("Keras has one bias for every map"))
    return layer.bias, True


def weights(layer: Any, move: Move | None) -> tuple[tuple[str, Move | None], ...]:
    return (("weight", move), *([("bias", None)] if layer.bias else []))


@writes("conv", "depthwise")
def conv(layer: Any, x: Shape) -> list[Step]:
    rank, windows = rank_of(layer, x), layer.windows(x[1:])
    before, options = slide(windows, x[1:])
    kernel = even(tuple(w.kernel for w in windows))
    deep = layer.kind == "depthwise"
    if not deep and layer.table is not None:
        raise NotInKerasError(_("Keras has no convolution with a table of connections"))
    bias = find_biases(layer)
    if deep and rank < 3:
        uneven = len({w.stride for w in windows}) > 1
        if uneven:
            raise NotInKerasError(_("Keras has depthwise convolutions of one stride for all axes"))
        made = call(
            f"layers.DepthwiseConv{rank}D",
            ("kernel_size", kernel),
            **options,
            depth_multiplier=(layer.multiplier, 1),
            dilation_rate=dilation(windows),
            use_bias=bias,
        )
        return [*before, Step(made, "", weights(layer, lambda w: w.transpose(*range(2, w.ndim), 0, 1)))]
    # Keras has no depthwise convolution in space: one with a group for each channel.
    filters, groups = (x[0] * layer.multiplier, x[0]) if deep else (layer.filters, layer.groups)
    made = call(
        f"layers.Conv{rank}D",
        ("filters", filters),
        ("kernel_size", kernel),
        **options,
        dilation_rate=dilation(windows),
        groups=(groups, 1),
        use_bias=bias,
    )
    return [*before, Step(made, "", weights(layer, (lambda w: last(w.reshape(-1, 1, *w.shape[2:]))) if deep else last))]


@writes("transposed_conv")
def transposed_conv(layer: Any, x: Shape) -> list[Step]:
    """Without padding, and the border cut off behind."""
    rank, windows = rank_of(layer, x), layer.stretches(x[1:])
    if layer.groups > 1:
        raise NotInKerasError(_("Keras has no groups in a transposed convolution"))
    size = even(tuple(w.kernel for w in windows))
    alike = layer.replace(padding="same", output_padding=(0,)).stretches(x[1:])
    fits = sides_of(windows) == sides_of(alike) and all(min(sides) >= 0 for sides in sides_of(windows))
    # Of a kernel that spans less than its stride, Keras fills the stride up.
    surplus = [max(0, w.stride - w.span) for w in windows]
    cuts = [(w.before, w.after + more) for w, more in zip(windows, surplus, strict=True)]
    if any(after < 0 for _before, after in cuts):
        raise NotInKerasError(_("Keras has no such output padding"))
    made = call(
        f"layers.Conv{rank}DTranspose",
        ("filters", layer.filters),
        ("kernel_size", size),
        padding=("same" if fits and any(map(any, cuts)) else "valid", "valid"),
        strides=(even(tuple(w.stride for w in windows)), 1),
        dilation_rate=dilation(windows),
        use_bias=find_biases(layer),
    )
    stored = weights(layer, last)
    if fits or not any(map(any, cuts)):
        return [Step(made, "", stored)]
    return [Step(made, "", stored), Step(call(f"layers.Cropping{rank}D", cropping=(crop_map(cuts), None)), "crop")]


@writes("dense")
def dense(layer: Any, x: Shape) -> list[Step]:
    if layer.table is not None:
        raise NotInKerasError(_("Keras has no dense layer with a table of connections"))
    made = call("layers.Dense", ("units", layer.units), use_bias=(layer.bias, True))
    return [Step(made, "", weights(layer, lambda w: w.T))]
