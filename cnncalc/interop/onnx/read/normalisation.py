"""ONNX operators that normalise, with trained scales and shifts or with the ones and zeros that ONNX demands."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.axis_parts import Part, whole, whole_axis
from cnncalc.interop.names import axis_word
from cnncalc.interop.onnx.read.constants import Constant, shortest
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import as_map, lay, settle
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.wire import WireError
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.layers.options import SPATIAL

EPSILON = 1e-5  # the default, in ONNX and here


def epsilon(node: NodeData, default: float = EPSILON) -> dict[str, Any]:
    """What is added to a variance, where it is not the usual."""
    found = shortest(node.attributes.get("epsilon", default))
    return {} if found == EPSILON else {"epsilon": found}


def add_norm(
    net: Network, node: NodeData, kind: str, options: dict[str, Any], x: int, arrays: dict[str, Constant], per: str = ""
) -> int:
    """A norm with its scale and shift; where one of them is trained alone it is a layer behind.

    per  which elements have numbers of their own, as `scale` and `shift` say it; empty for channels
    """
    # Whether the kind is affine where nothing is said: PyTorch's InstanceNorm alone is not.
    usual = kind != "instancenorm"
    full = len(arrays) == 2
    value = net.add(node, kind, options | ({} if full == usual else {"affine": full}), [x], arrays if full else {})
    for name, array in arrays.items() if not full else ():
        alone = {"gamma": "scale", "beta": "shift"}[name]
        value = net.add(node, alone, {"per": per or None}, [value], {name: array}, part=alone)
    return value


@reads("BatchNormalization")
def read_batchnorm(net: Network, node: NodeData) -> Value:
    """Its scale and shift are trained where the file stores them; exporters make up ones and zeros for what is not."""
    x = net.tensor(node)
    mean, variance = net.weight(node, 3), net.weight(node, 4)
    # Scale and shift have to be constants, though they may turn out to be no weights.
    net.weight(node, 1), net.weight(node, 2)
    shape, axes = net.shape(x), x.axes or ()
    if node.attributes.get("training_mode", 0):
        raise NotReadError(_("the attribute {name} is {value}", name="training_mode", value=1))
    if len(axes) < 2 or axes[1] != whole(0, shape[0]):
        x = settle(net, node, x)
    arrays = net.affine(node, 1, 2)
    options = epsilon(node)
    if len(arrays) == 1:
        options["affine"] = "scale" if "gamma" in arrays else "shift"
    elif not arrays:
        options["affine"] = False
    kept = {**arrays, "mean": mean, "variance": variance}
    return net.apply(node, x, "batchnorm", options, kept)


def normalised_axes(net: Network, node: NodeData, rank: int) -> list[int]:
    """The axes of a layer normalisation: all from `axis` on; or those of the means that it was put together from."""
    if node.operator in ("LayerNormalization", "RMSNormalization"):
        return list(range(node.attributes.get("axis", -1) % rank, rank))
    listed = node.attributes.get("axes")
    for name in node.attributes.get("by", ()):
        value = net.values.get(name)
        listed = value.whole() if isinstance(value, Constant) else listed
    if not listed:
        raise NotReadError(_("the axes of its means are not known"))
    return sorted(axis % rank for axis in listed)


@reads("LayerNormalization", "RMSNormalization", "cnncalc:layernorm")
def read_layernorm(net: Network, node: NodeData) -> Value:
    """A layer normalisation; or one without a mean to subtract and without a shift."""
    x = net.tensor(node)
    dims, axes, shape = x.dims(), x.axes or (), net.shape(x)
    chosen = normalised_axes(net, node, len(dims))
    over = [part for i in chosen for part in axes[i]]
    # Axes that are put together or taken apart are made whole first, where that can be.
    if any(f != Part(f.axis, shape[f.axis], 1) for f in over if f.axis >= 0):
        x = lay(net, node, x).tensor
        axes, shape = x.axes or (), net.shape(x)
        over = [part for i in chosen for part in axes[i]]
    if any(f.axis < 0 or f != Part(f.axis, shape[f.axis], 1) for f in over):
        raise NotReadError(_("it goes over parts of axes, or over the samples"), dims)
    together = {f.axis for f in over} or {0}
    name = name_of_axes(together, shape)
    options = epsilon(node) | ({} if name == "channels" else {"axes": name})
    # Put together from its pieces it has no scale of its own: that stands behind, as a product.
    arrays = {} if node.operator == "cnncalc:layernorm" else net.affine(node, 1, 2)
    # (C, 1, 1) for the channels of an image, in the order of the map's axes
    order = [f.axis for f in over]
    sizes = [n if i in together else 1 for i, n in enumerate(shape)]
    back = sorted(range(len(order)), key=lambda i: order[i])
    given = [f.size for f in over]

    def place(array: Any) -> Any:
        return array.reshape(given).transpose(back).reshape(sizes)

    kept = {name: array.move_later(sizes, place) for name, array in arrays.items()}
    per = "".join(("c" + SPATIAL[len(shape)])[i] for i in sorted(together))
    if node.operator == "RMSNormalization":
        return Tensor(net.add(node, "rmsnorm", options | ({} if kept else {"affine": False}), [x.value], kept), x.axes)
    return Tensor(add_norm(net, node, "layernorm", options, x.value, kept, per), x.axes)


@reads("LpNormalization")
def read_lp_normalisation(net: Network, node: NodeData) -> Value:
    """x over its length along one axis: the sum of what it measures, or the root of the sum of squares."""
    x = net.tensor(node)
    axes, shape, order = x.axes or (), net.shape(x), node.attributes.get("p", 2)
    over = axes[node.attributes.get("axis", -1) % len(axes)]
    place = whole_axis(over, shape)
    if place is None:
        raise NotReadError(_("it goes over parts of axes, or over the samples"), x.dims())
    options = {"axes": axis_word(place, len(shape))} | ({"order": order} if order != 2 else {})
    length = net.add(node, "reduce_norm", options, [x.value], part="length")
    return Tensor(net.add(node, "divide", {}, [x.value, length], part="divide"), x.axes)


def name_of_axes(together: set[int], shape: Shape) -> str:
    """The option `axes` for these axes of a map."""
    letters = "c" + SPATIAL[len(shape)]
    every = {i for i, n in enumerate(shape) if n > 1} | {0}
    if together == {0}:
        return "channels"
    return "all" if together >= every else "".join(letters[i] for i in sorted(together))


@reads("InstanceNormalization")
def read_instancenorm(net: Network, node: NodeData) -> Value:
    """By itself, or behind a Reshape of the channels into groups: a group norm.

    The scale and shift for each group are what the operator demands; those of the channels come behind.
    """
    x, scale, shift = net.tensor(node), net.weight(node, 1), net.weight(node, 2)
    axes, shape = x.axes or (), net.shape(x)
    options = epsilon(node)
    if len(axes) >= 2 and axes[1] == whole(0, shape[0]):
        return Tensor(add_norm(net, node, "instancenorm", options, x.value, net.affine(node, 1, 2)), x.axes)
    # PyTorch's exporter has no GroupNorm before set 18: it normalises (N, groups, elements).
    groups = x.dims()[1]
    # Neighbours are a group: 8 channels in 2 groups are steps of 4.
    outer = (Part(0, groups, shape[0] // groups),) if groups > 1 else ()
    if shape[0] % groups or axes[1] != outer:
        raise NotReadError(_("what it normalises is neither a channel nor a group of channels"), x.dims())
    if surely_differ(scale, 1) or surely_differ(shift, 0):
        raise NotReadError(_("it scales each group of channels"), x.dims())
    return net.apply(node, x, "groupnorm", {"groups": groups, "affine": False, **options})


def surely_differ(array: Constant, wanted: float) -> bool:
    """Whether values that are at hand are others than the one that an exporter makes up. No count depends on it."""
    try:
        return array.number() != wanted
    except WireError:  # in a file that is missing
        return False


@reads("GroupNormalization")
def read_groupnorm(net: Network, node: NodeData) -> Value:
    """Over places and the channels of a group, with a scale and a shift for each channel."""
    x = as_map(net, node, net.tensor(node))
    channels = net.builder.shape(x)[0]
    arrays = net.affine(node, 1, 2)
    options = {"groups": node.attributes["num_groups"], **epsilon(node)}
    # Before set 21 they were numbers of each group.
    if any(array.size != channels for array in arrays.values()):
        raise NotReadError(_("it scales each group of channels"), net.tensor(node).dims())
    return net.see(add_norm(net, node, "groupnorm", options, x, arrays))


@reads("LRN")
def read_lrn(net: Network, node: NodeData) -> Value:
    """Each element over those of the channels beside it."""
    x = net.tensor(node)
    if len(x.axes or ()) < 2 or (x.axes or ())[1] != whole(0, net.shape(x)[0]):
        x = settle(net, node, x)
    given = {"size": node.attributes["size"]}
    for name, attribute, default in (("alpha", "alpha", 1e-4), ("beta", "beta", 0.75), ("k", "bias", 1.0)):
        value = shortest(node.attributes.get(attribute, default))
        if value != default:
            given[name] = value
    # AlexNet's 5 channels are what the kind has where nothing is said.
    options = {k: v for k, v in given.items() if (k, v) != ("size", 5)}
    return net.apply(node, x, "lrn", options)
