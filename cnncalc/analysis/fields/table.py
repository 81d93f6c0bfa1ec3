"""Receptive fields layer by layer: size, jump, start and centre, per axis, in elements of where they are seen from.

The numbers are those of the pass forward. Unit 0 is the first unit of a map. Behind upsampling units
differ: `Phases` says how many sizes there are, how many units see nothing, and how far centres stray from an even
grid: centre(o) - o * jump, less the same for unit 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.values import (
    AxisField,
    Fields,
    Fixed,
    Grid,
    Loose,
    Units,
    Whole,
    jump_of,
    largest,
    sizes_of,
)
from cnncalc.errors import CnncalcError, suggest_layer
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.windows import Phases as Stretch
from cnncalc.layers.windows import Window


class Phases(NamedTuple):
    """Units that differ: every `period` of them the same again, `span` elements further on; None: never.

    sizes    of every phase, 0 where a unit sees nothing
    starts   of every phase, None where a unit sees nothing
    strays   how far the centre of each phase lies from an even grid through unit 0, or through the first that sees
    """

    period: int | None
    span: int | None
    sizes: tuple[int, ...]
    starts: tuple[int | None, ...]
    strays: tuple[Fraction | None, ...]


class AxisSeen(NamedTuple):
    """What units see along one axis; None where it is not known or does not exist.

    size    of the largest field, jump between neighbours, start and centre of unit 0
    whole   every unit sees the whole axis
    phases  where units differ from one another
    """

    size: int | None
    jump: Any
    start: int | None
    centre: int | Fraction | None
    whole: bool = False
    phases: Phases | None = None


class LayerSeen(NamedTuple):
    """What the units of a node see of one origin, per axis; `local` without gates, where there are any."""

    node: int
    source: int
    axes: tuple[AxisSeen, ...]
    local: tuple[AxisSeen, ...] | None = None


class Group(NamedTuple):
    """Channels `first` up to `last` of a map, counted from 0, which see the same."""

    first: int
    last: int
    axes: tuple[AxisSeen, ...]


def measure_along(field: AxisField, n: int) -> AxisSeen:
    """A field in numbers; one that covers the whole axis of n elements begins at 0."""
    if field is None:
        return AxisSeen(None, None, None, None)
    if isinstance(field, Whole):
        return AxisSeen(n, field.jump, 0, middle(0, n - 1), whole=True)
    if isinstance(field, Loose):
        start = field.start
        return AxisSeen(field.size, None, start, None if start is None else middle(start, start + field.size - 1))
    if isinstance(field, Fixed):
        if field.hi < field.lo:
            return AxisSeen(0, None, None, None)
        return AxisSeen(field.hi - field.lo + 1, None, field.lo, middle(field.lo, field.hi))
    lo, hi = field.lo[0], field.hi[0]  # of a grid, or of units one by one
    centre = None if lo is None or hi is None else middle(lo, hi)
    return AxisSeen(largest(field), jump_of(field), lo, centre, phases=phases_of(field))


def middle(lo: int, hi: int) -> int | Fraction:
    """The centre of elements lo up to hi: a whole number or a half."""
    total = lo + hi
    return Fraction(total, 2) if total % 2 else total // 2


def phases_of(field: Grid | Units) -> Phases | None:
    """How units differ; None where each sees what its neighbour sees, a jump further on."""
    if isinstance(field, Units):
        return Phases(None, None, tuple(sizes_of(field)), field.lo, (None,) * len(field.lo))
    period = len(field.lo)
    if period == 1 and field.lo[0] is not None:
        return None
    jump = Fraction(field.span, period)
    ends = list(zip(field.lo, field.hi, strict=True))
    # Where the centre of unit 0 would lie on the grid of each phase.
    even = [None if lo is None or hi is None else Fraction(lo + hi, 2) - o * jump for o, (lo, hi) in enumerate(ends)]
    first = next((centre for centre in even if centre is not None), None)
    strays = [None if centre is None or first is None else centre - first for centre in even]
    sizes = sizes_of(field)
    # Phases that differ in nothing are a plain grid after all.
    if len(set(sizes)) == 1 and sizes[0] and not any(strays):
        return None
    return Phases(period, field.span, tuple(sizes), field.lo, tuple(strays))


def axes_of(fields: Fields, size: tuple[int, ...]) -> tuple[AxisSeen, ...]:
    """The fields of all axes in numbers; equal axes share theirs."""
    result: list[AxisSeen] = []
    for i, (field, n) in enumerate(zip(fields, size, strict=True)):
        same = i and field is fields[i - 1] and n == size[i - 1]
        result.append(result[-1] if same else measure_along(field, n))
    return tuple(result)


def find_seen(found: Pass, local: Pass | None = None) -> list[dict[int, LayerSeen]]:
    """For each node, by the number of the origin, what its units see of it."""
    known: dict[tuple[int, int], tuple[AxisSeen, ...]] = {}

    def axes(fields: Fields, source: int) -> tuple[AxisSeen, ...]:
        # By identity, which is cheap and safe: the pass keeps all fields, so that no id comes twice.
        key = (id(fields), source)
        if key not in known:
            known[key] = axes_of(fields, found.sizes[source])
        return known[key]

    without = local.of_nodes if local is not None else [{}] * len(found.of_nodes)
    return [
        {i: LayerSeen(node, i, axes(fields, i), axes(less[i], i) if i in less else None) for i, fields in seen.items()}
        for node, (seen, less) in enumerate(zip(found.of_nodes, without, strict=True))
    ]


def groups_of(found: Pass, node: int) -> dict[int, list[Group]]:
    """The channels of a node's output by what they see, for each origin that some of them see."""
    result: dict[int, list[Group]] = {}
    first = 0
    for run in found.by_channel.runs(len(found.graph.inputs) + node):
        for source, fields in run.seen.items():
            group = Group(first, first + run.channels, axes_of(fields, found.sizes[source]))
            result.setdefault(source, []).append(group)
        first += run.channels
    return result


