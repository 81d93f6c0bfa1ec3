"""Kinds for which PyTorch has no module: a class of the file's own is one, see classes.py."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.python.text import call, even
from cnncalc.interop.torch.write.table import NotInTorchError, Written, writes
from cnncalc.interop.torch.write.windows import widths, window_options
from cnncalc.interop.windows import sides_of
from cnncalc.language import _
from cnncalc.layers.base import Shape


def special(name: str, *sizes: tuple[str, int], state: dict[str, str]) -> Written:
    """A class that takes sizes alone."""
    return Written("{m}({0})", call(name, *sizes), {}, {ours: (theirs, None) for ours, theirs in state.items()})


@writes("rbf")
def rbf(layer: Any, x: Shape) -> Written:
    return special("RBF", ("in_features", x[0]), ("out_features", layer.units), state={"centres": "centres"})


@writes("gaussian_rbf")
def gaussian_rbf(layer: Any, x: Shape) -> Written:
    state = {"centres": "centres", "width": "width"}
    return special("GaussianRBF", ("in_features", x[0]), ("out_features", layer.units), state=state)


@writes("subsample")
def subsample(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    if len(x) != 3 or layer.rounding == "ceil" or any(w.before or w.after or w.dilation > 1 for w in windows):
        raise NotInTorchError(_("subsample is written for images, without padding, dilation and ceil"))
    kernel, stride = tuple(w.kernel for w in windows), tuple(w.stride for w in windows)
    size, step = even(kernel), even(stride)
    # The class has the stride of its window unless another is said, as a pooling has.
    module = call("Subsample", ("channels", x[0]), ("kernel_size", size), stride=(step, size))
    return Written("{m}({0})", module, {}, {"weight": ("weight", None), "bias": ("bias", None)})


@writes("blurpool")
def blurpool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    if len(x) != 3 or layer.rounding == "ceil" or any(w.before != w.after for w in windows):
        raise NotInTorchError(_("blurpool is written for images, with the same padding on both sides, without ceil"))
    options = {
        "stride": (even(tuple(w.stride for w in windows)), 2),
        "padding": (even(tuple(w.before for w in windows)), 0),
        "dilation": (even(tuple(w.dilation for w in windows)), 1),
    }
    size = even(tuple(w.kernel for w in windows))
    return Written("{m}({0})", call("BlurPool", ("kernel_size", size), **options), {}, {})


@writes("local")
def local(layer: Any, x: Shape) -> Written:
    windows = layer.windows(x[1:])
    if len(x) != 3 or any(w.before != w.after for w in windows):
        raise NotInTorchError(_("local is written for images, with the same padding on both sides"))

    module = call(
        "LocalConv2d",
        ("in_channels", x[0]),
        ("out_channels", layer.filters),
        ("size", layer.facts(x).output[1:]),
        ("kernel_size", even(tuple(w.kernel for w in windows))),
        stride=(even(tuple(w.stride for w in windows)), 1),
        padding=(even(tuple(w.before for w in windows)), 0),
        dilation=(even(tuple(w.dilation for w in windows)), 1),
        bias=(layer.bias, True),
    )
    return Written("{m}({0})", module, {}, {"weight": ("weight", None), "bias": ("bias", None)})


@writes("deformable_conv")
def deformable_conv(layer: Any, x: Shape, *others: Shape) -> Written:
    """A class with the parameters of torchvision's. Padding that is not the same on both sides is put around first."""
    windows = layer.windows(x[1:])
    # The operator pads both sides alike.
    sides = sides_of(windows)
    apart = any(before != after for before, after in sides)
    module = call(
        "DeformConv2d",
        ("in_channels", x[0]),
        ("out_channels", layer.filters),
        ("kernel_size", tuple(w.kernel for w in windows)),
        **window_options(windows, 0 if apart else even(tuple(w.before for w in windows))),
        groups=(layer.groups, 1),
        bias=(layer.bias, True),
    )
    places = ["F.pad({0}, {pad})" if apart else "{0}", *(f"{{{1 + i}}}" for i in range(len(others)))]
    state: dict[str, tuple[str, Any]] = {"weight": ("weight", None), "bias": ("bias", None)}
    return Written(f"{{m}}({', '.join(places)})", module, {"pad": widths(sides)} if apart else {}, state)


@writes("attention", "cross_attention")
def attention(layer: Any, x: Shape, *others: Shape) -> Written:
    """A class whose parameters are those of the reference, by their names."""
    # What is at its default is left out; windows are said in positions, as they come out for this map.
    own = layer.kind == "attention"
    options: dict[str, Any] = {
        "dim": (layer.dim, None),
        "value_dim": (layer.value_dim, None),
        "out_channels": (layer.out, None),
        "project": (layer.project, True),
        "bias": (layer.bias, True),
    }
    sizes = [("channels", x[0])]
    if own:
        windows = layer.windows(x[1:])
        moved = layer.shifts(x[1:])
        options["window"] = (None if layer.window is None else tuple(windows), None)
        options["grid"] = (None if layer.grid is None else tuple(windows), None)
        options["shift"] = (tuple(moved) if any(moved) else None, None)
        options["relative_bias"] = (tuple(windows) if layer.relative_bias else None, None)
        options["pairs"] = (prod(windows) if layer.pair_bias else None, None)
    else:
        sizes.append(("other_channels", others[0][0]))
    options = {name: pair for name, pair in options.items() if pair[0] is not None}
    module = call("Attention" if own else "CrossAttention", *sizes, ("heads", layer.heads), **options)
    # `bias` may be of what goes in alone, or of what comes out.
    names = ["query", "key", "value", *(["out"] if layer.project else [])]
    biased = [n for n in names if layer.bias is True or layer.bias == ("out" if n == "out" else "in")]
    stored = [*names, *(f"{name}_bias" for name in biased), *(["relative"] if own and layer.relative_bias else [])]
    stored += ["pairs"] if own and layer.pair_bias else []
    state: dict[str, tuple[str, Any]] = {name: (name, None) for name in stored}
    return Written("{m}({0})" if own else "{m}({0}, {1})", module, {}, state)
