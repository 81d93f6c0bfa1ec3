"""The comments of a YAML text, which the parser drops."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml


def is_remark(line: str) -> bool:
    """Whether a line says nothing to a parser."""
    return line.strip()[:1] in ("", "#")


def comments(text: str) -> Iterator[tuple[int, int, str]]:
    """Every comment of a YAML text with its line and column: a # behind a space that stands in no scalar."""
    scalars = []
    for token in yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark, token.end_mark
            scalars.append(((start.line, start.column), (end.line, end.column)))
    at = 0
    for number, line in enumerate(text.split("\n")):
        for match in re.finditer(r"(?:^|(?<=\s))#", line):
            place = (number, match.start())
            # Scalars and comments come in the same order: one walk over both.
            while at < len(scalars) and scalars[at][1] <= place:
                at += 1
            if at == len(scalars) or place < scalars[at][0]:
                yield number + 1, match.start() + 1, line[match.start() :]
                break
