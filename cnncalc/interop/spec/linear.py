"""Layers that are linear in the channels of each position, and those that multiply every element by one number."""

from __future__ import annotations

from cnncalc.graph import Node
from cnncalc.layers.base import Layer


def is_linear(layer: Layer) -> bool:
    """Whether a layer is linear in the channels of each position: as a dense layer, or as a convolution of 1x1."""
    options = vars(layer)
    if layer.kind == "conv":
        plain = options["padding"] == "same" or not any(any(pair) for pair in options["padding"])
        single = set(options["kernel"]) == set(options["stride"]) == {1} == {options["groups"]}
        return bool(plain and single and options["table"] is None)
    return layer.kind == "dense" and bool(options["axes"] == "c" and options["table"] is None)


def width_of(layer: Layer) -> int:
    """The channels that a linear layer gives."""
    options = vars(layer)
    found: int = options["filters"] if layer.kind == "conv" else options["units"]
    return found


def factor_of(node: Node) -> float | None:
    """The number by which a layer multiplies every element."""
    options = vars(node.layer)
    if node.layer.kind != "rescale" or isinstance(options["factor"], tuple) or options["offset"] != 0:
        return None
    return float(options["factor"])
