"""What is said below the table about a model of ONNX: what the file does not say, and what its exporter has done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.network import Network
from cnncalc.language import _


def remarks(net: Network) -> list[str]:
    """Sentences about the whole model."""
    # Each says what a reader of the table would miss or wonder at; one thing and several are sentences of their own.
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
    if net.missing:
        names = some(net.missing)
        found.append(
            _(
                "{count} parameters of the module are not in the file (folded, merged or left out): {names}",
                count=len(net.missing), names=names,
            )
            if len(net.missing) > 1
            else _("a parameter of the module is not in the file (folded, merged or left out): {name}",
                   name=names)
        )  # fmt: skip
    if net.opened:
        found.append(
            _("{count} conditions do not depend on values: the branches that are taken are read, not the others",
              count=net.opened)
            if net.opened > 1
            else _("a condition does not depend on values: the branch that is taken is read, not the other")
        )  # fmt: skip
    if net.left_out:
        found.append(
            _("{count} operators on which no output depends are left out", count=net.left_out)
            if net.left_out > 1
            else _("an operator on which no output depends is left out")
        )
    filters = unusual_filters(net)
    if filters:
        found.append(_("ONNX does not say what is trained: filters count, and these may be fixed: {names}",
                       names=some(filters)))  # fmt: skip
    if net.loose:
        text = _(
            "ONNX does not say what is trained: stored tensors with axes count, here {names}", names=some(net.loose)
        )
        found.append(text)
    return found


def some(names: Sequence[str]) -> str:
    """The first names."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def count_left_out(net: Network, nodes: Sequence[NodeData], kept: Sequence[NodeData]) -> int:
    """Operators that compute something which no output depends on. Those that ask for shapes, or work on constants, are
    not counted: exporters leave them behind.
    """
    there = {id(node) for node in kept}
    gone = [node for node in nodes if id(node) not in there]
    # What is worked out of shapes and constants is a constant, too.
    fixed = set(net.values)
    count = 0
    for node in gone:
        if node.operator in ("Shape", "Size") or all(name in fixed for name in node.inputs if name):
            fixed.update(node.outputs)
        else:
            count += 1
    return count


def unusual_filters(net: Network) -> list[str]:
    """Filters of convolutions that PyTorch does not call weights: buffers of a blur pool say, which are not trained."""
    if not net.by_pytorch:
        return []
    # The rule takes every filter for trained: those of a blur pool that is no binomial one are the exception.
    names = [root for root, (value, _form) in net.roots.items() if net.kind_of(value) in ("conv", "depthwise")]
    usual = re.compile(r"(.*[._])?(weight|kernel|w)[^.]*|val_\d+|onnx::.*|_?\d+", re.IGNORECASE)
    return [name for name in names if not usual.fullmatch(name) and not net.said.get(name)]


def count_folded_norms(nodes: Iterable[NodeData], *, by_pytorch: bool) -> int:
    """Convolutions into which an exporter has folded a batch norm, as the names of their tensors say.

    PyTorch's old exporter numbers what it worked out, onnx::Conv_29; the new one gives the result the norm's name,
    getitem_3, and a bias that it adds that of the weight, conv1.weight_bias; tf2onnx says fused_bn.
    """
    count = 0
    for node in nodes:
        if node.operator not in ("Conv", "ConvTranspose", "Gemm") or len(node.inputs) < 2:
            continue
        # A bias of zeros is left out.
        weight, bias = (*node.inputs[1:3], "")[:2]
        numbered = all(re.fullmatch(r"onnx::Conv(Transpose)?_\d+", name) for name in (weight, bias))
        of_norm = re.fullmatch(r"getitem(_\d+)?", node.outputs[0]) is not None
        if (by_pytorch and (numbered or of_norm)) or bias == f"{weight}_bias" or "fused_bn" in weight:
            count += 1
    return count
