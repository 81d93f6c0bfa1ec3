"""Keras's attention of several heads, as kinds of layers."""

from __future__ import annotations

from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.keras.read.table import Call, UnreadError, own_axis, translates
from cnncalc.interop.layouts import Seen, make_plain, settle
from cnncalc.language import _


@translates("MultiHeadAttention")
def many_heads(call: Call) -> Seen | None:
    """To the tokens of the same sequence or map, or to those of another. `key_dim` is the width of one head there.

    Masks, and keys that are no values, are not read: what stands for them is left in the call, and refused by its name.
    """
    query = call.named.get("query")
    asked, values, key = call.entering[query if isinstance(query, int) else 0], value_of(call), call.named.get("key")
    if values is None or (isinstance(key, int) and call.entering[key] != values):
        return None
    c, rank = call.config, len(asked.shape)
    heads = int(c["num_heads"])
    width = heads * int(c["key_dim"])
    options: dict[str, Any] = {
        "heads": heads,
        "dim": None if width == asked.shape[-1] else width,
        "bias": None if c.get("use_bias", True) else False,
    }
    options["value_dim"] = heads * int(c["value_dim"]) if c.get("value_dim") else None
    options["value_dim"] = None if options["value_dim"] == width else options["value_dim"]
    out = c.get("output_shape")
    out = out[0] if isinstance(out, (list, tuple)) and len(out) == 1 else out
    axes = c.get("attention_axes")
    # The samples are axis 0 there, and the last axis is that of the channels.
    over = sorted(int(axis) % (rank + 1) for axis in axes) if axes else list(range(1, rank))
    if over != list(range(1, rank)) or not (out is None or isinstance(out, int)):
        return None
    # Where Keras has no word for it, the width stays that of the queries.
    options["out"] = None if out in (None, asked.shape[-1]) else out
    # The same weights in layers of two kinds would be counted twice.
    other_kind = "cross_attention" if values == asked else "attention"
    if call.owners.get(f"{call.name}:{other_kind}:"):
        raise UnreadError(_("it is called with itself, and with another sequence, and its weights are the same"))
    if values == asked:
        return call.along(rank - 1, "attention", options)
    others, _back = values.first(len(values.shape) - 1, f"{call.name}.")
    other = settle(call.b, others, call.at)
    known = call.owners.setdefault(f"{call.name}:cross_attention:", [])

    def add(value: int) -> int:
        kept = {**options, "frozen": True} if call.config.get("trainable") is False else options
        owner = known[0] if known else None
        known.append(call.b.add(call.name, "cross_attention", kept, [value, other], at=call.at, weights_of=owner))
        return known[-1]

    return layouts.along(call.b, asked, rank - 1, add, f"{call.name}.", call.at)


@translates("Attention")
def luong(call: Call) -> Seen | None:
    """softmax(q k') v of sequences (tokens, width), as the products that it is; no masks, and no trained scale."""
    c, entering = call.config, call.entering
    if len(entering) not in (2, 3) or c.get("use_scale") or c.get("score_mode", "dot") != "dot":
        return None
    if any(len(seen.shape) != 2 for seen in entering):
        return None
    # Keras's order is query, value, key; where there is no key, the value is it.
    q, v, k = (make_plain(call.b, seen, call.at) for seen in (*entering, entering[1])[:3])
    turned = settle(call.b, k.permute((1, 0), f"{call.name}."), call.at)
    scores = call.b.add(f"{call.name}/scores", "matmul", {}, [q.value, turned], at=call.at)
    shares = call.see(scores)
    weighted = call._replace(entering=(shares,)).along(1, "softmax", {}, f"{call.name}/softmax")
    if weighted is None:
        return None
    value = call.b.add(call.name, "matmul", {}, [settle(call.b, weighted, call.at), v.value], at=call.at)
    return call.see(value)


@translates("Dot")
def dot(call: Call) -> Seen | None:
    """Sums of products over an axis of each: of two vectors one number, of two sequences all pairs."""
    axes = call.config["axes"]
    if len(call.entering) != 2:
        return None
    ranks = [len(seen.shape) for seen in call.entering]
    over = [own_axis(a, r) for a, r in zip(axes if isinstance(axes, list) else [axes] * 2, ranks, strict=True)]
    if ranks == [1, 1]:
        plain = [make_plain(call.b, seen, call.at) for seen in call.entering]
        both = call.b.add(f"{call.name}/multiply", "multiply", {}, [seen.value for seen in plain], at=call.at)
        value = call.b.add(call.name, "reduce_sum", {"axes": "c"}, [both], at=call.at)
        return call.see(value)
    if ranks != [2, 2] or min(over) < 0:
        return None
    # `matmul` sums over the last axis of the first and the first axis of the second.
    first = call.entering[0] if over[0] == 1 else call.entering[0].permute((1, 0), f"{call.name}.")
    second = call.entering[1] if over[1] == 0 else call.entering[1].permute((1, 0), f"{call.name}.")
    values = [settle(call.b, seen, call.at) for seen in (first, second)]
    value = call.b.add(call.name, "matmul", {}, values, at=call.at)
    return call.see(value)


def value_of(call: Call) -> Seen | None:
    """Who is asked: the second argument, or the one that is called `value`; keys in its place may stand third."""
    named = call.named.get("value")
    if isinstance(named, int):
        return call.entering[named] if named < len(call.entering) else None
    if len(call.entering) < 2:
        return None
    if len(call.entering) > 2 and "key" not in call.named and 2 not in call.named.values():
        return call.entering[1] if call.entering[2] == call.entering[1] else None
    return call.entering[1]
