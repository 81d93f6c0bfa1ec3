"""Receptive fields channel by channel: which channels of a map see the same, and what.

Behind a concat, or pixels that were moved into channels, channels see differently until a layer mixes them all.
A layer that tells channels apart (groups, a table, a part of them, a shuffle) says in `Layer.links` which read
which. What is not asked for is not worked out: a question goes back no further than to the last mixing layer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple

from cnncalc.analysis.fields.channel_axes import GROUPED, reorder
from cnncalc.analysis.fields.state import Found
from cnncalc.analysis.fields.steps import advance, merge, unite
from cnncalc.analysis.fields.values import AxisField, ByOrigin, Fields, Fixed, Grid, Loose, Whole, all_see, unknown
from cnncalc.layers.base import FLATTENED, KEPT, MIXED, STACKED, Reach, Shape
from cnncalc.layers.links import Link

MOST_CHANNELS = 16_384  # of a map that are told apart one by one; beyond, fields are not known
MOST_RUNS = 200_000  # that are kept for a network, with the channels that were told apart


class Run(NamedTuple):
    """So many neighbouring channels that see the same. Of a vector: so many units, from a flattened channel."""

    channels: int
    seen: ByOrigin


class Known:
    """The runs that are known so far, by value, and how many more may be kept."""

    def __init__(self) -> None:
        self.runs: dict[int, list[Run]] = {}
        self.left = MOST_RUNS


class ByChannel:
    """The runs of values, worked out when they are asked for. Made anew for each question: nothing holds itself."""

    def __init__(self, found: Found, known: Known) -> None:
        self.found = found
        self.first = len(found.graph.inputs)
        self.so_far = known
        self.known = known.runs

    def runs(self, value: int) -> list[Run]:
        """What the channels of a value see, in their order; neighbours that see the same are one run."""
        # In their order, not by recursion: a chain of concats may be thousands long.
        for v in self._find_needed(value):
            runs = self._work_out(v)
            self.so_far.left -= len(runs)
            self.known[v] = runs if self.so_far.left > 0 else self._not_known(v - self.first)
        return self.known.get(value) or self._uniform(value)

    def hull(self, number: int) -> dict[int, Fields]:
        """What the units of a node see over all its channels, from the channels of what it reads."""
        runs = self.runs(self.first + number)
        output = self.found.values[self.first + number].shape
        if len(output) == 1:
            return in_order(runs)
        result: dict[int, Fields] = {}
        for run in runs:
            join(result, run.seen, output)
        return result

    def _uniform(self, value: int) -> list[Run]:
        return [Run(self._count(value), self.found.values[value].seen)]

    def _count(self, value: int) -> int:
        shape, lead = self.found.values[value].shape, self.found.values[value].lead
        return prod(shape[:lead])

    def _find_needed(self, value: int) -> list[int]:
        """The values whose runs are missing, in the order in which they can be worked out."""
        stack, missing = [value], set()
        while stack:
            v = stack.pop()
            if (
                v not in missing
                and v not in self.known
                and self.found.values[v].several
                and v not in self.found.origins
            ):
                missing.add(v)
                stack += self.found.graph.nodes[v - self.first].reads
        # A value has a higher number than all that it reads.
        return sorted(missing)

    def _work_out(self, value: int) -> list[Run]:
        found, number = self.found, value - self.first
        facts = found.graph.facts[number]
        channels, reach = found.does(number)
        reads = found.branches(number)
        runs = [self.known.get(v) or self._uniform(v) for v in reads]
        if found.values[value].order is not None:
            return self._arrange(value, runs[0])
        # Where all channels are read, what was told apart is one again.
        if channels == MIXED and reach != FLATTENED:
            return self._uniform(value)
        if reach is None:
            return self._not_known(number)
        if channels == STACKED:
            return join_runs(run for several in runs for run in several)
        if len(reads) > 1:
            return self._beside(number, reach, reads, runs)
        shape, output = found.values[reads[0]].shape, facts.output
        known: dict[int, ByOrigin] = {}  # runs share what they see
        grows = found.grows(number)

        def behind(seen: ByOrigin, reach: Reach) -> ByOrigin:
            if id(seen) not in known:
                known[id(seen)] = {i: advance(f, reach, output, shape, grows=grows) for i, f in seen.items()}
            return known[id(seen)]

        if reach == FLATTENED:
            positions = prod(shape[found.values[reads[0]].lead :])
            return join_runs(Run(run.channels * positions, behind(run.seen, reach)) for run in runs[0])
        if channels == KEPT:
            return join_runs(Run(run.channels, behind(run.seen, reach)) for run in runs[0])
        return self._follow_links(number, reach, runs[0])

    def _arrange(self, value: int, runs: list[Run]) -> list[Run]:
        """The same channels, grouped or in another order."""
        order = self.found.values[value].order
        if order == GROUPED or len(runs) == 1:
            return runs
        if self._count(value) > min(MOST_CHANNELS, self.so_far.left):
            return self._not_known(value - self.first)
        self.so_far.left -= self._count(value)
        run_of = [place for place, run in enumerate(runs) for _ in range(run.channels)]
        return join_runs(Run(1, runs[place].seen) for place in reorder(run_of, order))

    def _not_known(self, number: int) -> list[Run]:
        seen: dict[int, Fields] = {}
        for v in self.found.branches(number):
            seen |= {i: tuple(map(unknown, field)) for i, field in self.found.values[v].seen.items()}
        return [Run(self._count(self.first + number), seen)]

    def _beside(self, number: int, reach: Reach, reads: Sequence[int], runs: list[list[Run]]) -> list[Run]:
        """Element by element: channel i of every input; an input of one channel is read by all."""
        found = self.found
        output = found.graph.facts[number].output
        # Where a run of any input ends, the sum's may end: between two such places all inputs see the same throughout.
        ends = [list(accumulate(run.channels for run in several)) for several in runs]
        stretched = [found.values[v].shape[0] != output[0] for v in reads]
        bounds = sorted({end for several, one in zip(ends, stretched, strict=True) if not one for end in several})
        known: dict[tuple[int, ...], ByOrigin] = {}
        result, start = [], 0
        for end in bounds:
            places = zip(runs, ends, stretched, strict=True)
            # `own` holds where runs end: the first end behind `start` is that of the run it lies in.
            seen = [several[0 if one else bisect_right(own, start)].seen for several, own, one in places]
            # By identity: the same objects come again and again, and comparing fields takes longer than merging them.
            key = tuple(map(id, seen))
            if key not in known:
                branches = [(s, found.values[v].shape) for s, v in zip(seen, reads, strict=True)]
                known[key] = merge(reach, output, branches, found.sizes)
            result.append(Run(end - start, known[key]))
            start = end
        return join_runs(result)

    def _follow_links(self, number: int, reach: Reach, runs: list[Run]) -> list[Run]:
        """Channels that read those that their links say."""
        node, output = self.found.graph.nodes[number], self.found.graph.facts[number].output
        shape = self.found.values[node.reads[0]].shape
        if max(shape[0], output[0]) > min(MOST_CHANNELS, self.so_far.left):
            return self._not_known(number)
        self.so_far.left -= shape[0] + output[0]
        # Channel by channel only here, and within limits: a table of 10,000 by 10,000 would be 10^8 pairs.
        links = node.layer.links(shape)
        if sum(len(link.outputs) + len(link.inputs) for link in links) > MOST_RUNS:
            return self._not_known(number)
        sources, cut = sources_of(links, runs, output[0])
        grows = self.found.grows(number)
        known: dict[Source, dict[int, Fields]] = {}
        for key in set(sources):
            known[key] = {}
            for place, through in sorted(key):
                own = links[through].reach if through >= 0 else reach
                seen = {i: advance(f, own, output, shape, grows=grows) for i, f in runs[place].seen.items()}
                join(known[key], seen, output)
        # Units of a vector have no places that could be added up: which of them a unit reads is lost.
        scattered = len(shape) == 1 and reads_several(links, output[0])
        result: list[Run] = []
        for o, key in enumerate(sources):
            if o and key == sources[o - 1]:
                result[-1] = Run(result[-1].channels + 1, result[-1].seen)
                continue
            there: ByOrigin = known[key]
            if scattered or o in cut:
                left = unknown if scattered else part_of  # several units, which lie anywhere
                there = {i: tuple(map(left, field)) for i, field in there.items()}
            elif len(shape) == 1:
                there = {i: tuple(map(anew, field)) for i, field in there.items()}
            result.append(Run(1, there))
        return join_runs(result)


Source = frozenset[tuple[int, int]]  # of a channel: the runs that it reads, and the link whose reach holds, or -1


def sources_of(links: Sequence[Link], runs: Sequence[Run], filters: int) -> tuple[list[Source], set[int]]:
    """What each of the channels reads, and those that do not begin where a run begins."""
    run_of = [place for place, run in enumerate(runs) for _ in range(run.channels)]
    starts = {0, *accumulate(run.channels for run in runs)}
    sources: list[set[tuple[int, int]]] = [set() for _ in range(filters)]
    cut: set[int] = set()
    for place, link in enumerate(links):
        through = place if link.reach else -1
        if link.each:
            for o, i in zip(link.outputs, link.inputs, strict=True):
                sources[o].add((run_of[i], through))
                if i not in starts:
                    cut.add(o)
        else:
            read = {(run_of[i], through) for i in link.inputs}
            for o in link.outputs:
                sources[o] |= read
    return [frozenset(read) for read in sources], cut


def reads_several(links: Sequence[Link], filters: int) -> bool:
    """Whether some channel reads more than one."""
    reads = [1 if link.each else len(link.inputs) for link in links for _ in link.outputs]
    return len(reads) > filters or max(reads, default=0) > 1


def join(result: dict[int, Fields], seen: ByOrigin, output: Shape) -> None:
    """Put what is seen beside what is there: the hull of both, in place."""
    for i, field in seen.items():
        result[i] = tuple(map(shorten_period, unite(result[i], field, output))) if i in result else field


def join_runs(runs: Iterator[Run] | Sequence[Run]) -> list[Run]:
    """The runs, neighbours that see the same as one."""
    result: list[Run] = []
    for run in runs:
        if result and (result[-1].seen is run.seen or result[-1].seen == run.seen):
            result[-1] = Run(result[-1].channels + run.channels, result[-1].seen)
        else:
            result.append(run)
    return result


def shorten_period(field: AxisField) -> AxisField:
    """The same fields with the shortest period."""
    if not isinstance(field, Grid) or len(field.lo) == 1 or field.without:
        return field
    lo, hi, span, _without = field
    period = len(lo)
    # A period that repeats inside itself is a shorter one: without this, periods would multiply from layer to layer.
    for shorter in (p for p in range(1, period) if period % p == 0 and span * p % period == 0):
        step = span * shorter // period
        if all(
            ends[o] == (None if (end := ends[o % shorter]) is None else end + o // shorter * step)
            for ends in (lo, hi)
            for o in range(shorter, period)
        ):
            return Grid(lo[:shorter], hi[:shorter], step)
    return field


def part_of(field: AxisField) -> AxisField:
    """The field of some units of a flattened map, of which the first need not be the map's first."""
    if isinstance(field, Loose):
        return Loose(field.size, None, field.size) if field.size == field.smallest else None
    return field


