"""The pixels that one unit depends on: exactly, at the size of the image, borders and holes included.

Found backward, from the unit to the image, over the taps that exist. Places count from 0; a unit is `LAYER[3,4]`, all
channels at a place, or `LAYER[7,3,4]`, channel 7 alone. Source of the method: boolean back-propagation of a unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.sets.hulls import Axes, merge_hulls, unit_hulls
from cnncalc.analysis.fields.sets.regions import Region, boxes, product, products, runs, shadows, size, union, whole
from cnncalc.analysis.fields.sets.taps import Reader, find_needed
from cnncalc.analysis.fields.table import find_value
from cnncalc.analysis.fields.values import ByOrigin, Fixed, Grid, Whole
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.base import Shape, describe, shape_text

if TYPE_CHECKING:
    from numpy import ndarray

Span = tuple[int, int]  # (first, last)
MOST_FOLLOWED = 20_000  # units of a layer whose sets are listed
SPATIAL_LETTERS = {1: ("l",), 2: ("h", "w"), 3: ("d", "h", "w")}


class Patch(NamedTuple):
    """What a unit sees of one input.

    region     the elements, channels first
    unclipped  per axis (first, last) of what it would see if the image went on at its borders; None: not known
    """

    source: str
    shape: Shape
    region: Region
    unclipped: tuple[Span | None, ...] | None

    @property
    def axes(self) -> int:
        """Axes that are counted: those of the image; of a vector its elements."""
        return max(1, len(self.shape) - 1)

    @property
    def sizes(self) -> Shape:
        """The image's pixels along each axis; of a vector its elements."""
        return self.shape[1:] or self.shape

    @property
    def area(self) -> Region:
        """The pixels of which any channel is seen."""
        if len(self.shape) == 1:
            return self.region
        # No place of a row is 0, none of a map ().
        area: Region = 0 if self.axes == 1 else ()
        for _channels, rest in self.region:
            area = union(area, rest)
        return area

    @property
    def by_channel(self) -> list[tuple[list[Span], Region]]:
        """Where channels are seen differently: (channels in a row, their pixels); else one entry."""
        if len(self.shape) == 1:
            return []
        return [(runs(channels), rest) for channels, rest in self.region]

    @property
    def pixels(self) -> int:
        """How many pixels are seen."""
        return size(self.area)

    @property
    def hull(self) -> tuple[Span, ...] | None:
        """Per axis the first and the last pixel that is seen; None if none is."""
        area = self.area
        if not area:
            return None
        # Bit i of a mask is place i.
        return tuple((runs(mask)[0][0], mask.bit_length() - 1) for mask in shadows(area, self.axes))

    @property
    def hull_pixels(self) -> int:
        """The pixels of the hull, seen or not."""
        return prod(last - first + 1 for first, last in self.hull or [(0, -1)])

    @property
    def products(self) -> list[tuple[list[Span], ...]]:
        """Disjoint products that make up what is seen: on each axis the places in a row, (first, last)."""
        return [tuple(map(runs, places)) for places in products(self.area)]

    @property
    def boxes(self) -> list[tuple[Span, ...]]:
        """Disjoint boxes that make up what is seen, rectangles of an image, from the top."""
        return list(boxes(self.area))

    @property
    def indices(self) -> list[list[int]]:
        """For each axis the places that are seen, one by one."""
        return [[i for a, b in runs(mask) for i in range(a, b + 1)] for mask in shadows(self.area, self.axes)]

    def mask(self, *, channels: bool = False) -> ndarray[Any, Any]:
        """The same as an image of booleans, rows by columns: pixels of which any channel is seen.

        channels  in the shape of the input instead, channels first
        """
        import numpy as np

        if not channels and len(self.shape) > 1:
            image: ndarray[Any, Any] = np.asarray(self.mask(channels=True).any(axis=0))
            return image

        found: ndarray[Any, Any] = np.zeros(self.shape, dtype=bool)
        for box in boxes(self.region):
            found[tuple(slice(first, last + 1) for first, last in box)] = True
        return found


