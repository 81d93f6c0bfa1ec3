"""Layers in PyTorch that are functions and operators."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import call
from cnncalc.interop.torch.write.table import NotInTorchError, Write, Written, rank_of, writes
from cnncalc.interop.torch.write.windows import widths
from cnncalc.language import _
from cnncalc.layers.axes import axis_number
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
    "silu": "F.silu({0})",
    "hard_swish": "F.hardswish({0})",
    "mish": "F.mish({0})",
    "softplus": "F.softplus({0})",
    "softsign": "F.softsign({0})",
    "log_sigmoid": "F.logsigmoid({0})",
    "tanhshrink": "F.tanhshrink({0})",
    "abs": "torch.abs({0})",
    "negative": "torch.neg({0})",
    "square": "torch.square({0})",
    "sqrt": "torch.sqrt({0})",
    "reciprocal": "torch.reciprocal({0})",
    "exp": "torch.exp({0})",
    "log": "torch.log({0})",
    "erf": "torch.erf({0})",
    "sin": "torch.sin({0})",
    "cos": "torch.cos({0})",
    "sign": "torch.sign({0})",
    "glu": "F.glu({0}, dim=1)",
    "flatten": "torch.flatten({0}, 1)",
}
# amax and amin go over several axes at once; max and min do not, and give places, too.
REDUCTIONS = {"reduce_sum": "sum", "reduce_mean": "mean", "reduce_max": "amax", "reduce_min": "amin"}


@writes(*FUNCTIONS)
def function(layer: Any, x: Shape) -> Written:
    """A function without options."""
    use = FUNCTIONS[layer.kind]
    if layer.inplace and layer.kind in IN_PLACE:
        use = use.replace("{0}", "{0}, inplace=True")
    return Written(use, infix=layer.kind == "scaled_tanh")


# Of torch.nn.functional, what can be written over what enters: what training keeps may depend on it.
IN_PLACE = ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "hard_swish", "mish")


def with_slope(name: str, option: str, default: float) -> Write:
    """The writer of a function with one number, in PyTorch's name for it, and what it is where none is said."""

    def write(layer: Any, x: Shape) -> Written:
        more = ", inplace=True" if layer.inplace and name in IN_PLACE else ""
        if layer.alpha in (None, default):
            return Written(f"F.{name}({{0}}{more})")
        return Written(f"F.{name}({{0}}, {option}={{alpha}}{more})", values={"alpha": layer.alpha})

    return write


@writes("gelu")
def gelu(layer: Any, x: Shape) -> Written:
    return Written("F.gelu({0})" if layer.approximate == "none" else 'F.gelu({0}, approximate="tanh")')


@writes("softmax", "log_softmax")
def over_axis(layer: Any, x: Shape) -> Written:
    return Written(f"F.{layer.kind}({{0}}, dim={1 + axis_number(layer.axis, x)})")


@writes("clamp", "hardtanh")
def clamp(layer: Any, x: Shape) -> Written:
    low, high = layer.bounds()
    return Written(f"torch.clamp({{0}}, {low!r}, {high!r})")


@writes("power")
def power(layer: Any, x: Shape) -> Written:
    return Written("torch.pow({0}, {exponent})", values={"exponent": layer.exponent})


@writes("round")
def round_off(layer: Any, x: Shape) -> Written:
    return Written(f"torch.{'round' if layer.to == 'nearest' else layer.to}({{0}})")


@writes(*REDUCTIONS, "reduce_norm")
def reduce(layer: Any, x: Shape) -> Written:
    # The samples are axis 0 there.
    axes = tuple(1 + axis for axis in sorted(layer.over(x)))
    if layer.kind == "reduce_norm":
        return Written(f"torch.linalg.vector_norm({{0}}, {layer.order}, {axes}, keepdim=True)")
    return Written(f"torch.{REDUCTIONS[layer.kind]}({{0}}, {axes}, keepdim=True)")


writes("leaky_relu")(with_slope("leaky_relu", "negative_slope", 0.01))
writes("elu")(with_slope("elu", "alpha", 1.0))
writes("celu")(with_slope("celu", "alpha", 1.0))
writes("softshrink")(with_slope("softshrink", "lambd", 0.5))
writes("hardshrink")(with_slope("hardshrink", "lambd", 0.5))


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


@writes("roll")
def roll(layer: Any, x: Shape) -> Written:
    return Written(f"torch.roll({{0}}, {{shift}}, {1 + axis_number(layer.axis, x)})", values={"shift": layer.shift})


@writes("tile")
def tile(layer: Any, x: Shape) -> Written:
    return Written(f"torch.cat([{', '.join(['{0}'] * layer.times)}], {1 + axis_number(layer.axis, x)})")


@writes("take")
def take(layer: Any, x: Shape) -> Written:
    return Written(
        f"{{0}}[{':, ' * (1 + axis_number(layer.axis, x))}{{indices}}]", values={"indices": list(layer.indices)}
    )


