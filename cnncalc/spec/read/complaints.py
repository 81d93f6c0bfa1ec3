"""What a YAML parser complains about, in our words: they are about what was meant, and the same under every parser."""

from __future__ import annotations

import re
from typing import Any

import yaml

from cnncalc.errors import Position, Problem, Source
from cnncalc.language import _, n_
from cnncalc.layers import kind_named

FORBIDDEN = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
QUOTE_IT = n_('put quotes around a text that holds brackets or commas: "conv $(w[0]) k3"')

# A part of what libyaml or PyYAML says, and what we say: (problem, hint). The first that fits.
SAID = (
    (
        "mapping values are not allowed",
        n_("a key where none can stand"),
        n_("a second ': ' in one line (put { } around it, or quotes), or a line that is indented too far"),
    ),
    ("cannot start any token", n_("a text that begins with this character"), n_("put quotes around the text")),
    ("found character", n_("a character that is not allowed here"), n_("put quotes around the text")),
    ("escape", n_("an escape that YAML does not know"), n_("use single quotes: in them a backslash is a backslash")),
    ("block sequence entries", n_("a dash where no list can stand"), n_("put the list into lines of its own")),
    ("'-' indicator", n_("a line of a list without a dash"), n_("begin each step with `- `")),
    ("block end", n_("a line that belongs to nothing"), n_("begin each step with `- `, and indent all of them alike")),
    ("block mapping", n_("a line that belongs to nothing"), n_("indent what stands side by side alike")),
    ("document start", n_("a line that belongs to nothing"), n_("indent what stands side by side alike")),
    ("expected key", n_("a line that belongs to nothing"), n_("indent what stands side by side alike")),
    ("tag", n_("a tag that is not known"), n_("put quotes around a text that begins with !")),
    ("anchor", n_("an anchor without a name"), n_("put quotes around a text that begins with & or *")),
    ("alias", n_("an alias without a name"), n_("put quotes around a text that begins with & or *")),
    ("directive", n_("a line that begins with %"), n_("put quotes around the text")),
)


# What is no spec, though it speaks of layers: a part of it, what it is, and what to do. The first that fits.
OTHER_TEXTS = (
    (
        r"^ *\(\w+\): \w+\(",
        n_("this is what PyTorch prints of a module, which does not say what runs after what"),
        n_("name what makes the module, `cnncalc FILE.py:NAME --input 3x224x224`, or write a step for each layer"),
    ),
    (
        r"^.*\bLayer \(type.*\bParam #",
        n_("this is a summary of a model that another program has printed, and no spec"),
        n_("name the model itself, `cnncalc FILE.py:NAME --input 3x224x224`, or write a step for each layer"),
    ),
    (
        r"^(import|from) [\w.]+|^class \w+\(.*\):$|^def \w+\(.*\):$",
        n_("this is Python, and no spec"),
        n_("name the file .py and say what in it makes the model: FILE.py:NAME"),
    ),
)


def syntax_problem(error: yaml.YAMLError, source: Source) -> Problem:
    """A parser's complaint in our words, at the place of what was probably meant."""
    # Asked before anything else: in a text that is no spec, the place where a parser stops means nothing.
    for part, problem, hint in OTHER_TEXTS:
        found = re.search(part, source.text, re.MULTILINE)
        if found is not None:
            line = source.text.count("\n", 0, found.start()) + 1
            return Problem(_(problem), Position(line, 1, len(found[0])), _(hint))
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _forbidden_character(source)
    lines = source.text.split("\n")
    text = lines[mark.line] if mark.line < len(lines) else ""
    tab = text.find("\t")
    # Parsers name a tab in many ways, and stop at it or behind it.
    if 0 <= tab <= mark.column:
        return Problem(_("a tab: YAML is indented with spaces"), Position(mark.line + 1, tab + 1), _("write spaces"))
    said = str(getattr(error, "problem", None) or error).split("\n")[0]
    context = str(getattr(error, "context", None) or "")
    opened: Any = getattr(error, "context_mark", None)
    if opened is not None:
        if "parsing a flow" in context:
            return _open_bracket(context, opened, mark, text)
        if "quoted scalar" in context:
            place = Position(opened.line + 1, opened.column + 1)
            return Problem(_("the quote is not closed"), place, _("write it twice"))
        if "expected ':'" in said:
            glued = _wide_colon(lines, opened.line) or _without_space(lines, opened.line)
            return glued or _without_colon(lines, opened.line, opened.column)
    return _wide_colon(lines, mark.line) or _without_space(lines, mark.line) or _in_our_words(lines, mark, text, said)


