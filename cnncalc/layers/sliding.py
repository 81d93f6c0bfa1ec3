"""Layers that move a window over every spatial axis: how their options become a window per axis.

Shared by convolution and pooling. Sizes are elements of one axis. Sources: PyTorch's Conv2d and MaxPool2d
(explicit padding, ceil_mode), TensorFlow's `same` (output ceil(n / s), the odd element at the end).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.arithmetic import most
from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.base import Axes, Layer, option, per_axis, shape_text
from cnncalc.layers.options import DILATION, KERNEL, PADDING, STRIDE, Padding
from cnncalc.layers.windows import Window


class Sliding(Layer):
    """Options and geometry of a layer that slides a window."""

    kernel: Axes = option(KERNEL)
    stride: Axes | None = option(STRIDE)  # None: the kernel's size
    padding: Padding = option(PADDING)
    dilation: Axes = option(DILATION)

    def windows(self, size: Sequence[int], *, ceil: bool = False) -> tuple[Window, ...]:
        """The window of each axis, padding resolved. Raises ShapeError where one does not fit its axis."""
        kernel = per_axis(self.kernel, size, "kernel")
        stride = per_axis(self.stride or self.kernel, size, "stride")
        dilation = per_axis(self.dilation, size, "dilation")
        if self.padding == "same":
            pads: Sequence[tuple[int, int]] = [
                same_padding(n, k, s, d) for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
            ]
        else:
            pads = sides_per_axis(self.padding, size)
        windows = tuple(
            Window(k, s, before, after, d, ceil)
            for k, s, (before, after), d in zip(kernel, stride, pads, dilation, strict=True)
        )
        for window, n in zip(windows, size, strict=True):
            if window.positions(n) < 1:
                self._does_not_fit(windows, size, window, n)
        return windows

    def _does_not_fit(self, windows: Sequence[Window], size: Sequence[int], window: Window, n: int) -> None:
        room = n + window.before + window.after
        kernel = shape_text([w.kernel for w in windows])
        padded = _("padding {padding}", padding=_pads_text(windows))
        if window.dilation > 1:
            padded += _(", dilation {dilation}: it spans {span}", dilation=window.dilation, span=window.span)
        values = {"kernel": kernel, "size": shape_text(size), "padded": padded}
        if len(windows) == 1:
            problem = _("a window of {kernel} does not fit the input of length {n} ({padded})", n=n, **values)
        elif takes_an(windows[0].kernel):
            problem = _("an {kernel} window does not fit the {size} input ({padded})", **values)
        else:
            problem = _("a {kernel} window does not fit the {size} input ({padded})", **values)
        # The largest k with d(k - 1) + 1 <= room.
        largest = (room - 1) // window.dilation + 1
        missing = window.span - room
        hint = _("the largest kernel that fits is {largest}; or pad {missing} more", largest=largest, missing=missing)
        # 28 channels of 28x3 or 28x1: an image was written channels last.
        if len(size) == 2 and size[1] in (1, 3, 4) and size[0] >= 8:
            hint += _(". Shapes are channels first: 3x32x32")
        raise ShapeError(problem, hint, "kernel")


def takes_an(number: int) -> bool:
    """Whether a number of up to four digits is spoken with a vowel first: 8, 11, 18, 80 to 89, 800 to 899."""
    return number in (11, 18) or any(8 * size <= number < 9 * size for size in (1, 10, 100, 1000))


def same_padding(n: int, k: int, s: int, d: int) -> tuple[int, int]:
    """(before, after) for which the output is ceil(n / s); the odd element comes after."""
    # The last window begins at (ceil(n / s) - 1) s: what its span reaches beyond n is padded.
    total = most((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
    before = total // 2
    return before, total - before


def sides_per_axis(sides: Padding, size: Sequence[int]) -> Sequence[tuple[int, int]]:
    """(before, after) for each axis: one pair is used for all."""
    pairs = [side for side in sides if isinstance(side, tuple)]
    # `per_axis` spreads numbers, so the places of the pairs are spread in their stead.
    which = per_axis(tuple(range(len(pairs))), size, "padding")
    return [pairs[i] for i in which] if len(pairs) > 1 else pairs * len(size)


def _pads_text(windows: Sequence[Window]) -> str:
    pads = [(w.before, w.after) for w in windows]
    if len(set(pads)) == 1 and pads[0][0] == pads[0][1]:
        return str(pads[0][0])
    return _(" and ").join(f"{before}+{after}" for before, after in pads)


def count_lost_on_padding(windows: Sequence[Window], size: Sequence[int]) -> int:
    """Taps over all positions that land on padding: the taps claimed, less those on real input."""
    taps = prod(w.kernel * w.positions(n) for w, n in zip(windows, size, strict=True))
    # Products first, then the difference: a tap is lost where it leaves the input on any axis.
    return taps - prod(w.taps_on_input(n) for w, n in zip(windows, size, strict=True))
