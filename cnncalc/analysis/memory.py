"""Activation memory: how many elements are alive at once while a network runs.

Elements of one sample. Every operation writes a new tensor; a tensor lives from the operation that writes
it to the last one that reads it, so a skip connection stays alive; inputs live from the start, outputs to
the end. Nothing is done in place: what a runtime saves by that depends on the runtime.
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

from cnncalc.arithmetic import most
from cnncalc.graph import Graph


def peak_elements(graph: Graph) -> int | None:
    """The largest sum of elements alive at any operation, its inputs and its output included.

    None where a shape is not known.
    """
    known = find_lives(graph)
    if known is None:
        return None
    held = Holding(known, len(graph.inputs)).walk({})
    if {*map(type, known.elements)} == {int}:
        return max(held)
    numbers = list(held)  # that remember how they came about: the greatest of them is one step
    peak: int = most(*numbers) if len(numbers) > 1 else numbers[0]
    return peak


def find_peak(graph: Graph) -> tuple[int | None, int | None]:
    """That sum, and the first operation at which it is reached; None for it where nothing runs."""
    held = count_held(graph)
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


def find_lives(graph: Graph) -> Lives | None:
    """How large every value is and how long it lives; None where a shape is not known."""
    if not all(facts.output for facts in graph.facts):
        return None
    inputs = len(graph.inputs)
    elements = [prod(shape) for shape in graph.inputs.values()]
    sizes: dict[int, int] = {}  # by the identity of facts: equal layers on equal shapes have the same
    for facts in graph.facts:
        size = sizes.get(id(facts))
        if size is None:
            size = sizes[id(facts)] = prod(facts.output)
        elements.append(size)
    last_use = list(range(-inputs, len(graph.nodes)))  # a value that nobody reads dies where it is written
    for i, node in enumerate(graph.nodes):
        for value in node.reads:
            last_use[value] = i
    for value in graph.outputs:
        last_use[value] = len(graph.nodes)
    return Lives(elements, last_use)


def count_held(graph: Graph) -> list[int] | None:
    """The elements that are alive before the first operation, and at each. None where a shape is not known."""
    known = find_lives(graph)
    return None if known is None else Holding(known, len(graph.inputs)).count_held({})


class Holding:
    """What is alive at each of the operations of a network, by how long its values live.

    entering  elements that are alive before the first operation
    written   by operation, the elements of what it writes; freed: those of what it is the last to read
    """

    def __init__(self, known: Lives, inputs: int) -> None:
        elements, last_use = known
        self.written = elements[inputs:]
        self.freed = [0] * len(self.written)
        for n, end in zip(elements, last_use, strict=True):
            # What lives to the end is freed by no operation.
            if 0 <= end < len(self.freed):
                # Nothing is added to 0, which would be a step where numbers remember.
                freed = self.freed[end]
                self.freed[end] = freed + n if freed else n
        self.entering = sum(n for n, end in zip(elements[:inputs], last_use[:inputs], strict=True) if end >= 0)

    def count_held(self, inside: Mapping[int, int]) -> list[int]:
        """The elements that are alive before the first operation, and at each.

        inside  of operations that are several by themselves: what is alive at most in these, besides what is alive
                before them
        """
        return list(self.walk(inside))

    def walk(self, inside: Mapping[int, int]) -> Iterator[int]:
        """The same one after the other."""
        alive = self.entering
        yield alive
        for i, (written, freed) in enumerate(zip(self.written, self.freed, strict=True)):
            # What it is the last to read goes behind it: while it runs, both are there.
            after = alive + written
            yield alive + inside[i] if i in inside else after
            alive = after - freed


def alive_at(graph: Graph, place: int) -> list[int]:
    """The values that are alive while an operation runs: written by then, and read then, later or at the end."""
    inputs = len(graph.inputs)
    needed = {value for node in graph.nodes[place:] for value in node.reads} | {*graph.outputs, inputs + place}
    return [value for value in range(inputs + place + 1) if value in needed]
