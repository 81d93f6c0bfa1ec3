"""Layers on values that are seen under other axes: what each is on the value itself, where it does not mind.

A linear layer over the last axis is one over the channels of what was moved; an activation does not care at all. Where
a layer has to see the moves, None says so, and they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.graph import Node
from cnncalc.interop.axis_parts import Axis, Part, whole, whole_axis
from cnncalc.interop.names import axis_word
from cnncalc.interop.spec.linear import factor_of, is_linear
from cnncalc.interop.spec.moves import (
    Cut,
    View,
    is_whole,
    permute,
    plain,
    reshape,
    steps_of,
    with_channels,
)
from cnncalc.interop.spec.rebuilding import MOVES, Rebuilt, make_layer, order_of
from cnncalc.layers import KINDS
from cnncalc.layers.axes import axis_number
from cnncalc.layers.base import KEPT, POINTWISE, Layer
from cnncalc.layers.merge import Elementwise
from cnncalc.layers.normalisation import LayerNorm
from cnncalc.layers.options import SPATIAL


def see(new: Rebuilt, value: int) -> View:
    """What a value of the old network is in the new one."""
    node = new.graph.nodes[value - new.first]
    kind = node.layer.kind
    if kind in MOVES and node.weights_of is None:
        source = node.reads[0]
        if source in new.free:
            new.view(source)
        # As a part that is not cut yet, where its parts allow that; else of the part by itself.
        moved = move(new, node, value, new.views[source])
        moved = move(new, node, value, new.view(source)) if moved is None else moved
        if moved is not None:
            return moved
    seen = look_through(new, value, node, kind)
    return new.as_it_was(value) if seen is None else seen


def look_through(new: Rebuilt, value: int, node: Node, kind: str) -> View | None:
    """A layer on what was not moved; None where it has to see the moves."""
    if not node.reads:
        # Only who reads them knows in which order it wants their axes.
        new.free[value] = value
        return plain(-1, new.graph.shape(value))
    part = new.views[node.reads[0]]
    # Queries are often scaled right behind the cut of queries, keys and values: the cut has to live on.
    if kind == "rescale" and part.cut is not None and factor_of(node) is not None:
        return part._replace(cut=part.cut._replace(scaled=(*part.cut.scaled, value)))
    if goes_by_itself(new, node, value):
        view = new.view(node.reads[0])
        return view._replace(value=new.add(value, node.layer, [view.value]))
    if is_of_channels(node.layer):
        return apply_to_channels(new, value, node)
    if isinstance(node.layer, LayerNorm):
        return normalise(new, value, node)
    if kind in ("shift", "scale") and vars(node.layer)["per"] == "element":
        view = new.view(node.reads[0])
        return view._replace(value=new.add(value, node.layer, [view.value]))
    if kind in ("slice", "split", "roll"):
        return take_part(new, value, node)
    if kind == "concat":
        return roll(new, value, node) or concat(new, value, node)
    if isinstance(node.layer, Elementwise):
        return combine(new, value, node)
    return thin_out(new, value, node) if kind in ("maxpool", "avgpool") else None


def move(new: Rebuilt, node: Node, value: int, view: View) -> View | None:
    """A move of the old network, kept with the view; None where a part would have to be cut unevenly."""
    if node.layer.kind == "permute":
        return permute(view, vars(node.layer)["order"])
    return reshape(view, new.graph.shape(value))


def thin_out(new: Rebuilt, value: int, node: Node) -> View | None:
    """One element of so many along some axes, which exporters say as a pooling of one element."""
    options, view = vars(node.layer), new.view(node.reads[0])
    shape = new.b.shapes[view.value]
    if set(options["kernel"]) != {1} or any(any(pair) for pair in options["padding"] or ()):
        return None
    # The strides go to the axes of the value that the view shows there.
    spatial = len(view.axes) - 1
    strides = options["stride"] if len(options["stride"]) == spatial else options["stride"] * spatial
    own = [1] * len(shape)
    for i, stride in enumerate(strides, start=1):
        axis = whole_axis(view.axes[i], shape)
        if stride != 1 and not axis:
            return None
        own[axis or 0] *= stride
    made = new.add(value, node.layer.replace(stride=tuple(own[1:])), [view.value])
    sizes = new.b.shapes[made]
    own_sizes = {i for i, stride in enumerate(own) if stride > 1}
    cut = [whole(i, sizes[i]) if axis and (i := axis[0].axis) in own_sizes else axis for axis in view.axes]
    return View(made, tuple(cut))


def goes_by_itself(new: Rebuilt, node: Node, value: int) -> bool:
    """Whether each element goes by itself, and it does not matter where it stands: no axis is asked for."""
    layer, facts = node.layer, new.graph.facts[value - new.first]
    alone = layer.channels == KEPT and facts.reach == POINTWISE and not facts.params
    return KINDS[layer.kind].inline and alone and len(node.reads) == 1 and not is_list(layer)


def is_list(layer: Layer) -> bool:
    """Whether a number of a layer is another for each channel."""
    return any(isinstance(v, tuple) for name, v in vars(layer).items() if name in ("factor", "offset"))


def is_of_channels(layer: Layer) -> bool:
    """Whether a layer looks at the channels of each position by themselves."""
    options = vars(layer)
    if layer.kind in ("dense", "conv"):
        return is_linear(layer)
    if isinstance(layer, LayerNorm):
        return bool(options["axes"] == "channels")
    if layer.kind in ("shift", "scale"):
        return bool(options["per"] == "channel")
    return layer.kind == "batchnorm"


def normalise(new: Rebuilt, value: int, node: Node) -> View | None:
    """A norm over one axis, where that holds the channels."""
    view, options = new.view(node.reads[0]), vars(node.layer)
    axes, shape = options["axes"], new.b.shapes[view.value]
    letters = "c" + SPATIAL.get(len(view.axes), "")
    if len(axes) != 1 or axes not in letters or not is_whole(view.axes[letters.index(axes)], 0, shape):
        return None
    # A norm over the channels of a vector is one over all of it, and said so already.
    if len(shape) > 1 and shape[0] > 1:
        return view._replace(value=new.add(value, node.layer.replace(axes="channels"), [view.value]))
    return None


def apply_to_channels(new: Rebuilt, value: int, node: Node) -> View | None:
    """A layer of the channels of each position."""
    view = new.view(node.reads[0])
    if not view.axes or not is_whole(view.axes[0], 0, new.b.shapes[view.value]):
        return None
    # A vector has no positions for the layer to go over: it sees its moves, as it did.
    if is_linear(node.layer) and len(new.b.shapes[view.value]) == 1:
        return None
    layer = node.layer
    if layer.kind == "conv":  # of one element along all axes that the value has
        layer = layer.replace(kernel=(1,), stride=(1,), dilation=(1,), padding=((0, 0),))
    made = new.add(value, layer, [view.value])
    return with_channels(view, made, new.b.shapes[made][0])


def take_part(new: Rebuilt, value: int, node: Node) -> View | None:
    """A part of an axis, or one that is rolled: of the value's own, where the axis is the slowest part of one."""
    view = new.view(node.reads[0])
    old, options = new.graph.shape(node.reads[0]), vars(node.layer)
    shape = new.b.shapes[view.value]
    axis = 0 if node.layer.kind == "split" else axis_number(options["axis"], old)
    if node.layer.kind == "roll":
        own = whole_axis(view.axes[axis], shape)
        if own is None:
            return None
        return view._replace(value=new.add(value, node.layer.replace(axis=axis_word(own, len(shape))), [view.value]))
    if not view.axes[axis]:
        return None
    slowest, *others = view.axes[axis]
    if others:
        return None
    if node.layer.kind == "split":
        count = old[0] // options["parts"]
        start, stop = options["part"] * count, (options["part"] + 1) * count
    else:
        start, stop, _step = slice(*options["range"]).indices(old[axis])
    # Heads that hold queries, keys and values each: the part is none of the value's own. It is noted and not cut, as
    # an attention that takes all three parts needs no cut.
    if slowest.size * slowest.stride != shape[slowest.axis]:
        axes = [cut_axis(axes, slowest, stop - start) for axes in view.axes]
        seen = plain(-1, new.graph.shape(value)).axes
        return View(view.value, tuple(axes), Cut(value, slowest.axis, start * slowest.stride, seen))
    span = start * slowest.stride, stop * slowest.stride
    made = new.add(value, make_layer("slice", range=span, axis=axis_word(slowest.axis, len(shape))), [view.value])
    return View(made, tuple(cut_axis(axis, slowest, stop - start) for axis in view.axes))


