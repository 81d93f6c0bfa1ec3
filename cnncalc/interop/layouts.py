"""Tensors as other programs lay them out: what a value looks like after views and permutations.

A view or a permutation computes nothing. It is kept with the value, and becomes a layer only where another layer has to
see it: two that cancel each other are gone, and a linear layer over the last axis of (N, H, W, C) is a 1x1 convolution.
Shapes are without the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.interop.builder import Builder
from cnncalc.layers.base import Shape
from cnncalc.layers.options import MOST_AXES


class Move(NamedTuple):
    """One step: a reshape to `sizes`, or a permutation in which axis i was axis `sizes[i]`.

    place  the name that its layer gets; one that ends in a dot is where it stands, and gets its kind behind
    """

    kind: str
    sizes: tuple[int, ...]
    place: str = ""


class Seen(NamedTuple):
    """A value of the graph, of shape `base`, as the other program sees it: through `moves`. () is a shape not known.

    around  elements smaller than any around each spatial axis, which a max pooling then takes for its padding
    lead    how many of its axes the other program has in front of the samples: a sequence comes first in some
    folded  how many axes behind those stand in one axis with the samples: windows are taken for samples in some
    front   how many of the folded ones stand in front of the samples there: two batches may be one behind the other
    sample  of one sample alone: which one; -1 where all are there. Its axis has one element, or is gone: then `lead` is
            -1, too
    """

    value: int
    base: Shape
    moves: tuple[Move, ...] = ()
    around: tuple[tuple[int, int], ...] = ()
    lead: int = 0
    folded: int = 0
    front: int = 0
    sample: int = -1

    @property
    def plain(self) -> bool:
        """Whether the samples are the first axis, by themselves."""
        return not self.lead and not self.folded

    def axis(self, dim: int) -> int | None:
        """Which of our axes an axis of the other program is, its samples counted; None for that of the samples."""
        if dim == self.lead:
            return None
        # (L, N, C) is ours as (L, C) with lead 1: dim 0 is axis 0, dim 1 the samples, dim 2 axis 1.
        return dim if dim < self.lead or self.lead < 0 else dim - 1 + self.folded

    @property
    def rank(self) -> int:
        """The axes of the other program, that of the samples among them."""
        return len(self.shape) + (self.lead >= 0) - self.folded

    @property
    def place(self) -> dict[str, Any]:
        """Where the samples stand."""
        return {"lead": self.lead, "folded": self.folded, "front": self.front, "sample": self.sample}

    def stands_as(self, other: Seen) -> bool:
        """Whether the samples stand where they do in another value, of as many axes."""
        return len(self.shape) == len(other.shape) and self.place == other.place

    def lay_out(self, samples: int) -> Shape:
        """The shape of the other program."""
        shape, behind = self.shape, self.lead + self.folded
        if self.lead < 0:
            return shape
        samples = samples if self.sample < 0 else 1
        # Two samples of four windows each stand as eight in one axis.
        return (*shape[: self.lead], samples * prod(shape[self.lead : behind]), *shape[behind:])

    def arrange(self, shape: Sequence[int], samples: int, place: str = "") -> Seen | None:
        """The same elements in the same order under another shape of the other program; None if samples are mixed."""
        ours = self.shape
        if self.sample >= 0:
            return self.arrange_alone(tuple(shape), place)
        # Axes in front of the samples are matched first, as many of the new shape as they fill; then the axis that
        # holds the samples.
        before, q, count = prod(ours[: self.lead + self.front]), 0, 1
        while q < len(shape) and count < before and before % (count * shape[q]) == 0:
            count *= shape[q]
            q += 1
        # An axis of one element may stand on either side of the samples: it is taken for one in front.
        while count == before and q < len(shape) - 1 and shape[q] == 1:
            q += 1
        ahead = before // count
        if q == len(shape) or shape[q] % (ahead * samples):
            return None
        together = [n for n in (ahead, shape[q] // (ahead * samples)) if n > 1]
        new = (*shape[:q], *together, *shape[q + 1 :])
        if not new or prod(new) != prod(ours):
            return None
        return self.reshape(new, place)._replace(lead=q, folded=len(together), front=int(ahead > 1))

    def arrange_alone(self, shape: Shape, place: str) -> Seen | None:
        """The same of one sample: an axis of one element in front is that of the samples."""
        if prod(shape) != prod(self.shape):
            return None
        behind = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
        return self.reshape(behind, place)._replace(lead=0 if behind != shape else -1, folded=0, front=0)

    def reorder(self, order: Sequence[int], place: str = "") -> Seen:
        """The axes of the other program in another order, that of the samples among them."""
        ours: list[int] = []
        lead = min(0, self.lead)
        for dim in order:
            axis = self.axis(dim)
            if axis is None:
                lead = len(ours)
                ours += range(self.lead, self.lead + self.folded)
            else:
                ours.append(axis)
        return self.permute(tuple(ours), place)._replace(lead=lead)

    @property
    def shape(self) -> Shape:
        shape = move_axes(self.base, self.moves)
        if self.around:
            c, *size = shape
            shape = (c, *(n + before + after for n, (before, after) in zip(size, self.around, strict=True)))
        return shape

    def reshape(self, shape: Shape, place: str = "") -> Seen:
        """The same elements in the same order under another shape."""
        moves = self.moves
        # Only the last of several reshapes counts, and permutations that move nothing may go.
        while moves and (moves[-1].kind == "reshape" or in_order(move_axes(self.base, moves[:-1]), moves[-1].sizes)):
            moves = moves[:-1]
        if move_axes(self.base, moves) == shape:
            return self._replace(moves=moves)
        return self._replace(moves=(*moves, Move("reshape", shape, place)))

    def permute(self, order: tuple[int, ...], place: str = "") -> Seen:
        """Axis i is what axis `order[i]` was."""
        moves = self.moves
        # Two permutations are one.
        if moves and moves[-1].kind == "permute":
            order = tuple(moves[-1].sizes[axis] for axis in order)
            moves = moves[:-1]
        before = move_axes(self.base, moves)
        if order == tuple(range(len(order))):
            return self._replace(moves=moves)
        if moves and in_order(before, order):  # behind a reshape
            return self._replace(moves=moves).reshape(tuple(before[axis] for axis in order), place)
        return self._replace(moves=(*moves, Move("permute", order, place)))

    def first(self, axis: int, place: str = "") -> tuple[Seen, tuple[int, ...]]:
        """With one axis brought to the front, and the order that brings it back."""
        rest = [i for i in range(len(self.shape)) if i != axis]
        back = tuple(0 if i == axis else 1 + rest.index(i) for i in range(len(self.shape)))
        return self.permute((axis, *rest), place), back


def in_order(shape: Shape, order: tuple[int, ...]) -> bool:
    """Whether a permutation moves axes of length 1 alone: the elements stay in the same order."""
    long = [axis for axis in order if shape[axis] > 1]
    return long == sorted(long)


def value_of(b: Builder, seen: Seen, at: str = "") -> int:
    """The value, its axes in the order of the graph; settled only where it is reshaped."""
    return seen.value if all(move.kind == "permute" for move in seen.moves) else settle(b, seen, at)


def move_axes(shape: Shape, moves: Sequence[Move]) -> Shape:
    """The shape behind the moves; () where it is not known, which no permutation changes."""
    for move in moves:
        if move.kind == "reshape":
            shape = move.sizes
        elif shape:
            shape = tuple(shape[axis] for axis in move.sizes)
    return shape


def settle(b: Builder, seen: Seen, at: str = "") -> int:
    """The value with its moves made: as layers, one for each pattern that has a kind of its own."""
    value = seen.value
    moves = list(seen.moves)
    # What a max pooling would have taken for its padding is read by something else: no padding that we have.
    if seen.around:
        value = settle(b, seen._replace(around=()), at)
        return b.unknown("", "pad", [value], seen.shape, at=at)
    while moves:
        groups, steps = find_shuffle(b.shape(value), moves)
        if groups:
            name = name_step(moves[3 if steps == 5 else 0].place, "channel_shuffle")
            value = put(b, name, "channel_shuffle", {"groups": groups}, value, at)
            del moves[:steps]
            continue
        move = moves.pop(0)
        if move.kind == "permute":
            value = put(b, name_step(move.place, "permute"), "permute", {"order": move.sizes}, value, at)
        elif len(move.sizes) == 1:
            value = put(b, name_step(move.place, "flatten"), "flatten", {}, value, at)
        elif len(move.sizes) > MOST_AXES:
            value = b.unknown(name_step(move.place, "view"), "view", [value], None, at=at)
            break
        elif move.sizes != b.shape(value):
            value = put(b, name_step(move.place, "reshape"), "reshape", {"shape": move.sizes}, value, at)
    return value


def put(b: Builder, name: str, kind: str, options: Mapping[str, Any], value: int, at: str) -> int:
    """A layer for a move; two readers of the same value have one."""
    return b.move(value, kind, options, lambda: b.add(name, kind, options, [value], at=at))


def name_step(place: str, kind: str) -> str:
    """What the layer of a move is called: see Move."""
    return f"{place}{kind}" if place.endswith(".") else place


# ShuffleNet's: apart into groups, groups and channels exchanged, together again.
APART = ["reshape", "permute", "reshape"]


def find_shuffle(shape: Shape, moves: list[Move]) -> tuple[int, int]:
    """The groups of a channel shuffle, and how many moves it is; (0, 0) if it is none.

    (C, ...) as (g, C/g, ...), the first two exchanged, and as (C, ...) again: the axes behind the channels may be one
    meanwhile. Or the channels are brought behind the others, the same is done there, and they are brought back.
    """
    kinds = [move.kind for move in moves]
    sizes = [move.sizes for move in moves]
    if not shape:  # not known
        return 0, 0
    if kinds[:3] == APART and len(sizes[0]) > 2:
        apart, order, together = sizes[:3]
        whole = apart[0] * apart[1] == shape[0] and prod(apart[2:]) == prod(shape[1:])
        if whole and order == (1, 0, *range(2, len(apart))) and together == shape:
            return apart[0], 3
    rank = len(shape)
    if kinds[:5] == ["permute", *APART, "permute"] and sizes[0] == (*range(1, rank), 0):
        apart, order, together, back = sizes[1:5]
        whole = apart[:-2] == shape[1:] and together == (*shape[1:], shape[0]) and back == (rank - 1, *range(rank - 1))
        if whole and order == (*range(rank - 1), rank, rank - 1):
            return apart[-2], 5
    return 0, 0


def through(b: Builder, seen: Seen, add: Callable[[int], int], at: str = "") -> Seen:
    """A layer of each element by itself: a permutation stays in front of it, which it does not mind."""
    if seen.around or any(move.kind == "reshape" for move in seen.moves):
        seen = make_plain(b, seen, at)
    return seen._replace(value=add(seen.value))


def make_plain(b: Builder, seen: Seen, at: str = "") -> Seen:
    """The same with its moves made as layers."""
    value = settle(b, seen, at)
    return seen._replace(value=value, base=b.shape(value), moves=(), around=())


def in_base(b: Builder, seen: Seen, axes: Sequence[int], at: str = "") -> tuple[Seen, tuple[int, ...]]:
    """Axes as those of the graph's own value, behind which a permutation may stay; what is reshaped is made."""
    if seen.around or any(move.kind == "reshape" for move in seen.moves):
        seen = make_plain(b, seen, at)
    order = seen.moves[0].sizes if seen.moves else tuple(range(len(seen.base)))
    return seen, tuple(order[axis] for axis in axes)


