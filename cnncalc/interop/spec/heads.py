"""Attention put together: products, scales and a softmax between linear layers that are exactly what `attention` is.

Heads are parts of the channels, one behind the other; positions attend to all of them, to those of the same window or
of the same place of every cell. Numbers that are added to the scores are as many as `relative_bias` stores, or a mask
that nobody trained between windows that are rolled there and back: `shift`. Where anything is otherwise, the products
stay. Sources as in layers/attention.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isclose, prod
from typing import Any, NamedTuple, Protocol

from cnncalc.graph import Graph, Node
from cnncalc.graph_builder import GraphBuilder
from cnncalc.interop.spec.moves import Axis, Part, View, join, permute, plain, reshape, whole
from cnncalc.layers.axes import axis_number
from cnncalc.layers.base import Layer


class Heads(NamedTuple):
    """Where an attention stands in a network.

    result  the value of its last product
    reads   queries, keys and values: (..., n, d), (..., m, d) and (..., m, e)
    factor  by which the products of queries and keys are multiplied, with keys of (..., d, m); None: by 1 / sqrt(d)
    added   values that are added to the scores
    inside  the values between
    """

    result: int
    reads: tuple[int, int, int]
    factor: float | None
    added: tuple[int, ...]
    inside: tuple[int, ...]


class Network(Protocol):
    """A network while it is written anew: see lifting.py."""

    graph: Graph
    b: GraphBuilder
    first: int
    views: list[View]
    free: dict[int, int]
    sources: dict[int, int]
    readers: dict[int, list[int]]
    attended: dict[int, Heads]

    def view(self, value: int) -> View: ...

    def add_new(self, kind: str, place: str, reads: Sequence[int], **options: Any) -> int: ...


class Projection(NamedTuple):
    """Channels of a linear layer's result, times a factor."""

    layer: int
    channels: tuple[int, ...]
    factor: float


# --- in the old network


def find_heads(graph: Graph, readers: Mapping[int, Sequence[int]]) -> Iterator[Heads]:
    """All that looks like an attention."""
    first = len(graph.inputs)
    for i, node in enumerate(graph.nodes):
        if node.layer.kind == "dot_product_attention":
            yield Heads(first + i, (node.reads[0], node.reads[1], node.reads[2]), None, node.reads[3:], ())
        elif node.layer.kind == "softmax":
            found = _around_softmax(graph, readers, first + i)
            if found is not None:
                yield found


def _around_softmax(graph: Graph, readers: Mapping[int, Sequence[int]], value: int) -> Heads | None:
    """The products on both sides of a softmax over the last axis, perhaps moved to another place for it."""
    start, inside = _node(graph, value).reads[0], [value]
    moves: list[int] = []
    while _is_move(graph, start) and _is_read_once(graph, readers, start):
        moves.append(start)
        start = _node(graph, start).reads[0]
    scores = plain(start, graph.shape(start))
    seen = scores
    for move in reversed(moves):
        seen = _through(graph, move, seen) or seen
    shape = graph.shape(value)
    axis = axis_number(vars(_node(graph, value).layer)["axis"], shape)
    if len(scores.axes) < 3 or seen.shape != shape or seen.axes[axis] != scores.axes[-1]:
        return None
    before = _before_softmax(graph, readers, start)
    if before is None:
        return None
    at, factor, added, between = before
    inside += [*moves, *between]
    behind = value
    while True:
        if not _is_read_once(graph, readers, behind):
            return None
        reader = readers[behind][0]
        node = _node(graph, reader)
        if node.layer.kind == "matmul":
            break
        if _is_move(graph, reader):
            seen = _through(graph, reader, seen) or seen
        elif node.layer.kind != "dropout" or vars(node.layer)["rate"]:
            return None
        inside.append(reader)
        behind = reader
    if node.reads[0] != behind or behind == node.reads[1] or seen != scores:
        return None
    queries, keys = _node(graph, at).reads
    return Heads(reader, (queries, keys, node.reads[1]), factor, tuple(added), (*inside, at))


def _node(graph: Graph, value: int) -> Any:
    """What makes a value; None for an input."""
    return graph.nodes[value - len(graph.inputs)] if value >= len(graph.inputs) else None


