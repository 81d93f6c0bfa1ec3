"""What a unit sees, and what all units of a layer see, as pages: see formats/page.py."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

from cnncalc.analysis.fields.sets.units import SPATIAL_LETTERS, LayerUnits, Patch, Span, UnitField
from cnncalc.errors import CnncalcError
from cnncalc.formats.numbers import number, percent, sizes
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.picture import BLOCKS, Marks, draw_picture, write_legend

SHOWN_PRODUCTS = 8  # of a set that is no rectangle
SHOWN_UNITS = 9  # of a row of units, in a table
MOST_BOXES = 10_000  # that are written as data, unless all are wanted


def unit_name(field: UnitField) -> str:
    """`pool5[3,3]`."""
    return f"{field.layer}[{','.join(map(str, field.unit))}]"


def unit_title(field: UnitField, of: str) -> str:
    if not of:
        return _("{unit} of {shape}", unit=unit_name(field), shape=sizes(field.output))
    return _("{unit} of {shape}: {network}", unit=unit_name(field), shape=sizes(field.output), network=of)


def field_page(field: UnitField) -> Page:
    """A unit's field on its own, whatever network it is of."""
    return unit_page(field, "", {})


def unit_page(
    field: UnitField, of: str, facts: Mapping[str, Any], *, exact: bool = False, width: int = 80, marks: Marks = BLOCKS
) -> Page:
    """A unit's field on every input: a row for each axis, how much is seen, and a picture."""
    sections = []
    for patch in field.inputs:
        section = patch_section(patch, len(field.inputs) > 1, exact, width, marks)
        sections.append(section._replace(drawing=partial(draw_patch, field, patch)))
    if not sections:
        sections = [Section("seen", notes=[_("this unit sees nothing of the input")])]
    data = [section.data for section in sections if section.data]
    # In JSON all inputs are one list, which hangs on the first section.
    sections[0] = sections[0]._replace(key="seen", data=data)
    more = {"layer": field.layer, "output": list(field.output), "unit": list(field.unit), "local": field.local}
    return Page(unit_title(field, of), sections, {**facts, **more})


def patch_section(patch: Patch, several: bool, exact: bool, width: int, marks: Marks) -> Section:
    lines = draw_picture(patch, width, marks)
    caption = write_legend(marks, lines)
    notes = [*say_patch(patch, exact), _("pixels are counted from 0"), caption]
    heading = _("of {name} {shape}", name=patch.source, shape=sizes(patch.shape)) if several else ""
    table = axes_table(patch)._replace(dispensable=[_("image"), _("holes")])
    return Section("", table, patch_data(patch, exact), heading, notes, lines, caption=caption)


def draw_patch(field: UnitField, patch: Patch) -> str:
    """The field on one input as SVG; nothing where it falls into too many pieces."""
    from cnncalc.pages.drawing.fields.units import unit_scene
    from cnncalc.pages.drawing.writers.svg import render

    try:
        return render(unit_scene(field._replace(inputs=(patch,)), unit_name(field)))
    except CnncalcError:
        return ""


def letters_of(patch: Patch) -> Sequence[str]:
    return SPATIAL_LETTERS[patch.axes] if len(patch.shape) > 1 else (_("elements"),)


def axes_table(patch: Patch) -> Table:
    """For each axis how much is seen, from where to where, and how far it would go beyond the borders."""
    heads = [_("axis"), _("image"), _("seen"), _("first"), _("last"), _("holes"), _("without borders"), _("in padding")]
    rows = []
    outer = patch.unclipped or (None,) * patch.axes
    for letter, n, (first, last), places, span in zip(
        letters_of(patch), patch.sizes, patch.hull or (), patch.indices, outer, strict=True
    ):
        # Places before the first pixel and behind the last: so much of the field lies on padding.
        beyond = "?" if span is None else number(max(0, -span[0]) + max(0, span[1] - n + 1))
        reach = "?" if span is None else run_text(span)
        holes = last - first + 1 - len(places)
        rows.append([letter, number(n), number(len(places)), str(first), str(last), number(holes), reach, beyond])
    return Table(heads, rows)


def run_text(span: Span) -> str:
    """`30..223`, or a single place."""
    return f"{span[0]}..{span[1]}" if span[0] < span[1] else str(span[0])


def say_patch(patch: Patch, exact: bool) -> Iterable[str]:
    """How many pixels are seen, in which shape, and of which channels."""
    pixels = prod(patch.sizes)
    share = percent(100 * patch.pixels / pixels)
    counts = {"seen": number(patch.pixels), "all": number(pixels), "share": share}
    products = patch.products
    boxes = sum(count_boxes(product) for product in products)
    if boxes == 1:
        yield _("{seen} of {all} pixels are seen ({share} %), without holes", **counts)
    else:
        yield _(
            "{seen} of {all} pixels are seen ({share} %), in {boxes} boxes: {of_hull} % of the {hull} between the ends",
            boxes=number(boxes), hull=number(patch.hull_pixels),
            of_hull=percent(100 * patch.pixels / patch.hull_pixels), **counts,
        )  # fmt: skip
        shown = products if exact else products[:SHOWN_PRODUCTS]
        yield from (_("places {product}", product=" x ".join(map(runs_text, product))) for product in shown)
        if len(shown) < len(products):
            yield _("and {count} more such sets: --exact shows them", count=number(len(products) - len(shown)))
    yield from of_channels(patch)


