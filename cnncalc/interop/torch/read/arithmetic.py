"""Functions of torch that combine values: sums, products, concatenations, and arithmetic with numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.layouts import settle
from cnncalc.interop.torch.read.making import along, elementwise, joined, layer, over_last_axis, whole
from cnncalc.interop.torch.read.table import Made, translates
from cnncalc.layers.options import SPATIAL


def merged_values(trace: Any, kind: str, tensors: Sequence[Any]) -> Made:
    """Values that are laid out alike are merged as they are."""
    seen = [trace.of(tensor) for tensor in tensors]
    name, place = trace.name(kind), trace.place(kind)
    return layouts.merged(trace.b, seen, lambda values: trace.b.add(name, kind, {}, values, at=place), place)


@translates("add iadd radd", "input other | alpha")
def add(trace: Any, given: dict[str, Any], result: Any) -> Made:
    one, other = given["input"], given["other"]
    if given.get("alpha", 1) != 1:
        return None
    if trace.of(one) and trace.of(other):
        return merged_values(trace, "add", (one, other))
    return with_number(trace, one, other, lambda n: {"offset": n}) or shifted(trace, one, other)


@translates("sub isub subtract", "input other | alpha")
def sub(trace: Any, given: dict[str, Any], result: Any) -> Made:
    if given.get("alpha", 1) != 1 or not trace.of(given["input"]):
        return None
    if trace.of(given["other"]):
        return merged_values(trace, "subtract", (given["input"], given["other"]))
    return with_number(trace, given["input"], given["other"], lambda n: {"offset": -n})


@translates("rsub", "input other | alpha")
def rsub(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return with_number(trace, given["input"], given["other"], lambda n: {"factor": -1.0, "offset": n})


@translates("neg negative", "input")
def neg(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return elementwise(trace, given["input"], "rescale", {"factor": -1.0})


@translates("mul imul rmul multiply", "input other")
def mul(trace: Any, given: dict[str, Any], result: Any) -> Made:
    one, other = given["input"], given["other"]
    if trace.of(one) and trace.of(other):
        return merged_values(trace, "multiply", (one, other))
    return with_number(trace, one, other, lambda n: {"factor": n}) or scaled(trace, one, other)


@translates("div truediv itruediv divide true_divide", "input other | rounding_mode")
def div(trace: Any, given: dict[str, Any], result: Any) -> Made:
    one, other = given["input"], given["other"]
    if given.get("rounding_mode") or not trace.of(one):
        return None
    if trace.of(other):
        return merged_values(trace, "divide", (one, other))
    if isinstance(other, (int, float)) and not other:
        return None
    return with_number(trace, one, other, lambda n: {"factor": 1 / n})


@translates("minimum", "input other")
def minimum(trace: Any, given: dict[str, Any], result: Any) -> Made:
    one, other = given["input"], given["other"]
    return merged_values(trace, "minimum", (one, other)) if trace.of(one) and trace.of(other) else None


def with_number(trace: Any, one: Any, other: Any, options: Callable[[float], dict[str, Any]]) -> Made:
    """A value combined with a number of Python, or with fixed numbers, one for each channel."""
    tensor, number = (one, other) if trace.of(one) else (other, one)
    if trace.of(tensor) is None or isinstance(number, bool):
        return None
    if isinstance(number, (int, float)):
        found = options(float(number))
        if all(value == {"factor": 1.0, "offset": 0.0}[key] for key, value in found.items()):
            return trace.of(tensor)
        return elementwise(trace, tensor, "rescale", found)
    fixed = trace.fixed(number)
    if fixed is None:
        return None
    if fixed.numel() == 1:
        return with_number(trace, tensor, fixed.item(), options)
    return per_channel(trace, tensor, fixed, options)


def per_channel(trace: Any, tensor: Any, fixed: Any, options: Callable[[float], dict[str, Any]]) -> Made:
    """A value combined with fixed numbers that differ along one axis."""
    seen = trace.of(tensor)
    sizes = [1] * (len(seen.shape) + 1 - fixed.ndim) + list(fixed.shape)
    long = [axis for axis, n in enumerate(sizes) if n > 1]
    if len(long) != 1 or long[0] == 0 or sizes[long[0]] != seen.shape[long[0] - 1]:
        return None
    each = [options(number) for number in fixed.flatten().tolist()]
    listed = {key: [found[key] for found in each] for key in each[0]}
    return along(trace, seen, long[0] - 1, lambda value: layer(trace, "rescale", listed, [value]))


def shared_axes(trace: Any, tensor: Any, weights: Any) -> tuple[int, ...] | None:
    """The axes along which weights differ, counted without the samples. None where they are not the module's own."""
    seen = trace.of(tensor)
    if (
        not hasattr(weights, "ndim")
        or not whole(trace, weights)
        or not seen.shape
        or weights.ndim > len(seen.shape) + 1
    ):
        return None
    sizes = [1] * (len(seen.shape) + 1 - weights.ndim) + list(weights.shape)
    fits = sizes[0] == 1 and all(n in (1, m) for n, m in zip(sizes[1:], seen.shape, strict=True))
    return tuple(axis for axis, n in enumerate(sizes[1:]) if n > 1) if fits else None


