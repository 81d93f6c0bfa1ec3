"""What handlers make layers with: a layer and its weights, a function of each element, a layer along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.layouts import Seen, through


def layer(
    trace: Any, kind: str, options: dict[str, Any], reads: Sequence[int], stored: Sequence[Any] = ()
) -> Seen | None:
    """A layer of the graph. `stored` are its weights; None where a trained one is not a module's own tensor, or where
    weights of another layer are used in part.
    """
    trained = [s for tensor in stored if tensor is not None for s in trace.sources(tensor)]
    owners = {trace.owners[s] for s in trained if s in trace.owners}
    if len(owners) > 1 or (owners and any(s not in trace.owners for s in trained)):
        return None
    of = owners.pop() if owners else None
    if of is not None:
        node = trace.b.nodes[of - len(trace.b.inputs)]
        if node.layer.kind != kind:
            return None
        of = node.weights_of if node.weights_of is not None else of
    name = trace.behind(reads[0], kind) if len(reads) == 1 else trace.name(kind)
    value = trace.b.add(name, kind, layouts.shortened(kind, options), reads, at=trace.place(kind), weights_of=of)
    for s in trained:
        trace.owners.setdefault(s, value)
    return Seen(value, trace.b.shape(value))


def whole(trace: Any, tensor: Any) -> bool:
    """Whether a layer may have this tensor as its weights: what it is computed from holds as many trained numbers."""
    if tensor is None:
        return True
    trained = [s for s in trace.sources(tensor) if trace.stored[s][1]]
    sizes = {s: trace.sizes[s] for s in trained}
    return bool(trained) and sum(sizes.values()) == tensor.numel()


def elementwise(trace: Any, tensor: Any, kind: str, options: dict[str, Any] | None = None) -> Seen:
    """A function of each element: views and permutations stay in front of it."""
    place = trace.place(kind)

    def add(value: int) -> int:
        return trace.b.add(trace.behind(value, kind), kind, options or {}, [value], at=place)

    return through(trace.b, trace.of(tensor), add, place)


def pairs(values: Any, rank: int) -> list[int]:
    found = list(values) if isinstance(values, (tuple, list)) else [values]
    return [int(v) for v in (found * rank if len(found) == 1 else found)]


def along(trace: Any, seen: Seen, axis: int, make: Callable[[int], Seen | None]) -> Seen | None:
    """A layer whose channels are this axis: it is brought to the front, and back."""

    def value(entering: int) -> int | None:
        made = make(entering)
        return None if made is None else made.value

    return layouts.along(trace.b, seen, axis, value, trace.inside(), trace.place())


def wide(size: Any, rank: int) -> list[Any]:
    found = list(size) if isinstance(size, (tuple, list)) else [size]
    return found * rank if len(found) == 1 else found
