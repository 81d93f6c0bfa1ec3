"""Claims against evidence: every number of a report held against what running the network gives.

verification = verify(graph)
verification.holds          # no number differs
print(verification.checks)  # each with claim, evidence, the probe, and why it could not be measured
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis import analyze_graph
from cnncalc.analysis.fields.forward import Seen
from cnncalc.analysis.fields.table import has_gates
from cnncalc.errors import CnncalcError, suggest
from cnncalc.evidence.counts import STOPPED, Finding, Measured, measure_counts
from cnncalc.evidence.fields import Field, measure_fields
from cnncalc.evidence.size import check_memory
from cnncalc.graph import Graph
from cnncalc.language import _, n_
from cnncalc.quantities import COUNT, FIELD, MEMORY, OWNED, RATIO, RATIOS, SHAPE, SUMMED, of_subject
from cnncalc.report import Report, Row, Settings

FIELDS = of_subject(FIELD)
# Sets of pixels are measured for some units only, and stand in no report.
RATIO_OF = {ratio.name: ratio.of for ratio in RATIOS}
QUANTITIES = tuple(dict.fromkeys([*of_subject(SHAPE, COUNT, FIELD), "seen_pixels", *of_subject(MEMORY, RATIO), *OWNED]))
EFFECTIVE = "effective_variance"  # measured where it is asked for by name
COUNTED = of_subject(COUNT, MEMORY, RATIO)
UNPROBED = Measured(None, "", n_("no probe counts it"))
BY_CHANNEL = "receptive_field by channel"
HOLDS, DIFFERS, NOT_MEASURED, NOT_CLAIMED = n_("holds"), n_("differs"), n_("not measured"), n_("not claimed")


class Check(NamedTuple):
    """One number: what is claimed, what was measured and by which probe. No layer: a total."""

    layer: str | None
    quantity: str
    claimed: Any
    measured: Any
    probe: str
    verdict: str
    reason: str = ""


class Verification(NamedTuple):
    """All checks of one network, rows first, then totals. `failure`: why the network could not be run, if so."""

    report: Report
    checks: tuple[Check, ...]
    seed: int
    failure: str = ""

    def __repr__(self) -> str:
        return (
            f"<Verification of {self.report.name}: {'holds' if self.holds else 'differs'}, {len(self.checks)} checks>"
        )

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    @property
    def holds(self) -> bool:
        """Whether the network runs, some number was held against evidence, and none differs.

        What could not be measured is neither passed nor failed.
        """
        return self.compares and not self.failure and not any(check.verdict == DIFFERS for check in self.checks)

    @property
    def compares(self) -> bool:
        """Whether any number was measured that is claimed."""
        return any(check.verdict in (HOLDS, DIFFERS) for check in self.checks)

    def count_verdicts(self) -> dict[str, int]:
        """How many checks there are of each verdict."""
        verdicts = [check.verdict for check in self.checks]
        return {verdict: verdicts.count(verdict) for verdict in (HOLDS, DIFFERS, NOT_MEASURED, NOT_CLAIMED)}


def verify(
    graph: Graph,
    *,
    quantities: Sequence[str] = QUANTITIES,
    layers: Sequence[str] | None = None,
    exact_padding: bool = False,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Measure a network by running it, and hold every claim against what comes out.

    quantities     of QUANTITIES; all of them unless said otherwise. EFFECTIVE besides, where it is asked for
    layers         names of rows or blocks to report; totals only come with all of them
    exact_padding  count only taps that land on real input
    seed           of the weights and the image; no number depends on it
    progress       called with a layer's name when it has run, and with a probe's before it starts

    Raises CnncalcError for a quantity or a layer that does not exist, for a kind without a reference, and for a
    network that this machine has not the memory to run.
    """
    check_names(quantities)
    check_memory(graph)
    report = analyze_graph(graph, Settings(exact_padding=exact_padding))
    rows = choose_rows(report, layers)
    done = progress or (lambda name: None)
    counts: list[Finding] = [{} for _ in report.layers]
    peak = Measured(None, "", "")
    # Counting runs the whole network on real numbers: what units see alone does without.
    if set(quantities) - {*FIELDS, "seen_pixels", EFFECTIVE}:
        counts, peak = measure_counts(graph, seed, exact_padding, done)
    checks: dict[int, list[Check]] = {i: count_checks(report.layers[i], counts[i], quantities) for i in rows}
    for i, check in check_seen(graph, report, quantities, seed, done):
        if i in checks:
            checks[i].append(check)
    # The sum over some rows alone is not the network's total.
    totals = total_checks(report, counts, peak, quantities) if layers is None and any(counts) else []
    failure = next((found["output"].reason for found in counts if found and not ran(found)), "")
    return Verification(report, (*(check for found in checks.values() for check in found), *totals), seed, failure)


