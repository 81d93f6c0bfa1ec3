"""Answers in lines as people write them: `conv1: 896 params`, `MACs of C3 = 150k`, `2. C1 的参数量是 156`.

A line is split where what stands before is a question; several answers may stand in one line, and the name of a layer
alone above the lines that are about it. Which layers there are is not known here: the grader looks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from cnncalc.answers.options import option_of
from cnncalc.answers.sheets.forms import NAMES, NUMBERS, OF_LAYER, POINTS, question_of
from cnncalc.answers.sheets.sheet import ABOUT_THE_SHEET, Answer, split_key
from cnncalc.answers.words import is_total, plain, quantity_of
from cnncalc.errors import Position, Problem
from cnncalc.language import _

LONGEST_LINE = 400  # characters; what is longer is an essay
MOST_JOINTS = 20  # places in a line where the question may end
LONGEST_TITLE = 60
LOOKED_AT = 100  # lines of a text, to see whether it is sentences

# What stands between a question and its answer, or between a layer and what it has.
JOINT = re.compile(
    r"\s*(?:->|→|⇒|[=＝:：≈]|\b(?:is|are|equals?|has|have|needs?|gives?)\b|的?(?:是|为|等于|有|共有|需要))\s*",
    re.IGNORECASE,
)
# Where an answer may begin without any: `conv2 output 64x16x16`, `C1 参数量156`.
NUMBER = re.compile(r"(?:(?<=\s)|(?<=[一-鿿]))(?=[-+~≈]?[\d(\[一二三四五六七八九])")
ASIDE = re.compile(r"\s*\([^()]*[^\W\d][^()]*\)$")
SAID_BEHIND = re.compile(r"([-+~≈]?[\d(\[](?:(?![,;，；]\s).)*?)\s*((?:[^\W\d]|的)[^\d]*)", re.DOTALL)
BULLET = re.compile(
    r"\s*(?:[-*•·>]\s+|(?:so|thus|then|therefore|hence|and|there\s+(?:is|are)|in\s+total|answers?)\b[\s,:]*|(?:所以|因此|解|答)[：:，,]?\s*)*",
    re.IGNORECASE,
)
PARTS = re.compile(
    r"\s+(?:and|和|以及)\s+|[;；]\s*|[,，、]\s+(?=[^\W\d])|(?:,\s+|[，、]\s*)(?=\d[\d.,]*\s*[^\W\dx])|，(?=[^\W\d])"
)
DIGIT = re.compile(r"[\d一二三四五六七八九十]")
HEADING = re.compile(r"#+\s*(?P<title>[^:：=]+?)\s*|(?:\*\*)?(?P<layer>[^:：=]+?)\s*[:：]?\s*(?:\*\*)?[:：]?\s*")
AT_ITS_WORD = re.compile(r"\s*([^\s=:](?:[^=:]*[^\s=:])?(?=\s*=)|[^\s=:]+\.[^\s=:]+(?=:\s))\s*[=:]\s*(.*)")
ENDS = re.compile(r"[。.!！]?\s*$")


class Statement(NamedTuple):
    """One answer within a line: what it is about, the answer, and the columns, from 0, where they begin."""

    layer: str | None
    quantity: str
    text: str
    key: str
    at: int


def name_question(key: str, text: str) -> tuple[str | None, str, str]:
    """(layer, quantity, answer) of `key: text`; the quantity stands in the key, or beside the number.

    A key that is no question is taken at its word, as `C1.parms` is: the grader says what is wrong with it.
    """
    layer, quantity = split_key(key)
    if quantity_of(quantity) is not None or option_of(quantity) is not None:
        return layer, quantity, text
    asked = question_of(key)
    if asked is not None:
        return asked[0], asked[1], text
    said = find_quantity_beside(text) if "." not in key else None
    return (None if is_total(key) else key.strip(), *said) if said is not None else (layer, quantity, text)


def find_quantity_beside(text: str) -> tuple[str, str] | None:
    """(quantity, answer) of `896 params` or `params 896`; None where no quantity stands beside a number."""
    found = SAID_BEHIND.fullmatch(ASIDE.sub("", text.strip()))
    if found is not None and (quantity := quantity_of(found[2].lstrip("个条次"))) is not None:
        return quantity, found[1].strip()
    for joint in joints_in(text):
        known = quantity_of(text[: joint.start()])
        if known is not None and DIGIT.search(text[joint.end() :]):
            return known, text[joint.end() :].strip()
    return None


def joints_in(text: str, begin: int = 0) -> list[re.Match[str]]:
    """The places where a question may end and its answer begin, from left to right."""
    # Of a line of numbers without an end the first joints will do.
    found = [*islice(JOINT.finditer(text, begin), MOST_JOINTS), *islice(NUMBER.finditer(text, begin), MOST_JOINTS)]
    return sorted(found, key=lambda joint: joint.start())[:MOST_JOINTS]


def statement_in(text: str, start: int = 0) -> Statement | None:
    """The one answer that a piece of a line states, which begins at column `start`; None where it states none."""
    lead = BULLET.match(text)
    begin = lead.end() if lead is not None else 0
    first = read_number_first(text[begin:], start + begin)
    # Where a number comes first it is the answer, and what follows says of what.
    for joint in joints_in(text, begin) if first is None else ():
        key, rest = text[begin : joint.start()], ENDS.sub("", text[joint.end() :]).strip()
        asked = question_of(key)
        if asked is not None and (DIGIT.search(rest) or joint.group().strip()):
            return Statement(asked[0], asked[1], rest, key, start + joint.end())
        key = POINTS.sub("", key).strip()
        said = find_quantity_beside(rest) if key and joint.group().strip() else None
        if said is not None:
            return Statement(None if is_total(key) else key, *said, key, start + joint.end())
    return first


def read_number_first(text: str, start: int) -> Statement | None:
    """`156 parameters in C1`: the number before what it is."""
    number, _space, rest = text.partition(" ")
    quantity, *layers = OF_LAYER.split(ENDS.sub("", rest), maxsplit=1)
    known = quantity_of(quantity) if re.match(r"[-+~≈]?[\d(\[]", number) else None
    if known is None:
        return None
    layer = layers[0].strip() if layers else None
    return Statement(None if is_total(layer) else layer, known, number, rest, start)


def statements_in(line: str) -> list[Statement]:
    """The answers that a line states, in order: `C1: output 6x28x28, 156 params` has two; empty where it has none."""
    exact = read_exact(line)
    if exact is not None and is_known(exact):
        return [exact]
    if len(line) > LONGEST_LINE or not DIGIT.search(line):
        return [exact] if exact is not None else []
    pieces = list(split_parts(line))
    stated: list[Statement] = []
    for start, piece in pieces if len(pieces) > 1 else ():
        found = statement_in(piece, start)
        # `conv1 has 896 params, conv2: 18496`: what is asked is as in the piece before.
        if found is None and stated:
            found = same_of_another(piece, start, stated[-1])
        if found is None:  # what follows the comma is a part of the number, or said besides
            stated.clear()
            break
        if found.layer is None and stated and not mentions_total(found.key):
            found = found._replace(layer=stated[-1].layer)
        stated.append(found)
    whole = (statement_in(line) or exact) if not stated else None
    return [whole] if whole is not None else stated


def same_of_another(piece: str, start: int, before: Statement) -> Statement | None:
    """`S4: 2,000` behind `connections of C3: 151,600`: the same quantity of another layer."""
    found = re.fullmatch(r"\s*([^\s:=：＝][^:=：＝]*?)\s*[:=：＝]\s*([-+~≈]?[\d(\[].*)", piece)
    return found and Statement(found[1], before.quantity, found[2].strip(), found[1], start + found.start(2))


def answers_to(quantity: str, line: str) -> list[Statement]:
    """The answers of a line below the heading of a quantity: `C1: 156, C3: 1516` below `Parameters`."""
    before = Statement(None, quantity, "", "", 0)
    lead = BULLET.match(line)
    begin = lead.end() if lead is not None else 0
    found = [same_of_another(piece, begin + start, before) for start, piece in split_parts(line[begin:])]
    return (
        [one._replace(layer=None if is_total(one.layer) else one.layer) for one in found if one] if all(found) else []
    )


def read_bare(line: str) -> list[Statement]:
    """`C1: 156`: a layer and a number, without what it is; the layer stands where the quantity would."""
    found = answers_to("", line)
    return [one._replace(layer=None, quantity=one.layer) for one in found if one.layer is not None]


def read_exact(line: str) -> Statement | None:
    """`C3.params=1516`, the way in which the command line has it; with a colon where the key has a dot."""
    found = AT_ITS_WORD.fullmatch(line)
    return found and Statement(*split_key(found[1]), found[2].strip(), found[1], found.start(2))


def is_known(stated: Statement) -> bool:
    """Whether a statement asks for a quantity that there is."""
    return quantity_of(stated.quantity) is not None or option_of(stated.quantity) is not None


def split_parts(line: str) -> Iterator[tuple[int, str]]:
    """The parts of a line between commas that a word follows, none within brackets, each with its first column."""
    start = 0
    for mark in PARTS.finditer(line):
        # Within brackets it belongs to a shape, or to an aside.
        if line.count("(", start, mark.start()) > line.count(")", start, mark.start()):
            continue
        yield start, line[start : mark.start()]
        start = mark.end()
    yield start, line[start:]


def mentions_total(key: str) -> bool:
    """Whether a question asks for the whole network in words."""
    return (
        any(is_total(word) for word in re.findall(r"[a-z]+|[一-鿿]+", key.casefold()) if word != "sum") or "总" in key
    )


def reads_as_sentences(lines: Sequence[str]) -> bool:
    """Whether more lines state an answer than have a number in them and state none."""
    others: list[Problem] = []
    answers = answers_in_sentences("\n".join(lines[:LOOKED_AT]), others)
    return len({answer.position.line for answer in answers if answer.position}) > len(others)


def is_about(line: str) -> bool:
    """Whether a line says who wrote it and when: `Name: Li Lei`, 学号：2023001."""
    key = re.split(r"[:：=]", line, maxsplit=1)[0]
    return plain(key) in ABOUT_THE_SHEET | NAMES | NUMBERS or line.lstrip().startswith("//")


def answers_in_sentences(text: str, problems: list[Problem]) -> list[Answer]:
    """The answers of a text, line by line; a line with a number that states none is noted as a problem."""
    answers: list[Answer] = []
    heading: str | None = None
    asked = ""  # by a heading such as `Parameters:`
    for number, line in enumerate(text.split("\n"), 1):
        comment = line.lstrip().startswith("#")  # or a heading of Markdown
        stated = [] if comment else statements_in(line)
        if asked and not any(map(is_known, stated)):
            stated = answers_to(asked, line)
        if not stated and not comment and not is_about(line):
            stated = read_bare(line)
        answers += [answer_of(one, line, number, heading) for one in stated]
        if stated or is_about(line):
            continue
        title = title_in(line)
        if title is not None:
            asked = quantity_of(title) or ""
            heading = None if asked or is_total(title) else title
        # Above the answers a number may stand in a title: Homework 3.
        elif DIGIT.search(line) and not comment and (answers or JOINT.search(line)):
            hint = _("write LAYER.quantity: value, or say it in words: conv1 has 896 params")
            problems.append(Problem(_("'{text}' is no answer", text=line.strip()[:40]), Position(number, 1), hint))
    return answers


def answer_of(stated: Statement, line: str, number: int, heading: str | None) -> Answer:
    """A statement of the line of this number, as an answer that knows its places and what heading it stands under."""
    key = stated.key.strip()
    # A key that was put together stands nowhere as it is: then the line is shown from its beginning.
    asked = Position(number, max(0, line.find(key)) + 1, max(1, len(key)))
    place = Position(number, stated.at + 1, max(1, len(stated.text)))
    under = heading if stated.layer is None and not mentions_total(key) else None
    return Answer(
        stated.layer, stated.quantity, stated.text, place, layer_at=asked, quantity_at=asked, under=under
    )  # fmt: skip


def title_in(line: str) -> str | None:
    """What a line that states nothing is the heading of: `## C1`, `C1:`, `**C1**`; None where it is none."""
    found = HEADING.fullmatch(line.strip()) if len(line) <= LONGEST_TITLE else None
    title = found and (found["title"] or found["layer"])
    return title if found and title and (found["title"] or line.strip()[-1] in ":：*") else None
