"""Functions of torch that compute element by element, or over one axis."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.layouts import Seen, in_base, through
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.making import along, elementwise, layer, merge_seen
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
    "logsigmoid": "log_sigmoid",
    "log_sigmoid": "log_sigmoid",
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


# Functions with one number: the kind, the signature, the argument and what it is where it is not given.
WITH_NUMBER = (
    ("leaky_relu", "input | negative_slope inplace", "negative_slope", 0.01),
    ("elu", "input | alpha inplace", "alpha", 1.0),
    ("celu", "input | alpha inplace", "alpha", 1.0),
    ("softshrink", "input | lambd", "lambd", 0.5),
    ("hardshrink", "input | lambd", "lambd", 0.5),
)


def comparison(kind: str) -> Any:
    """Whether one is above the other: 1 or 0, once it is a number again."""

    def handle(trace: Any, given: dict[str, Any], result: Any) -> Made:
        # With a number it is a step of a difference; no kind compares with one.
        one, other = trace.of(given["input"]), given["other"]
        if one is not None and kind != "equal" and type(other) in (int, float):
            return beyond(trace, given["input"], float(other), above=kind == "greater")
        if one is None or trace.of(other) is None:
            return None
        return merge_seen(trace, kind, [one, trace.of(other)])

    return handle


def beyond(trace: Any, tensor: Any, bound: float, *, above: bool) -> Seen:
    """Whether elements are above a number, or below it: whether the difference is above 0."""
    place, seen = trace.here.place("step"), trace.of(tensor)
    # A bound of 0 moves nothing: None, and no option.
    moved = {"offset": -bound or None} if above else {"factor": -1.0, "offset": bound or None}

    def add(value: int) -> int:
        if bound or not above:
            value = trace.b.add(trace.here.name_behind(value, "rescale"), "rescale", moved, [value], at=place)
        return int(trace.b.add(trace.here.name_behind(value, "step"), "step", {}, [value], at=place))

    return through(trace.b, seen, add, place)


for _word, _kind in (("gt greater", "greater"), ("lt less", "less"), ("eq", "equal")):
    translates(_word, "input other", anywhere=True)(comparison(_kind))


def by_itself(kind: str) -> Any:
    """The handler of a function without options."""
    return lambda trace, given, result: elementwise(trace, given["input"], kind)


for _word, _kind in KINDS.items():
    translates(_word, "input | inplace", anywhere=True)(by_itself(_kind))


def by_number(kind: str, argument: str, usual: float) -> Any:
    """The handler of a function with a number."""
    return lambda trace, given, result: elementwise(trace, given["input"], kind, {"alpha": given.get(argument, usual)})


# Handlers that are made in a loop: each by a function of its own, as all lambdas of a loop see its last value.
for _kind, _signature, _argument, _usual in WITH_NUMBER:
    translates(_kind, _signature, anywhere=True)(by_number(_kind, _argument, _usual))


@translates("gelu", "input | approximate", anywhere=True)
def gelu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """By erf, or by the formula with tanh."""
    approximate = given.get("approximate", "none")
    return elementwise(trace, given["input"], "gelu", {} if approximate == "none" else {"approximate": approximate})


@translates("softplus", "input | beta threshold", anywhere=True)
def softplus(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """log(1 + exp(x)), of beta 1 alone."""
    return elementwise(trace, given["input"], "softplus") if given.get("beta", 1) == 1 else None


@translates("hardtanh", "input | min_val max_val inplace", anywhere=True)
def hardtanh(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], given.get("min_val", -1.0), given.get("max_val", 1.0))


@translates("clamp clip", "input | min max", anywhere=True)
def clamp(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], given.get("min"), given.get("max"))


@translates("clamp_min", "input min", anywhere=True)
def clamp_min(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], given["min"], None)


def between(trace: Any, tensor: Any, low: Any, high: Any) -> Made:
    """Kept between two numbers; between 0 and 6, or above 0, it has a name of its own."""
    if not all(bound is None or isinstance(bound, (int, float)) for bound in (low, high)):
        return None
    if low == 0 and (high is None or high == 6):
        return elementwise(trace, tensor, "relu" if high is None else "relu6")
    return elementwise(trace, tensor, "clamp", {"low": low, "high": high})


@translates("clamp_max", "input max", anywhere=True)
def clamp_max(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return between(trace, given["input"], None, given["max"])


@translates("pow float_power", "input exponent", anywhere=True)
def power(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """To a power that is a number; some have a name of their own."""
    exponent = given["exponent"]
    if not isinstance(exponent, (int, float)) or trace.of(given["input"]) is None:
        return None
    # torch computes these two otherwise, and so does everybody who writes them.
    kind = {2: "square", 0.5: "sqrt"}.get(exponent)
    return elementwise(trace, given["input"], kind or "power", None if kind else {"exponent": float(exponent)})


@translates("rsqrt", "input", anywhere=True)
def rsqrt(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """1 over the root."""
    return elementwise(trace, given["input"], "power", {"exponent": -0.5})


def round_to(to: str) -> Any:
    """The handler of a function that rounds."""
    return lambda trace, given, result: elementwise(trace, given["input"], "round", {"to": to})


for _word, _to in ROUNDED.items():
    translates(_word, "input", anywhere=True)(round_to(_to))


@translates("softmax", "input | dim", anywhere=True)
def softmax(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return over_axis(trace, given, "softmax")


@translates("log_softmax", "input | dim", anywhere=True)
def log_softmax(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return over_axis(trace, given, "log_softmax")


def over_axis(trace: Any, given: dict[str, Any], kind: str) -> Made:
    """A function over one axis, whichever it is."""
    seen, dim = trace.of(given["input"]), given.get("dim")
    if seen is None or dim is None or not seen.shape:
        return None
    axis = seen.axis(dim % seen.rank)
    if axis is None:
        return None
    # The axis is named as it lies in the graph, in front of permutations that are only noted so far.
    seen, (base,) = in_base(trace.b, seen, [axis], trace.here.place())
    made = layer(trace, kind, {"axis": axis_word(base, len(seen.base))} if base else {}, [seen.value])
    return made and seen._replace(value=made.value)


@translates("glu", "input | dim")
def glu(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Over one axis, which is taken for the channels."""
    seen, dim = trace.of(given["input"]), given.get("dim", -1)
    if seen is None or not seen.shape:
        return None
    # torch counts the samples as axis 0: dim 1, or -3 of an image, is axis 0 of the map.
    return along(trace, seen, dim % (len(seen.shape) + 1) - 1, lambda value: layer(trace, "glu", {}, [value]))


@translates("local_response_norm", "input size | alpha beta k")
def lrn(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Each element over those of the channels beside it."""
    options = {
        "size": given["size"],
        "alpha": given.get("alpha", 1e-4),
        "beta": given.get("beta", 0.75),
        "k": given.get("k", 1.0),
    }
    return layer(trace, "lrn", options, [trace.settle(given["input"])])


@translates(
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout",
    "input | p training inplace",
    anywhere=True,
)
def dropout(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Nothing at inference; in training mode on purpose it changes what comes out."""
    # A rate of 1 leaves nothing.
    rate = given.get("p", 0.5)
    if given.get("training", False) or not 0 <= rate < 1:
        return None
    return elementwise(trace, given["input"], "dropout", {"rate": rate})
