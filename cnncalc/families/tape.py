"""Steps of arithmetic over the parameters of a family, each kept once, with the bounds of its values.

A step is a number of this tape: a parameter (its name), or an operation on steps and whole numbers. Equal steps are
the same step. Bounds are those of interval arithmetic over the least and the greatest value of each parameter: what
they decide, and whether int64 holds a step, is true of every member.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.families.columns import LARGEST

UNBOUNDED = 10**400  # beyond any number that is counted
PARAMETER = "parameter"

Operand = Any  # Step, or an int
Bounds = tuple[int, int]


class Step(NamedTuple):
    """The number of a step. Apart from whole numbers, among which it stands as an operand."""

    number: int


class Tape:
    """Steps in the order in which they were made: a step's operands come before it.

    bounds  of each parameter, by its name
    """

    def __init__(self, bounds: Mapping[str, Bounds]) -> None:
        self.limits = dict(bounds)
        self.steps: list[tuple[Any, tuple[Operand, ...]]] = []
        self.bounds: list[Bounds] = []
        self.exact: list[bool] = []  # whether int64 holds a step and all its operands
        self._known: dict[tuple[Any, tuple[Operand, ...]], Operand] = {}

    def parameter(self, name: str) -> Operand:
        """The step of a parameter; the number itself where it has one value alone."""
        low, high = self.limits[name]
        return low if low == high else self._keep(PARAMETER, (name,), (low, high))

    def step(self, operation: Any, operands: tuple[Operand, ...]) -> Operand:
        """The step of an operation, or the number where it has one value alone."""
        operation, operands = bring_together(self, operation, operands)
        if operation is None:
            return operands[0]
        known = self._known.get((operation, operands))
        if known is not None:
            return known
        low, high = bounds_of(operation, [self.bounds_of(operand) for operand in operands])
        # Bounds have settled the value: a number, on which nothing is decided further on.
        if low == high:
            self._known[operation, operands] = low
            return low
        return self._keep(operation, operands, (low, high))

    def bounds_of(self, operand: Operand) -> Bounds:
        return self.bounds[operand.number] if isinstance(operand, Step) else (operand, operand)

    def fits(self, operand: Operand) -> bool:
        """Whether int64 holds every value of a step."""
        low, high = self.bounds_of(operand)
        return low >= -LARGEST and high <= LARGEST

    def _keep(self, operation: Any, operands: tuple[Operand, ...], bounds: Bounds) -> Step:
        known = self._known.get((operation, operands))
        if known is None:
            known = self._known[operation, operands] = Step(len(self.steps))
            self.steps.append((operation, operands))
            self.bounds.append(bounds)
            self.exact.append(operation == PARAMETER or all(map(self.fits, (known, *operands))))
        assert isinstance(known, Step)
        return known


# --- what needs no step

Simplified = tuple[Any, tuple[Operand, ...]]  # an operation and its operands; None and the operand that it comes to


def bring_together(tape: Tape, operation: Any, operands: tuple[Operand, ...]) -> Simplified:
    """The same with constants brought together: (n + 2) - 1 is n + 1, (4 w) // 4 is w."""
    simplify = SIMPLIFY.get(operation)
    return (operation, operands) if simplify is None else simplify(tape, *operands)


def _sum(tape: Tape, a: Operand, b: Operand) -> Simplified:
    if not isinstance(a, Step):
        a, b = b, a
    if not isinstance(b, Step):
        inner = tape.steps[a.number]
        if inner[0] == "+" and not isinstance(inner[1][1], Step):
            a, b = inner[1][0], inner[1][1] + b
        return (None, (a,)) if b == 0 else ("+", (a, b))
    # a + b and b + a are one step.
    return "+", (a, b) if a <= b else (b, a)


def _difference(tape: Tape, a: Operand, b: Operand) -> Simplified:
    if a == b:
        return None, (0,)
    return _sum(tape, a, -b) if not isinstance(b, Step) else ("-", (a, b))


def _product(tape: Tape, a: Operand, b: Operand) -> Simplified:
    if not isinstance(a, Step):
        a, b = b, a
    if isinstance(b, Step):
        return "*", (a, b) if a <= b else (b, a)
    inner = tape.steps[a.number]
    if inner[0] == "*" and not isinstance(inner[1][1], Step):
        a, b = inner[1][0], inner[1][1] * b
    return (None, (0,)) if b == 0 else (None, (a,)) if b == 1 else ("*", (a, b))


