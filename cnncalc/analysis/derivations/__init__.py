"""Every number with its derivation: formula, substitution, result, and the rule behind it.

    print(cnncalc.explain("lenet5", "C3", "connections"))

The formula is that of the code: a layer's `facts` are run once more, on numbers that remember (see trace.py).
"""

from __future__ import annotations

from collections.abc import Collection

from cnncalc.analysis.derivations.board import Derivation
from cnncalc.analysis.derivations.costs import COSTS, RATIO_NAMES, cost_derivation, ratio_derivation
from cnncalc.analysis.derivations.counts import layer_derivations, letters_of, sum_derivation
from cnncalc.analysis.derivations.lines import Line
from cnncalc.analysis.derivations.memory import PEAK, peak_derivation
from cnncalc.errors import CnncalcError, suggest
from cnncalc.language import _
from cnncalc.quantities import ASKED, EXPLAINED, SUMMED, listed_in, quantity_called
from cnncalc.report import Report

__all__ = ["PEAK", "QUANTITIES", "Derivation", "Line", "explain", "walk"]

USUAL = listed_in(EXPLAINED)
QUANTITIES = (*USUAL, *listed_in(ASKED))


def explain(
    report: Report,
    layer: str,
    quantity: str | None = None,
    *,
    since: str | None = None,
    free: Collection[str] = (),
) -> list[Derivation]:
    """The derivations of a layer's quantities, or of one; `total` stands for the sums over all layers.

    since  a step or input: the receptive field in its units instead of the image's pixels
    free   letters that stay letters, `n` or `c` and `f`: everything else is put in and worked out

    Raises UnknownLayerError, and CnncalcError for a quantity that does not exist.
    """
    if layer == "total" and layer not in report:
        return of_network(report, quantity, since)
    wanted = USUAL if quantity is None else (check_quantity(quantity),)
    if not any(row.name == layer for row in report.layers) and not free:
        return of_block(report, layer, wanted, since)
    number = node_of(report, layer)
    found = layer_derivations(report, number, wanted, free)
    costs = [cost_derivation(report, number, name, free) for name in wanted if name in COSTS]
    found += [entry for entry in costs if entry is not None]
    if "receptive_field" in wanted and not free:
        # Where one is asked for: it brings fractions along, and decimal numbers with them.
        from cnncalc.analysis.derivations.fields import field_derivation

        field = field_derivation(report, number, since)
        if field is not None:
            # As the table has it: the field stands before what memory is taken.
            memory = [d for d in found if d.quantity.endswith("_bytes")]
            found = [*(d for d in found if d not in memory), field, *memory]
    if not free:
        found = [with_row(report, number, entry) for entry in found]
    if free and not found:
        hint = _("letters of this layer: {letters}", letters=", ".join(letters_of(report, number)))
        raise CnncalcError(_("nothing here depends on {free}: {hint}", free=", ".join(free), hint=hint))
    return found


def of_network(report: Report, quantity: str | None, since: str | None) -> list[Derivation]:
    """The sums over all layers; or one of them, the peak of memory, or the shape or field of the network's result."""
    if quantity == PEAK:
        peak = peak_derivation(report)
        return [] if peak is None else [peak]
    if quantity in SUMMED:
        return [sum_derivation(report, quantity)]
    if quantity in RATIO_NAMES:
        return [ratio_derivation(report.totals, None, quantity)]
    wanted = USUAL if quantity is None else (check_quantity(quantity),)
    # A network that hands an input through has no layer for its result.
    result = report.graph.outputs[0] - len(report.inputs) if report.graph is not None else -1
    if quantity is not None and wanted[0] not in SUMMED and result >= 0:
        return explain(report, report.layers[result].name, quantity, since=since)
    return [sum_derivation(report, name) for name in wanted if name in SUMMED]


def with_row(report: Report, number: int, entry: Derivation) -> Derivation:
    """A layer's number, and that of its row in the table where other operations are counted there too."""
    # An activation behind a layer has no row of its own: its numbers stand in this one.
    rows = [report.layers[number], *(row for row in report.layers if row.shown_with == number)]
    parts = [getattr(row, entry.quantity) for row in rows] if entry.quantity in SUMMED else []
    if None in parts or not any(parts[1:]):
        return entry
    names = ", ".join(row.name for row, part in zip(rows[1:], parts[1:], strict=True) if part)
    remark = _("The row of the table has {total}, with {names}.", total=f"{sum(parts):,}", names=names)
    return entry._replace(remarks=(*entry.remarks, remark))


def of_block(report: Report, name: str, wanted: Collection[str], since: str | None) -> list[Derivation]:
    """A block, a repeat or a named list: what its layers add up to; shape and field are those of its result."""
    result = report.layers[node_of(report, name)].name
    sums = [sum_derivation(report, quantity, name) for quantity in wanted if quantity in SUMMED]
    found = [entry for entry in sums if entry.value or len(sums) == 1]
    found += [ratio_derivation(report[name], name, quantity) for quantity in wanted if quantity in RATIO_NAMES]
    own = [quantity for quantity in ("output", "receptive_field") if quantity in wanted]
    return [*(entry for quantity in own for entry in explain(report, result, quantity, since=since)), *found]


def node_of(report: Report, layer: str) -> int:
    """The number of a layer's node; of a block, that of the layer that gives its result."""
    for i, row in enumerate(report.layers):
        if row.name == layer:
            return i
    report[layer]  # raises where there is no block of this name either
    return report.groups[layer].result - len(report.inputs)


def check_quantity(quantity: str) -> str:
    """The quantity that a word stands for. Raises CnncalcError with the nearest."""
    name = quantity_called(quantity) or quantity.lower()
    if name not in QUANTITIES:
        if name == PEAK:
            raise CnncalcError(_("{name} belongs to the whole network: write total {name}", name=name))
        hint = suggest(name, QUANTITIES) or _("known: {names}", names=", ".join(QUANTITIES))
        raise CnncalcError(_("there is no quantity '{name}': {hint}", name=quantity[:40], hint=hint))
    return name


def walk(report: Report) -> list[Derivation]:
    """The whole network, layer by layer; what is shown in another layer's row has no page of its own."""
    return [found for row in report.layers if row.shown_with is None for found in explain(report, row.name)]
