"""ONNX's recurrent operators: sequences are (steps, samples, values), gates are stacked in an order of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.interop.axis_parts import Axis, Part, whole
from cnncalc.interop.onnx.gates import GATES
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.parts import pick, take_part
from cnncalc.interop.onnx.read.places import settle
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.trained import fills_slot
from cnncalc.language import _

USUAL = {"rnn": ("Tanh",), "gru": ("Sigmoid", "Tanh"), "lstm": ("Sigmoid", "Tanh", "Tanh")}


@reads("RNN", "GRU", "LSTM")
def read_recurrent(net: Network, node: NodeData) -> list[Value]:
    """The states behind all steps, and those behind the last; the cells of an LSTM are not known."""
    kind = node.operator.lower()
    weight, state = net.weight(node, 1), net.weight(node, 2)
    biases = net.optional(node, 3)
    sequence = net.tensor(node)
    axes = sequence.axes or ()
    if len(weight.dims) != 3 or len(axes) != 3:
        raise NotReadError(_("its weights or its sequence do not have three axes"))
    directions, rows, _inputs = weight.dims
    gates = GATES[kind]
    units = rows // len(gates)
    check_attributes(kind, node, directions)
    if node.attributes.get("hidden_size", units) != units:
        value = node.attributes["hidden_size"]
        raise NotReadError(_("the attribute {name} is {value}", name="hidden_size", value=value))
    check_states(net, node)
    # From (steps, samples, values) to samples of (values, steps): the graph has channels in front.
    x = settle(net, node, Tensor(sequence.value, (axes[1], axes[2], axes[0])))
    steps = net.shape(x)[1]
    # No kind reads from the end alone: the steps are turned round in front of it, and back behind.
    backwards = list(reversed(range(steps))) if node.attributes.get("direction") == "reverse" and steps > 1 else None
    if backwards:
        x = pick(net, node, x, 2, backwards)
    bias = kind_of_bias(kind, node, biases)
    wanted = [bool(name) and (name in net.readers or name in net.outputs) for name in (*node.outputs, "", "", "")][:3]
    # The results are Y, Y_h, Y_c: whoever reads Y_h alone wants the state behind the last step.
    last = wanted == [False, True, False]
    options = {"units": units, "bias": bias, "bidirectional": directions == 2 or None, "last": last or None}
    arrays = gate_arrays(gates, weight, state, biases, bias, units, directions)
    value = net.add(node, kind, options, [x.value], arrays)
    lead = whole(-1, net.batch)
    # Channel d * units + u is unit u of direction d; ONNX has (steps, directions, samples, units).
    split = (Part(0, directions, units),) if directions > 1 else ()
    inner = (Part(0, units, 1),) if units > 1 else ()
    net.states.update(node.outputs[1:2])
    if last:
        return [Tensor(value, None), Tensor(value, (split, lead, inner))]
    made = Tensor(value, (whole(1, steps), split, lead, inner))
    state_behind = last_states(net, node, value, (split, lead, inner)) if wanted[1] else Tensor(value, None)
    return [pick(net, node, made, 0, backwards) if backwards and wanted[0] else made, state_behind]


def last_states(net: Network, node: NodeData, value: int, axes: tuple[Axis, ...]) -> Tensor:
    """What stands behind the last step of all that are there; of the way back that is the first of them."""
    units, steps = net.builder.shape(value)
    if not axes[0]:
        behind = take_part(net, node, net.see(value), 2, steps - 1, steps)
        return Tensor(behind.value, axes)
    half = units // 2
    ways = (
        take_part(net, node, take_part(net, node, net.see(value), 1, at, at + half), 2, step, step + 1)
        for at, step in ((0, steps - 1), (half, 0))
    )
    return Tensor(net.add(node, "concat", {}, [way.value for way in ways], part="states"), axes)


def check_attributes(kind: str, node: NodeData, directions: int) -> None:
    """Raise NotReadError for an attribute that no option is."""
    direction = node.attributes.get("direction", "forward")
    wanted = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(direction)
    if wanted is None:
        raise NotReadError(_("the attribute {name} is {value}", name="direction", value=str(direction)[:30]))
    if wanted != directions:
        raise NotReadError(
            _("its weights are for {n} directions, and its direction is {value}", n=directions, value=direction)
        )
    for name in ("layout", "clip", "input_forget"):
        if node.attributes.get(name):
            raise NotReadError(_("the attribute {name} is {value}", name=name, value=node.attributes[name]))
    usual = USUAL[kind] * directions
    if tuple(node.attributes.get("activations") or usual) != usual:
        value = ", ".join(map(str, node.attributes["activations"]))[:60]
        raise NotReadError(_("the attribute {name} is {value}", name="activations", value=value))


def check_states(net: Network, node: NodeData) -> None:
    """Raise NotReadError where it does not start from zeros, or has peepholes."""
    for i, name in ((4, "sequence_lens"), (5, "initial_h"), (6, "initial_c"), (7, "P")):
        if i < len(node.inputs) and node.inputs[i]:
            found = net.values[node.inputs[i]]
            zero = isinstance(found, Constant) and not fills_slot(found) and found.number() == 0
            lengths = name == "sequence_lens" and isinstance(found, Constant)
            if not zero and not lengths:
                raise NotReadError(_("its input {name} is not read", name=name))


def kind_of_bias(kind: str, node: NodeData, biases: Constant | None) -> Any:
    """None for one bias, `double` for two, false for none.

    ONNX has room for two. One of them is not there where an exporter puts zeros of its own into its place.
    """
    if biases is None or not biases.stored:
        return False
    two = len(biases.parts) != 2 or biases.parts[1].stored
    # As torch's GRU has it: the reset gate multiplies the state's bias, which so cannot join the input's.
    reset_behind = kind == "gru" and node.attributes.get("linear_before_reset", 0)
    return "double" if two or reset_behind else None


def gate_arrays(
    gates: str, weight: Constant, state: Constant, biases: Constant | None, bias: Any, units: int, directions: int
) -> Mapping[str, Constant | None]:
    """The parts that belong to each gate of each direction."""

    def of(tensor: Constant, d: int, first: int, dims: tuple[int, ...]) -> Constant:
        return tensor.move_later(dims, lambda array: array[d, first : first + units], ("part", d, first))

    found: dict[str, Constant | None] = {}
    for d, direction in enumerate(["", "back_"][:directions]):
        for g, gate in enumerate(gates):
            name = f"{direction}{gate}"
            found[f"{name}_input"] = of(weight, d, g * units, (units, weight.dims[2]))
            found[f"{name}_state"] = of(state, d, g * units, (units, units))
            if bias is not False and biases is not None:
                found[f"{name}_bias"] = of(biases, d, g * units, (units,))
            if bias == "double" and biases is not None:
                # B has the biases of W for all gates, and behind them those of R.
                found[f"{name}_bias2"] = of(biases, d, (len(gates) + g) * units, (units,))
    return found
