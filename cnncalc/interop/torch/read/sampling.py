"""Functions of torch that read a map where another value says."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.torch.read.making import as_value, layer, whole
from cnncalc.interop.torch.read.table import BATCH, Made, NotReadError, translates
from cnncalc.language import _

OUTSIDE = ("zeros", "border")  # what is read there; reflection is no option of the kind


@translates("grid_sample", "input grid | mode padding_mode align_corners", anywhere=True)
def grid_sample(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A map read at places between its elements, bilinearly."""
    x, grid = trace.of(given["input"]), trace.of(given["grid"])
    mode, outside = given.get("mode", "bilinear"), given.get("padding_mode", "zeros")
    # One of the two may be the module's own: a map that is read where the network says, or places that stand.
    if x is None and grid is not None:
        x = as_value(trace, given["input"], grid)
    if grid is None and x is not None:
        grid = as_value(trace, given["grid"], x)
    if mode != "bilinear" or outside not in OUTSIDE:
        raise NotReadError(_("its mode is {mode}, and {outside} is outside", mode=mode, outside=outside))
    if x is None or grid is None or not x.shape or not grid.shape or x.lead or not x.stands_as(grid):
        return None
    x, grid = (make_plain(trace.b, seen, trace.here.place()) for seen in (x, grid))
    options = {"outside": outside, "align_corners": bool(given.get("align_corners"))}
    made = layer(trace, "grid_sample", options, [x.value, grid.value])
    return made and x._replace(value=made.value, base=made.base)


MOVED = (
    "input weight offset mask bias stride_h stride_w pad_h pad_w dilation_h dilation_w groups offset_groups use_mask"
)


@translates("deform_conv2d", MOVED)
def deform_conv(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """torchvision's operator, which deform_conv2d and DeformConv2d call; without masks and biases they give zeros."""
    weight, bias = given["weight"], given["bias"]
    of_numbers = not trace.stored.sources(bias) and not trace.depends(bias)
    if of_numbers and not is_zeros(trace, bias):
        raise NotReadError(_("its bias is made of constants, and of no stored tensor"))
    if not whole(trace, weight) or not (of_numbers or whole(trace, bias)):
        return None
    taps = prod(weight.shape[2:])
    branches = ["input", "offset", *(["mask"] if given["use_mask"] else [])]
    given.get("mask")
    seen = [trace.of(given[name]) for name in branches]
    first = next((one for one in seen if one is not None), None)
    # Offsets that are learned, or made by the pass, are the same for every sample.
    seen = [one or (first and as_value(trace, given[name], first)) for one, name in zip(seen, branches, strict=True)]
    if (
        any(one is None or not one.shape for one in seen)
        or given["offset"].shape[1] != 2 * taps * given["offset_groups"]
    ):
        return None
    options = {
        "filters": weight.shape[0],
        "groups": given["groups"],
        "kernel": tuple(weight.shape[2:]),
        "stride": (given["stride_h"], given["stride_w"]),
        "padding": [[given[name]] * 2 for name in ("pad_h", "pad_w")],
        "dilation": (given["dilation_h"], given["dilation_w"]),
        "bias": not of_numbers,
    }
    values = [make_plain(trace.b, one, trace.here.place()).value for one in seen]
    return layer(trace, "deformable_conv", options, values, (weight, None if of_numbers else bias))


def is_zeros(trace: Any, tensor: Any) -> bool:
    """Whether numbers that a pass makes are known, and all zero."""
    known = trace.known.look_up(tensor)
    return known is not None and not bool(known.any())


@translates("affine_grid", "theta size | align_corners", anywhere=True)
def affine_grid(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The places of all elements, and 1, times a matrix: (N, d, d + 1) to (N, *size, d)."""
    theta: Seen | None = trace.of(given["theta"])
    given.get("size"), given.get("align_corners")  # of the places that are multiplied
    if theta is None or not theta.plain or len(theta.shape) != 2:
        return None
    d, size = theta.shape[0], tuple(result.shape[1:-1])
    places = trace.torch.empty(1, prod(size), d + 1, device="meta")
    # (places, d + 1) times the transpose of (d, d + 1) is (places, d).
    turned = make_plain(trace.b, theta.permute((1, 0), trace.here.inside()), trace.here.place())
    base = as_value(trace, places, turned)
    made = base and layer(trace, "matmul", {}, [base.value, turned.value])
    return made and made.arrange((BATCH, *size, d), BATCH, trace.here.inside())
