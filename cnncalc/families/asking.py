"""From what people give to a family, its members and what is asked of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cnncalc.errors import CnncalcError, Source
from cnncalc.families.conditions import read_conditions
from cnncalc.families.family import INPUT, Family
from cnncalc.families.space import Space, Values, as_values, read_values
from cnncalc.families.sweeping import Wish
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.language import _
from cnncalc.quantities import COMPARED, OF_THE_NETWORK, SHAPE, listed_in
from cnncalc.report import Settings

# What is shown unless others are asked for. The output's shape is that of the last row.
TOTALS = tuple(quantity.name for quantity in OF_THE_NETWORK if quantity.subject != SHAPE)


SHOWN = listed_in(COMPARED)  # of these, what people see


def family_of(
    source: Source,
    inline: bool,
    settings: Settings,
    max_operations: int = MAX_OPERATIONS,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Family:
    """The family of a spec, some of whose parameters and inputs may be fixed."""
    return Family(source, inline=inline, params=params, inputs=inputs, settings=settings, max_operations=max_operations)


def space_of(family: Family, given: Mapping[str, Any], input: Any = None) -> Space:
    """The members that values from Python give. Raises CnncalcError."""
    factors = [{name: values_from_python(value, of_lists=name in family.lists)} for name, value in given.items()]
    shapes = input if isinstance(input, Mapping) else {} if input is None else {"": input}
    for name, several in shapes.items():
        items = list(several) if is_several_shapes(several) else [several]
        factors.append({f"{INPUT}.{name}" if name else INPUT: as_values(items, of_shapes=True)})
    space = Space(factors)
    family.check_columns(dict.fromkeys(space.names, ()))
    return space


def values_from_python(value: Any, *, of_lists: bool) -> Values:
    """The values of one parameter: several where they are a range, an array or a tuple, or a list of what it takes."""
    if isinstance(value, np.ndarray) and value.ndim in (1, 2):
        return as_values(value.tolist()) if value.ndim == 1 else [list(row) for row in value.tolist()]
    several = isinstance(value, (range, tuple)) or (
        isinstance(value, list) and (not of_lists or any(isinstance(item, (list, tuple)) for item in value))
    )
    return as_values(list(value) if several else [value])


def is_several_shapes(given: Any) -> bool:
    """Whether an input is given several shapes, not one as text or as sizes."""
    return not isinstance(given, str) and any(not isinstance(item, (int, np.integer)) for item in given)


def space_from_texts(family: Family, overs: Iterable[tuple[str, str]], table: Mapping[str, Sequence[str]]) -> Space:
    """The members that NAME=VALUES and the columns of a table give. Raises CnncalcError."""
    factors: list[dict[str, Values]] = []
    if table:
        factors.append({n: as_values(texts, of_shapes=family.is_input(n)) for n, texts in table.items()})
    for name, text in overs:
        values = read_values(text, of_lists=name in family.lists, of_shapes=family.is_input(name))
        factors.append({name: values})
    names = [name for factor in factors for name in factor]
    for name in names:
        if names.count(name) > 1:
            raise CnncalcError(_("{name} is given twice", name=name[:40]))
    space = Space(factors)
    family.check_columns(dict.fromkeys(space.names, ()))
    return space


def read_table(text: str, name: str) -> dict[str, list[str]]:
    """The columns of a CSV with a line of headings. Raises CnncalcError with the line that is wrong."""
    lines = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
    rows = [(number, row) for number, row in enumerate(lines, 1) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise CnncalcError(_("{name}: a table has a line of names and a line per member", name=name))
    heads = [cell.strip() for cell in rows[0][1]]
    if not all(heads) or len(set(heads)) < len(heads):
        raise CnncalcError(_("{name}:1: every column has a name of its own", name=name))
    for number, row in rows[1:]:
        if len(row) != len(heads) or not all(cell.strip() for cell in row):
            problem = _("every line has {count} values", count=len(heads))
            raise CnncalcError(_("{name}:{number}: {problem}", name=name, number=number, problem=problem))
    return {head: [row[i].strip() for _number, row in rows[1:]] for i, head in enumerate(heads)}


def wish_of(
    quantities: Sequence[str] | None, where: str, sort: str, top: int | None, pareto: Sequence[str] | str
) -> Wish:
    """What is asked of a family. Raises CnncalcError."""
    if isinstance(pareto, str):
        pareto = [name.strip() for name in pareto.replace("，", ",").split(",") if name.strip()]
    if top is not None and top < 1:
        raise CnncalcError(_("at least one row is kept, not {top}", top=top))
    names = TOTALS if quantities is None else tuple(dict.fromkeys(quantities))
    return Wish(names, tuple(read_conditions(where)), sort.strip(), top, tuple(pareto))
