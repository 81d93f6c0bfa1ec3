"""Columns without NumPy: what families ask of it, under its names, on Python's lists.

Taken by `columns.py` where there is no NumPy, as where Python runs in a browser. Exact and slow: every value is an int
of Python's, whatever its size. An array here has one axis, or rows of one length; it does what the modules beside this
one ask of NumPy's, which is little, and they ask both in the same words. Nothing of a network is computed here, as
nothing is in NumPy. Whoever writes into an array has made it: slices, and columns of other types, may share values.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from types import GenericAlias
from typing import Any


class Type:
    """What the values of an array are. Equal to the type of Python's that is given for it."""

    def __init__(self, kind: str, python: type) -> None:
        self.kind, self.python = kind, python

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.python

    def __hash__(self) -> int:
        return hash(self.kind)


int64 = Type("i", int)  # a name alone: values are whole and fit, and nothing would happen to one that did not
_boolean, _real, _any = Type("b", bool), Type("f", float), Type("O", object)
integer, bool_ = int, bool


def _type(dtype: Any) -> Type:
    """The Type that `dtype` names; of no name, that of fractions."""
    return next((known for known in (int64, _boolean, _any) if known == dtype), _real)


class ndarray:  # noqa: N801 - NumPy's name, as all here
    """Values along one axis, or rows of them.

    values  all of them, row behind row
    shape   (length,), or (rows, length of each)
    """

    __slots__ = ("dtype", "shape", "values")
    __class_getitem__ = classmethod(GenericAlias)  # type: ignore[var-annotated] # ndarray[Any, Any] is a type

    def __init__(self, values: Sequence[Any], dtype: Type, shape: tuple[int, ...] | None = None) -> None:
        self.values, self.dtype, self.shape = values, dtype, shape or (len(values),)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def T(self) -> ndarray:  # noqa: N802 - NumPy's name
        rows, length = self.shape
        # Values stand row behind row: column i is every length-th of them.
        turned = [value for i in range(length) for value in self.values[i::length]]
        return ndarray(turned, self.dtype, (length, rows))

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values) if self.ndim == 1 else map(self._row, range(len(self)))

    def tolist(self) -> list[Any]:
        return list(self.values) if self.ndim == 1 else [list(row) for row in self._rows()]

    def astype(self, dtype: Any) -> ndarray:
        wanted = _type(dtype)
        values = list(map(bool, self.values)) if wanted is _boolean else self.values
        return ndarray(values, wanted, self.shape)

    def reshape(self, *shape: int) -> ndarray:
        return ndarray(self.values, self.dtype, (self.size,) if shape == (-1,) else shape)

    # --- parts

    def _rows(self) -> Iterator[Sequence[Any]]:
        rows, length = self.shape
        return (self.values[i * length : (i + 1) * length] for i in range(rows))

    def _row(self, i: int) -> ndarray:
        length = self.shape[1]
        return ndarray(self.values[i * length : (i + 1) * length], self.dtype)

    def _places(self, which: Any) -> Sequence[int]:
        """The places along the first axis that an index means: a slice, places, or a truth value for each."""
        if isinstance(which, slice):
            return range(*which.indices(len(self)))
        if isinstance(which, ndarray) and which.dtype is _boolean:
            return [i for i, wanted in enumerate(which.values) if wanted]
        places: Sequence[int] = which.values if isinstance(which, ndarray) else which
        return places

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, tuple):  # a column
            every, column = which
            return ndarray(self.values[column :: self.shape[1]], self.dtype)[every]
        if isinstance(which, int):
            # Values of a row are a slice, which would not understand a negative place.
            return self.values[which] if self.ndim == 1 else self._row(which % len(self))
        places, values = self._places(which), self.values
        if self.ndim == 1:
            some = values[which] if isinstance(which, slice) else [values[i] for i in places]
            return ndarray(some, self.dtype)
        length = self.shape[1]
        rows = chain.from_iterable(values[i * length : (i + 1) * length] for i in places)
        return ndarray(list(rows), self.dtype, (len(places), length))

    def __setitem__(self, which: Any, new: Any) -> None:
        # A range becomes a list when it is first written into.
        if not isinstance(self.values, list):
            self.values = list(self.values)
        if isinstance(which, int) and self.ndim == 1:
            self.values[which] = new
            return
        if isinstance(which, tuple):  # a column, all of it
            self.values[which[1] :: self.shape[1]] = _spread(new, len(self))
            return
        places = self._places(which)
        for place, value in zip(places, _spread(new, len(places)), strict=True):
            self.values[place] = value

    # --- operations on each value

    def _each(self, function: Callable[[Any, Any], Any], other: Any, turned: bool = False) -> Sequence[Any]:
        """A function of every value and what stands at its place in the other, or of one for all."""
        others: Iterable[Any] = repeat(other)
        if isinstance(other, ndarray):
            others = other.values
            if other.shape != self.shape:  # sizes per axis, the same for every row
                others = chain.from_iterable(repeat(other.values, len(self)))
        pairs = (others, self.values) if turned else (self.values, others)
        return list(map(function, *pairs))

    def _calculate(self, function: Callable[[Any, Any], Any], other: Any, turned: bool = False) -> ndarray:
        types = {self.dtype, other.dtype} if isinstance(other, ndarray) else {self.dtype}
        dtype = next((known for known in (_any, _real) if known in types), int64)
        return ndarray(self._each(function, other, turned), dtype, self.shape)

    def __add__(self, other: Any) -> ndarray:
        return self._calculate(operator.add, other)

    def __sub__(self, other: Any) -> ndarray:
        return self._calculate(operator.sub, other)

    def __rsub__(self, other: Any) -> ndarray:
        return self._calculate(operator.sub, other, turned=True)

    def __mul__(self, other: Any) -> ndarray:
        return self._calculate(operator.mul, other)

    def __floordiv__(self, other: Any) -> ndarray:
        return self._calculate(operator.floordiv, other)

    def __rfloordiv__(self, other: Any) -> ndarray:
        return self._calculate(operator.floordiv, other, turned=True)

    def __mod__(self, other: Any) -> ndarray:
        return self._calculate(operator.mod, other)

    def __rmod__(self, other: Any) -> ndarray:
        return self._calculate(operator.mod, other, turned=True)

    def __truediv__(self, other: Any) -> ndarray:
        return ndarray(self._each(operator.truediv, other), _real, self.shape)

    def __rtruediv__(self, other: Any) -> ndarray:
        return ndarray(self._each(operator.truediv, other, turned=True), _real, self.shape)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> ndarray:
        return ndarray(list(map(operator.neg, self.values)), self.dtype, self.shape)

    def __abs__(self) -> ndarray:
        return ndarray(list(map(abs, self.values)), self.dtype, self.shape)

    def _truth(self, function: Callable[[Any, Any], Any], other: Any) -> ndarray:
        return ndarray(self._each(function, other), _boolean, self.shape)

    def __eq__(self, other: object) -> Any:
        return self._truth(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._truth(operator.ne, other)

    # As NumPy has it: `==` gives an array, so that arrays are no keys.
    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: Any) -> ndarray:
        return self._truth(operator.lt, other)

    def __le__(self, other: Any) -> ndarray:
        return self._truth(operator.le, other)

    def __gt__(self, other: Any) -> ndarray:
        return self._truth(operator.gt, other)

    def __ge__(self, other: Any) -> ndarray:
        return self._truth(operator.ge, other)

    def __and__(self, other: Any) -> ndarray:
        return self._truth(operator.and_, other)

    def __invert__(self) -> ndarray:
        return ndarray(list(map(operator.not_, self.values)), _boolean, self.shape)

    # --- what all of them come to

    def _fold(self, function: Callable[..., Any], axis: int | None, dtype: Type) -> Any:
        if axis is None:
            return function(self.values)
        return ndarray(list(map(function, self._rows())), dtype)

    def all(self, axis: int | None = None) -> Any:
        return self._fold(all, axis, _boolean)

    def any(self, axis: int | None = None) -> Any:
        return self._fold(any, axis, _boolean)

    def min(self, axis: int | None = None) -> Any:
        return self._fold(_least, axis, self.dtype)

    def max(self, axis: int | None = None, initial: Any = None) -> Any:
        if initial is not None:
            return max(chain((initial,), self.values))
        return self._fold(_greatest, axis, self.dtype)


