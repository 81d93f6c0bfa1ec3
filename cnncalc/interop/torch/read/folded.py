"""Layers on values of which some axes stand in one with the samples: windows, heads, images one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.making import along, join, layer
from cnncalc.interop.torch.read.table import NotReadError
from cnncalc.interop.torch.read.taking import part
from cnncalc.language import _
from cnncalc.layers.options import SPATIAL

WINDOWED = ("kernel", "stride", "dilation", "padding")
MOST_SPATIAL = max(SPATIAL) - 1  # axes behind the channels along which windows move
MOST_APART = 64  # values that a layer is applied to one by one


def unfold(
    trace: Any, seen: Seen | None, kind: str, options: dict[str, Any], stored: Sequence[Any] = ()
) -> Seen | None:
    """A layer with windows. Axes that stand in one with the samples are an axis more, along which no window moves.

    Where that would be too many axes they are more channels for a layer without weights; others are applied one by one.
    """
    if seen is None or seen.plain:
        return seen and layer(trace, kind, options, [settle(trace.b, seen, trace.here.place())], stored)
    refuse_lead(seen)
    if seen.folded > 1:
        return as_one(trace, seen, lambda one: unfold(trace, one, kind, options, stored))
    if len(seen.shape) - 1 <= MOST_SPATIAL:
        # (windows, C, H, W) is a volume of (C, windows, H, W) in which nothing moves along the windows.
        wider = widen(options)
        return along(trace, seen, 1, lambda value: layer(trace, kind, wider, [value], stored))
    if any(tensor is not None for tensor in stored):
        return one_by_one(trace, seen, lambda value: layer(trace, kind, options, [value], stored))
    return by_channel(trace, seen, lambda value: layer(trace, kind, options, [value]))


def refuse_lead(seen: Seen) -> None:
    """Raise NotReadError where an axis stands in front of the samples, or they have none."""
    if seen.lead:
        raise NotReadError(_("other axes stand in front of the samples, or in one with them"))


def widen(options: dict[str, Any]) -> dict[str, Any]:
    """Options of windows with an axis more in front, along which they do not move."""
    # A kernel of (3, 3) on (windows, H, W) is one of (1, 3, 3).
    wider = dict(options)
    for name in WINDOWED:
        value = options.get(name)
        if isinstance(value, (list, tuple)):
            wider[name] = [[0, 0] if name == "padding" else 1, *value]
        elif value is not None:
            raise NotReadError(_("other axes stand in front of the samples, or in one with them"))
    return wider


def as_one(trace: Any, seen: Seen, make: Callable[[Seen], Seen | None]) -> Seen | None:
    """Several axes that stand in one with the samples as a single one, and back."""
    together, rest = seen.shape[: seen.folded], seen.shape[seen.folded :]
    one = seen.reshape((prod(together), *rest), trace.here.inside())._replace(folded=1, front=0)
    made = make(one)
    return made and made.reshape((*together, *made.shape[1:]), trace.here.inside())._replace(**seen.place)


def by_channel(trace: Any, seen: Seen, make: Callable[[int], Seen | None]) -> Seen | None:
    """A layer of each channel by itself: axes that stand in one with the samples are more channels."""
    refuse_lead(seen)
    if seen.plain:
        return make(settle(trace.b, seen, trace.here.place()))
    together, (c, *size) = seen.shape[: seen.folded], seen.shape[seen.folded :]
    flat = seen.reshape((prod(together) * c, *size), trace.here.inside())
    made = make(settle(trace.b, flat, trace.here.place()))
    return made and made.reshape((*together, c, *made.shape[1:]), trace.here.inside())._replace(**seen.place)


def one_by_one(trace: Any, seen: Seen, make: Callable[[int], Seen | None]) -> Seen | None:
    """A layer of the same weights for each element of the axis that stands in one with the samples."""
    count = seen.shape[0]
    if count > MOST_APART:
        raise NotReadError(_("it would be {count:,} layers, one for each window", count=count))
    pieces = []
    for i in range(count):
        piece = part(trace, seen, 0, i, i + 1)
        plain = piece and piece.reshape(piece.shape[1:], trace.here.inside())._replace(folded=0, front=0)
        made = plain and make(settle(trace.b, plain, trace.here.place()))
        if made is None:
            return None
        pieces.append(made.reshape((1, *made.shape), trace.here.inside()))
    together = join(trace, pieces, 0)
    return together and together._replace(**seen.place)
