"""The PyTorch twin of a spec: modules for steps, functions and operators where it says so. For tests with torch alone.

Built from the graph, the weights as PyTorch draws them. A layer that PyTorch does not have raises NoTwinError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  (as everybody calls it)

from cnncalc.graph import Graph, Node
from cnncalc.layers.base import per_axis


class NoTwinError(Exception):
    """PyTorch has no such layer."""


def ranked(name: str, dims: int) -> Any:
    found = getattr(nn, f"{name}{dims}d", None)
    if found is None:
        raise NoTwinError(f"{name}{dims}d")
    return found


def plain(values: Any) -> Any:
    """Sizes as a person writes them: one number, or one for each axis."""
    return values[0] if len(values) == 1 else tuple(values)


def even_padding(layer: Any, size: Any) -> Any:
    if layer.padding == "same":
        windows = layer.windows(size)
        if all(w.stride == 1 for w in windows):
            return "same"
        sides = [(w.before, w.after) for w in windows]
    else:
        sides = list(layer.padding)
    if any(a != b for a, b in sides):
        raise NoTwinError("uneven padding")
    return plain([a for a, _b in sides])


class Joined(nn.Module):
    """What an nn.Module does with a map whose axes have been moved there and back."""

    def __init__(self, inner: nn.Module, there: tuple[int, ...], back: tuple[int, ...]) -> None:
        super().__init__()
        self.inner, self.there, self.back = inner, there, back

    def forward(self, x: Any) -> Any:
        return self.inner(x.permute(self.there)).permute(self.back)


class Recurrent(nn.Module):
    def __init__(self, inner: nn.Module, last: bool) -> None:
        super().__init__()
        self.inner, self.last = inner, last

    def forward(self, x: Any) -> Any:
        y, _state = self.inner(x.permute(2, 0, 1).contiguous())
        return y[-1] if self.last else y.permute(1, 2, 0)


ACTIVATIONS: dict[str, tuple[str, str]] = {  # module, function of torch.nn.functional
    "relu": ("ReLU", "relu"), "relu6": ("ReLU6", "relu6"), "leaky_relu": ("LeakyReLU", "leaky_relu"),
    "elu": ("ELU", "elu"), "selu": ("SELU", "selu"), "celu": ("CELU", "celu"), "gelu": ("GELU", "gelu"),
    "silu": ("SiLU", "silu"), "hard_swish": ("Hardswish", "hardswish"), "hard_sigmoid": ("Hardsigmoid", "hardsigmoid"),
    "sigmoid": ("Sigmoid", "sigmoid"), "tanh": ("Tanh", "tanh"), "mish": ("Mish", "mish"),
    "softplus": ("Softplus", "softplus"), "softsign": ("Softsign", "softsign"), "identity": ("Identity", ""),
}  # fmt: skip
IN_PLACE = ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "hard_swish", "hard_sigmoid", "mish")


def module_of(layer: Any, x: tuple[int, ...]) -> nn.Module:  # noqa: C901 - a table: a kind, and its module
    """The module for a layer on one input of this shape."""
    kind, dims, c = layer.kind, len(x) - 1, x[0]
    if kind in FACTORS:
        return Factor(layer, x)
    if kind in ACTIVATIONS:
        more = {"inplace": True} if layer.inplace and kind in IN_PLACE else {}
        return getattr(nn, ACTIVATIONS[kind][0])(**more)
    if kind in ("conv", "depthwise"):
        if getattr(layer, "table", None) is not None or layer.bias == "per_unit":
            raise NoTwinError(kind)
        groups = c if kind == "depthwise" else layer.groups
        return ranked("Conv", dims)(
            c, layer.filters_on(c), plain(layer.kernel), plain(layer.stride), even_padding(layer, x[1:]),
            plain(layer.dilation), groups, bool(layer.bias),
        )  # fmt: skip
    if kind == "transposed_conv":
        windows, extra = layer.stretches(x[1:]), per_axis(layer.output_padding, x[1:], "output_padding")
        sides = [(w.before, w.after + e) for w, e in zip(windows, extra, strict=True)]
        if any(a != b for a, b in sides):
            raise NoTwinError("uneven padding")
        return ranked("ConvTranspose", dims)(
            c, layer.filters, plain(layer.kernel), plain(layer.stride), tuple(a for a, _b in sides), tuple(extra),
            layer.groups, layer.bias, tuple(w.dilation for w in windows),
        )  # fmt: skip
    if kind == "dense":
        if layer.table is not None:
            raise NoTwinError(kind)
        return nn.Linear(c, layer.units, layer.bias)
    if kind in ("maxpool", "avgpool", "lppool"):
        if kind != "maxpool" and set(layer.dilation) != {1}:
            raise NoTwinError("dilation")
        kernel, stride = plain(layer.kernel), None if layer.stride is None else plain(layer.stride)
        ceil = layer.rounding == "ceil"
        if kind == "lppool":
            return ranked("LPPool", dims)(float(layer.norm), kernel, stride, ceil)
        padding = even_padding(layer, x[1:])
        padding = 0 if padding == "same" else padding
        if kind == "maxpool":
            return ranked("MaxPool", dims)(kernel, stride, padding, plain(layer.dilation), ceil_mode=ceil)
        return ranked("AvgPool", dims)(kernel, stride, padding, ceil, layer.count_include_pad)
    if kind in ("global_avgpool", "global_maxpool", "adaptive_avgpool", "adaptive_maxpool"):
        size = 1 if kind.startswith("global") else plain(layer.size)
        return ranked("AdaptiveAvgPool" if kind.endswith("avgpool") else "AdaptiveMaxPool", dims)(size)
    if kind == "batchnorm":
        return ranked("BatchNorm", max(dims, 1))(c, affine=layer.affine)
    if kind == "instancenorm":
        return ranked("InstanceNorm", dims)(c, affine=layer.affine)
    if kind == "groupnorm":
        return nn.GroupNorm(layer.groups, c, affine=layer.affine)
    if kind == "layernorm":
        over = sorted(layer.over(x))
        if over == list(range(min(over), len(x))):
            return nn.LayerNorm([x[i] for i in over], elementwise_affine=layer.affine)
        if over == [0]:
            there, back = (0, *range(2, dims + 2), 1), (0, dims + 1, *range(1, dims + 1))
            return Joined(nn.LayerNorm(c, elementwise_affine=layer.affine), there, back)
        raise NoTwinError("layernorm over other axes than the last")
    if kind == "lrn":
        return nn.LocalResponseNorm(layer.size)
    if kind == "prelu":
        return nn.PReLU(c if layer.per == "channel" else 1)
    if kind in ("softmax", "log_softmax"):
        return (nn.Softmax if kind == "softmax" else nn.LogSoftmax)(dim=1)
    if kind == "glu":
        return nn.GLU(dim=1)
    if kind == "dropout":
        return nn.Dropout(layer.rate)
    if kind == "flatten":
        return nn.Flatten()
    if kind == "upsample":
        mode = {"bilinear": {1: "linear", 2: "bilinear", 3: "trilinear"}[dims]}.get(layer.mode, layer.mode)
        return nn.Upsample(scale_factor=plain(layer.factor), mode=mode)
    if kind in ("pixel_shuffle", "pixel_unshuffle"):
        return (nn.PixelShuffle if kind == "pixel_shuffle" else nn.PixelUnshuffle)(layer.factor)
    if kind == "channel_shuffle":
        return nn.ChannelShuffle(layer.groups)
    if kind == "pad":
        sides = [side for pair in reversed([layer.padding[0]] * dims if len(layer.padding) == 1 else layer.padding)
                 for side in pair]  # fmt: skip
        if layer.mode == "constant" and layer.value == 0 and dims == 2:
            return nn.ZeroPad2d(tuple(sides))
        if layer.mode == "constant":
            return ranked("ConstantPad", dims)(tuple(sides), layer.value)
        names = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
        return ranked(names[layer.mode], dims)(tuple(sides))
    if kind in ("rnn", "gru", "lstm"):
        if layer.bias is True:
            raise NoTwinError("one bias")
        made = getattr(nn, kind.upper())(c, layer.units, bias=bool(layer.bias), bidirectional=layer.bidirectional)
        return Recurrent(made, layer.last)
    raise NoTwinError(kind)


def function_of(layer: Any, module: nn.Module) -> Callable[[Any], Any]:
    """The function that does what a module does, with the module's weights."""
    kind = layer.kind
    if layer.built == "operator":
        return {
            "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
            "global_avgpool": lambda x: x.mean(tuple(range(2, x.ndim)), keepdim=True),
            "dense": lambda x: x @ module.weight.T,
        }[kind]  # fmt: skip
    if kind in ACTIVATIONS:
        name, more = ACTIVATIONS[kind][1], {"inplace": True} if layer.inplace else {}
        return lambda x: getattr(F, name)(x, **more)  # looked up when it is called: tools replace it
    if kind in ("maxpool", "avgpool"):
        name = "max_pool2d" if kind == "maxpool" else "avg_pool2d"
        return lambda x: getattr(F, name)(
            x, module.kernel_size, module.stride, module.padding, ceil_mode=module.ceil_mode
        )
    if kind in ("global_avgpool", "adaptive_avgpool"):
        return lambda x: F.adaptive_avg_pool2d(x, module.output_size)
    if kind in ("global_maxpool", "adaptive_maxpool"):
        return lambda x: F.adaptive_max_pool2d(x, module.output_size)
    if kind == "softmax":
        return lambda x: F.softmax(x, dim=1)
    if kind == "upsample":
        return lambda x: F.interpolate(x, scale_factor=module.scale_factor, mode=module.mode)
    if kind == "dense":
        return lambda x: F.linear(x, module.weight, module.bias)
    if kind == "conv":
        return lambda x: F.conv2d(
            x, module.weight, module.bias, module.stride, module.padding, module.dilation, module.groups
        )
    if kind == "dropout":
        return lambda x: F.dropout(x, 0.5, False)
    if kind == "flatten":
        return lambda x: torch.flatten(x, 1)
    raise NoTwinError(f"no function for {kind}")


