"""The derivation of the peak of activation memory: what is alive at the operation at which it is reached."""

from __future__ import annotations

from math import prod

from cnncalc.analysis.derivations.board import Derivation
from cnncalc.analysis.derivations.lines import Line
from cnncalc.analysis.memory import alive_at, find_peak
from cnncalc.language import _
from cnncalc.report import BYTES, Report
from cnncalc.trace import add_up, symbol

PEAK = "peak_activation_bytes"


def peak_derivation(report: Report) -> Derivation | None:
    """The values that are alive at the peak, added up; None where no operation runs or a shape is not known."""
    graph = report.graph
    place = None if graph is None else find_peak(graph)[1]
    if graph is None or place is None:
        return None
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    size = report.settings.batch * BYTES[report.settings.dtype]
    terms = [symbol(names[value], size * prod(graph.shape(value))) for value in alive_at(graph, place)]
    remarks = (
        _("Alive while {layer} runs: what it reads, what it writes, and what is read later.",
          layer=graph.nodes[place].name),
        _("Each value takes {n} bytes.", n=size) if report.settings.batch == 1
        else _("Each value takes {n} bytes, for all samples.", n=size),
    )  # fmt: skip
    return Derivation(None, PEAK, PEAK, report.totals.peak_activation_bytes, (Line(PEAK, add_up(terms)),), remarks)
