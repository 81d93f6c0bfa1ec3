"""Answer sheets: YAML, JSON, CSV, a Markdown table, or words like C3.connections=41600.

Every answer keeps its place. What cannot be used is noted as a problem; the other answers stay.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from cnncalc.answers.sheets.forms import sheets_from_rows
from cnncalc.answers.sheets.sentences import answers_in_sentences, reads_as_sentences
from cnncalc.answers.sheets.sheet import Sheet, unusable, with_some_answer
from cnncalc.answers.sheets.tables import is_table, rows_of_text, spaced_rows
from cnncalc.answers.sheets.trees import from_tree
from cnncalc.errors import Position, Problem, Source, SpecError, open_file
from cnncalc.language import _, reason_of
from cnncalc.spec.read.yamltree import read_yaml

LARGEST_SHEET = 2_000_000  # bytes
# UTF-8 first: GB 18030 takes nearly every text for one of its own.
ENCODINGS = ("utf-8-sig", "gb18030")
YAML_LINE = re.compile(r"(- )?[^,;\t|=]+:( |$)|- ")
ENDINGS = (".csv", ".tsv", ".xlsx", ".yaml", ".yml", ".json", ".md", ".markdown", ".txt")


def read_sheet(path: str) -> Sheet:
    """The one sheet in a file. Raises SpecError where nothing of it can be read, or several people's answers."""
    sheets = read_sheets(path)
    if len(sheets) > 1:
        said = _("the answers of {n} people in one file", n=len(sheets))
        raise unusable(path, said, _("grade them with `cnncalc check SPEC FILE --marks`"))
    return sheets[0]


def read_key(path: str) -> Sheet:
    """A teacher's sheet with questions, whose answers may be left out. Raises SpecError where there is none."""
    sheet = read_sheets(path, blank=True)[0]
    if not sheet.answers:
        raise SpecError(with_some_answer(sheet).problems, sheet.source)
    return sheet


def read_sheets(path: str, *, blank: bool = False) -> list[Sheet]:
    """The sheets in a file, one for each person. Raises SpecError where nothing of it can be read.

    blank  a form or a key: its answers may be missing
    """
    if path.lower().endswith(".xlsx"):
        from cnncalc.answers.sheets.workbooks import read_workbook  # it brings every compression of archives along

        return read_workbook(path, blank=blank)
    try:
        if path == "-" and sys.stdin is not None:
            text = decode(sys.stdin.buffer.read(LARGEST_SHEET + 1), "<stdin>")
            return sheets_from_text(Source("<stdin>", text), blank=blank)
        with open_file(path) as file:
            data = file.read(LARGEST_SHEET + 1)
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise unusable(path, _("cannot be read: {reason}", reason=reason)) from None
    return sheets_from_text(Source(path, decode(data, path)), blank=blank)


def decode(data: bytes, name: str) -> str:
    """The text of a sheet: UTF-8 with or without a mark, UTF-16 with one (a spreadsheet's), or GBK."""
    if len(data) > LARGEST_SHEET:
        raise unusable(name, _("the sheet is larger than {size} MB", size=LARGEST_SHEET // 10**6))
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        # No text has this character: what has was written in another encoding.
        if "\0" not in text:
            # One kind of line end, since places are counted in lines.
            return re.sub("\r\n|\r|\x85|\u2028|\u2029", "\n", text)
    hint = _("save it as CSV, YAML, JSON or Markdown, in UTF-8")
    raise unusable(name, _("not a text file in UTF-8 or GBK"), hint)


def sheets_from_text(source: Source, *, blank: bool = False) -> list[Sheet]:
    """The sheets that a text holds; its form is seen from the ending of its name, else from the text."""
    problems: list[Problem] = []
    form = form_of(source)
    if form == "nested":
        try:
            answers = from_tree(read_yaml(source, problems), problems)
        except SpecError:
            # A list below a line with a colon is YAML only as far as a glance tells.
            if not reads_as_sentences(source.text.split("\n")):
                raise
            answers = answers_in_sentences(source.text, problems)
        sheets = [Sheet(source, tuple(answers), tuple(problems))]
    elif form == "yaml":
        # JSON may be indented with tabs, YAML not; one space for a tab keeps every place.
        text = source.text.replace("\t", " ") if source.text.lstrip()[:1] in ("{", "[") else source.text
        answers = from_tree(read_yaml(Source(source.name, text), problems), problems)
        sheets = [Sheet(source, tuple(answers), tuple(problems))]
    elif form == "sentences":
        sheets = [Sheet(source, tuple(answers_in_sentences(source.text, problems)), tuple(problems))]
    else:
        sheets = sheets_from_rows(rows_of_text(source.text, form, problems), source, problems, blank=blank)
    if form == "spaced" and sheets:
        sheets[0] = sheets[0]._replace(notes=(*sheets[0].notes, *notes_below(source.text)))
    sheets = sheets or [Sheet(source, (), tuple(problems))]
    return sheets if blank or len(sheets) > 1 else [with_some_answer(sheets[0])]


def notes_below(text: str) -> list[Problem]:
    """That the lines below a table with blanks between its columns are passed over, where a number is in them."""
    last = spaced_rows(text)[-1][0][1].line
    below = [n for n, line in enumerate(text.split("\n")[last:], last + 1) if re.search(r"\d", line)]
    return [Problem(_("what stands below the table is passed over"), Position(below[0], 1))] if below else []


def form_of(source: Source) -> str:
    """Of what form a text is: yaml, nested (which looks like YAML), markdown, csv, spaced (by blanks) or sentences."""
    ending = os.path.splitext(source.name)[1].lower()
    by_ending = {".yaml": "yaml", ".yml": "yaml", ".json": "yaml", ".csv": "csv", ".tsv": "csv"}
    if ending in by_ending:
        return by_ending[ending]
    lines = [line.strip() for line in source.text.split("\n") if line.strip()]
    first = lines[0] if lines else ""
    # From what can be told for sure to what is a guess.
    if any(re.fullmatch(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?", line) and "|" in line for line in lines):
        return "markdown"
    if spaced_rows(source.text):
        return "spaced"
    if first[:1] in ("{", "[") or first == "---":
        return "yaml"
    if is_nested(source.text):
        return "nested"
    if reads_as_sentences(lines) and not is_table(source.text):
        return "sentences"
    return "yaml" if YAML_LINE.match(first) else "csv"


def is_nested(text: str) -> bool:
    """Whether a text is YAML by more than a colon in each line: keys below keys, lists, quotes, comments."""
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    deep = any(re.match(r"\s+\S|- \S+: |[\"']|[^#]*: [\"'{\[]|[^#]*\s#", line) for line in lines)
    return deep and all(YAML_LINE.match(line.lstrip()) for line in lines)


def from_words(words: Sequence[str]) -> Sheet:
    """`C3.connections=41600 params=61,706`, as on the command line; a word is a line."""
    problems: list[Problem] = []
    text = "\n".join(words).encode("utf-8", "replace").decode()  # a terminal may pass on what is no text
    source = Source(_("the command line"), text)
    return Sheet(source, tuple(answers_in_sentences(source.text, problems)), tuple(problems))
