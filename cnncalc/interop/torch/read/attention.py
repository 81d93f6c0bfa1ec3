"""Attention in torch: one layer; with a mask, or where its weights are asked for, the products that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.making import along, apply, as_value, layer, merge_seen, whole
from cnncalc.interop.torch.read.products import product
from cnncalc.interop.torch.read.reductions import over_axes
from cnncalc.interop.torch.read.table import BATCH, Made, NotReadError, translates
from cnncalc.interop.torch.read.taking import part, pick
from cnncalc.interop.torch.read.weighted import linear_over_last
from cnncalc.language import _


@translates(
    "scaled_dot_product_attention", "query key value | attn_mask dropout_p is_causal scale enable_gqa", anywhere=True
)
def dot_products(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """softmax(q k' / sqrt(d) + mask) v: one layer, as torch computes it in one go."""
    q, k, v = (trace.of(given[name]) for name in ("query", "key", "value"))
    if q is None and k is not None:  # queries of the module's own, as attention pooling has
        q = as_value(trace, given["query"], k)
    if not all((q, k, v)):
        return None
    if given.get("enable_gqa"):  # several queries ask the same keys
        times = given["query"].shape[-3] // given["key"].shape[-3]
        k, v = (repeat_heads(trace, seen, times) for seen in (k, v))
    elif q is not None and 1 in (given["key"].shape[-3:-2]) and given["query"].shape[-3] > 1:  # all ask one
        k, v = (repeat_heads(trace, seen, given["query"].shape[-3]) for seen in (k, v))
    scale = given.get("scale")
    # The layer divides by sqrt(d) itself: a scale of 0.5 with d = 64 leaves 0.5 * 8 = 4 for the queries.
    width = given["query"].shape[-1]
    if scale is not None and q is not None and not isclose(scale, width**-0.5):
        q = apply(trace, q, "rescale", {"factor": scale * width**0.5})
    values = [q, k, v]
    mask = given.get("attn_mask")
    if given.get("is_causal"):  # as a mask that is added, which nothing has to be stored for
        mask = trace.torch.empty(given["query"].shape[-2], given["key"].shape[-2], device="meta")
    if mask is not None:
        values.append(trace.of(mask) or as_value(trace, mask, q))
    if any(s is None or not s.shape or s.lead or not s.stands_as(q) for s in values):
        return None
    plain = [make_plain(trace.b, seen, trace.here.place()) for seen in values]
    made = layer(trace, "dot_product_attention", {}, [seen.value for seen in plain])
    return made and q._replace(value=made.value, base=made.base, moves=())


def repeat_heads(trace: Any, seen: Seen | None, times: int) -> Seen | None:
    """Each head several times: the last axis but two."""
    axis = None if seen is None else seen.axis(seen.rank - 3)
    if seen is None or axis is None:
        return None
    # As repeat_interleave: two heads three times are 0 0 0 1 1 1, not 0 1 0 1 0 1.
    return pick(trace, seen, axis, [head for head in range(seen.shape[axis]) for _again in range(times)])


@translates(
    "multi_head_attention_forward",
    "query key value embed_dim_to_check num_heads in_proj_weight in_proj_bias bias_k bias_v add_zero_attn dropout_p"
    " out_proj_weight out_proj_bias | training key_padding_mask need_weights attn_mask use_separate_proj_weight"
    " q_proj_weight k_proj_weight v_proj_weight static_k static_v average_attn_weights is_causal",
    anywhere=True,
)
def many_heads(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """nn.MultiheadAttention. Where its weights are asked for, its second result, it is the products that make them."""
    if any(given.get(name) is not None for name in ("bias_k", "bias_v", "key_padding_mask", "static_k", "static_v")):
        raise NotReadError(_("masks of the sequence's end and keys of its own are not counted here"))
    given.get("dropout_p")  # of the weights, in training
    if given["add_zero_attn"] or given.get("training"):
        return None
    given.get("is_causal")  # the mask that is given says so, too
    weights = [given.get(f"{name}_proj_weight") for name in "qkv"] if given.get("use_separate_proj_weight") else []
    stored = [*(weights or [given["in_proj_weight"]]), given["in_proj_bias"]]
    # Calls are counted: a second run meets them in the same order, and takes those apart whose weights were read.
    number = trace.attentions = trace.attentions + 1
    if number in trace.wishes.apart:
        query, key = trace.of(given["query"]), trace.of(given["key"])
        if query is None or key is None or query != key or trace.of(given["value"]) != key:
            raise NotReadError(_("its weights are followed where a sequence attends to itself"))
        out = (given["out_proj_weight"], given["out_proj_bias"])
        average = given.get("average_attn_weights", True)
        return heads_apart(
            trace, given["num_heads"], query, key, (stored, out), given.get("attn_mask"), average=average
        )
    found = trace.tensors_in(result)
    if len(found) > 1:
        trace.values.later[id(found[1])] = lambda: trace.asked.add(number)  # and nothing is known of them yet
    return attend(trace, given, stored, (given["out_proj_weight"], given["out_proj_bias"]), given.get("attn_mask"))


@translates(
    "native_multi_head_attention",
    "query key value embed_dim num_heads in_proj_weight in_proj_bias out_proj_weight out_proj_bias"
    " | mask need_weights average_attn_weights mask_type",
    anywhere=True,
)
def fast_heads(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The same in one go, as nn.MultiheadAttention runs without gradients."""
    # torch's type 0 is a mask of queries by keys; 1 and 2 say which steps of a sequence only fill it up.
    if given.get("mask") is not None and given.get("mask_type") != 0:
        raise NotReadError(_("masks of the sequence's end and keys of its own are not counted here"))
    stored = (given["in_proj_weight"], given["in_proj_bias"])
    return attend(trace, given, stored, (given["out_proj_weight"], given["out_proj_bias"]), given.get("mask"))


def attend(trace: Any, given: dict[str, Any], into: Sequence[Any], out: Sequence[Any], mask: Any = None) -> Made:
    """Attention to itself or to another sequence, as one layer; with a mask, as the products that it is made of."""
    query, key, value = (trace.of(given[name]) for name in ("query", "key", "value"))
    if query is None and key is not None:  # as attention pooling has
        query = as_value(trace, given["query"], key)
    if query is None or key is None or not query.shape:
        return None
    # The kinds have one value for keys and values alike.
    if key != value:
        raise NotReadError(_("keys and values come from two sequences"))
    stored = [tensor for tensor in (*into, *out) if tensor is not None]
    if not all(whole(trace, tensor) for tensor in stored):
        return None
    if mask is not None:
        return masked_heads(trace, given["num_heads"], query, key, (into, out), mask)
    biased = (into[-1] is not None, out[-1] is not None)
    options = {
        "heads": given["num_heads"],
        "bias": {(True, True): None, (False, False): False, (True, False): "in", (False, True): "out"}[biased],
    }
    width = query.axis(query.rank - 1)
    if width is None:
        return None
    if query == key:
        made = along(trace, query, width, lambda v: layer(trace, "attention", options, [v], stored))
        return made and [made]
    others, _back = key.first(key.axis(key.rank - 1), trace.here.inside())
    asked = make_plain(trace.b, others, trace.here.place()).value
    made = along(trace, query, width, lambda v: layer(trace, "cross_attention", options, [v, asked], stored))
    return made and [made]


def masked_heads(
    trace: Any, heads: int, query: Seen, key: Seen, weights: tuple[Sequence[Any], Sequence[Any]], mask: Any
) -> Made:
    """Attention to itself with a mask: a linear layer, products of heads with the mask added, a linear layer."""
    parts = split_heads(trace, heads, query, key, weights[0], mask)
    if parts is None:
        return None
    added = as_value(trace, mask, parts[0]) if mask.ndim == 2 else None
    if added is None:
        raise NotReadError(_("the mask is another for each head"))
    made = layer(trace, "dot_product_attention", {}, [seen.value for seen in (*parts, added)])
    found = made and join_heads(trace, made, query, weights[1])
    return found and [found]


def heads_apart(
    trace: Any,
    heads: int,
    query: Seen,
    key: Seen,
    weights: tuple[Sequence[Any], Sequence[Any]],
    mask: Any,
    *,
    average: bool,
) -> Made:
    """The same one by one: what comes out, and the weights, of each head or their mean."""
    parts = split_heads(trace, heads, query, key, weights[0], mask)
    if parts is None:
        return None
    q, k, v = parts
    # As torch sees it the samples are axis 0: (N, heads, n, d) turns to (N, heads, d, n).
    scaled = apply(trace, q, "rescale", {"factor": q.shape[-1] ** -0.5})
    scores = product(trace, scaled, k.reorder([0, 1, 3, 2], trace.here.inside()))
    if mask is not None and scores is not None:
        added = as_value(trace, mask, scores) if mask.ndim == 2 else None
        scores = added and merge_seen(trace, "add", [scores, added])
    # As the graph sees it they have no axis: the keys are the last of (heads, n, n).
    each = scores and layer(trace, "softmax", {"axis": axis_word(2, 3)}, [scores.value])
    made = product(trace, each, v)
    found = made and join_heads(trace, made, query, weights[1])
    said = over_axes(trace, each, "reduce_mean", [0]) if average and each else each
    if found is None or said is None:
        return None
    n = query.shape[0]
    told = said.arrange((BATCH, n, n), BATCH, trace.here.inside()) if average else said
    return [found, told] if told else None


def split_heads(
    trace: Any, heads: int, query: Seen, key: Seen, into: Sequence[Any], mask: Any
) -> tuple[Seen, Seen, Seen] | None:
    """Queries, keys and values of a sequence, (heads, n, width of a head) each. Raises NotReadError."""
    # `others` is not empty where keys or values have a width of their own (kdim, vdim): three matrices, not one.
    weight, *others, bias = into
    if query != key or others or query.folded or len(query.shape) != 2 or trace.of(mask) is not None:
        raise NotReadError(_("masks are read where a sequence attends to itself, and where they stand by themselves"))
    seen = query.reorder([1, 0, 2], trace.here.inside()) if query.lead == 1 else query  # the sequence may come first
    n, width = seen.shape
    made = linear_over_last(trace, seen, weight, bias)
    axis = made and made.axis(2)
    parts = []
    for i in range(3):
        # in_proj_weight has the rows of queries, of keys and of values one behind the other.
        one = None if made is None or axis is None else part(trace, made, axis, i * width, (i + 1) * width)
        apart = one and one.arrange((BATCH, n, heads, width // heads), BATCH, trace.here.inside())
        if apart is None:
            return None
        parts.append(make_plain(trace.b, apart.reorder([0, 2, 1, 3], trace.here.inside()), trace.here.place()))
    return parts[0], parts[1], parts[2]


def join_heads(trace: Any, seen: Seen, query: Seen, out: Sequence[Any]) -> Seen | None:
    """What all heads give, side by side, through the last linear layer; laid out as the sequence that entered."""
    n, width = query.shape
    together = seen.reorder([0, 2, 1, 3], trace.here.inside()).arrange((BATCH, n, width), BATCH, trace.here.inside())
    found = together and linear_over_last(trace, together, *out)
    return found.reorder([1, 0, 2], trace.here.inside()) if found and query.lead == 1 else found
