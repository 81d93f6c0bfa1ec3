"""Derivations as data for the page: each formula once, as MathML with places for its numbers.

A line of arithmetic is [formula, ...values]: the formula is a number in a list of MathML in which every number is
`<mn/>` and every name `<mtext/>`, and the values fill these in their order; a name is a number in a list of names.
Lines are written once too, and derivations say their numbers: those of all layers take some kilobytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from html import unescape
from typing import Any

from cnncalc.analysis.derivations.board import Derivation, letter_of
from cnncalc.analysis.derivations.costs import COSTS, cost_derivation
from cnncalc.analysis.derivations.counts import single_derivations
from cnncalc.analysis.derivations.fields import field_derivation
from cnncalc.analysis.derivations.formulas import MATHML
from cnncalc.analysis.derivations.lines import Line
from cnncalc.analysis.derivations.memory import peak_derivation
from cnncalc.language import _
from cnncalc.layers.base import POINTWISE
from cnncalc.pages.browser.pool import Text
from cnncalc.report import Report

MOST_WALKED = 1000  # operations from which the page walks back: each way is as long as all before it
FILLED = re.compile(r"<(mn|mtext)>([^<]*)</\1>")
LARGEST = 2**53  # of what JavaScript counts exactly: what is larger is text


def as_exact(value: Any) -> Any:
    """A number that JavaScript reads as it is; of what is no whole number four digits."""
    if isinstance(value, float):
        return shortest(value, 4)
    if not isinstance(value, int):
        return value
    return int(value) if abs(value) < LARGEST else str(int(value))


def shortest(value: float, digits: int) -> float:
    """A number with so many digits behind the point; without one where it is whole."""
    rounded = round(value, digits)
    return int(rounded) if rounded.is_integer() else rounded


class Equations:
    """The formulas of a page, the names in them, and the rows of tables that begin alike."""

    def __init__(self) -> None:
        self.formulas: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.rows: dict[tuple[int, tuple[str, ...]], int] = {}
        self.arithmetic: dict[tuple[Any, ...], int] = {}
        self._known: dict[Hashable, tuple[list[int], list[int]]] = {}
        self._steps: dict[Hashable, int] = {}
        self._alike: dict[str, tuple[list[int], list[int]]] = {}

    def line(self, parts: Sequence[str]) -> int:
        """The number of a line whose parts are MathML."""
        values: list[Any] = []

        def make_empty(found: re.Match[str]) -> str:
            # MathML has & and < as entities; the page sets texts as texts, and needs none.
            text = unescape(found[2])
            if found[1] == "mn":
                plain = text.replace(",", "")
                values.append(as_exact(int(plain)) if plain.lstrip("-").isdigit() else text)
            else:
                values.append(self.names.setdefault(text, len(self.names)))
            return f"<{found[1]}/>"

        formula = FILLED.sub(make_empty, "<mo>=</mo>".join(parts))
        line = self.formulas.setdefault(formula, len(self.formulas)), *values
        return self.arithmetic.setdefault(line, len(self.arithmetic))

    def table(self, rows: Sequence[Sequence[str]]) -> int | None:
        """A table as the number of its last row; each row knows the one before it."""
        # Tables of layers that are alike begin with the same rows, which so are written once for all of them.
        place = -1
        for row in rows:
            place = self.rows.setdefault((place, tuple(row)), len(self.rows))
        return None if place < 0 else place

    def lines(self, found: Derivation, key: Hashable) -> tuple[list[int], list[int]]:
        """The lines of a derivation, and its letters with their values; under the same key they are known."""
        # Putting a line into MathML takes longest of all that the page needs; its languages share what has no words.
        if key not in self._known:
            lines = [self._write(line) for line in found.steps]
            letters = [
                self.line(letter_of(name, value).parts("mathml")) for name, (value, _text) in found.symbols.items()
            ]
            self._known[key] = lines, letters
        return self._known[key]

    def _write(self, line: Line) -> int:
        # A step of a walk back is told by its symbols: hundreds of layers have the same ones.
        if not line.name.startswith("RF"):
            return self.line(line.parts(MATHML))
        key = line.name, line.value, tuple((symbol.name, int(symbol)) for symbol in line.symbols())
        if key not in self._steps:
            self._steps[key] = self.line(line.parts(MATHML))
        return self._steps[key]

    def derivation(self, found: Derivation, key: Hashable) -> list[Any]:
        """[lines, letters each with its meaning, remarks, headings, table]: what is empty at the end is left out."""
        lines, letters = self.lines(found, key)
        meanings = [Text(meaning) for _value, meaning in found.symbols.values()]
        data = [
            lines,
            [part for pair in zip(letters, meanings, strict=True) for part in pair],
            [Text(remark) for remark in found.remarks],
        ]
        if found.table:
            head, *rows = found.table
            return [*data, [Text(text) for text in head], self.table(rows)]
        # Most derivations have neither remarks nor a table.
        while data and not data[-1]:
            data.pop()
        return data

    def each(
        self, numbers: Sequence[int], name: str, derive: Callable[[int], Derivation | None]
    ) -> tuple[list[list[Any] | None], list[int]]:
        """The derivations of all these numbers, each that differs once, and which of them each number has.

        Which are alike is found in the first language, and is so in the others.
        """
        if name in self._alike:
            firsts, places = self._alike[name]
            return [self._data(derive(number), (name, number)) for number in firsts], places
        known: dict[str, int] = {}
        found: list[list[Any] | None] = []
        firsts, places = [], []
        for number in numbers:
            data = self._data(derive(number), (name, number))
            # By its text: lists have no hash, and what is written alike is alike for the page.
            key = repr(data)
            if key not in known:
                known[key] = len(found)
                found.append(data)
                firsts.append(number)
            places.append(known[key])
        self._alike[name] = firsts, places
        return found, places

    def _data(self, found: Derivation | None, key: Hashable) -> list[Any] | None:
        return None if found is None else self.derivation(found, key)

    def as_data(self, nodes: Sequence[str]) -> dict[str, Any]:
        """The lists that lines and tables refer to. A name that is an operation's is its number among `nodes`."""
        places = {name: i for i, name in enumerate(nodes)}
        return {
            "formulas": list(self.formulas),
            "lines": [list(line) for line in self.arithmetic],
            "names": [places.get(name, name) for name in self.names],
            "rows": [[before, list(row)] for before, row in self.rows],
        }


