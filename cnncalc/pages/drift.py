"""Numbers that are not as they were locked, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.errors import CnncalcError, Position
from cnncalc.formats.findings import Case, Finding, Suite, place_finding, unusable_spec
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.locking import Drift

MOST_LINES = 40  # that are shown to people

Places = Mapping[tuple[str, str], tuple[str, Position | None]]


def drift_page(
    found: Sequence[Drift],
    *,
    held: int,
    places: Places | None = None,
    unusable: Mapping[str, CnncalcError] | None = None,
) -> Page:
    """The numbers that drifted; `held` is how many did not, `places` says where the layers stand."""
    rows = rows_of(found)
    notes = [_("and {more} more", more=len(rows) - MOST_LINES)] if len(rows) > MOST_LINES else []
    rows = rows[:MOST_LINES]
    notes += [] if found else [_("{count} numbers are as they were locked", count=held)]
    # Programs get all of them, however many lines people are shown.
    data = [{"path": d.path, "name": d.name, "locked": d.locked, "now": d.now} for d in found]
    noted = make_findings(found, places or {})
    for path, error in (unusable or {}).items():
        noted += unusable_spec(path, error)
    return Page(
        "",
        [Section("", Table([_("spec"), _("number"), _("locked"), _("now")], rows, left=2), data, notes=notes)],
        {"held": held, "drift": data, "errors": {path: str(error) for path, error in (unusable or {}).items()}},
        told=[*(f"{path}: {name}: {locked} -> {now}" for path, name, locked, now in rows), *notes],
        findings=noted,
        suites=make_suites(found, held, unusable or {}),
        rules={"drift": _("a number is not as it was locked"), "unusable": _("the spec cannot be used")},
    )


def rows_of(found: Sequence[Drift]) -> list[list[str]]:
    """A row per number that drifted, and one for all numbers of a spec that is gone or was never locked."""
    by_path: dict[str, list[Drift]] = {}
    for drift in found:
        by_path.setdefault(drift.path, []).append(drift)
    rows = []
    for path, drifts in by_path.items():
        count = _("all {count} numbers", count=len(drifts))
        # A spec has more numbers than a layer that came or went: of it, the totals are gone or new too
        totals = [drift for drift in drifts if "." not in drift.name]
        if totals and all(drift.now is None for drift in drifts):
            rows.append([path, count, _("locked"), _("(gone)")])
        elif totals and all(drift.locked is None for drift in drifts):
            rows.append([path, count, _("(not locked)"), _("(new)")])
        else:
            rows += [[d.path, d.name, *say_sides(d)] for d in drifts]
    return rows


def make_suites(found: Sequence[Drift], held: int, unusable: Mapping[str, CnncalcError]) -> list[Suite]:
    """A suite per spec with a case for each number that drifted, and one for those that did not."""
    grouped: dict[str, list[Case]] = {}
    for drift in found:
        text = "{} -> {}".format(*say_sides(drift))
        grouped.setdefault(drift.path, []).append(Case(drift.name, (text, f"{drift.path}: {drift.name}: {text}")))
    result = [Suite(path, path, cases) for path, cases in grouped.items()]
    result += [Suite(path, path, [], error) for path, error in unusable.items()]
    # One case for all that hold: a lock file has thousands of numbers.
    return [*result, Suite("lock", "", [Case(_("{count} numbers are as they were locked", count=held))])]


def say_sides(drift: Drift) -> tuple[str, str]:
    return drift.locked or _("(not locked)"), drift.now or _("(gone)")


def make_findings(found: Sequence[Drift], places: Places) -> list[Finding]:
    """A finding per layer, at its line; what the whole network adds up to, at the file."""
    grouped: dict[tuple[str, str], list[Drift]] = {}
    for drift in found:
        grouped.setdefault((drift.path, drift.name.rpartition(".")[0]), []).append(drift)
    result = []
    for (path, layer), drifts in grouped.items():
        # A layer that is gone has no line: then that of its spec, and at last the file alone.
        file, position = places.get((path, layer)) or places.get((path, "")) or (path, None)
        message = "; ".join("{}: {} -> {}".format(d.name, *say_sides(d)) for d in drifts)
        result.append(place_finding(file, position, "drift", message))
    return result
