"""Receptive fields as a page of tables: see formats/page.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.analysis.fields.alignment import MISALIGNED, Merge
from cnncalc.analysis.fields.table import AxisSeen, Group, LayerSeen, Phases
from cnncalc.formats.numbers import join_axes, sizes
from cnncalc.formats.page import Section, Table
from cnncalc.language import _
from cnncalc.pages.view import View, choose_rows
from cnncalc.report import Report, as_json

SHOWN_SIZES = 4  # of units that differ, before only the smallest and the largest are named


class Told(NamedTuple):
    """What the table of layers tells.

    origins  names of what fields are counted in, and `values` their values in the graph
    back     for each value what a unit of `target` sees of it; None where nothing leads there
    windows  kernel and stride of every node
    """

    seen: Sequence[Mapping[int, LayerSeen]]
    origins: Sequence[str]
    values: Sequence[int]
    windows: Sequence[tuple[str, str]] = ()
    target: str = ""
    back: Sequence[tuple[AxisSeen, ...] | None] = ()

    def look_back(self, first: int, own: int, last: int) -> tuple[AxisSeen, ...] | None:
        """What the target sees of the layer `own`, or of what is shown in its row up to `last`."""
        return (self.back[first + last] or self.back[first + own]) if self.target else None


def layers_section(report: Report, told: Told, *, expand: bool = False) -> Section:
    """A row for each layer and origin: size, jump, start, centre; what the target sees of it, beside that."""
    several = len(told.origins) > 1
    local = any(found.local is not None for entry in told.seen for found in entry.values())
    sees = _("{name} sees", name=told.target)
    head = [_("layer"), _("kind"), *([_("of")] if several else []), _("output")]
    head += ["k", "s"] if told.target else []
    head += [_("RF"), *([_("local RF")] if local else []), _("jump"), _("RF start"), _("centre")]
    rows = []
    if told.target:
        rows += [make_origin_row(report, told, source, local) for source in range(len(told.origins))]
    for name, kind, own, last in find_places(report, expand):
        back = told.look_back(len(report.inputs), own, last)
        here = {len(report.inputs) + own, len(report.inputs) + last}
        # What the target does not see has no row, nor have origins, which have one above.
        if (told.target and back is None) or here & {*told.values}:
            continue
        # A target that reads a layer without its activation sees nothing of the last operation of the row: the layer
        # itself is told of.
        place = own if told.target and told.back[last + len(report.inputs)] is None else last
        for source, found in told.seen[place].items():
            row = [name, kind, *([told.origins[source]] if several else []), sizes(report.layers[place].output)]
            row += told.windows[own] if told.target else []
            size, *others = write_cells(found.axes)
            # Without gates before it, a layer's local field is its field.
            least = join_axes([write_number(axis.size) for axis in found.local or found.axes])
            row += [size, *([least] if local else []), *others]
            rows.append([*row, *([join_axes([write_number(axis.size) for axis in back])] if back is not None else [])])
    head += [sees] if told.target else []
    notes = [_("counted from 0 in elements of {name}; centre: of unit 0", name=", ".join(told.origins))]
    if local:
        notes.append(_("local RF: without gates and the statistics of whole maps"))
    if told.target:
        notes.append(_("{name} sees: so many units of the layer's output, per axis", name=told.target))
    if any(axis.size is None for entry in told.seen for found in entry.values() for axis in found.axes):
        notes.append(_("?: the units have no one field; `--all-units --unit LAYER` shows each"))
    gone = [_("kind"), _("output"), _("centre"), _("RF start"), _("jump")]
    data = list(layers_data(report, told))
    return Section("layers", Table(head, rows, left=2 + several, dispensable=gone), data, notes=notes)


def make_origin_row(report: Report, told: Told, source: int, local: bool) -> list[str]:
    """The row of what fields are counted in: a unit of it sees itself, the target so many."""
    name, value = told.origins[source], told.values[source]
    back = told.back[value]
    place = value - len(report.inputs)
    shape = report.layers[place].output if place >= 0 else report.inputs[name]
    row = [name, _("input") if place < 0 else "", *([name] if len(told.origins) > 1 else []), sizes(shape)]
    row += ["", "", "1", *(["1"] if local else []), "1", "0", "0"]
    return [*row, "" if back is None else join_axes([write_number(axis.size) for axis in back])]


def find_places(report: Report, expand: bool) -> Iterator[tuple[str, str, int, int]]:
    """Name, kind and node of each row, and the node of the last operation that is shown in it."""
    # Rows have names, folds have numbers: names of rows are unique.
    numbers = {row.name: i for i, row in enumerate(report.layers)}
    # Shape and field of a row are those behind its activation, the last operation shown in it.
    last = {} if expand else {row.shown_with: i for i, row in enumerate(report.layers) if row.shown_with is not None}
    for row in choose_rows(report, View(expand=expand)):
        place = numbers[row.name]
        yield row.name, row.kind, place, max(place, last.get(place, place))


def layers_data(report: Report, told: Told) -> Iterator[dict[str, Any]]:
    """Every operation and origin, as JSON and CSV have it."""
    first = len(report.inputs)
    for place, entry in enumerate(told.seen):
        back = told.back[first + place] if told.target else None
        # What the target sees nothing of, and what fields are counted in, have no row of their own.
        if (told.target and back is None) or first + place in told.values:
            continue
        for source, found in entry.items():
            row = {"name": report.layers[place].name, "of": told.origins[source], **as_numbers(found.axes)}
            if found.local is not None:
                row["local"] = as_numbers(found.local)
            if any(axis.phases for axis in found.axes):
                row["phases"] = [None if axis.phases is None else phases_data(axis.phases) for axis in found.axes]
            if back is not None:
                row["seen_by_target"] = as_json(tuple(axis.size for axis in back))
            yield row


def phases_data(phases: Phases) -> dict[str, Any]:
    return {
        "period": phases.period,
        "span": phases.span,
        "sizes": list(phases.sizes),
        "starts": list(phases.starts),
        "strays": as_exact(phases.strays),
    }


def phases_section(report: Report, told: Told, *, expand: bool = False) -> Section | None:
    """The layers whose units differ from one another: how, and how many see nothing."""
    rows = []
    for name, _kind, own, last in find_places(report, expand):
        if told.target and told.look_back(len(report.inputs), own, last) is None:
            continue
        for found in told.seen[last].values():
            known = [axis.phases for axis in found.axes]
            if any(known):
                columns = [write_phases(axis) for axis in found.axes]
                rows.append([name, *(join_axes(texts) for texts in zip(*columns, strict=True))])
    if not rows:
        return None
    head = [_("layer"), _("period"), _("sizes"), _("see nothing"), _("centres stray")]
    notes = [_("after `period` units fields repeat; strays are measured from an even grid through unit 0")]
    return Section("", Table(head, rows), heading=_("Units that differ from one another"), notes=notes)


def write_phases(axis: AxisSeen) -> list[str]:
    """Period, sizes, units without a field, and how far centres stray, along one axis."""
    phases = axis.phases
    # All units see alike: they repeat after one.
    if phases is None:
        return ["1", write_number(axis.size), "", "0"]
    # A unit that sees nothing is counted in a column of its own, and is no size here.
    several = sorted({size for size in phases.sizes if size})
    shown = ", ".join(map(str, several))
    if len(several) > SHOWN_SIZES:
        shown = f"{several[0]}..{several[-1]}"
    empty = sum(not size for size in phases.sizes)
    # A unit that sees nothing has no centre to stray.
    strays = [stray for stray in phases.strays if stray is not None]
    stray = f"{write_signed(min(strays))}..{write_signed(max(strays))}" if strays else "?"
    of = len(phases.sizes)
    return [str(phases.period or "-"), shown or "0", f"{empty} / {of}" if empty else "", stray]


def write_signed(value: Fraction) -> str:
    return ("+" if value > 0 else "") + write_number(value)


def alignment_section(report: Report, found: Sequence[Merge], *, show_all: bool = False) -> Section:
    """Where paths meet: those that do not lie centred on one another, or all of them."""
    names = [*report.inputs, *(row.name for row in report.layers)]
    shown = [merge for merge in found if show_all or merge.kind in MISALIGNED]
    rows = [
        [
            names[merge.node + len(report.inputs)],
            _(merge.kind),
            join_axes([write_number(meeting.shift) for meeting in merge.axes]),
            _(" and ").join(
                f"{join_axes([write_number(m.branches[i].size) for m in merge.axes])}"
                f" ({join_axes([write_number(m.branches[i].jump) for m in merge.axes])})"
                for i in range(len(merge.axes[0].branches))
            ),
        ]
        for merge in shown
    ]
    data = [
        {
            "name": names[merge.node + len(report.inputs)],
            "of": list(report.inputs)[merge.source],
            "alignment": [meeting.kind for meeting in merge.axes],
            "shift": as_exact([meeting.shift for meeting in merge.axes]),
            "branches": [
                {
                    "name": names[merge.axes[0].branches[i].value],
                    "receptive_field": as_json(tuple(m.branches[i].size for m in merge.axes)),
                    "jump": as_json(tuple(m.branches[i].jump for m in merge.axes)),
                    "centre": as_exact([m.branches[i].centre for m in merge.axes]),
                }
                for i in range(len(merge.axes[0].branches))
            ],
        }
        for merge in found
    ]
    counts = {kind: sum(merge.kind == kind for merge in found) for kind in dict.fromkeys(m.kind for m in found)}
    said = ", ".join(_("{count} {kind}", count=count, kind=_(kind)) for kind, count in counts.items())
    notes = [_("places where paths meet: {said}", said=said or "0")]
    head = [_("layer"), _("alignment"), _("shift"), _("RF (jump) of each path")]
    heading = _("Where paths meet") if rows else ""
    return Section("merges", Table(head, rows, left=2), data, heading=heading, notes=notes)


def channels_section(report: Report, groups: Mapping[int, Mapping[int, Sequence[Group]]]) -> Section:
    """The channels of layers by what they see."""
    origins = list(report.inputs)
    several = len(origins) > 1
    rows, data = [], []
    for node, by_origin in groups.items():
        name = report.layers[node].name
        for source, found in by_origin.items():
            for group in found:
                # `last` is the channel behind the group.
                span = str(group.first) if group.last == group.first + 1 else f"{group.first}..{group.last - 1}"
                where = [origins[source]] if several else []
                rows.append([name, *where, span, str(group.last - group.first), *write_cells(group.axes)])
                channels = [group.first, group.last - 1]
                data.append({"name": name, "of": origins[source], "channels": channels, **as_numbers(group.axes)})
    head = [_("layer"), *([_("of")] if several else []), _("channels"), _("count")]
    head += [_("RF"), _("jump"), _("RF start"), _("centre")]
    gone = [_("centre"), _("RF start"), _("jump")]
    note = _("layers whose channels all see the same are left out")
    table = Table(head, rows, left=1 + several, dispensable=gone)
    return Section("channels", table, data, heading=_("Channels"), notes=[note])


def write_cells(axes: Sequence[AxisSeen]) -> list[str]:
    """Size, jump, start and centre as texts."""
    return [join_axes([write_jump(axis, i) for axis in axes]) for i in range(4)]


def write_jump(axis: AxisSeen, column: int) -> str:
    """A number; `-` for a jump where there are no neighbours that see anything else."""
    return "-" if column == 1 and axis.jump is None and axis.whole else write_number(axis[column])


def write_number(value: Any) -> str:
    """`?` for what is not known, a half as .5, other fractions as they are."""
    if value is None:
        return "?"
    # Beyond 2 to the 50 a float has no half.
    if isinstance(value, Fraction) and value.denominator == 2 and abs(value) < 2**50:
        return f"{float(value):.1f}"
    return str(value)


def as_exact(values: Sequence[Any]) -> Any:
    """Numbers as JSON has them: a whole one without a point."""
    whole = [int(v) if isinstance(v, Fraction) and v.denominator == 1 else v for v in values]
    return as_json(tuple(whole))


def as_numbers(axes: Sequence[AxisSeen]) -> dict[str, Any]:
    """Size, jump, start and centre for JSON and CSV."""
    names = ("receptive_field", "jump", "rf_start", "centre")
    return {name: as_json(tuple([axis[i] for axis in axes])) for i, name in enumerate(names)}