def count_boxes(product: Sequence[Sequence[Span]]) -> int:
    return prod(map(len, product))


def runs_text(spans: Sequence[Span]) -> str:
    """`{0, 2, 4..8}`; evenly spaced places as `{0, 2, .., 12}`."""
    if len(spans) == 1:
        return run_text(spans[0])
    firsts = [first for first, _last in spans]
    steps = {b - a for a, b in pairwise(firsts)}
    lengths = {last - first for first, last in spans}
    # From four on a pattern is shorter than what it stands for; fewer are written out.
    if len(spans) > 3 and len(steps) == len(lengths) == 1:
        return f"{{{run_text(spans[0])}, {run_text(spans[1])}, .., {run_text(spans[-1])}}}"
    return f"{{{', '.join(map(run_text, spans))}}}"


def of_channels(patch: Patch) -> Iterable[str]:
    """Which channels of the input are seen, where not all of them alike."""
    parts = patch.by_channel
    if len(parts) < 2 and (not parts or parts[0][0] == [(0, patch.shape[0] - 1)]):
        # Seen alike in all of them: nothing to say.
        return
    from cnncalc.analysis.fields.sets.regions import size

    for channels, area in parts[:SHOWN_PRODUCTS]:
        yield _("of channel {channels}: {seen} pixels", channels=runs_text(channels), seen=number(size(area)))


def patch_data(patch: Patch, exact: bool) -> dict[str, Any]:
    """The same for programs; boxes are (first, last) on each axis."""
    data: dict[str, Any] = {
        "input": patch.source,
        "shape": list(patch.shape),
        "pixels": patch.pixels,
        "hull": patch.hull and [list(span) for span in patch.hull],
        "hull_pixels": patch.hull_pixels,
        "without_borders": patch.unclipped and [span and list(span) for span in patch.unclipped],
        "channels": [list(span) for spans, _area in patch.by_channel for span in spans],
    }
    boxes = sum(map(count_boxes, patch.products))
    data["box_count"] = boxes
    # Holes in two directions may make millions of boxes of a field.
    if exact or boxes <= MOST_BOXES:
        data["boxes"] = [[list(span) for span in box] for box in patch.boxes]
    if exact:
        data["indices"] = patch.indices
    return data


def all_units_page(
    found: Sequence[LayerUnits], of: str, facts: Mapping[str, Any], inside: Container[str], *, exact: bool = False
) -> Page:
    """The hull of every unit of layers, axis by axis; with the sets if wanted.

    inside  layers that are shown in the row of another, and have none of their own here
    """
    several = len({entry.source for entry in found}) > 1
    heads = [_("layer"), *([_("input")] if several else []), _("axis"), _("units"), _("first and last pixel of each")]
    rows, data = [], []
    for entry in found:
        where = [entry.source] if several else []
        # JSON has every layer, the table those with a row of their own.
        if entry.layer not in inside:
            rows += [[entry.layer, *where, *texts] for texts in units_texts(entry)]
        line: dict[str, Any] = {"name": entry.layer, "input": entry.source, "output": list(entry.output)}
        line["fields"] = entry.spans and [[end and list(end) for end in ends] for ends in entry.spans]
        if exact:
            line["sets"] = entry.sets and [
                [[i for a, b in spans for i in range(a, b + 1)] for spans in sets] for sets in entry.sets
            ]
        data.append(line)
    notes = [_("pixels are counted from 0; along each axis over all channels and all places on the other axes")]
    section = Section("layers", Table(heads, rows, left=len(heads)), data, notes=notes)
    return Page(_("all units: {network}", network=of), [section], facts)


def units_texts(entry: LayerUnits) -> Iterable[list[str]]:
    """(axes, number of units, fields) for each axis; axes of equal fields are one."""
    if entry.spans is None:
        yield ["?", "?", "?"]
        return
    # Where sets were not asked for, each hull stands for one without holes.
    per_axis = entry.sets or [[[] if end is None else [end] for end in ends] for ends in entry.spans]
    alike: dict[tuple[str, str], list[str]] = {}
    for letter, fields in zip(entry.letters, per_axis, strict=True):
        texts = [runs_text(spans) if spans else "-" for spans in fields]
        shown = texts if len(texts) <= SHOWN_UNITS else [*texts[: SHOWN_UNITS - 1], "..", texts[-1]]
        alike.setdefault((str(len(texts)), " ".join(shown)), []).append(letter)
    for (count, seen), axes in alike.items():
        yield [" ".join(axes), count, seen]
