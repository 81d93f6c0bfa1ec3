"""Which class of Keras is which kind of layer: a table of names, whose entries stand in the files beside it.

A handler gets the call of a layer and returns what comes out, or None where no kind is that: the layer is then named
as not known. A layer with an activation is two; a separable convolution is the two convolutions that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.interop import layouts
from cnncalc.interop.builder import Builder
from cnncalc.interop.keras.read.unread import Asked, find_unread
from cnncalc.interop.layouts import Seen
from cnncalc.language import _

Handler = Callable[["Call"], "Seen | list[Seen] | None"]
CLASSES: dict[str, Handler] = {}
AT_EACH_STEP: set[str] = set()  # classes whose handlers know of axes of steps in front
FILES = ("activations", "weighted", "normalisation", "maps", "recurrent", "attention", "operations")


class Call(NamedTuple):
    """One call of a layer: what enters, and with which configuration.

    word       the class of the layer
    numbers    those among the arguments
    at         the place in the model, for errors
    last       whether channels are last where a layer does not say
    owners     of the path of a layer: the values that its calls gave so far
    told       the shape that comes out, if Keras wrote it down
    named      arguments of the call that have names; a tensor is its number among `entering`
    arguments  those without, as Keras 3 writes them
    time       how many axes of steps stand in front of what it is a layer of: TimeDistributed
    before_3   whether Keras 2 wrote it
    """

    b: Builder
    name: str
    word: str
    config: Mapping[str, Any]
    entering: tuple[Seen, ...]
    numbers: tuple[Any, ...]
    at: str
    last: bool
    owners: dict[str, list[int]]
    told: tuple[int, ...] | None = None
    named: Mapping[str, Any] = {}
    arguments: tuple[Any, ...] = ()
    time: int = 0
    before_3: bool = False

    @property
    def x(self) -> Seen:
        """The value that enters, or the first of several."""
        return self.entering[0]

    def channel_axis(self) -> int:
        """The axis of the channels, the samples not counted."""
        told = self.config.get("data_format")
        last = self.last if told not in ("channels_first", "channels_last") else told == "channels_last"
        return len(self.x.shape) - 1 if last else self.time

    def add(self, kind: str, options: Mapping[str, Any], value: int, name: str = "") -> int:
        """A layer on one value; with the weights of the first call, if this is another."""
        # A layer that is called again uses its weights again: the first call owns them.
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
        return self.along(self.channel_axis(), kind, at_each_step(options, self.time), name)

    def merge(self, kind: str, entering: Sequence[Seen], name: str = "") -> Seen | None:
        """Several values element by element; None where their axes differ."""
        return layouts.merge(
            self.b, entering, lambda values: self.b.add(name or self.name, kind, {}, values, at=self.at), self.at
        )

    def see(self, value: int) -> Seen:
        """A value of the graph as it lies there."""
        return Seen(value, self.b.shape(value))

    def elementwise(self, kind: str, options: Mapping[str, Any] | None = None, name: str = "") -> Seen:
        """A layer of each element by itself."""
        return layouts.through(
            self.b, self.x, lambda value: self.b.add(name or self.name, kind, options or {}, [value], at=self.at)
        )

    def nothing_else(self) -> None:
        """Say that the rest of the configuration matters in training alone."""
        if isinstance(self.config, Asked):
            self.config.asked.update(self.config)

    def replace(self, config: Mapping[str, Any], x: Seen | None = None) -> Call:
        """The same with another configuration, and perhaps another value that enters."""
        return self._replace(config=config, entering=self.entering if x is None else (x,))


def translates(*words: str, steps: bool = False) -> Callable[[Handler], Handler]:
    """Declare the handler of classes.

    steps  it may have axes of steps in front, along which nothing moves: what TimeDistributed stands around
    """

    def declare(handle: Handler) -> Handler:
        CLASSES.update(dict.fromkeys(words, handle))
        if steps:
            AT_EACH_STEP.update(words)
        return handle

    return declare


# Of one step: a window of one element, moved by one.
OF_A_STEP: dict[str, Any] = {
    "kernel": 1, "stride": 1, "dilation": 1, "factor": 1, "output_padding": 0, "padding": [0, 0], "cropping": [0, 0],
}  # fmt: skip


def at_each_step(options: Mapping[str, Any], steps: int) -> Mapping[str, Any]:
    """Options with one value for each axis, for a map with so many axes of steps in front of its others."""
    if not steps:
        return options
    return {
        name: [OF_A_STEP[name]] * steps + list(value) if name in OF_A_STEP and isinstance(value, list) else value
        for name, value in options.items()
    }


def own_axis(axis: int, rank: int) -> int:
    """An axis of Keras as one of a sample, of so many axes: there the samples are axis 0, which is -1 here."""
    # -1 of (N, H, W, C) is 3 there and 2 of (H, W, C) here.
    return int(axis) % (rank + 1) - 1


def single_axis(axis: Any) -> Any:
    """An axis that may be written as a list of one."""
    return axis[0] if isinstance(axis, list) and len(axis) == 1 else axis


def move_axis(axis: Any, steps: int) -> Any:
    """An axis, or several, counted from the front: with so many axes of steps before them."""
    if isinstance(axis, list):
        return [move_axis(each, steps) for each in axis]
    return axis + steps if isinstance(axis, int) and axis > 0 else axis


class UnreadError(CnncalcError):
    """What a layer inside another says and nobody reads."""


def inside(call: Call, word: str, config: Mapping[str, Any], handle: Handler) -> Seen | list[Seen] | None:
    """A layer in the configuration of another. Raises UnreadError for a setting that is not read."""
    inner = call._replace(word=word, config=Asked(config))
    made = handle_step(inner, handle)
    reason = "" if made is None else find_unread(inner.config, (), (), {})
    if reason:
        raise UnreadError(reason)
    return made


def handle_step(call: Call, handle: Handler) -> Seen | list[Seen] | None:
    """What a handler gives, of a sample or at each step. Raises UnreadError for what is no layer of single steps."""
    if not call.time:
        return handle(call)
    if call.word not in AT_EACH_STEP or len(call.x.shape) > 4:
        raise UnreadError(_("it is a layer at each step (TimeDistributed)"))
    # Through dict, so that to move the axis is not to ask for it.
    if "axis" in call.config and isinstance(call.config, Asked):
        dict.__setitem__(call.config, "axis", move_axis(dict.get(call.config, "axis"), call.time))
    return handle(call)


def read_call(call: Call) -> list[Seen]:
    """What a call of a layer gives."""
    if not CLASSES:
        for file in FILES:
            import_module(f"cnncalc.interop.keras.read.{file}")
    handle = CLASSES.get(call.word)
    try:
        made = (
            handle_step(call, handle) if handle is not None and (call.entering or call.word == "InputLayer") else None
        )
        reason = "" if made is None else find_unread(call.config, call.entering, call.numbers, call.named)
    except UnreadError as error:
        made, reason = None, str(error)
    if made is not None and not reason:
        return made if isinstance(made, list) else [made]
    # No kind is it, or it says something that its handler did not ask for: nothing that it might have made is kept.
    reads = list(dict.fromkeys(layouts.value_of(call.b, seen, call.at) for seen in call.entering))
    # Keras wrote the shape down: behind what is not known the rest can still be read.
    told = call.told
    if not told or len(told) > 4:
        return [Seen(call.b.unknown(call.name, call.word, reads, None, at=call.at, reason=reason), ())]
    # Our channels come first, and the value is seen with them last.
    first = (told[-1], *told[:-1]) if call.last else told
    value = call.b.unknown(call.name, call.word, reads, first, at=call.at, reason=reason)
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
