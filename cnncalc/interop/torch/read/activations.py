"""Functions of torch that compute element by element, or over one axis."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.torch.read.making import along, elementwise, layer
from cnncalc.interop.torch.read.table import Made, translates

KINDS = {
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "silu": "silu",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "mish": "mish",
    "softsign": "softsign",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "log_sigmoid": "log_sigmoid",
    "logsigmoid": "log_sigmoid",
    "tanhshrink": "tanhshrink",
    "abs": "abs",
    "absolute": "abs",
    "square": "square",
    "sqrt": "sqrt",
    "reciprocal": "reciprocal",
    "exp": "exp",
    "log": "log",
    "erf": "erf",
    "sin": "sin",
    "cos": "cos",
    "sign": "sign",
}
ROUNDED = {"round": "nearest", "floor": "floor", "ceil": "ceil"}


@translates("gt greater", "input other")
def step(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Whether it is above 0: 1 or 0, once it is a number again."""
    return (
        elementwise(trace, given["input"], "step")
        if type(given["other"]) in (int, float) and given["other"] == 0
        else None
    )


def plain(kind: str) -> Any:
    return lambda trace, given, result: elementwise(trace, given["input"], kind)


for _word, _kind in KINDS.items():
    translates(_word, "input | inplace")(plain(_kind))


def rounded(to: str) -> Any:
    return lambda trace, given, result: elementwise(trace, given["input"], "round", {"to": to})


for _word, _to in ROUNDED.items():
    translates(_word, "input")(rounded(_to))


@translates("gelu", "input | approximate")
def gelu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Its approximation by tanh is another function."""
    by_tanh = given.get("approximate", "none") == "tanh"
    return elementwise(trace, given["input"], "gelu", {"approximate": "tanh"} if by_tanh else None)


@translates("pow float_power", "input exponent")
def power(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """By a number; a number to the power of a map is no kind."""
    exponent = given["exponent"]
    if not trace.of(given["input"]) or type(exponent) not in (int, float):
        return None
    kind = {2: "square", 0.5: "sqrt"}.get(exponent)
    return elementwise(trace, given["input"], kind or "power", None if kind else {"exponent": float(exponent)})


@translates("rsqrt", "input")
def rsqrt(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "power", {"exponent": -0.5})


@translates("softshrink", "input | lambd")
def softshrink(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "softshrink", {"alpha": given.get("lambd", 0.5)})


@translates("hardshrink", "input | lambd")
def hardshrink(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "hardshrink", {"alpha": given.get("lambd", 0.5)})


@translates("leaky_relu", "input | negative_slope inplace")
def leaky_relu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "leaky_relu", {"alpha": given.get("negative_slope", 0.01)})


@translates("elu", "input | alpha inplace")
def elu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "elu", {"alpha": given.get("alpha", 1.0)})


@translates("celu", "input | alpha inplace")
def celu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "celu", {"alpha": given.get("alpha", 1.0)})


@translates("softplus", "input | beta threshold")
def softplus(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "softplus") if given.get("beta", 1) == 1 else None


@translates("hardtanh", "input | min_val max_val inplace")
def hardtanh(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], given.get("min_val", -1.0), given.get("max_val", 1.0))


@translates("clamp clip", "input | min max")
def clamp(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], given.get("min"), given.get("max"))


@translates("clamp_min", "input min")
def clamp_min(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], given["min"], None)


@translates("clamp_max", "input max")
def clamp_max(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], None, given["max"])


def between(trace: Any, tensor: Any, low: Any, high: Any) -> Made:
    if low == 0 and (high is None or high == 6):
        return elementwise(trace, tensor, "relu" if high is None else "relu6")
    if any(bound is not None and type(bound) not in (int, float) for bound in (low, high)):
        return None  # bounds that are tensors
    bounds = {"low": low, "high": high}
    return elementwise(trace, tensor, "clamp", {name: float(v) for name, v in bounds.items() if v is not None})


@translates("softmax", "input | dim")
def softmax(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return over_axis(trace, given, "softmax")


@translates("log_softmax", "input | dim")
def log_softmax(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return over_axis(trace, given, "log_softmax")


@translates("glu", "input | dim")
def glu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return over_axis(trace, {"dim": -1, **given}, "glu")


def over_axis(trace: Any, given: dict[str, Any], kind: str) -> Made:
    """A function over one axis, which is taken for the channels."""
    seen, dim = trace.of(given["input"]), given.get("dim")
    if seen is None or dim is None or not seen.shape:
        return None
    return along(trace, seen, dim % (len(seen.shape) + 1) - 1, lambda value: layer(trace, kind, {}, [value]))


@translates("local_response_norm", "input size | alpha beta k")
def lrn(trace: Any, given: dict[str, Any], result: Any) -> Made:
    options = {
        "size": given["size"],
        "alpha": given.get("alpha", 1e-4),
        "beta": given.get("beta", 0.75),
        "k": given.get("k", 1.0),
    }
    return layer(trace, "lrn", options, [trace.settled(given["input"])])


@translates("dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout", "input | p training inplace")
def dropout(trace: Any, given: dict[str, Any], result: Any) -> Made:
    rate = given.get("p", 0.5)
    if given.get("training", False) or not 0 <= rate < 1:
        return None
    return elementwise(trace, given["input"], "dropout", {"rate": rate})
