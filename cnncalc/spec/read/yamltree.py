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
TEXT = "tag:yaml.org,2002:str"  # the tag !!str
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
        from cnncalc.spec.read.complaints import syntax_problem

        raise SpecError([*builder.problems, syntax_problem(error, source)], source) from None
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
                # Brackets in quotes make this too high or too low: it is a suspicion, and reading decides.
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
        """One event of the parser's."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self.take_scalar(event)
        elif kind is yaml.MappingStartEvent:
            self.start(Entries(_position(event)), event)
        elif kind is yaml.SequenceStartEvent:
            self.start(Items(_position(event)), event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.end()
        elif kind is yaml.AliasEvent:
            self.take_alias(event)
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                self.stop(
                    _("a file holds one spec, and a second document starts here"), _position(event), _("remove the ---")
                )

    def take_scalar(self, event: Any) -> None:
        # Inside quotes characters begin one behind the place; of a text over several lines no place is known.
        offset = 1 if event.style in ("'", '"') else -1 if event.style in ("|", ">") else 0
        if event.end_mark.line != event.start_mark.line:
            offset = -1
        scalar = Text(event.value, _position(event), offset)
        if event.anchor:
            self.anchors[event.anchor] = scalar
        if event.tag is not None:
            self.refuse_tag(event)
        self.add(scalar)

    def end(self) -> None:
        done = self.open.pop()
        self.keys.pop()
        anchor = self.anchor_names.pop()
        # Complete now: what is behind it may mean it.
        if anchor:
            self.anchors[anchor] = done
        if self.open:
            self.count(self.open[-1], done.size, done.position)

    def start(self, tree: Items | Entries, event: Any) -> None:
        if len(self.open) >= DEEPEST:
            self.stop(_("lists and mappings are nested more than {deepest} deep", deepest=DEEPEST), tree.position, None)
        if event.tag is not None:
            self.refuse_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = None  # not complete: an alias inside would be a loop
        # Counted when it ends, with all that is in it.
        self.add(tree, counted=False)
        self.open.append(tree)
        self.keys.append(None)
        self.anchor_names.append(event.anchor)

    def refuse_tag(self, event: Any) -> None:
        """A tag says of what type a value is: here what reads it knows, and another would be left out unseen."""
        if event.tag == TEXT:  # which every value is
            return
        problem = _("tags are not part of the language: {tag}", tag=event.tag.removeprefix("tag:yaml.org,2002:"))
        self.problems.append(Problem(problem, _position(event), _("leave it out; texts stand in quotes")))

    def take_alias(self, event: Any) -> None:
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
            # A key given twice waits for its value all the same, or values would become keys.
            self.keys[-1] = tree if isinstance(tree, Text) else None
        else:
            key = self.keys[-1]
            # The first of two equal keys stays, which the message points at.
            parent.entries.setdefault(key.text, (key, tree))
            self.keys[-1] = None
        if counted:
            self.count(parent, tree.size, tree.position)

    def count(self, parent: Items | Entries, size: int, position: Position) -> None:
        # An anchor counts wherever it is meant: ten short lines may stand for a million values.
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
    # Of what goes over several lines the first place alone is marked.
    width = end.column - start.column if end.line == start.line else 1
    return Position(start.line + 1, start.column + 1, max(1, width))
