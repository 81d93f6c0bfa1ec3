"""The field of a unit as it is drawn on paper: rows and columns, of an image, of a line of pixels, or of a volume."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.analysis.fields.sets.regions import product, products, union
from cnncalc.analysis.fields.sets.units import Patch, Span

MARGIN = 4  # beyond the image a quarter of its size is drawn, or 4 pixels, of a field that goes on there


class Window(NamedTuple):
    """What is drawn: (first, last) of rows and columns, and what of it the image is; a row of one for one axis."""

    rows: Span
    columns: Span
    image: tuple[int, int]
    field: tuple[Span, Span] | None  # the hull that goes on beyond the borders


def flat(patch: Patch) -> list[tuple[int, int]]:
    """The field as (rows, columns) of disjoint products, as bits; of a volume what is seen at any depth."""
    area = patch.area
    if patch.axes == 3:
        seen = ()
        for _depths, rest in area:
            seen = union(seen, rest)
        area = seen
    if patch.axes == 1:
        return [(1, area)] if area else []
    return [(places[0], places[1]) for places in products(area or product([0, 0]))]


def window_of(patch: Patch) -> Window:
    """The image, and around it what the field would see there, as far as that is drawn."""
    # A line of pixels is drawn as one row, a volume by its last two axes.
    sizes = patch.sizes[-2:] if patch.axes > 1 else (1, *patch.sizes)
    outer = patch.unclipped[-2:] if patch.unclipped else ()
    spans = [None, *outer] if patch.axes == 1 else list(outer)
    if len(spans) < 2 or any(span is None for span in spans[2 - min(2, patch.axes) :]):
        return Window((0, sizes[0] - 1), (0, sizes[1] - 1), sizes, None)  # type: ignore[arg-type]
    field = tuple(span or (0, 0) for span in spans)
    drawn = [
        (max(min(0, a), -max(MARGIN, n // MARGIN)), min(max(n - 1, b), n - 1 + max(MARGIN, n // MARGIN)))
        for (a, b), n in zip(field, sizes, strict=True)
    ]
    return Window(drawn[0], drawn[1], sizes, field)  # type: ignore[arg-type]
