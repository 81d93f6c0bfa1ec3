"""How a step is written: kind, main value, flags in a fixed order, what is appended, and how often."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from cnncalc.errors import OptionError, Position, Problem
from cnncalc.layers.base import Option, shape_text
from cnncalc.layers.options import CONSTRUCTION
from cnncalc.spec.makers import LayerMaker
from cnncalc.spec.read.steps import StepReader
from cnncalc.spec.read.yamltree import Text
from cnncalc.spec.steps import (
    Argument,
    CallStep,
    FromStep,
    LayerStep,
    MergeStep,
    ResidualStep,
    SequenceStep,
    Step,
    WordStep,
    parts,
)
from cnncalc.spec.write.lines import ONE_AXIS, kind_word, option_words

HERE = Position(1, 1)


class StepWriter:
    """Writes steps of a spec that can be read; knows the names of its blocks."""

    def __init__(self, blocks: Collection[str]) -> None:
        self.problems: list[Problem] = []
        self.maker = LayerMaker(self.problems)  # without the defaults of the spec: what is written stays what it is
        self.reader = StepReader(blocks, self.maker, self.problems)
        self.lines: dict[str, str] = {}  # as they were, and as they are written: networks repeat themselves

    def line(self, text: str) -> str:
        """A one-line step as it is written."""
        if text not in self.lines:
            step = self.reader.line(Text(text, HERE))
            self.lines[text] = self.one_line(step) or " ".join(text.split())
        return self.lines[text]

    def one_line(self, step: Step) -> str | None:
        """The whole step in one line; None where a line cannot say it."""
        if step.name is not None or step.condition is not None or step.weights is not None:
            return None
        words: list[str | None]
        if isinstance(step, LayerStep):
            words = [
                kind_word(step.kind) + ONE_AXIS * (step.axes == 1),
                *self.options(step),
                *map(self.append_word, step.then),
            ]
            words = [*words, times(step)]
        elif isinstance(step, CallStep) and not step.then:
            words = [step.block, *(argument_word(a) for a in step.arguments), times(step)]
            words = [
                *words,
                *(argument_word(a, "first:") for a in step.first),
                *(argument_word(a, "last:") for a in step.last),
            ]
        elif isinstance(step, WordStep):
            words = [str(step.word.value)]
        else:
            return None
        if None in words:
            return None
        text = " ".join(word for word in words if word)
        # Read again and compared: a line that would say something else is not written.
        return text if alike(self.reader.line(Text(text, HERE)), step) else None

    def options(self, step: LayerStep) -> list[str | None]:
        """The main value, then flags with a letter, then all others, each in the order in which the kind has them."""
        options = {**step.kind.load().options, **CONSTRUCTION}
        texts = {a.name or "": plain_text(options[a.name or ""], a.value) for a in step.arguments}
        return list(option_words(options.values(), texts).values())

    def append_word(self, step: Step) -> str | None:
        """A norm, an activation or a dropout behind a layer, with its main value at most."""
        if step.name or step.repeat or step.condition or step.weights or step.then:
            return None
        if isinstance(step, WordStep):
            texts = {a.name or "": plain_text(CONSTRUCTION[a.name or ""], a.value) for a in step.arguments}
            return " ".join([str(step.word.value), *filter(None, option_words(CONSTRUCTION.values(), texts).values())])
        if not isinstance(step, LayerStep) or not step.kind.appendable or len(step.arguments) > 1:
            return None
        value = step.arguments[0].value if step.arguments else ""
        return f"{kind_word(step.kind)} {value}".strip() if isinstance(value, str) else None


def times(step: Step) -> str | None:
    if step.repeat is None:
        return ""
    return f"x{step.repeat.value}" if isinstance(step.repeat.value, str) else None


def argument_word(argument: Argument, prefix: str = "") -> str | None:
    """A value for a block."""
    if not isinstance(argument.value, str):
        return None
    return f"{prefix}{argument.name}={argument.value}" if argument.name else f"{prefix}{argument.value}"


def plain_text(option: Option, value: Any) -> str | None:
    """The value as text: `false` for `no`, `3x1` for a list of two. None where only a list can say it."""
    # An expression is left as it stands: what it gives is not known here.
    if "$" in str(value):
        return value if isinstance(value, str) else None
    try:
        read = option.read(value)
        if isinstance(read, bool):
            return str(read).lower()
        if isinstance(value, str):
            # In small letters where those are read as the same, as `Same` and `False` are.
            return value.lower() if option.read(value.lower()) == read else value
        text = shape_text(value)
        return text if option.read(text) == read else None
    except (OptionError, TypeError):
        return None


# --- whether two steps are the same, however they were written


def values_of_built(step: WordStep) -> dict[str, Any]:
    """How what a word names is built."""
    return {a.name or "": value_of(a) for a in step.arguments}


def alike(one: Step, other: Step) -> bool:
    """Whether two steps say the same: positions and spelling apart."""
    if type(one) is not type(other) or one.name != other.name or value_of(one.repeat) != value_of(other.repeat):
        return False
    if value_of(one.condition) != value_of(other.condition) or value_of(one.weights) != value_of(other.weights):
        return False
    if not all_alike(one.then, other.then):
        return False
    if isinstance(one, LayerStep) and isinstance(other, LayerStep):
        same: bool = options_of(one) == options_of(other)
        # 2d and 3d say no more than the shape that enters; 1d tells a sequence from an image.
        return same and one.kind is other.kind and (one.axes == 1) == (other.axes == 1)
    if isinstance(one, CallStep) and isinstance(other, CallStep):
        return one.block == other.block and values_of(one) == values_of(other)
    if isinstance(one, WordStep) and isinstance(other, WordStep):
        return bool(value_of(one.word) == value_of(other.word)) and values_of_built(one) == values_of_built(other)
    if isinstance(one, MergeStep) and isinstance(other, MergeStep) and one.kind is not other.kind:
        return False
    if isinstance(one, FromStep) and isinstance(other, FromStep) and value_of(one.origin) != value_of(other.origin):
        return False
    if isinstance(one, (MergeStep, ResidualStep, FromStep, SequenceStep)):
        mine, others = parts(one), parts(other)
        return len(mine) == len(others) and all(all_alike(x.steps, y.steps) for x, y in zip(mine, others, strict=True))
    return True


def all_alike(one: Sequence[Step], other: Sequence[Step]) -> bool:
    return len(one) == len(other) and all(map(alike, one, other))


def value_of(argument: Argument | None) -> Any:
    return None if argument is None else argument.value


def values_of(call: CallStep) -> list[list[tuple[str | None, Any]]]:
    """The values that a call gives to its block: always, in the first and in the last repetition."""
    return [[(a.name, a.value) for a in given] for given in (call.arguments, call.first, call.last)]


def options_of(step: LayerStep) -> dict[str | None, Any]:
    """The options of a step with the values that they have, or the expressions that stand for them."""
    options = {**step.kind.load().options, **CONSTRUCTION}
    found: dict[str | None, Any] = {}
    for argument in step.arguments:
        try:
            found[argument.name] = (
                argument.value if argument.open else options[argument.name or ""].read(argument.value)
            )
        except OptionError:
            found[argument.name] = argument.value
    return found
