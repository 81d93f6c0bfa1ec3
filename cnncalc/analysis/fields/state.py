"""What is found of a graph's values, one after the other: the state of a pass forward, which its helpers read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnncalc.analysis.fields.values import ByOrigin
from cnncalc.errors import ShapeError
from cnncalc.graph import Graph
from cnncalc.layers.base import KEPT, MIXED, POINTWISE, WHOLE, Reach, Shape


class Value(NamedTuple):
    """What is found of an input or of a node's output.

    seen     what its units see, by origin: the hull over its channels
    several  its channels may see differently
    lead     its channels lie on so many axes
    order    of a value that only arranges the channels that enter: how; see fields/channel_axes.py
    part     it is a vector with some of the units of a map, not all
    """

    shape: Shape
    seen: ByOrigin
    several: bool = False
    lead: int = 1
    order: Any = None
    part: bool = False


class Found:
    """A graph with what is found of its values so far.

    origins  the values that fields are counted in, with the number that stands for each
    local    without gates: what a map of one unit per channel does to a larger one, and what the statistics of a
             whole map do to its elements, is left out
    """

    def __init__(self, graph: Graph, origins: dict[int, int], local: bool) -> None:
        self.graph = graph
        self.origins = origins
        self.local = local
        self.sizes = {number: graph.shape(value)[1:] for value, number in origins.items()}
        self.values: list[Value] = []

    def branches(self, number: int) -> Sequence[int]:
        """The values that a node reads; without its gates, where they are not counted."""
        reads = self.graph.nodes[number].reads
        if self.local:
            size = self.graph.facts[number].output[1:]
            # Where all are smaller than the output there is no path besides: none is a gate.
            return [v for v in reads if self.values[v].shape[1:] == size] or reads
        return reads

    def does(self, number: int) -> tuple[str, Reach | None]:
        """What a node does to channels and to places; without the statistics of a map, where they are not counted."""
        node, facts = self.graph.nodes[number], self.graph.facts[number]
        channels, reach = node.layer.channels, facts.reach
        if self.local and facts.local is not None and facts.local != facts.reach:  # else only channels are mixed
            channels, reach = KEPT, facts.local
        # A vector has no places: a layer that tells its channels apart reads those, not all that there are.
        if reach == WHOLE and channels != MIXED and all(len(self.values[v].shape) == 1 for v in node.reads):
            reach = POINTWISE
        return channels, reach

    def grows(self, number: int) -> bool:
        """Whether a map of one unit that a node gives has more of them where its input has.

        Behind a norm, attention or a recurrent layer it has, behind a global pooling not. Asked of maps of one unit
        alone: of larger ones the shapes tell.
        """
        node, output = self.graph.nodes[number], self.graph.facts[number].output
        shapes = [self.graph.shape(v) for v in node.reads]
        if len(output) < 2 or 1 not in output[1:] or not all(len(shape) == len(output) for shape in shapes):
            return False
        try:
            # Asked by trying: the same layer on maps that are one longer along each axis.
            longer = node.layer.facts(*((c, *(n + 1 for n in size)) for c, *size in shapes)).output
        except ShapeError:
            return False
        return len(longer) == len(output) and all(n < m for n, m in zip(output[1:], longer[1:], strict=True) if n == 1)
