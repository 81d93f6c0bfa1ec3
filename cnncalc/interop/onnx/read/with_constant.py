"""A value and numbers: a shift or a scale where they are trained, a rescaling where they are part of the formula.

Numbers that are others for other places stand beside as a value of their own, a `parameter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.interop.axis_parts import whole_axis
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.conv import fill_behind
from cnncalc.interop.onnx.read.elementwise import MERGES, broadcast, merge
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
    plain,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.trained import fills_slot
from cnncalc.language import _
from cnncalc.layers.options import SPATIAL

COMPARED = ("Greater", "Less", "Equal")  # with a number, which stands beside as a value


ENDS = {"Max": float("-inf"), "Min": float("inf")}  # beyond which nothing is: the value stays as it is


MOST_NUMBERS = 100_000  # of a rescaling


def combine_with_constant(net: Network, node: NodeData, x: Tensor, constant: Constant, first: bool) -> Value:
    """x and numbers, which come first or not: trained ones are a scale or a shift, others a rescaling."""
    dims = x.dims()
    # Weights that are computed of several tensors are no layer's.
    if constant.mixed:
        names = ", ".join(constant.roots[:4])
        raise NotReadError(_("its constant is worked out of several tensors: {names}", names=names), dims)
    if broadcast([dims, constant.dims]) != list(dims):  # it makes it larger
        return add_table(net, node, x, constant, first)
    if net.is_trained(constant):
        return add_trained(net, node, x, constant, first)
    number = constant.number()
    # No kind compares with a number: the number is a value.
    if node.operator in COMPARED:
        return add_table(net, node, x, constant, first)
    if number is not None and number == ENDS.get(node.operator):
        return x
    if number is not None:
        return add_fixed(net, node, x, number, first)
    # Images are often brought to mean 0 and deviation 1 first.
    centred = centre(net, node, x, constant) if node.operator == "Sub" and not first else None
    if centred is not None:
        return centred
    found = along_axes(net, x, constant)
    if found is None or found[0] != "c" or constant.size > MOST_NUMBERS:
        return add_table(net, node, x, constant, first)
    return add_fixed(net, node, x, tuple(float(n) for n in found[1].array().reshape(-1)), first)


def add_fixed(net: Network, node: NodeData, x: Tensor, number: float | tuple[float, ...], first: bool) -> Tensor:
    """A number of the formula, or one for each channel: a rescaling; nothing where it changes nothing."""
    operator = node.operator
    if operator == "Max" and number == 0:
        return net.apply(node, x, "relu")
    # Over 0 nothing is a number.
    zero = 0 in number if isinstance(number, tuple) else number == 0
    if operator in ("Max", "Min") and not isinstance(number, tuple):
        bound = {"low": number} if operator == "Max" else {"high": number}
        return net.apply(node, x, "clamp", bound)
    if operator == "Div" and first:  # a number over x
        x = net.apply(node, x, "reciprocal", part="reciprocal")
        return x if number == 1 else net.apply(node, x, "rescale", {"factor": number})
    options: dict[str, Any] | None = {
        "Add": {"offset": number},
        "Sub": {"factor": -1, "offset": number} if first else {"offset": change_each(number, lambda n: -n)},
        "Mul": {"factor": number},
        "Div": None if zero else {"factor": change_each(number, lambda n: 1 / n)},
    }.get(operator)
    if options is None:
        raise NotReadError(_("one of its inputs is a constant"), x.dims())
    if options in ({"offset": 0}, {"factor": 1}):
        return x
    # x * a + b by two numbers is one rescaling.
    behind = net.find_next(node, "Add") if operator in ("Mul", "Div") else None
    if behind is not None:
        other = next((net.values.get(name) for name in behind.inputs if name != node.outputs[0]), None)
        if isinstance(other, Constant) and other.size == 1 and not net.is_trained(other):
            other = fill_behind(behind, other, len(x.dims()))
            options["offset"] = other.number()
            net.absorbed[behind.outputs[0]] = node.outputs[0]
    return net.apply(node, x, "rescale", options)


def change_each(number: float | tuple[float, ...], change: Any) -> Any:
    """A number, or each of several, changed."""
    return tuple(map(change, number)) if isinstance(number, tuple) else change(number)


def along_axes(net: Network, x: Tensor, constant: Constant) -> tuple[str, Constant] | None:
    """The letters of the axes along which a constant has its own numbers, and it in the order of the map's axes.

    None where its axes are not whole ones of the map.
    """
    axes, shape = x.axes or (), net.shape(x)
    filled = (1,) * (len(axes) - len(constant.dims)) + constant.dims
    # Along axes of one element a constant is the same for all.
    places = [i for i, n in enumerate(filled) if n > 1]
    over = [place for place in (whole_axis(axes[i], shape) for i in places) if place is not None]
    if len(over) < len(places):
        return None
    letters = "c" + SPATIAL[len(shape)]
    order = sorted(range(len(over)), key=lambda k: over[k])
    sizes = [filled[i] for i in places]
    dims = tuple(n if i in over else 1 for i, n in enumerate(shape))
    moved = constant.move_later(dims, lambda array: array.reshape(sizes).transpose(order).reshape(dims))
    return "".join(letters[i] for i in sorted(over)), moved


def add_trained(net: Network, node: NodeData, x: Tensor, constant: Constant, first: bool) -> Tensor:
    """A tensor that is trained: a shift, a scale, the statistics of a norm."""
    operator = node.operator
    if operator == "Sub" and not first:
        centred = centre(net, node, x, constant)
        if centred is not None:
            return centred
    if operator not in ("Add", "Sub", "Mul", "Div") or (first and operator in ("Sub", "Div")):
        raise NotReadError(_("one of its inputs is a tensor that counts as trained: {name}", name=constant.roots[0]),
                           x.dims())  # fmt: skip
    # Stored once and repeated, or stored with others of which some are left out.
    if stored_size(net, constant) != constant.size:
        return add_table(net, node, x, constant, first)
    placed = along_axes(net, x, constant)
    if placed is None:
        raise NotReadError(_("its weights are along mixed axes"), x.dims())
    note_loose(net, constant)
    letters, numbers = placed
    if operator in ("Sub", "Div"):
        # A shift adds and a scale multiplies: what is taken away or divided by is turned round where it is stored.
        inverse = (lambda array: -array) if operator == "Sub" else (lambda array: 1 / array)
        numbers = numbers.move_later(numbers.dims, inverse, operator)
    per, numbers = stored_form(net.shape(x), letters, numbers)
    if operator in ("Add", "Sub"):
        return net.apply(node, x, "shift", {"per": per}, {"beta": numbers})
    return add_scale(net, node, x, per, numbers)


def stored_size(net: Network, constant: Constant) -> int:
    """How many numbers the file stores of what a constant is made of."""
    found = [net.values.get(root) for root in constant.roots]
    return sum(root.size for root in found if isinstance(root, Constant))


def add_table(net: Network, node: NodeData, x: Tensor, constant: Constant, first: bool) -> Tensor:
    """Numbers as a value of their own: trained ones that stand at several places, or of which some are left out; and
    those of the formula that are others for other places, as of a mask."""
    rank = len(x.dims())
    dims = (1,) * (rank - len(constant.dims)) + constant.dims
    trained = net.is_trained(constant)
    # Other numbers for each sample would be no part of the network.
    if not dims or dims[0] != 1:
        mixed = _("its weights are along mixed axes")
        raise NotReadError(mixed if trained else _("its constant has other numbers for other places"), x.dims())
    if trained:
        note_loose(net, constant)
    moved = constant.move_later(dims[1:], lambda array: array.reshape(dims[1:]))
    options: dict[str, Any] = {"shape": list(dims[1:])}
    options.update({"stored": stored_size(net, constant)} if trained else {"trained": False})
    made = net.add(node, "parameter", options, [], {"value": moved}, part="parameter")
    numbers = Tensor(made, plain(dims[1:], net.batch))
    return merge(net, node, MERGES[node.operator], [numbers, x] if first else [x, numbers])


def note_loose(net: Network, constant: Constant) -> None:
    """Remember a tensor that is trained by the rule alone, where its name does not say it too."""
    name = constant.name or constant.roots[0]
    if name not in net.loose and constant.said is None:
        net.loose.append(name)


def stored_form(shape: tuple[int, ...], letters: str, numbers: Constant) -> tuple[str | None, Constant]:
    """The option `per`, and the numbers in the shape in which a scale or shift stores them."""
    if letters == "c" or (not letters and shape[0] == 1 and numbers.size == 1):
        return None, numbers.move_later((shape[0],), lambda array: array.reshape(-1))
    if not letters:
        return "layer", numbers.move_later((1,) * len(shape), lambda array: array.reshape((1,) * len(shape)))
    every = all(n == 1 or letter in letters for n, letter in zip(shape, "c" + SPATIAL[len(shape)], strict=True))
    return "element" if every else letters, numbers


def add_scale(net: Network, node: NodeData, x: Tensor, per: str | None, gamma: Constant) -> Tensor:
    """A scale, with its shift if that is added behind; behind a group norm without one, the group norm's own."""
    arrays = {"gamma": gamma}
    # x * gamma + beta is one layer with both.
    behind = shift_behind(net, node, x, per)
    if behind is not None:
        arrays["beta"] = behind[1]
        net.absorbed[behind[0].outputs[0]] = node.outputs[0]
        first = len(net.builder.inputs)
        norm = net.builder.nodes[x.value - first] if x.value == len(net.builder.shapes) - 1 >= first else None
        bare = norm is not None and norm.layer.kind in ("groupnorm", "instancenorm") and not vars(norm.layer)["affine"]
        if norm is not None and bare and per is None:
            if fills_slot(gamma):  # its name says so, and is none that an exporter made up
                net.loose = [name for name in net.loose if name != (gamma.name or gamma.roots[0])]
            net.complete(node, x.value, norm.layer.replace(affine=True), arrays)
            return x
    options = {"shift": behind is not None or None, "per": per}
    return net.apply(node, x, "scale", options, arrays)


