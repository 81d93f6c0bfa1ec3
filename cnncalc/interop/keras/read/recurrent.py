"""Layers of Keras that read sequences."""

from __future__ import annotations

from cnncalc.interop.keras.read.table import CLASSES, Call, translates
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
def bidirectional(call: Call) -> Seen | None:
    inner = call.config.get("layer", {})
    if call.config.get("merge_mode", "concat") != "concat" or inner.get("class_name") not in (
        "SimpleRNN",
        "LSTM",
        "GRU",
    ):
        return None
    config = {**inner["config"], "both_ways": True}
    return recurrent(call._replace(word=inner["class_name"], config=config))


@translates("TimeDistributed")
def time_distributed(call: Call) -> Seen | None:
    """A dense layer at every step; others are no kind."""
    inner = call.config.get("layer", {})
    if inner.get("class_name") not in ("Dense", "Activation", "Dropout"):
        return None
    return CLASSES[inner["class_name"]](call._replace(word=inner["class_name"], config=inner["config"]))
