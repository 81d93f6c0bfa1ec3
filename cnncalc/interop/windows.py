"""Windows as runtimes have them that round down alone."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.layers.windows import Window


def ends(windows: Sequence[Window], size: Sequence[int]) -> list[int]:
    """Padding at the end with which a runtime that rounds down gets every position: what `ceil` adds is written out."""
    # The last window begins where the layer has its last position, and may reach beyond what is there.
    return [
        max(w.after, (w.positions(n) - 1) * w.stride + w.span - n - w.before)
        for w, n in zip(windows, size, strict=True)
    ]


def sides_of(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """The padding before and after each axis."""
    return [(w.before, w.after) for w in windows]
