"""The steps of a tape on NumPy columns: a value for every member at once, exact whatever its size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnncalc.arithmetic import divide
from cnncalc.families.columns import Array, np
from cnncalc.families.numbers import EQUAL, VALUE, Question
from cnncalc.families.tape import PARAMETER, Operand, Step, Tape


class Evaluation:
    """The values of steps for some members, worked out when they are asked for.

    columns  the values of the parameters, a member in each place
    """

    def __init__(self, tape: Tape, columns: Mapping[str, Array], members: int) -> None:
        self.tape = tape
        self.columns = columns
        self.members = members
        self._values: dict[int, Array] = {}

    def column(self, operand: Operand) -> Array:
        """The value of every member, also where it is the same for all."""
        if isinstance(operand, Step):
            value: Array = self.values([operand])[0]
            return value
        return np.full(self.members, operand, dtype=np.int64 if self.tape.fits(operand) else object)

    def answers(self, question: Question) -> Array:
        """How a question is answered for every member."""
        asked, one, other = question
        if asked == VALUE:
            return self.column(one)
        a, b = self.values([one, other])
        return np.asarray(a == b if asked == EQUAL else a < b, dtype=bool)

    def values(self, operands: Sequence[Operand]) -> list[Any]:
        """Columns for steps, whole numbers for the others."""
        # In their order, and each once: formulas of deep networks share most of their steps, and are nested too deep
        # for recursion.
        for number in self._missing(operands):
            self._values[number] = self._value(number)
        return [self._values[o.number] if isinstance(o, Step) else o for o in operands]

    def _missing(self, operands: Sequence[Operand]) -> list[int]:
        """The steps that are still to be worked out, in an order in which they can be."""
        found: set[int] = set()
        stack = [operand.number for operand in operands if isinstance(operand, Step)]
        while stack:
            number = stack.pop()
            if number not in found and number not in self._values:
                found.add(number)
                stack += [part.number for part in self.tape.steps[number][1] if isinstance(part, Step)]
        return sorted(found)

    def _value(self, number: int) -> Array:
        operation, operands = self.tape.steps[number]
        if operation == PARAMETER:
            return self.columns[operands[0]]
        parts = [self._values[o.number] if isinstance(o, Step) else o for o in operands]
        # Bounds of the step say whether int64 holds every member's value on the way.
        exact = self.tape.exact[number] or operation is divide
        if not exact:  # Python's integers, of any size
            parts = [part.astype(object) if isinstance(part, np.ndarray) else part for part in parts]
        if operation is divide and all(self._is_double(operand) for operand in operands):
            return np.asarray(parts[0] / parts[1])
        known = OPERATIONS.get(operation)
        value: Array = apply(operation, parts) if known is None else known(*parts)
        return value if exact or not self.tape.fits(Step(number)) else value.astype(np.int64)

    def _is_double(self, operand: Operand) -> bool:
        """Whether a double holds every value of a step, so that a quotient of two is rounded once."""
        low, high = self.tape.bounds_of(operand)
        return self.tape.fits(operand) and low >= -(2**53) and high <= 2**53


def _fold(function: Callable[..., Any]) -> Callable[..., Any]:
    def fold(*parts: Any) -> Any:
        value = parts[0]
        for part in parts[1:]:
            value = function(value, part)
        return value

    return fold


OPERATIONS: dict[Any, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "abs": abs,
    min: _fold(np.minimum),
    max: _fold(np.maximum),
    math.gcd: _fold(np.gcd),
}


def apply(function: Callable[..., int], parts: Sequence[Any]) -> Array:
    """A function of Python's on columns: once for each row of values that occurs."""
    columns = np.broadcast_arrays(*parts)
    # Members that vary in one number often agree in what a function is asked for.
    known: dict[tuple[int, ...], int] = {}
    result = np.empty(len(columns[0]), dtype=object)
    for i, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        value = known.get(row)
        if value is None:
            value = known[row] = function(*row)
        result[i] = value
    return result
