"""From what is wanted of a layer's output to what is read of its inputs: reads (layers/elements.py) on regions.

Sizes are elements of one axis. What lands on padding is dropped; nothing beyond a map exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.analysis.fields.reads import Book, check_longest
from cnncalc.analysis.fields.sets.regions import (
    Region,
    every,
    everything,
    join,
    permute,
    places_of,
    product,
    ravel,
    repeat,
    shadows,
    spread,
    union,
    unravel,
    whole,
)
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.layers.base import POINTWISE, WHOLE, Shape
from cnncalc.layers.elements import EVERY, Channels, Permuted, Read, Step, bits, stretch_of_bits
from cnncalc.layers.windows import Listed, Window


class Reader:
    """What is read of the values of a graph; `local` and `goes_on` as in `Book`."""

    def __init__(self, graph: Graph, *, local: bool = False, goes_on: bool = False) -> None:
        self.graph = graph
        check_longest(graph)
        self.book = Book(graph, local=local, goes_on=goes_on)
        self._pulled: dict[tuple[int, int, int], int] = {}

    def read(self, number: int, wanted: Region) -> list[tuple[int, Region]]:
        """(value, region) of what the wanted elements of a node's output depend on."""
        node, output = self.graph.nodes[number], self.graph.facts[number].output
        reads, shapes = self.book.of(number), self.book.shapes(node)
        if isinstance(reads, str):  # RAVELLED
            return [(node.reads[0], unravel(ravel(wanted, output), shapes[0]))]
        if isinstance(reads, Permuted):
            # The inverse: (2, 0, 1) is undone by (1, 2, 0).
            back = [reads.order.index(axis) for axis in range(len(reads.order))]
            return [(node.reads[0], permute(wanted, back))]
        return [(node.reads[read.source], self.through(read, shapes[read.source], wanted)) for read in reads]

    def through(self, read: Read, shape: Shape, wanted: Region) -> Region:
        """What the wanted elements read of an input of this shape through one read."""
        c = shape[0]
        if isinstance(wanted, int):  # of a vector: axes that the input has are seen as a whole
            return product([channels_read(read.channels, wanted, c), *map(whole, shape[1:])])
        return join(
            [(channels_read(read.channels, mask, c), self.places(read.steps, shape[1:], rest)) for mask, rest in wanted]
        )

    def places(self, steps: Sequence[Step], size: Sequence[int], wanted: Region) -> Region:
        """The same along the spatial axes."""
        if all(step == POINTWISE for step in steps):
            return wanted
        if all(step == WHOLE for step in steps):
            return everything(size)
        if isinstance(wanted, int):
            return self.pull_wanted(steps[0], wanted, size[0])
        return join(
            [
                (self.pull_wanted(steps[0], mask, size[0]), self.places(steps[1:], size[1:], rest))
                for mask, rest in wanted
            ]
        )

    def pull_wanted(self, step: Step, wanted: int, n: int) -> int:
        """Of n places along an axis, those that the wanted places read."""
        if step == POINTWISE:
            return wanted
        key = (id(step), wanted, n)  # steps live as long as the book that holds them
        found = self._pulled.get(key)
        if found is None:
            if step == WHOLE:
                found = whole(n) if wanted else 0
            elif isinstance(step, Listed):
                found = pull_listed(step, wanted)
            else:
                assert not isinstance(step, str)
                # Behind the last place there is padding, or nothing.
                found = pull(step, wanted) & whole(n)
            self._pulled[key] = found
        return found


def pull_listed(step: Listed, wanted: int) -> int:
    """The places that the wanted places read, by the list."""
    found, first, stop = 0, 0, 0  # first:stop is what ranges that touch add up to
    for place in places_of(wanted):
        read = step.reads[place]
        if not isinstance(read, range):
            found |= bits(read)
            continue
        # Ranges that touch or overlap are gathered: few sets are put together, however long the list.
        if read.start > stop or read.stop < first:
            found |= stretch_of_bits(first, stop - first)
            first, stop = read.start, read.stop
        first, stop = min(first, read.start), max(stop, read.stop)
    return found | stretch_of_bits(first, stop - first)


def pull(step: Step, wanted: int) -> int:
    """The places, on an axis without an end, that the wanted places read; those before 0 are dropped."""
    if isinstance(step, Window):
        # Unit o to o * stride, then its taps `dilation` apart, then all of them back by the padding.
        taps = repeat(spread(wanted, step.stride), step.kernel, step.dilation)
        return shift(taps, -step.before)
    assert not isinstance(step, (str, Listed))
    found, up = 0, len(step.taps)
    for phase, offsets in enumerate(step.taps):
        units = every(wanted, up, phase)
        if units:
            for offset in offsets:
                found |= shift(units, offset)
    return found


def shift(mask: int, by: int) -> int:
    return mask << by if by >= 0 else mask >> -by


def channels_read(channels: Channels, readers: int, c: int) -> int:
    """Of c channels, as bits, those that the readers read."""
    if channels == EVERY:
        return whole(c) if readers else 0
    if isinstance(channels, int):
        return shift(readers, channels) & whole(c)
    assert isinstance(channels, tuple)
    found = 0
    for some, read in channels:
        if some & readers:
            found |= read
    return found


def find_needed(reader: Reader, wanted: dict[int, Region]) -> dict[int, Region]:
    """For each value what of it the wanted elements depend on, themselves included: one pass backward."""
    graph = reader.graph
    first = len(graph.inputs)
    found = dict(wanted)
    # From the last one that is wanted: no node behind it is needed.
    for i in range(max(found) - first, -1, -1):
        region = found.get(first + i)
        if region:
            for value, part in reader.read(i, region):
                found[value] = union(found[value], part) if value in found else part
    return found


def hulls_of_all(
    graph: Graph, values: Sequence[int], origins: Mapping[int, int], local: bool
) -> dict[int, tuple[tuple[int, int], ...]] | None:
    """For each origin, by its number, per axis the (first, last) place of what all units of some values see.

    An origin is left out of which nothing is seen. None where it is not known what layers read.
    """
    try:
        found = find_needed(Reader(graph, local=local, goes_on=True), {v: everything(graph.shape(v)) for v in values})
    except CnncalcError:
        return None
    hulls = {}
    for value, number in origins.items():
        if region := found.get(value):
            masks = shadows(region, len(graph.shape(value)))[1:]
            # mask & -mask leaves the lowest bit alone.
            hulls[number] = tuple([((mask & -mask).bit_length() - 1, mask.bit_length() - 1) for mask in masks])
    return hulls
