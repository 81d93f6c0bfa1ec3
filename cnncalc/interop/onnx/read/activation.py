"""ONNX operators on each element by itself, softmax and dropout."""

from __future__ import annotations

from math import prod

from cnncalc.interop.axis_parts import whole
from cnncalc.interop.names import axis_word
from cnncalc.interop.onnx.read.constants import shortest
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import lay
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _

PLAIN = {
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "Selu": "selu", "HardSwish": "hard_swish",
    "Mish": "mish", "Softplus": "softplus", "Softsign": "softsign", "Swish": "silu",
    "Abs": "abs", "Neg": "negative", "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Exp": "exp", "Log": "log",
    "Erf": "erf", "Sin": "sin", "Cos": "cos", "Sign": "sign",
    # what fusion.py puts together
    "cnncalc:silu": "silu", "cnncalc:hard_swish": "hard_swish", "cnncalc:hard_sigmoid": "hard_sigmoid",
    "cnncalc:gelu": "gelu", "cnncalc:mish": "mish", "cnncalc:step": "step", "cnncalc:scaled_tanh": "scaled_tanh",
    "cnncalc:relu6": "relu6",
}  # fmt: skip
SOFTMAX = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}
SLOPED = {"LeakyRelu": ("leaky_relu", 0.01), "Elu": ("elu", 1.0), "Celu": ("celu", 1.0)}
SELU = {"alpha": 1.6732632, "gamma": 1.0507010}  # Klambauer et al. 2017, as float32


@reads(*PLAIN)
def read_activation(net: Network, node: NodeData) -> Value:
    """A function without options; Swish with another steepness than 1 is what it is made of."""
    x = net.tensor(node)
    steepness = shortest(node.attributes.get("alpha", 1.0)) if node.operator == "Swish" else 1
    if steepness != 1:
        steep = net.add(node, "rescale", {"factor": steepness}, [x.value], part="rescale")
        gate = net.add(node, "sigmoid", {}, [steep], part="sigmoid")
        return Tensor(net.add(node, "multiply", {}, [x.value, gate], part="multiply"), x.axes)
    if node.operator == "Selu":
        require(node, x, **SELU)
    return net.apply(node, x, PLAIN[node.operator])


def require(node: NodeData, x: Tensor, **wanted: float) -> None:
    """Raise NotReadError where an attribute has another value than the kind's constant."""
    for name, value in wanted.items():
        given = node.attributes.get(name, value)
        if abs(given - value) > 1e-5 * max(1, abs(value)):
            raise NotReadError(_("the attribute {name} is {value}", name=name, value=shortest(given)), x.dims())


@reads("Gelu", "cnncalc:gelu_by_tanh")
def read_gelu(net: Network, node: NodeData) -> Value:
    """By erf, or by the formula with tanh."""
    x = net.tensor(node)
    form = node.attributes.get("approximate", "none")
    form = "tanh" if node.operator != "Gelu" else form
    return net.apply(node, x, "gelu", {"approximate": None if form == "none" else form})


@reads("HardSigmoid")
def read_hard_sigmoid(net: Network, node: NodeData) -> Value:
    """That of PyTorch, x / 6 + 1/2; with another slope or offset what it is made of, a rescaling and a clamp."""
    x = net.tensor(node)
    slope, offset = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(slope - 1 / 6) <= 1e-5 and abs(offset - 0.5) <= 1e-5:
        return net.apply(node, x, "hard_sigmoid")
    line = {"factor": shortest(slope), "offset": shortest(offset)}
    value = net.add(node, "rescale", line, [x.value], part="rescale")
    return Tensor(net.add(node, "clamp", {"low": 0, "high": 1}, [value], part="clamp"), x.axes)


@reads("Floor", "Ceil", "Round")
def read_rounding(net: Network, node: NodeData) -> Value:
    """To whole numbers: below, above, or the nearest."""
    x = net.tensor(node)
    to = {"Floor": "floor", "Ceil": "ceil", "Round": None}[node.operator]
    return net.apply(node, x, "round", {"to": to})


@reads("Pow")
def read_power(net: Network, node: NodeData) -> Value:
    """To a power that is a number of the formula."""
    x, by = net.tensor(node), net.weight(node, 1)
    exponent = by.number()
    if exponent is None or net.is_trained(by):
        raise NotReadError(_("its exponent is no single number of the formula"), x.dims())
    if exponent == 2:
        return net.apply(node, x, "square")
    return net.apply(node, x, "power", {"exponent": exponent})


@reads("Shrink")
def read_shrink(net: Network, node: NodeData) -> Value:
    """Soft where what is kept moves towards 0 by the bound, hard where it stays."""
    x = net.tensor(node)
    bound, bias = node.attributes.get("lambd", 0.5), node.attributes.get("bias", 0.0)
    if bias not in (0, bound):
        raise NotReadError(_("the attribute {name} is {value}", name="bias", value=shortest(bias)), x.dims())
    kind = "hardshrink" if bias == 0 else "softshrink"
    return net.apply(node, x, kind, {"alpha": shortest(bound)})