def with_weights(trace: Any, kind: str, tensor: Any, weights: Any, axes: tuple[int, ...]) -> Made:
    """A layer of trained numbers, each for the elements that share it: `scale` or `shift`."""
    seen = trace.of(tensor)
    if len(axes) == 1 and (len(seen.shape) > 1 or seen.moves):
        return along(trace, seen, axes[0], lambda value: layer(trace, kind, {}, [value], (weights,)))
    letters = "c" + SPATIAL.get(len(seen.shape), "")
    per = "".join(letters[axis] for axis in axes)
    per = {"": "layer", "c": "channel", letters: "element"}.get(per, per)
    return layer(trace, kind, {"per": per}, [trace.settled(tensor)], (weights,))


def scaled(trace: Any, one: Any, other: Any) -> Made:
    """A value times trained numbers."""
    tensor, weights = (one, other) if trace.of(one) else (other, one)
    axes = shared_axes(trace, tensor, weights)
    return None if axes is None else with_weights(trace, "scale", tensor, weights, axes)


def shifted(trace: Any, one: Any, other: Any) -> Made:
    """A value plus trained numbers: a part of the layer right before it, where that may have it, or one of its own."""
    tensor, weights = (one, other) if trace.of(one) else (other, one)
    axes = shared_axes(trace, tensor, weights)
    if axes is None:
        return None
    seen, last = trace.of(tensor), len(trace.b.nodes) - 1
    node = trace.b.nodes[last] if 0 <= last == seen.value - len(trace.b.inputs) else None
    if node is None or node.weights_of is not None or any(s in trace.owners for s in trace.sources(weights)):
        return with_weights(trace, "shift", tensor, weights, axes)
    if node.layer.kind == "conv" and not node.layer.bias and not seen.moves and tuple(weights.shape) == seen.shape:
        return biased(trace, seen, weights)
    behind = node.layer.kind == "scale" and not node.layer.shift and node.layer.per == "channel"
    if len(axes) != 1 or not behind or seen.first(axes[0])[0].moves:
        return with_weights(trace, "shift", tensor, weights, axes)
    trace.b.nodes[last] = node._replace(layer=trace.b.layer("scale", {"shift": True}))
    trace.b.facts[last] = trace.b.nodes[last].layer.facts(seen.base)
    for source in trace.sources(weights):
        trace.owners.setdefault(source, seen.value)
    return seen


def biased(trace: Any, seen: Any, weights: Any) -> Made:
    """A bias of its own for every unit of the convolution before."""
    last = len(trace.b.nodes) - 1
    if not whole(trace, weights):
        return None
    trace.b.nodes[last] = trace.b.nodes[last]._replace(layer=trace.b.nodes[last].layer.replace(bias="per_unit"))
    trace.b.facts[last] = trace.b.nodes[last].layer.facts(*(trace.b.shape(v) for v in trace.b.nodes[last].reads))
    for source in trace.sources(weights):
        trace.owners.setdefault(source, seen.value)
    return seen


@translates("maximum", "input other")
def maximum(trace: Any, given: dict[str, Any], result: Any) -> Made:
    return (
        merged_values(trace, "maximum", (given["input"], given["other"]))
        if trace.of(given["input"]) and trace.of(given["other"])
        else None
    )


@translates("cat concat concatenate", "tensors | dim")
def cat(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Along the channels, which are another axis where all are permuted alike."""
    tensors = list(given["tensors"])
    seen = [trace.of(tensor) for tensor in tensors]
    if not all(seen):
        return None
    if len(tensors) == 1:
        return seen[0]
    axis = given.get("dim", 0) % result.ndim - 1
    if axis < 0 or not all(s.shape for s in seen):
        return None
    path = trace.inside()
    fronts = [s.first(axis, path) for s in seen]
    made = layer(trace, "concat", {}, [settle(trace.b, front, trace.place()) for front, _back in fronts])
    return None if made is None else made.permuted(fronts[0][1], path)


@translates("stack", "tensors | dim")
def stack(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A new axis, along which they stand one behind the other."""
    axis = given.get("dim", 0) % result.ndim - 1
    seen = [trace.of(tensor) for tensor in given["tensors"]]
    if axis < 0 or not all(seen):
        return None
    apart = [s.reshaped((*s.shape[:axis], 1, *s.shape[axis:]), trace.inside()) for s in seen]
    return joined(trace, apart, axis)


@translates("matmul bmm rmatmul", "input other")
def matmul(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Of two arrays of data; or with weights, which are a linear layer without a bias."""
    one, other = given["input"], given["other"]
    if trace.of(one) and trace.of(other):
        if one.ndim != other.ndim or one.ndim < 3:
            return None
        return layer(trace, "matmul", {}, [trace.settled(one), trace.settled(other)])
    if not trace.of(one) or getattr(other, "ndim", 0) != 2 or not whole(trace, other):
        return None
    return over_last_axis(trace, trace.of(one), {"units": other.shape[1], "bias": False}, (other,))
