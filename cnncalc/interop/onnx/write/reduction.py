"""Axes brought down to one element, as ONNX operators."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.onnx.write.part import Part, Value
from cnncalc.interop.onnx.write.table import writes

REDUCED = {"reduce_sum": "ReduceSum", "reduce_mean": "ReduceMean", "reduce_max": "ReduceMax", "reduce_min": "ReduceMin"}


@writes(*REDUCED, "reduce_norm")
def reduce(ops: Part, layer: Any, x: Value) -> str:
    # An input: of ReduceSum since operator set 13, of the others since 18; attributes before.
    axes = ops.whole(*sorted(1 + axis for axis in layer.over(x.shape)))
    if layer.kind != "reduce_norm":
        return ops(REDUCED[layer.kind], x.name, axes)
    if layer.order in (1, 2):
        return ops(f"ReduceL{layer.order}", x.name, axes)
    powers = ops("Pow", ops("Abs", x.name), ops.constant(layer.order))
    return ops("Pow", ops("ReduceSum", powers, axes), ops.constant(1 / layer.order))
