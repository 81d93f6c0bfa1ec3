"""The operators of an ONNX model with its own functions taken apart, without what no output depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.interop.builder import Builder
from cnncalc.interop.onnx.read.file import DEEPEST, FunctionData, GraphData, NodeData, Reference, place
from cnncalc.language import _

Functions = Mapping[tuple[str, str], FunctionData]
MOST_NESTED = 8 * DEEPEST


def inline(
    nodes: Sequence[NodeData], functions: Functions, most: int, builder: Builder
) -> tuple[list[NodeData], list[NodeData]]:
    """The operators with the model's functions taken apart, and the operators Constant. Raises SpecError.

    How many there are is counted first, function by function: a few lines of a file may stand for any number.
    """
    if functions:
        count = Count(functions, builder)
        total = sum(count.of(node, 0) for node in nodes)
        if total > most:
            builder.fail("", _("the network has more than {max_operations:,} operations", max_operations=most))
    found: list[NodeData] = []
    constants: list[NodeData] = []
    for node in take_apart(nodes, functions, {}, ""):
        (constants if node.operator == "Constant" and not node.domain else found).append(node)
    return found, constants


class Count:
    """How many operators a call of a function stands for; each function is counted once."""

    def __init__(self, functions: Functions, builder: Builder) -> None:
        self.functions = functions
        self.builder = builder
        self.known: dict[tuple[str, str], int] = {}

    def of(self, node: NodeData, depth: int) -> int:
        """Those of one operator, which may be a call."""
        key = (node.domain, node.operator)
        function = self.functions.get(key)
        if function is None:
            return 1
        # One that calls itself never ends.
        if depth > MOST_NESTED:
            self.builder.fail(place(node), _("functions of the model are nested too deep"))
        if key not in self.known:
            self.known[key] = 1 + sum(self.of(inner, depth + 1) for inner in function.nodes)
        return self.known[key]


def take_apart(
    nodes: Sequence[NodeData], functions: Functions, names: Mapping[str, str], prefix: str, given: Any = None
) -> Iterator[NodeData]:
    """Operators, in their order, with those of functions in the place of their calls.

    names   of a function's inputs and outputs, as the caller has them; what is inside gets the prefix
    given   the attributes of the call
    """
    for node in nodes:
        attributes = node.attributes
        if any(isinstance(value, Reference) for value in attributes.values()):
            attributes = resolve(attributes, given or {})
        inputs = tuple(names.get(name, prefix + name if name and prefix else name) for name in node.inputs)
        outputs = tuple(names.get(name, prefix + name if name and prefix else name) for name in node.outputs)
        node = node._replace(inputs=inputs, outputs=outputs, attributes=attributes)
        function = functions.get((node.domain, node.operator))
        if function is None:
            yield node
            continue
        inner = dict(zip(function.inputs, inputs, strict=False))
        inner.update(zip(function.outputs, outputs, strict=False))
        # What the caller leaves out is left out inside as well: an empty name.
        inner.update(dict.fromkeys(function.inputs[len(inputs) :], ""))
        # Names inside a function are its own: two calls of it must not share one.
        own = f"{outputs[0] if outputs else node.name}/"
        yield from take_apart(function.nodes, functions, inner, own, {**function.defaults, **attributes})


def resolve(attributes: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that the caller of a function gives; those that it does not are left out."""
    found = {key: given.get(value.name) if isinstance(value, Reference) else value for key, value in attributes.items()}
    return {key: value for key, value in found.items() if value is not None}


def keep_needed(nodes: Sequence[NodeData], graph: GraphData) -> list[NodeData]:
    """Only the operators that an output depends on."""
    # From the end: what an operator that is needed reads is needed, too.
    wanted = {info.name for info in graph.outputs}
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            kept.append(node)
            wanted.update(node.inputs)
            # Graphs of If and Loop read outer values by name, and do not list them as inputs.
            for inner in node.attributes.values():
                if isinstance(inner, GraphData):
                    wanted.update(name for part in inner.nodes for name in part.inputs)
    return kept[::-1]
