"""Functions of torch that bring elements of an axis elsewhere, or repeat them, and windows that are cut out as such."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.making import join, merge_seen, sizes_of
from cnncalc.interop.torch.read.reductions import over_axes
from cnncalc.interop.torch.read.table import BATCH, Made, NotReadError, translates
from cnncalc.interop.torch.read.taking import pad_axes, part, pick, pick_along, turn_round
from cnncalc.language import _

MOST_STEPS = 256  # of a sum that is read as one addition after the other


@translates("index_select", "input dim index", anywhere=True)
def index_select(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Elements of an axis by their numbers, which have to be known."""
    return pick_along(trace, given["input"], given["dim"], given["index"])


@translates("flip fliplr flipud", "", anywhere=True)
def flip(trace: Any, args: Any, result: Any) -> Made:
    """Axis by axis, the last element first."""
    seen: Seen | None = trace.of(args[0])
    dims = args[1] if len(args) == 2 and isinstance(args[1], (list, tuple)) else args[1:]
    if seen is None or not seen.shape or not dims:
        return None
    return turn_round(trace, seen, [dim % seen.rank for dim in dims])


@translates("rot90", "input | k dims", anywhere=True)
def rot90(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """By quarters of a turn, from the first of two axes to the second."""
    seen: Seen | None = trace.of(given["input"])
    turns, dims = given.get("k", 1) % 4, given.get("dims", (0, 1))
    if seen is None or not seen.shape:
        return None
    one, other = (dim % seen.rank for dim in dims)
    # A quarter of a turn is one axis backwards, then both exchanged.
    backwards = {0: (), 1: (other,), 2: (one, other), 3: (one,)}[turns]
    found = turn_round(trace, seen, backwards)
    order = list(range(seen.rank))
    if turns % 2:
        order[one], order[other] = other, one
    return found and found.reorder(order, trace.here.inside())


@translates("cumsum", "input dim", anywhere=True)
def cumsum(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Each element of an axis plus the sum up to there: one addition after the other."""
    seen: Seen | None = trace.of(given["input"])
    axis = None if seen is None or not seen.shape else seen.axis(given["dim"] % seen.rank)
    if seen is None or axis is None:
        return None
    # A prefix sum is no kind: written out it says what is added, and a long axis would be a network of its own.
    n = seen.shape[axis]
    if n > MOST_STEPS:
        raise NotReadError(_("it would be {count:,} additions, one after the other", count=n))
    sums = [part(trace, seen, axis, 0, 1)]
    for i in range(1, n):
        step = part(trace, seen, axis, i, i + 1)
        before = sums[-1]
        sums.append(merge_seen(trace, "add", [before, step]) if before and step else None)
    known = [one for one in sums if one is not None]
    return join(trace, known, axis) if len(known) == n else None


@translates("repeat tile", "", anywhere=True)
def repeat(trace: Any, args: Any, result: Any) -> Made:
    """Axes as a whole, several times."""
    seen: Seen | None = trace.of(args[0])
    times = list(args[1] if len(args) == 2 and isinstance(args[1], (list, tuple)) else args[1:])
    if seen is None or not seen.shape or len(times) > seen.rank:
        return None
    times = [1] * (seen.rank - len(times)) + times
    found: Seen | None = seen
    for dim, count in enumerate(times):
        axis = seen.axis(dim)
        if count == 1:
            continue
        if axis is None or found is None:
            return None
        found = pick(trace, found, axis, list(range(seen.shape[axis])) * count)
    return found


@translates("repeat_interleave", "input repeats | dim output_size", anywhere=True)
def repeat_interleave(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Each element of an axis several times."""
    seen: Seen | None = trace.of(given["input"])
    repeats, dim = given["repeats"], given.get("dim")
    given.get("output_size")  # what comes out has it
    if seen is None or not seen.shape or dim is None or type(repeats) is not int:
        return None
    axis = seen.axis(dim % seen.rank)
    if axis is None:  # each sample several times: as if it had as many windows, all alike
        if not seen.plain:
            return None
        found = pick(trace, seen.reshape((1, *seen.shape), trace.here.inside()), 0, [0] * repeats)
        return found and found._replace(folded=1)
    return pick(trace, seen, axis, [i for i in range(seen.shape[axis]) for _again in range(repeats)])


# --- windows


@translates("unfold", "input | kernel_size dilation padding stride dimension size step", anywhere=True)
def unfold(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """F.unfold: the windows of a map as columns. Tensor.unfold: those of one axis, their elements behind all axes."""
    seen: Seen | None = trace.of(given["input"])
    if seen is None or not seen.shape:
        return None
    # Both are called unfold: the method adds an axis, the function does not.
    if result.ndim != given["input"].ndim + 1:
        return columns(trace, seen, given, result)
    asked = (("dimension", "kernel_size"), ("size", "dilation"), ("step", "padding"))  # by name, or in order
    dim, size, step = (int(given.get(name, given.get(other)) or 0) for name, other in asked)
    dim %= result.ndim - 1
    axis = seen.axis(dim)
    if axis is None:
        return None
    found = windows(trace, seen, dim, axis, (size, step, 1))
    order = [*range(dim + 1), *range(dim + 2, result.ndim), dim + 1]
    return found and found.reorder(order, trace.here.inside())


def windows(trace: Any, seen: Seen, dim: int, axis: int, move: tuple[int, int, int]) -> Seen | None:
    """An axis as two: the windows, and the elements of each, of a size, by a step, so far apart."""
    size, step, apart = move
    shape = list(seen.lay_out(BATCH))
    starts = range(0, seen.shape[axis] - apart * (size - 1), step)
    found = pick(trace, seen, axis, [start + apart * i for start in starts for i in range(size)])
    return found and found.arrange([*shape[:dim], len(starts), size, *shape[dim + 1 :]], BATCH, trace.here.inside())


def of_windows(given: dict[str, Any], rank: int) -> list[tuple[int, int, int, int]]:
    """Size, stride, dilation and padding of a window, axis by axis."""
    asked = (("kernel_size", 1), ("stride", 1), ("dilation", 1), ("padding", 0))
    return list(zip(*(sizes_of(given.get(name, usual), rank) for name, usual in asked), strict=True))


def columns(trace: Any, seen: Seen, given: dict[str, Any], result: Any) -> Seen | None:
    """(N, C, H, W) to (N, C k k, windows): element by element of a window, channel by channel."""
    if not seen.plain or len(seen.shape) != 3:
        return None
    moves = of_windows(given, 2)
    found = pad_axes(trace, seen, {1 + i: (p, p) for i, (*_others, p) in enumerate(moves) if p})
    for i, (k, s, d, _p) in enumerate(moves):
        dim = 2 + 2 * i  # the axis before has become two
        found = found and windows(trace, found, dim, dim - 1, (k, s, d))
    # From (N, C, windows down, k, windows across, k) to (N, C, k, k, windows down, windows across).
    found = found and found.reorder([0, 1, 3, 5, 2, 4], trace.here.inside())
    return found and found.arrange(tuple(result.shape), BATCH, trace.here.inside())


@translates("fold", "input output_size kernel_size | dilation padding stride", anywhere=True)
def fold(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """(N, C k k, windows) to (N, C, H, W): what windows have at one place is added up.

    Axis by axis: at each place of a map the elements of windows that land there, with zeros where there are fewer than
    elsewhere, one behind the other; then their sum.
    """
    seen: Seen | None = trace.of(given["input"])
    if seen is None or not seen.plain or len(seen.shape) != 2 or result.ndim != 4:
        return None
    moves, sizes = of_windows(given, 2), sizes_of(given["output_size"], 2)
    counts = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, (k, s, d, p) in zip(sizes, moves, strict=True)]
    kernel = [k for k, *_rest in moves]
    c = seen.shape[0] // prod(kernel)
    place = trace.here.inside()
    found = seen.arrange((BATCH, c, *kernel, *counts), BATCH, place)
    found = found and found.reorder([0, 1, 2, 4, 3, 5], place)
    found = found and found.arrange((BATCH, c, kernel[0] * counts[0], kernel[1] * counts[1]), BATCH, place)
    for axis, (n, m, (k, s, d, p)) in enumerate(zip(sizes, counts, moves, strict=True), start=1):
        landing: list[list[int]] = [[] for _place in range(n)]
        for tap in range(k):
            for window in range(m):
                at = window * s + tap * d - p
                if 0 <= at < n:
                    # The joined axis counts taps, and windows within each: element tap * m + window.
                    landing[at].append(tap * m + window)
        most = max(map(len, landing))
        zero = k * m  # an element of zeros behind the others
        if found is not None and any(len(places) < most for places in landing):
            found = pad_axes(trace, found, {axis: (0, 1)})
        found = found and pick(trace, found, axis, [i for at in landing for i in at + [zero] * (most - len(at))])
        if found is None:
            return None
        shape = list(found.lay_out(BATCH))
        apart = found.arrange([*shape[: axis + 1], n, most, *shape[axis + 2 :]], BATCH, place)
        summed = apart and over_axes(trace, apart, "reduce_sum", [axis + 1])
        found = summed and summed.arrange([*shape[: axis + 1], n, *shape[axis + 2 :]], BATCH, place)
    return found
