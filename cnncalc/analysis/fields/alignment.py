"""Where paths meet: whether what their units see lies centred on one another, and by how many pixels it does not.

Araujo, Norris, Sim 2019, Distill: fields are aligned where all paths have the same jump and the same centre. Where
centres differ the hull is still exact: that of one path which contains the others (nested), or more than any of them.
Where jumps differ, the shift changes from unit to unit, and there is no one field.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.steps import behind_stretch
from cnncalc.analysis.fields.values import (
    LONGEST_PERIOD,
    AxisField,
    Fixed,
    Grid,
    Units,
    Whole,
    highest,
    jump_of,
    largest,
    lowest,
)
from cnncalc.language import n_

ALIGNED = n_("aligned")
NESTED = n_("nested")
EXTENDING = n_("extending")
MISMATCH = n_("stride mismatch")
WHOLE = n_("whole")  # at most one path does not see everything: there is nothing to align
UNKNOWN = n_("not known")
ORDER = (WHOLE, ALIGNED, NESTED, EXTENDING, UNKNOWN, MISMATCH)  # the worst comes last
MISALIGNED = (NESTED, EXTENDING, MISMATCH)


class Branch(NamedTuple):
    """One path into a merge along one axis: size of the largest field, jump, and centre of unit 0."""

    value: int
    size: int | None
    jump: Any
    centre: Fraction | None


class Meeting(NamedTuple):
    """How paths meet along one axis. `shift`: the largest distance between centres, over all phases."""

    kind: str
    shift: Fraction | None
    branches: tuple[Branch, ...]


class Merge(NamedTuple):
    """A node with several inputs, and how they meet on each axis of an input of the network."""

    node: int
    source: int
    axes: tuple[Meeting, ...]

    @property
    def kind(self) -> str:
        """The worst of all axes."""
        return max((meeting.kind for meeting in self.axes), key=ORDER.index)


def merges(found: Pass) -> list[Merge]:
    """Every node where something of an input arrives by several paths."""
    graph = found.graph
    result = []
    for number, (node, facts) in enumerate(zip(graph.nodes, graph.facts, strict=True)):
        if len(node.reads) < 2:
            continue
        output = facts.output
        one_unit = len(output) > 1 and max(output[1:]) == 1
        for source, size in found.sizes.items():
            reads = [v for v in node.reads if source in found.values[v].seen]
            if len(reads) < 2 or not size:
                continue
            axes = []
            for axis, n in enumerate(size):
                fields = [
                    behind_stretch(found.values[v].seen[source][axis], found.values[v].shape, output, axis, n)
                    for v in reads
                ]
                axes.append(meeting(reads, fields, one_unit))
            result.append(Merge(number, source, tuple(axes)))
    return result


def meeting(values: list[int], fields: list[AxisField], one_unit: bool) -> Meeting:
    """How fields along one axis meet; a path that sees the whole axis has no part in it."""
    branches = tuple([branch(v, f) for v, f in zip(values, fields, strict=True)])
    grids = [f for f in fields if isinstance(f, Grid)]
    # Listed unit by unit they have no jump that another path could share.
    if any(isinstance(f, Units) for f in fields):
        return Meeting(MISMATCH, None, branches)
    if any(not isinstance(f, (Grid, Whole, Fixed)) for f in fields):
        return Meeting(UNKNOWN, None, branches)
    if len(grids) < 2:
        return Meeting(WHOLE, None, branches)
    if one_unit:
        # A single unit has no neighbour, and jumps do not matter.
        grids = [Grid(g.lo[:1], g.hi[:1], 1) for g in grids]
    elif len({jump_of(g) for g in grids}) > 1:
        return Meeting(MISMATCH, None, branches)
    period = lcm(*(len(g.lo) for g in grids))
    if period > LONGEST_PERIOD:
        return Meeting(UNKNOWN, None, branches)
    shift, kind = Fraction(0), ALIGNED
    for o in range(period):
        ends = [(lowest(g, [o]), highest(g, [o])) for g in grids]
        # By a path in whose holes a unit lies it sees nothing, and has no centre.
        seeing = [(lo, hi) for lo, hi in ends if lo is not None and hi is not None]
        if len(seeing) < 2:
            continue
        centres = [Fraction(lo + hi, 2) for lo, hi in seeing]
        apart = max(centres) - min(centres)
        if apart:
            shift = max(shift, apart)
            hull = (min(lo for lo, _hi in seeing), max(hi for _lo, hi in seeing))
            # Either one path has the whole hull, or it takes several.
            kind = max(kind, NESTED if hull in seeing else EXTENDING, key=ORDER.index)
    return Meeting(kind, shift, branches)


def branch(value: int, field: AxisField) -> Branch:
    if not isinstance(field, (Grid, Units)):
        return Branch(value, None, jump_of(field), None)
    lo, hi = field.lo[0], field.hi[0]
    centre = None if lo is None or hi is None else Fraction(lo + hi, 2)
    return Branch(value, largest(field), jump_of(field), centre)
