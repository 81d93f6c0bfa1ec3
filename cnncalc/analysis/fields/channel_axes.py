"""Channels on more than one axis: a channel shuffle written as reshape, permute, reshape.

As long as the axes of the image stay the last ones, a reshape only groups channels and a permute of the axes before
only changes their order: what units see stays. Any other layer on such a map mixes the places; then nothing is known.
"""

from __future__ import annotations

from itertools import product
from math import prod

from cnncalc.analysis.fields.state import Found, Value
from cnncalc.analysis.fields.steps import advance, flatten, merge
from cnncalc.analysis.fields.values import Fields, unknown
from cnncalc.layers.base import KEPT, MIXED, POINTWISE
from cnncalc.layers.elements import RAVELLED, Permuted

Order = tuple[tuple[int, ...], tuple[int, ...]]  # the axes of channels that enter, and which comes when
GROUPED = "grouped"  # the channels in the order in which they enter


def rearrange(found: Found, number: int) -> Value | None:
    """What a node gives that only arranges channels; None where it does something else."""
    node, output = found.graph.nodes[number], found.graph.facts[number].output
    shape, seen, several, lead, *_ = found.values[node.reads[0]]
    ranks = {len(fields) for fields in seen.values()}
    rank = len(shape) - lead
    if ranks != {rank} or rank < 1:
        return None
    how = node.layer.elements(shape)
    order: Order | str = GROUPED
    if isinstance(how, Permuted):
        # Axes of the image stay last and in order; a transpose of rows and columns moves places.
        if how.order[lead:] != tuple(range(lead, len(shape))):
            return None
        order = shape[:lead], how.order[:lead]
    elif how != RAVELLED or output[-rank:] != shape[-rank:] or len(output) <= rank:
        return None
    return Value(output, seen, several, len(output) - rank, order)


def lay_in_a_row(found: Found, number: int) -> Value | None:
    """What a map gives whose places come one after the other, row by row, channel by channel: (C, *size) to (C, n)."""
    node, output = found.graph.nodes[number], found.graph.facts[number].output
    shape, seen, several, lead, *_ = found.values[node.reads[0]]
    in_a_row = node.layer.elements(shape) == RAVELLED and output == (shape[0], prod(shape[1:]))
    if several or lead > 1 or not in_a_row:
        return None
    return Value(output, {i: tuple(map(flatten, fields)) for i, fields in seen.items()})


def leave_channel_axes(found: Found, number: int) -> Value:
    """What a node gives that reads a map whose channels lie on several axes."""
    node, facts = found.graph.nodes[number], found.graph.facts[number]
    values = [found.values[v] for v in found.branches(number)]
    if facts.reach is None and len(values) == 1 and (arranged := rearrange(found, number)) is not None:
        return arranged
    channels, reach = node.layer.channels, facts.reach
    several = any(value.several for value in values)
    if keeps_places(values, reach, facts.output) and (channels == KEPT or not several):
        seen = merge(reach, facts.output, [(value.seen, value.shape) for value in values], found.sizes)
        return Value(facts.output, seen, several and channels != MIXED, values[0].lead)
    lost = reach is None or several or reach == POINTWISE
    result: dict[int, Fields] = {}
    for value in values:
        for i, fields in value.seen.items():
            new = tuple(map(unknown, fields)) if lost else advance(fields, reach, facts.output, value.shape)
            result[i] = new if i not in result else tuple(map(unknown, new))
    return Value(facts.output, result)


def keeps_places(values: list[Value], reach: object, output: tuple[int, ...]) -> bool:
    """Whether units stay where they are: element by element, on maps of the same axes and sizes."""
    leads = {value.lead for value in values}
    if reach != POINTWISE or len(leads) > 1 or any(len(value.shape) != len(output) for value in values):
        return False
    return len({shape[1:] for shape in [*(value.shape for value in values), output]}) == 1


def reorder(channels: list[int], order: Order) -> list[int]:
    """What stands at each channel behind a permutation of the axes of channels."""
    sizes, moved = order
    # Channels 0 to 5 as 2 groups of 3, axes swapped: 0, 3, 1, 4, 2, 5.
    steps = [prod(sizes[axis + 1 :]) for axis in moved]
    places = product(*(range(sizes[axis]) for axis in moved))
    return [channels[sum(i * step for i, step in zip(place, steps, strict=True))] for place in places]
