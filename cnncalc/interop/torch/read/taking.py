"""Elements of one axis: a part of them, or those that are named; or more around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.layouts import Seen, in_base, make_plain
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.making import layer
from cnncalc.interop.torch.read.table import NotReadError
from cnncalc.language import _

MOST_PICKED = 10_000  # elements of an axis that are named one by one


def part(trace: Any, seen: Seen, axis: int, start: int, stop: int, equal: int = 0) -> Seen | None:
    """Elements start up to stop of an axis; as one of `equal` parts of the channels, if there are so many."""
    if (start, stop) == (0, seen.shape[axis]):
        return seen
    if not 0 <= start < stop <= seen.shape[axis]:
        return None
    seen, (base,) = in_base(trace.b, seen, [axis], trace.here.place())
    made = cut(trace, seen.value, axis_word(base, len(seen.base)), start, stop, equal)
    return made and seen._replace(value=made.value, base=made.base)


def cut(trace: Any, value: int, axis: str, start: int, stop: int, equal: int = 0) -> Seen | None:
    """The layer that gives a part of an axis."""
    # People say that channels are split in two, and name the start and the end of anything else.
    if equal and axis in ("c", "0"):
        return layer(trace, "split", {"parts": equal, "part": start // (stop - start)}, [value])
    return layer(trace, "slice", {"range": (start, stop), "axis": axis}, [value])


def pick(trace: Any, seen: Seen, axis: int, indices: Sequence[int]) -> Seen | None:
    """Elements of one axis by their numbers."""
    n, chosen = seen.shape[axis], list(indices)
    if not chosen or not all(0 <= i < n for i in chosen):
        return None
    if chosen == list(range(chosen[0], chosen[-1] + 1)):
        return part(trace, seen, axis, chosen[0], chosen[-1] + 1)
    if len(chosen) > MOST_PICKED:
        raise NotReadError(_("it names more than {most:,} elements", most=MOST_PICKED))
    seen, (base,) = in_base(trace.b, seen, [axis], trace.here.place())
    word = axis_word(base, len(seen.base))
    # 0 1 2 0 1 2 of three elements is the axis twice.
    times = len(chosen) // n
    if chosen == list(range(n)) * times:
        made = layer(trace, "tile", {"times": times, "axis": word}, [seen.value])
    else:
        made = layer(trace, "take", {"indices": chosen, "axis": word}, [seen.value])
    return made and seen._replace(value=made.value, base=made.base)


def whole_numbers(trace: Any, thing: Any, length: int) -> list[int] | None:
    """The elements that a list, or a tensor of which the numbers are known, names; counted from the front."""
    if hasattr(thing, "ndim"):
        known = trace.known.read_fixed(thing)
        if thing.ndim != 1 or known is None or known.is_floating_point():
            return None
        thing = known.tolist()
    if not isinstance(thing, (list, tuple, range)) or not all(type(i) is int for i in thing):
        return None
    return [i + length if i < 0 else i for i in thing]


def pick_along(trace: Any, tensor: Any, dim: int, index: Any) -> Seen | None:
    """Elements along an axis of the other program, by known numbers."""
    seen: Seen | None = trace.of(tensor)
    if seen is None or not seen.shape:
        return None
    axis = seen.axis(dim % seen.rank)
    indices = None if axis is None else whole_numbers(trace, index, seen.shape[axis])
    return None if axis is None or indices is None else pick(trace, seen, axis, indices)


def turn_round(trace: Any, seen: Seen, dims: Sequence[int]) -> Seen | None:
    """The last element of some axes of torch first."""
    found: Seen | None = seen
    for dim in dims:
        axis = seen.axis(dim)
        found = None if axis is None or found is None else pick(trace, found, axis, range(seen.shape[axis])[::-1])
    return found


def bring_first(trace: Any, seen: Seen, axis: int) -> Seen:
    """The same value with this axis as the channels of the graph's own."""
    front, back = seen.first(axis, trace.here.inside())
    return make_plain(trace.b, front, trace.here.place()).permute(back, trace.here.inside())


def pad_axes(
    trace: Any, seen: Seen, axes: dict[int, tuple[int, int]], filled: dict[str, Any] | None = None
) -> Seen | None:
    """More elements around some axes, zeros unless `filled` says which."""
    if not axes:
        return seen
    seen, base = in_base(trace.b, seen, list(axes), trace.here.place())
    # `pad` goes around spatial axes only: one that is not padded has to be the channels meanwhile.
    if 0 in base:
        seen = bring_first(trace, seen, next(axis for axis in range(len(seen.shape)) if axis not in axes))
        seen, base = in_base(trace.b, seen, list(axes), trace.here.place())
    pairs = dict(zip(base, axes.values(), strict=True))
    lines = [pairs.get(axis, (0, 0)) for axis in range(1, len(seen.base))]
    # torch cuts by negative padding.
    cuts = [[max(0, -before), max(0, -after)] for before, after in lines]
    more = [[max(0, before), max(0, after)] for before, after in lines]
    for kind, name, found in (("crop", "cropping", cuts), ("pad", "padding", more)):
        if any(map(any, found)):
            made = layer(trace, kind, {name: found, **({} if kind == "crop" else filled or {})}, [seen.value])
            if made is None:
                return None
            seen = seen._replace(value=made.value, base=made.base)
    return seen
