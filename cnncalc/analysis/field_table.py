"""Receptive fields layer by layer: size, jump, start and centre, per axis, in elements of where they are seen from.

The numbers are those of analysis/receptive_field.py; unit 0 is the first unit of a map, and its centre lies at
start + (size of its field - 1) / 2.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.analysis.receptive_field import AxisField, Fields, Grid, Loose, Pass, jump_of, largest
from cnncalc.graph import Graph


class AxisSeen(NamedTuple):
    """What units see along one axis; None where it is not known or does not exist.

    size    of the largest field, jump between neighbours, start and centre of unit 0
    """

    size: int | None
    jump: Any
    start: int | None
    centre: Fraction | None


class LayerSeen(NamedTuple):
    """What the units of a node see of one input, per axis."""

    node: int
    source: int
    axes: tuple[AxisSeen, ...]


def seen_along(field: AxisField, n: int) -> AxisSeen:
    """A field in numbers; one that covers the whole axis of n elements begins at 0."""
    if field is None:
        return AxisSeen(None, None, None, None)
    if not isinstance(field, Grid):
        size, start = (field.size, field.start) if isinstance(field, Loose) else (n, 0)
        return AxisSeen(size, jump_of(field), start, None if start is None else start + Fraction(size - 1, 2))
    lo, hi = field.lo[0], field.hi[0]
    centre = None if lo is None or hi is None else Fraction(lo + hi, 2)
    return AxisSeen(largest(field), jump_of(field), lo, centre)


def seen_by_layer(graph: Graph) -> list[dict[int, LayerSeen]]:
    """For each node, by the number of the input, what its units see of it."""
    sizes = [shape[1:] for shape in graph.inputs.values()]
    return [
        {i: LayerSeen(node, i, row_of(fields, sizes[i])) for i, fields in found.items()}
        for node, found in enumerate(Pass(graph).of_nodes)
    ]


def row_of(fields: Fields, size: tuple[int, ...]) -> tuple[AxisSeen, ...]:
    return tuple(seen_along(field, n) for field, n in zip(fields, size, strict=True))
