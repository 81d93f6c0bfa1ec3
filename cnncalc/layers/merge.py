"""Layers with several inputs: element by element, or one behind the other.

Shapes are channels first. Element-wise merges stretch axes of size 1, as NumPy does, so that a gate of
(C, 1, 1) can scale a map of (C, H, W).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.axes import axis_name, axis_number
from cnncalc.layers.base import KEPT, POINTWISE, STACKED, Facts, Layer, Option, Shape, option, shape_text, weightless
from cnncalc.layers.gradients import HANDED_ON, NOTHING, STEPS, Kept
from cnncalc.layers.windows import LONGEST_PATTERN, Listed

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads


OPERATIONS = {"add": "add", "mean": "add", "multiply": "multiply", "subtract": "subtract", "divide": "divide"}


class Elementwise(Layer):
    """All inputs combined element by element, in their order: one operation for each further input.

    mean divides the sum by their number; greater, less and equal give 1 where it is so, else 0.
    """

    channels = KEPT

    def facts(self, *shapes: Shape) -> Facts:
        output = stretch_shapes(self.kind, shapes)
        more, units = len(shapes) - 1, prod(output)
        work = {OPERATIONS.get(self.kind, "compare"): more * units}
        if self.kind == "mean":
            work["divide"] = units
        return weightless(output, work, POINTWISE, self.choose_kept(shapes))

    def choose_kept(self, shapes: tuple[Shape, ...]) -> Kept:
        """What the gradients need: of a product the other factors, of a choice both; of a sum nothing.

        More than two are combined one by one, and what comes out on the way is a factor like the first.
        """
        if self.kind == "add":
            return HANDED_ON
        if self.kind in ("subtract", "mean"):
            return NOTHING
        if self.kind in ("greater", "less", "equal"):
            return STEPS
        every = tuple(range(len(shapes)))
        between = tuple([prod(stretch_shapes(self.kind, shapes[:i])) for i in every[2:]])
        if self.kind == "multiply":
            return Kept(others=every, between=between)
        if self.kind == "divide":
            return Kept(inputs=every[1:], others=(0,), between=between)
        return Kept(inputs=every, between=between)

    def elements(self, *shapes: Shape) -> Reads:
        from fractions import Fraction

        from cnncalc.layers.elements import stretched_read

        output = stretch_shapes(self.kind, shapes)
        share = Fraction(1, len(shapes)) if self.kind == "mean" else 1
        return [stretched_read(i, shape, output, share) for i, shape in enumerate(shapes)]


class Concat(Layer):
    """The maps of all inputs, one behind the other: the channels add up, the sizes must be equal.

    With `axis` another axis adds up: `concat axis=w` puts maps side by side.
    """

    axis: str = option(Option(axis_name, "axis: which adds up, c (the channels), l, h, w, d or a number", default="c"))

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return STACKED if self.axis in ("c", "0") else KEPT

    def facts(self, *shapes: Shape) -> Facts:
        first = shapes[0]
        axis = axis_number(self.axis, first)
        for i, shape in enumerate(shapes):
            if len(shape) != len(first) or (*shape[:axis], *shape[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]):
                problem = _(
                    "concat joins maps of one size; branch 1 gives {one}, branch {i} gives {other}",
                    one=shape_text(first),
                    i=i + 1,
                    other=shape_text(shape),
                )
                hint = _("only the channels may differ: pad, crop or stride the branches alike")
                if axis:
                    hint = _("only the axis {axis} may differ, along which they are joined", axis=self.axis)
                raise ShapeError(problem, hint, f"branch {i}")
        output = (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])
        return weightless(output, {}, POINTWISE if axis == 0 else None, NOTHING)

    def elements(self, *shapes: Shape) -> Reads | None:
        from cnncalc.layers.elements import Read

        axis = axis_number(self.axis, shapes[0])
        whole = sum(shape[axis] for shape in shapes)
        if axis == 0 or whole > LONGEST_PATTERN:
            return None
        found, first = [], 0
        for i, shape in enumerate(shapes):
            n = shape[axis]
            # Every branch lists the whole axis, empty where the others stand.
            places = Listed(
                tuple(range(o - first, o - first + 1) if first <= o < first + n else () for o in range(whole))
            )
            found.append(Read(i, 0, tuple(places if a == axis else POINTWISE for a in range(1, len(shape)))))
            first += n
        return found


def stretch_shapes(kind: str, shapes: tuple[Shape, ...]) -> Shape:
    """The common shape, axes of size 1 stretched; ShapeError names the first two that do not agree."""
    output = shapes[0]
    largest = 0
    for i, shape in enumerate(shapes):
        if len(shape) != len(output) or any(a != b and 1 not in (a, b) for a, b in zip(shape, output, strict=True)):
            problem = _(
                "{kind} needs equal shapes; branch {j} gives {one}, branch {i} gives {other}",
                kind=kind,
                j=largest + 1,
                one=shape_text(output),
                i=i + 1,
                other=shape_text(shape),
            )
            raise ShapeError(
                problem,
                _("make channels and sizes equal, for example with a 1x1 convolution (axes of size 1 are stretched)"),
                f"branch {i}",
            )
        wider = tuple(map(max, shape, output))
        # What a message compares with is the branch that last widened the shape.
        if wider != output:
            output, largest = wider, i
    return output
