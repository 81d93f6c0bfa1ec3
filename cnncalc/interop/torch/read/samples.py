"""Samples one by one, and batches one behind the other: what stands along the axis of the samples.

A pass has two samples. A function that meets the first one alone is a layer; one that meets the other has to be the
same, on the same values, or is refused: a network may do with one sample what it does not do with another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.flow import address, geometry
from cnncalc.interop.torch.read.making import join, without_reshape
from cnncalc.interop.torch.read.table import BATCH, NotReadError
from cnncalc.interop.torch.read.taking import pad_axes, part
from cnncalc.language import _

JOINED = ("cat", "concat", "concatenate", "stack")  # functions that may get several samples, each by itself


def take_samples(trace: Any, seen: Seen, start: int, stop: int) -> Seen | None:
    """A part of the axis of the samples: one of several batches that stand there, or one sample by itself."""
    # In one axis with the samples: all batches of a value, each of all samples.
    n = seen.lay_out(BATCH)[seen.lead]
    if (start, stop) == (0, n):
        return seen
    if seen.front == 1:
        each = n // seen.shape[seen.lead]
        if start % each or stop % each:
            return None
        return part(trace, seen, seen.lead, start // each, stop // each)
    alone = not seen.folded and seen.sample < 0 and stop - start == 1
    return seen._replace(sample=start) if alone else None


def join_samples(trace: Any, seen: Sequence[Seen], dim: int, *, new: bool) -> Seen | None:
    """All samples, each of which was alone, along an axis of their own or one that they have (`new`: a new one)."""
    first = seen[0]
    if [one._replace(sample=0) for one in seen] != [first] * BATCH or [one.sample for one in seen] != [*range(BATCH)]:
        raise NotReadError(_("what is joined is not the same of all samples"))
    if first.lead == dim and not new:
        return first._replace(sample=-1)
    if first.lead >= 0:  # its axis of one element is one of ours
        first = first.reshape(first.lay_out(1), trace.here.inside())._replace(lead=-1)
    made = first._replace(lead=dim, folded=int(not new), sample=-1)
    if made.folded and made.shape[dim] == 1:
        shape = made.lay_out(BATCH)
        return made.arrange(shape, BATCH, trace.here.inside())
    return made


def join_batches(trace: Any, seen: Sequence[Seen]) -> Seen | None:
    """Several batches one behind the other along the axis of the samples."""
    first = seen[0]
    if first.lead < 0 or first.sample >= 0 or any(s.place != first.place for s in seen):
        return None
    # Where batches stand one behind the other already, there are more of them.
    if first.front:
        return join(trace, seen, first.lead)
    at = first.lead
    wider = []
    for one in seen:
        plain = without_reshape(trace, one)
        shape = (*plain.shape[:at], 1, *plain.shape[at:])
        wider.append(plain.reshape(shape, trace.here.inside())._replace(folded=one.folded + 1, front=1))
    return join(trace, wider, at)


def find_sample(trace: Any, entering: Sequence[Any]) -> int:
    """Which sample all values that enter are of; -1 for whole ones. Raises NotReadError where they differ."""
    found = {trace.of(tensor).sample for tensor in entering if trace.of(tensor) is not None}
    if len(found) > 1:
        raise NotReadError(_("samples, each by itself, meet others"))
    return found.pop() if found else -1


def call_key(trace: Any, word: str, args: Any, kwargs: Any) -> Any:
    """What a call of one sample is known by: equal for all samples where they are treated alike."""

    def token(thing: Any) -> Any:
        if isinstance(thing, trace.torch.Tensor):
            seen = trace.of(thing)
            if seen is not None:
                return seen._replace(sample=0)
            own = id(thing) if trace.stored.sources(thing) else None
            return own, tuple(thing.shape), thing.dtype
        if isinstance(thing, (list, tuple)):
            return tuple(map(token, thing))
        if isinstance(thing, dict):
            return tuple((key, token(value)) for key, value in sorted(thing.items()))
        return repr(thing)

    return word, token(args), token(kwargs)


# --- a tensor that is filled sample by sample


def note_fill(trace: Any, target: Any, seen: Seen) -> None:
    """One sample is written into a tensor: over this view of it."""
    trace.values.fills.setdefault(address(target), {})[seen.sample] = (geometry(target), seen)


def fills_on(trace: Any, entering: Sequence[Any]) -> bool:
    """Whether what enters is a tensor that is being filled, sample by sample: a part of it is taken to go on."""
    homes = [address(tensor) for tensor in entering if trace.of(tensor) is None]
    return any(home in trace.values.fills and len(trace.values.fills[home]) < BATCH for home in homes)


def read_filled(trace: Any, tensor: Any) -> Seen | None:
    """A tensor into which every sample was written, with zeros where it is larger; None where it is none."""
    home = address(tensor)
    fills = trace.values.fills.get(home, {})
    # Once for each sample and never besides: else something is in it that nobody has noted.
    if sorted(fills) != [*range(BATCH)] or trace.values.writes.get(home) != BATCH or tensor.shape[0] != BATCH:
        return None
    # Every sample at the same place, as batches of images of several sizes are padded to one.
    first: Seen = fills[0][1]
    shape = first.lay_out(BATCH)
    for k, (where, seen) in fills.items():
        region = tensor[k][tuple(slice(0, n) for n in shape)]
        if seen._replace(sample=0) != first or geometry(region) != where or len(shape) != tensor.ndim - 1:
            return None
    more = {axis: (0, m - n) for axis, (n, m) in enumerate(zip(shape, tensor.shape[1:], strict=True)) if m > n}
    if first.lead >= 0:
        first = first.reshape(shape, trace.here.inside())._replace(lead=-1)
    if more and not trace.flow.began_as_zero(tensor):
        return None
    whole = first._replace(lead=0, sample=-1)
    return pad_axes(trace, whole, more) if more else whole
