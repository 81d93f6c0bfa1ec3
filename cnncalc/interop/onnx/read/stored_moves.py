"""Operators that only move a stored tensor, or hold it in another type: its values are read when they are asked for.

What is moved stays the weight that it was, by its name, so that a layer is known whose weight is stored transposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.interop.onnx.read.constants import Constant, NotKnownError
from cnncalc.interop.onnx.read.numpy_operators import cast


def transpose_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """The axes in another order."""
    order = list(attributes.get("perm") or reversed(range(len(inputs[0].dims))))
    if sorted(order) != list(range(len(inputs[0].dims))):
        raise NotKnownError("Transpose")  # no order of its axes
    # A matrix that is turned is known as such: readers of dense layers look for it.
    if order == [1, 0]:
        return inputs[0].turn()
    form = None if order == sorted(order) else ("Transpose", *order)
    return inputs[0].move_later([inputs[0].dims[i] for i in order], lambda array: array.transpose(order), form)


def reshape_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """Another shape; None where it has not as many elements."""
    dims = inputs[1].whole() if len(inputs) > 1 else list(attributes.get("shape", ()))
    keeps = not attributes.get("allowzero")
    dims = [inputs[0].dims[i] if n == 0 and keeps else n for i, n in enumerate(dims)]
    known = prod(n for n in dims if n != -1)
    dims = [inputs[0].size // known if n == -1 and known else n for n in dims]
    return inputs[0].move_later(dims, lambda array: array.reshape(dims)) if prod(dims) == inputs[0].size else None


def unsqueeze_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """With axes of one element at these places of the result."""
    axes = inputs[1].whole() if len(inputs) > 1 else list(attributes.get("axes", ()))
    rank = len(inputs[0].dims) + len(axes)
    new = {axis % rank for axis in axes}
    left = iter(inputs[0].dims)
    dims = [1 if axis in new else next(left) for axis in range(rank)]
    return inputs[0].move_later(dims, lambda array: array.reshape(dims))


def squeeze_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """Without axes of one element; None where another is named."""
    axes = inputs[1].whole() if len(inputs) > 1 else attributes.get("axes")
    rank = len(inputs[0].dims)
    gone = {i for i, n in enumerate(inputs[0].dims) if n == 1} if axes is None else {axis % rank for axis in axes}
    dims = [n for i, n in enumerate(inputs[0].dims) if i not in gone]
    return inputs[0].move_later(dims, lambda array: array.reshape(dims)) if prod(dims) == inputs[0].size else None


def flatten_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """A matrix: the axes in front of one, and those behind."""
    stored = inputs[0]
    rows = prod(stored.dims[: attributes.get("axis", 1)])
    columns = stored.size // max(1, rows)
    return stored.move_later((rows, columns), lambda array: array.reshape(rows, columns))


def same_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """What enters."""
    return inputs[0]


def quantize_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """round(x / scale) + zero, along one axis."""
    rank = len(inputs[0].dims)
    axis = attributes.get("axis", 1) % max(rank, 1)

    def values(array: Any) -> Any:
        scale = beside(inputs[1], rank, axis)
        zero = beside(inputs[2], rank, axis) if len(inputs) > 2 and inputs[2] is not None else 0
        return (array / scale).round() + zero

    return inputs[0].move_later(inputs[0].dims, values)


def beside(part: Constant, rank: int, axis: int) -> Any:
    """A number, or one for each place of an axis, to be combined with a tensor."""
    flat = part.array()
    if flat.ndim == 0 or flat.size == 1:
        return flat.reshape(())
    return flat.reshape([-1 if i == axis else 1 for i in range(rank)])


def cast_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """The same numbers in another type."""
    to = {"to": attributes["to"]}
    return inputs[0].move_later(inputs[0].dims, lambda array: cast([array], to))


def dequantize_weight(inputs: Sequence[Constant], attributes: Any) -> Constant | None:
    """(x - zero) * scale, along one axis: a stored tensor of whole numbers becomes the weight that it stands for."""
    rank = len(inputs[0].dims)
    axis = attributes.get("axis", 1) % max(rank, 1)

    def values(array: Any) -> Any:
        zero = beside(inputs[2], rank, axis).astype("float32") if len(inputs) > 2 and inputs[2] is not None else 0
        return (array.astype("float32") - zero) * beside(inputs[1], rank, axis)

    found = inputs[0].move_later(inputs[0].dims, values)
    # Whole numbers are no weights by themselves, and have no roots: what they stand for is one.
    found.roots = inputs[0].roots or ((inputs[0].name,) if inputs[0].name else ())
    return found


MOVES: dict[str, Callable[[Any, Any], Constant | None]] = {
    "Transpose": transpose_weight, "Reshape": reshape_weight, "Unsqueeze": unsqueeze_weight,
    "Squeeze": squeeze_weight, "Identity": same_weight, "Cast": cast_weight, "Flatten": flatten_weight,
    "DequantizeLinear": dequantize_weight, "QuantizeLinear": quantize_weight,
}  # fmt: skip
