"""The numbers of a block: which stay, which are parameters, and which follow from others, `$(4*c)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Number = int | str  # or what stands for one: `$c`, `$(4*c)`
Column = list[Number | None]  # what each of several lists has in one place


class Place(str):
    """What a value of the network is called in the text, for a block that reads it."""

    value: int


def place(name: str, value: int) -> Place:
    """The name of a value."""
    found = Place(name)
    found.value = value
    return found


LARGEST_FACTOR = 64  # of `$(6*in.c)`


def is_number(value: Any) -> bool:
    """One whole number, as itself or for all axes."""
    while isinstance(value, tuple) and value and all(part == value[0] for part in value):
        value = value[0]
    return isinstance(value, int) and not isinstance(value, bool)


def plain(value: Any) -> int:
    """The number that is the same for all axes."""
    while isinstance(value, tuple):
        value = value[0]
    found: int = value
    return found


def express(
    name: str, column: Column, params: Mapping[str, Sequence[Number]], entering: Sequence[int]
) -> Number | None:
    """How a number is written in the block: as it is, or by what is there already; None where it needs a parameter.

    column    what each list has; None where one has no such number
    params    the parameters so far, each with a value for every list
    entering  the channels that enter each list
    """
    known = [value for value in column if value is not None]
    if all(value == known[0] for value in known):
        return known[0]
    numbers = [value for value in column if not isinstance(value, str)]
    if len(numbers) < len(column):  # expressions of an inner block, or names: no other is a multiple of them
        return next((f"${letter}" for letter, others in params.items() if list(others) == column), None)
    # The first parameter of which it is a multiple: those in front are what people know a block by.
    for letter, others in params.items():
        values = [value for value in others if not isinstance(value, str)]
        said = relation(numbers, values, letter) if len(values) == len(others) else None
        if said is not None:
            return said
    # Widths go with the channels that enter; that a kernel of 3 meets 3 channels is chance.
    if name in ("filters", "units", "groups", "c"):
        return relation(numbers, entering, "in.c") or grow_lists(numbers, entering)
    return None


def grow_lists(column: Sequence[int | None], channels: Sequence[int]) -> str | None:
    """`$(in.c+16)`: each list adds so many channels to those that enter; None where they do not all."""
    steps = {a - b for a, b in zip(column, channels, strict=True) if a is not None}
    if len(column) < 3 or len(steps) > 1 or min(steps) <= 0:  # of two lists this may be chance
        return None
    return f"$(in.c+{steps.pop()})"


def relation(column: Sequence[int | None], others: Sequence[int], name: str) -> str | None:
    """`$c`, `$(4*c)`, `$(c//2)`; None where one is no fixed multiple of the other."""
    pairs = [(a, b) for a, b in zip(column, others, strict=True) if a is not None]
    if all(a == b for a, b in pairs):
        return f"${name}" if "." not in name else f"$({name})"
    factor = pairs[0][0] // pairs[0][1] if pairs[0][1] else 0
    if 1 < factor <= LARGEST_FACTOR and all(a == factor * b for a, b in pairs):
        return f"$({factor}*{name})"
    # 1 of 3 may be a third, or a half rounded down.
    for by in (pairs[0][1] // pairs[0][0] if pairs[0][0] else 0, 2):
        if 1 < by <= LARGEST_FACTOR and all(a == b // by for a, b in pairs):
            return f"$({name}//{by})"
    return None


def settle_column(column: Column) -> list[Number]:
    """A parameter's values; where a list has no such number, because it has no shortcut, that of the next one."""
    known = next(value for value in column if value is not None)
    return [known if value is None else value for value in column]


def default_of(letter: str, column: Sequence[Number]) -> Number | None:
    """A stride of 1 and the like are left out of calls; None where a parameter must be given."""
    # Only numbers that change nothing where they are left out: no stride, one group, no padding.
    if letter.rstrip("0123456789") in ("stride", "g", "d", "p", "m"):
        return next((value for value in column if value == (0 if letter[0] == "p" else 1)), None)
    return None


def free(letter: str, params: Mapping[str, Any]) -> str:
    """A parameter's name that is not taken: c, c2, c3."""
    stem = letter.rstrip("0123456789")
    names = [letter, *(f"{stem}{i}" for i in range(2, len(params) + 3))]
    return next(name for name in names if name not in params)
