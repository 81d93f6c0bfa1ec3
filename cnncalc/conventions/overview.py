"""What every tool would print for one network, side by side with the multiply-accumulates there are."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnncalc.conventions.counting import counts
from cnncalc.conventions.reading import SHIPPED, Convention, convention
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.report import Report


class Printed(NamedTuple):
    """What a convention makes of a network.

    number   the sum over the layers that it counts; None where the tool stops or counts nothing
    unknown  layers that it does not count, with the reason; `stops`: why the tool would end with an error
    ratio    number over the multiply-accumulates, where the two can be compared
    """

    convention: Convention
    number: int | None
    params: int | None
    unknown: dict[str, str]
    stops: str
    ratio: Fraction | None


def overview(report: Report, conventions: list[Convention] | None = None) -> list[Printed]:
    """One entry for each convention, in order. Raises CnncalcError."""
    return [print_totals(report, one) for one in conventions or [convention(name) for name in SHIPPED]]


def print_totals(report: Report, one: Convention) -> Printed:
    graph = report.graph
    if graph is None:
        raise CnncalcError(_("a report without its graph cannot be counted again"))
    found = counts(graph, one, report.settings.batch)
    parts = [count.params if one.number == "params" else count.number for count in found]
    unknown = {node.name: count.reason for node, count in zip(graph.nodes, found, strict=True) if count.reason}
    stops = next((count.reason for count in found if count.fails), "")
    known = [part for part in parts if part is not None]
    # A tool that stops prints nothing, not even of the layers that it had counted by then.
    number = None if stops or not known else sum(known)
    params = [count.params for count in found]
    macs = None if report.totals.is_partial("macs") else report.totals.macs
    # A whole is compared with a whole: no layer may be missing from either.
    comparable = number is not None and len(known) == len(parts) and one.per_mac and macs
    return Printed(
        one,
        number,
        None if None in params else sum(n for n in params if n is not None),
        unknown,
        stops,
        Fraction(number or 0, macs) if comparable and macs else None,
    )
