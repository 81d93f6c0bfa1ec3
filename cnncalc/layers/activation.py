"""Activations: what is done to every element, operation by operation.

exp, log, sqrt, tanh and erf count as one operation each. The table is the definition that is counted:
`sigmoid` is 1 / (1 + exp(-x)), four operations. Sources: the papers named in each row.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.axes import axis_name, axis_number
from cnncalc.layers.base import KEPT, LINKED, MIXED, POINTWISE, WHOLE, Facts, Layer, Option, Shape, option, weightless
from cnncalc.layers.gradients import ENTERED, NOTHING, RESULT, SAME, STEPS, Kept
from cnncalc.layers.options import choice, decimal, decimals, positive
from cnncalc.layers.windows import Window

if TYPE_CHECKING:
    from cnncalc.layers.links import Link

SIGMOID = {"negative": 1, "exp": 1, "add": 1, "divide": 1}  # 1 / (1 + exp(-x))

OPERATIONS: dict[str, dict[str, int]] = {
    "identity": {},  # x
    "step": {"compare": 1},  # x > 0
    "sigmoid": SIGMOID,
    "hard_sigmoid": {"add": 1, "compare": 2, "divide": 1},  # min(max(x + 3, 0), 6) / 6
    "tanh": {"tanh": 1},
    "scaled_tanh": {"multiply": 2, "tanh": 1},  # 1.7159 tanh(2/3 x): LeCun et al. 1998, appendix A
    "relu": {"compare": 1},  # max(x, 0)
    "relu6": {"compare": 2},  # min(max(x, 0), 6)
    "leaky_relu": {"multiply": 1, "compare": 1},  # max(x, slope x)
    "elu": {"compare": 2, "exp": 1, "subtract": 1, "multiply": 1, "add": 1},  # max(x, 0) + a (exp(min(x, 0)) - 1)
    "selu": {"compare": 2, "exp": 1, "subtract": 1, "multiply": 2, "add": 1},  # scale elu(x): Klambauer et al. 2017
    "celu": {"compare": 2, "divide": 1, "exp": 1, "subtract": 1, "multiply": 1, "add": 1},  # elu of x/a: Barron 2017
    "gelu": {"divide": 1, "erf": 1, "add": 1, "multiply": 2},  # x/2 (1 + erf(x / sqrt 2)): Hendrycks & Gimpel 2016
    "silu": {**SIGMOID, "multiply": 1},  # x sigmoid(x)
    "hard_swish": {"add": 1, "compare": 2, "divide": 1, "multiply": 1},  # x hard_sigmoid(x): Howard et al. 2019
    "mish": {"exp": 1, "add": 1, "log": 1, "tanh": 1, "multiply": 1},  # x tanh(log(1 + exp x)): Misra 2019
    "softplus": {"exp": 1, "add": 1, "log": 1},  # log(1 + exp x)
    "softsign": {"absolute": 1, "add": 1, "divide": 1},  # x / (1 + |x|)
    "log_sigmoid": {"negative": 2, "exp": 1, "add": 1, "log": 1},  # -log(1 + exp(-x))
    "tanhshrink": {"tanh": 1, "subtract": 1},  # x - tanh(x)
    "softshrink": {"compare": 2, "subtract": 1},  # x - min(max(x, -alpha), alpha)
    "hardshrink": {"absolute": 1, "compare": 1, "multiply": 1},  # x (|x| > alpha)
    "abs": {"absolute": 1},
    "negative": {"negative": 1},
    "square": {"multiply": 1},
    "sqrt": {"sqrt": 1},
    "reciprocal": {"divide": 1},
    "exp": {"exp": 1},
    "log": {"log": 1},
    "erf": {"erf": 1},
    "sin": {"sin": 1},
    "cos": {"cos": 1},
    "sign": {"sign": 1},
    "round": {"round": 1},
}


# What the derivative is worked out from: the result alone, what enters and the numbers on the way to it, or nothing.
# The others need what enters. Those of BY_RESULT_IN_PLACE do with the result where it is written over what entered.
BY_RESULT = ("sigmoid", "tanh", "relu", "sqrt", "reciprocal", "exp")
BY_RESULT_IN_PLACE = ("relu", "leaky_relu", "elu", "selu", "celu")
BY_VALUES = {"softsign": (0,), "log_sigmoid": (0,), "scaled_tanh": (), "tanhshrink": ()}  # the inputs kept with them
BY_NOTHING = {"identity": SAME, "negative": NOTHING, "sign": NOTHING, "round": NOTHING, "step": STEPS}


def choose_kept(kind: str, elements: int, *, inplace: bool) -> Kept:
    """What an activation keeps: where what enters is written over and needed, it is copied first."""
    if kind in BY_NOTHING:
        return BY_NOTHING[kind]
    if kind in BY_VALUES:
        return Kept(inputs=BY_VALUES[kind], values=elements)
    if kind in BY_RESULT or (inplace and kind in BY_RESULT_IN_PLACE):
        return RESULT
    return Kept(values=elements) if inplace else ENTERED


class Activation(Layer):
    """A function of each element by itself. Any shape, unchanged; nothing stored."""

    channels = KEPT

    def facts(self, x: Shape) -> Facts:
        elements = prod(x)
        work = {operation: times * elements for operation, times in OPERATIONS[self.kind].items()}
        return weightless(x, work, POINTWISE, choose_kept(self.kind, elements, inplace=self.inplace))


# x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x x x))): Hendrycks & Gimpel 2016, section 2
GELU_BY_TANH = {"multiply": 5, "add": 2, "tanh": 1, "divide": 1}


class GELU(Activation):
    """x times the share of a normal distribution below x. Any shape, unchanged; nothing stored.

    With `approximate=tanh` the formula in which tanh stands for erf.
    """

    approximate: str = option(
        Option(choice("none", "tanh"), "approximate: `none`, by erf; `tanh`, by the formula with tanh", default="none")
    )

    def facts(self, x: Shape) -> Facts:
        if self.approximate == "none":
            return super().facts(x)
        elements = prod(x)
        work = {operation: times * elements for operation, times in GELU_BY_TANH.items()}
        return weightless(x, work, POINTWISE, ENTERED)


class Sloped(Activation):
    """A function of each element with a constant: the slope or scale of its negative side."""

    alpha: float | None = option(
        Option(decimal, "alpha: slope or scale below zero", aliases=("negative_slope", "slope"), main=True)
    )


class Round(Activation):
    """Each element as a whole number: the nearest (of two, the even one), the one below, or the one above."""

    to: str = option(
        Option(
            choice("nearest", "floor", "ceil"),
            "to: nearest, floor or ceil",
            default="nearest",
            words={word: word for word in ("floor", "ceil")},
        )
    )


class Power(Layer):
    """Each element raised to a number: `power 2`, `power -0.5`. Any shape, unchanged; nothing stored."""

    channels = KEPT
    exponent: float = option(Option(decimal, "exponent: that each element is raised to", required=True, main=True))

    def facts(self, x: Shape) -> Facts:
        return weightless(x, {"power": prod(x)}, POINTWISE, ENTERED)


class Clamp(Layer):
    """Each element kept between two bounds, one of which may be missing: one comparison for each bound.

    hardtanh is a clamp between -1 and 1, unless it says otherwise.
    """

    channels = KEPT
    low: float | None = option(Option(decimal, "low: the least that comes out", aliases=("min", "min_val")))
    high: float | None = option(Option(decimal, "high: the most that comes out", aliases=("max", "max_val")))

    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the most that comes out, None where there is no bound."""
        if self.kind == "hardtanh":
            return -1.0 if self.low is None else self.low, 1.0 if self.high is None else self.high
        return self.low, self.high

    def facts(self, x: Shape) -> Facts:
        low, high = self.bounds()
        if low is None and high is None:
            raise ShapeError(_("a clamp needs a bound"), _("give low=, high=, or both"))
        if low is not None and high is not None and low > high:
            raise ShapeError(
                _("the bounds are the wrong way round: {low} > {high}", low=low, high=high), _("low comes first"), "low"
            )
        elements = prod(x)
        work = {"compare": elements * (low is not None) + elements * (high is not None)}
        return weightless(x, work, POINTWISE, choose_kept(self.kind, elements, inplace=self.inplace))