@reads(*SLOPED)
def read_sloped(net: Network, node: NodeData) -> Value:
    """Functions with a slope below 0."""
    x = net.tensor(node)
    kind, default = SLOPED[node.operator]
    alpha = shortest(node.attributes.get("alpha", default))
    return net.apply(node, x, kind, {} if alpha == default else {"alpha": alpha})


@reads("Clip")
def read_clip(net: Network, node: NodeData) -> Value:
    """Between two bounds: attributes before set 11, inputs from then on."""
    x = net.tensor(node)
    bounds = []
    for i, name in ((1, "min"), (2, "max")):
        found = net.optional(node, i)
        bounds.append(node.attributes.get(name) if found is None else found.number())
        if found is not None and (bounds[-1] is None or net.is_trained(found)):
            raise NotReadError(_("its bound {name} is no single number of the formula", name=name), x.dims())
    # Below, 1e30: exporters write "no bound" as the largest number of float32, 3.4e38.
    low, high = bounds
    if low == 0 and (high is None or high > 1e30):
        return net.apply(node, x, "relu")
    if low == 0 and high == 6:
        return net.apply(node, x, "relu6")
    if (low is None or low < -1e30) and (high is None or high > 1e30):
        return x
    low = None if low is not None and low < -1e30 else low
    high = None if high is not None and high > 1e30 else high
    return net.apply(node, x, "clamp", {"low": low, "high": high})


@reads("PRelu")
def read_prelu(net: Network, node: NodeData) -> Value:
    """A trained slope for each channel, or one for the layer."""
    x, slope = net.tensor(node), net.weight(node, 1)
    channels = net.shape(x)[0]
    if slope.size not in (1, channels):
        raise NotReadError(_("{n} slopes for {channels} channels", n=slope.size, channels=channels), x.dims())
    filled = (1,) * (len(x.dims()) - len(slope.dims)) + slope.dims
    at = next((i for i, n in enumerate(filled) if n > 1), None)
    # Before set 7 nothing was broadcast: so many slopes as channels were one for each, whatever their shape.
    if at is not None and net.opset >= 7 and (x.axes or ())[at] != whole(0, channels):
        raise NotReadError(_("its slopes are along another axis than the channels"), x.dims())
    per = "channel" if slope.size == channels and channels > 1 else None
    flat = slope.move_later((slope.size,), lambda array: array.reshape(-1))
    return net.apply(node, x, "prelu", {"per": per}, {"slope": flat})


@reads(*SOFTMAX)
def read_softmax(net: Network, node: NodeData) -> Value:
    """Over one axis; before set 13 over all axes from one on, taken together."""
    x = net.tensor(node)
    axes, dims, kind = x.axes or (), x.dims(), SOFTMAX[node.operator]
    axis = node.attributes.get("axis", -1 if net.opset >= 13 else 1) % len(dims)
    shape = net.shape(x)
    over = axes[axis] if net.opset >= 13 else tuple(f for part in axes[axis:] for f in part)
    other = next((place for place, n in enumerate(shape) if place and over and over == whole(place, n)), None)
    if other is not None:
        return net.apply(node, x, kind, {"axis": axis_word(other, len(shape))})
    if over != whole(0, shape[0]):
        if len(over) != len([f for part in axes for f in part if f.axis >= 0]):
            return softmax_apart(net, node, x, axis)
        # Over all of a map at once: as over a vector of its elements.
        x = Tensor(net.add(node, "flatten", {}, [x.value], part="flatten"), (axes[0], whole(0, prod(shape))))
    return net.apply(node, x, kind)


def softmax_apart(net: Network, node: NodeData, x: Tensor, axis: int) -> Tensor:
    """Over a part of an axis: the axes are taken apart first. Raises NotReadError where it goes over several."""
    if net.opset < 13:
        raise NotReadError(_("it goes over another axis than the channels"), x.dims())
    laid = lay(net, node, x)
    kind = SOFTMAX[node.operator]
    options = {"axis": axis_word(laid.axis(axis), len(net.shape(laid.tensor)))}
    return Tensor(net.add(node, kind, options, [laid.tensor.value]), laid.tensor.axes)


@reads("Dropout")
def read_dropout(net: Network, node: NodeData) -> Value:
    """Nothing at inference."""
    x = net.tensor(node)
    ratio, training = net.optional(node, 1), net.optional(node, 2)
    if training is not None and training.whole() != [0]:
        raise NotReadError(_("its input {name} is not read", name="training_mode"), x.dims())
    # An attribute before set 12, an input from then on.
    rate = shortest((ratio.number() or 0) if ratio is not None else node.attributes.get("ratio", 0.5))
    return net.apply(node, x, "dropout", {} if rate == 0.5 else {"rate": rate})
