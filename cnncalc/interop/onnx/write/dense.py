"""Layers that read a vector, as ONNX operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, spread
from cnncalc.interop.onnx.write.table import writes, writes_operators

writes_operators(
    {
        "flatten": ("Flatten", {"axis": 1}),
    }
)


@writes("dense")
def dense(ops: Part, layer: Any, x: Value) -> str:
    """Gemm; with a table zeros for what a unit does not read. Of a map the product with every position."""
    weight = ops.array("weight")
    if len(x.shape) > 1:
        # The matrix in front, (units, C) times (N, C, positions): channels need not be brought behind.
        tokens = ops("MatMul", ops.weight("weight"), ops.reshape(x.name, x.shape[0], -1))
        if layer.bias:
            tokens = ops("Add", tokens, ops.weight("bias", ops.array("bias")[:, np.newaxis]))
        return ops.reshape(tokens, layer.units, *x.shape[1:])
    if layer.table is not None:
        weight = spread(layer.table, weight, x.shape[0])
    return ops("Gemm", x.name, ops.weight("weight", weight), *([ops.weight("bias")] if layer.bias else []), transB=1)


@writes("rbf")
def rbf(ops: Part, layer: Any, x: Value) -> str:
    """The sum of squares of x - w: (N, 1, F) less (units, F)."""
    away = ops("Sub", ops("Unsqueeze", x.name, ops.whole(1)), ops.weight("centres"))
    return ops("ReduceSumSquare", away, ops.whole(-1), keepdims=0)


@writes("gaussian_rbf")
def gaussian_rbf(ops: Part, layer: Any, x: Value) -> str:
    return ops("Exp", ops("Neg", ops("Div", rbf(ops, layer, x), ops.weight("width"))))


@writes("hopfield")
def hopfield(ops: Part, layer: Any, x: Value) -> str:
    """The pairs as a symmetric matrix with a diagonal of zeros; 1 or -1 by the sign, step by step."""
    n = x.shape[0]
    full = np.zeros((n, n), dtype=np.float32)
    full[np.triu_indices(n, 1)] = ops.array("weight")
    weight = ops.weight("weight", full + full.T)
    state, zero, one, minus = x.name, ops.constant(0.0), ops.constant(1.0), ops.constant(-1.0)
    for _ in range(layer.steps):
        field = ops("Gemm", state, weight, *([ops.weight("bias")] if layer.bias else []))
        state = ops("Where", ops("GreaterOrEqual", field, zero), one, minus)
    return state