def _least(values: Sequence[Any]) -> Any:
    # `min` would walk over a range whose ends are its extremes.
    return min(values[0], values[-1]) if isinstance(values, range) else min(values)


def _greatest(values: Sequence[Any]) -> Any:
    return max(values[0], values[-1]) if isinstance(values, range) else max(values)


def _spread(value: Any, length: int) -> Sequence[Any]:
    """What is written to so many places: a value for each, or one for all."""
    if isinstance(value, ndarray):
        return value.values
    return value if isinstance(value, (list, tuple)) else [value] * length


# --- how arrays are made


def array(items: Any, dtype: Any = None) -> ndarray:
    rows = list(items)
    shape: tuple[int, ...] = (len(rows),)
    if rows and isinstance(rows[0], (list, tuple)):
        shape = (len(rows), len(rows[0]))
        rows = [value for row in rows for value in row]
    if dtype is not None:
        return ndarray(rows, _type(dtype), shape)
    kinds = {type(value) for value in rows}
    return ndarray(rows, _boolean if kinds == {bool} else int64 if kinds == {int} else _any, shape)


def asarray(values: ndarray, dtype: Any = None) -> ndarray:
    return values if dtype is None else values.astype(dtype)


def arange(start: int, stop: int | None = None, step: int = 1, dtype: Any = int64) -> ndarray:
    return ndarray(range(start) if stop is None else range(start, stop, step), int64)