def has_gates(graph: Graph) -> bool:
    """Whether something lets a unit see the whole map that is a gate or the statistics of a map."""
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        if facts.local is not None and facts.local != facts.reach:
            return True
        # A value of another size is spread over the map: a gate.
        if len(node.reads) > 1 and any(graph.shape(v)[1:] != facts.output[1:] for v in node.reads):
            return True
    return False


def window_of(graph: Graph, node: int) -> tuple[str, str]:
    """Kernel and stride of a layer as a textbook writes them, both axes where they differ; empty where it has none."""
    reach = graph.facts[node].reach
    if not isinstance(reach, tuple):
        return "", ""
    sizes, strides = [], []
    for step in reach:
        if isinstance(step, Window):
            sizes.append(str(step.kernel) if step.dilation == 1 else f"{step.kernel} d{step.dilation}")
            strides.append(str(step.stride))
        elif isinstance(step, Stretch):
            # How large the kernel is does not follow from the taps of its phases.
            kernel = getattr(graph.nodes[node].layer, "kernel", None)
            sizes.append("" if kernel is None else str(kernel[len(sizes) if len(kernel) > 1 else 0]))
            strides.append(f"1/{len(step.taps)}")
        else:
            return "", ""
    # A crop, say, moves a window of one pixel: nothing that a textbook would give a kernel for.
    if set(sizes) == {"1"} and set(strides) == {"1"} and not hasattr(graph.nodes[node].layer, "kernel"):
        return "", ""
    return tuple(texts[0] if len(set(texts)) == 1 else " x ".join(texts) for texts in (sizes, strides))  # type: ignore[return-value]


def find_value(graph: Graph, name: str) -> int:
    """The value of an input, a layer, or what a block gives. Raises CnncalcError with the nearest name."""
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    # Where a layer and a block are called alike the layer is meant.
    if name in graph.groups and name not in names:
        return graph.groups[name].result
    if name in names:
        return names.index(name)
    hint = suggest_layer(name, [*names, *graph.groups])
    raise CnncalcError(_("there is no layer '{name}': {hint}", name=name[:40], hint=hint))
