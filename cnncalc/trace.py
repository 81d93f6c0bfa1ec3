"""Numbers that remember how they were computed.

A Traced is an int with a formula: the operation that made it and what it was made of, down to named symbols and
literal numbers. The arithmetic of a layer, run on traced numbers in place of ints, gives the number and its
derivation at once, so that the formula that is shown is the code that ran.

    k, c = symbol("k", 5), symbol("c", 3)
    n = (k * k * c + 1) * 6             # 456, whose formula is (k k c + 1) 6

This module knows neither layers nor how a formula is written: see analysis/derivations/formulas.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Operation = Callable[[int, int], int]


class Traced(int):
    """An int that knows its formula: `operator` and `parts`, or a `name`; neither for a literal number."""

    operator: str
    parts: tuple[int, ...]
    name: str

    def __new__(cls, value: int, operator: str = "", parts: tuple[int, ...] = (), name: str = "") -> Traced:
        self = int.__new__(cls, value)
        self.operator, self.parts, self.name = operator, parts, name
        return self

    def __repr__(self) -> str:
        return f"Traced({int(self)}, {self.name or self.operator!r})"

    def __str__(self) -> str:
        # Without this it would be that of `__repr__`.
        return str(int(self))

    def __format__(self, spec: str) -> str:
        return format(int(self), spec)

    def __add__(self, other: int) -> Any:
        return _make("+", self, other)

    def __radd__(self, other: int) -> Any:
        return _make("+", other, self)

    def __sub__(self, other: int) -> Any:
        return _make("-", self, other)

    def __rsub__(self, other: int) -> Any:
        return _make("-", other, self)

    def __mul__(self, other: int) -> Any:
        return _make("*", self, other)

    def __rmul__(self, other: int) -> Any:
        return _make("*", other, self)

    def __floordiv__(self, other: int) -> Any:
        return _make("//", self, other)

    def __rfloordiv__(self, other: int) -> Any:
        return _make("//", other, self)

    def __mod__(self, other: int) -> Any:
        return _make("%", self, other)

    def __pow__(self, other: int) -> Any:  # type: ignore[override]
        return _make("**", self, other)

    def __rpow__(self, other: int) -> Any:  # type: ignore[override]
        return _make("**", other, self)

    def __neg__(self) -> Any:
        if self.operator == "//" and isinstance(self.parts[0], Traced) and self.parts[0].operator == "neg":
            return Traced(-int(self), "ceil", (self.parts[0].parts[0], self.parts[1]))  # -(-a // b)
        return Traced(-int(self), "neg", (self,))

    def __reduce__(self) -> Any:
        return Traced, (int(self), self.operator, self.parts, self.name)


_COMPUTE: dict[str, Operation] = {
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
    "//": int.__floordiv__,
    "%": int.__mod__,
    "**": int.__pow__,
}
# What changes nothing is not written: the 1 with which a product begins, the 0 with which a sum does.
_NEUTRAL_LEFT = {"+": 0, "*": 1}
_NEUTRAL_RIGHT = {"+": 0, "-": 0, "*": 1, "//": 1, "**": 1}


def _make(operator: str, left: Any, right: Any) -> Any:
    if not isinstance(left, Traced):
        if not isinstance(left, int):
            return NotImplemented
        if left == _NEUTRAL_LEFT.get(operator):
            return right
        # What comes to nothing whatever its factors are has no formula.
        if left == 0 and operator == "*":
            return 0
    if not isinstance(right, Traced):
        if not isinstance(right, int):
            return NotImplemented
        if right == _NEUTRAL_RIGHT.get(operator):
            return left
        if right == 0 and operator == "*":
            return 0
    # The operations of plain integers: their results are plain too.
    return Traced(_COMPUTE[operator](left, right), operator, (left, right))


def symbol(name: str, value: int) -> Traced:
    """A number that is written as a letter."""
    return Traced(value, name=name)


def add_up(terms: Sequence[Traced]) -> int:
    """A sum of any number of terms, as one step."""
    # Term by term the formula would be nested as deep as the sum is long.
    return Traced(sum(map(int, terms)), "+", tuple(terms)) if len(terms) > 1 else terms[0] if terms else 0


def symbols_in(number: int, known: Mapping[int, str] | None = None) -> Iterator[Traced]:
    """Every named number that a formula uses, in the order in which it is read; named parts are not opened."""
    waiting = [number]  # a sum of thousands of terms is nested as deep
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Traced):
            continue
        if part.name or (known and id(part) in known):
            yield part
        else:
            waiting.extend(reversed(part.parts))
