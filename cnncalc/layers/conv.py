"""Convolutions: how many weights, how often each is used, and what size comes out.

Counts are exact integers for one sample; shapes are channels first. Sources: LeCun et al. 1998, section II-B
(connections, the table of C3); LeCun 1989 (a bias for every unit); Krizhevsky et al. 2012 (groups); Dumoulin &
Visin, arXiv:1603.07285 (sizes, transposed convolution); Howard et al. 2017 (depthwise).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.arithmetic import gcd
from cnncalc.errors import ShapeError
from cnncalc.language import _, n_
from cnncalc.layers.base import (
    KEPT,
    LINKED,
    MIXED,
    Axes,
    Facts,
    Layer,
    Option,
    Shape,
    option,
    per_axis,
    shape_text,
    spatial,
)
from cnncalc.layers.gradients import ENTERED, Kept, Products
from cnncalc.layers.options import (
    BIAS,
    DILATION,
    FILTERS,
    GROUPS,
    KERNEL,
    PADDING,
    PER_UNIT,
    STRIDE,
    Padding,
    bias,
    natural_axes,
    positive,
)
from cnncalc.layers.sliding import Sliding, count_lost_on_padding, sides_per_axis
from cnncalc.layers.tables import check_table, map_table
from cnncalc.layers.windows import Window, transposed_phases

if TYPE_CHECKING:
    from cnncalc.layers.links import Link


class Convolution(Sliding):
    """What all convolutions share: kernels of shared weights, one for each pair of input map and filter."""

    bias: bool | str = option(
        BIAS,
        read=bias,
        doc="bias: a trained constant for every filter; or `per_unit`, one for every output unit",
    )

    def filters_on(self, c: int) -> int:
        """The number of output maps when c maps enter."""
        raise NotImplementedError

    def maps_read(self, c: int) -> int:
        """Of c input maps, those that each filter reads."""
        raise NotImplementedError

    def pairs(self, c: int) -> int:
        """(input map, filter) pairs that are connected: each has a kernel of its own."""
        return self.filters_on(c) * self.maps_read(c)

    def count_stored(self, c: int, k: int, b: int) -> tuple[int, int]:
        """Weights, and weights with the biases, for kernels of k taps."""
        # k taps on each map that is read: without its table LeNet-5's C3 would have (25 * 6 + 1) * 16 = 2,416.
        f, fan_in = self.filters_on(c), k * self.maps_read(c)
        return fan_in * f, (fan_in + b) * f

    def facts(self, x: Shape) -> Facts:
        size = spatial(self.kind, x)
        windows = self.windows(size)
        positions = [w.positions(n) for w, n in zip(windows, size, strict=True)]
        # A bias is shared by the units of a map, as the weights are, or every unit has its own.
        b, own = (0, 1) if self.bias == PER_UNIT else (cast(int, self.bias), 0)
        weights, params = self.count_stored(x[0], prod(w.kernel for w in windows), b)
        units = self.filters_on(x[0]) * prod(positions)
        return Facts(
            output=(self.filters_on(x[0]), *positions),
            params=params + own * units,
            # Each weight and bias is used once per position: C1 of LeNet-5 has 156 * 28 * 28 = 122,304.
            connections=params * prod(positions) + own * units,
            macs=weights * prod(positions),
            # The sum over the taps belongs to the MACs; only the bias is an addition of its own.
            work={"add": (b + own) * units},
            reach=windows,
            activations=units,
            kept=ENTERED,
        )

    def on_padding(self, x: Shape) -> tuple[int | None, int | None]:
        c, *size = x
        taps = self.pairs(c) * count_lost_on_padding(self.windows(size), size)
        return taps, taps


class Conv(Convolution):
    """A bank of filters, cross-correlated with the input; each group of filters sees its share of the channels.

    Input (C, *size), output (filters, *positions), 1 to 3 spatial axes. With a `table`, filter i reads only
    the input maps of row i, as C3 of LeNet-5 does.
    """

    filters: int = option(FILTERS)
    groups: int = option(GROUPS)
    table: tuple[tuple[int, ...], ...] | None = option(
        Option(map_table, "table: for each filter, the input maps that it reads, from 0 (long form only)")
    )

    def filters_on(self, c: int) -> int:
        return self.filters

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return MIXED if self.groups == 1 and self.table is None else LINKED

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link, in_groups

        if self.table is None:
            return in_groups(self.groups, x[0], self.filters)
        return [Link(range(i, i + 1), row, each=False) for i, row in enumerate(self.table)]

    def maps_read(self, c: int) -> int:
        check_groups(self.groups, c, self.filters)
        return c // self.groups

    def pairs(self, c: int) -> int:
        if self.table is None:
            return super().pairs(c)
        if self.groups != 1:
            raise ShapeError(_("a table and groups exclude each other"), _("leave one of them out"), "groups")
        check_table(self.table, self.filters, c, n_("filters"), n_("maps"))
        return sum(len(row) for row in self.table)

    def count_stored(self, c: int, k: int, b: int) -> tuple[int, int]:
        if self.table is None:
            return super().count_stored(c, k, b)
        # C3 of LeNet-5: 60 pairs of 25 taps and 16 biases, 1,516 parameters.
        weights = self.pairs(c) * k
        return weights, weights + b * self.filters


class Depthwise(Convolution):
    """One filter for each channel (or `multiplier` of them), which sees that channel alone.

    Input (C, *size), output (C * multiplier, *positions).
    """

    multiplier: int = option(
        Option(
            positive,
            "multiplier: filters for each input channel",
            default=1,
            main=True,
            aliases=("depth_multiplier",),
        )
    )

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return KEPT if self.multiplier == 1 else LINKED

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        c, m = x[0], self.multiplier
        # Output o reads channel o // m: the filters of one channel are neighbours, as PyTorch and Keras order them.
        return [Link(range(i, c * m, m), range(c)) for i in range(m)]

    def filters_on(self, c: int) -> int:
        return c * self.multiplier

    def maps_read(self, c: int) -> int:
        return 1


class DeformableConv(Convolution):
    """A convolution whose taps another value moves, each at every place, and a third may weigh.

    Image (C, H, W), offsets (2 D K, *positions), weights of taps (D K, *positions), for K taps of the kernel and D sets
    of them, each for C / D channels; output (filters, *positions). A tap's offset is y, then x, in elements. What it
    reads lies between 4 elements and mixes them, zeros outside; values decide which. Connections and MACs are those of
    a convolution whose taps stand still. Reading is other work: 12 operations for each tap of a set at each place, and
    for each channel 7, or 8 where taps are weighed. Sources: Dai et al. 2017; Zhu et al. 2018 (weights of taps).
    """

    filters: int = option(FILTERS)
    groups: int = option(GROUPS)
    bias: bool = option(BIAS)

    def filters_on(self, c: int) -> int:
        return self.filters

    def maps_read(self, c: int) -> int:
        check_groups(self.groups, c, self.filters)
        return c // self.groups

    def facts(self, *shapes: Shape) -> Facts:
        if len(shapes) not in (2, 3) or len(shapes[0]) != 3:
            raise ShapeError(
                _("{kind} takes an image, the offsets of its taps, and perhaps the weights of these", kind=self.kind),
                _("branches in this order, the first of three axes"),
            )
        x, offsets, *weights = shapes
        still = super().facts(x)
        f, *positions = still.output
        k = prod(w.kernel for w in self.windows(x[1:]))
        sets = self.count_sets(x[0], k, offsets, positions)
        if weights and weights[0] != (sets * k, *positions):
            raise ShapeError(
                _(
                    "weights of taps are {wanted} here; what enters is {shape}",
                    wanted=shape_text((sets * k, *positions)),
                    shape=shape_text(weights[0]),
                ),
                _("one for each pair of offsets"),
            )
        places, read = sets * k * prod(positions), x[0] * k * prod(positions)
        # Along both axes: where it is, which element is before it, how far behind that and before the next it is; then
        # the share of each of 4 elements, which all channels of a set have in common.
        work = {
            "add": 2 * places + 3 * read + self.bias * f * prod(positions),
            "floor": 2 * places,
            "subtract": 4 * places,
            "multiply": 4 * places + (4 + len(weights)) * read,
        }
        macs = still.macs or 0
        return Facts(
            output=still.output,
            params=still.params,
            connections=still.connections,
            macs=macs,
            work=work,
            activations=still.activations,
            kept=Kept(inputs=tuple(range(len(shapes)))),
            # The gradient of what the taps read is that on which those of all that enters depend.
            products=Products(weights=macs, entering=macs),
        )

    def count_sets(self, c: int, k: int, offsets: Shape, positions: Sequence[int]) -> int:
        """Sets of offsets, D."""
        sets, left = divmod(offsets[0], 2 * k)
        if left or not sets or list(offsets[1:]) != list(positions):
            raise ShapeError(
                _(
                    "offsets of {k} taps are {wanted}, or a multiple of these channels; what enters is {shape}",
                    k=k,
                    wanted=shape_text((2 * k, *positions)),
                    shape=shape_text(offsets),
                ),
                _("two numbers for each tap at each place of the output: conv {n} with its options", n=2 * k),
            )
        if c % sets:
            raise ShapeError(
                _("{sets} sets of offsets do not divide {c} channels", sets=sets, c=c),
                _("offsets for each set of channels, all of one size"),
            )
        return sets

    def on_padding(self, *shapes: Shape) -> tuple[int | None, int | None]:
        # Values decide which taps read what is outside.
        return None, None


class Local(Sliding):
    """A convolution whose weights are not shared: every output unit has a kernel and a bias of its own.

    Input (C, *size), output (filters, *positions). Sources: LeCun 1989; Taigman et al. 2014 (DeepFace).
    """

    filters: int = option(FILTERS)
    bias: bool = option(BIAS, doc="bias: a trained constant for every output unit")

    def facts(self, x: Shape) -> Facts:
        c, f, b = x[0], self.filters, self.bias
        size = spatial(self.kind, x)
        windows = self.windows(size)
        positions = [w.positions(n) for w, n in zip(windows, size, strict=True)]
        fan_in = c * prod(w.kernel for w in windows)
        units = f * prod(positions)
        return Facts(
            output=(f, *positions),
            # Nothing is shared, so there is a parameter for every connection.
            params=(fan_in + b) * units,
            connections=(fan_in + b) * units,
            macs=fan_in * units,
            work={"add": b * units},
            reach=windows,
            activations=units,
            kept=ENTERED,
        )

    def on_padding(self, x: Shape) -> tuple[int, int]:
        c, *size = x
        taps = c * self.filters * count_lost_on_padding(self.windows(size), size)
        return taps, taps


class TransposedConv(Layer):
    """The transpose of a convolution: every input element adds a scaled kernel to the output.

    Input (C, *size), output (filters, *lengths) with length (n - 1)s + d(k - 1) + 1 - padding + output
    padding. Padding cuts the border of the output off; what lands there is counted, as padding is elsewhere.
    """

    filters: int = option(FILTERS)
    kernel: Axes = option(KERNEL)
    stride: Axes = option(STRIDE)
    padding: Padding = option(PADDING)
    output_padding: Axes = option(
        Option(natural_axes, "output_padding: elements added at the end of the output", default=(0,))
    )
    dilation: Axes = option(DILATION)
    groups: int = option(GROUPS)
    bias: bool = option(BIAS)

    def facts(self, x: Shape) -> Facts:
        c, f, g, b = x[0], self.filters, self.groups, self.bias
        size = spatial(self.kind, x)
        check_groups(g, c, f)
        stretches = self.stretches(size)
        lengths = [
            # Output padding is part of `after`, as so much less that is cut off: see `stretches`.
            (n - 1) * w.stride + w.dilation * (w.kernel - 1) + 1 - w.before - w.after
            for w, n in zip(stretches, size, strict=True)
        ]
        self._check_lengths(lengths, size)
        # Frameworks store these input first, (c, f / g, *k): the axes of the convolution whose transpose this is.
        weights = c * (f // g) * prod(w.kernel for w in stretches)
        units = f * prod(lengths)
        return Facts(
            output=(f, *lengths),
            params=weights + b * f,
            # Every input element meets each weight of its channel once: MACs go by the input, biases by the output.
            connections=weights * prod(size) + b * units,
            macs=weights * prod(size),
            work={"add": b * units},
            reach=tuple(transposed_phases(w.kernel, w.stride, w.before, w.dilation) for w in stretches),
            activations=units,
            kept=ENTERED,
        )

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return MIXED if self.groups == 1 else LINKED

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import in_groups

        return in_groups(self.groups, x[0], self.filters)

    def stretches(self, size: Sequence[int]) -> list[Window]:
        """The window that each axis of the output would need to give the input back."""
        kernel = per_axis(self.kernel, size, "kernel")
        stride = per_axis(self.stride, size, "stride")
        dilation = per_axis(self.dilation, size, "dilation")
        extra = per_axis(self.output_padding, size, "output_padding")
        # PyTorch's rule: smaller than the stride or than the dilation, whichever is greater.
        if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
            raise ShapeError(
                _(
                    "output padding {shape} is not smaller than the stride {other}",
                    shape=shape_text(extra),
                    other=shape_text(stride),
                ),
                _("it only chooses among the lengths that a stride cannot tell apart: 0 up to stride - 1"),
                "output_padding",
            )
        if self.padding == "same":  # Keras: the output is n * s long
            # Negative where the kernel is shorter than the stride: the output is then lengthened at its end.
            spans = [d * (k - 1) + 1 - s for k, s, d in zip(kernel, stride, dilation, strict=True)]
            pads: Sequence[tuple[int, int]] = [(max(c, 0) // 2, c - max(c, 0) // 2) for c in spans]
        else:
            pads = sides_per_axis(self.padding, size)
        return [
            Window(k, s, before, after - e, d)
            for k, s, d, (before, after), e in zip(kernel, stride, dilation, pads, extra, strict=True)
        ]

    def on_padding(self, x: Shape) -> tuple[int, int]:
        c, *size = x
        pairs = c * (self.filters // self.groups)
        stretches = self.stretches(size)
        lengths = self.facts(x).output[1:]
        # The output is what a window that slides over it would read: what it reads on padding was cut off.
        landing = prod(w.taps_on_input(length) for w, length in zip(stretches, lengths, strict=True))
        taps = pairs * (prod(w.kernel * n for w, n in zip(stretches, size, strict=True)) - landing)
        return taps, taps

    def _check_lengths(self, lengths: Sequence[int], size: Sequence[int]) -> None:
        if min(lengths) < 1:
            raise ShapeError(
                _(
                    "the padding cuts the whole output away: {shape} would become {other}",
                    shape=shape_text(size),
                    other=shape_text(lengths),
                ),
                _("pad less: padding of a transposed convolution shortens its output"),
                "padding",
            )


def check_groups(g: int, c: int, f: int) -> None:
    """Groups must divide the input channels and the filters."""
    for number, what in ((c, n_("input channels")), (f, n_("filters"))):
        if number % g:
            # Every possible number of groups divides both.
            common = gcd(c, f)
            hint = _("for {c} channels and {f} filters it is {common}", c=c, f=f, common=common)
            if common > 1:
                hint = _("for {c} channels and {f} filters it is {common} or a divisor of it", c=c, f=f, common=common)
            raise ShapeError(
                _("{g} groups do not divide the {number} {what}", g=g, number=number, what=_(what)), hint, "groups"
            )
