"""What operators give on constants: shapes that exporters compute, and weights that are moved, cut or multiplied.

Whole numbers are worked out at once with NumPy, on a million elements at most. What comes from a stored tensor is not:
its shape is found by a trial on zeros that take no room, its values when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.interop.onnx.read.constants import LARGEST, Constant, NotKnownError, UnreadError, constant
from cnncalc.interop.onnx.read.file import TYPES
from cnncalc.interop.onnx.read.trained import WORKED_OUT
from cnncalc.interop.onnx.read.unread import unread_attribute
from cnncalc.interop.onnx.read.wire import WireError

LARGEST_TRIAL = 5 * 10**7  # bytes of zeros, one for each element
FAILURES = (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, MemoryError, ZeroDivisionError)


def fold(operator: str, inputs: Sequence[Constant | None], attributes: Any, results: int = 1) -> list[Constant]:
    """What an operator gives on constants. Raises NotKnownError where that is not worked out here, and where an
    attribute says what is not read.

    results  how many the operator has: a Split into equal parts says it by them alone
    """
    if operator == "Split" and len(inputs) < 2 and not (attributes.get("split") or attributes.get("num_outputs")):
        attributes["num_outputs"] = results
    found = fold_read(operator, inputs, attributes)
    left = unread_attribute(operator, attributes)
    if left:
        raise UnreadError(left)
    return found


def fold_read(operator: str, inputs: Sequence[Constant | None], attributes: Any) -> list[Constant]:
    """What an operator gives on constants, as far as its attributes are read."""
    first = inputs[0] if inputs else None
    if operator in ("Shape", "Size") and first is not None:
        return [count(operator, first, attributes)]
    if operator in MOVES and first is not None and (first.stored or first.size > LARGEST or first.name):
        found = MOVES[operator](inputs, attributes)
        if found is None:
            raise NotKnownError(operator)
        return [found]
    compute = FOLDS.get(operator)
    if compute is None:
        raise NotKnownError(operator)
    if any(x is not None and x.stored for x in inputs) and operator not in COUNTED:
        return later(operator, compute, inputs, attributes)
    if any(x is not None and x.size > LARGEST for x in inputs):
        raise NotKnownError(operator)
    results = run(operator, compute, [None if x is None else x.array() for x in inputs], attributes)
    return [constant(result) for result in results]


def run(operator: str, compute: Callable[[Sequence[Any], Any], Any], arrays: Sequence[Any], attributes: Any) -> Any:
    """The results of an operator on arrays, in a list. Raises NotKnownError."""
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            results = compute(arrays, attributes)
    except (*FAILURES, WireError) as error:
        raise NotKnownError(f"{operator}: {error}") from None
    return results if isinstance(results, list) else [results]


def later(
    operator: str, compute: Callable[[Sequence[Any], Any], Any], inputs: Sequence[Constant | None], attributes: Any
) -> list[Constant]:
    """What an operator makes of stored tensors: the shapes now, the values when they are asked for."""
    import numpy as np

    def trial(x: Constant | None) -> Any:
        if x is None or not x.stored:
            return None if x is None else x.array()
        return np.broadcast_to(np.int8(1), x.dims)

    def values(i: int) -> Callable[[], Any]:
        arrays = list(inputs)
        return lambda: run(operator, compute, [None if x is None else x.array() for x in arrays], attributes)[i]

    if sum(x.size for x in inputs if x is not None) > LARGEST_TRIAL:
        raise NotKnownError(operator)
    found = run(operator, compute, [trial(x) for x in inputs], attributes)
    stored = [x for x in inputs if x is not None and x.stored]
    large = [x for x in stored if x.size > 1] or stored[:1]  # numbers beside a tensor say nothing of where it is from
    roots = tuple(dict.fromkeys(root for x in large for root in x.roots))
    if all(not x.dims and WORKED_OUT.fullmatch(x.roots[0]) for x in stored):  # part of the formula, wherever it stands
        roots = ()
    side_by_side = operator == "Concat"
    mixed = any(x.mixed for x in large) or (len(roots) > 1 and not side_by_side)
    form = (*(f for x in large for f in x.form), operator, *sorted((k, str(v)) for k, v in attributes.items()))
    if operator in ("Slice", "Gather", "GatherND", "Split"):  # which part it is
        form += tuple(tuple(x.whole()) for x in inputs[1:] if x is not None and not x.stored)
    parts = tuple(x for x in inputs if x is not None) if side_by_side else ()
    told = [x.said for x in large]
    said = any(told) if None not in told or any(told) else None
    return [
        Constant(
            result.shape, values(i), roots, name=large[0].name, form=(*form, i), mixed=mixed, parts=parts, said=said
        )
        for i, result in enumerate(found)
    ]


def count(operator: str, x: Constant, attributes: Any) -> Constant:
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


def reshape(x: Sequence[Any], attributes: Any) -> Any:
    dims = [int(n) for n in (x[1] if len(x) > 1 else attributes["shape"])]
    keeps = not attributes.get("allowzero")  # a size of 0 is that of the axis
    return x[0].reshape([x[0].shape[i] if n == 0 and keeps else n for i, n in enumerate(dims)])


def unsqueeze(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    return np.expand_dims(x[0], tuple(axes_of(x, attributes) or ()))


def squeeze(x: Sequence[Any], attributes: Any) -> Any:
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
    # NumPy has no bfloat16; float32 holds each of its numbers.
    return x[0].astype("float32" if name == "bfloat16" else name)


def divide(x: Sequence[Any], attributes: Any) -> Any:
    """Whole numbers are rounded towards 0."""
    import numpy as np

    if x[0].dtype.kind in "iu":
        return np.trunc(x[0] / x[1]).astype(x[0].dtype)
    return x[0] / x[1]


def fill(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    dims = [int(n) for n in x[0]]
    if prod(dims) > LARGEST:
        raise ValueError("too large")
    value = attributes.get("value")
    return np.full(dims, 0.0 if value is None else value.array().reshape(-1)[0], None if value else np.float32)


def cast_like(x: Sequence[Any], attributes: Any) -> Any:
    return x[0].astype(x[1].dtype)


def repeat(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    times = [int(n) for n in x[1]]
    if x[0].size * prod(times) > LARGEST:
        raise ValueError("too large")
    return np.tile(x[0], times)


def clip(x: Sequence[Any], attributes: Any) -> Any:
    """Between two bounds, inputs in new operator sets and attributes in old ones."""
    low, high = ((*x, None, None)[i] if len(x) > i else attributes.get(name) for i, name in ((1, "min"), (2, "max")))
    return x[0] if low is None and high is None else x[0].clip(low, high)


def surround(x: Sequence[Any], attributes: Any) -> Any:
    """Padded by a number, by what stands at the border, or by what lies behind it."""
    import numpy as np

    given = (*x, None, None, None)
    pads = attributes.get("pads") if given[1] is None else given[1]
    axes = range(x[0].ndim) if given[3] is None else [int(n) for n in given[3]]
    width = [(0, 0)] * x[0].ndim
    for i, axis in enumerate(axes):
        # All that is added in front comes first, then all behind.
        width[axis] = (int(pads[i]), int(pads[i + len(axes)]))
    if min(min(pair) for pair in width) < 0 or x[0].size * prod(1 + sum(pair) for pair in width) > LARGEST:
        raise ValueError("not worked out")
    mode = {"constant": "constant", "edge": "edge", "reflect": "reflect", "wrap": "wrap"}[
        attributes.get("mode", "constant")
    ]
    if mode != "constant":
        return np.pad(x[0], width, mode=mode)  # type: ignore[call-overload]
    value = attributes.get("value", 0) if given[2] is None else given[2].reshape(())
    return np.pad(x[0], width, constant_values=value)


def count_up(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    if abs((x[1] - x[0]) / x[2]) > LARGEST:
        raise ValueError("too large")
    return np.arange(x[0].item(), x[1].item(), x[2].item(), dtype=x[0].dtype)


def expand(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    dims = np.broadcast_shapes(x[0].shape, tuple(int(n) for n in x[1]))
    if prod(dims) > LARGEST:
        raise ValueError("too large")
    return np.broadcast_to(x[0], dims)


def select(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    axis = attributes.get("axis", 0)
    sizes = [int(n) for n in x[1]] if len(x) > 1 and x[1] is not None else attributes.get("split")
    if sizes is None:
        # All as large as the first, and the last what is left: 7 in 3 are 3, 3 and 1.
        size = max(1, -(-x[0].shape[axis] // attributes["num_outputs"]))
        return np.split(x[0], range(size, x[0].shape[axis], size), axis)
    return np.split(x[0], np.cumsum(sizes)[:-1], axis)


def reduction(name: str) -> Callable[[Sequence[Any], Any], Any]:
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


def gather(x: Sequence[Any], attributes: Any) -> Any:
    return x[0].take(x[1].astype("int64"), attributes.get("axis", 0))


def join(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    return np.concatenate([part for part in x if part is not None], attributes["axis"])


def add_up(x: Sequence[Any], attributes: Any) -> Any:
    """Running sums along an axis."""
    if attributes.get("exclusive") or attributes.get("reverse"):
        raise ValueError("not worked out")
    return x[0].cumsum(int(x[1].reshape(-1)[0]))


def pick(x: Sequence[Any], attributes: Any) -> Any:
    """Elements, or whole parts, at places that are listed."""
    import numpy as np

    if attributes.get("batch_dims"):
        raise ValueError("not worked out")
    # The last axis of the places has one index for each axis of the tensor.
    return x[0][tuple(np.moveaxis(x[1], -1, 0))]


def put_in(x: Sequence[Any], attributes: Any) -> Any:
    """A tensor with others' elements at places that are listed."""
    import numpy as np

    if attributes.get("reduction", "none") != "none":
        raise ValueError("not worked out")
    found = np.array(x[0])
    found[tuple(np.moveaxis(x[1], -1, 0))] = x[2]
    return found


