"""Conditions on members: `macs <= 600M and params <= 5M`, `C3.output = 16x10x10`, `act = relu`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, OptionError
from cnncalc.families.columns import Array, Column, np
from cnncalc.language import _
from cnncalc.spec.values import number

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
SIGNS = {"==": "=", "≤": "<=", "≥": ">=", "≠": "!=", "＜": "<", "＞": ">", "＝": "="}  # as people write them, too
TURNED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "=": "=", "!=": "!="}
LONGEST = 1000  # characters of a number or a word
NAME = re.compile(r"[^\W\d][\w./\[\]-]*")


class Condition(NamedTuple):
    """A quantity or a parameter, how it is compared, and with what: a number, a shape, a word."""

    name: str
    relation: str
    value: Any
    text: str

    def holds(self, column: Column) -> Array:
        """For which members it holds; not where the number is not known. Of sizes per axis it holds for each."""
        values, known = column
        if values.ndim == 2:
            return self._holds_along_axes(values, known)
        if isinstance(self.value, tuple) and values.dtype != object:  # a number for all axes is not asked about
            return np.asarray(known & (self.relation == "!="))
        if values.dtype == object and len(values) and any(isinstance(v, (tuple, str)) for v in values):
            met: Array = np.array([k and self._holds_of(v) for v, k in zip(values, known, strict=True)], dtype=bool)
            return met
        held: Array = np.logical_and(known, self._compare_each(values))
        return held

    def _holds_along_axes(self, values: Array, known: Array) -> Array:
        there: Array = np.asarray(known.any(axis=1))
        if isinstance(self.value, tuple) and len(self.value) != values.shape[1]:
            return there if self.relation == "!=" else np.zeros_like(there)
        # A shape differs where it is not equal along all axes, not only where every axis differs.
        if self.relation == "!=":
            equal = self._replace(relation="=")._compare_each(values)
            return np.asarray(there & ~np.logical_and(known, equal).all(axis=1))
        return np.asarray(np.logical_and(known, self._compare_each(values)).all(axis=1))

    def _compare_each(self, values: Array) -> Array:
        """Number by number; a word is equal to none."""
        if isinstance(self.value, str):
            return np.full(values.shape, self.relation == "!=")
        # As Python's integers, for what is asked about may be beyond int64.
        value = np.array(self.value, dtype=object) if isinstance(self.value, tuple) else self.value
        return np.asarray(COMPARE[self.relation](values, value)).astype(bool)

    def _holds_of(self, value: Any) -> bool:
        """The same for one value, of whatever kind."""
        if isinstance(value, tuple) and not isinstance(self.value, tuple):
            wanted = (self.value,) * len(value)
        else:
            wanted = self.value
        if self.relation in ("=", "!="):
            return bool(COMPARE[self.relation](value, wanted))
        if isinstance(value, tuple) and isinstance(wanted, tuple) and len(value) == len(wanted):
            pairs = list(zip(value, wanted, strict=True))
            comparable = all(isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)) for a, b in pairs)
            return comparable and all(COMPARE[self.relation](a, b) for a, b in pairs)
        comparable = isinstance(value, (int, Fraction)) and isinstance(wanted, (int, Fraction))
        return comparable and bool(COMPARE[self.relation](value, wanted))


def read_conditions(text: str) -> list[Condition]:
    """Conditions with commas or `and` between them. Raises CnncalcError."""
    found: list[Condition] = []
    if re.search(r"(?<!\w)or(?!\w)|\|\|", text):
        raise CnncalcError(_("'{text}': members meet all conditions, there is no `or`", text=text[:60]))
    # A comma with three digits behind it is one of thousands: 1,000,000.
    for part in re.split(r"(?<!\d),|,(?!\d{3}(?!\d))|[，;；]|\band\b|&&|且", text):
        if part.strip():
            found += _read(part.strip())
    return found


def _read(text: str) -> Iterable[Condition]:
    """One condition, or two with the middle in common: `1M <= params <= 5M`."""
    turned = re.search("=[<>]", text)
    if turned:
        sign, right = turned[0], turned[0][::-1]
        raise CnncalcError(_("'{text}': write {right} for {sign}", text=text[:60], right=right, sign=sign))
    # Longer signs first, or `<=` would be read as `<`.
    parts = re.split(r"(<=|>=|==|!=|<|>|=|≤|≥|≠|＜|＞|＝)", text)
    if len(parts) not in (3, 5) or not all(part.strip() for part in parts):
        raise CnncalcError(_("'{text}' is no condition: write macs <= 600M, or C3.output = 16x10x10", text=text[:60]))
    for i in range(0, len(parts) - 2, 2):
        one, sign, other = (part.strip() for part in parts[i : i + 3])
        sign = SIGNS.get(sign, sign)
        if is_name(one) and not (i and is_name(other)):
            name, relation, value = one, sign, read_value(other)
        elif is_name(other):
            name, relation, value = other, TURNED[sign], read_value(one)
        else:
            raise CnncalcError(_("'{text}' names no quantity", text=text[:60]))
        if isinstance(value, str) and relation not in ("=", "!="):  # which nothing would ever meet
            raise CnncalcError(_("'{text}': '{value}' is no number", text=text[:60], value=value[:40]))
        yield Condition(name, relation, value, text)


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None


def read_value(text: str) -> Any:
    """`600M`, `1/2`, `6x28x28`, or a word."""
    try:
        return number(text)
    except OptionError:
        pass
    if len(text) > LONGEST:
        raise CnncalcError(_("'{text}' is no number that anything could be held against", text=text[:40]))
    if re.fullmatch(r"\d+([x×]\d+)+|\[\d+(\s*,\s*\d+)*\]", text):
        return tuple(map(int, re.findall(r"\d+", text)))
    if re.fullmatch(r"-?\d+(/[1-9]\d*)?|\d+(\.\d+)?([eE][+-]?\d{1,3})?", text):
        value = Fraction(text)
        return value.numerator if value.denominator == 1 else value
    return text.strip("'\"")


def find_holding(conditions: Iterable[Condition], columns: Mapping[str, Column], members: int) -> Array:
    """For which members all conditions hold."""
    found = np.ones(members, dtype=bool)
    for condition in conditions:
        found &= condition.holds(columns[condition.name])
    return found
