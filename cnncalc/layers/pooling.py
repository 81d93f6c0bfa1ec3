"""Pooling: a window that summarises each map by itself, without weights (but for LeCun's subsampling).

Work is scalar operations for one sample. Sources: LeCun et al. 1998, section II-B (subsampling: the sum of
a window, times a trained coefficient, plus a trained bias); PyTorch's AdaptiveAvgPool2d (window bounds).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, prod
from typing import TYPE_CHECKING

from cnncalc.arithmetic import gcd
from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.base import (
    KEPT,
    MIXED,
    WHOLE,
    Axes,
    Facts,
    Layer,
    Option,
    Shape,
    Step,
    option,
    per_axis,
    shape_text,
    spatial,
    weightless,
)
from cnncalc.layers.gradients import ENTERED, NOTHING, Kept
from cnncalc.layers.options import KERNEL, ROUNDING, STRIDE, axes, positive, switch
from cnncalc.layers.sliding import Sliding, count_lost_on_padding
from cnncalc.layers.windows import LONGEST_PATTERN, Listed, Window

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads


class Pool(Sliding):
    """A window over each map; the stride is the kernel's size unless given."""

    channels = KEPT
    kernel: Axes = option(KERNEL, main=True)
    stride: Axes | None = option(STRIDE, default=None, doc="stride: step of the window, s (default: the kernel)")
    rounding: str = option(ROUNDING)

    def geometry(self, x: Shape) -> tuple[tuple[Window, ...], Shape]:
        """The windows, and the output shape (C, *positions). No window may lie in padding alone."""
        c, size = x[0], spatial(self.kind, x)
        windows = self.windows(size, ceil=self.rounding == "ceil")
        for w in windows:
            # A window of padding alone has no value: the largest of nothing, or the mean 0 / 0.
            if max(w.before, w.after) >= w.span:
                raise ShapeError(
                    _(
                        "padding {before} is as wide as the window ({span}): some see only padding",
                        before=max(w.before, w.after),
                        span=w.span,
                    ),
                    _("pad less than the window's size"),
                    "padding",
                )
        return windows, (c, *(w.positions(n) for w, n in zip(windows, size, strict=True)))


class MaxPool(Pool):
    """The largest value in each window: k - 1 comparisons for k values."""

    def facts(self, x: Shape) -> Facts:
        windows, output = self.geometry(x)
        k, units = prod(w.kernel for w in windows), prod(output)
        return weightless(output, {"compare": (k - 1) * units}, windows, Kept(inputs=(0,), indices=units))


class MaxUnpool(Pool):
    """Values put where a max pooling found its maxima, and zeros everywhere else; the second input is the pooled map.

    Values (C, *positions), and the map (C, *size) that was pooled by the same kernel, stride, padding, rounding: the
    output is as large as that map. The maxima are found, and their places kept, by the pooling: nothing is computed.
    Of windows that overlap in one maximum the last value stays. Values decide what a unit sees. The map counts as read
    and as held until here, which is more than the places alone that a program keeps.
    """

    channels = MIXED  # of both inputs
    kernel: Axes = option(KERNEL)  # the branches stand where the first value would

    def facts(self, *shapes: Shape) -> Facts:
        if len(shapes) != 2:
            raise ShapeError(
                _("{kind} takes values, and the map whose maxima say where they go", kind=self.kind),
                _("name the step in front of the pooling as the second"),
            )
        x, pooled = shapes
        _windows, positions = self.geometry(pooled)
        if x != positions:
            raise ShapeError(
                _(
                    "{one} enters, and pooling {other} gives {result}",
                    one=shape_text(x),
                    other=shape_text(pooled),
                    result=shape_text(positions),
                ),
                _("give kernel, stride and padding of the pooling, and the map that entered it"),
                "kernel",
            )
        # SegNet (Badrinarayanan et al. 2017, III): the encoder's indices are all that the decoder gets of its maps.
        return weightless(pooled, {}, None, NOTHING)


class AvgPool(Pool):
    """The mean of each window: k - 1 additions and a division for k values.

    `count_include_pad` says whether padding counts as values of 0; the number of operations is the same.
    """

    count_include_pad: bool = option(Option(switch, "count_include_pad: padding counts as zeros", default=True))

    def facts(self, x: Shape) -> Facts:
        windows, output = self.geometry(x)
        k = prod(w.kernel for w in windows)
        return weightless(output, {"add": (k - 1) * prod(output), "divide": prod(output)}, windows, ENTERED)


class LpPool(Pool):
    """The p-norm of each window: k times |x| and its power, k - 1 additions and a root for k values."""

    norm: int = option(Option(positive, "norm: the p of the p-norm", default=2, aliases=("norm_type",)))

    def facts(self, x: Shape) -> Facts:
        windows, output = self.geometry(x)
        k, units = prod(w.kernel for w in windows), prod(output)
        # A power for every value, and one more for the root.
        work = {"absolute": k * units, "power": (k + 1) * units, "add": (k - 1) * units}
        # The powers; then of their means the values, their sign, their size, and what the root is drawn of.
        return weightless(output, work, windows, Kept(inputs=(0,), values=prod(x) + 4 * units))


