"""Recurrent layers of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.folded import as_one, one_by_one
from cnncalc.interop.torch.read.making import along, join, layer
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.interop.torch.read.taking import part
from cnncalc.language import _


@translates(
    "lstm gru rnn_tanh",
    "input hx params has_biases num_layers dropout train bidirectional batch_first",
    anywhere=True,
)
def recurrent(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """The states behind all steps, (N, steps, units) or (steps, N, units), from zeros; and behind the last step.

    The cells of an LSTM are not known.
    """
    given.get("dropout"), given.get("bidirectional")  # between layers, in training; and see below
    seen = trace.of(given["input"])
    flat = list(given["params"])
    if seen is None or len(seen.shape) != 2 + seen.folded:
        return None
    if seen.lead != (0 if given["batch_first"] else 1):
        first = _("the first axis of its sequence") if given["batch_first"] else _("the second axis of its sequence")
        raise NotReadError(_("{axis} is not that of the samples", axis=first))
    # Trained first states, or those of another layer, are no option of the kinds.
    if not all(trace.flow.is_zero(state) for state in trace.tensors_in(given["hx"])):
        raise NotReadError(_("it does not start from a state of zeros"))
    if seen.folded:  # rows of a map, say, each of which is a sequence
        made = as_one(trace, seen, lambda one: each_row(trace, one, flat, given))
        return made and [made]
    between = apply_layers(trace, seen, flat, given)
    if between is None:
        return None
    directions = 1 + given["bidirectional"]
    trace.values.later[id(trace.tensors_in(result)[1])] = lambda: last_states(trace, between, directions)
    return [between[-1]]


def each_row(trace: Any, seen: Seen, flat: Sequence[Any], given: dict[str, Any]) -> Seen | None:
    """The same layers for each of several sequences that stand in one axis with the samples."""

    def apply(value: int) -> Seen | None:
        between = apply_layers(trace, Seen(value, trace.b.shape(value)), flat, given)
        return None if between is None else between[-1]

    return one_by_one(trace, seen, apply)


def apply_layers(trace: Any, seen: Seen, flat: Sequence[Any], given: dict[str, Any]) -> list[Seen] | None:
    """What comes out of each layer, one behind the other; None where there is no such layer."""
    directions = 1 + given["bidirectional"]
    each = len(flat) // (given["num_layers"] * directions)
    # weight_ih has as many rows as gates times units, weight_hh as many columns as units.
    kind = {1: "rnn", 3: "gru", 4: "lstm"}.get(flat[0].shape[0] // flat[1].shape[1])
    # Each layer and direction stores weight_ih, weight_hh, bias_ih, bias_hh; with proj_size a fifth, weight_hr.
    if kind is None or each != (4 if given["has_biases"] else 2):
        return None  # a projection
    between = [seen]
    for number in range(given["num_layers"]):
        own = flat[number * each * directions : (number + 1) * each * directions]
        options = {
            "units": own[1].shape[1],
            "bias": "double" if given["has_biases"] else False,
            "bidirectional": given["bidirectional"],
        }
        made = along(trace, between[-1], 1, lambda v, o=options, w=own: layer(trace, kind, o, [v], w))  # type: ignore[misc]
        if made is None:
            return None
        between.append(made)
    return between[1:]


def last_states(trace: Any, between: list[Seen], directions: int) -> Seen | None:
    """(layers times directions, N, units): what each layer and direction has behind its last step.

    Of the way back that is the first of the steps.
    """
    pieces = []
    for behind in between:
        steps, width = behind.shape
        units = width // directions
        for direction in range(directions):
            at = 0 if direction else steps - 1
            step = part(trace, behind, 0, at, at + 1)
            state = step and part(trace, step, 1, direction * units, (direction + 1) * units)
            if state is None:
                return None
            # One step is left of the sequence: the samples may be taken to stand in front of it.
            pieces.append(state._replace(lead=0))
    made = join(trace, pieces, 0)
    # torch has the samples second: (layers times directions, N, units).
    return made and made._replace(lead=1)