class Rescale(Layer):
    """Each element times a number, plus another: both are part of the definition, and not trained.

    Each may be a list, of a number for each channel.
    """

    channels = KEPT

    factor: float | tuple[float, ...] = option(
        Option(decimals, "factor: what is multiplied by", default=1.0, main=True, aliases=("scale",))
    )
    offset: float | tuple[float, ...] = option(Option(decimals, "offset: what is added then", default=0.0))

    def facts(self, x: Shape) -> Facts:
        elements = prod(x)
        for name, value in (("factor", self.factor), ("offset", self.offset)):
            if isinstance(value, tuple) and len(value) != x[0]:
                problem = _("{count} numbers for {c} channels", count=len(value), c=x[0])
                raise ShapeError(problem, _("give one, or one for each channel"), name)
        work = {"multiply": elements * (self.factor != 1), "add": elements * (self.offset != 0)}
        return weightless(x, work, POINTWISE, NOTHING)


class PReLU(Layer):
    """A rectifier with a trained slope below zero: one for the layer, or one for each channel.

    Source: He et al. 2015. max(x, 0) + slope min(x, 0): two comparisons, a multiplication, an addition.
    """

    channels = KEPT
    per: str = option(
        Option(choice("layer", "channel"), "per: one slope per `layer` or per `channel`", default="layer")
    )

    def facts(self, x: Shape) -> Facts:
        c, elements = x[0], prod(x)
        return Facts(
            output=x,
            params=c if self.per == "channel" else 1,
            connections=0,
            macs=0,
            work={"compare": 2 * elements, "multiply": elements, "add": elements},
            reach=POINTWISE,
            activations=0,
            kept=ENTERED,
        )


