"""What an operator says and its reader did not ask for: nothing of a model may get lost without a word.

Attributes and inputs note who asks for them. What a reader left, and what is not the value that the operator has
without it, is refused by its name. No list says which reader reads what. Two tables remain: values that mean the same
as nothing, and what changes neither a number of a report nor the forward pass. Source: the operators' pages at
onnx.ai/onnx/operators; a test holds the first table against the package onnx.
"""

from __future__ import annotations

from typing import Any

from cnncalc.interop.onnx.read.constants import shortest
from cnncalc.interop.onnx.read.file import GraphData, NodeData, TensorData
from cnncalc.interop.watching import Watched, WatchedInputs
from cnncalc.language import _

# What an attribute is where it is not written down, if that is the same for every operator that has it.
USUAL: dict[str, Any] = {
    "allowzero": 0, "antialias": 0, "auto_pad": "NOTSET", "broadcast": 0, "ceil_mode": 0, "count_include_pad": 0,
    "cubic_coeff_a": -0.75, "exclude_outside": 0, "exclusive": 0, "extrapolation_value": 0.0, "fmod": 0, "group": 1,
    "input_forget": 0, "is_causal": 0, "keep_aspect_ratio_policy": "stretch", "keepdims": 1, "layout": 0,
    "linear_before_reset": 0, "noop_with_empty_axes": 0, "qk_matmul_output_mode": 0, "reverse": 0, "softcap": 0.0,
    "spatial": 1, "start": 0, "storage_order": 0, "training_mode": 0, "transA": 0, "transB": 0, "value": 0.0,
}  # fmt: skip
# Training alone, how exactly numbers are held, and what the file says elsewhere too.
OF_NO_EFFECT: dict[str, tuple[str, ...]] = {
    "": ("consumed_inputs", "is_test", "momentum", "output_dtype", "precision", "round_mode", "saturate", "seed",
         "softmax_precision", "stash_type"),
    "DequantizeLinear": ("axis", "block_size"),
    "QuantizeLinear": ("axis", "block_size"),
    # Before set 7 it said whether the bias is stretched, which its shape says too.
    "Gemm": ("broadcast",),
    "GRU": ("output_sequence",), "LSTM": ("output_sequence",), "RNN": ("output_sequence",),
    # made by fusion.py, which has looked at what it puts together
    "cnncalc:layernorm": ("axes", "by"),
}  # fmt: skip
INPUTS_OF_NO_EFFECT: dict[str, tuple[int, ...]] = {
    "CastLike": (1,),
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 6, 7),
    "Resize": (1,),  # the region of a mode that is refused
}


class Attributes(Watched):
    """The attributes of an operator."""


class Inputs(WatchedInputs[str]):
    """The inputs of an operator."""


def watch(node: NodeData) -> NodeData:
    """The operator, which notes what is asked of it."""
    if isinstance(node.attributes, Attributes):
        return node
    return node._replace(attributes=Attributes(node.attributes), inputs=Inputs(node.inputs))


def start(node: NodeData) -> None:
    """Forget who asked so far: a reader begins."""
    for part in (node.attributes, node.inputs):
        if isinstance(part, (Attributes, Inputs)):
            part.asked.clear()


def no_more(node: NodeData) -> None:
    """Say that nothing else of an operator matters: it leaves what enters as it is, say."""
    if isinstance(node.attributes, Attributes) and isinstance(node.inputs, Inputs):
        node.attributes.asked.update(node.attributes)
        node.inputs.asked.update(range(len(node.inputs)))


def find_unread(node: NodeData) -> str:
    """Why an operator is not what its reader took it for: the first thing it left unread; empty if there is none."""
    if isinstance(node.inputs, Inputs):
        without = INPUTS_OF_NO_EFFECT.get(node.operator, ())
        # An input without a name is one that is left out.
        left = node.inputs.find_left(lambda i, name: not name or i in without)
        if left:
            return left
    return unread_attribute(node.operator, node.attributes)


def unread_attribute(operator: str, attributes: Any) -> str:
    """The first attribute that nobody asked for and that may have an effect, as a reason; empty if there is none."""
    if not isinstance(attributes, Attributes):
        return ""
    without = (*OF_NO_EFFECT[""], *OF_NO_EFFECT.get(operator, ()))
    found = attributes.find_left(USUAL, without.__contains__, is_usual)
    if found is None:
        return ""
    return _("the attribute {name} is {value}", name=found[0][:40], value=attribute_text(found[1]))


def is_usual(value: Any, usual: Any) -> bool:
    """Whether a value is this one; decimals are stored with the digits of float32."""
    if isinstance(value, float) and isinstance(usual, (int, float)):
        return abs(value - usual) <= 1e-6 * max(1.0, abs(usual))
    return bool(value == usual)


def attribute_text(value: Any) -> str:
    """An attribute as people read it."""
    if isinstance(value, TensorData):
        return _("a tensor")
    if isinstance(value, GraphData):
        return _("a graph")
    if isinstance(value, float):
        return f"{shortest(value)}"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(attribute_text, value[:8]))
    return str(value)[:60]
