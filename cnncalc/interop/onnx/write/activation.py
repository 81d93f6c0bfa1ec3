"""Activations as ONNX operators: one where ONNX has it, not the formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.interop.onnx.write.part import Part, Value, per_channel
from cnncalc.interop.onnx.write.table import writes, writes_operators
from cnncalc.layers.axes import axis_number

writes_operators(
    {
        "identity": ("Identity", {}),
        "sigmoid": ("Sigmoid", {}),
        # ONNX's own slope is 0.2; the layer has PyTorch's.
        "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
        "tanh": ("Tanh", {}),
        "relu": ("Relu", {}),
        "selu": ("Selu", {}),
        "hard_swish": ("HardSwish", {}),
        "mish": ("Mish", {}),
        "softplus": ("Softplus", {}),
        "softsign": ("Softsign", {}),
        "abs": ("Abs", {}),
        "negative": ("Neg", {}),
        "sqrt": ("Sqrt", {}),
        "reciprocal": ("Reciprocal", {}),
        "exp": ("Exp", {}),
        "log": ("Log", {}),
        "erf": ("Erf", {}),
        "sin": ("Sin", {}),
        "cos": ("Cos", {}),
        "sign": ("Sign", {}),
    }
)


@writes("softmax", "log_softmax")
def softmax(ops: Part, layer: Any, x: Value) -> str:
    name = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[layer.kind]
    return ops(name, x.name, axis=1 + axis_number(layer.axis, x.shape))


SLOPED = {"leaky_relu": ("LeakyRelu", 0.01), "elu": ("Elu", 1.0), "celu": ("Celu", 1.0)}


@writes(*SLOPED)
def slope(ops: Part, layer: Any, x: Value) -> str:
    name, default = SLOPED[layer.kind]
    return ops(name, x.name, alpha=default if layer.alpha is None else layer.alpha)


@writes("gelu")
def gelu(ops: Part, layer: Any, x: Value) -> str:
    return ops("Gelu", x.name, approximate=layer.approximate)


@writes("step")
def step(ops: Part, layer: Any, x: Value) -> str:
    return ops("Cast", ops("Greater", x.name, ops.constant(0.0)), to=ops.onnx.TensorProto.FLOAT)


@writes("scaled_tanh")
def scaled_tanh(ops: Part, layer: Any, x: Value) -> str:
    return ops.scale(ops("Tanh", ops.scale(x.name, 2 / 3)), 1.7159)


@writes("rescale")
def rescale(ops: Part, layer: Any, x: Value) -> str:
    def constant(value: Any) -> str:
        several = isinstance(value, tuple)
        return ops.constant(per_channel(np.array(value), len(x.shape) - 1) if several else value)

    y = x.name if layer.factor == 1 else ops("Mul", x.name, constant(layer.factor))
    return y if layer.offset == 0 else ops("Add", y, constant(layer.offset))


@writes("clamp", "hardtanh")
def clamp(ops: Part, layer: Any, x: Value) -> str:
    # An empty name is an input that is left out: the upper bound stays the third.
    low, high = layer.bounds()
    return ops(
        "Clip", x.name, "" if low is None else ops.constant(low), *([] if high is None else [ops.constant(high)])
    )


@writes("power")
def power(ops: Part, layer: Any, x: Value) -> str:
    return ops("Pow", x.name, ops.constant(layer.exponent))


@writes("square")
def square(ops: Part, layer: Any, x: Value) -> str:
    return ops("Mul", x.name, x.name)


@writes("round")
def round_off(ops: Part, layer: Any, x: Value) -> str:
    return ops({"nearest": "Round", "floor": "Floor", "ceil": "Ceil"}[layer.to], x.name)


@writes("log_sigmoid")
def log_sigmoid(ops: Part, layer: Any, x: Value) -> str:
    # The logarithm of a Sigmoid would be minus infinity where that is 0 in float32.
    return ops("Neg", ops("Softplus", ops("Neg", x.name)))


@writes("tanhshrink")
def tanhshrink(ops: Part, layer: Any, x: Value) -> str:
    return ops("Sub", x.name, ops("Tanh", x.name))


@writes("softshrink", "hardshrink")
def shrink(ops: Part, layer: Any, x: Value) -> str:
    alpha = 0.5 if layer.alpha is None else layer.alpha
    # `bias` is what is taken off beyond the threshold: nothing for the hard one.
    return ops("Shrink", x.name, lambd=alpha, bias=alpha if layer.kind == "softshrink" else 0.0)


@writes("relu6")
def relu6(ops: Part, layer: Any, x: Value) -> str:
    return ops("Clip", x.name, ops.constant(0.0), ops.constant(6.0))


@writes("silu")
def silu(ops: Part, layer: Any, x: Value) -> str:
    # ONNX has a Swish only from operator set 24 on.
    return ops("Mul", x.name, ops("Sigmoid", x.name))


@writes("prelu")
def prelu(ops: Part, layer: Any, x: Value) -> str:
    return ops("PRelu", x.name, ops.weight("slope", per_channel(ops.array("slope"), len(x.shape) - 1)))


@writes("maxout")
def maxout(ops: Part, layer: Any, x: Value) -> str:
    c, *size = x.shape
    # Pieces of one channel are neighbours: of 2 pieces, channel 3 is the larger of 6 and 7.
    apart = ops.reshape(x.name, c // layer.pieces, layer.pieces, *size)
    return ops("ReduceMax", apart, ops.whole(2), keepdims=0)


@writes("glu")
def glu(ops: Part, layer: Any, x: Value) -> str:
    values, gates = ops.several("Split", [True, True], x.name, axis=1, num_outputs=2)
    return ops("Mul", values, ops("Sigmoid", gates))
