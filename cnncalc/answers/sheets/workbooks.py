"""Sheets of a spreadsheet program, .xlsx: read by openpyxl, which is loaded when there is one."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from typing import Any

from cnncalc.answers.sheets.forms import sheets_from_rows
from cnncalc.answers.sheets.sheet import Sheet, unusable, with_some_answer
from cnncalc.answers.sheets.tables import Cells
from cnncalc.errors import CnncalcError, Position, Problem, Source, open_archive, refuse_packing
from cnncalc.language import _, reason_of

# What unpacking a broken archive raises: no archive, cut short, encrypted, packed in a way that is not known.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
LARGEST = 50_000_000  # bytes of a workbook, unpacked
TAGS_OF_A_CELL = 4  # <c><v>156</v></c>
MOST_TAGS = 200_000 * TAGS_OF_A_CELL  # empty cells take memory like others
MOST_ROWS, MOST_COLUMNS = 5000, 200


def read_workbook(path: str, *, blank: bool = False) -> list[Sheet]:
    """The sheets in a workbook. A place is a row and a column; a page without answers is passed over.

    Pages that ask for different numbers are one person's; pages that ask for the same ones are of several people, who
    are named by the pages. Raises SpecError where the file cannot be read, and CnncalcError where openpyxl is missing.
    """
    found: list[tuple[str, list[Sheet]]] = []
    passed: list[Problem] = []
    first_problems: tuple[Problem, ...] = ()
    for title, rows in pages_of(path):
        if not any(cell.strip() for cells in rows for cell, _place in cells):
            continue
        problems: list[Problem] = []
        sheets = sheets_from_rows(rows, Source(path, ""), problems, blank=blank)
        if any(sheet.answers for sheet in sheets):
            found.append((title, sheets))
        else:
            first_problems = first_problems or tuple(problems)
            passed.append(Problem(_("no answers on the page '{name}': it is passed over", name=title), rows[0][0][1]))
    if not found:
        return [with_some_answer(Sheet(Source(path, ""), (), first_problems))]
    notes = tuple(passed)
    if len(found) == 1 or any(len(sheets) > 1 for _title, sheets in found):
        every = [sheet for _title, sheets in found for sheet in sheets]
        # Said once, with the first of them.
        return [every[0]._replace(notes=every[0].notes + notes), *every[1:]]
    # Different questions on several pages are one exam; the same ones are answered by several people.
    alone = [(title, sheets[0]) for title, sheets in found]
    asked = [(a.layer, a.quantity) for _title, sheet in alone for a in sheet.answers]
    if len(set(asked)) == len(asked):
        answers = tuple(answer for _title, sheet in alone for answer in sheet.answers)
        problems_of_all = tuple(problem for _title, sheet in alone for problem in sheet.problems)
        return [Sheet(Source(path, ""), answers, problems_of_all, notes=notes)]
    return [sheet._replace(student=title, notes=notes if i == 0 else ()) for i, (title, sheet) in enumerate(alone)]


def pages_of(path: str) -> list[tuple[str, list[Cells]]]:
    """The title and the cells of every page. Of a formula without a stored value, the formula."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        if error.name != "openpyxl":
            raise
        raise CnncalcError(
            _("{file}: reading .xlsx needs openpyxl: pip install 'cnncalc[xlsx]', or save it as CSV", file=path)
        ) from None
    formulas = check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which say nothing about answers
            book = load_workbook(path, read_only=True, data_only=True)
            pages = [(str(page.title), cells_of(page)) for page in book.worksheets]
            book.close()
            # A program that has not worked a formula out has stored no value: then the formula is what there is.
            if formulas:
                book = load_workbook(path, read_only=True)
                written = [cells_of(page) for page in book.worksheets]
                book.close()
                pages = [
                    (title, fill_formulas(rows, other)) for (title, rows), other in zip(pages, written, strict=True)
                ]
    except Exception as error:  # what a broken file raises in there is not written down anywhere
        raise unusable(path, _("not a workbook: {reason}", reason=str(error)[:100])) from None
    return pages


def fill_formulas(values: list[Cells], formulas: list[Cells]) -> list[Cells]:
    """The values of a page; a formula that no program has worked out yet stands as it is."""
    known = {place: text for cells in values for text, place in cells if text}
    return [[(known.get(place, text), place) for text, place in cells] for cells in formulas]


def check_archive(path: str) -> bool:
    """Whether there are formulas in it. Raises SpecError for what is no archive, or a very large one."""
    try:
        with open_archive(path) as file, zipfile.ZipFile(file) as archive:
            refuse_packing(archive, path)
            pages = [entry for entry in archive.infolist() if entry.filename.startswith("xl/worksheets/")]
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise unusable(path, _("the sheet is larger than {size} MB", size=LARGEST // 10**6))
            tags = sum(archive.read(entry).count(b"<") for entry in archive.infolist())
            if tags <= MOST_TAGS:
                return any(b"<f" in archive.read(entry) for entry in pages)
    except OSError as error:
        raise unusable(path, _("cannot be read: {reason}", reason=reason_of(error))) from None
    except BROKEN:
        raise unusable(path, _("not a workbook of the form .xlsx"), _("save it as .xlsx or as CSV")) from None
    cells = MOST_TAGS // TAGS_OF_A_CELL
    raise unusable(path, _("the sheet has more than {cells:,} cells", cells=cells), _("write a sheet for each class"))


def cells_of(page: Any) -> list[Cells]:
    """The cells of a page as text, with their places."""
    found: list[Cells] = []
    rows = page.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
    for number, values in enumerate(rows, 1):
        cells = [(write_cell(value), Position(number, column)) for column, value in enumerate(values, 1)]
        # At the end of a row cells are often only formatted.
        while cells and not cells[-1][0]:
            cells.pop()
        if cells:
            found.append(cells)
    return found


def write_cell(value: Any) -> str:
    """A cell's value as a person wrote it: 156 for 156.0."""
    if value is None:
        return ""
    # A workbook holds 156 as 156.0; beyond 15 digits it has rounded the number itself.
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return str(value)  # a day, where the program took 6-28 for one: said to be unreadable when it is graded
