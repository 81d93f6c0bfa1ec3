"""Arrays that take the place of values in a forward pass: one counts what is done, one remembers where from.

Subclasses of numpy.ndarray whose ufuncs go through `__array_ufunc__`; everything that only moves elements
(indexing, reshape, transpose, concatenate) is NumPy's own. See reference/base.py for what a forward may do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any

import numpy as np

from cnncalc import reference
from cnncalc.graph import Graph, Node
from cnncalc.language import _

Array = np.ndarray[Any, Any]
_book: ContextVar[Counter[str]] = ContextVar("book")

# What a ufunc counts as, in the words of the claims. Everything else counts under its own name.
OPERATIONS = {
    "true_divide": "divide",
    "maximum": "compare",
    "minimum": "compare",
    "greater": "compare",
    "greater_equal": "compare",
    "erf (vectorized)": "erf",
}


class Probe(np.ndarray[Any, Any]):
    """An array that stays what it is through everything that only moves elements.

    trained  whether it depends on what training changes, so that it needs a gradient
    """

    trained = False

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        if function in (np.concatenate, np.stack):  # they alone return plain arrays
            result = result.view(type(self))
            found = {getattr(part, "trained", False) for part in args[0]}
            result.trained = True in found
            if len(found) > 1:  # which part a product is with is not told apart from here on
                _book.get(Counter())["mixed"] += 1
        elif function in (np.full_like, np.zeros_like):
            result.trained = False
        return result


class Stored(Probe):
    """A weight, or what was worked out of weights alone, which is no work on data."""

    def __array_finalize__(self, obj: Any) -> None:
        self.trained = getattr(obj, "trained", False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if any(isinstance(item, Tally) for item in inputs):
            return NotImplemented  # it counts
        result = np.asarray(getattr(ufunc, method)(*map(plain, inputs), **outputs(out), **options)).view(type(self))
        result.trained = any(getattr(item, "trained", False) for item in inputs)
        return result


class Added(Stored):
    """A bias: adding it to a value is a connection."""


class PaddedOnes(Probe):
    """Values of 1 whose padding is 1 too, so that taps on padding are counted."""

    def surround(self, sides: Sequence[tuple[int, int]]) -> Array:
        return np.ones((*self.shape[:2], *lengthen(self, sides)), dtype=self.dtype).view(type(self))


def lengthen(x: Array, sides: Sequence[tuple[int, int]]) -> list[int]:
    """The spatial size of (N, C, *size) with its sides added."""
    return [before + n + after for n, (before, after) in zip(x.shape[2:], sides, strict=True)]


def frame(x: Array, sides: Sequence[tuple[int, int]], value: float) -> Array:
    """(N, C, *size) with so many elements of a value before and behind each axis: np.pad takes ten times as long."""
    room = np.full((*x.shape[:2], *lengthen(x, sides)), value, dtype=x.dtype)
    inside = [slice(before, before + n) for n, (before, _after) in zip(x.shape[2:], sides, strict=True)]
    room[(slice(None), slice(None), *inside)] = x
    return room


def go_on(x: Array, sides: Sequence[tuple[int, int]]) -> Array:
    """(N, C, *size) with the first and the last element of each axis again, so many times."""
    for axis, (before, after) in enumerate(sides, 2):
        if before or after:
            last = x.shape[axis] - 1
            x = x.take(np.arange(-before, last + after + 1).clip(0, last), axis=axis)
    return x


def plain(x: Any) -> Any:
    """An array as NumPy's own, the same memory."""
    return x.view(np.ndarray) if isinstance(x, np.ndarray) else x


def outputs(out: tuple[Any, ...] | None) -> dict[str, Any]:
    return {} if out is None else {"out": tuple(plain(item) for item in out)}


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """A book in which every Tally counts meanwhile."""
    book: Counter[str] = Counter()
    token = _book.set(book)
    try:
        yield book
    finally:
        _book.reset(token)


