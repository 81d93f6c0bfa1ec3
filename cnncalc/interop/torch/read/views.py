"""Functions of torch that compute nothing: views, permutations, and those that bring elements elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.making import layer, per_axis
from cnncalc.interop.torch.read.table import BATCH, Made, translates
from cnncalc.interop.torch.read.taking import pick


@translates("contiguous clone detach to float type_as data requires_grad alias positive", "", anywhere=True)
def pass_on(trace: Any, args: Any, result: Any) -> Made:
    """The same values; a copy of them may be."""
    return trace.of(args[0]) if result.is_floating_point() else None


# --- views and permutations


@translates("expand expand_as broadcast_to", "", anywhere=True)
def expand(trace: Any, args: Any, result: Any) -> Made:
    """Places stretched from one to many are copies of the nearest."""
    seen, shape = trace.of(args[0]), tuple(result.shape)
    if seen is None or not seen.shape or result.ndim != seen.rank:
        return None
    if shape[1:] == seen.shape and seen.plain:
        return seen
    # Copies of channels, or of what stands in front of the samples, are elements that are read again.
    if not seen.plain or shape[1] != args[0].shape[1]:
        found: Seen | None = seen
        for dim, (n, m) in enumerate(zip(args[0].shape, shape, strict=True)):
            axis = seen.axis(dim)
            if n != m:
                found = None if found is None or axis is None else pick(trace, found, axis, [0] * m)
        return found
    # Copies of places are an upsampling, as people say it.
    if shape[:2] != tuple(args[0].shape[:2]) or any(
        n not in (1, m) for n, m in zip(seen.shape[1:], shape[2:], strict=True)
    ):
        return None
    factors = [m // n for n, m in zip(seen.shape[1:], shape[2:], strict=True)]
    return layer(trace, "upsample", {"factor": factors}, [trace.settle(args[0])])


@translates("view reshape flatten unflatten squeeze unsqueeze view_as reshape_as", "", anywhere=True)
def reshape(trace: Any, args: Any, result: Any) -> Made:
    """The same elements in the same order, the samples apart as before; in which shape is read from what comes out."""
    seen: Seen | None = trace.of(args[0])
    if seen is None or not seen.shape:
        return None
    return seen.arrange(tuple(result.shape), BATCH, trace.here.spot())


@translates("permute", "", anywhere=True)
def permute(trace: Any, args: Any, result: Any) -> Made:
    """Axes in an order that is one list, or as many arguments."""
    order = args[1] if len(args) == 2 and isinstance(args[1], (tuple, list)) else args[1:]
    return permute_axes(trace, args[0], order)


@translates("transpose swapaxes swapdims", "input dim0 dim1", anywhere=True)
def transpose(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Two axes exchanged."""
    rank = result.ndim
    order = list(range(rank))
    one, other = given["dim0"] % rank, given["dim1"] % rank
    order[one], order[other] = other, one
    return permute_axes(trace, given["input"], order)


@translates("T mT H mH t adjoint", "", anywhere=True)
def turn(trace: Any, args: Any, result: Any) -> Made:
    """The last two axes exchanged."""
    rank = args[0].ndim
    return permute_axes(trace, args[0], [*range(rank - 2), *range(rank - 2, rank)[::-1]])


@translates("movedim moveaxis", "input source destination", anywhere=True)
def movedim(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Some axes to other places, the rest in their order between them."""
    rank = result.ndim
    sources, targets = ([n % rank for n in per_axis(given[key], 1)] for key in ("source", "destination"))
    order = [axis for axis in range(rank) if axis not in sources]
    # From the smallest place on: what is put in later moves none that stands already.
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return permute_axes(trace, given["input"], order)


def permute_axes(trace: Any, tensor: Any, order: Sequence[int]) -> Made:
    """Axes of torch in another order."""
    seen: Seen | None = trace.of(tensor)
    rank = tensor.ndim
    axes = [int(axis) % rank for axis in order]
    if seen is None or not seen.shape or len(axes) != rank:
        return None
    return seen.reorder(axes, trace.here.spot())


@translates("channel_shuffle", "input groups")
def channel_shuffle(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The first channel of each group, then the second of each."""
    return layer(trace, "channel_shuffle", {"groups": given["groups"]}, [trace.settle(given["input"])])


@translates("pixel_shuffle pixel_unshuffle", "input factor")
def pixel_shuffle(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Channels into space, or back."""
    kind = "pixel_shuffle" if result.shape[1] < given["input"].shape[1] else "pixel_unshuffle"
    if given["factor"] == 1:
        return trace.of(given["input"])
    return layer(trace, kind, {"factor": given["factor"]}, [trace.settle(given["input"])])