def joined(layer: Any, xs: list[Any]) -> Any:
    kind, y = layer.kind, xs[0]
    if kind == "concat":
        return torch.cat(xs, dim=1)
    for x in xs[1:]:
        if layer.built == "function":
            y = {"add": torch.add, "multiply": torch.mul, "maximum": torch.maximum}[kind](y, x)
        elif kind in ("add", "mean"):
            if layer.inplace:
                y += x
            else:
                y = y + x
        elif kind == "multiply":
            y = y * x
        elif kind == "maximum":
            y = torch.maximum(y, x)
    return y / len(xs) if kind == "mean" else y


def per_axis_pairs(layer: Any, size: Any) -> list[tuple[int, int]]:
    """What a crop cuts off before and behind each axis."""
    if layer.size is None:
        return list(layer.cropping) if len(layer.cropping) == len(size) else list(layer.cropping) * len(size)
    target = per_axis(layer.size, size, "size")
    return [((n - m) // 2, n - m - (n - m) // 2) for n, m in zip(size, target, strict=True)]


def moved(layer: Any, x: Any) -> Any:
    """Layers that only move elements: methods and slices of tensors."""
    kind = layer.kind
    if kind == "reshape":
        return x.reshape(x.shape[0], *layer.shape)
    if kind == "permute":
        return x.permute(0, *(axis + 1 for axis in layer.order))
    if kind == "split":
        return torch.chunk(x, layer.parts, dim=1)[layer.part]
    if kind == "slice":
        start, stop, axis = layer.bounds(tuple(x.shape[1:]))
        return x.narrow(axis + 1, start, stop - start)
    if kind == "crop":
        pairs = per_axis_pairs(layer, x.shape[2:])
        for axis, (before, after) in enumerate(pairs):
            x = x.narrow(axis + 2, before, x.shape[axis + 2] - before - after)
        return x
    raise NoTwinError(kind)


FACTORS = ("scale", "rescale")


class Factor(nn.Module):
    """A trained factor for each channel, and a summand; or fixed ones."""

    def __init__(self, layer: Any, x: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = layer
        shape = (1, x[0], *[1] * (len(x) - 1))
        if layer.kind == "scale":
            self.factor = nn.Parameter(torch.ones(shape))
            self.summand = nn.Parameter(torch.zeros(shape)) if layer.shift else None
        elif isinstance(layer.factor, tuple) or isinstance(layer.offset, tuple):
            raise NoTwinError("a factor for each channel")

    def forward(self, x: Any) -> Any:
        if self.layer.kind == "scale":
            y = x * self.factor
            return y if self.summand is None else y + self.summand
        y = x * self.layer.factor if self.layer.factor != 1 else x
        return y + self.layer.offset if self.layer.offset != 0 else y


MOVED = ("reshape", "permute", "split", "slice", "crop")


class Twin(nn.Module):
    """A network of a spec. Modules are called where the spec does not say otherwise."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.steps = nn.ModuleDict()
        self.plan: list[tuple[Node, str, Any]] = []
        for i, node in enumerate(graph.nodes):
            layer: Any = node.layer
            owner = str(node.weights_of - len(graph.inputs)) if node.weights_of is not None else str(i)
            function = None
            if len(node.reads) == 1 and layer.kind not in MOVED:
                shape = graph.shape(node.reads[0])
                if owner == str(i):
                    module = module_of(layer, shape)
                    if layer.built in ("function", "operator"):
                        function = function_of(layer, module)
                        for name, parameter in list(module.named_parameters(recurse=False)):
                            self.register_parameter(f"{name}", parameter)
                    else:
                        self.steps[owner] = module
            self.plan.append((node, owner, function))

    def forward(self, *inputs: Any) -> Any:
        values = list(inputs)
        for node, owner, function in self.plan:
            xs = [values[v] for v in node.reads]
            layer: Any = node.layer
            if len(xs) > 1:
                y = joined(layer, xs)
            elif layer.kind in MOVED:
                y = moved(layer, xs[0])
            elif function is not None:
                y = function(xs[0])
            else:
                y = self.steps[owner](xs[0])
            values.append(y)
        results = [values[v] for v in self.graph.outputs]
        return results[0] if len(results) == 1 else tuple(results)


def twin(graph: Graph) -> Twin:
    """The module, in evaluation mode. Raises NoTwinError."""
    return Twin(graph).eval()


def images(graph: Graph, batch: int = 1) -> tuple[Any, ...]:
    """Noise for every input."""
    return tuple(torch.randn(batch, *shape) for shape in graph.inputs.values())
