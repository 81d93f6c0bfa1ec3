"""Functions of torch that combine values: sums, products, concatenations, and arithmetic with numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.layouts import settle
from cnncalc.interop.torch.read.functions import Made, along, elementwise, layer, translates, whole


def merged(t: Any, kind: str, tensors: Sequence[Any]) -> Made:
    """Values that are laid out alike are merged as they are."""
    seen = [t.of(tensor) for tensor in tensors]
    name, place = t.name(kind), t.place(kind)
    return layouts.merged(t.b, seen, lambda values: t.b.add(name, kind, {}, values, at=place), place)


@translates("add iadd radd", "input other | alpha")
def add(t: Any, a: dict[str, Any], result: Any) -> Made:
    one, other = a["input"], a["other"]
    if a.get("alpha", 1) != 1:
        return None
    if t.of(one) and t.of(other):
        return merged(t, "add", (one, other))
    return with_number(t, one, other, lambda n: {"offset": n}) or shifted(t, one, other)


@translates("sub isub subtract", "input other | alpha")
def sub(t: Any, a: dict[str, Any], result: Any) -> Made:
    if a.get("alpha", 1) != 1 or not t.of(a["input"]):
        return None
    return with_number(t, a["input"], a["other"], lambda n: {"offset": -n})


@translates("rsub", "input other | alpha")
def rsub(t: Any, a: dict[str, Any], result: Any) -> Made:
    return with_number(t, a["input"], a["other"], lambda n: {"factor": -1.0, "offset": n})


@translates("neg negative", "input")
def neg(t: Any, a: dict[str, Any], result: Any) -> Made:
    return elementwise(t, a["input"], "rescale", {"factor": -1.0})


@translates("mul imul rmul multiply", "input other")
def mul(t: Any, a: dict[str, Any], result: Any) -> Made:
    one, other = a["input"], a["other"]
    if t.of(one) and t.of(other):
        return merged(t, "multiply", (one, other))
    return with_number(t, one, other, lambda n: {"factor": n}) or scaled(t, one, other)


@translates("div truediv itruediv divide true_divide", "input other | rounding_mode")
def div(t: Any, a: dict[str, Any], result: Any) -> Made:
    if a.get("rounding_mode") or not t.of(a["input"]) or type(a["other"]) not in (int, float) or not a["other"]:
        return None
    return with_number(t, a["input"], a["other"], lambda n: {"factor": 1 / n})


def with_number(t: Any, one: Any, other: Any, options: Callable[[float], dict[str, Any]]) -> Made:
    """A value combined with a number of Python."""
    tensor, number = (one, other) if t.of(one) else (other, one)
    if t.of(tensor) is None or not isinstance(number, (int, float)) or isinstance(number, bool):
        return None
    found = options(float(number))
    if all(value == {"factor": 1.0, "offset": 0.0}[key] for key, value in found.items()):
        return t.of(tensor)
    return elementwise(t, tensor, "rescale", found)


def channel_axis(t: Any, tensor: Any, weights: Any) -> int | None:
    """The one axis along which weights differ, counted without the samples; all of them trained and the module's."""
    seen = t.of(tensor)
    if not whole(t, weights) or not seen.shape or weights.ndim > len(seen.shape) + 1:
        return None
    sizes = [1] * (len(seen.shape) + 1 - weights.ndim) + list(weights.shape)
    wide_axes = [axis for axis, n in enumerate(sizes) if n > 1]
    return wide_axes[0] - 1 if len(wide_axes) == 1 and wide_axes[0] > 0 else None


def scaled(t: Any, one: Any, other: Any) -> Made:
    """A value times trained numbers, one for each channel."""
    tensor, weights = (one, other) if t.of(one) else (other, one)
    if not hasattr(weights, "ndim"):
        return None
    axis = channel_axis(t, tensor, weights)
    if axis is None:
        return None
    return along(t, t.of(tensor), axis, lambda value: layer(t, "scale", {}, [value], (weights,)))


def shifted(t: Any, one: Any, other: Any) -> Made:
    """A value plus trained numbers, one for each channel, right behind their product with others: one layer."""
    tensor, weights = (one, other) if t.of(one) else (other, one)
    if not hasattr(weights, "ndim"):
        return None
    seen, axis, last = t.of(tensor), channel_axis(t, tensor, weights), len(t.b.nodes) - 1
    if last < 0 or seen.value != last + len(t.b.inputs):
        return None
    node = t.b.nodes[last]
    if node.layer.kind == "conv" and not node.layer.bias and not seen.moves and tuple(weights.shape) == seen.shape:
        return biased(t, seen, weights)
    behind = node.layer.kind == "scale" and not node.layer.shift
    if axis is None or not behind or node.weights_of is not None or seen.first(axis)[0].moves:
        return None
    t.b.nodes[last] = node._replace(layer=t.b.layer("scale", {"shift": True}))
    t.b.facts[last] = t.b.nodes[last].layer.facts(seen.base)
    for source in t.sources(weights):
        t.owners.setdefault(source, seen.value)
    return seen


def biased(t: Any, seen: Any, weights: Any) -> Made:
    """A bias of its own for every unit of the convolution before."""
    last = len(t.b.nodes) - 1
    if not whole(t, weights):
        return None
    t.b.nodes[last] = t.b.nodes[last]._replace(layer=t.b.nodes[last].layer.replace(bias="per_unit"))
    t.b.facts[last] = t.b.nodes[last].layer.facts(*(t.b.shape(v) for v in t.b.nodes[last].reads))
    for source in t.sources(weights):
        t.owners.setdefault(source, seen.value)
    return seen


@translates("maximum", "input other")
def maximum(t: Any, a: dict[str, Any], result: Any) -> Made:
    return merged(t, "maximum", (a["input"], a["other"])) if t.of(a["input"]) and t.of(a["other"]) else None


@translates("max", "input | dim")
def largest(t: Any, a: dict[str, Any], result: Any) -> Made:
    both = a.get("dim")
    return merged(t, "maximum", (a["input"], both)) if t.of(a["input"]) and t.of(both) else None


@translates("cat concat concatenate", "tensors | dim")
def cat(t: Any, a: dict[str, Any], result: Any) -> Made:
    """Along the channels, which are another axis where all are permuted alike."""
    tensors = list(a["tensors"])
    seen = [t.of(tensor) for tensor in tensors]
    if not all(seen):
        return None
    if len(tensors) == 1:
        return seen[0]
    axis = a.get("dim", 0) % result.ndim - 1
    if axis < 0 or not all(s.shape for s in seen):
        return None
    path = t.inside()
    fronts = [s.first(axis, path) for s in seen]
    made = layer(t, "concat", {}, [settle(t.b, front, t.place()) for front, _back in fronts])
    return None if made is None else made.permuted(fronts[0][1], path)
