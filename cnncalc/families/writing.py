"""Members written part by part, so that their number takes no memory: CSV, a JSON object per line, Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from typing import IO, Any

from cnncalc.errors import CnncalcError
from cnncalc.families.columns import Column, np
from cnncalc.families.sweeping import Part
from cnncalc.formats.csv import value_text
from cnncalc.language import _
from cnncalc.quantities import FIELD, QUANTITIES, RATIO, SHAPE

REASON = "reason"  # the column that says why a member is no network

Writer = Callable[[Part], None]


def csv_writer(file: IO[str], quantities: Sequence[str]) -> Writer:
    """Writes parts as lines of CSV: exact numbers, sizes as 5x5, empty where a number is not known."""
    lines = csv.writer(file, lineterminator="\n")
    begun = False

    def write(part: Part) -> None:
        nonlocal begun
        names = (*part.params, *quantities)
        if not begun:
            lines.writerow([*names, REASON])
            begun = True
        columns = [texts_of(part.column(name)) for name in names]
        lines.writerows(zip(*columns, [value_text(reason) for reason in part.reasons], strict=True))

    return write


def texts_of(column: Column) -> list[Any]:
    if column.values.dtype == np.int64 and column.values.ndim == 1 and column.known.all():
        numbers: list[Any] = column.values.tolist()
        return numbers
    return [value_text(value) for value in column.items()]


def json_writer(file: IO[str], quantities: Sequence[str]) -> Writer:
    """Writes parts as JSON objects, one a line: exact numbers, null where a number is not known."""

    def write(part: Part) -> None:
        names = (*part.params, *quantities)
        columns = [part.column(name).items() for name in names]
        for *values, reason in zip(*columns, part.reasons, strict=True):
            record = {**dict(zip(names, values, strict=True)), REASON: reason}
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")

    return write


def parquet_writer(file: IO[bytes], quantities: Sequence[str]) -> tuple[Writer, Callable[[], None]]:
    """Writes parts as row groups of Parquet, and what closes the file. Raises CnncalcError where pyarrow is missing.

    Counts are 64-bit integers, shapes and sizes per axis lists of those, jumps lists of texts: fractions are exact.
    """
    parquet = import_parquet()
    writers: list[Any] = []

    def write(part: Part) -> None:
        table = table_of(part, quantities)
        if not writers:
            writers.append(parquet.ParquetWriter(file, table.schema))
        # A file has one schema, that of its first part.
        writers[0].write_table(table.cast(writers[0].schema))

    def close() -> None:
        for writer in writers:
            writer.close()

    return write, close


def import_parquet() -> Any:
    """What writes Parquet. Raises CnncalcError where it is not installed."""
    try:
        import numpy  # noqa: F401 - whose arrays it takes
        from pyarrow import parquet
    except ImportError:
        raise CnncalcError(_("Parquet is written with pyarrow: pip install 'cnncalc[parquet]'")) from None
    return parquet


def table_of(part: Part, quantities: Sequence[str]) -> Any:
    """A part as a table of Arrow."""
    import pyarrow

    columns = {name: _array(name, column, is_parameter=True) for name, column in part.params.items()}
    columns.update({name: _array(name, part.column(name), is_parameter=False) for name in quantities})
    columns[REASON] = pyarrow.array(part.reasons, type=pyarrow.string())
    return pyarrow.table(columns)


def _array(name: str, column: Column, *, is_parameter: bool) -> Any:
    import pyarrow

    quantity = QUANTITIES.get(name.rpartition(".")[2])
    try:
        if is_parameter:
            return _array_of_parameter(column)
        if quantity is not None and quantity.name == "jump":
            items = [None if item is None else [None if n is None else str(n) for n in item] for item in column.items()]
            return pyarrow.array(items, type=pyarrow.list_(pyarrow.string()))
        if quantity is not None and quantity.subject == RATIO:
            return pyarrow.array(column.items(), type=pyarrow.float64())
        if column.values.dtype == np.int64 and column.values.ndim == 2:
            return _array_of_lists(column)
        if quantity is not None and quantity.subject in (SHAPE, FIELD):
            items = [None if item is None else list(item) for item in column.items()]
            return pyarrow.array(items, type=pyarrow.list_(pyarrow.int64()))
        if column.values.dtype == np.int64 and column.values.ndim == 1:
            # To Arrow a mask says what is missing.
            return pyarrow.array(column.values, mask=~column.known)
        return pyarrow.array(column.items(), type=pyarrow.int64())
    except (OverflowError, pyarrow.ArrowInvalid):
        problem = _("{name} has numbers beyond 64 bits, which Parquet does not hold: write CSV or JSON", name=name)
        raise CnncalcError(problem) from None


def _array_of_lists(column: Column) -> Any:
    """A list per member; none where nothing of it is known."""
    import pyarrow

    members, axes = column.values.shape
    numbers = pyarrow.array(column.values.reshape(-1), mask=~column.known.reshape(-1))
    # The list of member i begins at i * axes, in numbers that stand row behind row.
    offsets = np.arange(members + 1, dtype=np.int32) * axes
    mask = pyarrow.array(~column.known.any(axis=1))
    return pyarrow.ListArray.from_arrays(pyarrow.array(offsets), numbers, mask=mask)


def _array_of_parameter(column: Column) -> Any:
    import pyarrow

    if column.values.dtype == np.int64 and column.known.all():
        return pyarrow.array(column.values) if column.values.ndim == 1 else _array_of_lists(column)
    items = [list(item) if isinstance(item, tuple) else item for item in column.items()]
    if all(isinstance(item, (int, list)) for item in items):
        return pyarrow.array(items)
    return pyarrow.array([str(value_text(item)) for item in items], type=pyarrow.string())
