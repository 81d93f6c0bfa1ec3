"""Mistakes in a receptive field: other ways to go through the windows between the image and a layer.

Along one axis; the windows are those of the walk back (analysis/fields/walk.py), from the image on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.table import has_gates
from cnncalc.analysis.fields.values import Grid, Loose, sizes_of
from cnncalc.analysis.fields.walk import walk_back
from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, POINTWISE
from cnncalc.layers.windows import Phases, Window


class Step(NamedTuple):
    """A window on the way. `pool`: it has no weights of its own. `extra`: what a mistake adds to its span."""

    kernel: int
    stride: int
    dilation: int
    pool: bool
    extra: int = 0

    @property
    def span(self) -> int:
        return self.dilation * (self.kernel - 1) + 1 + self.extra


MOST_STEPS = 24  # windows of which one may have been left out
Steps = Sequence[Step]


def work_out_field(steps: Steps) -> int:
    """What a unit behind the windows sees: each adds its span less 1, times the jump before it."""
    seen, jump = 1, 1
    for step in steps:
        seen += (step.span - 1) * jump
        jump *= step.stride
    return seen


def work_out_backwards(steps: Steps) -> int:
    seen = 1
    for step in steps:
        # r = (r - 1) s + k is right from the last layer to the first; here it begins at the image.
        seen = (seen - 1) * step.stride + step.span
    return seen


def with_own_stride(steps: Steps) -> int:
    seen, jump = 1, 1
    for step in steps:
        jump *= step.stride
        # Right is the jump before the layer, without the layer's own stride.
        seen += (step.span - 1) * jump
    return seen


def sum_spans(steps: Steps) -> int:
    return sum(step.span for step in steps)


def change_dilated(steps: Steps, change: Callable[[Step], Step]) -> int | None:
    """The field where a mistake is made at every dilated kernel."""
    if all(step.dilation == 1 for step in steps):
        return None
    return work_out_field([change(step) if step.dilation > 1 else step for step in steps])


def without_step(steps: Steps, which: int) -> int | None:
    """One window left out; the last one is another mistake."""
    return work_out_field([*steps[:which], *steps[which + 1 :]]) if which < len(steps) - 1 else None


def drop_dilation(steps: Steps) -> list[Step]:
    return [step._replace(dilation=1) for step in steps]


def with_whole_kernels(steps: Steps) -> int:
    """Each window adds its whole span times the jump, not its span less 1."""
    seen, jump = 0, 1
    for step in steps:
        seen += step.span * jump
        jump *= step.stride
    return seen


def work_out_jump(steps: Steps) -> int:
    jump = 1
    for step in steps:
        jump *= step.stride
    return jump


# id, rank, and what comes out of the windows; None where there is nothing to mistake.
MISTAKES: tuple[tuple[str, int, Callable[[Steps], int | None]], ...] = (
    ("rf_forgot_strides", 10, lambda steps: 1 + sum(step.span - 1 for step in steps)),
    ("rf_sum_of_kernels", 11, sum_spans),
    ("rf_own_stride", 12, with_own_stride),
    ("rf_wrong_order", 12, work_out_backwards),
    ("rf_ignored_pooling", 12, lambda steps: work_out_field([step for step in steps if not step.pool])),
    ("forgot_dilation", 10, lambda steps: change_dilated(steps, lambda step: step._replace(dilation=1))),
    (
        "dilation_off_by_one",
        11,
        lambda steps: change_dilated(steps, lambda step: step._replace(dilation=step.dilation + 1)),
    ),
    (
        "dilation_times_kernel",
        12,
        lambda steps: change_dilated(steps, lambda step: step._replace(extra=step.dilation - 1)),
    ),
    ("rf_only_last_layer", 13, lambda steps: steps[-1].span if steps else None),
    ("forgot_dilation+rf_only_last_layer", 24, lambda steps: steps[-1].kernel if steps else None),
    ("forgot_dilation+rf_sum_of_kernels", 22, lambda steps: sum_spans(drop_dilation(steps))),
    ("forgot_dilation+rf_forgot_strides", 22, lambda steps: 1 + sum(step.kernel - 1 for step in steps)),
    ("rf_kernel_times_jump", 14, with_whole_kernels),
    ("rf_forgot_strides", 15, lambda steps: work_out_field([s._replace(stride=1) if s.pool else s for s in steps])),
    ("rf_forgot_strides", 16, lambda steps: work_out_field([s if s.pool else s._replace(stride=1) for s in steps])),
    ("jump_for_field", 16, work_out_jump),
    ("stopped_too_early", 15, lambda steps: work_out_field(steps[:-1]) if len(steps) > 1 else None),
    ("stopped_too_early", 17, lambda steps: work_out_field(steps[:-2]) if len(steps) > 2 else None),
    *(("forgot_a_layer", 17, partial(without_step, which=i)) for i in range(MOST_STEPS)),
    (
        "rf_ignored_pooling+rf_forgot_strides",
        25,
        lambda steps: 1 + sum(step.span - 1 for step in steps if not step.pool),
    ),
    ("rf_ignored_pooling+rf_sum_of_kernels", 26, lambda steps: sum_spans([step for step in steps if not step.pool])),
)


def steps_to(graph: Graph, node: int, axis: int) -> list[Step] | None:
    """The windows from the first input to a layer, the image first; None where the walk does not lead through."""
    for value, shape in enumerate(graph.inputs.values()):
        walk = walk_back(graph, node, value, axis) if axis < len(shape) - 1 else None
        if walk is None:
            continue
        if walk.field is None:
            return None
        found = []
        for stop in reversed(walk.stops):
            w = stop.window
            # A 1x1 window changes nothing, and no mistake is made there.
            if w is not None and (w.kernel, w.stride) != (1, 1):
                # What has a window and no connections is a pool.
                found.append(Step(w.kernel, w.stride, w.dilation, not graph.facts[stop.node].connections))
        return found
    return None


def field_mistakes(graph: Graph, node: int) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """(rank, id, field per axis) of every mistake that fits."""
    yield from find_beyond_chains(graph, node)
    rank = len(next(iter(graph.inputs.values()))) - 1
    ways = [steps_to(graph, node, axis) for axis in range(rank)]
    if not ways or any(not steps for steps in ways):
        return
    for name, far, rule in MISTAKES:
        values = [rule(steps) for steps in ways if steps]
        plain = [work_out_field(steps) for steps in ways if steps]
        # Along an axis on which there is nothing to mistake the right size stays.
        known = tuple(p if value is None else value for value, p in zip(values, plain, strict=True))
        if list(known) != plain and min(known) > 0:
            yield far, name, known


def find_beyond_chains(graph: Graph, node: int) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """Mistakes behind upsampling, whose units differ, and behind gates, which let a unit see everything."""
    several = any(isinstance(step, Phases) for f in graph.facts[: node + 1] for step in f.reach or () if f.reach)
    if several:
        source, fields = next(iter(Pass(graph).of_nodes[node].items()), (0, ()))
        grids = [field for field in fields if isinstance(field, Grid)]
        if grids and len(grids) == len(fields):
            seen = [[size for size in sizes_of(grid) if size] for grid in grids]
            if all(seen) and any(min(sizes) != max(sizes) for sizes in seen):
                yield 13, "rf_smallest_unit", tuple(map(min, seen))
            stuffed = [stuff_zeros(graph, node, source, axis) for axis in range(len(fields))]
            whole = [int(size) for size in stuffed if size is not None and size.denominator == 1]
            if len(whole) == len(stuffed) and whole != list(map(max, seen)):
                yield 12, "rf_zero_stuffed", tuple(whole)
    if has_gates(graph):
        _source, local = next(iter(Pass(graph, local=True).of_nodes[node].items()), (0, ()))
        sizes = [max(sizes_of(f)) if isinstance(f, Grid) else f.size for f in local if isinstance(f, (Grid, Loose))]
        if sizes and len(sizes) == len(local):
            yield 12, "rf_without_gates", tuple(sizes)


def stuff_zeros(graph: Graph, node: int, source: int, axis: int) -> Fraction | None:
    """The recurrence of a chain, with a jump of J / s as on a map stuffed with zeros: in general right for no unit."""
    known: dict[int, tuple[Fraction, Fraction]] = {source: (Fraction(1), Fraction(1))}
    first = len(graph.inputs)
    for i, (layer, facts) in enumerate(zip(graph.nodes[: node + 1], graph.facts, strict=False)):
        entering = [known[v] for v in layer.reads if v in known]
        if not entering or facts.reach is None:
            continue
        # Where paths meet, the one that sees most goes on.
        seen, jump = max(entering)
        step = facts.reach[axis] if isinstance(facts.reach, tuple) else facts.reach
        if isinstance(step, Window):
            seen, jump = seen + (step.span - 1) * jump, jump * step.stride
        elif isinstance(step, Phases):
            kernel, dilation = getattr(layer.layer, "kernel", (1,)), getattr(layer.layer, "dilation", (1,))
            k, d = (values[axis if len(values) > 1 else 0] for values in (kernel, dilation))
            # A transposed convolution as one of stride 1 on a map with zeros between its elements.
            jump /= len(step.taps)
            seen += d * (k - 1) * jump
        elif step not in (POINTWISE, FLATTENED):
            continue
        known[first + i] = seen, jump
    return known[first + node][0] if first + node in known else None