def in_order(runs: Sequence[Run]) -> dict[int, Fields]:
    """What the units of a vector see: the largest field, and the start of unit 0."""
    result: dict[int, Fields] = {}
    for i in dict.fromkeys(i for run in runs for i in run.seen):
        several = [run.seen[i] for run in runs if i in run.seen]
        start_known = i in runs[0].seen
        result[i] = tuple(anew(largest_of(fields, start_known)) for fields in zip(*several, strict=True))
    return result


def anew(field: AxisField) -> AxisField:
    """A field of its own: these units may stand in another order than those with the same fields before."""
    return Loose(*field) if isinstance(field, Loose) else field


def largest_of(fields: Sequence[AxisField], start_known: bool) -> AxisField:
    if all(field == fields[0] for field in fields) and start_known:
        return fields[0]
    if any(isinstance(field, Whole) for field in fields):
        return Whole(None, (True,) if all(isinstance(field, Whole) and all_see(field) for field in fields) else None)
    if all(isinstance(field, Fixed) for field in fields):
        return None  # units that see different parts, which lie anywhere
    loose = [field for field in fields if isinstance(field, Loose)]
    if len(loose) < len(fields):
        return None
    size, smallest = max(field.size for field in loose), min(field.smallest for field in loose)
    return Loose(size, loose[0].start if start_known else None, smallest)
