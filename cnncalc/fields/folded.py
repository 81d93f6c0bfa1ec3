"""Channels on more than one axis: a channel shuffle written as reshape, permute, reshape.

As long as the axes of the image stay the last ones, a reshape only groups channels and a permute of the axes before
only changes their order: what units see stays. Any other layer on such a map mixes the places; then nothing is known.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from cnncalc.fields.forward import Fields, advance, merged, unknown
from cnncalc.layers.base import KEPT, MIXED, POINTWISE
from cnncalc.layers.elements import RAVELLED, Permuted

if TYPE_CHECKING:
    from cnncalc.fields.forward import Pass

Order = tuple[tuple[int, ...], tuple[int, ...]]  # the axes of channels that enter, and which comes when


def rearranged(found: Pass, number: int) -> bool:
    """Whether a node only arranges channels; what its units see is put down then."""
    node, output = found.graph.nodes[number], found.graph.facts[number].output
    value = node.reads[0]
    shape, seen = found.shapes[value], found.fields[value]
    lead = found.lead.get(value, 1)
    ranks = {len(fields) for fields in seen.values()}
    rank = len(shape) - lead
    if ranks != {rank} or rank < 1:
        return False
    how = node.layer.elements(shape)
    order: Order | None = None
    if isinstance(how, Permuted):
        if how.order[lead:] != tuple(range(lead, len(shape))):
            return False
        order = shape[:lead], how.order[:lead]
    elif how != RAVELLED or output[-rank:] != shape[-rank:] or len(output) <= rank:
        return False
    put(found, seen, found.several[value], len(output) - rank)
    found.arranged[len(found.fields) - 1] = order
    return True


def run_folded(found: Pass, number: int) -> None:
    """A node that reads a map whose channels lie on several axes."""
    node, facts = found.graph.nodes[number], found.graph.facts[number]
    values = found.branches(number)
    leads = {found.lead.get(v, 1) for v in values}
    channels, reach = node.layer.channels, facts.reach
    shapes = [found.shapes[v] for v in values]
    if reach is None and len(values) == 1 and rearranged(found, number):
        return
    several = any(found.several[v] for v in values)
    same_places = reach == POINTWISE and len(leads) == 1 and all(len(s) == len(facts.output) for s in shapes)
    if same_places and (channels == KEPT or not several) and len({s[1:] for s in [*shapes, facts.output]}) == 1:
        branches = [(found.fields[v], shape) for v, shape in zip(values, shapes, strict=True)]
        put(found, merged(reach, facts.output, branches, found.sizes), several and channels != MIXED, min(leads))
        return
    seen: dict[int, Fields] = {}
    for v, shape in zip(values, shapes, strict=True):
        for i, fields in found.fields[v].items():
            lost = reach is None or several or reach == POINTWISE
            new = tuple(map(unknown, fields)) if lost else advance(fields, reach, facts.output, shape)
            seen[i] = new if i not in seen else tuple(map(unknown, new))
    put(found, seen, False, 1)


def put(found: Pass, seen: dict[int, Fields], several: bool, lead: int) -> None:
    """What the next value is found to be."""
    if lead != 1:
        found.lead[len(found.fields)] = lead
    found.fields.append(seen)
    found.several.append(several)


def in_order(channels: list[int], order: Order) -> list[int]:
    """What stands at each channel behind a permutation of the axes of channels."""
    sizes, moved = order
    steps = [prod(sizes[axis + 1 :]) for axis in moved]
    places = product(*(range(sizes[axis]) for axis in moved))
    return [channels[sum(i * step for i, step in zip(place, steps, strict=True))] for place in places]
