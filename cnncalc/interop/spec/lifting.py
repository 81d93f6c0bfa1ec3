"""Networks that other programs moved about, with their channels in front: tokens are (C, L), images (C, H, W).

Frameworks bring the channels behind the positions for a linear layer, cut maps into windows and put these together.
Nothing is computed by that, and a linear layer, a norm or a sum on what was moved is the same on what was not. So moves
are kept with the values (moves.py) and become layers only where something has to see them. Products, scales and a
softmax between projections become `attention` (heads.py). Everything that is computed stays, and is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, cast

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.graph_builder import GraphBuilder
from cnncalc.interop.builder import groups
from cnncalc.interop.names import Names, number_name, unique
from cnncalc.interop.spec.heads import Heads, factor_of, find_heads, finish_attention, is_linear, with_heads
from cnncalc.interop.spec.moves import (
    Axis,
    Cut,
    Part,
    View,
    axis_of,
    is_whole,
    permute,
    plain,
    reshape,
    steps_of,
    whole,
    with_channels,
)
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.axes import axis_number
from cnncalc.layers.base import Layer, Shape
from cnncalc.layers.options import SPATIAL

if TYPE_CHECKING:
    from cnncalc.layers.attention import Attention

MOVES = ("permute", "reshape", "flatten")
# Each element by itself, so that it does not matter where it stands. What asks for an axis is not among them.
ELEMENTS = {kind for kind in KINDS if KINDS[kind].inline} - {"prelu", "softmax", "log_softmax", "maxout", "glu"}
SUMS = ("add", "multiply", "subtract", "divide", "maximum", "minimum", "mean", "greater", "less", "equal")
MOST_TRIES = 40  # attentions that turn out to be something else


def lift(graph: Graph) -> Graph:
    """The same network with few moves and with its attention put together; itself where that is no shorter."""
    if not any(node.layer.kind in MOVES or node.layer.kind == "dot_product_attention" for node in graph.nodes):
        return graph
    refused: set[int] = set()
    # What was written for an attention that is none cannot be taken back: all is written anew without it.
    for _try in range(MOST_TRIES):
        try:
            lifted, wrong = Lifter(graph, refused).lift()
        except CnncalcError:
            return graph
        if not wrong:
            break
        refused |= wrong
    else:
        return graph
    return lifted if 0 < len(lifted.nodes) < len(graph.nodes) and counts_alike(graph, lifted) else graph


def counts_alike(one: Graph, other: Graph) -> bool:
    """Whether two graphs train and multiply as much, and the same leaves them.

    What is added to scores counts among the connections of `attention`, and not as a sum by itself; a mask of windows,
    which some programs store, is part of `shift`.
    """

    def totals(graph: Graph) -> list[Any]:
        own = [facts for facts, node in zip(graph.facts, graph.nodes, strict=True) if node.weights_of is None]
        stored = [[facts.params for facts in own], [facts.buffers for facts in own]]
        counts = [*stored, [facts.macs for facts in graph.facts]]
        known = [(sum(n for n in column if n is not None), column.count(None)) for column in counts]
        return [*known, [graph.shape(v) for v in graph.outputs]]

    return totals(one) == totals(other)


class Lifter:
    """Writes a network anew, value by value.

    refused  final products of attentions, by their value, that are to stay what they are
    """

    def __init__(self, graph: Graph, refused: set[int]) -> None:
        self.graph = graph
        self.first = len(graph.inputs)
        self.b = GraphBuilder()
        self.taken = Names(graph.inputs)
        self.taken.update(node.name for node in graph.nodes if node.layer.kind not in MOVES)
        self.moves = {node.name for node in graph.nodes if node.layer.kind in MOVES}
        self.views: list[View] = [plain(self.b.add_input(name, shape), shape) for name, shape in graph.inputs.items()]
        self.free: dict[int, int] = {}  # parameters that nobody has read yet: the old value of each
        self.made: dict[View, int] = {}  # views that had to be made
        self.parts: dict[tuple[int, ...], int] = {}  # slices that had to be made, and what they are multiplied by
        self.shaped: dict[View, int] = {}  # those of which axes had to be put together
        self.sources: dict[int, int] = {}  # for each new value the old one
        readers: dict[int, list[int]] = {}
        for i, node in enumerate(graph.nodes):
            for v in node.reads:
                readers.setdefault(v, []).append(self.first + i)
        self.readers = readers
        self.heads = {found.result: found for found in find_heads(graph, readers) if found.result not in refused}
        self.inside = {value for found in self.heads.values() for value in found.inside}
        self.attended: dict[int, Heads] = {}  # new attentions

    def lift(self) -> tuple[Graph, set[int]]:
        """The network; the attentions that were none, of which nothing may be taken from the network."""
        wrong: set[int] = set()
        for i in range(len(self.graph.nodes)):
            value = self.first + i
            found = self.heads.get(value)
            if found is not None:
                view = with_heads(self, found)
                if view is None:
                    wrong.add(value)
                    return self.graph, wrong
                self.views.append(view)
            elif value in self.inside:
                self.views.append(View(-1, ()))  # nobody reads it
            else:
                self.views.append(self.see(value))
        outputs = tuple(self.make(self.views[v], "") for v in self.graph.outputs)
        return self.finish(outputs)

    def finish(self, outputs: tuple[int, ...]) -> tuple[Graph, set[int]]:
        """The graph, without what nobody reads any more; windows that moved are put together."""
        nodes, outputs, wrong = finish_attention(self, outputs)
        if wrong:
            return self.graph, wrong
        remarks = (*self.graph.remarks, *remarks_on(nodes, self.graph, self.first))
        made = groups(nodes, self.first)
        graph = self.graph.replace(nodes=nodes, outputs=outputs, groups=made, expectations=(), remarks=remarks)
        return graph, set()

    # --- one value

    def see(self, value: int) -> View:
        """What a value of the old network is in the new one."""
        node = self.graph.nodes[value - self.first]
        kind = node.layer.kind
        if kind in MOVES and node.weights_of is None:
            if node.reads[0] in self.free:
                self.view(node.reads[0])
            moved = self.move(node, value, self.views[node.reads[0]])
            moved = self.move(node, value, self.view(node.reads[0])) if moved is None else moved
            if moved is not None:
                return moved
        seen = self.try_to_see(value, node, kind)
        return self.as_it_was(value) if seen is None else seen

    def try_to_see(self, value: int, node: Node, kind: str) -> View | None:
        """A layer on what was not moved; None where it has to see the moves."""
        if not node.reads:
            # Only who reads them knows in which order it wants their axes.
            self.free[value] = value
            return plain(-1, self.graph.shape(value))
        part = self.views[node.reads[0]]
        # Queries are often scaled right behind the cut of queries, keys and values: the cut has to live on.
        if kind == "rescale" and part.cut is not None and factor_of(node) is not None:
            return part._replace(cut=part.cut._replace(scaled=(*part.cut.scaled, value)))
        if kind in ELEMENTS and len(node.reads) == 1 and not self.is_list(node.layer):
            view = self.view(node.reads[0])
            return view._replace(value=self.add(value, node.layer, [view.value]))
        if self.is_of_channels(node.layer):
            return self.on_channels(value, node)
        if kind == "layernorm":
            return self.over_channels(value, node)
        if kind in ("shift", "scale") and vars(node.layer)["per"] == "element":
            view = self.view(node.reads[0])
            return view._replace(value=self.add(value, node.layer, [view.value]))
        if kind in ("slice", "split", "roll"):
            return self.along(value, node)
        if kind == "concat":
            return self.roll(value, node) or self.concat(value, node)
        if kind in SUMS:
            return self.combine(value, node)
        return self.every_other(value, node) if kind in ("maxpool", "avgpool") else None

    def every_other(self, value: int, node: Node) -> View | None:
        """One element of so many along some axes, which exporters say as a pooling of one element."""
        options, view = vars(node.layer), self.view(node.reads[0])
        shape = self.b.shapes[view.value]
        if set(options["kernel"]) != {1} or any(any(pair) for pair in options["padding"] or ()):
            return None
        spatial = len(view.axes) - 1
        strides = options["stride"] if len(options["stride"]) == spatial else options["stride"] * spatial
        own = [1] * len(shape)
        for i, stride in enumerate(strides, start=1):
            axis = axis_of(view, i, shape)
            if stride != 1 and not axis:
                return None
            own[axis or 0] *= stride
        made = self.add(value, node.layer.replace(stride=tuple(own[1:])), [view.value])
        sizes = self.b.shapes[made]
        own_sizes = {i for i, stride in enumerate(own) if stride > 1}
        cut = [whole(i, sizes[i]) if axis and (i := axis[0].axis) in own_sizes else axis for axis in view.axes]
        return View(made, tuple(cut))

    def is_list(self, layer: Layer) -> bool:
        """Whether a number of a layer is another for each channel."""
        return any(isinstance(v, tuple) for name, v in vars(layer).items() if name in ("factor", "offset"))

    def is_of_channels(self, layer: Layer) -> bool:
        """Whether a layer looks at the channels of each position by themselves."""
        options = vars(layer)
        if layer.kind in ("dense", "conv"):
            return is_linear(layer)
        if layer.kind == "layernorm":
            return bool(options["axes"] == "channels")
        if layer.kind in ("shift", "scale"):
            return bool(options["per"] == "channel")
        return layer.kind == "batchnorm"

    def over_channels(self, value: int, node: Node) -> View | None:
        """A norm over one axis, where that holds the channels."""
        view, options = self.view(node.reads[0]), vars(node.layer)
        axes, shape = options["axes"], self.b.shapes[view.value]
        letters = "c" + SPATIAL.get(len(view.axes), "")
        if len(axes) != 1 or axes not in letters or not is_whole(view.axes[letters.index(axes)], 0, shape):
            return None
        if len(shape) > 1 and shape[0] > 1:
            return view._replace(value=self.add(value, node.layer.replace(axes="channels"), [view.value]))
        return None

    def on_channels(self, value: int, node: Node) -> View | None:
        """A layer of the channels of each position."""
        view = self.view(node.reads[0])
        if not view.axes or not is_whole(view.axes[0], 0, self.b.shapes[view.value]):
            return None
        if is_linear(node.layer) and len(self.b.shapes[view.value]) == 1:
            return None
        layer = node.layer
        if layer.kind == "conv":  # of one element along all axes that the value has
            layer = layer.replace(kernel=(1,), stride=(1,), dilation=(1,), padding=((0, 0),))
        made = self.add(value, layer, [view.value])
        return with_channels(view, made, self.b.shapes[made][0])

    def move(self, node: Node, value: int, view: View) -> View | None:
        if node.layer.kind == "permute":
            return permute(view, vars(node.layer)["order"])
        return reshape(view, self.graph.shape(value))

    def along(self, value: int, node: Node) -> View | None:
        """A part of an axis, or one that is rolled: of the value's own, where the axis is the slowest part of one."""
        view = self.view(node.reads[0])
        old, options = self.graph.shape(node.reads[0]), vars(node.layer)
        shape = self.b.shapes[view.value]
        axis = 0 if node.layer.kind == "split" else axis_number(options["axis"], old)
        if node.layer.kind == "roll":
            own = axis_of(view, axis, shape)
            if own is None:
                return None
            return view._replace(value=self.add(value, node.layer.replace(axis=letter(own, shape)), [view.value]))
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
        if slowest.size * slowest.stride != shape[slowest.axis]:
            axes = [cut_axis(axes, slowest, stop - start) for axes in view.axes]
            seen = plain(-1, self.graph.shape(value)).axes
            return View(view.value, tuple(axes), Cut(value, slowest.axis, start * slowest.stride, seen))
        span = start * slowest.stride, stop * slowest.stride
        made = self.add(value, self.layer("slice", range=span, axis=letter(slowest.axis, shape)), [view.value])
        return View(made, tuple(cut_axis(axis, slowest, stop - start) for axis in view.axes))

    def roll(self, value: int, node: Node) -> View | None:
        """The end of an axis in front of its beginning, as exporters say a roll."""
        if len(node.reads) != 2 or min(node.reads) < self.first:
            return None
        parts = [self.graph.nodes[v - self.first] for v in node.reads]
        x = parts[0].reads[0] if parts[0].reads else -1
        if any(part.layer.kind != "slice" or part.reads != (x,) for part in parts):
            return None
        shape = self.graph.shape(x)
        axes = {axis_number(vars(layer)["axis"], shape) for layer in (node.layer, *(part.layer for part in parts))}
        if len(axes) > 1:
            return None
        [axis] = axes
        (start, stop, _one), (begin, end, _two) = (slice(*vars(p.layer)["range"]).indices(shape[axis]) for p in parts)
        own = axis_of(self.view(x), axis, self.b.shapes[self.view(x).value])
        if (stop, begin, end) != (shape[axis], 0, start) or own is None:
            return None
        view = self.view(x)
        # The shorter way round: -3 of 56, not 53.
        moved = -start if 2 * start <= shape[axis] else shape[axis] - start
        layer = self.layer("roll", shift=moved, axis=letter(own, self.b.shapes[view.value]))
        return view._replace(value=self.add(value, layer, [view.value]))

    def concat(self, value: int, node: Node) -> View | None:
        """Values side by side along one axis, which is one of their own."""
        axis = axis_number(vars(node.layer)["axis"], self.graph.shape(node.reads[0]))
        known = next((self.join_axes(v) for v in node.reads if v not in self.free), None)
        if known is None:
            return None
        order = self.order_of(known)
        if order is None:
            return None
        views = [self.join_axes(v, order) for v in node.reads]
        if any(self.order_of(view) != order for view in views):
            return None
        own = order[axis]
        shape = self.b.shapes[views[0].value]
        made = self.add(value, node.layer.replace(axis=letter(own, shape)), [view.value for view in views])
        shape = self.b.shapes[made]
        return View(made, tuple(whole(i, shape[i]) for i in order))

    def join_axes(self, value: int, order: Sequence[int] | None = None) -> View:
        """A view whose axes are those of a value, in another order: positions that it shows as one become one."""
        view = self.view(value, order)
        shape = self.b.shapes[view.value]
        parts, turned, out = steps_of(view, shape)
        if parts == shape or len(parts) != len(out) or 1 in out or sorted(parts) != sorted(out):
            return view
        place = self.graph.nodes[value - self.first].name.rpartition("/")[0] if value >= self.first else ""
        if view not in self.shaped:
            self.shaped[view] = self.add_new("reshape", place, [view.value], shape=parts)
        self.views[value] = View(self.shaped[view], tuple(whole(i, parts[i]) for i in turned))
        return self.views[value]

    def order_of(self, view: View) -> tuple[int, ...] | None:
        """Which axis of the value each axis of a view is, where it shows them whole."""
        shape = self.b.shapes[view.value] if view.value >= 0 else view.shape
        if len(view.axes) != len(shape):
            return None
        order: list[int] = []
        singles = [i for i, n in enumerate(shape) if n == 1]
        for axis in view.axes:
            if not axis and not singles:
                return None
            # Axes of one element have no parts, and stand for those of the value in turn.
            own = axis[0].axis if axis else singles.pop(0)
            if axis and not is_whole(axis, own, shape):
                return None
            order.append(own)
        return tuple(order) if len(set(order)) == len(order) else None

    def combine(self, value: int, node: Node) -> View | None:
        """Values element by element, all of them seen alike; what has one element along an axis is stretched."""
        # The largest, as the others may have to be stretched to it.
        known = max(
            (self.views[v] for v in node.reads if v not in self.free),
            key=lambda view: prod(view.shape),
            default=None,
        )
        if known is None:
            return None
        order = self.order_of(known)
        views = [self.view(v, order) for v in node.reads]
        shape = self.b.shapes[known.value]
        if not all(self.stretches(view, known) for view in views):
            return None
        made = self.add(value, node.layer, [view.value for view in views])
        return known._replace(value=made) if self.b.shapes[made] == shape else None

    def stretches(self, view: View, known: View) -> bool:
        """Whether a view shows what another shows, or one element of it along some axes."""
        own, shape = self.b.shapes[view.value], self.b.shapes[known.value]
        if len(own) != len(shape) or len(view.axes) != len(known.axes):
            return False
        if any(a not in (1, b) for a, b in zip(own, shape, strict=True)):
            return False
        if view.axes == known.axes:
            return own == shape
        for one, other in zip(view.axes, known.axes, strict=True):
            if one and one != other:
                return False
            if not one and any(own[part.axis] != 1 for part in other):
                return False
        return True

    # --- what is added

    def view(self, value: int, order: Sequence[int] | None = None) -> View:
        """What an old value is now; numbers that stand by themselves are added now, with their axes in an order."""
        if value in self.free:
            del self.free[value]
            layer = self.graph.nodes[value - self.first].layer
            shape = self.graph.shape(value)
            if layer.kind == "parameter" and order is not None and len(order) == len(shape):
                turned = [0] * len(shape)
                for i, own in enumerate(order):
                    turned[own] = shape[i]
                made = self.add(value, layer.replace(shape=tuple(turned)), [])
                self.views[value] = View(made, tuple(whole(own, shape[i]) for i, own in enumerate(order)))
            else:
                self.views[value] = plain(self.add(value, layer, []), shape)
        view = self.views[value]
        if view.cut is not None:  # something has to see the part alone
            key = (view.cut.source, *view.cut.scaled)
            if key not in self.parts:
                made = self.as_it_was(key[0]).value
                for scaled in key[1:]:
                    made = self.add(scaled, self.graph.nodes[scaled - self.first].layer, [made])
                self.parts[key] = made
            self.views[value] = View(self.parts[key], view.cut.axes)
        return self.views[value]

    def add(self, value: int, layer: Layer, reads: Sequence[int]) -> int:
        """A layer of the old network, on values of the new one."""
        node = self.graph.nodes[value - self.first]
        owner = None if node.weights_of is None else self.views[node.weights_of].value
        made = self.b.append(Node(self.name_of(node), layer, tuple(reads), None, node.shown_with, owner))
        self.sources[made] = value
        return made

    def name_of(self, node: Node) -> str:
        """The name of a layer, that of a move in front of it where it was called `fc1_3` for that reason alone."""
        base, _line, number = node.name.rpartition("_")
        if not number.isdigit() or base not in self.moves or base in self.taken:
            return node.name
        self.taken.add(base)
        return base

    def add_new(self, kind: str, place: str, reads: Sequence[int], **options: Any) -> int:
        """A layer that the old network has not."""
        name = unique(number_name(kind, f"{place}/" if place else "", self.taken), self.taken)
        self.taken.add(name)
        return self.b.append(Node(name, self.layer(kind, **options), tuple(reads)))

    def layer(self, kind: str, **options: Any) -> Layer:
        return KINDS[kind].load()(kind=kind, **options)

    def as_it_was(self, value: int) -> View:
        """A layer that sees what was moved, as it is."""
        node = self.graph.nodes[value - self.first]
        place = node.name.rpartition("/")[0]
        reads = [self.make(self.view(v), place) for v in node.reads]
        return plain(self.add(value, node.layer, reads), self.graph.shape(value))

    def make(self, view: View, place: str) -> int:
        """The value that a view shows, moved there once."""
        shape = self.b.shapes[view.value]
        if view == plain(view.value, shape):
            return view.value
        if view not in self.made:
            parts, order, out = steps_of(view, shape)
            value = view.value
            turned = self.order_of(view)
            if turned is not None:
                value = self.add_new("permute", place, [value], order=turned)
            elif order != tuple(sorted(order)):
                if parts != shape:
                    value = self.add_new("reshape", place, [value], shape=parts)
                value = self.add_new("permute", place, [value], order=order)
            if self.b.shapes[value] != out and len(out) == 1:
                value = self.add_new("flatten", place, [value])
            elif self.b.shapes[value] != out:
                value = self.add_new("reshape", place, [value], shape=out)
            self.made[view] = value
        return self.made[view]


