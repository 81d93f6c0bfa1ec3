"""Layers of Keras as kinds of layers: from the configuration of a layer to layers of the graph.

A class's translation gets the call and returns what comes out, or None where no kind is that: the layer is then named
as not known. A layer with an activation is two; a separable convolution is the two convolutions that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt
from typing import Any, NamedTuple

from cnncalc.interop import layouts
from cnncalc.interop.builder import Builder
from cnncalc.interop.layouts import Seen, settle

Translate = Callable[["Call"], "Seen | None"]
CLASSES: dict[str, Translate] = {}


class Call(NamedTuple):
    """One call of a layer: what enters, and with which configuration."""

    b: Builder
    name: str
    word: str
    config: Mapping[str, Any]
    entering: tuple[Seen, ...]
    numbers: tuple[Any, ...]
    at: str
    last: bool
    owners: dict[str, list[int]]
    told: tuple[int, ...] | None = None  # the shape that comes out, if Keras wrote it down

    @property
    def x(self) -> Seen:
        return self.entering[0]

    def channel_axis(self) -> int:
        """The axis of the channels, the samples not counted."""
        told = self.config.get("data_format")
        last = self.last if told not in ("channels_first", "channels_last") else told == "channels_last"
        return len(self.x.shape) - 1 if last else 0

    def add(self, kind: str, options: Mapping[str, Any], value: int, name: str = "") -> int:
        """A layer on one value; with the weights of the first call, if this is another."""
        known = self.owners.setdefault(f"{self.name}:{kind}:{name}", [])
        made = self.b.add(
            name or self.name,
            kind,
            layouts.shortened(kind, options),
            [value],
            at=self.at,
            weights_of=known[0] if known else None,
        )
        known.append(made)
        return made

    def along(self, axis: int, kind: str, options: Mapping[str, Any], name: str = "") -> Seen | None:
        """A layer whose channels are an axis."""
        return layouts.along(
            self.b, self.x, axis, lambda value: self.add(kind, options, value, name), f"{self.name}.", self.at
        )

    def on_map(self, kind: str, options: Mapping[str, Any], name: str = "") -> Seen | None:
        """A layer on the map with its channels."""
        return self.along(self.channel_axis(), kind, options, name)

    def elementwise(self, kind: str, options: Mapping[str, Any] | None = None, name: str = "") -> Seen:
        return layouts.through(
            self.b, self.x, lambda value: self.b.add(name or self.name, kind, options or {}, [value], at=self.at)
        )

    def then(self, made: Seen | None, activation: Any) -> Seen | None:
        """The activation that stands in the configuration of another layer."""
        if made is None:
            return None
        return activated(self._replace(entering=(made,)), activation, "")

    def replaced(self, config: Mapping[str, Any], x: Seen | None = None) -> Call:
        return self._replace(config=config, entering=self.entering if x is None else (x,))


def translates(*words: str) -> Callable[[Translate], Translate]:
    def declare(translate: Translate) -> Translate:
        CLASSES.update(dict.fromkeys(words, translate))
        return translate

    return declare


def written(call: Call) -> list[Seen]:
    """What a call of a layer gives."""
    from cnncalc.interop.keras.read import maps  # noqa: F401 - it fills the table

    translate = CLASSES.get(call.word)
    made = translate(call) if translate is not None and (call.entering or call.word == "InputLayer") else None
    if made is not None:
        return [made]
    reads = list(dict.fromkeys(layouts.value_of(call.b, seen, call.at) for seen in call.entering))
    told = call.told
    if not told or len(told) > 4:
        return [Seen(call.b.unknown(call.name, call.word, reads, None, at=call.at), ())]
    first = (told[-1], *told[:-1]) if call.last else told
    value = call.b.unknown(call.name, call.word, reads, first, at=call.at)
    seen = Seen(value, first)
    return [seen.permuted((*range(1, len(first)), 0)) if call.last and len(first) > 1 else seen]


def sizes(value: Any, rank: int) -> list[int]:
    """One number for every axis, or one for each."""
    found = [int(n) for n in value] if isinstance(value, (list, tuple)) else [int(value)]
    if len(found) not in (1, rank):
        raise ValueError(f"{value}, for {rank} axes")
    return found * rank if len(found) == 1 else found


# --- activations

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
}


def activated(call: Call, activation: Any, name: str) -> Seen | None:
    """An activation by its name, as Keras 2 and 3 write it. Behind another layer it has no name of its own."""
    if isinstance(activation, Mapping):
        activation = (
            activation.get("config") if activation.get("class_name") == "function" else activation.get("class_name")
        )
        if isinstance(activation, Mapping):
            activation = activation.get("name")
    word = "linear" if activation is None else str(activation).lower()
    kind = ACTIVATIONS.get(word)
    if kind is None:
        value = settle(call.b, call.x, call.at)
        return Seen(
            call.b.unknown(name or f"{call.name}/{word}", word, [value], call.b.shape(value), at=call.at), call.x.base
        )
    if kind == "identity" and not name:
        return call.x
    options = {"alpha": 0.2} if word == "leaky_relu" else {}
    named = name or f"{call.name}/{kind}"
    if kind in ("softmax", "log_softmax", "glu"):
        return call.along(len(call.x.shape) - 1, kind, options, named)
    return call.elementwise(kind, options, named)


@translates("Activation")
def activation(call: Call) -> Seen | None:
    return activated(call, call.config.get("activation"), call.name)


@translates("ReLU")
def relu(call: Call) -> Seen | None:
    largest = call.config.get("max_value")
    slope = call.config.get("negative_slope", call.config.get("alpha", 0.0)) or 0.0
    if call.config.get("threshold"):
        return None
    if slope and largest is None:
        return call.elementwise("leaky_relu", {"alpha": float(slope)})
    if slope or largest not in (None, 6):
        return None
    return call.elementwise("relu" if largest is None else "relu6")


@translates("LeakyReLU")
def leaky_relu(call: Call) -> Seen | None:
    slope = call.config.get("negative_slope", call.config.get("alpha", 0.3))
    return call.elementwise("leaky_relu", {"alpha": float(slope)})


@translates("ELU")
def elu(call: Call) -> Seen | None:
    return call.elementwise("elu", {"alpha": float(call.config.get("alpha", 1.0))})


@translates("PReLU")
def prelu(call: Call) -> Seen | None:
    """A slope for each channel, or for the layer; one for each element is no kind."""
    rank = len(call.x.shape)
    axis = call.channel_axis()
    shared = {int(a) - 1 for a in call.config.get("shared_axes") or ()}
    own = [a for a in range(rank) if a not in shared and call.x.shape[a] > 1]
    if own and own != [axis]:
        return None
    return call.on_map("prelu", {"per": "channel" if axis not in shared else "layer"})


@translates("Softmax")
def softmax(call: Call) -> Seen | None:
    axis = call.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    rank = len(call.x.shape)
    return call.along(int(axis) % (rank + 1) - 1, "softmax", {}) if isinstance(axis, int) else None


# --- convolutions


def window(call: Call, rank: int) -> dict[str, Any]:
    c = call.config
    options: dict[str, Any] = {
        "kernel": sizes(c["kernel_size"], rank),
        "stride": sizes(c.get("strides", 1), rank),
        "dilation": sizes(c.get("dilation_rate", 1), rank),
        "padding": c.get("padding", "valid"),
    }
    if options["padding"] == "causal":
        options["padding"] = [[(options["kernel"][0] - 1) * options["dilation"][0], 0]]
    return options


def rank_in(word: str) -> int:
    """The axes that stand in the name of a class: Conv2D."""
    return next(int(letter) for letter in word if letter in "123")


@translates("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def conv(call: Call) -> Seen | None:
    c = call.config
    options = window(call, rank_in(call.word))
    filters, groups, axis = int(c["filters"]), int(c.get("groups", 1)), call.channel_axis()
    own = {"filters": filters, "groups": groups}
    channels = call.x.shape[axis] if call.x.shape else 0
    kind = "conv"
    if groups > 1 and groups == channels and filters % channels == 0:
        kind, own = "depthwise", {"multiplier": filters // channels}
    made = call.on_map(kind, {**own, **options, "bias": bool(c.get("use_bias", True))})
    return call.then(made, c.get("activation"))


@translates("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(call: Call) -> Seen | None:
    c = call.config
    own = {"multiplier": int(c.get("depth_multiplier", 1)), "bias": bool(c.get("use_bias", True))}
    return call.then(call.on_map("depthwise", {**own, **window(call, rank_in(call.word))}), c.get("activation"))


@translates("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable(call: Call) -> Seen | None:
    c = call.config
    first = {"multiplier": int(c.get("depth_multiplier", 1)), "bias": False, **window(call, rank_in(call.word))}
    deep = call.on_map("depthwise", first, f"{call.name}/depthwise")
    if deep is None:
        return None
    point = {"filters": int(c["filters"]), "kernel": 1, "bias": bool(c.get("use_bias", True))}
    made = call.replaced(c, deep).on_map("conv", point, f"{call.name}/pointwise")
    return call.then(made, c.get("activation"))


@translates("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Convolution2DTranspose")
def transposed_conv(call: Call) -> Seen | None:
    c = call.config
    options = window(call, rank_in(call.word))
    if c.get("output_padding") is not None:
        return None  # with it Keras counts from another length
    if options["padding"] == "valid":
        spans = [d * (k - 1) + 1 for k, d in zip(options["kernel"], options["dilation"], strict=True)]
        options["output_padding"] = [max(0, s - n) for n, s in zip(spans, options["stride"], strict=True)]
    own = {"filters": int(c["filters"]), "bias": bool(c.get("use_bias", True))}
    return call.then(call.on_map("transposed_conv", {**own, **options}), c.get("activation"))


@translates("Dense")
def dense(call: Call) -> Seen | None:
    """Over the last axis: of a vector a dense layer, else a convolution with a kernel of 1 at every place."""
    c, rank = call.config, len(call.x.shape)
    units, bias = int(c["units"]), bool(c.get("use_bias", True))
    if rank == 1:
        value = settle(call.b, without_flatten(call.x), call.at)
        made = call.add("dense", {"units": units, "bias": bias}, value)
        return call.then(Seen(made, call.b.shape(made)), c.get("activation"))
    options = {"filters": units, "kernel": 1, "bias": bias}
    return call.then(call.along(rank - 1, "conv", options), c.get("activation"))


def without_flatten(seen: Seen) -> Seen:
    """What a dense layer flattens by itself: a vector of one element per channel, as global pooling leaves it."""
    moves = seen.moves
    alone = len(moves) == 1 and moves[0].kind == "reshape" and seen.shape == (prod(seen.base),)
    return seen._replace(moves=()) if alone and moves[0].place == "" else seen


# --- normalisation


@translates("BatchNormalization", "SyncBatchNormalization")
def batchnorm(call: Call) -> Seen | None:
    c = call.config
    axis = c.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if not isinstance(axis, int):
        return None
    both = (bool(c.get("scale", True)), bool(c.get("center", True)))
    affine = {(True, True): True, (False, False): False, (True, False): "scale", (False, True): "shift"}[both]
    options = {"affine": affine, "epsilon": float(c.get("epsilon", 1e-3))}
    return call.along(axis % (len(call.x.shape) + 1) - 1, "batchnorm", options)


@translates("LayerNormalization")
def layernorm(call: Call) -> Seen | None:
    c = call.config
    axes = c.get("axis", -1)
    rank = len(call.x.shape)
    found = [int(a) % (rank + 1) - 1 for a in (axes if isinstance(axes, list) else [axes])]
    trained = {bool(c.get("center", True)), bool(c.get("scale", True))}
    if len(found) != 1 or len(trained) != 1 or c.get("rms_scaling"):
        return None
    options = {"affine": trained.pop(), "epsilon": float(c.get("epsilon", 1e-3))}
    return call.along(found[0], "layernorm", options)


@translates("GroupNormalization")
def groupnorm(call: Call) -> Seen | None:
    c = call.config
    axis = int(c.get("axis", -1)) % (len(call.x.shape) + 1) - 1
    trained = {bool(c.get("center", True)), bool(c.get("scale", True))}
    if len(trained) != 1:
        return None
    groups = int(c.get("groups", 32))
    options = {"groups": call.x.shape[axis] if groups == -1 else groups, "affine": trained.pop()}
    return call.along(axis, "groupnorm", {**options, "epsilon": float(c.get("epsilon", 1e-3))})


@translates("Rescaling")
def rescaling(call: Call) -> Seen | None:
    factor, offset = call.config.get("scale", 1.0), call.config.get("offset", 0.0)
    return call.on_map("rescale", {"factor": factor, "offset": offset})


@translates("Normalization")
def normalization(call: Call) -> Seen | None:
    """With statistics that it has gathered a batch norm that trains nothing; with numbers given, those."""
    mean, variance = call.config.get("mean"), call.config.get("variance")
    if call.config.get("invert") or call.config.get("axis", -1) not in (
        -1,
        [-1],
        len(call.x.shape),
        [len(call.x.shape)],
    ):
        return None
    if mean is None or variance is None:
        return call.on_map("batchnorm", {"affine": False, "epsilon": 0.0})
    means, variances = (v if isinstance(v, list) else [v] for v in (mean, variance))
    while means and isinstance(means[0], list):
        means, variances = means[0], variances[0]
    factors = [1 / max(sqrt(v), 1e-7) for v in variances]
    offsets = [-m * f for m, f in zip(means, factors, strict=True)]
    several = len(factors) > 1
    return call.on_map(
        "rescale", {"factor": factors if several else factors[0], "offset": offsets if several else offsets[0]}
    )


@translates("LayerScale")
def layer_scale(call: Call) -> Seen | None:
    return call.along(len(call.x.shape) - 1, "scale", {})
