"""Sheets as tables: CSV in its dialects, and Markdown. A row per answer, or a column per quantity."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from fractions import Fraction
from io import StringIO
from itertools import takewhile
from unicodedata import normalize

from cnncalc.answers.sheets.sheet import ABOUT_THE_SHEET, Answer, check_points, split_key
from cnncalc.answers.words import COLUMN_OF, QUANTITIES, is_total, plain, quantity_of
from cnncalc.errors import OptionError, Position, Problem, columns_of, suggest
from cnncalc.language import _

Cells = list[tuple[str, Position]]
SEPARATOR = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
IGNORED = {*map(plain, ABOUT_THE_SHEET - {"name"}), "kind", "type", "note", "comment", "备注", "", "no", "序号",
           *["kernel", "kernelsize", "stride", "padding", "filters", "units", "activation", "input", "inputshape"],
           *["卷积核", "核大小", "步长", "步幅", "填充", "激活", "激活函数", "输入", "说明"],
           "类型", "种类"}  # fmt: skip
UNANSWERED = ("", "-", "–", "—", "/", "n/a", "N/A")
# A layer, then a number or a shape: `C1 156`; no line of a list, `1. 156`.
PAIR = re.compile(r"((?=.*[^\W\d])\S.*?)\s+([-+~≈]?[\d(\[][\d.,x×* ()\[\]]*[kKMGB万亿]?)")
SEARCHED = 6  # lines, or rows, in which headings may stand
GRADED = ("layer", "quantity", "answer")


def rows_of_text(text: str, form: str, problems: list[Problem]) -> list[Cells]:
    """The rows of a table in a text: Markdown, CSV, or columns with blanks between them."""
    if form == "spaced":
        return spaced_rows(text)
    return markdown_rows(text) if form == "markdown" else csv_rows(text, problems)


def from_rows(rows: Sequence[Cells], problems: list[Problem], *, blank: bool = False) -> list[Answer]:
    """The answers of a table, in whichever way it lies; what cannot be used is noted.

    blank  a form to be filled in: where no cell has an answer, each cell is a question
    """
    rows = [cells for cells in rows if any(cell.strip() for cell, _place in cells)]
    # `# text` is a comment; `#` alone may head a column of numbers.
    rows = [cells for cells in rows if not cells[0][0].strip()[1:] or cells[0][0].strip()[0] != "#"]
    if not rows:
        return []
    if speaks_for_itself(rows[0]):
        head: list[str | None] = list(GRADED)
        rows = [[], *rows]
    elif (first := find_crossing(rows)) is not None:
        return read_across(rows[first], rows[first + 1 :], problems, blank)
    else:
        titles = next((i for i, cells in enumerate(rows[:SEARCHED]) if is_head(headings_of(cells))), 0)
        rows = rows[titles:]  # a title or a name may stand above the headings
        head = headings_of(rows[0])
    if not is_head(head):
        pairs = pairs_in(rows)
        if pairs:
            return pairs
        hint = _("name the columns: layer, quantity, answer; or layer and a column for each quantity")
        problems.append(Problem(_("the first line is no heading"), rows[0][0][1], hint))
        return []
    unknown = [(cell, place) for (cell, place), name in zip(rows[0], head, strict=False) if name is None]
    head = each_once(head, rows[0], problems)
    for cell, place in unknown:
        if plain(cell) not in IGNORED and not cell.strip().endswith("%"):  # a share of the total
            known = ["layer", "quantity", "answer", "params", "connections", "macs", "flops", "output"]
            hint = suggest(cell, known) or _("the column is passed over")
            problems.append(Problem(_("unknown heading '{name}'", name=cell.strip()[:40]), place, hint))
    # A line per answer, or a column per quantity.
    long = "quantity" in head or ("answer" in head and not any(n not in COLUMN_OF for n in head if n))
    return read_long(head, rows[1:], problems) if long else read_wide(head, rows[1:], problems, blank)


def pairs_in(rows: Sequence[Cells]) -> list[Answer]:
    """`C1,156` and `C1 156`: a layer and a number in every row; empty where a row holds anything else.

    The layer stands where the quantity would: the grader sees what is meant.
    """
    answers = []
    for cells in rows:
        texts = [cell.strip() for cell, _place in join_cells(cells, 2) if cell.strip()]
        found = PAIR.fullmatch(" ".join(texts)) if len(texts) <= 2 else None
        if found is None:
            return []
        line, column = cells[0][1].line, cells[-1][1].column
        answers.append(Answer(None, found[1], found[2], Position(line, column), quantity_at=cells[0][1]))
    return answers


def is_table(text: str) -> bool:
    """Whether the first lines of a text are rows of a table: headings, or an answer in three cells."""
    rows = [cells for cells in csv_rows(text, []) if len(cells) > 1][:SEARCHED]
    return any(speaks_for_itself(cells) or is_head(headings_of(cells)) for cells in rows)


def each_once(head: Sequence[str | None], titles: Cells, problems: list[Problem]) -> list[str | None]:
    """What the columns hold, where no two hold the same: of those that do the first one counts, which is noted."""
    found: list[str | None] = []
    for i, name in enumerate(head):
        again = name is not None and name in found
        if again:
            problem = _("a second column '{name}': the first one counts", name=titles[i][0].strip()[:40])
            problems.append(Problem(problem, titles[i][1], _("leave one of them out")))
        found.append(None if again else name)
    return found


def speaks_for_itself(cells: Cells) -> bool:
    """Whether a first row is an answer already: `C1,params,156`."""
    texts = [normalize("NFKC", cell).strip() for cell, _place in cells]
    return len(texts) >= 3 and quantity_of(texts[1]) is not None and texts[2][:1] in set("0123456789([-+~")


def find_crossing(rows: Sequence[Cells]) -> int | None:
    """The row with the names of the layers, in a table with a column per layer and a row per quantity; else None."""
    i = next(
        (i for i, cells in enumerate(rows[:SEARCHED]) if sum(bool(cell.strip()) for cell, _place in cells) > 1), None
    )
    if i is None:
        return None
    names = [cell for cell, _place in rows[i][1:] if cell.strip()]
    below = [cells[0][0] for cells in rows[i + 1 :] if cells[0][0].strip()]
    if not names or not below or not all(map(quantity_of, below)) or quantity_of(rows[i][0][0]) is not None:
        return None
    # A layer may be called `output`: most of them are not called like a quantity.
    like_quantities = sum(quantity_of(name) is not None for name in names) * 2 >= len(names)
    return None if like_quantities or any(plain(name) in COLUMN_OF for name in names) else i


def read_across(head: Cells, rows: Sequence[Cells], problems: list[Problem], blank: bool) -> list[Answer]:
    """A column per layer, a row per quantity; an empty cell is no answer."""
    answers = []
    for cells in rows:
        quantity = quantity_of(cells[0][0])
        if quantity is None:
            continue
        if len(cells) > len(head) and any(cell.strip() for cell, _place in cells[len(head) :]):
            problems.append(say_too_many(cells, len(head)))
            continue
        for i, (name, _at) in enumerate(head[1:], 1):
            text, place = cells[i] if i < len(cells) else ("", cells[0][1])
            if name.strip():
                written = "" if text.strip() in UNANSWERED else text.strip()
                answers.append(Answer(None if is_total(name) else name.strip(), quantity, written, place))
    return keep_given(answers, blank)


def keep_given(answers: list[Answer], blank: bool) -> list[Answer]:
    """The answers that were given; of a form in which none is, all."""
    # A key with some cells filled asks for these; an empty one asks for all.
    given = [answer for answer in answers if answer.text]
    return answers if blank and not given else given


def say_too_many(cells: Cells, width: int) -> Problem:
    hint = _('put quotes around a text with separators in it: "6,28,28"')
    return Problem(_("{n} cells under {m} headings", n=len(cells), m=width), cells[width][1], hint)


def headings_of(cells: Cells) -> list[str | None]:
    """What each column holds; the first one holds the layers where no heading says so."""
    head = [heading_of(cell) for cell, _place in cells]
    if "answer" not in head and any(name in QUANTITIES for name in head):  # 类型 is the kind of the layer there
        head = [None if name == "quantity" else name for name in head]
    if "layer" not in head and head[0] is None and plain(cells[0][0]) not in IGNORED - {""}:
        head[0] = "layer"
    return head


def is_head(head: Sequence[str | None]) -> bool:
    """Whether a row names a quantity or a column of answers."""
    return any(name not in (None, "layer", "points", "accept") for name in head) and "answer" not in head[:1]


def heading_of(cell: str) -> str | None:
    """A column's name, a quantity, or None."""
    word = plain(cell)
    return COLUMN_OF.get(word) or quantity_of(cell)


