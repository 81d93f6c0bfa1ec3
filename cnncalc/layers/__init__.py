"""The kinds of layers: one row each. A family is imported when a spec first names one of its kinds.

To add a kind: a class with `facts` in its family's file, and a row here.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from cnncalc.errors import suggest
from cnncalc.layers.base import Layer


class Kind(NamedTuple):
    """Where a kind is defined and how else people call it."""

    name: str
    family: str
    layer: str
    aliases: tuple[str, ...] = ()
    joins: bool = False  # it reads several branches
    example: str = ""  # a step of its own for `cnncalc kinds`, where its required options do not make one

    @property
    def inline(self) -> bool:
        """Activations and dropout are shown in the row of the layer that they follow."""
        return self.family == "activation" or self.name == "dropout"

    @property
    def appendable(self) -> bool:
        """Norms, activations and dropout may stand behind a layer in its line."""
        return self.inline or self.family == "normalisation"

    def load(self) -> type[Layer]:
        """The class that reads this kind's options and says its facts."""
        from importlib import import_module

        found: type[Layer] = getattr(import_module(f"cnncalc.layers.{self.family}"), self.layer)
        return found


_ROWS = [
    # Aliases are compared without case, underscores, hyphens and a 1d, 2d or 3d: Conv2D is conv.
    Kind("conv", "conv", "Conv", ("convolution",)),
    Kind("depthwise", "conv", "Depthwise", ("depthwiseconv", "dwconv")),
    Kind("local", "conv", "Local", ("locallyconnected",)),
    Kind("transposed_conv", "conv", "TransposedConv", ("convtranspose", "transposeconv", "deconv", "deconvolution")),
    Kind("maxpool", "pooling", "MaxPool", ("maxpooling", "pooling", "pool")),
    Kind("avgpool", "pooling", "AvgPool", ("avgpooling", "averagepooling", "averagepool")),
    Kind("lppool", "pooling", "LpPool"),
    Kind("blurpool", "pooling", "BlurPool", ("blurpooling", "antialias")),
    Kind("subsample", "pooling", "Subsample", ("subsampling",)),
    Kind("global_avgpool", "pooling", "GlobalPool", ("globalaveragepool", "globalaveragepooling", "gap")),
    Kind("global_maxpool", "pooling", "GlobalPool", ("globalmaxpooling", "gmp")),
    Kind("adaptive_avgpool", "pooling", "AdaptivePool", ("adaptiveaveragepooling",)),
    Kind("adaptive_maxpool", "pooling", "AdaptivePool", ("adaptivemaxpooling",)),
    Kind("dense", "dense", "Dense", ("linear", "fc", "innerproduct", "gemm", "fullyconnected")),
    Kind("rbf", "dense", "RBF"),
    Kind("gaussian_rbf", "dense", "GaussianRBF"),
    Kind("hopfield", "dense", "Hopfield"),
    Kind("flatten", "dense", "Flatten"),
    Kind("batchnorm", "normalisation", "BatchNorm", ("bn", "batchnormalization", "batchnormalisation")),
    Kind("layernorm", "normalisation", "LayerNorm", ("ln", "layernormalization", "layernormalisation")),
    Kind("rmsnorm", "normalisation", "RMSNorm", ("rmsnormalization", "rmsnormalisation")),
    Kind("groupnorm", "normalisation", "GroupNorm", ("gn", "groupnormalization", "groupnormalisation")),
    Kind("instancenorm", "normalisation", "InstanceNorm", ("instancenormalization", "instancenormalisation")),
    Kind("lrn", "normalisation", "LRN", ("localresponsenorm", "localresponsenormalization")),
    Kind("scale", "normalisation", "Scale", ("layerscale",)),
    Kind("shift", "normalisation", "Shift"),
    Kind("attention", "attention", "Attention", ("selfattention", "multiheadattention", "mhsa", "msa")),
    Kind("identity", "activation", "Activation", ("linearactivation",)),
    Kind("step", "activation", "Activation", ("heaviside",)),
    Kind("sigmoid", "activation", "Activation", ("logistic",)),
    Kind("hard_sigmoid", "activation", "Activation"),
    Kind("tanh", "activation", "Activation"),
    Kind("scaled_tanh", "activation", "Activation"),
    Kind("relu", "activation", "Activation"),
    Kind("relu6", "activation", "Activation"),
    Kind("leaky_relu", "activation", "Sloped", ("lrelu",)),
    Kind("prelu", "activation", "PReLU"),
    Kind("elu", "activation", "Sloped"),
    Kind("selu", "activation", "Activation"),
    Kind("celu", "activation", "Sloped"),
    Kind("gelu", "activation", "GELU"),
    Kind("silu", "activation", "Activation", ("swish",)),
    Kind("hard_swish", "activation", "Activation"),
    Kind("mish", "activation", "Activation"),
    Kind("softplus", "activation", "Activation"),
    Kind("softsign", "activation", "Activation"),
    Kind("log_sigmoid", "activation", "Activation"),
    Kind("tanhshrink", "activation", "Activation"),
    Kind("softshrink", "activation", "Sloped"),
    Kind("hardshrink", "activation", "Sloped"),
    Kind("hardtanh", "activation", "Clamp"),
    Kind("clamp", "activation", "Clamp", ("clip",), example="clamp low=0 high=6"),
    Kind("abs", "activation", "Activation", ("absolute",)),
    Kind("negative", "activation", "Activation", ("neg",)),
    Kind("square", "activation", "Activation"),
    Kind("sqrt", "activation", "Activation"),
    Kind("power", "activation", "Power", ("pow",)),
    Kind("reciprocal", "activation", "Activation"),
    Kind("exp", "activation", "Activation"),
    Kind("log", "activation", "Activation"),
    Kind("erf", "activation", "Activation"),
    Kind("sin", "activation", "Activation"),
    Kind("cos", "activation", "Activation"),
    Kind("sign", "activation", "Activation"),
    Kind("round", "activation", "Round"),
    Kind("softmax", "activation", "Softmax"),
    Kind("log_softmax", "activation", "Softmax"),
    Kind("maxout", "activation", "Maxout"),
    Kind("glu", "activation", "GLU"),
    Kind("rescale", "activation", "Rescale", ("rescaling",)),
    Kind("dropout", "shape", "Dropout", ("spatialdropout", "alphadropout")),
    Kind("pad", "shape", "Pad", ("zeropadding", "zeropad")),
    Kind("crop", "shape", "Crop", ("cropping", "centercrop"), example="crop 1"),
    Kind("channel_shuffle", "shape", "ChannelShuffle"),
    Kind("reshape", "shape", "Reshape", ("view",)),
    Kind("permute", "shape", "Permute", ("transpose",), example="permute 0,2,1"),
    Kind("split", "shape", "Split", ("chunk",)),
    Kind("slice", "shape", "Slice"),
    Kind("roll", "shape", "Roll"),
    Kind("tile", "shape", "Tile"),
    Kind("take", "shape", "Take", ("gather", "indexselect")),
    Kind("parameter", "learned", "Parameter", example="parameter 8x14x14"),
    Kind("embedding", "learned", "Embedding"),
    Kind("reduce_sum", "reduction", "Reduce"),
    Kind("reduce_mean", "reduction", "Reduce"),
    Kind("reduce_max", "reduction", "Reduce"),
    Kind("reduce_min", "reduction", "Reduce"),
    Kind("reduce_norm", "reduction", "ReduceNorm"),
    Kind("resample", "resampling", "Resample"),
    Kind("upsample", "resampling", "Upsample", ("upsampling", "resize", "interpolate")),
    Kind("pixel_shuffle", "resampling", "PixelShuffle", ("depthtospace",)),
    Kind("pixel_unshuffle", "resampling", "PixelUnshuffle", ("spacetodepth",)),
    Kind("add", "merge", "Elementwise", ("sum", "eltwise")),
    Kind("multiply", "merge", "Elementwise", ("mul",)),
    Kind("maximum", "merge", "Elementwise"),
    Kind("mean", "merge", "Elementwise", ("average",)),
    Kind("subtract", "merge", "Elementwise", ("sub",)),
    Kind("divide", "merge", "Elementwise", ("div",)),
    Kind("minimum", "merge", "Elementwise"),
    Kind("greater", "merge", "Elementwise"),
    Kind("less", "merge", "Elementwise"),
    Kind("equal", "merge", "Elementwise"),
    Kind("concat", "merge", "Concat", ("concatenate", "cat")),
    Kind("matmul", "attention", "MatMul", joins=True),
    Kind(
        "cross_attention", "attention", "CrossAttention", joins=True,
        example="{cross_attention: [identity, conv 8 k3], heads: 2}",
    ),
    Kind(
        "dot_product_attention", "attention", "DotProductAttention", ("scaleddotproductattention", "sdpa"), joins=True,
        example="{dot_product_attention: [identity, identity, identity]}",
    ),
    Kind(
        "max_unpool", "pooling", "MaxUnpool", ("unpool", "unpooling", "maxunpooling"), joins=True,
        example="{max_unpool: [maxpool 2, identity], kernel: 2}",
    ),
    Kind(
        # Two numbers for each of 9 taps.
        "deformable_conv", "conv", "DeformableConv", ("deformconv",), joins=True,
        example="{deformable_conv: [identity, conv 18 k3 p1], filters: 16, kernel: 3, padding: 1}",
    ),
    Kind(
        # Two coordinates of each place, as the last axis.
        "grid_sample", "resampling", "GridSample", ("gridsampler",), joins=True,
        example="{grid_sample: [identity, [conv 2 k3, 'permute 1,2,0']]}",
    ),
    Kind("rnn", "recurrent", "RNN", ("simplernn", "elman")),
    Kind("mgu", "recurrent", "MGU"),
    Kind("gru", "recurrent", "GRU"),
    Kind("lstm", "recurrent", "LSTM"),
]  # fmt: skip
KINDS = {row.name: row for row in _ROWS}
MERGES = tuple(row.name for row in _ROWS if row.family == "merge" or row.joins)


