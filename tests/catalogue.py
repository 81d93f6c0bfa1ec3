"""What the catalogue of a language must hold: every text that is marked in the code, and some of click's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc
from pathlib import Path

from checkout import ROOT
from trees import Tree, tree_of

from cnncalc.conventions import SHIPPED, convention
from cnncalc.layers import KINDS

PACKAGE = ROOT / "cnncalc"
CATALOGUE = PACKAGE / "locale" / "zh" / "LC_MESSAGES" / "cnncalc.po"
MARKS = ("_", "n_")

# Of click's own texts those that are met here; with a plural where click asks for one.
CLICK: tuple[str | tuple[str, str], ...] = (
    "Usage:",
    "Options",
    "Error: {message}",
    "Try '{command} {option}' for help.",
    "Show this message and exit.",
    "Missing command.",
    "Missing argument",
    "No such option {name!r}.",
    "No such option: {name}",  # of click 8.1
    "Invalid value for {param_hint}: {message}",
    "Option {name!r} does not take a value.",
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    "default: {default}",
    "required",
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
)


def sources(folder: Path = PACKAGE) -> Iterator[tuple[Path, Tree]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, tree_of(path)


@cache
def marked() -> list[tuple[ast.Call, str]]:
    """Every call that marks a literal, and the literal."""
    found = []
    for _path, tree in sources():
        for node in tree.nodes.get(ast.Call, ()):
            if isinstance(node.func, ast.Name) and node.func.id in MARKS:
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    found.append((node, text.value))
    return found


def shown_docstrings() -> Iterator[str]:
    """Descriptions that a user reads: the help of commands, the kinds and their options."""
    for _path, tree in sources(PACKAGE / "cli"):
        commands = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "command"]
        yield from (cleandoc(ast.get_docstring(command) or "") for command in commands)
    for row in KINDS.values():
        layer = row.load()
        yield cleandoc(layer.__doc__ or "")
        yield from (option.doc for option in layer.options.values())
    yield from of_conventions()


def of_conventions() -> Iterator[str]:
    """What the conventions of other tools say in words: units, and why there is no number, or this one."""
    for name in SHIPPED:
        one = convention(name)
        yield one.unit
        if re.search(r" [a-z]{2,}", one.version):  # words beside the number
            yield one.version
        for rule in (*one.rules, one.otherwise):
            if rule is not None:
                yield from filter(None, (rule.unknown, rule.fails, rule.note))


def read(path: Path = CATALOGUE) -> dict[str, str]:
    """A .po file as text to translation; of a plural, under its first form."""
    found: dict[str, str] = {}
    entry: dict[str, str] = {}
    key = ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        match = re.fullmatch(r'(?:(msgid|msgid_plural|msgstr|msgstr\[0\]) )?(".*")', line)
        if match:
            key = match[1] or key
            entry[key] = entry.get(key, "") + ast.literal_eval(match[2])
        elif not line and "msgid" in entry:
            found[entry["msgid"]] = entry.get("msgstr", "") or entry.get("msgstr[0]", "")
            entry = {}
    return found
