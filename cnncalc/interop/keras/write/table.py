"""How each kind is written in Keras: a table of kinds, whose entries stand in the files beside it.

A kind's writer is `write(layer, *shapes)` and gives the steps, one behind the other; shapes have the channels first and
no batch, as everywhere. What Keras has no layer for is refused: wrong code would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.interop.python.text import Call
from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape

Move = Callable[[Any], Any]


class NotInKerasError(CnncalcError):
    """A layer that Keras has nothing for."""


class Step(NamedTuple):
    """One layer of Keras: the call that makes it, what stands behind the name of ours, and its weights in order.

    With `use` no layer, but an expression in which {0} is what enters. `asks`: it is called with who asks and who is
    asked, the same twice where one value enters.
    """

    made: Call
    suffix: str = ""
    stored: tuple[tuple[str, Move | None], ...] = ()
    use: str = ""
    asks: bool = False


Write = Callable[..., Sequence[Step]]
WRITERS: dict[str, Write] = {}
FILES = ("weighted", "pooling", "maps", "attention")


def writes(*kinds: str) -> Callable[[Write], Write]:
    """Declare the writer of one or several kinds."""

    def declare(write: Write) -> Write:
        WRITERS.update(dict.fromkeys(kinds, write))
        return write

    return declare


def write_layer(name: str, layer: Layer, shapes: tuple[Shape, ...], positive: bool) -> Sequence[Step]:
    """A layer in Keras. `positive`: what enters is never below 0. Raises NotInKerasError that names the layer."""
    if not WRITERS:
        for file in FILES:
            import_module(f"cnncalc.interop.keras.write.{file}")
    # Loaded by the first layer: reading needs none of them.
    write = WRITERS.get(layer.kind)
    try:
        if write is None:
            raise NotInKerasError(_("Keras has no layer for the kind {kind}", kind=layer.kind))
        # Keras pads no pooling by hand; zeros do where nothing is below them.
        if layer.kind == "maxpool":
            return write(layer, *shapes, positive=positive)
        return write(layer, *shapes)
    except NotInKerasError as error:
        raise NotInKerasError(_("{name}: {text}", name=name, text=error)) from None


def rank_of(layer: Layer, x: Shape, *ranks: int) -> int:
    """The spatial axes, if they are among those for which Keras has the layer."""
    rank = len(x) - 1
    if rank not in (ranks or (1, 2, 3)):
        raise NotInKerasError(_("Keras has {kind} for maps of other axes only", kind=layer.kind))
    return rank
