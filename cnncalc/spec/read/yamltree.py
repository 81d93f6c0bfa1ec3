"""YAML as text with positions: every scalar stays what was written, and knows where.

Built from the parser's events, which do not recurse, so that deep nesting, repeated anchors and duplicate
keys are errors with a place instead of a crash. Uses libyaml where PyYAML has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml

from cnncalc.errors import Position, Problem, Source, SpecError
from cnncalc.language import _

DEEPEST = 50  # nested lists and mappings
MOST_NODES = 500_000  # after anchors are expanded
MOST_SUSPECTS = 10  # lines that are looked at for nesting: for each the text is read up to there


class Text:
    """A scalar, as written. `offset` is where its characters begin behind `position`: 1 inside quotes."""

    __slots__ = ("offset", "position", "text")
    size = 1

    def __init__(self, text: str, position: Position, offset: int = 0) -> None:
        self.text = text
        self.position = position
        self.offset = offset

    def at(self, start: int, width: int) -> Position:
        """The position of a part of the text."""
        if self.offset < 0:  # folded or literal: characters do not stand where they are counted
            return self.position
        return Position(self.position.line, self.position.column + self.offset + start, width)


class Items:
    """A list of nodes."""

    __slots__ = ("items", "position", "size")

    def __init__(self, position: Position) -> None:
        self.items: list[Tree] = []
        self.position = position
        self.size = 1


class Entries:
    """A mapping: its entries in order, keys unique."""

    __slots__ = ("entries", "position", "size")

    def __init__(self, position: Position) -> None:
        self.entries: dict[str, tuple[Text, Tree]] = {}
        self.position = position
        self.size = 1

    def __iter__(self) -> Iterator[tuple[Text, Tree]]:
        return iter(self.entries.values())


Tree = Text | Items | Entries


def raw(tree: Tree) -> Any:
    """The tree as text and lists of text, positions dropped."""
    if isinstance(tree, Text):
        return tree.text
    if isinstance(tree, Items):
        return [raw(item) for item in tree.items]
    return {key.text: raw(value) for key, value in tree}


def read_yaml(source: Source, problems: list[Problem] | None = None) -> Tree | None:
    """The one document of a YAML text; None if it is empty. Raises SpecError with the place.

    problems  a list that takes what can be passed over, a key that is given twice, in place of an error
    """
    refuse_deep_nesting(source)
    builder = _Builder(source)
    try:
        builder.read(source.text)
    except yaml.YAMLError as error:
        raise SpecError([*builder.problems, _syntax_problem(error, source)], source) from None
    if problems is not None:
        problems += builder.problems
    elif builder.problems:
        raise SpecError(builder.problems, source)
    return builder.root


def refuse_deep_nesting(source: Source) -> None:
    """Raise SpecError, in our words, for brackets in brackets that a parser would give up on before we see them.

    A parser reads ahead within a line, to find out whether what it has read is a key, and has a limit of its own
    there. So a line with too many open brackets is first read up to that place alone, where what is read counts as
    nested in the usual way; brackets in quotes turn out to be none. Takes time in proportion to the text.
    """
    for end in islice(_suspects(source.text), MOST_SUSPECTS):
        try:
            _Builder(source).read(source.text[:end])
        except yaml.YAMLError:  # of course: the brackets are not closed
            continue


def _suspects(text: str) -> Iterator[int]:
    """Where more than DEEPEST brackets of a line are open, quotes not looked at; one place in a line."""
    start = 0
    for line in text.split("\n"):
        if line.count("[") + line.count("{") > DEEPEST:
            depth = 0
            for match in re.finditer(r"[\[{\]}]", line):
                depth = max(0, depth + (1 if match[0] in "[{" else -1))
                if depth > DEEPEST:
                    yield start + match.end()
                    break
        start += len(line) + 1


class _Builder:
    """Puts events together to a tree."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.root: Tree | None = None
        self.documents = 0
        self.open: list[Items | Entries] = []
        self.keys: list[Text | None] = []  # for each open mapping, the key that waits for its value
        self.anchors: dict[str, Tree | None] = {}
        self.anchor_names: list[str | None] = []

    def read(self, text: str) -> None:
        """Take all events of a text. Raises SpecError, and YAMLError where the parser does."""
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            self.take(event)

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            position = _position(event)
            offset = 1 if event.style in ("'", '"') else -1 if event.style in ("|", ">") else 0
            if event.end_mark.line != event.start_mark.line:
                offset = -1
            scalar = Text(event.value, position, offset)
            if event.anchor:
                self.anchors[event.anchor] = scalar
            self.add(scalar)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self.start(Entries(_position(event)) if kind is yaml.MappingStartEvent else Items(_position(event)), event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            done = self.open.pop()
            self.keys.pop()
            anchor = self.anchor_names.pop()
            if anchor:
                self.anchors[anchor] = done
            if self.open:
                self.count(self.open[-1], done.size, done.position)
        elif kind is yaml.AliasEvent:
            self.alias(event)
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                self.stop(
                    _("a file holds one spec, and a second document starts here"), _position(event), _("remove the ---")
                )

    def start(self, tree: Items | Entries, event: Any) -> None:
        if len(self.open) >= DEEPEST:
            self.stop(_("lists and mappings are nested more than {deepest} deep", deepest=DEEPEST), tree.position, None)
        if event.anchor:
            self.anchors[event.anchor] = None  # not complete: an alias inside would be a loop
        self.add(tree, counted=False)
        self.open.append(tree)
        self.keys.append(None)
        self.anchor_names.append(event.anchor)

    def alias(self, event: Any) -> None:
        tree = self.anchors.get(event.anchor)
        if tree is None:
            problem = _("the anchor &{anchor} is not defined before", anchor=event.anchor)
            if event.anchor in self.anchors:
                problem = _("the anchor &{anchor} contains itself", anchor=event.anchor)
            self.stop(problem, _position(event), None)
        else:
            self.add(tree)

    def add(self, tree: Tree, counted: bool = True) -> None:
        if not self.open:
            self.root = tree
            return
        parent = self.open[-1]
        if isinstance(parent, Items):
            parent.items.append(tree)
        elif self.keys[-1] is None:
            if not isinstance(tree, Text):
                self.stop(_("a key must be a word"), tree.position, None)
            elif tree.text == "<<":
                self.stop(_("merge keys are not part of the language"), tree.position, _("use defaults: or a block"))
            elif tree.text in parent.entries:
                first = parent.entries[tree.text][0].position
                hint = _("the first one is in line {line}; keep one of them", line=first.line)
                self.problems.append(Problem(_("the key '{key}' is given twice", key=tree.text), tree.position, hint))
            self.keys[-1] = tree if isinstance(tree, Text) else None
        else:
            key = self.keys[-1]
            parent.entries.setdefault(key.text, (key, tree))
            self.keys[-1] = None
        if counted:
            self.count(parent, tree.size, tree.position)

    def count(self, parent: Items | Entries, size: int, position: Position) -> None:
        parent.size += size
        if parent.size > MOST_NODES:
            self.stop(
                _("the file holds more than {most:,} values once its anchors are expanded", most=MOST_NODES),
                position,
                _("use a block with a repeat instead"),
            )

    def stop(self, problem: str, position: Position, hint: str | None) -> None:
        raise SpecError([*self.problems, Problem(problem, position, hint)], self.source)


def _position(event: Any) -> Position:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Position(start.line + 1, start.column + 1, max(1, width))


def _syntax_problem(error: yaml.YAMLError, source: Source) -> Problem:
    """A parser's complaint in our words where it is a common one."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or error).split("\n")[0]
    if mark is None:  # a character that YAML forbids
        match = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", source.text)
        if match:
            before = source.text[: match.start()]
            line, column = before.count("\n") + 1, match.start() - before.rfind("\n")
            problem = _("the character {character!a} is not allowed in YAML", character=match.group())
            return Problem(problem, Position(line, column), _("remove it"))
        return Problem(_("not YAML: {said}", said=said), Position(1, 1))
    lines = source.text.split("\n")
    text = lines[mark.line] if mark.line < len(lines) else ""
    tab = text.find("\t")
    if tab >= 0 and tab <= mark.column:
        return Problem(_("a tab: YAML is indented with spaces"), Position(mark.line + 1, tab + 1), _("write spaces"))
    context = str(getattr(error, "context", None) or "")
    opened: Any = getattr(error, "context_mark", None)
    if "parsing a flow" in context and opened is not None:
        bracket = "[" if "sequence" in context else "{"
        advice = _('put quotes around a text that holds brackets or commas: "conv $(w[0]) k3"')
        if mark.line == opened.line and mark.column < len(text):
            problem = _("a comma is missing before this, or the {bracket} is not closed", bracket=bracket)
            return Problem(problem, Position(mark.line + 1, mark.column + 1), advice)
        problem = _("the {bracket} is not closed, or a comma is missing behind it", bracket=bracket)
        return Problem(problem, Position(opened.line + 1, opened.column + 1), advice)
    if "quoted scalar" in context and opened is not None:
        return Problem(_("the quote is not closed"), Position(opened.line + 1, opened.column + 1), _("write it twice"))
    if "expected ':'" in said and opened is not None:
        return _without_space(lines, opened.line) or _without_colon(lines, opened.line, opened.column)
    glued = _without_space(lines, mark.line)
    if glued:
        return glued
    hint: str | None = None
    if "mapping values are not allowed" in said:
        column = len(text) - len(text.lstrip())
        above = mark.line - 1
        while above > 0 and lines[above].strip() == "":
            above -= 1
        # A line without a colon and the key below it are one key to YAML, which complains at the colon.
        if above >= 0 and re.match(rf" {{{column}}}[^\s#-][^:]*$", lines[above]):
            return _without_colon(lines, above, column)
        hint = _("a second ': ' in one line (put { } around it, or quotes), or a line that is indented too far")
    elif "found character" in said:
        hint = _("put quotes around the text")
    return Problem(_("not YAML: {said}", said=said), Position(mark.line + 1, mark.column + 1), hint)


def _without_colon(lines: list[str], line: int, column: int) -> Problem:
    """`params 61706`: a key without a colon behind it."""
    word = (lines[line][column:].split() or [""])[0] if line < len(lines) else ""
    problem = _("a colon is missing behind '{word}'", word=word[:40])
    return Problem(problem, Position(line + 1, column + 1, len(word) or 1), _("write KEY: VALUE"))


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
