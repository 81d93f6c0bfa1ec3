"""Functions of torch with weights: convolutions, linear layers, norms."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.blur import is_binomial
from cnncalc.interop.layouts import Seen, make_plain, settle
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.folded import by_channel, refuse_lead, unfold
from cnncalc.interop.torch.read.making import along, as_value, both_sides, layer, plus_numbers, sizes_of, whole
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.language import _


@translates("conv1d conv2d conv3d", "input weight | bias stride padding dilation groups", anywhere=True)
def conv(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """With weights of the module's own; with fixed ones it may be a blur pool."""
    weight, bias = given["weight"], given.get("bias")
    if trace.of(given["input"]) is None or not whole(trace, bias):
        return None
    # Weights that are computed of two stored tensors count as those, and the layer as two.
    gained = has_gain(trace, weight)
    apart = bias is not None and trace.stored.has_several_biases(weight)
    if not gained and not whole(trace, weight):
        return blur(trace, given)
    rank = weight.ndim - 2
    groups, c, filters = given.get("groups", 1), given["input"].shape[1], weight.shape[0]
    options: dict[str, Any] = {
        "kernel": tuple(weight.shape[2:]),
        "stride": sizes_of(given.get("stride", 1), rank),
        "dilation": sizes_of(given.get("dilation", 1), rank),
        "bias": bias is not None and not gained and not apart,
    }
    padding = given.get("padding", 0)
    options["padding"] = padding if isinstance(padding, str) else both_sides(padding, rank)
    kind, first = "conv", {"filters": filters, "groups": groups}
    # A group for each channel is the kind of its own that it is everywhere here.
    if groups == c and groups > 1 and filters % c == 0:
        kind, first = "depthwise", {"multiplier": filters // c}
    seen = trace.of(given["input"])
    own = not gained and not apart
    made = unfold(trace, seen, kind, {**first, **options}, (weight, bias) if own else (weight,))
    if own or made is None:
        return made
    behind, said = ("scale", {"shift": bias is not None}) if gained else ("shift", {})
    return layer(trace, behind, said, [made.value], (bias,))


def blur(trace: Any, given: dict[str, Any]) -> Made:
    """A convolution with fixed filters that are known: one map at a time by a binomial one is a blur pool."""
    numbers, channels = trace.known.read_fixed(given["weight"]), given["input"].shape[1]
    rank = given["weight"].ndim - 2
    dilated = set(sizes_of(given.get("dilation", 1), rank)) != {1}
    padding = given.get("padding", 0)
    # One filter for each map.
    own = numbers is not None and len(numbers) == channels == given.get("groups", 1)
    if not own or given.get("bias") is not None or dilated or isinstance(padding, str):
        return None
    if numbers.shape[1] != 1 or not is_binomial(numbers.double().numpy()):
        raise NotReadError(_("its filters are fixed, and no binomial ones"))
    options = {
        "kernel": tuple(numbers.shape[2:]),
        "stride": sizes_of(given.get("stride", 1), rank),
        "padding": both_sides(padding, rank),
    }
    return unfold(trace, trace.of(given["input"]), "blurpool", options)


def has_gain(trace: Any, weight: Any) -> bool:
    """Whether weights are those of one tensor brought to a common size, times a trained gain for every filter.

    Weight normalisation and weight standardisation: the gain may as well stand behind the sums, as a layer of its own.
    """
    trained = trace.stored.trained_sources(weight)
    sizes = sorted(trace.stored.sizes[s] for s in trained)
    # weight_g has a number for each filter, weight_v as many as the weights.
    return len(sizes) == 2 and sizes == [weight.shape[0], weight.numel()]


@translates(
    "conv_transpose1d conv_transpose2d conv_transpose3d",
    "input weight | bias stride padding output_padding groups dilation",
)
def transposed_conv(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The gradient of a convolution."""
    weight, bias = given["weight"], given.get("bias")
    if trace.of(given["input"]) is None or not whole(trace, weight) or not whole(trace, bias):
        return None
    rank = weight.ndim - 2
    options = {
        # The other way round than in a convolution: (channels, filters / groups, *kernel).
        "filters": weight.shape[1] * given.get("groups", 1),
        "kernel": tuple(weight.shape[2:]),
        "stride": sizes_of(given.get("stride", 1), rank),
        "padding": both_sides(given.get("padding", 0), rank),
        "output_padding": sizes_of(given.get("output_padding", 0), rank),
        "dilation": sizes_of(given.get("dilation", 1), rank),
        "groups": given.get("groups", 1),
        "bias": bias is not None,
    }
    return layer(trace, "transposed_conv", options, [trace.settle(given["input"])], (weight, bias))


@translates("linear", "input weight | bias", anywhere=True)
def linear(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over the last axis: of a vector a dense layer, else one with the same weights at every place."""
    weight, bias, seen = given["weight"], given.get("bias"), trace.of(given["input"])
    if seen is None or not seen.shape:
        return None
    if not whole(trace, weight) or elsewhere(trace, weight):  # fixed numbers, or some that are computed of others
        made = by_numbers(trace, seen, weight)
        return made if made is None or bias is None else plus_numbers(trace, made, bias)
    apart = bias is not None and trace.stored.has_several_biases(weight)
    if apart or not whole(trace, bias):  # made of stored numbers and others: what is added behind the products
        made = linear_over_last(trace, seen, weight, None)
        return made and plus_numbers(trace, made, bias)
    return linear_over_last(trace, seen, weight, bias)


def elsewhere(trace: Any, weight: Any) -> bool:
    """Whether a matrix is that of another layer in another form: of an embedding, say."""
    owners = trace.stored.owners_of(trace.stored.sources(weight))
    layers = [trace.b.nodes[value - len(trace.b.inputs)].layer for value in owners]
    return any(owner.kind != "dense" or owner.units != weight.shape[0] for owner in layers)


@translates("bilinear", "input1 input2 weight | bias")
def bilinear(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Sums over all pairs of elements of two vectors, each product times a weight of its own."""
    one, other, weight, bias = (given.get(name) for name in ("input1", "input2", "weight", "bias"))
    a, b = trace.of(one), trace.of(other)
    if a is None or b is None or len(a.shape) != len(b.shape) or not whole(trace, weight) or not whole(trace, bias):
        return None
    *front, n = a.shape
    m = b.shape[-1]
    pair = []
    for seen, shape in ((a, (*front, n, 1)), (b, (*front, 1, m))):
        pair.append(make_plain(trace.b, seen.reshape(shape, trace.here.inside()), trace.here.place()))
    made = layer(trace, "multiply", {}, [seen.value for seen in pair])
    flat = made and made.reshape((*front, n * m), trace.here.inside())
    return flat and linear_over_last(trace, flat, weight, bias)


def by_numbers(trace: Any, seen: Seen, weight: Any) -> Seen | None:
    """A linear layer whose weights are no layer's own: the matrix product of a value with numbers that stand."""
    matrix = as_value(trace, weight, Seen(-1, tuple(weight.shape)))
    axis = seen.axis(seen.rank - 1)
    if matrix is not None and len(seen.shape) == 1 and axis == 0:  # a vector as a row
        row = by_numbers(trace, seen.reshape((1, *seen.shape), trace.here.inside()), weight)
        return row and row.reshape(row.shape[1:], trace.here.inside())
    if matrix is None or axis != len(seen.shape) - 1 or axis < 1:
        return None
    # torch stores (units, inputs) and multiplies by the transpose.
    turned = make_plain(trace.b, matrix.permute((1, 0), trace.here.inside()), trace.here.place())
    wide = turned.reshape((1,) * (len(seen.shape) - 2) + turned.shape, trace.here.inside())
    mine, other = (make_plain(trace.b, s, trace.here.place()) for s in (seen, wide))
    made = layer(trace, "matmul", {}, [mine.value, other.value])
    return made and mine._replace(value=made.value, base=made.base)


def linear_over_last(trace: Any, seen: Seen, weight: Any, bias: Any) -> Seen | None:
    """A dense layer over the last axis, the same at every place."""
    options: dict[str, Any] = {"units": weight.shape[0], "bias": bias is not None}
    if len(seen.shape) == 1:
        if seen.moves[-1:] and seen.moves[-1].kind == "reshape" and seen.moves[-1].place.endswith("."):
            seen = seen._replace(moves=seen.moves[:-1])  # a dense layer flattens what enters, in its own row
        return layer(trace, "dense", options, [settle(trace.b, seen, trace.here.place())], (weight, bias))
    axis = seen.axis(seen.rank - 1)
    if axis is None:
        return None
    options["axes"] = "c"
    return along(trace, seen, axis, lambda value: layer(trace, "dense", options, [value], (weight, bias)))


@translates("batch_norm", "input running_mean running_var | weight bias training momentum eps", anywhere=True)
def batch_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """By statistics that are stored: without them each batch has its own, which is no kind."""
    weight, bias = given.get("weight"), given.get("bias")
    stored = (weight, bias, given["running_mean"], given["running_var"])
    if given.get("training") or given["running_mean"] is None or (weight is None) != (bias is None):
        return None
    options = {"affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    seen = trace.of(given["input"])
    if seen is None or seen.plain:
        return seen and layer(trace, "batchnorm", options, [trace.settle(given["input"])], stored)
    # Where sequences come first, or axes stand in one with the samples, the channels are still its second axis.
    axis = seen.axis(1)
    return axis and along(trace, seen, axis, lambda value: layer(trace, "batchnorm", options, [value], stored))


@translates("layer_norm", "input normalized_shape | weight bias eps", anywhere=True)
def layer_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over the last axes."""
    weight, bias, seen = given.get("weight"), given.get("bias"), trace.of(given["input"])
    if seen is None or not seen.shape:
        return None
    if (weight is None) != (bias is None):
        return norm_with_one(trace, given, seen)
    options = {"affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    count = len(given["normalized_shape"])
    axes = [seen.axis(dim) for dim in range(seen.rank - count, seen.rank)]
    if None in axes:
        return None
    # Over one axis: whichever it is, as channels.
    if count == 1:
        return along(trace, seen, axes[0], lambda value: layer(trace, "layernorm", options, [value], (weight, bias)))
    value = trace.settle(given["input"])
    rank = len(seen.shape)
    options["axes"] = "all" if count == rank else "".join(axis_word(axis, rank) for axis in axes)
    made = layer(trace, "layernorm", options, [value], (weight, bias))
    return made and made._replace(**seen.place)


def norm_with_one(trace: Any, given: dict[str, Any], seen: Seen) -> Made:
    """Over the channels with a scale or a shift alone, which stands behind."""
    axis = seen.axis(seen.rank - 1)
    if axis is None or len(given["normalized_shape"]) != 1:
        return None
    weight = given.get("weight")
    kind, stored = ("shift", given.get("bias")) if weight is None else ("scale", weight)
    options = {"affine": False, "epsilon": given.get("eps", 1e-5)}

    def both(value: int) -> Seen | None:
        made = layer(trace, "layernorm", options, [value])
        return made and layer(trace, kind, {}, [made.value], (stored,))

    return along(trace, seen, axis, both)


@translates("group_norm", "input num_groups | weight bias eps", anywhere=True)
def group_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over places and the channels of a group."""
    options = {"groups": given["num_groups"], "epsilon": given.get("eps", 1e-5)}
    return norm_channels(trace, given, "groupnorm", options)


@translates("instance_norm", "input | running_mean running_var weight bias use_input_stats momentum eps", anywhere=True)
def instance_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over the places of each channel; with statistics that it tracked it is a batch norm."""
    if not given.get("use_input_stats", True):
        return from_statistics(trace, given)
    return norm_channels(trace, given, "instancenorm", {"epsilon": given.get("eps", 1e-5)})


def from_statistics(trace: Any, given: dict[str, Any]) -> Made:
    """By statistics that are stored, as a batch norm is."""
    weight, bias = given.get("weight"), given.get("bias")
    if (weight is None) != (bias is None) or given.get("running_mean") is None:
        return None
    stored = (weight, bias, given["running_mean"], given["running_var"])
    options = {"affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    return layer(trace, "batchnorm", options, [trace.settle(given["input"])], stored)


def norm_channels(trace: Any, given: dict[str, Any], kind: str, options: dict[str, Any]) -> Made:
    """A norm whose statistics are those of each sample; its scale and shift may stand behind it.

    They do where axes stand in one with the samples, which are more channels for the norm, and share both.
    """
    weight, bias, seen = given.get("weight"), given.get("bias"), trace.of(given["input"])
    if seen is None or not seen.shape or not whole(trace, weight) or not whole(trace, bias):
        return None
    if seen.plain and (weight is None) == (bias is None):
        value = trace.settle(given["input"])
        return layer(trace, kind, {**options, "affine": weight is not None}, [value], (weight, bias))
    refuse_lead(seen)
    if "groups" in options:
        # Each window, taken for channels, has as many groups of its own.
        options = {**options, "groups": options["groups"] * prod(seen.shape[: seen.folded])}
    made = by_channel(trace, seen, lambda value: layer(trace, kind, {**options, "affine": False}, [value]))
    for word, stored in (("scale", weight), ("shift", bias)):
        if stored is not None and made is not None:
            made = along(trace, made, seen.folded, lambda v, w=word, s=stored: layer(trace, w, {}, [v], (s,)))  # type: ignore[misc]
    return made


@translates("prelu", "input weight")
def prelu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A slope for each channel, or one for the layer."""
    seen = trace.of(given["input"])
    if seen is None or not whole(trace, given["weight"]):
        return None
    # Of one channel both are the same number; people say that it is the channel's.
    several = given["weight"].numel() > 1 or (seen.shape and seen.shape[0] == 1)
    return layer(
        trace, "prelu", {"per": "channel" if several else "layer"}, [trace.settle(given["input"])], (given["weight"],)
    )