def _is_move(graph: Graph, value: int) -> bool:
    node = _node(graph, value)
    return node is not None and node.layer.kind in ("permute", "reshape") and node.weights_of is None


def _through(graph: Graph, value: int, seen: View) -> View | None:
    """What a move makes of a view."""
    layer = _node(graph, value).layer
    if layer.kind == "permute":
        return permute(seen, vars(layer)["order"])
    return reshape(seen, graph.shape(value))


def _before_softmax(
    graph: Graph, readers: Mapping[int, Sequence[int]], at: int
) -> tuple[int, float, list[int], list[int]] | None:
    """The product in front of a softmax, by which it is multiplied, what is added to it, and the values between."""
    inside: list[int] = []
    added: list[int] = []
    factor = 1.0
    while _node(graph, at) is not None and _node(graph, at).layer.kind != "matmul":
        node = _node(graph, at)
        if not _is_read_once(graph, readers, at):
            return None
        inside.append(at)
        scale = factor_of(node)
        alone = [v for v in node.reads if _stands_alone(graph, v) is not None]
        if scale is not None:
            factor *= scale
        elif node.layer.kind == "shift" and node.weights_of is None and not node.layer.frozen:
            added.append(at)  # trained numbers of its own
        elif node.layer.kind == "add" and len(node.reads) == 2 and len(alone) == 1:
            added += alone
        else:
            return None
        at = next(v for v in node.reads if v not in alone)
    found = _node(graph, at) is not None and _is_read_once(graph, readers, at)
    return (at, factor, added, inside) if found else None


def _stands_alone(graph: Graph, value: int) -> Node | None:
    """The numbers that read nothing of which a value is made by moves alone; None where it is another one."""
    node = _node(graph, value)
    while _is_move(graph, value):
        value = node.reads[0]
        node = _node(graph, value)
    return node if node is not None and not node.reads else None


def _is_read_once(graph: Graph, readers: Mapping[int, Sequence[int]], value: int) -> bool:
    return len(readers.get(value, ())) == 1 and value not in graph.outputs


def factor_of(node: Node) -> float | None:
    """The number by which a layer multiplies every element."""
    options = vars(node.layer)
    if node.layer.kind != "rescale" or isinstance(options["factor"], tuple) or options["offset"] != 0:
        return None
    return float(options["factor"])


# --- in the new one


