"""ONNX operators that bring several values together, and those with a value and a constant."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor, whole
from cnncalc.interop.onnx.read.reading import NotReadError, Reading, Value, reads
from cnncalc.interop.onnx.read.shape import settled

MERGES = {"Add": "add", "Sum": "add", "Mul": "multiply", "Max": "maximum", "Mean": "mean"}


@reads("Add", "Sum", "Mul", "Max", "Mean", "Sub", "Div", "Min")
def combine(o: Reading, node: NodeData) -> Value:
    values = [o.values[name] for name in node.inputs]
    tensors = [value for value in values if isinstance(value, Tensor)]
    constants = [value for value in values if isinstance(value, Constant)]
    if len(values) == 1:
        return tensors[0]
    if len(values) == 2 and constants:
        constant = placed(node, constants[0], len(tensors[0].dims()))
        return with_constant(o, node, tensors[0], constant, isinstance(values[0], Constant))
    if constants or node.operator not in MERGES:
        raise NotReadError(broadcast([value.dims for value in constants] + [value.dims() for value in tensors]))
    return merged(o, node, MERGES[node.operator], tensors)


def placed(node: NodeData, constant: Constant, rank: int) -> Constant:
    """A constant whose first axis an operator of the sets before 7 says; later ones fill shapes up in front."""
    axis = node.attributes.get("axis")
    if not node.attributes.get("broadcast") or axis is None or axis + len(constant.dims) > rank:
        return constant
    dims = (*constant.dims, *(1,) * (rank - axis % rank - len(constant.dims)))
    return constant.moved(dims, lambda array: array.reshape(dims))


def broadcast(shapes: Sequence[Sequence[int]]) -> list[int]:
    """The common shape, shorter ones filled up in front."""
    rank = max(map(len, shapes))
    filled = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return [max(sizes) for sizes in zip(*filled, strict=True)]


def merged(o: Reading, node: NodeData, kind: str, tensors: Sequence[Tensor]) -> Tensor:
    """All of them element by element: as they lie, where they lie alike, else in their places."""
    rank = max(len(x.axes or ()) for x in tensors)
    tensors = [Tensor(x.value, ((),) * (rank - len(x.axes or ())) + (x.axes or ())) for x in tensors]
    common = [max((axes[i] for axes in (x.axes or () for x in tensors)), key=bool) for i in range(rank)]
    alike = all(axis in ((), common[i]) for x in tensors for i, axis in enumerate(x.axes or ()))
    ranks = {len(o.builder.shape(x.value)) for x in tensors}
    if not alike or len(ranks) > 1:
        tensors = [settled(o, node, x) for x in tensors]
        common = [max((axes[i] for axes in (x.axes or () for x in tensors)), key=bool) for i in range(rank)]
    return Tensor(o.add(node, kind, {}, [x.value for x in tensors]), tuple(common))


@reads("Concat")
def concat(o: Reading, node: NodeData) -> Value:
    tensors = [o.tensor(node, i) for i in range(len(node.inputs))]
    first = tensors[0].axes or ()
    axis = node.attributes.get("axis", 1) % len(first)
    if len(tensors) == 1:
        return tensors[0]
    lying = [(*(x.axes or ())[:axis], *(x.axes or ())[axis + 1 :]) for x in tensors]
    channels = [o.builder.shape(x.value)[0] for x in tensors]
    ranks = {len(o.builder.shape(x.value)) for x in tensors}
    alike = all(a == lying[0] for a in lying) and len(ranks) == 1
    if not alike or any((x.axes or ())[axis] != whole(0, c) for x, c in zip(tensors, channels, strict=True)):
        dims = list(tensors[0].dims())
        dims[axis] = sum(x.dims()[axis] for x in tensors)
        if axis != 1:
            raise NotReadError(dims)
        tensors = [settled(o, node, x) for x in tensors]
        first = tensors[0].axes or ()
        channels = [o.builder.shape(x.value)[0] for x in tensors]
    value = o.add(node, "concat", {}, [x.value for x in tensors])
    return Tensor(value, tuple(whole(0, sum(channels)) if i == axis else a for i, a in enumerate(first)))


# --- with a constant


def with_constant(o: Reading, node: NodeData, x: Tensor, constant: Constant, first: bool) -> Value:
    """x and numbers: the same for all elements a rescaling, one for each channel a scale."""
    dims, number = x.dims(), constant.number()
    if broadcast([dims, constant.dims]) != list(dims):
        raise NotReadError(broadcast([dims, constant.dims]))
    if number is not None and not named_as_weight(constant):
        return rescaled(o, node, x, number, first)
    if node.operator == "Mul":
        return scaled(o, node, x, along_channels(o, x, constant))
    if node.operator == "Sub" and not first:
        return centred(o, node, x, along_channels(o, x, constant))
    raise NotReadError(dims)


def named_as_weight(constant: Constant) -> bool:
    """Whether a tensor that holds one number everywhere is a weight by its name: a fresh one may."""
    return constant.size > 1 and any(word in constant.root for word in (".weight", "gamma", "scale", ".beta"))


def rescaled(o: Reading, node: NodeData, x: Tensor, number: float, first: bool) -> Tensor:
    operator = node.operator
    if operator == "Max" and number == 0:
        return Tensor(o.add(node, "relu", {}, [x.value]), x.axes)
    options: dict[str, Any] | None = {
        "Add": {"offset": number},
        "Sub": {"factor": -1, "offset": number} if first else {"offset": -number},
        "Mul": {"factor": number},
        "Div": None if first or not number else {"factor": 1 / number},
    }.get(operator)
    if options is None:
        raise NotReadError(x.dims())
    if options in ({"offset": 0}, {"factor": 1}):
        return x
    behind = o.following(node, "Add") if operator in ("Mul", "Div") else None
    if behind is not None:
        other = next((o.values[name] for name in behind.inputs if name != node.outputs[0]), None)
        added = other.number() if isinstance(other, Constant) and other.size == 1 else None
        if added is not None:
            options["offset"] = added
            o.absorbed[behind.outputs[0]] = node.outputs[0]
    return Tensor(o.add(node, "rescale", options, [x.value]), x.axes)


def along_channels(o: Reading, x: Tensor, constant: Constant) -> Constant:
    """A constant with one value for each channel, as a vector. Raises NotReadError for any other."""
    axes, shape = x.axes or (), o.builder.shape(x.value)
    filled = (1,) * (len(axes) - len(constant.dims)) + constant.dims
    places = [i for i, n in enumerate(filled) if n > 1]
    if constant.size != shape[0] or (places and axes[places[0]] != whole(0, shape[0])) or len(places) > 1:
        raise NotReadError(x.dims())
    return constant.moved((shape[0],), lambda array: array.reshape(-1))


def vector_behind(o: Reading, node: NodeData, x: Tensor, operators: Sequence[str]) -> tuple[NodeData, Constant] | None:
    """The operator behind, if it combines the result with one value for each channel."""
    for operator in operators:
        found = o.following(node, operator)
        other = None if found is None else o.values.get(found.inputs[found.inputs[0] == node.outputs[0]])
        if found is None or not isinstance(other, Constant) or other.size != o.builder.shape(x.value)[0]:
            continue
        try:
            return found, along_channels(o, x, other)
        except NotReadError:
            continue
    return None


def scaled(o: Reading, node: NodeData, x: Tensor, gamma: Constant) -> Tensor:
    """A scale, with its shift if that is added behind; behind a group norm without one, the group norm's own."""
    behind = vector_behind(o, node, x, ["Add"])
    arrays: dict[str, Constant | None] = {"gamma": gamma}
    if behind is not None:
        o.absorbed[behind[0].outputs[0]] = node.outputs[0]
        arrays["beta"] = behind[1]
        first = len(o.builder.inputs)
        norm = o.builder.nodes[x.value - first] if x.value == len(o.builder.shapes) - 1 >= first else None
        if norm is not None and norm.layer.kind in ("groupnorm", "instancenorm") and not vars(norm.layer)["affine"]:
            o.builder.change(x.value, norm.layer.replace(affine=True))
            o.stored.update({(x.value, name): array for name, array in arrays.items() if array is not None})
            return x
    return Tensor(o.add(node, "scale", {"shift": behind is not None or None}, [x.value], arrays), x.axes)


def centred(o: Reading, node: NodeData, x: Tensor, mean: Constant) -> Tensor:
    """Less a mean and over a deviation, for each channel: a batch norm that trains nothing."""
    behind = vector_behind(o, node, x, ["Div", "Mul"])
    if behind is None or behind[0].inputs[0] != node.outputs[0]:
        raise NotReadError(x.dims())
    o.absorbed[behind[0].outputs[0]] = node.outputs[0]
    divides = behind[0].operator == "Div"
    variance = behind[1].moved(mean.dims, lambda array: (array if divides else 1 / array) ** 2)
    arrays = {"mean": mean, "variance": variance}
    return Tensor(o.add(node, "batchnorm", {"affine": False, "epsilon": 0}, [x.value], arrays), x.axes)


def elements(x: Tensor) -> int:
    return prod(x.dims())
