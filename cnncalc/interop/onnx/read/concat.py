"""ONNX operators that join values: computed ones, and numbers that stand by themselves, as a class token does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.axis_parts import whole
from cnncalc.interop.names import axis_word
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
    plain,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import lay_alike
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.with_constant import note_loose, stored_size
from cnncalc.language import _


@reads("Concat")
def read_concat(net: Network, node: NodeData) -> Value:
    given = [net.values.get(name) for name in node.inputs]
    # Exporters join with empty constants, of no element.
    held = [i for i, value in enumerate(given) if not (isinstance(value, Constant) and not value.size)]
    tensors = [part_to_join(net, node, i) for i in held]
    first = tensors[0].axes or ()
    axis = node.attributes.get("axis", 1) % len(first)
    if len(tensors) == 1:
        return tensors[0]
    # All axes but the joined one must lie alike, and the joined one must be the channels: then nothing has to be moved.
    if axis == 0 and all(node.inputs[i] in net.states for i in held):  # of several recurrent layers
        net.states.update(node.outputs)
        return join_states(net, node, tensors)
    lying = [(*(x.axes or ())[:axis], *(x.axes or ())[axis + 1 :]) for x in tensors]
    channels = [net.shape(x)[0] for x in tensors]
    ranks = {len(net.shape(x)) for x in tensors}
    alike = all(a == lying[0] for a in lying) and len(ranks) == 1
    if not alike or any((x.axes or ())[axis] != whole(0, c) for x, c in zip(tensors, channels, strict=True)):
        dims = list(tensors[0].dims())
        dims[axis] = sum(x.dims()[axis] for x in tensors)
        return concat_along(net, node, tensors, axis, dims)
    value = net.add(node, "concat", {}, [x.value for x in tensors])
    return Tensor(value, tuple(whole(0, sum(channels)) if i == axis else a for i, a in enumerate(first)))


def join_states(net: Network, node: NodeData, tensors: Sequence[Tensor]) -> Tensor:
    """(directions, samples, units) of several layers behind one another: with the samples in front, and back."""
    turned = [Tensor(x.value, ((x.axes or ())[1], (x.axes or ())[0], (x.axes or ())[2])) for x in tensors]
    dims = [turned[0].dims()[0], sum(x.dims()[1] for x in turned), turned[0].dims()[2]]
    made = concat_along(net, node, turned, 1, dims)
    samples, states, units = made.axes or ()
    return Tensor(made.value, (states, samples, units))


def part_to_join(net: Network, node: NodeData, i: int) -> Tensor:
    """An input of a Concat: computed, or numbers that stand by themselves, as a class token does."""
    constant = net.values.get(node.inputs[i])
    if not isinstance(constant, Constant):
        return net.tensor(node, i)
    return as_value(net, node, constant, f"parameter{i}")


def as_value(net: Network, node: NodeData, constant: Constant, part: str) -> Tensor:
    """Trained numbers, or those of the formula, as a value, the same for all samples, which are the first axis."""
    if constant.mixed:
        raise NotReadError(_("its constant is worked out of several tensors: {names}", names=", ".join(constant.roots)))
    if constant.dims[:1] != (1,) or len(constant.dims) < 2:
        raise NotReadError(_("its constant has other numbers for other places"))
    # The samples are the first axis: a network has its numbers once for all of them.
    shape = constant.dims[1:]
    options: dict[str, Any] = {"shape": list(shape)}
    if not net.is_trained(constant):
        options["trained"] = False
    elif stored_size(net, constant) != constant.size:
        raise NotReadError(_("its weights are one stored tensor repeated: {name}", name=constant.roots[0]))
    else:
        note_loose(net, constant)
    value = constant.move_later(shape, lambda array: array[0])
    made = net.add(node, "parameter", options, [], {"value": value}, part=part)
    return Tensor(made, plain(shape, net.batch))


def concat_along(net: Network, node: NodeData, tensors: Sequence[Tensor], axis: int, dims: Sequence[int]) -> Tensor:
    """Joined along another axis than the channels: with all axes in their places."""
    laid = lay_alike(net, node, tensors)
    place = laid[0].where[axis]
    if place is None or axis in axes_of_samples(tensors):
        raise NotReadError(_("it joins samples"), dims)
    options = {"axis": axis_word(place, len(net.shape(laid[0].tensor))) if place else None}
    value = net.add(node, "concat", options, [each.tensor.value for each in laid])
    joined = whole(place, net.builder.shape(value)[place])
    return Tensor(value, tuple(joined if i == axis else a for i, a in enumerate(laid[0].tensor.axes or ())))


def axes_of_samples(tensors: Sequence[Tensor]) -> set[int]:
    """The axes of any of these in which samples stand."""
    return {i for x in tensors for i, axis in enumerate(x.axes or ()) if any(f.axis < 0 for f in axis)}
