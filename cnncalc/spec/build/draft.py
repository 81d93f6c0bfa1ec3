"""A network while it is put together: operations and shapes so far, names, and what was found wrong."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import NoReturn

from cnncalc.errors import Position, Problem, ShapeError, suggest
from cnncalc.graph import Claims, Group, Node
from cnncalc.graph_builder import GraphBuilder, TooLargeError
from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape
from cnncalc.spec.build.scope import Frame
from cnncalc.spec.steps import Argument


class Draft(GraphBuilder):
    """Nodes in the order in which they run. A value that is not known, after a mistake, is None."""

    def __init__(self, problems: list[Problem], max_operations: int, claims: Claims | None = None) -> None:
        super().__init__(max_operations, claims)
        self.problems = problems
        self.groups: dict[str, Group] = {}
        self.results: dict[str, int | None] = {}  # the value that comes out of each finished step
        self.places: dict[str, Position | None] = {}  # where the shape of an input stands; None: on the command line
        self.sequences: set[str] = set()  # inputs of which it is known that they have one axis besides their channels
        self.warnings: list[Problem] = []  # what is probably meant otherwise, and can be
        self.fitting: int | None = None  # how many nodes there are before the first layer that does not fit
        self.declared: dict[str, Position] = {}
        self.left_out: set[str] = set()  # names of steps whose condition does not hold
        self.spans: dict[str, tuple[int, int]] = {}  # the nodes of each finished step: first, and behind the last
        self.stored: dict[str, list[int]] = {}  # those nodes of a step that store weights, where others use them

    def input(self, name: str, shape: Shape, position: Position) -> None:
        """Add an input of the network. All inputs come before the first node."""
        self.results[name] = self.add_input(name, shape)
        self.declared[name] = position

    def again(self) -> Draft:
        """A draft with the same inputs and no nodes; problems are noted in the same list."""
        other = Draft(self.problems, self.max_operations, self.claims)
        for name, shape in self.inputs.items():
            other.input(name, shape, self.declared[name])
        # What was found out about the inputs holds for both; which are sequences, each finds out by its steps.
        other.places, other.sequences, other.warnings = self.places, set(self.sequences), self.warnings
        return other

    def note(
        self, problem: str, position: Position | None, hint: str | None = None, frame: Frame | None = None
    ) -> None:
        """Note a problem, once for each place: a repeated block makes its mistake many times."""
        if not any(p.position == position and p.problem == problem for p in self.problems[-50:]):
            self.problems.append(Problem(problem, position, hint, frame.trail if frame else ()))

    def node(
        self,
        path: str,
        layer: Layer,
        reads: tuple[int, ...],
        position: Position,
        arguments: Sequence[Argument] = (),
        frame: Frame | None = None,
        shown_with: int | None = None,
    ) -> int | None:
        """Add an operation; its value, or None where its inputs do not suit it."""
        try:
            return self.append(Node(path, layer, reads, position, shown_with))
        except ShapeError as error:
            self.fitting = len(self.nodes) if self.fitting is None else self.fitting
            # The layer says which option is at fault; here it is known where that stands.
            place = next((a.position for a in arguments if a.name == error.option), position)
            self.note(_("{name}: {text}", name=path, text=error.problem), place, error.hint, frame)
            return None
        except TooLargeError:
            self.too_large(position)

    def too_large(self, position: Position) -> NoReturn:
        """Note that there are too many operations, and stop."""
        self.note(self.too_many(), position, _("repeat less, or allow more with --max-operations"))
        raise TooLargeError

    def too_different(self, position: Position, most: int) -> NoReturn:
        """Note that there are too many steps of which hardly any is done again in the same way, and stop."""
        problem = _("the blocks stand for more than {most:,} steps that differ from one another", most=most)
        self.note(problem, position, _("repeat less, or allow more with --max-operations"))
        raise TooLargeError

    def too_empty(self, position: Position, most: int) -> NoReturn:
        """Note that too many calls come to nothing, and stop."""
        problem = _("more than {most:,} calls come to nothing: all steps of their blocks are left out", most=most)
        self.note(problem, position, _("leave the call out, with an `if:` beside it"))
        raise TooLargeError

    def declare(self, path: str, position: Position) -> None:
        if path in self.declared:
            first = self.declared[path].line
            self.note(
                _("the name '{path}' is used twice", path=path),
                position,
                _("the first is in line {first}; names are unique", first=first),
            )
        # The first stays: later steps of the name are pointed at it.
        self.declared.setdefault(path, position)

    def group(self, path: str, kind: str, start: int, result: int | None) -> None:
        """Remember the nodes from `start` on as what one step has made."""
        if result is not None and len(self.nodes) > start:
            self.groups[path] = Group(kind, start, len(self.nodes), result)

    def find(self, name: str, known: Container[str], frame: Frame) -> str | None:
        """The path of a name: in this block first, then around it. None if it is not known."""
        prefix = frame.prefix
        # From `a/b/` to `a/` to nothing: the innermost step of that name is meant.
        while prefix + name not in known:
            if not prefix:
                return None
            prefix = prefix[: prefix.rstrip("/").rfind("/") + 1]
        return prefix + name

    def resolve(self, name: str, position: Position, frame: Frame) -> int | None:
        """The value of a named step: looked for in this block first, then around it."""
        if name == "in":
            return frame.entry
        path = self.find(name, self.results, frame)
        if path is not None:
            return self.results[path]
        for i in [m.start() for m in re.finditer("/|$", name)]:  # it, or a step that it would stand in
            if self.find(name[:i], self.left_out, frame) is not None:
                self.note(
                    _("'{name}' is left out here", name=name[:i][:40]), position, _("its `if:` does not hold"), frame
                )
                return None
        if any(frame.prefix.startswith(f"{p}/") for p in self.declared if p.rpartition("/")[2] == name):
            self.note(
                _("'{name}' cannot start from itself", name=name[:40]), position, _("name a step before it"), frame
            )
        elif name in frame.given and not self.inside(name):
            line = frame.given[name].line
            self.note(
                _("'{name}' comes later, in line {line}", name=name[:40], line=line),
                position,
                _("a step reads steps before it"),
                frame,
            )
        else:
            # The last ones: most often a step is meant that is near.
            known = _("known here: {names}", names=", ".join(list(self.results)[-8:]))
            hint = self.inside(name) or suggest(name, self.results) or known
            self.note(_("there is no step '{name}'", name=name[:40]), position, hint, frame)
        return None

    def inside(self, name: str) -> str | None:
        """A hint where a step of this name stands inside others, before: it has a longer name."""
        longer = [path for path in self.declared if path.endswith(f"/{name}")]
        return _("inside another step it is called {longer}", longer=longer[0]) if longer else None
