"""Layers with several inputs: element by element, or one behind the other.

Shapes are channels first. Element-wise merges stretch axes of size 1, as NumPy does, so that a gate of
(C, 1, 1) can scale a map of (C, H, W).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.base import KEPT, POINTWISE, STACKED, Facts, Layer, Shape, shape_text, weightless

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads


class Elementwise(Layer):
    """add, multiply, maximum: all inputs combined element by element, one operation for each further input.

    mean divides the sum by their number.
    """

    channels = KEPT

    def facts(self, *shapes: Shape) -> Facts:
        output = stretched(self.kind, shapes)
        more, units = len(shapes) - 1, prod(output)
        operation = {"multiply": "multiply", "maximum": "compare"}.get(self.kind, "add")
        work = {operation: more * units}
        if self.kind == "mean":
            work["divide"] = units
        return weightless(output, work, POINTWISE)

    def elements(self, *shapes: Shape) -> Reads:
        from fractions import Fraction

        from cnncalc.layers.elements import stretched_read

        output = stretched(self.kind, shapes)
        share = Fraction(1, len(shapes)) if self.kind == "mean" else 1
        return [stretched_read(i, shape, output, share) for i, shape in enumerate(shapes)]


class Concat(Layer):
    """The maps of all inputs, one behind the other: the channels add up, the sizes must be equal."""

    channels = STACKED

    def facts(self, *shapes: Shape) -> Facts:
        first = shapes[0]
        for i, shape in enumerate(shapes):
            if shape[1:] != first[1:] or len(shape) != len(first):
                problem = _(
                    "concat joins maps of one size; branch 1 gives {one}, branch {i} gives {other}",
                    one=shape_text(first),
                    i=i + 1,
                    other=shape_text(shape),
                )
                raise ShapeError(
                    problem,
                    _("only the channels may differ: pad, crop or stride the branches alike"),
                    f"branch {i}",
                )
        return weightless((sum(shape[0] for shape in shapes), *first[1:]), {}, POINTWISE)


def stretched(kind: str, shapes: tuple[Shape, ...]) -> Shape:
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
        if wider != output:
            output, largest = wider, i
    return output
