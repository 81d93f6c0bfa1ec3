"""Windows as runtimes have them that round down alone."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.layers.windows import Window


def ends(windows: Sequence[Window], size: Sequence[int]) -> list[int]:
    """Padding at the end with which a runtime that rounds down gets every position: what `ceil` adds is written out."""
    return [
        max(w.after, (w.positions(n) - 1) * w.stride + w.span - n - w.before)
        for w, n in zip(windows, size, strict=True)
    ]
