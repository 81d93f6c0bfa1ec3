"""Numbers of many networks as columns: a quantity is a column, a member a place in it.

Columns are NumPy's arrays. Where there is no NumPy they are lists (`lists.py`): the same members come to the same
numbers, only later. All of families takes `np` from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
else:
    try:
        import numpy as np
    except ModuleNotFoundError:
        from cnncalc.families import lists as np

__all__ = ["LARGEST", "QUICK", "Array", "Column", "Evaluated", "exact", "np", "objects", "pack"]

Array = np.ndarray[Any, Any]
QUICK = np.__name__ == "numpy"  # whether millions of members are worked out in seconds
LARGEST = 2**63 - 1  # what int64 holds


class Column(NamedTuple):
    """A quantity of every member.

    values  (members,), or (members, axes) for one number per axis; int64 where all of them fit, else Python's
            integers and fractions. A column of tuples where the members differ in their number of axes
    known   where there is such a number; elsewhere the value means nothing
    """

    values: Array
    known: Array

    @classmethod
    def of(cls, items: Sequence[Any]) -> Column:
        """From a value per member: an integer, a fraction, a tuple of those; None where it is not known."""
        ranks = {len(item) if isinstance(item, tuple) else None for item in items if item is not None}
        if len(ranks) != 1:  # none at all, or shapes of several ranks
            return cls(objects(items), np.array([item is not None for item in items], dtype=bool))
        rank = ranks.pop()
        if rank is None:
            known = np.array([item is not None for item in items], dtype=bool)
            return cls(pack([0 if item is None else item for item in items]), known)
        rows = [(None,) * rank if item is None else item for item in items]
        known = np.array([[n is not None for n in row] for row in rows], dtype=bool).reshape(len(rows), rank)
        # All axes in one array: int64 for all of them, or Python's integers for all.
        flat = pack([0 if n is None else n for row in rows for n in row])
        return cls(flat.reshape(len(rows), rank), known)

    def item(self, member: int) -> Any:
        """The value of one member: an int, a fraction, a tuple of those; None where it is not known."""
        value, known = self.values[member], self.known[member]
        if self.values.ndim == 2:
            if not known.any():
                return None
            return tuple([exact(n) if k else None for n, k in zip(value, known, strict=True)])
        return exact(value) if known else None

    def items(self) -> list[Any]:
        """A value per member, as `item` has it."""
        values: list[Any] = self.values.tolist()
        if self.values.ndim == 2:
            values = list(map(tuple, values))
        if not self.known.all():
            places = self.known.all(axis=1) if self.values.ndim == 2 else self.known
            for member in np.flatnonzero(~places).tolist():
                values[member] = self.item(member)
        return values


class Evaluated(NamedTuple):
    """What a family gives for some members.

    columns  by the quantity's name: "macs", "C3.output"
    reasons  a text for each member that is no network, None for the others
    """

    columns: Mapping[str, Column]
    reasons: Sequence[str | None]

    def __getitem__(self, quantity: Any) -> Any:
        """The column of a quantity."""
        return self.columns[quantity] if isinstance(quantity, str) else tuple.__getitem__(self, quantity)


def pack(numbers: Sequence[Any]) -> Array:
    """Exact numbers as an array: int64 where all of them are whole and fit."""
    # Counts are exact: what int64 does not hold is not rounded, but slower.
    if all(isinstance(n, int) and -LARGEST <= n <= LARGEST for n in numbers):
        return np.array([int(n) for n in numbers], dtype=np.int64)
    return objects(numbers)


def exact(value: Any) -> Any:
    """A number of an array as Python has it."""
    return int(value) if isinstance(value, np.integer) else value


def objects(items: Sequence[Any]) -> Array:
    """A column of Python's values, whatever they are."""
    column = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):  # one by one: NumPy would open tuples
        column[i] = item
    return column
