"""Windows as Keras's layers take them: `same` or `valid`, and zeros put around the map where neither fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.keras.write.table import NotInKerasError, Step
from cnncalc.interop.python.text import Call, call, even
from cnncalc.interop.windows import sides_of
from cnncalc.language import _
from cnncalc.layers.sliding import same_padding
from cnncalc.layers.windows import Window


def pad_map(sides: Sequence[tuple[int, int]]) -> Call:
    """Zeros around a map."""
    # ZeroPadding1D takes (before, after), the others a pair for each axis.
    if len(sides) == 1:
        return call("layers.ZeroPadding1D", padding=(even(sides[0]) if len(set(sides[0])) == 1 else sides[0], 1))
    alike = all(before == after for before, after in sides)
    width: Any = even(tuple(before for before, _after in sides)) if alike else tuple(sides)
    return call(f"layers.ZeroPadding{len(sides)}D", padding=(width, 1))


def same(windows: Sequence[Window], size: Sequence[int]) -> bool:
    """Whether `same` pads as much as there is."""
    return all(
        (w.before, w.after) == same_padding(n, w.kernel, w.stride, w.dilation)
        for w, n in zip(windows, size, strict=True)
    )


def slide(windows: Sequence[Window], size: Sequence[int]) -> tuple[list[Step], dict[str, tuple[Any, Any]]]:
    """Zeros in front, where `same` does not pad as much; and the options of the window."""
    before: list[Step] = []
    padding = "valid"
    if any(map(any, sides_of(windows))):
        if same(windows, size):
            padding = "same"
        else:
            before = [Step(pad_map(sides_of(windows)), "pad")]
    stride = even(tuple(w.stride for w in windows))
    return before, {"strides": (stride, 1), "padding": (padding, "valid")}


def dilation(windows: Sequence[Window]) -> tuple[Any, Any]:
    """The option of a convolution, and what it is where it is not said."""
    found = even(tuple(w.dilation for w in windows))
    if found != 1 and any(w.stride > 1 for w in windows):
        raise NotInKerasError(_("Keras has no stride together with dilation"))
    return found, 1


def crop_map(cuts: Sequence[tuple[int, int]]) -> Any:
    """What is cut off each side, as people write it."""
    if len(cuts) == 1:
        return cuts[0]
    return even(tuple(b for b, _a in cuts)) if all(b == a for b, a in cuts) else tuple(cuts)
