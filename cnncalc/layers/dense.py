"""Layers of units that see everything: dense, Euclidean RBF, and the flattening before them.

Source: LeCun et al. 1998, section II-B: F6 (dense) and OUTPUT (radial basis functions with fixed centres).
"""

from __future__ import annotations

from math import prod

from cnncalc.errors import ShapeError
from cnncalc.layers.base import FLATTENED, WHOLE, Facts, Layer, Shape, described, option, weightless
from cnncalc.layers.options import BIAS, UNITS


class Dense(Layer):
    """Every unit has a weight for every input. Input (F,), output (units,). A map is flattened before it."""

    flattens = True
    units: int = option(UNITS)
    bias: bool = option(BIAS)

    def facts(self, x: Shape) -> Facts:
        n, m, b = vector_length(self.kind, x), self.units, self.bias
        return Facts(
            output=(m,),
            params=(n + b) * m,
            connections=(n + b) * m,
            macs=n * m,
            work={"add": b * m},
            reach=WHOLE,
        )


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
        )


class Flatten(Layer):
    """A map becomes a vector: (C, *size) to (C * size,), nothing computed."""

    def facts(self, x: Shape) -> Facts:
        return weightless((prod(x),), {}, FLATTENED)


def vector_length(kind: str, x: Shape) -> int:
    if len(x) != 1:
        raise ShapeError(f"{kind} needs a vector; what enters is {described(x)}", "put a flatten before it")
    return x[0]
