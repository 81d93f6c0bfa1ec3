"""Which members a family has: every combination of the values of some parameters, or the rows of a table.

A member is a number from 0 on, and its values are worked out from it: a space of any size takes no memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from cnncalc.errors import CnncalcError, OptionError
from cnncalc.families.columns import LARGEST, QUICK, Array, np
from cnncalc.families.members import Choice
from cnncalc.language import _
from cnncalc.spec.values import shape

MOST_VALUES = 10_000_000  # of one parameter
MOST_TEXTS = MOST_VALUES if QUICK else 200_000  # that braces give
RANGE = re.compile(r"(-?\d{1,18})\s*\.\.\s*(-?\d{1,18})(?:\s*\.\.\s*(-?\d{1,18}))?", re.ASCII)

Values = Array | Sequence[Any]  # whole numbers, an array with two axes of shapes, or anything a parameter may be


class Space:
    """The members of a family.

    factors  of each, columns of one length whose rows go together; members are all combinations of the rows of the
             factors, the last of which changes first
    """

    def __init__(self, factors: Sequence[Mapping[str, Values]]) -> None:
        self.factors = [dict(factor) for factor in factors if factor]
        self.lengths = [len(next(iter(factor.values()))) for factor in self.factors]
        self.size = prod(self.lengths)

    @property
    def names(self) -> list[str]:
        return [name for factor in self.factors for name in factor]

    def columns(self, members: Array) -> dict[str, Any]:
        """The values of these members, a column each."""
        found: dict[str, Any] = {}
        rest = members
        # The places in the factors are the digits of the member's number, the last factor's the lowest digit.
        for factor, length in zip(reversed(self.factors), reversed(self.lengths), strict=True):
            rest, rows = np.divmod(rest, length)
            for name, values in factor.items():
                found[name] = values[rows] if isinstance(values, np.ndarray) else Choice(values, rows)
        return {name: found[name] for name in self.names}

    def bounds(self) -> dict[str, tuple[int, int]]:
        """The least and the greatest of the numbers in each column, as `Family.widen` takes them."""
        found = {}
        for factor in self.factors:
            for name, values in factor.items():
                if isinstance(values, np.ndarray) and values.size:
                    parts = {name: values} if values.ndim == 1 else {f"{name}[{i}]": c for i, c in enumerate(values.T)}
                    found.update({key: (int(part.min()), int(part.max())) for key, part in parts.items()})
        return found


def read_values(text: str, *, of_lists: bool = False, of_shapes: bool = False) -> Values:
    """`16..128`, `16..128..8`, `8, 16, 32..64`, `[relu, silu]`, or a text with such in braces: `3x{32..64}x{same}`.

    of_lists   a parameter that is a list: [3, 4, 6, 3] is one value, [[2, 2], [3, 4]] are two
    of_shapes  values are shapes of an input

    Raises CnncalcError.
    """
    text = make_plain(text.strip())
    # [3, 4, 6, 3] is one value where the parameter is a list, and four values elsewhere.
    if of_lists and text.startswith("[") and not text[1:].lstrip().startswith("["):
        texts = [text]
    elif "{" in text:
        texts = _fill_in(text)
    else:
        parts = split_outside(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
        ranges = [_range(part) for part in parts]
        if not of_shapes and all(found is not None for found in ranges):
            columns = [np.arange(r.start, r.stop, r.step, dtype=np.int64) for r in ranges if r is not None]
            return columns[0] if len(columns) == 1 else np.concatenate(columns)
        texts = [value for part in parts for value in _expand(part)]
    if not texts or not all(texts):
        raise CnncalcError(_("'{text}' gives no values: write 16..128, 16..128..8 or [16, 32]", text=text[:60]))
    return as_values(texts, of_shapes=of_shapes)


PLAIN = {0xFF10 + digit: str(digit) for digit in range(10)} | {ord("．"): ".", ord("－"): "-", ord("−"): "-"}
NO_RANGE = re.compile(r"-?\d+\s*(?:\.{3,}|…|-|~|–|—|to|到|至)\s*-?\d+(?:\s*\.\..*)?|-?\d*\.\.[-.\d]*", re.ASCII)


def make_plain(text: str) -> str:
    """Numbers with full-width digits and signs as they are meant. Raises CnncalcError for brackets that stay open."""
    text = text.translate(PLAIN)
    for opening, closing in ("[]", "{}", "()"):
        if text.count(opening) != text.count(closing):
            raise CnncalcError(
                _("'{text}': {opening} and {closing} are not pairs", text=text[:60], opening=opening, closing=closing)
            )
    return text


def as_values(items: Sequence[Any], *, of_shapes: bool = False) -> Values:
    """Values as an array where they are whole numbers, or shapes of one rank."""
    if of_shapes:
        try:
            shapes = [shape(item) if isinstance(item, str) else tuple(map(int, item)) for item in items]
        except (OptionError, TypeError, ValueError):
            return list(items)  # the spec says what is wrong with it
        fits = len({len(sizes) for sizes in shapes}) == 1 and all(n <= LARGEST for sizes in shapes for n in sizes)
        return np.array(shapes, dtype=np.int64) if fits else shapes
    numbers = [_whole(item) for item in items]
    if all(number is not None for number in numbers):
        return np.array(numbers, dtype=np.int64)
    return list(items)


def _whole(item: Any) -> int | None:
    if isinstance(item, str):
        # Of 18 digits, so that int64 holds every one of them.
        return int(item) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", item) else None
    if isinstance(item, (bool, np.bool_)) or not isinstance(item, (int, np.integer)):
        return None
    return int(item) if -LARGEST <= item <= LARGEST else None


def split_outside(text: str, marks: str = ",，") -> list[str]:
    """What stands between commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    # A comma behind the end closes the last part.
    for i, letter in enumerate(text + ","):
        depth += (letter in "[({") - (letter in "])}")
        if i == len(text) or (letter in marks and depth <= 0):
            parts.append(text[start:i].strip())
            start = i + 1
    return parts