def read_long(head: Sequence[str | None], rows: Sequence[Cells], problems: list[Problem]) -> list[Answer]:
    """A row per answer; a layer's name that stands once above several rows is carried down."""
    answers: list[Answer] = []
    layer: str | None = ""
    above: Position | None = None  # where the layer that is carried down stands
    for cells in rows:
        cells = join_cells(cells, len(head))
        found = {name: cell for name, cell in zip(head, cells, strict=False) if name}
        place = cells[0][1]
        text, at = found.get("answer", ("", place))
        quantity = found.get("quantity", ("", place))[0].strip()
        given = found.get("layer", ("", place))[0].strip()
        above = found["layer"][1] if given else above
        if "." in quantity and not given:
            own, quantity = split_key(quantity)
        elif not quantity and "." in given:
            own, quantity = split_key(given)
        else:
            own = layer = None if (given and is_total(given)) or "layer" not in head else given or layer
        if text.strip() in UNANSWERED and (not quantity or own == ""):
            continue
        if not quantity and own and "quantity" not in head:
            answers.append(Answer(None, own, text.strip(), at, quantity_at=above))  # the grader sees what is meant
        elif not quantity:
            problems.append(Problem(_("an answer without a quantity"), place, _("params, connections, output, ...")))
        elif own == "":
            problems.append(Problem(_("an answer without a layer"), place, _("a layer's name, or total")))
        elif len(cells) > len(head):
            hint = _('put quotes around a text with separators in it: "6,28,28"')
            problems.append(Problem(_("{n} cells under {m} headings", n=len(cells), m=len(head)), at, hint))
        else:
            points = points_in(found.get("points"), problems)
            accept = tuple(p.strip() for p in re.split(r"[|/]| or |或", found.get("accept", ("", at))[0]) if p.strip())
            written = "" if text.strip() in UNANSWERED else text.strip()
            asked = found.get("quantity", ("", place))[1]
            answers.append(Answer(own, quantity, written, at, points, accept, above, asked))
    return answers


