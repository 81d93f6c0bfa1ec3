"""Layers in PyTorch that are functions and operators; and classes for those that it has no module for.

`PARTS` are the classes, as text: a file gets those that it uses.
"""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call
from cnncalc.interop.torch.write.layers import NotInTorchError, Write, Written, rank_of, widths, writes
from cnncalc.language import _
from cnncalc.layers.base import Shape, per_axis
from cnncalc.layers.sliding import sides_per_axis

FUNCTIONS = {
    "identity": "{0}",
    "step": "({0} > 0).float()",
    "sigmoid": "torch.sigmoid({0})",
    "hard_sigmoid": "F.hardsigmoid({0})",
    "tanh": "torch.tanh({0})",
    "scaled_tanh": "1.7159 * torch.tanh(2 / 3 * {0})",
    "relu": "F.relu({0})",
    "relu6": "F.relu6({0})",
    "selu": "F.selu({0})",
    "gelu": "F.gelu({0})",
    "silu": "F.silu({0})",
    "hard_swish": "F.hardswish({0})",
    "mish": "F.mish({0})",
    "softplus": "F.softplus({0})",
    "softsign": "F.softsign({0})",
    "softmax": "F.softmax({0}, dim=1)",
    "log_softmax": "F.log_softmax({0}, dim=1)",
    "glu": "F.glu({0}, dim=1)",
    "flatten": "torch.flatten({0}, 1)",
}


@writes(*FUNCTIONS)
def function(layer: Any, x: Shape) -> Written:
    return Written(FUNCTIONS[layer.kind], infix=layer.kind == "scaled_tanh")


def with_slope(name: str, option: str, default: float) -> Write:
    def write(layer: Any, x: Shape) -> Written:
        if layer.alpha in (None, default):
            return Written(f"F.{name}({{0}})")
        return Written(f"F.{name}({{0}}, {option}={{alpha}})", values={"alpha": layer.alpha})

    return write


writes("leaky_relu")(with_slope("leaky_relu", "negative_slope", 0.01))
writes("elu")(with_slope("elu", "alpha", 1.0))
writes("celu")(with_slope("celu", "alpha", 1.0))


@writes("maxout")
def maxout(layer: Any, x: Shape) -> Written:
    return Written("torch.amax(torch.unflatten({0}, 1, (-1, {pieces})), 2)", values={"pieces": layer.pieces})


# --- layers that move elements


@writes("pad")
def pad(layer: Any, x: Shape) -> Written:
    rank_of(layer, x)
    use = "F.pad({0}, {pad})"
    if layer.mode != "constant":
        use = f'F.pad({{0}}, {{pad}}, mode="{layer.mode}")'
    elif layer.value:
        use = f"F.pad({{0}}, {{pad}}, value={layer.value!r})"
    return Written(use, values={"pad": widths(sides_per_axis(layer.padding, x[1:]))})


@writes("crop")
def crop(layer: Any, x: Shape) -> Written:
    """Negative padding: its windows have it."""
    cuts = [(w.before, w.after) for w in layer.facts(x).reach]
    return Written("F.pad({0}, {crop})", values={"crop": widths(cuts)})


@writes("slice")
def slice_of_axis(layer: Any, x: Shape) -> Written:
    start, stop, axis = layer.bounds(x)
    return Written(
        f"torch.narrow({{0}}, {1 + axis}, {{start}}, {{length}})", values={"start": start, "length": stop - start}
    )


@writes("split")
def split(layer: Any, x: Shape) -> Written:
    return Written(f"torch.chunk({{0}}, {layer.parts}, 1)[{layer.part}]")


@writes("upsample")
def upsample(layer: Any, x: Shape) -> Written:
    rank = rank_of(layer, x)
    factors = per_axis(layer.factor, x[1:], "factor")
    if layer.mode == "bicubic" and rank != 2:
        raise NotInTorchError(_("PyTorch interpolates cubically in images alone"))
    mode = {"bilinear": ("linear", "bilinear", "trilinear")[rank - 1]}.get(layer.mode, layer.mode)
    factor: Any = factors[0] if len(set(factors)) == 1 else tuple(map(float, factors))
    return Written("{m}({0})", call("nn.Upsample", scale_factor=(factor, None), mode=(mode, "nearest")))


@writes("pixel_shuffle", "pixel_unshuffle")
def pixel_shuffle(layer: Any, x: Shape) -> Written:
    if len(x) != 3:
        raise NotInTorchError(_("PyTorch has {kind} for images alone", kind=layer.kind))
    name = "PixelShuffle" if layer.kind == "pixel_shuffle" else "PixelUnshuffle"
    return Written("{m}({0})", call(f"nn.{name}", ("factor", layer.factor)))


@writes("channel_shuffle")
def channel_shuffle(layer: Any, x: Shape) -> Written:
    if len(x) == 1:
        raise NotInTorchError(_("PyTorch has {kind} for maps alone", kind=layer.kind))
    return Written("{m}({0})", call("nn.ChannelShuffle", ("groups", layer.groups)))


