"""The numbers of a block: which stay, which are parameters, and which follow from others, `$(4*c)`."""

from __future__ import annotations

from typing import Any

LARGEST_FACTOR = 64  # of `$(6*in.c)`


def is_number(value: Any) -> bool:
    """One whole number, as itself or for all axes."""
    while isinstance(value, tuple) and value and all(part == value[0] for part in value):
        value = value[0]
    return isinstance(value, int) and not isinstance(value, bool)


def plain(value: Any) -> int:
    while isinstance(value, tuple):
        value = value[0]
    found: int = value
    return found


def expression(name: str, column: list[Any], params: dict[str, list[Any]], entering: list[Any]) -> Any:
    """How a number is written in the block: as it is, or by what is there already; None where it needs a parameter."""
    known = [value for value in column if value is not None]
    if all(value == known[0] for value in known):
        return known[0]
    if any(isinstance(value, str) for value in known):
        return None
    for letter, others in params.items():
        said = relation([None if v is None else plain(v) for v in column], [plain(v) for v in others], letter)
        if said is not None:
            return said
    if name in ("filters", "units", "groups", "c") and None not in entering:
        return relation([None if v is None else plain(v) for v in column], entering, "in.c")
    return None


def relation(column: list[int | None], others: list[int], name: str) -> str | None:
    """`$c`, `$(4*c)`, `$(c//2)`; None where one is no fixed multiple of the other."""
    pairs = [(a, b) for a, b in zip(column, others, strict=True) if a is not None]
    if all(a == b for a, b in pairs):
        return f"${name}" if "." not in name else f"$({name})"
    factor = pairs[0][0] // pairs[0][1] if pairs[0][1] else 0
    if 1 < factor <= LARGEST_FACTOR and all(a == factor * b for a, b in pairs):
        return f"$({factor}*{name})"
    for by in (pairs[0][1] // pairs[0][0] if pairs[0][0] else 0, 2):
        if 1 < by <= LARGEST_FACTOR and all(a == b // by for a, b in pairs):
            return f"$({name}//{by})"
    return None


def settled_column(column: list[Any]) -> list[Any]:
    """A parameter's values; where a list has no such number, because it has no shortcut, that of the next one."""
    known = next(value for value in column if value is not None)
    return [known if value is None else value for value in column]


def default_of(letter: str, column: list[Any]) -> Any:
    """A stride of 1 and the like are left out of calls; None where a parameter must be given."""
    if letter.rstrip("0123456789") in ("stride", "g", "d", "p", "m"):
        return next((value for value in column if plain(value) == (0 if letter[0] == "p" else 1)), None)
    return None


def free(letter: str, params: dict[str, list[Any]]) -> str:
    names = [letter, *(f"{letter}{i}" for i in range(2, len(params) + 3))]
    return next(name for name in names if name not in params)