def join_cells(cells: Cells, width: int) -> Cells:
    """41,600 or (6, 28, 28) without quotes falls into several cells of a CSV file; they belong to the last column."""
    # In a wide table nobody knows which column a cell too many is of.
    if width > 3 or len(cells) <= width:
        return cells
    # Without quotes CSV takes 41,600 and (6, 28, 28) apart.
    tail = [cell.strip() for cell, _place in cells[width - 1 :]]
    while tail and not tail[-1]:
        tail.pop()
    text = ",".join(tail)
    thousands = re.fullmatch(r"\d{1,3}(,\d{3})+", text)
    listed = re.fullmatch(r"[(\[].*[)\]]", text)
    if thousands or listed or len(tail) == 1:
        return [*cells[: width - 1], (text, cells[width - 1][1])]
    return cells


def read_wide(head: Sequence[str | None], rows: Sequence[Cells], problems: list[Problem], blank: bool) -> list[Answer]:
    """A row per layer, a column per quantity; an empty cell is no answer."""
    answers = []
    layer = ""
    for cells in rows:
        given = next((cell.strip() for name, (cell, _place) in zip(head, cells, strict=False) if name == "layer"), "")
        layer = given or layer
        columns = [(i, name) for i, name in enumerate(head) if name and name not in COLUMN_OF.values()]
        values = [(name, *(cells[i] if i < len(cells) else ("", cells[0][1]))) for i, name in columns]
        own = None if "layer" not in head or is_total(layer) else layer
        here = [Answer(own, name, "" if t.strip() in UNANSWERED else t.strip(), at) for name, t, at in values]
        if len(cells) > len(head) and any(cell.strip() for cell, _place in cells[len(head) :]):
            problems.append(say_too_many(cells, len(head)))
        elif any(answer.text for answer in here) and not layer and "layer" in head:
            problems.append(Problem(_("an answer without a layer"), cells[0][1], _("a layer's name, or total")))
        else:
            answers += here
    return keep_given(answers, blank)


def points_in(cell: tuple[str, Position] | None, problems: list[Problem]) -> Fraction:
    if cell is None or not cell[0].strip():
        return Fraction(1)
    try:
        return check_points(cell[0].strip())
    except OptionError as error:
        problems.append(Problem(error.problem, cell[1], error.hint))
        return Fraction(1)


def markdown_rows(text: str) -> list[Cells]:
    """The rows of the tables in a Markdown text, without the lines under the headings."""
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if "|" not in line or SEPARATOR.fullmatch(line):
            continue
        cells: Cells = []
        column = 1
        for part in re.split(r"(?<!\\)\|", line):
            lead = len(part) - len(part.lstrip())
            cells.append((part.strip().replace("\\|", "|"), Position(number, column + lead, max(1, len(part.strip())))))
            column += len(part) + 1
        # A line of Markdown begins and ends with a bar: there is no cell outside.
        if not cells[0][0]:
            del cells[0]
        if cells and not cells[-1][0] and line.rstrip().endswith("|"):
            del cells[-1]
        if cells:
            rows.append(cells)
    return rows


BORDER = re.compile(r"(?=.*\S)[\s|+=_–—─-]+")
NOT_SPACED = re.compile(r"[,;\t|，；=:：]")  # in headings: CSV, or an answer
Numbered = tuple[int, str]  # a line with its number


