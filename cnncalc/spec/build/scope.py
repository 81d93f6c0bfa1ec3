"""Where a step stands while a spec is worked out: its path, the parameters in force, the names around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import cast

from cnncalc.errors import Position
from cnncalc.layers.base import Shape
from cnncalc.spec.expressions import UNKNOWN, Value
from cnncalc.spec.read.document import walk
from cnncalc.spec.steps import Sequence

AXES = {1: (), 2: ("l",), 3: ("h", "w"), 4: ("d", "h", "w")}


class Frame:
    """The surroundings of the steps of one block call, or of the whole network."""

    __slots__ = ("counters", "entry", "given", "prefix", "scope", "trail")

    def __init__(
        self,
        *,
        prefix: str,
        scope: Mapping[str, Value],
        entry: int | None,
        given: Mapping[str, Position],
        trail: tuple[str, ...] = (),
    ) -> None:
        self.prefix = prefix
        self.scope = scope
        self.entry = entry  # the value that enters the block; None if it is not known
        self.given = given  # names that the steps were given, and where
        self.trail = trail
        self.counters: Counter[str] = Counter()

    def path(self, name: str | None, base: str) -> str:
        """The full name of a step: the one given, or the kind with the next free number."""
        while name is None:
            # Kinds are counted each by itself, in the order in which the steps stand.
            self.counters[base] += 1
            name = f"{base}{self.counters[base]}"
            # conv2 may be a name that somebody gave: then the next number is taken.
            if name in self.given:
                name = None
        return self.prefix + name

    def anew(self) -> Frame:
        """The same frame before its first step."""
        return Frame(prefix=self.prefix, scope=self.scope, entry=self.entry, given=self.given, trail=self.trail)

    def inside(self, path: str) -> Frame:
        """The frame of the steps within a named step: the same parameters, names below its path."""
        return Frame(
            prefix=path + "/",
            scope=self.scope,
            entry=self.entry,
            given=self.given,
            trail=self.trail,
        )


def collect_names(sequence: Sequence) -> dict[str, Position]:
    """The names that steps of a sequence were given, and where each step stands."""
    return {step.name: step.name_position for step in walk(sequence) if step.name}


def shape_scope(shape: Shape | None) -> dict[str, Value]:
    """`in.c`, `in.h`, `in.w` of a shape; if it is not known, neither are they. More axes have no letters."""
    if shape is None:
        return dict.fromkeys(("in.c", "in.l", "in.h", "in.w", "in.d"), cast(Value, UNKNOWN))
    return {f"in.{axis}": n for axis, n in zip(("c", *AXES.get(len(shape), ())), shape, strict=False)}
