"""Every kind with several sets of options, and the numbers of axes on which it is run.

A step is run on all inputs of its kind's ranks that it fits; one with options per axis fits one of them alone.
All sizes differ from each other, and most strides leave something over.
"""

from __future__ import annotations

from collections.abc import Iterator

import cnncalc
from cnncalc.graph import Graph

INPUTS = {0: "12", 1: "12x19", 2: "12x13x10", 3: "12x7x5x8"}
MAPS, ALL = (1, 2, 3), (0, 1, 2, 3)

POOLS = (
    "2", "k3 s2 p1 ceil", "k3 s2 same", "k2 s3 d2", "kernel=3x2 stride=2x3 padding=1x0",
    "kernel=2x3x1 stride=1x2x3 ceil", "k4 s3 ceil", "{kernel: [3, 4], stride: 2, padding: [[0, 2], [1, 0]]}",
)  # fmt: skip
WINDOWS = (
    "k3", "k2 s3", "k3 p1 s2 nobias", "k3 s2 same", "k2 d3 p2", "k4 same d2", "kernel=3x2 stride=2x1 padding=1x2",
    "kernel=2x1x3 dilation=1x2x2 padding=2x0x1", "{kernel: 3, padding: [[0, 2], [3, 1]], stride: [2, 3]}",
    "{kernel: 2, padding: [[0, 3]], dilation: 4}",
)  # fmt: skip
RECURRENT = ("5", "4 nobias", "3 bias=double", "5 bidirectional", "2 bidirectional last bias=double", "4 last")

