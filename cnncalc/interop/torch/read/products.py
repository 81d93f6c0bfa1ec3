"""Functions of torch that are matrix products of values, or of a value and numbers."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.torch.read.arithmetic import with_weights
from cnncalc.interop.torch.read.making import along, apply, as_value, layer, merge_seen, whole
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.language import _


@translates("matmul bmm rmatmul", "input other", anywhere=True)
def matmul(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Of two values; or of a value with a matrix of weights, which is a linear layer without a bias."""
    return multiply_matrices(trace, given["input"], given["other"])


def multiply_matrices(trace: Any, one: Any, other: Any) -> Seen | None:
    """The matrix product of two tensors."""
    a, b = trace.of(one), trace.of(other)
    # torch takes a vector for a matrix of one column and drops that column's axis: (N, c) @ (c) is (N).
    if a is not None and b is None and getattr(other, "ndim", 0) == 1 and whole(trace, other) and a.plain and a.shape:
        column = a.reshape((1, *a.shape), trace.here.inside()) if len(a.shape) == 1 else a
        options: dict[str, Any] = {"units": 1, "bias": False, "axes": "c"}
        made = along(trace, column, len(column.shape) - 1, lambda v: layer(trace, "dense", options, [v], (other,)))
        return made and made.reshape(a.shape[:-1] or (1,), trace.here.inside())
    if a is not None and b is None and getattr(other, "ndim", 0) == 2 and own_matrix(trace, other):
        axis = a.axis(a.rank - 1)
        options = {"units": other.shape[1], "bias": False, "axes": "c" if len(a.shape) > 1 else None}
        return None if axis is None else along(trace, a, axis, lambda v: layer(trace, "dense", options, [v], (other,)))
    if a is not None and b is None and a.shape and a.lead == a.rank - 2 >= 0:
        return rows_of_samples(trace, a, other)
    if a is None and b is not None:
        a = as_value(trace, one, b)
    if b is None and a is not None:
        b = as_value(trace, other, a)
    return product(trace, a, b)


def rows_of_samples(trace: Any, seen: Seen, other: Any) -> Seen | None:
    """Matrices of which the samples are the rows, times numbers that stand: (q, N, c) and (q, c, d)."""
    front, rows, width = seen.shape[: seen.lead], seen.shape[seen.lead : -1], seen.shape[-1]
    flat = seen.reshape((*front, prod(rows), width), trace.here.inside())._replace(lead=0, folded=0, front=0)
    shape = [1] * (len(front) + 2 - getattr(other, "ndim", 0)) + list(getattr(other, "shape", ()))
    matrices = as_value(trace, other, Seen(-1, tuple(shape)))
    made = product(trace, flat, matrices)
    return made and made.reshape((*front, *rows, made.shape[-1]), trace.here.inside())._replace(**seen.place)


def own_matrix(trace: Any, matrix: Any) -> bool:
    """Whether a matrix of weights is no other layer's."""
    # An embedding's matrix, tied to the layer of the logits, stays a product: a linear layer would count it twice.
    return whole(trace, matrix) and not trace.stored.owners_of(trace.stored.sources(matrix))


def product(trace: Any, a: Seen | None, b: Seen | None) -> Seen | None:
    """The matrix product over the last two axes of two values that stand alike."""
    if a is None or b is None or not a.shape or not b.shape:
        return None
    # `lead` is where the samples stand: among the last two axes they would be summed over, or be rows.
    if a.lead > a.rank - 3 or b.lead > b.rank - 3:
        raise NotReadError(_("the samples are rows or columns of its matrices: it mixes them"))
    if not a.stands_as(b):
        return None
    a, b = (make_plain(trace.b, seen, trace.here.place()) for seen in (a, b))
    made = layer(trace, "matmul", {}, [a.value, b.value])
    return made and a._replace(value=made.value, base=made.base)


@translates("addmm addbmm baddbmm", "input batch1 batch2 | beta alpha mat1 mat2", anywhere=True)
def add_product(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """beta times a value plus alpha times a matrix product."""
    made = multiply_matrices(trace, given["batch1"], given["batch2"])
    alpha, beta, tensor = given.get("alpha", 1), given.get("beta", 1), given["input"]
    if made is not None and alpha != 1:
        made = apply(trace, made, "rescale", {"factor": float(alpha)})
    # With beta 0 torch does not look at the values at all, not even at a nan in them.
    if made is None or not beta:
        return made
    axis = made.axis(made.rank - 1)
    if beta == 1 and axis is not None and getattr(tensor, "ndim", 0) == 1 and whole(trace, tensor):
        return with_weights(trace, "shift", made, tensor, (axis,))
    other = trace.of(tensor) or as_value(trace, tensor, made)
    if other is not None and beta != 1:
        other = apply(trace, other, "rescale", {"factor": float(beta)})
    return other and merge_seen(trace, "add", [made, other])
