"""ONNX operators that are convolutions, and the bias that any product may have.

Sources: the operators' pages at onnx.ai/onnx/operators. Attributes that an operator set has not yet are at the values
that the later ones give as defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from cnncalc.interop.blur import is_binomial
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import as_map, spatial_axes
from cnncalc.interop.onnx.read.stored_moves import dequantize_weight
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.windows import shorten_sides, shorten_sizes, window_options
from cnncalc.language import _
from cnncalc.layers.base import shape_text


class Bias:
    """What is added to a product: by its layer, by one apart, or nothing."""

    def __init__(self, own: Constant | None = None, apart: Constant | None = None, number: float = 0.0) -> None:
        self.own = own
        self.apart = apart
        self.number = number  # a constant of the formula

    @property
    def option(self) -> bool | None:
        """The option `bias` of the layer."""
        return None if self.own is not None else False

    def arrays(self, weight: Constant) -> Mapping[str, Constant | None]:
        """What the layer of the product stores."""
        return {"weight": weight, "bias": self.own}


def find_bias(
    net: Network, node: NodeData, weight: Constant, given: Constant | None, rank: int, axis: int, units: int
) -> Bias:
    """The bias of a product: its own input, or a vector that is added right behind along an axis of the result.

    One that no tensor of the file is was made up by an exporter: zeros, or a number of the formula. Where several
    products use the same weight with other biases, each bias is a layer apart.
    """
    # Several products on one weight, each with a bias of its own: the layer is shared, and no bias is the layer's.
    split = any(root in net.split for root in weight.roots)
    if given is None:
        return Bias() if split else Bias(bias_behind(net, node, rank, axis, units))
    if not given.stored:
        # Made up of constants: zeros of an exporter, or one number of the formula.
        number = given.number()
        if number is None:
            raise NotReadError(_("its bias is made of constants, and of no stored tensor"))
        if number or split:
            return Bias(number=number)
        return Bias(bias_behind(net, node, rank, axis, units))
    if given.size not in (1, units):
        raise NotReadError(_("its bias has {n} numbers for {units} outputs", n=given.size, units=units))
    flat = given.move_later((given.size,), lambda array: array.reshape(-1)) if len(given.dims) != 1 else given
    return Bias(apart=flat) if split or given.size != units else Bias(flat)


def bias_behind(net: Network, node: NodeData, rank: int, axis: int, length: int) -> Constant | None:
    """The vector that is added behind, along one axis: it is taken in as a bias, and its addition is gone."""
    # Exporters write `conv + b` where the module has no bias, or where a MatMul has no room for one.
    add = net.find_next(node, "Add")
    if add is None:
        return None
    # `x + x` has no other input, and three inputs are no bias.
    [other, *more] = [name for name in add.inputs if name != node.outputs[0]] or [""]
    value = net.values.get(other)
    value = fill_behind(add, value, rank) if isinstance(value, Constant) else None
    if more or not isinstance(value, Constant) or value.size != length or len(value.dims) > rank:
        return None
    # Shorter shapes are filled up in front.
    at = axis - (rank - len(value.dims))
    if at < 0 or value.dims[at] != length or not net.is_trained(value) or value.mixed:
        return None
    net.absorbed[add.outputs[0]] = node.outputs[0]
    return value.move_later((length,), lambda array: array.reshape(-1)) if len(value.dims) > 1 else value


def fill_behind(node: NodeData, constant: Constant, rank: int) -> Constant:
    """A constant whose first axis an operator of the sets before 7 says; later ones fill shapes up in front."""
    axis = node.attributes.get("axis")
    if not node.attributes.get("broadcast") or axis is None or axis + len(constant.dims) > rank:
        return constant
    dims = (*constant.dims, *(1,) * (rank - axis % rank - len(constant.dims)))
    return constant.move_later(dims, lambda array: array.reshape(dims))


def add_apart(net: Network, node: NodeData, value: int, bias: Bias) -> int:
    """The bias as a layer behind the product, where it is not the product's own."""
    if bias.apart is not None:
        per = "layer" if bias.apart.size == 1 != net.builder.shape(value)[0] else None
        return net.add(node, "shift", {"per": per}, [value], {"beta": bias.apart}, part="shift")
    if bias.number:
        return net.add(node, "rescale", {"offset": bias.number}, [value], part="rescale")
    return value


