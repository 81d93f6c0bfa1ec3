"""Convolutions and dense layers of Keras."""

from __future__ import annotations

import re
from math import prod
from typing import Any

from cnncalc.interop.keras.read.activations import activate
from cnncalc.interop.keras.read.table import Call, rank_in, sizes, translates
from cnncalc.interop.layouts import Seen, settle


def window(call: Call, rank: int) -> dict[str, Any]:
    """The options of what moves along axes."""
    c = call.config
    options: dict[str, Any] = {
        "kernel": sizes(c["kernel_size"], rank),
        "stride": sizes(c.get("strides", 1), rank),
        "dilation": sizes(c.get("dilation_rate", 1), rank),
        "padding": c.get("padding", "valid"),
    }
    # In front of a sequence alone, so that no step sees a later one.
    if options["padding"] == "causal":
        options["padding"] = [[(options["kernel"][0] - 1) * options["dilation"][0], 0]]
    return options


@translates("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D", steps=True)
def conv(call: Call) -> Seen | None:
    """Each filter over the channels of its group."""
    c = call.config
    options = window(call, rank_in(call.word))
    filters, groups, axis = int(c["filters"]), int(c.get("groups", 1)), call.channel_axis()
    own = {"filters": filters, "groups": groups}
    channels = call.x.shape[axis] if call.x.shape else 0
    kind = "conv"
    # A group for each channel: the kind that says so has its own row everywhere.
    if groups > 1 and groups == channels and filters % channels == 0:
        kind, own = "depthwise", {"multiplier": filters // channels}
    made = call.on_map(kind, {**own, **options, "bias": bool(c.get("use_bias", True))})
    return activate(call, made, c.get("activation"))


@translates("DepthwiseConv1D", "DepthwiseConv2D", steps=True)
def depthwise(call: Call) -> Seen | None:
    """So many filters for each channel."""
    c = call.config
    own = {"multiplier": int(c.get("depth_multiplier", 1)), "bias": bool(c.get("use_bias", True))}
    return activate(call, call.on_map("depthwise", {**own, **window(call, rank_in(call.word))}), c.get("activation"))


@translates("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D", steps=True)
def separable(call: Call) -> Seen | None:
    """Filters for each channel, then sums over the channels: two layers, of which the second has the bias."""
    c = call.config
    first = {"multiplier": int(c.get("depth_multiplier", 1)), "bias": False, **window(call, rank_in(call.word))}
    deep = call.on_map("depthwise", first, f"{call.name}/depthwise")
    if deep is None:
        return None
    point = {"filters": int(c["filters"]), "kernel": 1, "bias": bool(c.get("use_bias", True))}
    made = call.replace(c, deep).on_map("conv", point, f"{call.name}/pointwise")
    return activate(call, made, c.get("activation"))


@translates("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Convolution2DTranspose", steps=True)
def transposed_conv(call: Call) -> Seen | None:
    """The gradient of a convolution."""
    c = call.config
    options = window(call, rank_in(call.word))
    if c.get("output_padding") is not None:
        return None  # with it Keras counts from another length
    # Keras makes the output at least as long as the stride, where the kernel is shorter.
    if options["padding"] == "valid":
        spans = [d * (k - 1) + 1 for k, d in zip(options["kernel"], options["dilation"], strict=True)]
        options["output_padding"] = [max(0, s - n) for n, s in zip(spans, options["stride"], strict=True)]
    own = {"filters": int(c["filters"]), "bias": bool(c.get("use_bias", True))}
    return activate(call, call.on_map("transposed_conv", {**own, **options}), c.get("activation"))


@translates("EinsumDense")
def einsum_dense(call: Call) -> Seen | None:
    """Over the last axis, which becomes one or several others: "abc,cde->abde"."""
    c, rank = call.config, len(call.x.shape)
    match = re.fullmatch(r"(?:\.\.\.|([a-z]+))([a-z]),([a-z])([a-z]+)->(?:\.\.\.|([a-z]+))([a-z]+)", c["equation"])
    # "abc,cde->abde": kept ab, summed c, first c, new de.
    kept, summed, first, new = match.group(1, 2, 3, 4) if match else (None, "", " ", "")
    left = (kept or "...") + new
    if match is None or summed != first or c["equation"].partition("->")[2] != left or set(new) & set(kept or ""):
        return None
    if kept is not None and len(kept) != rank:
        return None
    # Its `output_shape` may name kept axes too, None among them; new ones stand at its end.
    sizes_of_new = [int(n) for n in list(c["output_shape"] or [])[-len(new) :] if n]
    bias = c.get("bias_axes")
    if len(sizes_of_new) != len(new) or (bias and sorted(bias) != sorted(new)):
        return None
    units = prod(sizes_of_new)
    # At several places the same weights: a convolution with a kernel of 1.
    if rank == 1:
        value = call.add("dense", {"units": units, "bias": bool(bias)}, settle(call.b, call.x, call.at))
        made: Seen | None = call.see(value)
    else:
        made = call.along(rank - 1, "conv", {"filters": units, "kernel": 1, "bias": bool(bias)})
    if made is not None and len(new) > 1:
        made = made.reshape((*call.x.shape[:-1], *sizes_of_new), f"{call.name}.")
    return activate(call, made, c.get("activation"))


@translates("Embedding")
def embedding(call: Call) -> Seen | None:
    """(steps) whole numbers there, each of which becomes a row of a table: (steps, dim)."""
    if len(call.x.shape) != 1:
        return None
    options = {"dim": int(call.config["output_dim"]), "size": int(call.config["input_dim"])}
    value = call.add("embedding", options, settle(call.b, call.x, call.at))
    return call.see(value).permute((1, 0))


@translates("Dense", steps=True)
def dense(call: Call) -> Seen | None:
    """Over the last axis: of a vector a dense layer, else a convolution with a kernel of 1 at every place."""
    c, rank = call.config, len(call.x.shape)
    units, bias = int(c["units"]), bool(c.get("use_bias", True))
    if rank == 1:
        value = settle(call.b, without_flatten(call.x), call.at)
        made = call.add("dense", {"units": units, "bias": bias}, value)
        return activate(call, call.see(made), c.get("activation"))
    options = {"filters": units, "kernel": 1, "bias": bias}
    return activate(call, call.along(rank - 1, "conv", options), c.get("activation"))


def without_flatten(seen: Seen) -> Seen:
    """What a dense layer flattens by itself: a vector of one element per channel, as global pooling leaves it."""
    moves = seen.moves
    alone = len(moves) == 1 and moves[0].kind == "reshape" and seen.shape == (prod(seen.base),)
    return seen._replace(moves=()) if alone and moves[0].place == "" else seen
