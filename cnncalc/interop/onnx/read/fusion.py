"""What exporters write as several operators and people call by one name: SiLU, GELU, hard swish, layer normalisation.

Operators are put together where nothing else reads what lies between them. The new ones are called `cnncalc:` and the
kind. A product is taken as its factors, in whatever order they are multiplied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cnncalc.interop.faults import say_fault
from cnncalc.interop.onnx.read.file import GraphData, NodeData
from cnncalc.interop.onnx.read.unread import unread_attribute

Number = Callable[[str], float | None]
OF_GELU = (0.044715, 0.7978846, 3.0, 1.0)  # the numbers of its formula with tanh; the first two are in each


class Found(NamedTuple):
    """A kind, what enters, and the operators that it takes the place of."""

    kind: str
    inputs: tuple[str, ...]
    parts: list[NodeData]
    attributes: dict[str, Any]


def fuse(nodes: list[NodeData], graph: GraphData, number: Number) -> list[NodeData]:
    """The operators with those put together that have one name; the others as they are."""
    finder = Finder(nodes, graph, number)
    gone: set[int] = set()
    new: dict[int, NodeData] = {}
    # From the end, so that the largest form is found first: a hard swish before the hard sigmoid in it.
    for node in reversed(nodes):
        search = SEARCHES.get(node.operator)
        if search is None or id(node) in gone or node.domain:
            continue
        try:
            found = search(finder, node)
        except (IndexError, TypeError, ValueError) as error:  # an input or an attribute that is missing, or of no use
            say_fault(error)
            continue
        if found is None or any(id(part) in gone for part in found.parts):
            continue
        # What lies inside and is read elsewhere has to be computed anyway.
        if not finder.is_closed(found.parts, node):
            continue
        if any(unread_attribute(part.operator, part.attributes) for part in found.parts):
            continue
        gone.update(id(part) for part in found.parts)
        # PyTorch names the parts of a module below it: the shortest name is nearest to the module's.
        named = min(found.parts, key=lambda part: len(part.name)) if node.name else node
        new[id(node)] = NodeData(
            named.name, f"cnncalc:{found.kind}", "", found.inputs, node.outputs, found.attributes, node.scopes
        )
    return [new.get(id(node), node) for node in nodes if id(node) not in gone or id(node) in new]


class Finder:
    """Who gives a value, and how often it is read."""

    def __init__(self, nodes: Sequence[NodeData], graph: GraphData, number: Number) -> None:
        self.number = number
        self.makers = {name: node for node in nodes for name in node.outputs}
        self.uses = Counter(name for node in nodes for name in node.inputs)
        self.uses.update(info.name for info in graph.outputs)

    def find_maker(self, name: str, *operators: str) -> NodeData | None:
        """The operator that gives a value, if it is one of these."""
        node = self.makers.get(name)
        return node if node is not None and node.operator in operators and not node.domain else None

    def is_closed(self, parts: Sequence[NodeData], root: NodeData) -> bool:
        """Whether what lies inside is read inside alone."""
        inside = Counter(name for part in parts for name in part.inputs)
        return all(
            inside[name] == self.uses[name] for part in parts if part is not root for name in part.outputs if name
        )

    def constant(self, node: NodeData, value: float) -> str | None:
        """The other input of an operator of two that has this constant."""
        if len(node.inputs) != 2:
            return None
        for one, other in (node.inputs, node.inputs[::-1]):
            if near(self.number(one), value):
                return other
        return None

    def product(self, root: NodeData) -> tuple[list[str], float, list[NodeData]]:
        """The factors of a product, the product of its constants, and the operators that multiply."""
        factors: list[str] = []
        constant, parts, names = 1.0, [root], list(root.inputs)
        if root.operator == "Div":
            by = self.number(root.inputs[1])
            if not by:
                return [], 0.0, []
            constant, names = 1 / by, [root.inputs[0]]
        while names:
            name = names.pop()
            value = self.number(name)
            node = self.find_maker(name, "Mul", "Div")
            if value is not None:
                constant *= value
            # A product that is read elsewhere, too, has to be computed anyway: it stays a factor.
            elif node is not None and self.uses[name] == 1 and len(parts) < 4:
                by = self.number(node.inputs[1]) if node.operator == "Div" else 1.0
                if not by:
                    factors.append(name)
                    continue
                constant /= by
                parts.append(node)
                names += node.inputs[:1] if node.operator == "Div" else node.inputs
            else:
                factors.append(name)
        return factors, constant, parts

    def find_clipped(self, name: str) -> tuple[str, list[NodeData]] | None:
        """min(max(x, 0), 6), in any way: x, and the operators."""
        node = self.find_maker(name, "Clip")
        if node is not None:
            low, high = self.bounds(node)
            if near(high, 6) and near(low, 0):
                return node.inputs[0], [node]
            relu = self.find_maker(node.inputs[0], "Relu")
            if near(high, 6) and (low is None or low <= 0) and relu is not None:
                return relu.inputs[0], [relu, node]
            return None
        for outer, inner, first, second in (("Min", "Max", 6, 0), ("Max", "Min", 0, 6)):
            node = self.find_maker(name, outer)
            other = None if node is None else self.constant(node, first)
            if node is None or other is None:
                continue
            relu = self.find_maker(other, "Relu") if outer == "Min" else None
            if relu is not None:
                return relu.inputs[0], [relu, node]
            within = self.find_maker(other, inner)
            x = None if within is None else self.constant(within, second)
            if within is not None and x is not None:
                return x, [within, node]
        return None

    def bounds(self, node: NodeData) -> tuple[float | None, float | None]:
        """Those of a Clip: attributes before set 11, inputs from then on."""
        given = [self.number(name) if name else None for name in node.inputs[1:3]] + [None, None]
        low, high = node.attributes.get("min", given[0]), node.attributes.get("max", given[1])
        return low, high

    def shifted_clip(self, name: str) -> tuple[str, list[NodeData]] | None:
        """min(max(x + 3, 0), 6)"""
        found = self.find_clipped(name)
        add = None if found is None else self.find_maker(found[0], "Add")
        x = None if add is None else self.constant(add, 3)
        return (x, [add, *found[1]]) if found and add is not None and x is not None else None

    def gate(self, x: str, name: str, constant: float) -> tuple[str, list[NodeData]] | None:
        """The activation that x times this gate is, times a constant."""
        node = self.makers.get(name)
        if node is None or node.domain:
            return None
        if node.operator == "Sigmoid" and node.inputs[0] == x and near(constant, 1):
            return "silu", [node]
        if node.operator == "HardSigmoid" and node.inputs[0] == x and near(constant, 1):
            # ONNX's own slope is 0.2, as in old Keras: hard swish is made of the one with 1/6.
            slope, offset = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
            return ("hard_swish", [node]) if near(slope, 1 / 6) and near(offset, 0.5) else None
        if node.operator == "Tanh" and near(constant, 1):
            inner = self.find_maker(node.inputs[0], "Softplus")
            return ("mish", [inner, node]) if inner is not None and inner.inputs[0] == x else None
        clip = self.shifted_clip(name)
        if clip is not None and clip[0] == x and near(constant, 1 / 6):
            return "hard_swish", clip[1]
        # The half of x / 2 * (1 + ...) is among the factors outside.
        if near(constant, 0.5) and node.operator == "Add":
            return self.gelu(x, node)
        return None

    def gelu(self, x: str, add: NodeData) -> tuple[str, list[NodeData]] | None:
        """1 + erf(x / sqrt 2), or 1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))."""
        inner = self.makers.get(self.constant(add, 1) or "")
        if inner is None:
            return None
        scaled = self.find_maker(inner.inputs[0], "Div", "Mul")
        if scaled is None:
            return None
        if inner.operator == "Erf":
            factors, constant, parts = self.product(scaled)
            return ("gelu", [*parts, inner, add]) if factors == [x] and near(constant, 0.70711) else None
        if inner.operator == "Tanh" and not inner.domain:
            parts = self.between(x, inner.inputs[0], 12)
            # Exporters cube by Pow or by two Mul, and order factors as they like: its numbers tell it, not its form.
            numbers = [self.number(name) for part in parts for name in part.inputs]
            known = [n for n in numbers if n is not None]
            named = all(any(near(n, wanted) for wanted in OF_GELU) for n in known)
            usual = all(part.operator in ("Mul", "Pow", "Add") for part in parts)
            if usual and named and all(any(near(n, wanted) for n in known) for wanted in OF_GELU[:2]):
                return "gelu_by_tanh", [*parts, inner, add]
        return None

    def between(self, start: str, end: str, most: int) -> list[NodeData]:
        """The operators on the ways from one value to another; none where there are more than a few."""
        found: list[NodeData] = []
        names = [end]
        while names:
            node = self.makers.get(names.pop())
            if node is None or node in found:
                continue
            found.append(node)
            if len(found) > most:
                return []
            names += [name for name in node.inputs if name != start]
        return found


def near(value: float | None, wanted: float) -> bool:
    """Whether a number is this one."""
    # Loose, as a model in float16 has three digits of 0.044715.
    return value is not None and abs(value - wanted) <= 1e-3 * max(abs(wanted), 1e-3)


def from_product(finder: Finder, node: NodeData) -> Found | None:
    """x times a gate of x; a sixth of a clipped x + 3; LeCun's tanh."""
    factors, constant, parts = finder.product(node)
    if len(factors) == 2:
        for x, gate in (factors, factors[::-1]):
            found = finder.gate(x, gate, constant)
            if found is not None:
                return Found(found[0], (x,), [*found[1], *parts], {})
    if len(factors) == 1 and near(constant, 1 / 6):
        clip = finder.shifted_clip(factors[0])
        return None if clip is None else Found("hard_sigmoid", (clip[0],), [*clip[1], *parts], {})
    # LeCun's 1.7159 tanh(2 x / 3), which is 1 at 1 and -1 at -1.
    if len(factors) == 1 and near(constant, 1.7159):
        tanh = finder.find_maker(factors[0], "Tanh")
        inner = None if tanh is None else finder.find_maker(tanh.inputs[0], "Mul", "Div")
        if tanh is not None and inner is not None:
            within, scale, scaled = finder.product(inner)
            if len(within) == 1 and near(scale, 2 / 3):
                return Found("scaled_tanh", (within[0],), [*scaled, tanh, *parts], {})
    return None


