"""Which colour stands for what: squares with words beside them, in lines."""

from collections.abc import Iterable, Sequence

from cnncalc.pages.drawing.colours import LINE, MUTED
from cnncalc.pages.drawing.letters import width_of
from cnncalc.pages.drawing.scene import Box, Item, Text

SIZE, SQUARE, PITCH = 11.0, 11.0, 18.0


def kinds_in(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(role, kinds) for pairs of role and kind, each role once, in the order in which they come."""
    found: dict[str, list[str]] = {}
    for role, kind in pairs:
        kinds = found.setdefault(role, [])
        if kind not in kinds:
            kinds.append(kind)
    return [(role, ", ".join(kinds[:4]) + ("…" if len(kinds) > 4 else "")) for role, kinds in found.items()]


def draw_legend(entries: Sequence[tuple[str, str]], left: float, top: float, width: float) -> list[Item]:
    """The entries (role, words) in lines of at most this width."""
    items: list[Item] = []
    x, y = left, top
    for role, words in entries:
        room = SQUARE + 5 + width_of(words, SIZE) + 18
        # The first entry of a line stays in it, however wide it is.
        if x > left and x + room > left + width:
            x, y = left, y + PITCH
        items.append(Box(x, y, SQUARE, SQUARE, fill=role, stroke=LINE, thick=0.5))
        items.append(Text(x + SQUARE + 5, y + SQUARE - 1.5, words, SIZE, fill=MUTED))
        x += room
    return items
