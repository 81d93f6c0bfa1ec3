"""What operators compute, on arrays of NumPy: shapes and constants that exporters work out within the model.

An operator gets its inputs, None for one that is left out, and its attributes. It gives one array or several, and
raises ValueError where it is not worked out here. Source: the operators' definitions at onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.interop.onnx.read.constants import LARGEST
from cnncalc.interop.onnx.read.file import TYPES


def axes_of(inputs: Sequence[Any], attributes: Any) -> list[int] | None:
    """`axes`, an input in new operator sets and an attribute in old ones."""
    if len(inputs) > 1 and inputs[1] is not None:
        return [int(n) for n in inputs[1].reshape(-1)]
    axes = attributes.get("axes")
    return None if axes is None else list(axes)


def keep(inputs: Sequence[Any], attributes: Any) -> Any:
    """What enters."""
    return inputs[0]


def transpose(inputs: Sequence[Any], attributes: Any) -> Any:
    """The axes in another order, where none is said the other way round."""
    return inputs[0].transpose(attributes.get("perm"))


def flatten(inputs: Sequence[Any], attributes: Any) -> Any:
    """A matrix: the axes in front of one, and those behind."""
    return inputs[0].reshape(prod(inputs[0].shape[: attributes.get("axis", 1)]), -1)


def reshape(inputs: Sequence[Any], attributes: Any) -> Any:
    """Another shape, an input in new operator sets and an attribute before 5."""
    dims = [int(n) for n in (inputs[1] if len(inputs) > 1 else attributes["shape"])]
    # A size of 0 is that of the axis, unless it says that it means 0.
    keeps = not attributes.get("allowzero")
    return inputs[0].reshape([inputs[0].shape[i] if n == 0 and keeps else n for i, n in enumerate(dims)])


def unsqueeze(inputs: Sequence[Any], attributes: Any) -> Any:
    """With axes of one element at these places of the result."""
    import numpy as np

    return np.expand_dims(inputs[0], tuple(axes_of(inputs, attributes) or ()))


def squeeze(inputs: Sequence[Any], attributes: Any) -> Any:
    """Without axes of one element, all of them where none is named."""
    axes = axes_of(inputs, attributes)
    return inputs[0].squeeze() if axes is None else inputs[0].squeeze(tuple(axes))


def cut(inputs: Sequence[Any], attributes: Any) -> Any:
    """Parts of axes: inputs in new operator sets, attributes before 10."""
    given = [None if part is None else [int(n) for n in part] for part in inputs[1:]]
    starts, stops = (given[0], given[1]) if given else (attributes["starts"], attributes["ends"])
    axes = given[2] if len(given) > 2 and given[2] is not None else attributes.get("axes") or range(len(starts or ()))
    steps = given[3] if len(given) > 3 and given[3] is not None else [1] * len(starts or ())
    where = [slice(None)] * inputs[0].ndim
    # Backwards to the very beginning is said by an end as far in front as a number goes.
    for start, stop, axis, step in zip(starts or (), stops or (), axes, steps, strict=False):
        where[axis] = slice(start, None if step < 0 and stop < -(2**31) else stop, step)
    return inputs[0][tuple(where)]


def cast(inputs: Sequence[Any], attributes: Any) -> Any:
    """The same numbers in another type."""
    name = TYPES[attributes["to"]][0]
    # NumPy has no bfloat16; float32 holds each of its numbers.
    return inputs[0].astype("float32" if name == "bfloat16" else name)


def divide(inputs: Sequence[Any], attributes: Any) -> Any:
    """Whole numbers are rounded towards 0."""
    import numpy as np

    if inputs[0].dtype.kind in "iu":
        return np.trunc(inputs[0] / inputs[1]).astype(inputs[0].dtype)
    return inputs[0] / inputs[1]


def fill(inputs: Sequence[Any], attributes: Any) -> Any:
    """One number everywhere, 0 where none is said."""
    import numpy as np

    dims = [int(n) for n in inputs[0]]
    # A file of a few bytes may ask for any size.
    if prod(dims) > LARGEST:
        raise ValueError("too large")
    value = attributes.get("value")
    return np.full(dims, 0.0 if value is None else value.array().reshape(-1)[0], None if value else np.float32)


def cast_like(inputs: Sequence[Any], attributes: Any) -> Any:
    """In the type of the other."""
    return inputs[0].astype(inputs[1].dtype)


def repeat(inputs: Sequence[Any], attributes: Any) -> Any:
    """Side by side, so often along each axis."""
    import numpy as np

    times = [int(n) for n in inputs[1]]
    if inputs[0].size * prod(times) > LARGEST:
        raise ValueError("too large")
    return np.tile(inputs[0], times)


def clip(inputs: Sequence[Any], attributes: Any) -> Any:
    """Between two bounds, inputs in new operator sets and attributes in old ones."""
    low, high = (
        (*inputs, None, None)[i] if len(inputs) > i else attributes.get(name) for i, name in ((1, "min"), (2, "max"))
    )
    return inputs[0] if low is None and high is None else inputs[0].clip(low, high)


def surround(inputs: Sequence[Any], attributes: Any) -> Any:
    """Padded by a number, by what stands at the border, or by what lies behind it."""
    import numpy as np

    given = (*inputs, None, None, None)
    pads = attributes.get("pads") if given[1] is None else given[1]
    axes = range(inputs[0].ndim) if given[3] is None else [int(n) for n in given[3]]
    width = [(0, 0)] * inputs[0].ndim
    for i, axis in enumerate(axes):
        # All that is added in front comes first, then all behind.
        width[axis] = (int(pads[i]), int(pads[i + len(axes)]))
    if min(min(pair) for pair in width) < 0 or inputs[0].size * prod(1 + sum(pair) for pair in width) > LARGEST:
        raise ValueError("not worked out")
    mode = {"constant": "constant", "edge": "edge", "reflect": "reflect", "wrap": "wrap"}[
        attributes.get("mode", "constant")
    ]
    if mode != "constant":
        return np.pad(inputs[0], width, mode=mode)  # type: ignore[call-overload]
    value = attributes.get("value", 0) if given[2] is None else given[2].reshape(())
    return np.pad(inputs[0], width, constant_values=value)


def count_up(inputs: Sequence[Any], attributes: Any) -> Any:
    """Numbers from one up to another, by a step."""
    import numpy as np

    if abs((inputs[1] - inputs[0]) / inputs[2]) > LARGEST:
        raise ValueError("too large")
    return np.arange(inputs[0].item(), inputs[1].item(), inputs[2].item(), dtype=inputs[0].dtype)


def expand(inputs: Sequence[Any], attributes: Any) -> Any:
    """Stretched to a shape."""
    import numpy as np

    dims = np.broadcast_shapes(inputs[0].shape, tuple(int(n) for n in inputs[1]))
    if prod(dims) > LARGEST:
        raise ValueError("too large")
    return np.broadcast_to(inputs[0], dims)


def select(inputs: Sequence[Any], attributes: Any) -> Any:
    """An axis in parts."""
    import numpy as np

    axis = attributes.get("axis", 0)
    sizes = [int(n) for n in inputs[1]] if len(inputs) > 1 and inputs[1] is not None else attributes.get("split")
    if sizes is None:
        # All as large as the first, and the last what is left: 7 in 3 are 3, 3 and 1.
        size = max(1, -(-inputs[0].shape[axis] // attributes["num_outputs"]))
        return np.split(inputs[0], range(size, inputs[0].shape[axis], size), axis)
    return np.split(inputs[0], np.cumsum(sizes)[:-1], axis)


def reduction(name: str) -> Callable[[Sequence[Any], Any], Any]:
    """An operator over axes, by the method of arrays."""

    def reduce(inputs: Sequence[Any], attributes: Any) -> Any:
        axes = axes_of(inputs, attributes)
        return getattr(inputs[0], name)(
            axis=None if axes is None else tuple(axes), keepdims=bool(attributes.get("keepdims", 1))
        )

    return reduce


def ufunc(name: str) -> Callable[[Sequence[Any], Any], Any]:
    """An operator of each element, by the function of NumPy; of more than two inputs from the first on."""

    def compute(inputs: Sequence[Any], attributes: Any) -> Any:
        import numpy as np

        result = inputs[0]
        if len(inputs) == 1:
            return getattr(np, name)(result)
        for other in inputs[1:]:
            result = getattr(np, name)(result, other)
        return result

    return compute


def gather(inputs: Sequence[Any], attributes: Any) -> Any:
    """Elements of an axis by their numbers."""
    return inputs[0].take(inputs[1].astype("int64"), attributes.get("axis", 0))


def join(inputs: Sequence[Any], attributes: Any) -> Any:
    """One behind the other along an axis."""
    import numpy as np

    return np.concatenate([part for part in inputs if part is not None], attributes["axis"])


def add_up(inputs: Sequence[Any], attributes: Any) -> Any:
    """Running sums along an axis."""
    if attributes.get("exclusive") or attributes.get("reverse"):
        raise ValueError("not worked out")
    return inputs[0].cumsum(int(inputs[1].reshape(-1)[0]))


def pick(inputs: Sequence[Any], attributes: Any) -> Any:
    """Elements, or whole parts, at places that are listed."""
    import numpy as np

    if attributes.get("batch_dims"):
        raise ValueError("not worked out")
    # The last axis of the places has one index for each axis of the tensor.
    return inputs[0][tuple(np.moveaxis(inputs[1], -1, 0))]


def put_in(inputs: Sequence[Any], attributes: Any) -> Any:
    """A tensor with others' elements at places that are listed."""
    import numpy as np

    if attributes.get("reduction", "none") != "none":
        raise ValueError("not worked out")
    found = np.array(inputs[0])
    found[tuple(np.moveaxis(inputs[1], -1, 0))] = inputs[2]
    return found


