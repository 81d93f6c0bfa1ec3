"""Attention: every position mixes the values of others, by weights that it works out itself.

A sequence of tokens is a map of one axis, (C, L); in an image every position is a token, so that (C, H, W) has H*W of
them. With a window only the positions of the same window are mixed. Sources: Vaswani et al. 2017, arXiv:1706.03762
(scaled dot products, heads); Liu et al. 2021, arXiv:2103.14030 (windows, shifts, relative bias); Tu et al. 2022,
arXiv:2204.01697 (grids).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.base import (
    POINTWISE,
    WHOLE,
    Axes,
    Facts,
    Layer,
    Option,
    Reach,
    Shape,
    Step,
    option,
    per_axis,
    shape_text,
    spatial,
)
from cnncalc.layers.gradients import Kept, Products
from cnncalc.layers.options import axes, natural_axes, positive, switch
from cnncalc.layers.windows import LONGEST_PATTERN, Listed

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads

BIASED = ("in", "out")  # projections of which only one has a bias


def biases(raw: Any) -> bool | str:
    """true, false, or which projections have one: `in` (queries, keys and values) or `out`."""
    word = raw.lower() if isinstance(raw, str) else ""
    return word if word in BIASED else switch(raw, ", ".join(BIASED))


HEADS = Option(
    positive,
    "heads: parts of the width that attend each by themselves, h",
    required=True,
    main=True,
    aliases=("num_heads", "head"),
)
DIM = Option(
    positive, "dim: width of queries and keys, all heads together; the channels unless given", aliases=("key_dim",)
)
VALUE_DIM = Option(positive, "value_dim: width of the values, all heads together; `dim` unless given")
OUT = Option(positive, "out: channels that come out; the channels that enter unless given", aliases=("out_channels",))
PROJECT = Option(switch, "project: the heads are mixed by a projection", default=True, words={"noproject": "false"})
BIASES = Option(
    biases,
    "bias: of all projections; `in`: of queries, keys and values alone, `out`: of the last alone",
    default=True,
    aliases=("use_bias", "qkv_bias"),
    words={"nobias": "false"},
)


class Projected(Layer):
    """What attention to oneself and to others share: four projections around the products of queries and keys."""

    heads: int = option(HEADS)
    dim: int | None = option(DIM)
    value_dim: int | None = option(VALUE_DIM)
    out: int | None = option(OUT)
    project: bool = option(PROJECT)
    bias: bool | str = option(BIASES)
    asks: ClassVar[tuple[int, ...]] = (0,)  # its inputs, all of which it keeps

    def widths(self, c: int) -> tuple[int, int, int]:
        """Width of queries and keys, of values, and the channels that come out. Raises ShapeError."""
        d = self.dim or c
        v = self.value_dim or d
        for name, width in (("dim", d), ("value_dim", v)):
            if width % self.heads:
                raise ShapeError(
                    _("{h} heads do not divide the width {d} ({name})", h=self.heads, d=width, name=name),
                    _("use a divisor"),
                    "heads",
                )
        if not self.project and self.out not in (None, v):
            raise ShapeError(_("without a projection {v} channels come out", v=v), _("leave `out` out"), "out")
        return d, v, (self.out or c) if self.project else v

    def claim(
        self,
        x: Shape,
        others: Shape,
        seen: int,
        more: dict[str, int],
        trained: int,
        scores_biased: int,
        reach: Reach | None,
    ) -> Facts:
        """Facts where each of the positions of x attends to `seen` of those of `others`.

        `more` is work, `trained` parameters and `scores_biased` connections of what is added to the scores.
        """
        c, e, h = x[0], others[0], self.heads
        n, m = prod(x[1:]), prod(others[1:])
        d, v, f = self.widths(c)
        b_in, b_out = self.bias in (True, "in"), self.project and self.bias in (True, "out")
        weights_out = v * f * self.project
        # ViT-Base: four projections of 768 to 768 with biases, 4 * (768 + 1) * 768 = 2,362,368.
        params = (c + b_in) * d + (e + b_in) * d + (e + b_in) * v + weights_out + b_out * f + trained
        projected = n * (c + b_in) * d + m * (e + b_in) * (d + v) + n * (weights_out + b_out * f)
        scores = n * seen * h
        # A score is scaled by 1 / sqrt(d / h); then exp(score) over the sum of all exp.
        work = {
            "multiply": scores,
            "exp": scores,
            "add": (seen - 1) * n * h + b_in * (n * d + m * (d + v)) + b_out * n * f,
            "divide": scores,
        }
        for operation, times in more.items():
            work[operation] += times
        asked, answered = n * c * d, m * e * (d + v)  # the projections of x, and those of the others
        # Between data each MAC has two gradients.
        inside = n * weights_out + 2 * n * seen * d + 2 * n * seen * v
        return Facts(
            output=(f, *x[1:]),
            params=params,
            connections=projected + scores_biased,
            # The products of queries with keys, and of weights with values, are of data with data.
            macs=n * c * d + m * e * (d + v) + n * weights_out + n * seen * d + n * seen * v,
            work=work,
            reach=reach,
            activations=n * d + m * (d + v) + n * f * self.project,
            # Queries, keys and values, what they give, and of each row of scores the logarithm of its sum: the scores
            # are worked out again. What is added to those of a window is the same for all samples.
            kept=Kept(
                inputs=self.asks,
                values=n * d + m * (d + v) + n * v + n * h,
                once=seen * seen * h * (trained > 0),
            ),
            products=Products(
                weights=asked + answered + n * weights_out,
                inputs=(asked, answered) if len(self.asks) > 1 else (asked + answered,),
                inside=inside,
            ),
        )


class Attention(Projected):
    """Self-attention of several heads over all positions of a map, or over those of the same window.

    Input (C, *size), output (out, *size): softmax(q k' / sqrt(dim / heads)) v, then a projection. `window` cuts the
    map into windows, which `shift` moves (what wraps around the border stays apart); `grid` cuts it into as many
    cells, and joins what stands at the same place of every cell. `relative_bias` adds a trained number to every score,
    by how far apart two positions are: (2w - 1) per axis, for every head. `pair_bias` adds one for every pair of
    positions, as exporters write relative ones down.
    """

    window: Axes | None = option(Option(axes, "window: positions per axis that attend to each other, w"))
    shift: Axes | None = option(Option(natural_axes, "shift: windows moved by so many positions"))
    grid: Axes | None = option(Option(axes, "grid: cells per axis, instead of windows"))
    relative_bias: bool = option(
        Option(
            switch,
            "relative_bias: a trained number for every head and distance is added to the scores",
            default=False,
            words={"relative_bias": "true"},
        )
    )

    pair_bias: bool = option(
        Option(
            switch,
            "pair_bias: a trained number for every head and pair of positions of a window is added to the scores",
            default=False,
            words={"pair_bias": "true"},
        )
    )

    def facts(self, x: Shape) -> Facts:
        size = spatial(self.kind, x)
        w = self.windows(size)
        n, seen, h = prod(size), prod(w), self.heads
        scores = n * seen * h
        biased, masked = self.relative_bias + self.pair_bias, any(self.shifts(size))
        # Two of k positions are from -(k - 1) to k - 1 apart: Swin's 7x7 window has 13 * 13 = 169 distances per head.
        distances = prod(2 * k - 1 for k in w)
        trained = distances * h * self.relative_bias + seen * seen * h * self.pair_bias
        more = {"add": scores * biased, "multiply": scores * masked}
        reach: Reach = tuple(self.places(axis, m, k) for axis, (m, k) in enumerate(zip(size, w, strict=True)))
        if set(reach) == {WHOLE}:
            reach = WHOLE
        return self.claim(x, x, seen, more, trained, scores * biased, reach)

    def windows(self, size: Sequence[int]) -> Axes:
        """The positions per axis that attend to each other: of a window, of a grid, or all. Raises ShapeError."""
        if self.window is None and self.grid is None:
            if self.shift is not None:
                raise ShapeError(_("shift moves windows; there are none"), _("give `window`"), "shift")
            return tuple(size)
        name = "grid" if self.window is None else "window"
        if self.window is not None and self.grid is not None:
            raise ShapeError(_("either a window or a grid"), _("keep one of them"), "grid")
        w = per_axis(self.window or self.grid or (), size, name)
        if any(n % k for n, k in zip(size, w, strict=True)):
            raise ShapeError(
                _("{name} {w} does not divide the {size} input", name=name, w=shape_text(w), size=shape_text(size)),
                _("pad the map before, and crop it behind"),
                name,
            )
        return w

    def shifts(self, size: Sequence[int]) -> Axes:
        """How far the windows are moved, per axis; nowhere where one window is all. Raises ShapeError."""
        if self.shift is None:
            return (0,) * len(size)
        w = self.windows(size)
        shift = per_axis(self.shift, size, "shift")
        if self.grid is not None or any(s >= k for s, k in zip(shift, w, strict=True)):
            raise ShapeError(
                _("a shift of {shift} is not less than the window {w}", shift=shape_text(shift), w=shape_text(w)),
                _("half a window is usual"),
                "shift",
            )
        # One window as long as the axis has nothing to be moved against: Swin, too, sets its shift to 0 there.
        return tuple(s if k < n else 0 for s, k, n in zip(shift, w, size, strict=True))

    def places(self, axis: int, n: int, w: int) -> Step:
        """Which positions of an axis of n each position of it attends to."""
        if n == w:
            return WHOLE
        if n > LONGEST_PATTERN:
            return None
        if self.grid is not None:
            # Cells are n // w long, and a grid joins one place of each: n = 6, w = 3 gives 0 2 4 and 1 3 5.
            return Listed(tuple(tuple(range(o % (n // w), n, n // w)) for o in range(n)))
        s = (self.shift[axis if len(self.shift) > 1 else 0]) if self.shift is not None else 0
        # Window i begins at i w + s; what stands before the first, and what is left behind the last, are apart.
        return Listed(tuple(range(max(0, (o - s) // w * w + s), min(n, (o - s) // w * w + s + w)) for o in range(n)))


class CrossAttention(Projected):
    """Attention of the positions of one map, the first branch, to those of another, the second.

    Inputs (C, *size) and (E, *others), output (out, *size).
    """

    asks: ClassVar[tuple[int, ...]] = (0, 1)

    def facts(self, x: Shape, *others: Shape) -> Facts:
        if len(others) != 1:
            raise ShapeError(
                _(
                    "{kind} takes two branches: who asks, and who is asked; here are {count}",
                    kind=self.kind,
                    count=1 + len(others),
                ),
                _("queries come from the first, keys and values from the second"),
            )
        spatial(self.kind, x)
        spatial(self.kind, others[0])
        return self.claim(x, others[0], prod(others[0][1:]), {}, 0, 0, None)

    def elements(self, x: Shape, *others: Shape) -> Reads | None:
        from cnncalc.layers.elements import EVERY, Read

        return [
            Read(0, EVERY, (POINTWISE,) * (len(x) - 1)),
            *(Read(i, EVERY, (WHOLE,) * (len(y) - 1)) for i, y in enumerate(others, start=1)),
        ]


class DotProductAttention(Layer):
    """softmax(q k' / sqrt(d)) v of queries, keys and values that are there, perhaps with numbers added to the scores.

    Inputs (*heads, n, d), (*heads, m, d), (*heads, m, e), and perhaps one that stretches to (*heads, n, m); output
    (*heads, n, e). Nothing is stored.
    """

    def facts(self, *shapes: Shape) -> Facts:
        if len(shapes) not in (3, 4) or len({len(s) for s in shapes[:3]}) > 1 or len(shapes[0]) < 2:
            raise ShapeError(
                _("{kind} takes queries, keys and values, arrays of as many axes", kind=self.kind),
                _("heads, positions, width: 12x197x64"),
            )
        q, k, v = shapes[:3]
        *batch, n, d = q
        m, e = v[-2], v[-1]
        if tuple(k) != (*batch, m, d) or tuple(v[:-2]) != tuple(batch):
            raise ShapeError(
                _(
                    "queries {q}, keys {k} and values {v} do not go together",
                    q=shape_text(q),
                    k=shape_text(k),
                    v=shape_text(v),
                ),
                _("queries and keys have one width, keys and values one number of positions"),
            )
        heads = prod(batch)
        scores = heads * n * m
        work = {"multiply": scores, "exp": scores, "add": (m - 1) * heads * n, "divide": scores}
        if len(shapes) == 4:
            check_stretches(self.kind, shapes[3], (*batch, n, m))
            work["add"] += scores
        return Facts(
            output=(*batch, n, e),
            # Both products are of data with data: MACs without a weight, hence without a connection.
            params=0,
            connections=0,
            macs=scores * d + scores * e,
            work=work,
            activations=0,
            kept=Kept(inputs=(0, 1, 2), result=True, values=heads * n),
            # One product each for q, k and v; `inside` is the gradient of the softmax's weights.
            products=Products(inputs=(scores * d, scores * d, scores * e), inside=scores * e),
        )

    def elements(self, *shapes: Shape) -> Reads | None:
        """Row i reads row i of the queries and all keys, column j column j of the values."""
        from cnncalc.layers.elements import EVERY, Read

        # Shapes are channels first, so of two axes the rows take the place of the channels.
        if len(shapes[0]) == 2:
            found = [Read(0, 0, (WHOLE,)), Read(1, EVERY, (WHOLE,)), Read(2, EVERY, (POINTWISE,))]
            added: tuple[str, ...] = (WHOLE,)
        else:
            heads = (POINTWISE,) * (len(shapes[0]) - 3)
            found = [
                Read(0, 0, (*heads, POINTWISE, WHOLE)),
                Read(1, 0, (*heads, WHOLE, WHOLE)),
                Read(2, 0, (*heads, WHOLE, POINTWISE)),
            ]
            added = (*heads, POINTWISE, WHOLE)
        for i, shape in enumerate(shapes[3:], start=3):
            # An axis of one element is stretched over all: each unit reads that one.
            rows = EVERY if shape[0] == 1 else 0
            found.append(
                Read(i, rows, tuple(WHOLE if n == 1 else step for n, step in zip(shape[1:], added, strict=True)))
            )
        return found


def check_stretches(kind: str, shape: Shape, target: Shape) -> None:
    """Raise ShapeError unless axes of one element make this shape that one."""
    if len(shape) != len(target) or any(a not in (1, b) for a, b in zip(shape, target, strict=True)):
        raise ShapeError(
            _(
                "{kind}: {shape} does not stretch to the scores, {target}",
                kind=kind,
                shape=shape_text(shape),
                target=shape_text(target),
            ),
            _("axes of one element are stretched"),
            "branch 3",
        )


class MatMul(Layer):
    """The matrix product of two arrays over their last two axes: (*b, n, k) and (*b, k, m) give (*b, n, m).

    The axes before must agree, or have one element. Both are data: n k m multiply-accumulates, and no connection.
    """

    def facts(self, *shapes: Shape) -> Facts:
        if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 2:
            raise ShapeError(
                _("{kind} takes two arrays of as many axes, two at least", kind=self.kind), _("reshape one of them")
            )
        (*b, n, k), (*c, rows, m) = shapes
        if k != rows or any(i != j and 1 not in (i, j) for i, j in zip(b, c, strict=True)):
            raise ShapeError(
                _("{one} and {other} do not multiply", one=shape_text(shapes[0]), other=shape_text(shapes[1])),
                _("the last axis of the first is as long as the last but one of the second; permute one of them"),
                "branch 1",
            )
        # An axis of one element is stretched to the other's.
        batch = tuple(map(max, b, c))
        macs = prod(batch) * n * k * m
        return Facts(
            output=(*batch, n, m),
            params=0,
            connections=0,
            macs=macs,
            work={},
            activations=0,
            kept=Kept(others=(0, 1)),
            products=Products(inputs=(macs, macs)),
        )

    def elements(self, *shapes: Shape) -> Reads | None:
        """Row i reads row i of the first; column j reads column j of the second."""
        from cnncalc.layers.elements import EVERY, Read

        first, second = shapes
        if any(i != j for i, j in zip(first[:-2], second[:-2], strict=True)):
            return None
        if len(first) == 2:
            return [Read(0, 0, (WHOLE,)), Read(1, EVERY, (POINTWISE,))]
        between = (POINTWISE,) * (len(first) - 3)
        return [Read(0, 0, (*between, POINTWISE, WHOLE)), Read(1, 0, (*between, WHOLE, POINTWISE))]
