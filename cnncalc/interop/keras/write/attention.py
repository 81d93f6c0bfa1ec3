"""Attention in Keras: over all positions of a sequence or a map, without windows and added numbers."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.keras.write.table import Move, NotInKerasError, Step, writes
from cnncalc.interop.python.text import call
from cnncalc.language import _
from cnncalc.layers.base import Shape


@writes("attention", "cross_attention")
def many_heads(layer: Any, x: Shape, *others: Shape) -> list[Step]:
    """`key_dim` is the width of one head there."""
    if not others and (layer.window or layer.grid or layer.relative_bias or layer.pair_bias):
        raise NotInKerasError(_("Keras attends to all positions: no windows, and no numbers added to the scores"))
    if not layer.project or layer.bias not in (True, False):
        raise NotInKerasError(_("Keras has attention with all four projections, and biases for all of them or none"))
    d, v, f = layer.widths(x[0])
    h = layer.heads
    made = call(
        "layers.MultiHeadAttention",
        ("num_heads", h),
        ("key_dim", d // h),
        value_dim=(v // h, d // h),
        output_shape=(f, x[0]),
        use_bias=(layer.bias, True),
    )
    widths = {"query": d, "key": d, "value": v}
    stored: list[tuple[str, Move | None]] = []
    for name, width in widths.items():
        stored.append((name, apart(h, width)))
        stored += [(f"{name}_bias", lambda b: b.reshape(h, -1))] if layer.bias else []
    # Keras has the last projection as (heads, width of a head, out).
    stored.append(("out", lambda w: w.T.reshape(h, -1, w.shape[0])))
    stored += [("out_bias", None)] if layer.bias else []
    return [Step(made, "", tuple(stored), asks=True)]


def apart(heads: int, width: int) -> Move:
    """(width, C) to (C, heads, width of a head)."""
    return lambda w: w.T.reshape(-1, heads, width // heads)
