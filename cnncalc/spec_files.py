"""Which files are meant by files and folders that are named: a folder stands for the specs in it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from typing import NoReturn

from cnncalc.errors import CnncalcError, visible
from cnncalc.language import _, reason_of

SUFFIXES = (".yaml", ".yml")
LOOKED_AT = 100_000  # bytes of a file in which a spec has said what it is
KEY = rb"[\"']?(layers|input|inputs|blocks)[\"']?\s*:"
SECTIONS = re.compile(rb"(^|\r)(\xef\xbb\xbf)?" + KEY, re.MULTILINE)  # a key that begins its line
IN_BRACKETS = re.compile(rb"(\xef\xbb\xbf)?(---)?\s*\{([^#]*[,\s])?" + KEY)  # a spec that is one mapping in brackets


def specs_in(words: Iterable[str]) -> list[str]:
    """The specs that are named, and those in the folders that are named, each once.

    Raises CnncalcError for a folder that holds none: what checks nothing must not look as if all were well.
    """
    found: dict[str, None] = {}
    for word in words:
        below = specs_below(word) if os.path.isdir(word) else [word]
        if not below:
            raise CnncalcError(_("{folder}: there is no spec in this folder", folder=visible(word)))
        found.update(dict.fromkeys(below))
    return list(found)


def specs_below(folder: str) -> list[str]:
    """The YAML files of a folder and its folders that are specs, in order; folders that begin with a dot are left out.

    What cannot be read, a link to nowhere say, is among them: whoever reads it says so. Raises CnncalcError for a
    folder that cannot be looked into, and for a pipe, on which a reader would wait for ever.
    """

    def refuse(error: OSError) -> NoReturn:
        name = os.fsdecode(error.filename or folder)
        raise CnncalcError(_("{file}: cannot be read: {reason}", file=visible(name), reason=reason_of(error)))

    found = []
    for where, folders, files in os.walk(folder, onerror=refuse):
        # In place, for `os.walk` goes only where this list still leads.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [os.path.join(where, name) for name in sorted(files) if is_yaml(name)]
        for path in paths:
            if os.path.exists(path) and not os.path.isfile(path):
                raise CnncalcError(_("{file}: not a file, but a pipe or a device", file=visible(path)))
        found += [path for path in paths if looks_like_a_spec(path) is not False]
    return found


def without_others(words: Sequence[str]) -> tuple[list[str], int]:
    """The words without files that can be read and are no specs, and how many those are."""
    kept = [word for word in words if not is_other(word)]
    return kept, len(words) - len(kept)


def is_other(word: str) -> bool:
    """Whether it is a file that can be read and no spec."""
    return os.path.isfile(word) and looks_like_a_spec(word) is False


def is_spec(word: str) -> bool:
    """A bundled network, a YAML file that has layers or an input, or a folder with one."""
    if os.path.isdir(word):
        return bool(specs_below(word))
    if os.path.isfile(word):
        return is_spec_file(word)
    from cnncalc import shipped

    return os.path.basename(word) == word and shipped.find(word) is not None


def is_yaml(path: str) -> bool:
    return path.lower().endswith(SUFFIXES)


def is_spec_file(path: str) -> bool:
    return looks_like_a_spec(path) is True


def looks_like_a_spec(path: str) -> bool | None:
    """Whether a file has one of a spec's sections: other YAML, as workflows and settings are, has none.

    A file with another ending, `net.txt`, is one where all of it reads as one. None where it cannot be read. Of what
    is no file, a pipe say, nothing is taken.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return is_spec_text(file.read(LOOKED_AT), path)
    except OSError:
        return None


def is_spec_text(content: bytes, path: str) -> bool:
    """Whether this is the text of a spec, in a file of this name."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # not as specs are written: whoever reads it says so
        content = content[:LOOKED_AT].decode("utf-16", "replace").encode()
    # Of a commit git gives the whole file.
    content = content[:LOOKED_AT]
    if SECTIONS.search(content) is None and IN_BRACKETS.match(content) is None:
        return False
    return is_yaml(path) or reads_as_a_spec(content)


def reads_as_a_spec(content: bytes) -> bool:
    """Whether a text that is not called YAML is a spec all the same: a page or a program with `input:` in it is none.

    Every line at the margin is a key of specs, an entry of a list or a comment; or all is one JSON object with layers.
    """
    from cnncalc.spec.read.document import KEYS  # hardly a file needs it

    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        import json

        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            # Also JSON whose end was not looked at.
            return False
        return isinstance(found, dict) and "layers" in found and found.keys() <= set(KEYS)
    key = re.compile(rb"\s|$|#|-\s|---|([\"']?)(" + "|".join(KEYS).encode() + rb")\1\s*:(\s|$)")
    return all(key.match(line) for line in re.split(rb"[\r\n]+", content.removeprefix(b"\xef\xbb\xbf")))
