"""Tables with the answers of several people: a row for each, as form services export them, or a column with names.

Timestamp,姓名,C1.params (2 points),C3 参数量
2026-03-01 09:10,李雷,156,1516
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple
from unicodedata import normalize

from cnncalc.answers.options import ENDS_OF_OPTIONS, option_of
from cnncalc.answers.sheets.sheet import Answer, Sheet, split_key
from cnncalc.answers.sheets.tables import UNANSWERED, Cells, from_rows, heading_of
from cnncalc.answers.words import COLUMN_OF, is_total, may_end_in_quantity, plain, quantity_of
from cnncalc.errors import Problem, Source
from cnncalc.language import _


def plain_words(text: str) -> frozenset[str]:
    """Words, one for each comma, as `plain` has them."""
    return frozenset(map(plain, text.split(",")))


NAMES = plain_words("name,full name,your name,student,student name,姓名,名字,学生,学生姓名,你的姓名,您的姓名,考生姓名")
NUMBERS = plain_words(
    "student id,id,sid,student number,matriculation number,email,e-mail,email address,username,user name,"
    "学号,工号,考号,邮箱,电子邮件,用户名"
)
GIVEN, FAMILY = frozenset({"firstname", "givenname", "名"}), frozenset({"lastname", "surname", "familyname", "姓"})
ABOUT = plain_words(
    "timestamp,submitted,submission time,start time,completion time,time,date,score,total score,points,class,section,"
    "group,ip,no,language,提交时间,时间戳记,时间戳,开始时间,完成时间,用时,所用时间,总分,得分,班级,序号,来源,来源详情,备注,"
)
NUMBERING = re.compile(
    r"^(?:第?\s*\d+\s*题|q(?:uestion)?\s*\d+|[(]?\d+[)]?(?=\s*[.:、)]))\s*[.:、)]?\s*", re.IGNORECASE
)
POINTS = re.compile(r"\s*[(\[]\s*(\d+(?:\.\d+)?)\s*(?:分|points?|pts?|marks?)\s*[)\]]\s*$", re.IGNORECASE)
JOINTS = " .:-_/的,"
OF_LAYER = re.compile(r"\s+(?:of|in|for|at|after|from)\s+(?:the\s+)?(?:layer\s+)?", re.IGNORECASE)
LONGEST_HEADING = 200  # characters: a question in a form is a sentence, no page
SEARCHED = 6  # rows in which the headings may stand


class Asked(NamedTuple):
    """A column of a form: the question in its heading, and its points."""

    column: int
    layer: str | None
    quantity: str
    points: Fraction


def sheets_from_rows(rows: Sequence[Cells], source: Source, problems: list[Problem], *, blank: bool) -> list[Sheet]:
    """The sheets of a table: one for each person that it names, else one. `blank`: answers may be left out."""
    rows = [cells for cells in rows if any(cell.strip() for cell, _place in cells)]
    for i, cells in enumerate(rows[:SEARCHED]):
        if is_form(cells):
            return people_of_a_form(cells, rows[i + 1 :], source)
        if find_person_column(cells) is not None and not blank:
            return people_of_a_list(cells, rows[i + 1 :], source)
        # Below the headings of a sheet, words like "shape of the output" are notes.
        if heads_a_sheet(cells):
            break
    answers = from_rows(rows, problems, blank=blank)
    return [Sheet(source, tuple(answers), tuple(problems))]


def question_of(cell: str) -> tuple[str | None, str, Fraction] | None:
    """(layer, quantity, points) of a heading: `C1.params`, `3. C1 参数量 (2 分)`; None if it is no question."""
    if len(cell) > LONGEST_HEADING:
        return None
    text = normalize("NFKC", cell).strip()
    found = POINTS.search(text)
    points = Fraction(found[1]) if found else Fraction(1)
    text = POINTS.sub("", text)
    bare = NUMBERING.sub("", text)
    for words in (bare, text):  # a layer may be called 1, and what is asked 1.params
        asked = layer_and_quantity(words.strip(" ?？"))
        # The number of a question may be the name of a layer, as in `1 params`: unless it surely is none, the whole is
        # asked first.
        surely = words == text or asked is None or asked[0] is not None or re.match(r"\d+\s*[.、:)]\s", text)
        if asked is not None and (surely or layer_and_quantity(text) is None):
            return (*asked, points)
    return None


def layer_and_quantity(text: str) -> tuple[str | None, str] | None:
    """A layer and what is asked of it, in one text; of the network where no layer stands before."""
    whole = quantity_of(text)
    if whole is not None:
        return None, whole
    layer, quantity = split_key(text)
    known = quantity_of(quantity)
    if known is not None:
        return layer, known
    for of in OF_LAYER.finditer(text):
        known = quantity_of(text[: of.start()])
        right = text[of.end() :].strip()
        if known is not None and right:
            return (None if is_total(right) else right), known
    if not may_end_in_quantity(text) and not plain(text).endswith(ENDS_OF_OPTIONS):
        return None
    # From the left, so that the words for the quantity are as many as they can be.
    for i in range(1, len(text)):
        rest = text[i:].strip()
        # A single letter may be anything; `conv1 padding` asks backwards.
        known = quantity_of(rest) or (option_of(rest) if len(rest) > 1 else None)
        # `C1参数量` needs no space: the script changes there.
        joined = text[i - 1] in JOINTS + "层" or text[i - 1].isascii() != text[i].isascii()
        name = text[:i].strip(JOINTS).removesuffix("层").strip(JOINTS)
        if known is not None and joined and name:
            return (None if is_total(name) else name), known
    return None


def heads_a_sheet(cells: Cells) -> bool:
    """Whether a row has the headings of one person's sheet."""
    roles = {COLUMN_OF.get(plain(cell)) for cell, _place in cells if plain(cell) != "name"}
    return bool(roles & {"layer", "quantity", "answer"})


