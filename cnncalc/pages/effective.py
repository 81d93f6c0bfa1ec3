"""Effective receptive fields as pages: see formats/page.py."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from fractions import Fraction
from math import sqrt
from typing import Any

from cnncalc.analysis.fields.effective.moments import Axis, LayerSpread
from cnncalc.analysis.fields.effective.profile import Profile
from cnncalc.analysis.fields.sets.units import SPATIAL_LETTERS
from cnncalc.formats.numbers import join_axes, percent
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _

BARS = " ▁▂▃▄▅▆▇█"
ASCII_BARS = " .:-=+*#@"


def effective_page(
    found: Sequence[LayerSpread],
    profiles: Mapping[str, Sequence[Sequence[Profile | None] | None]],
    target: str,
    of: str,
    facts: Mapping[str, Any],
    inside: Container[str],
    *,
    exact: bool = False,
    width: int = 80,
    bars: str = BARS,
) -> Page:
    """A row for each layer, and the profile of one of them; `profiles` has them by input, axis by axis."""
    sections = [layers_section(found, inside, exact)]
    several = len({entry.source for entry in found}) > 1
    data = []
    for source, per_axis in profiles.items():
        section = profile_section(target, source if several else "", per_axis, width, bars)
        data.append({"layer": target, "input": source, "axes": [profile_data(axis, exact) for axis in per_axis]})
        sections.append(section)
    # In JSON the profiles of all inputs are one list, which hangs on the first of their sections.
    if len(sections) > 1:
        sections[1] = sections[1]._replace(key="profiles", data=data)
    return Page(_("effective receptive fields: {network}", network=of), sections, facts)


def say_assumptions() -> list[str]:
    return [
        _("sigma, in pixels, of how much every pixel counts for a unit far from the borders (Luo et al. 2016)"),
        _("assumed: equal weights, channels and shares of activations; pools as means; gates and norms left out"),
        _("a chain has mass 1; sums of branches add up, so that the mass counts the paths"),
    ]


def layers_section(found: Sequence[LayerSpread], inside: Container[str], exact: bool) -> Section:
    several = len({entry.source for entry in found}) > 1
    heads = [_("layer"), *([_("input")] if several else []), _("sigma"), _("variance"), _("centre"), _("mass")]
    rows, data, phased = [], [], False
    for entry in found:
        axes = entry.axes
        phased |= any(axis is not None and len(axis.phases) > 1 for axis in axes)
        # An activation has the spread of its layer: the table shows it once, the data has both.
        if entry.layer not in inside:
            texts = [
                join_axes([write_decimal(pick(axis)) for axis in axes]) for pick in (sigma, variance, centre, mass)
            ]
            rows.append([entry.layer, *([entry.source] if several else []), *texts])
        data.append({"name": entry.layer, "input": entry.source, **axes_data(axes, exact)})
    notes = [
        *say_assumptions(),
        *([_("units that differ by phase: their mixture, each around its place")] if phased else []),
    ]
    if not found:
        notes = [_("no input has axes: there are no fields to measure")]
    if any(axis is None for entry in found for axis in entry.axes):
        notes.append(_("? where units see the whole image, or see differently from one to the next: not defined"))
    dispensable = [_("mass"), _("centre"), _("variance")]
    return Section("layers", Table(heads, rows, left=1 + several, dispensable=dispensable), data, notes=notes)


def sigma(axis: Axis | None) -> float | None:
    return None if axis is None else sqrt(axis.mixture.variance)


def variance(axis: Axis | None) -> Fraction | None:
    return None if axis is None else axis.mixture.variance


def centre(axis: Axis | None) -> Fraction | None:
    return None if axis is None else axis.mixture.centre


def mass(axis: Axis | None) -> Fraction | None:
    return None if axis is None else axis.mixture.mass


def write_decimal(value: Fraction | float | None) -> str:
    """Four decimals, without zeros at the end."""
    if value is None:
        return "?"
    if isinstance(value, Fraction) and value.denominator == 1:
        return f"{value.numerator:,}"
    return f"{float(value):,.4f}".rstrip("0").rstrip(".")


def axes_data(axes: Sequence[Axis | None], exact: bool) -> dict[str, list[Any]]:
    """Moments as numbers, axis by axis; exactly as text, `25/3`, if wanted."""
    moments = {"variance": variance, "centre": centre, "mass": mass}
    exactly = {name: [write_value(pick(axis), exact) for axis in axes] for name, pick in moments.items()}
    # `a and`: an axis on which nothing is defined has no number of phases either.
    return {"sigma": [sigma(axis) for axis in axes], **exactly, "phases": [a and len(a.phases) for a in axes]}


def write_value(value: Fraction | None, exact: bool) -> Any:
    if value is None:
        return None
    if value.denominator == 1:
        return value.numerator
    return str(value) if exact else float(value)


def profile_section(
    target: str, source: str, per_axis: Sequence[Sequence[Profile | None] | None], width: int, bars: str
) -> Section:
    """Widths by named rules, axis by axis, and the profile of the first as a picture."""
    heads = [
        _("axis"),
        _("phase"),
        _("RF"),
        _("sigma"),
        _("95.45 % of mass"),
        _("above 4.55 % of peak"),
        _("share of RF"),
    ]
    rows, lines, drawn = [], [], []
    for letter, units in zip(SPATIAL_LETTERS[len(per_axis)], per_axis, strict=True):
        if units is None:
            rows.append([letter, "-", "?", "?", "?", "?", "?"])
            continue
        for profile in units:
            if profile is None:
                continue
            size, inner = len(profile.weights), profile.central_width()
            spread = write_decimal(sqrt(profile.variance))
            luo = str(profile.width_above())
            phase = str(profile.phase) if len(units) > 1 else "-"
            rows.append([letter, phase, str(size), spread, str(inner), luo, percent(100 * inner / size) + " %"])
        first = next((profile for profile in units if profile is not None), None)
        # Axes that count alike are drawn once.
        if first is not None and first.weights not in drawn:
            drawn.append(first.weights)
            lines += bar_lines(first, width, bars)
    heading = _("profile of {layer}", layer=target)
    if source:
        heading = _("profile of {layer} on {source}", layer=target, source=source)
    notes = [_("drawn: how much the pixels of the field count, that of phase 0")] if lines else []
    table = Table(heads, join_alike_axes(rows), dispensable=[_("share of RF"), _("sigma")])
    return Section("", table, (), heading, notes, lines)


def join_alike_axes(rows: list[list[str]]) -> list[list[str]]:
    """Rows that differ in nothing but the axis as one."""
    found: dict[tuple[str, ...], list[str]] = {}
    for letter, *rest in rows:
        found.setdefault(tuple(rest), []).append(letter)
    return [[" ".join(letters), *rest] for rest, letters in found.items()]


def bar_lines(profile: Profile, width: int, bars: str, height: int = 5) -> list[str]:
    """The profile in so many lines, as wide as it fits; several pixels to a column where it does not."""
    weights = profile.weights
    # Rounded up, so that no line gets wider than allowed.
    each = -(-len(weights) // max(8, width))
    # Whole numbers throughout: a profile's weights are counts of paths, far beyond floats.
    columns = [sum(weights[i : i + each]) for i in range(0, len(weights), each)]
    peak = max(columns)
    steps = (len(bars) - 1) * height
    # Rounded up from half a step on, so that what counts a little is still seen.
    levels = [-(-column * steps // peak) if column * steps * 2 >= peak else 0 for column in columns]
    lines = []
    for row in reversed(range(height)):
        cells = [min(max(level - row * (len(bars) - 1), 0), len(bars) - 1) for level in levels]
        lines.append("".join(bars[cell] for cell in cells).rstrip())
    start, end = str(profile.start), str(profile.start + len(weights) - 1)
    # The last pixel's number stands below the last column, or behind the first number where there is no room.
    return [*lines, start + end.rjust(max(len(columns) - len(start), len(end) + 1))]


def profile_data(units: Sequence[Profile | None] | None, exact: bool) -> list[dict[str, Any] | None] | None:
    """For each phase the weights of the pixels from `start` on: shares of the mass; exactly as text if wanted."""
    if units is None:
        return None
    found: list[dict[str, Any] | None] = []
    for profile in units:
        if profile is None:
            found.append(None)
            continue
        total = sum(profile.weights)
        weights = [str(Fraction(w, profile.denominator)) if exact else w / total for w in profile.weights]
        found.append(
            {
                "phase": profile.phase,
                "start": profile.start,
                "receptive_field": len(profile.weights),
                "variance": write_value(profile.variance, exact),
                "central_95.45_%": profile.central_width(),
                "above_4.55_%_of_peak": profile.width_above(),
                "weights": weights,
            }
        )
    return found