@writes("resample")
def resample(layer: Any, x: Shape) -> Written:
    rank = rank_of(layer, x)
    if layer.mode == "bicubic" and rank != 2:
        raise NotInTorchError(_("PyTorch interpolates cubically in images alone"))
    # PyTorch has a name for each number of axes.
    mode = {"bilinear": ("linear", "bilinear", "trilinear")[rank - 1], "nearest_exact": "nearest-exact"}
    use = f'F.interpolate({{0}}, size={{size}}, mode="{mode.get(layer.mode, layer.mode)}"'
    use += ", align_corners=True)" if layer.align_corners else ")"
    return Written(use, values={"size": tuple(per_axis(layer.size, x[1:], "size"))})


@writes("parameter")
def parameter(layer: Any) -> Written:
    """A parameter beside the modules', for one sample; what joins it with others has it once for each."""
    if not layer.trained:
        raise NotInTorchError(_("numbers that are stored and not trained are not written"))
    # Fewer numbers than places: a class that takes them again, in their order.
    if layer.stored is not None:
        made = call("Numbers", ("shape", layer.shape), ("stored", layer.stored))
        return Written("{m}()", made, {}, {"value": ("value", None)})
    return Written("{m}_value[None]", state={"value": ("_value", None)}, extra={"value": layer.shape})


@writes("upsample")
def upsample(layer: Any, x: Shape) -> Written:
    rank = rank_of(layer, x)
    factors = per_axis(layer.factor, x[1:], "factor")
    if layer.mode == "bicubic" and rank != 2:
        raise NotInTorchError(_("PyTorch interpolates cubically in images alone"))
    mode = {"bilinear": ("linear", "bilinear", "trilinear")[rank - 1]}.get(layer.mode, layer.mode)
    # With unequal factors nn.Upsample wants numbers with a fraction.
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
    # The samples stay apart: torch.reshape would have to be told how many there are.
    shape = layer.facts(x).output
    flat = "{0}" if len(x) == 1 else "torch.flatten({0}, 1)"
    return Written(flat if len(shape) == 1 else f"torch.unflatten({flat}, 1, {{shape}})", values={"shape": shape})


@writes("permute")
def permute(layer: Any, x: Shape) -> Written:
    return Written(f"torch.permute({{0}}, {(0, *(1 + axis for axis in layer.order))})")


# --- arithmetic with numbers, trained or not


@writes("scale", "shift")
def numbers(layer: Any, x: Shape) -> Written:
    """Parameters beside the module's, with an axis of 1 where elements share one."""
    shape = tuple(layer.places(x))
    names = {"gamma": "factor", "beta": "summand"} if layer.kind == "scale" and layer.shift else {"gamma": "factor"}
    names = {"beta": "summand"} if layer.kind == "shift" else names
    use = "{0} * {m}_factor" if layer.kind == "scale" else "{0}"
    use += " + {m}_summand" if "beta" in names else ""
    state = {ours: (f"_{theirs}", lambda w: w.reshape(shape)) for ours, theirs in names.items()}
    return Written(use, state=state, infix=True, extra=dict.fromkeys(names.values(), shape))


@writes("rescale")
def rescale(layer: Any, x: Shape) -> Written:
    if isinstance(layer.factor, tuple) or isinstance(layer.offset, tuple):
        raise NotInTorchError(_("fixed numbers for each channel are not written"))
    use = "{0} * {factor}" if layer.factor != 1 else "{0}"
    use += " + {offset}" if layer.offset else ""
    values = {"factor": layer.factor} if layer.factor != 1 else {}
    return Written(use, values=values | ({"offset": layer.offset} if layer.offset else {}), infix=use != "{0}")


# --- merges


@writes("grid_sample")
def grid_sample(layer: Any, x: Shape, grid: Shape) -> Written:
    if len(x) > grid[-1] + 1:
        raise NotInTorchError(_("maps that are read at places, with axes in front of their channels"))
    options = f"padding_mode='{layer.outside}', align_corners={layer.align_corners}"
    return Written(f"F.grid_sample({{0}}, {{1}}, {options})")


INFIX = {"add": "+", "multiply": "*", "subtract": "-", "divide": "/"}
COMPARED = {"greater": ">", "less": "<", "equal": "=="}


@writes(*INFIX, *COMPARED, "maximum", "minimum", "mean", "concat", "matmul", "dot_product_attention")
def merge(layer: Any, *shapes: Shape) -> Written:
    places = [f"{{{i}}}" for i in range(len(shapes))]
    if layer.kind == "concat":
        return Written(f"torch.cat([{', '.join(places)}], {1 + axis_number(layer.axis, shapes[0])})")
    if layer.kind in ("maximum", "minimum"):
        use = places[0]
        for place in places[1:]:
            use = f"torch.{layer.kind}({use}, {place})"
        return Written(use)
    if layer.kind == "mean":
        return Written(f"({' + '.join(places)}) / {len(places)}", infix=True)
    if layer.kind in COMPARED:
        if len(places) > 2:
            raise NotInTorchError(_("a comparison of more than two is not written"))
        return Written(f"({places[0]} {COMPARED[layer.kind]} {places[1]}).float()")
    if layer.kind == "matmul":
        return Written(f"torch.matmul({', '.join(places)})")
    if layer.kind == "dot_product_attention":
        masks = "".join(f", attn_mask={place}" for place in places[3:])
        return Written(f"F.scaled_dot_product_attention({', '.join(places[:3])}{masks})")
    return Written(f" {INFIX[layer.kind]} ".join(places), infix=len(places) > 1)
