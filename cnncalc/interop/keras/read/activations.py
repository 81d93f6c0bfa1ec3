"""Activations of Keras: layers of their own, and words in the configuration of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.interop.keras.read.table import Call, own_axis, single_axis, translates
from cnncalc.interop.layouts import Seen, settle

ACTIVATIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "hard_sigmoid",
    "tanh": "tanh",
    "silu": "silu",
    "swish": "silu",
    "hard_silu": "hard_swish",
    "hard_swish": "hard_swish",
    "gelu": "gelu",
    "elu": "elu",
    "selu": "selu",
    "celu": "celu",
    "mish": "mish",
    "softplus": "softplus",
    "softsign": "softsign",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "leaky_relu": "leaky_relu",
    "glu": "glu",
    "linear": "identity",
    "exponential": "exp",
    "log_sigmoid": "log_sigmoid",
    "hard_tanh": "hardtanh",
    "tanh_shrink": "tanhshrink",
    "soft_shrink": "softshrink",
    "hard_shrink": "hardshrink",
}


def activate(call: Call, made: Seen | None, activation: Any) -> Seen | None:
    """The activation that stands in the configuration of another layer."""
    if made is None:
        return None
    return add_activation(call._replace(entering=(made,)), activation, "")


def add_activation(call: Call, activation: Any, name: str) -> Seen | None:
    """An activation by its name, as Keras 2 and 3 write it. Behind another layer it has no name of its own."""
    if isinstance(activation, Mapping):
        # {"class_name": "function", "config": "relu"} in Keras 3, {"class_name": "ReLU", "config": {...}} of a layer.
        activation = (
            activation.get("config") if activation.get("class_name") == "function" else activation.get("class_name")
        )
        if isinstance(activation, Mapping):
            activation = activation.get("name")
    word = "linear" if activation is None else str(activation).lower()
    kind = ACTIVATIONS.get(word)
    # A function of somebody's own: what it does to each element is not known, and it keeps the shape.
    if kind is None:
        value = settle(call.b, call.x, call.at)
        name = name or f"{call.name}/{word}"
        return Seen(call.b.unknown(name, word, [value], call.b.shape(value), at=call.at), call.x.base)
    if kind == "identity" and not name:
        return call.x
    # The function has a slope of 0.2 in Keras, the layer LeakyReLU one of 0.3.
    options = {"alpha": 0.2} if word == "leaky_relu" else {}
    named = name or f"{call.name}/{kind}"
    # Not of each element by itself: over the last axis, which holds the channels there.
    if kind in ("softmax", "log_softmax", "glu"):
        return call.along(len(call.x.shape) - 1, kind, options, named)
    if kind == "hard_sigmoid" and call.before_3:  # clip(0.2 x + 0.5, 0, 1)
        line = call.elementwise("rescale", {"factor": 0.2, "offset": 0.5}, f"{named}/rescale")
        return call._replace(entering=(line,)).elementwise("clamp", {"low": 0, "high": 1}, named)
    return call.elementwise(kind, options, named)


@translates("Activation", steps=True)
def activation(call: Call) -> Seen | None:
    """A function by its name."""
    return add_activation(call, call.config.get("activation"), call.name)


@translates("ReLU", steps=True)
def relu(call: Call) -> Seen | None:
    """With a slope below 0 or a largest value, not with both, and from 0 on."""
    largest = call.config.get("max_value")
    slope = call.config.get("negative_slope", call.config.get("alpha", 0.0)) or 0.0
    if call.config.get("threshold"):
        return None
    if slope and largest is None:
        return call.elementwise("leaky_relu", {"alpha": float(slope)})
    if slope or largest not in (None, 6):
        return None
    return call.elementwise("relu" if largest is None else "relu6")


@translates("LeakyReLU", steps=True)
def leaky_relu(call: Call) -> Seen | None:
    """Keras 3 calls it negative_slope, Keras 2 alpha."""
    slope = call.config.get("negative_slope", call.config.get("alpha", 0.3))
    return call.elementwise("leaky_relu", {"alpha": float(slope)})


@translates("ELU", steps=True)
def elu(call: Call) -> Seen | None:
    """With its slope far below 0."""
    return call.elementwise("elu", {"alpha": float(call.config.get("alpha", 1.0))})


@translates("PReLU")
def prelu(call: Call) -> Seen | None:
    """A slope for each channel, or for the layer; one for each element is no kind."""
    rank = len(call.x.shape)
    axis = call.channel_axis()
    # shared_axes=[1, 2] are the height and the width of (N, H, W, C).
    shared = {int(a) - 1 for a in call.config.get("shared_axes") or ()}
    own = [a for a in range(rank) if a not in shared and call.x.shape[a] > 1]
    if own and own != [axis]:
        return None
    return call.on_map("prelu", {"per": "channel" if axis not in shared else "layer"})


@translates("Softmax", steps=True)
def softmax(call: Call) -> Seen | None:
    """Over one axis."""
    axis = single_axis(call.config.get("axis", -1))
    rank = len(call.x.shape)
    return call.along(own_axis(axis, rank), "softmax", {}) if isinstance(axis, int) else None
