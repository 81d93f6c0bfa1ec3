"""The shortcut of a residual whose layers change the shape, where none is given."""

from __future__ import annotations

from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import shape_text
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.scope import Frame
from cnncalc.spec.makers import LayerMaker
from cnncalc.spec.steps import Argument, ResidualStep


def projection(draft: Draft, maker: LayerMaker, step: ResidualStep, x: int, y: int, frame: Frame) -> int | None:
    """conv C k1 sS nobias bn, with the stride that gives the right size; its value, None if there is no such one."""
    size, (c, *target) = draft.shapes[x][1:], draft.shapes[y]
    path = frame.path(None, "shortcut")
    # Each axis has its own: maps need not be square.
    strides = [fitting_stride(n, m) for n, m in zip(size, target, strict=False)]
    if not size or len(size) != len(target) or None in strides:
        problem = _(
            "{path}: the layers of the residual lead from {before} to {after}, and no strided 1x1 convolution does",
            path=path,
            before=shape_text(draft.shapes[x]),
            after=shape_text(draft.shapes[y]),
        )
        hint = _("pad the layers so that the size stays, or is divided; or write shortcut: [...]")
        draft.note(problem, step.position, hint, frame)
        return None
    # No bias, since a norm follows, which would take it away again.
    options = {"filters": c, "kernel": 1, "stride": [s or 1 for s in strides], "bias": "false"}
    arguments = [Argument(name, value, step.position) for name, value in options.items()]
    draft.declare(path, step.name_position)
    # As in He et al. 2015, option B.
    for kind, given, name in ((KINDS["conv"], arguments, path), (KINDS["batchnorm"], [], f"{path}/batchnorm")):
        layer = maker.make(kind, given, step.position)
        value = None if layer is None else draft.node(name, layer, (x,), step.position, given, frame)
        if value is None:
            return None
        x = value
    return x


def fitting_stride(n: int, m: int) -> int | None:
    """The smallest stride at which a window of 1 takes n positions to m; None if there is none."""
    # A window of 1 gives floor((n - 1) / s) + 1: 56 to 28 takes s = 55 // 28 + 1 = 2, and 55 // 2 + 1 = 28 holds.
    s = (n - 1) // m + 1
    return int(s) if (n - 1) // s + 1 == m else None  # the number alone: how it was found says nothing