def _quotient(tape: Tape, a: Operand, b: Operand) -> Simplified:
    if b == 1:
        return None, (a,)
    if isinstance(b, Step) or not isinstance(a, Step):
        return (None, (1,)) if a == b else ("//", (a, b))
    operation, operands = tape.steps[a.number]
    # The factor is a multiple of the divisor, so that nothing is rounded: (4 w) // 2 is 2 w.
    if operation == "*" and not isinstance(operands[1], Step) and b and operands[1] % b == 0:
        return _product(tape, operands[0], operands[1] // b)
    # floor(floor(a / m) / b) is floor(a / (m b)) for positive divisors.
    if operation == "//" and not isinstance(operands[1], Step) and operands[1] > 0 and b > 0:
        return _quotient(tape, operands[0], operands[1] * b)
    return "//", (a, b)


def _remainder(tape: Tape, a: Operand, b: Operand) -> Simplified:
    if a == b or b in (1, -1):
        return None, (0,)
    if isinstance(a, Step) and not isinstance(b, Step) and b:
        operation, operands = tape.steps[a.number]
        if operation == "*" and not isinstance(operands[1], Step) and operands[1] % b == 0:
            return None, (0,)
    return "%", (a, b)


def _extreme(function: Callable[..., int]) -> Callable[..., Simplified]:
    def simplify(tape: Tape, *operands: Operand) -> Simplified:
        """Without those that others are beyond in any case."""
        kept = list(dict.fromkeys(operands))
        bounds = [tape.bounds_of(operand) for operand in kept]
        if function is max:
            limit = max(low for low, _high in bounds)
            left = [o for o, (_low, high) in zip(kept, bounds, strict=True) if high >= limit]
        else:
            limit = min(high for _low, high in bounds)
            left = [o for o, (low, _high) in zip(kept, bounds, strict=True) if low <= limit]
        return (None, (left[0],)) if len(left) == 1 else (function, tuple(left))

    return simplify


SIMPLIFY: dict[Any, Callable[..., Simplified]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "//": _quotient,
    "%": _remainder,
    min: _extreme(min),
    max: _extreme(max),
}


# --- bounds


def bounds_of(operation: Any, bounds: Sequence[Bounds]) -> Bounds:
    """The least and the greatest value that an operation can give on operands within these bounds."""
    found = BOUNDS.get(operation)
    low, high = (-UNBOUNDED, UNBOUNDED) if found is None else found(*bounds)
    return max(low, -UNBOUNDED), min(high, UNBOUNDED)


def _corners(compute: Callable[[int, int], int], a: Bounds, b: Bounds) -> Bounds:
    values = [compute(x, y) for x in a for y in b]
    return min(values), max(values)


def _bounds_of_quotient(a: Bounds, b: Bounds) -> Bounds:
    """The divisor is not 0, which has been decided."""
    # A quotient is extreme at the divisors that are nearest to 0 and farthest from it.
    divisors = {d for d in (*b, -1, 1) if d and b[0] <= d <= b[1]}
    values = [n // d for n in a for d in divisors]
    return (min(values), max(values)) if values else (0, 0)


def _bounds_of_remainder(a: Bounds, b: Bounds) -> Bounds:
    # Python's remainder has the sign of the divisor.
    low, high = min(b[0] + 1, 0), max(b[1] - 1, 0)
    if b[0] > 0 and a[0] >= 0:
        # Less than every divisor, it is its own remainder.
        if a[1] < b[0]:
            return a
        high = min(high, a[1])
    return low, high


def _bounds_of_size(a: Bounds) -> Bounds:
    low, high = a
    return (0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


BOUNDS: dict[Any, Callable[..., Bounds]] = {
    "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "*": lambda a, b: _corners(int.__mul__, a, b),
    "//": _bounds_of_quotient,
    "%": _bounds_of_remainder,
    "abs": _bounds_of_size,
    min: lambda *bounds: (min(low for low, _ in bounds), min(high for _, high in bounds)),
    max: lambda *bounds: (max(low for low, _ in bounds), max(high for _, high in bounds)),
    math.gcd: lambda *bounds: (0, max(_bounds_of_size(b)[1] for b in bounds)),
}