class Distinct:
    """Values of which each is written once; elsewhere its number stands for it. Of None it is -1."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """The number of a value."""
        if value is None:
            return -1
        key = repr(value)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def explain_layers(report: Report, equations: Equations) -> tuple[list[dict[str, list[Any]]], list[int]]:
    """The counts of every layer that is not like another, quantity by quantity, and for each layer which it is."""
    graph = report.graph
    assert graph is not None
    known: dict[Any, int] = {}
    found: list[dict[str, list[Any]]] = []
    places = []
    for number, (node, row) in enumerate(zip(graph.nodes, report.layers, strict=True)):
        # What a layer counts depends on nothing else. Its name stands in no derivation.
        key = node.layer, tuple(graph.shape(v) for v in node.reads), row.weights_of
        if key not in known:
            known[key] = len(found)
            place = known[key]
            single = single_derivations(report, number)
            found.append({d.quantity: equations.derivation(d, (place, d.quantity)) for d in single})
        places.append(known[key])
    return found, places


def explain_fields(report: Report, equations: Equations) -> tuple[list[list[Any] | None], list[int]]:
    """The same for receptive fields: what layers see that keep the field of the one before differs in nothing.

    Each is a way back through all that lies before it: of the first MOST_WALKED operations alone.
    """
    graph = report.graph
    assert graph is not None
    first, behind = len(graph.inputs), list(range(len(graph.nodes)))  # the operation whose field each has
    for number, (node, facts) in enumerate(zip(graph.nodes, graph.facts, strict=True)):
        # An activation sees what the layer before it sees: a second walk would tell the same.
        if facts.reach == POINTWISE and len(node.reads) == 1 and node.reads[0] >= first:
            behind[number] = behind[node.reads[0] - first]
    walked = sorted({number for number in behind if number < MOST_WALKED})
    found, places = equations.each(walked, "field", lambda number: field_derivation(report, number, shortened=True))
    of_walked = dict(zip(walked, places, strict=True))
    # What is left out shares one derivation, which says so.
    if len(of_walked) < len(set(behind)):
        text = _(
            "The page walks back from the first {n:,} operations alone; `cnncalc explain` does from each.",
            n=MOST_WALKED,
        )
        found = [*found, [[], [], [Text(text)]]]
    return found, [of_walked.get(number, len(found) - 1) for number in behind]


def explain_costs(report: Report, equations: Equations) -> dict[str, tuple[list[list[Any] | None], list[int]]]:
    """The same for each quantity that depends on what else the network holds, as what is kept for training does."""
    numbers = range(len(report.layers))

    def explain(quantity: str) -> tuple[list[list[Any] | None], list[int]]:
        return equations.each(numbers, quantity, lambda number: cost_derivation(report, number, quantity))

    return {quantity: explain(quantity) for quantity in COSTS}


def explain_peak(report: Report, equations: Equations) -> list[Any] | None:
    """What is alive at the peak of memory."""
    found = peak_derivation(report)
    return None if found is None else equations.derivation(found, "peak")
