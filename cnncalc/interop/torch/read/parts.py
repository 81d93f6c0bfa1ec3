"""Functions of torch that take a part of a value: of an axis, by numbers, or all of its parts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.layouts import Seen, in_base
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.making import layer, per_axis
from cnncalc.interop.torch.read.samples import take_samples
from cnncalc.interop.torch.read.table import BATCH, Made, translates
from cnncalc.interop.torch.read.taking import bring_first, part, pick_along


@translates("chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split", "", anywhere=True)
def split(trace: Any, args: Any, result: Any) -> Made:
    """Where the parts begin and end is read from what comes out."""
    tensor = args[0]
    seen, found, start = trace.of(tensor), [], 0
    differing = [d for d in range(tensor.ndim) if any(r.shape[d] != tensor.shape[d] for r in result)]
    if seen is None or not seen.shape or len(differing) > 1:
        return None
    # One part is the whole.
    if not differing:
        return [seen] * len(result)
    d = differing[0]
    axis = seen.axis(d)
    sizes = [r.shape[d] for r in result]
    if axis is None:
        return split_samples(trace, seen, result, sizes)
    if sum(sizes) != tensor.shape[d]:
        return None
    for size in sizes:
        made = part(trace, seen, axis, start, start + size, len(sizes) if len(set(sizes)) == 1 else 0)
        if made is None:
            return None
        found.append(made)
        start += size
    return found


def split_samples(trace: Any, seen: Seen, result: Any, sizes: Sequence[int]) -> Made:
    """Batches that stand one behind the other, or samples, each by itself."""
    found, start = [], 0
    for one, size in zip(result, sizes, strict=True):
        made = take_samples(trace, seen, start, start + size)
        made = made and made.arrange(tuple(one.shape), BATCH, trace.here.spot())
        if made is None:
            return None
        found.append(made)
        start += size
    return found


@translates("unbind", "input | dim", anywhere=True)
def unbind(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Every index of an axis by itself."""
    dim = given.get("dim", 0) % given["input"].ndim
    seen: Seen | None = trace.of(given["input"])
    if seen is None or not seen.shape:
        return None
    index: list[Any] = [slice(None)] * dim
    found = [take_index(trace, seen, [*index, i], one) for i, one in enumerate(result)]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else None


@translates("narrow", "input dim start length", anywhere=True)
def narrow(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """So many elements of an axis from one on."""
    seen: Seen | None = trace.of(given["input"])
    if seen is None or not seen.shape:
        return None
    axis = seen.axis(given["dim"] % result.ndim)
    if axis is None:
        return None
    start = given["start"] % seen.shape[axis]
    return part(trace, seen, axis, start, start + given["length"])


@translates("select", "input dim index", anywhere=True)
def select(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """One place of an axis, which is gone."""
    seen: Seen | None = trace.of(given["input"])
    dim = given["dim"] % given["input"].ndim
    return None if seen is None else take_index(trace, seen, [*[slice(None)] * dim, given["index"]], result)


@translates("slice", "input | dim start end step self", anywhere=True)
def slice_of_axis(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """As exported programs have it; an end beyond the axis is the axis's."""
    dim = given.get("dim", 0) % given["input"].ndim
    index = slice(given.get("start"), given.get("end"), given.get("step", 1))
    seen: Seen | None = trace.of(given["input"])
    return None if seen is None else take_index(trace, seen, [*[slice(None)] * dim, index], result)


@translates("getitem", "input index", anywhere=True)
def getitem(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """x[:, 0, ..., 1:5]; with one list of numbers, and no other index beside it, elements by their numbers."""
    index = given["index"] if isinstance(given["index"], tuple) else (given["index"],)
    seen: Seen | None = trace.of(given["input"])
    rank = given["input"].ndim
    if seen is None:
        return None
    # Not `... in index`, which would compare a tensor in it with the dots, element by element.
    at = next((place for place, i in enumerate(index) if i is ...), None)
    if at is not None:
        missing = rank - sum(i is not None and i is not ... for i in index)
        index = (*index[:at], *[slice(None)] * missing, *index[at + 1 :])
    listed = [dim for dim, i in enumerate(index) if not (i is None or isinstance(i, (int, slice)))]
    if len(listed) == 1 and all(i == slice(None) for dim, i in enumerate(index) if dim not in listed):
        return pick_along(trace, given["input"], listed[0], index[listed[0]])
    return None if listed else take_index(trace, seen, index, result)


def take_index(trace: Any, seen: Seen, index: Sequence[Any], result: Any) -> Seen | None:
    """Axis by axis a part of it, every s-th element, or one alone; then axes that are gone or new."""
    found: Seen | None = seen
    if not seen.shape:
        return None
    for dim, i in enumerate([i for i in index if i is not None]):
        axis = seen.axis(dim)
        if axis is None:
            first, last, step = i.indices(seen.lay_out(BATCH)[seen.lead]) if isinstance(i, slice) else (i, i + 1, 1)
            found = None if found is None or step != 1 else take_samples(trace, found, first, last)
            if found is not None and not isinstance(i, slice):
                found = drop_samples(found)
            continue
        n = seen.shape[axis]
        first, last, step = i.indices(n) if isinstance(i, slice) else (i % n, i % n + 1, 1)
        if step < 1 or last <= first:
            return None
        found = found and part(trace, found, axis, first, n if step > 1 else last)
        if step > 1:
            # A stride goes on to the end of the axis: a part that stops before is none.
            if found is None or last < n - step + 1:
                return None
            found = sample(trace, found, axis, step)
    # Axes that a number drops and None adds are all in the shape of what comes out.
    return found and found.arrange(tuple(result.shape), BATCH, trace.here.spot())


def drop_samples(seen: Seen) -> Seen | None:
    """One sample without its axis, which has one element."""
    return seen._replace(lead=-1) if seen.sample >= 0 and not seen.folded else None


def sample(trace: Any, seen: Seen, axis: int, step: int) -> Seen | None:
    """Every s-th element of an axis, which is the largest in a window of one. Not of the channels."""
    seen, (base,) = in_base(trace.b, seen, [axis], trace.here.place())
    # Windows do not move along the channels: another axis is taken for them meanwhile.
    if not base:
        seen = bring_first(trace, seen, next(i for i in range(len(seen.shape)) if i != axis))
        seen, (base,) = in_base(trace.b, seen, [axis], trace.here.place())
    rank = len(seen.base) - 1
    if rank > 3:
        return None
    strides = [step if i == base else 1 for i in range(1, rank + 1)]
    made = layer(trace, "maxpool", {"kernel": [1] * rank, "stride": strides}, [seen.value])
    return made and seen._replace(value=made.value, base=made.base)


@translates("roll", "input shifts | dims", anywhere=True)
def roll(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Axis by axis."""
    seen: Seen | None = trace.of(given["input"])
    dims = given.get("dims")
    if seen is None or not seen.shape or dims in (None, (), []):
        return None
    for shift, dim in zip(per_axis(given["shifts"], 1), per_axis(dims, 1), strict=True):
        axis = seen.axis(dim % result.ndim)
        if axis is None:
            return None
        seen, (base,) = in_base(trace.b, seen, [axis], trace.here.place())
        word = axis_word(base, len(seen.base))
        made = layer(trace, "roll", {"shift": shift, "axis": word}, [seen.value])
        if made is None:
            return None
        seen = seen._replace(value=made.value)
    return seen
