"""Recurrent layers of torch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.making import along, layer
from cnncalc.interop.torch.read.table import Made, translates


@translates("lstm gru rnn_tanh", "input hx params has_biases num_layers dropout train bidirectional batch_first")
def recurrent(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The states behind all steps, (N, steps, units). What else it gives is not known."""
    seen = trace.of(given["input"])
    flat = list(given["params"])
    if seen is None or len(seen.shape) != 2 or not given["batch_first"]:
        return None
    directions = 1 + given["bidirectional"]
    each = len(flat) // (given["num_layers"] * directions)
    if each != (4 if given["has_biases"] else 2):
        return None  # a projection
    kind = {1: "rnn", 3: "gru", 4: "lstm"}.get(flat[0].shape[0] // flat[1].shape[1])
    if kind is None:
        return None
    out: Seen | None = seen
    for number in range(given["num_layers"]):
        own = flat[number * each * directions : (number + 1) * each * directions]
        options = {
            "units": own[1].shape[1],
            "bias": "double" if given["has_biases"] else False,
            "bidirectional": given["bidirectional"],
        }
        made = out and along(trace, out, 1, lambda v, o=options, w=own: layer(trace, kind, o, [v], w))  # type: ignore[misc]
        if made is None:
            return None
        out = made
    return None if out is None else [out]
