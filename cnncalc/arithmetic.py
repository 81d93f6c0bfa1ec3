"""Whole numbers may be more than their value: operations that count as one step where they remember their making.

Python's operators ask the numbers themselves; `min` and `max` do not, they compare. The functions here are those of
Python for its integers. A number of another type that has a method `one_step` is asked how it takes them:

    least(n, 3)         # for n = 5 it is 3; for a number that remembers, "the smaller of n and 3"
"""

import math
from collections.abc import Callable
from typing import Any


def as_one_step(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of whole numbers which is one step where they remember, whatever it decides on inside."""

    def step(*numbers: Any) -> Any:
        for number in numbers:
            # By its type, for a number that remembers is an int as well.
            if type(number) is not int and hasattr(number, "one_step"):
                return number.one_step(function, numbers)
        return function(*numbers)

    return step


def divide(above: int, below: int) -> float:
    """A quotient, as the nearest number that a computer holds."""
    return above / below


least = as_one_step(min)
quotient = as_one_step(divide)
most = as_one_step(max)
gcd = as_one_step(math.gcd)
