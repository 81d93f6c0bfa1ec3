"""Normalisation: values brought to a common scale, by stored statistics or by those of the sample.

Counts are for one sample, at inference. Sources: Ioffe & Szegedy 2015 (batch), Ba et al. 2016 (layer),
Ulyanov et al. 2016 (instance), Wu & He 2018 (group), Krizhevsky et al. 2012, section 3.3 (local response).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.errors import OptionError, ShapeError
from cnncalc.language import _
from cnncalc.layers.axes import axis_names, axis_number
from cnncalc.layers.base import (
    KEPT,
    LINKED,
    MIXED,
    POINTWISE,
    WHOLE,
    Facts,
    Layer,
    Option,
    Reach,
    Shape,
    describe,
    option,
    weightless,
)
from cnncalc.layers.gradients import NOTHING, Kept
from cnncalc.layers.options import decimal, positive, quote, switch
from cnncalc.layers.windows import Window

if TYPE_CHECKING:
    from cnncalc.layers.links import Link

AFFINE = Option(
    switch,
    "affine: a trained scale and a trained shift",
    default=True,
    aliases=("elementwise_affine",),
    words={"noaffine": "false"},
)
EPSILON = Option(decimal, "epsilon: added to the variance", default=1e-5, aliases=("eps",))


def over_axes(raw: Any) -> str:
    """`channels`, `all`, `spatial`, or letters of axes: c, l, d, h, w."""
    word = raw.lower() if isinstance(raw, str) else ""
    if word in ("channels", "all", "spatial"):
        return word
    try:
        return axis_names(raw)
    except OptionError:
        raise OptionError(
            _("{value} is not one of channels, all, spatial", value=quote(raw)), _("or letters of axes, each once: hw")
        ) from None


PARTS = ("scale", "shift")  # of an affine function, one of which may be trained alone


def affine_part(raw: Any) -> bool | str:
    """true, false, or the part that is trained alone: `scale` or `shift`."""
    word = raw.lower() if isinstance(raw, str) else ""
    return word if word in PARTS else switch(raw, ", ".join(PARTS))


class BatchNorm(Layer):
    """Each channel scaled and shifted by stored statistics, folded into 2 operations per element.

    Any shape, unchanged. Trains gamma and beta (or one of them), stores mean and variance: 2 and 2 per channel.
    """

    channels = KEPT
    affine: bool | str = option(
        AFFINE, read=affine_part, doc="affine: a trained scale and a trained shift; `scale` or `shift`: that one alone"
    )
    epsilon: float = option(EPSILON)

    def facts(self, x: Shape) -> Facts:
        c, elements = x[0], prod(x)
        trained = 1 if self.affine in PARTS else 2 * bool(self.affine)
        return Facts(
            output=x,
            params=trained * c,
            buffers=2 * c,
            connections=0,
            macs=0,
            # (x - mean) / sqrt(variance + epsilon) * gamma + beta is a x + b, with a and b known before x is.
            work={"multiply": elements, "add": elements},
            reach=POINTWISE,
            activations=0,
            kept=Kept(inputs=(0,), once=2 * c),  # mean and variance over all samples
        )


def standardise(x: Shape, sets: int, parameters: int, reach: Reach, repeated: int = 0) -> Facts:
    """Facts of a layer that brings each of `sets` equal parts of x to mean 0 and variance 1 by itself.

    With n elements in a set: the mean n - 1 additions and a division; n subtractions; the variance n
    multiplications, n - 1 additions and a division; epsilon and a root; n divisions. Then the affine part, whose
    scales may be `repeated` for each sample.
    """
    elements, affine = prod(x), parameters > 0
    return Facts(
        output=x,
        params=parameters,
        connections=0,
        macs=0,
        work={
            # The sums of means and of variances; an epsilon for each set; the shift.
            "add": 2 * (elements - sets) + sets + elements * affine,
            "subtract": elements,
            "multiply": elements + elements * affine,
            "divide": 2 * sets + elements,
            "sqrt": sets,
        },
        reach=reach,
        local=POINTWISE,  # the value itself; the mean and the variance are a gate's doing
        activations=0,
        kept=Kept(inputs=(0,), values=2 * sets + repeated),  # what enters, its means and variances
    )


class LayerNorm(Layer):
    """Elements standardised together over some axes: the channels at each position, unless `axes` says others.

    Any shape, unchanged. A scale and a shift for every element that is normalised together. `axes` are
    `channels`, `all`, `spatial`, or letters: `hw` is both spatial axes of an image, `w` its last.
    """

    axes: str = option(
        Option(
            over_axes, "axes: normalised together, `channels`, `all`, `spatial` or letters (`hw`)", default="channels"
        )
    )
    affine: bool = option(AFFINE)
    epsilon: float = option(EPSILON)

    def facts(self, x: Shape) -> Facts:
        over = self.over(x)
        # In ViT-Base 2 * 768 parameters, however many tokens share them.
        together = prod(n for i, n in enumerate(x) if i in over)
        sets = prod(n for i, n in enumerate(x) if i not in over)
        return standardise(x, sets, 2 * together * self.affine, self._reach(x, over))

    @property
    def channels(self) -> str:  # type: ignore[override]  # depends on the options
        return MIXED if self.axes == "all" or "c" in self.axes or "0" in self.axes else KEPT

    def over(self, x: Shape) -> set[int]:
        """The axes that are normalised together: 0 is the channels."""
        named = {"channels": {0}, "all": set(range(len(x))), "spatial": set(range(1, len(x)))}.get(self.axes)
        found = {axis_number(axis, x, "axes") for axis in self.axes} if named is None else named
        if not found:
            problem = _("there is no spatial axis; what enters is {shape}", shape=describe(x))
            raise ShapeError(problem, _("its axes: {names}", names="c"), "axes")
        return found

    def _reach(self, x: Shape, over: set[int]) -> Reach:
        if len(x) == 1 or over.issuperset(range(1, len(x))):
            return WHOLE
        if over == {0}:
            return POINTWISE
        return tuple(WHOLE if axis in over else Window() for axis in range(1, len(x)))


class RMSNorm(LayerNorm):
    """Elements over the root of their mean square, together over some axes; a trained factor for each of them.

    Any shape, unchanged. As a layer norm without mean and shift (Zhang & Sennrich 2019, arXiv:1910.07467). `axes` are
    `channels`, `all`, `spatial`, or letters: `hw` is both spatial axes of an image, `w` its last.
    """

    affine: bool = option(AFFINE, doc="affine: a trained scale")
    epsilon: float = option(EPSILON, doc="epsilon: added to the mean square")

    def facts(self, x: Shape) -> Facts:
        over = self.over(x)
        together = prod(n for i, n in enumerate(x) if i in over)
        sets = prod(n for i, n in enumerate(x) if i not in over)
        elements = prod(x)
        return Facts(
            output=x,
            params=together * self.affine,
            connections=0,
            macs=0,
            work={
                # The squares; the factors.
                "multiply": elements + elements * self.affine,
                # The sums of the squares, and an epsilon for each.
                "add": (elements - sets) + sets,
                "divide": sets + elements,
                "sqrt": sets,
            },
            reach=self._reach(x, over),
            local=POINTWISE,
            activations=0,
            kept=Kept(inputs=(0,), values=sets),
        )


class GroupNorm(Layer):
    """Each group of channels standardised over its channels and positions; a scale and a shift per channel."""

    channels = LINKED
    groups: int = option(
        Option(
            positive,
            "groups: the channels are split into g groups",
            required=True,
            main=True,
            flag="g",
            aliases=("num_groups",),
        )
    )
    affine: bool = option(AFFINE)
    epsilon: float = option(EPSILON)

    def facts(self, x: Shape) -> Facts:
        c, g = x[0], self.groups
        if c % g:
            raise ShapeError(_("{g} groups do not divide the {c} channels", g=g, c=c), _("use a divisor"), "groups")
        # Statistics go by group, scale and shift by channel: the two counts differ.
        return standardise(x, g, 2 * c * self.affine, WHOLE)

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import in_groups

        return in_groups(self.groups, x[0], x[0])


class InstanceNorm(Layer):
    """Each channel standardised over its positions; without trained numbers unless `affine` (as in PyTorch)."""

    channels = KEPT
    affine: bool = option(AFFINE, default=False)
    epsilon: float = option(EPSILON)

    def facts(self, x: Shape) -> Facts:
        c = x[0]
        # PyTorch runs it as a batch norm over samples times channels, for which the scales are repeated per sample.
        return standardise(x, c, 2 * c * self.affine, WHOLE, c * self.affine)


def own_numbers(raw: Any) -> str:
    """`channel`, `layer`, `element`, or letters of axes: which elements have a number of their own."""
    word = raw.lower() if isinstance(raw, str) else ""
    if word in ("channel", "layer", "element") or (word and len(set(word)) == len(word) and set(word) <= set("cldhw")):
        return word
    raise OptionError(
        _("{value} is not one of channel, layer, element", value=quote(raw)), _("or letters of axes, each once: hw")
    )


PER = Option(
    own_numbers,
    "per: a number for each `channel`, one for the `layer`, one per `element`, or by letters (`hw`)",
    default="channel",
)


class Numbers(Layer):
    """Trained numbers, each for the elements that share it. Any shape, unchanged."""

    channels = KEPT
    per: str

    def places(self, x: Shape) -> Shape:
        """The numbers along each axis; 1 along those whose elements share them."""
        shared = {"channel": {0}, "layer": set(), "element": set(range(len(x)))}
        apart = shared[self.per] if self.per in shared else {axis_number(axis, x, "per") for axis in self.per}
        return tuple(n if axis in apart else 1 for axis, n in enumerate(x))


class Scale(Numbers):
    """Each channel times a trained number, and plus another with `shift`. Any shape, unchanged.

    As LayerScale does (Touvron et al. 2021), and the second half of a batch norm in Caffe. `per` says which elements
    have a number of their own.
    """

    shift: bool = option(
        Option(
            switch, "shift: a trained number is added, too", default=False, aliases=("bias",), words={"shift": "true"}
        )
    )
    per: str = option(PER)

    def facts(self, x: Shape) -> Facts:
        c, elements = prod(self.places(x)), prod(x)
        return Facts(
            output=x,
            params=c + c * self.shift,
            connections=0,
            macs=0,
            work={"multiply": elements, "add": elements * self.shift},
            reach=POINTWISE,
            activations=0,
            kept=Kept(trained=(0,)),
        )


class Shift(Numbers):
    """Each channel plus a trained number: a bias that stands alone. Any shape, unchanged.

    With `per=element` an embedding of places (Dosovitskiy et al. 2021, section 3.1).
    """

    per: str = option(PER)

    def facts(self, x: Shape) -> Facts:
        c, elements = prod(self.places(x)), prod(x)
        return Facts(
            output=x,
            params=c,
            connections=0,
            macs=0,
            work={"add": elements},
            reach=POINTWISE,
            activations=0,
            kept=NOTHING,
        )


class LRN(Layer):
    """Local response normalisation: each value divided by (k + alpha/size * sum of squares)^beta.

    The sum runs over `size` neighbouring channels at the same position, cut off at the first and last.
    """

    channels = LINKED
    size: int = option(Option(positive, "size: channels in the sum", default=5, main=True, aliases=("local_size",)))
    alpha: float = option(Option(decimal, "alpha: weight of the sum", default=1e-4))
    beta: float = option(Option(decimal, "beta: the exponent", default=0.75))
    k: float = option(Option(decimal, "k: the constant in the sum", default=1.0, aliases=("bias",)))

    def facts(self, x: Shape) -> Facts:
        c, positions, elements = x[0], prod(x[1:]), prod(x)
        # An even size has one more channel before than behind, as in PyTorch.
        before, after = self.size // 2, (self.size - 1) // 2
        # Channels in all the sums: c windows, each shortened where it leaves the first or last channel.
        summed = c + _within(before, c) + _within(after, c)
        return weightless(
            x,
            {
                "multiply": 2 * elements,
                "add": (summed - c) * positions + elements,
                "power": elements,
                "divide": elements,
            },
            POINTWISE if x[1:] else WHOLE,
            # The squares with zeros around their channels; the sums before the power, and behind it.
            Kept(inputs=(0,), values=(c + before + after) * positions + 2 * elements),
        )

    def links(self, x: Shape) -> Sequence[Link]:
        from cnncalc.layers.links import Link

        c, before, after = x[0], self.size // 2, (self.size - 1) // 2
        # A link for each distance t: channel i reads i + t wherever both exist.
        steps = range(max(-before, 1 - c), min(after, c - 1) + 1)
        return [Link(range(max(0, -t), c - max(0, t)), range(max(0, t), c + min(0, t))) for t in steps]


def _within(reach: int, c: int) -> int:
    """Over c channels in a row, the neighbours up to `reach` on one side that exist."""
    r = min(reach, c - 1)
    # 0 + 1 + ... + (r - 1) for the first r channels, then r for each of the other c - r.
    return r * c - r * (r + 1) // 2
