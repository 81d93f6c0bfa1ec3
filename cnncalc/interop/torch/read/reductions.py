"""Functions of torch that bring axes down to one element: means, sums, extremes and norms."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, in_base
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.arithmetic import merge_values
from cnncalc.interop.torch.read.making import along, apply, layer, merge_seen, whole
from cnncalc.interop.torch.read.table import BATCH, Handler, Made, NotReadError, translates
from cnncalc.language import _


def reduce(kind: str, pooling: str = "") -> Handler:
    """The handler of a reduction; `pooling` is its kind where it is over all places and leaves the channels."""

    def handle(trace: Any, given: dict[str, Any], result: Any, value: Seen | None = None) -> Made:
        seen, dims = value or trace.of(given["input"]), given.get("dim")
        if seen is None or dims is None or not seen.shape or not hasattr(result, "shape"):
            return None
        over = find_axes(seen, dims)
        if over is None:
            return None
        kept = [axis for axis in range(len(seen.shape)) if axis not in over]
        # Over all places of a map, whatever the layout: the pooling that people know it by.
        if pooling and len(kept) == 1 and seen.plain and 1 < len(seen.shape) <= 4:
            made = along(trace, seen, kept[0], lambda value: layer(trace, pooling, {}, [value]))
        else:
            made = over_axes(trace, seen, kind, over)
        return made and made.arrange(tuple(result.shape), BATCH, trace.here.inside())

    return handle


def find_axes(seen: Seen, dims: Any) -> list[int] | None:
    """Axes of torch, one or several, as those of a value; None where the samples are among them."""
    found = [seen.axis(dim % seen.rank) for dim in (dims if isinstance(dims, (tuple, list)) else [dims])]
    known = [axis for axis in found if axis is not None]
    return known if len(known) == len(found) else None


def over_axes(trace: Any, seen: Seen, kind: str, axes: list[int], **options: Any) -> Seen | None:
    """A reduction over axes as they are seen; they stay with one element."""
    seen, base = in_base(trace.b, seen, axes, trace.here.place())
    words = "".join(axis_word(axis, len(seen.base)) for axis in sorted(base))
    made = layer(trace, kind, {"axes": words, **options}, [seen.value])
    return made and seen._replace(value=made.value, base=made.base)


for _words, _signature, _kind, _pooling in (
    ("mean", "input | dim keepdim dtype", "reduce_mean", "global_avgpool"),
    ("amax", "input | dim keepdim", "reduce_max", "global_maxpool"),
    ("amin", "input | dim keepdim", "reduce_min", ""),
    ("sum", "input | dim keepdim dtype", "reduce_sum", ""),
):
    translates(_words, _signature, anywhere=True)(reduce(_kind, _pooling))


def extreme(reduction: str, merge: str) -> Handler:
    """The handler of the largest, or least: of two maps; or along an axis, and where it stands, which is not known."""

    def handle(trace: Any, given: dict[str, Any], result: Any) -> Made:
        other = given.get("dim")
        if trace.of(other):
            return merge_values(trace, merge, given["input"], other)
        if type(other) is not int or not hasattr(result, "values"):
            return None
        # The places stay unknown: who reads them is told so.
        made = reduce(reduction)(trace, given, result.values)
        return [made] if isinstance(made, Seen) else None

    return handle


translates("max", "input | dim keepdim", anywhere=True)(extreme("reduce_max", "maximum"))
translates("min", "input | dim keepdim", anywhere=True)(extreme("reduce_min", "minimum"))


@translates("aminmax", "input | dim keepdim", anywhere=True)
def both_extremes(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The least and the largest along an axis."""
    low, high = (reduce(kind)(trace, given, result[i]) for i, kind in enumerate(("reduce_min", "reduce_max")))
    return [low, high] if isinstance(low, Seen) and isinstance(high, Seen) else None


