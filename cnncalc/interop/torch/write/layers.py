"""Layers in PyTorch: the module that holds a layer's weights, how it is called, and under which names it keeps them.

A kind's writer is `write(layer, *shapes)`; shapes are without the batch, which PyTorch has first. Where PyTorch has a
module for a kind it is taken. What it cannot express is refused: wrong code would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.interop.python.text import Call, Code, call, text_of
from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape, per_axis
from cnncalc.layers.windows import Window

Move = Callable[[Any], Any]  # of an array as the reference stores it to one as PyTorch does


class NotInTorchError(CnncalcError):
    """A layer that PyTorch has nothing for."""


class Written(NamedTuple):
    """How a layer is written.

    use      an expression: {0} is what enters, {m} the layer's own module, other names are `values`
    module   the call that makes the module, if it has weights or is one of PyTorch's
    values   numbers in `use` that may differ from block to block
    state    the arrays that the layer stores: the name of each in the module, and how it is laid out there
    infix    `use` is an operator between its inputs
    extra    parameters besides the module's: name in the layer's prefix to shape
    """

    use: str
    module: Call | None = None
    values: Mapping[str, Any] = {}
    state: Mapping[str, tuple[str, Move | None]] = {}
    infix: bool = False
    extra: Mapping[str, Shape] = {}


Write = Callable[..., Written]
WRITERS: dict[str, Write] = {}
PLAIN = {"weight": ("weight", None), "bias": ("bias", None)}
AFFINE = {"gamma": ("weight", None), "beta": ("bias", None)}
STATISTICS = {**AFFINE, "mean": ("running_mean", None), "variance": ("running_var", None)}


def writes(*kinds: str) -> Callable[[Write], Write]:
    """Declare the writer of one or several kinds."""

    def declare(write: Write) -> Write:
        WRITERS.update(dict.fromkeys(kinds, write))
        return write

    return declare


def written(name: str, layer: Layer, shapes: tuple[Shape, ...]) -> Written:
    """A layer in PyTorch. Raises NotInTorchError that names the layer."""
    from cnncalc.interop.torch.write import parts  # noqa: F401 - it fills the table

    write = WRITERS.get(layer.kind)
    try:
        if write is None:
            raise NotInTorchError(_("PyTorch has nothing for the kind {kind}", kind=layer.kind))
        return write(layer, *shapes)
    except NotInTorchError as error:
        raise NotInTorchError(f"{name}: {error}") from None


def even(values: tuple[int, ...]) -> Any:
    """One number where all axes have the same, as people write it."""
    return values[0] if len(set(values)) == 1 else values


def rank_of(layer: Layer, x: Shape, most: int = 3) -> int:
    rank = len(x) - 1
    if not 1 <= rank <= most:
        raise NotInTorchError(_("PyTorch has {kind} for maps of other axes only", kind=layer.kind))
    return rank


def widths(sides: Any) -> tuple[int, ...]:
    """What F.pad takes: before and after of the last axis first."""
    return tuple(n for pair in reversed(list(sides)) for n in pair)


def sides_of(windows: Any) -> list[tuple[int, int]]:
    return [(w.before, w.after) for w in windows]


def window_options(windows: tuple[Window, ...], padding: Any) -> dict[str, tuple[Any, Any]]:
    return {
        "stride": (even(tuple(w.stride for w in windows)), 1),
        "padding": (padding, 0),
        "dilation": (even(tuple(w.dilation for w in windows)), 1),
    }


# --- convolutions


@writes("conv", "depthwise")
def conv(layer: Any, x: Shape) -> Written:
    """Padding that is not the same on both sides is put around the map first."""
    c, rank = x[0], rank_of(layer, x)
    windows = layer.windows(x[1:])
    apart = any(before != after for before, after in sides_of(windows))
    padding = 0 if apart else even(tuple(w.before for w in windows))
    depthwise = layer.kind == "depthwise"
    filters = c * layer.multiplier if depthwise else layer.filters
    shape = tuple(layer.facts(x).output)
    table = None if depthwise else layer.table
    options = window_options(windows, padding)
    kernel = even(tuple(w.kernel for w in windows))
    positional = [("in_channels", c), ("out_channels", filters), ("kernel_size", kernel)]
    own_bias = layer.bias == "per_unit"
    use, extra = "{m}(F.pad({0}, {pad}))" if apart else "{m}({0})", {}
    state: dict[str, tuple[str, Move | None]] = dict(PLAIN)
    if own_bias:
        use, extra = use + " + {m}_bias", {"bias": shape}
        state["bias"] = ("_bias", None)
    bias = (bool(layer.bias) and not own_bias, True)
    if table is not None:
        if rank != 2:
            raise NotInTorchError(_("a table of connections is written for images alone"))
        rows = tuple(table)
        module = call("TableConv2d", *positional, table=(rows, ()), **options, bias=bias)
    else:
        groups = c if depthwise else layer.groups
        module = call(f"nn.Conv{rank}d", *positional, **options, groups=(groups, 1), bias=bias)
    if depthwise:
        state["weight"] = ("weight", lambda w: w.reshape(-1, 1, *w.shape[2:]))
    return Written(use, module, {"pad": widths(sides_of(windows))} if apart else {}, state, own_bias, extra)


@writes("transposed_conv")
def transposed_conv(layer: Any, x: Shape) -> Written:
    """Without padding where it is not the same on both sides: the border is cut off behind."""
    rank = rank_of(layer, x)
    windows = layer.stretches(x[1:])
    extra = per_axis(layer.output_padding, x[1:], "output_padding")
    # `after` says how much is cut off at the end, what output padding gives back included.
    apart = [w.before - (w.after + e) for w, e in zip(windows, extra, strict=True)]
    gives_back = even(extra)
    use, values = "{m}({0})", {}
    padding: Any = even(tuple(w.before for w in windows))
    if any(apart) or any(e >= max(w.stride, w.dilation) for e, w in zip(extra, windows, strict=True)):
        if layer.bias and any(w.after < 0 for w in windows):
            raise NotInTorchError(_("the output goes on beyond what the kernel reaches, and has a bias there"))
        use, values = "F.pad({m}({0}), {cut})", {"cut": widths((-w.before, -w.after) for w in windows)}
        padding = gives_back = 0
    options = window_options(tuple(windows), padding)
    module = call(
        f"nn.ConvTranspose{rank}d",
        ("in_channels", x[0]),
        ("out_channels", layer.filters),
        ("kernel_size", even(tuple(w.kernel for w in windows))),
        stride=options["stride"],
        padding=options["padding"],
        output_padding=(gives_back, 0),
        groups=(layer.groups, 1),
        bias=(layer.bias, True),
        dilation=options["dilation"],
    )
    return Written(use, module, values, PLAIN)


@writes("dense")
def dense(layer: Any, x: Shape) -> Written:
    sizes = [("in_features", x[0]), ("out_features", layer.units)]
    bias = (layer.bias, True)
    if layer.table is not None:
        return Written("{m}({0})", call("TableLinear", *sizes, table=(tuple(layer.table), ()), bias=bias), {}, PLAIN)
    return Written("{m}({0})", call("nn.Linear", *sizes, bias=bias), {}, PLAIN)


# --- pooling


def pool_options(layer: Any, windows: tuple[Window, ...], padding: Any) -> dict[str, tuple[Any, Any]]:
    kernel = even(tuple(w.kernel for w in windows))
    stride = even(tuple(w.stride for w in windows))
    return {
        "stride": (stride, kernel),
        "padding": (padding, 0),
        "dilation": (even(tuple(w.dilation for w in windows)), 1),
        "ceil_mode": (layer.rounding == "ceil", False),
    }


def fits(windows: tuple[Window, ...]) -> bool:
    """PyTorch's pooling takes padding that is the same on both sides and at most half the window."""
    return all(w.before == w.after and 2 * w.before <= w.kernel for w in windows)


