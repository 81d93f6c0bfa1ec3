"""Functions of torch that take a part of a map, put more around it, or stretch it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.making import along, joined, layer, wide
from cnncalc.interop.torch.read.table import Made, translates
from cnncalc.layers.options import SPATIAL


def part(trace: Any, seen: Seen, axis: int, start: int, stop: int, equal: int = 0) -> Seen | None:
    """Elements start up to stop of an axis; as one of `equal` parts of the channels, if there are so many."""
    letters = "c" + SPATIAL.get(len(seen.shape), "")
    n = seen.shape[axis]
    if (start, stop) == (0, n):
        return seen
    if len(letters) != len(seen.shape) or not 0 <= start < stop <= n:
        return None
    if [move.kind for move in seen.moves] == ["permute"]:
        made = cut(trace, seen.value, letters[seen.moves[0].sizes[axis]], start, stop, equal)
        return None if made is None else made._replace(moves=seen.moves)
    if seen.moves:
        return along(trace, seen, axis, lambda value: cut(trace, value, "c", start, stop, equal))
    return cut(trace, seen.value, letters[axis], start, stop, equal)


def cut(trace: Any, value: int, axis: str, start: int, stop: int, equal: int = 0) -> Seen | None:
    if equal and axis == "c":
        return layer(trace, "split", {"parts": equal, "part": start // (stop - start)}, [value])
    return layer(trace, "slice", {"range": f"{start}:{stop}", "axis": axis}, [value])


@translates("chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split", "")
def split(trace: Any, args: Any, result: Any) -> Made:
    """Where the parts begin and end is read from what comes out."""
    tensor = args[0]
    seen, found, start = trace.of(tensor), [], 0
    differing = [d for d in range(tensor.ndim) if any(r.shape[d] != tensor.shape[d] for r in result)]
    if seen is None or not seen.shape or len(differing) > 1 or differing == [0]:
        return None
    if not differing:
        return [seen] * len(result)
    d = differing[0]
    sizes = [r.shape[d] for r in result]
    if sum(sizes) != tensor.shape[d]:
        return None
    for size in sizes:
        made = part(trace, seen, d - 1, start, start + size, len(sizes) if len(set(sizes)) == 1 else 0)
        if made is None:
            return None
        found.append(made)
        start += size
    return found


@translates("narrow", "input dim start length")
def narrow(trace: Any, given: dict[str, Any], result: Any) -> Made:
    seen: Seen | None = trace.of(given["input"])
    axis = given["dim"] % result.ndim - 1
    if seen is None or not seen.shape or axis < 0:
        return None
    start = given["start"] % seen.shape[axis]
    return part(trace, seen, axis, start, start + given["length"])


@translates("select", "input dim index")
def select(trace: Any, given: dict[str, Any], result: Any) -> Made:
    seen: Seen | None = trace.of(given["input"])
    axis = given["dim"] % given["input"].ndim - 1
    return None if seen is None or axis < 0 else indexed(trace, seen, [*[slice(None)] * axis, given["index"]], result)


@translates("getitem", "input index")
def getitem(trace: Any, given: dict[str, Any], result: Any) -> Made:
    index = given["index"] if isinstance(given["index"], tuple) else (given["index"],)
    seen: Seen | None = trace.of(given["input"])
    rank = given["input"].ndim
    if seen is None or not all(i is None or i is ... or isinstance(i, (int, slice)) for i in index):
        return None
    if ... in index:
        at = index.index(...)
        missing = rank - sum(i is not None and i is not ... for i in index)
        index = (*index[:at], *[slice(None)] * missing, *index[at + 1 :])
    if not index or index[0] != slice(None):
        return None
    return indexed(trace, seen, index[1:], result)


def indexed(trace: Any, seen: Seen, index: Sequence[Any], result: Any) -> Made:
    """Axis by axis a part of it, every s-th element, or one alone; then axes that are gone or new."""
    found: Seen | None = seen
    axis = 0
    for i in index:
        if i is None:
            continue
        n = seen.shape[axis]
        first, last, step = i.indices(n) if isinstance(i, slice) else (i % n, i % n + 1, 1)
        if step < 1 or last <= first:
            return None
        found = found and part(trace, found, axis, first, n if step > 1 else last)
        if step > 1:
            if found is None or axis == 0 or last < n - step + 1:
                return None
            strides = [step if a == axis else 1 for a in range(1, len(found.shape))]
            found = sampled(trace, found, strides)
        axis += 1
    if found is None or not seen.shape or result.ndim < 2 or result.shape[0] != 2:
        return None
    return found.reshaped(tuple(result.shape[1:]), trace.spot())


def sampled(trace: Any, seen: Seen, strides: list[int]) -> Seen | None:
    """Every s-th element of an axis, which is the largest in a window of one."""
    return layer(
        trace, "maxpool", {"kernel": [1] * len(strides), "stride": strides}, [settle(trace.b, seen, trace.place())]
    )


# --- writing into a tensor


@translates("setitem", "input index value")
def setitem(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """What is left of the tensor, with the value between: a concatenation. Of one made empty, once it is full."""
    target, value = given["input"], trace.of(given["value"])
    found = region(target, given["index"])
    if value is None or found is None or tuple(given["value"].shape) != tuple(target[given["index"]].shape):
        return None  # a constant, places far apart, or a value that is stretched over them
    axis, start, stop = found
    before = known_before(trace, target, given["index"])
    if before is not None:
        sides = [
            part(trace, before, axis - 1, *ends)
            for ends in ((0, start), (stop, target.shape[axis]))
            if ends[0] < ends[1]
        ]
        if not all(sides):
            return None
        pieces = [*sides[: start > 0], value, *sides[start > 0 :]]
        return joined(trace, pieces, axis - 1)
    if id(target) in trace.origins and id(target) not in trace.filling:
        return None  # something unknown is in it
    parts = trace.filling.setdefault(id(target), {})
    if any(key[0] != axis or (key[1] < stop and start < key[2] and key[1:] != (start, stop)) for key in parts):
        return None
    parts[axis, start, stop] = value
    ordered = sorted(parts)
    whole = ordered[0][1] == 0 and ordered[-1][2] == target.shape[axis]
    if not whole or any(one[2] != other[1] for one, other in pairwise(ordered)):
        return []
    return joined(trace, [trace.filling[id(target)][key] for key in ordered], axis - 1)


def region(target: Any, index: Any) -> tuple[int, int, int] | None:
    """The axis along which an index takes a part, and from where up to where. None for any other index."""
    index = list(index) if isinstance(index, tuple) else [index]
    if not all(i is ... or isinstance(i, (int, slice)) for i in index):
        return None
    if ... in index:
        at = index.index(...)
        index[at : at + 1] = [slice(None)] * (target.ndim - len(index) + 1)
    found = []
    for axis, i in enumerate(index):
        start, stop, step = i.indices(target.shape[axis]) if isinstance(i, slice) else (i, i + 1, 0)
        if step != 1:
            return None
        if (start, stop) != (0, target.shape[axis]):
            found.append((axis, start, stop))
    if not found:
        return 1, 0, target.shape[1]
    return found[0] if len(found) == 1 and found[0][0] > 0 and found[0][1] < found[0][2] else None


def known_before(trace: Any, target: Any, index: Any) -> Seen | None:
    """What a tensor was before a part of it is written; `y[:, :2] += x` has written that very part already."""
    if id(target) in trace.seen:
        seen: Seen = trace.of(target)
        return seen
    before, written = trace.dirty.get(id(target), (None, []))
    place = geometry(target[index])
    return before if all(geometry(over) == place for over in written) else None


def geometry(tensor: Any) -> tuple[Any, ...]:
    return tensor.storage_offset(), tuple(tensor.shape), tensor.stride()


@translates("copy", "input source | non_blocking")
def copy(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """One tensor written over another of the same shape."""
    alike = tuple(given["input"].shape) == tuple(given["source"].shape)
    return trace.of(given["source"]) if alike else None


# --- more around it


@translates("pad", "input pad | mode value")
def pad(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Around the spatial axes. What is negative is cut off."""
    widths = list(given["pad"])
    sides = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
    rank = given["input"].ndim - 2
    while sides and sides[-1] == (0, 0):
        sides.pop()
    if trace.of(given["input"]) is None or len(sides) > rank or rank < 1:
        return None
    if not sides:
        return trace.of(given["input"])
    sides = [*reversed([*sides, *[(0, 0)] * (rank - len(sides))])]
    mode = given.get("mode", "constant")
    if mode == "constant" and given.get("value") == float("-inf") and all(min(pair) >= 0 for pair in sides):
        seen: Seen = trace.of(given["input"])
        return None if seen.around else seen._replace(around=tuple(sides))
    value = trace.settled(given["input"])
    cuts = [[max(0, -before), max(0, -after)] for before, after in sides]
    made: Seen | None = None
    if any(map(any, cuts)):
        made = layer(trace, "crop", {"cropping": cuts}, [value])
        value = made.value if made else value
    widths = [[max(0, before), max(0, after)] for before, after in sides]
    if any(map(any, widths)):
        made = layer(trace, "pad", {"padding": widths, "mode": mode, "value": float(given.get("value") or 0)}, [value])
    return made