def check_names(quantities: Sequence[str]) -> None:
    """Raises CnncalcError for the first that is no quantity, with the nearest."""
    for quantity in quantities:
        if quantity not in (*QUANTITIES, EFFECTIVE):
            hint = suggest(quantity, QUANTITIES) or _("known: {names}", names=", ".join(QUANTITIES))
            raise CnncalcError(_("there is no quantity '{name}': {hint}", name=quantity[:40], hint=hint))


def check_seen(
    graph: Graph, report: Report, quantities: Sequence[str], seed: int, done: Callable[[str], None]
) -> Iterator[tuple[int, Check]]:
    """What units see, as sizes, apart, and pixel by pixel, as far as it is asked for; each with its row."""
    if set(quantities) & {*FIELDS}:
        yield from field_checks(graph, report, quantities, done)
    if "receptive_field" in quantities and has_gates(graph):
        yield from local_checks(graph, report, done)
    if "seen_pixels" in quantities:
        yield from unit_checks(graph, seed, done)
    if EFFECTIVE in quantities:
        yield from spread_checks(graph, report, done)


def spread_checks(graph: Graph, report: Report, done: Callable[[str], None]) -> Iterator[tuple[int, Check]]:
    """How much pixels count for a unit: the variance of its effective field, in pixels squared."""
    from cnncalc.evidence.apart import parts_of
    from cnncalc.evidence.effective import measure_spreads

    for source in graph.inputs:
        done(_("effective fields on {source}", source=source))
        parts = parts_of(graph, source, [row.fields.get(source) for row in report.layers], {})
        name = EFFECTIVE if len(graph.inputs) == 1 else f"{EFFECTIVE} of {source}"
        for i, claimed, found in measure_spreads(graph, source, parts):
            yield i, judge(graph.nodes[i].name, name, claimed, found)


def judge(layer: str | None, quantity: str, claimed: Any, found: Measured) -> Check:
    """A claim beside its evidence. A shape or a field is compared axis by axis, as far as both know it."""
    verdict, reason = HOLDS, found.reason
    pairs = [(claimed, found.value)]
    if isinstance(claimed, tuple) and isinstance(found.value, tuple) and len(claimed) == len(found.value):
        pairs = list(zip(claimed, found.value, strict=True))
    if found.value is None and claimed is not None:
        pairs = [(claimed, None)]
    # One axis that differs decides, whatever could not be measured or is not claimed along the others.
    if any(a is not None and b is not None and a != b for a, b in pairs):
        verdict = DIFFERS
    elif any(a is not None and b is None for a, b in pairs):
        verdict = NOT_MEASURED
    elif any(a is None for a, b in pairs):
        verdict = NOT_CLAIMED
    return Check(layer, quantity, claimed, found.value, found.probe, verdict, reason if verdict != HOLDS else "")


def count_checks(row: Row, found: Finding, quantities: Sequence[str]) -> list[Check]:
    """What a layer is, stores and does: nothing where the run ended before it; what no probe counts is said."""
    there = [name for name in quantities if name in found or (name in COUNTED and ran(found))]
    return [judge(row.name, name, getattr(row, name), found.get(name, UNPROBED)) for name in there]