def roll(new: Rebuilt, value: int, node: Node) -> View | None:
    """The end of an axis in front of its beginning, as exporters say a roll."""
    if len(node.reads) != 2 or min(node.reads) < new.first:
        return None
    parts = [new.graph.nodes[v - new.first] for v in node.reads]
    source = parts[0].reads[0] if parts[0].reads else -1
    if any(part.layer.kind != "slice" or part.reads != (source,) for part in parts):
        return None
    shape = new.graph.shape(source)
    axes = {axis_number(vars(layer)["axis"], shape) for layer in (node.layer, *(part.layer for part in parts))}
    if len(axes) > 1:
        return None
    [axis] = axes
    (start, stop, _one), (begin, end, _two) = (slice(*vars(p.layer)["range"]).indices(shape[axis]) for p in parts)
    view = new.view(source)
    own = whole_axis(view.axes[axis], new.b.shapes[view.value])
    if (stop, begin, end) != (shape[axis], 0, start) or own is None:
        return None
    # The shorter way round: -3 of 56, not 53.
    moved = -start if 2 * start <= shape[axis] else shape[axis] - start
    layer = make_layer("roll", shift=moved, axis=axis_word(own, len(new.b.shapes[view.value])))
    return view._replace(value=new.add(value, layer, [view.value]))


