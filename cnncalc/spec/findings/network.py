"""What the rules look at: a spec as written and the network that it becomes, with what reads what.

A model of another program is a network that nobody wrote in this language: rules about words find nothing in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from cnncalc.errors import OptionError, Position, Source
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Layer, Shape
from cnncalc.layers.ranges import Range
from cnncalc.spec import MAX_OPERATIONS, tree_of
from cnncalc.spec.build.network import build
from cnncalc.spec.expressions import names_used
from cnncalc.spec.findings.ranges import ranges
from cnncalc.spec.read.document import Document, read_document, walk
from cnncalc.spec.read.yamltree import Entries, Text, Tree, raw
from cnncalc.spec.steps import LayerStep, Sequence, Step


class Hit(NamedTuple):
    """What a rule found: at a node of the graph, or at a place of the text.

    text    what is so, in one line
    hint    what to do
    params  trained numbers that are there for nothing
    """

    place: int | Position
    text: str
    hint: str
    params: int = 0


class Network:
    """A spec and its graph. Values are numbered as in the graph: the inputs, then the output of each node."""

    def __init__(self, graph: Graph, document: Document | None = None, tree: Tree | None = None) -> None:
        self.graph, self.document, self.tree = graph, document, tree
        self.first = len(self.graph.inputs)  # the value of the first node
        self.shapes: list[Shape] = [*self.graph.inputs.values(), *(facts.output for facts in self.graph.facts)]

    @classmethod
    def of_spec(
        cls,
        source: Source,
        *,
        inputs: Mapping[str, Any] | None = None,
        inline: bool = False,
        max_operations: int = MAX_OPERATIONS,
    ) -> Network:
        """The network of a spec, on these inputs in place of its own. Raises SpecError where it cannot be used."""
        tree = tree_of(source, inline=inline)
        document = read_document(source, tree)
        graph = build(document, params=dict(source.params), inputs=inputs, max_operations=max_operations)
        return cls(graph, document, tree)

    @cached_property
    def readers(self) -> list[list[int]]:
        """For each value the nodes that read it."""
        found: list[list[int]] = [[] for _shape in self.shapes]
        for i, node in enumerate(self.graph.nodes):
            # A layer that reads a value twice, x + x, is one reader.
            for value in dict.fromkeys(node.reads):
                found[value].append(i)
        return found

    @cached_property
    def outputs(self) -> frozenset[int]:
        return frozenset(self.graph.outputs)

    @cached_property
    def sequences(self) -> list[Sequence]:
        """The steps of the network, and those of each of its blocks."""
        if self.document is None:
            return []
        return [self.document.layers, *(block.body for block in self.document.blocks.values())]

    @cached_property
    def steps(self) -> dict[Position, Step]:
        """The steps of the text, by their places: those of the nodes that they become."""
        return {step.position: step for sequence in self.sequences for step in walk(sequence)}

    @cached_property
    def uses(self) -> dict[tuple[Position | None, str], list[int]]:
        """The nodes that one line has become, in all the calls of its block: by place and kind."""
        found: dict[tuple[Position | None, str], list[int]] = defaultdict(list)
        for i, node in enumerate(self.graph.nodes):
            found[node.position, node.layer.kind].append(i)
        return found

    @cached_property
    def ranges(self) -> list[Range]:
        return ranges(self.graph)

    @cached_property
    def without_bias(self) -> Callable[[Layer, tuple[Shape, ...]], int | None]:
        """The parameters of a layer that has no bias, on inputs of these shapes; equal ones are worked out once."""
        # The cache goes with this network: one of the program would keep every layer it has seen.
        return lru_cache(None)(lambda layer, shapes: layer.replace(bias=False).facts(*shapes).params)

    @cached_property
    def readers_of_values(self) -> list[tuple[int, Node]]:
        """The nodes that read something, with their numbers: a parameter reads nothing."""
        return [(i, node) for i, node in enumerate(self.graph.nodes) if node.reads]

    def entering(self, node: Node) -> Shape:
        """The shape of the first value that a node reads; () of one that reads nothing."""
        return self.shapes[node.reads[0]] if node.reads else ()

    def maker(self, value: int) -> Node | None:
        """The node that a value comes from; None for an input."""
        return self.graph.nodes[value - self.first] if value >= self.first else None

    def only_reader(self, value: int) -> int | None:
        """The one node that reads a value which nothing else needs; None if there is no such one."""
        readers = self.readers[value]
        # An output is read by whoever asked for it.
        return readers[0] if len(readers) == 1 and value not in self.outputs else None

    def find_written(self, node: Node, option: str) -> object | None:
        """What the node's step says of an option in plain words; None if it says nothing or has an expression."""
        step = self.steps.get(node.position) if node.position else None
        if not isinstance(step, LayerStep):
            return None
        # An expression may be something else in another variant.
        return next((a.value for a in step.arguments if a.name == option and not a.open), None)

    def top(self, *path: str) -> Iterator[tuple[Text, Tree]]:
        """The entries of a mapping of the text: top("blocks", "basic", "params")."""
        tree = self.tree
        for key in path:
            tree = tree.entries.get(key, (None, None))[1] if isinstance(tree, Entries) else None
        yield from tree if isinstance(tree, Entries) else ()


def names_in(value: object) -> set[str]:
    """The names that the expressions in a text, or in lists and mappings of texts, refer to."""
    if isinstance(value, (list, tuple)):
        return set().union(*map(names_in, value))
    if isinstance(value, dict):
        return names_in([*value, *value.values()])
    if not isinstance(value, str) or "$" not in value:
        return set()
    try:
        return set(names_used(value))
    except OptionError:  # not an expression after all: it is text in which nothing is worked out
        return set()


def names_below(entries: Iterator[tuple[Text, Tree]]) -> set[str]:
    return set().union(*(names_in(raw(node)) | names_in(key.text) for key, node in entries))


Find = Callable[[Network], Iterator[Hit]]
