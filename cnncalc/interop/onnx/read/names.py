"""What an operator of a model is called: by the module that it came from, as far as the exporter says it.

PyTorch's old exporter writes modules into names, /layer1/layer1.0/conv1/Conv, the new one beside them, as scopes;
tf2onnx writes StatefulPartitionedCall/resnet50/conv1/Conv2D. Weights are called after the module that has them.
Operators that a module computes between its parts, an addition say, are numbered in its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from cnncalc.interop.onnx.read.file import NodeData

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")  # their weights are hardly ever equal, and stored apart
WEIGHTED = (*PRODUCTS, "BatchNormalization", "LayerNormalization", "PRelu", "LSTM")
# What the last part of a name may be besides the operator's own, in TensorFlow.
OF_TENSORFLOW = (
    "conv2d", "conv1d", "biasadd", "fusedbatchnormv3", "mean", "avgpool", "depthwise", "cond", "concat", "relu6",
    "swish",
)  # fmt: skip
GENERIC = re.compile(r"(node_.*|n\d+(_\d+)*|[A-Z][A-Za-z]*_?\d*|\d+|getitem(_\d+)*|val_\d+|[a-z0-9]*:{2}.*)")
NUMBERED = re.compile(r"\d+|getitem(_\d+)*|val_\d+|.*::.*")
OF_WEIGHT = re.compile(r"[./_](weight|kernel|gamma|scale|w|W)(_\d+|:\d+)?$")


def find_modules(nodes: Sequence[NodeData]) -> list[str]:
    """The module that each operator came from, in order; empty where nothing says it."""
    paths = [path(node) for node in nodes]
    known = set(paths)
    return [again(name, known) for name in paths]


def name_operators(nodes: Sequence[NodeData], paths: Sequence[str]) -> list[str]:
    """A name for each operator, by its module: a path, one that ends in a stroke to be numbered in it, or none."""
    uses = Counter(paths)
    inside = {"/".join(parts[:i]) for parts in (p.split("/") for p in uses) for i in range(1, len(parts))}
    found = []
    for node, name in zip(nodes, paths, strict=True):
        if not node.name:  # called after its result
            found.append(name)
            continue
        # A layer with weights has the module's own name; what the module computes besides is numbered in it.
        own = node.operator in WEIGHTED and not (uses[name] > 1 and name in inside)
        found.append(name if not name or own or (uses[name] == 1 and name not in inside) else f"{name}/")
    return found


def again(name: str, known: Collection[str]) -> str:
    """`relu` for `relu_1`, which is the same module used again."""
    base = re.sub(r"_\d+$", "", name)
    return base if base in known else name


def path(node: NodeData) -> str:
    """The module that an operator came from; empty where nothing says it."""
    # The weight first: it is called after its module even where an exporter numbers operators.
    weight = OF_WEIGHT.search(node.inputs[1]) if len(node.inputs) > 1 and node.operator in PRODUCTS else None
    if weight and "::" not in node.inputs[1]:
        return node.inputs[1][: weight.start()].replace(".", "/")
    if len(node.scopes) > 1 and node.scopes[-2]:
        return node.scopes[-2].replace(".", "/")
    if node.name.startswith("/"):
        return of_modules(node)
    if not node.name:
        return "" if NUMBERED.fullmatch(node.outputs[0]) else node.outputs[0].removesuffix(":0")
    if not GENERIC.fullmatch(node.name):
        return of_layers(node)
    return ""


def of_modules(node: NodeData) -> str:
    """`/layer1/layer1.0/conv1/Conv` is layer1/0/conv1: each module without the one that it is in."""
    parts = node.name.strip("/").split("/")
    # The last part is the operator: /conv1/Conv_1.
    if re.fullmatch(rf"{re.escape(node.operator)}(_\d+)?", parts[-1]):
        parts.pop()
    found, around = [], ""
    for part in parts:
        found.append(part.removeprefix(f"{around}.") if around else part)
        around = part
    return "/".join(found).replace(".", "/")


def of_layers(node: NodeData) -> str:
    """`StatefulPartitionedCall/resnet50/conv1_conv/Conv2D` is resnet50/conv1_conv."""
    parts = [part for part in node.name.split("/") if part and not part.startswith("StatefulPartitionedCall")]
    last = re.sub(r"(__?\d+|:\d+)+$", "", parts[-1]).lower() if parts else ""
    if len(parts) > 1 and (last in OF_TENSORFLOW or last == node.operator.lower()):
        parts.pop()
    return "/".join(parts)
