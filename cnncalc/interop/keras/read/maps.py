"""Layers of Keras that pool, merge, or move elements, as kinds of layers."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.interop.keras.read.table import Call, own_axis, rank_in, sizes, translates
from cnncalc.interop.layouts import Seen, settle

# --- pooling


@translates("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "MaxPool1D", "MaxPool2D", "MaxPool3D", steps=True)
def maxpool(call: Call) -> Seen | None:
    """The largest of each window."""
    return pool(call, "maxpool")


@translates(
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", steps=True
)
def avgpool(call: Call) -> Seen | None:
    """The mean of each window; padding does not count there."""
    return pool(call, "avgpool")


def pool(call: Call, kind: str) -> Seen | None:
    """Windows of one size, which do not overlap unless a stride is said."""
    c, rank = call.config, rank_in(call.word)
    size = sizes(c.get("pool_size", c.get("pool_length", 2)), rank)
    # Names of Keras 1 and 2 are read too: `pool_length`, `stride`.
    strides = c.get("strides", c.get("stride"))
    options = {"kernel": size, "stride": size if strides is None else sizes(strides, rank)}
    return call.on_map(kind, {**options, "padding": c.get("padding", "valid")})


@translates(
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalAvgPool2D", "GlobalMaxPool2D",
    steps=True,
)  # fmt: skip
def global_pool(call: Call) -> Seen | None:
    """One number for each channel."""
    kind, channels = "maxpool" if "Max" in call.word else "avgpool", call.channel_axis()
    # At each step the window is the whole map, and steps stay apart.
    if call.time:
        inner = [n for axis, n in enumerate(call.x.shape) if axis not in (*range(call.time), channels)]
        made = call.on_map(kind, {"kernel": inner, "stride": inner})
    else:
        made = call.on_map(f"global_{kind}", {})
    if made is None or call.config.get("keepdims"):
        return made
    return made.reshape((*call.x.shape[: call.time], call.x.shape[channels]))


@translates(
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
)  # fmt: skip
def adaptive_pool(call: Call) -> Seen | None:
    """So many windows as are asked for."""
    size = sizes(call.config["output_size"], rank_in(call.word))
    return call.on_map("adaptive_maxpool" if "Max" in call.word else "adaptive_avgpool", {"size": size})


# --- merges


MERGES = {
    "Add": "add", "Multiply": "multiply", "Average": "mean", "Maximum": "maximum", "Minimum": "minimum",
    "Subtract": "subtract",
}  # fmt: skip


@translates(*MERGES, steps=True)
def merge(call: Call) -> Seen | None:
    """Layers that merge; the operators of keras.ops have the same names, and may get a number instead of a tensor."""
    kind = MERGES[call.word]
    if len(call.entering) == 1:
        return combine(call, kind)
    return call.merge(kind, call.entering)


@translates("CustomScaleLayer")
def scaled_sum(call: Call) -> Seen | None:
    """The first plus a multiple of the second: of keras.applications, in InceptionResNetV2."""
    factor = {"factor": float(call.config["scale"])}
    right = call._replace(entering=call.entering[1:]).elementwise("rescale", factor, f"{call.name}/rescale")
    both = (call.x, right)
    return call.merge("add", both)


def combine(call: Call, kind: str) -> Seen | None:
    """An operator on one tensor and a number, as keras.ops writes them; which comes first is in the arguments."""
    if len(call.numbers) != 1:
        return None
    number = float(call.numbers[0])
    # 1 - x and x - 1 have the same number among their arguments.
    first = isinstance(call.arguments[0], (int, float)) if call.arguments else False
    if kind == "maximum" and number == 0:
        return call.elementwise("relu")
    if kind in ("maximum", "minimum"):
        return call.elementwise("clamp", {"low" if kind == "maximum" else "high": number})
    options = {
        "add": {"offset": number},
        "multiply": {"factor": number},
        "subtract": {"factor": -1, "offset": number} if first else {"offset": -number},
    }.get(kind)
    return None if options is None else call.elementwise("rescale", options)


@translates("TrueDivide", "Divide")
def divide(call: Call) -> Seen | None:
    """One value by another, or by a number, or a number by a value."""
    if len(call.entering) == 2:
        return call.merge("divide", call.entering)
    if len(call.numbers) != 1 or not call.numbers[0]:
        return None
    number = float(call.numbers[0])
    if not isinstance(call.arguments[0] if call.arguments else None, (int, float)):
        return call.elementwise("rescale", {"factor": 1 / number})
    # A number by a tensor: of each element its reciprocal, times the number.
    turned = call.elementwise("reciprocal", {}, f"{call.name}/reciprocal")
    return call._replace(entering=(turned,)).elementwise("rescale", {"factor": number})


@translates("Concatenate", steps=True)
def concatenate(call: Call) -> Seen | None:
    """Values one behind the other along an axis, which is brought in front of the others and back."""
    rank = len(call.x.shape)
    axis = own_axis(call.config.get("axis", -1), rank)
    if not 0 <= axis < rank or any(len(s.shape) != rank for s in call.entering):
        return None
    fronts = [seen.first(axis, f"{call.name}.") for seen in call.entering]
    values = [settle(call.b, front, call.at) for front, _back in fronts]
    made = call.b.add(call.name, "concat", {}, values, at=call.at)
    return call.see(made).permute(fronts[0][1])


# --- what is left as it is


@translates(
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "StochasticDepth", steps=True
)
def dropout(call: Call) -> Seen | None:
    """What leaves out elements, channels or whole branches in training."""
    rate = call.config.get("rate", call.config.get("drop_path_rate", 0.5))
    return call.elementwise("dropout", {"rate": float(rate or 0)})


@translates(
    "ActivityRegularization", "GaussianNoise", "GaussianDropout", "Identity", "Masking", "RandomFlip", "RandomRotation",
    "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomCrop", "Cast", "RandomColorJitter",
    "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomSaturation", "RandomSharpness", "RandomShear",
    steps=True,
)  # fmt: skip
def pass_on(call: Call) -> Seen | None:
    """What does something in training alone."""
    # These change what comes out at inference too: a smaller map, or steps that are left out.
    if call.word in ("RandomCrop", "Masking"):
        return None
    # Settings of these matter in training alone: none of them is left unread.
    call.nothing_else()
    call.named.get("training")  # which these layers say of themselves
    return call.elementwise("identity")


# --- layers that move elements


def pairs(value: Any, rank: int) -> list[list[int]]:
    """Before and after each axis, as Keras writes it: 1, (1, 2), ((1, 2), (0, 1)); of one axis (1, 2) is a pair."""
    if isinstance(value, int):
        return [[value, value]] * rank
    if rank == 1 and all(isinstance(v, int) for v in value):
        return [[value[0], value[-1]]]
    return [[v, v] if isinstance(v, int) else [int(v[0]), int(v[1])] for v in value]


@translates("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", steps=True)
def zero_padding(call: Call) -> Seen | None:
    """Zeros around the map; nothing around its channels."""
    return call.on_map("pad", {"padding": pairs(call.config.get("padding", 1), rank_in(call.word))})


@translates("Cropping1D", "Cropping2D", "Cropping3D", steps=True)
def cropping(call: Call) -> Seen | None:
    """Less of the map on each side."""
    return call.on_map("crop", {"cropping": pairs(call.config.get("cropping", 0), rank_in(call.word))})


@translates("UpSampling1D", "UpSampling2D", "UpSampling3D", steps=True)
def upsampling(call: Call) -> Seen | None:
    """Each axis so many times as long."""
    mode = call.config.get("interpolation", "nearest")
    # Its lanczos windows are no kind of ours.
    if mode not in ("nearest", "bilinear", "bicubic"):
        return None
    factor = sizes(call.config.get("size", 2), rank_in(call.word))
    return call.on_map("upsample", {"factor": factor, "mode": mode})


@translates("Resizing")
def resizing(call: Call) -> Seen | None:
    """To a whole multiple of the size."""
    c = call.config
    call.named.get("training")  # as of all that prepare images
    axis = call.channel_axis()
    size = [n for a, n in enumerate(call.x.shape) if a != axis]
    target = [int(c["height"]), int(c["width"])]
    mode = c.get("interpolation", "bilinear")
    # What keeps the shape of an image cuts or pads it, by a size that no option says.
    cuts = c.get("crop_to_aspect_ratio") or c.get("pad_to_aspect_ratio")
    if size == target:
        return call.elementwise("identity")
    if cuts or len(size) != 2 or mode not in ("nearest", "bilinear"):
        return None
    factors = [divmod(m, n) for m, n in zip(target, size, strict=True)]
    if any(rest for _factor, rest in factors):
        return None
    return call.on_map("upsample", {"factor": [factor for factor, _rest in factors], "mode": mode})


@translates("CenterCrop")
def center_crop(call: Call) -> Seen | None:
    """The middle of a map."""
    target = [int(call.config["height"]), int(call.config["width"])]
    call.named.get("training")
    return call.on_map("crop", {"size": target})


@translates("RepeatVector")
def repeat_vector(call: Call) -> Seen | None:
    """The same vector at every step."""
    if len(call.x.shape) != 1:
        return None
    value = settle(call.b, call.x.reshape((1, *call.x.shape), f"{call.name}."), call.at)
    made = call.b.add(call.name, "tile", {"times": int(call.config["n"])}, [value], at=call.at)
    return call.see(made)


@translates("Flatten", steps=True)
def flatten(call: Call) -> Seen | None:
    """A row of all elements. Keras has the channels innermost; which element is where says no count."""
    if not call.x.shape:
        return None
    seen = call.x
    if call.time:
        return seen.reshape((*seen.shape[: call.time], prod(seen.shape[call.time :])), call.name)
    # The order of elements in a vector says no count: the permutation is left out, and not made a layer.
    if all(move.kind == "permute" for move in seen.moves):
        seen = seen._replace(moves=())
    value = call.b.add(call.name, "flatten", {}, [settle(call.b, seen, call.at)], at=call.at)
    return call.see(value)


@translates("Reshape", steps=True)
def reshape(call: Call) -> Seen | None:
    """A layer says the shape without the samples, an operator of keras.ops with them."""
    shape = call.config.get("newshape")
    if shape is not None and shape[0] not in (-1, None):
        return None
    target = [-1 if n is None else int(n) for n in (shape[1:] if shape is not None else call.config["target_shape"])]
    target = [*call.x.shape[: call.time], *target]
    # -1 is worked out here, so that the graph holds sizes alone.
    elements, known = prod(call.x.shape), prod(n for n in target if n > 0)
    if not call.x.shape or target.count(-1) > 1 or not known or elements % known:
        return None
    return call.x.reshape(tuple(elements // known if n == -1 else n for n in target), call.name)


@translates("Permute")
def permute(call: Call) -> Seen | None:
    """Axes of a sample in another order, counted from 1."""
    order = tuple(int(n) - 1 for n in call.config["dims"])
    if sorted(order) != list(range(len(call.x.shape))):
        return None
    return call.x.permute(order, call.name)
