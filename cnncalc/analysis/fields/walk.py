"""Receptive fields seen from the end: the textbook's walk from a layer back to an earlier one.

RF_i = (RF_{i+1} - 1) s_i + d_i (k_i - 1) + 1, in units of the place that is reached; along one axis. On a graph
the walk follows, at every place, the reader through which most is seen. Source: Le & Borji 2017, arXiv:1705.07049.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, POINTWISE, WHOLE, Facts
from cnncalc.layers.windows import Window


class Stop(NamedTuple):
    """A node on the way: its window, what is seen of its output and of its input. No window: it keeps the field."""

    node: int
    window: Window | None
    behind: int
    before: int


class Walk(NamedTuple):
    """From a node back to a value: the stops, last layer first, and the field there.

    whole    the node that sees the whole axis, if there is one on the way
    unknown  the node whose step the recurrence does not cover (upsampling, reshaping), if there is one
    joined   nodes on the way with several inputs: the walk takes the one through which most is seen
    """

    stops: tuple[Stop, ...]
    field: int | None
    whole: int | None = None
    unknown: int | None = None
    joined: tuple[int, ...] = ()


def step_back(field: int, window: Window) -> int:
    """What `field` neighbouring units see of the map that their windows move over."""
    k, s, d = window.kernel, window.stride, window.dilation
    return (field - 1) * s + d * (k - 1) + 1


def walk_back(graph: Graph, last: int, value: int, axis: int) -> Walk | None:
    """From node `last` back to `value`, an input or the output of an earlier node; None if nothing leads there."""
    first = len(graph.inputs)
    fields: dict[int, int] = {first + last: 1}
    through: dict[int, Stop] = {}
    whole: dict[int, int] = {}
    unknown: dict[int, int] = {}
    # Backwards: a node comes after all that it reads, so that its own field is final before it hands it on.
    for i in range(last, max(value - first, -1), -1):
        seen = fields.get(first + i)
        if seen is None and first + i not in whole and first + i not in unknown:
            continue
        # `whole` and `unknown` spread back to all that is read, each with the node that was the first to be so.
        step = step_along(graph.facts[i], axis)
        for v in graph.nodes[i].reads:
            if step == WHOLE or first + i in whole:
                whole.setdefault(v, i if step == WHOLE else whole[first + i])
            elif step is None or first + i in unknown:
                unknown.setdefault(v, i if step is None else unknown[first + i])
            else:
                assert seen is not None
                window = step if isinstance(step, Window) else None
                before = seen if window is None else step_back(seen, window)
                if before > fields.get(v, 0):
                    fields[v], through[v] = before, Stop(i, window, seen, before)
    if value in whole:
        return Walk((), None, whole=whole[value])
    if value in unknown:
        return Walk((), None, unknown=unknown[value])
    if value not in fields:
        return None
    stops: list[Stop] = []
    place = value
    # From the front on: at every place the reader through which most is seen.
    while place != first + last:
        stops.append(through[place])
        place = first + through[place].node
    joined = tuple(stop.node for stop in stops if len(graph.nodes[stop.node].reads) > 1)
    return Walk(tuple(reversed(stops)), fields[value], joined=joined)


def step_along(facts: Facts, axis: int) -> Window | str | None:
    """What a layer does to one axis: a window, `pointwise`, `whole`, or None where the recurrence does not hold."""
    reach = facts.reach
    if reach in (POINTWISE, FLATTENED):
        return POINTWISE
    if reach == WHOLE:
        return WHOLE
    if isinstance(reach, tuple) and axis < len(reach):
        step = reach[axis]
        return step if isinstance(step, (Window, str)) else None
    return None
