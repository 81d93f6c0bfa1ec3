"""Weights that several operators use, found before any is read: each with another bias, their bias is a layer apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.names import PRODUCTS
from cnncalc.interop.onnx.read.stored_moves import MOVES


def find_split_biases(
    nodes: Iterable[NodeData], values: Mapping[str, object], readers: Mapping[str, Sequence[NodeData]]
) -> set[str]:
    """The tensors with which several operators multiply, where their biases are not one and the same."""
    # A weight that is turned or reshaped in front of each product is still that weight.
    origin = {name: value.roots[0] for name, value in values.items() if isinstance(value, Constant) and value.stored}
    biases: dict[str, list[str]] = {}
    for node in nodes:
        if node.operator in MOVES and node.inputs and node.inputs[0] in origin:
            origin[node.outputs[0]] = origin[node.inputs[0]]
        if node.operator in PRODUCTS and len(node.inputs) > 1 and node.inputs[1] in origin:
            biases.setdefault(origin[node.inputs[1]], []).append(bias_of(node, origin, readers))
    return {root for root, found in biases.items() if len(set(found)) > 1}


def bias_of(node: NodeData, origin: Mapping[str, str], readers: Mapping[str, Sequence[NodeData]]) -> str:
    """The tensor that is added to a product, by the operator itself or by the only one behind; empty for none."""
    if len(node.inputs) > 2:
        return origin.get(node.inputs[2], "")
    behind = readers.get(node.outputs[0], [])
    if len(behind) != 1 or behind[0].operator != "Add":
        return ""
    return next((origin[name] for name in behind[0].inputs if name in origin), "")
