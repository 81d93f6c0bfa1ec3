"""Which files are meant by files and folders that are named: a folder stands for the specs in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

SUFFIXES = (".yaml", ".yml")
LOOKED_AT = 100_000  # bytes of a file in which a spec has said what it is
SECTIONS = re.compile(rb"^(layers|input|inputs|blocks)\s*:", re.MULTILINE)


def specs_in(words: Iterable[str]) -> list[str]:
    """The specs that are named, and those in the folders that are named, each once."""
    return list(
        dict.fromkeys(path for word in words for path in (specs_below(word) if os.path.isdir(word) else [word]))
    )


def specs_below(folder: str) -> list[str]:
    """The YAML files of a folder and its folders that are specs, in order; what begins with a dot is left out."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [os.path.join(where, name) for name in sorted(files) if name.endswith(SUFFIXES)]
        found += [path for path in paths if looks_like_a_spec(path)]
    return found


def is_spec(word: str) -> bool:
    """A bundled network, a YAML file that has layers or an input, or a folder with one."""
    if os.path.isdir(word):
        return bool(specs_below(word))
    if os.path.isfile(word):
        return is_spec_file(word)
    from cnncalc import networks

    return os.path.basename(word) == word and networks.find(word) is not None


def is_spec_file(path: str) -> bool:
    return path.endswith(SUFFIXES) and looks_like_a_spec(path)


def looks_like_a_spec(path: str) -> bool:
    """Whether a file has one of a spec's sections: other YAML, as workflows and settings are, has none."""
    try:
        with open(path, "rb") as file:
            return is_spec_text(file.read(LOOKED_AT))
    except OSError:
        return False


def is_spec_text(content: bytes) -> bool:
    return SECTIONS.search(content, 0, LOOKED_AT) is not None