PER_AXIS = ("kernel", "stride", "dilation", "padding", "output_padding", "size", "factor")


def shorten(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a person writes them: one number where all axes have the same, no stride where it is the window's."""
    found = dict(options)
    for name in PER_AXIS:
        value = found.get(name)
        if isinstance(value, (list, tuple)) and value and all(each == value[0] for each in value):
            one = value[0]
            pair = isinstance(one, (list, tuple))
            found[name] = one[0] if pair and one[0] == one[1] else [one] if pair else one
    # A pooling's windows do not overlap unless a stride is said.
    if kind.endswith("pool") and found.get("stride") == found.get("kernel"):
        found.pop("stride", None)
    # Where `same` pads nothing.
    if found.get("padding") == "same" and found.get("kernel") == found.get("stride") == 1:
        found["padding"] = "valid"
    return found


def along(
    b: Builder, seen: Seen, axis: int, make: Callable[[int], int | None], place: str, at: str = ""
) -> Seen | None:
    """A layer whose channels are this axis: it is brought to the front, and back. None if there is no such layer."""
    if seen.around or not 0 <= axis < len(seen.shape):
        return None
    # Brought to the front by a permutation that the next layer may take back: where both cancel, nothing is left of
    # them.
    front, back = seen.first(axis, place)
    made = make(settle(b, front, at))
    if made is None:
        return None
    return Seen(made, b.shape(made)).permute(back, place)._replace(**seen.place)


def merge(b: Builder, seen: Sequence[Seen], add: Callable[[list[int]], int], at: str = "") -> Seen | None:
    """Values merged element by element: those that are laid out alike as they are. None where the axes differ."""
    first = seen[0]
    if not all(s.stands_as(first) for s in seen):
        return None
    # Values that were moved alike are merged before the moves: channels-last networks would permute at every sum.
    moves = first.moves
    alike = not any(s.around for s in seen) and len({tuple(move[:2] for move in s.moves) for s in seen}) == 1
    # Behind a reshape only values of one shape lie alike: (4, 6) and (6, 4) as (24) do not.
    if not alike or (any(move.kind == "reshape" for move in moves) and len({s.base for s in seen}) > 1):
        value = add([settle(b, s, at) for s in seen])
        return Seen(value, b.shape(value), **first.place)
    value = add([s.value for s in seen])
    return Seen(value, b.shape(value), moves, **first.place)