def _range(part: str) -> range | None:
    """The numbers of a range; None where it is none."""
    match = RANGE.fullmatch(part)
    if match is None:
        if NO_RANGE.fullmatch(part):
            raise CnncalcError(_("'{text}' is no range: write 16..128, or 16..128..8", text=part[:60]))
        return None
    first, last = int(match[1]), int(match[2])
    step = int(match[3] or (1 if first <= last else -1))
    if step == 0 or (last - first) * step < 0:
        raise CnncalcError(_("'{text}' never comes to its end", text=part))
    if (last - first) // step >= MOST_VALUES:
        raise CnncalcError(_("'{text}' has more than {most:,} values", text=part, most=MOST_VALUES))
    # Both ends belong to a range.
    return range(first, last + (1 if step > 0 else -1), step)


def _expand(part: str) -> list[str]:
    """The numbers of a range as texts; another value as it is."""
    numbers = _range(part)
    return [part] if numbers is None else list(map(str, numbers))


def _fill_in(text: str) -> list[str]:
    """A text once for each combination of what stands in its braces; {same} is what stands in those before."""
    # Split at a group: text stands at even places, what is in braces at odd ones.
    literal = re.split(r"\{([^{}]*)\}", text)
    inside = literal[1::2]
    if "{" in "".join(literal[::2]) or "}" in "".join(literal[::2]) or (inside and inside[0].strip() == "same"):
        raise CnncalcError(_("'{text}': braces hold values, {{32..64}}, or same for those before", text=text[:60]))
    choices = [
        ["same"] if part.strip() == "same" else [v for p in split_outside(part) for v in _expand(p)] for part in inside
    ]
    if prod(map(len, choices)) > MOST_TEXTS:
        raise CnncalcError(_("'{text}' has more than {most:,} values", text=text[:60], most=MOST_TEXTS))
    found = []
    for values in product(*choices):
        pieces, last = [literal[0]], ""
        for value, behind in zip(values, literal[2::2], strict=True):
            last = last if value == "same" else value
            pieces += [last, behind]
        found.append("".join(pieces))
    return found
