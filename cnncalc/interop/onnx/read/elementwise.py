"""Several values element by element: their common shape, and how they lie while they are merged."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network
from cnncalc.interop.onnx.read.places import lay_alike

# Conditions are 1 or 0 here: their product is `and`, the larger one `or`.
MERGES = {
    "Add": "add", "Sum": "add", "Mul": "multiply", "Max": "maximum", "Mean": "mean", "Sub": "subtract", "Div": "divide",
    "Min": "minimum", "Greater": "greater", "Less": "less", "Equal": "equal", "And": "multiply", "Or": "maximum",
}  # fmt: skip


def broadcast(shapes: Sequence[Sequence[int]]) -> list[int]:
    """The common shape, shorter ones filled up in front."""
    rank = max(map(len, shapes))
    filled = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return [max(sizes) for sizes in zip(*filled, strict=True)]


def merge(net: Network, node: NodeData, kind: str, tensors: Sequence[Tensor]) -> Tensor:
    """All of them element by element: as they lie, where they lie alike, else in their places."""
    rank = max(len(x.axes or ()) for x in tensors)
    tensors = [Tensor(x.value, ((),) * (rank - len(x.axes or ())) + (x.axes or ())) for x in tensors]
    common = [max((axes[i] for axes in (x.axes or () for x in tensors)), key=bool) for i in range(rank)]
    alike = all(axis in ((), common[i]) for x in tensors for i, axis in enumerate(x.axes or ()))
    ranks = {len(net.shape(x)) for x in tensors}
    # What lies otherwise is brought to its place, and what lies alike stays moved: for channels-last models that is
    # all of it.
    if not alike or len(ranks) > 1:
        tensors = [each.tensor for each in lay_alike(net, node, tensors)]
        common = [max((axes[i] for axes in (x.axes or () for x in tensors)), key=bool) for i in range(rank)]
    return Tensor(net.add(node, kind, {}, [x.value for x in tensors]), tuple(common))
