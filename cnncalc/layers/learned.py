"""Numbers that are trained and looked up, or stand in the network by themselves.

Sources: Bengio et al. 2003 (embeddings); Dosovitskiy et al. 2020, arXiv:2010.11929 (a token of its own, positions).
"""

from __future__ import annotations

from math import prod
from typing import ClassVar

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.base import POINTWISE, Facts, Layer, Option, Shape, describe, option
from cnncalc.layers.gradients import NOTHING, Kept
from cnncalc.layers.options import natural, positive, sizes_or_rest, switch


class Parameter(Layer):
    """Trained numbers of a shape, which read nothing: a class token, positions, a temperature.

    What enters the step goes no further; a merge brings them together with it:
    `add: [identity, parameter 768x197]`.
    """

    reads_nothing: ClassVar[bool] = True
    shape: tuple[int, ...] = option(
        Option(sizes_or_rest, "shape: of the numbers, channels first", required=True, main=True)
    )
    trained: bool = option(
        Option(switch, "trained: false where the numbers stay as they are", default=True, words={"fixed": "false"})
    )

    stored: int | None = option(
        Option(natural, "stored: how many numbers there are, where each stands at several places, or is made anew")
    )

    def facts(self, *shapes: Shape) -> Facts:
        if -1 in self.shape:
            raise ShapeError(_("nothing is left that -1 could stand for"), _("write all sizes"), "shape")
        n = prod(self.shape) if self.stored is None else self.stored
        return Facts(
            output=self.shape,
            params=n * self.trained,
            fixed_params=n * (not self.trained),
            connections=0,
            macs=0,
            work={},
            activations=0,
            kept=NOTHING,
        )


class Embedding(Layer):
    """Each index of a sequence replaced by its row of a trained table: (L,) or (1, L) to (dim, L).

    Nothing is multiplied.
    """

    dim: int = option(
        Option(
            positive, "dim: numbers for each index", required=True, main=True, aliases=("embedding_dim", "output_dim")
        )
    )
    size: int = option(
        Option(
            positive,
            "size: of the vocabulary, rows of the table",
            required=True,
            aliases=("num_embeddings", "input_dim"),
        )
    )

    def facts(self, x: Shape) -> Facts:
        if len(x) > 1 and x[0] != 1:
            raise ShapeError(
                _("{kind} needs a sequence of indices; what enters is {shape}", kind=self.kind, shape=describe(x)),
                _("an input of one size, the length: 128"),
            )
        places = x if len(x) == 1 else x[1:]
        # The places of a vector are no axis: what single units of it see is not followed.
        reach = POINTWISE if len(x) > 1 else None
        return Facts(
            output=(self.dim, *places),
            params=self.size * self.dim,
            # As a product with a one-hot vector it would have size * dim per index; nobody computes it so.
            connections=0,
            macs=0,
            work={},
            reach=reach,
            activations=0,
            kept=Kept(indices=prod(places)),
        )
