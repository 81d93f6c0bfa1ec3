"""What handlers make layers with: a layer and its weights, a function of each element, a layer along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.layouts import Seen, settle, through
from cnncalc.interop.torch.read.table import NotReadError
from cnncalc.language import _
from cnncalc.spec.build.sharing import OF_ITS_OWN


def layer(
    trace: Any, kind: str, options: dict[str, Any], reads: Sequence[int], stored: Sequence[Any] = ()
) -> Seen | None:
    """A layer of the graph; `stored` are its weights. Raises NotReadError where it uses those of others in part."""
    trained = [s for tensor in stored if tensor is not None for s in trace.sources(tensor)]
    of = owner(trace, kind, options, trained)
    name = trace.behind(reads[0], kind) if len(reads) == 1 else trace.name(kind)
    value = trace.b.add(name, kind, layouts.shortened(kind, options), reads, at=trace.place(kind), weights_of=of)
    for s in trained:
        trace.owners.setdefault(s, value)
    return Seen(value, trace.b.shape(value))


def owner(trace: Any, kind: str, options: dict[str, Any], trained: Sequence[int]) -> int | None:
    """The value of the layer that stores these weights already; None where they are new.

    Weights are shared as a whole, by layers of one kind that differ in what has no weights: stride, padding. Raises
    NotReadError for anything else, as it would be counted twice, or not as the layer that it is.
    """
    owners = {trace.owners[s] for s in trained if s in trace.owners}
    if not owners:
        return None
    first = len(trace.b.inputs)
    value = owners.pop()
    node = trace.b.nodes[value - first]
    ours = vars(trace.b.layer(kind, layouts.shortened(kind, options)))
    alike = node.layer.kind == kind and all(
        ours[name] == vars(node.layer)[name] for name in node.layer.options if name not in OF_ITS_OWN
    )
    if owners or not alike or any(s not in trace.owners for s in trained):
        raise NotReadError(_("its weights are those of {name}, in another form", name=node.name))
    return value if node.weights_of is None else node.weights_of


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


def joined(trace: Any, pieces: Sequence[Seen], axis: int) -> Seen | None:
    """Values one behind the other along an axis, which is taken for the channels."""
    if len(pieces) == 1:
        return pieces[0]
    fronts = [seen.first(axis, trace.inside()) for seen in pieces]
    made = layer(trace, "concat", {}, [settle(trace.b, front, trace.place()) for front, _back in fronts])
    return None if made is None else made.permuted(fronts[0][1], trace.inside())


def over_last_axis(trace: Any, seen: Seen, options: dict[str, Any], stored: Sequence[Any]) -> Seen | None:
    """A linear layer: of a vector a dense layer, else one with the same weights at every place."""
    if len(seen.shape) == 1:
        if seen.moves[-1:] and seen.moves[-1].kind == "reshape" and seen.moves[-1].place.endswith("."):
            seen = seen._replace(moves=seen.moves[:-1])  # a dense layer flattens what enters, in its own row
        return layer(trace, "dense", options, [settle(trace.b, seen, trace.place())], stored)

    def at_every_place(value: int) -> Seen | None:
        return layer(trace, "dense", {**options, "axes": "c"}, [value], stored)

    return along(trace, seen, len(seen.shape) - 1, at_every_place)