def ran(found: Finding) -> bool:
    """Whether the run got through this layer: a shape came out."""
    return all(name in found and found[name].value for name in of_subject(SHAPE))


def field_checks(
    graph: Graph, report: Report, quantities: Sequence[str], done: Callable[[str], None]
) -> Iterator[tuple[int, Check]]:
    """Fields over all channels of a layer, and channel by channel where channels differ."""
    from cnncalc.evidence.apart import channel_runs, parts_of

    runs = channel_runs(graph) if "receptive_field" in quantities else {}
    for source in graph.inputs:
        done(_("receptive fields of {source}", source=source))
        claims = [row.fields.get(source) for row in report.layers]
        parts = parts_of(graph, source, claims, runs)
        for i, (of, (measured, *by_run)) in enumerate(zip(parts, measure_fields(graph, source, parts), strict=True)):
            yield from ((i, check) for check in row_checks(report, i, source, quantities, claims[i], measured))
            for part, fields in zip(of[1:], by_run, strict=True):
                check = run_check(f"{report.layers[i].name}[{part.first}..{(part.last or 0) - 1}]", part.claim, fields)
                if check is not None:
                    yield i, check


def run_check(name: str, claim: Seen | None, fields: tuple[Field, ...] | None) -> Check | None:
    """What channels see that are said to see the same; None where they see nothing, as is claimed."""
    if claim is None or fields is None:
        return arrival(name, BY_CHANNEL, claim, fields)
    fields = as_a_whole(claim, fields)
    sizes = tuple(None if c is None else f.size for c, f in zip(claim.size, fields, strict=True))
    reason = next((field.reason for field in fields if field.size is None), "")
    return judge(name, BY_CHANNEL, claim.size, Measured(sizes, "reach", reason))


