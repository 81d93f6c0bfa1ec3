"""A network: operations in the order in which they run, each with what it reads and what it claims.

Immutable once built. Values are numbered: first the network's inputs, then the output of each node, so
node i's output is value `len(inputs) + i`, and every node reads values with smaller numbers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, Position
from cnncalc.layers.base import Facts, Layer, Shape


class Node(NamedTuple):
    """One operation. `shown_with` is the value in whose row it is shown, as tanh is in C1.

    `weights_of` is the value of an earlier node, of the same layer but for stride and padding, whose weights
    this one uses: they are stored once.
    """

    name: str
    layer: Layer
    reads: tuple[int, ...]
    position: Position | None = None
    shown_with: int | None = None
    weights_of: int | None = None


class Group(NamedTuple):
    """Nodes `first` up to, not including, `last` of the node list, made by one step: a block or a repeat."""

    kind: str
    first: int
    last: int
    result: int


class Expectation(NamedTuple):
    """A number that the spec says must come out: `relation` is one of = <= >= < > or ..; values as written."""

    layer: str | None
    quantity: str
    relation: str
    value: tuple[float, ...]
    upper: tuple[float, ...] = ()
    position: Position | None = None
    text: str = ""


class Graph:
    """A network that fits together: every node's facts are known."""

    __slots__ = (
        "__weakref__",
        "_entering",
        "as_written",
        "expectations",
        "facts",
        "groups",
        "inputs",
        "name",
        "nodes",
        "outputs",
        "params",
        "remarks",
        "source",
    )

    _entering: tuple[Shape, ...]  # the shapes of the inputs
    name: str
    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    groups: Mapping[str, Group]
    source: str
    params: Mapping[str, Any]
    expectations: tuple[Expectation, ...]
    as_written: bool
    remarks: tuple[str, ...]
    facts: tuple[Facts, ...]

    def __init__(
        self,
        *,
        name: str,
        inputs: Mapping[str, Shape],
        nodes: tuple[Node, ...],
        outputs: tuple[int, ...],
        groups: Mapping[str, Group],
        source: str = "",
        params: Mapping[str, Any] | None = None,
        expectations: tuple[Expectation, ...] = (),
        facts: tuple[Facts, ...] | None = None,
        as_written: bool = True,
        remarks: tuple[str, ...] = (),
    ) -> None:
        values = {
            "name": name,
            "inputs": MappingProxyType(dict(inputs)),
            "_entering": tuple(inputs.values()),
            "nodes": nodes,
            "outputs": outputs,
            "groups": MappingProxyType(dict(groups)),
            "source": source,
            "params": MappingProxyType(dict(params or {})),  # the values of the spec's parameters
            "expectations": expectations,
            "as_written": as_written,  # no parameter and no input of the spec was overridden
            "remarks": remarks,  # on the network as a whole, which are shown below its table
        }
        for key, value in values.items():
            # Past our own `__setattr__`, which refuses.
            object.__setattr__(self, key, value)
        object.__setattr__(self, "facts", claim_facts(self) if facts is None else facts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a graph is fixed once it is built: {name} cannot be set")

    def __reduce__(self) -> tuple[Any, ...]:  # so that it can be sent to another process
        return _graph_of, (self._values(),)

    def _values(self) -> dict[str, Any]:
        """What it was built from, and its facts."""
        # What begins with _ follows from the others.
        values = {name: getattr(self, name) for name in self.__slots__ if name[:1] != "_"}
        # A mapping that cannot be changed cannot be sent to another process either.
        return {**values, **{name: dict(values[name]) for name in ("inputs", "groups", "params")}}

    def replace(self, **changes: Any) -> "Graph":
        """The same network with something else in it; its facts are claimed anew. Raises ShapeError."""
        # Claimed anew, since what changes may change them.
        return Graph(**{**self._values(), "facts": None, **changes})

    def shape(self, value: int) -> Shape:
        """The shape of a value: of an input, or of a node's output."""
        if value < len(self.inputs):
            return self._entering[value]
        return self.facts[value - len(self.inputs)].output


def _graph_of(values: dict[str, Any]) -> Graph:
    return Graph(**values)


# Of a layer that reads a value whose shape is not known, nothing is known.
BEHIND_UNKNOWN = Facts(output=(), fixed_params=None, buffers=None)


class Claims:
    """The facts of layers on shapes; equal layers on equal shapes are worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Layer, tuple[Shape, ...]], Facts] = {}
        self._by_identity: dict[tuple[int, tuple[Shape, ...]], Facts] = {}
        self._kept: list[Layer] = []  # so that no identity is used again

    def of(self, layer: Layer, shapes: tuple[Shape, ...]) -> Facts:
        """What `layer` claims on `shapes`. Raises ShapeError."""
        # Equal layers hash over all their options; that this is the same one is quicker to see.
        quick = (id(layer), shapes)
        facts = self._by_identity.get(quick)
        if facts is None:
            key = (layer, shapes)
            facts = self._known.get(key)
            if facts is None:
                facts = BEHIND_UNKNOWN if () in shapes and layer.asks_shapes else layer.facts(*shapes)
                if layer.frozen:
                    facts = facts.freeze(layer.frozen)
                self._known[key] = facts
            self._by_identity[quick] = facts
            self._kept.append(layer)
        return facts


def claim_facts(graph: Graph) -> tuple[Facts, ...]:
    """The facts of every node, worked out from the network's input shapes."""
    known = Claims()
    # One list of all values, inputs first, as nodes number what they read.
    shapes = list(graph.inputs.values())
    facts = []
    for node in graph.nodes:
        fact = known.of(node.layer, tuple([shapes[v] for v in node.reads]))
        facts.append(fact)
        shapes.append(fact.output)
    return tuple(facts)


class UnknownLayerError(CnncalcError, KeyError):
    """No layer, block call or repeat of this name."""

    def __str__(self) -> str:
        # KeyError would put the message into quotes.
        return str(self.args[0])
