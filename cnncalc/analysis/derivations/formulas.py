"""How a formula is written: as text, LaTeX or MathML, with its symbols or with their values.

An expression is made from a traced number once: sums and products are flattened, equal terms collected
(p + p is 2 p); then each notation writes the same expression.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.trace import Traced

Names = Mapping[int, str]  # names of parts of a formula, by their identity
Values = bool | Collection[str]


class Expression(NamedTuple):
    """One of: number, symbol (leaf), sum (signs with terms), product, floor, ceil, mod, power."""

    kind: str
    parts: tuple[Any, ...]


def number(value: int) -> Expression:
    return Expression("number", (int(value),))


def expression(value: int, names: Names | None = None, *, values: Values = False) -> Expression:
    """The formula of a traced number. Parts in `names` are not opened.

    values  False: symbols; True: their values; or the letters that stay symbols while the others get their values
    """
    return _open(value, names or {}, values) if isinstance(value, Traced) and value.operator else _leaf(value, values)


def _leaf(value: int, values: Values) -> Expression:
    if isinstance(value, Traced) and value.name and (not values or (values is not True and value.name in values)):
        return Expression("symbol", (value.name,))
    return number(value)


def _make(value: int, names: Names, values: Values) -> Expression:
    if not isinstance(value, Traced) or value.name or not value.operator:
        return _leaf(value, values)
    if id(value) in names:
        return number(value) if values else Expression("symbol", (names[id(value)],))
    return _open(value, names, values)


def _open(value: Traced, names: Names, values: Values) -> Expression:
    if value.operator in ("+", "-", "neg"):
        terms = _collect(_terms(value, 1, names, values, top=True))
        # A sum of one term is that term, unless it is taken away.
        return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Expression("sum", tuple(terms))
    parts = value.parts
    if value.operator == "*":
        return Expression("product", tuple(_factors(value, names, values, top=True)))
    kind = {"//": "floor", "/": "quotient", "ceil": "ceil", "%": "mod", "**": "power"}[value.operator]
    return Expression(kind, tuple(_make(part, names, values) for part in parts))


class Term(NamedTuple):
    """One summand; `literal` if it is a number of the code and no value of a symbol."""

    sign: int
    what: Expression  # as it is written: a symbol, or its value
    symbols: Expression  # in symbols: two values may be equal by chance
    literal: bool = False


def _close(value: int, names: Names, top: bool) -> bool:
    """Whether a part is written as it is: a number, a symbol, or a part with a name of its own."""
    return not isinstance(value, Traced) or bool(value.name) or (id(value) in names and not top)


def _terms(value: int, sign: int, names: Names, values: Values, *, top: bool = False) -> list[Term]:
    found: list[Term] = []
    waiting = [(value, sign, top)]  # a sum of thousands of terms is nested as deep
    while waiting:
        part, sign, top = waiting.pop()
        if _close(part, names, top) or getattr(part, "operator", "") not in ("+", "-", "neg"):
            symbols = _make(part, names, values=False)
            # Made once where nothing has its value: nested sums would be made twice as often at each level.
            what = _make(part, names, values) if values else symbols
            found.append(Term(sign, what, symbols, not isinstance(part, Traced)))
            continue
        assert isinstance(part, Traced)
        if part.operator == "neg":
            waiting.append((part.parts[0], -sign, False))
            continue
        # A stack: what is to be read first is put on it last.
        first, *others = part.parts
        behind = sign if part.operator == "+" else -sign
        waiting += [(other, behind, False) for other in reversed(others)]
        waiting.append((first, sign, False))
    return found


def _collect(terms: Sequence[Term]) -> list[tuple[int, Expression]]:
    """Equal neighbours as one with a factor, n + p + p as n + 2 p; what the code adds and takes away again is gone."""
    found: list[tuple[Term, int]] = []
    for term in terms:
        last = found[-1][0] if found else None
        # The 1 of d(k - 1) + 1 - 1: nobody writes it on a board.
        if last and last.literal and term.literal and last == term._replace(sign=-term.sign):
            found.pop()
        # Products that are equal by chance, c × k and k × c of one size, stay apart: they mean different things.
        elif last == term and term.symbols.kind != "product":
            found[-1] = (term, found[-1][1] + 1)
        else:
            found.append((term, 1))
    return [
        (term.sign, term.what if times == 1 else Expression("product", (number(times), term.what)))
        for term, times in found
    ]


def _factors(value: int, names: Names, values: Values, *, top: bool = False) -> list[Expression]:
    if _close(value, names, top) or getattr(value, "operator", "") != "*":
        return [_make(value, names, values)]
    assert isinstance(value, Traced)
    left, right = value.parts
    # (a b) c and a (b c) are both a b c on the board.
    return [*_factors(left, names, values), *_factors(right, names, values)]


def fold(formula: Expression) -> Expression:
    """The expression with everything worked out that holds no symbol: 5 × 5 × c + 1 is 25 × c + 1."""
    if formula.kind in ("number", "symbol"):
        return formula
    if formula.kind == "sum":
        return _fold_sum(formula)
    parts = [fold(part) for part in formula.parts]
    numbers = [part.parts[0] for part in parts if part.kind == "number"]
    if formula.kind == "product":
        rest = [inner for part in parts if part.kind != "number"
                for inner in (part.parts if part.kind == "product" else (part,))]  # fmt: skip
        # Numbers in front, as one; letters in the order in which they were met.
        factor = prod([*numbers, *(part.parts[0] for part in rest if part.kind == "number")])
        rest = [part for part in rest if part.kind != "number"]
        if not rest or factor == 0:
            return number(factor)
        return rest[0] if factor == 1 and len(rest) == 1 else Expression(
            "product", (*([number(factor)] if factor != 1 else []), *rest)
        )  # fmt: skip
    if len(numbers) == 2:
        return number(_work_out(formula.kind, *numbers))
    if formula.kind in ("floor", "ceil"):
        return _fold_division(formula.kind, parts)
    return Expression(formula.kind, tuple(parts))


def _work_out(kind: str, left: int, right: int) -> int:
    """Two numbers, put together as the kind of an expression says."""
    # Only where it is asked for: a size to the power of a stride has millions of digits.
    if kind == "power":
        return int(left**right)
    if not right:
        return 0
    return {"floor": left // right, "ceil": -(-left // right), "mod": left % right}[kind]


def _fold_division(kind: str, parts: Sequence[Expression]) -> Expression:
    """A division by a number that leaves no rest, whatever the letters stand for, is none: floor(2 n / 2) is n."""
    factor, rest = _split_factor(parts[0])
    by = parts[1].parts[0] if parts[1].kind == "number" else 0
    # Of a sum nothing is split off: floor((2 n + 2) / 2) stays as it is.
    if rest is not None and by and factor % by == 0:
        return _multiply(factor // by, rest)
    return Expression(kind, tuple(parts))


def _fold_sum(formula: Expression) -> Expression:
    """A sum whose numbers are one, the last of its terms, and in which equal terms stand once: n - n + 6 is 6."""
    constant = 0
    times: dict[Expression, int] = {}  # each term in the order in which it is met, and how often it stands there
    for sign, term in formula.parts:
        inner = fold(term)
        for own, part in inner.parts if inner.kind == "sum" else ((1, inner),):
            factor, rest = _split_factor(part)
            if rest is None:
                constant += sign * own * factor
            else:
                times[rest] = times.get(rest, 0) + sign * own * factor
    terms = [(1 if n > 0 else -1, _multiply(abs(n), rest)) for rest, n in times.items() if n]
    if not terms:
        return number(constant)
    if constant:
        terms.append((1 if constant > 0 else -1, number(abs(constant))))
    return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Expression("sum", tuple(terms))


def _split_factor(formula: Expression) -> tuple[int, Expression | None]:
    """A folded term as a number times what holds letters; None for that where it is a number alone."""
    if formula.kind == "number":
        return formula.parts[0], None
    if formula.kind == "product" and formula.parts[0].kind == "number":
        rest = formula.parts[1:]
        return formula.parts[0].parts[0], rest[0] if len(rest) == 1 else Expression("product", rest)
    return 1, formula


def _multiply(n: int, formula: Expression) -> Expression:
    if n == 1:
        return formula
    return Expression("product", (number(n), *(formula.parts if formula.kind == "product" else (formula,))))


class Notation:
    """Writes an expression. Subclasses say how each part looks; this one writes text for a terminal."""

    times, plus, minus, equals = " × ", " + ", " - ", " = "
    bars = False  # whether a division has a bar, above and below which nothing needs brackets

    def number(self, value: int) -> str:
        return f"{value:,}"

    def round_number(self, value: float) -> str:
        """A number that is no whole one, with two digits behind the point."""
        return f"{value:,.2f}"

    def symbol(self, name: str) -> str:
        return name

    def bracket(self, inner: str) -> str:
        return f"({inner})"

    def floor(self, above: str, below: str) -> str:
        return f"floor({above} / {below})"

    def quotient(self, above: str, below: str) -> str:
        return f"{above} / {below}"

    def ceil(self, above: str, below: str) -> str:
        return f"ceil({above} / {below})"

    def mod(self, left: str, right: str) -> str:
        return f"({left} mod {right})"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def join(self, parts: Sequence[str]) -> str:
        return "".join(parts)

    def write(self, formula: Expression) -> str:
        """The whole expression."""
        if formula.kind == "number":
            return self.number(formula.parts[0])
        if formula.kind == "symbol":
            return self.symbol(formula.parts[0])
        if formula.kind == "sum":
            return self._sum(formula)
        if formula.kind == "product":
            inner = [self.inside(part, ("sum",)) for part in formula.parts]
            return self.join([text for part in inner for text in (self.times, part)][1:])
        if formula.kind == "power":
            return self.power(self.inside(formula.parts[0], ("sum", "product", "power")), self.write(formula.parts[1]))
        write = {"floor": self.floor, "ceil": self.ceil, "mod": self.mod, "quotient": self.quotient}[formula.kind]
        return write(*self.operands(formula))

    def operands(self, formula: Expression) -> list[str]:
        if self.bars:
            return [self.write(part) for part in formula.parts]
        # Behind the slash a product needs brackets too: a / (b c), while a b / c does without.
        return [self.inside(part, ("sum", "product") if i else ("sum",)) for i, part in enumerate(formula.parts)]

    def inside(self, formula: Expression, in_brackets: Sequence[str]) -> str:
        bare = self.write(formula)
        negative = formula.kind == "number" and formula.parts[0] < 0
        # A negative number in a formula has brackets: 3 - (-1).
        return self.bracket(bare) if formula.kind in in_brackets or negative else bare

    def _sum(self, formula: Expression) -> str:
        parts: list[str] = []
        for sign, term in formula.parts:
            bare = self.inside(term, ("sum",))
            if parts:
                parts += [self.plus if sign > 0 else self.minus, bare]
            else:
                parts += [bare] if sign > 0 else [self.minus.strip(), bare]
        return self.join(parts)


class Latex(Notation):
    """For align* and for $...$."""

    times, plus, minus, equals = r" \times ", " + ", " - ", " = "
    bars = True

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", "{,}")

    def round_number(self, value: float) -> str:
        return super().round_number(value).replace(",", "{,}")

    def symbol(self, name: str) -> str:
        letter, _, index = name.partition("_")
        # RF, MACs and names of layers are words: set in italics, they would read as products of letters.
        if len(letter) > 1:
            return rf"\text{{{name}}}".replace("_", r"\_")
        return f"{letter}_{{{index}}}" if index else letter

    def bracket(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def floor(self, above: str, below: str) -> str:
        return rf"\left\lfloor \frac{{{above}}}{{{below}}} \right\rfloor"

    def quotient(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def ceil(self, above: str, below: str) -> str:
        return rf"\left\lceil \frac{{{above}}}{{{below}}} \right\rceil"

    def mod(self, left: str, right: str) -> str:
        return rf"\left({left} \bmod {right}\right)"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"


class MathML(Notation):
    """For browsers: the content of a <math> element."""

    times, plus, minus, equals = "<mo>×</mo>", "<mo>+</mo>", "<mo>−</mo>", "<mo>=</mo>"
    bars = True

    def number(self, value: int) -> str:
        return f"<mn>{value:,}</mn>"

    def round_number(self, value: float) -> str:
        return f"<mn>{value:,.2f}</mn>"

    def symbol(self, name: str) -> str:
        letter, _, index = name.partition("_")
        if len(letter) > 1:
            from html import escape  # it brings the names of all characters, which text has no use for

            return f"<mtext>{escape(name)}</mtext>"  # of a layer: models bring any characters
        return f"<msub><mi>{letter}</mi><mi>{index}</mi></msub>" if index else f"<mi>{letter}</mi>"

    def bracket(self, inner: str) -> str:
        return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"

    def floor(self, above: str, below: str) -> str:
        return f"<mrow><mo>⌊</mo><mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac><mo>⌋</mo></mrow>"

    def quotient(self, above: str, below: str) -> str:
        return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"

    def ceil(self, above: str, below: str) -> str:
        return f"<mrow><mo>⌈</mo><mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac><mo>⌉</mo></mrow>"

    def mod(self, left: str, right: str) -> str:
        return self.bracket(f"{left}<mo>mod</mo>{right}")

    def power(self, base: str, exponent: str) -> str:
        return f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"


TEXT, LATEX, MATHML = Notation(), Latex(), MathML()
