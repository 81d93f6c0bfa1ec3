"""From what people give to a family, its members and what is asked of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from cnncalc.errors import CnncalcError, OptionError, Source
from cnncalc.families.columns import np
from cnncalc.families.conditions import read_conditions
from cnncalc.families.family import INPUT, Family
from cnncalc.families.space import Space, Values, as_values, read_values, split_outside
from cnncalc.families.sweeping import Wish
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.language import _
from cnncalc.quantities import COMPARED, OF_THE_NETWORK, SHAPE, listed_in
from cnncalc.report import Settings
from cnncalc.spec import tree_of
from cnncalc.spec.read.document import read_document
from cnncalc.spec.values import shape

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
    # Excel writes a byte order mark before the first name.
    split = text.removeprefix("\ufeff").splitlines()
    first = next((line for line in split if line.strip()), "")
    # Spreadsheets of some countries write ; between cells.
    lines = list(csv.reader(split, delimiter=next((mark for mark in ",;\t" if mark in first), ",")))
    rows = [(number, row) for number, row in enumerate(lines, 1) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise CnncalcError(_("{name}: a table has a line of names and a line per member", name=name))
    heads = [cell.strip() for cell in rows[0][1]]
    if not all(heads) or len(set(heads)) < len(heads):
        raise CnncalcError(_("{name}:1: every column has a name of its own", name=name))
    for number, row in rows[1:]:
        if len(row) != len(heads) or not all(cell.strip() for cell in row):
            problem = _("every line has {count} values, lists of numbers stand in quotes", count=len(heads))
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
    for name in (*names, *pareto, *([sort] if sort else ())):
        if not name.strip().removeprefix("-"):
            raise CnncalcError(_("'{text}' names no quantity", text=name))
    return Wish(names, tuple(read_conditions(where)), sort.strip(), top, tuple(pareto))


# --- questions asked backwards

SIZE = "size"  # the height and width of the only input, where no parameter is called so
USUAL_RANGE = "1..512"  # of what is sought without a range


def read_finds(texts: Iterable[str], known: Collection[str] = ()) -> list[tuple[str, str]]:
    """What is sought, with its values: `k=1..11,s=1,2,4`, or a name alone. Raises CnncalcError.

    known  names that may stand alone: another word is one more value of what stands before it
    """
    found = []
    for text in texts:
        parts: list[str] = []
        for piece in split_outside(text, ",，;；"):
            # In `k=1..11,s=1,2,4` the pieces 2 and 4 begin no name: they are values of s.
            begun = re.match(r"([^\W\d][\w./-]*)\s*(=|$)", piece)
            if not piece and parts:
                continue
            if parts and (begun is None or (not begun[2] and begun[1] not in known and "=" in parts[-1])):
                parts[-1] += f", {piece}"  # one more value of what stands before it
            else:
                parts.append(piece)
        for part in parts:
            name, sign, values = (piece.strip() for piece in part.partition("="))
            if not re.fullmatch(r"[^\W\d][\w./-]*", name) or (sign and not values):
                raise CnncalcError(
                    _("'{text}' does not say what is sought: write width, or width=8..512", text=text[:60])
                )
            found.append((name, values or USUAL_RANGE))
    return found


def space_sought(family: Family, finds: Iterable[tuple[str, str]]) -> Space:
    """The members among which a question is to be solved. Raises CnncalcError."""
    finds = list(finds)
    named = [(name, values) for name, values in finds if not is_size(family, name)]
    space = space_from_texts(family, named, {})
    sizes = [values for name, values in finds if is_size(family, name)]
    if len(sizes) > 1:
        raise CnncalcError(_("{name} is given twice", name=SIZE))
    return Space([*space.factors, shapes_of_sizes(family, read_values(sizes[0]))]) if sizes else space


def space_sought_in(family: Family, find: Mapping[str, Any]) -> Space:
    """The same for values from Python. Raises CnncalcError."""
    named = {name: values for name, values in find.items() if not is_size(family, name)}
    space = space_of(family, named)
    sizes = [values_from_python(values, of_lists=False) for name, values in find.items() if is_size(family, name)]
    return Space([*space.factors, shapes_of_sizes(family, sizes[0])]) if sizes else space


def names_sought(family: Family) -> tuple[str, ...]:
    """What can be sought: parameters, shapes of inputs, the size."""
    return (*family.parameters, *family.input_columns, SIZE)


def is_size(family: Family, name: str) -> bool:
    return name == SIZE and SIZE not in family.parameters


def shapes_of_sizes(family: Family, sizes: Values) -> dict[str, Values]:
    """The shapes of the only input with these heights and widths. Raises CnncalcError."""
    if not isinstance(sizes, np.ndarray) or sizes.ndim != 1 or sizes.min() < 1:
        raise CnncalcError(_("sizes are whole numbers from 1 on"))
    channels, *axes = own_shape(family)
    # Heights and widths vary together: one column for all axes.
    columns = [np.full_like(sizes, channels), *[sizes for _axis in axes]] if axes else [sizes]
    return {INPUT: np.stack(columns, axis=1)}


def own_shape(family: Family) -> tuple[int, ...]:
    """The shape of the only input, as the spec has it, or as it was fixed. Raises CnncalcError where it has none."""
    setting = family.setting
    text = setting.inputs.get("", None)
    if text is None:
        inputs = read_document(setting.source, tree_of(setting.source, inline=setting.inline)).inputs
        if len(inputs) != 1:
            raise CnncalcError(_("size is that of the only input: name a parameter, or give --find input.NAME=SHAPES"))
        text = str(next(iter(inputs.values())).value)
    try:
        return shape(text)
    except OptionError:
        raise CnncalcError(
            _("the input {shape} depends on parameters: find those instead of size", shape=text[:40])
        ) from None
