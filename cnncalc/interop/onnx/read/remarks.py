"""What is said below the table about a model of ONNX: what the file does not say, and what its exporter has done."""

from __future__ import annotations

from cnncalc.interop.onnx.read.network import Network
from cnncalc.language import _


def remarks(net: Network) -> list[str]:
    """Sentences about the whole model."""
    found = []
    if net.loose:
        names = ", ".join(net.loose[:3]) + (", ..." if len(net.loose) > 3 else "")
        found.append(_("ONNX does not say what is trained: stored tensors with axes count, here {names}", names=names))
    return found
