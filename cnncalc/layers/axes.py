"""Axes that an option names: by letter, or by number, 0 being the channels.

Letters are those of the rank: c of a vector, cl of a sequence, chw of an image, cdhw of a volume. Arrays with more
axes than a volume (windows of a map, heads of an attention) have numbers alone.
"""

from __future__ import annotations

from typing import Any

from cnncalc.errors import OptionError, ShapeError
from cnncalc.language import _
from cnncalc.layers.base import Shape, describe
from cnncalc.layers.options import SPATIAL, is_number, quote

LETTERS = "cldhw"


def axis_name(raw: Any) -> str:
    """`c`, `l`, `d`, `h`, `w`, or a number from 0, the channels."""
    word = raw.lower() if isinstance(raw, str) else str(raw) if is_number(raw) else ""
    if len(word) == 1 and (word in LETTERS or word in "01234567"):
        return word
    raise OptionError(
        _("{value} is no axis", value=quote(raw)), _("c is the channels, then l, h, w or d; or its number, from 0")
    )


def axis_names(raw: Any) -> str:
    """Letters (`hw`), numbers (`1,2`), or a list of either: several axes, each once."""
    # Numbers have one digit each, for no array has more than 8 axes: `1,2` is read like `hw`, letter by letter.
    parts = raw if isinstance(raw, list) else raw.replace(",", "") if isinstance(raw, str) else str(raw)
    names = "".join(axis_name(part.strip() if isinstance(part, str) else part) for part in parts)
    if not names or len(set(names)) < len(names):
        raise OptionError(_("{value} names no axes, or one twice", value=quote(raw)), _("write hw, or 1,2"))
    return names


def axis_number(axis: str, x: Shape, option: str = "axis") -> int:
    """The number of an axis of a shape. Raises ShapeError where the shape has no such axis."""
    letters = "c" + SPATIAL.get(len(x), "")
    # `find` gives -1 for a letter that this rank lacks.
    number = int(axis) if axis.isdigit() else letters.find(axis)
    if 0 <= number < len(x):
        return number
    names = ", ".join(letters) if len(letters) == len(x) else f"0 ... {len(x) - 1}"
    raise ShapeError(
        _("there is no axis {axis}; what enters is {shape}", axis=axis, shape=describe(x)),
        _("its axes: {names}", names=names),
        option,
    )
