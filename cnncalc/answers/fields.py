"""Mistakes in a receptive field: other ways to go through the windows between the image and a layer.

Along one axis; the windows are those of the walk back (analysis/walk.py), from the image on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cnncalc.analysis.walk import walk_back
from cnncalc.graph import Graph


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


Steps = Sequence[Step]


def field(steps: Steps) -> int:
    """What a unit behind the windows sees: each adds its span less 1, times the jump before it."""
    seen, jump = 1, 1
    for step in steps:
        seen += (step.span - 1) * jump
        jump *= step.stride
    return seen


def from_the_wrong_end(steps: Steps) -> int:
    seen = 1
    for step in steps:
        seen = (seen - 1) * step.stride + step.span
    return seen


def with_own_stride(steps: Steps) -> int:
    seen, jump = 1, 1
    for step in steps:
        jump *= step.stride
        seen += (step.span - 1) * jump
    return seen


def summed(steps: Steps) -> int:
    return sum(step.span for step in steps)


def dilated(steps: Steps, change: Callable[[Step], Step]) -> int | None:
    """The field where a mistake is made at every dilated kernel."""
    if all(step.dilation == 1 for step in steps):
        return None
    return field([change(step) if step.dilation > 1 else step for step in steps])


# id, rank, and what comes out of the windows; None where there is nothing to mistake.
MISTAKES: tuple[tuple[str, int, Callable[[Steps], int | None]], ...] = (
    ("rf_forgot_strides", 10, lambda steps: 1 + sum(step.span - 1 for step in steps)),
    ("rf_sum_of_kernels", 11, summed),
    ("rf_own_stride", 12, with_own_stride),
    ("rf_wrong_order", 12, from_the_wrong_end),
    ("rf_ignored_pooling", 12, lambda steps: field([step for step in steps if not step.pool])),
    ("forgot_dilation", 10, lambda steps: dilated(steps, lambda step: step._replace(dilation=1))),
    ("dilation_off_by_one", 11, lambda steps: dilated(steps, lambda step: step._replace(dilation=step.dilation + 1))),
    ("dilation_times_kernel", 12, lambda steps: dilated(steps, lambda step: step._replace(extra=step.dilation - 1))),
    ("rf_only_last_layer", 13, lambda steps: steps[-1].span if steps else None),
    ("stopped_too_early", 15, lambda steps: field(steps[:-1]) if len(steps) > 1 else None),
    (
        "rf_ignored_pooling+rf_forgot_strides",
        25,
        lambda steps: 1 + sum(step.span - 1 for step in steps if not step.pool),
    ),
    ("rf_ignored_pooling+rf_sum_of_kernels", 26, lambda steps: summed([step for step in steps if not step.pool])),
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
            if w is not None and (w.kernel, w.stride) != (1, 1):
                found.append(Step(w.kernel, w.stride, w.dilation, not graph.facts[stop.node].connections))
        return found
    return None


def field_mistakes(graph: Graph, node: int) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """(rank, id, field per axis) of every mistake that fits."""
    rank = len(next(iter(graph.inputs.values()))) - 1
    ways = [steps_to(graph, node, axis) for axis in range(rank)]
    if not ways or any(not steps for steps in ways):
        return
    for name, far, rule in MISTAKES:
        values = [rule(steps) for steps in ways if steps]
        plain = [field(steps) for steps in ways if steps]
        known = tuple(p if value is None else value for value, p in zip(values, plain, strict=True))
        if list(known) != plain and min(known) > 0:
            yield far, name, known
