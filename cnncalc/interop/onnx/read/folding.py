"""What operators give on constants: shapes that exporters compute, and weights that are moved, cut or multiplied.

Whole numbers are worked out at once with NumPy (numpy_operators.py), on a million elements at most. What comes from a
stored tensor is not: where it is only moved, stored_moves.py says how; else its shape is found by a trial on zeros that
take no room, and its values when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop.onnx.read.constants import LARGEST, Constant, NotKnownError, UnreadError, constant
from cnncalc.interop.onnx.read.numpy_operators import FOLDS
from cnncalc.interop.onnx.read.stored_moves import MOVES
from cnncalc.interop.onnx.read.trained import WORKED_OUT
from cnncalc.interop.onnx.read.unread import unread_attribute
from cnncalc.interop.onnx.read.wire import WireError

LARGEST_TRIAL = 5 * 10**7  # bytes of zeros, one for each element
COUNTED = ("Range",)  # what counts up is no number that was stored, whatever it counts from and to
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
    # Large tensors and weights are not computed with: they are moved when somebody reads them.
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
    # Numbers beside a tensor say nothing of where it is from.
    large = [x for x in stored if x.size > 1] or stored[:1]
    roots = tuple(dict.fromkeys(root for x in large for root in x.roots))
    # Single numbers that an exporter made up are part of the formula, wherever they stand.
    if all(not x.dims and WORKED_OUT.fullmatch(x.roots[0]) for x in stored):
        roots = ()
    side_by_side = operator == "Concat"
    mixed = any(x.mixed for x in large) or (len(roots) > 1 and not side_by_side)
    # Two parts of one tensor have the same root: what was done to it, and with which numbers, tells them apart.
    form = (*(f for x in large for f in x.form), operator, *sorted((k, str(v)) for k, v in attributes.items()))
    if operator in ("Slice", "Gather", "GatherND", "Split"):
        form += tuple(tuple(x.whole()) for x in inputs[1:] if x is not None and not x.stored)
    parts = tuple(x for x in inputs if x is not None) if side_by_side else ()
    # It is trained if one of them is; said not to be if all are.
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
