"""What every layer of a graph reads, element by element, from what it says of itself: `Reads` of layers/elements.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.language import _
from cnncalc.layers.base import FLATTENED, KEPT, MIXED, STACKED, Facts, Layer, Reach, Shape
from cnncalc.layers.elements import EVERY, RAVELLED, Channels, Read, Reads, Step, bits
from cnncalc.layers.links import Alike, Link
from cnncalc.layers.windows import Listed, Window

MOST_BITS = 2**28  # of the sets of channels that a layer tells apart
LONGEST = 2**24  # places on an axis, or elements of a vector, that are told apart


def check_longest(graph: Graph) -> None:
    """Raises CnncalcError for a map with more places on an axis, or channels, than a set of them should take."""
    shapes = [*graph.inputs.values(), *(facts.output for facts in graph.facts)]
    longest = max((n for shape in shapes for n in shape), default=0)
    if longest > LONGEST:
        most = f"{LONGEST:,}"
        raise CnncalcError(_("sets are told apart up to {most} places on an axis, not {n}", most=most, n=longest))


class Book:
    """The reads of a graph's layers; equal layers on equal shapes are asked once.

    channels  tell apart which channels read which; without, all are said to read all
    local     without what gates and norms bring from elsewhere
    goes_on   padding that repeats the map stands for an image that goes on: nothing is read there
    """

    def __init__(self, graph: Graph, *, local: bool = False, goes_on: bool = False, channels: bool = True) -> None:
        self.graph = graph
        self.channels = channels
        self.local = local
        self.goes_on = goes_on
        self._known: dict[tuple[Layer, tuple[Shape, ...]], Reads | None] = {}

    def shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes of what a node reads."""
        return tuple([self.graph.shape(v) for v in node.reads])

    def of(self, number: int) -> Reads:
        """The reads of a node. Raises CnncalcError where they are not known."""
        node = self.graph.nodes[number]
        key = (node.layer, self.shapes(node))
        if key not in self._known:
            found = reads_of(node.layer, self.graph.facts[number], key[1], channels=self.channels)
            if self.local and isinstance(found, list):
                found = [read for read in found if not read.gate]
            if self.goes_on and isinstance(found, list):
                found = [without_repeats(read, self.graph.facts[number].reach) for read in found]
            self._known[key] = found
        reads = self._known[key]
        if reads is None:
            problem = _(
                "what {name} ({kind}) reads is not known element by element", name=node.name, kind=node.layer.kind
            )
            raise CnncalcError(problem)
        return reads


def reads_of(layer: Layer, facts: Facts, shapes: tuple[Shape, ...], *, channels: bool = True) -> Reads | None:
    """What the units of a layer read on inputs of these shapes; None where it is not known.

    Raises CnncalcError where too many channels read some of the others.
    """
    own = layer.elements(*shapes)
    if own is not None:
        return own
    if facts.reach == FLATTENED:
        return RAVELLED
    if layer.channels == STACKED:
        # Behind a concat channel o is channel o - start of its branch: a number stands for such a shift.
        starts = accumulate((shape[0] for shape in shapes[:-1]), initial=0)
        return whole_or_none([read_of(i, -start, facts.reach, shapes[i]) for i, start in enumerate(starts)])
    found: list[Read | None] = []
    for source, shape in enumerate(shapes):
        if layer.channels in (KEPT, MIXED):
            found.append(read_of(source, 0 if layer.channels == KEPT else EVERY, facts.reach, shape))
        elif not channels:
            found += [read_of(source, EVERY, reach, shape) for reach in reaches_of(layer.links(shape), facts.reach)]
        else:
            links = layer.links(shape)
            found += [
                read_of(source, some, reach, shape)
                for some, reach in by_reach(links, facts.reach, shape, facts.output[0])
            ]
    if facts.local is None or facts.local == facts.reach:  # statistics of a place, not of the map
        return whole_or_none(found)
    # By the statistics alone something comes from elsewhere: they are what `local` leaves out.
    gates = [read and read._replace(gate=True) for read in found]
    return whole_or_none([read_of(0, 0, facts.local, shapes[0]), *gates])


def without_repeats(read: Read, reach: Reach | None) -> Read:
    """A read whose places are those of a window that slides over padding, not those that the padding repeats."""
    if not isinstance(reach, tuple) or len(reach) != len(read.steps):
        return read
    pairs = zip(read.steps, reach, strict=True)
    steps = tuple([slid if isinstance(own, Listed) and isinstance(slid, Window) else own for own, slid in pairs])
    return read._replace(steps=steps)


def whole_or_none(found: list[Read | None]) -> list[Read] | None:
    known = [read for read in found if read is not None]
    return known if len(known) == len(found) else None


def read_of(source: int, channels: Channels, reach: Reach | None, shape: Shape) -> Read | None:
    """One read whose steps are what a layer's reach says."""
    if isinstance(reach, str):
        return Read(source, channels, (reach,) * (len(shape) - 1))
    steps: tuple[Step, ...] = tuple([step for step in reach or () if step is not None])
    return Read(source, channels, steps) if reach is not None and len(steps) == len(reach) else None


def reaches_of(links: Sequence[Link], reach: Reach | None) -> list[Reach | None]:
    """What links do to places, each once."""
    return [reach] if isinstance(links, Alike) else list(dict.fromkeys(link.reach or reach for link in links))


def check_size(size: int) -> None:
    """Raises CnncalcError for sets of channels that take too many bits together."""
    if size > MOST_BITS:
        most = MOST_BITS >> 23
        raise CnncalcError(_("which channels of a layer read which is told apart up to {n} MB of it", n=most))


def highest(channels: Sequence[int]) -> int:
    """The last of some channels, however many there are."""
    if isinstance(channels, range):
        return max(channels[0], channels[-1]) if channels else 0
    return max(channels, default=0)


def by_reach(
    links: Sequence[Link], reach: Reach | None, shape: Shape, filters: int
) -> Iterator[tuple[Channels, Reach | None]]:
    """Links as channels, each with its reach; groups that differ in nothing else are one."""
    blocks: list[tuple[int, int]] = []
    size = 0  # bits of the sets so far: each is as long as its last channel
    for link in links:
        outputs, inputs = link.outputs, link.inputs
        ends = highest(outputs) + highest(inputs)
        if not link.each:
            check_size(size := size + ends)
        # Those without a reach of their own are one read, however many there are.
        if not link.each and link.reach is None:
            blocks.append((bits(outputs), bits(inputs)))
        elif not link.each:
            yield ((bits(outputs), bits(inputs)),), link.reach
        elif isinstance(inputs, range) and moves_all(outputs, inputs, shape[0], filters):
            yield inputs.start - outputs.start, link.reach or reach
        else:
            # One set for each pair, as long as its channel's number: on average half of the longest.
            check_size(size := size + len(outputs) * ends // 2)
            yield tuple((1 << o, 1 << i) for o, i in zip(outputs, inputs, strict=True)), link.reach or reach
    if blocks:
        yield tuple(blocks), reach


def moves_all(outputs: range, inputs: range, c: int, filters: int) -> bool:
    """Whether every output whose number, moved so far, is an input is among these."""
    # By 2 of 8 channels: outputs 0 to 5 read 2 to 7. If some of these are missing it is no shift of all.
    by = inputs.start - outputs.start
    return outputs.step == inputs.step == 1 and outputs == range(max(0, -by), min(filters, c - by))
