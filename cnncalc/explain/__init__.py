"""Every number with its derivation: formula, substitution, result, and the rule behind it.

    print(cnncalc.explain("lenet5", "C3", "connections"))

The formula is that of the code: a layer's `facts` are run once more, on numbers that remember (see trace.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.errors import CnncalcError, suggest
from cnncalc.explain.counts import layer_derivations, total_derivation
from cnncalc.explain.derivation import Derivation, Line
from cnncalc.explain.fields import field_derivation
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.report import SUMMED, Report

__all__ = ["QUANTITIES", "Derivation", "Line", "explain", "walk"]

QUANTITIES = (
    "output", "params", "fixed_params", "buffers", "connections", "macs", "flops",
    "receptive_field", "activation_bytes", "parameter_bytes",
)  # fmt: skip


def explain(
    graph: Graph,
    report: Report,
    layer: str | None,
    quantity: str | None = None,
    *,
    since: str | None = None,
) -> list[Derivation]:
    """The derivations of a layer's quantities, or of one; `total` stands for the sums over all layers.

    since  a step or input: the receptive field in its units instead of the image's pixels

    Raises UnknownLayerError, and CnncalcError for a quantity that does not exist.
    """
    wanted = QUANTITIES if quantity is None else (checked(quantity),)
    if layer == "total" and "total" not in report:
        return [total_derivation(report, name) for name in wanted if name in SUMMED]
    assert layer is not None
    number = node_of(graph, report, layer)
    found = layer_derivations(graph, report, number, wanted)
    if "receptive_field" in wanted:
        field = field_derivation(graph, report, number, since)
        place = next((i for i, d in enumerate(found) if d.quantity in ("activation_bytes", "parameter_bytes")), None)
        found[place:place] = [field] if field else []
        if place is None and field:
            found.remove(field) if field in found[:-1] else None
    return found


def node_of(graph: Graph, report: Report, layer: str) -> int:
    """The number of a layer's node; of a block, that of the layer that gives its result."""
    for i, row in enumerate(report.layers):
        if row.name == layer:
            return i
    report[layer]  # raises where there is no block of this name either
    return report.groups[layer].result - len(graph.inputs)


def checked(quantity: str) -> str:
    words = {"rf": "receptive_field", "shape": "output", "parameters": "params", "field": "receptive_field"}
    name = words.get(quantity.lower(), quantity.lower())
    if name not in QUANTITIES:
        hint = suggest(name, QUANTITIES) or _("known: {names}", names=", ".join(QUANTITIES))
        raise CnncalcError(_("there is no quantity '{name}': {hint}", name=quantity[:40], hint=hint))
    return name


def walk(graph: Graph, report: Report) -> list[tuple[str, list[Derivation]]]:
    """The whole network, layer by layer: what comes out, what is stored, what is connected."""
    return [(row.name, explain(graph, report, row.name)) for row in report.layers if row.shown_with is None]


def listed(found: Sequence[Derivation]) -> dict[str, Any]:
    """Quantity to value."""
    return {derivation.quantity: derivation.value for derivation in found}
