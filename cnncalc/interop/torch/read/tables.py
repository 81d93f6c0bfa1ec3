"""Functions of torch that look numbers up in a table by what enters."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.torch.read.making import layer, whole
from cnncalc.interop.torch.read.reductions import over_axes
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.language import _

# aten gives the mode as a number.
POOLED = {
    "sum": "reduce_sum",
    "mean": "reduce_mean",
    "max": "reduce_max",
    0: "reduce_sum",
    1: "reduce_mean",
    2: "reduce_max",
}


@translates("long int", "", anywhere=True)
def as_index(trace: Any, args: Any, result: Any) -> Made:
    """What enters the network as whole numbers, or is 1 or 0, stays what it is; others would lose a part."""
    seen: Seen | None = trace.of(args[0])
    if seen is None or (seen.value >= len(trace.b.inputs) and args[0].is_floating_point()):
        return None
    return seen


def look_up(trace: Any, seen: Seen, weight: Any) -> Seen | None:
    """A row of a table for each index, behind all axes of the indices."""
    if not seen.shape or not whole(trace, weight):
        return None
    size, dim = weight.shape
    places = seen.shape
    flat = make_plain(trace.b, seen.reshape((prod(places),), trace.here.inside()), trace.here.place())
    made = layer(trace, "embedding", {"dim": dim, "size": size}, [flat.value], (weight,))
    # The layer gives (dim, indices), channels in front; torch has them behind.
    return made and made.permute((1, 0)).reshape((*places, dim), trace.here.inside())._replace(**seen.place)


@translates("embedding", "input weight | padding_idx max_norm norm_type scale_grad_by_freq sparse", anywhere=True)
def embedding(trace: Any, given: dict[str, Any], result: Any) -> Made:
    seen = trace.of(given["input"])
    given.get("padding_idx"), given.get("norm_type")  # of training, and of a norm that none is cut to
    return None if seen is None else look_up(trace, seen, given["weight"])


@translates(
    "embedding_bag",
    "input weight | offsets max_norm norm_type scale_grad_by_freq mode sparse per_sample_weights include_last_offset"
    " padding_idx",
    anywhere=True,
)
def embedding_bag(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The rows of all indices of a sample as one: their sum, mean or largest."""
    tensor, weight = given["input"], given["weight"]
    seen = trace.of(tensor)
    mode = given.get("mode", "mean")
    given.get("norm_type")
    if seen is None or not seen.plain or len(seen.shape) != 1 or given.get("include_last_offset"):
        raise NotReadError(_("each sample is one bag of as many indices"))
    rows = look_up(trace, seen, weight)
    made = rows and over_axes(trace, rows, POOLED[mode], [0])
    return made and make_plain(trace.b, made.reshape((weight.shape[1],), trace.here.inside()), trace.here.place())
