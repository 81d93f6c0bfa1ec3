"""Which parameters the steps of a spec speak of: what a block comes to depends on them, and on what enters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.spec.expressions import names_used
from cnncalc.spec.read.document import Document, walk
from cnncalc.spec.steps import (
    Argument,
    CallStep,
    FromStep,
    LayerStep,
    MergeStep,
    ResidualStep,
    Sequence,
    Step,
    WordStep,
)


class Names(NamedTuple):
    """The names that a block speaks of.

    own      in its steps, but for the values that calls are given
    local    these, and those in the values of its calls
    network  parameters of the network that blocks which it calls speak of
    """

    own: tuple[str, ...]
    local: tuple[str, ...]
    network: tuple[str, ...]


def names_of_blocks(document: Document) -> dict[str, Names]:
    """By block what it speaks of, and under `` the network itself. Raises OptionError for what cannot be read."""
    found: dict[str, Names] = {}

    def of_body(body: Sequence) -> Names:
        own = names_in(argument for step in walk(body) for argument in arguments_of(step))
        given: dict[str, None] = {}
        network: dict[str, None] = {}
        for step in walk(body):
            if isinstance(step, CallStep):
                given.update(dict.fromkeys(names_in([*step.arguments, *step.first, *step.last])))
                network.update(dict.fromkeys(find_needed_of_network(document, of_block(step.block), step.block)))
        return Names(own, tuple(dict.fromkeys([*own, *given])), tuple(network))

    def of_block(name: str) -> Names:
        # Each block once, however many others call it.
        if name not in found:
            found[name] = of_body(document.blocks[name].body)
        return found[name]

    # Recursion ends: a spec with a block that calls itself is refused before.
    found[""] = of_body(document.layers)
    return found


def find_needed_of_network(document: Document, names: Names, block: str) -> tuple[str, ...]:
    """The parameters of the network that a call of a block depends on, besides the values that it is given."""
    params = document.blocks[block].params
    # The block's own parameters come with the call; what else it speaks of is the network's.
    defaults = names_in(default for default in params.values() if default is not None)
    return tuple(dict.fromkeys([*(n for n in (*defaults, *names.local) if n not in params), *names.network]))


def arguments_of(step: Step) -> Iterator[Argument]:
    """What stands in a step, but for the values that a call is given and the steps inside it."""
    yield from (argument for argument in (step.condition, step.repeat, step.weights) if argument is not None)
    if isinstance(step, (LayerStep, MergeStep, ResidualStep)):
        yield from step.arguments
    elif isinstance(step, FromStep):
        yield step.origin
    elif isinstance(step, WordStep):
        yield from (step.word, *step.arguments)


def names_in(arguments: Any) -> tuple[str, ...]:
    """The parameters that arguments speak of, in their order."""
    return tuple(dict.fromkeys(name for argument in arguments for name in names_in_value(argument.value)))


def names_in_value(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from names_used(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from names_in_value(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from names_in_value(inner)
