"""Functions of torch with weights: convolutions, linear layers, norms."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.torch.read.making import along, layer, over_last_axis, pairs, whole
from cnncalc.interop.torch.read.table import Made, translates
from cnncalc.layers.options import SPATIAL


@translates("conv1d conv2d conv3d", "input weight | bias stride padding dilation groups")
def conv(trace: Any, given: dict[str, Any], result: Any) -> Made:
    weight, bias = given["weight"], given.get("bias")
    if trace.of(given["input"]) is None or not whole(trace, weight) or not whole(trace, bias):
        return None
    rank = weight.ndim - 2
    groups, c, filters = given.get("groups", 1), given["input"].shape[1], weight.shape[0]
    options: dict[str, Any] = {
        "kernel": tuple(weight.shape[2:]),
        "stride": pairs(given.get("stride", 1), rank),
        "dilation": pairs(given.get("dilation", 1), rank),
        "bias": bias is not None,
    }
    padding = given.get("padding", 0)
    options["padding"] = padding if isinstance(padding, str) else [[p, p] for p in pairs(padding, rank)]
    if groups == c and groups > 1 and filters % c == 0:
        return layer(
            trace, "depthwise", {"multiplier": filters // c, **options}, [trace.settled(given["input"])], (weight, bias)
        )
    return layer(
        trace,
        "conv",
        {"filters": filters, "groups": groups, **options},
        [trace.settled(given["input"])],
        (weight, bias),
    )


@translates(
    "conv_transpose1d conv_transpose2d conv_transpose3d",
    "input weight | bias stride padding output_padding groups dilation",
)
def transposed_conv(trace: Any, given: dict[str, Any], result: Any) -> Made:
    weight, bias = given["weight"], given.get("bias")
    if trace.of(given["input"]) is None or not whole(trace, weight) or not whole(trace, bias):
        return None
    rank = weight.ndim - 2
    options = {
        "filters": weight.shape[1] * given.get("groups", 1),
        "kernel": tuple(weight.shape[2:]),
        "stride": pairs(given.get("stride", 1), rank),
        "padding": [[p, p] for p in pairs(given.get("padding", 0), rank)],
        "output_padding": pairs(given.get("output_padding", 0), rank),
        "dilation": pairs(given.get("dilation", 1), rank),
        "groups": given.get("groups", 1),
        "bias": bias is not None,
    }
    return layer(trace, "transposed_conv", options, [trace.settled(given["input"])], (weight, bias))


@translates("linear", "input weight | bias")
def linear(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over the last axis."""
    weight, bias, seen = given["weight"], given.get("bias"), trace.of(given["input"])
    if seen is None or not whole(trace, weight) or not whole(trace, bias) or not seen.shape:
        return None
    return over_last_axis(trace, seen, {"units": weight.shape[0], "bias": bias is not None}, (weight, bias))


@translates("batch_norm", "input running_mean running_var | weight bias training momentum eps")
def batch_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    weight, bias = given.get("weight"), given.get("bias")
    stored = (weight, bias, given["running_mean"], given["running_var"])
    if given.get("training") or given["running_mean"] is None or (weight is None) != (bias is None):
        return None
    options = {"affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    return layer(trace, "batchnorm", options, [trace.settled(given["input"])], stored)


@translates("layer_norm", "input normalized_shape | weight bias eps")
def layer_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    weight, bias, seen = given.get("weight"), given.get("bias"), trace.of(given["input"])
    if seen is None or (weight is None) != (bias is None) or not seen.shape:
        return None
    options = {"affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    count, rank = len(given["normalized_shape"]), len(seen.shape)
    if count == 1:
        return along(trace, seen, rank - 1, lambda value: layer(trace, "layernorm", options, [value], (weight, bias)))
    letters = "c" + SPATIAL.get(rank, "")
    if count > rank or len(letters) != rank:
        return None
    options["axes"] = "all" if count == rank else letters[rank - count :]
    return layer(trace, "layernorm", options, [trace.settled(given["input"])], (weight, bias))


@translates("group_norm", "input num_groups | weight bias eps")
def group_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    weight, bias = given.get("weight"), given.get("bias")
    if (weight is None) != (bias is None):
        return None
    options = {"groups": given["num_groups"], "affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    return layer(trace, "groupnorm", options, [trace.settled(given["input"])], (weight, bias))


@translates("instance_norm", "input | running_mean running_var weight bias use_input_stats momentum eps")
def instance_norm(trace: Any, given: dict[str, Any], result: Any) -> Made:
    weight, bias = given.get("weight"), given.get("bias")
    if (weight is None) != (bias is None) or not given.get("use_input_stats", True):
        return None
    options = {"affine": weight is not None, "epsilon": given.get("eps", 1e-5)}
    return layer(trace, "instancenorm", options, [trace.settled(given["input"])], (weight, bias))


@translates("prelu", "input weight")
def prelu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    seen = trace.of(given["input"])
    if seen is None or not whole(trace, given["weight"]):
        return None
    several = given["weight"].numel() > 1 or (seen.shape and seen.shape[0] == 1)
    return layer(
        trace, "prelu", {"per": "channel" if several else "layer"}, [trace.settled(given["input"])], (given["weight"],)
    )
