"""Numbers and sizes as people read them: thousands separated, shapes as 6x28x28, `?` for what is not known."""

from collections.abc import Sequence
from typing import Any


def number(value: float | None) -> str:
    """`60,000`; `12.35` for what is no whole number."""
    return "?" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def with_sign(value: float) -> str:
    """`+60,000`, `-1.50`."""
    return f"{value:+,.2f}" if isinstance(value, float) else f"{value:+,}"


def sizes(value: Sequence[Any] | None) -> str:
    """`5x5`; an axis that is not known as `?`."""
    return "?" if not value else "x".join("?" if v is None else str(v) for v in value)


def join_axes(values: Sequence[str]) -> str:
    """The values of all axes: one where they are equal, else as `5 x 3`."""
    if not values:
        return "-"
    return values[0] if len(set(values)) == 1 else " x ".join(values)


def percent(value: float | None) -> str:
    """`12.5`."""
    return "?" if value is None else f"{value:.1f}"


def in_units(n: int) -> str:
    """Bytes as `234.4 KiB`; those below 1,024 as `84 B`."""
    if n < 1024:
        return f"{n} B"
    size, units = n / 1024, ["TiB", "GiB", "MiB", "KiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop()
    return f"{size:,.1f} {units[-1]}"


def value_text(value: Any) -> str:
    """A count or the sizes of a shape."""
    return sizes(value) if isinstance(value, (tuple, list)) else number(value)


def exact_text(value: Any) -> str:
    """The same, where what is no whole number keeps all its digits."""
    return value_text(value) if value is None or isinstance(value, (int, tuple)) else str(value)