def plain(word: str) -> str:
    """A kind's name as it is compared: `MaxPooling2D` and `max_pooling` are one."""
    word = word.lower()
    # Most words are plain already; the pattern is compiled only for one that may not be.
    if word.isalpha() or not any(mark in word for mark in ("_", "-", "1d", "2d", "3d")):
        return word
    # A dimension inside a word occurs in Keras' Conv2DTranspose alone.
    return re.sub(r"[_-]|(?<=[a-z])[123]d(?![a-z0-9])|(?<=[a-z])[123]d(?=transpose)", "", word)


# Of the names above nothing but the underscores is left out: `plain` would compile its pattern at every start.
# Reversed, so that of two rows with one alias the first wins.
_BY_PLAIN_NAME = {alias.replace("_", ""): row for row in reversed(_ROWS) for alias in (row.name, *row.aliases)}


def kind_named(word: str) -> Kind | None:
    """The kind that goes by this name, canonical or not; None if there is none."""
    known = KINDS.get(word)
    if known is None and word[:1].isalnum() and word[-1:].isalnum():  # `-relu` is a slip, `max-pool` a spelling
        known = _BY_PLAIN_NAME.get(word) or _BY_PLAIN_NAME.get(plain(word))
    return known


def suggest_kind(word: str, also: Iterable[str] = (), *, appendable: bool = False) -> str | None:
    """`did you mean ...?` among the kinds and other words; other names of kinds only where nothing is nearer."""
    rows = [row for row in KINDS.values() if row.appendable or not appendable]
    near = suggest(word, [*(row.name for row in rows), *also])
    return near or suggest(word, [alias for row in rows for alias in row.aliases])


def register(row: Kind) -> None:
    """Make a kind known under its name and aliases."""
    KINDS[row.name] = row
    _BY_PLAIN_NAME.update({plain(alias): row for alias in (row.name, *row.aliases)})
