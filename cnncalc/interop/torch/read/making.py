"""What handlers make layers with: a layer and its weights, a function of each element, a layer along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.layouts import Seen, through
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.table import BATCH, NotReadError
from cnncalc.language import _
from cnncalc.spec.build.sharing import OF_ITS_OWN


def layer(
    trace: Any, kind: str, options: dict[str, Any], reads: Sequence[int], stored: Sequence[Any] = ()
) -> Seen | None:
    """A layer of the graph; `stored` are its weights. Raises NotReadError where it uses those of others in part."""
    trained = [s for tensor in stored if tensor is not None for s in trace.stored.sources(tensor)]
    of = owner(trace, kind, options, trained)
    # A merge has no layer that it follows.
    name = trace.here.name_behind(reads[0], kind) if len(reads) == 1 else trace.here.name(kind)
    value = trace.b.add(name, kind, layouts.shorten(kind, options), reads, at=trace.here.place(kind), weights_of=of)
    trace.stored.assign(trained, value)
    return Seen(value, trace.b.shape(value))


def owner(trace: Any, kind: str, options: dict[str, Any], trained: Sequence[int]) -> int | None:
    """The value of the layer that stores these weights already; None where they are new.

    Weights are shared as a whole, by layers of one kind that differ in what has no weights: stride, padding. Raises
    NotReadError for anything else, as it would be counted twice, or not as the layer that it is.
    """
    owners = trace.stored.owners_of(trained)
    if not owners:
        return None
    first = len(trace.b.inputs)
    value = owners.pop()
    node = trace.b.nodes[value - first]
    ours = vars(trace.b.layer(kind, layouts.shorten(kind, options)))
    alike = node.layer.kind == kind and all(
        ours[name] == vars(node.layer)[name] for name in node.layer.options if name not in OF_ITS_OWN
    )
    if owners or not alike or any(s not in trace.stored.owners for s in trained):
        raise NotReadError(_("its weights are those of {name}, in another form", name=node.name))
    return value if node.weights_of is None else node.weights_of


def whole(trace: Any, tensor: Any) -> bool:
    """Whether a layer may have this tensor as its weights: what it is computed from holds as many trained numbers."""
    if tensor is None:
        return True
    # Weights that are cut, stretched or mixed are no layer's as a whole.
    trained = trace.stored.trained_sources(tensor)
    sizes = {s: trace.stored.sizes[s] for s in trained}
    return bool(trained) and sum(sizes.values()) == tensor.numel()


def elementwise(trace: Any, tensor: Any, kind: str, options: dict[str, Any] | None = None) -> Seen:
    """A function of each element of a tensor."""
    return apply(trace, trace.of(tensor), kind, options)


def apply(trace: Any, seen: Seen, kind: str, options: dict[str, Any] | None = None) -> Seen:
    """The same of a value as it is seen: views and permutations stay in front of it."""
    place = trace.here.place(kind)

    def add(value: int) -> int:
        return trace.b.add(trace.here.name_behind(value, kind), kind, options or {}, [value], at=place)

    return through(trace.b, seen, add, place)


def merge_seen(trace: Any, kind: str, seen: Sequence[Seen]) -> Seen | None:
    """Values element by element, merged as they are where they are laid out alike."""
    name, place = trace.here.name(kind), trace.here.place(kind)
    return layouts.merge(trace.b, seen, lambda values: trace.b.add(name, kind, {}, values, at=place), place)


def as_value(trace: Any, tensor: Any, like: Seen) -> Seen | None:
    """Numbers that depend on no input as a value, to be combined with one: with an axis for each of its axes.

    They are the module's own, in whatever order they are taken from what is stored, or made by the forward pass.
    """
    if not hasattr(tensor, "ndim") or tensor.ndim > like.rank:
        return None
    theirs = lay_beside(tensor, like)
    if theirs is None:
        return None
    trained = trace.stored.trained_sources(tensor)
    # Two that meet the same numbers get one layer for them, where they lay them out alike.
    key = (id(tensor), tuple(theirs), *like.place.values())
    if key in trace.standing:
        known: Seen = trace.standing[key]
        return known
    options: dict[str, Any] = {}
    order = like.moves[0].sizes if [move.kind for move in like.moves] == ["permute"] else None
    shape = tuple(theirs)
    if order is not None:  # as the value lies in the graph, so that its permutation serves both
        shape = tuple(theirs[order.index(axis)] for axis in range(len(order)))
    fresh = [s for s in trained if s not in trace.stored.owners]
    shared = any(not holds(trace, value, shape) for value in trace.stored.owners_of(trained))
    # What another layer has is counted there.
    stored = sum(trace.stored.sizes[s] for s in (fresh if shared else trained))
    if stored != prod(shape) or shared:
        options["stored"] = stored
    options["shape"] = shape
    of = None if shared else owner(trace, "parameter", options, trained)
    value = trace.b.add(trace.here.name("parameter"), "parameter", options, [], at=trace.here.place(), weights_of=of)
    trace.stored.assign(trained, value)
    moves = like.moves if order is not None else ()
    made = Seen(value, shape, moves, **like.place)
    # Python may give an id again once its object is gone: the tensor is kept as long as the key that has its id.
    trace.values.kept.append(tensor)
    trace.standing[key] = made
    return made


def holds(trace: Any, value: int, shape: Sequence[int]) -> bool:
    """Whether a value is numbers that stand by themselves, of this shape."""
    return trace.kind_of(value) == "parameter" and trace.b.shape(value) == tuple(shape)


def lay_beside(tensor: Any, like: Seen) -> list[int] | None:
    """The shape of numbers that depend on no input, with an axis for each of a value's; None where they do not fit."""
    theirs = [1] * (like.rank - tensor.ndim) + list(tensor.shape)
    # One sample alone has no axis of samples: torch's axes are those of the value.
    if like.lead < 0:
        return theirs
    together = like.shape[like.lead : like.lead + like.folded]
    samples, every = theirs[like.lead], BATCH if like.sample < 0 else 1
    # The samples' axis of the tensor may hold windows as well, which are axes of their own in the graph.
    if samples in (1, every) and (not like.folded or samples == 1):
        theirs[like.lead : like.lead + 1] = [1] * like.folded
    elif like.folded and samples % prod(together) == 0:
        theirs[like.lead : like.lead + 1] = together
    else:
        return None
    return theirs


