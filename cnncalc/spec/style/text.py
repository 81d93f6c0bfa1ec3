"""What is done to the text of a spec before and behind the YAML library: comments and the order of keys."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

import yaml

from cnncalc.spec.read.comments import comments, is_remark
from cnncalc.spec.read.yamltree import Entries

BETWEEN = 2  # spaces in front of a comment behind something


def move_out_of_brackets(text: str) -> str:
    """The text with the comments that stand inside brackets moved to lines of their own in front."""
    lines = text.split("\n")
    spans = list(find_brackets(text))
    moved: dict[int, list[str]] = {}
    for line, column, comment in comments(text):
        at = bisect_left(spans, ((line - 1, column - 1),)) - 1  # the last that begins before it
        if at >= 0 and (line - 1, column - 1) < spans[at][1]:
            lines[line - 1] = lines[line - 1][: column - 1].rstrip()
            # In front of the line in which the outermost bracket opens: inside, the library would lose it.
            moved.setdefault(spans[at][0][0], []).append(comment.rstrip())
    result = []
    for number, content in enumerate(lines):
        indent = content[: len(content) - len(content.lstrip())]
        result += [*(indent + comment for comment in moved.get(number, ())), content]
    return "\n".join(result)


def replace_tabs(text: str) -> str:
    """The text with a space for each tab between words. Those in quotes, in longer texts and in comments stay."""
    if "\t" not in text:
        return text
    lines = text.split("\n")
    kept = {line - 1: column - 1 for line, column, _comment in comments(text)}  # from here on
    quoted = [
        (token.start_mark, token.end_mark)
        for token in yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if isinstance(token, yaml.ScalarToken) and not token.plain
    ]
    # Place by place, for a text in quotes may go over several lines.
    stays = {
        (number, column)
        for start, end in quoted
        for number in range(start.line, min(end.line, len(lines) - 1) + 1)
        for column, character in enumerate(lines[number])
        if character == "\t" and (start.line, start.column) <= (number, column) < (end.line, end.column)
    }
    for number, line in enumerate(lines):
        if "\t" in line:
            end = kept.get(number, len(line))
            spaced = (" " if c == "\t" and (number, i) not in stays else c for i, c in enumerate(line[:end]))
            lines[number] = "".join(spaced) + line[end:]
    return "\n".join(lines)


def find_brackets(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the outermost lists and mappings in brackets begin and end: line and column, from 0."""
    depth = 0
    start = (0, 0)
    for token in yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)):
            if depth == 0:
                start = (token.start_mark.line, token.start_mark.column)
            depth += 1
        elif isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)):
            depth -= 1
            if depth == 0:
                yield start, (token.end_mark.line, token.end_mark.column)


def put_in_order(text: str, tree: Entries, keys: Sequence[str]) -> str:
    """The top-level keys in the order of `keys`, each with the comment directly in front of it."""
    lines = text.split("\n")
    starts = {}
    for key, _node in tree:
        first = key.position.line - 1
        if key.position.column != 1 or lines[first][:1] in "{?":
            return text  # in brackets, or indented: as it is
        while first > 0 and lines[first - 1][:1] == "#":
            first -= 1
        starts[key.text] = first
    head = min(starts.values())
    top = min(tree, key=lambda entry: entry[0].position.line)[0]
    starts[top.text] = head = top.position.line - 1  # a comment at the top is about the file
    end = len(lines)
    while end > max(starts.values()) + 1 and lines[end - 1][:1] in ("", "#"):
        end -= 1  # comments at the end are about the file too
    chunks = {first: lines[first:last] for first, last in pairwise([*sorted(starts.values()), end])}
    wanted = sorted(starts, key=lambda key: keys.index(key) if key in keys else len(keys))
    ordered = [line for key in wanted for line in chunks[starts[key]]]
    return "\n".join([*lines[:head], *ordered, *lines[end:]])


def tidy(text: str) -> str:
    """Comments two spaces behind what they follow, or indented as what they stand at; single empty lines, none last."""
    lines = [line.rstrip() for line in text.split("\n")]
    before, behind = find_indents(lines), find_indents(lines[::-1])[::-1]
    for line, column, _comment in comments(text):
        content, comment = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        if content.strip():
            # Comments that somebody has put below each other stay so: more than two spaces are kept.
            lines[line - 1] = content.rstrip() + " " * max(BETWEEN, len(content) - len(content.rstrip())) + comment
        else:
            indents = (behind[line - 1], before[line - 1])  # of the neighbours, whichever is nearer to what it was
            lines[line - 1] = " " * min(indents, key=lambda indent: abs(indent - len(content))) + comment
    joined = "\n".join(lines).strip("\n")
    # Empty lines part what belongs together; two of them say no more than one.
    return re.sub(r"\n{3,}", "\n\n", joined) + "\n"


def find_indents(lines: Sequence[str]) -> list[int]:
    """For each line the indentation of the last one before it that says something; 0 where there is none."""
    found, last = [], 0
    for line in lines:
        found.append(last)
        if not is_remark(line):
            last = len(line) - len(line.lstrip())
    return found
