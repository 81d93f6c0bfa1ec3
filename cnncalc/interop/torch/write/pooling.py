"""Pooling in PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call, even
from cnncalc.interop.torch.write.table import NotInTorchError, Written, rank_of, writes
from cnncalc.interop.torch.write.windows import sides_of, widths
from cnncalc.language import _
from cnncalc.layers.base import Shape, per_axis
from cnncalc.layers.windows import Window


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
