"""Functions of torch that multiply values with values: matrix products, and attention, which is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, prod
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.torch.read.making import along, layer, standing, whole
from cnncalc.interop.torch.read.table import BATCH, Made, NotReadError, translates
from cnncalc.language import _


@translates("matmul bmm rmatmul", "input other", anywhere=True)
def matmul(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Of two values; or of a value with a matrix of weights, which is a linear layer without a bias."""
    one, other = given["input"], given["other"]
    a, b = trace.of(one), trace.of(other)
    if a is not None and b is None and getattr(other, "ndim", 0) == 2 and whole(trace, other):
        axis = a.axis(a.rank - 1)
        options: dict[str, Any] = {"units": other.shape[1], "bias": False, "axes": "c" if len(a.shape) > 1 else None}
        return None if axis is None else along(trace, a, axis, lambda v: layer(trace, "dense", options, [v], (other,)))
    if a is None and b is not None:
        a = standing(trace, one, b)
    if b is None and a is not None:
        b = standing(trace, other, a)
    return product(trace, a, b)


def product(trace: Any, a: Seen | None, b: Seen | None) -> Seen | None:
    """The matrix product over the last two axes of two values that stand alike."""
    if a is None or b is None or not a.shape or not b.shape:
        return None
    alike = a.rank == b.rank and len(a.shape) == len(b.shape) and a.lead == b.lead == 0 and a.folded == b.folded
    if not alike or len(a.shape) - a.folded < 2:
        return None
    a, b = (make_plain(trace.b, seen, trace.place()) for seen in (a, b))
    made = layer(trace, "matmul", {}, [a.value, b.value])
    return made and a._replace(value=made.value, base=made.base)


@translates(
    "scaled_dot_product_attention", "query key value | attn_mask dropout_p is_causal scale enable_gqa", anywhere=True
)
def dot_products(trace: Any, given: dict[str, Any], result: Any) -> Made:
    q, k, v = (trace.of(given[name]) for name in ("query", "key", "value"))
    if q is None and k is not None:  # queries of the module's own, as attention pooling has
        q = standing(trace, given["query"], k)
    if not all((q, k, v)) or given.get("enable_gqa"):
        return None
    if given.get("is_causal"):
        raise NotReadError(_("a causal mask is not counted here"))
    scale = given.get("scale")
    if scale is not None and not isclose(scale, given["query"].shape[-1] ** -0.5):
        raise NotReadError(_("scores are scaled by 1 / sqrt(d) here"))
    values = [q, k, v]
    mask = given.get("attn_mask")
    if mask is not None:
        values.append(trace.of(mask) or standing(trace, mask, q))
    if any(s is None or not s.shape or s.lead or (s.folded, len(s.shape)) != (q.folded, len(q.shape)) for s in values):
        return None
    plain = [make_plain(trace.b, seen, trace.place()) for seen in values]
    made = layer(trace, "dot_product_attention", {}, [seen.value for seen in plain])
    return made and q._replace(value=made.value, base=made.base, moves=())