class Softmax(Layer):
    """exp(x) over the sum of exp(x), over the channels at each position (a vector: over all), or over another axis.

    n exponentials, n - 1 additions, n divisions; log_softmax is x - log(sum): n subtractions and a log.
    """

    axis: str = option(
        Option(axis_name, "axis: over which the sum runs, c (the channels), l, h, w, d or a number", default="c")
    )

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return MIXED if self.axis in ("c", "0") else KEPT

    def facts(self, x: Shape) -> Facts:
        axis = axis_number(self.axis, x)
        n, positions = x[axis], prod(x[:axis]) * prod(x[axis + 1 :])
        # Programs subtract the largest x first, against overflow; the definition that is counted does not.
        work = {"exp": n * positions, "add": (n - 1) * positions}
        if self.kind == "softmax":
            work["divide"] = n * positions
        else:
            work |= {"log": positions, "subtract": n * positions}
        # Over the channels of one position no other place is seen.
        if axis == 0 and x[1:]:
            return weightless(x, work, POINTWISE, RESULT)
        # A vector, or a sequence along its only axis: every unit sees all of it.
        if len(x) < 3:
            return weightless(x, work, WHOLE, RESULT)
        return weightless(x, work, tuple(WHOLE if i == axis else Window() for i in range(1, len(x))), RESULT)


class Maxout(Layer):
    """The largest of each k neighbouring channels: (C, ...) to (C / k, ...). Source: Goodfellow et al. 2013."""

    channels = LINKED
    pieces: int = option(Option(positive, "pieces: channels that compete, k", required=True, main=True, flag="k"))

    def facts(self, x: Shape) -> Facts:
        c, k = x[0], self.pieces
        if c % k:
            raise ShapeError(_("{k} pieces do not divide the {c} channels", k=k, c=c), _("use a divisor"), "pieces")
        output = (c // k, *x[1:])
        return weightless(output, {"compare": (k - 1) * prod(output)}, POINTWISE, Kept(indices=prod(output)))

    def links(self, x: Shape) -> list[Link]:
        from cnncalc.layers.links import Link

        c, k = x[0], self.pieces
        # Output j has the neighbours jk ... jk + k - 1: link i brings the i-th of each.
        return [Link(range(c // k), range(i, c, k)) for i in range(k)]


class GLU(Layer):
    """The first half of the channels times the sigmoid of the second. Source: Dauphin et al. 2017."""

    channels = LINKED

    def facts(self, x: Shape) -> Facts:
        c = x[0]
        if c % 2:
            raise ShapeError(_("glu halves the channels; what enters has {c}", c=c), _("give it an even number"))
        output = (c // 2, *x[1:])
        units = prod(output)
        work = {**{k: v * units for k, v in SIGMOID.items()}, "multiply": units}
        return weightless(output, work, POINTWISE, ENTERED)

    def links(self, x: Shape) -> list[Link]:
        from cnncalc.layers.links import Link

        half = x[0] // 2
        return [Link(range(half), range(half)), Link(range(half), range(half, 2 * half))]
