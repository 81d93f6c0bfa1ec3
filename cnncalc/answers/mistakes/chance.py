"""How special a wrong number is: what part of the numbers near by the catalogue would explain as well.

Of small numbers almost every one is some mistake's. The share of a number is counted at its rank: only mistakes that
are at least as common count against it. A mistake is named without `perhaps` where the share is no more than
SPECIAL, so that of random wrong numbers no more than that part is accused.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

SPECIAL = 0.018
WIDTHS = (2, 5)  # near by: within a half of the number, and within a fifth


class Chance:
    """The numbers of one question's mistakes, and how densely they lie.

    ranks  the number, or sizes, of each mistake, with the rank of the commonest that gives it
    right  the right sizes: a shape is held against shapes that differ from it in the same axes
    """

    def __init__(self, ranks: Mapping[Any, int], right: Iterable[Any]) -> None:
        whole = sorted((value, rank) for value, rank in ranks.items() if isinstance(value, int))
        self.numbers = [value for value, _rank in whole]
        self.ranks = [rank for _value, rank in whole]
        self.shapes = [(value, rank) for value, rank in ranks.items() if isinstance(value, tuple)]
        self.right = {len(value): value for value in right if isinstance(value, tuple)}

    def share(self, value: Any, rank: int) -> float:
        """The part of the numbers near `value` that mistakes up to this rank give: 0 to 1."""
        if isinstance(value, tuple):
            return self.share_of_shapes(value, rank)
        if not isinstance(value, int):
            return 0.0  # a fraction is nobody's chance
        # People invent numbers near the right one, or with as many digits: the densest of these counts.
        digits = len(str(abs(value)))
        least: int = 10 ** (digits - 1)
        windows = [find_near(value, width) for width in WIDTHS] + [(least, 10 * least - 1)]
        return max(self.count(low, high, rank) / (high - low + 1) for low, high in windows)

    def count(self, low: int, high: int, rank: int) -> int:
        first, last = bisect_left(self.numbers, low), bisect_right(self.numbers, high)
        return sum(one <= rank for one in self.ranks[first:last])

    def share_of_shapes(self, value: tuple[Any, ...], rank: int) -> float:
        """Of shapes: those that keep the axes that are right, and vary the others, equal ones together."""
        right = self.right.get(len(value))
        if right is None or any(isinstance(v, Fraction) for v in value):
            return 0.0
        # A shape that is wrong in its size alone is held against other sizes, not against all shapes.
        free = [i for i, (v, r) in enumerate(zip(value, right, strict=True)) if v != r]
        together = {i: value.index(value[i]) if value.index(value[i]) in free else i for i in free}
        room: int = 1
        for axis in set(together.values()):
            low, high = find_near(value[axis], WIDTHS[0])
            room *= high - low + 1

        def alike(other: tuple[Any, ...]) -> bool:
            return all(
                find_near(value[i], WIDTHS[0])[0] <= other[i] <= find_near(value[i], WIDTHS[0])[1]
                and other[i] == other[first]
                for i, first in together.items()
            ) and all(other[i] == right[i] for i in range(len(right)) if i not in together)

        same = sum(one <= rank and len(other) == len(value) and alike(other) for other, one in self.shapes)
        return float(same / room)


def find_near(value: int, width: int) -> tuple[int, int]:
    """The numbers within a part of a number."""
    return value - value // width, value + value // width