@translates("norm linalg_vector_norm vector_norm", "input | p dim keepdim dtype ord", anywhere=True)
def norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The p-norm over some axes, p a whole number."""
    seen, dims, p = trace.of(given["input"]), given.get("dim"), given.get("ord", given.get("p", 2))
    if seen is None or dims is None or not seen.shape or p not in (1, 2, 3, 4, "fro"):
        return None
    over = find_axes(seen, dims)
    if over is None:
        return None
    order = 2 if p == "fro" else int(p)
    made = over_axes(trace, seen, "reduce_norm", over, order=None if order == 2 else order)
    return made and made.arrange(tuple(result.shape), BATCH, trace.here.inside())


@translates("normalize", "input | p dim eps", anywhere=True)
def normalize(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """x over its norm along one axis, which is at least epsilon."""
    seen, dim = trace.of(given["input"]), given.get("dim", 1)
    if seen is None or not seen.shape or given.get("p", 2.0) != 2 or seen.axis(dim % seen.rank) is None:
        return None
    # Epsilon is the least length, not one that is added.
    length = over_axes(trace, seen, "reduce_norm", [seen.axis(dim % seen.rank)])
    kept = length and layer(trace, "clamp", {"low": given.get("eps", 1e-12)}, [length.value])
    if kept is None:
        return None
    # Both sides of the division must lie as the norm does, which was made of the base.
    seen, _axes = in_base(trace.b, seen, [], trace.here.place())
    made = layer(trace, "divide", {}, [seen.value, kept.value])
    return made and seen._replace(value=made.value)


def spread(*, root: bool) -> Handler:
    """The handler of the variance over some axes, or of its root: of differences to the mean, squared."""

    def handle(trace: Any, given: dict[str, Any], result: Any) -> Made:
        seen, dims = trace.of(given["input"]), given.get("dim")
        unbiased = given.get("unbiased", True)
        if type(dims) is bool:  # the first argument may be this
            return None
        correction = given.get("correction", 1 if unbiased else 0)
        if seen is None or dims is None or not seen.shape or not hasattr(result, "shape"):
            return None
        axes = find_axes(seen, dims)
        if axes is None:
            return None
        # torch divides by n - 1 unless told otherwise: a mean of n, times n / (n - 1).
        count = prod(seen.shape[axis] for axis in axes)
        mean = over_axes(trace, seen, "reduce_mean", axes)
        away = mean and merge_seen(trace, "subtract", [seen, mean])
        squares = away and apply(trace, away, "square")
        found = squares and over_axes(trace, squares, "reduce_mean", axes)
        if found and correction:
            if correction >= count:
                raise NotReadError(_("there are no more numbers than its correction"))
            found = apply(trace, found, "rescale", {"factor": count / (count - correction)})
        if found and root:
            found = apply(trace, found, "sqrt")
        return found and found.arrange(tuple(result.shape), BATCH, trace.here.inside())

    return handle


translates("std", "input | dim unbiased keepdim correction", anywhere=True)(spread(root=True))
translates("var", "input | dim unbiased keepdim correction", anywhere=True)(spread(root=False))


def with_mean(*, root: bool) -> Handler:
    """The handler of the variance, or its root, and the mean."""

    def handle(trace: Any, given: dict[str, Any], result: Any) -> Made:
        found = spread(root=root)(trace, given, result[0]), reduce("reduce_mean")(trace, given, result[1])
        return [one for one in found if isinstance(one, Seen)] if all(isinstance(one, Seen) for one in found) else None

    return handle


translates("std_mean", "input | dim unbiased keepdim correction", anywhere=True)(with_mean(root=True))
translates("var_mean", "input | dim unbiased keepdim correction", anywhere=True)(with_mean(root=False))


@translates("logsumexp", "input dim | keepdim", anywhere=True)
def logsumexp(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The logarithm of a sum of exponentials."""
    seen = trace.of(given["input"])
    if seen is None or not seen.shape:
        return None
    # torch takes the largest off first and adds it in the end: the same number, safe from overflow.
    made = reduce("reduce_sum")(
        trace, {"input": given["input"], "dim": given["dim"]}, result, apply(trace, seen, "exp")
    )
    return apply(trace, made, "log") if isinstance(made, Seen) else None


@translates("rms_norm", "input normalized_shape | weight eps", anywhere=True)
def rms_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """x over the root of the mean of its squares, over the last axes, times trained numbers."""
    seen, weight = trace.of(given["input"]), given.get("weight")
    count = len(given["normalized_shape"])
    epsilon = given.get("eps")
    if seen is None or not seen.shape or not whole(trace, weight):
        return None
    axes = [seen.axis(dim) for dim in range(seen.rank - count, seen.rank)]
    known = [axis for axis in axes if axis is not None]
    if len(known) < count:
        return None
    if epsilon is None:
        # What torch takes where none is said: 1.2e-07 of float32, not the 1e-05 of its other norms.
        epsilon = trace.torch.finfo(given["input"].dtype).eps
    options: dict[str, Any] = {"affine": weight is not None, "epsilon": float(epsilon)}
    if count == 1:  # whichever axis it is, as channels: as a layer norm is read
        return along(trace, seen, known[0], lambda value: layer(trace, "rmsnorm", options, [value], (weight,)))
    seen, base = in_base(trace.b, seen, known, trace.here.place())
    options["axes"] = "".join(axis_word(axis, len(seen.base)) for axis in sorted(base))
    made = layer(trace, "rmsnorm", options, [seen.value], (weight,))
    return made and seen._replace(value=made.value)
