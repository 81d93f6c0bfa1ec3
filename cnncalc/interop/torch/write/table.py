"""How each kind is written in PyTorch: a table of kinds, whose entries stand in the files beside it.

A kind's writer is `write(layer, *shapes)`; shapes are without the batch, which PyTorch has first. Where PyTorch has a
module for a kind it is taken. What it cannot express is refused: wrong code would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.interop.python.text import Call
from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape

Move = Callable[[Any], Any]  # of an array as the reference stores it to one as PyTorch does


class NotInTorchError(CnncalcError):
    """A layer that PyTorch has nothing for."""


class Written(NamedTuple):
    """How a layer is written.

    use      an expression: {0} is what enters, {m} the layer's own module, other names are `values`
    module   the call that makes the module, if it has weights or is one of PyTorch's
    values   numbers in `use` that may differ from block to block
    state    the arrays that the layer stores: the name of each in the module, and how it is laid out there
    infix    `use` is an operator between its inputs
    extra    parameters besides the module's: name in the layer's prefix to shape
    """

    use: str
    module: Call | None = None
    values: Mapping[str, Any] = {}
    state: Mapping[str, tuple[str, Move | None]] = {}
    infix: bool = False
    extra: Mapping[str, Shape] = {}


Write = Callable[..., Written]
WRITERS: dict[str, Write] = {}
FILES = ("weighted", "pooling", "normalisation", "functions", "recurrent", "special")


def writes(*kinds: str) -> Callable[[Write], Write]:
    """Declare the writer of one or several kinds."""

    def declare(write: Write) -> Write:
        WRITERS.update(dict.fromkeys(kinds, write))
        return write

    return declare


def write_layer(name: str, layer: Layer, shapes: tuple[Shape, ...]) -> Written:
    """A layer in PyTorch. Raises NotInTorchError that names the layer."""
    if not WRITERS:
        for file in FILES:
            import_module(f"cnncalc.interop.torch.write.{file}")
    write = WRITERS.get(layer.kind)
    try:
        if write is None:
            raise NotInTorchError(_("PyTorch has nothing for the kind {kind}", kind=layer.kind))
        return write(layer, *shapes)
    except NotInTorchError as error:
        raise NotInTorchError(_("{name}: {text}", name=name, text=error)) from None


def rank_of(layer: Layer, x: Shape, most: int = 3) -> int:
    """The spatial axes, of which PyTorch's modules have their names: Conv2d."""
    rank = len(x) - 1
    if not 1 <= rank <= most:
        raise NotInTorchError(_("PyTorch has {kind} for maps of other axes only", kind=layer.kind))
    return rank