class BlurPool(Pool):
    """Each map through a binomial filter, read at every stride-th place: k products with constants, k - 1 additions.

    Along an axis the weights are binomial coefficients over their sum: 1 2 1 over 4 for a kernel of 3. Nothing is
    trained or stored. `pad 1 reflect` before it, for a kernel of 3, is the layer of Zhang 2019.
    """

    stride: Axes | None = option(STRIDE, default=(2,), doc="stride: step of the window, s (default: 2)")

    def facts(self, x: Shape) -> Facts:
        windows, output = self.geometry(x)
        k, units = prod(w.kernel for w in windows), prod(output)
        return weightless(output, {"multiply": k * units, "add": (k - 1) * units}, windows, ENTERED)

    def elements(self, x: Shape) -> Reads | None:
        from fractions import Fraction

        from cnncalc.layers.elements import Read

        windows, _output = self.geometry(x)
        rows = [[Fraction(comb(w.kernel - 1, tap), 2 ** (w.kernel - 1)) for tap in range(w.kernel)] for w in windows]
        return [Read(0, 0, windows, weights=tuple([(tuple(row),) for row in rows]))]


class Subsample(Pool):
    """LeCun's subsampling: the sum of a window, times one coefficient, plus one bias, both trained, per map.

    Two parameters per map. A unit has k connections and one for its bias, and multiplies once.
    """

    def facts(self, x: Shape) -> Facts:
        windows, output = self.geometry(x)
        c, k, units = x[0], prod(w.kernel for w in windows), prod(output)
        return Facts(
            output=output,
            # S2 of LeNet-5: 12 parameters, and (4 + 1) * 6 * 14 * 14 = 5,880 connections.
            params=2 * c,
            connections=(k + 1) * units,
            macs=units,
            work={"add": (k - 1) * units + units},
            reach=windows,
            activations=0,
            kept=Kept(values=units),  # the sums, which the coefficient is multiplied with
        )

    def on_padding(self, x: Shape) -> tuple[int, int]:
        windows, _ = self.geometry(x)
        # The coefficient multiplies the sum once: padding takes connections away, but no MAC.
        return x[0] * count_lost_on_padding(windows, x[1:]), 0


class GlobalPool(Layer):
    """Each map becomes one value: (C, *size) to (C, 1, ...)."""

    channels = KEPT

    def facts(self, x: Shape) -> Facts:
        c, size = x[0], spatial(self.kind, x)
        n = prod(size)
        mean = self.kind == "global_avgpool"
        work = {"add": (n - 1) * c, "divide": c} if mean else {"compare": (n - 1) * c}
        kept = NOTHING if mean else Kept(inputs=(0,), indices=c)
        return weightless((c, *(1 for _ in size)), work, WHOLE, kept)


class AdaptivePool(Layer):
    """Pooling to a given size m: unit i reads floor(i*n/m) up to, not including, ceil((i + 1)*n/m)."""

    channels = KEPT
    size: Axes = option(
        Option(
            axes, "size: of the output, m", required=True, main=True, aliases=("output_size", "k", "kernel"), flag="k"
        )
    )

    def facts(self, x: Shape) -> Facts:
        c, size = x[0], spatial(self.kind, x)
        target = per_axis(self.size, size, "size")
        units = c * prod(target)
        # Neighbouring windows share an element wherever i*n/m is not whole: m - gcd(n, m) times.
        read = c * prod(n + m - gcd(n, m) for n, m in zip(size, target, strict=True))
        work, kept = {"compare": read - units}, Kept(inputs=(0,), indices=units)
        if self.kind == "adaptive_avgpool":
            work = {"add": read - units, "divide": units}
            kept = NOTHING if set(target) == {1} else ENTERED  # of all values: a mean
        return weightless((c, *target), work, self._reach(size, target), kept)

    def _reach(self, size: Sequence[int], target: Sequence[int]) -> tuple[Step, ...]:
        return tuple(
            WHOLE if m == 1 else Window(n // m, n // m) if n % m == 0 else unequal(n, m)
            for n, m in zip(size, target, strict=True)
        )


def unequal(n: int, m: int) -> Listed | None:
    """m parts of n elements, of sizes that differ by one at most, or that overlap; None beyond `LONGEST_PATTERN`."""
    if m > LONGEST_PATTERN:
        return None
    # -(-a // m) is a / m rounded up in integers: a float would be off by one on long axes.
    return Listed(tuple(range(i * n // m, -(-(i + 1) * n // m)) for i in range(m)))
