"""Which class of Keras is which kind of layer: a table of names, whose entries stand in the files beside it.

A handler gets the call of a layer and returns what comes out, or None where no kind is that: the layer is then named
as not known. A layer with an activation is two; a separable convolution is the two convolutions that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cnncalc.interop import layouts
from cnncalc.interop.builder import Builder
from cnncalc.interop.layouts import Seen

Handler = Callable[["Call"], "Seen | None"]
CLASSES: dict[str, Handler] = {}
FILES = ("activations", "weighted", "normalisation", "maps", "recurrent")


class Call(NamedTuple):
    """One call of a layer: what enters, and with which configuration."""

    b: Builder
    name: str
    word: str
    config: Mapping[str, Any]
    entering: tuple[Seen, ...]
    numbers: tuple[Any, ...]
    at: str
    last: bool
    owners: dict[str, list[int]]
    told: tuple[int, ...] | None = None  # the shape that comes out, if Keras wrote it down

    @property
    def x(self) -> Seen:
        return self.entering[0]

    def channel_axis(self) -> int:
        """The axis of the channels, the samples not counted."""
        told = self.config.get("data_format")
        last = self.last if told not in ("channels_first", "channels_last") else told == "channels_last"
        return len(self.x.shape) - 1 if last else 0

    def add(self, kind: str, options: Mapping[str, Any], value: int, name: str = "") -> int:
        """A layer on one value; with the weights of the first call, if this is another."""
        known = self.owners.setdefault(f"{self.name}:{kind}:{name}", [])
        if self.config.get("trainable") is False:
            options = {**options, "frozen": True}
        made = self.b.add(
            name or self.name,
            kind,
            layouts.shorten(kind, options),
            [value],
            at=self.at,
            weights_of=known[0] if known else None,
        )
        known.append(made)
        return made

    def along(self, axis: int, kind: str, options: Mapping[str, Any], name: str = "") -> Seen | None:
        """A layer whose channels are an axis."""
        return layouts.along(
            self.b, self.x, axis, lambda value: self.add(kind, options, value, name), f"{self.name}.", self.at
        )

    def on_map(self, kind: str, options: Mapping[str, Any], name: str = "") -> Seen | None:
        """A layer on the map with its channels."""
        return self.along(self.channel_axis(), kind, options, name)

    def elementwise(self, kind: str, options: Mapping[str, Any] | None = None, name: str = "") -> Seen:
        return layouts.through(
            self.b, self.x, lambda value: self.b.add(name or self.name, kind, options or {}, [value], at=self.at)
        )

    def replaced(self, config: Mapping[str, Any], x: Seen | None = None) -> Call:
        return self._replace(config=config, entering=self.entering if x is None else (x,))


def translates(*words: str) -> Callable[[Handler], Handler]:
    def declare(handle: Handler) -> Handler:
        CLASSES.update(dict.fromkeys(words, handle))
        return handle

    return declare


def read_call(call: Call) -> list[Seen]:
    """What a call of a layer gives."""
    if not CLASSES:
        for file in FILES:
            import_module(f"cnncalc.interop.keras.read.{file}")
    handle = CLASSES.get(call.word)
    made = handle(call) if handle is not None and (call.entering or call.word == "InputLayer") else None
    if made is not None:
        return [made]
    reads = list(dict.fromkeys(layouts.value_of(call.b, seen, call.at) for seen in call.entering))
    told = call.told
    if not told or len(told) > 4:
        return [Seen(call.b.unknown(call.name, call.word, reads, None, at=call.at), ())]
    first = (told[-1], *told[:-1]) if call.last else told
    value = call.b.unknown(call.name, call.word, reads, first, at=call.at)
    seen = Seen(value, first)
    return [seen.permute((*range(1, len(first)), 0)) if call.last and len(first) > 1 else seen]


def sizes(value: Any, rank: int) -> list[int]:
    """One number for every axis, or one for each."""
    found = [int(n) for n in value] if isinstance(value, (list, tuple)) else [int(value)]
    if len(found) not in (1, rank):
        raise ValueError(f"{value}, for {rank} axes")
    return found * rank if len(found) == 1 else found


def rank_in(word: str) -> int:
    """The axes that stand in the name of a class: Conv2D."""
    return next(int(letter) for letter in word if letter in "123")
