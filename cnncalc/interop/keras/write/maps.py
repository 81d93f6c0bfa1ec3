"""Layers in Keras without a window: normalisation, activations, layers that move elements, merges, sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.interop.keras.write.table import NotInKerasError, Step, Write, rank_of, writes
from cnncalc.interop.keras.write.windows import crop_map, pad_map
from cnncalc.interop.python.text import Call, call, even
from cnncalc.language import _
from cnncalc.layers.axes import axis_number
from cnncalc.layers.base import Shape, per_axis
from cnncalc.layers.sliding import sides_per_axis

AFFINE = (("gamma", None), ("beta", None))


@writes("batchnorm")
def batchnorm(layer: Any, x: Shape) -> list[Step]:
    """Its statistics are weights in Keras, too, behind those that are trained."""
    scale, shift = layer.affine in (True, "scale"), layer.affine in (True, "shift")
    options = {"epsilon": (layer.epsilon, 1e-3), "center": (shift, True), "scale": (scale, True)}
    stored = [("gamma", None)] * scale + [("beta", None)] * shift + [("mean", None), ("variance", None)]
    return [Step(call("layers.BatchNormalization", **options), "", tuple(stored))]


def affine(layer: Any) -> dict[str, tuple[Any, Any]]:
    """The options of a norm that trains both scale and shift, or none."""
    return {"epsilon": (layer.epsilon, 1e-3), "center": (layer.affine, True), "scale": (layer.affine, True)}


@writes("layernorm")
def layernorm(layer: Any, x: Shape) -> list[Step]:
    """Over the channels, which are the last axis."""
    if layer.over(x) != {0}:
        raise NotInKerasError(_("layer normalisation is written over the channels alone"))
    # Ours are (C, 1, 1) for an image.
    stored = AFFINE if layer.affine else ()
    flat = tuple((name, lambda w: w.reshape(-1)) for name, _move in stored)
    return [Step(call("layers.LayerNormalization", **affine(layer)), "", flat)]


@writes("rmsnorm")
def rmsnorm(layer: Any, x: Shape) -> list[Step]:
    """Over the channels, with the scale that Keras always trains."""
    if layer.over(x) != {0} or not layer.affine:
        raise NotInKerasError(_("a root mean square norm is written over the channels alone, and with its scale"))
    made = call("layers.RMSNormalization", epsilon=(layer.epsilon, 1e-6))
    return [Step(made, "", (("gamma", lambda w: w.reshape(-1)),))]


@writes("groupnorm")
def groupnorm(layer: Any, x: Shape) -> list[Step]:
    made = call("layers.GroupNormalization", groups=(layer.groups, 32), **affine(layer))
    return [Step(made, "", AFFINE if layer.affine else ())]


@writes("instancenorm")
def instancenorm(layer: Any, x: Shape) -> list[Step]:
    # Keras has no instance normalisation: -1 is a group for each channel.
    made = call("layers.GroupNormalization", groups=(-1, 32), **affine(layer))
    return [Step(made, "", AFFINE if layer.affine else ())]


@writes("rescale")
def rescale(layer: Any, x: Shape) -> list[Step]:
    factor, offset = (list(v) if isinstance(v, tuple) else v for v in (layer.factor, layer.offset))
    return [Step(call("layers.Rescaling", ("scale", factor), offset=(offset, 0.0)))]


# --- activations

NAMES = {
    **{kind: kind for kind in ("sigmoid", "hard_sigmoid", "tanh", "relu", "relu6", "selu", "silu", "mish")},
    **{kind: kind for kind in ("softplus", "softsign", "glu")},
    "hard_swish": "hard_silu",
    "identity": "linear",
}


@writes(*NAMES)
def activation(layer: Any, x: Shape) -> list[Step]:
    return [Step(call("layers.Activation", ("activation", NAMES[layer.kind])))]


@writes("softmax")
def softmax(layer: Any, x: Shape) -> list[Step]:
    over_channels(layer, x)
    return [Step(call("layers.Softmax"))]


@writes("log_softmax")
def log_softmax(layer: Any, x: Shape) -> list[Step]:
    over_channels(layer, x)
    return [Step(call("layers.Activation", ("activation", "log_softmax")))]


@writes("gelu")
def gelu(layer: Any, x: Shape) -> list[Step]:
    if layer.approximate != "none":
        raise NotInKerasError(_("Keras's layer has no gelu by tanh"))
    return [Step(call("layers.Activation", ("activation", "gelu")))]


def over_channels(layer: Any, x: Shape) -> None:
    """Raise NotInKerasError for another axis than that of the channels, which is the last in Keras."""
    if axis_number(layer.axis, x) != 0:
        raise NotInKerasError(_("{kind} is written over the channels alone", kind=layer.kind))


def with_slope(name: str, option: str, ours: float, theirs: float) -> Write:
    """The writer of an activation with a slope; `ours` and `theirs` are what it is where none is said."""

    def write(layer: Any, x: Shape) -> list[Step]:
        alpha = ours if layer.alpha is None else layer.alpha
        return [Step(call(f"layers.{name}", **{option: (alpha, theirs)}))]

    return write


# The slope where none is said: 0.01 here, 0.3 in Keras.
writes("leaky_relu")(with_slope("LeakyReLU", "negative_slope", 0.01, 0.3))
writes("elu")(with_slope("ELU", "alpha", 1.0, 1.0))


@writes("celu")
def celu(layer: Any, x: Shape) -> list[Step]:
    if layer.alpha not in (None, 1.0):
        raise NotInKerasError(_("Keras has celu with alpha 1 alone"))
    return [Step(call("layers.Activation", ("activation", "celu")))]


@writes("prelu")
def prelu(layer: Any, x: Shape) -> list[Step]:
    """The slope is shared by the axes that are listed."""
    shared = [*range(1, len(x)), *([] if layer.per == "channel" else [len(x)])]
    ones = [1] * (len(x) - 1)
    made = call("layers.PReLU", shared_axes=(shared or None, None))
    return [Step(made, "", (("slope", lambda w: w.reshape(*ones, -1)),))]


@writes("dropout")
def dropout(layer: Any, x: Shape) -> list[Step]:
    return [Step(call("layers.Dropout", ("rate", layer.rate)))]


# --- layers that move elements


@writes("flatten")
def flatten(layer: Any, x: Shape) -> list[Step]:
    return [Step(call("layers.Flatten"))]


@writes("crop")
def crop(layer: Any, x: Shape) -> list[Step]:
    cuts = [(w.before * -1, w.after * -1) for w in layer.facts(x).reach]
    return [Step(call(f"layers.Cropping{rank_of(layer, x)}D", cropping=(crop_map(cuts), None)))]


@writes("slice")
def slice_of_axis(layer: Any, x: Shape) -> list[Step]:
    # Keras has a layer that cuts places off; channels are the last axis of an index.
    start, stop, axis = layer.bounds(x)
    if axis:
        cuts = [(start, n - stop) if i == axis else (0, 0) for i, n in enumerate(x) if i]
        return [Step(call(f"layers.Cropping{rank_of(layer, x)}D", cropping=(crop_map(cuts), None)))]
    return [Step(Call(""), "", (), f"{{0}}[..., {start}:{stop}]")]


@writes("split")
def split(layer: Any, x: Shape) -> list[Step]:
    share = x[0] // layer.parts
    return [Step(Call(""), "", (), f"{{0}}[..., {layer.part * share}:{(layer.part + 1) * share}]")]


@writes("upsample")
def upsample(layer: Any, x: Shape) -> list[Step]:
    rank = rank_of(layer, x)
    if layer.mode == "bicubic" or (layer.mode == "bilinear" and rank != 2):
        raise NotInKerasError(_("Keras interpolates images alone, and not cubically as here"))
    size = even(per_axis(layer.factor, x[1:], "factor"))
    interpolation = {"interpolation": (layer.mode, "nearest")} if rank == 2 else {}
    return [Step(call(f"layers.UpSampling{rank}D", ("size", size), **interpolation))]


@writes("channel_shuffle")
def channel_shuffle(layer: Any, x: Shape) -> list[Step]:
    c, *size = x
    if not size:
        raise NotInKerasError(_("Keras has {kind} for maps alone", kind=layer.kind))
    rank, g = len(size), layer.groups
    # (H, W, g, C / g) to (H, W, C / g, g).
    order = (*range(1, rank + 1), rank + 2, rank + 1)
    return [
        Step(call("layers.Reshape", ("target_shape", (*size, g, c // g))), "apart"),
        Step(call("layers.Permute", ("dims", order)), "exchanged"),
        Step(call("layers.Reshape", ("target_shape", (*size, c)))),
    ]


@writes("reshape")
def reshape(layer: Any, x: Shape) -> list[Step]:
    """In the order of the elements with the channels first: they are brought there, and back."""
    shape = layer.facts(x).output
    # A vector has no order of axes to be brought into.
    steps = []
    if len(x) > 1:
        steps.append(Step(call("layers.Permute", ("dims", (len(x), *range(1, len(x))))), "first"))
    steps.append(Step(call("layers.Reshape", ("target_shape", shape)), "elements" if len(shape) > 1 else ""))
    if len(shape) > 1:
        steps.append(Step(call("layers.Permute", ("dims", (*range(2, len(shape) + 1), 1)))))
    return steps


@writes("permute")
def permute(layer: Any, x: Shape) -> list[Step]:
    """The same with the channels last before and after."""
    rank = len(x)
    # Our axis 0, the channels, is the last of Keras, which counts from 1 behind the samples.
    place = {0: rank, **{axis: axis for axis in range(1, rank)}}
    dims = tuple(place[layer.order[(p + 1) % rank]] for p in range(rank))
    return [Step(call("layers.Permute", ("dims", dims)))]


# --- merges

MERGES = {"add": "Add", "multiply": "Multiply", "maximum": "Maximum", "mean": "Average", "concat": "Concatenate"}
MERGES |= {"subtract": "Subtract", "minimum": "Minimum"}


@writes(*MERGES)
def merge(layer: Any, *shapes: Shape) -> list[Step]:
    # Keras's merges refuse a single value.
    if len(shapes) == 1:
        return [Step(call("layers.Activation", ("activation", "linear")))]
    if layer.kind == "concat":
        over_channels(layer, shapes[0])
    if layer.kind == "subtract" and len(shapes) > 2:
        raise NotInKerasError(_("Keras subtracts one map from one other"))
    return [Step(call(f"layers.{MERGES[layer.kind]}"))]


@writes("pad")
def pad(layer: Any, x: Shape) -> list[Step]:
    rank_of(layer, x)
    if layer.mode != "constant" or layer.value:
        raise NotInKerasError(_("Keras pads with zeros alone"))
    return [Step(pad_map([*sides_per_axis(layer.padding, x[1:])]))]


# --- sequences

GATES = {"rnn": "c", "gru": "zrc", "lstm": "ifgo"}  # in the order in which Keras stacks them


@writes("rnn", "gru", "lstm")
def recurrent(layer: Any, x: Shape) -> list[Step]:
    if layer.bias == "double" and layer.kind != "gru":
        raise NotInKerasError(_("Keras has one bias for every gate of {kind}", kind=layer.kind))
    name = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}[layer.kind]
    options = {"use_bias": (bool(layer.bias), True), "return_sequences": (not layer.last, False)}
    if layer.kind == "gru":
        options["reset_after"] = (layer.bias == "double", True)
    made = call(f"layers.{name}", ("units", layer.units), **options)
    if layer.bidirectional:
        made = call("layers.Bidirectional", ("layer", made))
    stored: list[tuple[str, Callable[[Any], Any] | None]] = []
    for direction in ("", "back_")[: 1 + layer.bidirectional]:
        # The text's weights are stacked in this order: kernel, recurrent kernel, bias.
        gates = GATES[layer.kind]
        stored += [(f"{direction}{gate}_input", lambda w: w.T) for gate in gates]
        stored += [(f"{direction}{gate}_state", lambda w: w.T) for gate in gates]
        for part in ("bias", "bias2")[: {False: 0, True: 1, "double": 2}[layer.bias]]:
            stored += [(f"{direction}{gate}_{part}", None) for gate in gates]
    return [Step(made, "", tuple(stored))]
