"""Where a spec comes from: a file, standard input, a bundled network, or the text itself."""

from __future__ import annotations

import os
import stat
import sys
from typing import NoReturn

from cnncalc.errors import Position, Problem, Source, SpecError, suggest
from cnncalc.language import _

LARGEST_FILE = 10_000_000  # bytes


def read_source(spec: str) -> Source:
    """The text of a spec: `-` is standard input, else a file, else a bundled network. Raises SpecError."""
    if spec == "-":
        if sys.stdin is None:
            _unusable("<stdin>", _("standard input is closed"))
        return Source("<stdin>", decoded(sys.stdin.buffer.read(LARGEST_FILE + 1), "<stdin>"))
    there = os.path.lexists(spec)
    if there and not os.path.isdir(spec):
        return Source(spec, decoded(_read(spec), spec))
    from cnncalc import networks

    found = networks.find(spec) if os.path.basename(spec) == spec else None
    if found is None and there:
        _read(spec)  # a folder, which is said; one that is called like a bundled network does not hide it
    if found is None:
        _missing(spec)
    return Source(found.path, decoded(_read(found.path), found.path), tuple(found.params.items()))


def _read(path: str) -> bytes:
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            specs = sorted(name for name in os.listdir(path) if name.endswith((".yaml", ".yml")))
            hint = _("name one of its specs: {names}", names=", ".join(specs[:5])) if specs else _("name a spec file")
            _unusable(path, _("this is a directory, not a spec"), hint)
        with open(path, "rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        _unusable(path, _("cannot be read: {reason}", reason=error.strerror))


def _missing(spec: str) -> NoReturn:
    from cnncalc import networks

    if "\0" in spec or len(spec) > 1000:
        _unusable(spec[:60], _("not the name of a file"))
    stem = os.path.splitext(os.path.basename(spec))[0]
    hint = suggest(stem, [*networks.bundled(), *networks.VARIANTS]) or suggest(stem, networks.ALIASES)
    if hint is None:
        hint = _("bundled networks: {names}", names=", ".join(networks.bundled()))
    _unusable(spec, _("there is no such file, and no bundled network of this name"), hint)


def decoded(data: bytes, name: str) -> str:
    """The text of a UTF-8 file. A byte that is none, or a NUL, is an error at its place."""
    if len(data) > LARGEST_FILE:
        _unusable(
            name,
            _("the file is larger than {largest} MB", largest=LARGEST_FILE // 10**6),
            _("a spec has a line per layer"),
        )
    text = None
    try:
        text = data.decode().removeprefix("\ufeff")
        bad = data.find(b"\0")
    except UnicodeDecodeError as error:
        bad = error.start
    if text is not None and bad < 0:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    start = data.rfind(b"\n", 0, bad) + 1
    before = data[start:bad].decode("utf-8", "replace")
    problem = (
        _("not a text file: byte 0x{data:02x} is not UTF-8", data=data[bad])
        if data[bad]
        else _("not a text file: a NUL byte")
    )
    position = Position(data.count(b"\n", 0, bad) + 1, len(before) + 1)
    raise SpecError([Problem(problem, position, _("a spec is YAML in UTF-8"))], Source(name, ""))


def _unusable(name: str, problem: str, hint: str | None = None) -> NoReturn:
    raise SpecError([Problem(problem, None, hint)], Source(name, ""))