def spaced_rows(text: str) -> list[Cells]:
    """The rows of a table whose columns have blanks between them, as programs print it; empty where there is none.

    It begins with its headings and ends with an empty line. A heading may be of several words, a cell may be empty.
    """
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if not BORDER.fullmatch(line)]
    first = next((i for i, (_n, line) in enumerate(lines) if line.strip()), len(lines))
    for i in range(first, min(first + SEARCHED, len(lines))):
        block = list(takewhile(lambda numbered: numbered[1].strip(), lines[i:]))
        if len(block) < 2 or NOT_SPACED.search(block[0][1]):
            continue
        # Columns first, in which a heading may be of several words.
        for rows in (split_at_columns(block), split_at_words(block)):
            if rows and (find_crossing(rows) == 0 or heads_columns(rows[0])):
                return rows
    return []


def heads_columns(cells: Cells) -> bool:
    """Whether these are headings of several columns; a number among them is an answer."""
    words = [cell for cell, _place in cells]
    return len(words) > 1 and not re.search(r"\d", "".join(words)) and is_head(headings_of(cells))


def split_at_words(block: Sequence[Numbered]) -> list[Cells]:
    """A cell for each word; empty where the lines have not all as many."""
    rows = [
        [(word[0], Position(number, word.start() + 1, len(word[0]))) for word in re.finditer(r"\S+", line)]
        for number, line in block
    ]
    said = any(re.search(r"^#|[:=]$", word) for row in rows for word, _place in row)  # lines of words, no cells
    return rows if len({len(row) for row in rows}) == 1 and not said else []


def split_at_columns(block: Sequence[Numbered]) -> list[Cells]:
    """Cells with two blanks and more between them, each under the heading with which it is aligned."""
    rows = [
        [(cell[0], Position(number, cell.start() + 1, len(cell[0]))) for cell in re.finditer(r"\S+(?: \S+)*", line)]
        for number, line in block
    ]
    spans = [spans_of(row, line) for row, (_number, line) in zip(rows, block, strict=True)]
    corner = spans[0][0][0]  # nothing stands above the first column of a table with a column per layer
    if all(own[0][1] <= corner for own in spans[1:]):
        rows[0].insert(0, ("", Position(block[0][0], 1)))
        spans[0].insert(0, (0, corner))
    return [rows[0], *(cells_below(spans[0], row, own) for row, own in zip(rows[1:], spans[1:], strict=True))]


def spans_of(cells: Cells, line: str) -> list[tuple[int, int]]:
    """The columns of the screen that the cells of a line take: the first, and the one behind the last."""
    starts = [columns_of(line[: place.column - 1]) for _text, place in cells]
    return [(start, start + columns_of(text)) for start, (text, _place) in zip(starts, cells, strict=True)]


def cells_below(heads: Sequence[tuple[int, int]], cells: Cells, spans: Sequence[tuple[int, int]]) -> Cells:
    """The cells of a line, one for each heading."""
    row: Cells = [("", Position(cells[0][1].line, 1)) for _head in heads]
    for (text, place), (left, right) in zip(cells, spans, strict=True):
        # Columns are aligned left or right: one of the two edges agrees, or nearly.
        apart = [min(abs(left - start), abs(right - end)) for start, end in heads]
        under = apart.index(min(apart))
        before, at = row[under]
        row[under] = (f"{before} {text}", at) if before else (text, place)
    return row


def csv_rows(text: str, problems: list[Problem]) -> list[Cells]:
    """The rows of a CSV text; commas, semicolons or tabs, whichever its first line has most of."""
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:  # a spreadsheet says it itself
        delimiter = first.strip()[4]
        lines = ["" if line == first else line for line in lines]
    else:
        marks = [mark for mark in ",;\t，；" if mark in first]
        delimiter = max(marks, key=first.count, default=",")
    rows: list[Cells] = []
    reader = csv.reader(StringIO("\n".join(lines)), delimiter=delimiter, skipinitialspace=True)
    while True:
        # A row may go over several lines, in quotes: its place is where it begins.
        start = reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return rows
        except csv.Error as error:
            said = _("not CSV: {reason}", reason=str(error))
            problems.append(Problem(said, Position(max(1, reader.line_num), 1)))
            return rows
        rows.append(place_cells(row, lines[start] if start < len(lines) else "", start + 1))


def place_cells(row: Sequence[str], line: str, number: int) -> Cells:
    """Each cell with its place in the line."""
    cells: Cells = []
    column = 0
    for cell in row:
        # Quotes are gone from the cell, so it is looked for behind the one before.
        found = line.find(cell, column) if cell else column
        column = max(found, column)
        cells.append((cell, Position(number, column + 1, max(1, len(cell)))))
        column += len(cell) + (1 if cell else 0)
    return cells or [("", Position(number, 1))]
