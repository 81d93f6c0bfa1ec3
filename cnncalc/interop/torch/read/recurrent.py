"""Recurrent layers of torch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.layouts import Seen, in_base
from cnncalc.interop.torch.read.making import along, axis_word, layer
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.language import _


@translates(
    "lstm gru rnn_tanh",
    "input hx params has_biases num_layers dropout train bidirectional batch_first",
    anywhere=True,
)
def recurrent(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The states behind all steps, (N, steps, units) or (steps, N, units), from zeros; and behind the last step.

    Of several layers or directions the states behind the last steps are not known, nor are the cells of an LSTM.
    """
    given.get("dropout")  # between layers, in training
    seen = trace.of(given["input"])
    flat = list(given["params"])
    if seen is None or len(seen.shape) != 2:
        return None
    if seen.folded or seen.lead != (0 if given["batch_first"] else 1):
        first = _("the first axis of its sequence") if given["batch_first"] else _("the second axis of its sequence")
        raise NotReadError(_("{axis} is not that of the samples", axis=first))
    if not all(trace.flow.is_zero(state) for state in trace.tensors_in(given["hx"])):
        raise NotReadError(_("it does not start from a state of zeros"))
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
    if out is None:
        return None
    if given["num_layers"] * directions > 1:
        return [out]
    behind: Seen = out

    def last() -> Seen | None:
        """(layers, N, units): of the one layer there is."""
        seen, (steps,) = in_base(trace.b, behind, [0], trace.place())
        options = {"range": (behind.shape[0] - 1, None), "axis": axis_word(steps, len(seen.base))}
        made = layer(trace, "slice", options, [seen.value])
        return made and made.permute((steps, 1 - steps))._replace(lead=1)

    trace.later[id(trace.tensors_in(result)[1])] = last
    return [out]
