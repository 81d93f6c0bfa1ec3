"""Windows as PyTorch's modules take them: one number or one for each axis, and what F.pad takes."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.python.text import even
from cnncalc.layers.windows import Window


def widths(sides: Any) -> tuple[int, ...]:
    """What F.pad takes: before and after of the last axis first."""
    return tuple(n for pair in reversed(list(sides)) for n in pair)


def window_options(windows: tuple[Window, ...], padding: Any) -> dict[str, tuple[Any, Any]]:
    return {
        "stride": (even(tuple(w.stride for w in windows)), 1),
        "padding": (padding, 0),
        "dilation": (even(tuple(w.dilation for w in windows)), 1),
    }
