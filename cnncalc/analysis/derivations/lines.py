"""A number with its derivation: lines of formula, substitution and result, and what a teacher adds to them."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from cnncalc.analysis.derivations.formulas import TEXT, Names, Notation, expression, fold
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
            return notation.write(fold(expression(self.number, self.names, values=self.free)))
        return notation.write(expression(self.number, self.names))

    def substitution(self, notation: Notation = TEXT) -> str:
        return notation.write(expression(self.number, self.names, values=True))

    def parts(self, notation: Notation = TEXT) -> list[str]:
        """What stands between the signs of equality: each part once."""
        parts = [notation.symbol(self.name)]
        if self.free:
            return [*parts, self.formula(notation)]
        if self.derived:
            parts += [self.formula(notation), self.substitution(notation)]
        parts.append(notation.number(self.value))
        # `C = f = 6 = 6` would say 6 twice.
        return [part for i, part in enumerate(parts) if not i or part != parts[i - 1]]

    def symbols(self) -> list[Traced]:
        known = dict(self.names)
        # The line's own number has a name too: opened all the same, or the line would say m = m.
        known.pop(id(self.number), None)
        return list(symbols_in(self.number, known))

    def letters(self) -> set[str]:
        """Names of the symbols in the formula."""
        return {symbol.name for symbol in self.symbols()}

    def uses(self) -> set[str]:
        """Names of the parts that are derived elsewhere."""
        return {part.name or self.names[id(part)] for part in self.symbols()}


class Quotient(Line):
    """`name = one / other = their values = the nearest number`, of which two digits behind the point are shown."""

    @property
    def derived(self) -> bool:
        return True

    def parts(self, notation: Notation = TEXT) -> list[str]:
        """What stands between the signs of equality."""
        assert isinstance(self.number, Traced)
        above, below = self.number.parts
        value = notation.round_number(int(above) / int(below))
        return [notation.symbol(self.name), self.formula(notation), self.substitution(notation), value]