KINDS_RUN: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "conv": (
        MAPS,
        (
            *WINDOWS, "k2 g3 s2", "k3 g6 p1 nobias", "k3 s2 p1 bias=per_unit", "k1 g2 same",
            "{kernel: 3, padding: 1, table: [[0, 2], [1], [3, 4, 11], [5], [6, 7], [8, 9, 10]]}",
        ),
    ),
    "depthwise": (MAPS, (*WINDOWS, "2 k3 s2 p1", "3 k2 nobias")),
    "local": (MAPS, WINDOWS),
    "transposed_conv": (
        MAPS,
        (
            *WINDOWS, "k4 s2 p1", "k3 s2 p1 output_padding=1", "k3 s3 same", "k2 s3 same g2", "k3 g3 d2 p2",
            "kernel=3x2 stride=2x3 output_padding=1x2", "k1 s3",
        ),
    ),
    "maxpool": (MAPS, POOLS),
    "avgpool": (MAPS, (*POOLS, "k3 s2 p1 count_include_pad=false", "k3 s2 ceil count_include_pad=false")),
    "blurpool": (MAPS, (*POOLS, "3", "5 s1 p2")),
    "lppool": (MAPS, (*POOLS, "2 norm=1", "k3 norm=3")),
    "subsample": (MAPS, POOLS),
    "global_avgpool": (MAPS, ("",)),
    "global_maxpool": (MAPS, ("",)),
    "adaptive_avgpool": (MAPS, ("1", "3", "4x2", "size=2x3x1")),
    "adaptive_maxpool": (MAPS, ("1", "3", "4x2", "size=2x3x1")),
    "dense": (ALL, ("7", "5 nobias", "5 axes=c", "7 axes=c nobias")),
    "rbf": (ALL, ("7",)),
    "gaussian_rbf": (ALL, ("7",)),
    "hopfield": ((0,), ("", "nobias", "steps=3")),
    "flatten": (ALL, ("",)),
    "batchnorm": (ALL, ("", "noaffine", "affine=shift", "affine=scale")),
    "layernorm": (ALL, ("", "noaffine", "axes=all", "axes=spatial", "axes=cw")),
    "rmsnorm": (ALL, ("", "noaffine epsilon=0.1", "axes=all", "axes=spatial", "axes=cw")),
    "groupnorm": (ALL, ("3", "2 noaffine")),
    "instancenorm": (MAPS, ("", "affine=true")),
    "lrn": (MAPS, ("", "size=4", "3")),
    "scale": (ALL, ("", "shift", "per=layer", "shift per=element", "per=c")),
    "shift": (ALL, ("", "per=layer", "per=element", "per=c")),
    "gelu": (ALL, ("", "approximate=tanh")),
    "rescale": (ALL, ("", "0.25", "2 offset=-1", "offset=0.5", "{factor: [1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6]}")),
    "leaky_relu": (ALL, ("", "0.2")),
    "prelu": (ALL, ("", "per=channel")),
    "elu": (ALL, ("", "0.5")),
    "celu": (ALL, ("", "0.5")),
    "maxout": (ALL, ("2", "3")),
    **dict.fromkeys(
        (
            "identity", "step", "sigmoid", "hard_sigmoid", "tanh", "scaled_tanh", "relu", "relu6", "selu",
            "silu", "hard_swish", "mish", "softplus", "softsign", "glu", "dropout", "log_sigmoid", "tanhshrink", "abs",
            "negative", "square", "sqrt", "reciprocal", "exp", "log", "erf", "sin", "cos", "sign",
        ),
        (ALL, ("",)),
    ),
    **dict.fromkeys(("softmax", "log_softmax"), (ALL, ("", "axis=w", "axis=1"))),
    **dict.fromkeys(("softshrink", "hardshrink"), (ALL, ("", "0.2"))),
    "hardtanh": (ALL, ("", "low=-2 high=3")),
    "clamp": (ALL, ("low=0 high=2", "low=-1", "high=1")),
    "power": (ALL, ("2", "0.5")),
    "round": (ALL, ("", "floor", "ceil")),
    "attention": (
        MAPS,
        (
            "3", "4 nobias", "2 noproject", "3 bias=in dim=6", "2 bias=out dim=6 value_dim=10 out=7", "3 window=13x2",
            "4 grid=13x5 relative_bias", "2 window=13x5 shift=0x2 relative_bias", "6 window=7x5x2 shift=3x2x1",
            "3 window=1", "2 relative_bias", "2 window=13x5 shift=0x2 pair_bias",
        ),
    ),
    "cross_attention": (
        MAPS, ("[identity, conv 8 k2], heads: 3", "[conv 6 k1, conv 5 k2], heads: 2, out: 7, bias: false")
    ),
    "dot_product_attention": (
        MAPS,
        (
            "[identity, identity, identity]", "[identity, tanh, relu, parameter 1x1]",
            "[identity, tanh, relu, parameter 1x1x1]",
        ),
    ),
    "matmul": (MAPS, ("[identity, 'permute 1,0']", "['permute 0,2,1', identity]", "[identity, 'permute 0,1,3,2']")),
    "max_unpool": (
        MAPS,
        tuple(
            f"[[maxpool {words}, tanh], identity], {options}"
            for words, options in (
                ("2", "kernel: 2"),
                ("k3 s2 p1", "kernel: 3, stride: 2, padding: 1"),
                ("k2 s3 ceil", "kernel: 2, stride: 3, rounding: ceil"),
            )
        ),
    ),
    "deformable_conv": (
        MAPS,
        (
            "[identity, conv 18 k3], filters: 5, kernel: 3",
            "[identity, conv 48 k2 s2, conv 24 k2 s2], filters: 4, kernel: 2, stride: 2, groups: 2, bias: false",
            "[identity, conv 24 k3x2 d2 p1, [conv 12 k3x2 d2 p1, sigmoid]], filters: 6, kernel: 3x2, dilation: 2, "
            "padding: 1, groups: 3",
        ),
    ),
    "grid_sample": (
        MAPS,
        tuple(
            f"[identity, [conv {d} k1, 'permute {order}', tanh]]{options}"
            for d, order in ((2, "1,2,0"), (3, "1,2,3,0"))
            for options in ("", ", outside: border, align_corners: true")
        ),
    ),
    "parameter": (ALL, ("7", "5x6x4", "3x4 fixed")),
    "embedding": (MAPS, ("|'slice 0:1', embedding 7 size=20",)),
    **dict.fromkeys(
        ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min"), (ALL, ("c", "w", "hw", "1", "1,2", "0,1", "l"))
    ),
    "reduce_norm": (ALL, ("c", "hw", "1 order=1", "w order=3")),
    "roll": (ALL, ("2", "-3 axis=1", "1 axis=w")),
    "tile": (ALL, ("2", "3 axis=1", "2 axis=w")),
    "take": (ALL, ("2,1,0", "3,3,1 axis=1", "5,1,3 axis=w")),
    "resample": (
        MAPS,
        (
            "7", "20 bilinear", "5 nearest_exact", "9 bicubic", "17 bilinear align_corners", "6 bicubic align_corners",
            "18x7",
        ),
    ),
    "pad": (
        MAPS,
        ("2", "2 reflect", "2 replicate", "2 circular",
         "{padding: [[0, 3], [2, 1]], mode: reflect}", "value=1 padding=3"),
    ),
    "crop": (MAPS, ("1", "size=3", "{cropping: [[0, 3], [2, 1]]}", "size=5x4")),
    "upsample": (MAPS, ("2", "3 bilinear", "2 bilinear", "2 bicubic", "3x2", "factor=2x1 mode=bilinear")),
    "pixel_shuffle": (MAPS, ("2",)),
    "pixel_unshuffle": (MAPS, ("1",)),
    "channel_shuffle": (MAPS, ("3", "4")),
    "reshape": (ALL, ("4x-1", "3x4x-1", "-1")),
    "permute": (MAPS, ("1,0", "1,2,0", "0,2,1", "0,3,1,2")),
    "split": (ALL, ("3", "2 part=1")),
    "slice": (ALL, ("3:8", "1:4 axis=w", "2:end axis=h", "0:3 axis=l", "1:3 axis=d")),
    "add": (ALL, ("[identity, relu]", "[identity, [global_avgpool, sigmoid], tanh]")),
    "multiply": (ALL, ("[identity, relu]", "[[global_avgpool, conv 12 k1], identity]")),
    "maximum": (ALL, ("[identity, relu, tanh]", "[conv 12 k3 p1, identity]")),
    "mean": (ALL, ("[identity, relu, tanh]", "[conv 12 k3 same, conv 12 k1]")),
    **dict.fromkeys(
        ("subtract", "divide", "minimum", "greater", "less", "equal"),
        (ALL, ("[identity, relu]", "[identity, tanh, sigmoid]")),
    ),
    "concat": (
        ALL,
        (
            "[identity, relu]", "[conv 3 k3 p1, identity, conv 2 k5 p2]", "[identity, conv 12 k3], axis: 1",
            "[tanh, identity], axis: w",
        ),
    ),
    "rnn": ((1,), RECURRENT),
    "mgu": ((1,), RECURRENT),
    "gru": ((1,), RECURRENT),
    "lstm": ((1,), RECURRENT),
}  # fmt: skip
MAIN = {"conv": "6", "local": "3", "transposed_conv": "6"}  # the first value, unless the options say another


def of_options(kind: str) -> Iterator[Graph]:
    """A kind with every set of options, on each input of its ranks that they fit."""
    for options in KINDS_RUN[kind][1]:
        for rank in KINDS_RUN[kind][0]:
            try:
                yield cnncalc.load(f"input: {INPUTS[rank]}\nlayers:\n  - {layer_line(kind, options)}\n")
            except cnncalc.CnncalcError:  # options of another number of axes
                continue


def layer_line(kind: str, options: str) -> str:
    """A step of the language, in flow style."""
    if options.startswith("|"):
        return f"{{part: [{options[1:]}]}}"
    if options.startswith("["):
        return f"{{{kind}: {options}}}"
    if options.startswith("{"):
        more = f"filters: {MAIN[kind]}, " if kind in MAIN else ""
        return f"{{{kind}: {{{more}{options[1:-1]}}}}}"
    return f'"{kind} {MAIN[kind]} {options}"' if kind in MAIN else f'"{kind} {options}"'
