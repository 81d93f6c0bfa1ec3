"""Sliding windows: how many positions fit on an axis, and which inputs a position reads.

Lengths are elements of one axis; integers only. Source: Dumoulin & Visin, arXiv:1603.07285, relationships
6 (windows), 14 (transposed) and 15 (dilation). Imported by the layers that slide, stretch or cut an axis.
Not by reference/, which counts positions by enumerating them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.arithmetic import as_one_step, least, most

LONGEST_PATTERN = 4096  # phases or taps that are written out one by one


class Window(NamedTuple):
    """`kernel` taps, `dilation` apart, moved by `stride` over an axis padded `before` and `after`.

    Negative padding cuts elements off. `ceil` keeps a last window that only partly fits, as long as it
    starts inside the input or the padding before it (PyTorch's ceil_mode, Caffe's pooling).
    """

    kernel: int = 1
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False

    @property
    def span(self) -> int:
        """Elements from the first tap to the last: d(k - 1) + 1."""
        k, d = self.kernel, self.dilation
        return d * (k - 1) + 1

    def positions(self, n: int) -> int:
        """Window positions on an axis of n elements: floor((n + before + after - d(k - 1) - 1) / s) + 1."""
        k, s, d, before, after = self.kernel, self.stride, self.dilation, self.before, self.after
        room = n + before + after - d * (k - 1) - 1
        if self.ceil:
            # The second term drops a window that would begin in the padding behind the input.
            fit: int = least(-(-room // s) + 1, -(-(n + before) // s))
            return fit
        return room // s + 1

    def taps_on_input(self, n: int) -> int:
        """Over all positions, the taps that land on one of the n elements and not on padding."""
        last = self.positions(n) - 1
        # On the padded axis the input begins at `before`: taps up to its end, less those before it.
        return self._taps_up_to(n - 1 + self.before, last) - self._taps_up_to(self.before - 1, last)

    def _taps_up_to(self, m: int, last: int) -> int:
        """Pairs (position o, tap t) with o*s + t*d <= m, for 0 <= o <= last and 0 <= t < k."""
        k, s, d = self.kernel, self.stride, self.dilation
        if m < 0:
            return 0
        some: int = least(k, m // d + 1)  # taps with at least position 0
        every: int = most(0, least(some, (m - last * s) // d + 1))  # taps with all positions
        # The taps between: floor((m - t*d) / s) + 1 positions each, summed from the last tap upwards.
        rest = some - every
        between: int = floor_sum(rest, s, d, m - (some - 1) * d)
        return every * (last + 1) + between + rest


class Phases(NamedTuple):
    """An axis made longer: output o reads the inputs o // U + t for t in `taps[o % U]`, U = len(taps).

    Transposed convolutions, upsampling and pixel shuffles: the taps differ from phase to phase, and a
    phase without taps reads nothing (a transposed convolution whose kernel is smaller than its stride).
    """

    taps: tuple[Sequence[int], ...]


class Listed(NamedTuple):
    """Place o along an axis reads the places `reads[o]`, in order: what repeats in no regular way."""

    reads: tuple[Sequence[int], ...]


@as_one_step
def floor_sum(n: int, m: int, a: int, b: int) -> int:
    """The sum of floor((a*i + b) / m) over 0 <= i < n, in logarithmic time; a and b not negative."""
    total = 0
    while n > 0:
        # Lattice points under a line: whole multiples are taken out, then the axes swap, as in Euclid's algorithm.
        total += (n - 1) * n // 2 * (a // m) + n * (b // m)
        a, b = a % m, b % m
        top = a * n + b
        if top < m:
            break
        n, b, a, m = top // m, top % m, m, a
    return total


def transposed_phases(kernel: int, stride: int, before: int, dilation: int) -> Phases | None:
    """Output o of a transposed convolution reads input i where i*s + t*d - before = o for a tap t < k.

    None beyond `LONGEST_PATTERN` phases or taps.
    """
    if max(kernel, stride) > LONGEST_PATTERN:
        return None
    taps: list[list[int]] = [[] for _ in range(stride)]
    # A later tap reads an earlier input: from the last tap on, the inputs come in their order.
    for t in reversed(range(kernel)):
        phase = (t * dilation - before) % stride
        taps[phase].append((phase + before - t * dilation) // stride)
    return Phases(tuple(map(tuple, taps)))


def interpolation_phases(factor: int, taps: int) -> Phases | None:
    """Upsampling between half-pixel centres: output o lies at (o + 1/2) / factor - 1/2 of the input.

    taps = 1 is the nearest element (floor(o / factor)), 2 linear, 4 cubic. A position that falls on an
    element reads that element alone: the other weights are zero. None beyond `LONGEST_PATTERN` phases.
    """
    if factor > LONGEST_PATTERN:
        return None
    if taps == 1:
        return Phases(((0,),) * factor)
    phases: list[Sequence[int]] = []
    for phase in range(factor):
        # (phase + 1/2) / factor - 1/2 over one denominator, 2 * factor.
        left, between = divmod(2 * phase + 1 - factor, 2 * factor)
        phases.append(range(left - taps // 2 + 1, left + taps // 2 + 1) if between else (left,))
    return Phases(tuple(phases))
