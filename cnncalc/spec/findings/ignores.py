"""`# cnncalc: ignore[unread-pixels] why`: findings that are known. At the line, in the line before, or for the file."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from cnncalc.errors import Position, Problem, Source, SpecError, suggest
from cnncalc.language import _
from cnncalc.spec.read.comments import comments, is_remark

MARK = re.compile(r"#\s*cnncalc:\s*")
WORDS = re.compile(r"(ignore|ignore-file)\[([^\]]*)\]")


class Ignore(NamedTuple):
    """One code of a comment, where it stands, and the lines that it is for; no lines: the whole file."""

    code: str
    position: Position
    lines: tuple[int, ...]

    def covers(self, code: str, line: int) -> bool:
        return code == self.code and (not self.lines or line in self.lines)


def ignores_in(source: Source, known: Collection[str]) -> list[Ignore]:
    """What the comments of a spec ask to pass over. Raises SpecError for a code that there is none."""
    found: list[Ignore] = []
    problems = []
    lines = source.text.split("\n")
    if "cnncalc:" not in source.text:
        return []
    for line, column, comment in comments(source.text):
        mark = MARK.match(comment)
        if mark is None:
            continue
        words = WORDS.match(comment, mark.end())
        if words is None:
            place = Position(line, column, len(comment.rstrip()))
            problems.append(Problem(_("a comment for cnncalc that says nothing"), place, _("write ignore[CODE]")))
            continue
        meant: tuple[int, ...] = (line,)
        if not lines[line - 1][: column - 1].strip():  # it stands alone: what it is about follows
            meant = tuple(n for n in range(line + 1, len(lines) + 1) if not is_remark(lines[n - 1]))[:1]
        for code in re.finditer(r"[^,\s]+", words[2]):
            # Offsets are those in the comment, which begins at `column`.
            place = Position(line, column + words.start(2) + code.start(), len(code.group()))
            if code.group() not in known:
                problem = _("there is no finding called '{code}'", code=code.group()[:40])
                hint = suggest(code.group(), known) or _("`cnncalc lint --list` names them")
                problems.append(Problem(problem, place, hint))
            found.append(Ignore(code.group(), place, () if words[1] == "ignore-file" else meant))
    if problems:
        raise SpecError(problems, source)
    return found
