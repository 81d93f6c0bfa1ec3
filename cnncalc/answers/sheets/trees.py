"""Sheets as trees: YAML, JSON and values of Python. LAYER.quantity or nested layers as keys, or a list of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from cnncalc.answers.sheets.sentences import name_question
from cnncalc.answers.sheets.sheet import ABOUT_THE_SHEET, Answer, Sheet, check_points, split_key
from cnncalc.answers.words import COLUMN_OF, is_total, plain, quantity_of
from cnncalc.errors import OptionError, Position, Problem, Source
from cnncalc.language import _
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree

NOTHING = ("null", "~", "None")
REPORT = {"schema_version", "layers", "totals"}  # the keys of a report in JSON


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
    # A list of Python's may hold itself.
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
    # Above its answers a sheet may say who wrote it.
    if isinstance(tree, Entries) and "answers" in tree.entries:
        tree = tree.entries["answers"][1]
    if isinstance(tree, Entries) and tree.entries.keys() >= REPORT:
        from_report(tree, answers, problems)
    elif isinstance(tree, Items):
        for item in tree.items:
            read_row(item, answers, problems)
    elif isinstance(tree, Entries):
        for key, value in tree:
            if plain(key.text) in ABOUT_THE_SHEET and isinstance(value, Text):
                continue
            if isinstance(value, Entries) and not is_answer(value):
                layer = None if is_total(key.text) else key.text
                # `params: {C1: 156, C3: 1516}` has the layers within the quantity.
                turned = quantity_of(key.text) if not any(quantity_of(inner.text) for inner, _node in value) else None
                for inner, node in value:
                    if turned is not None:
                        add(None if is_total(inner.text) else inner.text, turned, node, answers, problems)
                    else:
                        add(layer, inner.text, node, answers, problems)
            else:
                add(*split_key(key.text), value, answers, problems)
    elif isinstance(tree, Text) and tree.text.strip():
        problems.append(Problem(_("a sheet holds lines like C3.params: 1516"), tree.position))
    return answers


def from_report(tree: Entries, answers: list[Answer], problems: list[Problem]) -> None:
    """A report as `--format json` writes it, of this network as somebody else has it: its numbers are the answers."""
    layers, totals = tree.entries["layers"][1], tree.entries["totals"][1]
    rows = [item for item in layers.items if isinstance(item, Entries)] if isinstance(layers, Items) else []
    for part in (*rows, totals):
        numbers = Entries(part.position)
        if isinstance(part, Entries):
            # Of the rest, kinds and places, no answer is asked.
            kept = {name: entry for name, entry in part.entries.items() if name == "name" or quantity_of(name) == name}
            numbers.entries = {name: entry for name, entry in kept.items() if text_of(entry[1]) not in NOTHING}
        read_row(numbers, answers, problems)


def is_answer(tree: Entries) -> bool:
    """`{answer: 1516, points: 2}`, not a layer with its quantities."""
    return any(COLUMN_OF.get(plain(key.text)) == "answer" for key, _value in tree)


def read_row(tree: Tree, answers: list[Answer], problems: list[Problem]) -> None:
    """`{layer: C3, quantity: params, answer: 1516}`, or one layer with several quantities, or [C3, params, 1516]."""
    # [C3, params, 1516], or [params, 60000] of the whole network.
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
        accept = read_alternatives(cells["accept"]) if "accept" in cells else ()
    text = text_of(value)
    position = value.position
    if text.strip() in NOTHING:
        text = ""  # asked, and not answered
    if layer is None and isinstance(value, Text):
        layer, quantity, text = name_question(quantity, text)
    answers.append(Answer(layer, quantity, text, position, points, accept))


def text_of(tree: Tree) -> str:
    if isinstance(tree, Text):
        return tree.text
    items = tree.items if isinstance(tree, Items) else []
    return "(" + ", ".join(item.text if isinstance(item, Text) else "?" for item in items) + ")"


def read_alternatives(tree: Tree) -> tuple[str, ...]:
    """What else a teacher allows: one, several with | between, or a list of them."""
    # Of numbers alone it may be one shape: see below.
    if isinstance(tree, Items) and not all(isinstance(i, Text) and i.text.isdecimal() for i in tree.items):
        return tuple(text_of(item) for item in tree.items)
    if isinstance(tree, Items):  # [2416, 1516]: two numbers, and perhaps one shape
        return (*(text_of(item) for item in tree.items), text_of(tree))
    return tuple(part.strip() for part in re.split(r"[|]|\bor\b|或", text_of(tree)) if part.strip())


def points_of(tree: Text | Tree, problems: list[Problem]) -> Fraction:
    """The points of an answer, 1 where none are given."""
    text = text_of(tree).strip()
    try:
        return check_points(text) if text else Fraction(1)
    except OptionError as error:
        problems.append(Problem(error.problem, tree.position, error.hint))
        return Fraction(1)
