"""Recurrent layers as ONNX operators. Gate orders and formulas: the operators GRU, LSTM and RNN of ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.gates import GATES
from cnncalc.interop.onnx.write.part import Array, Part, Value
from cnncalc.interop.onnx.write.table import writes


def directions(layer: Any) -> list[str]:
    """What the arrays of each direction begin with."""
    return ["", "back_"] if layer.bidirectional else [""]


@writes("rnn", "gru", "lstm")
def recurrent(ops: Part, layer: Any, x: Value) -> str:
    """Gates stacked. One bias goes with the input; with two a GRU resets behind the product of the state."""

    def stack(name: str) -> Array:
        return np.stack(
            [
                np.concatenate([ops.array(f"{direction}{gate}_{name}") for gate in GATES[layer.kind]])
                for direction in directions(layer)
            ]
        )

    kept = [ops.weight(name, stack(part)) for name, part in (("W", "input"), ("R", "state"))]
    if layer.bias == "double":
        kept.append(ops.weight("B", np.concatenate([stack("bias"), stack("bias2")], axis=1)))
    elif layer.bias:  # ONNX has room for two
        bias = stack("bias")
        kept.append(ops("Concat", ops.weight("B", bias), ops.constant(np.zeros_like(bias)), axis=1))
    steps, last = ops.several(
        layer.kind.upper(),
        [not layer.last, bool(layer.last)],
        ops("Transpose", x.name, perm=[2, 0, 1]),  # (steps, N, values)
        *kept,
        hidden_size=layer.units,
        direction="bidirectional" if layer.bidirectional else "forward",
        **({"linear_before_reset": int(layer.bias == "double")} if layer.kind == "gru" else {}),
    )
    if layer.last:  # (directions, N, units)
        return ops.reshape(ops("Transpose", last, perm=[1, 0, 2]), -1)
    joined = ops("Transpose", steps, perm=[2, 1, 3, 0])  # (steps, directions, N, units)
    # Of (N, directions, units, steps) the directions become channels, forwards first.
    return ops.reshape(joined, len(directions(layer)) * layer.units, -1)


@writes("mgu")
def mgu(ops: Part, layer: Any, x: Value) -> str:
    """ONNX has no operator for it: a Scan over the steps, one for each direction, with the formulas inside."""
    n, m = x.shape[0], layer.units
    sequence = ops("Transpose", x.name, perm=[2, 0, 1])  # (steps, N, values)
    samples = ops("Shape", x.name, start=0, end=1)
    start = ops("Expand", ops.constant(np.zeros((1, m))), ops("Concat", samples, ops.whole(m), axis=0))
    results = []
    for back, direction in enumerate(directions(layer)):
        step = mgu_step(ops.inner(), direction, n, m)
        # Direction 1 reads from the last step on, and for results puts them back where their steps were.
        last, states = ops.several(
            "Scan",
            [True, True],
            start,
            sequence,
            body=step,
            num_scan_inputs=1,
            scan_input_directions=[back],
            scan_output_directions=[back],
        )
        results.append(last if layer.last else ops("Transpose", states, perm=[1, 2, 0]))
    return ops("Concat", *results, axis=1)


def mgu_step(ops: Part, direction: str, n: int, m: int) -> Any:
    """The graph of one step: the state (N, units) and what enters (N, values), to the state, twice."""
    state, entering = f"{ops.name}::state", f"{ops.name}::x"

    def gate(name: str, h: str) -> str:
        y = ops(
            "Add",
            ops("Gemm", entering, ops.weight(f"{direction}{name}_input"), transB=1),
            ops("Gemm", h, ops.weight(f"{direction}{name}_state"), transB=1),
        )
        for bias in (f"{direction}{name}_bias", f"{direction}{name}_bias2"):
            y = ops("Add", y, ops.weight(bias)) if ops.has(bias) else y
        return y

    f = ops("Sigmoid", gate("f", state))
    candidate = ops("Tanh", gate("c", ops("Mul", f, state)))
    kept = ops("Mul", ops("Sub", ops.constant(1.0), f), state)
    result = ops("Add", kept, ops("Mul", f, candidate))
    # A graph has no output twice, and Scan wants the new state and the result apart.
    copy = ops("Identity", result)

    def describe(name: str, length: int) -> Any:
        return ops.onnx.helper.make_tensor_value_info(name, ops.onnx.TensorProto.FLOAT, (None, length))

    return ops.onnx.helper.make_graph(
        ops.nodes,
        "step",
        [describe(state, m), describe(entering, n)],
        [describe(result, m), describe(copy, m)],
    )
