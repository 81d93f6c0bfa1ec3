"""ONNX operators that move elements, and the layers that it takes to have a map's axes in their places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from cnncalc.interop.onnx.read.constants import Constant, constant
from cnncalc.interop.onnx.read.file import NodeData, place
from cnncalc.interop.onnx.read.layout import (
    BATCH,
    Axis,
    Factor,
    Tensor,
    gathered,
    in_order,
    permutation,
    plain,
    regrouped,
    shuffled,
    spread,
    whole,
)
from cnncalc.interop.onnx.read.reading import NotReadError, Reading, Value, reads
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.layers.options import SPATIAL


def settled(o: Reading, node: NodeData, x: Tensor) -> Tensor:
    """The tensor as a map, its samples first and its axes in order: layers are added where it takes them."""
    axes, shape, dims = x.axes or (), o.builder.shape(x.value), x.dims()
    if not axes or any(f.axis < 0 for axis in axes[1:] for f in axis) or any(f.axis >= 0 for f in axes[0]):
        raise NotReadError
    target = tuple(dims[1:]) or (1,)
    places = tuple(axes[1:]) or ((),)
    if len(target) > 4:
        raise NotReadError
    if target == shape and in_order(places):
        return Tensor(x.value, x.axes)
    value = x.value
    node = o.movers.get((x.value, x.axes), node)
    if in_order(places):
        return o.seen(reshaped(o, node, value, target))
    groups = shuffled(places, shape)
    if groups is not None:
        return o.seen(o.add(node, "channel_shuffle", {"groups": groups}, [value]))
    factor = spread(places, shape)
    if factor is not None:
        return o.seen(o.add(node, "pixel_shuffle", {"factor": factor}, [value]))
    factor = gathered(places, shape)
    if factor is not None:
        return o.seen(o.add(node, "pixel_unshuffle", {"factor": factor}, [value]))
    return o.seen(permuted(o, node, value, places, target))


def reshaped(o: Reading, node: NodeData, value: int, target: Sequence[int]) -> int:
    if o.builder.shape(value) == tuple(target):
        return value
    if len(target) == 1:
        return o.add(node, "flatten", {}, [value])
    return o.add(node, "reshape", {"shape": list(target)}, [value])


def permuted(o: Reading, node: NodeData, value: int, places: Sequence[Axis], target: Shape) -> int:
    """Any other order: the factors apart, moved, and together again."""
    order = permutation(places, o.builder.shape(value))
    if order is not None:
        return o.add(node, "permute", {"order": list(order)}, [value])
    apart = sorted((f for axis in places for f in axis), key=lambda f: (f.axis, -f.stride))
    if len(apart) > 4:
        raise NotReadError((o.batch, *target))
    value = reshaped(o, node, value, [f.size for f in apart])
    moved = [apart.index(f) for axis in places for f in axis]
    if moved != sorted(moved):
        value = o.add(node, "permute", {"order": moved}, [value])
    return reshaped(o, node, value, target)


# --- bookkeeping: no layer


@reads("Identity", "Cast", "CastLike")
def same(o: Reading, node: NodeData) -> Value:
    value = o.values[node.inputs[0]]  # what a constant is cast like may be computed
    return value if isinstance(value, Constant) else o.tensor(node)


@reads("Shape")
def shape_of(o: Reading, node: NodeData) -> Value:
    import numpy as np

    dims = o.tensor(node).dims()
    stop = node.attributes.get("end")
    return constant(np.array(dims[node.attributes.get("start", 0) : stop], np.int64))


@reads("Size")
def size_of(o: Reading, node: NodeData) -> Value:
    import numpy as np

    return constant(np.array(prod(o.tensor(node).dims()), np.int64))


@reads("Reshape")
def reshape(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims = x.dims()
    target = o.numbers(node, 1, "shape") or []
    if not node.attributes.get("allowzero", 0):
        target = [dims[i] if n == 0 and i < len(dims) else n for i, n in enumerate(target)]
    known = prod(n for n in target if n != -1)
    if target.count(-1) > 1 or not known or prod(dims) % known:
        raise NotReadError
    target = [prod(dims) // known if n == -1 else n for n in target]
    if prod(target) != prod(dims):
        o.builder.fail(place(node), _("{shape} cannot become {other}", shape=list(dims), other=target))
    return in_dims(o, node, x, target)


def in_dims(o: Reading, node: NodeData, x: Tensor, target: Sequence[int]) -> Tensor:
    """The same elements in the same order under another shape."""
    axes = regrouped(x.axes or (), target)
    shape = o.builder.shape(x.value)
    if axes is not None and len(axes) == 2 and len(shape) > 1 and len(x.axes or ()) > 2 and vector(o, axes):
        return o.seen(o.add(node, "flatten", {}, [x.value]))
    if axes is not None:
        return Tensor(x.value, axes)
    if len(target) < 2 or target[0] != o.batch:
        raise NotReadError(target)
    value = reshaped(o, node, settled(o, node, x).value, target[1:])
    return o.seen(value)


def vector(o: Reading, axes: Sequence[Axis]) -> bool:
    """Whether a sample has one axis, that of a map whose elements stand in their order."""
    return in_order(axes[1:]) and axes[0] == whole(BATCH, o.batch)


@reads("Flatten")
def flatten(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims = x.dims()
    axis = node.attributes.get("axis", 1)
    axis = axis + len(dims) if axis < 0 else axis
    return in_dims(o, node, x, [prod(dims[:axis]), prod(dims[axis:])])


@reads("Squeeze")
def squeeze(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims = x.dims()
    axes = o.numbers(node, 1, "axes")
    gone = {i for i, n in enumerate(dims) if n == 1} if axes is None else {axis % len(dims) for axis in axes}
    return Tensor(x.value, tuple(axis for i, axis in enumerate(x.axes or ()) if i not in gone))


@reads("Unsqueeze")
def unsqueeze(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    axes = o.numbers(node, 1, "axes") or []
    rank = len(x.dims()) + len(axes)
    new = {axis % rank for axis in axes}
    left = iter(x.axes or ())
    return Tensor(x.value, tuple(() if i in new else next(left) for i in range(rank)))


@reads("Transpose")
def transpose(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    axes = x.axes or ()
    order = node.attributes.get("perm") or tuple(reversed(range(len(axes))))
    return Tensor(x.value, tuple(axes[i] for i in order))


@reads("SpaceToDepth")
def space_to_depth(o: Reading, node: NodeData) -> Value:
    """The places of a block come before the channels, in a pixel unshuffle behind them."""
    x = o.tensor(node)
    value = o.add(node, "pixel_unshuffle", {"factor": node.attributes["blocksize"]}, [o.map(node, x)])
    channels = x.dims()[1]
    return o.seen(o.add(node, "channel_shuffle", {"groups": channels}, [value]) if channels > 1 else value)


@reads("DepthToSpace")
def depth_to_space(o: Reading, node: NodeData) -> Value:
    x, r = o.tensor(node), node.attributes["blocksize"]
    c = x.dims()[1]
    if node.attributes.get("mode", "DCR") == "CRD":
        value = o.add(node, "pixel_shuffle", {"factor": r}, [o.map(node, x)])
        return o.seen(value)
    first = o.map(node, x)
    if c > r * r:
        first = o.add(node, "channel_shuffle", {"groups": r * r}, [first])
    return o.seen(o.add(node, "pixel_shuffle", {"factor": r}, [first]))


# --- parts


@reads("Split")
def split(o: Reading, node: NodeData) -> list[Value]:
    x = o.tensor(node)
    dims = x.dims()
    axis = node.attributes.get("axis", 0) % len(dims)
    sizes = o.numbers(node, 1, "split")
    count = node.attributes.get("num_outputs") or len(node.outputs)
    n = dims[axis]
    if count != len(node.outputs):
        raise NotReadError
    if sizes is None:
        each = -(-n // count)
        sizes = [min(each, n - each * i) for i in range(count)]
    found: list[Value] = []
    start = 0
    even = len(set(sizes)) == 1
    for i, (name, size) in enumerate(zip(node.outputs, sizes, strict=True)):
        if not name or (name not in o.readers and name not in o.outputs):
            found.append(x)  # nobody reads it
        else:
            found.append(part_of(o, node, x, axis, start, start + size, (len(sizes), i) if even else None))
        start += size
    return found


@reads("SplitToSequence")
def split_to_sequence(o: Reading, node: NodeData) -> Value:
    """A list of parts, of which each is taken when it is asked for."""
    x = o.tensor(node)
    axis = node.attributes.get("axis", 0) % len(x.dims())
    n, sizes = x.dims()[axis], o.weight(node, 1).whole()
    if len(o.weight(node, 1).dims) == 0:
        sizes = [min(sizes[0], n - start) for start in range(0, n, max(1, sizes[0]))]
    if sum(sizes) != n or min(sizes) < 1:
        raise NotReadError
    o.sequences[node.outputs[0]] = (x, axis, sizes)
    return x


@reads("SequenceAt")
def sequence_at(o: Reading, node: NodeData) -> Value:
    if node.inputs[0] not in o.sequences:
        raise NotReadError
    x, axis, sizes = o.sequences[node.inputs[0]]
    [i] = o.weight(node, 1).whole()
    i %= len(sizes)
    equal = (len(sizes), i) if len(set(sizes)) == 1 else None
    return part_of(o, node, x, axis, sum(sizes[:i]), sum(sizes[: i + 1]), equal)


@reads("Slice")
def slice_(o: Reading, node: NodeData) -> Value:
    x = o.tensor(node)
    dims = x.dims()
    starts, stops = o.numbers(node, 1, "starts") or [], o.numbers(node, 2, "ends") or []
    axes = o.numbers(node, 3, "axes") or list(range(len(starts)))
    steps = o.numbers(node, 4, "steps") or [1] * len(starts)
    if len(axes) > 1 and set(steps) == {1}:
        return cropped(o, node, x, zip(starts, stops, axes, strict=True))
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        axis %= len(dims)
        n = x.dims()[axis]
        first, last, _step = slice(start, stop, step).indices(n)
        if step != 1:
            x = every(o, node, x, axis, range(first, last, step))
        elif last - first < 1:
            raise NotReadError
        else:
            x = part_of(o, node, x, axis, first, last)
    return x


def cropped(o: Reading, node: NodeData, x: Tensor, cuts: Iterable[tuple[int, int, int]]) -> Tensor:
    """Parts of several axes: one after the other, or all at once where they are those of a map."""
    dims, axes, shape = x.dims(), x.axes or (), o.builder.shape(x.value)
    bounds = {}
    for start, stop, axis in cuts:
        first, last, _step = slice(start, stop).indices(dims[axis])
        if last - first < 1:
            raise NotReadError
        bounds[axis % len(dims)] = (first, last)
    if axes != plain(shape, o.batch) or not all(axis >= 2 for axis in bounds):
        for axis, (first, last) in bounds.items():
            x = part_of(o, node, x, axis, first, last)
        return x
    sides = [(a, n - b) for n, (a, b) in ((n, bounds.get(i, (0, n))) for i, n in enumerate(dims[2:], start=2))]
    if not any(map(any, sides)):
        return x
    return o.seen(o.add(node, "crop", {"cropping": sides}, [x.value]))


def part_of(
    o: Reading, node: NodeData, x: Tensor, axis: int, start: int, stop: int, equal: tuple[int, int] | None = None
) -> Tensor:
    """Elements start up to stop of one axis: a split where the parts are equal, else a slice."""
    axes = x.axes or ()
    n = x.dims()[axis]
    if (start, stop) == (0, n):
        return x
    shape = o.builder.shape(x.value)
    if len(axes[axis]) != 1 or axes[axis][0] != Factor(axes[axis][0].axis, n, 1) or axes[axis][0].axis < 0:
        x = settled(o, node, x)
        axes, shape = x.axes or (), o.builder.shape(x.value)
        if axis == 0 or len(axes) != len(shape) + 1:
            raise NotReadError
    place = axes[axis][0].axis
    if equal is not None and place == 0:
        parts, part = equal
        value = o.add(node, "split", {"parts": parts, "part": part or None}, [x.value])
    else:
        letter = ("c" + SPATIAL[len(shape)])[place]
        options = {"range": f"{start}:{'end' if stop == n else stop}", "axis": None if place == 0 else letter}
        value = o.add(node, "slice", options, [x.value])
    return Tensor(value, tuple(whole(place, stop - start) if i == axis else a for i, a in enumerate(axes)))


def every(o: Reading, node: NodeData, x: Tensor, axis: int, places: range) -> Tensor:
    """Every step-th element of a spatial axis: windows of one element, moved by the step."""
    axes, shape = x.axes or (), o.builder.shape(x.value)
    n = x.dims()[axis]
    if places.step < 1 or not places or len(axes[axis]) != 1 or axes[axis][0].axis < 1 or axes[axis][0].size != n:
        raise NotReadError
    x = part_of(o, node, x, axis, places.start, n) if places.start else x
    place = axes[axis][0].axis
    stride = [places.step if i == place else 1 for i in range(1, len(shape))]
    value = o.add(node, "maxpool", {"kernel": 1, "stride": stride}, [x.value])
    length = o.builder.shape(value)[place]
    if length != len(places):
        raise NotReadError
    return Tensor(value, tuple(whole(place, length) if i == axis else a for i, a in enumerate(x.axes or ())))


@reads("Gather")
def gather(o: Reading, node: NodeData) -> Value:
    x, indices = o.tensor(node), o.weight(node, 1)
    dims = x.dims()
    axis = node.attributes.get("axis", 0) % len(dims)
    chosen = indices.whole()
    n = dims[axis]
    chosen = [i + n if i < 0 else i for i in chosen]
    if len(dims) == 1 and chosen == list(range(n)):
        return in_dims(o, node, x, indices.dims)
    if not chosen or len(indices.dims) > 1 or chosen != list(range(chosen[0], chosen[0] + len(chosen))):
        raise NotReadError((*dims[:axis], *indices.dims, *dims[axis + 1 :]))
    found = part_of(o, node, x, axis, chosen[0], chosen[-1] + 1)
    if indices.dims:
        return found
    return Tensor(found.value, tuple(a for i, a in enumerate(found.axes or ()) if i != axis))
