"""The hull of what every unit of every layer sees, along each axis, at the size of the image: one pass forward.

A unit's hull goes from the lowest to the highest over the taps that exist, so that it is exact at borders too, where
a formula that is cut off at the border is not. Channels that see different things are told apart. Indices of pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import NamedTuple

from cnncalc.analysis.fields.reads import Book
from cnncalc.analysis.fields.sets.regions import places_of, whole
from cnncalc.layers.base import POINTWISE, WHOLE, Shape
from cnncalc.layers.elements import EVERY, Channels, Permuted, Read, Step
from cnncalc.layers.windows import Listed, Window

NOTHING = 1 << 62  # the lowest pixel of a unit that sees none; its highest is -1
LONGEST_AXIS = 2**18  # places along an axis whose hulls are listed
LONGEST_VECTOR = 2**21  # elements of a flattened map
Pick = Callable[..., int]  # min or max


class Ends(NamedTuple):
    """For every place along an axis the first and the last pixel that is seen."""

    lo: list[int]
    hi: list[int]

    def at(self, place: int) -> tuple[int, int] | None:
        """(first, last), or None where nothing is seen."""
        return (self.lo[place], self.hi[place]) if self.hi[place] >= 0 else None


Axes = tuple[Ends, ...]  # for each axis of the image
# Channels that see alike, as bits. In a map place i of an axis is a row of units, in a vector a single one: there
# all axes of the image are as long as the vector, and the channels are one class.
Hulls = list[tuple[int, Axes]] | None  # None: not known


def unit_hulls(book: Book, source: int) -> list[Hulls]:
    """For each value, from the inputs on, what its units see of the input with this number, which has axes.

    An empty list where nothing of the input arrives; None for maps too long to be listed, and what reads them.
    """
    graph = book.graph
    found: list[Hulls] = [[] for _ in graph.inputs]
    shape = list(graph.inputs.values())[source]
    origin = tuple(Ends(list(range(n)), list(range(n))) for n in shape[1:]) if max(shape[1:]) <= LONGEST_AXIS else None
    found[source] = None if origin is None else [(whole(shape[0]), origin)]
    passing = Passing(book, len(shape) - 1)
    for number, node in enumerate(graph.nodes):
        found.append(passing.behind(number, [found[v] for v in node.reads]))
    return found


class Passing:
    """One pass; what steps make of the same hulls is worked out once."""

    def __init__(self, book: Book, axes: int) -> None:
        self.book = book
        self.axes = axes
        self._steps: dict[tuple[int, int, int], tuple[Ends, Ends]] = {}

    def behind(self, number: int, seen: list[Hulls]) -> Hulls:
        """The hulls of a node's units, from those of what it reads."""
        reads, output = self.book.of(number), self.book.graph.facts[number].output
        shapes = self.book.shapes(self.book.graph.nodes[number])
        if not isinstance(reads, list):
            if not seen[0] or isinstance(reads, Permuted):
                # `[] and None` is []: where nothing arrives nothing comes out, whatever the order.
                return seen[0] and None
            return self.reshape(seen[0], shapes[0], output)
        if max(output) > LONGEST_VECTOR or max(output[1:], default=0) > LONGEST_AXIS:
            return None
        parts: list[tuple[int, Axes]] = []
        for read in reads:
            hulls = seen[read.source]
            if hulls is None:
                return None
            if not hulls:  # nothing of the image comes this way
                continue
            if len(output) == 1:
                parts += self.into_vector(read, hulls, shapes[read.source], output[0])
            elif len(shapes[read.source]) != self.axes + 1 or len(output) != self.axes + 1:
                return None
            else:
                parts += self.into_map(read, hulls, shapes[read.source][0], output)
        return make_disjoint(parts)

    def into_map(self, read: Read, hulls: list[tuple[int, Axes]], c: int, output: Shape) -> list[tuple[int, Axes]]:
        """What one read brings to a map."""
        return [
            (readers, tuple(self.along(e, s, m) for e, s, m in zip(axes, read.steps, output[1:], strict=True)))
            for readers, axes in classes(read.channels, hulls, output[0])
        ]

    def into_vector(self, read: Read, hulls: list[tuple[int, Axes]], shape: Shape, m: int) -> list[tuple[int, Axes]]:
        """What one read brings to a vector: from a map, all of the channels that are read."""
        if len(shape) > 1:
            parts = [(readers, find_span(axes)) for readers, axes in classes(read.channels, hulls, m)]
        elif isinstance(read.channels, int):
            shift = read.channels
            places = [i + shift if 0 <= i + shift < shape[0] else -1 for i in range(m)]
            return [(whole(m), tuple(pick_places(ends, places) for ends in axes)) for _all, axes in hulls]
        else:
            rows = [(whole(m), whole(shape[0]))] if read.channels == EVERY else read.channels
            assert not isinstance(rows, str)
            parts = []
            for readers, elements in rows:
                for _all, axes in hulls:
                    part = elements != whole(shape[0])
                    some = tuple(pick_places(e, places_of(elements)) for e in axes) if part else axes
                    parts.append((readers, find_span(some)))
        if not parts:
            return []
        found = tuple(Ends([NOTHING] * m, [-1] * m) for _ in range(self.axes))
        for readers, spans in parts:
            for place in places_of(readers):
                for ends, span in zip(found, spans, strict=True):
                    ends.lo[place] = min(ends.lo[place], span[0])
                    ends.hi[place] = max(ends.hi[place], span[1])
        return [(whole(m), found)]

    def along(self, ends: Ends, step: Step, m: int) -> Ends:
        """The hulls of the m units behind one step along one axis."""
        if step == POINTWISE:
            return ends
        key = (id(ends), id(step), m)
        if key not in self._steps:
            lo, hi = (
                step_ends(e, step, m, pick, none)
                for e, pick, none in zip(ends, (min, max), (NOTHING, -1), strict=False)
            )
            self._steps[key] = Ends(lo, hi), ends  # kept, so that no identity is used again
        return self._steps[key][0]

    def reshape(self, hulls: list[tuple[int, Axes]], shape: Shape, output: Shape) -> Hulls:
        """The same elements in the same order: known of a vector, and where all of them see the same."""
        length = output[0]
        if len(output) == 1 and length <= LONGEST_VECTOR:
            if len(shape) == 1:
                return hulls
            if len(shape) != self.axes + 1:
                return None
            return [(whole(length), tuple(lay_out(hulls, shape, axis) for axis in range(self.axes)))]
        spans = find_spans([axes for _mask, axes in hulls])
        alike = all(
            set(e.lo) == {lo} and set(e.hi) == {hi}
            for _mask, axes in hulls
            for e, (lo, hi) in zip(axes, spans, strict=True)
        )
        if not alike or len(output) != self.axes + 1 or sum(mask for mask, _ in hulls) != whole(shape[0]):
            return None
        axes = tuple(Ends([lo] * m, [hi] * m) for (lo, hi), m in zip(spans, output[1:], strict=True))
        return [(whole(output[0]), axes)]


