"""Numbers that are not as they were locked: lines, Markdown, JSON, SARIF, or annotations for GitHub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cnncalc.errors import CnncalcError, Position
from cnncalc.formats.github import Finding, found_at, sarif_log, unusable_spec, workflow_commands
from cnncalc.formats.grid import Grid, draw
from cnncalc.language import _
from cnncalc.locking import Drift

MOST_LINES = 40  # that are shown to people

Places = Mapping[tuple[str, str], tuple[str, Position | None]]


def render(
    found: Sequence[Drift],
    format: str,
    *,
    held: int,
    places: Places | None = None,
    unusable: Mapping[str, CnncalcError] | None = None,
) -> str:
    """The numbers that drifted; `held` is how many did not, `places` says where the layers stand."""
    if format == "json":
        data = [{"path": d.path, "name": d.name, "locked": d.locked, "now": d.now} for d in found]
        errors = {path: str(error) for path, error in (unusable or {}).items()}
        text = json.dumps({"held": held, "drift": data, "errors": errors}, indent=2, ensure_ascii=False)
        return text + "\n"
    if format in ("github", "sarif"):
        noted = findings(found, places or {})
        for path, error in (unusable or {}).items():
            noted += unusable_spec(path, error)
        if format == "sarif":
            return sarif_log(noted, {"drift": _("a number is not as it was locked"),
                                     "unusable": _("the spec cannot be used")})  # fmt: skip
        return workflow_commands(noted)
    shown = [[d.path, d.name, *sides(d)] for d in found[:MOST_LINES]]
    more = _("and {more} more", more=len(found) - MOST_LINES) + "\n" if len(found) > MOST_LINES else ""
    if format == "markdown":
        lines = draw(Grid([_("spec"), _("number"), _("locked"), _("now")], shown, left=2), format) if shown else ""
    else:
        lines = "".join(f"{path}: {name}: {locked} -> {now}\n" for path, name, locked, now in shown)
    kept = "" if found else _("{count} numbers are as they were locked", count=held) + "\n"
    return lines + more + kept


def sides(drift: Drift) -> tuple[str, str]:
    return drift.locked or _("(not locked)"), drift.now or _("(gone)")


def findings(found: Sequence[Drift], places: Places) -> list[Finding]:
    """A finding per layer, at its line; what the whole network adds up to, at the file."""
    grouped: dict[tuple[str, str], list[Drift]] = {}
    for drift in found:
        grouped.setdefault((drift.path, drift.name.rpartition(".")[0]), []).append(drift)
    result = []
    for (path, layer), drifts in grouped.items():
        file, position = places.get((path, layer)) or places.get((path, "")) or (path, None)
        message = "; ".join("{}: {} -> {}".format(d.name, *sides(d)) for d in drifts)
        result.append(found_at(file, position, "drift", message))
    return result
