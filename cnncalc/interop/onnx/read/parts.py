"""ONNX operators that take parts of an axis, or elements of it by their numbers."""

from __future__ import annotations

from collections.abc import Iterable

from cnncalc.interop.axis_parts import whole, whole_axis
from cnncalc.interop.names import axis_word
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import (
    Tensor,
    plain,
)
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import lay
from cnncalc.interop.onnx.read.shape import view_in
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _


@reads("Split")
def read_split(net: Network, node: NodeData) -> list[Value]:
    """An axis in parts: by sizes, or by the number of results alone."""
    x = net.tensor(node)
    dims = x.dims()
    axis = node.attributes.get("axis", 0) % len(dims)
    sizes = net.numbers(node, 1, "split")
    count = node.attributes.get("num_outputs") or len(node.outputs)
    n = dims[axis]
    if count != len(node.outputs):
        raise NotReadError(_("{n} parts for {names} results", n=count, names=len(node.outputs)))
    if sizes is None:
        # Without sizes all parts are equal but for the last, which is what is left.
        each = -(-n // count)
        sizes = [min(each, n - each * i) for i in range(count)]
    found: list[Value] = []
    start = 0
    even = len(set(sizes)) == 1
    for i, (name, size) in enumerate(zip(node.outputs, sizes, strict=True)):
        if not name or (name not in net.readers and name not in net.outputs):
            found.append(x)  # nobody reads it
        else:
            found.append(take_part(net, node, x, axis, start, start + size, (len(sizes), i) if even else None))
        start += size
    return found


@reads("SplitToSequence")
def read_split_to_sequence(net: Network, node: NodeData) -> Value:
    """A list of parts, of which each is taken when it is asked for."""
    x = net.tensor(node)
    axis = node.attributes.get("axis", 0) % len(x.dims())
    n, sizes = x.dims()[axis], net.weight(node, 1).whole()
    # A single number is the size of each part, a list has one for each.
    if len(net.weight(node, 1).dims) == 0:
        sizes = [min(sizes[0], n - start) for start in range(0, n, max(1, sizes[0]))]
    if sum(sizes) != n or min(sizes) < 1:
        raise NotReadError(_("its parts are not those of the axis"))
    net.sequences[node.outputs[0]] = (x, axis, sizes)
    return x


@reads("SequenceAt")
def read_sequence_at(net: Network, node: NodeData) -> Value:
    """One part of a list."""
    if node.inputs[0] not in net.sequences:
        raise NotReadError(_("its list of parts is not known"))
    x, axis, sizes = net.sequences[node.inputs[0]]
    [i] = net.weight(node, 1).whole()
    i %= len(sizes)
    equal = (len(sizes), i) if len(set(sizes)) == 1 else None
    return take_part(net, node, x, axis, sum(sizes[:i]), sum(sizes[: i + 1]), equal)


@reads("Slice")
def read_slice(net: Network, node: NodeData) -> Value:
    """Parts of axes: attributes before set 10, inputs from then on."""
    x = net.tensor(node)
    dims = x.dims()
    starts, stops = net.numbers(node, 1, "starts") or [], net.numbers(node, 2, "ends") or []
    axes = net.numbers(node, 3, "axes") or list(range(len(starts)))
    steps = net.numbers(node, 4, "steps") or [1] * len(starts)
    # Several axes at once are most often the crop of a map.
    if len(axes) > 1 and set(steps) == {1}:
        return crop(net, node, x, zip(starts, stops, axes, strict=True))
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        axis %= len(dims)
        n = x.dims()[axis]
        if step == 0:
            raise NotReadError(_("a step of 0"))
        first, last, _step = slice(start, stop, step).indices(n)
        if step != 1:
            x = take_every(net, node, x, axis, range(first, last, step))
        elif last - first < 1:
            raise NotReadError(_("nothing is left of an axis"))
        else:
            x = take_part(net, node, x, axis, first, last)
    return x


def crop(net: Network, node: NodeData, x: Tensor, cuts: Iterable[tuple[int, int, int]]) -> Tensor:
    """Parts of several axes: one after the other, or all at once where they are those of a map."""
    dims, axes, shape = x.dims(), x.axes or (), net.shape(x)
    bounds = {}
    for start, stop, axis in cuts:
        first, last, _step = slice(start, stop).indices(dims[axis])
        if last - first < 1:
            raise NotReadError(_("nothing is left of an axis"))
        bounds[axis % len(dims)] = (first, last)
    if axes != plain(shape, net.batch) or not all(axis >= 2 for axis in bounds):
        for axis, (first, last) in bounds.items():
            x = take_part(net, node, x, axis, first, last)
        return x
    # What is left of each axis, as what is cut off it.
    sides = [(a, n - b) for n, (a, b) in ((n, bounds.get(i, (0, n))) for i, n in enumerate(dims[2:], start=2))]
    if not any(map(any, sides)):
        return x
    return net.see(net.add(node, "crop", {"cropping": sides}, [x.value]))


def pick(net: Network, node: NodeData, x: Tensor, axis: int, chosen: list[int]) -> Tensor:
    """Elements of one axis, in any order."""
    x, place = lay_out(net, node, x, axis)
    word = axis_word(place, len(net.shape(x)))
    value = net.add(node, "take", {"indices": tuple(chosen), "axis": None if place == 0 else word}, [x.value])
    return Tensor(value, tuple(whole(place, len(chosen)) if i == axis else a for i, a in enumerate(x.axes or ())))


def lay_out(net: Network, node: NodeData, x: Tensor, axis: int) -> tuple[Tensor, int]:
    """The tensor so that an axis of the model is one of the graph's value, and which. Raises NotReadError."""
    axes = x.axes or ()
    if not is_whole(net, x, axis):
        laid = lay(net, node, x)
        x = laid.tensor
        axes = x.axes or ()
        if laid.where[axis] is None or any(f.axis < 0 for f in axes[axis]):
            raise NotReadError(_("it takes a part of the samples, or of mixed axes"))
    return x, axes[axis][0].axis


def is_whole(net: Network, x: Tensor, axis: int) -> bool:
    """Whether an axis of the model is one of the graph's value, all of it."""
    return whole_axis((x.axes or ())[axis], net.shape(x)) is not None


def take_part(
    net: Network, node: NodeData, x: Tensor, axis: int, start: int, stop: int, equal: tuple[int, int] | None = None
) -> Tensor:
    """Elements start up to stop of one axis: a split where the parts are equal, else a slice."""
    n = x.dims()[axis]
    if (start, stop) == (0, n):
        return x
    x, place = lay_out(net, node, x, axis)
    axes, shape = x.axes or (), net.shape(x)
    if equal is not None and place == 0:
        parts, part = equal
        value = net.add(node, "split", {"parts": parts, "part": part or None}, [x.value])
    else:
        word = axis_word(place, len(shape))
        options = {"range": (start, None if stop == n else stop), "axis": None if place == 0 else word}
        value = net.add(node, "slice", options, [x.value])
    return Tensor(value, tuple(whole(place, stop - start) if i == axis else a for i, a in enumerate(axes)))


def take_every(net: Network, node: NodeData, x: Tensor, axis: int, places: range) -> Tensor:
    """Every step-th element of an axis: of a spatial one windows of one element, moved by the step."""
    axes, shape = x.axes or (), net.shape(x)
    n = x.dims()[axis]
    if not places:
        raise NotReadError(_("nothing is left of an axis"))
    if places.step < 1 or not is_whole(net, x, axis) or axes[axis][0].axis < 1:
        return pick(net, node, x, axis, list(places))
    x = take_part(net, node, x, axis, places.start, n) if places.start else x
    place = axes[axis][0].axis
    # Of a window of one element the greatest is that element: a pooling that computes nothing.
    stride = [places.step if i == place else 1 for i in range(1, len(shape))]
    value = net.add(node, "maxpool", {"kernel": 1, "stride": stride}, [x.value])
    length = net.builder.shape(value)[place]
    if length != len(places):
        raise NotReadError(
            _("it takes every {step}th element of an axis that is no whole spatial one", step=places.step)
        )
    return Tensor(value, tuple(whole(place, length) if i == axis else a for i, a in enumerate(x.axes or ())))


@reads("Gather")
def read_gather(net: Network, node: NodeData) -> Value:
    """Elements of an axis by constant numbers."""
    x, indices = net.tensor(node), net.weight(node, 1)
    dims = x.dims()
    axis = node.attributes.get("axis", 0) % len(dims)
    chosen = indices.whole()
    n = dims[axis]
    chosen = [i + n if i < 0 else i for i in chosen]
    # All elements of a vector in their order, laid out otherwise.
    if len(dims) == 1 and chosen == list(range(n)):
        return view_in(net, node, x, indices.dims)
    if len(indices.dims) == 1 and chosen and chosen != list(range(chosen[0], chosen[0] + len(chosen))):
        return pick(net, node, x, axis, chosen)
    if not chosen or len(indices.dims) > 1 or chosen != list(range(chosen[0], chosen[0] + len(chosen))):
        raise NotReadError(
            _("its indices are not one behind the other"), (*dims[:axis], *indices.dims, *dims[axis + 1 :])
        )
    found = take_part(net, node, x, axis, chosen[0], chosen[-1] + 1)
    # One place without an axis of its own takes the axis away.
    if indices.dims:
        return found
    return Tensor(found.value, tuple(a for i, a in enumerate(found.axes or ()) if i != axis))