@translates(
    "multi_head_attention_forward",
    "query key value embed_dim_to_check num_heads in_proj_weight in_proj_bias bias_k bias_v add_zero_attn dropout_p"
    " out_proj_weight out_proj_bias | training key_padding_mask need_weights attn_mask use_separate_proj_weight"
    " q_proj_weight k_proj_weight v_proj_weight static_k static_v average_attn_weights is_causal",
    anywhere=True,
)
def many_heads(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """nn.MultiheadAttention. The weights of the attention, its second result, are not followed."""
    if any(given.get(name) is not None for name in ("bias_k", "bias_v", "key_padding_mask", "attn_mask", "static_k")):
        raise NotReadError(_("masks and keys of its own are not counted here"))
    given.get("dropout_p")  # of the weights, in training
    if given["add_zero_attn"] or given.get("training") or given.get("is_causal"):
        return None
    weights = [given.get(f"{name}_proj_weight") for name in "qkv"] if given.get("use_separate_proj_weight") else []
    stored = [*(weights or [given["in_proj_weight"]]), given["in_proj_bias"]]
    return attend(trace, given, stored, (given["out_proj_weight"], given["out_proj_bias"]))


@translates(
    "native_multi_head_attention",
    "query key value embed_dim num_heads in_proj_weight in_proj_bias out_proj_weight out_proj_bias"
    " | mask need_weights average_attn_weights mask_type",
    anywhere=True,
)
def fast_heads(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The same in one go, as nn.MultiheadAttention runs without gradients."""
    if given.get("mask") is not None:
        raise NotReadError(_("masks and keys of its own are not counted here"))
    stored = (given["in_proj_weight"], given["in_proj_bias"])
    return attend(trace, given, stored, (given["out_proj_weight"], given["out_proj_bias"]))


def attend(trace: Any, given: dict[str, Any], into: Sequence[Any], out: Sequence[Any]) -> Made:
    """Attention to itself or to another sequence, as one layer."""
    query, key, value = (trace.of(given[name]) for name in ("query", "key", "value"))
    if query is None or key is None or not query.shape or key != value:
        return None
    biased = (into[-1] is not None, out[-1] is not None)
    options = {
        "heads": given["num_heads"],
        "bias": {(True, True): None, (False, False): False, (True, False): "in", (False, True): "out"}[biased],
    }
    stored = [tensor for tensor in (*into, *out) if tensor is not None]
    if not all(whole(trace, tensor) for tensor in stored):
        return None
    width = query.axis(query.rank - 1)
    if width is None:
        return None
    if query == key:
        made = along(trace, query, width, lambda v: layer(trace, "attention", options, [v], stored))
        return made and [made]
    others, _back = key.first(key.axis(key.rank - 1), trace.inside())
    asked = make_plain(trace.b, others, trace.place()).value
    made = along(trace, query, width, lambda v: layer(trace, "cross_attention", options, [v, asked], stored))
    return made and [made]


@translates("einsum", "", anywhere=True)
def einsum(trace: Any, args: Any, result: Any) -> Made:
    """A sum of products of two values over letters that the result has not: a matrix product, axes brought in order."""
    equation, *tensors = args
    if isinstance(tensors[0], (list, tuple)):
        tensors = list(tensors[0])
    left, arrow, out = equation.replace(" ", "").partition("->")
    words = left.split(",")
    if not arrow or len(words) != 2 or len(tensors) != 2 or "." in equation:
        return None
    if any(len(set(word)) < len(word) for word in (*words, out)):
        return None
    seen = [trace.of(tensor) for tensor in tensors]
    if any(s is None or not s.shape or s.folded for s in seen):
        return None
    sizes = {letter: n for word, t in zip(words, tensors, strict=True) for letter, n in zip(word, t.shape, strict=True)}
    samples = {word[s.lead] for word, s in zip(words, seen, strict=True)}
    a, b = words
    both = [x for x in a if x in b and x in out]
    summed = [x for x in a if x in b and x not in out]
    rows, columns = [x for x in a if x not in b], [x for x in b if x not in a]
    if len(samples) > 1 or not samples <= set(both) or not summed or not set(rows + columns) <= set(out):
        return None
    first = next(iter(samples))
    both = [first, *(x for x in both if x != first)]
    place = trace.inside()

    def brought(s: Seen, word: str, *groups: Sequence[str]) -> Seen | None:
        order = [word.index(x) for group in groups for x in group]
        shape = [sizes[x] for x in groups[0]] + [prod(sizes[x] for x in group) for group in groups[1:]]
        return s.reorder(order, place).arrange(shape, BATCH, place)

    one, other = seen
    made = product(trace, brought(one, a, both, rows, summed), brought(other, b, both, summed, columns))
    now = [*both, *rows, *columns]
    apart = made and made.arrange([sizes[x] for x in now], BATCH, place)
    return apart and apart.reorder([now.index(x) for x in out], place)
