"""Functions of torch that multiply values with values: matrix products, and attention, which is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, prod
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain, through
from cnncalc.interop.names import axis_word
from cnncalc.interop.torch.read.arithmetic import merge_seen, with_weights
from cnncalc.interop.torch.read.making import along, layer, standing, whole
from cnncalc.interop.torch.read.reductions import over_axes
from cnncalc.interop.torch.read.table import BATCH, Made, NotReadError, translates
from cnncalc.interop.torch.read.taking import part, pick
from cnncalc.interop.torch.read.weighted import linear_over_last
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
        a = standing(trace, one, b)
    if b is None and a is not None:
        b = standing(trace, other, a)
    return product(trace, a, b)


def rows_of_samples(trace: Any, seen: Seen, other: Any) -> Seen | None:
    """Matrices of which the samples are the rows, times numbers that stand: (q, N, c) and (q, c, d)."""
    front, rows, width = seen.shape[: seen.lead], seen.shape[seen.lead : -1], seen.shape[-1]
    flat = seen.reshape((*front, prod(rows), width), trace.here.inside())._replace(lead=0, folded=0, front=0)
    shape = [1] * (len(front) + 2 - getattr(other, "ndim", 0)) + list(getattr(other, "shape", ()))
    matrices = standing(trace, other, Seen(-1, tuple(shape)))
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


@translates(
    "scaled_dot_product_attention", "query key value | attn_mask dropout_p is_causal scale enable_gqa", anywhere=True
)
def dot_products(trace: Any, given: dict[str, Any], result: Any) -> Made:
    q, k, v = (trace.of(given[name]) for name in ("query", "key", "value"))
    if q is None and k is not None:  # queries of the module's own, as attention pooling has
        q = standing(trace, given["query"], k)
    if not all((q, k, v)):
        return None
    if given.get("enable_gqa"):  # several queries ask the same keys
        times = given["query"].shape[-3] // given["key"].shape[-3]
        k, v = (repeat_heads(trace, seen, times) for seen in (k, v))
    elif q is not None and 1 in (given["key"].shape[-3:-2]) and given["query"].shape[-3] > 1:  # all ask one
        k, v = (repeat_heads(trace, seen, given["query"].shape[-3]) for seen in (k, v))
    scale = given.get("scale")
    # The layer divides by sqrt(d) itself: a scale of 0.5 with d = 64 leaves 0.5 * 8 = 4 for the queries.
    if scale is not None and q is not None and not isclose(scale, given["query"].shape[-1] ** -0.5):
        q = through_number(trace, q, scale * given["query"].shape[-1] ** 0.5)  # what is not 1 / sqrt(d) in front
    values = [q, k, v]
    mask = given.get("attn_mask")
    if given.get("is_causal"):  # as a mask that is added, which nothing has to be stored for
        mask = trace.torch.empty(given["query"].shape[-2], given["key"].shape[-2], device="meta")
    if mask is not None:
        values.append(trace.of(mask) or standing(trace, mask, q))
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
        query = standing(trace, given["query"], key)
    if query is None or key is None or not query.shape:
        return None
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
    added = standing(trace, mask, parts[0]) if mask.ndim == 2 else None
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
    scores = product(trace, through_number(trace, q, q.shape[-1] ** -0.5), k.reorder([0, 1, 3, 2], trace.here.inside()))
    if mask is not None and scores is not None:
        added = standing(trace, mask, scores) if mask.ndim == 2 else None
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


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@translates("einsum", "", anywhere=True)
def einsum(trace: Any, args: Any, result: Any) -> Made:
    """Sums of products over letters that the result has not; with a tensor of weights, a linear layer."""
    equation, *tensors = args
    if tensors and isinstance(tensors[0], (list, tuple)):
        tensors = list(tensors[0])
    if not isinstance(equation, str):
        return None
    left, arrow, out = equation.replace(" ", "").partition("->")
    words = left.split(",")
    if not arrow or len(words) != 2 or len(tensors) != 2:
        return None
    if "..." in equation:  # axes without a letter
        spare = [letter for letter in LETTERS if letter not in equation]
        words = [spell(word, spare, tensor.ndim) for word, tensor in zip(words, tensors, strict=True)]
        out = spell(out, spare, result.ndim)
    # A letter twice in one word is a diagonal, as in bii->bi.
    if any(len(set(word)) < len(word) for word in (*words, out)):
        return None
    seen = [trace.of(tensor) for tensor in tensors]
    if seen[0] is None:  # the value first
        seen, words, tensors = seen[::-1], words[::-1], tensors[::-1]
    sizes = {letter: n for word, t in zip(words, tensors, strict=True) for letter, n in zip(word, t.shape, strict=True)}
    if seen[0] is None or any(s is not None and (not s.shape or s.sample >= 0) for s in seen):
        return None
    folded, front = seen[0].folded, seen[0].front
    if folded:  # what stands in one axis with the samples gets letters of its own meanwhile
        if any(s is not None and (s.lead or s.place != seen[0].place) for s in seen) or out[:1] != words[0][0]:
            return None
        inside = [letter for letter in LETTERS if letter not in equation and letter not in sizes][:folded]
        words = [word.replace(out[0], out[0] + "".join(inside)) for word in words]
        sizes.update(zip(inside, seen[0].shape, strict=False))
        out = out.replace(out[0], out[0] + "".join(inside))
        seen = [s and s._replace(folded=0, front=0) for s in seen]
    one, other = seen
    first = words[0][one.lead]
    if other is None:
        made = by_weights(trace, one, tensors[1], words, out, sizes)
    elif first != words[1][other.lead]:
        return None
    else:
        made = sum_products(trace, (one, other), words, out, first, sizes)
    return made._replace(folded=folded, front=front) if isinstance(made, Seen) else made


def spell(word: str, spare: Sequence[str], rank: int) -> str:
    """The letters of axes, with others for `...`, of which the last stand for the last axes."""
    count = rank - len(word.replace("...", ""))
    return word.replace("...", "".join(spare[len(spare) - count :]))


def by_weights(trace: Any, seen: Seen, tensor: Any, words: Sequence[str], out: str, sizes: dict[str, int]) -> Made:
    """Sums of a value with numbers that depend on no input: a linear layer, or products where they share an axis."""
    a, b = words
    first, place = a[seen.lead], trace.here.inside()
    # bnc,cd->bnd: the samples are b, rows n, summed c, columns d.
    summed, columns = [x for x in a if x in b and x not in out], [x for x in b if x not in a]
    rows = [x for x in a if x not in b and x != first]
    if first in b or first not in out or not hasattr(tensor, "ndim"):
        return None
    if any(x in b and x in out for x in a) or not summed or not whole(trace, tensor):
        other = standing(trace, tensor, Seen(-1, tuple(tensor.shape)))
        return other and sum_products(trace, (seen, other), (a, first + b), out, first, sizes)
    # A letter of one word alone that the result has not, as n in bnc,cd->bd, is a sum before the product.
    if not set(rows + columns) <= set(out):
        return None
    brought = seen.reorder([a.index(x) for x in (first, *rows, *summed)], place)
    last = brought.arrange([BATCH, *(sizes[x] for x in rows), prod(sizes[x] for x in summed)], BATCH, place)
    axis = last and last.axis(last.rank - 1)
    if last is None or axis is None:
        return None
    options = {"units": prod(sizes[x] for x in columns), "bias": False, "axes": "c" if len(last.shape) > 1 else None}
    made = along(trace, last, axis, lambda v: layer(trace, "dense", options, [v], (tensor,)))
    now = [first, *rows, *columns]
    apart = made and made.arrange([BATCH, *(sizes[x] for x in now[1:])], BATCH, place)
    return apart and apart.reorder([now.index(x) for x in out], place)


def sum_products(
    trace: Any, seen: tuple[Seen, Seen], words: Sequence[str], out: str, first: str, sizes: dict[str, int]
) -> Made:
    """Sums over letters of products of two values: a matrix product, their axes brought in order; or products alone."""
    a, b = words
    # bhqd,bhkd->bhqk: both are b and h, rows q, columns k, summed d; so (b, h, q, d) times (b, h, d, k).
    both = [first, *(x for x in a if x in b and x in out and x != first)]
    summed = [x for x in a if x in b and x not in out]
    rows, columns = [x for x in a if x not in b], [x for x in b if x not in a]
    if first not in out or not set(rows + columns) <= set(out):
        return None
    sizes = {**sizes, first: BATCH}
    place = trace.here.inside()

    def bring(s: Seen, word: str, *groups: Sequence[str]) -> Seen | None:
        order = [word.index(x) for group in groups for x in group]
        shape = [sizes[x] for x in groups[0]] + [prod(sizes[x] for x in group) for group in groups[1:]]
        return s.reorder(order, place).arrange(shape, BATCH, place)

    if not summed:
        return multiply_letters(trace, seen, words, out, sizes)
    made = product(trace, bring(seen[0], a, both, rows, summed), bring(seen[1], b, both, summed, columns))
    now = [*both, *rows, *columns]
    apart = made and made.arrange([sizes[x] for x in now], BATCH, place)
    return apart and apart.reorder([now.index(x) for x in out], place)


def multiply_letters(trace: Any, seen: Sequence[Seen], words: Sequence[str], out: str, sizes: dict[str, int]) -> Made:
    """Two values with their axes in the order of the result, with one element where one of them has not the axis."""
    place, sides = trace.here.inside(), []
    for value, word in zip(seen, words, strict=True):
        ordered = value.reorder([word.index(x) for x in out if x in word], place)
        side = ordered.arrange([sizes[x] if x in word else 1 for x in out], BATCH, place)
        if side is None:
            return None
        sides.append(make_plain(trace.b, side, trace.here.place()))
    return merge_seen(trace, "multiply", sides)


@translates("addmm addbmm baddbmm", "input batch1 batch2 | beta alpha mat1 mat2", anywhere=True)
def add_product(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """beta times a value plus alpha times a matrix product."""
    made = multiply_matrices(trace, given["batch1"], given["batch2"])
    alpha, beta, tensor = given.get("alpha", 1), given.get("beta", 1), given["input"]
    if made is not None and alpha != 1:
        made = through_number(trace, made, float(alpha))
    # With beta 0 torch does not look at the values at all, not even at a nan in them.
    if made is None or not beta:
        return made
    axis = made.axis(made.rank - 1)
    if beta == 1 and axis is not None and getattr(tensor, "ndim", 0) == 1 and whole(trace, tensor):
        return with_weights(trace, "shift", made, tensor, (axis,))
    other = trace.of(tensor) or standing(trace, tensor, made)
    if other is not None and beta != 1:
        other = through_number(trace, other, float(beta))
    return other and merge_seen(trace, "add", [made, other])


def through_number(trace: Any, seen: Seen, factor: float) -> Seen:
    """A value times a number."""
    place = trace.here.place("rescale")
    return through(
        trace.b,
        seen,
        lambda v: trace.b.add(trace.here.name_behind(v, "rescale"), "rescale", {"factor": factor}, [v], at=place),
        place,
    )
