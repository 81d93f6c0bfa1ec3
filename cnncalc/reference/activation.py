"""Activations as they are defined, operation by operation. Any shape with the samples first, unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from cnncalc.reference.axes import number_axis
from cnncalc.reference.base import Array, Shape, Weight, Weights, per_channel, reference, scale

# Element by element through Python: slow, and exact, which is what a reference is for.
erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    with np.errstate(over="ignore"):  # exp(-x) becomes infinite where the result is 0
        return 1 / (np.exp(np.negative(x)) + 1)


def number(value: float, x: Array) -> Any:
    """A constant of the type of x, so that float32 stays float32."""
    return x.dtype.type(value)


@reference("identity")
def identity(layer: Any, w: Weights, x: Array) -> Array:
    return x


@reference("step")
def step(layer: Any, w: Weights, x: Array) -> Array:
    """1 where x > 0, else 0."""
    return np.greater(x, 0).astype(x.dtype)


@reference("rescale")
def rescale(layer: Any, w: Weights, x: Array) -> Array:
    """x times the factor, plus the offset; by 1 nothing is multiplied, and 0 is not added."""
    # A probe counts what is done: a product by 1 that nobody needs would be one too many.
    y = x if layer.factor == 1 else x * numbers(layer.factor, x)
    return y if layer.offset == 0 else y + numbers(layer.offset, x)


def numbers(value: Any, x: Array) -> Any:
    """A constant of the type of x, or one for each channel."""
    return per_channel(np.array(value, dtype=x.dtype), x.ndim - 2) if isinstance(value, tuple) else number(value, x)


@reference("sigmoid")
def sigmoid(layer: Any, w: Weights, x: Array) -> Array:
    return logistic(x)


@reference("hard_sigmoid")
def hard_sigmoid(layer: Any, w: Weights, x: Array) -> Array:
    """min(max(x + 3, 0), 6) / 6."""
    return np.minimum(np.maximum(x + 3, 0), 6) / 6


@reference("tanh")
def tanh(layer: Any, w: Weights, x: Array) -> Array:
    return np.tanh(x)


@reference("scaled_tanh")
def scaled_tanh(layer: Any, w: Weights, x: Array) -> Array:
    """1.7159 tanh(2/3 x)."""
    return np.tanh(x * number(2 / 3, x)) * number(1.7159, x)


@reference("relu")
def relu(layer: Any, w: Weights, x: Array) -> Array:
    return np.maximum(x, 0)


@reference("relu6")
def relu6(layer: Any, w: Weights, x: Array) -> Array:
    return np.minimum(np.maximum(x, 0), 6)


@reference("leaky_relu")
def leaky_relu(layer: Any, w: Weights, x: Array) -> Array:
    """max(x, slope x), the slope 0.01 unless given. A slope above 1 makes slope x the larger one where x > 0: min."""
    slope = 0.01 if layer.alpha is None else layer.alpha
    bent = np.maximum if slope <= 1 else np.minimum
    return bent(x, x * number(slope, x))


def exponential(x: Array, alpha: float) -> Array:
    """max(x, 0) + alpha (exp(min(x, 0)) - 1)."""
    return np.maximum(x, 0) + (np.exp(np.minimum(x, 0)) - 1) * number(alpha, x)


@reference("elu")
def elu(layer: Any, w: Weights, x: Array) -> Array:
    return exponential(x, 1.0 if layer.alpha is None else layer.alpha)


@reference("selu")
def selu(layer: Any, w: Weights, x: Array) -> Array:
    """A scaled elu whose constants keep mean 0 and variance 1."""
    return exponential(x, 1.6732632423543772) * number(1.0507009873554805, x)


@reference("celu")
def celu(layer: Any, w: Weights, x: Array) -> Array:
    """max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)."""
    alpha = number(1.0 if layer.alpha is None else layer.alpha, x)
    return np.maximum(x, 0) + (np.exp(np.minimum(x, 0) / alpha) - 1) * alpha


@reference("gelu")
def gelu(layer: Any, w: Weights, x: Array) -> Array:
    """x / 2 (1 + erf(x / sqrt 2)); or x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    if layer.approximate == "tanh":
        inner = (x + x * x * x * number(0.044715, x)) * number(math.sqrt(2 / math.pi), x)
        return x * (np.tanh(inner) + 1) / 2
    # frompyfunc gives objects: back to the type that entered.
    half = (erf(x / number(math.sqrt(2), x)).astype(x.dtype) + 1) * number(0.5, x)
    return x * half


@reference("silu")
def silu(layer: Any, w: Weights, x: Array) -> Array:
    """x sigmoid(x)."""
    return x * logistic(x)


@reference("hard_swish")
def hard_swish(layer: Any, w: Weights, x: Array) -> Array:
    """x min(max(x + 3, 0), 6) / 6."""
    return x * (np.minimum(np.maximum(x + 3, 0), 6) / 6)


def log_of_one_and_exp(x: Array) -> Array:
    """log(1 + exp x), which is about x where exp x is too large for a number."""
    if holds_values(x):
        return np.logaddexp(x, number(0, x))
    return np.log(np.exp(x) + 1)