@reads("Conv")
def read_conv(net: Network, node: NodeData) -> Value:
    """A convolution, with the bias that it has or that is added behind."""
    x, weight = as_map(net, node, net.tensor(node)), net.weight(node, 1)
    size = spatial_axes(net, x)
    bias = find_bias(net, node, weight, net.optional(node, 2), 2 + len(size), 1, weight.dims[0])
    return add_conv(net, node, x, weight, bias)


@reads("QLinearConv")
def read_quantised_conv(net: Network, node: NodeData) -> Value:
    """A convolution of whole numbers: of the numbers that they stand for, (x - zero) * scale."""
    x = as_map(net, node, net.tensor(node))
    weight = dequantise(net.weight(node, 3), net.weight(node, 4), net.optional(node, 5), axis=0)
    given = net.optional(node, 8)
    if given is not None:
        # Biases of quantised products have no scale of their own: it is that of the input times that of the weight.
        scales = net.weight(node, 1), net.weight(node, 4)
        kept = given
        given = kept.move_later(kept.dims, lambda array: array * scales[0].array() * scales[1].array())
        given.roots = kept.roots or ((kept.name,) if kept.name else ())
    return add_conv(net, node, x, weight, Bias(given))


def dequantise(stored: Constant, scale: Constant, zero: Constant | None, axis: int) -> Constant:
    """The weight that whole numbers stand for."""
    found = dequantize_weight([part for part in (stored, scale, zero) if part is not None], {"axis": axis})
    assert found is not None
    return found


def add_conv(net: Network, node: NodeData, x: int, weight: Constant, bias: Bias) -> Value:
    """The convolution: a depthwise one where there are as many groups as channels."""
    size = spatial_axes(net, x)
    filters, read, *kernel = weight.dims
    groups = node.attributes.get("group", 1)
    options: dict[str, Any] = {**window_options(node, kernel, size), "bias": bias.option}
    channels = net.builder.shape(x)[0]
    if read * groups != channels:
        say_other_channels(net, node, channels, read * groups)
    # One filter that is repeated for all channels is fixed, whatever its tensor is called.
    repeated = any(word in ("Expand", "Tile") for word in weight.form)
    fixed = repeated or not weight.stored or weight.said is False
    if groups == channels == filters and fixed and bias.own is bias.apart is None and is_blur(weight):
        options = {name: value for name, value in options.items() if name != "bias"}
        return net.see(add_apart(net, node, net.add(node, "blurpool", options, [x]), bias))
    if repeated:
        raise NotReadError(_("its weights are one stored tensor repeated: {name}", name=weight.roots[0]))
    if groups == channels and groups > 1 and filters % groups == 0:
        # ONNX has (C * multiplier, 1, ...), a filter behind the other; the kind stores them by channel.
        multiplier = filters // channels
        dims = (channels, multiplier, *kernel)
        weight = weight.move_later(dims, lambda array: array.reshape(dims))
        options["multiplier"] = None if multiplier == 1 else multiplier
        value = net.add(node, "depthwise", options, [x], bias.arrays(weight))
    else:
        options |= {"filters": filters, "groups": None if groups == 1 else groups}
        value = net.add(node, "conv", options, [x], bias.arrays(weight))
    return net.see(add_apart(net, node, value, bias))


@reads("DeformConv")
def read_deformable_conv(net: Network, node: NodeData) -> Value:
    """A convolution whose taps another value moves, and a third may weigh."""
    x, weight, offsets = (
        as_map(net, node, net.tensor(node)),
        net.weight(node, 1),
        as_map(net, node, net.tensor(node, 2)),
    )
    size = spatial_axes(net, x)
    filters, read, *kernel = weight.dims
    groups, sets = node.attributes.get("group", 1), node.attributes.get("offset_group", 1)
    channels, taps = net.builder.shape(x)[0], prod(kernel)
    if read * groups != channels:
        say_other_channels(net, node, channels, read * groups)
    # Two offsets for each tap, in each set of channels that move together.
    if net.builder.shape(offsets)[0] != 2 * taps * sets:
        raise NotReadError(_("the attribute {name} is {value}", name="offset_group", value=sets))
    bias = find_bias(net, node, weight, net.optional(node, 3), 2 + len(size), 1, filters)
    options = {
        **window_options(node, kernel, size),
        "filters": filters,
        "groups": None if groups == 1 else groups,
        "bias": bias.option,
    }
    branches = [x, offsets]
    if len(node.inputs) > 4 and node.inputs[4]:
        branches.append(as_map(net, node, net.tensor(node, 4)))
    value = net.add(node, "deformable_conv", options, branches, bias.arrays(weight))
    return net.see(add_apart(net, node, value, bias))


