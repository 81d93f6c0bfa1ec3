"""What stands in a network for an operator of a model that no kind is: a place, and perhaps a shape."""

from __future__ import annotations

from typing import ClassVar

from cnncalc.layers.base import Facts, Layer, Shape

NOT_KNOWN: Shape = ()  # the shape of a value of which none is known: every other shape has channels


class Unknown(Layer):
    """An operator of which nothing is known, but perhaps the shape that comes out. `kind` is the model's word for it.

    Not in the table of kinds: no spec can name one.
    """

    asks_shapes: ClassVar[bool] = False

    def __init__(self, *, kind: str, shape: Shape = NOT_KNOWN) -> None:
        vars(self).update(kind=kind, shape=shape)

    def facts(self, *shapes: Shape) -> Facts:
        return Facts(output=vars(self)["shape"], fixed_params=None, buffers=None)
