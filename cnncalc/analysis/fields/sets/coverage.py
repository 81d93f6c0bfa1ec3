"""What of the image and of every map is used at all, at the size of the image, and how much of the image units see.

Backward from the outputs: what no output depends on is read by nobody, because strides leave rows and columns over.
Work on units that nobody reads is wasted; a unit's MACs are those that its layer's total is made of, padding included.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import NamedTuple

from cnncalc.analysis.fields.reads import Book
from cnncalc.analysis.fields.sets.hulls import Hulls, merge_hulls, unit_hulls
from cnncalc.analysis.fields.sets.regions import Region, everything, products, runs, shadows, size, whole, without
from cnncalc.analysis.fields.sets.taps import Reader, find_needed
from cnncalc.analysis.fields.sets.units import Span
from cnncalc.graph import Graph
from cnncalc.layers.base import Facts, Shape
from cnncalc.layers.elements import EVERY, Channels, Read
from cnncalc.layers.windows import Phases, Window


class Unread(NamedTuple):
    """What nobody reads of an input or of a layer's output.

    elements   how many
    lines      for each axis the places where nothing at all is read: rows and columns, (first, last)
    channels   channels of which nothing is read
    macs       of the work on them, of the layer's MACs; None where it cannot be said unit by unit
    """

    name: str
    shape: Shape
    elements: int
    lines: tuple[list[Span], ...]
    channels: list[Span]
    macs: int | None


class Reached(NamedTuple):
    """How much of one input the units of a layer see, by their hulls.

    share      of the unit that sees most, as a part of the pixels
    some, all  whether some unit's hull, and every unit's, is the whole image
    """

    layer: str
    source: str
    share: Fraction
    some: bool
    all: bool


class Coverage(NamedTuple):
    """The audit of a network at one size.

    unread   inputs and layers of which something is not read
    reached  layers and inputs, as far as their units' hulls are known
    macs     wasted in all; None if it is not known of some layer
    total    the network's MACs; None if they are not known
    """

    unread: tuple[Unread, ...]
    reached: tuple[Reached, ...]
    macs: int | None
    total: int | None

    def first_covering(self, source: str, *, every: bool = False) -> str | None:
        """The first layer of which some unit, or every unit, sees from border to border of an input."""
        return next((r.layer for r in self.reached if r.source == source and (r.all if every else r.some)), None)


def coverage(graph: Graph) -> Coverage:
    """What nobody reads, and who sees how much. Raises CnncalcError where reads are not known."""
    reader = Reader(graph)
    first = len(graph.inputs)
    read = find_needed(reader, {v: everything(graph.shape(v)) for v in graph.outputs})
    unread, wasted = [], []
    for value in range(first + len(graph.nodes)):
        shape = graph.shape(value)
        used = read.get(value, 0)
        # Most values are read as a whole.
        if used and size(used) == prod(shape):
            continue
        gone = without(everything(shape), used)
        macs = 0
        if value >= first:
            number = value - first
            macs_here = macs_of(reader.book, number, gone)
            wasted.append(macs_here)
            name = graph.nodes[number].name
            unread.append(unread_part(name, shape, used, gone, macs_here))
        else:
            unread.append(unread_part(list(graph.inputs)[value], shape, used, gone, macs))
    macs_all = [facts.macs for facts in graph.facts]
    return Coverage(
        tuple(unread),
        tuple(r for source in range(first) for r in find_reached(reader.book, source)),
        None if None in wasted else sum(m for m in wasted if m),
        None if None in macs_all else sum(m for m in macs_all if m),
    )


def unread_part(name: str, shape: Shape, used: Region, gone: Region, macs: int | None) -> Unread:
    here = shadows(used, len(shape)) if used else [0] * len(shape)
    empty = [runs(whole(n) & ~mask) for n, mask in zip(shape, here, strict=True)]
    # Axis 0 is the channels.
    return Unread(name, shape, size(gone), tuple(empty[1:]), empty[0], macs)


def macs_of(book: Book, number: int, units: Region) -> int | None:
    """The MACs of some units of a node's output; None where its total cannot be told apart by units."""
    facts, node = book.graph.facts[number], book.graph.nodes[number]
    if facts.macs == 0:
        return 0
    reads = book.of(number)
    # Several reads share the total in a way that nobody tells.
    if facts.macs is None or not isinstance(reads, list) or len(reads) != 1:
        return None
    read, shape = reads[0], book.shapes(node)[0]
    if any(isinstance(step, Phases) for step in read.steps):
        return transposed_macs(read, shape, facts, units)
    if len(facts.output) > 1 and not all(isinstance(step, Window) for step in read.steps):
        return None  # a state that is carried on: what is read of it is needed for what comes after
    weights = [
        (mask, fan_in(read.channels, mask, shape[0])) for mask in channel_classes(read.channels, facts.output[0])
    ]
    positions = prod(facts.output[1:])
    total = sum(n for _mask, n in weights) * positions
    if not total or facts.macs % total:
        # The total is no number of taps times channels: then all units count alike, if that comes out even.
        alike, left = divmod(facts.macs, prod(facts.output))
        return None if left else alike * size(units)
    each = facts.macs // total  # taps of a unit, the same for all
    count = 0
    for mask, *places in products(units):
        readers = sum(fan_in(read.channels, mask & part, shape[0]) for part, _n in weights)
        count += readers * prod(on_axis.bit_count() for on_axis in places)
    return each * count


