"""An attention that was found, as one layer: which channels its heads are, which positions attend to each other.

Heads are parts of the channels, one behind the other; positions attend to all of them, to those of the same window or
of the same place of every cell. Numbers that are added to the scores are as many as `relative_bias` stores, or a mask
that nobody trained between windows that are rolled there and back: `shift`. Where anything is otherwise, the products
stay. Sources as in layers/attention.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isclose, prod
from typing import Any, NamedTuple

from cnncalc.interop.axis_parts import Axis, Part, join, whole
from cnncalc.interop.spec.heads import Heads, node_of, stands_alone
from cnncalc.interop.spec.linear import factor_of, is_linear, width_of
from cnncalc.interop.spec.moves import (
    View,
)
from cnncalc.interop.spec.rebuilding import Rebuilt


class Projection(NamedTuple):
    """Channels of a linear layer's result, times a factor."""

    layer: int
    channels: tuple[int, ...]
    factor: float


def add_attention(new: Rebuilt, found: Heads) -> View | None:
    """The heads' result, of one layer that has no last projection yet; None where they are no such attention."""
    # What was not written yet is written now, so that it can be seen.
    views = [new.views[v] if v not in new.free else new.view(v) for v in found.reads]
    if any(len(view.axes) < 2 for view in views):
        return None
    if found.factor is not None:
        # A product written out reads keys that are turned already, (d, m): here they are turned back.
        *before, width, positions = views[1].axes
        views[1] = views[1]._replace(axes=(*before, positions, width))
    projections = [one for one in (find_projection(new, view) for view in views) if one is not None]
    if len(projections) < len(views):
        return None
    d, e = (len(one.channels) for one in projections[1:])
    count = count_heads(views, (d, d, e))
    sources = find_sources(new, projections)
    if count is None or sources is None or len(projections[0].channels) != d:
        return None
    # Some scale queries and keys by the fourth root of d each, some the scores: the product counts.
    factor = projections[0].factor * projections[1].factor * (found.factor or (d // count) ** -0.5)
    if projections[2].factor != 1 or not isclose(factor, (d // count) ** -0.5, rel_tol=1e-5):
        return None
    options = find_window(new, sources, views, found, count)
    if options is None:
        return None
    masked = options.pop("masked", False)
    channels = new.b.shapes[sources[0]][0]
    biased = vars(new.b.nodes[projections[0].layer - new.first].layer)["bias"]
    options |= {"heads": count, "bias": biased, "project": False}
    options |= {"dim": d} if d != channels else {}
    options |= {"value_dim": e} if e != d else {}
    names = [new.b.nodes[one.layer - new.first].name for one in projections]
    place = common_path(names)
    kind = "attention" if len(sources) == 1 else "cross_attention"
    # The last projection is taken in when everything is written: now nobody knows who reads the result.
    made = new.add_new(kind, place, sources, **options)
    new.attended[made] = found._replace(factor=float(masked))
    *batch, n, _width = views[0].axes
    # The heads' axis showed channels of the projection of values; now it shows those of what the heads give, in which
    # they stand one behind the other, whatever their order was there.
    own = e // count
    left, turned = count, []
    for axis in batch:
        parts = []
        for part in axis:
            left //= part.size if part.axis == 0 else 1
            parts.append(Part(0, part.size, own * left) if part.axis == 0 else part)
        turned.append(join(parts))
    return View(made, (*turned, n, whole(0, own)))


def find_projection(new: Rebuilt, view: View) -> Projection | None:
    """The linear layer of every position whose result is seen, or some channels of it."""
    factor, start, value = 1.0, 0, view.value
    # Queries, keys and values are often cut from one projection of three times the width.
    if view.cut is not None and view.cut.axis != 0:
        return None
    if view.cut is not None:
        start = view.cut.start
        for scaled in view.cut.scaled:
            factor *= factor_of(new.graph.nodes[scaled - new.first]) or 1
    while value >= new.first:
        node = new.b.nodes[value - new.first]
        scale, options = factor_of(node), vars(node.layer)
        if scale is not None:
            factor *= scale
        elif node.layer.kind == "slice" and options["axis"] in ("c", "0"):
            start += options["range"][0]
        elif is_linear(node.layer):
            # `attention` has its own weights, and all of them are trained.
            if node.weights_of is not None or node.layer.frozen:
                return None
            channels = [start]
            # From channel 0, 3 steps of a stride of 64 are the channels 0, 64, 128.
            for part in (part for axis in view.axes for part in axis if part.axis == 0):
                channels = [c + i * part.stride for c in channels for i in range(part.size)]
            return Projection(value, tuple(channels), factor)
        else:
            return None
        value = node.reads[0]
    return None


def count_heads(views: Sequence[View], widths: Sequence[int]) -> int | None:
    """How many heads there are. None where channels stand among the positions."""
    counts = set()
    for view, width in zip(views, widths, strict=True):
        *batch, positions, last = view.axes
        heads = prod(part.size for axis in batch for part in axis if part.axis == 0)
        own = prod(part.size for part in last)
        if any(part.axis != 0 for part in last) or any(part.axis == 0 for part in positions) or own * heads != width:
            return None
        counts.add(heads)
    return counts.pop() if len(counts) == 1 else None


def find_sources(new: Rebuilt, projections: Sequence[Projection]) -> tuple[int, ...] | None:
    """What is projected: one value, or who asks and who is asked. None where linear layers are not used up by it."""
    by_layer: dict[int, list[Projection]] = {}
    for one in projections:
        by_layer.setdefault(one.layer, []).append(one)
    nodes = {layer: new.b.nodes[layer - new.first] for layer in by_layer}
    for layer, used in by_layer.items():
        channels = sorted(c for one in used for c in one.channels)
        # A channel that no head reads, or that two read, would be lost or counted once too often.
        if channels != list(range(width_of(nodes[layer].layer))):
            return None
    # One word says whether queries, keys and values have biases.
    if len({vars(node.layer)["bias"] for node in nodes.values()}) > 1:
        return None
    asks, keys, values = (nodes[one.layer].reads[0] for one in projections)
    if keys != values:
        return None
    return (asks,) if asks == keys else (asks, keys)


def find_window(
    new: Rebuilt, sources: Sequence[int], views: Sequence[View], found: Heads, count: int
) -> dict[str, Any] | None:
    """Which positions attend to each other, and what is added to their scores, as options; None where none say it."""
    batches = [without_channels(view.axes[:-2]) for view in views]
    sizes = [new.b.shapes[source][1:] for source in sources]
    if len(sources) == 2:  # to all positions of another value
        alone = not any(axis for batch in batches for axis in batch) and not found.added
        all_of = [find_reach(views[i].axes[-2], (), size) for i, size in ((0, sizes[0]), (1, sizes[1]), (2, sizes[1]))]
        return {} if alone and all(one == {} for one in all_of) and views[1].axes[-2] == views[2].axes[-2] else None
    positions = views[0].axes[-2]
    # Within one value all look at the same positions: the whole, or the same window.
    if any(view.axes[-2] != positions for view in views) or any(batch != batches[0] for batch in batches):
        return None
    options = find_reach(positions, [part for axis in batches[0] for part in axis], sizes[0])
    if options is None:
        return None
    window = options.get("window", options.get("grid", sizes[0]))
    for value in found.added:
        said = read_addition(new, value, views[0], (count, window), positions)
        # Each is said once; and a mask where there are no windows is not that of shifted ones.
        if said is None or said.items() & options.items() or (said == {"masked": True} and "window" not in options):
            return None
        options |= said
    return options


def without_channels(axes: Iterable[Axis]) -> list[Axis]:
    return [tuple(part for part in axis if part.axis != 0) for axis in axes]


def find_reach(together: Axis, apart: Sequence[Part], size: Sequence[int]) -> dict[str, Any] | None:
    """`window` or `grid`, as the parts of positions that attend to each other say; nothing where all do."""
    inner = {part.axis: part for part in together}
    # An axis of which two parts attend together is neither a window nor a grid.
    if len(inner) < len(together) or any(part.axis == 0 for part in together):
        return None
    widths = tuple(inner[i].size if i in inner else 1 for i in range(1, len(size) + 1))
    left = {i: n // w for i, (n, w) in enumerate(zip(size, widths, strict=True), start=1) if n != w}
    if sorted(part[:2] for part in apart) != sorted(left.items()):
        return None
    if not left:
        return {}
    strides = {part.axis: part.stride for part in apart}
    cut = [i for i in left if i in inner]
    # Row 9 is row 2 of window 1 with windows of 7, so within a window the stride is 1; in a grid of 7 out of 56 rows
    # every eighth row belongs together, so it is 8 there, and 1 from one cell to the next.
    if all(inner[i].stride == 1 for i in inner) and all(strides[i] == inner[i].size for i in cut):
        return {"window": widths}
    if all(inner[i].stride == left[i] for i in cut) and all(strides[i] == 1 for i in left):
        return {"grid": widths}
    return None


def read_addition(
    new: Rebuilt, value: int, queries: View, among: tuple[int, Sequence[int]], positions: Axis
) -> dict[str, Any] | None:
    """What numbers added to the scores are: as many as `relative_bias` has, or a mask. None for others."""
    count, window = among
    own = node_of(new.graph, value)
    node = own if own.layer.kind == "shift" else stands_alone(new.graph, value)
    shape, n = new.graph.shape(value), prod(window)
    axes = queries.axes[:-2]
    if node is None or node.weights_of is not None:
        return None
    # Trained numbers of the scores themselves, one for each pair, come as a layer `shift`; others as a `parameter`.
    if node.layer.kind == "shift":
        count_alike = new.graph.facts[value - new.first].params == count * n * n
        return {"pair_bias": True} if count_alike and shape[-3:] == (count, n, n) else None
    layer = node.layer
    if layer.kind != "parameter" or len(shape) != len(axes) + 2 or shape[-2:] != (n, n) or layer.frozen:
        return None
    stored, of_heads = vars(layer)["stored"], {}
    for i, axis in enumerate(axes):
        kinds = {part.axis == 0 for part in axis}
        # Heads and windows in one axis: numbers along it are of neither alone.
        if len(kinds) == 2:
            return None
        of_heads[i] = kinds == {True}
    heads = [shape[i] for i in of_heads if of_heads[i]]
    others = [shape[i] for i in of_heads if not of_heads[i]]
    in_order = list(positions) == sorted(positions)
    # As in Swin: one number for each head and each difference of two places, -(w - 1) to w - 1 along an axis.
    if vars(layer)["trained"] and stored == count * prod(2 * w - 1 for w in window) and in_order:
        return {"relative_bias": True} if heads == [count] * len(heads) and set(others) <= {1} else None
    # A mask of shifted windows differs from window to window and is the same for all heads.
    fixed = stored == 0 or not vars(layer)["trained"]
    if fixed and set(heads) <= {1} and set(others) != {1}:
        return {"masked": True}
    # One number for each head and each pair of positions, in every window the same.
    every = stored in (None, count * n * n) and heads == [count] * len(heads) and set(others) <= {1}
    if vars(layer)["trained"] and every:
        return {"pair_bias": True}
    return None


def common_path(names: Sequence[str]) -> str:
    """The path that names have in common, the last part of a single one left out."""
    parts = [name.split("/")[:-1] for name in names]
    found = []
    for same in zip(*parts, strict=False):
        if len(set(same)) > 1:
            break
        found.append(same[0])
    return "/".join(found)
