"""From a graph to a report: folds over the facts of its nodes. No kind of layer is named here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.analysis.fields.forward import Seen, receptive_fields
from cnncalc.analysis.memory import peak_elements
from cnncalc.graph import Graph
from cnncalc.layers.base import Facts
from cnncalc.quantities import OF_A_LAYER
from cnncalc.report import BYTES, FIELDS, Report, Row, Settings, Totals


def analyze_graph(graph: Graph, settings: Settings | None = None) -> Report:
    """Every row and total of a network."""
    settings = settings or Settings()
    rows = count_rows(graph, settings)
    return Report(
        name=graph.name,
        source=graph.source,
        inputs=graph.inputs,
        layers=rows,
        totals=count_totals(graph, rows, settings),
        groups=graph.groups,
        settings=settings,
        expectations=graph.expectations,
        # What is expected holds for the network as it is written, counted in the usual way.
        as_written=graph.as_written and settings == Settings(),
        graph=graph,
    )


def count_rows(graph: Graph, settings: Settings) -> tuple[Row, ...]:
    """A row per node. With a batch, work and activations are those of all its samples."""
    size, batch = BYTES[settings.dtype], settings.batch
    counted = [quantity for quantity in OF_A_LAYER if quantity.fact and not quantity.tuples]
    first = len(graph.inputs)
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    places = list(range(len(graph.nodes)))  # a number for each, which its row and others share
    costs = Costs(graph, settings)
    later = costs.of  # bound once
    known: dict[tuple[int, bool], list[tuple[str, int | None]]] = {}  # equal layers on equal shapes claim one object
    look = Fields(graph).of
    rows = []
    for place, node, facts in zip(places, graph.nodes, graph.facts, strict=True):
        row = Row()
        row.name, row.kind = node.name, node.layer.kind
        row.inputs = tuple([names[v] for v in node.reads])
        row.output = facts.output
        # Weights are stored once, with the layer that has them.
        row.weights_of = None if node.weights_of is None else names[node.weights_of]
        key = id(facts), node.weights_of is None
        numbers = known.get(key)
        # Facts that are shared do not tell what of them reads padding: that is asked of each layer.
        if numbers is None or settings.exact_padding:
            claimed = costs.facts_of(place)
            numbers = known[key] = [(q.name, q.value(claimed, batch, size, stored_here=key[1])) for q in counted]
        for name, value in numbers:
            setattr(row, name, value)
        row.shown_with = None if node.shown_with is None else places[node.shown_with - first]
        row.place, row.later, row.look = place, later, look
        rows.append(row)
    return tuple(rows)


class Fields:
    """What the units of every row see, worked out for all when one is asked for. Like costs it holds no row."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: dict[int, dict[str, Any]] = {}  # the same for layers that see the same

    def of(self, row: Row) -> dict[str, Any]:
        """What a row sees of every input, and of the first one the size, the jump and the start."""
        seen = receptive_fields(self.graph)[row.place]
        found = self.found.get(id(seen))
        if found is None:
            found = {"fields": seen, **dict(zip(FIELDS, of_first_input(seen), strict=True))}
            self.found[id(seen)] = found
        return found


class Costs:
    """What every row costs, worked out for all when one is asked for. It holds no row: what holds itself stays long."""

    def __init__(self, graph: Graph, settings: Settings) -> None:
        self.graph, self.settings = graph, settings
        self.found: list[dict[str, Any]] = []

    def facts_of(self, place: int) -> Facts:
        """What the operation at a place claims, as it is counted here."""
        facts = self.graph.facts[place]
        if not self.settings.exact_padding:
            return facts
        node = self.graph.nodes[place]
        return without_padding(facts, *node.layer.on_padding(*(self.graph.shape(v) for v in node.reads)))

    def of(self, row: Row) -> dict[str, Any]:
        """The costs of a row, by name."""
        if not self.found:
            from cnncalc.analysis.costs import count_costs

            # All at once, since a value counts where the first layer keeps it.
            facts = [self.facts_of(place) for place in range(len(self.graph.nodes))]
            self.found = count_costs(self.graph, facts, self.settings)
        return self.found[row.place]


def without_padding(facts: Facts, connections: int | None, macs: int | None) -> Facts:
    """The facts less the connections and MACs that read padding; FLOPs follow from them."""
    left = Facts(
        output=facts.output,
        params=facts.params,
        fixed_params=facts.fixed_params,
        buffers=facts.buffers,
        connections=subtract(facts.connections, connections),
        macs=subtract(facts.macs, macs),
        work=facts.work,
        activations=facts.activations,
        kept=facts.kept,
        products=facts.products,
    )
    return left.freeze(facts.frozen) if facts.frozen else left


def of_first_input(seen: dict[str, Seen]) -> tuple[Any, Any, Any]:
    """Size, jump and start on the first input that reaches the layer; None for what no axis has, or no input."""
    size, jump, start, *_tied = next(iter(seen.values()), ((), (), ()))
    return known_or_none(size), known_or_none(jump), known_or_none(start)


def known_or_none(values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return None if values.count(None) == len(values) else values


def count_totals(graph: Graph, rows: Sequence[Row], settings: Settings) -> Totals:
    """Sums of what is known; peak memory; the shape and the field of the output."""
    totals, output, first = Totals(rows), graph.outputs[0], len(graph.inputs)
    totals.output = graph.shape(output)
    if output >= first:
        totals.result = rows[output - first]  # whose field is worked out when it is asked for
    else:
        totals.receptive_field = None
    totals.peak_activation_bytes = multiply(peak_elements(graph), BYTES[settings.dtype] * settings.batch)
    return totals


def subtract(value: int | None, less: int | None) -> int | None:
    return None if value is None or less is None else value - less


def multiply(value: int | None, factor: int) -> int | None:
    return None if value is None else value * factor
