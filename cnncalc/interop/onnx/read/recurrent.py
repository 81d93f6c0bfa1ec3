"""ONNX's recurrent operators: sequences are (steps, samples, values), gates are stacked in an order of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import GATES, Factor, Tensor, whole
from cnncalc.interop.onnx.read.reading import NotReadError, Reading, Value, reads
from cnncalc.interop.onnx.read.shape import settled


@reads("RNN", "GRU", "LSTM")
def recurrent(o: Reading, node: NodeData) -> list[Value]:
    kind = node.operator.lower()
    weight, state = o.weight(node, 1), o.weight(node, 2)
    biases = o.optional(node, 3)
    directions, rows, _inputs = weight.dims
    gates = GATES[kind]
    units = rows // len(gates)
    sequence = o.tensor(node)
    axes = sequence.axes or ()
    if node.attributes.get("layout") or node.attributes.get("direction") == "reverse" or len(axes) != 3:
        raise NotReadError
    if (
        node.attributes.get("clip")
        or node.attributes.get("activations", USUAL[kind] * directions) != USUAL[kind] * directions
    ):
        raise NotReadError
    x = settled(o, node, Tensor(sequence.value, (axes[1], axes[2], axes[0])))
    steps = o.builder.shape(x.value)[1]
    bias = kind_of_bias(kind, node, biases, units * len(gates))
    wanted = [name and (name in o.readers or name in o.outputs) for name in (*node.outputs, "", "")]
    last = bool(wanted[1]) and not wanted[0]
    if wanted[0] and wanted[1]:
        raise NotReadError
    options = {"units": units, "bias": bias, "bidirectional": directions == 2 or None, "last": last or None}
    arrays = gate_arrays(gates, weight, state, biases, bias, units, directions)
    value = o.add(node, kind, options, [x.value], arrays)
    lead = whole(-1, o.batch)
    split = (Factor(0, directions, units),) if directions > 1 else ()
    inner = (Factor(0, units, 1),) if units > 1 else ()
    if last:
        return [Tensor(value, None), Tensor(value, (split, lead, inner))]
    return [Tensor(value, (whole(1, steps), split, lead, inner))]


USUAL = {"rnn": ("Tanh",), "gru": ("Sigmoid", "Tanh"), "lstm": ("Sigmoid", "Tanh", "Tanh")}


def kind_of_bias(kind: str, node: NodeData, biases: Constant | None, rows: int) -> Any:
    """None for one bias, `double` for two, false for none. One that is zero throughout is none of them."""
    if biases is None:
        return False
    array = biases.array()
    with_input, with_state = array[:, :rows], array[:, rows:]
    reset_behind = kind == "gru" and node.attributes.get("linear_before_reset", 0)
    if with_state.any() or reset_behind:
        return "double"
    return None if with_input.any() or biases.root else False


def gate_arrays(
    gates: str, weight: Constant, state: Constant, biases: Constant | None, bias: Any, units: int, directions: int
) -> Mapping[str, Constant | None]:
    """The parts that belong to each gate of each direction."""

    def of(tensor: Constant, d: int, first: int, dims: tuple[int, ...]) -> Constant:
        return tensor.moved(dims, lambda array: array[d, first : first + units])

    found: dict[str, Constant | None] = {}
    for d, direction in enumerate(["", "back_"][:directions]):
        for g, gate in enumerate(gates):
            name = f"{direction}{gate}"
            found[f"{name}_input"] = of(weight, d, g * units, (units, weight.dims[2]))
            found[f"{name}_state"] = of(state, d, g * units, (units, units))
            if bias is not False and biases is not None:
                found[f"{name}_bias"] = of(biases, d, g * units, (units,))
            if bias == "double" and biases is not None:
                found[f"{name}_bias2"] = of(biases, d, (len(gates) + g) * units, (units,))
    return found
