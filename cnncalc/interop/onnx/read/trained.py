"""Which tensors of a file count as trained. ONNX does not say it, so there is a rule, and it never looks at values.

0. What torch.export wrote says of each tensor whether it is a parameter of the module, and of those that the exporter
   worked out from which others they come: that is believed. The rules are for all else.
1. What an operator multiplies with as its weights, its bias, its scale and shift, its slope, is trained; a batch norm's
   mean and variance are statistics.
2. Any other stored tensor that has axes, (4,) or (1, 4, 6, 6), is trained, whatever it is added to or multiplied with.
3. A single number without axes is part of the formula, unless PyTorch wrote the file and the number has the name
   of a parameter. With axes of one element it is one too where PyTorch's exporter made it up (`val_12`).
4. What an exporter made up is not trained: values in an operator Constant or worked out of no tensor (the ones and
   zeros that a norm without them demands), and what is called a constant or a mask (`const_fold_opt__12`,
   `lifted_tensor_0`, `blocks.1.attn_mask`). Where a file has no stored tensors at all, its Constants are its weights.

docs/interop.md has it for readers.
"""

from __future__ import annotations

import re

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import GraphData

FLOATS = (1, 10, 11, 16)  # TensorProto.DataType: what weights are made of
CALLED_CONSTANT = re.compile(r"const|lifted_tensor|scalar_tensor|(^|[._/])(\w+_)?mask$", re.IGNORECASE)
# A line of what torch.export says: p_fc_weight: PARAMETER target='fc.weight'
OF_MODULE = re.compile(r"^\S+: (PARAMETER|BUFFER|CONSTANT_TENSOR) target='([^'\n]+)'", re.MULTILINE)
# What exporters call the results of their own arithmetic: PyTorch's both, and files whose names are numbers.
WORKED_OUT = re.compile(r"val_\d+(_.*)?|onnx::.*|_?\d+|.*[:/].*")


def is_trained(constant: Constant, *, by_pytorch: bool) -> bool:
    """Whether a tensor that stands alone, added or multiplied, is trained."""
    if constant.stored and constant.said is not None:
        return constant.said
    if not constant.stored or all(CALLED_CONSTANT.search(root) for root in constant.roots):
        return False
    if constant.dims:
        return not (by_pytorch and constant.size == 1 and re.fullmatch(r"val_\d+", constant.roots[0]))
    return by_pytorch and not WORKED_OUT.fullmatch(constant.roots[0])


def fills_slot(constant: Constant) -> bool:
    """Whether the scale or shift of a norm is trained, and not what its operator demands of every exporter."""
    if constant.stored and constant.said is not None:
        return constant.said
    return constant.stored and not all(
        CALLED_CONSTANT.search(root) or re.fullmatch(r"val_\d+(_.*)?", root) for root in constant.roots
    )


def find_said(graph: GraphData) -> dict[str, bool]:
    """The stored tensors of which the file says whether they are trained: are parameters, or worked out of some."""
    if not graph.signature:
        return {}
    of_module = {name: kind == "PARAMETER" for kind, name in OF_MODULE.findall(graph.signature)}
    said = {}
    for name in graph.tensors:
        origin = graph.values[name].origin if name in graph.values else ""
        if origin.startswith("["):
            said[name] = any(of_module.get(part, False) for part in parts_of(origin))
        elif origin:
            said[name] = origin == "PARAMETER"
        elif name in of_module:
            said[name] = of_module[name]
    return said


def parts_of(origin: str) -> list[str]:
    """The tensors from which one was worked out."""
    return [part.strip(" '\"") for part in origin.strip("[]").split(",")]


def find_missing(graph: GraphData) -> list[str]:
    """Parameters that the file says the module has, and of which it holds nothing: folded, merged, or left out."""
    worked_in = {part for info in graph.values.values() if info.origin[:1] == "[" for part in parts_of(info.origin)}
    named = [name for kind, name in OF_MODULE.findall(graph.signature) if kind == "PARAMETER"]
    return [name for name in named if name not in graph.tensors and name not in worked_in]


def stores_tensors(graph: GraphData) -> bool:
    """Whether weights stand where they belong, and not in operators Constant."""
    return any(stored.dims and stored.dtype not in (6, 7, 9) for stored in graph.tensors.values())
