"""Steps of a spec as data: what was written, taken apart but not yet worked out.

A step still holds its `$` expressions; the builder works them out, once for each time a block is called.
"""

from typing import Any, NamedTuple

from cnncalc.errors import Position
from cnncalc.layers import Kind
from cnncalc.layers.base import Layer


class Argument(NamedTuple):
    """A value for an option or parameter: text or lists of text, in which `$` may stand. No name: positional."""

    name: str | None
    value: Any
    position: Position
    name_position: Position | None = None

    @property
    def open(self) -> bool:
        """Whether an expression has to be worked out first."""
        # Of a list too, whose text holds that of its values.
        return "$" in str(self.value)


class Step:
    """What all steps have: a name if one was given, how often it is repeated, and what follows.

    `condition` says whether the step is there at all; `weights` names the step whose weights it uses.
    """

    # Slots, for a spec has as many of these as lines.
    __slots__ = ("condition", "name", "name_position", "position", "repeat", "then", "weights")

    def __init__(self, position: Position) -> None:
        self.position = position
        self.name: str | None = None
        self.name_position = position
        self.repeat: Argument | None = None
        self.condition: Argument | None = None
        self.weights: Argument | None = None
        self.then: list[Step] = []

    @property
    def base_name(self) -> str:
        """What the step is called when it has no name, with a number behind it."""
        # A list of steps, or a word that stands for a layer.
        return "group"


class Sequence:
    """Steps one behind the other."""

    __slots__ = ("position", "steps")

    def __init__(self, position: Position, steps: list[Step]) -> None:
        self.position = position
        self.steps = steps


class BrokenStep(Step):
    """A step whose mistake has been noted; what comes out of it is not known."""

    __slots__ = ()


class WordStep(Step):
    """`$act` behind a layer: a parameter that names a norm or an activation, or `none`, and how that is built."""

    __slots__ = ("arguments", "word")

    def __init__(self, word: Argument) -> None:
        super().__init__(word.position)
        self.word = word
        self.arguments: list[Argument] = []


class LayerStep(Step):
    """One layer. `layer` is ready if nothing has to be worked out first.

    `axes` is how many axes its window moves over, where that is said: 2 of `Conv2D`, 1 of `conv1d`.
    """

    __slots__ = ("arguments", "axes", "broken", "kind", "layer")

    def __init__(self, position: Position, kind: Kind) -> None:
        super().__init__(position)
        self.kind = kind
        self.arguments: list[Argument] = []
        self.layer: Layer | None = None
        self.axes: int | None = None
        self.broken = False  # something is wrong with it, which has been noted

    @property
    def base_name(self) -> str:
        return self.kind.name


class MergeStep(Step):
    """Branches that start at the same place and are brought together."""

    __slots__ = ("arguments", "branches", "kind")

    def __init__(self, position: Position, kind: Kind, branches: list[Sequence]) -> None:
        super().__init__(position)
        self.kind = kind
        self.branches = branches
        self.arguments: list[Argument] = []

    @property
    def base_name(self) -> str:
        return self.kind.name


class ResidualStep(Step):
    """Steps whose result is added to their input, or to the input's projection."""

    __slots__ = ("arguments", "body", "shortcut")

    def __init__(self, position: Position, body: Sequence, shortcut: Sequence | None) -> None:
        super().__init__(position)
        self.arguments: list[Argument] = []
        self.body = body
        self.shortcut = shortcut

    @property
    def base_name(self) -> str:
        return "residual"


class FromStep(Step):
    """Steps that start at a named place instead of the previous step."""

    __slots__ = ("body", "origin")

    def __init__(self, position: Position, origin: Argument, body: Sequence) -> None:
        super().__init__(position)
        self.origin = origin
        self.body = body

    @property
    def base_name(self) -> str:
        return "from"


class CallStep(Step):
    """A block with values for its parameters; `first` and `last` change some in one repetition."""

    __slots__ = ("arguments", "block", "broken", "first", "last")

    def __init__(self, position: Position, block: str, arguments: list[Argument]) -> None:
        super().__init__(position)
        self.block = block
        self.broken = False
        self.arguments = arguments
        self.first: list[Argument] = []
        self.last: list[Argument] = []

    @property
    def base_name(self) -> str:
        return self.block


class SequenceStep(Step):
    """A named list of steps."""

    __slots__ = ("body",)

    def __init__(self, position: Position, body: Sequence) -> None:
        super().__init__(position)
        self.body = body


class Block:
    """A reusable list of steps; a parameter without a default must be given."""

    __slots__ = ("body", "name", "params", "position")

    def __init__(self, name: str, position: Position, params: dict[str, Argument | None], body: Sequence) -> None:
        self.name = name
        self.position = position
        self.params = params
        self.body = body


def parts(step: Step) -> list[Sequence]:
    """The sequences of steps inside a step."""
    if isinstance(step, MergeStep):
        return step.branches
    if isinstance(step, ResidualStep):
        return [step.body, *([step.shortcut] if step.shortcut else [])]
    if isinstance(step, (FromStep, SequenceStep)):
        return [step.body]
    return []
