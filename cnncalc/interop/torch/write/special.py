"""Kinds for which PyTorch has no module: a class of the file's own is one, see classes.py."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call, even
from cnncalc.interop.torch.write.table import NotInTorchError, Written, writes
from cnncalc.language import _
from cnncalc.layers.base import Shape


def special(name: str, *sizes: tuple[str, int], state: dict[str, str]) -> Written:
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
    size = kernel[0] if len(set(kernel)) == 1 else kernel
    step = stride[0] if len(set(stride)) == 1 else stride
    module = call("Subsample", ("channels", x[0]), ("kernel_size", size), stride=(step, size))
    return Written("{m}({0})", module, {}, {"weight": ("weight", None), "bias": ("bias", None)})


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
