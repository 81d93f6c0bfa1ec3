"""What a unit of one part sees of a part that it reads: the window that is drawn between two figures.

For a part of several operations it is the receptive field of its last one, in units of what it reads: the pass of
fields/ on these operations alone.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.values import AxisField, Fields, Fixed, Grid, Units, Whole, highest, lowest
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from cnncalc.pages.drawing.parts import Part

MOST = 2000  # operations of a part: what lies so far apart has hardly a window


class Seen(NamedTuple):
    """Along an axis the first place that unit `unit` sees, and how many it sees; both cut off at the borders."""

    unit: int
    start: int
    size: int


def windows_of(graph: Graph, part: Part) -> dict[int, tuple[Seen, ...]]:
    """For each value that a part reads, its axes as one unit sees them; without those of which it sees all.

    The unit lies near the upper left. Values of which nothing is known, and those that are seen as a whole, have none.
    """
    if not part.members or not part.output or len(part.members) > MOST:
        return {}
    first = len(graph.inputs)
    inner = {first + node for node in part.members}
    outer = list(dict.fromkeys(v for node in part.members for v in graph.nodes[node].reads if v not in inner))
    if any(not graph.shape(v) for v in (*outer, *inner)):
        return {}
    # Numbered anew, for in the piece what enters comes first, as in any graph.
    place = {v: i for i, v in enumerate([*outer, *sorted(inner)])}
    nodes = tuple(
        node._replace(reads=tuple(place[v] for v in node.reads), shown_with=None, weights_of=None)
        for node in (graph.nodes[i] for i in sorted(part.members))
    )
    piece = Graph(
        name="", inputs={str(v): graph.shape(v) for v in outer}, nodes=nodes, outputs=(place[max(inner)],), groups={},
        facts=tuple(graph.facts[i] for i in sorted(part.members)),
    )  # fmt: skip
    fields = Pass(piece).fields[-1]
    found = {}
    for i, v in enumerate(outer):
        axes = along(graph.shape(v)[1:], part.output[1:], fields.get(i, ()))
        if axes:
            found[v] = axes
    return found


def along(sizes: Shape, output: Shape, fields: Fields) -> tuple[Seen, ...]:
    """The axes of a window; none where one is not known, or where all is seen."""
    if not sizes or not len(sizes) == len(output) == len(fields):
        return ()
    axes = []
    for n, units, field in zip(sizes, output, fields, strict=True):
        low, high = find_ends(field, units // 4, n)
        if low is None or high is None:
            return ()
        low, high = max(low, 0), min(high, n - 1)
        if high < low:
            return ()
        axes.append(Seen(units // 4, low, high - low + 1))
    # A window over all of a map tells nothing: lines to its corners are drawn instead.
    return () if all(axis.size == n for axis, n in zip(axes, sizes, strict=True)) else tuple(axes)


def find_ends(field: AxisField, unit: int, n: int) -> tuple[int | None, int | None]:
    """The first and the last of n places that a unit sees, borders left aside; None where that is not known."""
    if isinstance(field, Grid):
        return lowest(field, [unit]), highest(field, [unit])
    if isinstance(field, Units):
        return field.lo[unit], field.hi[unit]
    if isinstance(field, Whole):
        return 0, n - 1
    return (field.lo, field.hi) if isinstance(field, Fixed) else (None, None)
