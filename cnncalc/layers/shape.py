"""Layers that move elements, copy them or leave some out; nothing is computed.

Sizes are elements of one axis. Sources: Zhang et al. 2017 (channel shuffle), Ronneberger et al. 2015 (cropping).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.axes import axis_name, axis_number
from cnncalc.layers.base import (
    FLATTENED,
    KEPT,
    LINKED,
    POINTWISE,
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
from cnncalc.layers.gradients import ENTERED, NOTHING, PART, SAME, Kept
from cnncalc.layers.options import (
    axes,
    choice,
    decimal,
    integer,
    natural,
    natural_list,
    positive,
    rate,
    sides,
    sizes_or_rest,
    slice_range,
)
from cnncalc.layers.sliding import sides_per_axis
from cnncalc.layers.windows import LONGEST_PATTERN, Listed, Window

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads
    from cnncalc.layers.links import Link


class Dropout(Layer):
    """Values left out in training; at inference the input as it is."""

    channels = KEPT
    rate: float = option(Option(rate, "rate: share of values left out", default=0.5, main=True, aliases=("p",)))

    def facts(self, x: Shape) -> Facts:
        # Inverted dropout (Srivastava et al. 2014) scales in training, so that inference costs nothing.
        return weightless(x, {}, POINTWISE, Kept(mask=prod(x)) if self.rate else SAME)


class Pad(Layer):
    """Elements added around each axis: constant, or taken from the map itself."""

    channels = KEPT
    padding: tuple[tuple[int, int], ...] = option(
        Option(sides, "padding: elements added on each side", required=True, main=True, flag="p", aliases=("pad", "p"))
    )
    mode: str = option(
        Option(
            choice("constant", "reflect", "replicate", "circular", zeros="constant"),
            "mode: what is added",
            default="constant",
            words={m: m for m in ("reflect", "replicate", "circular")},
        )
    )
    value: float = option(Option(decimal, "value: of the constant", default=0.0))

    def facts(self, x: Shape) -> Facts:
        c, size = x[0], spatial(self.kind, x)
        # Padding is a window of one element over a longer axis; cropping is the same with negative padding.
        windows = [Window(1, 1, before, after) for before, after in sides_per_axis(self.padding, size)]
        for w, n in zip(windows, size, strict=True):
            # Reflection leaves out the border element itself, so it has n - 1 to copy; circular padding has all n.
            widest = {"reflect": n - 1, "circular": n}.get(self.mode, w.before + w.after)
            if max(w.before, w.after) > widest:
                raise ShapeError(
                    _(
                        "{mode} padding {before} is too wide for an axis of {n}",
                        mode=self.mode,
                        before=max(w.before, w.after),
                        n=n,
                    ),
                    _("the widest is {widest}", widest=widest),
                    "padding",
                )
        output = (c, *(w.positions(n) for w, n in zip(windows, size, strict=True)))
        # Where elements are repeated the framework looks at the shape of what entered, and keeps it for that.
        kept = ENTERED if self.mode in ("reflect", "replicate") else NOTHING
        return weightless(output, {}, tuple(windows), kept)

    def elements(self, x: Shape) -> Reads | None:
        from cnncalc.layers.elements import Read
        from cnncalc.layers.windows import Listed

        if self.mode == "constant":
            return None
        sides = sides_per_axis(self.padding, x[1:])
        steps = [
            Listed(tuple((mirror(i, n, self.mode),) for i in range(-before, n + after)))
            for n, (before, after) in zip(x[1:], sides, strict=True)
        ]
        return [Read(0, 0, tuple(steps))]


def mirror(i: int, n: int, mode: str) -> int:
    """The one of n elements that padding repeats at index i."""
    if mode == "circular":
        return i % n
    # Reflection is 2 * border - i: -2 reads element 2, n + 1 reads n - 3, and what lies inside reads itself.
    inside = min(max(i, 0), n - 1)
    return inside if mode == "replicate" else 2 * inside - i


class Crop(Layer):
    """Elements cut off the sides of each axis; or, with `size`, the middle of each axis kept."""

    channels = KEPT
    cropping: tuple[tuple[int, int], ...] | None = option(
        Option(sides, "cropping: elements cut off each side", main=True, aliases=("crop",))
    )
    size: Axes | None = option(Option(axes, "size: of the middle that is kept, instead of cropping"))

    def facts(self, x: Shape) -> Facts:
        c, size = x[0], spatial(self.kind, x)
        if (self.cropping is None) == (self.size is None):
            raise ShapeError(_("crop needs either the elements to cut off or the size to keep"), _("write `crop 4`"))
        if self.size is not None:
            target = per_axis(self.size, size, "size")
            # Where the difference is odd, the odd element is cut off behind.
            cuts = [((n - m) // 2, n - m - (n - m) // 2) for n, m in zip(size, target, strict=True)]
        else:
            cuts = list(sides_per_axis(self.cropping or (), size))
        left = [n - before - after for n, (before, after) in zip(size, cuts, strict=True)]
        if min(left) < 1 or min(map(min, cuts)) < 0:
            problem = _("there is not so much of the {shape} input", shape=shape_text(size))
            if min(left) < 1:
                problem = _("nothing would be left of the {shape} input", shape=shape_text(size))
            raise ShapeError(problem, _("crop less"), "size" if self.size else "cropping")
        return weightless((c, *left), {}, tuple(Window(1, 1, -before, -after) for before, after in cuts), PART)


class ChannelShuffle(Layer):
    """Channels of g groups dealt out in turn: the same elements in another order."""

    channels = LINKED
    groups: int = option(Option(positive, "groups: g", required=True, main=True, flag="g", aliases=("group", "g")))

    def facts(self, x: Shape) -> Facts:
        if x[0] % self.groups:
            raise ShapeError(
                _("{g} groups do not divide the {c} channels", g=self.groups, c=x[0]),
                _("use a divisor"),
                "groups",
            )
        return weightless(x, {}, POINTWISE, NOTHING)

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Alike, Link

        c, g = x[0], self.groups
        # Output j*g + i reads i*(c/g) + j, a (g, c/g) matrix transposed: 6 channels in 2 groups become 0 3 1 4 2 5.
        return Alike(g, lambda i: Link(range(i, c, g), range(i * (c // g), (i + 1) * (c // g))))


class Reshape(Layer):
    """The same elements in the same order under another shape; one size may be -1, for what is left."""

    channels = LINKED
    shape: tuple[int, ...] = option(
        Option(sizes_or_rest, "shape: channels and axes, one of them perhaps -1", required=True, main=True)
    )

    def facts(self, x: Shape) -> Facts:
        elements, known = prod(x), prod(n for n in self.shape if n > 0)
        if elements % known or (known != elements and -1 not in self.shape):
            problem = _(
                "{shape} has {elements} elements, {other} needs {known}",
                shape=shape_text(x),
                elements=elements,
                other=shape_text(self.shape),
                known=known,
            )
            if -1 in self.shape:
                problem = _(
                    "{shape} has {elements} elements, {other} needs a multiple of {known}",
                    shape=shape_text(x),
                    elements=elements,
                    other=shape_text(self.shape),
                    known=known,
                )
            raise ShapeError(
                problem,
                _("the product of the sizes must stay the same; -1 stands for what is left"),
                "shape",
            )
        output = tuple(elements // known if n == -1 else n for n in self.shape)
        # Between other shapes an axis has no window of its own: `elements` says unit by unit what is read.
        reach = POINTWISE if output == x else FLATTENED if len(output) == 1 else None
        return weightless(output, {}, reach, SAME)

    def elements(self, x: Shape) -> Reads:
        from cnncalc.layers.elements import RAVELLED

        return RAVELLED

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        return [Link(range(x[0]), range(x[0]))]  # where nothing moves


class Permute(Layer):
    """The axes in another order, 0 being the channels: order 0, 2, 1 of (C, H, W) is (C, W, H)."""

    channels = LINKED
    order: tuple[int, ...] = option(
        Option(natural_list, "order: of the axes, `0,2,1`", required=True, main=True, aliases=("dims", "axes", "perm"))
    )

    def facts(self, x: Shape) -> Facts:
        if sorted(self.order) != list(range(len(x))):
            raise ShapeError(
                _(
                    "{names} is no order of the {count} axes of {shape}",
                    names=",".join(map(str, self.order)),
                    count=len(x),
                    shape=shape_text(x),
                ),
                _("each of {names} once; 0 is the channels", names=", ".join(map(str, range(len(x))))),
                "order",
            )
        unmoved = self.order == tuple(range(len(x)))
        return weightless(tuple(x[axis] for axis in self.order), {}, POINTWISE if unmoved else None, PART)

    def elements(self, x: Shape) -> Reads:
        from cnncalc.layers.elements import Permuted

        return Permuted(self.order)

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        return [Link(range(x[0]), range(x[0]))]  # where nothing moves


class Split(Layer):
    """One of n equal parts of the channels, counted from 0: (C, *size) to (C / n, *size)."""

    channels = LINKED
    parts: int = option(Option(positive, "parts: n", required=True, main=True, aliases=("chunks", "sections")))
    part: int = option(Option(natural, "part: which one, from 0", default=0, aliases=("index",)))

    def facts(self, x: Shape) -> Facts:
        c, n = x[0], self.parts
        if c % n:
            raise ShapeError(
                _("{n} parts do not divide the {c} channels", n=n, c=c), _("use a divisor, or slice"), "parts"
            )
        if self.part >= n:
            raise ShapeError(
                _("there is no part {part} of {n}", part=self.part, n=n),
                _("parts are counted from 0 to {n}", n=n - 1),
                "part",
            )
        return weightless((c // n, *x[1:]), {}, POINTWISE, PART)

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        # Part p is the channels p n ... p n + n - 1: neighbours, as torch.chunk cuts.
        n = x[0] // self.parts
        return [Link(range(n), range(n * self.part, n * (self.part + 1)))]


class Slice(Layer):
    """Elements `start` up to, not including, `stop` of one axis; negative ones count from the end, as in Python."""

    range: tuple[int, int | None] = option(
        Option(slice_range, "range: `start:stop`, from 0; `8:end` to the end", required=True, main=True)
    )
    axis: str = option(Option(axis_name, "axis: c is the channels, then l, h, w or d, or a number from 0", default="c"))

    def facts(self, x: Shape) -> Facts:
        start, stop, axis = self.bounds(x)
        length = stop - start
        output = (*x[:axis], length, *x[axis + 1 :])
        if axis == 0:
            return weightless(output, {}, POINTWISE, PART)
        # As in `Crop`, negative padding; axis 0 is left out because channels have no window.
        reach = tuple(Window(1, 1, -start, stop - n) if i == axis else Window() for i, n in enumerate(x) if i)
        return weightless(output, {}, reach, PART)

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return LINKED if self.axis in ("c", "0") else KEPT

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        start, stop, _axis = self.bounds(x)
        return [Link(range(stop - start), range(start, stop))]

    def bounds(self, x: Shape) -> tuple[int, int, int]:
        """(start, stop, axis) on a shape, counted from the beginning. Raises ShapeError if nothing is left."""
        axis = axis_number(self.axis, x)
        n = x[axis]
        first, last = self.range
        start = first + n if first < 0 else first
        stop = n if last is None else last + n if last < 0 else last
        if not 0 <= start < stop <= n:
            given = f"{first}:{'end' if last is None else last}"
            raise ShapeError(
                _("{given} is not a part of the {n} elements of axis {axis}", given=given, n=n, axis=self.axis),
                _("start before stop, both from 0 to {n}; negative ones count from the end", n=n),
                "range",
            )
        return start, stop, axis


class Moved(Layer):
    """Elements of one axis at other places of it; nothing is computed."""

    axis: str = option(Option(axis_name, "axis: c is the channels, then l, h, w or d, or a number from 0", default="c"))

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return LINKED if self.axis in ("c", "0") else KEPT

    def sources(self, n: int) -> Iterable[int]:
        """For every place of the output, the one of n elements that stands there."""
        raise NotImplementedError

    def facts(self, x: Shape) -> Facts:
        axis = axis_number(self.axis, x)
        length = self.length(x[axis])
        output = (*x[:axis], length, *x[axis + 1 :])
        if axis == 0:
            return weightless(output, {}, POINTWISE, NOTHING)
        # Too long to list: the reach is then said to be unknown, rather than guessed.
        if length > LONGEST_PATTERN:
            return weightless(output, {}, None, NOTHING)
        places = Listed(tuple(range(i, i + 1) for i in self.sources(x[axis])))
        reach = tuple(places if i == axis else Window() for i in range(1, len(x)))
        return weightless(output, {}, reach, NOTHING)

    def length(self, n: int) -> int:
        return n

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        sources = list(self.sources(x[0]))
        return [Link(range(len(sources)), sources)]


class Roll(Moved):
    """The elements of one axis moved on by `shift`; what leaves at the end comes in at the beginning."""

    shift: int = option(
        Option(integer, "shift: places that each element moves on", required=True, main=True, aliases=("shifts",))
    )

    def sources(self, n: int) -> Iterable[int]:
        # What stands at o came from o - shift: the sign of numpy.roll and torch.roll.
        return ((o - self.shift) % n for o in range(n))


class Tile(Moved):
    """One axis repeated as a whole, `times` over: a b becomes a b a b."""

    times: int = option(
        Option(positive, "times: how often the axis is repeated", required=True, main=True, aliases=("repeats",))
    )

    def sources(self, n: int) -> Iterable[int]:
        # As numpy.tile does; numpy.repeat would give a a b b.
        return (o % n for o in range(n * self.times))

    def length(self, n: int) -> int:
        return n * self.times


class Take(Moved):
    """Elements of one axis by their numbers, from 0, in the order in which they are named: 2,1,0 turns three round."""

    indices: tuple[int, ...] = option(
        Option(natural_list, "indices: numbers of elements, from 0", required=True, main=True, aliases=("index",))
    )

    def sources(self, n: int) -> Iterable[int]:
        return self.indices

    def length(self, n: int) -> int:
        if max(self.indices) >= n:
            raise ShapeError(
                _("there is no element {i} among {n}", i=max(self.indices), n=n),
                _("they are counted from 0: the last is {last}", last=n - 1),
                "indices",
            )
        return len(self.indices)
