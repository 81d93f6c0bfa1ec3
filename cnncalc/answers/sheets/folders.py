"""The sheets of a class: files and folders are looked through, and nothing in them is lost without a word."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from cnncalc.answers.sheets.reading import ENDINGS, read_sheets
from cnncalc.answers.sheets.sheet import Sheet
from cnncalc.errors import CnncalcError, describe
from cnncalc.language import _

DEEPEST = 3  # folders in folders: a learning platform makes one for each student
HIDDEN = (".", "~$", "__MACOSX", "Thumbs.db", "desktop.ini")  # what programs leave in folders


class Class(NamedTuple):
    """Who was read, by name; files that were not, and why; and what was passed over in those that were."""

    sheets: dict[str, Sheet]
    unread: dict[str, str]
    notes: list[str]


def files_in(words: Sequence[str]) -> Iterator[str]:
    """The files that are named, and all in folders that are named, in order; not what programs hide there."""
    for word in words:
        if not os.path.isdir(word):
            yield word
            continue
        for top, folders, names in os.walk(word):
            depth = 0 if top == word else os.path.relpath(top, word).count(os.sep) + 1
            # In place, for `os.walk` goes only where this list still leads.
            folders[:] = sorted(f for f in folders if not f.startswith(HIDDEN)) if depth < DEEPEST else []
            yield from (os.path.join(top, name) for name in sorted(names) if not name.startswith(HIDDEN))


def sheets_in(words: Sequence[str]) -> list[str]:
    """Files that may be sheets: those that are named, and in folders those with an ending of one."""
    # Who names a file means it, whatever its ending.
    named = {word for word in words if not os.path.isdir(word)}
    return list(dict.fromkeys(path for path in files_in(words) if path in named or path.lower().endswith(ENDINGS)))


def read_class(
    words: Sequence[str], others: Iterable[str], steps: Callable[[Sequence[str]], Iterable[str]] = lambda paths: paths
) -> Class:
    """Every sheet of a class. `others`: files that are none, such as the key; `steps`: goes through the paths."""
    sheets: dict[str, Sheet] = {}
    unread: dict[str, str] = {}
    notes: list[str] = []
    apart = {os.path.realpath(path) for path in others}
    readable = set(sheets_in(words))
    for path in steps(list(dict.fromkeys(files_in(words)))):
        # A key may lie in the folder of the sheets.
        if os.path.realpath(path) in apart:
            continue
        if path not in readable:
            unread[path] = why_not_read(path)
            continue
        try:
            found = read_sheets(path)
        except CnncalcError as error:
            unread[path] = str(error)
            continue
        for sheet in found:
            lines = sheet.source.text.split("\n")
            notes += [describe(note, sheet.source.name, lines) for note in sheet.notes]
            if sheet.answers:
                sheets[choose_name(sheet, path, sheets)] = sheet
            else:
                unread[path] = "\n".join(describe(problem, path, lines) for problem in sheet.problems)
    return Class(sheets, unread, notes)


def why_not_read(path: str) -> str:
    """What is said of a file that is no form of sheet."""
    ending = os.path.splitext(path)[1] or _("no ending")
    return _("{file}: no sheet is read from this ({ending}): save it as CSV or .xlsx", file=path, ending=ending)


def others_in(words: Sequence[str]) -> list[str]:
    """The files in folders that are no sheets."""
    readable = set(sheets_in(words))
    return [path for path in files_in(words) if path not in readable]


def choose_name(sheet: Sheet, path: str, taken: dict[str, Sheet]) -> str:
    """A name for a sheet that no other has: the student's, with the folder's before it, or the path."""
    folder = os.path.basename(os.path.dirname(path))
    # A learning platform puts `answers.csv` into a folder for each student.
    for name in (sheet.name, f"{folder}/{sheet.name}", path):
        if name not in taken:
            return name
    number = next(n for n in range(2, len(taken) + 3) if f"{path} ({n})" not in taken)
    return f"{path} ({number})"