def triangle(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    k = int(x[1].reshape(-1)[0]) if len(x) > 1 and x[1] is not None else 0
    return (np.triu if attributes.get("upper", 1) else np.tril)(x[0], k)


def where(x: Sequence[Any], attributes: Any) -> Any:
    import numpy as np

    return np.where(x[0], x[1], x[2])


FOLDS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "Identity": lambda x, a: x[0], "Cast": cast, "Reshape": reshape, "Unsqueeze": unsqueeze, "Squeeze": squeeze,
    "Transpose": lambda x, a: x[0].transpose(a.get("perm")), "Gather": gather, "Concat": join, "Slice": cut,
    "Split": select, "Range": count_up, "ConstantOfShape": fill, "Expand": expand, "Where": where, "Div": divide,
    "CastLike": cast_like, "Tile": repeat, "Clip": clip, "Pad": surround, "GatherND": pick,
    "ScatterND": put_in, "Trilu": triangle,
    "Flatten": lambda x, a: x[0].reshape(prod(x[0].shape[: a.get("axis", 1)]), -1),
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


# What counts up is no number that was stored, whatever it counts from and to.
COUNTED = ("Range",)


def transpose_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    order = list(attributes.get("perm") or reversed(range(len(x[0].dims))))
    if sorted(order) != list(range(len(x[0].dims))):
        raise NotKnownError("Transpose")  # no order of its axes
    if order == [1, 0]:
        return x[0].turn()
    form = None if order == sorted(order) else ("Transpose", *order)
    return x[0].move_later([x[0].dims[i] for i in order], lambda array: array.transpose(order), form)


def reshape_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    dims = x[1].whole() if len(x) > 1 else list(attributes.get("shape", ()))
    keeps = not attributes.get("allowzero")
    dims = [x[0].dims[i] if n == 0 and keeps else n for i, n in enumerate(dims)]
    known = prod(n for n in dims if n != -1)
    dims = [x[0].size // known if n == -1 and known else n for n in dims]
    return x[0].move_later(dims, lambda array: array.reshape(dims)) if prod(dims) == x[0].size else None


def unsqueeze_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    axes = x[1].whole() if len(x) > 1 else list(attributes.get("axes", ()))
    rank = len(x[0].dims) + len(axes)
    new = {axis % rank for axis in axes}
    left = iter(x[0].dims)
    dims = [1 if axis in new else next(left) for axis in range(rank)]
    return x[0].move_later(dims, lambda array: array.reshape(dims))


def squeeze_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    axes = x[1].whole() if len(x) > 1 else attributes.get("axes")
    rank = len(x[0].dims)
    gone = {i for i, n in enumerate(x[0].dims) if n == 1} if axes is None else {axis % rank for axis in axes}
    dims = [n for i, n in enumerate(x[0].dims) if i not in gone]
    return x[0].move_later(dims, lambda array: array.reshape(dims)) if prod(dims) == x[0].size else None


def flatten_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    dims = (prod(x[0].dims[: attributes.get("axis", 1)]), -1)
    known = max(1, dims[0])
    return x[0].move_later((dims[0], x[0].size // known), lambda array: array.reshape(dims[0], x[0].size // known))


def same_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    return x[0]


def quantize_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    """round(x / scale) + zero, along one axis."""
    rank = len(x[0].dims)
    axis = attributes.get("axis", 1) % max(rank, 1)

    def values(array: Any) -> Any:
        scale = beside(x[1], rank, axis)
        zero = beside(x[2], rank, axis) if len(x) > 2 and x[2] is not None else 0
        return (array / scale).round() + zero

    return x[0].move_later(x[0].dims, values)


def beside(part: Constant, rank: int, axis: int) -> Any:
    """A number, or one for each place of an axis, to be combined with a tensor."""
    flat = part.array()
    if flat.ndim == 0 or flat.size == 1:
        return flat.reshape(())
    return flat.reshape([-1 if i == axis else 1 for i in range(rank)])


def cast_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    to = {"to": attributes["to"]}
    return x[0].move_later(x[0].dims, lambda array: cast([array], to))


def dequantize_weight(x: Sequence[Constant], attributes: Any) -> Constant | None:
    """(x - zero) * scale, along one axis: a stored tensor of whole numbers becomes the weight that it stands for."""
    rank = len(x[0].dims)
    axis = attributes.get("axis", 1) % max(rank, 1)

    def values(array: Any) -> Any:
        zero = beside(x[2], rank, axis).astype("float32") if len(x) > 2 and x[2] is not None else 0
        return (array.astype("float32") - zero) * beside(x[1], rank, axis)

    found = x[0].move_later(x[0].dims, values)
    # Whole numbers are no weights by themselves, and have no roots: what they stand for is one.
    found.roots = x[0].roots or ((x[0].name,) if x[0].name else ())
    return found


MOVES: dict[str, Callable[[Any, Any], Constant | None]] = {
    "Transpose": transpose_weight, "Reshape": reshape_weight, "Unsqueeze": unsqueeze_weight,
    "Squeeze": squeeze_weight, "Identity": same_weight, "Cast": cast_weight, "Flatten": flatten_weight,
    "DequantizeLinear": dequantize_weight, "QuantizeLinear": quantize_weight,
}  # fmt: skip
