"""The operators of an ONNX model with its own functions taken apart, without what no output depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.interop.onnx.read import file as onnx_file
from cnncalc.interop.onnx.read.constants import Constant, constant
from cnncalc.interop.onnx.read.file import GraphData, NodeData, TensorData, place
from cnncalc.interop.onnx.read.wire import WireError
from cnncalc.language import _

if TYPE_CHECKING:
    from cnncalc.interop.onnx.read.reading import Reading


def inlined(o: Reading, graph: GraphData) -> Iterator[NodeData]:
    """The operators, with functions of the model's own taken apart, and the constants put aside."""
    for node in apart(o, graph.nodes, {}, "", 0):
        if node.operator == "Constant" and not node.domain:
            o.values[node.outputs[0]] = given(o, node)
        else:
            yield node


def apart(
    o: Reading,
    nodes: Sequence[NodeData],
    names: Mapping[str, str],
    prefix: str,
    depth: int,
    attributes_given: Any = None,
) -> Iterator[NodeData]:
    for node in nodes:
        o.operations += 1
        if o.operations > o.max_operations:
            o.builder.fail(
                "", _("the network has more than {max_operations:,} operations", max_operations=o.max_operations)
            )
        attributes = node.attributes
        if any(isinstance(v, onnx_file.Reference) for v in attributes.values()):
            attributes = {
                key: attributes_given.get(value.name) if isinstance(value, onnx_file.Reference) else value
                for key, value in attributes.items()
            }
            attributes = {key: value for key, value in attributes.items() if value is not None}
        inputs = tuple(names.get(name, prefix + name if name and prefix else name) for name in node.inputs)
        outputs = tuple(names.get(name, prefix + name if name and prefix else name) for name in node.outputs)
        node = node._replace(inputs=inputs, outputs=outputs, attributes=attributes)
        function = o.model.functions.get((node.domain, node.operator))
        if function is None:
            yield node
            continue
        if depth > onnx_file.DEEPEST * 8:
            o.builder.fail(place(node), _("functions of the model are nested too deep"))
        inner = {
            **dict(zip(function.inputs, inputs, strict=False)),
            **dict(zip(function.outputs, outputs, strict=False)),
        }
        inner.update(dict.fromkeys(function.inputs[len(inputs) :], ""))
        yield from apart(o, function.nodes, inner, f"{node.outputs[0]}/", depth + 1, attributes)


def needed(nodes: list[NodeData], graph: GraphData) -> list[NodeData]:
    """Only the operators that an output depends on."""
    wanted = {info.name for info in graph.outputs}
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            kept.append(node)
            wanted.update(node.inputs)
            for inner in node.attributes.values():
                if isinstance(inner, GraphData):
                    wanted.update(name for part in inner.nodes for name in part.inputs)
    return kept[::-1]


def given(o: Reading, node: NodeData) -> Constant:
    """The value of a Constant."""
    import numpy as np

    for key, value in node.attributes.items():
        if isinstance(value, TensorData):
            return o.constant(value)
        if key in ("value_int", "value_ints"):
            return constant(np.array(value, np.int64))
        if key in ("value_float", "value_floats"):
            return constant(np.array(value, np.float32))
    raise WireError(_("{place}: not a constant that is read", place=place(node)), 0)
