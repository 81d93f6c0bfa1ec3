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
    layers = Items(segments[1].position if len(segments) > 1 else Position(1, 1))
    layers.items = [_step(segment, source) for segment in segments[1:] if segment.text]
    root.entries["input"] = (Text("input", segments[0].position), segments[0])
    root.entries["layers"] = (Text("layers", layers.position), layers)
    return root


def _segments(text: str) -> Iterator[Text]:
    """The parts between semicolons and line ends outside brackets, trimmed, with their places."""
    start, depth = 0, 0
    for i, c in enumerate(text + ";"):
        depth = max(0, depth + (c in "([{") - (c in ")]}"))
        if i == len(text) or (c in ";\n" and depth == 0):
            part = text[start:i]
            left = start + len(part) - len(part.lstrip())
            line = text.count("\n", 0, left) + 1
            column = left - (text.rfind("\n", 0, left) + 1) + 1
            yield Text(part.strip(), Position(line, column, max(1, len(part.strip()))))
            start = i + 1


def _step(segment: Text, source: Source) -> Tree:
    """A line as it is; what begins with a bracket or has a name in front is read as YAML."""
    if segment.text[0] not in "{[" and not re.match(r"[^\s()]+:\s", segment.text):
        return segment
    line, column, _ = segment.position
    # Read in its place, so that positions are those of the whole text.
    return read_yaml(Source(source.name, "\n" * (line - 1) + " " * (column - 1) + segment.text)) or segment
