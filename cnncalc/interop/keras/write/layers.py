"""Layers in Keras: the calls that make them, channels last, and how their weights are laid out there.

A kind's writer is `write(layer, *shapes)` and gives the steps, one behind the other; shapes have the channels first and
no batch, as everywhere. What Keras has no layer for is refused: wrong code would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.interop.onnx.write.part import ends
from cnncalc.interop.python.text import Call, Code, call
from cnncalc.interop.torch.write.layers import even
from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape, per_axis
from cnncalc.layers.sliding import same_padding, sides_per_axis
from cnncalc.layers.windows import Window

Move = Callable[[Any], Any]
SMALLEST = Code('-float("inf")')


class NotInKerasError(CnncalcError):
    """A layer that Keras has nothing for."""


class Step(NamedTuple):
    """One layer of Keras: the call that makes it, what stands behind the name of ours, and its weights in order.

    With `use` no layer, but an expression in which {0} is what enters.
    """

    made: Call
    suffix: str = ""
    stored: tuple[tuple[str, Move | None], ...] = ()
    use: str = ""


Write = Callable[..., Sequence[Step]]
WRITERS: dict[str, Write] = {}


def writes(*kinds: str) -> Callable[[Write], Write]:
    """Declare the writer of one or several kinds."""

    def declare(write: Write) -> Write:
        WRITERS.update(dict.fromkeys(kinds, write))
        return write

    return declare


def steps_of(name: str, layer: Layer, shapes: tuple[Shape, ...], positive: bool) -> Sequence[Step]:
    """A layer in Keras. `positive`: what enters is never below 0. Raises NotInKerasError that names the layer."""
    from cnncalc.interop.keras.write import maps  # noqa: F401 - it fills the table

    write = WRITERS.get(layer.kind)
    try:
        if write is None:
            raise NotInKerasError(_("Keras has no layer for the kind {kind}", kind=layer.kind))
        if layer.kind == "maxpool":
            return write(layer, *shapes, positive=positive)
        return write(layer, *shapes)
    except NotInKerasError as error:
        raise NotInKerasError(f"{name}: {error}") from None


def rank_of(layer: Layer, x: Shape, *ranks: int) -> int:
    """The spatial axes, if they are among those for which Keras has the layer."""
    rank = len(x) - 1
    if rank not in (ranks or (1, 2, 3)):
        raise NotInKerasError(_("Keras has {kind} for maps of other axes only", kind=layer.kind))
    return rank


def padded(sides: Sequence[tuple[int, int]]) -> Call:
    """Zeros around a map."""
    if len(sides) == 1:
        return call("layers.ZeroPadding1D", padding=(even(sides[0]) if len(set(sides[0])) == 1 else sides[0], 1))
    alike = all(before == after for before, after in sides)
    width: Any = even(tuple(before for before, _after in sides)) if alike else tuple(sides)
    return call(f"layers.ZeroPadding{len(sides)}D", padding=(width, 1))


def same(windows: Sequence[Window], size: Sequence[int]) -> bool:
    """Whether `same` pads as much as there is."""
    return all(
        (w.before, w.after) == same_padding(n, w.kernel, w.stride, w.dilation)
        for w, n in zip(windows, size, strict=True)
    )


def sides_of(windows: Sequence[Window]) -> list[tuple[int, int]]:
    return [(w.before, w.after) for w in windows]


def sliding(windows: Sequence[Window], size: Sequence[int]) -> tuple[list[Step], dict[str, tuple[Any, Any]]]:
    """Zeros in front, where `same` does not pad as much; and the options of the window."""
    before: list[Step] = []
    padding = "valid"
    if any(map(any, sides_of(windows))):
        if same(windows, size):
            padding = "same"
        else:
            before = [Step(padded(sides_of(windows)), "pad")]
    stride = even(tuple(w.stride for w in windows))
    return before, {"strides": (stride, 1), "padding": (padding, "valid")}


def dilation(windows: Sequence[Window]) -> tuple[Any, Any]:
    found = even(tuple(w.dilation for w in windows))
    if found != 1 and any(w.stride > 1 for w in windows):
        raise NotInKerasError(_("Keras has no stride together with dilation"))
    return found, 1


def last(w: Any) -> Any:
    """(out, in, *kernel) to (*kernel, in, out)."""
    return w.transpose(*range(2, w.ndim), 1, 0)


def biased(layer: Any) -> tuple[bool, bool]:
    if layer.bias not in (True, False):
        raise NotInKerasError(_("Keras has one bias for every map"))
    return layer.bias, True


def weights(layer: Any, move: Move | None) -> tuple[tuple[str, Move | None], ...]:
    return (("weight", move), *([("bias", None)] if layer.bias else []))


@writes("conv", "depthwise")
def conv(layer: Any, x: Shape) -> list[Step]:
    rank, windows = rank_of(layer, x), layer.windows(x[1:])
    before, options = sliding(windows, x[1:])
    kernel = even(tuple(w.kernel for w in windows))
    deep = layer.kind == "depthwise"
    if not deep and layer.table is not None:
        raise NotInKerasError(_("Keras has no convolution with a table of connections"))
    bias = biased(layer)
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
        use_bias=biased(layer),
    )
    stored = weights(layer, last)
    if fits or not any(map(any, cuts)):
        return [Step(made, "", stored)]
    return [Step(made, "", stored), Step(call(f"layers.Cropping{rank}D", cropping=(cropped(cuts), None)), "crop")]


def cropped(cuts: Sequence[tuple[int, int]]) -> Any:
    if len(cuts) == 1:
        return cuts[0]
    return even(tuple(b for b, _a in cuts)) if all(b == a for b, a in cuts) else tuple(cuts)


@writes("dense")
def dense(layer: Any, x: Shape) -> list[Step]:
    if layer.table is not None:
        raise NotInKerasError(_("Keras has no dense layer with a table of connections"))
    made = call("layers.Dense", ("units", layer.units), use_bias=(layer.bias, True))
    return [Step(made, "", weights(layer, lambda w: w.T))]


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
            before = [Step(padded(sides), "pad")]
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
            before = [Step(padded(sides_of(windows)), "pad")]
        elif not counted and same(windows, x[1:]) and not cut:
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


@writes("pad")
def pad(layer: Any, x: Shape) -> list[Step]:
    rank_of(layer, x)
    if layer.mode != "constant" or layer.value:
        raise NotInKerasError(_("Keras pads with zeros alone"))
    return [Step(padded([*sides_per_axis(layer.padding, x[1:])]))]