def with_heads(lifter: Network, found: Heads) -> View | None:
    """The heads' result, of one layer that has no last projection yet; None where they are no such attention."""
    views = [lifter.views[v] if v not in lifter.free else lifter.view(v) for v in found.reads]
    if any(len(view.axes) < 2 for view in views):
        return None
    if found.factor is not None:
        # A product written out reads keys that are turned already, (d, m): here they are turned back.
        *before, width, positions = views[1].axes
        views[1] = views[1]._replace(axes=(*before, positions, width))
    made_by = [_projection(lifter, view) for view in views]
    if any(one is None for one in made_by):
        return None
    projections = [one for one in made_by if one is not None]
    d, e = (len(one.channels) for one in projections[1:])
    count = _heads_in(views, (d, d, e))
    sources = _sources(lifter, projections)
    if count is None or sources is None or len(projections[0].channels) != d:
        return None
    # Some scale queries and keys by the fourth root of d each, some the scores: the product counts.
    factor = projections[0].factor * projections[1].factor * (found.factor or (d // count) ** -0.5)
    if projections[2].factor != 1 or not isclose(factor, (d // count) ** -0.5, rel_tol=1e-5):
        return None
    options = _window(lifter, sources, views, found, count)
    if options is None:
        return None
    masked = options.pop("masked", False)
    channels = lifter.b.shapes[sources[0]][0]
    biased = vars(lifter.b.nodes[projections[0].layer - lifter.first].layer)["bias"]
    options |= {"heads": count, "bias": biased, "project": False}
    options |= {"dim": d} if d != channels else {}
    options |= {"value_dim": e} if e != d else {}
    names = [lifter.b.nodes[one.layer - lifter.first].name for one in projections]
    place = _common(names)
    kind = "attention" if len(sources) == 1 else "cross_attention"
    made = lifter.add_new(kind, place, sources, **options)
    lifter.attended[made] = found._replace(factor=float(masked))
    *batch, n, _width = views[0].axes
    own = e // count
    left, turned = count, []
    for axis in batch:  # heads stand one behind the other now
        parts = []
        for part in axis:
            left //= part.size if part.axis == 0 else 1
            parts.append(Part(0, part.size, own * left) if part.axis == 0 else part)
        turned.append(join(parts))
    return View(made, (*turned, n, whole(0, own)))


def _projection(lifter: Network, view: View) -> Projection | None:
    """The linear layer of every position whose result is seen, or some channels of it."""
    factor, start, value = 1.0, 0, view.value
    if view.cut is not None and view.cut.axis != 0:
        return None
    if view.cut is not None:
        start = view.cut.start
        for scaled in view.cut.scaled:
            factor *= factor_of(lifter.graph.nodes[scaled - lifter.first]) or 1
    while value >= lifter.first:
        node = lifter.b.nodes[value - lifter.first]
        scale, options = factor_of(node), vars(node.layer)
        if scale is not None:
            factor *= scale
        elif node.layer.kind == "slice" and options["axis"] in ("c", "0"):
            start += options["range"][0]
        elif is_linear(node.layer):
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


def is_linear(layer: Layer) -> bool:
    """Whether a layer is linear in the channels of each position: as a dense layer, or as a convolution of 1x1."""
    options = vars(layer)
    if layer.kind == "conv":
        plain = options["padding"] == "same" or not any(any(pair) for pair in options["padding"])
        single = set(options["kernel"]) == set(options["stride"]) == {1} == {options["groups"]}
        return bool(plain and single and options["table"] is None)
    return layer.kind == "dense" and bool(options["axes"] == "c" and options["table"] is None)


def width_of(layer: Layer) -> int:
    """The channels that a linear layer gives."""
    options = vars(layer)
    found: int = options["filters"] if layer.kind == "conv" else options["units"]
    return found


def _heads_in(views: Sequence[View], widths: Sequence[int]) -> int | None:
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


def _sources(lifter: Network, projections: Sequence[Projection]) -> tuple[int, ...] | None:
    """What is projected: one value, or who asks and who is asked. None where linear layers are not used up by it."""
    by_layer: dict[int, list[Projection]] = {}
    for one in projections:
        by_layer.setdefault(one.layer, []).append(one)
    nodes = {layer: lifter.b.nodes[layer - lifter.first] for layer in by_layer}
    for layer, used in by_layer.items():
        channels = sorted(c for one in used for c in one.channels)
        # A channel that no head reads, or that two read, would be lost or counted once too often.
        if channels != list(range(width_of(nodes[layer].layer))):
            return None
    if len({vars(node.layer)["bias"] for node in nodes.values()}) > 1:
        return None
    asks, keys, values = (nodes[one.layer].reads[0] for one in projections)
    if keys != values:
        return None
    return (asks,) if asks == keys else (asks, keys)


def _window(
    lifter: Network, sources: Sequence[int], views: Sequence[View], found: Heads, count: int
) -> dict[str, Any] | None:
    """Which positions attend to each other, and what is added to their scores, as options; None where none say it."""
    batches = [_without_channels(view.axes[:-2]) for view in views]
    sizes = [lifter.b.shapes[source][1:] for source in sources]
    if len(sources) == 2:  # to all positions of another value
        alone = not any(axis for batch in batches for axis in batch) and not found.added
        all_of = [_reach(views[i].axes[-2], (), size) for i, size in ((0, sizes[0]), (1, sizes[1]), (2, sizes[1]))]
        return {} if alone and all(one == {} for one in all_of) and views[1].axes[-2] == views[2].axes[-2] else None
    positions = views[0].axes[-2]
    if any(view.axes[-2] != positions for view in views) or any(batch != batches[0] for batch in batches):
        return None
    options = _reach(positions, [part for axis in batches[0] for part in axis], sizes[0])
    if options is None:
        return None
    window = options.get("window", options.get("grid", sizes[0]))
    for value in found.added:
        said = _read_addition(lifter, value, views[0], (count, window), positions)
        if said is None or said.items() & options.items() or (said == {"masked": True} and "window" not in options):
            return None
        options |= said
    return options


def _without_channels(axes: Iterable[Axis]) -> list[Axis]:
    return [tuple(part for part in axis if part.axis != 0) for axis in axes]


def _reach(together: Axis, apart: Sequence[Part], size: Sequence[int]) -> dict[str, Any] | None:
    """`window` or `grid`, as the parts of positions that attend to each other say; nothing where all do."""
    inner = {part.axis: part for part in together}
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


def _read_addition(
    lifter: Network, value: int, queries: View, among: tuple[int, Sequence[int]], positions: Axis
) -> dict[str, Any] | None:
    """What numbers added to the scores are: as many as `relative_bias` has, or a mask. None for others."""
    count, window = among
    own = _node(lifter.graph, value)
    node = own if own.layer.kind == "shift" else _stands_alone(lifter.graph, value)
    shape, n = lifter.graph.shape(value), prod(window)
    axes = queries.axes[:-2]
    if node is None or node.weights_of is not None:
        return None
    if node.layer.kind == "shift":
        count_alike = lifter.graph.facts[value - lifter.first].params == count * n * n
        return {"pair_bias": True} if count_alike and shape[-3:] == (count, n, n) else None
    layer = node.layer
    if layer.kind != "parameter" or len(shape) != len(axes) + 2 or shape[-2:] != (n, n) or layer.frozen:
        return None
    stored, of_heads = vars(layer)["stored"], {}
    for i, axis in enumerate(axes):
        kinds = {part.axis == 0 for part in axis}
        if len(kinds) == 2:
            return None
        of_heads[i] = kinds == {True}
    heads = [shape[i] for i in of_heads if of_heads[i]]
    others = [shape[i] for i in of_heads if not of_heads[i]]
    in_order = list(positions) == sorted(positions)
    # As in Swin: one number for each head and each difference of two places, -(w - 1) to w - 1 along an axis.
    if vars(layer)["trained"] and stored == count * prod(2 * w - 1 for w in window) and in_order:
        return {"relative_bias": True} if heads == [count] * len(heads) and set(others) <= {1} else None
    fixed = stored == 0 or not vars(layer)["trained"]
    if fixed and set(heads) <= {1} and set(others) != {1}:
        return {"masked": True}
    every = stored in (None, count * n * n) and heads == [count] * len(heads) and set(others) <= {1}
    if vars(layer)["trained"] and every:
        return {"pair_bias": True}
    return None


def _common(names: Sequence[str]) -> str:
    """The path that names have in common, the last part of a single one left out."""
    parts = [name.split("/")[:-1] for name in names]
    found = []
    for same in zip(*parts, strict=False):
        if len(set(same)) > 1:
            break
        found.append(same[0])
    return "/".join(found)


# --- what follows an attention


class Rest:
    """The nodes of a new network while some of them are joined or left out, by their values."""

    def __init__(self, lifter: Network, outputs: tuple[int, ...]) -> None:
        self.lifter = lifter
        self.first = lifter.first
        self.nodes: dict[int, Node] = {self.first + i: node for i, node in enumerate(lifter.b.nodes)}
        self.same: dict[int, int] = {}  # values that are another one now
        self.outputs = outputs

    def now(self, value: int) -> int:
        while value in self.same:
            value = self.same[value]
        return value

    def readers(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for value, node in self.nodes.items():
            for v in dict.fromkeys(map(self.now, node.reads)):
                found.setdefault(v, []).append(value)
        for v in self.outputs:
            found.setdefault(self.now(v), []).append(-1)
        return found

    def drop_unread(self) -> None:
        """Leave out what nobody reads, though somebody did."""
        readers = self.readers()
        # From the end, as what is left out may be the last reader of what stands before it.
        for value in reversed(list(self.nodes)):
            old = self.lifter.sources.get(value)
            was_read = old is None or old in self.lifter.readers
            if was_read and not readers.get(value):
                for v in map(self.now, self.nodes.pop(value).reads):
                    if value in readers.get(v, ()):
                        readers[v].remove(value)


def finish_attention(lifter: Network, outputs: tuple[int, ...]) -> tuple[tuple[Node, ...], tuple[int, ...], set[int]]:
    """The nodes and outputs, attention with its last projection; the results of those that turned out to be none."""
    rest = Rest(lifter, outputs)
    rest.drop_unread()
    wrong: set[int] = set()
    readers = rest.readers()
    for value, found in lifter.attended.items():
        if value not in rest.nodes:
            continue
        end = project(rest, readers, value)
        if found.factor and not move_windows(rest, readers, end):
            wrong.add(found.result)
    numbers: dict[int, int] = {i: i for i in range(rest.first)}
    shown = {old: new for new, old in lifter.sources.items()}
    # Values still count in the order in which they run: now without gaps.
    order = sorted(rest.nodes)
    numbers |= {value: rest.first + i for i, value in enumerate(order)}
    nodes = []
    for value in order:
        node = rest.nodes[value]
        with_row = None if node.shown_with is None else numbers.get(rest.now(shown.get(node.shown_with, -1)))
        owner = None if node.weights_of is None else numbers[node.weights_of]
        reads = tuple(numbers[rest.now(v)] for v in node.reads)
        nodes.append(node._replace(reads=reads, shown_with=with_row, weights_of=owner))
    return tuple(nodes), tuple(numbers[rest.now(v)] for v in outputs), wrong


def project(rest: Rest, readers: dict[int, list[int]], value: int) -> int:
    """Take the linear layer behind into an attention; the value that comes out."""
    node = rest.nodes[value]
    following = readers.get(value, [])
    last = rest.nodes.get(following[0]) if len(following) == 1 else None
    if last is None or not is_linear(last.layer) or last.weights_of is not None or last.layer.frozen:
        return value
    options = vars(last.layer)
    channels = rest.lifter.b.shapes[node.reads[0]][0]
    biased = (vars(node.layer)["bias"], options["bias"])
    said = {(True, True): True, (False, False): False, (True, False): "in", (False, True): "out"}[biased]
    out = None if width_of(last.layer) == channels else width_of(last.layer)
    layer = node.layer.replace(project=True, bias=said, out=out)
    rest.nodes[following[0]] = node._replace(layer=layer)
    del rest.nodes[value]
    for v in map(rest.now, node.reads):
        readers[v] = [following[0] if reader == value else reader for reader in readers[v]]
    return following[0]


def move_windows(rest: Rest, readers: dict[int, list[int]], value: int) -> bool:
    """Say `shift` where what enters windows is rolled, and what comes out is rolled back. Whether that is so."""
    node = rest.nodes[value]
    size = rest.lifter.b.shapes[rest.now(node.reads[0])]
    moved: dict[int, int] = {}
    before, source = [], rest.now(node.reads[0])
    while source in rest.nodes and rest.nodes[source].layer.kind == "roll" and len(readers[source]) == 1:
        options = vars(rest.nodes[source].layer)
        # Windows shifted by s are a roll by -s in front and by s behind.
        moved[axis_number(options["axis"], size)] = -options["shift"]
        before.append(source)
        source = rest.now(rest.nodes[source].reads[0])
    behind: list[int] = []
    at = value
    while len(readers.get(at, [])) == 1 and readers[at][0] in rest.nodes and len(behind) < len(before):
        reader = readers[at][0]
        following = rest.nodes[reader]
        if following.layer.kind == "roll":
            options = vars(following.layer)
            if moved.get(axis_number(options["axis"], size)) != options["shift"]:
                return False
            behind.append(reader)
        elif following.layer.kind != "dropout":
            return False
        at = reader
    shift = tuple(moved.get(i, 0) for i in range(1, len(size)))
    window = vars(node.layer)["window"]
    if not before or len(behind) < len(before) or any(not 0 <= s < w for s, w in zip(shift, window, strict=True)):
        return False
    for roll in behind:
        rest.same[roll] = rest.now(rest.nodes.pop(roll).reads[0])
    for roll in before:
        del rest.nodes[roll]
    rest.nodes[value] = node._replace(reads=(source,), layer=node.layer.replace(shift=shift))
    return True