@writes("maxpool")
def maxpool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    alone = fits(windows)
    if not alone and layer.rounding == "ceil" and any(w.after for w in windows):
        raise NotInTorchError(_("PyTorch has no such padding together with ceil"))
    options = pool_options(layer, windows, even(tuple(w.before for w in windows)) if alone else 0)
    kernel = ("kernel_size", even(tuple(w.kernel for w in windows)))
    module = call(f"nn.MaxPool{rank_of(layer, x)}d", kernel, **options)
    if alone:
        return Written("{m}({0})", module)
    return Written('{m}(F.pad({0}, {pad}, value=float("-inf")))', module, {"pad": widths(sides_of(windows))})


@writes("avgpool")
def avgpool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    counted = layer.count_include_pad and layer.padding != "same"
    if any(w.dilation > 1 for w in windows):
        raise NotInTorchError(_("PyTorch has no average pooling with dilation"))
    alone = fits(windows)
    if not alone and (not counted or layer.rounding == "ceil"):
        raise NotInTorchError(_("PyTorch averages no padding that is on one side alone, or not counted"))
    options = pool_options(layer, windows, even(tuple(w.before for w in windows)) if alone else 0)
    del options["dilation"]
    if any(w.before for w in windows) and alone:
        options["count_include_pad"] = (counted, True)
    kernel = ("kernel_size", even(tuple(w.kernel for w in windows)))
    module = call(f"nn.AvgPool{rank_of(layer, x)}d", kernel, **options)
    if alone:
        return Written("{m}({0})", module)
    return Written("{m}(F.pad({0}, {pad}))", module, {"pad": widths(sides_of(windows))})


