"""Effective receptive fields: how much every pixel counts for a unit, on average, in exact rationals.

Along one axis the gradient of a unit in the middle of a map is a sum over paths. With equal weights each window is a
mean of what its taps see, so that the profile is a product of such means (a sum of products on a graph), its mass 1
for a chain, its variance the sum of jump^2 d^2 (k^2 - 1) / 12. Random weights of mean 0 have gradients whose variance
has the same profile. Source: Luo, Li, Urtasun, Zemel 2016, arXiv:1701.04128.

Assumed: borders are far away; weights and channels count alike; activations pass everything on, or the same share of
it everywhere; the largest of a pool is any of them; gates and statistics of norms are left out. Branches that are
added keep their sum, so that the mass counts the paths; what is concatenated and then mixed is a mean over channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from cnncalc.analysis.fields.reads import Book, check_longest
from cnncalc.analysis.fields.sets.regions import whole
from cnncalc.analysis.fields.values import LONGEST_PERIOD
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.layers.base import POINTWISE, Shape
from cnncalc.layers.elements import Channels, Read
from cnncalc.layers.windows import Listed, Phases, Window

E = TypeVar("E")


class Algebra(Protocol[E]):
    """What is known of a profile, and how it changes; positions are pixels of the image."""

    def move(self, element: E, by: int) -> E:
        """The profile that much further on."""

    def mix(self, parts: Sequence[tuple[Fraction, E]]) -> E:
        """The sum of profiles, each times a number."""

    def sweep(self, element: E, times: int, step: int) -> E:
        """The mean of the profile and of copies `step`, 2 `step`, ... further on, `times` in all."""


class Moments(NamedTuple):
    """The sums over a profile of weight, weight times position, weight times position squared."""

    mass: Fraction
    first: Fraction
    second: Fraction

    @property
    def centre(self) -> Fraction:
        """The mean position, in pixels."""
        return self.first / self.mass

    @property
    def variance(self) -> Fraction:
        """In pixels squared."""
        return self.second / self.mass - self.centre**2


class OfMoments:
    """The algebra of moments: linear, a few operations each."""

    def move(self, element: Moments, by: int) -> Moments:
        m, first, second = element
        return Moments(m, first + by * m, second + 2 * by * first + by * by * m) if by else element

    def mix(self, parts: Sequence[tuple[Fraction, Moments]]) -> Moments:
        if len(parts) == 1 and parts[0][0] == 1:
            return parts[0][1]
        return Moments(*(sum((w * e[i] for w, e in parts), Fraction(0)) for i in range(3)))

    def sweep(self, element: Moments, times: int, step: int) -> Moments:
        if times == 1:
            return element
        m, first, second = element
        # The means of 0, step, 2 step, ... and of their squares.
        mean = Fraction(step * (times - 1), 2)
        square = Fraction(step * step * (times - 1) * (2 * times - 1), 6)
        return Moments(m, first + mean * m, second + 2 * mean * first + square * m)


class Cells(NamedTuple, Generic[E]):
    """The profiles of the units of one period, which repeats `span` pixels further on. None: sees nothing."""

    units: tuple[E | None, ...]
    span: int


Classes = list[tuple[int, Any]]  # channels as bits, and their Cells
UNKNOWN = None


class Fold(Generic[E]):
    """One pass forward along one axis of one input, in one algebra; what it finds stands in `values`."""

    def __init__(self, book: Book, source: int, axis: int, algebra: Algebra[E], origin: E, last: int) -> None:
        check_longest(book.graph)
        self.book = book
        self.axis = axis
        self.algebra = algebra
        graph = book.graph
        shape = list(graph.inputs.values())[source]
        self.rank = len(shape) - 1
        self.values: list[Classes | None] = [[] for _ in graph.inputs]
        self.values[source] = [(whole(shape[0]), Cells((origin,), 1))]
        self._kept: dict[tuple[int, str], tuple[Any, Any]] = {}
        for number in range(last - len(graph.inputs) + 1):
            self.values.append(self._behind(number))

    def _behind(self, number: int) -> Classes | None:
        """What the units of a node see; None where it is not defined."""
        graph = self.book.graph
        node, facts = graph.nodes[number], graph.facts[number]
        seen = [self.values[v] for v in node.reads]
        # Nothing of this input has come so far.
        if all(classes == [] for classes in seen):
            return []
        try:
            reads = self.book.of(number)
        except CnncalcError:
            return UNKNOWN
        if not isinstance(reads, list):
            return UNKNOWN
        parts: list[tuple[int, Fraction, Cells[E]]] = []
        for read in reads:
            classes, shape = seen[read.source], graph.shape(node.reads[read.source])
            if classes is None or read.signed or len(shape) != self.rank + 1 or len(facts.output) != len(shape):
                return UNKNOWN
            step = self._step(read, facts.reach)
            if step is None:
                return UNKNOWN
            share = Fraction(read.share) * self._beside(read)
            for readers, cells in self._mix(read.channels, classes, shape[0], facts.output[0]):
                behind = self._along(cells, step, read.weights and read.weights[self.axis])
                if behind is None:
                    return UNKNOWN
                parts.append((readers, share, behind))
        return self._add(parts)

    def _step(self, read: Read, reach: Any) -> Window | Phases | None:
        """The step along the axis, as interior units see it."""
        step = read.steps[self.axis]
        if isinstance(step, Listed):  # padding from the map itself: in the interior as padding with zeros
            step = reach[self.axis] if isinstance(reach, tuple) else step
        if step == POINTWISE:
            return Window()
        return step if isinstance(step, (Window, Phases)) else None

    def _beside(self, read: Read) -> Fraction:
        """Along the other axes, the share of the units to which this read brings anything."""
        share = Fraction(1)
        for axis, step in enumerate(read.steps):
            if axis != self.axis and isinstance(step, Phases):
                share *= Fraction(sum(1 for taps in step.taps if taps), len(step.taps))
        return share

    def _mix(self, channels: Channels, classes: Classes, c: int, filters: int) -> Iterable[tuple[int, Cells[E]]]:
        """(readers, mean over the channels that they read)."""
        if isinstance(channels, int):
            for mask, cells in classes:
                readers = (mask >> channels if channels >= 0 else mask << -channels) & whole(filters)
                if readers:
                    yield readers, cells
            return
        rows = ((whole(filters), whole(c)),) if isinstance(channels, str) else channels
        by_read: dict[tuple[tuple[int, int], ...], int] = {}
        for readers, read in rows:
            counts = tuple((i, n) for i, (mask, _cells) in enumerate(classes) if (n := (mask & read).bit_count()))
            if counts:
                # The number of channels that are read goes along as class -1: a mean over them needs it.
                counts = (*counts, (-1, read.bit_count()))
                by_read[counts] = by_read.get(counts, 0) | readers
        for counts, readers in by_read.items():
            count = counts[-1][1]
            yield readers, self._sum([(Fraction(n, count), classes[i][1]) for i, n in counts[:-1]])

    def _sum(self, parts: list[tuple[Fraction, Cells[E]]]) -> Cells[E]:
        """Cells added up; they repeat alike, or nothing is known. Raises DriftError."""
        if len(parts) == 1 and parts[0][0] == 1:
            return parts[0][1]
        period = lcm(*(len(cells.units) for _w, cells in parts))
        # Over one common period all have to move on by as much, or they drift apart.
        spans = {cells.span * (period // len(cells.units)) for _w, cells in parts}
        if len(spans) > 1 or period > LONGEST_PERIOD:
            raise DriftError
        units = []
        for o in range(period):
            there = [(w, self._at(cells, o)) for w, cells in parts]
            some = [(w, e) for w, e in there if e is not None]
            units.append(self.algebra.mix(some) if some else None)
        return Cells(tuple(units), spans.pop())

    def _at(self, cells: Cells[E], unit: int) -> E | None:
        turns, phase = divmod(unit, len(cells.units))
        element = cells.units[phase]
        return None if element is None else self.algebra.move(element, turns * cells.span)

    def _along(self, cells: Cells[E], step: Window | Phases, weights: Any) -> Cells[E] | None:
        # A window of one pixel, one by one, moves nothing.
        if isinstance(step, Window) and step[:4] == (1, 1, 0, 0):
            return cells
        # The cells are kept beside the result: as long as they live, no others get their id.
        key = (id(cells), repr((step, weights)))
        if key not in self._kept:
            if isinstance(step, Window):
                self._kept[key] = self._slide(cells, step, weights), cells
            else:
                self._kept[key] = self._stretch(cells, step, weights), cells
        return self._kept[key][0]  # type: ignore[no-any-return]

    def _slide(self, cells: Cells[E], window: Window, weights: Any) -> Cells[E]:
        k, s, before, d = window.kernel, window.stride, window.before, window.dilation
        period = len(cells.units)
        shares = weights[0] if weights else [Fraction(1, k)] * k
        # Equal taps on a plain grid, as nearly all are: one sweep.
        if not weights and period == 1 and cells.units[0] is not None:
            element = self.algebra.move(cells.units[0], -before * cells.span)
            return Cells((self.algebra.sweep(element, k, d * cells.span),), cells.span * s)
        new = period // gcd(period, s)
        units = []
        for o in range(new):
            there = [self._at(cells, o * s - before + t * d) for t in range(k)]
            some = [(w, e) for w, e in zip(shares, there, strict=True) if e is not None]
            units.append(self.algebra.mix(some) if some else None)
        return Cells(tuple(units), cells.span * new * s // period)

    def _stretch(self, cells: Cells[E], phases: Phases, weights: Any) -> Cells[E] | None:
        up, period = len(phases.taps), len(cells.units)
        if up * period > LONGEST_PERIOD:
            return None
        some = [len(taps) for taps in phases.taps if taps]
        # Masses are 1 on average over phases: with 1 and 2 taps every tap counts 2/3.
        alike = Fraction(len(some), sum(some)) if some else Fraction(1)
        units: list[E | None] = []
        for o in range(up * period):
            taps = phases.taps[o % up]
            shares = weights[o % up] if weights else [alike] * len(taps)
            there = [(w, self._at(cells, o // up + t)) for w, t in zip(shares, taps, strict=True)]
            found = [(w, e) for w, e in there if e is not None]
            units.append(self.algebra.mix(found) if found else None)
        return Cells(tuple(units), cells.span)

    def _add(self, parts: list[tuple[int, Fraction, Cells[E]]]) -> Classes | None:
        """Classes of channels from parts that may share some: there they are added up."""
        found: list[tuple[int, list[tuple[Fraction, Cells[E]]]]] = []
        for mask, share, cells in parts:
            new = []
            for known, others in found:
                # What two parts share becomes a class of its own; the classes found stay disjoint.
                common = known & mask
                if common:
                    new.append((common, [*others, (share, cells)]))
                    mask ^= common
                    known ^= common
                if known:
                    new.append((known, others))
            if mask:
                new.append((mask, [(share, cells)]))
            found = new
        # Channels that came out alike are one class again.
        alike: dict[Any, int] = {}
        try:
            for mask, several in found:
                cells = self._sum(several)
                alike[cells] = alike.get(cells, 0) | mask
        except DriftError:
            return UNKNOWN
        return [(mask, cells) for cells, mask in alike.items()]


class DriftError(Exception):
    """Branches meet whose jumps differ: the field changes from unit to unit."""


class Axis(NamedTuple):
    """The effective field along one axis, of a mean over channels.

    phases    the moments of each unit of a period, positions counted from 0 for unit 0; None: it sees nothing
    mixture   the same for a unit of any phase, each taken to its own centre's place in the period
    """

    phases: tuple[Moments | None, ...]
    span: int
    mixture: Moments


def moments_of(graph: Graph, source: int, axis: int, *, last: int | None = None) -> list[Axis | None]:
    """For each value the moments along one axis of an input, up to `last`; None where they are not defined."""
    last = len(graph.inputs) + len(graph.nodes) - 1 if last is None else last
    one = Moments(Fraction(1), Fraction(0), Fraction(0))
    fold = Fold(Book(graph, local=True), source, axis, OfMoments(), one, last)
    return [axis_of(classes, graph.shape(v)) if classes else None for v, classes in enumerate(fold.values)]


def axis_of(classes: Classes, shape: Shape) -> Axis | None:
    """The mean over channels, phase by phase and over phases."""
    cells = average(classes, shape[0], OfMoments())
    if cells is None:
        return None
    known = [unit for unit in cells.units if unit is not None]
    if not known:
        return None
    # Each unit's profile around its own place on the grid, so that only what differs between phases widens it.
    steps = [Fraction(o * cells.span, len(cells.units)) for o, unit in enumerate(cells.units) if unit is not None]
    share = Fraction(1, len(cells.units))
    placed = [
        # Around another origin: the sum of w (x - a)^2 is s - 2 a f + a^2 m.
        Moments(m, f - step * m, s - 2 * step * f + step * step * m)
        for (m, f, s), step in zip(known, steps, strict=True)
    ]
    return Axis(cells.units, cells.span, OfMoments().mix([(share, unit) for unit in placed]))


def average(classes: Classes, channels: int, algebra: Algebra[Any]) -> Cells[Any] | None:
    # Its sum alone is wanted, without the pass over the graph that making one runs.
    fold: Any = Fold.__new__(Fold)
    fold.algebra = algebra
    try:
        found: Cells[Any] = Fold._sum(fold, [(Fraction(m.bit_count(), channels), cells) for m, cells in classes])
    except DriftError:
        return None
    return found


class LayerSpread(NamedTuple):
    """The effective field of a layer on one input, per axis; None where it is not defined."""

    layer: str
    source: str
    axes: tuple[Axis | None, ...]


def find_spreads(graph: Graph) -> list[LayerSpread]:
    """For each layer and each input with axes that reaches it, in one pass for each axis."""
    found = []
    for source, (name, shape) in enumerate(graph.inputs.items()):
        per_axis: list[list[Axis | None]] = []
        for axis in range(len(shape) - 1):
            again = axis and axes_alike(graph, axis - 1, axis)
            per_axis.append(per_axis[-1] if again else moments_of(graph, source, axis))
        reached = find_reaching(graph, source)
        for i, node in enumerate(graph.nodes):
            if per_axis and i + len(graph.inputs) in reached:
                axes = tuple(along[i + len(graph.inputs)] for along in per_axis)
                found.append(LayerSpread(node.name, name, axes))
    return found


def axes_alike(graph: Graph, one: int, other: int) -> bool:
    """Whether every layer does the same to two axes, as interior units see it."""
    book = Book(graph, local=True)
    for number, facts in enumerate(graph.facts):
        reach = facts.reach
        if isinstance(reach, tuple) and len(reach) > max(one, other) and reach[one] != reach[other]:
            return False
        try:
            reads = book.of(number)
        except CnncalcError:
            # A layer whose reads are not known has no field, along whichever axis.
            continue
        for read in reads if isinstance(reads, list) else ():
            of = [(read.steps[i], read.weights and read.weights[i]) for i in (one, other) if i < len(read.steps)]
            if len(of) == 2 and of[0] != of[1]:
                return False
    return True


def find_reaching(graph: Graph, source: int) -> set[int]:
    """The values that read an input, or what reads it."""
    found = {source}
    for i, node in enumerate(graph.nodes):
        if found.intersection(node.reads):
            found.add(i + len(graph.inputs))
    return found
