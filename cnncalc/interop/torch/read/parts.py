"""Functions of torch that take a part of a map, put more around it, or stretch it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cnncalc.interop.layouts import Seen, in_base
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.flow import address, geometry
from cnncalc.interop.torch.read.folded import by_channel
from cnncalc.interop.torch.read.making import as_value, join, layer, per_axis
from cnncalc.interop.torch.read.samples import note_fill, take_samples
from cnncalc.interop.torch.read.table import BATCH, Made, translates
from cnncalc.interop.torch.read.taking import bring_first, pad_axes, part, pick_along


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


# --- writing into a tensor


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


# --- more around it


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
