"""Derivations as a teacher would write them on the board: a page that every format can write."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from cnncalc.analysis.derivations.formulas import LATEX, MATHML, TEXT
from cnncalc.analysis.derivations.lines import Line
from cnncalc.formats import write_page
from cnncalc.formats.latex import equations
from cnncalc.formats.numbers import value_text
from cnncalc.formats.page import Derived, Formula, Page, Section, Table
from cnncalc.formats.plain import WIDEST
from cnncalc.language import _
from cnncalc.report import as_json

WRITERS = {"text": TEXT, "latex": LATEX, "mathml": MATHML}


class Derivation(NamedTuple):
    """How one quantity of one layer (or of the whole network) comes about.

    steps    the lines, the last of them the quantity itself
    remarks  the rule that was applied, and what is often asked about it
    symbols  letter to (value, meaning), in the order in which they are used
    value    the number, or a size for each axis, as in the report; None where it is not known
    """

    layer: str | None
    quantity: str
    title: str
    value: Any
    steps: tuple[Line, ...] = ()
    remarks: tuple[str, ...] = ()
    symbols: Mapping[str, tuple[int | None, str]] = MappingProxyType({})
    table: Sequence[Sequence[str]] = ()

    @property
    def formula(self) -> str:
        """The formula of the last line, in symbols."""
        return self.steps[-1].formula() if self.steps else ""

    @property
    def substituted(self) -> str:
        """The same with the values of its symbols."""
        return self.steps[-1].substitution() if self.steps else ""

    def to_latex(self) -> str:
        """The lines as an `align*` environment."""
        return equations([line.parts(LATEX) for line in self.steps])

    def __str__(self) -> str:
        return write_page(board([self]), "plain", WIDEST).rstrip("\n") + "\n"

    def _repr_markdown_(self) -> str:
        return write_page(board([self]), "markdown")


def board(found: Sequence[Derivation], heading: str = "") -> Page:
    """The derivations one below the other; each symbol is explained once."""
    sections = []
    for derivation, symbols in zip(found, new_symbols(found), strict=True):
        table = None
        if derivation.table:
            head, *rows = derivation.table
            table = Table(head, rows, left=2 if len(head) == 3 else 1)
        letters = [(letter_of(name, value), meaning) for name, value, meaning in symbols]
        lines = [formula_of(line) for line in derivation.steps]
        sections.append(
            Section("", table, heading=title_of(derivation), notes=derivation.remarks, derived=Derived(letters, lines))
        )
    return Page(
        heading,
        sections,
        # As a function: of all formats JSON alone asks for it.
        lambda: {"name": heading, "derivations": [as_data(derivation) for derivation in found]},
        records=lambda: [record(derivation) for derivation in found],
        document=True,
        broken_at=WIDEST,
    )


def title_of(derivation: Derivation) -> str:
    """`C3.connections = 151,600`."""
    name = f"{derivation.layer}.{derivation.title}" if derivation.layer else f"{_('total')} {derivation.title}"
    return f"{name} = {value_text(derivation.value)}"


def formula_of(line: Line) -> Formula:
    """A line of arithmetic, in whatever notation a format writes."""
    return Formula(lambda how: line.parts(WRITERS[how]))


def letter_of(name: str, value: int | None) -> Formula:
    """A letter and its value."""

    def parts(how: str) -> list[str]:
        write = WRITERS[how]
        if how == "text":
            return [name] if value is None else [name, f"{value:,}"]
        return [write.symbol(name)] if value is None else [write.symbol(name), write.number(value)]

    return Formula(parts)


def new_symbols(found: Sequence[Derivation]) -> list[list[tuple[str, int | None, str]]]:
    """For each derivation the letters that no earlier one has explained."""
    # A letter is explained again where it stands for another value: n of C1 is not n of C3.
    known: set[tuple[str, int | None]] = set()
    result = []
    for derivation in found:
        fresh = [(name, value, meaning) for name, (value, meaning) in derivation.symbols.items()
                 if (name, value) not in known]  # fmt: skip
        known |= {(name, value) for name, value, _meaning in fresh}
        result.append(fresh)
    return result


def record(derivation: Derivation) -> dict[str, Any]:
    """A derivation as a row of CSV: the number with its formula."""
    return {
        "layer": derivation.layer or "total",
        "quantity": derivation.quantity,
        "value": as_json(derivation.value),
        "formula": derivation.formula,
        "substituted": derivation.substituted,
    }


def as_data(derivation: Derivation) -> dict[str, Any]:
    """A derivation as JSON has it: also its lines, its letters and what is said of it."""
    return {
        **record(derivation),
        "lines": [" = ".join(line.parts(TEXT)) for line in derivation.steps],
        "symbols": {name: {"value": value, "meaning": text} for name, (value, text) in derivation.symbols.items()},
        "remarks": list(derivation.remarks),
        "table": [list(row) for row in derivation.table],
    }
