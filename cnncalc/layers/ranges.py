"""Between which bounds the values behind a layer lie, whatever its weights: as far as its kind says so.

Bounds are real numbers, plus or minus infinity where there is none; at inference, and in training as far as signs go.
A kind that stands in no table may give anything. Loaded by whoever asks: the rules of `lint`, the writer of Keras.
"""

from __future__ import annotations

from math import inf
from typing import Any

from cnncalc.layers.base import Layer

Range = tuple[float, float]
ANY: Range = (-inf, inf)

# What comes out of a function, whatever enters.
BOUNDED: dict[str, Range] = {
    "step": (0, 1), "sigmoid": (0, 1), "hard_sigmoid": (0, 1), "softmax": (0, 1),
    "tanh": (-1, 1), "softsign": (-1, 1), "scaled_tanh": (-1.7159, 1.7159), "log_softmax": (-inf, 0),
    "relu": (0, inf), "relu6": (0, 6), "softplus": (0, inf), "lppool": (0, inf),
}  # fmt: skip

# What comes out is some of what enters.
SELECTING = (
    "identity", "maxpool", "global_maxpool", "adaptive_maxpool", "global_avgpool", "adaptive_avgpool", "flatten",
    "crop", "slice", "split", "reshape", "permute", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "maxout",
    "dropout", "concat", "maximum", "mean",
)  # fmt: skip
PADDED_WITH_ZEROS = ("avgpool",)

# On these ranges a function gives back what it gets.
UNCHANGED: dict[str, Range] = {
    "relu": (0, inf), "relu6": (0, 6), "leaky_relu": (0, inf), "prelu": (0, inf), "elu": (0, inf), "celu": (0, inf),
}  # fmt: skip


def behind(layer: Layer, entering: list[Range]) -> Range:
    """The range of what comes out of a layer."""
    if not entering:  # trained numbers
        return ANY
    kind = layer.kind
    low, high = min(r[0] for r in entering), max(r[1] for r in entering)
    if kind in BOUNDED:
        bound = BOUNDED[kind]
        if kind in UNCHANGED:  # a rectifier keeps a narrower range
            return max(bound[0], low), min(bound[1], max(high, bound[0]))
        return bound
    if kind == "dropout":  # in training what is left is scaled up
        return (0, inf) if low >= 0 else ANY
    if kind in SELECTING:
        return low, high
    if kind in PADDED_WITH_ZEROS or (kind == "pad" and mode(layer) != "constant"):
        return min(low, 0), max(high, 0)
    if kind == "pad":
        value = float(vars(layer)["value"])
        return min(low, value), max(high, value)
    if kind == "upsample" and mode(layer) != "bicubic":
        return low, high
    if kind == "add":
        return sum(r[0] for r in entering), sum(r[1] for r in entering)
    # Of products the sign alone is followed.
    if kind == "multiply" and low >= 0:
        return 0, inf
    if kind in ("leaky_relu", "elu", "celu", "prelu", "lrn", "silu", "gelu", "mish", "hard_swish") and low >= 0:
        return 0, inf
    return ANY


def mode(layer: Layer) -> Any:
    return vars(layer)["mode"]
