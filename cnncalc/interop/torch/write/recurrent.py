"""Recurrent layers in PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call
from cnncalc.interop.torch.write.table import NotInTorchError, Written, writes
from cnncalc.language import _
from cnncalc.layers.base import Shape

GATES = {"rnn": "c", "gru": "rzc", "lstm": "ifgo"}  # in the order in which PyTorch stacks them


@writes("rnn", "gru", "lstm")
def recurrent(layer: Any, x: Shape) -> Written:
    """Sequences are (N, steps, values) there. PyTorch has two biases for every gate, or none."""
    if layer.bias is True:
        raise NotInTorchError(
            _("PyTorch's {kind} has two biases for every gate, or none: say bias=double or nobias", kind=layer.kind)
        )
    if layer.kind == "gru" and not layer.bias:
        raise NotInTorchError(_("PyTorch's gru resets behind the product: say bias=double"))
    options = {"bias": (bool(layer.bias), True), "batch_first": (True, False)}
    module = call(
        f"nn.{layer.kind.upper()}",
        ("input_size", x[0]),
        ("hidden_size", layer.units),
        **options,
        bidirectional=(layer.bidirectional, False),
    )
    use = "torch.transpose({m}(torch.transpose({0}, 1, 2))[0], 1, 2)"
    if layer.last:
        # An LSTM gives (states, (h, c)), a GRU (states, h).
        hidden = "[1][0]" if layer.kind == "lstm" else "[1]"
        use = f"torch.flatten(torch.transpose({{m}}(torch.transpose({{0}}, 1, 2)){hidden}, 0, 1), 1)"
    state: dict[str, tuple[str, None]] = {}  # gates that share a name are stacked in this order
    for ours, theirs in (("", ""), ("back_", "_reverse"))[: 1 + layer.bidirectional]:
        for part, name in (("input", "weight_ih"), ("state", "weight_hh"), ("bias", "bias_ih"), ("bias2", "bias_hh")):
            state |= {f"{ours}{gate}_{part}": (f"{name}_l0{theirs}", None) for gate in GATES[layer.kind]}
    return Written(use, module, {}, state)
