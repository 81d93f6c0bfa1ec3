"""Who reads which operator, and the file that is loaded when a model has it.

    @reads("Conv")
    def read_conv(net: Network, node: NodeData) -> Value: ...

A reader adds layers to the network and says how the axes of its result lie. It is found wherever it stands among the
files: FILES only tells where to look first. `cnncalc:` are the operators that fusion.py puts together.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.network import Network, Value

Read = Callable[[Network, NodeData], "Value | list[Value]"]

FILES = {
    "branches": "If",
    "conv": "Conv ConvTranspose QLinearConv DeformConv",
    "dense": "Gemm MatMul",
    "einsum": "Einsum",
    "pooling": (
        "MaxPool MaxUnpool AveragePool LpPool GlobalAveragePool GlobalMaxPool "
        "ReduceMean ReduceMax ReduceMin ReduceSum ReduceL1 ReduceL2 ReduceSumSquare "
        "ReduceLogSum ReduceLogSumExp"
    ),
    "activation": (
        "Sigmoid Tanh Relu Selu Gelu HardSwish Mish Softplus Softsign Swish HardSigmoid LeakyRelu Elu Celu Clip PRelu "
        "Softmax LogSoftmax Dropout Abs Neg Sqrt Reciprocal Exp Log Erf Sin Cos Sign Floor Ceil Round Pow Shrink "
        "cnncalc:silu cnncalc:hard_swish cnncalc:hard_sigmoid cnncalc:gelu "
        "cnncalc:gelu_by_tanh cnncalc:mish cnncalc:step cnncalc:scaled_tanh cnncalc:relu6"
    ),
    "normalisation": (
        "BatchNormalization LayerNormalization InstanceNormalization GroupNormalization LRN cnncalc:layernorm "
        "RMSNormalization LpNormalization"
    ),
    "merge": ("Add Sum Mul Max Mean Sub Div Min Greater Less Equal GreaterOrEqual LessOrEqual And Or Not Where"),
    "concat": "Concat",
    "shape": (
        "Identity Cast CastLike Shape Size Reshape Flatten Squeeze Unsqueeze Transpose SpaceToDepth DepthToSpace "
        "QuantizeLinear DequantizeLinear"
    ),
    "parts": "Split SplitToSequence SequenceAt Slice Gather",
    "padding": "Pad",
    "repeating": "Expand Tile",
    "resampling": "Resize Upsample GridSample",
    "recurrent": "RNN GRU LSTM",
    "attention": "Attention",
}
OPERATORS = {operator: file for file, operators in FILES.items() for operator in operators.split()}
READERS: dict[str, Read] = {}


def reads(*operators: str) -> Callable[[Read], Read]:
    """Declare who reads one or several operators."""

    def declare(read: Read) -> Read:
        READERS.update(dict.fromkeys(operators, read))
        return read

    return declare


def reader_of(operator: str) -> Read | None:
    """Who reads an operator; None for one that nobody does. The file is loaded now."""
    if operator not in READERS:
        # Most models use few of the files. An operator that has no row may stand in any of them.
        for file in [OPERATORS[operator]] if operator in OPERATORS else FILES:
            import_module(f"cnncalc.interop.onnx.read.{file}")
    return READERS.get(operator)
