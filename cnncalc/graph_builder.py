"""A graph while it is put together, value by value: what readers of specs and of other programs' models have in common.

    b = GraphBuilder(max_operations=1000)
    x = b.add_input("input", (3, 224, 224))
    y = b.append(Node("C1", layer, (x,)))

A value is a number, as in a graph: inputs first, then the output of each node. A layer that does not suit what enters
raises ShapeError, without a place, which only the reader knows. Under spec/build/draft.py and interop/builder.py.
"""

from __future__ import annotations

from cnncalc.errors import CnncalcError, ShapeError
from cnncalc.graph import Claims, Node
from cnncalc.language import _
from cnncalc.layers.base import Facts, Layer, Shape

MAX_OPERATIONS = 1_000_000
LARGEST_AXIS = 10**100  # so that no count grows beyond what can be written down
CALL = Layer(kind="call")  # stands for several operations in one


class TooLargeError(CnncalcError):
    """More operations than allowed: there is no use in going on."""


class GraphBuilder:
    """Inputs, nodes and their facts so far.

    max_operations  the largest network to build
    claims          who works out the facts of layers, and remembers them
    """

    def __init__(self, max_operations: int = MAX_OPERATIONS, claims: Claims | None = None) -> None:
        self.max_operations = max_operations
        self.claims = claims or Claims()
        self.inputs: dict[str, Shape] = {}
        self.shapes: list[Shape] = []
        self.nodes: list[Node] = []
        self.facts: list[Facts] = []

    def add_input(self, name: str, shape: Shape) -> int:
        """An input of the network, (C, *size); its value. All inputs come before the first node."""
        assert not self.nodes, "inputs come first"
        self.inputs[name] = shape
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def append(self, node: Node) -> int:
        """Add an operation that reads values which are there; its own value.

        Raises ShapeError where the layer does not suit what enters, TooLargeError where there are too many operations.
        """
        facts = self.claims.of(node.layer, tuple([self.shapes[v] for v in node.reads]))
        if len(self.nodes) >= self.max_operations:
            raise TooLargeError(self.too_many())
        # The shape of an unknown layer's output is (): no axis of it is known.
        for length in facts.output:
            if length > LARGEST_AXIS:
                raise ShapeError(_("an axis of the output is longer than 10^100"), _("repeat or stretch less"))
        self.nodes.append(node)
        self.facts.append(facts)
        self.shapes.append(facts.output)
        return len(self.shapes) - 1

    def append_call(self, name: str, reads: int, output: Shape) -> int:
        """Add several operations as one, of which no more is known here than the shape that comes out; its value."""
        self.nodes.append(Node(name, CALL, (reads,)))
        self.facts.append(Facts(output=output, fixed_params=None, buffers=None))
        self.shapes.append(output)
        return len(self.shapes) - 1

    def too_many(self) -> str:
        """The problem of a network that is too large."""
        return _("the network has more than {max_operations:,} operations", max_operations=self.max_operations)
