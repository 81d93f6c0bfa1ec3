"""What a sweep gives: columns of the members' parameters and of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnncalc.families.columns import Array, Column, objects
from cnncalc.families.conditions import Condition
from cnncalc.families.sweeping import Part, Sweeping, empty_part, join_parts


class Sweep:
    """Numbers of the members of a family: `sweep["macs"]` is a column, `sweep.params` has those of the parameters.

    quantities  the names of the numbers; shown: those of them that are printed
    seen        how many members were looked at; infeasible: how many of them are no networks
    examples    reasons why, with how many members have each
    conditions  that members were to meet; members: how many there are, where the first of them were enough
    """

    def __init__(
        self,
        part: Part,
        quantities: Sequence[str],
        seen: int,
        examples: Mapping[str, int],
        shown: Sequence[str] | None = None,
        conditions: Sequence[Condition] = (),
        members: int | None = None,
    ) -> None:
        self.part = part
        self.quantities = tuple(quantities)
        self.shown = self.quantities if shown is None else tuple(shown)
        self.seen = seen
        self.conditions = tuple(conditions)
        self.members = seen if members is None else members
        self.examples = dict(examples)
        self.infeasible = sum(examples.values())

    @property
    def params(self) -> dict[str, Array]:
        """The values of the parameters, a column each."""
        return {name: array_of(column) for name, column in self.part.params.items()}

    @property
    def reasons(self) -> Sequence[str | None]:
        """Why a member is no network; None for those that are."""
        return self.part.reasons

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, name: str) -> Array:
        """The column of a quantity or a parameter: int64 where every number is known and fits, else Python's values.

        Shapes and sizes per axis have two axes, a row per member, where all of them are known.
        """
        return array_of(self.part.column(name))

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    def __repr__(self) -> str:
        return f"<Sweep of {self.seen} networks: {len(self)} rows, {self.infeasible} infeasible>"

    def to_pandas(self) -> Any:
        """A pandas DataFrame: parameters, quantities, and why a member is no network. Needs pandas."""
        import pandas

        names = [*self.part.params, *self.quantities]
        columns = {name: column_for_pandas(self.part.column(name)) for name in names}
        return pandas.DataFrame({**columns, "reason": list(self.reasons)})


def result_of(
    sweeping: Sweeping, told: Callable[[int], None] | None = None, shown: Sequence[str] | None = None
) -> Sweep:
    """All parts of a sweep in memory."""
    parts = list(sweeping.parts(told))
    part = join_parts(parts) if parts else empty_part(sweeping)
    wish = sweeping.wish
    return Sweep(part, wish.quantities, sweeping.seen, sweeping.examples, shown, wish.conditions, sweeping.space.size)


def array_of(column: Column) -> Array:
    """A column as one array; None stands where a number is not known."""
    if column.known.all():
        return column.values
    # A place for None: int64 has no number that could mean `not known`.
    return objects(column.items())


def column_for_pandas(column: Column) -> Any:
    """Numbers as an array, shapes as tuples."""
    return list(column.items()) if column.values.ndim == 2 else array_of(column)
