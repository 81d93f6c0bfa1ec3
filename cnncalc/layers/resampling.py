"""Layers that make the axes of a map longer or shorter: interpolation, and pixels moved between space and channels.

Sizes are elements of one axis. Sources: PyTorch's Upsample (half-pixel centres), Shi et al. 2016 (pixel shuffle).
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.base import (
    KEPT,
    LINKED,
    PARTED,
    Axes,
    Facts,
    Layer,
    Option,
    Shape,
    option,
    per_axis,
    shape_text,
    spatial,
    weightless,
)
from cnncalc.layers.gradients import NOTHING, Kept
from cnncalc.layers.options import axes, choice, positive, switch
from cnncalc.layers.windows import LONGEST_PATTERN, Listed, Phases, Window, interpolation_phases

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads
    from cnncalc.layers.links import Link

MOST_PLACES = 256  # of a shuffled pixel along an axis, that are told apart


class Upsample(Layer):
    """Each axis made `factor` times as long, between half-pixel centres.

    nearest copies; linear reads 2 elements per axis (bilinear 4 in all), cubic 4 (bicubic 16): a
    multiplication for each and the additions between them.
    """

    channels = KEPT
    factor: Axes = option(
        Option(
            axes,
            "factor: how many times as long each axis becomes",
            required=True,
            main=True,
            flag="s",
            aliases=("scale_factor", "scale"),
        )
    )
    mode: str = option(
        Option(
            choice("nearest", "bilinear", "bicubic", linear="bilinear", trilinear="bilinear", cubic="bicubic"),
            "mode: nearest, bilinear (any rank) or bicubic",
            default="nearest",
            aliases=("interpolation",),
            words={m: m for m in ("nearest", "bilinear", "bicubic", "linear", "trilinear")},
        )
    )

    def facts(self, x: Shape) -> Facts:
        c, size = x[0], spatial(self.kind, x)
        factor = per_axis(self.factor, size, "factor")
        output = (c, *(n * s for n, s in zip(size, factor, strict=True)))
        taps = {"nearest": 1, "bilinear": 2, "bicubic": 4}[self.mode]
        # The weight of a tap is the product of those along the axes, taken to be known beforehand: one product per tap.
        k, units = taps ** len(size), prod(output)
        work = {} if taps == 1 else {"multiply": k * units, "add": (k - 1) * units}
        return weightless(output, work, tuple(interpolation_phases(s, taps) for s in factor), NOTHING)

    def elements(self, x: Shape) -> Reads | None:
        from cnncalc.layers.elements import Read, tent_weights

        reach = self.facts(x).reach
        if self.mode == "nearest" or not isinstance(reach, tuple):
            return None
        steps = tuple([step for step in reach if step is not None])
        if len(steps) < len(reach):
            return None
        if self.mode == "bicubic":
            # Cubic weights are negative at the outer taps (Keys 1981).
            return [Read(0, 0, steps, signed=True)]
        return [Read(0, 0, steps, weights=tuple(map(tent_weights, per_axis(self.factor, x[1:], "factor"))))]


class Resample(Layer):
    """Each axis brought to a given size, by reading between the elements of the input.

    nearest reads the element at floor(o n / m), nearest_exact the one nearest to the centre of o; bilinear and bicubic
    mix 2 and 4 elements per axis, as `upsample` does. With `align_corners` the first and last elements keep their
    places: o lies at o (n - 1) / (m - 1), else at (o + 1/2) n / m - 1/2.
    """

    channels = KEPT
    size: Axes = option(Option(axes, "size: of each axis that comes out, m", required=True, main=True))
    mode: str = option(
        Option(
            choice("nearest", "nearest_exact", "bilinear", "bicubic", linear="bilinear", trilinear="bilinear"),
            "mode: nearest, nearest_exact, bilinear (any rank) or bicubic",
            default="nearest",
            aliases=("interpolation",),
            words={m: m for m in ("nearest", "nearest_exact", "bilinear", "bicubic", "linear", "trilinear")},
        )
    )
    align_corners: bool = option(
        Option(
            switch,
            "align_corners: the outermost elements keep their places",
            default=False,
            words={"align_corners": "true"},
        )
    )

    def facts(self, x: Shape) -> Facts:
        c, size = x[0], spatial(self.kind, x)
        target = per_axis(self.size, size, "size")
        if self.align_corners and self.mode.startswith("nearest"):
            raise ShapeError(
                _("nearest mixes nothing: there are no corners to align"), _("leave it out"), "align_corners"
            )
        taps = {"bilinear": 2, "bicubic": 4}.get(self.mode, 1)
        units = c * prod(target)
        k = taps ** len(size)
        work = {} if taps == 1 else {"multiply": k * units, "add": (k - 1) * units}
        return weightless(
            (c, *target), work, tuple(self.places(n, m, taps) for n, m in zip(size, target, strict=True)), NOTHING
        )

    def places(self, n: int, m: int, taps: int) -> Listed | None:
        """Which of n elements each of m places reads; an element whose weight is 0 is not read."""
        if max(n, m) > LONGEST_PATTERN:
            return None
        if taps == 1:
            # Doubled, so that half an element is a whole number: floor(o n / m), or floor((o + 1/2) n / m).
            twice = 1 if self.mode == "nearest_exact" else 0
            return Listed(tuple(range(i, i + 1) for o in range(m) for i in [(2 * o + twice) * n // (2 * m)]))
        reads = []
        for o in range(m):
            # Where o lies, as a fraction: top / bottom elements from the centre of the first.
            top, bottom = (o * (n - 1), max(1, m - 1)) if self.align_corners else ((2 * o + 1) * n - m, 2 * m)
            left, between = divmod(top, bottom)
            if taps == 2 and top < 0:
                left, between = 0, 0  # before the first centre: the first element alone
            span = range(left - taps // 2 + 1, left + taps // 2 + 1) if between else range(left, left + 1)
            # Beyond the border the outermost element stands in: places are clamped, not dropped.
            reads.append(range(min(max(span[0], 0), n - 1), min(max(span[-1], 0), n - 1) + 1))
        return Listed(tuple(reads))


class PixelShuffle(Layer):
    """Channels moved into space: (C, *size) to (C / r^axes, *size * r)."""

    channels = LINKED
    factor: int = option(Option(positive, "factor: r", required=True, main=True, aliases=("upscale_factor", "r")))

    def facts(self, x: Shape) -> Facts:
        c, size, r = x[0], spatial(self.kind, x), self.factor
        parts = r ** len(size)
        if c % parts:
            raise ShapeError(
                _("a factor of {r} needs {parts} channels for each one; {c} enter", r=r, parts=parts, c=c),
                None,
                "factor",
            )
        reach = tuple(interpolation_phases(r, 1) for _ in size)
        return weightless((c // parts, *(n * r for n in size)), {}, reach, NOTHING)

    def links(self, x: Shape) -> list[Link]:
        from cnncalc.layers.links import Link

        c, r, rank = x[0], self.factor, len(x) - 1
        parts = r**rank
        if r > MOST_PLACES:
            return [Link(range(c // parts), range(c), each=False, reach=(None,) * rank)]
        # A channel fills one place of every cell of r; the units at the other places do not read it.
        of_place = [Phases(tuple((0,) if i == place else () for i in range(r))) for place in range(r)]
        return [
            # Input i + parts * j is place i of output j: PyTorch's order, where TensorFlow has the place outermost.
            Link(range(c // parts), range(i, c, parts), reach=tuple(of_place[p] for p in places))
            for i, places in enumerate(product(range(r), repeat=rank))
        ]


class PixelUnshuffle(Layer):
    """Space moved into channels: (C, *size) to (C * r^axes, *size / r)."""

    channels = PARTED
    factor: int = option(Option(positive, "factor: r", required=True, main=True, aliases=("downscale_factor", "r")))

    def facts(self, x: Shape) -> Facts:
        c, size, r = x[0], spatial(self.kind, x), self.factor
        if any(n % r for n in size):
            raise ShapeError(
                _("a factor of {r} does not divide the {shape} input", r=r, shape=shape_text(size)),
                _("pad or crop it before"),
                "factor",
            )
        reach = tuple(Window(r, r) for _ in size)
        return weightless((c * r ** len(size), *(n // r for n in size)), {}, reach, NOTHING)

    def links(self, x: Shape) -> list[Link]:
        from cnncalc.layers.links import Link

        c, r, rank = x[0], self.factor, len(x) - 1
        return [
            # Every r-th element from p on: a window of one element, with negative padding.
            Link(range(i, c * r**rank, r**rank), range(c), reach=tuple(Window(1, r, -p) for p in places))
            for i, places in enumerate(product(range(r), repeat=rank))
        ]


class GridSample(Layer):
    """A map read at places that another value names: for each place of the output its coordinates in the map.

    Map (*b, C, *size), places (*b, *out, d) with the last axis of the map first, from -1 to 1; they give
    (*b, C, *out). d is 2 or 3, the axes of `size`. -1 and 1 are the borders of the first and last elements, or with
    `align_corners` their centres. Each place mixes the 2^d elements around it; values decide where that is.
    """

    outside: str = option(
        Option(
            choice("zeros", "border", replicate="border"),
            "outside: what is read outside the map: zeros, or its border",
            default="zeros",
            aliases=("padding_mode",),
        )
    )
    align_corners: bool = option(
        Option(switch, "align_corners: -1 and 1 are the centres of the outermost elements", default=False)
    )

    def facts(self, *shapes: Shape) -> Facts:
        if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]) or shapes[1][-1] not in (2, 3):
            raise ShapeError(
                _("{kind} takes a map and as many places as come out, each with 2 or 3 coordinates", kind=self.kind),
                _("the coordinates are the last axis of the second: permute it"),
            )
        x, grid = shapes
        d = grid[-1]
        if len(x) < d + 1 or x[: -d - 1] != grid[: -d - 1]:
            raise ShapeError(
                _("{one} is not read at {other}", one=shape_text(x), other=shape_text(grid)),
                _("a map of {d} axes and channels, behind axes that both have", d=d),
            )
        c, taps = x[-d - 1], 2**d
        places = prod(grid[:-1])
        units = c * places
        # Of each coordinate: where it is in elements, which one is before it, and how far behind that it is.
        work = {
            # Then 2^d weights, each a product of d fractions and shared by the channels, which each multiply by them.
            "multiply": d * places + (d - 1) * taps * places + taps * units,
            "add": d * places + (taps - 1) * units,
            "floor": d * places,
            "subtract": 2 * d * places,
        }
        if self.outside == "border":
            work["compare"] = 2 * d * places
        return Facts(
            output=(*x[: -d - 1], c, *grid[-d - 1 : -1]),
            params=0,
            connections=0,
            macs=0,
            work=work,
            activations=0,
            kept=Kept(inputs=(0, 1)),
        )