def shift_behind(net: Network, node: NodeData, x: Tensor, per: str | None) -> tuple[NodeData, Constant] | None:
    """The addition right behind, if it is of trained numbers along the same axes."""
    found = net.find_next(node, "Add")
    other = None if found is None else net.values.get(found.inputs[found.inputs[0] == node.outputs[0]])
    if found is None or not isinstance(other, Constant) or other.mixed or not net.is_trained(other):
        return None
    # One that makes the value larger is no shift of it.
    other = fill_behind(found, other, len(x.dims()))
    placed = along_axes(net, x, other) if broadcast([x.dims(), other.dims]) == list(x.dims()) else None
    if placed is None:
        return None
    its, numbers = stored_form(net.shape(x), *placed)
    return (found, numbers) if its == per else None


def centre(net: Network, node: NodeData, x: Tensor, mean: Constant) -> Tensor | None:
    """Less a mean and over a deviation, for each channel: a batch norm that trains nothing."""
    behind = next((found for operator in ("Div", "Mul") if (found := net.find_next(node, operator))), None)
    if behind is None or behind.inputs[0] != node.outputs[0]:
        return None
    deviation = net.values.get(behind.inputs[1])
    if not isinstance(deviation, Constant) or deviation.mixed or mean.mixed:
        return None
    deviation = fill_behind(behind, deviation, len(x.dims()))
    vectors: dict[str, Constant] = {}
    for name, array in (("mean", mean), ("variance", deviation)):
        placed = along_axes(net, x, array) if broadcast([x.dims(), array.dims]) == list(x.dims()) else None
        if placed is None or placed[0] != "c":
            return None
        vectors[name] = placed[1].move_later((net.shape(x)[0],), lambda array: array.reshape(-1))
    net.absorbed[behind.outputs[0]] = node.outputs[0]
    divides = behind.operator == "Div"
    # The layer stores a variance; the model divides by its root, or multiplies by one over that.
    vectors["variance"] = vectors["variance"].move_later(
        vectors["variance"].dims, lambda array: (array if divides else 1 / array) ** 2, behind.operator
    )
    arrays: Mapping[str, Constant | None] = vectors
    return net.apply(node, x, "batchnorm", {"affine": False, "epsilon": 0}, arrays)
