"""Functions of torch that compute element by element, and those that move elements or leave some out."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.functions import Made, along, elementwise, layer, translates, wide
from cnncalc.layers.options import SPATIAL

# --- element by element

KINDS = {
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "silu": "silu",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "mish": "mish",
    "softsign": "softsign",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
}


@translates("gt greater", "input other")
def step(t: Any, a: dict[str, Any], result: Any) -> Made:
    """Whether it is above 0: 1 or 0, once it is a number again."""
    return elementwise(t, a["input"], "step") if type(a["other"]) in (int, float) and a["other"] == 0 else None


def plain(kind: str) -> Any:
    return lambda t, a, result: elementwise(t, a["input"], kind)


for _word, _kind in KINDS.items():
    translates(_word, "input | inplace")(plain(_kind))


@translates("gelu", "input | approximate")
def gelu(t: Any, a: dict[str, Any], result: Any) -> Made:
    """Its approximation by tanh is another function."""
    return elementwise(t, a["input"], "gelu") if a.get("approximate", "none") == "none" else None


@translates("leaky_relu", "input | negative_slope inplace")
def leaky_relu(t: Any, a: dict[str, Any], result: Any) -> Made:
    return elementwise(t, a["input"], "leaky_relu", {"alpha": a.get("negative_slope", 0.01)})


@translates("elu", "input | alpha inplace")
def elu(t: Any, a: dict[str, Any], result: Any) -> Made:
    return elementwise(t, a["input"], "elu", {"alpha": a.get("alpha", 1.0)})


@translates("celu", "input | alpha inplace")
def celu(t: Any, a: dict[str, Any], result: Any) -> Made:
    return elementwise(t, a["input"], "celu", {"alpha": a.get("alpha", 1.0)})


@translates("softplus", "input | beta threshold")
def softplus(t: Any, a: dict[str, Any], result: Any) -> Made:
    return elementwise(t, a["input"], "softplus") if a.get("beta", 1) == 1 else None


@translates("hardtanh", "input | min_val max_val inplace")
def hardtanh(t: Any, a: dict[str, Any], result: Any) -> Made:
    return between(t, a["input"], a.get("min_val", -1.0), a.get("max_val", 1.0))


@translates("clamp clip", "input | min max")
def clamp(t: Any, a: dict[str, Any], result: Any) -> Made:
    return between(t, a["input"], a.get("min"), a.get("max"))


@translates("clamp_min", "input min")
def clamp_min(t: Any, a: dict[str, Any], result: Any) -> Made:
    return between(t, a["input"], a["min"], None)


def between(t: Any, tensor: Any, low: Any, high: Any) -> Made:
    if low == 0 and (high is None or high == 6):
        return elementwise(t, tensor, "relu" if high is None else "relu6")
    return None


@translates("softmax", "input | dim")
def softmax(t: Any, a: dict[str, Any], result: Any) -> Made:
    return over_axis(t, a, "softmax")


@translates("log_softmax", "input | dim")
def log_softmax(t: Any, a: dict[str, Any], result: Any) -> Made:
    return over_axis(t, a, "log_softmax")


@translates("glu", "input | dim")
def glu(t: Any, a: dict[str, Any], result: Any) -> Made:
    return over_axis(t, {"dim": -1, **a}, "glu")


def over_axis(t: Any, a: dict[str, Any], kind: str) -> Made:
    """A function over one axis, which is taken for the channels."""
    seen, dim = t.of(a["input"]), a.get("dim")
    if seen is None or dim is None or not seen.shape:
        return None
    return along(t, seen, dim % (len(seen.shape) + 1) - 1, lambda value: layer(t, kind, {}, [value]))


@translates("local_response_norm", "input size | alpha beta k")
def lrn(t: Any, a: dict[str, Any], result: Any) -> Made:
    options = {"size": a["size"], "alpha": a.get("alpha", 1e-4), "beta": a.get("beta", 0.75), "k": a.get("k", 1.0)}
    return layer(t, "lrn", options, [t.settled(a["input"])])


@translates("dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout", "input | p training inplace")
def dropout(t: Any, a: dict[str, Any], result: Any) -> Made:
    rate = a.get("p", 0.5)
    if a.get("training", False) or not 0 <= rate < 1:
        return None
    return elementwise(t, a["input"], "dropout", {"rate": rate})


@translates("contiguous clone detach to float type_as data requires_grad alias positive", "")
def unchanged(t: Any, args: Any, result: Any) -> Made:
    """The same values; a copy of them may be."""
    return t.of(args[0]) if result.is_floating_point() else None


# --- views and permutations


@translates("view reshape", "")
def view(t: Any, args: Any, result: Any) -> Made:
    return reshaped(t, args[0], result)


@translates("expand expand_as broadcast_to", "")
def expand(t: Any, args: Any, result: Any) -> Made:
    """Places stretched from one to many are copies of the nearest."""
    seen, shape = t.of(args[0]), tuple(result.shape)
    if seen is None or not seen.shape or result.ndim != len(seen.shape) + 1:
        return None
    if shape[1:] == seen.shape:
        return seen
    if shape[:2] != tuple(args[0].shape[:2]) or any(
        n not in (1, m) for n, m in zip(seen.shape[1:], shape[2:], strict=True)
    ):
        return None
    factors = [m // n for n, m in zip(seen.shape[1:], shape[2:], strict=True)]
    return layer(t, "upsample", {"factor": factors}, [t.settled(args[0])])


@translates("flatten unflatten squeeze unsqueeze view_as reshape_as", "")
def other_view(t: Any, args: Any, result: Any) -> Made:
    return reshaped(t, args[0], result)


def reshaped(t: Any, tensor: Any, result: Any) -> Made:
    """The same elements in the same order, the samples apart as before."""
    seen: Seen | None = t.of(tensor)
    shape = tuple(result.shape)
    if seen is None or not seen.shape or len(shape) < 2 or shape[0] != tensor.shape[0]:
        return None
    return seen.reshaped(shape[1:], t.spot()) if prod(shape[1:]) == prod(seen.shape) else None


@translates("permute", "")
def permute(t: Any, args: Any, result: Any) -> Made:
    order = args[1] if len(args) == 2 and isinstance(args[1], (tuple, list)) else args[1:]
    return permuted(t, args[0], order)


@translates("transpose swapaxes swapdims", "input dim0 dim1")
def transpose(t: Any, a: dict[str, Any], result: Any) -> Made:
    rank = result.ndim
    order = list(range(rank))
    one, other = a["dim0"] % rank, a["dim1"] % rank
    order[one], order[other] = other, one
    return permuted(t, a["input"], order)


@translates("movedim moveaxis", "input source destination")
def movedim(t: Any, a: dict[str, Any], result: Any) -> Made:
    rank = result.ndim
    sources, targets = ([n % rank for n in wide(a[key], 1)] for key in ("source", "destination"))
    order = [axis for axis in range(rank) if axis not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return permuted(t, a["input"], order)


def permuted(t: Any, tensor: Any, order: Sequence[int]) -> Made:
    seen: Seen | None = t.of(tensor)
    rank = tensor.ndim
    axes = [int(axis) % rank for axis in order]
    if seen is None or not seen.shape or len(axes) != rank or axes[0] != 0:
        return None
    return seen.permuted(tuple(axis - 1 for axis in axes[1:]), t.spot())


@translates("channel_shuffle", "input groups")
def channel_shuffle(t: Any, a: dict[str, Any], result: Any) -> Made:
    return layer(t, "channel_shuffle", {"groups": a["groups"]}, [t.settled(a["input"])])


@translates("pixel_shuffle pixel_unshuffle", "input factor")
def pixel_shuffle(t: Any, a: dict[str, Any], result: Any) -> Made:
    kind = "pixel_shuffle" if result.shape[1] < a["input"].shape[1] else "pixel_unshuffle"
    if a["factor"] == 1:
        return t.of(a["input"])
    return layer(t, kind, {"factor": a["factor"]}, [t.settled(a["input"])])


# --- parts of a map, and more around it


def part(t: Any, seen: Seen, axis: int, start: int, stop: int, equal: int = 0) -> Seen | None:
    """Elements start up to stop of an axis; as one of `equal` parts of the channels, if there are so many."""
    letters = "c" + SPATIAL.get(len(seen.shape), "")
    n = seen.shape[axis]
    if (start, stop) == (0, n):
        return seen
    if len(letters) != len(seen.shape) or not 0 <= start < stop <= n:
        return None
    if [move.kind for move in seen.moves] == ["permute"]:
        made = cut(t, seen.value, letters[seen.moves[0].sizes[axis]], start, stop, equal)
        return None if made is None else made._replace(moves=seen.moves)
    if seen.moves:
        return along(t, seen, axis, lambda value: cut(t, value, "c", start, stop, equal))
    return cut(t, seen.value, letters[axis], start, stop, equal)


def cut(t: Any, value: int, axis: str, start: int, stop: int, equal: int = 0) -> Seen | None:
    if equal and axis == "c":
        return layer(t, "split", {"parts": equal, "part": start // (stop - start)}, [value])
    return layer(t, "slice", {"range": f"{start}:{stop}", "axis": axis}, [value])


@translates("chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split", "")
def split(t: Any, args: Any, result: Any) -> Made:
    """Where the parts begin and end is read from what comes out."""
    tensor = args[0]
    seen, found, start = t.of(tensor), [], 0
    differing = [d for d in range(tensor.ndim) if any(r.shape[d] != tensor.shape[d] for r in result)]
    if seen is None or not seen.shape or len(differing) > 1 or differing == [0]:
        return None
    if not differing:
        return [seen] * len(result)
    d = differing[0]
    sizes = [r.shape[d] for r in result]
    if sum(sizes) != tensor.shape[d]:
        return None
    for size in sizes:
        made = part(t, seen, d - 1, start, start + size, len(sizes) if len(set(sizes)) == 1 else 0)
        if made is None:
            return None
        found.append(made)
        start += size
    return found


@translates("narrow", "input dim start length")
def narrow(t: Any, a: dict[str, Any], result: Any) -> Made:
    seen: Seen | None = t.of(a["input"])
    axis = a["dim"] % result.ndim - 1
    if seen is None or not seen.shape or axis < 0:
        return None
    start = a["start"] % seen.shape[axis]
    return part(t, seen, axis, start, start + a["length"])


@translates("select", "input dim index")
def select(t: Any, a: dict[str, Any], result: Any) -> Made:
    seen: Seen | None = t.of(a["input"])
    axis = a["dim"] % a["input"].ndim - 1
    return None if seen is None or axis < 0 else indexed(t, seen, [*[slice(None)] * axis, a["index"]], result)


@translates("getitem", "input index")
def getitem(t: Any, a: dict[str, Any], result: Any) -> Made:
    index = a["index"] if isinstance(a["index"], tuple) else (a["index"],)
    seen: Seen | None = t.of(a["input"])
    rank = a["input"].ndim
    if seen is None or not all(i is None or i is ... or isinstance(i, (int, slice)) for i in index):
        return None
    if ... in index:
        at = index.index(...)
        missing = rank - sum(i is not None and i is not ... for i in index)
        index = (*index[:at], *[slice(None)] * missing, *index[at + 1 :])
    if not index or index[0] != slice(None):
        return None
    return indexed(t, seen, index[1:], result)


def indexed(t: Any, seen: Seen, index: Sequence[Any], result: Any) -> Made:
    """Axis by axis a part of it, every s-th element, or one alone; then axes that are gone or new."""
    found: Seen | None = seen
    axis = 0
    for i in index:
        if i is None:
            continue
        n = seen.shape[axis]
        first, last, step = i.indices(n) if isinstance(i, slice) else (i % n, i % n + 1, 1)
        if step < 1 or last <= first:
            return None
        found = found and part(t, found, axis, first, n if step > 1 else last)
        if step > 1:
            if found is None or axis == 0 or last < n - step + 1:
                return None
            strides = [step if a == axis else 1 for a in range(1, len(found.shape))]
            found = sampled(t, found, strides)
        axis += 1
    if found is None or not seen.shape or result.ndim < 2 or result.shape[0] != 2:
        return None
    return found.reshaped(tuple(result.shape[1:]), t.spot())


def sampled(t: Any, seen: Seen, strides: list[int]) -> Seen | None:
    """Every s-th element of an axis, which is the largest in a window of one."""
    return layer(t, "maxpool", {"kernel": [1] * len(strides), "stride": strides}, [settle(t.b, seen, t.place())])


@translates("pad", "input pad | mode value")
def pad(t: Any, a: dict[str, Any], result: Any) -> Made:
    """Around the spatial axes. What is negative is cut off."""
    widths = list(a["pad"])
    sides = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
    rank = a["input"].ndim - 2
    while sides and sides[-1] == (0, 0):
        sides.pop()
    if t.of(a["input"]) is None or len(sides) > rank or rank < 1:
        return None
    if not sides:
        return t.of(a["input"])
    sides = [*reversed([*sides, *[(0, 0)] * (rank - len(sides))])]
    mode = a.get("mode", "constant")
    if mode == "constant" and a.get("value") == float("-inf") and all(min(pair) >= 0 for pair in sides):
        seen: Seen = t.of(a["input"])
        return None if seen.around else seen._replace(around=tuple(sides))
    value = t.settled(a["input"])
    cuts = [[max(0, -before), max(0, -after)] for before, after in sides]
    made: Seen | None = None
    if any(map(any, cuts)):
        made = layer(t, "crop", {"cropping": cuts}, [value])
        value = made.value if made else value
    widths = [[max(0, before), max(0, after)] for before, after in sides]
    if any(map(any, widths)):
        made = layer(t, "pad", {"padding": widths, "mode": mode, "value": float(a.get("value") or 0)}, [value])
    return made


@translates("interpolate upsample upsample_nearest upsample_bilinear", "input | size scale_factor mode align_corners")
def interpolate(t: Any, a: dict[str, Any], result: Any) -> Made:
    """By whole factors, between half-pixel centres."""
    before, after = a["input"].shape[2:], result.shape[2:]
    mode = a.get("mode", "nearest")
    modes = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear", "trilinear": "bilinear"}
    kind = {**modes, "bicubic": "bicubic"}.get(mode)
    if t.of(a["input"]) is None:
        return None
    if before == after:
        return t.of(a["input"])
    if kind is None or a.get("align_corners") or any(m % n for m, n in zip(after, before, strict=True)):
        return None
    factors = [m // n for m, n in zip(after, before, strict=True)]
    return layer(t, "upsample", {"factor": factors, "mode": kind}, [t.settled(a["input"])])
