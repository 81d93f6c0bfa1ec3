"""The pictures of the documentation and the commands that are printed below them.

python tests/pictures.py draws them anew.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from checkout import ROOT
from click.testing import CliRunner

from cnncalc.cli import group

PAGES = ("README.md", "docs/pictures.md")
OPTIONS = ("-o", "--svg")


def commands() -> dict[str, list[str]]:
    """For each file under docs/pictures the words of the command that draws it."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for line in re.findall(r"^cnncalc (.*docs/pictures/.*)$", text, re.MULTILINE):
            words = shlex.split(line, comments=True)
            name = next(words[i + 1] for i, word in enumerate(words) if word in OPTIONS)
            assert found.setdefault(name, words) == words, f"{name} is drawn by two commands"
    return found


def draw(words: list[str], folder: Path) -> None:
    """Run a command with a folder in place of docs/pictures."""
    told = [word.replace("docs/pictures", str(folder)) for word in words]
    done = CliRunner().invoke(group(), told)
    assert done.exit_code == 0, done.output


if __name__ == "__main__":
    for command in commands().values():
        draw(command, ROOT / "docs" / "pictures")