@writes("lppool")
def lppool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    if layer.rounding == "ceil" or any(w.before or w.after or w.dilation > 1 for w in windows):
        raise NotInTorchError(
            _("PyTorch's p-norm pooling knows neither padding nor dilation, and scales what ceil keeps")
        )
    options = pool_options(layer, windows, 0)
    kernel = ("kernel_size", even(tuple(w.kernel for w in windows)))
    norm = ("norm_type", layer.norm)
    module = call(f"nn.LPPool{rank_of(layer, x)}d", norm, kernel, stride=options["stride"])
    return Written("{m}({0}.abs())" if layer.norm % 2 else "{m}({0})", module)  # |x|: PyTorch keeps the sign


@writes("global_avgpool", "global_maxpool", "adaptive_avgpool", "adaptive_maxpool")
def adaptive_pool(layer: Any, x: Shape) -> Written:
    name = "Avg" if layer.kind.endswith("avgpool") else "Max"
    size = even(per_axis(layer.size, x[1:], "size")) if layer.kind.startswith("adaptive") else 1
    return Written("{m}({0})", call(f"nn.Adaptive{name}Pool{rank_of(layer, x)}d", ("output_size", size)))


# --- normalisation


@writes("batchnorm")
def batchnorm(layer: Any, x: Shape) -> Written:
    if isinstance(layer.affine, str):
        raise NotInTorchError(_("PyTorch's batch norm trains a scale and a shift, or neither"))
    rank = max(1, len(x) - 1)  # BatchNorm1d takes vectors, too
    options = {"eps": (layer.epsilon, 1e-5), "affine": (layer.affine, True)}
    return Written("{m}({0})", call(f"nn.BatchNorm{rank}d", ("num_features", x[0]), **options), {}, STATISTICS)


@writes("instancenorm")
def instancenorm(layer: Any, x: Shape) -> Written:
    options = {"eps": (layer.epsilon, 1e-5), "affine": (layer.affine, False)}
    module = call(f"nn.InstanceNorm{rank_of(layer, x)}d", ("num_features", x[0]), **options)
    return Written("{m}({0})", module, {}, AFFINE)


@writes("groupnorm")
def groupnorm(layer: Any, x: Shape) -> Written:
    options = {"eps": (layer.epsilon, 1e-5), "affine": (layer.affine, True)}
    module = call("nn.GroupNorm", ("num_groups", layer.groups), ("num_channels", x[0]), **options)
    return Written("{m}({0})", module, {}, AFFINE)


@writes("layernorm")
def layernorm(layer: Any, x: Shape) -> Written:
    """The axes that are normalised together are brought to the end, and back."""
    together = sorted(layer.over(x))
    order = [0, *(1 + axis for axis in range(len(x)) if axis not in together), *(1 + axis for axis in together)]
    shape = tuple(x[axis] for axis in together)
    options = {"eps": (layer.epsilon, 1e-5), "elementwise_affine": (layer.affine, True)}
    module = call("nn.LayerNorm", ("normalized_shape", shape[0] if len(shape) == 1 else shape), **options)
    use = "{m}({0})"
    if order != sorted(order):
        back = [order.index(axis) for axis in range(len(order))]
        use = f"torch.permute({{m}}(torch.permute({{0}}, {tuple(order)})), {tuple(back)})"
    state = {name: (theirs, lambda w: w.reshape(shape)) for name, (theirs, _move) in AFFINE.items()}
    return Written(use, module, {}, state)


@writes("lrn")
def lrn(layer: Any, x: Shape) -> Written:
    rank_of(layer, x)
    options = {"alpha": (layer.alpha, 1e-4), "beta": (layer.beta, 0.75), "k": (layer.k, 1.0)}
    return Written("{m}({0})", call("nn.LocalResponseNorm", ("size", layer.size), **options))


@writes("dropout")
def dropout(layer: Any, x: Shape) -> Written:
    return Written("{m}({0})", call("nn.Dropout", ("p", Code(text_of(layer.rate)))))


@writes("prelu")
def prelu(layer: Any, x: Shape) -> Written:
    count = x[0] if layer.per == "channel" else 1
    return Written("{m}({0})", call("nn.PReLU", num_parameters=(count, 1)), {}, {"slope": ("weight", None)})