def as_a_whole(claim: Seen, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """What sees nothing along one axis sees nothing at all: then what is seen along the others is not measured."""
    if 0 not in claim.size or all(field.size for field in fields):
        return fields
    reason = next((field.reason for field in fields if not field.size), "")
    return (Field(None, reason=reason),) * len(fields)


def arrival(name: str, quantity: str, claim: Seen | None, fields: tuple[Field, ...] | None) -> Check | None:
    """What is to be said where an input does not arrive, or is not claimed to; None if neither."""
    if claim is not None and fields is None:
        if 0 in claim.size:  # along an axis nothing is seen: then nothing at all
            return judge(name, quantity, claim.size, Measured(claim.size, "reach"))
        return judge(name, quantity, claim.size, Measured((), "reach", _("nothing of this input arrives")))
    if claim is None and fields and any(field.size is not None or field.whole for field in fields):
        return judge(name, quantity, (), Measured(tuple(field.size for field in fields), "reach"))
    return None


def local_checks(graph: Graph, report: Report, done: Callable[[str], None]) -> Iterator[tuple[int, Check]]:
    """Fields without gates."""
    from cnncalc.evidence.apart import local_claims, parts_of, without_gates

    local = local_claims(graph)
    try:
        bare = without_gates(graph)
    except CnncalcError as error:  # a gate has more channels than what it is applied to
        for i, row in enumerate(report.layers):
            for claim in local[i].values():
                reason = _("without its gates the network does not fit together: {reason}", reason=error)
                yield i, judge(row.name, "local receptive_field", claim.size, Measured(None, "reach", reason))
        return
    for source in graph.inputs:
        done(_("receptive fields of {source}, without gates", source=source))
        claims = [seen.get(source) for seen in local]
        found = measure_fields(bare, source, parts_of(bare, source, claims, {}))
        for i, (measured,) in enumerate(found):
            for check in row_checks(report, i, source, ("receptive_field",), claims[i], measured):
                yield i, check._replace(quantity=f"local {check.quantity}")


def row_checks(
    report: Report,
    number: int,
    source: str,
    quantities: Sequence[str],
    claim: Seen | None,
    measured: tuple[Field, ...] | None,
) -> Iterator[Check]:
    """The checks of what a row sees of one input. Where nothing of it arrives there are none."""
    row, alone = report.layers[number], len(report.inputs) == 1
    if claim is None or measured is None:
        check = arrival(row.name, f"receptive_field of {source}", claim, measured)
        if check is not None:
            yield check
        return
    measured = as_a_whole(claim, measured)
    for quantity, claimed, values in (
        ("receptive_field", claim.size, [field.size for field in measured]),
        ("jump", claim.jump, [field.jump for field in measured]),
        ("rf_start", claim.start, [field.start for field in measured]),
    ):
        if quantity in quantities and (quantity == "receptive_field" or any(c is not None for c in claimed)):
            # What an axis means behind a layer that mixes axes is not known: nothing is claimed, nothing shown.
            shown = tuple(None if a is None else v for a, v in zip(claimed, values, strict=True))
            reason = next((f.reason for f, v in zip(measured, values, strict=True) if v is None), "")
            name = quantity if alone else f"{quantity} of {source}"
            yield judge(row.name, name, claimed, Measured(shown, "reach", reason))


def unit_checks(graph: Graph, seed: int, done: Callable[[str], None]) -> Iterator[tuple[int, Check]]:
    """Units of the last map: the exact sets of pixels that they see of each input."""
    from cnncalc.evidence.units import measure_units

    for source in graph.inputs:
        done(_("pixels of {source} that units see", source=source))
        for number, unit, claimed, found in measure_units(graph, source, seed):
            name = "seen_pixels" if len(graph.inputs) == 1 else f"seen_pixels of {source}"
            place = ",".join(map(str, unit))
            yield number, judge(f"{graph.nodes[number].name}[{place}]", name, claimed, found)


def total_checks(
    report: Report, counts: Sequence[Finding], peak: Measured, quantities: Sequence[str]
) -> Iterator[Check]:
    """Sums of what was measured against the totals that are claimed."""
    for quantity in quantities:
        if quantity in SUMMED and any(quantity not in found for found in counts):
            reason = UNPROBED if all(map(ran, counts)) else Measured(None, "", STOPPED)
            yield judge(None, quantity, getattr(report.totals, quantity), reason)
        elif quantity in SUMMED:
            values = [found[quantity].value for found in counts]
            probes = " and ".join(dict.fromkeys(p for f in counts for p in f[quantity].probe.split(" and ")))
            claimed = getattr(report.totals, quantity)
            if report.totals.is_partial(quantity):
                left_out = _("{left_out} rows do not claim it", left_out=report.totals.count_left_out(quantity))
                yield Check(None, quantity, claimed, sum(values), probes, NOT_CLAIMED, left_out)
            else:
                yield judge(None, quantity, claimed, Measured(sum(values), probes))
        elif quantity in RATIO_OF:
            yield judge(None, quantity, getattr(report.totals, quantity), total_ratio(counts, quantity))
        elif quantity in OWNED:
            yield judge(None, quantity, getattr(report.totals, quantity), peak)


def total_ratio(counts: Sequence[Finding], quantity: str) -> Measured:
    """A ratio over all layers, of the sums of what was measured of each."""
    if not all(name in found for found in counts for name in RATIO_OF[quantity]):
        return Measured(None, "", STOPPED)
    above, below = (sum(found[name].value for found in counts) for name in RATIO_OF[quantity])
    probes = dict.fromkeys(p for found in counts for p in found[quantity].probe.split(" and "))
    return Measured(above / below if below else None, " and ".join(probes))


def choose_rows(report: Report, layers: Sequence[str] | None) -> list[int]:
    """The rows to report: those named, and those of the blocks named. Raises UnknownLayerError."""
    if layers is None:
        return list(range(len(report.layers)))
    found: dict[int, None] = {}
    places = {row.name: i for i, row in enumerate(report.layers)}
    for name in layers:
        report[name]  # raises where there is none
        if name in places:
            found[places[name]] = None
        else:
            group = report.groups[name]
            found.update(dict.fromkeys(range(group.first, group.last)))
    return sorted(found)