MODES = {
    "nearest": "nearest", "nearest-exact": "nearest_exact", "linear": "bilinear", "bilinear": "bilinear",
    "trilinear": "bilinear", "bicubic": "bicubic",
}  # fmt: skip


@translates(
    "interpolate upsample upsample_nearest upsample_bilinear",
    "input | size scale_factor mode align_corners recompute_scale_factor antialias",
)
def interpolate(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """By whole factors between half-pixel centres, or to a size. A factor that leaves a rest reads elsewhere."""
    before, after = given["input"].shape[2:], result.shape[2:]
    mode, corners = given.get("mode", "nearest"), bool(given.get("align_corners"))
    if trace.of(given["input"]) is None or given.get("antialias"):
        return None
    if before == after:
        return trace.of(given["input"])
    value = trace.settled(given["input"])
    if mode == "area":
        return layer(trace, "adaptive_avgpool", {"size": list(after)}, [value])
    exact = given.get("size") is not None or whole_factors(given.get("scale_factor"), before, after)
    if mode not in MODES or not exact:
        return None
    if not corners and mode != "nearest-exact" and not any(m % n for m, n in zip(after, before, strict=True)):
        factors = [m // n for m, n in zip(after, before, strict=True)]
        return layer(trace, "upsample", {"factor": factors, "mode": MODES[mode]}, [value])
    options = {"size": list(after), "mode": MODES[mode], "align_corners": corners}
    return layer(trace, "resample", options, [value])


def whole_factors(factor: Any, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether sizes times their factors are the sizes that come out, without a rest."""
    factors = list(factor) if isinstance(factor, (list, tuple)) else [factor] * len(before)
    return all(f is not None and n * f == m for f, n, m in zip(factors, before, after, strict=True))


@translates("roll", "input shifts | dims")
def roll(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Axis by axis; without axes all elements move on as one row, which is no kind."""
    if given.get("dims") is None or given["dims"] == ():
        return None
    value, rank = trace.settled(given["input"]), result.ndim
    for shift, dim in zip(wide(given["shifts"], 1), wide(given["dims"], 1), strict=True):
        if dim % rank == 0:
            return None
        made = layer(trace, "roll", {"axis": str(dim % rank - 1), "shift": shift}, [value])
        if made is None:
            return None
        value = made.value
    return Seen(value, trace.b.shape(value))


@translates("unbind", "input | dim")
def unbind(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Each element of an axis by itself."""
    seen = trace.of(given["input"])
    axis = given.get("dim", 0) % given["input"].ndim - 1
    if axis < 0 or not seen.shape or len(seen.shape) < 2:
        return None
    found = [part(trace, seen, axis, i, i + 1, seen.shape[axis]) for i in range(seen.shape[axis])]
    left = (*seen.shape[:axis], *seen.shape[axis + 1 :])
    whole = [one for one in found if one is not None]
    return [one.reshaped(left, trace.inside()) for one in whole] if len(whole) == len(found) else None
