"""Receptive fields: which input pixels, per axis, a unit depends on. One pass forward over any graph.

What a field is stands in fields/values.py, what a layer does to it in fields/steps.py. Here it is decided, node by
node, which of the cases of CASES a node is.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from cnncalc.analysis.fields.state import Found, Value
from cnncalc.analysis.fields.steps import advance, flatten, merge
from cnncalc.analysis.fields.values import (
    ByOrigin,
    Fields,
    Fixed,
    Grid,
    Loose,
    Units,
    Whole,
    jump_of,
    largest,
    leave_out,
)
from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, KEPT, LINKED, MIXED, PARTED, POINTWISE, STACKED, WHOLE, Reach, Shape
from cnncalc.report import Jump

TELLING = (LINKED, PARTED)  # layers whose channels read some of the channels, not all


class Seen(NamedTuple):
    """What a layer's unit sees of one input, per axis: sizes and starts in pixels, jump between neighbours.

    tied   axes on which it is that of this size of the input alone
    exact  axes, among these, on which it is what is seen to the pixel, cut off at borders
    """

    size: tuple[int | None, ...]
    jump: tuple[Jump | None, ...]
    start: tuple[int | None, ...]
    tied: tuple[int, ...] = ()
    exact: tuple[int, ...] = ()


class Visit:
    """A node that the pass has come to.

    reads, branches  the values that enter, in their order; `values` are without the gates where these do not count
    channels, reach  what the layer does to channels and to places, without the statistics of a map where these do
                     not count
    """

    __slots__ = ("channels", "number", "output", "reach", "values")

    def __init__(
        self, number: int, values: tuple[Value, ...], channels: str, reach: Reach | None, output: Shape
    ) -> None:
        self.number = number
        self.values = values
        self.channels = channels
        self.reach = reach
        self.output = output

    @property
    def several(self) -> bool:
        """Whether channels that enter may see differently."""
        return any(value.several for value in self.values)


class Pass(Found):
    """One pass forward: for each value the fields of its units on every origin that reaches it, by its number.

    origins  the values that fields are counted in, with the number that stands for each: the network's inputs
             unless said otherwise
    last     the value at which to stop
    local    without gates
    """

    def __init__(
        self, graph: Graph, *, origins: Mapping[int, int] | None = None, last: int | None = None, local: bool = False
    ) -> None:
        super().__init__(graph, {i: i for i in range(len(graph.inputs))} if origins is None else dict(origins), local)
        self._channels: Any = None
        self._folds = False  # whether the channels of some value lie on several axes
        for value, shape in enumerate(graph.inputs.values()):
            self.values.append(self._entering(value, shape))
        end = len(graph.nodes) if last is None else last + 1 - len(graph.inputs)
        # In front of what fields are counted in there is nothing to see.
        start = min(end, max(0, min(self.origins, default=0) - len(graph.inputs)))
        self.values += [Value(facts.output, {}) for facts in graph.facts[:start]]
        for number in range(start, end):
            self.values.append(self._value_of(number))

    @property
    def fields(self) -> list[ByOrigin]:
        """The fields of every value, in their order, by origin."""
        return [value.seen for value in self.values]

    @property
    def of_nodes(self) -> list[ByOrigin]:
        """The fields of every node, in their order."""
        return self.fields[len(self.graph.inputs) :]

    @property
    def by_channel(self) -> Any:
        """The same channel by channel: see fields/channels.py."""
        from cnncalc.analysis.fields.channels import ByChannel, Known  # hardly a network needs it

        if self._channels is None:
            self._channels = Known()
        return ByChannel(self, self._channels)

    def hulls_of(self, values: Sequence[int]) -> Any:
        """The first and the last element that all units of these values together see, per origin and axis."""
        from cnncalc.analysis.fields.sets.taps import hulls_of_all  # hardly a network needs it

        return hulls_of_all(self.graph, values, self.origins, self.local)

    def _entering(self, value: int, shape: Shape) -> Value:
        """What is found of an input."""
        return Value(shape, self._origin(value))

    def _origin(self, value: int) -> dict[int, Fields]:
        """What is seen of itself by a value that fields are counted in; nothing by another."""
        if value not in self.origins:
            return {}
        number = self.origins[value]
        return {number: (Grid((0,), (0,), 1),) * len(self.sizes[number])}

    def _value_of(self, number: int) -> Value:
        """What a node gives: by the first case that it is."""
        node, facts = self.graph.nodes[number], self.graph.facts[number]
        # What fields are counted in sees itself and nothing before it; stored numbers see nothing.
        if len(self.values) in self.origins or not node.reads:
            return Value(facts.output, self._origin(len(self.values)))
        if not any(self.values[v].seen for v in node.reads):
            return Value(facts.output, {})
        if self._folds and any(self.values[v].lead > 1 for v in node.reads):
            from cnncalc.analysis.fields.channel_axes import leave_channel_axes  # hardly a network needs it

            return leave_channel_axes(self, number)
        entering = tuple([self.values[v] for v in self.branches(number)])
        visit = Visit(number, entering, *self.does(number), facts.output)
        for holds, behind in CASES:
            if holds(visit):
                value = behind(self, visit)
                if value is not None:
                    return value
        raise AssertionError("the last case holds always")


Case = tuple[Callable[[Visit], bool], Callable[[Pass, Visit], Value | None]]


def is_rearranging(visit: Visit) -> bool:
    """Elements in another order, or under another shape."""
    return visit.reach is None and len(visit.values) == 1


def behind_rearranging(found: Pass, visit: Visit) -> Value | None:
    """A shuffle of channels keeps what they see, and so does a map whose places are laid out in a row; of another order
    nothing is known, which is a case below.
    """
    from cnncalc.analysis.fields.channel_axes import lay_in_a_row, rearrange  # hardly a network needs it

    if len(found.graph.nodes[visit.number].reads) > 1:  # a gate is left out here
        return None
    value = rearrange(found, visit.number) or lay_in_a_row(found, visit.number)
    found._folds |= value is not None and value.lead > 1
    return value


def reads_a_part(visit: Visit) -> bool:
    """All units of a vector that holds a part of a map are read by each."""
    return visit.reach == WHOLE and any(value.part and not all_whole(value.seen) for value in visit.values)


def all_whole(seen: ByOrigin) -> bool:
    """Whether every unit sees all that there is: then so does one that reads a part of them."""
    return all(isinstance(field, Whole) for fields in seen.values() for field in fields)


def behind_a_part(found: Pass, visit: Visit) -> Value:
    """What such units see is that of this size of the input, and counted exactly."""
    node = found.graph.nodes[visit.number]
    hulls = None
    if node.layer.elements(*(found.graph.shape(v) for v in node.reads)) is None:  # each unit reads all of them
        hulls = found.hulls_of(node.reads)
    seen: dict[int, Fields] = {}
    for i in sorted({i for value in visit.values for i in value.seen}):
        axes = len(found.sizes[i])
        if hulls is None:
            # That all are read is not said: then nothing is known.
            seen[i] = (None,) * axes
        else:
            seen[i] = tuple([Fixed(*ends) for ends in hulls[i]]) if i in hulls else (Fixed(0, -1),) * axes
    return Value(visit.output, seen)


def stacks_vectors(visit: Visit) -> bool:
    """Vectors one behind the other whose units see differently."""
    return differ(visit) and len(visit.output) == 1


def joins_places(visit: Visit) -> bool:
    """Maps side by side: every unit that comes out is one that went in, in the same channel."""
    if visit.reach is not None or visit.channels != KEPT or len(visit.values) < 2 or visit.several:
        return False
    # Nothing is added up: as many elements come out as go in.
    return sum(prod(value.shape) for value in visit.values) == prod(visit.output)


def behind_joined(_found: Pass, visit: Visit) -> Value:
    """What such units see, who lie on no grid: the largest field, and the start of unit 0."""
    from cnncalc.analysis.fields.channels import anew, largest_of  # hardly a network needs it

    seen: dict[int, Fields] = {}
    for i in sorted({i for value in visit.values for i in value.seen}):
        several = [tuple(map(flatten, value.seen[i])) for value in visit.values if i in value.seen]
        fields = [anew(largest_of(along, i in visit.values[0].seen)) for along in zip(*several, strict=True)]
        # Units that see nothing of it are among them.
        seen[i] = tuple(fields if len(several) == len(visit.values) else map(leave_out, fields))
    return Value(visit.output, seen, part=any(value.part for value in visit.values))


def stacks_maps(visit: Visit) -> bool:
    """Several inputs, element by element or one behind the other."""
    return len(visit.values) > 1


def behind_branches(found: Pass, visit: Visit) -> Value:
    """Where paths meet, the hull of all of them."""
    branches = [(v.seen, v.shape) for v in visit.values]
    seen = merge(visit.reach, visit.output, branches, found.sizes, grows=found.grows(visit.number))
    several = visit.channels != MIXED and (differ(visit) or visit.several)
    return Value(visit.output, seen, several, part=any(value.part for value in visit.values))


def differ(visit: Visit) -> bool:
    """Whether inputs are stacked that see differently."""
    first = visit.values[0].seen
    return visit.channels == STACKED and any(value.seen != first for value in visit.values[1:])


def tells_channels_apart(visit: Visit) -> bool:
    """Channels see differently, and the layer reads some of them, or lays them out in a row."""
    telling = visit.channels in TELLING or visit.reach == FLATTENED
    return telling and visit.reach is not None and visit.values[0].several


def behind_channels(found: Pass, visit: Visit) -> Value:
    """What is seen by way of the channels that are read; a part of a vector may be a part of a map."""
    number = visit.number
    part = len(visit.output) == 1 and (visit.channels in TELLING or any(value.part for value in visit.values))
    found.values.append(Value(visit.output, {}, several=True))  # the question goes back from the node itself
    seen = found.by_channel.hull(number)
    found.values.pop()
    return Value(visit.output, seen, several=True, part=part)


def always(_visit: Visit) -> bool:
    return True


def behind_one_input(found: Pass, visit: Visit) -> Value:
    """The step of a layer with one input, all of whose channels see alike or are kept apart."""
    entering = visit.values[0]
    shape, seen, several, lead, order, part = entering
    # The same object goes on, by which others know that nothing has changed.
    if visit.reach == POINTWISE and visit.channels == KEPT and visit.output == shape and order is None and lead == 1:
        return entering
    if visit.reach != POINTWISE:
        grows = found.grows(visit.number)
        seen = {i: advance(f, visit.reach, visit.output, shape, grows=grows) for i, f in seen.items()}
    apart = visit.channels == PARTED or visit.reach == FLATTENED  # units of one map are at several places of the vector
    return Value(visit.output, seen, apart or (several and visit.channels != MIXED), part=part)


# Which case a node is, the first that holds, and what it gives then; None: it is one further down.
CASES: tuple[Case, ...] = (
    (is_rearranging, behind_rearranging),
    (reads_a_part, behind_a_part),
    # These two before `stacks_maps`, which holds of any several inputs.
    (stacks_vectors, behind_channels),
    (joins_places, behind_joined),
    (stacks_maps, behind_branches),
    (tells_channels_apart, behind_channels),
    (always, behind_one_input),
)


_known: WeakKeyDictionary[Graph, list[dict[str, Seen]]] = WeakKeyDictionary()  # while anyone holds the graph


def receptive_fields(graph: Graph) -> list[dict[str, Seen]]:
    """For each node, what its units see of every input that reaches it; nobody changes what is given."""
    # A report asks, and so does whoever writes the network as a text or compares it.
    if graph not in _known:
        _known[graph] = _count_fields(graph)
    return _known[graph]


def _count_fields(graph: Graph) -> list[dict[str, Seen]]:
    names = list(graph.inputs)
    sizes = [shape[1:] for shape in graph.inputs.values()]
    rows: dict[int, dict[str, Seen]] = {}  # by the identity of what `fields` holds, which lives as long
    jumps: dict[tuple[Jump | None, ...], tuple[Jump | None, ...]] = {}  # few differ
    result = []
    fields = Pass(graph).of_nodes
    for seen in fields:
        row = rows.get(id(seen))
        if row is None:
            row = rows[id(seen)] = {names[i]: summarize(field, sizes[i], jumps) for i, field in seen.items()}
        result.append(row)
    return result


def summarize(
    fields: Fields, size: Shape, known: dict[tuple[Jump | None, ...], tuple[Jump | None, ...]] | None = None
) -> Seen:
    """Sizes, jumps and starts; a unit that sees the whole axis sees its n pixels from 0 on.

    known  the tuples of jumps that there are already, each by itself: equal ones are one object
    """
    sizes: list[int | None] = []
    starts: list[int | None] = []
    before: object = sizes  # no field
    for i, (field, n) in enumerate(zip(fields, size, strict=True)):
        if field is before and n == size[i - 1]:  # square maps are the rule
            sizes.append(sizes[-1])
            starts.append(starts[-1])
            continue
        before = field
        if isinstance(field, (Grid, Units)):
            sizes.append(largest(field))
            starts.append(field.lo[0])
        elif isinstance(field, Loose):
            sizes.append(field.size)
            starts.append(field.start)
        elif isinstance(field, Fixed):
            sizes.append(field.hi - field.lo + 1)
            starts.append(field.lo if field.hi >= field.lo else None)
        else:
            # What is left is Whole, or not known.
            sizes.append(None if field is None else n)
            starts.append(None if field is None else 0)
    tied = tuple([axis for axis, field in enumerate(fields) if isinstance(field, (Units, Fixed))])
    exact = tuple([axis for axis in tied if isinstance(fields[axis], Fixed)])
    jumps = tuple(map(jump_of, fields))
    return Seen(tuple(sizes), jumps if known is None else known.setdefault(jumps, jumps), tuple(starts), tied, exact)
