"""Functions of torch that combine values: sums, products, concatenations, and arithmetic with numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.interop.layouts import Seen, in_base
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.making import (
    along,
    apply,
    as_value,
    elementwise,
    join,
    layer,
    merge_seen,
    whole,
    without_reshape,
)
from cnncalc.interop.torch.read.samples import join_batches, join_samples
from cnncalc.interop.torch.read.table import BATCH, Made, translates


def merge_values(trace: Any, kind: str, one: Any, other: Any) -> Made:
    """Two tensors of which the values are known."""
    return merge_seen(trace, kind, [trace.of(one), trace.of(other)])


@translates("add iadd radd", "input other | alpha", anywhere=True)
def add(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A value plus another, or plus numbers."""
    if given.get("alpha", 1) != 1:
        return None
    return combine(trace, "add", given["input"], given["other"], lambda n: {"offset": n}, shift_values)


def combine(
    trace: Any,
    kind: str,
    one: Any,
    other: Any,
    by_number: Callable[[float], dict[str, Any]],
    by_weights: Callable[[Any, Any, Any], Made],
) -> Made:
    """Sums and products, in which it does not matter what comes first."""
    if trace.of(one) and trace.of(other):
        return merge_values(trace, kind, one, other)
    # A number first: it stores nothing. Then one for each channel. What is left stands in the graph as a value.
    return (
        with_number(trace, one, other, by_number)
        or by_weights(trace, one, other)
        or with_numbers(trace, kind, one, other)
    )


