"""What stands in a network for an operator of a model that no kind is: a place, and perhaps a shape."""

from __future__ import annotations

from typing import ClassVar

from cnncalc.layers.base import Facts, Layer, Shape

NOT_KNOWN: Shape = ()  # the shape of a value of which none is known: every other shape has channels


class Unknown(Layer):
    """An operator of which nothing is known, but perhaps the shape that comes out, and how many parameters are stored
    for it. `kind` is the model's word for it.

    Not in the table of kinds: no spec can name one.
    """

    asks_shapes: ClassVar[bool] = False

    def __init__(
        self, *, kind: str, shape: Shape = NOT_KNOWN, params: int | None = None, frozen: bool | int = False
    ) -> None:
        # Past the constructor of layers, which would refuse `shape` and `params`: they are options of no kind.
        vars(self).update(kind=kind, shape=shape, params=params)
        if frozen:
            vars(self)["frozen"] = frozen

    def facts(self, *shapes: Shape) -> Facts:
        params = vars(self)["params"]
        return Facts(
            output=vars(self)["shape"],
            params=params,
            fixed_params=None if params is None else 0,
            buffers=None if params is None else 0,
        )
