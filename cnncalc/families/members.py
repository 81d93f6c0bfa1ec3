"""The members of a family as columns: which values are numbers that a formula may hold, and which are structure.

A whole number, and every number of a list or a shape, becomes a parameter of its own. How long a list is, and words,
are structure: members that differ in it are told apart, and each group has its own formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import OptionError
from cnncalc.families.columns import LARGEST, Array, np
from cnncalc.spec.expressions import parse_value
from cnncalc.spec.values import shape, write_value

Form = tuple[str, Any]  # ("number", None), ("list", its length), ("word", what stands there)


class Choice(Sequence[Any]):
    """A column of few values, each of which stands at many members.

    values  the different ones; which: for every member, the place of its own
    """

    def __init__(self, values: Sequence[Any], which: Array) -> None:
        self.values, self.which = values, which

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, member: Any) -> Any:
        """The value of a member, or the column of some of them."""
        which = self.which[member]
        return Choice(self.values, which) if isinstance(which, np.ndarray) else self.values[int(which)]


class Group(NamedTuple):
    """Members of one structure.

    rows     their places among all members
    forms    by column, what its values are
    numbers  by parameter, `width` or `depth[0]`, the value of each of these members
    """

    rows: Array
    forms: Mapping[str, Form]
    numbers: Mapping[str, Array]

    def values(self, name: str, numbers: Mapping[str, Any]) -> Any:
        """The value of a column with these numbers in it, as a spec takes it."""
        kind, what = self.forms[name]
        if kind == "number":
            return numbers[name]
        return [numbers[f"{name}[{i}]"] for i in range(what)] if kind == "list" else write_value(what)


def groups_of(columns: Mapping[str, Sequence[Any]], members: int, is_input: Mapping[str, bool]) -> Iterator[Group]:
    """The members by structure."""
    opened = {name: _open(column, is_input[name]) for name, column in columns.items()}
    # A row of codes per member, one for each column: equal rows are one structure.
    codes = np.zeros((members, max(1, len(opened))), dtype=np.int64)
    for i, (forms, _numbers) in enumerate(opened.values()):
        if len(forms) > 1:
            codes[:, i] = forms_of_members(forms, members)
    # Most families have one structure: `unique` would sort a million equal rows.
    patterns, which = np.unique(codes, axis=0, return_inverse=True) if codes.any() else (codes[:1], codes[:, 0])
    which = which.reshape(-1)
    places: list[list[int]] = [[] for _pattern in patterns]
    for place, g in enumerate(which.tolist() if len(patterns) > 1 else ()):
        places[g].append(place)
    for g, pattern in enumerate(patterns.tolist()):
        rows = np.array(places[g], dtype=np.int64) if len(patterns) > 1 else np.arange(members)
        forms_here: dict[str, Form] = {}
        numbers: dict[str, Array] = {}
        for (name, (forms, known)), code in zip(opened.items(), pattern, strict=False):
            form = list(forms)[code]
            forms_here[name] = form
            for i, column in enumerate(known.get(form, ())):
                numbers[name if form[0] == "number" else f"{name}[{i}]"] = column[rows]
        yield Group(rows, forms_here, numbers)


Opened = tuple[dict[Form, Any], dict[Form, list[Array]]]


def forms_of_members(forms: Mapping[Form, Any], members: int) -> Array:
    """The number of the form of each member."""
    codes = np.empty(members, dtype=np.int64)
    for code, rows in enumerate(forms.values()):
        codes[rows] = code
    return codes


def _open(column: Sequence[Any], is_input: bool) -> Opened:
    """The forms of a column, each with its rows, and its numbers as columns of all members."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu" and column.ndim in (1, 2):
        form: Form = ("number", None) if column.ndim == 1 else ("list", column.shape[1])
        parts = [column] if column.ndim == 1 else list(column.T)
        return {form: slice(None)}, {form: [_as_int64(part) for part in parts]}
    if isinstance(column, Choice):
        return _open_choice(column, is_input)
    forms: dict[Form, list[int]] = {}
    values: dict[Form, list[tuple[int, ...]]] = {}
    for row, raw in enumerate(column):
        form, numbers = form_of(raw, is_input)
        forms.setdefault(form, []).append(row)
        values.setdefault(form, []).append(numbers)
    found: dict[Form, list[Array]] = {}
    for form, rows in forms.items():
        found[form] = []
        for numbers in zip(*values[form], strict=True):
            # Beyond int64 the column holds Python's integers.
            fits = all(-LARGEST <= n <= LARGEST for n in numbers)
            part: Array = np.zeros(len(column), dtype=np.int64 if fits else object)
            part[rows] = numbers
            found[form].append(part)
    return forms, found


def _open_choice(column: Choice, is_input: bool) -> Opened:
    """The same of few values: each is looked at once."""
    forms, values = _open(list(column.values), is_input)
    kinds = forms_of_members(forms, len(column.values))[column.which]
    rows = {form: np.flatnonzero(kinds == code) for code, form in enumerate(forms)}
    there = {form: places for form, places in rows.items() if len(places)}
    return there, {form: [part[column.which] for part in values[form]] for form in there}


def _as_int64(part: Array) -> Array:
    # Unsigned numbers may be beyond int64: those stay as they are.
    return part.astype(np.int64) if part.dtype.kind == "i" or part.size == 0 or part.max() <= LARGEST else part


def form_of(raw: Any, is_input: bool) -> tuple[Form, tuple[int, ...]]:
    """What a value is, and the numbers in it."""
    if hasattr(raw, "tolist"):  # of NumPy
        raw = raw.tolist()
    if isinstance(raw, range):
        raw = list(raw)
    value: Any = raw
    try:
        if is_input:
            value = list(shape(write_value(raw)))
        elif isinstance(raw, str):
            value = parse_value(raw)
    except OptionError:
        return ("word", raw), ()  # the spec says what is wrong with it
    # Not isinstance: truth values are ints to Python, and no numbers of a spec.
    if type(value) is int:
        return ("number", None), (value,)
    if isinstance(value, (list, tuple)) and value and all(type(n) is int for n in value):
        return ("list", len(value)), tuple(value)
    return ("word", _freeze(raw)), ()


def _freeze(raw: Any) -> Any:
    """The value, as something that can be compared: lists become tuples."""
    # Words are keys of structures, and lists cannot be hashed.
    return tuple(map(_freeze, raw)) if isinstance(raw, (list, tuple)) else raw
