"""Functions of torch that put more around a map, or make it larger or smaller without windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.folded import by_channel
from cnncalc.interop.torch.read.making import layer
from cnncalc.interop.torch.read.table import Made, translates
from cnncalc.interop.torch.read.taking import pad_axes


@translates("pad", "input pad | mode value", anywhere=True)
def pad(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Around axes that are not the channels. What is negative is cut off."""
    widths = list(given["pad"])
    # torch lists the last axis first: left, right, top, bottom.
    sides = {given["input"].ndim - 1 - i: (widths[2 * i], widths[2 * i + 1]) for i in range(len(widths) // 2)}
    sides = {dim: pair for dim, pair in sides.items() if any(pair)}
    seen: Seen | None = trace.of(given["input"])
    mode, value = given.get("mode", "constant"), given.get("value")
    if seen is None or not seen.shape or not sides:
        return seen
    axes = {seen.axis(dim): pair for dim, pair in sides.items()}
    # `pad` leaves the channels as they are: one axis has to be free of padding, so that it can be them.
    if None in axes or len(axes) == len(seen.shape) or len(seen.shape) > 4:
        return None
    # In front of a max pooling this is padding: it waits there for whoever reads it.
    if mode == "constant" and value == float("-inf") and min(map(min, sides.values())) >= 0:
        around = tuple(axes.get(axis, (0, 0)) for axis in range(1, len(seen.shape)))
        return None if seen.around or 0 in axes or not seen.plain else seen._replace(around=around)
    known = {axis: pair for axis, pair in axes.items() if axis is not None}
    return pad_axes(trace, seen, known, {"mode": mode, "value": float(value or 0)})


MODES = {
    "nearest": "nearest", "nearest-exact": "nearest_exact", "linear": "bilinear", "bilinear": "bilinear",
    "trilinear": "bilinear", "bicubic": "bicubic",
}  # fmt: skip


@translates(
    "interpolate upsample upsample_nearest upsample_bilinear",
    "input | size scale_factor mode align_corners recompute_scale_factor antialias",
    anywhere=True,
)
def resize(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """By whole factors between half-pixel centres, or to a size. A factor that leaves a rest reads elsewhere."""
    before, after = given["input"].shape[2:], result.shape[2:]
    mode, corners = given.get("mode", "nearest"), bool(given.get("align_corners"))
    if trace.of(given["input"]) is None or given.get("antialias"):
        return None
    given.get("size"), given.get("scale_factor")  # what comes out has the size that they say
    seen = trace.of(given["input"])
    if before == after:
        return seen

    def stretch(kind: str, options: dict[str, Any]) -> Made:
        return by_channel(trace, seen, lambda value: layer(trace, kind, options, [value]))

    # torch's name for a mean over what each place covers.
    if mode == "area":
        return stretch("adaptive_avgpool", {"size": list(after)})
    # With a size torch reads in steps of n / m, with a factor in steps of 1 / factor: without a rest both are one.
    exact = given.get("size") is not None or given.get("recompute_scale_factor")
    if mode not in MODES or not (exact or whole_factors(given.get("scale_factor"), before, after)):
        return None
    if not corners and mode != "nearest-exact" and not any(m % n for m, n in zip(after, before, strict=True)):
        factors = [m // n for m, n in zip(after, before, strict=True)]
        return stretch("upsample", {"factor": factors, "mode": MODES[mode]})
    return stretch("resample", {"size": list(after), "mode": MODES[mode], "align_corners": corners})


def to_size(mode: str) -> Any:
    """The handler of an interpolation as exported programs have it."""

    def handle(trace: Any, given: dict[str, Any], result: Any) -> Made:
        how = {"size": given["output_size"], "scale_factor": given.get("scale_factors")}
        corners = bool(given.get("align_corners"))
        return resize(trace, {"input": given["input"], "mode": mode, "align_corners": corners, **how}, result)

    return handle


for _words, _mode in (
    ("upsample_linear1d upsample_bilinear2d upsample_trilinear3d", "bilinear"),
    ("upsample_bicubic2d", "bicubic"),
):
    translates(_words, "input output_size align_corners | scale_factors", anywhere=True)(to_size(_mode))
translates(
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d", "input output_size | scale_factors", anywhere=True
)(to_size("nearest"))


def whole_factors(factor: Any, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether sizes times their factors are the sizes that come out, without a rest."""
    factors = list(factor) if isinstance(factor, (list, tuple)) else [factor] * len(before)
    return all(f is not None and n * f == m for f, n, m in zip(factors, before, after, strict=True))