def holds_values(x: Array) -> bool:
    """Whether x holds numbers that may be too large for exp, and not what a probe counts or remembers."""
    return type(x) is np.ndarray


@reference("mish")
def mish(layer: Any, w: Weights, x: Array) -> Array:
    """x tanh(log(1 + exp x))."""
    return x * np.tanh(log_of_one_and_exp(x))


@reference("softplus")
def softplus(layer: Any, w: Weights, x: Array) -> Array:
    """log(1 + exp x)."""
    return log_of_one_and_exp(x)


@reference("softsign")
def softsign(layer: Any, w: Weights, x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (np.absolute(x) + 1)


@reference("log_sigmoid")
def log_sigmoid(layer: Any, w: Weights, x: Array) -> Array:
    """-log(1 + exp(-x))."""
    return np.negative(log_of_one_and_exp(np.negative(x)))


@reference("tanhshrink")
def tanhshrink(layer: Any, w: Weights, x: Array) -> Array:
    """x - tanh(x)."""
    return x - np.tanh(x)


@reference("softshrink")
def softshrink(layer: Any, w: Weights, x: Array) -> Array:
    """x less what lies between -alpha and alpha, 0.5 unless given."""
    alpha = number(0.5 if layer.alpha is None else layer.alpha, x)
    return x - np.minimum(np.maximum(x, -alpha), alpha)


@reference("hardshrink")
def hardshrink(layer: Any, w: Weights, x: Array) -> Array:
    """x where |x| > alpha, 0.5 unless given; else 0."""
    alpha = number(0.5 if layer.alpha is None else layer.alpha, x)
    return x * np.greater(np.absolute(x), alpha).astype(x.dtype)


@reference("clamp", "hardtanh")
def clamp(layer: Any, w: Weights, x: Array) -> Array:
    """min(max(x, low), high), as far as there are bounds."""
    # A clamp without a bound leaves that side open; hardtanh is the one of the textbook unless told otherwise.
    usual = (-1.0, 1.0) if layer.kind == "hardtanh" else (None, None)
    low, high = (own if own is not None else other for own, other in zip((layer.low, layer.high), usual, strict=True))
    if low is not None:
        x = np.maximum(x, number(low, x))
    return x if high is None else np.minimum(x, number(high, x))


@reference("power")
def power(layer: Any, w: Weights, x: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.power(x, number(layer.exponent, x))


@reference("reciprocal")
def reciprocal(layer: Any, w: Weights, x: Array) -> Array:
    with np.errstate(divide="ignore"):
        return 1 / x


@reference("square")
def square(layer: Any, w: Weights, x: Array) -> Array:
    return x * x


@reference("round")
def round_values(layer: Any, w: Weights, x: Array) -> Array:
    return {"nearest": np.rint, "floor": np.floor, "ceil": np.ceil}[layer.to](x)


@reference("erf")
def error_function(layer: Any, w: Weights, x: Array) -> Array:
    # Objects, and no probe: both are put back.
    y: Array = np.asarray(erf(x)).astype(x.dtype)
    return y.view(type(x))


UFUNCS = {
    "abs": np.absolute,
    "negative": np.negative,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "sign": np.sign,
}


@reference(*UFUNCS)
def of_each(layer: Any, w: Weights, x: Array) -> Array:
    """What the kind's name says, of each element; what is not defined is not a number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return UFUNCS[layer.kind](x)


def prelu_weights(layer: Any, x: Shape) -> Mapping[str, Weight]:
    """slope (1,), or (C,)."""
    return {"slope": scale((x[0] if layer.per == "channel" else 1,))}


@reference("prelu", weights=prelu_weights)
def prelu(layer: Any, w: Weights, x: Array) -> Array:
    """max(x, 0) + slope min(x, 0)."""
    return np.maximum(x, 0) + np.minimum(x, 0) * per_channel(w["slope"], x.ndim - 2)


def moderate(x: Array, axis: int) -> Array:
    """x less the largest along an axis: a softmax is the same, and no exp is too large. Not counted as its work."""
    return x - np.max(x, axis=axis, keepdims=True) if holds_values(x) else x


@reference("softmax")
def softmax(layer: Any, w: Weights, x: Array) -> Array:
    """exp(x) over its sum, along the axis."""
    axis = number_axis(layer.axis, x)
    e = np.exp(moderate(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


@reference("log_softmax")
def log_softmax(layer: Any, w: Weights, x: Array) -> Array:
    """x - log(sum of exp(x)), along the axis."""
    axis = number_axis(layer.axis, x)
    x = moderate(x, axis)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


@reference("maxout")
def maxout(layer: Any, w: Weights, x: Array) -> Array:
    """The largest of each few neighbouring channels."""
    n, c, *size = x.shape
    # Channels lie next to each other in memory, so that pieces of one unit are neighbours.
    return np.max(x.reshape(n, c // layer.pieces, layer.pieces, *size), axis=2)


@reference("glu")
def glu(layer: Any, w: Weights, x: Array) -> Array:
    """The first half of the channels times the sigmoid of the second."""
    half = x.shape[1] // 2
    return x[:, :half] * logistic(x[:, half:])
