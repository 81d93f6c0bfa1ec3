"""Pooling in PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call, even
from cnncalc.interop.torch.write.table import NotInTorchError, Written, rank_of, writes
from cnncalc.interop.torch.write.windows import widths
from cnncalc.interop.windows import sides_of
from cnncalc.language import _
from cnncalc.layers.base import Shape, per_axis
from cnncalc.layers.windows import Window


def pool_options(layer: Any, windows: tuple[Window, ...], padding: Any) -> dict[str, tuple[Any, Any]]:
    """The options of a pooling; the stride is that of the window where none is said."""
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


def make_pool(name: str, layer: Any, x: Shape, windows: tuple[Window, ...], *first: Any, **options: Any) -> Any:
    """nn.MaxPool2d(3, stride=2): the size of the window behind what comes `first`, then the options."""
    kernel = ("kernel_size", even(tuple(w.kernel for w in windows)))
    return call(f"nn.{name}Pool{rank_of(layer, x)}d", *first, kernel, **options)


def use_pool(module: Any, windows: tuple[Window, ...], alone: bool, border: str = "") -> Written:
    """The module alone, or on a map that was padded before, because the module cannot: with zeros, or as `border`."""
    if alone:
        return Written("{m}({0})", module)
    return Written(f"{{m}}(F.pad({{0}}, {{pad}}{border}))", module, {"pad": widths(sides_of(windows))})


@writes("maxpool")
def maxpool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    alone = fits(windows)
    # On a map that was padded before, ceil would add to what is there already.
    if not alone and layer.rounding == "ceil" and any(w.after for w in windows):
        raise NotInTorchError(_("PyTorch has no such padding together with ceil"))
    options = pool_options(layer, windows, even(tuple(w.before for w in windows)) if alone else 0)
    module = make_pool("Max", layer, x, windows, **options)
    return use_pool(module, windows, alone, ', value=float("-inf")')  # padding is never the maximum


@writes("max_unpool")
def max_unpool(layer: Any, x: Shape, pooled: Shape) -> Written:
    """By the places that the pooling gives once more: the module that pooled keeps them to itself."""
    windows, _shape = layer.geometry(pooled)
    # PyTorch takes a size that is less than a stride away from that of touching windows
    plain = [(m - 1) * w.stride + w.kernel - 2 * w.before for w, m in zip(windows, x[1:], strict=True)]
    near = all(abs(n - m) < w.stride for w, n, m in zip(windows, pooled[1:], plain, strict=True))
    if not fits(windows) or not near:
        raise NotInTorchError(_("PyTorch does not unpool windows that are padded or spread like this"))
    rank = rank_of(layer, pooled)
    options = {name: value for name, (value, usual) in pool_options(
        layer, windows, even(tuple(w.before for w in windows))).items() if value != usual}  # fmt: skip
    kernel = even(tuple(w.kernel for w in windows))
    found = "".join(f", {name}={value}" for name, value in options.items())
    put = "".join(f", {name}={options[name]}" for name in ("stride", "padding") if name in options)
    places = f"F.max_pool{rank}d({{1}}, {kernel}{found}, return_indices=True)[1]"
    return Written(f"F.max_unpool{rank}d({{0}}, {places}, {kernel}{put}, output_size={pooled[1:]})")


@writes("avgpool")
def avgpool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    counted = layer.count_include_pad and layer.padding != "same"
    if any(w.dilation > 1 for w in windows):
        raise NotInTorchError(_("PyTorch has no average pooling with dilation"))
    alone = fits(windows)
    # Zeros that are put around by hand count; none of them may, or only those that the window reaches.
    if not alone and (not counted or layer.rounding == "ceil"):
        raise NotInTorchError(_("PyTorch averages no padding that is on one side alone, or not counted"))
    options = pool_options(layer, windows, even(tuple(w.before for w in windows)) if alone else 0)
    # nn.AvgPool2d has no such argument.
    del options["dilation"]
    if any(w.before for w in windows) and alone:
        options["count_include_pad"] = (counted, True)
    return use_pool(make_pool("Avg", layer, x, windows, **options), windows, alone)


@writes("lppool")
def lppool(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    if layer.rounding == "ceil" or any(w.before or w.after or w.dilation > 1 for w in windows):
        raise NotInTorchError(
            _("PyTorch's p-norm pooling knows neither padding nor dilation, and scales what ceil keeps")
        )
    options = pool_options(layer, windows, 0)
    module = make_pool("LP", layer, x, windows, ("norm_type", layer.norm), stride=options["stride"])
    return Written("{m}({0}.abs())" if layer.norm % 2 else "{m}({0})", module)  # |x|: PyTorch keeps the sign


@writes("global_avgpool", "global_maxpool", "adaptive_avgpool", "adaptive_maxpool")
def adaptive_pool(layer: Any, x: Shape) -> Written:
    name = "Avg" if layer.kind.endswith("avgpool") else "Max"
    size = even(per_axis(layer.size, x[1:], "size")) if layer.kind.startswith("adaptive") else 1
    return Written("{m}({0})", call(f"nn.Adaptive{name}Pool{rank_of(layer, x)}d", ("output_size", size)))
