"""Activation memory: how many elements are alive at once while a network runs.

Elements of one sample. Every operation writes a new tensor; a tensor lives from the operation that writes
it to the last one that reads it, so a skip connection stays alive; inputs live from the start, outputs to
the end. Nothing is done in place: what a runtime saves by that depends on the runtime.
"""

from math import prod
from typing import NamedTuple

from cnncalc.arithmetic import most
from cnncalc.graph import Graph


def peak_elements(graph: Graph) -> int | None:
    """The largest sum of elements alive at any operation, its inputs and its output included.

    None where a shape is not known.
    """
    held = elements_held(graph)
    peak: int | None = None if held is None else most(*held) if len(held) > 1 else held[0]
    return peak


def find_peak(graph: Graph) -> tuple[int | None, int | None]:
    """That sum, and the first operation at which it is reached; None for it where nothing runs."""
    held = elements_held(graph)
    if held is None:
        return None, None
    peak = max(held)
    place = held.index(peak)
    return peak, place - 1 if place else None


class Lives(NamedTuple):
    """How long every value lives: its elements, and the operation that reads it last.

    That is the one that writes it where none does, the number of operations where it is kept to the end, and -1 or
    less of an input that nothing reads.
    """

    elements: list[int]
    last_use: list[int]


def lives(graph: Graph) -> Lives | None:
    """How large every value is and how long it lives; None where a shape is not known."""
    if not all(facts.output for facts in graph.facts):
        return None
    inputs = len(graph.inputs)
    elements = [prod(shape) for shape in graph.inputs.values()]
    elements += [prod(facts.output) for facts in graph.facts]
    last_use = list(range(-inputs, len(graph.nodes)))  # a value that nobody reads dies where it is written
    for i, node in enumerate(graph.nodes):
        for value in node.reads:
            last_use[value] = i
    for value in graph.outputs:
        last_use[value] = len(graph.nodes)
    return Lives(elements, last_use)


def elements_held(graph: Graph) -> list[int] | None:
    """The elements that are alive before the first operation, and at each. None where a shape is not known."""
    known = lives(graph)
    if known is None:
        return None
    elements, last_use = known
    inputs = len(graph.inputs)
    ends: list[list[int]] = [[] for _ in graph.nodes]
    for value, end in enumerate(last_use):
        if 0 <= end < len(graph.nodes):
            ends[end].append(value)
    alive = sum(n for n, end in zip(elements[:inputs], last_use[:inputs], strict=True) if end >= 0)
    held = [alive]
    for i in range(len(graph.nodes)):
        alive += elements[inputs + i]
        held.append(alive)
        alive -= sum(elements[value] for value in ends[i])
    return held


def alive_at(graph: Graph, place: int) -> list[int]:
    """The values that are alive while an operation runs: written by then, and read then, later or at the end."""
    inputs = len(graph.inputs)
    needed = {value for node in graph.nodes[place:] for value in node.reads} | {*graph.outputs, inputs + place}
    return [value for value in range(inputs + place + 1) if value in needed]
