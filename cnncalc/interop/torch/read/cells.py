"""Recurrent cells of torch, one step of a sequence each: the layers that they are made of, with shared weights."""

from __future__ import annotations

from functools import partial
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.making import apply, as_value, merge_seen
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.interop.torch.read.taking import part
from cnncalc.interop.torch.read.weighted import linear_over_last
from cnncalc.language import _

CELL = "input hx w_ih w_hh | b_ih b_hh"


def gates(trace: Any, given: dict[str, Any], count: int) -> tuple[list[Seen], list[Seen], list[Seen]]:
    """What enters and the state, each through its linear layer, in `count` parts; and the states before.

    Raises NotReadError.
    """
    x, states = trace.of(given["input"]), given["hx"]
    states = list(states) if isinstance(states, (tuple, list)) else [states]
    # A decoder may begin with a token of its own.
    if x is None:
        x = as_value(trace, given["input"], trace.of(states[0]))
    if x is None or not x.shape:
        raise NotReadError(_("what enters it is not known"))
    before = [trace.of(state) or as_value(trace, state, x) for state in states]
    found = []
    for seen, weight, bias in ((x, "w_ih", "b_ih"), (before[0], "w_hh", "b_hh")):
        made = seen and linear_over_last(trace, seen, given[weight], given.get(bias))
        axis = made and made.axis(made.rank - 1)
        if made is None or axis is None:
            raise NotReadError(_("what enters it is not known"))
        each = made.shape[axis] // count
        parts = [part(trace, made, axis, i * each, (i + 1) * each, count) for i in range(count)]
        found.append([one for one in parts if one is not None])
    return found[0], found[1], [state for state in before if state is not None]


def merge(trace: Any, kind: str, *seen: Seen) -> Seen:
    """Values of one shape merged. Raises NotReadError."""
    made = merge_seen(trace, kind, seen)
    if made is None:
        raise NotReadError(_("its states stand otherwise than what enters"))
    return made


def simple_cell(activation: str, trace: Any, given: dict[str, Any], result: Any) -> Made:
    """h' = tanh(W x + b + U h + c)."""
    (x,), (h,), _before = gates(trace, given, 1)
    return apply(trace, merge(trace, "add", x, h), activation)


@translates("gru_cell", CELL, anywhere=True)
def gru_cell(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """r, z = sigmoid(...), n = tanh(x_n + r h_n), h' = n + z (h - n)."""
    # torch stacks the gates r, z, n; ONNX z, r, h.
    x, h, (before,) = gates(trace, given, 3)
    r, z = (apply(trace, merge(trace, "add", x[i], h[i]), "sigmoid") for i in range(2))
    n = apply(trace, merge(trace, "add", x[2], merge(trace, "multiply", r, h[2])), "tanh")
    return merge(trace, "add", n, merge(trace, "multiply", z, merge(trace, "subtract", before, n)))


@translates("lstm_cell", CELL, anywhere=True)
def lstm_cell(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """i, f, o = sigmoid(...), g = tanh(...), c' = f c + i g, h' = o tanh(c')."""
    x, h, (_state, cell) = gates(trace, given, 4)
    i, f, g, o = (apply(trace, merge(trace, "add", x[k], h[k]), "tanh" if k == 2 else "sigmoid") for k in range(4))
    after = merge(trace, "add", merge(trace, "multiply", f, cell), merge(trace, "multiply", i, g))
    return [merge(trace, "multiply", o, apply(trace, after, "tanh")), after]


for _activation in ("tanh", "relu"):
    translates(f"rnn_{_activation}_cell", CELL, anywhere=True)(partial(simple_cell, _activation))
