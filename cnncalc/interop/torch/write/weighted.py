"""Convolutions and dense layers in PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call, even
from cnncalc.interop.torch.write.table import Move, NotInTorchError, Written, rank_of, writes
from cnncalc.interop.torch.write.windows import widths, window_options
from cnncalc.interop.windows import sides_of
from cnncalc.language import _
from cnncalc.layers.base import Shape, per_axis

PLAIN = {"weight": ("weight", None), "bias": ("bias", None)}


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
    # A bias for every unit stands beside the module, which has none for each filter then.
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
    # torch wants less output padding than the stride, or than the dilation.
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
    use = "{m}({0})" if len(x) == 1 else "{m}({0}.movedim(1, -1)).movedim(-1, 1)"  # over the last axis
    return Written(use, call("nn.Linear", *sizes, bias=bias), {}, PLAIN)
