"""What can be wrong with a spec, and how it is said.

A problem is data (position, problem, hint) until it is printed; the text is made in one place, here.
Layers raise `ShapeError` without a position; the reader of the spec knows where the layer stands and
attaches it. Imports nothing of ours but the language.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import IO, Any, NamedTuple

from cnncalc.language import _, n_

SHOWN_PROBLEMS = 20
MOST_PROBLEMS = 200  # noted before reading is given up: a hint for each takes its time
SHOWN_COLUMNS = 100
LONGEST = 2000  # characters of a sentence
PACKINGS = (0, 8)  # of an archive's parts: stored, deflated (zipfile.ZIP_STORED, ZIP_DEFLATED)
LISTED = 12  # names of layers in a hint
LOOKED_AT = 300  # names that a misspelt word is compared with


class CnncalcError(Exception):
    """Any error that is the input's fault. `str()` is the message for people; exit status 2."""


class ShapeError(CnncalcError):
    """A layer that cannot be applied to what it is given.

    `problem` states the rule and the values, `hint` what to do; `option` names the option at fault, so
    that whoever knows the file can point at it.
    """

    def __init__(self, problem: str, hint: str | None = None, option: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.option = option

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions go to another process by `args`, where the hint and the option are missing.
        return type(self), (self.problem, self.hint, self.option)


class OptionError(CnncalcError):
    """A value that an option cannot take: `problem` and `hint`, no position yet."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.hint)


class UnknownValueError(OptionError):
    """A value that follows from a mistake which has been noted: there is nothing to say about it."""

    def __init__(self) -> None:
        super().__init__(_("not known"))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class SpecWarning(UserWarning):
    """A spec that can be read and is probably meant otherwise. The text has the place and what may be meant."""


class Position(NamedTuple):
    """A stretch of the source: line and column count from 1, in characters."""

    line: int
    column: int
    width: int = 1


class Problem(NamedTuple):
    """One mistake: what is wrong, where, what to do, and the calls that led there (innermost first)."""

    problem: str
    position: Position | None = None
    hint: str | None = None
    trail: tuple[str, ...] = ()


class Source(NamedTuple):
    """A text and the name under which errors speak of it; `params` are those that the name stands for."""

    name: str
    text: str
    params: tuple[tuple[str, str], ...] = ()


class SpecError(CnncalcError):
    """A spec that cannot be read: every problem that was found, in the order of the text.

    `partial` is the graph of the layers before the first one that does not fit, where it is that which is wrong.
    """

    def __init__(self, problems: Iterable[Problem], source: Source, partial: Any = None) -> None:
        self.partial = partial
        # In the order of the text, each once: a block that is called twice makes its mistakes twice.
        found = dict.fromkeys(problems)
        # A problem without a place is about the text as a whole, and comes first.
        self.problems = tuple(sorted(found, key=lambda p: (p.position or Position(0, 0))[:2]))
        self.source = source
        super().__init__(self._text())

    def __reduce__(self) -> tuple[Any, ...]:  # so that it comes back from another process
        return type(self), (self.problems, self.source)

    def _text(self) -> str:
        lines = self.source.text.split("\n")
        shown = [describe(p, self.source.name, lines) for p in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            n = len(self.problems) - SHOWN_PROBLEMS
            many = len(self.problems) >= MOST_PROBLEMS
            shown.append(_("... and {n} or more others", n=n) if many else _("... and {n} others", n=n))
        return "\n".join(shown)


class Problems(list[Problem]):
    """The problems of one text. Raises SpecError when there are so many that going on helps nobody."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def append(self, problem: Problem) -> None:
        super().append(problem)
        if len(self) >= MOST_PROBLEMS:
            raise SpecError(self, self.source)


def describe(problem: Problem, name: str, lines: list[str]) -> str:
    """`name:line:column: problem`, the line, a caret, the trail and the hint."""
    where = visible(name) or "''"
    shown = []
    if problem.position is not None:
        line, column, width = problem.position
        where += f":{line}:{column}"
        # A place behind the last line, or in an empty one, has nothing to show.
        if line <= len(lines) and lines[line - 1].strip():
            shown = _excerpt(lines[line - 1].rstrip("\r"), column - 1, width)
    text = [f"{where}: {cut(problem.problem)}", *shown]
    text += [f"  {cut(call)}" for call in problem.trail]
    if problem.hint:
        text.append(_("  hint: {hint}", hint=cut(problem.hint)))
    return "\n".join(text)


def cut(text: str) -> str:
    """A text that is made visible, and cut where it has more than anybody reads: names of models have no end."""
    return visible(text if len(text) <= LONGEST else text[:LONGEST] + "...")


def _excerpt(line: str, start: int, width: int) -> list[str]:
    """The line without its indentation, cut to a window if it is long, and the caret under it."""
    indent = len(line) - len(line.lstrip())
    left = min(indent, start)
    # A one-line net may be thousands of characters long: the window is moved to the mistake.
    if start - left > SHOWN_COLUMNS * 2 // 3:
        left = start - SHOWN_COLUMNS // 2
    text = line[left : left + SHOWN_COLUMNS]
    dots = "..." if left > indent else ""
    before, marked = visible(text[: start - left]), visible(text[start - left : start - left + width])
    shown = dots + visible(text) + ("..." if left + SHOWN_COLUMNS < len(line) else "")
    # Measured as a terminal shows it: what is written out, \x1b, is wider, and so is Chinese.
    caret = " " * (len(dots) + columns_of(before)) + "^" * max(1, columns_of(marked))
    return ["    " + shown, "    " + caret]


def open_file(path: str) -> IO[bytes]:
    """A file opened for reading. Raises OSError; for a named pipe too, on which a reader might wait for ever.

    The pipe of a shell, <(command), has a writer and no name, and is read.
    """
    try:
        # Behind /dev/fd/63, a shell's pipe, the real path is `pipe:[123]`, a name that is not there.
        if stat.S_ISFIFO(os.stat(os.path.realpath(path)).st_mode):
            raise OSError(None, n_("a named pipe, on which a reader may wait for ever"), path)
    except FileNotFoundError:
        pass  # so are the names behind /dev/fd; what is really missing is told below
    return open(path, "rb")


def open_archive(path: str) -> IO[bytes]:
    """A file whose table of contents stands at its end, opened. Raises OSError; for a device too, which has no end."""
    file = open_file(path)
    # Asked of what was opened, whatever the name leads to by now.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(None, n_("no file, which an archive has to be"), path)
    return file


def refuse_packing(archive: Any, path: str) -> None:
    """Raise OSError for an archive with a part that unpacks to any size at once: bzip2 and LZMA know no measure."""
    if any(entry.compress_type not in PACKINGS for entry in archive.infolist()):
        raise OSError(None, n_("an archive that is packed in a way which is not read"), path)


def visible(text: str) -> str:
    """`text` with control characters, escapes and direction marks written out as \\x1b or \\u202e."""
    if text.isprintable():
        return text
    # As Python writes it in a string: \x1b, \u202e.
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def columns_of(text: str) -> int:
    """How many terminal columns `text` takes: East Asian wide and fullwidth characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    # Unicode, UAX 11: wide and full-width characters take two columns, combining marks none.
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def suggest(word: str, known: Iterable[str]) -> str | None:
    """`did you mean ...?` with the nearest of the known words, or None."""
    near = nearest(word, known)
    if len(near) == 2:
        return _("did you mean {one} or {other}?", one=near[0], other=near[1])
    return _("did you mean {word}?", word=near[0]) if near else None


def suggest_layer(word: str, known: Sequence[str], shown: Sequence[str] = ()) -> str:
    """What may be written in place of a layer that there is not: the nearest of all, else which are shown."""
    shown = shown or known
    names = ", ".join(shown[:LISTED]) + (", ..." if len(shown) > LISTED else "")
    return suggest(word, known) or _("the layers are {names}", names=names)


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The nearest of the known words, two if they are about as near; empty if none is near."""
    from difflib import SequenceMatcher, get_close_matches

    # A network has as many names as layers: for a hint the first thousands are enough.
    names = {name.casefold(): name for name in islice(known, 5000)}
    wanted = word[:60].casefold()
    if len(names) > LOOKED_AT:  # comparing takes its time: of very many, those that begin alike
        alike = [n for n in names if n[:1] == wanted[:1] and abs(len(n) - len(wanted)) <= 2]
        names = {n: names[n] for n in alike[:LOOKED_AT]}
    near = get_close_matches(wanted, list(names), n=2, cutoff=0.6)
    # Two are offered only where they are about as near: else the second would be noise.
    likeness = [SequenceMatcher(None, wanted, name).ratio() for name in near]
    if len(near) == 2 and likeness[1] < likeness[0] - 0.05:
        near.pop()
    return [names[n] for n in near]
