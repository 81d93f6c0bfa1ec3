"""Norms, dropout and PReLU in PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import Code, call, text_of
from cnncalc.interop.torch.write.table import NotInTorchError, Written, rank_of, writes
from cnncalc.language import _
from cnncalc.layers.base import Shape

AFFINE = {"gamma": ("weight", None), "beta": ("bias", None)}
STATISTICS = {**AFFINE, "mean": ("running_mean", None), "variance": ("running_var", None)}


@writes("batchnorm")
def batchnorm(layer: Any, x: Shape) -> Written:
    if isinstance(layer.affine, str):
        raise NotInTorchError(_("PyTorch's batch norm trains a scale and a shift, or neither"))
    rank = max(1, len(x) - 1)  # BatchNorm1d takes vectors, too
    options = {"eps": (layer.epsilon, 1e-5), "affine": (layer.affine, True)}
    return Written("{m}({0})", call(f"nn.BatchNorm{rank}d", ("num_features", x[0]), **options), {}, STATISTICS)


@writes("instancenorm")
def instancenorm(layer: Any, x: Shape) -> Written:
    # PyTorch's instance norm trains nothing unless told to, unlike its other norms.
    options = {"eps": (layer.epsilon, 1e-5), "affine": (layer.affine, False)}
    module = call(f"nn.InstanceNorm{rank_of(layer, x)}d", ("num_features", x[0]), **options)
    return Written("{m}({0})", module, {}, AFFINE)


@writes("groupnorm")
def groupnorm(layer: Any, x: Shape) -> Written:
    options = {"eps": (layer.epsilon, 1e-5), "affine": (layer.affine, True)}
    module = call("nn.GroupNorm", ("num_groups", layer.groups), ("num_channels", x[0]), **options)
    return Written("{m}({0})", module, {}, AFFINE)


@writes("layernorm", "rmsnorm")
def layernorm(layer: Any, x: Shape) -> Written:
    """The axes that are normalised together are brought to the end, and back."""
    together = sorted(layer.over(x))
    order = [0, *(1 + axis for axis in range(len(x)) if axis not in together), *(1 + axis for axis in together)]
    shape = tuple(x[axis] for axis in together)
    # PyTorch's root mean square adds what its numbers resolve, unless told.
    name, usual = ("nn.LayerNorm", 1e-5) if layer.kind == "layernorm" else ("nn.RMSNorm", None)
    options = {"eps": (layer.epsilon, usual), "elementwise_affine": (layer.affine, True)}
    module = call(name, ("normalized_shape", shape[0] if len(shape) == 1 else shape), **options)
    use = "{m}({0})"
    if order != sorted(order):
        back = [order.index(axis) for axis in range(len(order))]
        use = f"torch.permute({{m}}(torch.permute({{0}}, {tuple(order)})), {tuple(back)})"
    stored = AFFINE if layer.kind == "layernorm" else {"gamma": AFFINE["gamma"]}
    state = {name: (theirs, lambda w: w.reshape(shape)) for name, (theirs, _move) in stored.items()}
    return Written(use, module, {}, state)


@writes("lrn")
def lrn(layer: Any, x: Shape) -> Written:
    rank_of(layer, x)
    options = {"alpha": (layer.alpha, 1e-4), "beta": (layer.beta, 0.75), "k": (layer.k, 1.0)}
    return Written("{m}({0})", call("nn.LocalResponseNorm", ("size", layer.size), **options))


@writes("dropout")
def dropout(layer: Any, x: Shape) -> Written:
    return Written("{m}({0})", call("nn.Dropout", ("p", Code(text_of(layer.rate)))))


@writes("prelu")
def prelu(layer: Any, x: Shape) -> Written:
    count = x[0] if layer.per == "channel" else 1
    return Written("{m}({0})", call("nn.PReLU", num_parameters=(count, 1)), {}, {"slope": ("weight", None)})
