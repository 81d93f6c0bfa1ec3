"""Tensors of a model that are known before it runs: weights, and the small whole numbers that shapes are made of.

A weight is its shape until somebody asks for its values. What exporters compute of shapes, Shape, Gather, Concat, is
computed here with NumPy, on a million elements at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from struct import calcsize, pack, unpack
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.interop.onnx.read.file import TYPES

LARGEST = 1_000_000  # elements that are computed with; larger tensors are weights, which are only moved
WEIGHTS = 10**12


class NotKnownError(CnncalcError):
    """A constant that cannot be worked out here."""


class Constant:
    """A tensor that is known. `values` is called for its values; `root` is the initializer that it comes from."""

    __slots__ = ("_array", "_raw", "_values", "dims", "root")

    def __init__(
        self,
        dims: Sequence[int],
        values: Callable[[], Any],
        root: str = "",
        raw: Callable[[], tuple[str, bytes]] | None = None,
    ) -> None:
        self.dims = tuple(dims)
        self._raw = raw  # the letter of the type in `struct`, and the bytes: looked at without loading NumPy
        self._values = values
        self._array: Any = None
        self.root = root

    @property
    def size(self) -> int:
        return prod(self.dims)

    def array(self) -> Any:
        """The values, of a small tensor kept. Raises WireError where the file does not hold them."""
        if self._array is None:
            found = self._values()
            if self.size > LARGEST:
                return found
            self._array = found
        return self._array

    def moved(self, dims: Sequence[int], move: Callable[[Any], Any]) -> Constant:
        """The same values in another place or shape: they are moved when they are asked for."""
        return Constant(dims, lambda: move(self.array()), self.root)

    def whole(self) -> list[int]:
        """Whole numbers, of a tensor of one axis or none. Raises NotKnownError."""
        if self.size > LARGEST:
            raise NotKnownError("too large")
        if self._raw is not None and self._array is None:
            letter, data = self._raw()
            size = calcsize(letter)
            if letter in "iq" and len(data) == size * self.size:
                return list(unpack(f"<{self.size}{letter}", data))
        return [int(n) for n in self.array().reshape(-1)]

    def number(self) -> float | None:
        """The number, of a tensor that holds one value, or the same everywhere; None for others."""
        if self.size > LARGEST or not self.size:
            return None
        if self._raw is not None and self._array is None:
            letter, data = self._raw()
            one = data[: calcsize(letter)] if letter else b""
            if one and len(data) == len(one) * self.size:
                if data != one * self.size:
                    return None
                value = unpack(f"<{letter}", one)[0]
                return shortest(value) if letter == "f" else float(value)
        array = self.array()
        first = array.reshape(-1)[0]
        return short(first) if array.dtype.kind in "fiub" and (array == first).all() else None


def constant(array: Any, root: str = "") -> Constant:
    """An array as a constant."""
    import numpy as np

    array = np.asarray(array)
    return Constant(array.shape, lambda: array, root)


def shortest(value: float) -> float:
    """A number of float32 as people write it, 1e-05: the shortest that is the same in float32."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if pack("<f", float(text)) == pack("<f", value):
            return float(text)
    return value


def short(value: Any) -> float:
    """A number of float32 as people write it: 1e-05, not 9.999999747378752e-06."""
    import numpy as np

    return float(str(np.float32(value))) if getattr(value, "dtype", None) != np.float64 else float(value)


def folded(operator: str, inputs: Sequence[Constant | None], attributes: Any, opset: int) -> list[Constant]:
    """What an operator gives on constants. Raises NotKnownError where that is not worked out here."""
    if operator in ("Shape", "Size") and inputs and inputs[0] is not None:
        return [counted(operator, inputs[0], attributes)]
    if operator in MOVES and inputs and inputs[0] is not None and inputs[0].size > LARGEST:
        found = MOVES[operator](inputs, attributes)
        if found is None:
            raise NotKnownError(operator)
        return [found]
    compute = FOLDS.get(operator)
    if compute is None or any(x is not None and x.size > LARGEST for x in inputs):
        raise NotKnownError(operator)
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            results = compute([None if x is None else x.array() for x in inputs], attributes)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, MemoryError) as error:
        raise NotKnownError(f"{operator}: {error}") from None
    root = inputs[0].root if inputs and inputs[0] is not None and operator in ("Cast", *MOVES) else ""
    return [constant(result, root) for result in (results if isinstance(results, list) else [results])]


