"""Mistakes in writing a number down: digits that are lost, exchanged or written twice, and prefixes of another base."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

MOST_POWERS = 4  # of 1,024 against 1,000: up to T and Ti


def miswrite(number: int) -> Iterator[tuple[int, str, str, int]]:
    """(rank, id, digits, value) of every number that a slip of the pen makes of this one."""
    text = str(number)
    # Numbers of two digits are slips of each other.
    if len(text) < 3:
        return
    for i in range(len(text)):
        if i or len(text) > 3:
            yield 60 if i == 0 else 61, "digit_dropped", text[i], int(text[:i] + text[i + 1 :])
        yield 63, "digit_doubled", text[i], int(text[: i + 1] + text[i:])
        if text[i + 1 :] and text[i] != text[i + 1]:
            yield 62, "digits_swapped", text[i : i + 2], int(text[:i] + text[i + 1] + text[i] + text[i + 2 :])


def binary_prefix(right: int, value: int) -> bool:
    """Whether a rounded number is the right one divided by 1,024s, and written as if by 1,000s; or the reverse.

    `8.31 G` for 8.92 G. A number needs three digits that count, and zeros behind them.
    """
    text = str(value)
    digits = len(text.rstrip("0"))
    if digits < 3 or len(text) - digits < 3 or value == right:
        return False
    unit = 10 ** (len(text) - digits)
    ratio = Fraction(1000, 1024)
    for power in range(1, MOST_POWERS + 1):
        for factor in (ratio**power, 1 / ratio**power):
            # Half a unit of the last digit: as near as rounding brings it, and farther from the right number.
            if abs(right * factor - value) * 2 <= unit and abs(right - value) * 2 > unit:
                return True
    return False