@writes("reshape")
def reshape(layer: Any, x: Shape) -> Written:
    shape = layer.facts(x).output
    flat = "{0}" if len(x) == 1 else "torch.flatten({0}, 1)"
    return Written(flat if len(shape) == 1 else f"torch.unflatten({flat}, 1, {{shape}})", values={"shape": shape})


@writes("permute")
def permute(layer: Any, x: Shape) -> Written:
    return Written(f"torch.permute({{0}}, {(0, *(1 + axis for axis in layer.order))})")


# --- merges


@writes("add", "multiply", "maximum", "mean", "concat")
def merge(layer: Any, *shapes: Shape) -> Written:
    places = [f"{{{i}}}" for i in range(len(shapes))]
    if layer.kind == "concat":
        return Written(f"torch.cat([{', '.join(places)}], 1)")
    if layer.kind == "maximum":
        use = places[0]
        for place in places[1:]:
            use = f"torch.maximum({use}, {place})"
        return Written(use)
    if layer.kind == "mean":
        return Written(f"({' + '.join(places)}) / {len(places)}", infix=True)
    return Written(f" {'*' if layer.kind == 'multiply' else '+'} ".join(places), infix=len(places) > 1)


# --- recurrent layers

GATES = {"rnn": "c", "gru": "rzc", "lstm": "ifgo"}  # in the order in which PyTorch stacks them


@writes("rnn", "gru", "lstm")
def recurrent(layer: Any, x: Shape) -> Written:
    """Sequences are (N, steps, values) there. PyTorch has two biases for every gate, or none."""
    if layer.bias is True:
        raise NotInTorchError(
            _("PyTorch's {kind} has two biases for every gate, or none: say bias=double or nobias", kind=layer.kind)
        )
    if layer.kind == "gru" and not layer.bias:
        raise NotInTorchError(_("PyTorch's gru resets behind the product: say bias=double"))
    options = {"bias": (bool(layer.bias), True), "batch_first": (True, False)}
    module = call(
        f"nn.{layer.kind.upper()}",
        ("input_size", x[0]),
        ("hidden_size", layer.units),
        **options,
        bidirectional=(layer.bidirectional, False),
    )
    use = "torch.transpose({m}(torch.transpose({0}, 1, 2))[0], 1, 2)"
    if layer.last:
        hidden = "[1][0]" if layer.kind == "lstm" else "[1]"
        use = f"torch.flatten(torch.transpose({{m}}(torch.transpose({{0}}, 1, 2)){hidden}, 0, 1), 1)"
    state: dict[str, tuple[str, None]] = {}  # gates that share a name are stacked in this order
    for ours, theirs in (("", ""), ("back_", "_reverse"))[: 1 + layer.bidirectional]:
        for part, name in (("input", "weight_ih"), ("state", "weight_hh"), ("bias", "bias_ih"), ("bias2", "bias_hh")):
            state |= {f"{ours}{gate}_{part}": (f"{name}_l0{theirs}", None) for gate in GATES[layer.kind]}
    return Written(use, module, {}, state)


# --- kinds of layers that need a class of their own


def special(name: str, *sizes: tuple[str, int], state: dict[str, str]) -> Written:
    return Written("{m}({0})", call(name, *sizes), {}, {ours: (theirs, None) for ours, theirs in state.items()})


@writes("rbf")
def rbf(layer: Any, x: Shape) -> Written:
    return special("RBF", ("in_features", x[0]), ("out_features", layer.units), state={"centres": "centres"})


@writes("gaussian_rbf")
def gaussian_rbf(layer: Any, x: Shape) -> Written:
    state = {"centres": "centres", "width": "width"}
    return special("GaussianRBF", ("in_features", x[0]), ("out_features", layer.units), state=state)


@writes("subsample")
def subsample(layer: Any, x: Shape) -> Written:
    windows, _shape = layer.geometry(x)
    if len(x) != 3 or layer.rounding == "ceil" or any(w.before or w.after or w.dilation > 1 for w in windows):
        raise NotInTorchError(_("subsample is written for images, without padding, dilation and ceil"))
    kernel, stride = tuple(w.kernel for w in windows), tuple(w.stride for w in windows)
    size = kernel[0] if len(set(kernel)) == 1 else kernel
    step = stride[0] if len(set(stride)) == 1 else stride
    module = call("Subsample", ("channels", x[0]), ("kernel_size", size), stride=(step, size))
    return Written("{m}({0})", module, {}, {"weight": ("weight", None), "bias": ("bias", None)})


@writes("local")
def local(layer: Any, x: Shape) -> Written:
    windows = layer.windows(x[1:])
    if len(x) != 3 or any(w.before != w.after for w in windows):
        raise NotInTorchError(_("local is written for images, with the same padding on both sides"))

    def even(values: tuple[int, ...]) -> Any:
        return values[0] if len(set(values)) == 1 else values

    module = call(
        "LocalConv2d",
        ("in_channels", x[0]),
        ("out_channels", layer.filters),
        ("size", layer.facts(x).output[1:]),
        ("kernel_size", even(tuple(w.kernel for w in windows))),
        stride=(even(tuple(w.stride for w in windows)), 1),
        padding=(even(tuple(w.before for w in windows)), 0),
        dilation=(even(tuple(w.dilation for w in windows)), 1),
        bias=(layer.bias, True),
    )
    return Written("{m}({0})", module, {}, {"weight": ("weight", None), "bias": ("bias", None)})


