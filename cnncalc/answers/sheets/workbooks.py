"""Sheets of a spreadsheet program, .xlsx: read by openpyxl, which is loaded when there is one."""

from __future__ import annotations

import warnings
import zipfile
from typing import Any

from cnncalc.answers.sheets.sheet import Sheet, unusable
from cnncalc.answers.sheets.tables import Cells, from_rows
from cnncalc.errors import CnncalcError, Position, Problem, Source
from cnncalc.language import _

LARGEST = 50_000_000  # bytes of a workbook, unpacked
MOST_ROWS, MOST_COLUMNS = 5000, 200


def read_workbook(path: str) -> Sheet:
    """The answers on the first sheet of a workbook that has some. A place is a row and a column.

    Raises SpecError where the file cannot be read, and CnncalcError where openpyxl is missing.
    """
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        if error.name != "openpyxl":
            raise
        raise CnncalcError(
            _("{file}: reading .xlsx needs openpyxl: pip install 'cnncalc[xlsx]', or save it as CSV", file=path)
        ) from None
    check_size(path)
    problems: list[Problem] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which say nothing about answers
            book = load_workbook(path, read_only=True, data_only=True)
            pages = [cells_of(page) for page in book.worksheets]
            book.close()
    except Exception as error:  # what a broken file raises in there is not written down anywhere
        raise unusable(path, _("not a workbook: {reason}", reason=str(error)[:100])) from None
    rows = next((rows for rows in pages if any(cell.strip() for cells in rows for cell, _place in cells)), [])
    answers = from_rows(rows, problems) if rows else []
    if not answers and not problems:
        problems.append(Problem(_("the sheet is empty: there is no answer in it"), Position(1, 1)))
    return Sheet(Source(path, ""), tuple(answers), tuple(problems))


def check_size(path: str) -> None:
    """Raise SpecError for what is no archive, or a very large one."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except OSError as error:
        raise unusable(path, _("cannot be read: {reason}", reason=error.strerror or str(error))) from None
    except zipfile.BadZipFile:
        raise unusable(path, _("not a workbook of the form .xlsx"), _("save it as .xlsx or as CSV")) from None
    if size > LARGEST:
        raise unusable(path, _("the sheet is larger than {size} MB", size=LARGEST // 10**6))


def cells_of(page: Any) -> list[Cells]:
    """The cells of a page as text, with their places."""
    found: list[Cells] = []
    rows = page.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
    for number, values in enumerate(rows, 1):
        cells = [(as_written(value), Position(number, column)) for column, value in enumerate(values, 1)]
        while cells and not cells[-1][0]:
            cells.pop()
        if cells:
            found.append(cells)
    return found


def as_written(value: Any) -> str:
    """A cell's value as a person wrote it: 156 for 156.0."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return str(value)  # a day, where the program took 6-28 for one: said to be unreadable when it is graded