def is_form(cells: Cells) -> bool:
    """Whether a row has questions as its headings, and somebody's answers may stand below each."""
    if heads_a_sheet(cells):
        return False
    asked = [question_of(cell) for cell, _place in cells if plain(cell) not in ABOUT]
    # A column `C1.params` stands in no sheet of one person; `params` alone may.
    of_layers = any(one is not None and one[0] is not None for one in asked)
    return of_layers or (any(asked) and any(plain(cell) in (NAMES | NUMBERS) - {"name"} for cell, _place in cells))


def people_of_a_form(head: Cells, rows: Sequence[Cells], source: Source) -> list[Sheet]:
    """A sheet for every row below the questions."""
    questions: list[Asked] = []
    passed: list[Problem] = []
    for column, (cell, place) in enumerate(head):
        about = plain(cell) in ABOUT | NAMES | NUMBERS | GIVEN | FAMILY
        found = None if about else question_of(cell)
        if found is not None:
            questions.append(Asked(column, *found))
        elif not about and any(column < len(cells) for cells in rows):
            hint = None if heading_of(cell) is None else _("name the layer too: C1.params")
            passed.append(Problem(_("the column '{name}' is passed over", name=cell.strip()[:40]), place, hint))
    names = naming_columns(head)
    sheets: list[Sheet] = []
    seen: dict[str, int] = {}
    for cells in rows:
        name = find_person(cells, names) or _("row {n}", n=cells[0][1].line)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:  # handed in twice: both are shown
            name = _("{name} ({n})", name=name, n=seen[name])
        answers = []
        for asked in questions:
            text, place = cells[asked.column] if asked.column < len(cells) else ("", cells[0][1])
            written = "" if text.strip() in UNANSWERED else text.strip()
            answers.append(Answer(asked.layer, asked.quantity, written, place, asked.points))
        notes = () if sheets else tuple(passed)  # they are said once for the file
        sheets.append(Sheet(source, tuple(answers), (), student=name, notes=notes))
    return sheets


def naming_columns(head: Cells) -> list[list[int]]:
    """The columns that say who it is, the best first: given and family name, a name, a number or an address."""
    words = [plain(cell) for cell, _place in head]
    chosen = [[i for i, word in enumerate(words) if word in part] for part in (GIVEN, FAMILY, NAMES, NUMBERS)]
    both = [*chosen[0][:1], *chosen[1][:1]] if chosen[0] and chosen[1] else []
    return [columns for columns in (both, chosen[2][:1], chosen[3][:1]) if columns]


def find_person(cells: Cells, names: Sequence[Sequence[int]]) -> str:
    """Who a row belongs to; empty where it does not say."""
    for columns in names:
        found = " ".join(cells[i][0].strip() for i in columns if i < len(cells)).strip()
        if found:
            return found
    return ""


def find_person_column(cells: Cells) -> int | None:
    """The column that names people in a table with a row per answer; None where it is no such table."""
    roles = [COLUMN_OF.get(plain(cell)) for cell, _place in cells]
    if "answer" not in roles or "quantity" not in roles:
        return None
    people = [i for i, (cell, _place) in enumerate(cells) if plain(cell) in (NAMES | NUMBERS) - {"name", "id"}]
    return people[0] if people else None


def people_of_a_list(head: Cells, rows: Sequence[Cells], source: Source) -> list[Sheet]:
    """A sheet for everyone whom the rows name; a name that stands once above several rows is carried down."""
    at = find_person_column(head)
    assert at is not None
    groups: dict[str, list[Cells]] = {}
    name = ""
    for cells in rows:
        # A spreadsheet may name a student once, above all lines of that student.
        name = (cells[at][0].strip() if at < len(cells) else "") or name
        groups.setdefault(name or _("row {n}", n=cells[0][1].line), []).append([*cells[:at], *cells[at + 1 :]])
    sheets = []
    for who, own in groups.items():
        problems: list[Problem] = []
        answers = from_rows([[*head[:at], *head[at + 1 :]], *own], problems)
        sheets.append(Sheet(source, tuple(answers), tuple(problems), student=who))
    return sheets
