"""Recurrent layers as they are defined: a state that is carried from step to step. Sequences are (N, n, L)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnncalc.reference.activation import logistic
from cnncalc.reference.base import Array, Shape, Weight, Weights, bias, kernel, reference
from cnncalc.reference.dense import products

GATES = {"rnn": ("c",), "mgu": ("f", "c"), "gru": ("z", "r", "c"), "lstm": ("i", "f", "o", "g")}


def recurrent_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """For each direction and gate: input (units, n), state (units, units), bias (units,), perhaps a second bias."""
    n, m = x[0], layer.units
    stored = {}
    for direction in directions(layer):
        for gate in GATES[layer.kind]:
            stored[f"{direction}{gate}_input"] = kernel((m, n), n + m)
            stored[f"{direction}{gate}_state"] = kernel((m, m), n + m)
            if layer.bias is not False:
                stored[f"{direction}{gate}_bias"] = bias((m,))
            if layer.bias == "double":
                stored[f"{direction}{gate}_bias2"] = bias((m,))
    return stored


def directions(layer: Any) -> tuple[str, ...]:
    return ("", "back_") if layer.bidirectional else ("",)


class Cell:
    """The gates of one direction: each a sum of products over what enters and the state, joined."""

    def __init__(self, w: Weights, direction: str) -> None:
        self.w = w
        self.direction = direction
        self.rows: dict[str, Array] = {}  # of each gate its weights of both, side by side

    def part(self, gate: str, name: str) -> Array:
        return self.w[f"{self.direction}{gate}_{name}"]

    def has(self, gate: str, name: str) -> bool:
        return f"{self.direction}{gate}_{name}" in self.w

    def add_biases(self, y: Array, gate: str, *names: str) -> Array:
        for name in names:
            if self.has(gate, name):
                y = y + self.part(gate, name)
        return y

    def gate(self, gate: str, joined: Array) -> Array:
        """W [x, state] + b, before its function. joined: what enters and the state, one behind the other."""
        # One product over both: as the textbook writes it.
        if gate not in self.rows:
            self.rows[gate] = np.concatenate([self.part(gate, "input"), self.part(gate, "state")], axis=1)
        return self.add_biases(products(self.rows[gate], joined), gate, "bias", "bias2")


def join(x: Array, state: Array) -> Array:
    """[x, state]."""
    return np.concatenate([x, state], axis=1)


Step = Callable[[Cell, Array, tuple[Array, ...]], tuple[Array, ...]]


def rnn_step(cell: Cell, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """h = tanh(W [x, h] + b)."""
    return (np.tanh(cell.gate("c", join(x, state[0]))),)


def mgu_step(cell: Cell, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """f forgets, for the candidate and for the state."""
    (h,) = state
    f = logistic(cell.gate("f", join(x, h)))
    candidate = np.tanh(cell.gate("c", join(x, f * h)))
    return ((1 - f) * h + f * candidate,)


def gru_step(cell: Cell, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """z keeps the state, r resets it for the candidate: before its product, with two biases behind it."""
    (h,) = state
    joined = join(x, h)
    z = logistic(cell.gate("z", joined))
    r = logistic(cell.gate("r", joined))
    # Two variants go by this name. With two biases the reset comes behind the product (cuDNN, PyTorch), else before it
    # (Cho et al. 2014).
    if cell.has("c", "bias2"):
        from_input = cell.add_biases(products(cell.part("c", "input"), x), "c", "bias")
        from_state = cell.add_biases(products(cell.part("c", "state"), h), "c", "bias2")
        candidate = np.tanh(from_input + r * from_state)
    else:
        candidate = np.tanh(cell.gate("c", join(x, r * h)))
    return ((1 - z) * candidate + z * h,)


def lstm_step(cell: Cell, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """i lets the candidate g in, f keeps the memory, o shows it."""
    h, memory = state
    joined = join(x, h)
    i, f, o = (logistic(cell.gate(gate, joined)) for gate in "ifo")
    memory = f * memory + i * np.tanh(cell.gate("g", joined))
    return o * np.tanh(memory), memory


STEPS: dict[str, tuple[Step, int]] = {
    "rnn": (rnn_step, 1),
    "mgu": (mgu_step, 1),
    "gru": (gru_step, 1),
    "lstm": (lstm_step, 2),
}


@reference("rnn", "mgu", "gru", "lstm", weights=recurrent_weights)
def recurrent(layer: Any, w: Weights, x: Array) -> Array:
    """The states behind all steps, or behind the last; a second direction reads from the end."""
    step, memories = STEPS[layer.kind]
    n, _, length = x.shape
    joined = []
    for direction in directions(layer):
        cell = Cell(w, direction)
        # The state before the first step is 0; arrays that count say what they take for it.
        state = tuple(np.full_like(x, getattr(x, "nothing", 0.0), shape=(n, layer.units)) for _ in range(memories))
        states: dict[int, Array] = {}
        order = range(length) if not direction else reversed(range(length))
        for t in order:
            state = step(cell, x[:, :, t], state)
            states[t] = state[0]
        joined.append(state[0] if layer.last else np.stack([states[t] for t in range(length)], axis=2))
    return joined[0] if len(joined) == 1 else np.concatenate(joined, axis=1)
