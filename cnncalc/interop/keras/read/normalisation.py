"""Norms of Keras, and what rescales."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from cnncalc.interop.keras.read.table import Call, own_axis, single_axis, translates
from cnncalc.interop.layouts import Seen, in_base, settle
from cnncalc.interop.names import axis_word
from cnncalc.layers.options import SPATIAL


@translates("BatchNormalization", "SyncBatchNormalization", steps=True)
def batchnorm(call: Call) -> Seen | None:
    c = call.config
    axis = single_axis(c.get("axis", -1))
    if not isinstance(axis, int):
        return None
    both = (bool(c.get("scale", True)), bool(c.get("center", True)))
    affine = {(True, True): True, (False, False): False, (True, False): "scale", (False, True): "shift"}[both]
    options = {"affine": affine, "epsilon": float(c.get("epsilon", 1e-3))}
    return call.along(own_axis(axis, len(call.x.shape)), "batchnorm", options)


@translates("LayerNormalization", steps=True)
def layernorm(call: Call) -> Seen | None:
    c = call.config
    axes = c.get("axis", -1)
    rank = len(call.x.shape)
    found = sorted({own_axis(a, rank) for a in (axes if isinstance(axes, list) else [axes])})
    shift, scale = bool(c.get("center", True)), bool(c.get("scale", True))
    # -1 has become of Keras's axis 0, the samples.
    if c.get("rms_scaling") or found[0] < 0:
        return None
    # Over several axes that are not all, `layernorm` has no word: such a layer is not known.
    options = {"affine": shift and scale, "epsilon": float(c.get("epsilon", 1e-3))}
    if found == list(range(rank)) and rank in SPATIAL and (shift == scale):
        front, back = call.x.first(rank - 1, f"{call.name}.")
        value = call.add("layernorm", {**options, "axes": "all"}, settle(call.b, front, call.at))
        return call.see(value).permute(back)
    if len(found) != 1:
        return None
    # One of the two alone: `layernorm` trains both or none, so it trains none, and what is trained stands behind it.
    made = call.along(found[0], "layernorm", options)
    if shift == scale or made is None:
        return made
    alone = "scale" if scale else "shift"
    return call.replace(c, made).along(found[0], alone, {}, f"{call.name}/{alone}")


@translates("RMSNormalization", "UnitNormalization")
def by_length(call: Call) -> Seen | None:
    """Over the root of the mean of the squares, times a trained scale; or over the root of their sum: as the pieces
    that it is.
    """
    axis = single_axis(call.config.get("axis", -1))
    if not isinstance(axis, int):
        return None
    own = own_axis(axis, len(call.x.shape))
    if call.word == "RMSNormalization":
        return call.along(own, "rmsnorm", {"epsilon": float(call.config.get("epsilon", 1e-6))})
    seen, (base,) = in_base(call.b, call.x, [own], call.at)

    def piece(kind: str, options: Mapping[str, Any], value: int) -> int:
        return call.b.add(f"{call.name}/{kind}", kind, options, [value], at=call.at)

    sums = piece("reduce_sum", {"axes": axis_word(base, len(seen.base))}, piece("square", {}, seen.value))
    # Keras keeps the sum of squares at 1e-12 or above, so that zeros stay zeros.
    length = piece("sqrt", {}, piece("clamp", {"low": 1e-12}, sums))
    return seen._replace(value=call.b.add(f"{call.name}/divide", "divide", {}, [seen.value, length], at=call.at))


@translates("GroupNormalization")
def groupnorm(call: Call) -> Seen | None:
    c = call.config
    axis = own_axis(c.get("axis", -1), len(call.x.shape))
    # `groupnorm` trains both or none.
    trained = {bool(c.get("center", True)), bool(c.get("scale", True))}
    if len(trained) != 1:
        return None
    groups = int(c.get("groups", 32))
    # -1 is one group for each channel in Keras, an instance normalisation.
    options = {"groups": call.x.shape[axis] if groups == -1 else groups, "affine": trained.pop()}
    return call.along(axis, "groupnorm", {**options, "epsilon": float(c.get("epsilon", 1e-3))})


@translates("Rescaling", steps=True)
def rescaling(call: Call) -> Seen | None:
    factor, offset = call.config.get("scale", 1.0), call.config.get("offset", 0.0)
    return call.on_map("rescale", {"factor": factor, "offset": offset})


@translates("Normalization")
def normalization(call: Call) -> Seen | None:
    """With statistics that it has gathered a batch norm that trains nothing; with numbers given, those."""
    mean, variance = call.config.get("mean"), call.config.get("variance")
    over = single_axis(call.config.get("axis", -1))
    if call.config.get("invert") or over not in (-1, len(call.x.shape)):
        return None
    if mean is None or variance is None:
        return call.on_map("batchnorm", {"affine": False, "epsilon": 0.0})
    means, variances = (v if isinstance(v, list) else [v] for v in (mean, variance))
    # As a list of one list for each axis in front of the channels: (1, 1, 1, C).
    while means and isinstance(means[0], list):
        means, variances = means[0], variances[0]
    # Keras divides by no less than its epsilon, 1e-7.
    factors = [1 / max(sqrt(v), 1e-7) for v in variances]
    offsets = [-m * f for m, f in zip(means, factors, strict=True)]
    several = len(factors) > 1
    return call.on_map(
        "rescale", {"factor": factors if several else factors[0], "offset": offsets if several else offsets[0]}
    )


@translates("LayerScale", steps=True)
def layer_scale(call: Call) -> Seen | None:
    call.config.get("init_values")  # with which the scale begins
    if call.config.get("projection_dim", call.x.shape[-1]) != call.x.shape[-1]:
        return None
    return call.along(len(call.x.shape) - 1, "scale", {})