def counted(operator: str, x: Constant, attributes: Any) -> Constant:
    """The shape of a tensor, or how many elements it has."""
    import numpy as np

    dims = x.dims[attributes.get("start", 0) : attributes.get("end")]
    return constant(np.array(dims if operator == "Shape" else x.size, np.int64))


def axes_of(x: Sequence[Any], attributes: Any) -> list[int] | None:
    """`axes`, an input in new operator sets and an attribute in old ones."""
    if len(x) > 1 and x[1] is not None:
        return [int(n) for n in x[1].reshape(-1)]
    axes = attributes.get("axes")
    return None if axes is None else list(axes)


def reshaped(x: Sequence[Any], attributes: Any) -> Any:
    dims = [int(n) for n in (x[1] if len(x) > 1 else attributes["shape"])]
    return x[0].reshape(
        [x[0].shape[i] if n == 0 and not attributes.get("allowzero") else n for i, n in enumerate(dims)]
    )


def unsqueezed(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    return np.expand_dims(x[0], tuple(axes_of(x, attributes) or ()))


def squeezed(x: Sequence[Any], attributes: Any) -> Any:
    axes = axes_of(x, attributes)
    return x[0].squeeze() if axes is None else x[0].squeeze(tuple(axes))


def cut(x: Sequence[Any], attributes: Any) -> Any:
    given = [None if part is None else [int(n) for n in part] for part in x[1:]]
    starts, stops = (given[0], given[1]) if given else (attributes["starts"], attributes["ends"])
    axes = given[2] if len(given) > 2 and given[2] is not None else attributes.get("axes") or range(len(starts or ()))
    steps = given[3] if len(given) > 3 and given[3] is not None else [1] * len(starts or ())
    where = [slice(None)] * x[0].ndim
    for start, stop, axis, step in zip(starts or (), stops or (), axes, steps, strict=False):
        where[axis] = slice(start, None if step < 0 and stop < -(2**31) else stop, step)
    return x[0][tuple(where)]


def cast(x: Sequence[Any], attributes: Any) -> Any:
    name = TYPES[attributes["to"]][0]
    return x[0].astype("float32" if name == "bfloat16" else name)


def divided(x: Sequence[Any], attributes: Any) -> Any:
    """Whole numbers are rounded towards 0."""
    import numpy as np

    if x[0].dtype.kind in "iu":
        return np.trunc(x[0] / x[1]).astype(x[0].dtype)
    return x[0] / x[1]


def filled(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    dims = [int(n) for n in x[0]]
    if prod(dims) > LARGEST:
        raise ValueError("too large")
    value = attributes.get("value")
    return np.full(dims, 0.0 if value is None else value.array().reshape(-1)[0], None if value else np.float32)


def ranged(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    if abs((x[1] - x[0]) / x[2]) > LARGEST:
        raise ValueError("too large")
    return np.arange(x[0].item(), x[1].item(), x[2].item(), dtype=x[0].dtype)


def expanded(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    dims = np.broadcast_shapes(x[0].shape, tuple(int(n) for n in x[1]))
    if prod(dims) > LARGEST:
        raise ValueError("too large")
    return np.broadcast_to(x[0], dims)


def parted(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    axis = attributes.get("axis", 0)
    sizes = [int(n) for n in x[1]] if len(x) > 1 and x[1] is not None else attributes.get("split")
    if sizes is None:
        return np.array_split(x[0], min(attributes["num_outputs"], x[0].shape[axis]), axis)
    return np.split(x[0], np.cumsum(sizes)[:-1], axis)


def reduced(name: str) -> Callable[[Sequence[Any], Any], Any]:
    def reduce(x: Sequence[Any], attributes: Any) -> Any:
        axes = axes_of(x, attributes)
        return getattr(x[0], name)(
            axis=None if axes is None else tuple(axes), keepdims=bool(attributes.get("keepdims", 1))
        )

    return reduce


def ufunc(name: str) -> Callable[[Sequence[Any], Any], Any]:
    def compute(x: Sequence[Any], attributes: Any) -> Any:
        import numpy as np

        result = x[0]
        if len(x) == 1:
            return getattr(np, name)(result)
        for other in x[1:]:
            result = getattr(np, name)(result, other)
        return result

    return compute


def gathered(x: Sequence[Any], attributes: Any) -> Any:
    return x[0].take(x[1].astype("int64"), attributes.get("axis", 0))


def joined(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    return np.concatenate([part for part in x if part is not None], attributes["axis"])


def where(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    return np.where(x[0], x[1], x[2])


FOLDS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "Identity": lambda x, a: x[0], "Cast": cast, "Reshape": reshaped, "Unsqueeze": unsqueezed, "Squeeze": squeezed,
    "Transpose": lambda x, a: x[0].transpose(a.get("perm")), "Gather": gathered, "Concat": joined, "Slice": cut,
    "Split": parted, "Range": ranged, "ConstantOfShape": filled, "Expand": expanded, "Where": where, "Div": divided,
    "Flatten": lambda x, a: x[0].reshape(prod(x[0].shape[: a.get("axis", 1)]), -1),
    "ReduceProd": reduced("prod"), "ReduceSum": reduced("sum"), "ReduceMax": reduced("max"),
    "ReduceMin": reduced("min"),
    **{name: ufunc(function) for name, function in {
        "Add": "add", "Sub": "subtract", "Mul": "multiply", "Mod": "mod", "Pow": "power", "Min": "minimum",
        "Max": "maximum", "Neg": "negative", "Abs": "abs", "Floor": "floor", "Ceil": "ceil", "Sqrt": "sqrt",
        "Exp": "exp",         "Reciprocal": "reciprocal",
        "Equal": "equal", "Less": "less", "Greater": "greater", "Not": "logical_not",
        "And": "logical_and", "Or": "logical_or", "Round": "rint", "LessOrEqual": "less_equal",
        "GreaterOrEqual": "greater_equal",
    }.items()},
}  # fmt: skip


def transposed_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    order = attributes.get("perm") or tuple(reversed(range(len(x[0].dims))))
    return x[0].moved([x[0].dims[i] for i in order], lambda array: array.transpose(order))


def reshaped_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    dims = x[1].whole() if len(x) > 1 else list(attributes.get("shape", ()))
    dims = [x[0].dims[i] if n == 0 and not attributes.get("allowzero") else n for i, n in enumerate(dims)]
    known = prod(n for n in dims if n != -1)
    dims = [x[0].size // known if n == -1 and known else n for n in dims]
    return x[0].moved(dims, lambda array: array.reshape(dims)) if prod(dims) == x[0].size else None


def unsqueezed_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    axes = x[1].whole() if len(x) > 1 else list(attributes.get("axes", ()))
    rank = len(x[0].dims) + len(axes)
    new = {axis % rank for axis in axes}
    left = iter(x[0].dims)
    dims = [1 if axis in new else next(left) for axis in range(rank)]
    return x[0].moved(dims, lambda array: array.reshape(dims))


def squeezed_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    axes = x[1].whole() if len(x) > 1 else attributes.get("axes")
    rank = len(x[0].dims)
    gone = {i for i, n in enumerate(x[0].dims) if n == 1} if axes is None else {axis % rank for axis in axes}
    dims = [n for i, n in enumerate(x[0].dims) if i not in gone]
    return x[0].moved(dims, lambda array: array.reshape(dims)) if prod(dims) == x[0].size else None


def same_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    return x[0].moved(x[0].dims, lambda array: array)


def dequantized_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    """(x - zero) * scale, along one axis."""

    def values(array: Any) -> Any:
        def along(part: Any) -> Any:
            flat = part.array()
            return (
                flat
                if flat.ndim == 0 or flat.size == 1
                else flat.reshape([-1 if i == axis else 1 for i in range(rank)])
            )

        rank = array.ndim
        axis = attributes.get("axis", 1) % max(rank, 1)
        zero = along(x[2]).astype("float32") if len(x) > 2 and x[2] is not None else 0
        return (array.astype("float32") - zero) * along(x[1])

    return x[0].moved(x[0].dims, values)


MOVES: dict[str, Callable[[Any, Any], Constant | None]] = {
    "Transpose": transposed_weight, "Reshape": reshaped_weight, "Unsqueeze": unsqueezed_weight,
    "Squeeze": squeezed_weight, "Identity": same_weight, "Cast": same_weight,
    "DequantizeLinear": dequantized_weight,
}  # fmt: skip
