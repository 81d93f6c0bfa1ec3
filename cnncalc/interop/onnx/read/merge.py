"""ONNX operators of several values, or of one and numbers, element by element: sums, products, conditions, choices."""

from __future__ import annotations

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.conv import fill_behind
from cnncalc.interop.onnx.read.elementwise import MERGES, broadcast, merge
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.with_constant import combine_with_constant
from cnncalc.language import _

ANY_NUMBER = ("Sum", "Max", "Mean", "Min")  # of inputs; the others take two


@reads(*MERGES)
def read_combination(net: Network, node: NodeData) -> Value:
    """Element by element."""
    return combine(net, node)


def combine(net: Network, node: NodeData) -> Value:
    """Several values, or one and numbers, element by element."""
    names = node.inputs if node.operator in ANY_NUMBER else node.inputs[:2]
    if "" in names:
        raise NotReadError(_("its input {i} is missing", i=1 + names.index("")))
    values = [net.values[name] for name in names]
    tensors = [value for value in values if isinstance(value, Tensor)]
    constants = [value for value in values if isinstance(value, Constant)]
    if len(values) == 1:
        if node.operator not in ANY_NUMBER:
            raise NotReadError(_("its input {i} is missing", i=2))
        return tensors[0]
    if len(values) == 2 and constants:
        constant = fill_behind(node, constants[0], len(tensors[0].dims()))
        return combine_with_constant(net, node, tensors[0], constant, isinstance(values[0], Constant))
    dims = broadcast([value.dims for value in constants] + [value.dims() for value in tensors])
    if constants:
        raise NotReadError(_("it combines several values and constants"), dims)
    # Before set 7 shapes were not filled up in front: an attribute says where the smaller one begins.
    if node.attributes.get("broadcast"):
        tensors = [tensors[0], *(place_behind(node, x, len(tensors[0].dims())) for x in tensors[1:])]
    return merge(net, node, MERGES[node.operator], tensors)


def place_behind(node: NodeData, x: Tensor, rank: int) -> Tensor:
    """A tensor whose first axis an operator of the sets before 7 says, as `fill_behind` has it for a constant."""
    axis, axes = node.attributes.get("axis"), x.axes or ()
    if axis is None or axis % rank + len(axes) > rank:
        return x
    return Tensor(x.value, (*axes, *((),) * (rank - axis % rank - len(axes))))


@reads("GreaterOrEqual", "LessOrEqual", "Not")
def read_denial(net: Network, node: NodeData) -> Value:
    """1 - c of a condition c: of what is less, or not."""
    if node.operator == "Not":
        return deny(net, node, net.tensor(node))
    opposite = {"GreaterOrEqual": "Less", "LessOrEqual": "Greater"}[node.operator]
    found = combine(net, node._replace(operator=opposite))
    return deny(net, node, found) if isinstance(found, Tensor) else found


def deny(net: Network, node: NodeData, x: Tensor) -> Tensor:
    """1 - c of a condition c, which is 1 or 0."""
    return net.apply(node, x, "rescale", {"factor": -1, "offset": 1}, part="denial")


@reads("Where")
def read_choice(net: Network, node: NodeData) -> Value:
    """c a + (1 - c) b of a condition c that is 1 or 0: as arithmetic, since no kind chooses."""
    values = [net.values.get(name) for name in node.inputs[:3]]
    dims = broadcast([v.dims() if isinstance(v, Tensor) else v.dims for v in values if v is not None])
    if not isinstance(values[0], Tensor):
        raise NotReadError(_("its input {i} is a constant, not computed", i=1), dims)
    # A side that is 0 adds nothing; one that is 1 is the condition.
    sides = []
    for value, holds in ((values[1], net.tensor(node)), (values[2], deny(net, node, net.tensor(node)))):
        if isinstance(value, Tensor):
            sides.append(merge(net, node, "multiply", [value, holds]))
            continue
        number = None if value is None else value.number()
        if number is None or abs(number) == float("inf"):
            raise NotReadError(_("one of its inputs is a constant"), dims)
        if number:
            sides.append(holds if number == 1 else Tensor(net.add(node, "rescale", {"factor": number}, [holds.value]),
                                                          holds.axes))  # fmt: skip
    if not sides or broadcast([side.dims() for side in sides]) != dims:
        raise NotReadError(_("one of its inputs is a constant"), dims)
    return sides[0] if len(sides) == 1 else merge(net, node, "add", sides)
