"""A long network gone through in short, before it is built: is something wrong, are there too many operations?

A spec of a few lines may stand for a million operations, and a mistake behind them for a long wait. So what is done
again in the same way is done once: of a repeat whose shape no longer changes the repetitions up to the last, and a
call with arguments and an input that an earlier one had. What was passed over is counted. Whatever cannot be told
without it, the names of steps inside it say, is not known and no mistake; what is wrong all the same is wrong.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncalc.errors import Position
from cnncalc.layers.base import Shape
from cnncalc.spec.build.scope import Frame
from cnncalc.spec.build.unroll import MOST_EMPTY, LongError, Unroller
from cnncalc.spec.steps import Argument, CallStep, LayerStep, Sequence, Step

MOST_STEPS = 20_000  # of a rehearsal


class _Counts(NamedTuple):
    """What has been counted so far: operations, steps, calls that come to nothing."""

    operations: int
    steps: int
    empty: int


class _Call(NamedTuple):
    """What a call came to, and the shapes of the steps around the block that it read."""

    result: int | None
    counts: _Counts
    read: dict[str, Shape | None]


class Rehearsal(Unroller):
    """Goes through the steps without what is done again. Its draft is no network, its problems are those of one."""

    passed_over = 0  # operations
    steps_passed_over = 0

    def rehearse(self, sequence: Sequence, x: int | None, frame: Frame) -> bool:
        """Note what is wrong; whether all was gone through. Raises TooLargeError, which is noted."""
        self.calls: dict[object, _Call] = {}
        self.reading: list[tuple[str, dict[str, Shape | None]]] = []  # of the calls under way: path, what they read
        self.patience = MOST_STEPS
        try:
            self.sequence(sequence, x, frame)
        except LongError:
            return False  # too much of it is new: nothing more is known before it is built
        return True

    def count(self) -> _Counts:
        return _Counts(self.count_operations(), self.steps_taken + self.steps_passed_over, self.empty_calls)

    def count_operations(self) -> int:
        """How many there would be so far."""
        return len(self.draft.nodes) + self.passed_over

    def pass_over(self, counts: _Counts, times: int, position: Position) -> None:
        """Count what is not done, `times` the same; too much of it is noted."""
        self.passed_over += counts.operations * times
        self.steps_passed_over += counts.steps * times
        self.empty_calls += counts.empty * times
        now = self.count()
        if now.empty > MOST_EMPTY:
            self.draft.too_empty(position, MOST_EMPTY)
        if now.operations > self.max_operations or now.steps > self.max_steps:
            self.draft.too_large(position)

    def repeat(self, step: Step, x: int | None, frame: Frame, stem: str | None, times: int) -> int | None:
        """The repetitions until the shape stays as it is, and the last."""
        i = 0
        while i < times:
            entering, before = x, self.count()
            x = self.take_turn(step, x, frame, stem, i, times)
            alike = x is not None and entering is not None and self.draft.shapes[x] == self.draft.shapes[entering]
            left = times - 2 - i  # between this one and the last
            # From the second on, where the shape stays: the first may have a stride of its own, the last other values.
            if left > 0 and i > 0 and (alike or x is entering is None):
                one = _Counts(*(now - then for now, then in zip(self.count(), before, strict=True)))
                self.pass_over(one, left, step.repeat.position if step.repeat else step.position)
                if stem is None and isinstance(step, LayerStep):  # those behind keep their numbers
                    frame.counters[step.base_name] += left
                i += left
            i += 1
        return x

    def enter(self, step: CallStep, body: Sequence, x: int | None, inner: Frame) -> int | None:
        """The steps of a block, unless an earlier call had the same values and shapes."""
        shape = None if x is None else self.draft.shapes[x]
        # By the text of the values, for lists are no keys.
        key = (step.block, shape, repr(sorted(inner.scope.items(), key=lambda item: item[0])))
        known = self.calls.get(key)
        if known is not None and all(self.find_shape(name, inner) == seen for name, seen in known.read.items()):
            # Whoever stands around reads what this call read: it has to be known for their keys too.
            for name, seen in known.read.items():
                self.remember(name, self.find_place(name, inner), seen)
            self.pass_over(known.counts, 1, step.position)
            return known.result
        before = self.count()
        read: dict[str, Shape | None] = {}
        # Calls in calls: what the inner one reads from outside both, the outer one reads too.
        self.reading.append((inner.prefix, read))
        result = self.sequence(body, x, inner)
        self.reading.pop()
        counts = _Counts(*(now - then for now, then in zip(self.count(), before, strict=True)))
        self.calls[key] = _Call(result, counts, read)
        return result

    def resolve(self, name: str, position: Position, frame: Frame) -> int | None:
        """The value of a step that was not passed over; a name that may be one of those is not known."""
        if name == "in":
            return frame.entry
        path = self.find_place(name, frame)
        value = None if path is None else self.draft.results[path]
        self.remember(name, path, None if value is None else self.draft.shapes[value])
        return value

    def find_place(self, name: str, frame: Frame) -> str | None:
        """The path of a step of this name; None for one inside other steps and one without a name of its own."""
        # A number at the end may have been given by the order of layers, of which some were passed over.
        if "/" in name or (name not in frame.given and re.search("[0-9]$", name)):
            return None
        return self.draft.find(name, self.draft.results, frame)

    def find_shape(self, name: str, frame: Frame) -> Shape | None:
        path = self.find_place(name, frame)
        value = None if path is None else self.draft.results[path]
        return None if value is None else self.draft.shapes[value]

    def remember(self, name: str, path: str | None, shape: Shape | None) -> None:
        """Remember for the calls under way that they read a step which stands around them."""
        for prefix, read in self.reading:
            # What stands inside the call itself is no input of it.
            if path is None or not path.startswith(prefix):
                read[name] = shape

    def share(self, weights: Argument, path: str, start: int, frame: Frame) -> None:
        """Nothing: whose weights are used changes no shape, and those of steps passed over are not known."""
