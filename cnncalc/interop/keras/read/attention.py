"""Keras's attention of several heads, as kinds of layers."""

from __future__ import annotations

from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.keras.read.table import Call, UnreadError, translates
from cnncalc.interop.layouts import Seen, settle
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
    over = sorted(int(axis) % (rank + 1) for axis in axes) if axes else list(range(1, rank))
    if over != list(range(1, rank)) or not (out is None or isinstance(out, int)):
        return None
    options["out"] = None if out in (None, asked.shape[-1]) else out
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
