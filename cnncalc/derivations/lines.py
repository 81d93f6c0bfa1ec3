"""A number with its derivation: lines of formula, substitution and result, and what a teacher adds to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from cnncalc.derivations.formulas import LATEX, TEXT, Names, Notation, expression, folded
from cnncalc.trace import Traced, symbols_in


class Line(NamedTuple):
    """`name = formula = substitution = value`. A number without a formula is `name = value`."""

    name: str
    number: int
    names: Names = MappingProxyType({})
    free: frozenset[str] = frozenset()  # letters that stay letters; without any, all do

    @property
    def value(self) -> int:
        return int(self.number)

    @property
    def derived(self) -> bool:
        """Whether there is a formula to show."""
        return isinstance(self.number, Traced)

    def formula(self, notation: Notation = TEXT) -> str:
        if self.free:
            return notation.write(folded(expression(self.number, self.names, values=self.free)))
        return notation.write(expression(self.number, self.names))

    def substituted(self, notation: Notation = TEXT) -> str:
        return notation.write(expression(self.number, self.names, values=True))

    def parts(self, notation: Notation = TEXT) -> list[str]:
        """What stands between the signs of equality: each part once."""
        parts = [notation.symbol(self.name)]
        if self.free:
            return [*parts, self.formula(notation)]
        if self.derived:
            parts += [self.formula(notation), self.substituted(notation)]
        parts.append(notation.number(self.value))
        return [part for i, part in enumerate(parts) if not i or part != parts[i - 1]]

    def symbols(self) -> list[Traced]:
        known = dict(self.names)
        known.pop(id(self.number), None)
        return list(symbols_in(self.number, known))

    def letters(self) -> set[str]:
        """Names of the symbols in the formula."""
        return {symbol.name for symbol in self.symbols()}

    def uses(self) -> set[str]:
        """Names of the parts that are derived elsewhere."""
        return {part.name or self.names[id(part)] for part in self.symbols()}


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
        return self.steps[-1].substituted() if self.steps else ""

    def to_latex(self) -> str:
        """The lines as an `align*` environment."""
        return latex_lines(self.steps)

    def __str__(self) -> str:
        from cnncalc.derivations.board import render

        return render([self], "text")

    def _repr_markdown_(self) -> str:
        from cnncalc.derivations.board import render

        return render([self], "markdown")


def latex_lines(lines: Sequence[Line]) -> str:
    r"""`align*`: a line each, aligned at the first sign of equality."""
    rows = []
    for line in lines:
        first, *rest = line.parts(LATEX)
        whole = " = ".join(rest)
        if len(whole) <= 120:
            rows.append(f"  {first} &= {whole}")
        else:  # too wide for a page
            rows += [f"  {first} &= {rest[0]}", *(f"    &= {part}" for part in rest[1:])]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
