"""Lists of steps taken apart: what they have besides numbers, and the numbers, each with the place where it stands.

Lists of one form become calls of one block. One walk gives the form and the places, so that what is written into a
place is what was taken from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.interop.spec.numbers import Number, Place, is_number, place, plain
from cnncalc.interop.spec.steps import Call, From, Line, Merge, Named, Step
from cnncalc.interop.spec.text import how_built, stated_options, text_of
from cnncalc.layers import KINDS

# Options whose numbers a block may leave open, and the letters by which people call them.
LETTERS = {
    "filters": "c", "units": "c", "kernel": "k", "stride": "stride", "padding": "p", "dilation": "d", "groups": "g",
    "from": "a", "size": "size", "factor": "r", "multiplier": "m", "parts": "n", "part": "i", "heads": "heads",
    "window": "window", "grid": "grid",
}  # fmt: skip
ACTIVATION = "act"
SHORTCUT, END = "shortcut", "end"  # around the steps of a shortcut, which other lists of the same form may lack

Defaults = Mapping[str, Mapping[str, Any]]


class Slot(NamedTuple):
    """A number in a list of steps: the option or parameter that it is, and how another one is written there."""

    name: str
    number: Number
    write: Callable[[Number], None]
    in_shortcut: bool


class Form(NamedTuple):
    """What a list of steps has besides its numbers, to be compared; and its numbers."""

    pattern: tuple[Any, ...]
    slots: list[Slot]


class Around(NamedTuple):
    """What a list is surrounded by.

    path   the whole of its name
    enters the value that comes out of the step before it
    names  what values are called
    """

    path: str
    enters: int
    names: Mapping[int, str]

    def say(self, value: int, name: str) -> tuple[str, bool]:
        """What a value is called within the list, and whether it is called so in all lists of its form."""
        if value == self.enters:
            return "in", True
        return (name[len(self.path) + 1 :], True) if name.startswith(f"{self.path}/") else (name, False)


def form_of(steps: Sequence[Step], defaults: Defaults, around: Around) -> Form | None:
    """The form of a list; None where a block cannot hold it.

    defaults  options of kinds that the spec states once
    """
    reader = _FormReader(defaults, around)
    return Form(tuple(reader.pattern), reader.slots) if reader.read(steps) else None


def without_shortcut(pattern: Sequence[Any]) -> tuple[Any, ...]:
    """A pattern less what stands in shortcuts."""
    left: list[Any] = []
    inside = 0
    for part in pattern:
        if part == SHORTCUT:
            inside += 1
        elif part == END:
            inside -= 1
        elif not inside:
            left.append(part)
    return tuple(left)


class _FormReader:
    """Walks over a list once, and notes its pattern and its slots."""

    def __init__(self, defaults: Defaults, around: Around) -> None:
        self.defaults = defaults
        self.around = around
        self.pattern: list[Any] = []
        self.slots: list[Slot] = []
        self.shortcuts = 0  # around the step that is read

    def read(self, steps: Sequence[Step]) -> bool:
        """Whether a block can hold all of the steps."""
        return all(self.read_step(step) for step in steps)

    def read_step(self, step: Step) -> bool:
        """Whether a block can hold a step."""
        if isinstance(step, Line):
            self.read_layer(step)
            self.read_tail(step.tail)
            return True
        if isinstance(step, Merge):
            return self.read_merge(step)
        if isinstance(step, Named):
            self.pattern.append(("named", step.name, len(step.steps)))
            return self.read(step.steps)
        if isinstance(step, Call):
            self.read_call(step)
            return True
        # What is left are steps that start at another value.
        self.pattern.append(("from", len(step.steps)))
        name = self.around.names.get(step.origin)
        if name is None:
            return False
        self.add_place(place(name, step.origin), _writer_of_origin(step))
        return self.read(step.steps)

    def add_place(self, origin: Place, write: Callable[[Number], None], *, passed: bool = False) -> None:
        """A value that steps start at: the one that enters the list, one of its own, or a parameter of the block.

        passed  to an inner block, where `in` would be another value
        """
        said, own = self.around.say(origin.value, origin)
        if passed and said == "in":
            said, own = origin, False
        self.pattern.append(said if own else "elsewhere")
        self.add("from", said if own else origin, write)

    def read_merge(self, step: Merge) -> bool:
        """A merge and its branches, in their order."""
        self.pattern.append(("merge", step.layer.kind, step.name, step.residual, len(step.branches)))
        for i, branch in enumerate(step.branches):
            shortcut = step.residual and i == 1
            if not shortcut:
                self.pattern.append("branch")
            elif not branch:
                continue  # the identity: where the shape changes, other lists of this form have steps here
            # Marked, so that forms that differ in a shortcut alone can be told.
            self.pattern += [SHORTCUT] * shortcut
            self.shortcuts += shortcut
            if not self.read(branch):
                return False
            self.shortcuts -= shortcut
            self.pattern += [END] * shortcut
        options = stated_options(step.layer, self.defaults.get(step.layer.kind, {}))
        self.pattern += [(name, text_of(value) or repr(value)) for name, value in options.items()]
        self.read_tail(step.tail)
        return True

    def read_tail(self, tail: Sequence[Line]) -> None:
        """Norms and activations behind a step."""
        self.pattern.append(("tail", len(tail)))
        for part in tail:
            # Which activation it is may be a parameter, where it has no options: `act: relu`.
            if KINDS[part.layer.kind].inline and not stated_options(part.layer, {}):
                self.pattern.append((ACTIVATION, part.name, *how_built(part.layer, {})))
                self.add(ACTIVATION, part.layer.kind, _writer_of_word(part))
            else:
                self.read_layer(part)

    def read_call(self, call: Call) -> None:
        """A call of an inner block: its values are numbers like those of layers."""
        self.pattern.append(("call", call.name, call.block, tuple(call.values), tuple(call.first), tuple(call.last)))
        for given in (call.values, call.first, call.last):
            for name, number in given.items():
                if isinstance(number, Place):
                    self.add_place(number, _writer_of_entry(given, name), passed=True)
                else:
                    self.add(name, number, _writer_of_entry(given, name))
        self.add("repeat", call.repeat, _writer_of_repeat(call))

    def read_layer(self, line: Line) -> None:
        """A layer: what it says besides numbers, and the numbers."""
        defaults = self.defaults.get(line.layer.kind, {})
        options = stated_options(line.layer, defaults)
        said: list[Any] = []
        for name, option in line.layer.options.items():
            value = vars(line.layer)[name]
            # Kernels and widths may differ from list to list; any other option has to be the same in all.
            if is_number(value) and name in LETTERS and (name in options or option.flag):
                said.append(name)
                self.add(name, plain(value), _writer_of_option(line, name, defaults.get(name, option.default), options))
            elif name in options:
                said.append((name, text_of(value) or repr(value)))
        self.pattern.append((line.layer.kind, line.name, tuple(said), *how_built(line.layer, defaults)))

    def add(self, name: str, number: Number, write: Callable[[Number], None]) -> None:
        self.slots.append(Slot(name, number, write, self.shortcuts > 0))


# Functions that make functions: one made in a loop would write to the last step of it.
def _writer_of_entry(given: dict[str, Number], name: str) -> Callable[[Number], None]:
    def write(said: Number) -> None:
        given[name] = said

    return write


def _writer_of_origin(step: From) -> Callable[[Number], None]:
    def write(said: Number) -> None:
        step.said = said

    return write


def _writer_of_word(line: Line) -> Callable[[Number], None]:
    def write(said: Number) -> None:
        line.word = str(said) if str(said).startswith("$") else ""

    return write


def _writer_of_repeat(call: Call) -> Callable[[Number], None]:
    def write(said: Number) -> None:
        call.repeat = said

    return write


def _writer_of_option(line: Line, name: str, usual: Any, stated_options: dict[str, Any]) -> Callable[[Number], None]:
    def write(said: Number) -> None:
        if line.options is None:
            line.options = dict(stated_options)
        # What a block takes as a parameter is stated, whatever it is in this list; a number only where it is unusual.
        if isinstance(said, str) or usual is None or usual == "same" or said != plain(usual):
            line.options[name] = said
        else:
            line.options.pop(name, None)

    return write