PARTS = {
    "TableConv2d": '''\
class TableConv2d(nn.Conv2d):
    """A convolution whose filter i reads only the input maps that row i of a table lists.

    weight: (pairs, *kernel), one row of the table behind the other.
    """

    def __init__(self, in_channels, out_channels, kernel_size, table, **options):
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.register_buffer(
            "rows",
            torch.tensor([i for i, row in enumerate(table) for _ in row]),
            persistent=False,
        )
        self.register_buffer(
            "columns", torch.tensor([j for row in table for j in row]), persistent=False
        )
        self.weight = nn.Parameter(self.weight.detach()[self.rows, self.columns])
        self.table = table

    def cnncalc_layer(self):
        names = ["stride", "padding", "dilation", "table"]
        options = {name: getattr(self, name) for name in names}
        options |= {"filters": self.out_channels, "kernel": self.kernel_size}
        return "conv", {**options, "bias": self.bias is not None}

    def forward(self, x):
        weight = x.new_zeros(self.out_channels, self.in_channels, *self.kernel_size)
        weight = weight.index_put((self.rows, self.columns), self.weight)
        return self._conv_forward(x, weight, self.bias)
''',
    "TableLinear": '''\
class TableLinear(nn.Linear):
    """A dense layer whose unit i reads only the inputs that row i of a table lists.

    weight: (pairs,), one row of the table behind the other.
    """

    def __init__(self, in_features, out_features, table, **options):
        super().__init__(in_features, out_features, **options)
        self.register_buffer(
            "rows",
            torch.tensor([i for i, row in enumerate(table) for _ in row]),
            persistent=False,
        )
        self.register_buffer(
            "columns", torch.tensor([j for row in table for j in row]), persistent=False
        )
        self.weight = nn.Parameter(self.weight.detach()[self.rows, self.columns])
        self.table = table

    def cnncalc_layer(self):
        options = {"units": self.out_features, "table": self.table}
        return "dense", {**options, "bias": self.bias is not None}

    def forward(self, x):
        weight = x.new_zeros(self.out_features, self.in_features)
        weight = weight.index_put((self.rows, self.columns), self.weight)
        return F.linear(x, weight, self.bias)
''',
    "Subsample": '''\
class Subsample(nn.Module):
    """LeCun's subsampling: the sum of a window, times a coefficient, plus a bias.

    Both are trained, one of each for every map.
    """

    def __init__(self, channels, kernel_size, stride=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride or kernel_size
        self.weight = nn.Parameter(torch.rand(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def cnncalc_layer(self):
        return "subsample", {"kernel": self.kernel_size, "stride": self.stride}

    def forward(self, x):
        total = F.avg_pool2d(x, self.kernel_size, self.stride, divisor_override=1)
        return total * self.weight[:, None, None] + self.bias[:, None, None]
''',
    "RBF": '''\
class RBF(nn.Module):
    """The squared distance of the input from each centre. The centres are not trained."""

    def __init__(self, in_features, out_features):
        super().__init__()
        centres = torch.randint(0, 2, (out_features, in_features)) * 2.0 - 1
        self.centres = nn.Parameter(centres, requires_grad=False)

    def cnncalc_layer(self):
        return "rbf", {"units": len(self.centres)}

    def forward(self, x):
        return (x[:, None] - self.centres).square().sum(2)
''',
    "GaussianRBF": '''\
class GaussianRBF(nn.Module):
    """exp(-d / width) of the squared distance d of the input from each centre."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(out_features, in_features))
        self.width = nn.Parameter(torch.ones(out_features))

    def cnncalc_layer(self):
        return "gaussian_rbf", {"units": len(self.centres)}

    def forward(self, x):
        return torch.exp(-(x[:, None] - self.centres).square().sum(2) / self.width)
''',
    "LocalConv2d": '''\
class LocalConv2d(nn.Module):
    """A convolution that shares no weights: every place has kernels of its own.

    weight: (*size, out_channels, in_channels, *kernel), bias: (out_channels, *size).
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        size,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        bias=True,
    ):
        super().__init__()
        self.window = nn.Unfold(kernel_size, dilation, padding, stride)
        kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.weight = nn.Parameter(
            torch.randn(*size, out_channels, in_channels, *kernel) * 0.01
        )
        self.bias = nn.Parameter(torch.zeros(out_channels, *size)) if bias else None
        self.options = {"filters": out_channels, "kernel": kernel, "stride": stride}
        self.options |= {"padding": padding, "dilation": dilation, "bias": bias}

    def cnncalc_layer(self):
        return "local", self.options

    def forward(self, x):
        places = self.window(x).unflatten(2, self.weight.shape[:2])
        y = torch.einsum("nkhw,hwfk->nfhw", places, self.weight.flatten(3))
        return y if self.bias is None else y + self.bias
''',
}
