"""Axes brought down to one element: sums, means, extremes and norms over any axes, which stay with length 1."""

from __future__ import annotations

from math import prod

from cnncalc.layers.axes import axis_names, axis_number
from cnncalc.layers.base import KEPT, MIXED, POINTWISE, WHOLE, Facts, Layer, Option, Reach, Shape, option, weightless
from cnncalc.layers.gradients import NOTHING, Kept
from cnncalc.layers.options import positive
from cnncalc.layers.windows import Window


class Reduce(Layer):
    """All elements along some axes as one: `axes` are letters (`hw`; c is the channels) or numbers from 0.

    Any shape; the axes stay, with one element each. Of n elements: n - 1 additions or comparisons; a mean divides.
    """

    axes: str = option(
        Option(
            axis_names,
            "axes: brought down to one element, `hw`, `c` or `1,2`",
            required=True,
            main=True,
            aliases=("axis", "dim"),
            words={word: word for word in ("c", "l", "h", "w", "d", "hw", "dhw", "chw")},
        )
    )

    def facts(self, x: Shape) -> Facts:
        over = self.over(x)
        output = tuple(1 if axis in over else n for axis, n in enumerate(x))
        # The gradient of an extreme goes to the elements that equal it, so it is kept with what entered.
        kept = NOTHING if self.kind in ("reduce_sum", "reduce_mean") else Kept(inputs=(0,), result=True)
        return weightless(output, self.work(prod(x), prod(output)), self._reach(x, over), kept)

    def work(self, elements: int, results: int) -> dict[str, int]:
        """Operations that bring so many elements down to so many results."""
        if self.kind in ("reduce_max", "reduce_min"):
            return {"compare": elements - results}
        return {"add": elements - results, **({"divide": results} if self.kind == "reduce_mean" else {})}

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return MIXED if "c" in self.axes or "0" in self.axes else KEPT

    def over(self, x: Shape) -> set[int]:
        return {axis_number(axis, x, "axes") for axis in self.axes}

    def _reach(self, x: Shape, over: set[int]) -> Reach:
        if len(x) == 1 or over.issuperset(range(1, len(x))):
            return WHOLE
        if over == {0}:
            return POINTWISE
        return tuple(WHOLE if axis in over else Window() for axis in range(1, len(x)))


class ReduceNorm(Reduce):
    """The norm of the elements along some axes: the root of their squares' sum; with `order` 1 the sum of |x|."""

    order: int = option(Option(positive, "order: 1 or 2", default=2, aliases=("p", "ord")))

    def work(self, elements: int, results: int) -> dict[str, int]:
        if self.order == 1:
            return {"absolute": elements, "add": elements - results}
        if self.order == 2:
            return {"multiply": elements, "add": elements - results, "sqrt": results}
        # The p-th root is one more power of each result.
        return {"absolute": elements, "power": elements + results, "add": elements - results}