def without_reshape(trace: Any, seen: Seen) -> Seen:
    """The value itself, or with its moves made where one of them is a reshape."""
    if any(move.kind == "reshape" for move in seen.moves):
        return layouts.make_plain(trace.b, seen, trace.here.place())
    return seen


def per_axis(values: Any, rank: int) -> list[Any]:
    """One value for every axis, or one for each."""
    found = list(values) if isinstance(values, (tuple, list)) else [values]
    return found * rank if len(found) == 1 else found


def sizes_of(values: Any, rank: int) -> list[int]:
    """The same of whole numbers."""
    return [int(value) for value in per_axis(values, rank)]


def both_sides(padding: Any, rank: int) -> list[list[int]]:
    """Padding of torch, which is the same on both sides of an axis."""
    return [[p, p] for p in sizes_of(padding, rank)]


def along(trace: Any, seen: Seen, axis: int, make: Callable[[int], Seen | None]) -> Seen | None:
    """A layer whose channels are this axis: it is brought to the front, and back."""

    def value(entering: int) -> int | None:
        made = make(entering)
        return None if made is None else made.value

    return layouts.along(trace.b, seen, axis, value, trace.here.inside(), trace.here.place())


def join(trace: Any, pieces: Sequence[Seen], axis: int) -> Seen | None:
    """Values one behind the other along an axis: as they lie in the graph where all are permuted alike."""
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    # Channels-last networks join what is permuted: the permutation stays behind.
    alike = len({tuple(move[:2] for move in piece.moves) for piece in pieces}) == 1
    if not alike or any(move.kind == "reshape" for move in first.moves) or any(piece.around for piece in pieces):
        pieces = [layouts.make_plain(trace.b, piece, trace.here.place()) for piece in pieces]
    seen, (base,) = layouts.in_base(trace.b, pieces[0], [axis], trace.here.place())
    options = {"axis": axis_word(base, len(seen.base))} if base else {}
    made = layer(trace, "concat", options, [piece.value for piece in pieces])
    return made and seen._replace(value=made.value, base=made.base)


def plus_numbers(trace: Any, seen: Seen, tensor: Any) -> Seen | None:
    """A value plus numbers that depend on no input."""
    other = as_value(trace, tensor, seen)
    return None if other is None else merge_seen(trace, "add", [seen, other])
