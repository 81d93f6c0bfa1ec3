"""What is said below the table about a model of ONNX: what the file does not say, and what its exporter has done."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.network import Network
from cnncalc.language import _


def remarks(net: Network) -> list[str]:
    """Sentences about the whole model."""
    found = []
    if net.folded_norms:
        found.append(
            _(
                "{count} batch norms folded into convolutions by the exporter: their parameters are not in the file",
                count=net.folded_norms,
            )
            if net.folded_norms > 1
            else _("a batch norm folded into a convolution by the exporter: its parameters are not in the file")
        )
    if net.loose:
        names = ", ".join(net.loose[:3]) + (", ..." if len(net.loose) > 3 else "")
        found.append(_("ONNX does not say what is trained: stored tensors with axes count, here {names}", names=names))
    return found


def count_folded_norms(nodes: Iterable[NodeData], *, by_pytorch: bool) -> int:
    """Convolutions into which an exporter has folded a batch norm, as the names of their tensors say.

    PyTorch's old exporter numbers what it worked out, onnx::Conv_29; the new one gives the result the norm's name,
    getitem_3, and a bias that it adds that of the weight, conv1.weight_bias; tf2onnx says fused_bn.
    """
    count = 0
    for node in nodes:
        if node.operator not in ("Conv", "ConvTranspose", "Gemm") or len(node.inputs) < 3:
            continue
        weight, bias = node.inputs[1:3]
        numbered = all(re.fullmatch(r"onnx::Conv(Transpose)?_\d+", name) for name in (weight, bias))
        of_norm = re.fullmatch(r"getitem(_\d+)?", node.outputs[0]) is not None
        if (by_pytorch and (numbered or of_norm)) or bias == f"{weight}_bias" or "fused_bn" in weight:
            count += 1
    return count
