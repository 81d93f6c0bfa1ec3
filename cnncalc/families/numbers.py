"""A whole number that remembers how it was made from the parameters of a family, and who decided on it.

The code that analyzes one network runs on such numbers as it is. Arithmetic on them becomes steps of a tape;
wherever the code decides by their values (a comparison, a truth value, a number of repetitions), the trace notes
what was decided on and how it came out, so that the result holds for every member for which all of it comes out so.

A Number is no int to the interpreter, or it would be taken apart behind its back: `range`, indices and `math` ask it
for its value, which is a decision. To `isinstance` it is one, since readers of options ask so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnncalc.families.tape import Operand, Step, Tape

LESS, EQUAL, VALUE = "<", "=", "value"
Question = tuple[str, Operand, Operand]  # one of these, and what is compared; of VALUE the step alone
Decision = tuple[Question, int]  # and the answer: a truth value, or the number

# What stands for a number in a message: its step between two brackets. A message of a spec that has them by itself is
# made for each member.
BEFORE, BEHIND = "\u27ea", "\u27eb"


class Trace:
    """One run over a family, for one of its members.

    values     of that member's parameters
    decisions  what was decided on its numbers so far, in order
    """

    def __init__(self, tape: Tape, values: Mapping[str, int]) -> None:
        self.tape = tape
        self.values = values
        self.decisions: list[Decision] = []
        self._decided: dict[Question, int] = {}
        self._numbers: dict[int, Number] = {}

    def parameter(self, name: str) -> Any:
        """The number of a parameter."""
        return self.number(self.tape.parameter(name), self.values[name])

    def number(self, operand: Operand, value: int) -> Any:
        """The Number of a step, one for each; an int for what has one value alone."""
        if not isinstance(operand, Step):
            return operand
        known = self._numbers.get(operand.number)
        if known is None:
            known = self._numbers[operand.number] = Number(self, operand, value)
        return known

    def decide(self, question: Question, answer: int) -> int:
        """Note a decision, once for each question; the answer."""
        if question not in self._decided:
            self._decided[question] = answer
            self.decisions.append((question, answer))
        return answer

    def is_less(self, a: Any, b: Any) -> bool:
        """Whether a < b: by their bounds, or by the values of this member, which is noted."""
        one, other = operand_of(a), operand_of(b)
        (low, high), (least, greatest) = self.tape.bounds_of(one), self.tape.bounds_of(other)
        # Bounds hold for all members, so what they settle is no decision and splits no formulas.
        if high < least:
            return True
        if low >= greatest or one == other:
            return False
        return bool(self.decide((LESS, one, other), value_of(a) < value_of(b)))

    def is_equal(self, a: Any, b: Any) -> bool:
        """Whether a == b, likewise."""
        one, other = operand_of(a), operand_of(b)
        if one == other:
            return True
        (low, high), (least, greatest) = self.tape.bounds_of(one), self.tape.bounds_of(other)
        if high < least or low > greatest:
            return False
        # a == b and b == a are one question.
        if not isinstance(one, Step) or (isinstance(other, Step) and other < one):
            one, other = other, one
        return bool(self.decide((EQUAL, one, other), value_of(a) == value_of(b)))


class Number:
    """A step of a tape, with its value for the member that is traced."""

    __slots__ = ("step", "trace", "value")

    def __init__(self, trace: Trace, step: Step, value: int) -> None:
        self.trace, self.step, self.value = trace, step, value

    # `isinstance` asks `__class__`; `type`, and with it the interpreter, sees through it.
    __class__ = property(lambda _self: int)

    # --- arithmetic: a step each

    def one_step(self, function: Callable[..., int], numbers: tuple[Any, ...]) -> Any:
        """A function of numbers, one of which is this."""
        step = self.trace.tape.step(function, tuple(map(operand_of, numbers)))
        return self.trace.number(step, function(*map(value_of, numbers)))

    def __add__(self, other: Any) -> Any:
        return self._make("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._make("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._make("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._make("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._make("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._make("*", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._make("//", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._make("//", other, self)

    def __mod__(self, other: Any) -> Any:
        return self._make("%", self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._make("%", other, self)

    @property
    def numerator(self) -> int:
        """For fractions, which remember nothing: a decision."""
        return int(self)

    @property
    def denominator(self) -> int:
        return 1

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __neg__(self) -> Any:
        # A product, because a tape has no step for a sign.
        return self._make("*", self, -1)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.trace.number(self.trace.tape.step("abs", (self.step,)), abs(self.value))

    def __bool__(self) -> bool:
        return not self.trace.is_equal(self, 0)

    def _make(self, operation: str, left: Any, right: Any) -> Any:
        if not is_whole(left) or not is_whole(right):
            return self._repeat(left, right) if operation == "*" else NotImplemented
        if operation in ("//", "%"):
            # Only numbers of ours can be 0 for some members: comparing them is a decision.
            divisor = right if type(right) is Number else int(right)
            if divisor == 0:  # decided on, where the bounds do not say
                raise ZeroDivisionError
        step = self.trace.tape.step(operation, (operand_of(left), operand_of(right)))
        return self.trace.number(step, COMPUTE[operation](value_of(left), value_of(right)))

    def _repeat(self, left: Any, right: Any) -> Any:
        """A tuple or list so many times: a decision."""
        other = right if left is self else left
        return other * int(self) if isinstance(other, (tuple, list)) else NotImplemented

    # --- decisions

    def __eq__(self, other: object) -> bool:
        return self.trace.is_equal(self, other) if is_whole(other) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self.trace.is_equal(self, other) if is_whole(other) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self.trace.is_less(self, other) if is_whole(other) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self.trace.is_less(other, self) if is_whole(other) else NotImplemented

    # All comparisons come down to one, so that fewer questions are asked of the members.
    def __le__(self, other: Any) -> bool:
        return not self.trace.is_less(other, self) if is_whole(other) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return not self.trace.is_less(self, other) if is_whole(other) else NotImplemented

    def __hash__(self) -> int:
        return 1  # the same for all: a set or a dict then asks whether they are equal, and that is noted

    def __index__(self) -> int:
        return self.trace.decide((VALUE, self.step, 0), self.value)

    __int__ = __index__

    # --- in messages

    def __str__(self) -> str:
        return f"{BEFORE}{self.step.number}:{BEHIND}"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return f"{BEFORE}{self.step.number}:{spec}{BEHIND}"


COMPUTE: dict[str, Callable[[int, int], int]] = {
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
    "//": int.__floordiv__,
    "%": int.__mod__,
}


def is_traced(number: object) -> bool:
    """Whether a number is one of ours; `isinstance` would say that it is an int."""
    return type(number) is Number


def is_whole(number: object) -> bool:
    """Whether a number is whole, or one of ours; of fractions nothing is remembered."""
    return type(number) is int or type(number) is Number or type(number) is bool


def operand_of(number: Any) -> Operand:
    return number.step if type(number) is Number else int(number)


def value_of(number: Any) -> int:
    value: int = number.value if type(number) is Number else int(number)
    return value