def from_clip(finder: Finder, node: NodeData) -> Found | None:
    """relu6 of two operators; that of one is a Clip, which its reader knows."""
    found = finder.find_clipped(node.outputs[0])
    return Found("relu6", (found[0],), found[1], {}) if found and len(found[1]) == 2 else None


def from_cast(finder: Finder, node: NodeData) -> Found | None:
    """1 where x is above 0, else 0."""
    greater = finder.find_maker(node.inputs[0], "Greater")
    # 1 is FLOAT in ONNX's list of types.
    if greater is None or finder.number(greater.inputs[1]) != 0 or node.attributes.get("to") != 1:
        return None
    return Found("step", (greater.inputs[0],), [greater, node], {})


def from_division(finder: Finder, node: NodeData) -> Found | None:
    """Layer normalisation, (x - mean) / sqrt(mean((x - mean)^2) + epsilon); or a product."""
    return standardise(finder, node) or from_product(finder, node)


def standardise(finder: Finder, node: NodeData) -> Found | None:
    """The norm without its scale and shift, which stand behind as a product and a sum."""
    away = finder.find_maker(node.inputs[0], "Sub")
    root = finder.find_maker(node.inputs[1], "Sqrt")
    add = None if root is None else finder.find_maker(root.inputs[0], "Add")
    if away is None or root is None or add is None:
        return None
    for epsilon, name in (add.inputs, add.inputs[::-1]):
        variance, constant = finder.find_maker(name, "ReduceMean"), finder.number(epsilon)
        if variance is None or constant is None:
            continue
        square = finder.find_maker(variance.inputs[0], "Pow", "Mul")
        mean = finder.find_maker(away.inputs[1], "ReduceMean")
        if square is None or mean is None or mean.inputs[0] != away.inputs[0]:
            continue
        twice = square.inputs[0] == away.outputs[0] and (
            square.inputs[1] == away.outputs[0]
            if square.operator == "Mul"
            else near(finder.number(square.inputs[1]), 2)
        )
        if not twice or not (over_the_same(finder, mean, variance) and keeps_axes(mean) and keeps_axes(variance)):
            continue
        parts = [mean, away, square, variance, add, root, node]
        attributes = {"epsilon": constant, "axes": mean.attributes.get("axes"), "by": mean.inputs[1:2]}
        return Found("layernorm", (away.inputs[0],), parts, attributes)
    return None


def over_the_same(finder: Finder, a: NodeData, b: NodeData) -> bool:
    """Whether two means are over the same axes, by an attribute, the same input, or inputs of one equal number."""
    if a.attributes.get("axes") != b.attributes.get("axes") or len(a.inputs) != len(b.inputs):
        return False
    if a.inputs[1:] == b.inputs[1:]:
        return True
    first, second = finder.number(a.inputs[1]), finder.number(b.inputs[1])
    return first is not None and first == second


def keeps_axes(mean: NodeData) -> bool:
    """Whether a mean leaves axes of one element, which the others are stretched against."""
    return bool(mean.attributes.get("keepdims", 1))


SEARCHES: dict[str, Callable[[Finder, NodeData], Found | None]] = {
    "Mul": from_product, "Div": from_division, "Min": from_clip, "Max": from_clip, "Clip": from_clip, "Cast": from_cast,
}  # fmt: skip