def triangle(inputs: Sequence[Any], attributes: Any) -> Any:
    """What lies above a diagonal, or below it; zeros elsewhere."""
    import numpy as np

    k = int(inputs[1].reshape(-1)[0]) if len(inputs) > 1 and inputs[1] is not None else 0
    return (np.triu if attributes.get("upper", 1) else np.tril)(inputs[0], k)


def where(inputs: Sequence[Any], attributes: Any) -> Any:
    """The one where a condition holds, else the other."""
    import numpy as np

    return np.where(inputs[0], inputs[1], inputs[2])


FOLDS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "Identity": keep, "Cast": cast, "Reshape": reshape, "Unsqueeze": unsqueeze, "Squeeze": squeeze,
    "Transpose": transpose, "Gather": gather, "Concat": join, "Slice": cut,
    "Split": select, "Range": count_up, "ConstantOfShape": fill, "Expand": expand, "Where": where, "Div": divide,
    "CastLike": cast_like, "Tile": repeat, "Clip": clip, "Pad": surround, "GatherND": pick,
    "ScatterND": put_in, "Trilu": triangle,
    "Flatten": flatten,
    "ReduceProd": reduction("prod"), "ReduceSum": reduction("sum"), "ReduceMax": reduction("max"),
    "ReduceMin": reduction("min"), "ReduceMean": reduction("mean"), "CumSum": add_up,
    **{name: ufunc(function) for name, function in {
        "Add": "add", "Sub": "subtract", "Mul": "multiply", "Mod": "mod", "Pow": "power", "Min": "minimum",
        "Max": "maximum", "Neg": "negative", "Abs": "abs", "Floor": "floor", "Ceil": "ceil", "Sqrt": "sqrt",
        "Exp": "exp", "Log": "log", "Sin": "sin", "Cos": "cos", "Sign": "sign", "Reciprocal": "reciprocal",
        "Equal": "equal", "Less": "less", "Greater": "greater", "Not": "logical_not",
        "And": "logical_and", "Or": "logical_or", "Round": "rint", "LessOrEqual": "less_equal",
        "GreaterOrEqual": "greater_equal",
    }.items()},
}  # fmt: skip