def classes(channels: Channels, hulls: list[tuple[int, Axes]], filters: int) -> list[tuple[int, Axes]]:
    """(readers, what they read) for channels that read alike."""
    if channels == EVERY:
        return [(whole(filters), merge_hulls([axes for _mask, axes in hulls]))] if hulls else []
    if isinstance(channels, int):
        found = []
        for mask, axes in hulls:
            # Output o reads input o + channels, so that readers lie that much below what they read.
            readers = (mask >> channels if channels >= 0 else mask << -channels) & whole(filters)
            found += [(readers, axes)] if readers else []
        return found
    assert isinstance(channels, tuple)
    by_read: dict[tuple[int, ...], int] = {}
    for readers, read in channels:
        which = tuple(i for i, (mask, _axes) in enumerate(hulls) if mask & read)
        if which:
            by_read[which] = by_read.get(which, 0) | readers
    return [(readers, merge_hulls([hulls[i][1] for i in which])) for which, readers in by_read.items()]


def make_disjoint(parts: list[tuple[int, Axes]]) -> list[tuple[int, Axes]]:
    """Parts that may share channels as classes that do not; those that see alike are one."""
    found: list[tuple[int, Axes]] = []
    taken = 0
    for mask, axes in parts:
        if not taken & mask:  # as of what is stacked
            taken |= mask
            found += [(mask, axes)] if mask else []
            continue
        taken |= mask
        new: list[tuple[int, Axes]] = []
        for known, other in found:
            common = known & mask
            if common:
                new.append((common, merge_hulls([other, axes])))
                mask ^= common
                known ^= common
            new += [(known, other)] if known else []
        found = new + ([(mask, axes)] if mask else [])
    by_axes: dict[object, tuple[int, Axes]] = {}
    for mask, axes in found:
        if any(max(ends.hi) < 0 for ends in axes):
            continue  # along one axis nothing is seen: then nothing at all
        key = tuple([(tuple(ends.lo), tuple(ends.hi)) for ends in axes]) if len(found) > 1 else None
        others = by_axes.get(key)
        by_axes[key] = (mask, axes) if others is None else (others[0] | mask, others[1])
    return list(by_axes.values())


def merge_hulls(several: Sequence[Axes]) -> Axes:
    """The hulls of units that see what several others see."""
    if len({id(axes) for axes in several}) == 1:
        return several[0]
    found = []
    for along in zip(*several, strict=True):
        different = list({id(ends): ends for ends in along}.values())
        if len(different) == 1:
            found.append(different[0])
        else:
            found.append(Ends(list(map(min, *(e.lo for e in different))), list(map(max, *(e.hi for e in different)))))
    return tuple(found)