def _forbidden_character(source: Source) -> Problem:
    """A character that YAML forbids, of which a parser does not say the line."""
    match = re.search(FORBIDDEN, source.text)
    if match is None:
        return Problem(_("this is not YAML"), Position(1, 1))
    before = source.text[: match.start()]
    place = Position(before.count("\n") + 1, match.start() - before.rfind("\n"))
    return Problem(_("the character {character!a} is not allowed in YAML", character=match[0]), place, _("remove it"))


def _open_bracket(context: str, opened: Any, mark: Any, text: str) -> Problem:
    """A list or mapping in brackets that goes on where it cannot."""
    bracket = "[" if "sequence" in context else "{"
    # Where the parser stops in the same line, something stands in the way; else the end was not found.
    if mark.line == opened.line and mark.column < len(text):
        problem = _("a comma is missing before this, or the {bracket} is not closed", bracket=bracket)
        return Problem(problem, Position(mark.line + 1, mark.column + 1), _(QUOTE_IT))
    problem = _("the {bracket} is not closed, or a comma is missing behind it", bracket=bracket)
    return Problem(problem, Position(opened.line + 1, opened.column + 1), _(QUOTE_IT))


def _in_our_words(lines: list[str], mark: Any, text: str, said: str) -> Problem:
    """What is left, by the table; a key without a colon looks to a parser like the line below it."""
    place = Position(mark.line + 1, mark.column + 1)
    if "mapping values are not allowed" in said:
        column = len(text) - len(text.lstrip())
        # Empty lines between the two say nothing.
        above = mark.line - 1
        while above > 0 and lines[above].strip() == "":
            above -= 1
        # A line without a colon and the key below it are one key to YAML, which complains at the colon.
        if above >= 0 and re.match(rf" {{{column}}}[^\s#-][^:]*$", lines[above]):
            return _without_colon(lines, above, column)
    for part, problem, hint in SAID:
        if part in said:
            return Problem(_("not YAML: {said}", said=_(problem)), place, _(hint))
    return Problem(_("this is not YAML"), place)


def _without_colon(lines: list[str], line: int, column: int) -> Problem:
    """`params 61706`: a key without a colon behind it."""
    word = (lines[line][column:].split() or [""])[0] if line < len(lines) else ""
    place = Position(line + 1, column + 1, len(word) or 1)
    if kind_named(word) is not None:  # a step, in a list whose other lines have one
        problem = _("a dash is missing in front of '{word}'", word=word[:40])
        return Problem(problem, place, _("begin each step with `- `"))
    problem = _("a colon is missing behind '{word}'", word=word[:40])
    return Problem(problem, place, _("write KEY: VALUE"))


def _wide_colon(lines: list[str], last: int) -> Problem | None:
    """A full-width colon in one of the last lines read that have no other."""
    for number in range(last, max(-1, last - 3), -1):
        line = lines[number] if number < len(lines) else ""
        if "\uff1a" in line and ":" not in line:
            problem = _("'{character}' is a full-width character", character="\uff1a")
            return Problem(problem, Position(number + 1, line.index("\uff1a") + 1), _("write a colon and a space"))
    return None


def _without_space(lines: list[str], last: int) -> Problem | None:
    """`input:3x32x32` or `-relu` in the last lines read: a key or a dash without a space behind it."""
    for number in range(last, max(-1, last - 3), -1):
        line = lines[number] if number < len(lines) else ""
        match = re.match(r"\s*(?:- )?(\w+:)(?=[\w\[{])|\s*(-)(?=[A-Za-z{\[])", line)
        if match:
            mark = match[1] or match[2]
            place = Position(number + 1, match.end() - len(mark) + 1, len(mark))
            return Problem(_("a space is missing behind {mark}", mark=mark), place, _("YAML separates with a space"))
    return None
