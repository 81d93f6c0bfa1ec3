"""Layers of units that see everything: dense, radial basis functions, Hopfield, and the flattening before them.

Source: LeCun et al. 1998, section II-B: F6 (dense) and OUTPUT (radial basis functions with fixed centres).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.errors import CnncalcError, ShapeError
from cnncalc.language import _, n_
from cnncalc.layers.base import FLATTENED, POINTWISE, WHOLE, Facts, Layer, Option, Shape, describe, option, weightless
from cnncalc.layers.gradients import ENTERED, SAME, STEPS, Kept, Products
from cnncalc.layers.options import BIAS, UNITS, choice, positive
from cnncalc.layers.tables import check_table, map_table

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads


FOR_WEIGHTS = Kept(trained=(0,))  # what enters is multiplied with the weights alone

MOST_TOLD_APART = 8192  # units of which each reads all but itself, as sets


class Dense(Layer):
    """Every unit has a weight for every input. Input (F,), output (units,). A map is flattened before it.

    With `axes=c` the channels of each position are the inputs, with the same weights everywhere: (C, *size) to
    (units, *size), as a linear layer does to tokens. With a `table`, unit i reads only the inputs of row i.
    """

    units: int = option(UNITS)
    bias: bool = option(BIAS)
    axes: str = option(
        Option(
            choice("all", "c", channels="c"),
            "axes: what a unit reads, `all` (a map is flattened) or `c`, the channels of one position",
            default="all",
        )
    )
    table: tuple[tuple[int, ...], ...] | None = option(
        Option(map_table, "table: for each unit, the inputs that it reads, from 0 (long form only)")
    )

    @property
    def flattens(self) -> bool:  # type: ignore[override]  # depends on the options
        return self.axes == "all"

    def facts(self, x: Shape) -> Facts:
        # Of a vector the channels are all there is.
        if self.axes == "c" and len(x) > 1:
            return self.at_every_position(x)
        n, m, b = vector_length(self.kind, x), self.units, self.bias
        weights, params = n * m, (n + b) * m
        if self.table is not None:
            check_table(self.table, m, n, n_("units"), n_("inputs"))
            weights = sum(len(row) for row in self.table)
            params = weights + b * m
        # Nothing is shared: every weight and every bias is used once.
        return Facts(
            output=(m,),
            params=params,
            connections=params,
            macs=weights,
            work={"add": b * m},
            reach=WHOLE if self.table is None else None,  # which pixels a table's inputs are is not followed
            activations=m,
            kept=FOR_WEIGHTS,
        )

    def at_every_position(self, x: Shape) -> Facts:
        """Facts where each position is a vector of its own, and all share the weights."""
        if self.table is not None:
            raise ShapeError(_("a table lists inputs of a vector"), _("leave `table` or `axes` out"), "table")
        n, positions, m, b = x[0], prod(x[1:]), self.units, self.bias
        params = (n + b) * m
        return Facts(
            output=(m, *x[1:]),
            params=params,
            connections=params * positions,
            macs=n * m * positions,
            work={"add": b * m * positions},
            reach=POINTWISE,
            activations=m * positions,
            kept=FOR_WEIGHTS,
        )

    def elements(self, x: Shape) -> Reads | None:
        from cnncalc.layers.elements import Read, rows_of_bits

        return None if self.table is None else [Read(0, rows_of_bits(self.table), ())]


class RBF(Layer):
    """Euclidean radial basis functions: each unit the squared distance of the input from its centre.

    Input (F,), output (units,). The centres are stored but not trained, and there is no bias: y = sum over
    the inputs of (x - w)^2, a subtraction and a multiply-accumulate for each.
    """

    flattens = True
    units: int = option(UNITS)

    def facts(self, x: Shape) -> Facts:
        n, m = vector_length(self.kind, x), self.units
        return Facts(
            output=(m,),
            params=0,
            fixed_params=n * m,
            connections=n * m,
            macs=n * m,
            work={"subtract": n * m},
            reach=WHOLE,
            activations=m,
            kept=ENTERED,
            products=Products(inside=n * m),  # of each difference, which goes on to the input
        )


class GaussianRBF(Layer):
    """Radial basis functions with trained centres and a trained width for each unit: exp(-|x - w|^2 / s).

    Input (F,), output (units,). The hidden layer of an RBF network: Broomhead & Lowe 1988. The width is kept
    as s = 2 sigma^2, so that a unit negates, divides and takes one exponential.
    """

    flattens = True
    units: int = option(UNITS)

    def facts(self, x: Shape) -> Facts:
        n, m = vector_length(self.kind, x), self.units
        return Facts(
            output=(m,),
            params=n * m + m,
            connections=n * m,
            macs=n * m,
            work={"subtract": n * m, "negative": m, "divide": m, "exp": m},
            reach=WHOLE,
            activations=m,
            kept=Kept(inputs=(0,), result=True, values=m),  # the distances, for the widths
            products=Products(inside=n * m),  # of each difference, which goes on to the centre and to the input
        )


class Hopfield(Layer):
    """Units of which each reads all the others through symmetric weights, w_ij = w_ji and w_ii = 0.

    Input (F,), output (F,), each 1 or -1, after `steps` updates of all units at once. A pair of units shares
    one weight, so that there are half as many weights as connections. Source: Hopfield 1982.
    """

    flattens = True
    steps: int = option(Option(positive, "steps: updates of all units", default=1))
    bias: bool = option(BIAS, default=False, doc="bias: a threshold for every unit", words={"nobias": "false"})

    def facts(self, x: Shape) -> Facts:
        n, b, steps = vector_length(self.kind, x), self.bias, self.steps
        return Facts(
            output=(n,),
            params=n * (n - 1) // 2 + b * n,
            connections=steps * (n * (n - 1) + b * n),
            macs=steps * n * (n - 1),
            work={"add": steps * b * n, "compare": steps * n},
            reach=WHOLE if n > 1 else None,  # one unit reads none, itself neither
            activations=steps * n,
            kept=STEPS,  # no gradient passes a sign: its weights are learnt by a rule of their own
        )

    def elements(self, x: Shape) -> Reads | None:
        """Walks of `steps` steps from unit to unit, none of which stays where it is."""
        from cnncalc.layers.elements import Read

        n = x[0]
        # From three units on, two steps lead from every unit to every unit, itself too.
        if n > 2 and self.steps > 1:
            return None
        # A set of n bits for each of n units: the memory grows with the square.
        if n > MOST_TOLD_APART:
            most = MOST_TOLD_APART
            raise CnncalcError(_("what each of more than {most:,} units reads of the others is not listed", most=most))
        if n == 2 and self.steps % 2 == 0:  # to the other, and back again
            return [Read(0, 0, ())]
        # `<<` binds tighter than `^`: all bits but j.
        every = (1 << n) - 1
        return [Read(0, tuple((1 << j, every ^ 1 << j) for j in range(n)), ())]


class Flatten(Layer):
    """A map becomes a vector: (C, *size) to (C * size,), nothing computed."""

    def facts(self, x: Shape) -> Facts:
        return weightless((prod(x),), {}, FLATTENED, SAME)


def vector_length(kind: str, x: Shape) -> int:
    if len(x) != 1:
        raise ShapeError(
            _("{kind} needs a vector; what enters is {shape}", kind=kind, shape=describe(x)),
            _("put a flatten before it"),
        )
    return x[0]