class UnitField(NamedTuple):
    """What a unit sees, input by input; `unit` is a place, or a channel and a place."""

    layer: str
    output: Shape
    unit: tuple[int, ...]
    inputs: tuple[Patch, ...]
    local: bool = False

    def __repr__(self) -> str:
        return f"<UnitField {self.layer}[{','.join(map(str, self.unit))}]>"

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    def __getitem__(self, source: Any) -> Any:
        """The patch of an input by its name."""
        # By its name; numbers go on as in any tuple.
        if isinstance(source, str):
            return next(patch for patch in self.inputs if patch.source == source)
        return tuple.__getitem__(self, source)


def unit_field(graph: Graph, layer: str, unit: Sequence[int] | None = None, *, local: bool = False) -> UnitField:
    """What a unit of a layer, of a block's result or of a repeat's sees.

    unit   its place, with its channel before it if wanted; negative numbers count from the end; none: the middle
    local  without what gates and norms bring from the whole image

    Raises CnncalcError for a layer or a unit that does not exist.
    """
    value = find_value(graph, layer)
    shape = graph.shape(value)
    place = place_in(layer, shape, unit)
    found = find_parts(Reader(graph, local=local), value, place)
    outer = without_borders(graph, value, place, local)
    patches = []
    for i, (name, size_) in enumerate(graph.inputs.items()):
        # Of an input that is not seen there is no patch.
        if found.get(i):
            patches.append(Patch(name, size_, found[i], outer.get(i)))
    return UnitField(layer, shape, place, tuple(patches), local)


def find_parts(reader: Reader, value: int, place: Sequence[int]) -> dict[int, Region]:
    """For each input the elements that a unit sees, at its place, with its channel before it or of all channels."""
    shape = reader.graph.shape(value)
    wanted = [1 << i for i in place] if len(place) == len(shape) else [whole(shape[0]), *(1 << i for i in place)]
    return find_needed(reader, {value: product(wanted)})


