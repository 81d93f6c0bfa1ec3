"""ONNX operators that normalise, with trained scales and shifts or with the ones and zeros that ONNX demands."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.onnx.read.constants import Constant, shortest
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Factor, Tensor, whole
from cnncalc.interop.onnx.read.reading import NotReadError, Reading, Value, reads
from cnncalc.interop.onnx.read.shape import settled
from cnncalc.layers.options import SPATIAL

EPSILON = 1e-5  # the default, in ONNX and here


def epsilon(node: NodeData, default: float = EPSILON) -> dict[str, Any]:
    found = shortest(node.attributes.get("epsilon", default))
    return {} if found == EPSILON else {"epsilon": found}


def trained(scale: Constant, shift: Constant | None) -> bool:
    """Whether a scale and a shift are trained, and not the ones and zeros that an operator demands."""
    if scale.number() != 1 or (shift is not None and shift.number() != 0):
        return True
    return any(word in scale.root.lower() for word in ("weight", "gamma", "scale", ".w"))


@reads("BatchNormalization")
def batchnorm(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    scale, shift, mean, variance = (o.weight(node, i) for i in range(1, 5))
    shape, axes = o.builder.shape(x.value), x.axes or ()
    if len(axes) < 2 or axes[1] != whole(0, shape[0]):
        x = settled(o, node, x)
    arrays: dict[str, Constant | None] = {"mean": mean, "variance": variance}
    options = epsilon(node)
    if trained(scale, shift):
        arrays = {"gamma": scale, "beta": shift, **arrays}
    else:
        options["affine"] = False
    return Tensor(o.add(node, "batchnorm", options, [x.value], arrays), x.axes)


def normalised_over(o: Reading, node: NodeData, rank: int) -> list[int]:
    """The axes of a layer normalisation: all from `axis` on; or those of the means that it was put together from."""
    if node.operator == "LayerNormalization":
        return list(range(node.attributes.get("axis", -1) % rank, rank))
    listed = node.attributes.get("axes")
    for name in node.attributes.get("by", ()):
        value = o.values.get(name)
        listed = value.whole() if isinstance(value, Constant) else listed
    if not listed:
        raise NotReadError
    return sorted(axis % rank for axis in listed)


@reads("LayerNormalization", "cnncalc:layernorm")
def layernorm(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims, axes, shape = x.dims(), x.axes or (), o.builder.shape(x.value)
    chosen = normalised_over(o, node, len(dims))
    over = [factor for i in chosen for factor in axes[i]]
    if any(f.axis < 0 or f != Factor(f.axis, shape[f.axis], 1) for f in over):
        raise NotReadError(dims)
    together = {f.axis for f in over} or {0}
    letters = "c" + SPATIAL[len(shape)]
    every = {i for i, n in enumerate(shape) if n > 1} | {0}
    name = "".join(letters[i] for i in sorted(together))
    if together == {0}:
        name = "channels"
    elif together >= every:
        name = "all"
    scale, shift = o.optional(node, 1), o.optional(node, 2)
    options = epsilon(node) | ({} if name == "channels" else {"axes": name})
    arrays: dict[str, Constant | None] = {}
    if scale is not None and trained(scale, shift):
        # (C, 1, 1) for the channels of an image, in the order of the map's axes
        order = [f.axis for f in over]
        sizes = [n if i in together else 1 for i, n in enumerate(shape)]
        back = sorted(range(len(order)), key=lambda i: order[i])
        given = [f.size for f in over]

        def placed(array: Any) -> Any:
            return array.reshape(given).transpose(back).reshape(sizes)

        zeros = scale.moved(scale.dims, lambda array: array * 0)
        arrays = {"gamma": scale.moved(sizes, placed), "beta": (shift or zeros).moved(sizes, placed)}
    else:
        options["affine"] = False
    return Tensor(o.add(node, "layernorm", options, [x.value], arrays), x.axes)


@reads("InstanceNormalization")
def instancenorm(o: Reading, node: NodeData) -> Value:
    """By itself, or behind a Reshape of the channels into groups: a group norm."""
    x, scale, shift = o.tensor(node), o.weight(node, 1), o.weight(node, 2)
    axes, shape = x.axes or (), o.builder.shape(x.value)
    affine = trained(scale, shift)
    options = epsilon(node)
    if len(axes) >= 2 and axes[1] == whole(0, shape[0]):
        arrays = {"gamma": scale, "beta": shift} if affine else {}
        options |= {"affine": True} if affine else {}
        return Tensor(o.add(node, "instancenorm", options, [x.value], arrays), x.axes)
    groups = x.dims()[1]
    outer = (Factor(0, groups, shape[0] // groups),) if groups > 1 else ()
    if affine or shape[0] % groups or axes[1] != outer:
        raise NotReadError(x.dims())
    return Tensor(o.add(node, "groupnorm", {"groups": groups, "affine": False, **options}, [x.value]), x.axes)


@reads("GroupNormalization")
def groupnorm(o: Reading, node: NodeData) -> Value:
    x, scale, shift = o.map(node, o.tensor(node)), o.weight(node, 1), o.weight(node, 2)
    channels = o.builder.shape(x)[0]
    options = {"groups": node.attributes["num_groups"], **epsilon(node)}
    arrays = {"gamma": scale, "beta": shift}
    if not trained(scale, shift):
        options["affine"], arrays = False, {}
    elif scale.size != channels:  # of each group, before operator set 21
        raise NotReadError(o.tensor(node).dims())
    return o.seen(o.add(node, "groupnorm", options, [x], arrays))


@reads("LRN")
def lrn(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    if (x.axes or ())[1] != whole(0, o.builder.shape(x.value)[0]):
        x = settled(o, node, x)
    given = {"size": node.attributes["size"]}
    for name, attribute, default in (("alpha", "alpha", 1e-4), ("beta", "beta", 0.75), ("k", "bias", 1.0)):
        value = shortest(node.attributes.get(attribute, default))
        if value != default:
            given[name] = value
    options = {k: v for k, v in given.items() if (k, v) != ("size", 5)}
    return Tensor(o.add(node, "lrn", options, [x.value]), x.axes)
