"""ONNX's recurrent operators: which of their results are used, which way they go, and from which state they start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_bytes import Model

import cnncalc
from cnncalc import SpecError, load, reference

STEPS, VALUES, UNITS = 5, 3, 2
X = np.random.default_rng(3).normal(size=(STEPS, 1, VALUES)).astype(np.float32)


def numbers(*dims: int) -> Any:
    """What `Model.weight` stores."""
    return (0.01 * (np.arange(np.prod(dims)) % 97) - 0.3).reshape(dims)


def run_rnn(x: Any, directions: int, *, backwards: bool = False) -> tuple[Any, Any]:
    """Y of (steps, directions, samples, units), and Y_h: by the operator's page at onnx.ai/onnx/operators."""
    w, r = numbers(directions, UNITS, VALUES), numbers(directions, UNITS, UNITS)
    y = np.zeros((STEPS, directions, 1, UNITS))
    last = np.zeros((directions, 1, UNITS))
    for d in range(directions):
        state = np.zeros((1, UNITS))
        for step in reversed(range(STEPS)) if d or backwards else range(STEPS):
            state = np.tanh(x[step] @ w[d].T + state @ r[d].T)
            y[step, d] = state
        last[d] = state
    return y, last


def model(outputs: str, directions: int = 1, inputs: str = "t w r", **options: Any) -> Model:
    """An RNN on a sequence that comes with the samples first."""
    return (
        Model(1, STEPS, VALUES)
        .op("Transpose", "x", "t", perm=[1, 0, 2])
        .weight("w", directions, UNITS, VALUES)
        .weight("r", directions, UNITS, UNITS)
        .op("RNN", inputs, outputs, hidden_size=UNITS, **options)
    )


def run(made: Model, folder: Path) -> Any:
    """What comes out of a model as it was read, with its own weights."""
    path = made.save(folder)
    graph = load(path)
    x = np.transpose(X, (1, 0, 2))
    return list(reference.run(graph, x, cnncalc.weights_of(path)).values())[-1]


WAYS = {"forward": 1, "reverse": 1, "bidirectional": 2}


@pytest.mark.parametrize("direction", WAYS)
def test_the_states_of_all_steps_and_the_last_ones_are_used_together(direction: str, tmp_path: Path) -> None:
    d = WAYS[direction]
    made = model("y_all y_last", d, direction=direction)
    made.whole("s", 1, STEPS * d * UNITS).whole("l", 1, d * UNITS)
    made.op("Transpose", "y_all", "a", perm=[2, 0, 1, 3]).op("Transpose", "y_last", "b", perm=[1, 0, 2])
    made.op("Reshape", "a s", "a2").op("Reshape", "b l", "b2").op("Concat", "a2 b2", "y", axis=1)
    y, last = run_rnn(X, d, backwards=direction == "reverse")
    expected = np.concatenate([y.transpose(2, 0, 1, 3).reshape(1, -1), last.transpose(1, 0, 2).reshape(1, -1)], 1)
    assert np.allclose(run(made, tmp_path), expected, atol=1e-5)


def test_the_last_state_of_a_layer_that_reads_backwards(tmp_path: Path) -> None:
    made = model("- y_last", direction="reverse").whole("l", 1, UNITS).op("Reshape", "y_last l", "y")
    assert np.allclose(run(made, tmp_path), run_rnn(X, 1, backwards=True)[1].reshape(1, -1), atol=1e-5)


def test_zeros_that_an_exporter_made_up_are_no_state(tmp_path: Path) -> None:
    """PyTorch's exporter folds the zeros from which its layers start into a stored tensor `val_10`."""
    made = model("y_all", inputs="t w r - - val_10").weight("val_10", 1, 1, UNITS, fill=0.0)
    made.whole("s", 1, STEPS * UNITS).op("Transpose", "y_all", "a", perm=[2, 0, 1, 3]).op("Reshape", "a s", "y")
    assert np.allclose(run(made, tmp_path), run_rnn(X, 1)[0].reshape(1, -1), atol=1e-5)


@pytest.mark.parametrize(("name", "fill"), [("h0", 0.0), ("val_10", 0.5)])
def test_any_other_stored_state_is_refused_by_its_name(name: str, fill: float, tmp_path: Path) -> None:
    made = model("y", inputs=f"t w r - - {name}").weight(name, 1, 1, UNITS, fill=fill)
    with pytest.raises(SpecError, match="its input initial_h is not read"):
        load(made.save(tmp_path))


def test_a_layer_that_is_used_for_its_steps_and_again_for_its_last_state_stores_once(tmp_path: Path) -> None:
    made = model("y_all").op("RNN", "t w r", "- y_last", hidden_size=UNITS).whole("s", 1, STEPS * UNITS)
    made.op("Transpose", "y_all", "a", perm=[2, 0, 1, 3]).op("Reshape", "a s", "a2").whole("l", 1, UNITS)
    made.op("Reshape", "y_last l", "b2").op("Concat", "a2 b2", "y", axis=1)
    assert cnncalc.analyze(load(made.save(tmp_path))).totals.params == UNITS * (VALUES + UNITS)


def test_the_cells_of_an_lstm_alone_are_not_known(tmp_path: Path) -> None:
    made = Model(1, STEPS, VALUES).op("Transpose", "x", "t", perm=[1, 0, 2])
    made.weight("w", 1, 4 * UNITS, VALUES).weight("r", 1, 4 * UNITS, UNITS)
    path = made.op("LSTM", "t w r", "- - y", hidden_size=UNITS).save(tmp_path)
    with pytest.raises(SpecError, match="its result 3 is not read"):
        load(path)
    totals = cnncalc.analyze(load(path, allow_unknown=True)).totals
    assert totals.params == 4 * UNITS * (VALUES + UNITS)


def test_the_last_states_of_two_layers_of_which_one_is_taken(tmp_path: Path) -> None:
    """As PyTorch writes nn.LSTM(..., num_layers=2)(x)[1][0][-1]."""
    made = model("y_all y_first").weight("w2", 1, UNITS, UNITS).whole("s", 0, 0, -1)
    made.op("Transpose", "y_all", "a", perm=[0, 2, 1, 3]).op("Reshape", "a s", "b")
    made.weight("r2", 1, UNITS, UNITS).op("RNN", "b w2 r2", "- y_last", hidden_size=UNITS).op(
        "Concat", "y_first y_last", "h", axis=0
    )
    made.whole("i", -1, dims=()).op("Gather", "h i", "y", axis=0)
    w, r = numbers(1, UNITS, UNITS), numbers(1, UNITS, UNITS)
    state = np.zeros((1, UNITS))
    for step in run_rnn(X, 1)[0][:, 0]:
        state = np.tanh(step @ w[0].T + state @ r[0].T)
    assert np.allclose(run(made, tmp_path), state, atol=1e-5)