class Tally(Probe):
    """An array that counts what NumPy does to it, in the book that is open: see `counting`.

    A ufunc counts the elements of its output, a reduction of n elements to one n - 1, a product of (m, k)
    and (k, n) matrices m*k*n multiply-accumulates. What is done to weights alone is not work on data. A product of
    matrices has as many again in the backward pass for each of the two that depends on what is trained.
    """

    def __array_finalize__(self, obj: Any) -> None:
        self.trained = getattr(obj, "trained", False)

    def __setitem__(self, where: Any, values: Any) -> None:
        super().__setitem__(where, values)
        self.trained = self.trained or getattr(values, "trained", False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        book = _book.get()
        result = getattr(ufunc, method)(*map(plain, inputs), **outputs(out), **options)
        if method == "reduce":
            book[OPERATIONS.get(ufunc.__name__, ufunc.__name__)] += inputs[0].size - result.size
        elif ufunc is np.matmul:
            # (m, k) @ (k, n): m * n elements, each a sum of k products.
            macs = result.size * inputs[0].shape[-1]
            book["mac"] += macs
            for item in inputs:
                if getattr(item, "trained", False):
                    book["gradient"] += macs
        else:
            book[OPERATIONS.get(ufunc.__name__, ufunc.__name__)] += result.size
            if any(isinstance(item, Added) for item in inputs):
                book["bias"] += result.size
        counted = np.asarray(result).view(Tally)
        # Whether a value is larger has no derivative.
        counted.trained = result.dtype != bool and any(getattr(item, "trained", False) for item in inputs)
        return counted

    def look_up(self, table: Array) -> Array:
        """As many numbers as a row of a table has, for each index: nothing is counted."""
        found = np.repeat(plain(self)[:, np.newaxis], table.shape[1], axis=1).view(Tally)
        found.trained = getattr(table, "trained", False)
        return found

    def between(self, other: Array, allowed: Array | None = None) -> Array:
        """A matrix product with another value: multiply-accumulates, none of which reads through a weight."""
        result = self @ other
        _book.get()["data"] += result.size * self.shape[-1]
        return result

    def pour(self, where: Any, values: Array) -> None:
        """Accumulation that the multiply-accumulates before it count already."""
        self.view(np.ndarray)[where] += plain(values)
        self.trained = self.trained or getattr(values, "trained", False)


def over(axis: Any, *, keepdims: bool) -> dict[str, Any]:
    """Along which axes a reduction goes, as its options."""
    return {"axis": axis, "keepdims": keepdims}


class Reach(Probe):
    """An array whose elements say what of the input they depend on; what is combined takes the larger.

    Samples are planes. A weight of 0 passes nothing on, and neither does padding.
    """

    nothing: float
    numbers: type[np.generic] = np.float32

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        if function is np.zeros_like:  # zeros depend on nothing, and 0 is an index
            result.fill(self.nothing)
        return result

    @staticmethod
    def both(one: Any, other: Any) -> Any:
        """What two elements depend on together."""
        return np.maximum(one, other)

    @classmethod
    def all_of(cls, values: Array, axis: Any, *, keepdims: bool = False) -> Array:
        """What the elements along an axis, or several, depend on together."""
        return np.asarray(np.maximum.reduce(values, initial=cls.nothing, **over(axis, keepdims=keepdims)))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        values = [plain(item) for item in inputs]
        if method == "reduce":
            result = self.all_of(values[0], options.get("axis", 0), keepdims=options.get("keepdims") or False)
        # A function of one value depends on what the value depends on, whatever it does to it.
        elif len(values) == 1:
            result = values[0]
        else:
            result = self._of_two(ufunc, values, [isinstance(item, Reach) for item in inputs])
        result = np.asarray(result, dtype=self.dtype)
        if out is not None:
            plain(out[0])[...] = result
            return out[0]
        # Nothing that came in is written to.
        own = result.flags.writeable and result is not values[0] and result is not values[-1]
        return (result if own else result.copy()).view(type(self))

    def _of_two(self, ufunc: np.ufunc, values: list[Any], seeing: list[bool]) -> Array:
        """What comes of two values, one of which may be a constant."""
        if ufunc is np.matmul:
            return self._through_matrix(values, seeing)
        if all(seeing):
            return np.asarray(self.both(*values))
        mine, other = values if seeing[0] else reversed(values)
        if np.shape(other) != np.shape(mine):  # a number, mostly
            shape = np.broadcast_shapes(np.shape(mine), np.shape(other)) if np.shape(other) else np.shape(mine)
            mine = np.broadcast_to(mine, shape) if shape != np.shape(mine) else mine
        if ufunc is np.multiply and not np.all(other):
            return np.where(other == 0, self.nothing, mine)
        return np.asarray(mine)

    def _through_matrix(self, values: list[Array], seeing: list[bool]) -> Array:
        """Row i of the product depends on what column entries its weights are not 0 for."""
        left, right = values
        if all(seeing):
            return np.asarray(
                self.both(self.all_of(left, -1)[..., :, np.newaxis], self.all_of(right, -2)[..., np.newaxis, :])
            )
        best = self.all_of(right, -2, keepdims=True) if seeing[1] else self.all_of(left, -1, keepdims=True)
        shape = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        result = np.empty((*shape, left.shape[-2], right.shape[-1]), dtype=best.dtype)
        result[...] = best
        return result

    def between(self, other: Array, allowed: Array | None = None) -> Array:
        """A matrix product with another value. Where it is not allowed, an element of this one is 0 for sure."""
        if allowed is None:
            return self @ other
        seen = self.both(plain(self), self.all_of(plain(other), -1)[..., np.newaxis, :])
        rows = self.all_of(np.where(allowed, seen, self.nothing), -1, keepdims=True)
        return np.repeat(rows, other.shape[-1], axis=-1).astype(self.dtype).view(type(self))

    def pour(self, where: Any, values: Array) -> None:
        mine = self.view(np.ndarray)
        mine[where] = self.both(mine[where], plain(values))

    def look_up(self, table: Array) -> Array:
        """As many numbers as a row of a table has, for each index: (N, *places) to (N, numbers, *places)."""
        return np.repeat(self[:, np.newaxis], table.shape[1], axis=1)

    def put_anywhere(self, deciding: Iterator[Array], places: Array, size: Sequence[int]) -> Reach:
        """Elements that go to one of several places each, by what else decides: every place depends on all of that.

        deciding  arrays like this one; places (choices, *positions): numbers of elements of `size`, -1 for none
        """
        seen = plain(self)
        for other in deciding:
            seen = self.both(seen, plain(other))
        seen = seen.reshape(*self.shape[:2], -1)
        room = np.full((*self.shape[:2], prod(size)), self.nothing, dtype=self.dtype)
        for choice in places.reshape(len(places), -1):
            there = choice >= 0  # no two positions have one place as the same choice
            room[:, :, choice[there]] = self.both(room[:, :, choice[there]], seen[:, :, there])
        return room.reshape(*self.shape[:2], *size).view(type(self))

    @property
    def picked(self) -> Reach:
        """A choice between two values depends on what it is made by."""
        return self

    def astype(self, *args: Any, **options: Any) -> Any:
        """Types mean nothing here: planes stay as they are."""
        return self


def run_watched(
    graph: Graph, values: Sequence[Array], weights: Mapping[str, Array]
) -> Iterator[tuple[Node, Array, Mapping[int, Array]]]:
    """The forward pass node by node, as `reference.steps`, on arrays that count or remember.

    Raises TypeError at a layer whose forward pass gives a plain array: what was done there, and what it depends on, is
    lost, and no number behind it would be evidence.
    """
    for node, y, alive in reference.steps(graph, values, weights):
        if not isinstance(y, Probe) or isinstance(y, Stored):
            raise TypeError(_("the forward pass of {kind} computes what no probe follows", kind=node.layer.kind))
        yield node, y, alive


LITTLE = np.dtype("<u8")  # words whose first byte holds the first eight planes, on any machine


def words(values: Any) -> Array:
    """The bits of numbers."""
    return np.asarray(values, dtype=np.float64).view(np.uint64)


class Sets(Reach):
    """Exact sets, with a plane for each input: it is 1 where this has a say, else 0.

    64 planes are the bits of a sample. The bits are those of a float64, which nobody computes with: what a forward
    makes of its type stays as it is.
    """

    nothing = 0.0
    numbers = np.float64

    @classmethod
    def pack(cls, planes: Array) -> Sets:
        """Planes (P, ...) of booleans as samples."""
        samples = -(-len(planes) // 64)
        eights = np.zeros((samples * 8, *planes.shape[1:]), dtype=np.uint8)
        eights[: -(-len(planes) // 8)] = np.packbits(planes, axis=0, bitorder="little")
        # Eight bytes that follow one another along the samples become one word: bytes go last for that.
        bits = np.ascontiguousarray(np.moveaxis(eights.reshape(samples, 8, *planes.shape[1:]), 1, -1))
        return bits.view(LITTLE)[..., 0].astype(np.uint64, copy=False).view(np.float64).view(cls)

    @classmethod
    def pack_pixels(cls, masks: Sequence[Array], singles: Sequence[tuple[int, ...]], size: tuple[int, ...]) -> Sets:
        """Planes (P, *size): masks, and behind them one for each single pixel, different ones, where it alone is 1."""
        count = len(masks) + len(singles)
        bits = np.zeros((-(-count // 64), *size), dtype=np.uint64)
        if masks:
            some = plain(cls.pack(np.stack(masks))).view(np.uint64)
            bits[: len(some)] = some
        planes = np.arange(len(masks), count)
        places = np.array(singles, dtype=np.intp).reshape(len(singles), len(size)).T
        # An index by arrays writes each place once: two equal pixels in one word would lose a bit.
        bits[(planes // 64, *places)] |= np.uint64(1) << (planes % 64).astype(np.uint64)
        return bits.view(np.float64).view(cls)

    @staticmethod
    def unpack(samples: Array, planes: int) -> Array:
        """The first so many planes (P, ...), as booleans."""
        bits = np.ascontiguousarray(plain(samples).view(np.uint64).astype(LITTLE, copy=False))
        # The bytes of a word go behind the samples: they are an eighth of the bits, which stay where they come out.
        eights = np.moveaxis(bits[..., np.newaxis].view(np.uint8), -1, 1)
        return np.unpackbits(eights.reshape(-1, *bits.shape[1:]), axis=0, count=planes, bitorder="little").view(bool)

    @staticmethod
    def both(one: Any, other: Any) -> Any:
        return (words(one) | words(other)).view(np.float64)

    @classmethod
    def all_of(cls, values: Array, axis: Any, *, keepdims: bool = False) -> Array:
        return np.asarray(np.bitwise_or.reduce(words(values), **over(axis, keepdims=keepdims))).view(np.float64)

    def surround(self, sides: Sequence[tuple[int, int]]) -> Array:
        return frame(plain(self), sides, 0).view(type(self))


class Hulls(Reach):
    """Planes in pairs: the highest index along one axis that has a say, and minus the lowest; -inf where none has.

    Padding has no say: neither one that repeats the map, which stands for an image that goes on. On a long image, which
    is narrow along the other axes, what is padded along those goes on as the map does: see `Narrow`.
    """

    nothing = -np.inf
    goes_on = True
    ends: Sequence[bool] = ()  # for each axis whether the maps that are read next end there: see `Narrow`

    def surround(self, sides: Sequence[tuple[int, int]]) -> Array:
        return frame(plain(self), sides, self.nothing).view(type(self))


class Narrow(Hulls):
    """The same on an image that is long along one axis and narrow along the others, where much lands on padding.

    That has no say in what is seen along the long axis: the map is taken to go on. One that has so many units at any
    size of the image ends where it does, and what lands beside it sees nothing.

    axis  that is long
    ends  is set before every node of a run
    """

    axis: int

    @classmethod
    def along(cls, axis: int) -> type[Narrow]:
        """Hulls along one spatial axis, counted from 0."""
        # NumPy keeps the class of an array and nothing of the object: what a run is about has to lie in the class.
        return type("Narrow", (cls,), {"axis": axis})

    def surround(self, sides: Sequence[tuple[int, int]]) -> Array:
        ends = (*self.ends, *(False,) * len(sides))
        padded = [axis == self.axis or ends[axis] for axis in range(len(sides))]
        mine = [pair if alone else (0, 0) for alone, pair in zip(padded, sides, strict=True)]
        others = [(0, 0) if alone else pair for alone, pair in zip(padded, sides, strict=True)]
        return go_on(frame(plain(self), mine, self.nothing), others).view(type(self))
