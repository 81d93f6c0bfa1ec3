"""A net without a file: the input's shape, then the steps, separated by semicolons.

3x227x227; conv 96 k11 s4 relu; maxpool k3 s2; C2: conv 256 k5; {residual: [conv 256 k3 p1]}; dense 10
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncalc.errors import Position, Problem, Source, SpecError
from cnncalc.language import _
from cnncalc.spec.read.words import wide_character
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree, read_yaml


def read_inline(source: Source) -> Entries:
    """The same tree that a file with `input:` and `layers:` would give."""
    wide = wide_character(source.text)
    if wide is not None:
        line, column = source.text.count("\n", 0, wide[0]) + 1, wide[0] - source.text.rfind("\n", 0, wide[0])
        raise SpecError([Problem(wide[1], Position(line, column), wide[2])], source)
    segments = list(_segments(source.text))
    if not segments or not segments[0].text:
        raise SpecError(
            [Problem(_("an empty net"), Position(1, 1), _("write '1x32x32; conv 6 k5 tanh; dense 10'"))], source
        )
    if len(segments) == 1:
        hint = _("write '1x32x32; conv 6 k5 tanh; dense 10': a semicolon behind the shape and behind each step")
        raise SpecError([Problem(_("a net of one part, without steps"), segments[0].position, hint)], source)
    root = Entries(Position(1, 1))
    layers = Items(segments[1].position)
    layers.items = [_step(segment, source) for segment in segments[1:] if segment.text]
    root.entries["input"] = (Text("input", segments[0].position), segments[0])
    root.entries["layers"] = (Text("layers", layers.position), layers)
    return root


def _segments(text: str) -> Iterator[Text]:
    """The parts between semicolons and line ends outside brackets, trimmed, with their places."""
    start, depth = 0, 0
    line, begins, seen = 1, 0, 0  # the line in which `seen` stands, and where that begins
    # A semicolon at the end: so the last part ends like the others.
    for i, c in enumerate(text + ";"):
        # A bracket too many closes nothing, or all that follows would count as outside.
        depth = max(0, depth + (c in "([{") - (c in ")]}"))
        if i == len(text) or (c in ";\n" and depth == 0):
            part = text[start:i]
            left = start + len(part) - len(part.lstrip())
            line += text.count("\n", seen, left)
            begins = max(begins, text.rfind("\n", seen, left) + 1)
            seen = left
            yield Text(part.strip(), Position(line, left - begins + 1, max(1, len(part.strip()))))
            start = i + 1


def _step(segment: Text, source: Source) -> Tree:
    """A line as it is; what begins with a bracket or has a name in front is read as YAML."""
    if segment.text[0] not in "{[" and not re.match(r"[^\s()]+:\s", segment.text):
        return segment
    try:
        tree = read_yaml(Source(source.name, segment.text))
    except SpecError as error:
        found = [p._replace(position=p.position and _move_place(p.position, segment.position)) for p in error.problems]
        raise SpecError(found, source) from None
    _move(tree, segment.position, set())
    return tree or segment


def _move_place(place: Position, by: Position) -> Position:
    """A place in a step as one in the whole text, where the step begins at `by`."""
    # A step may go over several lines: only in its first one something stands in front.
    column = place.column + (by.column - 1 if place.line == 1 else 0)
    return Position(place.line + by.line - 1, column, place.width)


def _move(tree: Tree | None, by: Position, done: set[int]) -> None:
    """Give all parts of a step their places in the whole text, once each."""
    if tree is None or id(tree) in done:
        return
    # An alias stands in several places of the tree: moved twice, it would point beyond the text.
    done.add(id(tree))
    tree.position = _move_place(tree.position, by)
    if isinstance(tree, Items):
        for item in tree.items:
            _move(item, by, done)
    elif isinstance(tree, Entries):
        for key, value in tree:
            _move(key, by, done)
            _move(value, by, done)
