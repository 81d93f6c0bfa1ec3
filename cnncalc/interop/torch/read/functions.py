"""Functions of torch as kinds of layers: from the arguments of a call to layers of the graph.

A function's translation gets the trace, the arguments and the result, and returns what the result is (several for
several results), or None where no kind is that: the operator is then named as not known. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop import layouts
from cnncalc.interop.layouts import Seen, settle, through
from cnncalc.layers.options import SPATIAL

Made = Seen | list[Seen] | None
Translate = Callable[..., Made]
FUNCTIONS: dict[str, Translate] = {}


def translates(words: str, signature: str = "") -> Callable[[Translate], Translate]:
    """Declare the translation of functions. `signature` names their arguments in order, those behind `|` optional."""
    needed, _bar, optional = signature.partition("|")
    names = [*needed.split(), *optional.split()]
    least = len(needed.split())

    def declare(translate: Translate) -> Translate:
        def bound(t: Any, args: Any, kwargs: Any, result: Any) -> Made:
            given = dict(zip(names, args, strict=False)) | dict(kwargs)
            if signature and (len(args) > len(names) or any(name not in given for name in names[:least])):
                return None
            return translate(t, given if signature else args, result)

        FUNCTIONS.update(dict.fromkeys(words.split(), bound))
        return translate

    return declare


def layer(t: Any, kind: str, options: dict[str, Any], reads: Sequence[int], stored: Sequence[Any] = ()) -> Seen | None:
    """A layer of the graph. `stored` are its weights; None where a trained one is not a module's own tensor, or where
    weights of another layer are used in part.
    """
    trained = [s for tensor in stored if tensor is not None for s in t.sources(tensor)]
    owners = {t.owners[s] for s in trained if s in t.owners}
    if len(owners) > 1 or (owners and any(s not in t.owners for s in trained)):
        return None
    of = owners.pop() if owners else None
    if of is not None:
        node = t.b.nodes[of - len(t.b.inputs)]
        if node.layer.kind != kind:
            return None
        of = node.weights_of if node.weights_of is not None else of
    name = t.behind(reads[0], kind) if len(reads) == 1 else t.name(kind)
    value = t.b.add(name, kind, layouts.shortened(kind, options), reads, at=t.place(kind), weights_of=of)
    for s in trained:
        t.owners.setdefault(s, value)
    return Seen(value, t.b.shape(value))


def whole(t: Any, tensor: Any) -> bool:
    """Whether a layer may have this tensor as its weights: what it is computed from holds as many trained numbers."""
    if tensor is None:
        return True
    trained = [s for s in t.sources(tensor) if t.stored[s][1]]
    sizes = {s: t.sizes[s] for s in trained}
    return bool(trained) and sum(sizes.values()) == tensor.numel()


def elementwise(t: Any, tensor: Any, kind: str, options: dict[str, Any] | None = None) -> Seen:
    """A function of each element: views and permutations stay in front of it."""
    place = t.place(kind)

    def add(value: int) -> int:
        return t.b.add(t.behind(value, kind), kind, options or {}, [value], at=place)

    return through(t.b, t.of(tensor), add, place)


def pairs(values: Any, rank: int) -> list[int]:
    found = list(values) if isinstance(values, (tuple, list)) else [values]
    return [int(v) for v in (found * rank if len(found) == 1 else found)]


# --- with weights


@translates("conv1d conv2d conv3d", "input weight | bias stride padding dilation groups")
def conv(t: Any, a: dict[str, Any], result: Any) -> Made:
    weight, bias = a["weight"], a.get("bias")
    if t.of(a["input"]) is None or not whole(t, weight) or not whole(t, bias):
        return None
    rank = weight.ndim - 2
    groups, c, filters = a.get("groups", 1), a["input"].shape[1], weight.shape[0]
    options: dict[str, Any] = {
        "kernel": tuple(weight.shape[2:]),
        "stride": pairs(a.get("stride", 1), rank),
        "dilation": pairs(a.get("dilation", 1), rank),
        "bias": bias is not None,
    }
    padding = a.get("padding", 0)
    options["padding"] = padding if isinstance(padding, str) else [[p, p] for p in pairs(padding, rank)]
    if groups == c and groups > 1 and filters % c == 0:
        return layer(t, "depthwise", {"multiplier": filters // c, **options}, [t.settled(a["input"])], (weight, bias))
    return layer(t, "conv", {"filters": filters, "groups": groups, **options}, [t.settled(a["input"])], (weight, bias))


@translates(
    "conv_transpose1d conv_transpose2d conv_transpose3d",
    "input weight | bias stride padding output_padding groups dilation",
)
def transposed_conv(t: Any, a: dict[str, Any], result: Any) -> Made:
    weight, bias = a["weight"], a.get("bias")
    if t.of(a["input"]) is None or not whole(t, weight) or not whole(t, bias):
        return None
    rank = weight.ndim - 2
    options = {
        "filters": weight.shape[1] * a.get("groups", 1),
        "kernel": tuple(weight.shape[2:]),
        "stride": pairs(a.get("stride", 1), rank),
        "padding": [[p, p] for p in pairs(a.get("padding", 0), rank)],
        "output_padding": pairs(a.get("output_padding", 0), rank),
        "dilation": pairs(a.get("dilation", 1), rank),
        "groups": a.get("groups", 1),
        "bias": bias is not None,
    }
    return layer(t, "transposed_conv", options, [t.settled(a["input"])], (weight, bias))


@translates("linear", "input weight | bias")
def linear(t: Any, a: dict[str, Any], result: Any) -> Made:
    """Over the last axis: of a vector a dense layer, else a convolution with a kernel of 1 at every place."""
    weight, bias, seen = a["weight"], a.get("bias"), t.of(a["input"])
    if seen is None or not whole(t, weight) or not whole(t, bias) or not seen.shape:
        return None
    units = weight.shape[0]
    if len(seen.shape) == 1:
        options = {"units": units, "bias": bias is not None}
        if seen.moves[-1:] and seen.moves[-1].kind == "reshape" and seen.moves[-1].place.endswith("."):
            seen = seen._replace(moves=seen.moves[:-1])  # a dense layer flattens what enters, in its own row
        return layer(t, "dense", options, [settle(t.b, seen, t.place())], (weight, bias))

    def convolved(value: int) -> Seen | None:
        options = {"filters": units, "kernel": 1, "bias": bias is not None}
        return layer(t, "conv", options, [value], (weight, bias))

    return along(t, seen, len(seen.shape) - 1, convolved)


def along(t: Any, seen: Seen, axis: int, make: Callable[[int], Seen | None]) -> Seen | None:
    """A layer whose channels are this axis: it is brought to the front, and back."""

    def value(entering: int) -> int | None:
        made = make(entering)
        return None if made is None else made.value

    return layouts.along(t.b, seen, axis, value, t.inside(), t.place())


@translates("batch_norm", "input running_mean running_var | weight bias training momentum eps")
def batch_norm(t: Any, a: dict[str, Any], result: Any) -> Made:
    weight, bias = a.get("weight"), a.get("bias")
    stored = (weight, bias, a["running_mean"], a["running_var"])
    if a.get("training") or a["running_mean"] is None or (weight is None) != (bias is None):
        return None
    options = {"affine": weight is not None, "epsilon": a.get("eps", 1e-5)}
    return layer(t, "batchnorm", options, [t.settled(a["input"])], stored)


@translates("layer_norm", "input normalized_shape | weight bias eps")
def layer_norm(t: Any, a: dict[str, Any], result: Any) -> Made:
    weight, bias, seen = a.get("weight"), a.get("bias"), t.of(a["input"])
    if seen is None or (weight is None) != (bias is None) or not seen.shape:
        return None
    options = {"affine": weight is not None, "epsilon": a.get("eps", 1e-5)}
    count, rank = len(a["normalized_shape"]), len(seen.shape)
    if count == 1:
        return along(t, seen, rank - 1, lambda value: layer(t, "layernorm", options, [value], (weight, bias)))
    letters = "c" + SPATIAL.get(rank, "")
    if count > rank or len(letters) != rank:
        return None
    options["axes"] = "all" if count == rank else letters[rank - count :]
    return layer(t, "layernorm", options, [t.settled(a["input"])], (weight, bias))


@translates("group_norm", "input num_groups | weight bias eps")
def group_norm(t: Any, a: dict[str, Any], result: Any) -> Made:
    weight, bias = a.get("weight"), a.get("bias")
    if (weight is None) != (bias is None):
        return None
    options = {"groups": a["num_groups"], "affine": weight is not None, "epsilon": a.get("eps", 1e-5)}
    return layer(t, "groupnorm", options, [t.settled(a["input"])], (weight, bias))


@translates("instance_norm", "input | running_mean running_var weight bias use_input_stats momentum eps")
def instance_norm(t: Any, a: dict[str, Any], result: Any) -> Made:
    weight, bias = a.get("weight"), a.get("bias")
    if (weight is None) != (bias is None) or not a.get("use_input_stats", True):
        return None
    options = {"affine": weight is not None, "epsilon": a.get("eps", 1e-5)}
    return layer(t, "instancenorm", options, [t.settled(a["input"])], (weight, bias))


@translates("prelu", "input weight")
def prelu(t: Any, a: dict[str, Any], result: Any) -> Made:
    seen = t.of(a["input"])
    if seen is None or not whole(t, a["weight"]):
        return None
    several = a["weight"].numel() > 1 or (seen.shape and seen.shape[0] == 1)
    return layer(t, "prelu", {"per": "channel" if several else "layer"}, [t.settled(a["input"])], (a["weight"],))


@translates("lstm gru rnn_tanh", "input hx params has_biases num_layers dropout train bidirectional batch_first")
def recurrent(t: Any, a: dict[str, Any], result: Any) -> Made:
    """The states behind all steps, (N, steps, units). What else it gives is not known."""
    seen = t.of(a["input"])
    flat = list(a["params"])
    if seen is None or len(seen.shape) != 2 or not a["batch_first"]:
        return None
    directions = 1 + a["bidirectional"]
    each = len(flat) // (a["num_layers"] * directions)
    if each != (4 if a["has_biases"] else 2):
        return None  # a projection
    kind = {1: "rnn", 3: "gru", 4: "lstm"}.get(flat[0].shape[0] // flat[1].shape[1])
    if kind is None:
        return None
    out: Seen | None = seen
    for number in range(a["num_layers"]):
        own = flat[number * each * directions : (number + 1) * each * directions]
        options = {
            "units": own[1].shape[1],
            "bias": "double" if a["has_biases"] else False,
            "bidirectional": a["bidirectional"],
        }
        made = out and along(t, out, 1, lambda v, o=options, w=own: layer(t, kind, o, [v], w))  # type: ignore[misc]
        if made is None:
            return None
        out = made
    return None if out is None else [out]


# --- pooling


def pooled(kind: str, rank: int) -> Translate:
    def translate(t: Any, a: dict[str, Any], result: Any) -> Made:
        if a.get("return_indices") or a.get("divisor_override") is not None:
            return None
        size = pairs(a["kernel_size"], rank)
        options: dict[str, Any] = {
            "kernel": size,
            "stride": pairs(a["stride"] if a.get("stride") not in (None, []) else size, rank),
            "padding": [[p, p] for p in pairs(a.get("padding", 0), rank)],
            "rounding": "ceil" if a.get("ceil_mode") else "floor",
        }
        seen = t.of(a["input"])
        if kind == "maxpool":
            options["dilation"] = pairs(a.get("dilation", 1), rank)
            if seen.around:  # more padding
                both = zip(seen.around, options["padding"], strict=True)
                options["padding"] = [[before + p[0], after + p[1]] for (before, after), p in both]
                return layer(t, kind, options, [settle(t.b, seen._replace(around=()), t.place())])
        elif kind == "avgpool":
            options["count_include_pad"] = a.get("count_include_pad", True)
        elif a.get("ceil_mode") or a["norm_type"] % 1 or a["norm_type"] < 1 or int(a["norm_type"]) % 2:
            return None
        else:
            options["norm"] = int(a["norm_type"])
        return layer(t, kind, options, [t.settled(a["input"])])

    return translate


for _rank in (1, 2, 3):
    for _words, _signature, _kind in (
        ("max_pool{0}d", "input kernel_size | stride padding dilation ceil_mode return_indices", "maxpool"),
        ("avg_pool{0}d", "input kernel_size | stride padding ceil_mode count_include_pad divisor_override", "avgpool"),
        ("lp_pool{0}d", "input norm_type kernel_size | stride ceil_mode", "lppool"),
    ):
        translates(_words.format(_rank), _signature)(pooled(_kind, _rank))


def adaptive(kind: str, rank: int) -> Translate:
    def translate(t: Any, a: dict[str, Any], result: Any) -> Made:
        if a.get("return_indices"):
            return None
        seen = t.of(a["input"])
        size = [n if m is None else m for m, n in zip(wide(a["output_size"], rank), seen.shape[1:], strict=True)]
        if set(size) == {1}:
            return layer(t, f"global_{kind}", {}, [t.settled(a["input"])])
        return layer(t, f"adaptive_{kind}", {"size": size}, [t.settled(a["input"])])

    return translate


def wide(size: Any, rank: int) -> list[Any]:
    found = list(size) if isinstance(size, (tuple, list)) else [size]
    return found * rank if len(found) == 1 else found


for _rank in (1, 2, 3):
    translates(f"adaptive_avg_pool{_rank}d", "input output_size")(adaptive("avgpool", _rank))
    translates(f"adaptive_max_pool{_rank}d", "input output_size | return_indices")(adaptive("maxpool", _rank))


@translates("mean", "input | dim keepdim dtype")
def mean(t: Any, a: dict[str, Any], result: Any) -> Made:
    return over_places(t, a, "global_avgpool")


@translates("amax", "input | dim keepdim")
def amax(t: Any, a: dict[str, Any], result: Any) -> Made:
    return over_places(t, a, "global_maxpool")


def over_places(t: Any, a: dict[str, Any], kind: str) -> Made:
    """The mean or largest over all axes but the samples and one, which are the channels."""
    seen, dims = t.of(a["input"]), a.get("dim")
    if seen is None or dims is None or not seen.shape:
        return None
    rank = len(seen.shape)
    over = {(d % (rank + 1)) - 1 for d in (dims if isinstance(dims, (tuple, list)) else [dims])}
    kept = [axis for axis in range(rank) if axis not in over]
    if len(kept) != 1 or -1 in over or rank == 1:
        return None
    made = along(t, seen, kept[0], lambda value: layer(t, kind, {}, [value]))
    return made if made is None or a.get("keepdim") else made.reshaped((seen.shape[kept[0]],), t.inside())
