"""Numbers that stand by themselves, as ONNX operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value
from cnncalc.interop.onnx.write.table import NotInOnnxError, writes
from cnncalc.language import _


@writes("parameter")
def parameter(ops: Part, layer: Any) -> str:
    """The numbers once for every sample."""
    if layer.stored is not None:
        raise NotInOnnxError(_("numbers that stand at several places, or are not trained, are not written"))
    values = ops.array("value")[np.newaxis]
    # What depends on no input does not know how many samples there are.
    samples = ops("Shape", ops.network_input, start=0, end=1)
    shape = ops("Concat", samples, ops.whole(*layer.shape), axis=0)
    return ops("Expand", ops.weight("value", values), shape)


@writes("embedding")
def embedding(ops: Part, layer: Any, x: Value) -> str:
    """Rows are looked up by whole numbers, (N, L, dim), and the numbers of a row become channels."""
    rank = max(2, len(x.shape))
    flat = x.name if len(x.shape) == 1 else ops.reshape(x.name, *x.shape[1:])
    # As in the reference: whatever number enters is made an index, so that a random input can be run.
    index = ops("Mod", ops("Cast", flat, to=ops.onnx.TensorProto.INT64), ops.whole(layer.size))
    return ops("Transpose", ops("Gather", ops.weight("table"), index, axis=0), perm=[0, rank, *range(1, rank)])
