"""The pixels that single units see, measured: the probe reach on planes of pixels.

Plane by plane some pixels of the image are 1 and all else is 0: then a unit is 1 where one of them has a say. With a
plane for each pixel its set is counted; an image that is too large for that gets a plane of all pixels that a unit is
claimed not to see, and planes of single pixels: the ends of what is claimed, and others drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from cnncalc.analysis.fields.sets.taps import Reader
from cnncalc.analysis.fields.sets.units import Patch, find_parts
from cnncalc.errors import CnncalcError
from cnncalc.evidence.arrays import Sets, run_watched
from cnncalc.evidence.counts import Measured, catch_stop
from cnncalc.evidence.fields import NoWeights
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.reference.base import Array

ELEMENTS = 320_000_000  # of all maps of all planes of a run, each of which is a bit
AT_ONCE = 1_000_000  # elements of the largest array of a run: more samples go through one after the other
FEWEST = 48  # planes of single pixels: with those of a few units they are the bits of one sample
Place = tuple[int, ...]


def measure_units(graph: Graph, source: str, seed: int) -> Iterator[tuple[int, Place, int, Measured]]:
    """(node, unit, pixels claimed, pixels measured) for the first, middle and last unit of the last map.

    Nothing for an input without axes, or where no map has several units.
    """
    shape = graph.inputs[source]
    maps = [i for i, facts in enumerate(graph.facts) if max(facts.output[1:], default=1) > 1]
    if len(shape) == 1 or not maps:
        return
    number = maps[-1]
    size = graph.facts[number].output[1:]
    # The three may be one and the same unit on a small map.
    units = list(dict.fromkeys([tuple(0 for _n in size), tuple(n // 2 for n in size), tuple(n - 1 for n in size)]))
    try:
        reader = Reader(graph)  # raises where sets would be too large, before there are any
        claims = {unit: claimed_mask(reader, number, unit, source) for unit in units}
    # Where no sets are known none are claimed, and there is nothing to hold against.
    except CnncalcError:
        return
    masks, singles = plan_planes(claims, shape[1:], sum(prod(facts.output) for facts in graph.facts), seed)
    lit, failure = run(graph, source, masks, singles, number)
    if lit is not None and lit.shape[2:] != size:
        lit, failure = None, _("the map that comes out has another size")
    for k, (unit, mask) in enumerate(claims.items()):
        claimed = int(mask.sum())
        if lit is None:
            yield number, unit, claimed, Measured(None, "reach", failure)
            continue
        # lit is (samples of 64 planes each, channels, *size): over all channels of the unit, then bit by bit.
        answers = Sets.unpack(Sets.all_of(lit[(slice(None), slice(None), *unit)], 1), len(masks) + len(singles))
        # Every pixel had a plane of its own: the set itself is counted.
        if len(singles) == mask.size:
            yield number, unit, claimed, Measured(int(answers.sum()), "reach")
            continue
        expected = [mask[place] for place in singles]
        # Plane k holds all that unit k is claimed not to see: where it lights up, at least one pixel is too many.
        wrong = int(answers[k]) + sum(bool(a) and not e for a, e in zip(answers[len(claims) :], expected, strict=True))
        missing = sum(bool(e) and not a for a, e in zip(answers[len(claims) :], expected, strict=True))
        yield number, unit, claimed, Measured(claimed + wrong - missing, "reach")


def claimed_mask(reader: Reader, number: int, unit: Place, source: str) -> Array:
    """The pixels of which the unit is claimed to see any channel."""
    inputs = reader.graph.inputs
    index, shape = list(inputs).index(source), inputs[source]
    region = find_parts(reader, len(inputs) + number, unit).get(index)
    if not region:
        return np.zeros(shape[1:], dtype=bool)
    return np.asarray(Patch(source, shape, region, None).mask(channels=True).any(axis=0))


def plan_planes(
    claims: Mapping[Place, Array], size: Place, elements: int, seed: int
) -> tuple[list[Array], Sequence[tuple[int, ...]]]:
    """Planes of what each unit does not see, and pixels that get a plane each: or all pixels of the image alone."""
    if prod(size) * elements <= ELEMENTS:
        return [], list(np.ndindex(*size))
    chosen: dict[tuple[int, ...], None] = {}
    for mask in claims.values():
        seen = np.argwhere(mask)
        # Ends row by row and column by column: an error of one place shows at these corners.
        for order in (seen, seen[np.lexsort(seen.T)]) if len(seen) else ():
            chosen[tuple(map(int, order[0]))] = chosen[tuple(map(int, order[-1]))] = None
    rng = np.random.default_rng(seed)
    while len(chosen) < min(FEWEST, prod(size)):
        chosen[tuple(int(rng.integers(n)) for n in size)] = None
    singles = list(chosen)[: max(FEWEST, ELEMENTS // elements)]
    return [~mask for mask in claims.values()], singles


def run(
    graph: Graph, source: str, masks: Sequence[Array], singles: Sequence[tuple[int, ...]], number: int
) -> tuple[Any, str]:
    """What lights up of a node's map, plane by plane; or None and why the run stopped."""
    lit = Sets.pack_pixels(masks, singles, graph.inputs[source][1:])
    count = len(lit)
    # The other inputs stay dark, so that what lights up comes from this one.
    samples = {name: np.zeros((count, *shape[1:])).view(Sets) for name, shape in graph.inputs.items()}
    samples[source] = lit
    most = max(1, AT_ONCE // widest(graph))
    found: list[Array] = []
    with np.errstate(all="ignore"), catch_stop() as failure:
        for first in range(0, count, most):
            planes = [
                np.broadcast_to(some[:, np.newaxis], (len(some), *shape), subok=True)
                for name, shape in graph.inputs.items()
                for some in (samples[name][first : first + most],)
            ]
            for i, (_node, y, _alive) in enumerate(run_watched(graph, planes, NoWeights(graph, Sets))):
                if i == number:
                    found.append(np.asarray(y))
                    break
    if failure or not found:
        return None, failure[0] if failure else _("the run stopped before this layer")
    return np.concatenate(found), ""


def widest(graph: Graph) -> int:
    """Elements of the largest array of a sample: of a map, or of the columns of a window."""
    # MACs over filters: what one filter reads at all positions. 3x3 over 64 channels on 56x56: 9 * 64 * 3136.
    columns = (max((f.macs or 0) // max(1, *f.output[:1]), prod(f.output)) for f in graph.facts)
    return max(columns, default=1)
