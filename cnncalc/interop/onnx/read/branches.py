"""An `If` that no value decides, opened: the operators of the branch that is taken stand in its place.

PyTorch's old exporter writes one where a scripted module asks for sizes. Whether a condition is a constant comes out
while the operators are read, for it may hang on a shape that is computed. So what is decided is noted, and the model is
read anew with the branch in place: operators on both of its borders are put together then as everywhere, and what only
the other branch reads is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import GraphData, NodeData, TensorData
from cnncalc.interop.onnx.read.network import Network, NotReadError
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.unread import find_unread
from cnncalc.language import _

MOST_READINGS = 50  # of a model, each of which may decide an `If` behind the ones before
MOST_READ = 500_000  # operators in all of these readings: a large model is read fewer times
Decided = Mapping[tuple[str, ...], bool]  # by the results of an `If`: whether its condition holds


def most_readings(graph: GraphData) -> int:
    """How many times a model may be read, so that it takes no longer than a large one does once or twice."""
    return max(2, min(MOST_READINGS, MOST_READ // (len(graph.nodes) + 1)))


def open_branches(graph: GraphData, decided: Decided) -> GraphData:
    """The graph with the taken branch of every decided `If` in its place."""
    if not decided:
        return graph
    nodes, tensors = graph.nodes, dict(graph.tensors)
    # A branch may hold an `If` that is decided too: its results are among those of the branch.
    while any(node.operator == "If" and node.outputs in decided for node in nodes):
        taken = {name for node in nodes for name in node.outputs} | tensors.keys()
        opened: list[NodeData] = []
        for node in nodes:
            if node.operator == "If" and node.outputs in decided:
                opened += nodes_of_branch(node, holds=decided[node.outputs], taken=taken, tensors=tensors)
            else:
                opened.append(node)
        nodes = opened
    return graph._replace(nodes=nodes, tensors=tensors)


def nodes_of_branch(node: NodeData, *, holds: bool, taken: set[str], tensors: dict[str, TensorData]) -> list[NodeData]:
    """The operators of the taken branch; what it stores comes to `tensors`, and all its names to `taken`."""
    branch = taken_branch(node, holds=holds)
    own = [*branch.tensors, *(name for inner in branch.nodes for name in inner.outputs if name)]
    # Names within a branch are its own: another one may have the same.
    names = {name: f"{node.outputs[0]}/{name}" for name in own if name in taken}
    taken.update(own)
    tensors.update((names.get(name, name), stored) for name, stored in branch.tensors.items())
    found = [rename(inner, names) for inner in branch.nodes]
    # The results of a branch go by other names than those of its `If`.
    results = zip(branch.outputs, node.outputs, strict=True)
    return [*found, *(NodeData("", "Identity", "", (names.get(i.name, i.name),), (o,), {}) for i, o in results)]


def rename(node: NodeData, names: Mapping[str, str]) -> NodeData:
    """An operator whose values go by other names, those that the graphs within it read among them."""
    if not names:
        return node
    inputs, outputs = (tuple(names.get(name, name) for name in side) for side in (node.inputs, node.outputs))
    attributes = {key: rename_within(value, names) for key, value in node.attributes.items()}
    return node._replace(inputs=inputs, outputs=outputs, attributes=attributes)


def rename_within(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, GraphData):
        return value
    outputs = [info._replace(name=names.get(info.name, info.name)) for info in value.outputs]
    return value._replace(nodes=[rename(node, names) for node in value.nodes], outputs=outputs)


def taken_branch(node: NodeData, *, holds: bool) -> GraphData:
    """Raises NotReadError where the file has no such branch, or one with other results."""
    branch = node.attributes.get("then_branch" if holds else "else_branch")
    if not isinstance(branch, GraphData) or len(branch.outputs) != len(node.outputs):
        raise NotReadError(_("a branch of it is missing, or gives other results"))
    return branch


@reads("If")
def read_if(net: Network, node: NodeData) -> NoReturn:
    """Notes that the condition is known, so that the model is read anew.

    Raises NotReadError: as it stands it is no layer.
    """
    holds = decide(net, node)
    if holds is None:
        raise NotReadError(_("values decide which branch is taken"))
    if node.outputs in net.decided:  # and yet here: it is none of the graph's own operators
        raise NotReadError(_("it stands in a function of the model"))
    for branch in (not holds, holds):
        taken_branch(node, holds=branch)
    left = find_unread(node)
    if left:
        raise NotReadError(left)
    net.decided[node.outputs] = holds
    # Said of the last reading alone: of the others nobody hears.
    raise NotReadError(_("too many conditions hang on each other"))


def decide(net: Network, node: NodeData) -> bool | None:
    """Whether the condition of an `If` holds; None where values decide."""
    condition = net.values.get(node.inputs[0]) if node.inputs else None
    number = condition.number() if isinstance(condition, Constant) else None
    return None if number is None else bool(number)
