"""What is said where a window moves over another number of axes than what enters it has. Loaded for these mistakes."""

from __future__ import annotations

from cnncalc.language import _
from cnncalc.layers.base import Shape, shape_text


def say_channels_missing(path: str, kind: str, n: int) -> tuple[str, str]:
    """(problem, hint) for an image given without its channels, n x n, in front of a window that says no axes."""
    problem = _(
        "{shape} is read as {n} channels of length {n}: {path} would move along one axis",
        shape=shape_text((n, n)),
        n=n,
        path=path,
    )
    hint = _("write {shape} for an image; {kind} for a sequence", shape=shape_text((1, n, n)), kind=f"{kind}1d")
    return problem, hint


def say_other_axes(path: str, kind: str, axes: int, shape: Shape, is_input: bool) -> tuple[str, str]:
    """(problem, hint) for `conv2d` on what has another number of axes besides its channels.

    axes      that the kind's word says: 2 of `conv2d`
    is_input  whether the shape is that of an input, which may lack its channels
    """
    problem = _(
        "{path}: {kind} does not suit {shape}, which has channels and {axes} more",
        path=path,
        kind=f"{kind}{axes}d",
        shape=shape_text(shape),
        axes=len(shape) - 1,
    )
    # One axis short in front of the first layer: most often the channels were left out.
    if is_input and axes == len(shape):
        return problem, _("write the input with its channels: {shape}", shape=shape_text((1, *shape)))
    return problem, _("for an input of this shape write {kind}", kind=f"{kind}{len(shape) - 1}d")
