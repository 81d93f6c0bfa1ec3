"""ONNX operators that pool: by windows, over all places, over some axes."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.axis_parts import Part
from cnncalc.interop.names import axis_word
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import as_map, lay, spatial_axes
from cnncalc.interop.onnx.read.table import reads
from cnncalc.interop.onnx.read.unread import no_more
from cnncalc.interop.onnx.read.windows import shorten_sizes, window_options
from cnncalc.language import _

POOLS = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool"}


@reads(*POOLS)
def read_pool(net: Network, node: NodeData) -> Value | list[Value]:
    x = as_map(net, node, net.tensor(node))
    size = spatial_axes(net, x)
    if "kernel_shape" not in node.attributes:
        raise NotReadError(_("the attribute {name} is missing", name="kernel_shape"))
    options = window_options(node, node.attributes["kernel_shape"], size)
    places = node.outputs[1] if len(node.outputs) > 1 else ""
    readers = net.readers.get(places, [])
    if places and (places in net.outputs or any(reader.operator != "MaxUnpool" for reader in readers)):
        raise NotReadError(_("the places of the largest elements, its second result, are used"))
    # ONNX moves a window by 1 unless it says more; here a stride that is not said is the kernel.
    if options["stride"] == options["kernel"] and options["kernel"] != 1:
        options["stride"] = None
    if node.attributes.get("ceil_mode", 0):
        options["rounding"] = "ceil"
    kind = POOLS[node.operator]
    padded = options["padding"] not in (None, "same")
    counts = node.attributes.get("count_include_pad", 0) if kind == "avgpool" else 0
    # ONNX leaves padding out of the mean unless told to count it; here, as in PyTorch, it counts.
    if kind == "avgpool" and padded and not counts:
        options["count_include_pad"] = False
    if kind == "avgpool" and options["padding"] == "same" and counts:
        raise NotReadError(_("auto_pad whose padding counts (count_include_pad)"))
    if kind == "lppool" and node.attributes.get("p", 2) != 2:
        options["norm"] = node.attributes["p"]
    if readers:
        if node.attributes.get("storage_order", 0):
            raise NotReadError(_("the attribute {name} is {value}", name="storage_order", value=1))
        net.places[places] = (x, options)
        first = node.outputs[0]
        own = (net.builder.layer(kind, options), (x,))
        pooled_alike = any((other.layer, other.reads) == own for other in net.builder.nodes)
        # One that is there for the places alone, of a map that was pooled alike, is the pooling that is there.
        if pooled_alike and first not in net.readers and first not in net.outputs:
            return [net.tensor(node), net.tensor(node)]
        return [net.see(net.add(node, kind, options, [x])), net.tensor(node)]
    return net.see(net.add(node, kind, options, [x]))


@reads("MaxUnpool")
def read_unpool(net: Network, node: NodeData) -> Value:
    """Values put where a pooling found them: its window and the map that entered it say where that is."""
    if len(node.inputs) < 2 or node.inputs[1] not in net.places:
        raise NotReadError(_("its places are not the second result of a MaxPool"))
    pooled, options = net.places[node.inputs[1]]
    x = as_map(net, node, net.tensor(node))
    for name in ("kernel_shape", "strides", "pads"):
        node.attributes.get(name)  # they say no more than how large the output is
    size = net.numbers(node, 2, "output_shape")
    shape = net.builder.shape(pooled)
    if size is None:
        pooling: Any = net.builder.layer("maxpool", options)
        windows = pooling.windows(shape[1:])
        wanted = [(m - 1) * w.stride + w.kernel - w.before - w.after
                  for w, m in zip(windows, net.builder.shape(x)[1:], strict=True)]  # fmt: skip
    else:
        wanted = size[2:]
    if list(wanted) != list(shape[1:]):
        raise NotReadError(_("its output is not as large as the map that was pooled"))
    return net.see(net.add(node, "max_unpool", options, [x, pooled]))


@reads("GlobalAveragePool", "GlobalMaxPool")
def read_global_pool(net: Network, node: NodeData) -> Value:
    kind = "global_avgpool" if node.operator == "GlobalAveragePool" else "global_maxpool"
    x = as_map(net, node, net.tensor(node))
    spatial_axes(net, x)
    return net.see(net.add(node, kind, {}, [x]))


REDUCTIONS = {
    "ReduceMean": ("reduce_mean", {}), "ReduceMax": ("reduce_max", {}), "ReduceMin": ("reduce_min", {}),
    "ReduceSum": ("reduce_sum", {}), "ReduceL2": ("reduce_norm", {}), "ReduceL1": ("reduce_norm", {"order": 1}),
}  # fmt: skip
POOLED = {"ReduceMean": "avgpool", "ReduceMax": "maxpool"}


# What else a reduction does: to each element before its sum, and to each sum.
COMPOSED: dict[str, tuple[str | None, str | None]] = {
    "ReduceSumSquare": ("square", None), "ReduceLogSum": (None, "log"), "ReduceLogSumExp": ("exp", "log"),
}  # fmt: skip
# What a reduction over no axis does to each element by itself, where that is not nothing.
OVER_NONE = {"ReduceSumSquare": "square", "ReduceLogSum": "log", "ReduceL1": "abs", "ReduceL2": "abs"}


@reads(*REDUCTIONS, *COMPOSED)
def read_reduction(net: Network, node: NodeData) -> Value:
    """Means and maxima over all places are a global pooling, over some axes a pooling; others reduce axes."""
    x = net.tensor(node)
    dims, axes = x.dims(), x.axes or ()
    over, nothing = net.numbers(node, 1, "axes"), node.attributes.get("noop_with_empty_axes", 0)
    # Without axes it goes over all of them, unless it says that it then does nothing.
    if not over and nothing:
        no_more(node)
        alone = OVER_NONE.get(node.operator)
        return Tensor(net.add(node, alone, {}, [x.value]), axes) if alone else x
    chosen = {axis % len(dims) for axis in over or range(len(dims))}
    keep = bool(node.attributes.get("keepdims", 1))
    left = tuple(() if i in chosen else axis for i, axis in enumerate(axes))
    result = left if keep else tuple(axis for i, axis in enumerate(left) if i not in chosen)
    shape = net.shape(x)
    parts = [part for i in sorted(chosen) for part in axes[i]]
    kept = tuple(1 if i in chosen else n for i, n in enumerate(dims))
    kept = kept if keep else tuple(n for i, n in enumerate(dims) if i not in chosen)
    if any(f.axis < 0 for f in parts):
        raise NotReadError(_("it goes over the samples"), kept)
    if any(f != Part(f.axis, shape[f.axis], 1) for f in parts):  # over parts of axes: they are taken apart first
        laid = lay(net, node, x)
        value = reduce_axes(net, node, laid.tensor.value, [laid.axis(i) for i in sorted(chosen)])
        whole_axes = tuple(() if i in chosen else axis for i, axis in enumerate(laid.tensor.axes or ()))
        return Tensor(value, whole_axes if keep else tuple(a for i, a in enumerate(whole_axes) if i not in chosen))
    gone = sorted({f.axis for f in parts})
    # Axes of one element have no parts: any axis of one element does, so that the layer is there.
    if not gone:
        gone = [place for place, n in enumerate(shape) if n == 1 and place][:1] or [0]
    return Tensor(reduce_axes(net, node, x.value, gone), result)


def reduce_axes(net: Network, node: NodeData, x: int, gone: list[int]) -> int:
    """The layer that brings these axes of a map down to one element."""
    shape = net.builder.shape(x)
    pool = POOLED.get(node.operator)
    if pool is not None and 0 not in gone and len(shape) > 1:
        if all(n == 1 or i in gone for i, n in enumerate(shape) if i):
            return net.add(node, f"global_{pool}", {}, [x])
        return net.add(
            node, pool, {"kernel": shorten_sizes([n if i in gone else 1 for i, n in enumerate(shape) if i])}, [x]
        )
    letters = "".join(axis_word(place, len(shape)) for place in gone)
    if node.operator in COMPOSED:
        before, behind = COMPOSED[node.operator]
        inner = net.add(node, before, {}, [x], part=before) if before else x
        found = net.add(node, "reduce_sum", {"axes": letters}, [inner], part="sum")
        return net.add(node, behind, {}, [found], part=behind) if behind else found
    kind, options = REDUCTIONS[node.operator]
    return net.add(node, kind, {"axes": letters, **options}, [x])
