"""Functions of torch that write into a tensor: what is left of it, with what is written between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.flow import address, geometry
from cnncalc.interop.torch.read.making import as_value, join
from cnncalc.interop.torch.read.samples import note_fill
from cnncalc.interop.torch.read.table import BATCH, Made, translates
from cnncalc.interop.torch.read.taking import part


@translates("setitem", "input index value", anywhere=True)
def setitem(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """What is left of the tensor, with the value between: a concatenation. Of one made empty, once it is full."""
    target, value = given["input"], trace.of(given["value"])
    if value is not None and value.sample >= 0:
        note_fill(trace, target[given["index"]], value)
        return []
    if any(seen is not None and not seen.plain for seen in (value, trace.of(target))):
        return None
    found = region(target, given["index"])
    before = recall(trace, target, given["index"])
    if before is None and len(found) > 1:
        before = of_zeros(trace, target)
    value = put_there(trace, given, found, before)
    # Places far apart, or a value that is stretched over the part.
    if value is None or not found:
        return None
    if before is not None:
        return insert(trace, before, value, found)
    if len(found) > 1:
        return None
    ((axis, start, stop),) = found
    # A tensor that is made empty is filled part by part, and known once it is full: a buffer for a join.
    if id(target) in trace.values.origins and id(target) not in trace.values.filling:
        return None  # something unknown is in it
    parts = trace.values.filling.setdefault(id(target), {})
    if any(key[0] != axis or (key[1] < stop and start < key[2] and key[1:] != (start, stop)) for key in parts):
        return None
    parts[axis, start, stop] = value
    ordered = sorted(parts)
    whole = ordered[0][1] == 0 and ordered[-1][2] == target.shape[axis]
    if not whole or any(one[2] != other[1] for one, other in pairwise(ordered)):
        return []
    # `region` counts the samples as axis 0, and `join` does not.
    return join(trace, [trace.values.filling[id(target)][key] for key in ordered], axis - 1)


def of_zeros(trace: Any, target: Any) -> Seen | None:
    """A tensor of zeros into which nothing was written before, as numbers that stand."""
    fresh = trace.flow.began_as_zero(target) and trace.values.writes.get(address(target)) == 1
    return as_value(trace, target, Seen(-1, tuple(target.shape[1:]))) if fresh else None


def put_there(trace: Any, given: dict[str, Any], found: Sequence[tuple[int, int, int]], before: Seen | None) -> Any:
    """What is written into a part of a tensor, with all of its axes. A number stands at every place of it."""
    target, number, value = given["input"], given["value"], trace.of(given["value"])
    sizes = list(target.shape)
    for axis, start, stop in found:
        sizes[axis] = stop - start
    if value is None:
        if before is None or not isinstance(number, (int, float)):
            return None
        return as_value(trace, trace.torch.empty(sizes, device="meta"), before)
    if tuple(number.shape) != tuple(target[given["index"]].shape):
        return None
    return value if list(number.shape) == sizes else value.arrange(sizes, BATCH, trace.here.inside())


def insert(trace: Any, before: Seen, value: Seen, region: Sequence[tuple[int, int, int]]) -> Seen | None:
    """A value in the place of a part of another, which is left around it: along one axis after the other."""
    if not region:
        return value
    (axis, start, stop), *others = region
    # Along the first axis: what stands in front, the part with the value put into it, what stands behind.
    size = before.shape[axis - 1]
    here = part(trace, before, axis - 1, start, stop) if others else before
    inside = here and insert(trace, here, value, others)
    sides = [part(trace, before, axis - 1, *ends) for ends in ((0, start), (stop, size)) if ends[0] < ends[1]]
    pieces = [*sides[: start > 0], inside, *sides[start > 0 :]]
    known = [piece for piece in pieces if piece is not None]
    return join(trace, known, axis - 1) if len(known) == len(pieces) else None


def region(target: Any, index: Any) -> list[tuple[int, int, int]]:
    """The axes along which an index takes a part, and from where up to where. Empty for any other index."""
    index = list(index) if isinstance(index, tuple) else [index]
    if not all(i is ... or isinstance(i, (int, slice)) for i in index):
        return []
    if ... in index:
        at = index.index(...)
        index[at : at + 1] = [slice(None)] * (target.ndim - len(index) + 1)
    found = []
    for axis, i in enumerate(index):
        start, stop, step = i.indices(target.shape[axis]) if isinstance(i, slice) else (i % target.shape[axis], 0, 1)
        stop = stop if isinstance(i, slice) else start + 1
        if step != 1:
            return []
        if (start, stop) != (0, target.shape[axis]):
            found.append((axis, start, stop))
    if not found:
        # All of a tensor, said by one axis behind the samples.
        return [(1, 0, target.shape[1])]
    return found if all(axis > 0 and start < stop for axis, start, stop in found) else []


def recall(trace: Any, target: Any, index: Any) -> Seen | None:
    """What a tensor was before a part of it is written; `y[:, :2] += x` has written that very part already."""
    if id(target) in trace.values.seen:
        seen: Seen = trace.of(target)
        return seen
    before, written = trace.values.dirty.get(id(target), (None, []))
    place = geometry(target[index])
    return before if all(geometry(over) == place for over in written) else None


@translates("copy", "input source | non_blocking", anywhere=True)
def copy(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """One tensor written over another of the same shape."""
    seen: Seen | None = trace.of(given["source"])
    if seen is None or tuple(given["input"].shape) != tuple(given["source"].shape):
        return None
    if seen.sample >= 0:
        note_fill(trace, given["input"], seen)
    return seen
