"""Merges as ONNX operators."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.onnx.write.part import Part, Value
from cnncalc.interop.onnx.write.table import writes, writes_operators
from cnncalc.layers.axes import axis_number

writes_operators(
    {
        # These take any number of inputs, where Add takes two.
        "add": ("Sum", {}),
        "maximum": ("Max", {}),
        "mean": ("Mean", {}),
        "minimum": ("Min", {}),
    }
)


IN_PAIRS = {"multiply": "Mul", "subtract": "Sub", "divide": "Div"}
COMPARED = {"greater": "Greater", "less": "Less", "equal": "Equal"}


@writes(*IN_PAIRS)
def pair_by_pair(ops: Part, layer: Any, first: Value, *others: Value) -> str:
    """From the first on, as the operator takes two."""
    y = first.name
    for value in others:
        y = ops(IN_PAIRS[layer.kind], y, value.name)
    return y


@writes(*COMPARED)
def compare(ops: Part, layer: Any, first: Value, *others: Value) -> str:
    """A comparison is true or false, and becomes 1 or 0."""
    y = first.name
    for value in others:
        y = ops("Cast", ops(COMPARED[layer.kind], y, value.name), to=ops.onnx.TensorProto.FLOAT)
    return y


@writes("concat")
def concat(ops: Part, layer: Any, *values: Value) -> str:
    axis = 1 + axis_number(layer.axis, values[0].shape)
    return ops("Concat", *(value.name for value in values), axis=axis)
