"""Whose number is it: a published total held against every convention, unit and variant of a network.

Exact hits come first, then those that agree to the digits that were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from cnncalc.answers.notation import read
from cnncalc.answers.recounting import change_graph
from cnncalc.conventions.counting import total
from cnncalc.conventions.overview import Printed, overview
from cnncalc.conventions.reading import Convention
from cnncalc.language import _, n_
from cnncalc.quantities import COUNT, QUANTITIES, of_subject
from cnncalc.report import Report

COUNTED = tuple(name for name in of_subject(COUNT) if name != "trainable_params")  # where none is frozen, params
NEAREST = 3  # numbers that are named where nothing is the one that was given


class Candidate(NamedTuple):
    """A number that somebody could have published: what it is, of which variant, and which conventions print it."""

    variant: str
    what: str
    conventions: tuple[str, ...]
    number: int


EXACT, ROUNDED, CUT = n_("exact"), n_("rounded"), n_("cut off")  # how a number is met, the best first


class Match(NamedTuple):
    """A candidate that is the number: exactly, or to the digits given, rounded or cut off behind them.

    unit  how the number is read: empty as it stands
    """

    candidate: Candidate
    how: str
    unit: str


def candidates(variant: str, report: Report, conventions: list[Convention] | None = None) -> Iterator[Candidate]:
    """Every number of one network: of each convention, twice and half of it, its parameters, and our own."""
    found: dict[tuple[str, int], list[str]] = {}
    # Tools that print the same number are one candidate, under the likeliest of what it may be.
    for what, number, name in numbers_of(report, overview(report, conventions)):
        if number:
            names = found.setdefault((what, number), [])
            names += [name] if name not in names else []
    for (what, number), names in found.items():
        yield Candidate(variant, what, tuple(names), number)


def numbers_of(report: Report, every: Sequence[Printed]) -> Iterator[tuple[str, int | None, str]]:
    """(what it is, the number, whose it is), the likeliest first."""
    complete = [one for one in every if not one.unknown and not one.stops]
    for one in complete:
        yield _("as it prints it"), one.number, one.convention.name
    totals = report.totals
    if not totals.is_partial("flops"):
        yield _("FLOPs, all operations counted"), totals.flops, "cnncalc"
    # People double MACs and halve FLOPs, whichever the tool gave.
    for one in complete:
        if one.number is not None and one.convention.per_mac == 1:
            yield _("twice that, as FLOPs"), 2 * one.number, one.convention.name
        elif one.number is not None and one.convention.per_mac == 2:
            yield _("half of that, as MACs"), one.number // 2, one.convention.name
    for one in every:
        if one.convention.number != "params":
            yield _("parameters"), one.params, one.convention.name
    if not totals.is_partial("params") and not totals.is_partial("buffers"):
        yield _("parameters and buffers"), totals.params + totals.buffers, "cnncalc"
    if not totals.is_partial("connections"):
        yield _("connections"), totals.connections, "cnncalc"
    yield _("parameters without biases"), count_without_biases(report), "cnncalc"


def candidates_of_layers(variant: str, report: Report) -> Iterator[Candidate]:
    """Every count of the single layers and blocks, as cnncalc has it; layers that have the same one together."""
    rows = [*report.layers, *(report[name] for name in report.groups)]
    found: dict[tuple[str, int], list[str]] = {}
    for quantity in COUNTED:
        for row in rows:
            number = getattr(row, quantity)
            if number:
                found.setdefault((quantity, number), []).append(row.name)
    for (quantity, number), names in found.items():
        what = f"{names[0]}.{quantity}"
        if len(names) > 1:
            what = _("{name}, and of {n} others", name=what, n=len(names) - 1)
        yield Candidate(variant, what, ("cnncalc",), number)


def count_without_biases(report: Report) -> int | None:
    """The parameters of the same network without its biases; None where none has any, or not all are known."""
    changed = None if report.graph is None else change_graph(report.graph, "bias", old=True, new=False)
    if changed is None:
        return None
    params = QUANTITIES["params"]
    return total(
        [
            params.value(facts, stored_here=node.weights_of is None)
            for node, facts in zip(changed.nodes, changed.facts, strict=True)
        ]
    )


def identify(
    text: str,
    networks: Iterable[tuple[str, Report]],
    conventions: list[Convention] | None = None,
    *,
    layers: bool = False,
) -> tuple[list[Match], list[Candidate]]:
    """What a number is, the best readings first; and the candidates that are nearest. Raises OptionError.

    layers  where no total is the number, it may be that of a layer
    """
    readings = meanings(text)
    networks = list(networks)
    every = [one for variant, report in networks for one in candidates(variant, report, conventions)]
    matches = matches_among(every, readings)
    if layers and not matches:  # the first of the variants that has it: they share most of their layers
        of_layers = (matches_among(candidates_of_layers(name, of), readings) for name, of in networks)
        matches = next(filter(None, of_layers), [])
    # The first reading is the text as it stands: that is what others are near to.
    target = readings[0][0][0]
    near = sorted(every, key=lambda one: abs(one.number - target))
    return matches, near[:NEAREST]


def matches_among(every: Iterable[Candidate], readings: Sequence[tuple[tuple[Fraction, Fraction], str]]) -> list[Match]:
    """The candidates that are the number in one of its readings, the best first."""
    matches = []
    for one in every:
        found = [(how, unit) for reading, unit in readings if (how := match_number(one.number, *reading))]
        if found:
            how, unit = min(found, key=lambda entry: RANK[entry[0]])
            matches.append(Match(one, how, unit))
    matches.sort(key=lambda match: RANK[match.how])  # stable: variants and conventions stay in their order
    return matches


RANK = {EXACT: 0, ROUNDED: 1, CUT: 2}


def match_number(number: int, value: Fraction, slack: Fraction) -> str:
    """How a number is the one that was written with this slack; empty if it is not."""
    # In fractions: 4.1G is exactly 4,100,000,000, and no nearest float.
    if value == number:
        return EXACT
    # Slack is half a unit of the last digit: 4.1 is rounded from 4.05 to 4.15, and cut off from 4.1 up to 4.2.
    if abs(value - number) <= slack:
        return ROUNDED
    return CUT if value <= number < value + 2 * slack else ""


def meanings(text: str) -> list[tuple[tuple[Fraction, Fraction], str]]:
    """((value, slack), unit) of every way to read a number: as written, and K, M, G as powers of 1024."""
    readings = [r for r in read(text, shaped=False) if not isinstance(r.value, tuple)]
    found = [((Fraction(r.value), Fraction(r.slack)), "") for r in readings]
    for r in readings:
        if r.power:
            factor = Fraction(1024**r.power, 1000**r.power)
            found.append(((Fraction(r.value) * factor, Fraction(r.slack) * factor), _("powers of 1024")))
    return found
