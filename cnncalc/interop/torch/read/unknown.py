"""What comes out of a function that no kind is, or behind one: values of which no more is known than that they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.errors import Problem
from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.samples import read_filled
from cnncalc.interop.torch.read.table import BATCH
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.layers.options import MOST_AXES

# Functions of whose results the values decide: which elements, how many, in which order.
DECIDED = (
    "topk", "sort", "msort", "argsort", "argmax", "argmin", "kthvalue", "median", "nanmedian", "mode", "quantile",
    "nonzero", "argwhere", "unique", "unique_consecutive", "bincount", "histc", "masked_select", "multinomial",
    "searchsorted", "bucketize", "nms", "roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool",
)  # fmt: skip


def give_unknown(
    trace: Any, word: str, entering: Sequence[Any], results: Sequence[Any], reason: Problem | None = None
) -> list[Seen]:
    """Values of a function that no kind is; `reason` says it in better words than that it is not known."""
    if word in DECIDED:
        reason = say_decided(trace, word)
    b = trace.b
    reads = list(dict.fromkeys(trace.settle(t) for t in entering if trace.of(t)))
    found, said = [], len(b.unknowns)
    # The shape of one sample alone would be taken for that of all.
    alone = any(seen is not None and seen.sample >= 0 for seen in map(trace.of, entering))
    for tensor in results:
        shape = None if alone else shape_of(tensor)
        value = b.unknown(trace.here.name(word), word, reads, shape, at=trace.here.place(word))
        found.append(Seen(value, shape or ()))
    # Said once, however many results there are.
    first = b.unknowns[said]
    b.unknowns[said:] = [first if reason is None else reason._replace(hint=reason.hint or first.hint)]
    trace.stored.assign(trace.stored.sources_of(entering), found[0].value)
    return found


def say_decided(trace: Any, word: str) -> Problem:
    """That values decide what a function gives, and what is behind it."""
    trace.begin_tail()
    text = _("the values decide what {operator} gives", operator=word)
    problem: Problem = trace.b.problem(trace.here.place(), text, None)
    trace.decided = trace.decided or problem.problem
    return problem


def give_open(trace: Any, word: str, entering: Sequence[Any], results: Sequence[Any]) -> list[Seen]:
    """What comes out behind a value whose shape is not known: nothing can be said of it for that reason."""
    # Not settled: moves of a value without a shape are no layers.
    reads = list(dict.fromkeys(trace.of(t).value for t in entering if trace.of(t)))
    found = []
    for tensor in results:
        shape = shape_of(tensor)
        value = trace.b.open(trace.here.name(word), word, reads, shape)
        found.append(Seen(value, shape or ()))
    trace.stored.assign(trace.stored.sources_of(entering), found[0].value)
    return found


def give_lost(trace: Any, tensor: Any) -> None:
    """Find a value for a tensor that depends on the input, and of which nobody has said what it is.

    It is made now, where a handler has left that until somebody asks; else it is not known.
    """
    make = trace.values.later.pop(id(tensor), None)
    made = (make() if make else None) or read_filled(trace, tensor)
    if made is None:
        made = give_unknown(trace, trace.values.find_origin(tensor), [], [tensor])[0]
    trace.values.keep(tensor, made)


def shape_of(tensor: Any) -> Shape | None:
    """The shape of a tensor that has the samples in front and axes as a graph has them; else None."""
    shape = tuple(tensor.shape[1:])
    return shape if 1 <= len(shape) <= MOST_AXES and tensor.shape[0] == BATCH and all(shape) else None
