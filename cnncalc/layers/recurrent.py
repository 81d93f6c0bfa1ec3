"""Recurrent layers: the same weights at every step of a sequence, on what enters and on the last state.

Input (n, L): n values at each of L steps; output (units, L), the state behind every step. Counts are for one
sequence; the first state is 0, and is multiplied like any other. Sources: Elman 1990 (rnn); Zhou et al. 2016,
arXiv:1603.09420 (mgu); Cho et al. 2014, arXiv:1406.1078 (gru); Hochreiter & Schmidhuber 1997 with the forget
gate of Gers et al. 2000 (lstm).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.activation import SIGMOID
from cnncalc.layers.base import WHOLE, Facts, Layer, Option, Shape, describe, option
from cnncalc.layers.gradients import Kept, Products
from cnncalc.layers.options import BIAS, UNITS, switch

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads

DOUBLE = "double"


def bias(raw: Any) -> bool | str:
    """true, false, or `double`: two for every gate, one with the input and one with the state, as in PyTorch."""
    if isinstance(raw, str) and raw.lower() == DOUBLE:
        return DOUBLE
    return switch(raw, DOUBLE)


class Recurrent(Layer):
    """What all recurrent layers share: for every gate a weight for each input and each unit of the state."""

    gates: ClassVar[int]  # blocks of weights, the candidate among them
    kept: ClassVar[int]  # numbers for each unit and step that the backward pass goes back over
    kept_first: ClassVar[int] = 0  # and for each unit at the start
    cell: ClassVar[Mapping[str, int]]  # operations for each unit and step besides products and biases

    units: int = option(UNITS)
    bias: bool | str = option(BIAS, read=bias, doc="bias: one for every gate and unit; or `double`, two (PyTorch)")
    bidirectional: bool = option(
        Option(
            switch,
            "bidirectional: a second layer reads from the end, and both states are joined",
            default=False,
            words={"bidirectional": "true"},
        )
    )
    last: bool = option(
        Option(switch, "last: only the state behind the last step is given", default=False, words={"last": "true"})
    )

    def facts(self, x: Shape) -> Facts:
        if len(x) != 2:
            raise ShapeError(
                _(
                    "{kind} needs a sequence (values and steps); what enters is {shape}",
                    kind=self.kind,
                    shape=describe(x),
                ),
                _("a shape of two numbers, 25x100: 25 values at each of 100 steps; `reshape` can make one"),
            )
        n, steps = x
        m, g, b = self.units, self.gates, {False: 0, True: 1, DOUBLE: 2}[self.bias]
        directions = 1 + self.bidirectional
        # An LSTM with n = 3, m = 2 has 4 * (3 * 2 + 2 * 2) = 40 weights and 8 biases, or 16 if `double`.
        weights, biases = g * (n * m + m * m), b * g * m
        cells = directions * steps * m
        work = {operation: times * cells for operation, times in self.cell.items()}
        work["add"] = work.get("add", 0) + directions * steps * biases + self.merging() * cells
        return Facts(
            output=(directions * m,) if self.last else (directions * m, steps),
            params=directions * (weights + biases),
            connections=directions * steps * (weights + biases),
            macs=directions * steps * weights,
            work=work,
            reach=WHOLE,
            activations=g * cells,
            kept=Kept(inputs=(0,), values=self.kept * cells + self.kept_first * directions * m),
            products=Products(
                weights=directions * steps * weights,
                inputs=(directions * steps * g * n * m,),
                inside=directions * (steps - 1) * g * m * m,  # the first state was there
            ),
        )

    def elements(self, x: Shape) -> Reads | None:
        """Every step reads what came before it, and the step itself; the second direction what comes after."""
        from cnncalc.layers.elements import EVERY, Read, stretch_of_bits
        from cnncalc.layers.windows import Listed

        steps, m, everything = x[1], self.units, stretch_of_bits(0, x[0])
        # The last state reads every step, in both directions: `reach` has said it.
        if self.last:
            return None
        past = Listed(tuple(range(t + 1) for t in range(steps)))
        if not self.bidirectional:
            return [Read(0, EVERY, (past,))]
        future = Listed(tuple(range(t, steps) for t in range(steps)))
        # States are joined along the channels: the first m are those that read forwards.
        return [
            Read(0, ((stretch_of_bits(0, m), everything),), (past,)),
            Read(0, ((stretch_of_bits(m, m), everything),), (future,)),
        ]

    def merging(self) -> int:
        """Additions for each unit and step that bring separate products of input and state together."""
        return 0


class RNN(Recurrent):
    """h = tanh(W [x, h] + b)."""

    gates = 1
    kept = 1  # the state, which the next step reads; the first one too
    kept_first = 1
    cell: ClassVar = {"tanh": 1}


class MGU(Recurrent):
    """f = sigmoid(W [x, h] + b), c = tanh(V [x, f h] + d), h = (1 - f) h + f c."""

    gates = 2
    kept = 4  # f, c, f h, and the state before
    cell: ClassVar = {**SIGMOID, "tanh": 1, "multiply": 3, "subtract": 1, "add": SIGMOID["add"] + 1}


class GRU(Recurrent):
    """z and r = sigmoid(W [x, h] + b), c = tanh(V [x, r h] + d), h = (1 - z) c + z h.

    With `bias: double` r is applied behind the product, as in PyTorch and Keras' reset_after:
    c = tanh(V x + d + r (U h + e)), which brings two products together.
    """

    gates = 3
    kept = 7  # z, r, c, the state before, what r is multiplied with, c less the state, and the state less c
    cell: ClassVar = {
        **{operation: 2 * times for operation, times in SIGMOID.items()},
        "tanh": 1,
        "multiply": 3,
        "subtract": 1,
        "add": 2 * SIGMOID["add"] + 1,
    }

    def merging(self) -> int:
        return 1 if self.bias == DOUBLE else 0


class LSTM(Recurrent):
    """i, f, o = sigmoid(W [x, h] + b), g = tanh(V [x, h] + d), c = f c + i g, h = o tanh(c)."""

    gates = 4
    kept = 7  # i, f, g, o, tanh(c), and state and cell before
    cell: ClassVar = {
        **{operation: 3 * times for operation, times in SIGMOID.items()},
        "tanh": 2,
        "multiply": 3,
        "add": 3 * SIGMOID["add"] + 1,
    }