def concat(new: Rebuilt, value: int, node: Node) -> View | None:
    """Values side by side along one axis, which is one of their own."""
    axis = axis_number(vars(node.layer)["axis"], new.graph.shape(node.reads[0]))
    # Numbers that stand by themselves, such as a class token, take the order of what they are joined to.
    known = next((join_axes(new, v) for v in node.reads if v not in new.free), None)
    if known is None:
        return None
    order = order_of(new, known)
    if order is None:
        return None
    views = [join_axes(new, v, order) for v in node.reads]
    if any(order_of(new, view) != order for view in views):
        return None
    own = order[axis]
    shape = new.b.shapes[views[0].value]
    made = new.add(value, node.layer.replace(axis=axis_word(own, len(shape))), [view.value for view in views])
    shape = new.b.shapes[made]
    return View(made, tuple(whole(i, shape[i]) for i in order))


def combine(new: Rebuilt, value: int, node: Node) -> View | None:
    """Values element by element, all of them seen alike; what has one element along an axis is stretched."""
    # The largest, as the others may have to be stretched to it.
    known = max(
        (new.views[v] for v in node.reads if v not in new.free),
        key=lambda view: prod(view.shape),
        default=None,
    )
    if known is None:
        return None
    order = order_of(new, known)
    views = [new.view(v, order) for v in node.reads]
    shape = new.b.shapes[known.value]
    if not all(stretches(new, view, known) for view in views):
        return None
    made = new.add(value, node.layer, [view.value for view in views])
    return known._replace(value=made) if new.b.shapes[made] == shape else None


def stretches(new: Rebuilt, view: View, known: View) -> bool:
    """Whether a view shows what another shows, or one element of it along some axes."""
    own, shape = new.b.shapes[view.value], new.b.shapes[known.value]
    if len(own) != len(shape) or len(view.axes) != len(known.axes):
        return False
    if any(a not in (1, b) for a, b in zip(own, shape, strict=True)):
        return False
    if view.axes == known.axes:
        return own == shape
    # Where the axes differ, the view has one element along what the other shows there.
    for one, other in zip(view.axes, known.axes, strict=True):
        if one and one != other:
            return False
        if not one and any(own[part.axis] != 1 for part in other):
            return False
    return True


def join_axes(new: Rebuilt, value: int, order: Sequence[int] | None = None) -> View:
    """A view whose axes are those of a value, in another order: positions that it shows as one become one."""
    view = new.view(value, order)
    shape = new.b.shapes[view.value]
    parts, turned, out = steps_of(view, shape)
    # Only where a reshape does it: rows and columns of a map as the tokens of a sequence.
    if parts == shape or len(parts) != len(out) or 1 in out or sorted(parts) != sorted(out):
        return view
    place = new.graph.nodes[value - new.first].name.rpartition("/")[0] if value >= new.first else ""
    if view not in new.shaped:
        new.shaped[view] = new.add_new("reshape", place, [view.value], shape=parts)
    new.views[value] = View(new.shaped[view], tuple(whole(i, parts[i]) for i in turned))
    return new.views[value]


def cut_axis(axis: Axis, part: Part, size: int) -> Axis:
    """An axis of a view of which a part is shorter."""
    shorter = (p._replace(size=size) if p == part else p for p in axis)
    return tuple(p for p in shorter if p.size > 1)
