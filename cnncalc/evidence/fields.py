"""Receptive fields measured by running windows over planes of indices: the probe reach.

Two planes go through the forward pass for each axis: the highest input index that a unit depends on, and minus
the lowest. What is combined takes the larger, padding and weights of 0 pass nothing on. Units near a border see
less, so the network runs on an image long enough that its middle sees no border; the other axes are kept short.
A network that fits its own size alone is run on that: there a border may have cut off what is claimed, and then
nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, prod
from typing import Any, NamedTuple

import numpy as np

from cnncalc import reference
from cnncalc.analysis.fields.forward import TELLING, Seen
from cnncalc.errors import CnncalcError
from cnncalc.evidence.arrays import Hulls, Narrow, Sets, run_watched
from cnncalc.evidence.counts import catch_stop
from cnncalc.evidence.size import ANYWHERE, bytes_needed, memory_to_be_had
from cnncalc.graph import Graph
from cnncalc.language import _, n_
from cnncalc.layers.base import Shape
from cnncalc.reference.base import Array

# What an axis grows by, the first that the jumps divide: then `same` pads as it does on the image itself.
LENGTHENINGS = (60, 120, 240, 480, 960)
SHORTEST = (1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256)  # tried in turn for the axes that are not looked at
LONGEST_PERIOD = 64  # phases that are told apart
LARGEST = 400_000_000  # elements of planes in one run
LARGEST_WIDE = 60_000_000  # of one that is wide along all axes
WIDTHS = (3, 1)  # what the width of such an image is divided by, in turn: mostly a little is enough
LONGEST_WIDE = 16_384  # of an axis of that, or channels: a sequence, or what looks at neighbours, goes one by one


class Part(NamedTuple):
    """Channels of a map that are claimed to see the same; `last` None: all of them, and what is claimed is their hull.

    claim  sizes, jumps and starts per axis, as in a report; None: nothing of the input arrives
    """

    first: int
    last: int | None
    claim: Seen | None

    def along(self, axis: int) -> Claim | None:
        """What is claimed along one axis."""
        if self.claim is None or len(self.claim.size) <= axis:
            return None
        size, jump, start, tied, exact = self.claim
        return Claim(size[axis], jump[axis], start[axis], axis in tied, axis in exact)


Claimed = Sequence[Sequence[Part]]  # for each node


class Claim(NamedTuple):
    """What is claimed along one axis; None where nothing is.

    tied   it is that of this size of the input
    exact  to the pixel, cut off at borders
    """

    size: int | None
    jump: Any
    start: int | None
    tied: bool = False
    exact: bool = False

    @property
    def of_this_size(self) -> bool:
        """Whether it may hold at no other size. That nothing is seen is said of a map that ends anywhere as it does."""
        return self.tied and (self.exact or self.size != 0)


class Field(NamedTuple):
    """What interior units see along one axis. None: could not be measured.

    whole    all of them see all of it
    nothing  none of them sees anything
    """

    size: int | None
    jump: Fraction | None = None
    start: int | None = None
    whole: bool = False
    nothing: bool = False
    reason: str = ""


MAY_BE_CUT = n_("the network fits no longer image, and the border of {n} pixels may cut off what a unit sees")
WHOLE_AXIS = Field(None, start=0, whole=True, reason=n_("a unit sees the whole axis"))


class NoWeights(Mapping[str, Array]):
    """Weights whose values do not matter: arrays of the right shape that take no memory.

    One that comes out by itself depends on no pixel, in the way in which the probe's arrays say that.
    """

    def __init__(self, graph: Graph, probe: Any) -> None:  # Hulls, Sets, or what else remembers where from
        self.weights = reference.Drawn(graph).weights
        self.probe = probe

    def __getitem__(self, name: str) -> Array:
        weight = self.weights[name]
        if weight.value:
            return np.full(weight.shape, self.probe.nothing, dtype=self.probe.numbers).view(self.probe)
        # Strides of 0: one number in memory, however large the shape.
        return np.broadcast_to(np.float32(1), weight.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __len__(self) -> int:
        return len(self.weights)


def with_inputs(graph: Graph, inputs: Mapping[str, Shape]) -> Graph:
    """The same layers on other input shapes. Raises ShapeError where they do not fit."""
    return Graph(
        name=graph.name, inputs=inputs, nodes=graph.nodes, outputs=graph.outputs, groups=graph.groups, as_written=False
    )


def measure_fields(graph: Graph, source: str, claimed: Claimed) -> list[list[tuple[Field, ...] | None]]:
    """For each node and each of its parts what interior units see of the input `source`, per axis.

    None where nothing reaches them. `claimed` tells how long an image has to be, and on one that cannot be longer
    where a border may have cut.
    """
    shape = graph.inputs[source]
    if len(shape) == 1:
        return [[()] * len(parts) for parts in claimed]  # a vector has no axes to look along
    axes = range(len(shape) - 1)
    longer = [lengthen(graph, source, axis, shape[1 + axis] + longer_by(claimed, axis)) for axis in axes]
    ends = find_ends(graph, longer)
    per_axis = [measure_axis(graph, source, axis, claimed, longer[axis], ends) for axis in axes]
    found: list[list[tuple[Field, ...] | None]] = []
    for of_node in zip(*per_axis, strict=True):
        found.append([])
        for fields in zip(*of_node, strict=True):
            # What sees nothing along one axis, at any size, cannot be measured along the others either.
            reason = _("units in the middle see nothing")
            known = [Field(None, nothing=True, reason=reason) if field is None else field for field in fields]
            found[-1].append(tuple(known) if any(field is not None for field in fields) else None)
    return found


def find_ends(graph: Graph, longer: Sequence[Graph | None]) -> list[list[bool]]:
    """For each value, along each axis, whether the map has as many units on an image that is longer along it.

    longer  the network on such an image, per axis; None where it fits none: then the map is taken to go on
    """
    values = range(len(graph.inputs) + len(graph.nodes))
    ranks = [len(graph.shape(v)) - 1 for v in values]
    return [
        [
            axis < ranks[v] and there is not None and there.shape(v)[1 + axis] == graph.shape(v)[1 + axis]
            for axis, there in enumerate(longer)
        ]
        for v in values
    ]


def measure_axis(
    graph: Graph, source: str, axis: int, claimed: Claimed, longer: Graph | None, ends: Sequence[Sequence[bool]]
) -> list[list[Field | None]]:
    """The fields along one axis of one input.

    longer  the network on an image that is long along the axis; None where it fits none
    ends    of every value the axes along which it ends, as `find_ends` says

    The image is long along the axis and narrow along the others. On narrow axes a dilated kernel may pass over the
    map; what is not as claimed there is looked at once more on an image that is large along all axes.
    """
    n = graph.inputs[source][1 + axis]
    along = [[part.along(axis) for part in parts] for parts in claimed]
    if longer is None:
        return run_axis(graph, source, axis, claimed)
    fields = run_axis(longer, source, axis, claimed, n, ends)
    tied = [any(claim is not None and claim.of_this_size for claim in claims) for claims in along]
    # Behind a layer that does something else on this size, a longer image tells of another network.
    bound = find_bound(graph, longer, axis, tied)
    if any(bound):
        own = run_axis(graph, source, axis, claimed)
        fields = [here if tied else there for tied, here, there in zip(bound, own, fields, strict=True)]
    for share in WIDTHS:
        open_nodes = [i for i, of in enumerate(zip(fields, along, bound, strict=True)) if doubtful(*of)]
        wide = widen(graph, source, axis, longer.inputs[source][1 + axis], claimed, share) if open_nodes else None
        if wide is None:
            continue
        # The run ends at the last node in doubt.
        again = run_axis(wide, source, axis, claimed[: open_nodes[-1] + 1], n, ends)
        for i in open_nodes:
            fields[i] = again[i]
    return fields


def doubtful(fields: Sequence[Field | None], claims: Sequence[Claim | None], bound: bool) -> bool:
    """Whether what was measured of a node on a narrow image is not as claimed."""
    if bound:
        return False
    for field, claim in zip(fields, claims, strict=True):
        if claim is None:
            continue
        if field is None or field.nothing:
            return True
        pairs = ((field.size, claim.size), (field.jump, claim.jump), (field.start, claim.start))
        if any(a is not None and b is not None and a != b for a, b in pairs):
            return True
    return False


def longer_by(claimed: Claimed, axis: int) -> int:
    """How much longer an image has to be so that the largest claimed field fits three times."""
    jumps = [claim.jump or 1 for parts in claimed for part in parts if (claim := part.along(axis))]
    step = next((step for step in LENGTHENINGS if all(step % jump == 0 for jump in jumps)), LENGTHENINGS[-1])
    # Rounded up to whole steps: a field of 43 takes 129 pixels, at steps of 60 that is 180.
    return step * -(-3 * largest(claimed, axis) // step)


def largest(claimed: Claimed, axis: int) -> int:
    """The largest field that is claimed along an axis, at least one pixel."""
    return max((c.size or 1 for parts in claimed for part in parts if (c := part.along(axis))), default=1)


def room(claimed: Claimed, axis: int) -> int:
    """Pixels for a few units of the map with the largest jump, so that one of each phase lies in the middle."""
    jumps = (c.jump for parts in claimed for part in parts if (c := part.along(axis)) and c.jump is not None)
    return 8 * ceil(max(jumps, default=1))


def widen(graph: Graph, source: str, axis: int, length: int, claimed: Claimed, share: int) -> Graph | None:
    """The network on an image that is long along all axes, or as wide as its own; None where that is too large.

    share  of the width that would do for sure, so much: 1, or a part of it
    """
    more = length - graph.inputs[source][1 + axis]
    others = [
        more if a == axis else -(-(largest(claimed, a) + room(claimed, a)) // share)
        for a in range(len(graph.inputs[source]) - 1)
    ]
    inputs = {
        name: (c, *(n + others[a] if a < len(others) else n for a, n in enumerate(size)))
        for name, (c, *size) in graph.inputs.items()
    }
    try:
        wide = with_inputs(graph, inputs)
        if small_enough(wide, LARGEST_WIDE) and all(max(facts.output) <= LONGEST_WIDE for facts in wide.facts):
            return wide
    except CnncalcError:
        pass
    return lengthen(graph, source, axis, length, (None,)) if share == 1 else None


def lengthen(
    graph: Graph, source: str, axis: int, length: int, sides: Sequence[int | None] = (*SHORTEST, None)
) -> Graph | None:
    """The network on a long image, as narrow as it can be; None where its layers fit their own size alone."""
    for side in sides:
        inputs = {}
        for name, (c, *size) in graph.inputs.items():
            narrow = [n if side is None else min(n, side) for n in size]
            if len(size) > axis:
                # All inputs grow by as much, so that what met before still meets.
                narrow[axis] = size[axis] + length - graph.inputs[source][1 + axis]
            inputs[name] = (c, *narrow)
        try:
            longer = with_inputs(graph, inputs)
        except CnncalcError:
            continue
        return longer if small_enough(longer, LARGEST) else None
    return None


def small_enough(graph: Graph, most: int) -> bool:
    """Whether a network that grew with its image has few enough elements, and this machine the memory for it."""
    needed = bytes_needed(graph)
    available = None if needed <= ANYWHERE else memory_to_be_had()
    return (available is None or needed < available) and sum(prod(facts.output) for facts in graph.facts) < most


def find_bound(graph: Graph, other: Graph, axis: int, tied: Sequence[bool]) -> list[bool]:
    """For each node whether it, or one before it, does something else on another size, as adaptive pooling does.

    `tied` says which claims are those of one size.
    """
    first = len(graph.inputs)
    bound = [False] * first
    for node, here, there, own in zip(graph.nodes, graph.facts, other.facts, tied, strict=True):
        moves = [
            f.reach[axis] if isinstance(f.reach, tuple) and len(f.reach) > axis else f.reach for f in (here, there)
        ]
        # A part of a vector, or its elements in another order, are others of a longer one.
        other_elements = len(here.output) == 1 and here.output != there.output and node.layer.channels in TELLING
        changed = None in moves or moves[0] != moves[1] or other_elements
        bound.append(own or changed or any(bound[v] for v in node.reads))
    return bound[first:]


def run_axis(
    graph: Graph,
    source: str,
    axis: int,
    claimed: Claimed,
    n: int | None = None,
    ends: Sequence[Sequence[bool]] = (),
) -> list[list[Field | None]]:
    """Planes of indices through the network; a field that sees everything counts n, if this is a longer image.

    `claimed` says which channels are looked at, and where a border may have cut: of all nodes, or of the first ones,
    behind which the run ends. On the own image padding is what it is: no unit sees more there than it does. `ends`:
    along which axes each value ends on any image, where this is a longer one.
    """
    probe = Hulls if n is None else Narrow.along(axis)
    planes = index_planes(graph, source, axis, probe)
    length, rank = graph.inputs[source][1 + axis], len(graph.inputs[source]) - 1
    own = length if n is None else n
    found: list[list[Field | None]] = []
    with np.errstate(all="ignore"), catch_stop() as failure:
        steps = run_watched(graph, planes, NoWeights(graph, probe))
        for parts, node in zip(claimed, graph.nodes, strict=False):
            if n is not None:
                probe.ends = [any(along) for along in zip(*(ends[v] for v in node.reads), strict=True)]
            _node, y, _alive = next(steps)
            # Whole or not at all: a run that stops within a layer has measured nothing of it.
            seen: list[Field | None] = []
            for part, low, high, in_map in ends_of(np.asarray(y), parts, axis, rank):
                claim = part.along(axis)
                if not np.isfinite(high).any():
                    seen.append(None)
                elif in_map:
                    seen.append(in_a_map(low, high, length, own, claim))
                else:
                    seen.append(somewhere(low.ravel(), high.ravel(), length, own, claim))
                if seen[-1] is None and length == own and claim is not None:
                    seen[-1] = Field(None, nothing=True, reason=_(MAY_BE_CUT, n=own))
            found.append(seen)
    left = [Field(None, reason=text) for text in failure]
    found += [[*left] * len(parts) for parts in claimed[len(found) :]]
    return found


def ends_of(y: Array, parts: Sequence[Part], axis: int, rank: int) -> Iterator[tuple[Part, Array, Array, bool]]:
    """For each part of what came out what its channels see along an axis: lowest, highest index, and whether of a map.

    Of all channels of a map their hull, (positions,), of some each by itself, (channels, positions). What is no map
    any more is left as it is.

    y  (2, ...): sample 0 carries the highest index, sample 1 minus the lowest, so that taking the larger serves both
    """
    rows = None  # (2, C, positions): of a map with 200 channels a run for each of them reads it once
    for part in parts:
        maps = y
        if part.last is not None and y.ndim > 2 + rank:  # channels on several axes, one after the other
            maps = y.reshape(2, -1, *y.shape[y.ndim - rank :])
        in_map = maps.ndim == 2 + rank
        others = tuple(i for i in range(2, maps.ndim) if i != 2 + axis)
        if not in_map:
            some = maps[:, part.first : part.last]
        elif part.last is None:
            some = maps.max(axis=(1, *others), initial=-np.inf)  # a map that came out empty sees nothing
        else:
            rows = maps.max(axis=others, initial=-np.inf) if rows is None else rows
            some = rows[:, part.first : part.last]
        yield part, -some[1], some[0], in_map


def in_a_map(low: Array, high: Array, length: int, n: int, claim: Claim | None) -> Field:
    """What units see along an axis of a map, (positions,) or, channel by channel, (channels, positions).

    Of channels that are said to see the same what each sees, and if one of them does not see what is claimed, that.
    """
    if low.ndim == 1:
        return interior(low, high, length, n, claim)
    rows = np.stack([low, high], axis=1)
    # Thousands of channels see the same: the equal ones go before what is left is put in order.
    different = np.unique(list({row.tobytes(): row for row in rows}.values()), axis=0)
    fields = [interior(ends[0], ends[1], length, n, claim) for ends in different]
    return next((f for f in fields if claim is not None and f.size not in (None, claim.size)), fields[0])


def index_planes(graph: Graph, source: str, axis: int, probe: type[Hulls]) -> list[Array]:
    """For each input of the network two planes: the indices along an axis of `source`, and minus these."""
    planes: list[Array] = []
    for name, shape in graph.inputs.items():
        # Less than any index: what is not looked at never is the larger.
        plane = np.full((2, *shape), -np.inf, dtype=np.float32)
        if name == source:
            along = np.arange(shape[1 + axis], dtype=np.float32)
            along = along.reshape(-1, *(1,) * (len(shape) - 2 - axis))
            plane[0], plane[1] = along, -along
        planes.append(plane.view(probe))
    return planes


def interior(low: Array, high: Array, length: int, n: int, claim: Claim | None) -> Field:
    """Size, jump and start of the units in the middle third of an axis of `length` pixels."""
    units = len(low)
    middle = range(units // 3, max(units // 3 + 1, 2 * units // 3))
    lows, highs = low[middle.start : middle.stop], high[middle.start : middle.stop]
    sees = np.isfinite(highs)
    if not sees.any():
        return Field(None, nothing=True, reason=_("units in the middle see nothing"))
    if length == n:
        return at_own_size(low, high, middle, n, claim)
    size = int((highs[sees] - lows[sees]).max()) + 1
    # What touches the border may have been cut there, and its size says nothing.
    at_border = (lows[sees] <= 0).any() or (highs[sees] >= length - 1).any() or 2 * size > length
    if at_border or stays(lows[sees]) or stays(highs[sees]):
        if sees_all(low, high, length):  # of a recurrent layer the last unit alone
            return WHOLE_AXIS._replace(size=n)
        return Field(
            None, reason=_("what units in the middle see reaches the border of {length} pixels", length=length)
        )
    # Behind upsampling fields repeat: `period` units further on, `step` pixels further on.
    period, step = period_of(lows, highs)
    if not period:
        return Field(size, reason=_("too few units lie in the middle"))
    unit = -(-middle.start // period) * period  # of the same phase as unit 0
    start = int(low[unit]) - unit // period * step if np.isfinite(high[unit]) else None
    return Field(size, Fraction(step, period), start, reason="" if start is not None else _("unit 0 sees nothing"))


def stays(ends: Array) -> bool:
    """Whether fields that should move along do not: strides may pass over the first pixel of an image, or the last."""
    return len(ends) > 1 and bool((ends == ends[0]).all())


def sees_all(low: Array, high: Array, length: int) -> bool:
    """Whether some unit of a long image sees most of it. All of it is too much to ask: strides pass over the ends.

    A field that is claimed is not a third as long, one that is larger than it is claimed is no claim of the whole.
    """
    return bool((2 * (high - low) >= length).any())


def at_own_size(low: Array, high: Array, units: range, n: int, claim: Claim | None) -> Field:
    """What can be said on the network's own image: a field is at least as large as what some unit sees.

    What is larger than claimed contradicts the claim, what is equal agrees, and what is smaller says nothing: the
    border may have cut it, or the largest is not among so few units. A claim that is exact has to be met. So it is with
    the first pixel that unit 0 sees, which is not before the one that is claimed.
    """
    lows, highs = low[units.start : units.stop], high[units.start : units.stop]
    sees = np.isfinite(highs)
    size = int((highs[sees] - lows[sees]).max()) + 1
    if claim is None or claim.size is None:
        return Field(None, reason=_(MAY_BE_CUT, n=n))
    if claim.exact:
        return Field(size, start=int(lows[sees].min()), reason=_(MAY_BE_CUT, n=n))
    whole = claim.size == n and bool(((low == 0) & (high == n - 1)).any())
    start = int(low[0]) if claim.start is not None and np.isfinite(low[0]) and low[0] <= claim.start else None
    return Field(n if whole else size if size >= claim.size else None, start=start, reason=_(MAY_BE_CUT, n=n))


def period_of(lows: Array, highs: Array) -> tuple[int, int]:
    """(units, pixels) after which fields repeat: the fewest that fit; (0, 0) if there are none."""
    for period in range(1, min(LONGEST_PERIOD, len(lows) // 2) + 1):
        moved = np.isfinite(lows[period:]) & np.isfinite(lows[:-period])
        alike = np.isfinite(lows[period:]) == np.isfinite(lows[:-period])
        steps = np.concatenate([(ends[period:] - ends[:-period])[moved] for ends in (lows, highs)])
        if alike.all() and len(steps) and (steps == steps[0]).all():
            return period, int(steps[0])
    return 0, 0


def somewhere(low: Array, high: Array, length: int, n: int, claim: Claim | None) -> Field:
    """The size of fields that lie in no order: units of a flattened map."""
    sees = np.isfinite(high)
    if length == n:
        return at_own_size(low, high, range(len(low)), n, claim)
    first = int(low[0]) if sees[0] else None
    full = int(high[0] - low[0]) if sees[0] else -1
    ends = low, high
    low, high = low[sees], high[sees]
    widest = int((high - low).max())
    if sees_all(low, high, length):
        return WHOLE_AXIS._replace(size=n)
    inside = (low > 0) & (high < length - 1)
    if not inside.any() or int((high - low)[inside].max()) < widest:
        return Field(None, reason=_("what the units see reaches the border of {length} pixels", length=length))
    known = claim is not None and claim.start is not None and claim.start >= 0 and full == widest  # else it may be cut
    start = first if known else start_beyond(ends[0], ends[1], length, widest + 1)
    return Field(widest + 1, None, start, reason=_("unit 0 lies at the border"))


def start_beyond(low: Array, high: Array, length: int, size: int) -> int | None:
    """Where unit 0 would begin, of which the border cuts off a part: as far before its end as that of all others.

    None where units that no border cuts do not all see so many pixels, or unit 0 sees nothing.
    """
    uncut = np.isfinite(high) & (low > 0) & (high < length - 1)
    sizes = np.unique((high - low)[uncut]) + 1
    if sizes.tolist() != [size] or not np.isfinite(high[0]) or low[0] > 0 or high[0] >= length - 1:
        return None
    return int(high[0]) - size + 1


def find_seen(graph: Graph, source: str, axis: int) -> list[Array]:
    """For each node which pixels along one axis its units see: boolean, (pixels, units along the axis).

    Exact, at the network's own size, at the borders too; with as many planes as the axis has pixels.
    """
    planes = []
    pixels = graph.inputs[source][1 + axis]
    for name, shape in graph.inputs.items():
        plane = np.zeros((pixels, *shape), dtype=bool)
        if name == source:
            for i in range(pixels):
                plane[(i, slice(None), *(slice(None) if a != axis else i for a in range(len(shape) - 1)))] = True
        planes.append(Sets.pack(plane))
    found = []
    for _node, y, _alive in run_watched(graph, planes, NoWeights(graph, Sets)):
        others = tuple(i for i in range(1, y.ndim) if i != 2 + axis)
        found.append(Sets.unpack(Sets.all_of(y, others), pixels))
    return found
