"""Operators of keras.ops in functional models: functions of each element, reductions, what moves elements, products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.keras.read.table import Call, UnreadError, own_axis, translates
from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.names import axis_word
from cnncalc.language import _

KINDS = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "Tanh": "tanh", "Selu": "selu",
    "Softplus": "softplus", "Softsign": "softsign", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_swish",
    "Mish": "mish", "LogSigmoid": "log_sigmoid", "Negative": "negative", "Sqrt": "sqrt", "Square": "square",
    "Absolute": "abs", "Abs": "abs", "Exp": "exp", "Log": "log", "Reciprocal": "reciprocal", "Sin": "sin",
    "Cos": "cos", "Erf": "erf", "Sign": "sign",
}  # fmt: skip
ROUNDED = {"Floor": "floor", "Ceil": "ceil"}


@translates(*KINDS)
def function(call: Call) -> Seen | None:
    """A function of each element that has no options."""
    return call.elementwise(KINDS[call.word])


@translates(*ROUNDED)
def round_to(call: Call) -> Seen | None:
    """The next whole number below or above."""
    return call.elementwise("round", {"to": ROUNDED[call.word]})


@translates("LeakyRelu")
def leaky_relu(call: Call) -> Seen | None:
    """The function has a slope of 0.2 where none is said, the layer one of 0.3."""
    return call.elementwise("leaky_relu", {"alpha": float(call.config.get("negative_slope", 0.2))})


@translates("Elu", "Celu")
def exponential(call: Call) -> Seen | None:
    """Elu and celu, which differ where alpha is not 1."""
    return call.elementwise(call.word.lower(), {"alpha": float(call.config.get("alpha", 1.0))})


@translates("Gelu")
def gelu(call: Call) -> Seen | None:
    """By tanh, or exactly."""
    # keras.ops.gelu goes by tanh unless told otherwise; the activation "gelu" of a layer does not.
    return call.elementwise("gelu", {"approximate": "tanh"} if call.config.get("approximate", True) else {})


@translates("LogSoftmax")
def log_softmax(call: Call) -> Seen | None:
    """Over one axis."""
    axis = call.config.get("axis", -1)
    return call.along(ours(call, [axis])[0], "log_softmax", {}) if isinstance(axis, int) else None


@translates("Power")
def power(call: Call) -> Seen | None:
    """A value to a power; a number to the power of a value is no kind."""
    if len(call.numbers) != 1 or not call.arguments or isinstance(call.arguments[0], (int, float)):
        return None
    exponent = call.numbers[0]
    return call.elementwise("square") if exponent == 2 else call.elementwise("power", {"exponent": float(exponent)})


@translates("Clip")
def clip(call: Call) -> Seen | None:
    """Between two bounds."""
    return call.elementwise("clamp", {"low": call.config.get("x_min"), "high": call.config.get("x_max")})


# --- axes
# Axes of operators count the samples: an operator over them is refused, as a network has one sample at a time.


def ours(call: Call, axes: Sequence[int]) -> list[int]:
    """Axes of Keras, the samples counted, as axes of a sample. Raises UnreadError for that of the samples."""
    rank = len(call.x.shape)
    found = [own_axis(axis, rank) for axis in axes]
    if any(axis < 0 for axis in found):
        raise UnreadError(_("it goes over the samples"))
    return found


REDUCED = {"Mean": "reduce_mean", "Max": "reduce_max", "Min": "reduce_min", "Sum": "reduce_sum"}
POOLED = {"Mean": "global_avgpool", "Max": "global_maxpool"}


@translates("Mean", "Sum", "Max", "Min", "Amax", "Amin")
def reduce_axes(call: Call) -> Seen | None:
    """Over axes: over all but the channels a global pooling."""
    word = call.word.removeprefix("A").capitalize()
    axes = call.config.get("axis")
    if axes is None:
        return None  # over the samples too
    rank = len(call.x.shape)
    over = sorted(set(ours(call, axes if isinstance(axes, list) else [axes])))
    kept = [axis for axis in range(rank) if axis not in over]
    left = tuple(n for axis, n in enumerate(call.x.shape) if axis in kept) or (1,)
    keeps = bool(call.config.get("keepdims"))
    # Over all places of a map: the pooling that people know it by.
    if word in POOLED and kept == [rank - 1] and 1 < rank <= 4:
        made = call.along(rank - 1, POOLED[word], {})
    else:
        seen, base = layouts.in_base(call.b, call.x, over, call.at)
        words = "".join(axis_word(axis, len(seen.base)) for axis in sorted(base))
        value = call.b.add(call.name, REDUCED[word], {"axes": words}, [seen.value], at=call.at)
        made = seen._replace(value=value, base=call.b.shape(value))
    return made if made is None or keeps else made.reshape(left, f"{call.name}.")


@translates("ExpandDims")
def expand_dims(call: Call) -> Seen | None:
    """New axes of one element, by their places in the result."""
    axes = call.config["axis"]
    listed = axes if isinstance(axes, list) else [axes]
    rank = len(call.x.shape) + len(listed) + 1
    new = {int(axis) % rank for axis in listed}
    left = iter(call.x.shape)
    return None if 0 in new else call.x.reshape(tuple(1 if i in new else next(left) for i in range(1, rank)))


@translates("Squeeze")
def squeeze(call: Call) -> Seen | None:
    """Without axes of one element; a scalar has one axis here."""
    axes = call.config.get("axis")
    if axes is None:
        return None  # the samples too, where there is one
    gone = ours(call, axes if isinstance(axes, list) else [axes])
    return call.x.reshape(tuple(n for axis, n in enumerate(call.x.shape) if axis not in gone) or (1,))


@translates("Transpose")
def transpose(call: Call) -> Seen | None:
    """All axes in another order, the samples first as before."""
    axes = call.config.get("axes")
    if not axes or axes[0] != 0:
        return None
    return call.x.permute(tuple(int(axis) - 1 for axis in axes[1:]), f"{call.name}.")


@translates("Matmul")
def matmul(call: Call) -> Seen | None:
    """Products of two values, over the last axis of the first and the last but one of the second."""
    if len(call.entering) != 2:
        return None
    plain = [make_plain(call.b, seen, call.at) for seen in call.entering]
    value = call.b.add(call.name, "matmul", {}, [seen.value for seen in plain], at=call.at)
    return call.see(value)


# --- parts


def part(call: Call, whole: Seen, axis: int, start: int, stop: int, name: str) -> Seen:
    """Elements start up to stop of an axis."""
    if (start, stop) == (0, whole.shape[axis]):
        return whole
    seen, (base,) = layouts.in_base(call.b, whole, [axis], call.at)
    options = {"range": (start, stop), "axis": axis_word(base, len(seen.base)) if base else None}
    value = call.b.add(name, "slice", options, [seen.value], at=call.at)
    return seen._replace(value=value, base=call.b.shape(value))


def pick(call: Call, whole: Seen, axis: int, places: Sequence[int], name: str) -> Seen:
    """Elements of an axis by their numbers. Raises UnreadError where there are none."""
    if not places:
        raise UnreadError(_("nothing is left of an axis"))
    seen, (base,) = layouts.in_base(call.b, whole, [axis], call.at)
    options = {"indices": list(places), "axis": axis_word(base, len(seen.base)) if base else None}
    value = call.b.add(name, "take", options, [seen.value], at=call.at)
    return seen._replace(value=value, base=call.b.shape(value))


@translates("Flip")
def flip(call: Call) -> Seen | None:
    """Axes the other way round: their elements, the last one first."""
    axes = call.config.get("axis")
    if axes is None:
        return None  # the samples too
    seen = call.x
    for axis in ours(call, axes if isinstance(axes, list) else [axes]):
        seen = pick(call, seen, axis, range(seen.shape[axis] - 1, -1, -1), call.name)
    return seen


@translates("Roll")
def roll(call: Call) -> Seen | None:
    """What leaves an axis at one end comes back at the other. Over several axes at once it is not read."""
    shift, axis = call.config["shift"], call.config.get("axis")
    if not isinstance(shift, int) or not isinstance(axis, int):
        return None
    seen, (base,) = layouts.in_base(call.b, call.x, ours(call, [axis]), call.at)
    options = {"shift": shift, "axis": axis_word(base, len(seen.base)) if base else None}
    return seen._replace(value=call.b.add(call.name, "roll", options, [seen.value], at=call.at))


COMPARED = {"Greater": "greater", "Less": "less", "Equal": "equal"}
OPPOSITE = {"GreaterEqual": "less", "LessEqual": "greater", "NotEqual": "equal"}


@translates(*COMPARED, *OPPOSITE)
def compare(call: Call) -> Seen | None:
    """1 where it is so, else 0."""
    if len(call.entering) != 2:
        return None
    kind = COMPARED.get(call.word) or OPPOSITE[call.word]
    made = call.merge(kind, call.entering)
    return made if made is None or call.word in COMPARED else deny(call, made)


def deny(call: Call, condition: Seen) -> Seen:
    """1 - c of a condition."""
    options = {"factor": -1, "offset": 1}
    return call._replace(entering=(condition,)).elementwise("rescale", options, f"{call.name}/denial")


@translates("Where")
def where(call: Call) -> Seen | None:
    """c a + (1 - c) b of a condition c: as arithmetic, since no kind chooses."""
    if len(call.entering) != 3:
        return None
    holds, *sides = call.entering
    products = []
    for side, factor in zip(sides, (holds, deny(call, holds)), strict=True):
        made = call.merge("multiply", [side, factor], f"{call.name}/product")
        products += [made] if made is not None else []
    if len(products) < 2:
        return None
    return call.merge("add", products)


@translates("GetItem")
def get_item(call: Call) -> Seen | None:
    """x[:, 0, 1:5]: whole samples, and of other axes one place or those from one on up to another."""
    keys = call.arguments[1] if len(call.arguments) > 1 else None
    keys = keys if isinstance(keys, list) else [keys]
    rank = 1 + len(call.x.shape)
    dots = [i for i, key in enumerate(keys) if kind_of(key) == "__ellipsis__"]
    # `...` stands for as many whole axes as are left over.
    if dots:
        whole: list[Any] = [{"class_name": "__slice__", "config": {}}] * (rank - len(keys) + 1)
        keys = [*keys[: dots[0]], *whole, *keys[dots[0] + 1 :]]
    if len(dots) > 1 or len(keys) > rank or not all(type(k) is int or kind_of(k) == "__slice__" for k in keys):
        return None
    list(call.numbers[:0])  # the numbers among its arguments are the places
    seen, gone = call.x, []
    for axis, key in enumerate(keys, start=-1):
        config = {} if type(key) is int else key["config"]
        bounds = slice(*(config.get(name) for name in ("start", "stop", "step")))
        if axis < 0:
            if type(key) is int or bounds != slice(None):
                raise UnreadError(_("it takes a part of the samples"))
            continue
        n = seen.shape[axis]
        start, stop, step = (key % n, key % n + 1, 1) if type(key) is int else bounds.indices(n)
        if step != 1:
            seen = pick(call, seen, axis, range(start, stop, step), call.name)
            continue
        if stop <= start:
            return None
        # The axis of one place stays until all are cut, so that the others keep their numbers.
        gone += [axis] if type(key) is int else []
        seen = part(call, seen, axis, start, stop, call.name)
    return seen.reshape(tuple(n for i, n in enumerate(seen.shape) if i not in gone) or (1,)) if gone else seen


def kind_of(key: Any) -> Any:
    """What a place that is no number is: a slice, or dots."""
    return key.get("class_name") if isinstance(key, dict) else None


@translates("Split")
def split(call: Call) -> list[Seen] | None:
    """An axis in so many equal parts, or cut at these places."""
    places = call.config["indices_or_sections"]
    [axis] = ours(call, [call.config.get("axis", 0)])
    n = call.x.shape[axis]
    if isinstance(places, int):
        if n % places:
            return None
        places = range(n // places, n, n // places)
    bounds = [0, *(int(i) for i in places), n]
    if sorted(set(bounds)) != bounds:
        return None
    pairs = pairwise(bounds)
    return [part(call, call.x, axis, a, b, f"{call.name}/{i}") for i, (a, b) in enumerate(pairs)]


@translates("Stack")
def stack(call: Call) -> Seen | None:
    """Values side by side along an axis of their own."""
    rank = len(call.x.shape) + 1
    axis = own_axis(call.config.get("axis", 0), rank)
    if axis < 0 or len({seen.shape for seen in call.entering}) > 1:
        return None
    # A stack is a concat along an axis of one element, which each gets first.
    apart = [seen.reshape((*seen.shape[:axis], 1, *seen.shape[axis:])) for seen in call.entering]
    values = [layouts.settle(call.b, seen, call.at) for seen in apart]
    options = {"axis": axis_word(axis, rank)} if axis else {}
    value = call.b.add(call.name, "concat", options, values, at=call.at)
    found = call.see(value)
    return found if prod(found.shape) == len(apart) * prod(call.x.shape) else None
