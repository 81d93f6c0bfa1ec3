"""The steps of a spec while it is written: lines with what follows them, merges, lists; and walks over them.

They change while they are written: names are shortened, lists become calls, numbers parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.interop.spec.numbers import Number
from cnncalc.layers.base import Layer


class Line:
    """A layer, and the norms and activations that stand behind it."""

    def __init__(self, node: int, name: str, layer: Layer) -> None:
        self.node = node
        self.name = name
        self.layer = layer
        self.tail: list[Line] = []
        # In a block: the options that are stated, with its parameters; and the parameter that says which activation it
        # is.
        self.options: dict[str, Any] | None = None
        self.word = ""


class Merge:
    """Branches that are brought together; one that is empty is the identity."""

    def __init__(self, node: int, name: str, layer: Layer, branches: list[list[Step]]) -> None:
        self.node = node
        self.name = name
        self.layer = layer
        self.branches = branches
        self.tail: list[Line] = []
        self.residual = False  # two branches, the second of which is the shortcut


class From:
    """Steps that start at another value than the one before them, of which only the number is known here."""

    def __init__(self, origin: int, steps: list[Step]) -> None:
        self.origin = origin
        self.steps = steps
        self.said: Number | None = None  # in a block: what the value is called there, `in` or a parameter


class Named:
    """Steps whose names begin alike."""

    def __init__(self, name: str, steps: list[Step]) -> None:
        self.name = name
        self.steps = steps


class Call:
    """A block with values for its parameters, perhaps repeated."""

    def __init__(self, name: str, block: str, values: dict[str, Number]) -> None:
        self.name = name
        self.block = block
        self.values = values
        self.repeat: Number = 1
        self.first: dict[str, Number] = {}  # what the first repetition has otherwise
        self.last: dict[str, Number] = {}


Step = Line | Merge | From | Named | Call


class Block(NamedTuple):
    """A block: its parameters in order, and its steps."""

    name: str
    params: dict[str, Number | None]  # name to default; None where it must be given
    steps: list[Step]


# --- walks


def every_step(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps, each in front of those that stand in it."""
    for step in steps:
        yield step
        if isinstance(step, (Named, From)):
            yield from every_step(step.steps)
        elif isinstance(step, Merge):
            for branch in step.branches:
                yield from every_step(branch)


def lines_of(steps: Sequence[Step]) -> Iterator[Line | Merge]:
    """Every layer that has a step, those of the branches before their merge."""
    for step in steps:
        if isinstance(step, Merge):
            for branch in step.branches:
                yield from lines_of(branch)
            yield step
        elif isinstance(step, Line):
            yield step
        elif isinstance(step, (From, Named)):
            yield from lines_of(step.steps)


def layers_of(steps: Sequence[Step]) -> int:
    """How many layers have a step."""
    return sum(1 for _line in lines_of(steps))


def merges_in(steps: Sequence[Step]) -> Iterator[Merge]:
    """All merges, the inner ones first."""
    return (line for line in lines_of(steps) if isinstance(line, Merge))


def has_shortcut(named: Named) -> bool:
    """Whether a residual of a list has steps of its own in its shortcut."""
    return any(merge.residual and merge.branches[1] for merge in merges_in(named.steps))


def first_node(named: Named) -> int:
    """The first value of a list in the order in which the network runs."""
    return min((line.node for line in lines_of(named.steps)), default=0)


def lists_in(steps: Sequence[Step], *, shortcuts: bool = True) -> Iterator[Named]:
    """The named lists that stand directly among steps, in branches too."""
    for step in steps:
        if isinstance(step, Named):
            yield step
        elif isinstance(step, From):
            yield from lists_in(step.steps, shortcuts=shortcuts)
        elif isinstance(step, Merge):
            for branch in step.branches[: 1 if step.residual and not shortcuts else None]:
                yield from lists_in(branch, shortcuts=shortcuts)