@translates("sub isub subtract", "input other | alpha", anywhere=True)
def sub(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The first less the second."""
    one, other = given["input"], given["other"]
    if given.get("alpha", 1) != 1:
        return None
    if trace.of(one) and trace.of(other):
        return merge_values(trace, "subtract", one, other)
    if trace.of(one) is None:
        return with_numbers(trace, "subtract", one, other)
    return with_number(trace, one, other, lambda n: {"offset": -n}) or with_numbers(trace, "subtract", one, other)


@translates("rsub", "input other | alpha", anywhere=True)
def rsub(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The second less the first."""
    one, other = given["input"], given["other"]
    if given.get("alpha", 1) != 1:
        return None
    by_number = with_number(trace, one, other, lambda n: {"factor": -1.0, "offset": n})
    return by_number or sub(trace, {"input": other, "other": one}, result)


@translates("neg negative", "input", anywhere=True)
def neg(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """0 less a value."""
    return elementwise(trace, given["input"], "negative")


@translates("mul imul rmul multiply", "input other", anywhere=True)
def mul(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A value times another, or times numbers."""
    return combine(trace, "multiply", given["input"], given["other"], lambda n: {"factor": n}, scale_values)


@translates("div truediv itruediv divide true_divide", "input other | rounding_mode", anywhere=True)
def div(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The first over the second; rounded it is no kind."""
    one, other = given["input"], given["other"]
    if given.get("rounding_mode"):
        return None
    if trace.of(one) and trace.of(other):
        return merge_values(trace, "divide", one, other)
    if isinstance(other, (int, float)) and not other:
        return None
    # with_number takes a number on either side, and 2 / x is not x / 2.
    by_number = with_number(trace, one, other, lambda n: {"factor": 1 / n}) if trace.of(one) else None
    return by_number or with_numbers(trace, "divide", one, other)


def with_numbers(trace: Any, kind: str, one: Any, other: Any) -> Made:
    """A value combined with numbers that depend on no input, in their order."""
    mine = trace.of(one) or trace.of(other)
    if not mine.shape:
        return None
    if not all(trace.of(t) or hasattr(t, "ndim") for t in (one, other)):
        return None
    # Numbers are laid beside the axes as they are seen, so those have to be axes of the graph.
    mine = without_reshape(trace, mine)
    found = [mine if trace.of(t) else as_value(trace, t, mine) for t in (one, other)]
    both = [seen for seen in found if seen is not None]
    return merge_seen(trace, kind, both) if len(both) == len(found) else None


@translates("addcmul", "input tensor1 tensor2 | value", anywhere=True)
def addcmul(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A value times trained numbers, plus others, one of each for every channel."""
    shift, factor, other = given["input"], given["tensor1"], given["tensor2"]
    if trace.of(factor):
        factor, other = other, factor
    seen = trace.of(other)
    if seen is None or trace.of(shift) or trace.of(factor) or given.get("value", 1) != 1:
        return None
    # Both along the same axis: `scale` has one shift for each factor.
    axes = shared_axes(trace, other, factor)
    if axes is None or len(axes) != 1 or axes != shared_axes(trace, other, shift):
        return None
    options = {"shift": True}
    return along(trace, seen, axes[0], lambda value: layer(trace, "scale", options, [value], (factor, shift)))


@translates("lerp", "input end weight", anywhere=True)
def lerp(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """a + w (b - a)."""
    a, b, weight = trace.of(given["input"]), trace.of(given["end"]), given["weight"]
    if a is None or b is None or not isinstance(weight, (int, float)):
        return None
    away = merge_seen(trace, "subtract", [b, a])
    if away is None:
        return None
    return merge_seen(trace, "add", [a, apply(trace, away, "rescale", {"factor": float(weight)})])


@translates("stack", "tensors | dim", anywhere=True)
def stack(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Along an axis that was not there."""
    tensors = list(given["tensors"])
    dim = given.get("dim", 0) % result.ndim
    shape = [1 if d == dim else n for d, n in enumerate(result.shape)]
    seen = [trace.of(tensor) for tensor in tensors]
    if not all(seen) or not all(s.shape for s in seen):
        return None
    if any(s.sample > 0 for s in seen):
        return join_samples(trace, seen, dim, new=True)
    new = [s.arrange(shape, BATCH, trace.here.spot()) for s in seen]
    axis = new[0].axis(dim) if all(new) else None
    return None if axis is None else join(trace, new, axis)


@translates("minimum", "input other", anywhere=True)
def minimum(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The smaller one of each two elements."""
    one, other = given["input"], given["other"]
    return merge_values(trace, "minimum", one, other) if trace.of(one) and trace.of(other) else None


def with_number(trace: Any, one: Any, other: Any, options: Callable[[float], dict[str, Any]]) -> Made:
    """A value combined with a number of Python, or with fixed numbers, one for each channel."""
    tensor, number = (one, other) if trace.of(one) else (other, one)
    # In Python True is an int, too; here it is no number.
    if trace.of(tensor) is None or isinstance(number, bool):
        return None
    if isinstance(number, (int, float)):
        found = options(float(number))
        # x * 1 and x + 0 are written by code that serves several models: no layer, and no operation counted.
        if all(value == {"factor": 1.0, "offset": 0.0}[key] for key, value in found.items()):
            return trace.of(tensor)
        return elementwise(trace, tensor, "rescale", found)
    fixed = trace.known.read_fixed(number)
    if fixed is None:
        return None
    if fixed.numel() == 1:
        return with_number(trace, tensor, fixed.item(), options)
    return per_channel(trace, tensor, fixed, options)


def per_channel(trace: Any, tensor: Any, fixed: Any, options: Callable[[float], dict[str, Any]]) -> Made:
    """A value combined with fixed numbers that differ along one axis."""
    seen = trace.of(tensor)
    sizes = [1] * (seen.rank - fixed.ndim) + list(fixed.shape)
    long = [dim for dim, n in enumerate(sizes) if n > 1]
    axis = seen.axis(long[0]) if len(long) == 1 and seen.shape else None
    if axis is None or sizes[long[0]] != seen.shape[axis]:
        return None
    each = [options(number) for number in fixed.flatten().tolist()]
    listed = {key: [found[key] for found in each] for key in each[0]}
    return along(trace, seen, axis, lambda value: layer(trace, "rescale", listed, [value]))


def shared_axes(trace: Any, tensor: Any, weights: Any) -> tuple[int, ...] | None:
    """The axes along which weights differ, counted without the samples. None where they are not the module's own."""
    seen = trace.of(tensor)
    if not hasattr(weights, "ndim") or not whole(trace, weights) or not seen.shape or weights.ndim > seen.rank:
        return None
    sizes = [1] * (seen.rank - weights.ndim) + list(weights.shape)
    theirs = seen.lay_out(1)
    fits = all(n == 1 or (seen.axis(dim) is not None and n == theirs[dim]) for dim, n in enumerate(sizes))
    found = [seen.axis(dim) for dim, n in enumerate(sizes) if n > 1]
    return tuple(axis for axis in found if axis is not None) if fits else None


def with_weights(trace: Any, kind: str, seen: Seen, weights: Any, axes: tuple[int, ...]) -> Seen | None:
    """A layer of trained numbers, each for the elements that share it: `scale` or `shift`."""
    if len(axes) == 1 and (len(seen.shape) > 1 or seen.moves):
        return along(trace, seen, axes[0], lambda value: layer(trace, kind, {}, [value], (weights,)))
    seen, base = in_base(trace.b, seen, axes, trace.here.place())
    rank = len(seen.base)
    words = [axis_word(axis, rank) for axis in sorted(base)]
    per = "element" if len(words) == rank else {"": "layer", "c": "channel"}.get("".join(words), "".join(words))
    made = layer(trace, kind, {"per": per}, [seen.value], (weights,))
    return made and seen._replace(value=made.value)


def scale_values(trace: Any, one: Any, other: Any) -> Made:
    """A value times trained numbers."""
    tensor, weights = (one, other) if trace.of(one) else (other, one)
    axes = shared_axes(trace, tensor, weights)
    return None if axes is None else with_weights(trace, "scale", trace.of(tensor), weights, axes)


def shift_values(trace: Any, one: Any, other: Any) -> Made:
    """A value plus trained numbers: a part of the layer right before it, where that may have it, or one of its own."""
    tensor, weights = (one, other) if trace.of(one) else (other, one)
    axes = shared_axes(trace, tensor, weights)
    if axes is None:
        return None
    seen, last = trace.of(tensor), len(trace.b.nodes) - 1
    node = trace.b.nodes[last] if 0 <= last == seen.value - len(trace.b.inputs) else None
    # A layer whose weights are another's, or a shift that another has, cannot be taken together.
    if node is None or node.weights_of is not None or trace.stored.owners_of(trace.stored.sources(weights)):
        return with_weights(trace, "shift", trace.of(tensor), weights, axes)
    # A bias of its own for every unit, as the first convolutions had.
    if node.layer.kind == "conv" and not node.layer.bias and not seen.moves and tuple(weights.shape) == seen.shape:
        return take_in(trace, seen, node.layer.replace(bias="per_unit"), weights)
    # x * gamma + beta in two lines of a module is one layer with both.
    behind = node.layer.kind == "scale" and not node.layer.shift and node.layer.per == "channel"
    if len(axes) != 1 or not behind or seen.first(axes[0])[0].moves:
        return with_weights(trace, "shift", trace.of(tensor), weights, axes)
    return take_in(trace, seen, trace.b.layer("scale", {"shift": True}), weights)


def take_in(trace: Any, seen: Seen, layer: Any, weights: Any) -> Seen:
    """A value of the same shape by another layer, which has these weights too."""
    trace.b.change(seen.value, layer)
    trace.stored.assign(trace.stored.sources(weights), seen.value)
    return seen


@translates("maximum", "input other", anywhere=True)
def maximum(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The larger one of each two elements."""
    one, other = given["input"], given["other"]
    return merge_values(trace, "maximum", one, other) if trace.of(one) and trace.of(other) else None


@translates("cat concat concatenate", "tensors | dim", anywhere=True)
def cat(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """One behind the other along an axis; numbers that stand by themselves, as a class token does, are a value."""
    # Some begin a list with a tensor of no element.
    tensors = [tensor for tensor in given["tensors"] if tensor.numel()]
    known = [trace.of(tensor) for tensor in tensors]
    dim = given.get("dim", 0) % result.ndim
    if any(seen is not None and seen.sample > 0 for seen in known):
        return None if None in known else join_samples(trace, known, dim, new=False)
    like = next((seen for seen in known if seen is not None), None)
    if like is None or not like.shape:
        return None
    if None in known:  # so that what stands by itself is laid out as the others are
        known = [seen and without_reshape(trace, seen) for seen in known]
        like = next(seen for seen in known if seen is not None)
    found = [one or as_value(trace, tensor, like) for one, tensor in zip(known, tensors, strict=True)]
    seen = [one for one in found if one is not None and one.shape]
    axis = like.axis(dim)
    if len(seen) < len(found) or any(one.place != like.place for one in seen):
        return None
    return join_batches(trace, seen) if axis is None else join(trace, seen, axis)