def full(shape: Any, value: Any, dtype: Any = None) -> ndarray:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if dtype is None:
        dtype = bool if isinstance(value, bool) else int64 if isinstance(value, int) else object
    return ndarray([value] * math.prod(sizes), _type(dtype), sizes)


def zeros(shape: Any, dtype: Any = float) -> ndarray:
    return full(shape, {"b": False, "f": 0.0}.get(_type(dtype).kind, 0), dtype)


def ones(shape: Any, dtype: Any) -> ndarray:
    return full(shape, True if _type(dtype) is _boolean else 1, dtype)


def empty(shape: Any, dtype: Any) -> ndarray:
    return full(shape, None, dtype)


def full_like(values: ndarray, value: Any) -> ndarray:
    return full(values.shape, value, values.dtype)


def zeros_like(values: ndarray) -> ndarray:
    return zeros(values.shape, values.dtype)


def stack(columns: Sequence[ndarray], axis: int) -> ndarray:
    """Columns side by side."""
    assert axis == 1
    types = {column.dtype for column in columns}
    dtype = types.pop() if len(types) == 1 else _any
    values = list(chain.from_iterable(zip(*(column.values for column in columns), strict=True)))
    return ndarray(values, dtype, (len(columns[0]), len(columns)))


def concatenate(parts: Sequence[ndarray]) -> ndarray:
    """Parts behind each other."""
    types = {part.dtype for part in parts}
    dtype = types.pop() if len(types) == 1 else _any
    values = list(chain.from_iterable(part.values for part in parts))
    return ndarray(values, dtype, (sum(map(len, parts)), *parts[0].shape[1:]))


def broadcast_arrays(*parts: Any) -> list[ndarray]:
    """Each as a column, a number as a column of itself."""
    length = next((len(part) for part in parts if isinstance(part, ndarray)), 1)
    return [part if isinstance(part, ndarray) else full(length, part, object) for part in parts]


# --- functions of arrays


def _elementwise(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], ndarray]:
    """A function of two numbers, of which one at least is a column."""

    def of_columns(a: Any, b: Any) -> ndarray:
        found: ndarray = a._calculate(function, b) if isinstance(a, ndarray) else b._calculate(function, a)
        return found

    return of_columns


minimum, maximum, gcd = _elementwise(min), _elementwise(max), _elementwise(math.gcd)


def divmod(values: ndarray, divisor: int) -> tuple[ndarray, ndarray]:
    return values // divisor, values % divisor


def logical_and(a: ndarray, b: ndarray) -> ndarray:
    return a & b


def where(condition: ndarray, values: ndarray, others: Any) -> ndarray:
    rest = others.values if isinstance(others, ndarray) else repeat(others)
    # Not strict: `repeat` never ends.
    chosen = [a if wanted else b for wanted, a, b in zip(condition.values, values.values, rest, strict=False)]
    return ndarray(chosen, values.dtype, values.shape)


def flatnonzero(values: Any) -> ndarray:
    truths = values.values if isinstance(values, ndarray) else values
    return ndarray([i for i, value in enumerate(truths) if value], int64)


def array_equal(a: ndarray, b: ndarray) -> bool:
    return a.shape == b.shape and all(map(operator.eq, a.values, b.values))


def diff(values: ndarray) -> ndarray:
    # `map` ends with the shorter: each value less the one before it.
    return ndarray(list(map(operator.sub, values.values[1:], values.values)), values.dtype)


def prod(numbers: Iterable[int], dtype: Any = None) -> int:
    return math.prod(numbers)


def argsort(values: ndarray, kind: str = "stable") -> ndarray:
    assert kind == "stable"
    return ndarray(sorted(range(len(values)), key=values.values.__getitem__), int64)


def lexsort(keys: Sequence[ndarray]) -> ndarray:
    """The order by the last of the keys, then by the one before."""
    ordered = list(zip(*(key.values for key in reversed(keys)), strict=True))
    return ndarray(sorted(range(len(ordered)), key=ordered.__getitem__), int64)


def unique(values: ndarray, axis: int, return_inverse: bool) -> tuple[ndarray, ndarray]:
    """The rows that occur, in order, and for each row which of them it is."""
    assert axis == 0
    assert return_inverse
    rows = list(map(tuple, values.tolist()))
    found = sorted(set(rows))
    places = {row: place for place, row in enumerate(found)}
    return array(found, values.dtype), ndarray([places[row] for row in rows], int64)