def place_in(layer: str, shape: Shape, unit: Sequence[int] | None) -> tuple[int, ...]:
    """A unit's place, checked; the middle if none is given. Raises CnncalcError."""
    if unit is None:
        return tuple(n // 2 for n in shape[1:]) if len(shape) > 1 else (shape[0] // 2,)
    wanted = (len(shape) - 1, len(shape)) if len(shape) > 1 else (1,)
    if len(unit) not in wanted:
        example = ",".join(str(n // 2) for n in shape[1:] or shape)
        problem = _(
            "a unit of {layer} ({shape}) is {layer}[{example}]; with a channel before it, of one channel alone",
            layer=layer, shape=shape_text(shape), example=example,
        )  # fmt: skip
        if len(shape) == 1:
            problem = _(
                "a unit of {layer} ({shape}) is {layer}[{example}]",
                layer=layer,
                shape=describe(shape),
                example=example,
            )
        raise CnncalcError(problem)
    sizes = shape[len(shape) - len(unit) :]
    if any(not -n <= i < n for i, n in zip(unit, sizes, strict=True)):
        given = ",".join(map(str, unit))
        raise CnncalcError(
            _("there is no unit {layer}[{given}]: {layer} is {shape}, counted from 0 to {last}",
              layer=layer, given=given[:60], shape=shape_text(shape), last=",".join(str(n - 1) for n in sizes))
        )  # fmt: skip
    # -1 is the last.
    return tuple(i % n for i, n in zip(unit, sizes, strict=True))


def without_borders(graph: Graph, value: int, place: Sequence[int], local: bool) -> dict[int, tuple[Span | None, ...]]:
    """For each input per axis what the unit would see if the image went on at its borders, as far as that is known."""
    if value < len(graph.inputs):
        return {}
    passed = Pass(graph, local=local)
    fields: ByOrigin = passed.values[value].seen
    if len(place) == len(graph.shape(value)) > 1 and passed.values[value].several:
        # Runs stand in the order of the channels: the one that this channel falls into.
        left = place[0]
        for channels, seen in passed.by_channel.runs(value):
            if left < channels:
                fields = seen
                break
            left -= channels
    # Without the channel, where one is given.
    places = place[len(place) - len(graph.shape(value)) + 1 :]
    sizes = [shape[1:] for shape in graph.inputs.values()]
    found: dict[int, tuple[Span | None, ...]] = {}
    for source, along in fields.items():
        spans: list[Span | None] = []
        for axis, field in enumerate(along):
            span = None
            if isinstance(field, Whole):
                span = (0, sizes[source][axis] - 1)
            elif isinstance(field, Fixed):
                span = (field.lo, field.hi)
            elif isinstance(field, Grid) and len(places) == len(along) == len(graph.shape(value)) - 1:
                # At period 4 unit 7 is phase 3, one span further on.
                turns, phase = divmod(places[axis], len(field.lo))
                lo, hi = field.lo[phase], field.hi[phase]
                span = None if lo is None or hi is None else (lo + turns * field.span, hi + turns * field.span)
            spans.append(span)
        found[source] = tuple(spans)
    return found


def parse_unit(text: str) -> tuple[str, tuple[int, ...] | None]:
    """`LAYER[3,4]` as a name and a place; `LAYER` alone is its unit in the middle. Raises CnncalcError."""
    match = re.fullmatch(r"(.+?)\s*\[([^\[\]]*)\]\s*", text)
    if match is None:
        return text.strip(), None
    # [3x4] and [3 4] are places too.
    parts = re.split(r"[,\sx]+", match[2].strip())
    if not all(re.fullmatch(r"[+-]?\d{1,18}", part) for part in parts):
        raise CnncalcError(
            _(
                "'{text}' is no unit: write the layer and the place of a unit, LAYER[3,4], counted from 0",
                text=text[:60],
            )
        )
    return match[1], tuple(map(int, parts))


class LayerUnits(NamedTuple):
    """What every unit of a layer sees of one input, axis by axis of the image.

    spans  for each axis, for each place along it, (first, last) or None where nothing is seen: over all channels and
           all places on the other axes; of a vector for each element. None where it is not known place by place
    sets   the same exactly, as runs of pixels; None unless asked for
    """

    layer: str
    source: str
    output: Shape
    letters: tuple[str, ...]
    spans: tuple[list[Span | None], ...] | None
    sets: tuple[list[list[Span]], ...] | None = None


def layer_units(
    graph: Graph, layers: Sequence[str] | None = None, *, exact: bool = False, local: bool = False
) -> list[LayerUnits]:
    """For each layer, or all of them, and each input with axes what all units see of it.

    Raises CnncalcError for a layer that does not exist, and for too many units to follow one by one.
    """
    names = [node.name for node in graph.nodes] if layers is None else layers
    reader = Reader(graph, local=local)
    found = []
    for source, (name, shape) in enumerate(graph.inputs.items()):
        if len(shape) == 1:
            continue
        hulls = unit_hulls(reader.book, source)
        for layer in names:
            value = find_value(graph, layer)
            classes = hulls[value]
            # Nothing of this input is seen; None would be that it is not known.
            if classes == []:
                continue
            spans = None if classes is None else spans_of([axes for _channels, axes in classes])
            sets = sets_of(reader, value, source) if exact and classes is not None else None
            letters = SPATIAL_LETTERS[len(shape) - 1]
            found.append(LayerUnits(layer, name, graph.shape(value), letters, spans, sets))
    return found


def spans_of(classes: Sequence[Axes]) -> tuple[list[Span | None], ...]:
    """For each axis the hulls over all classes of channels."""
    return tuple([ends.at(i) for i in range(len(ends.lo))] for ends in merge_hulls(classes))


def sets_of(reader: Reader, value: int, source: int) -> tuple[list[list[Span]], ...]:
    """For each axis of the image the sets, place by place."""
    shape = reader.graph.shape(value)
    axes = len(list(reader.graph.inputs.values())[source]) - 1
    if sum(shape[1:] or shape) > MOST_FOLLOWED:
        raise CnncalcError(
            _("the sets of more than {most} units are not listed: ask for one with --unit", most=f"{MOST_FOLLOWED:,}")
        )
    result: list[list[list[Span]]] = [[] for _axis in range(axes)]
    # Along its axis a unit of a map is told; a unit of a vector sees along all axes of the image.
    for axis in range(axes) if len(shape) > 1 else (0,):
        for place in range(shape[1 + axis] if len(shape) > 1 else shape[0]):
            places = [whole(n) for n in shape]
            places[1 + axis if len(shape) > 1 else 0] = 1 << place
            seen = find_needed(reader, {value: product(places)}).get(source)
            on_axes = shadows(seen, 1 + axes)[1:] if seen else [0] * axes
            for i in range(axes) if len(shape) == 1 else (axis,):
                result[i].append(runs(on_axes[i]))
    return tuple(result)