def channel_classes(channels: Channels, filters: int) -> list[int]:
    """Channels of the output, as bits, class by class: those of one class read as many channels."""
    if isinstance(channels, tuple):
        return [readers for readers, _read in channels]
    return [whole(filters)]


def fan_in(channels: Channels, readers: int, c: int) -> int:
    """Over some readers of one class the channels that each reads, added up."""
    count = readers.bit_count()
    if channels == EVERY:
        return count * c
    if isinstance(channels, int):
        return count
    assert isinstance(channels, tuple)
    return sum((some & readers).bit_count() * read.bit_count() for some, read in channels)


def transposed_macs(read: Read, shape: Shape, facts: Facts, units: Region) -> int | None:
    """Of a layer whose units differ by phase: for every unit the taps that land on something, times its channels."""
    per_axis = []
    for step, n, m in zip(read.steps, shape[1:], facts.output[1:], strict=True):
        if not isinstance(step, Phases):
            return None
        up = len(step.taps)
        per_axis.append([sum(0 <= o // up + t < n for t in step.taps[o % up]) for o in range(m)])
    count = 0
    for mask, *places in products(units):
        pairs = zip(places, per_axis, strict=True)
        taps = prod(sum(n for o, n in enumerate(landing) if on_axis >> o & 1) for on_axis, landing in pairs)
        count += fan_in(read.channels, mask, shape[0]) * taps
    return count


def find_reached(book: Book, source: int) -> list[Reached]:
    """For each layer with what hulls are known how much its units see of an input with axes."""
    graph = book.graph
    name, shape = list(graph.inputs.items())[source]
    if len(shape) == 1:
        return []
    found = []
    known: dict[int, tuple[Fraction, bool, bool]] = {}
    hulls = unit_hulls(book, source)
    for node, seen in zip(graph.nodes, hulls[len(graph.inputs) :], strict=True):
        if seen:
            # Layers that keep places hand on the same list; all are kept in `hulls`, so that no id comes twice.
            if id(seen) not in known:
                known[id(seen)] = find_shares(seen, shape[1:])
            found.append(Reached(node.name, name, *known[id(seen)]))
    return found


def find_shares(hulls: Hulls, sizes: Shape) -> tuple[Fraction, bool, bool]:
    """(largest share of the pixels, whether some hull is everything, whether every hull is)."""
    assert hulls
    share, some, every = Fraction(1), True, True
    # A hull is a product over axes, and axes go independently: the largest is that of the largest spans.
    for ends, n in zip(merge_hulls([axes for _mask, axes in hulls]), sizes, strict=True):
        spans = [max(0, hi - lo + 1) for lo, hi in zip(ends.lo, ends.hi, strict=True)]
        share *= Fraction(max(spans), n)
        some &= max(spans) == n
        every &= min(spans) == n
    return share, some, every
