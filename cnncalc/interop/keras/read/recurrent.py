"""Layers of Keras that read sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.interop.keras.read.operations import part
from cnncalc.interop.keras.read.table import CLASSES, Call, inside, translates
from cnncalc.interop.layouts import Seen, settle


@translates("SimpleRNN", "LSTM", "GRU")
def recurrent(call: Call) -> Seen | list[Seen] | None:
    """(steps, values) there; with the states behind all steps, or behind the last, or both.

    The cells of an LSTM are not known.
    """
    made = read_states(call)
    if made is None or not call.config.get("return_state") or call.config.get("both_ways"):
        return made
    if not call.config.get("return_sequences"):
        return [made, made]
    behind = part(call, made, 0, made.shape[0] - 1, made.shape[0], f"{call.name}/state")
    return [made, behind.reshape(made.shape[1:])]


def read_states(call: Call) -> Seen | None:
    """The states behind all steps, or behind the last."""
    c = call.config
    if len(call.x.shape) != 2:
        return None
    kind = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}[call.word]
    bias: bool | str = bool(c.get("use_bias", True))
    # The GRU of Keras 3 and of TensorFlow 2 resets behind the product, as CuDNN's does, and has a second bias inside.
    if kind == "gru" and c.get("reset_after", True):
        if not bias:
            return None
        bias = "double"
    # Other functions inside are no kind of ours.
    usual = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    if any(c.get(key, word) != word for key, word in usual.items() if kind != "rnn" or key == "activation"):
        return None
    last = not c.get("return_sequences")
    options = {"units": int(c["units"]), "bias": bias, "last": last, "bidirectional": bool(c.get("both_ways"))}
    # (steps, values) there is (values, steps) in a graph.
    front, back = call.x.first(1, f"{call.name}.")
    enters = settle(call.b, front, call.at)
    if c.get("go_backwards"):
        steps = call.b.shape(enters)[1]
        # Keras leaves the states in the order in which they were worked out, from the last step to the first.
        turned = {"indices": list(reversed(range(steps))), "axis": "l"}
        enters = call.b.add(f"{call.name}/reverse", "take", turned, [enters], at=call.at)
    value = call.add(kind, options, enters, c.get("cell_name", ""))
    made = call.see(value)
    return made if last else made.permute(back)


@translates("RNN")
def cells(call: Call) -> Seen | list[Seen] | None:
    """A cell, or several on top of each other, at every step."""
    cell = call.config["cell"]
    stack = cell["config"]["cells"] if cell.get("class_name") == "StackedRNNCells" else [cell]
    if any(each.get("class_name") not in CELLS for each in stack):
        return None
    # The states of a stack are those of each of its cells, which one value cannot be.
    if len(stack) > 1 and (call.config.get("return_state") or call.config.get("go_backwards")):
        return None
    made: Seen | list[Seen] | None = call.x
    outer = {name: call.config.get(name) for name in ("return_sequences", "return_state", "go_backwards")}
    for i, each in enumerate(stack):
        if not isinstance(made, Seen):
            return None
        name = f"{call.name}/{i}" if len(stack) > 1 else ""
        # The next cell of a stack reads the states behind all steps, whatever the layer gives at the end.
        upper = outer if i == len(stack) - 1 else {**outer, "return_sequences": True}
        config = {**each["config"], **upper, "cell_name": name}
        made = inside(call._replace(entering=(made,)), CELLS[each["class_name"]], config, recurrent)
    return made


CELLS = {"LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "SimpleRNN"}
MERGED = {"sum": "add", "mul": "multiply", "ave": "mean"}


@translates("Bidirectional")
def bidirectional(call: Call) -> Seen | list[Seen] | None:
    """Both ways, side by side or combined; with `merge_mode` None both for themselves."""
    inner, mode = call.config.get("layer", {}), call.config.get("merge_mode", "concat")
    if inner.get("class_name") not in ("SimpleRNN", "LSTM", "GRU"):
        return None
    made = both_ways(call, inner)
    if mode == "concat" or not isinstance(made, Seen):
        return made
    axis, units = len(made.shape) - 1, made.shape[-1] // 2
    halves = [part(call, made, axis, at, at + units, f"{call.name}/{i}") for i, at in enumerate((0, units))]
    if mode is None:
        return halves
    return call.merge(MERGED[mode], halves, f"{call.name}/{mode}")


def both_ways(call: Call, inner: Mapping[str, Any]) -> Seen | list[Seen] | None:
    """A layer with one of its kind beside it that reads from the end; None where that one is another."""
    behind = call.config.get("backward_layer")
    if behind is not None and not is_turned(inner, behind):
        return None
    config = {**inner["config"], "both_ways": True}
    return inside(call, inner["class_name"], config, recurrent)


OF_THE_DIRECTION = ("name", "go_backwards", "seed", "dtype", "batch_input_shape")


def is_turned(ahead: Mapping[str, Any], behind: Mapping[str, Any]) -> bool:
    """Whether one layer is the other, read backwards: what Keras makes where nothing is said."""
    mine, theirs = ahead["config"], behind["config"]
    names = {*mine, *theirs} - {*OF_THE_DIRECTION, *(name for name in mine if name.endswith("_initializer"))}
    same = all(mine.get(name) == theirs.get(name) for name in names)
    return bool(same and ahead.get("class_name") == behind.get("class_name") and theirs.get("go_backwards"))


@translates("TimeDistributed")
def time_distributed(call: Call) -> Seen | list[Seen] | None:
    """A layer at every step: along the axis of the steps nothing moves. What is inside may be a model: see Reader."""
    inner = call.config.get("layer", {})
    word = inner.get("class_name")
    if word not in CLASSES:
        return None
    return inside(call._replace(time=call.time + 1), word, inner["config"], CLASSES[word])
