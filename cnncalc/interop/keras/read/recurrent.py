"""Layers of Keras that read sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.interop.keras.read.table import CLASSES, Call, inside, translates
from cnncalc.interop.layouts import Seen, settle


@translates("SimpleRNN", "LSTM", "GRU")
def recurrent(call: Call) -> Seen | None:
    """(steps, values) there; with the states behind all steps, or behind the last."""
    c = call.config
    if len(call.x.shape) != 2 or c.get("go_backwards") or c.get("return_state"):
        return None
    kind = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}[call.word]
    bias: bool | str = bool(c.get("use_bias", True))
    if kind == "gru" and c.get("reset_after", True):
        if not bias:
            return None
        bias = "double"
    usual = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    if any(c.get(key, word) != word for key, word in usual.items() if kind != "rnn" or key == "activation"):
        return None
    last = not c.get("return_sequences")
    options = {"units": int(c["units"]), "bias": bias, "last": last, "bidirectional": bool(c.get("both_ways"))}
    front, back = call.x.first(1, f"{call.name}.")
    value = call.add(kind, options, settle(call.b, front, call.at))
    made = Seen(value, call.b.shape(value))
    return made if last else made.permute(back)


@translates("Bidirectional")
def bidirectional(call: Call) -> Seen | list[Seen] | None:
    inner = call.config.get("layer", {})
    if call.config.get("merge_mode", "concat") != "concat" or inner.get("class_name") not in (
        "SimpleRNN",
        "LSTM",
        "GRU",
    ):
        return None
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
