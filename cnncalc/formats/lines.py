"""Text in lines of so many terminal columns: broken at spaces, and between characters of double width."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncalc.errors import columns_of

# East Asian characters stand without spaces; some marks begin no line, and some end none.
WIDE = "\u2e80-\u303f\u3040-\u9fff\uff00-\uff60"
NOT_FIRST = "，。；：、？！）」』》】”…,.;:?!)]"
NOT_LAST = "（「『《【“(["
BREAK = re.compile(rf"(?<=[{WIDE}])(?=.)|(?<=.)(?=[{WIDE}])")


def units(text: str) -> Iterator[tuple[str, str]]:
    """(what stands before it, a stretch that is not broken): the words, and wide characters one by one."""
    for i, word in enumerate(text.split(" ")):
        glue = " " if i else ""
        held = ""
        for part in [word] if word.isascii() else BREAK.split(word):
            # A Chinese line may break between any two characters, apart from marks that belong to their neighbour.
            if held and part[:1] not in NOT_FIRST and held[-1] not in NOT_LAST:
                yield glue, held
                glue, held = "", ""
            held += part
        yield glue, held


def wrap_text(text: str, width: int, indent: int = 0) -> list[str]:
    """The lines of a text; `indent` is what the first one has used up already, and the others begin with."""
    lines, used = [""], indent
    for glue, unit in units(text):
        size = columns_of(unit)
        if used > indent and used + len(glue) + size > width:
            lines.append(" " * indent)
            used, glue = indent, ""
        lines[-1] += glue + unit
        used += len(glue) + size
    return lines