def remarks_on(nodes: Sequence[Node], graph: Graph, first: int) -> list[str]:
    """What is to be said of numbers that a program stores for every pair of positions."""
    pairs = [node for node in nodes if node.layer.kind == "attention" and vars(node.layer)["pair_bias"]]
    if not pairs:
        return []
    shapes = graph.replace(nodes=tuple(nodes), outputs=(first,), groups={}, expectations=())
    stored = relative = 0
    for node in pairs:
        x = shapes.shape(node.reads[0])
        heads, window = vars(node.layer)["heads"], cast("Attention", node.layer).windows(x[1:])
        stored += heads * prod(window) ** 2
        relative += heads * prod(2 * w - 1 for w in window)
    text = _(
        "attention stores {stored:,} numbers, one for every pair of positions; by distances, as relative_bias, they "
        "would be {relative:,}",
        stored=stored,
        relative=relative,
    )
    return [text]


def letter(axis: int, shape: Shape) -> str:
    """What an axis of a shape is called in a spec."""
    letters = "c" + SPATIAL.get(len(shape), "")
    return letters[axis] if len(letters) == len(shape) else str(axis)


def cut_axis(axis: Axis, part: Part, size: int) -> Axis:
    """An axis of a view of which a part is shorter."""
    shorter = (p._replace(size=size) if p == part else p for p in axis)
    return tuple(p for p in shorter if p.size > 1)
