"""Functions of torch that bring axes down to one element: sums, means, extremes, norms."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.arithmetic import merged_values
from cnncalc.interop.torch.read.making import along, layer, wide
from cnncalc.interop.torch.read.table import Made, translates
from cnncalc.layers.options import SPATIAL


@translates("mean", "input | dim keepdim dtype")
def mean(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return reduced(trace, given, "reduce_mean", {}, "global_avgpool")


@translates("sum", "input | dim keepdim dtype")
def total(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return reduced(trace, given, "reduce_sum")


@translates("amax", "input | dim keepdim")
def amax(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return reduced(trace, given, "reduce_max", {}, "global_maxpool")


@translates("amin", "input | dim keepdim")
def amin(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return reduced(trace, given, "reduce_min")


@translates("max", "input | dim keepdim")
def largest(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Of two maps; or along an axis, and where it stands, which is not known."""
    other = given.get("dim")
    if trace.of(other):
        return merged_values(trace, "maximum", (given["input"], other))
    made = reduced(trace, given, "reduce_max") if type(other) is int else None
    return [made] if isinstance(made, Seen) else None


@translates("norm linalg_vector_norm", "input | p dim keepdim dtype ord")
def norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    order = given.get("p", given.get("ord", 2))
    return reduced(trace, given, "reduce_norm", {"order": int(order)}) if order in (1, 2) else None


@translates("normalize", "input | p dim eps out")
def normalize(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over the norm along an axis, which is kept above a small number."""
    order, dim = given.get("p", 2.0), given.get("dim", 1)
    if order not in (1, 2) or type(dim) is not int:
        return None
    options = {"dim": dim, "keepdim": True}
    length = reduced(trace, {"input": given["input"], **options}, "reduce_norm", {"order": int(order)})
    if not isinstance(length, Seen):
        return None
    least = layer(trace, "clamp", {"low": float(given.get("eps", 1e-12))}, [length.value])
    if least is None:
        return None
    return layer(trace, "divide", {}, [trace.settled(given["input"]), least.value])


def reduced(
    trace: Any, given: dict[str, Any], kind: str, options: dict[str, Any] | None = None, over_places: str = ""
) -> Made:
    """Axes brought down to one element each. `over_places`: the kind that is meant where one axis is left."""
    seen, dims = trace.of(given["input"]), given.get("dim")
    if seen is None or dims is None or dims == ():
        return None
    rank = len(seen.shape)
    over = sorted({(d % (rank + 1)) - 1 for d in wide(dims, 1)})
    kept = [axis for axis in range(rank) if axis not in over]
    if -1 in over or (not kept and not given.get("keepdim")):
        return None  # over the samples too, or a number for each of them
    if over_places and len(kept) == 1 and rank > 1:
        made = along(trace, seen, kept[0], lambda value: layer(trace, over_places, {}, [value]))
    else:
        letters = "c" + SPATIAL.get(rank, "")
        axes = "".join(letters[a] for a in over) if len(letters) == rank else ",".join(map(str, over))
        made = layer(trace, kind, {"axes": axes, **(options or {})}, [trace.settled(given["input"])])
    if made is None or given.get("keepdim"):
        return made
    return made.reshaped(tuple(seen.shape[axis] for axis in kept), trace.inside())
