"""Answer sheets: YAML, JSON, CSV, a Markdown table, or words like C3.connections=41600.

Every answer keeps its place. What cannot be used is noted as a problem; the other answers stay.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.answers.words import COLUMN_OF, is_total, plain
from cnncalc.errors import OptionError, Position, Problem, Source, SpecError
from cnncalc.language import _
from cnncalc.spec.yamltree import Entries, Items, Text, Tree, read_yaml

LARGEST_SHEET = 2_000_000  # bytes
ENCODINGS = ("utf-8-sig", "gb18030")
ABOUT_THE_SHEET = {"name", "student", "course", "date", "spec", "notes", "id", "姓名", "学号", "班级"}
ENDINGS = (".csv", ".tsv", ".xlsx", ".yaml", ".yml", ".json", ".md", ".markdown", ".txt")


class Answer(NamedTuple):
    """What stands in a sheet, words as written; a layer of None is the whole network."""

    layer: str | None
    quantity: str
    text: str
    position: Position | None = None
    points: Fraction = Fraction(1)
    accept: tuple[str, ...] = ()


class Sheet(NamedTuple):
    """The answers of one person, what could not be read, and the text for messages."""

    source: Source
    answers: tuple[Answer, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """`answers/li.csv` is the sheet of li."""
        return os.path.splitext(os.path.basename(self.source.name))[0]


def read_sheet(path: str) -> Sheet:
    """The sheet in a file. Raises SpecError where nothing of it can be read."""
    if path.lower().endswith(".xlsx"):
        from cnncalc.answers.workbooks import read_workbook

        return read_workbook(path)
    try:
        if path == "-" and sys.stdin is not None:
            return sheet_from_text(Source("<stdin>", decoded(sys.stdin.buffer.read(LARGEST_SHEET + 1), "<stdin>")))
        with open(path, "rb") as file:
            data = file.read(LARGEST_SHEET + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unusable(path, _("cannot be read: {reason}", reason=reason)) from None
    return sheet_from_text(Source(path, decoded(data, path)))


def decoded(data: bytes, name: str) -> str:
    """The text of a sheet: UTF-8 with or without a mark, UTF-16 with one (a spreadsheet's), or GBK."""
    if len(data) > LARGEST_SHEET:
        raise unusable(name, _("the sheet is larger than {size} MB", size=LARGEST_SHEET // 10**6))
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return re.sub("\r\n|\r|\x85|\u2028|\u2029", "\n", text)
    hint = _("save it as CSV, YAML, JSON or Markdown, in UTF-8")
    raise unusable(name, _("not a text file in UTF-8 or GBK"), hint)


def unusable(name: str, problem: str, hint: str | None = None) -> SpecError:
    return SpecError([Problem(problem, Position(1, 1), hint)], Source(name, ""))


def sheet_from_text(source: Source) -> Sheet:
    """The sheet that a text is; its form is seen from the ending of its name, else from the text."""
    problems: list[Problem] = []
    form = form_of(source)
    if form == "yaml":
        # JSON may be indented with tabs, YAML not; one space for a tab keeps every place.
        text = source.text.replace("\t", " ") if source.text.lstrip()[:1] in ("{", "[") else source.text
        answers = from_tree(read_yaml(Source(source.name, text), problems), problems)
    elif form == "words":
        answers = words_of_lines(source.text, problems)
    else:
        from cnncalc.answers.tables import from_table

        answers = from_table(source.text, form, problems)
    if not any(answer.text.strip() for answer in answers) and not problems:
        hint = _("a line for each answer: layer, quantity, answer")
        problems.append(Problem(_("the sheet is empty: there is no answer in it"), Position(1, 1), hint))
    return Sheet(source, tuple(answers), tuple(problems))


def form_of(source: Source) -> str:
    """yaml (JSON is YAML too), markdown, csv or words."""
    ending = os.path.splitext(source.name)[1].lower()
    by_ending = {".yaml": "yaml", ".yml": "yaml", ".json": "yaml", ".csv": "csv", ".tsv": "csv"}
    if ending in by_ending:
        return by_ending[ending]
    lines = [line.strip() for line in source.text.split("\n") if line.strip()]
    first = lines[0] if lines else ""
    if any(re.fullmatch(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?", line) and "|" in line for line in lines):
        return "markdown"
    if first[:1] in ("{", "[") or first == "---" or re.match(r"(- )?[^,;\t|=]+:( |$)", first):
        return "yaml"
    return "words" if lines and all(re.match(r"[^,;\t]*=", line) for line in lines) else "csv"


def from_words(words: Sequence[str]) -> Sheet:
    """`C3.connections=41600 params=61,706`, as on the command line; a word is a line."""
    problems: list[Problem] = []
    text = "\n".join(words).encode("utf-8", "replace").decode()  # a terminal may pass on what is no text
    source = Source(_("the command line"), text)
    return Sheet(source, tuple(words_of_lines(source.text, problems)), tuple(problems))


def words_of_lines(text: str, problems: list[Problem]) -> list[Answer]:
    answers = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            hint = _("write LAYER.quantity=value")
            problems.append(Problem(_("'{text}' is no answer", text=line.strip()[:40]), Position(number, 1), hint))
            continue
        layer, quantity = split_key(key)
        position = Position(number, len(key) + 2, max(1, len(value)))
        answers.append(Answer(layer, quantity, value.strip(), position))
    return answers


def split_key(key: str) -> tuple[str | None, str]:
    """`C3.params` is a layer and a quantity, `params` and `total.params` are of the network."""
    layer, dot, quantity = key.strip().rpartition(".")
    return (None if not dot or is_total(layer) else layer.strip()), quantity.strip()


def from_mapping(given: Mapping[Any, Any] | Iterable[Any]) -> Sheet:
    """Answers from Python: {"C3.params": 1516, "C3": {"output": (16, 10, 10)}}, or a list of rows."""
    problems: list[Problem] = []
    answers = [answer._replace(position=None) for answer in from_tree(as_tree(given, 0), problems)]
    problems = [problem._replace(position=None) for problem in problems]
    if not answers and not problems:
        problems.append(Problem(_("there is no answer")))
    return Sheet(Source(_("the answers"), ""), tuple(answers), tuple(problems))


def as_tree(value: Any, depth: int) -> Tree:
    """A Python value as the tree of a text."""
    position = Position(1, 1)
    if depth > 20:
        return Text("...", position)
    if isinstance(value, Mapping):
        entries = Entries(position)
        for key, item in value.items():
            name = ".".join(str(k) for k in key if k is not None) if isinstance(key, tuple) else str(key)
            entries.entries[name] = (Text(name, position), as_tree(item, depth + 1))
        return entries
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        items = Items(position)
        items.items = [as_tree(item, depth + 1) for item in value]
        return items
    return Text("" if value is None else str(value), position)


def from_tree(tree: Tree | None, problems: list[Problem]) -> list[Answer]:
    """Answers of a YAML or JSON sheet: LAYER.quantity or nested layers as keys, or a list of rows."""
    answers: list[Answer] = []
    if isinstance(tree, Entries) and "answers" in tree.entries:
        tree = tree.entries["answers"][1]
    if isinstance(tree, Items):
        for item in tree.items:
            row(item, answers, problems)
    elif isinstance(tree, Entries):
        for key, value in tree:
            if plain(key.text) in ABOUT_THE_SHEET and isinstance(value, Text):
                continue
            if isinstance(value, Entries) and not is_answer(value):
                layer = None if is_total(key.text) else key.text
                for inner, node in value:
                    add(layer, inner.text, node, answers, problems)
            else:
                add(*split_key(key.text), value, answers, problems)
    elif isinstance(tree, Text) and tree.text.strip():
        problems.append(Problem(_("a sheet holds lines like C3.params: 1516"), tree.position))
    return answers


def is_answer(tree: Entries) -> bool:
    """`{answer: 1516, points: 2}`, not a layer with its quantities."""
    return any(COLUMN_OF.get(plain(key.text)) == "answer" for key, _value in tree)


def row(tree: Tree, answers: list[Answer], problems: list[Problem]) -> None:
    """`{layer: C3, quantity: params, answer: 1516}`, or one layer with several quantities, or [C3, params, 1516]."""
    if isinstance(tree, Items) and len(tree.items) in (2, 3):
        names = ("layer", "quantity", "answer")[-len(tree.items) :]
        keyed = Entries(tree.position)
        keyed.entries = {n: (Text(n, tree.position), item) for n, item in zip(names, tree.items, strict=True)}
        tree = keyed
    if not isinstance(tree, Entries):
        problems.append(Problem(_("not an answer"), tree.position, _("write layer, quantity and answer")))
        return
    cells = {COLUMN_OF.get(plain(key.text), key.text): value for key, value in tree}
    texts = {name: value.text for name, value in cells.items() if isinstance(value, Text)}
    layer = texts.get("layer")
    if "quantity" in texts:
        given, quantity = split_key(texts["quantity"]) if layer is None else (layer, texts["quantity"])
        add(None if is_total(given) else given, quantity, tree, answers, problems)
        return
    for key, value in tree:
        name = COLUMN_OF.get(plain(key.text))
        if name is None and plain(key.text) not in ABOUT_THE_SHEET:
            split = split_key(key.text)
            add(split[0] if layer is None else None if is_total(layer) else layer, split[1], value, answers, problems)


def add(layer: str | None, quantity: str, tree: Tree, answers: list[Answer], problems: list[Problem]) -> None:
    """Note one answer: a value, or a mapping with answer, points and accept."""
    points, value = Fraction(1), tree
    accept: tuple[str, ...] = ()
    if isinstance(tree, Entries):
        cells = {COLUMN_OF.get(plain(key.text), key.text): node for key, node in tree}
        missing = Text("", tree.position)
        value = cells.get("answer", missing)
        points = points_of(cells.get("points", missing), problems)
        accept = alternatives(cells["accept"]) if "accept" in cells else ()
    text = text_of(value)
    position = value.position
    if text.strip() in ("null", "~", "None"):
        text = ""  # asked, and not answered
    answers.append(Answer(layer, quantity, text, position, points, accept))


def text_of(tree: Tree) -> str:
    if isinstance(tree, Text):
        return tree.text
    items = tree.items if isinstance(tree, Items) else []
    return "(" + ", ".join(item.text if isinstance(item, Text) else "?" for item in items) + ")"


def alternatives(tree: Tree) -> tuple[str, ...]:
    """What else a teacher allows: one, several with | between, or a list of them."""
    if isinstance(tree, Items) and not all(isinstance(i, Text) and i.text.isdecimal() for i in tree.items):
        return tuple(text_of(item) for item in tree.items)
    if isinstance(tree, Items):  # [2416, 1516]: two numbers, and perhaps one shape
        return (*(text_of(item) for item in tree.items), text_of(tree))
    return tuple(part.strip() for part in re.split(r"[|]|\bor\b|或", text_of(tree)) if part.strip())


def points_of(tree: Text | Tree, problems: list[Problem]) -> Fraction:
    """The points of an answer, 1 where none are given."""
    text = text_of(tree).strip()
    try:
        return checked_points(text) if text else Fraction(1)
    except OptionError as error:
        problems.append(Problem(error.problem, tree.position, error.hint))
        return Fraction(1)


def checked_points(text: str) -> Fraction:
    """`2` or `0.5`. Raises OptionError."""
    if re.fullmatch(r"\d{1,6}(\.\d{1,4})?", text, re.ASCII):
        return Fraction(text)
    raise OptionError(_("'{text}' are no points", text=text[:20]), _("write 2 or 0.5"))
