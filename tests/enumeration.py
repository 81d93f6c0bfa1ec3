"""What windows do, by listing them: no output size is computed, positions are slid until they do not fit.

An axis of a map is a list with, for each unit, the set of input indices that the unit depends on (with the
indices outside the image, so that borders cut nothing), and the number of taps in all, on padding or not.
"""

from __future__ import annotations

from collections.abc import Sequence

Axis = list[frozenset[int]]
FAR = 400  # units on either side of the image, so that interior units see no border


def starts(n: int, kernel: int, stride: int, before: int, after: int, dilation: int, ceil: bool = False) -> list[int]:
    """Where windows start, from -before on, while they fit; with ceil one more that starts in the input."""
    found = []
    start = -before
    while start + dilation * (kernel - 1) <= n - 1 + after:
        found.append(start)
        start += stride
    fits_exactly = found and found[-1] + dilation * (kernel - 1) == n - 1 + after
    if ceil and found and not fits_exactly and start < n:
        found.append(start)
    return found


def taps(start: int, kernel: int, dilation: int) -> list[int]:
    return [start + t * dilation for t in range(kernel)]


def on_input(positions: Sequence[int], kernel: int, dilation: int, n: int) -> int:
    """Taps of all windows that land on one of n elements."""
    return sum(0 <= tap < n for start in positions for tap in taps(start, kernel, dilation))


class Line:
    """An endless axis: for unit o, any integer, the set of input indices that it depends on."""

    def __init__(self, sees: dict[int, frozenset[int]]) -> None:
        self.sees = sees

    @staticmethod
    def image() -> Line:
        return Line({i: frozenset((i,)) for i in range(-FAR, FAR)})

    def windows(self, kernel: int, stride: int, before: int, dilation: int) -> Line:
        found = {}
        for o in range(-FAR // stride, FAR // stride):
            read = [o * stride - before + t * dilation for t in range(kernel)]
            if all(i in self.sees for i in read):
                found[o] = frozenset().union(*(self.sees[i] for i in read))
        return Line(found)

    def transposed(self, kernel: int, stride: int, before: int, dilation: int) -> Line:
        """Every unit i adds to the outputs i*stride + t*dilation - before."""
        found: dict[int, frozenset[int]] = {}
        inner = sorted(self.sees)
        for i in inner:
            for t in range(kernel):
                o = i * stride + t * dilation - before
                found[o] = found.get(o, frozenset()) | self.sees[i]
        margin = kernel * dilation
        low, high = inner[0] * stride + margin, inner[-1] * stride - margin
        return Line({o: found.get(o, frozenset()) for o in range(low, high)})

    def joined(self, other: Line) -> Line:
        return Line({o: self.sees[o] | other.sees[o] for o in self.sees.keys() & other.sees.keys()})

    def largest_field(self) -> int:
        """The hull of the unit that sees furthest, among units around 0."""
        near = [self.sees[o] for o in range(-24, 24) if o in self.sees]
        return max(max(s) - min(s) + 1 if s else 0 for s in near)

    def start(self) -> int | None:
        """The lowest index that unit 0 sees."""
        return min(self.sees[0], default=None)
