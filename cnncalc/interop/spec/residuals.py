"""Steps as people write them: norms and activations behind their layer, additions with a shortcut as residuals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncalc.graph import Graph
from cnncalc.interop.spec.steps import From, Line, Merge, Step, layers_of, lines_of
from cnncalc.interop.spec.structure import Structure
from cnncalc.layers import KINDS


def attach_followers(steps: list[Step], structure: Structure) -> list[Step]:
    """Steps with norms and activations behind the step that they follow, where nothing else reads its result."""
    found: list[Step] = []
    graph = structure.graph
    for step in steps:
        flattens = isinstance(step, Line) and step.layer.kind == "flatten"
        if flattens and isinstance(step, Line) and graph.nodes[step.node - structure.first].shown_with is not None:
            continue  # a dense layer that meets a map gets it anyway
        if isinstance(step, Merge):
            step.branches = [attach_followers(branch, structure) for branch in step.branches]
        elif isinstance(step, From):
            step.steps = attach_followers(step.steps, structure)
        last = found[-1] if found else None
        if isinstance(step, Line) and KINDS[step.layer.kind].appendable and isinstance(last, (Line, Merge)):
            before = last.tail[-1].node if last.tail else last.node
            ends = before in graph.outputs or len(structure.readers[before]) != 1
            option = step.layer.kind in last.layer.options  # `shift` behind `scale` would be one of it
            if not ends and not option and not leaves_list(last, step):
                last.tail.append(step)
                continue
        found.append(step)
    return found


def leaves_list(last: Line | Merge, step: Line) -> bool:
    """Whether a norm of a name of its own stands outside the list of the step before it: `norm` behind `encoder/11`."""
    around = last.name.rpartition("/")[0]
    return not KINDS[step.layer.kind].inline and not f"{step.name}/".startswith(around)


def with_residuals(steps: list[Step], graph: Graph, *, straight: bool = False) -> None:
    """Additions with the identity, or with a way of their own where the shape changes, as residuals.

    straight  not those whose shortcut runs before the branch
    """
    for step in steps:
        if isinstance(step, From):
            with_residuals(step.steps, graph, straight=straight)
        if not isinstance(step, Merge):
            continue
        for branch in step.branches:
            with_residuals(branch, graph, straight=straight)
        if step.layer.kind != "add" or len(step.branches) != 2:
            continue
        if any(branch and stands_by_itself(branch[0], graph) for branch in step.branches):
            continue  # what is added is no way round
        shapes = [graph.shape(v) for v in graph.nodes[step.node - len(graph.inputs)].reads]
        # A residual adds what has one shape; what is stretched stays an `add`.
        if shapes[0] != shapes[1]:
            continue
        make_residual(step, graph, straight=straight)


def make_residual(step: Merge, graph: Graph, *, straight: bool) -> None:
    """An addition of two branches as a residual, where one of them is a shortcut."""
    if straight and all(step.branches):
        starts = [min((line.node for line in lines_of(branch)), default=step.node) for branch in step.branches]
        if starts[1] < starts[0]:  # the second term was worked out first
            step.branches.reverse()
            return
    size = [layers_of(branch) for branch in step.branches]
    if [] in step.branches or short_of(step.branches[1], step.branches[0]) or short_of(*step.branches):
        # The shorter of the two is the shortcut, whichever was written first. In the order in which they run they can
        # not be turned, as both compute.
        turned = not step.branches[0] or bool(step.branches[1] and size[0] < size[1])
        first, second = (branch[0] if branch else None for branch in step.branches)
        if straight and turned and first is not None and second is not None:
            return
        if turned:
            step.branches.reverse()
        step.residual = bool(step.branches[0])
        # Reading the spec puts the usual projection in by itself.
        if step.residual and is_projection(step.branches[1]):
            step.branches[1] = []
        start = entry(step, graph)
        if step.branches[1] and (start is None or graph.shape(start) == graph.shape(step.node)):
            step.residual = False  # a residual would leave its shortcut out


def stands_by_itself(step: Step, graph: Graph) -> bool:
    """Whether a step reads nothing: trained numbers, or constants."""
    return isinstance(step, Line) and not graph.nodes[step.node - len(graph.inputs)].reads


def is_projection(branch: Sequence[Step]) -> bool:
    """Whether a branch is what a residual puts in by itself where the shape changes, by its name."""
    line = branch[0] if len(branch) == 1 else None
    if not isinstance(line, Line) or not re.fullmatch(r"(.*/)?shortcut\d+", line.name):
        return False
    given = vars(line.layer)
    # What a residual puts in by itself, option by option: anything else has to be written.
    usual = {"kernel": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1, "bias": False, "table": None}
    norms = [part.layer.kind for part in line.tail]
    return line.layer.kind == "conv" and norms == ["batchnorm"] and all(given[k] == v for k, v in usual.items())


def entry(step: Merge, graph: Graph) -> int | None:
    """The value from which the branches start."""
    for branch in step.branches:
        for first in branch[:1]:
            if isinstance(first, Line):
                reads = graph.nodes[first.node - len(graph.inputs)].reads
                if not reads:
                    continue  # numbers that stand by themselves: another branch knows
                return reads[0]
            if isinstance(first, Merge):
                return entry(first, graph)
    return None


def short_of(one: Sequence[Step], other: Sequence[Step]) -> bool:
    """Whether one way is a projection beside the other: a layer or two."""
    return 0 < layers_of(one) < layers_of(other) and all(isinstance(step, Line) for step in one)