def is_blur(weight: Constant) -> bool:
    """Whether fixed filters, of numbers in an operator Constant, are those of a blur pool: binomial along each axis."""
    return weight.size <= MOST_FIXED and is_binomial(weight.array().reshape(weight.dims))


MOST_FIXED = 1_000_000  # numbers of fixed filters that are looked at


def say_other_channels(net: Network, node: NodeData, channels: int, wanted: int) -> None:
    """Raise SpecError: a kernel is for another number of channels than there are."""
    # Who gives an input its shape may have put the channels last, as pictures in memory have them.
    shapes = (net.builder.shape(i) for i in range(len(net.builder.inputs)))
    turned = next((s for s in shapes if len(s) > 1 and s[-1] == wanted and s[0] == channels != wanted), None)
    hint = None
    if turned is not None:
        first = shape_text((turned[-1], *turned[:-1]))
        hint = _("channels come first here: {first} instead of {last}", first=first, last=shape_text(turned))
    net.refuse(
        node,
        _("its weights are for {wanted} channels; what enters has {channels}", wanted=wanted, channels=channels),
        hint,
    )


@reads("ConvTranspose")
def read_transposed_conv(net: Network, node: NodeData) -> Value:
    """The gradient of a convolution: its weight is (channels, filters / groups, *kernel)."""
    x, weight = as_map(net, node, net.tensor(node)), net.weight(node, 1)
    size = spatial_axes(net, x)
    read, per_group, *kernel = weight.dims
    groups = node.attributes.get("group", 1)
    if read != net.builder.shape(x)[0]:
        say_other_channels(net, node, net.builder.shape(x)[0], read)
    filters = per_group * groups
    bias = find_bias(net, node, weight, net.optional(node, 2), 2 + len(size), 1, filters)
    options = window_options(node, kernel, size)
    rank = len(kernel)
    extra = list(node.attributes.get("output_padding") or (0,) * rank)
    if len(extra) != rank:
        raise NotReadError(_("the attribute {name} has {n} numbers for {rank} axes", name="output_padding",
                             n=len(extra), rank=rank))  # fmt: skip
    pads = pads_by_output(node, kernel, size, extra)
    if pads is not None:
        options["padding"] = shorten_sides(pads)
    options |= {
        "filters": filters,
        "groups": None if groups == 1 else groups,
        "output_padding": shorten_sizes(extra) if any(extra) else None,
        "bias": bias.option,
    }
    return net.see(add_apart(net, node, net.add(node, "transposed_conv", options, [x], bias.arrays(weight)), bias))


def pads_by_output(
    node: NodeData, kernel: Sequence[int], size: Sequence[int], extra: list[int]
) -> list[tuple[int, int]] | None:
    """The padding of a transposed convolution that goes by the size of its output; None where its own holds.

    Where the output is to be larger than without any padding, `extra`, the output padding, grows.
    """
    rank = len(kernel)
    wanted = node.attributes.get("output_shape")
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if not automatic.startswith("SAME") and not wanted:
        return None
    stride = node.attributes.get("strides") or (1,) * rank
    dilation = node.attributes.get("dilations") or (1,) * rank
    lengths = wanted[-rank:] if wanted else [n * s for n, s in zip(size, stride, strict=True)]
    pads = []
    for i, n in enumerate(size):
        # What the canvas has too much is cut off on both sides; the odd element where the mode says.
        total = stride[i] * (n - 1) + extra[i] + dilation[i] * (kernel[i] - 1) + 1 - lengths[i]
        if total < 0:
            extra[i], total = extra[i] - total, 0
        before = total // 2 if automatic == "SAME_UPPER" else total - total // 2
        pads.append((before, total - before))
    return pads