def step_ends(values: list[int], step: Step, m: int, pick: Pick, none: int) -> list[int]:
    """For each of the m units behind a step the least, or most, of the values that it reads."""
    if step == WHOLE:
        return [pick(values)] * m
    if isinstance(step, Window):
        k, s, before, d = (*step[:2], step.before, step.dilation)
        length = (m - 1) * s + (k - 1) * d + 1
        # Padding below 0 cuts places off.
        there = values[max(0, -before) :]
        padded = [none] * max(0, before) + there
        padded = padded[:length] + [none] * (length - len(padded))
        # At every place first and then every s-th: the doubling below needs all of them.
        return slide(padded, k, d, pick)[::s]
    if isinstance(step, Listed):
        if all(isinstance(reads, range) for reads in step.reads):
            return over_ranges(values, step.reads, pick, none)
        return [pick((values[x] for x in reads), default=none) for reads in step.reads]
    assert not isinstance(step, str)
    found, up, n = [none] * m, len(step.taps), len(values)
    for phase, taps in enumerate(step.taps):
        units = range(len(range(phase, m, up)))
        found[phase::up] = [pick((values[q + t] for t in taps if 0 <= q + t < n), default=none) for q in units]
    return found


def over_ranges(values: list[int], ranges: Sequence[Sequence[int]], pick: Pick, none: int) -> list[int]:
    """For each range of places the least, or most, of their values: of the two stretches of 2^i that make it up."""
    stretches = [values]
    while 2 ** len(stretches) <= max(map(len, ranges), default=0):
        # stretches[i][p] is over the 2^i places from p on; two of them, which may overlap, make up any range.
        half = 2 ** (len(stretches) - 1)
        stretches.append(list(map(pick, stretches[-1], stretches[-1][half:])))
    found = []
    for places in ranges:
        level = len(places).bit_length() - 1
        ends = (places[0], places[-1] + 1 - 2**level) if places else ()
        found.append(pick((stretches[level][i] for i in ends), default=none))
    return found


def slide(values: list[int], times: int, step: int, pick: Pick) -> list[int]:
    """At each place the least, or most, of `times` values, `step` apart."""
    done = 1
    while done < times:
        # Doubled, and the rest: 13 is 1, 2, 4, 8 and 5 more. What overlaps does no harm to a least or a most.
        more = min(done, times - done)
        values = list(map(pick, values, values[more * step :]))
        done += more
    return values


def pick_places(ends: Ends, places: Iterable[int]) -> Ends:
    """The hulls at these places; -1 is nowhere."""
    pairs = [(ends.lo[i], ends.hi[i]) if i >= 0 else (NOTHING, -1) for i in places]
    return Ends([lo for lo, _hi in pairs], [hi for _lo, hi in pairs])


def find_span(axes: Axes) -> list[tuple[int, int]]:
    """For each axis the first and the last pixel that any unit sees."""
    return [(min(ends.lo), max(ends.hi)) for ends in axes]


def find_spans(several: Sequence[Axes]) -> list[tuple[int, int]]:
    """The same of several classes."""
    along = zip(*map(find_span, several), strict=True)
    return [(min(lo for lo, _ in spans), max(hi for _, hi in spans)) for spans in along]


def lay_out(hulls: list[tuple[int, Axes]], shape: Shape, axis: int) -> Ends:
    """The hulls along one axis of the image of all units of a map, row by row."""
    sizes = shape[1:]
    outer, inner = prod(sizes[:axis]), prod(sizes[axis + 1 :])
    nothing = Ends([NOTHING] * prod(sizes), [-1] * prod(sizes))
    per_class = []
    for mask, axes in hulls:
        # Row by row, 2x3 along the rows is 0 0 0 1 1 1: each place as often as there are places behind it.
        blank = blanks(axes)
        ends = tuple(
            [
                none if gone else v
                for v, gone in zip([v for v in values for _ in range(inner)] * outer, blank, strict=True)
            ]
            for values, none in zip(axes[axis], (NOTHING, -1), strict=False)
        )
        per_class.append((mask, Ends(*ends)))
    lo: list[int] = []
    hi: list[int] = []
    for c in range(shape[0]):
        ends_of = next((ends for mask, ends in per_class if mask >> c & 1), nothing)
        lo += ends_of.lo
        hi += ends_of.hi
    return Ends(lo, hi)


def blanks(axes: Axes) -> list[bool]:
    """For each unit of a map whether it sees nothing along some axis, and so nothing at all."""
    found = [False]
    for ends in axes:
        found = [gone or hi < 0 for gone in found for hi in ends.hi]
    return found
