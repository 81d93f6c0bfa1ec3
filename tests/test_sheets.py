"""Answer sheets that lie across, and those of spreadsheet programs."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.answers import Grader, read_sheet
from cnncalc.answers.sheets.reading import sheets_from_text
from cnncalc.cli import group
from cnncalc.errors import CnncalcError, Source, SpecError

LENET = cnncalc.analyze("lenet5")


def verdicts(sheet: Any) -> dict[str, str]:
    result = Grader(LENET).grade(sheet)
    assert result.sheet.problems == ()
    return {item.name: item.verdict for item in result.items}


def of(text: str, name: str = "li.csv") -> Any:
    return sheets_from_text(Source(name, text))[0]


ACROSS = [
    (",C1,S2,C3,OUTPUT,total\nparams,156,12,1517,0,60000\noutput,6x28x28,6x14x14,16x10x10,10,\n", "li.csv"),
    ("层,C1,S2,C3,OUTPUT,合计\n参数量,156,12,1517,0,60000\n输出,6x28x28,6x14x14,16x10x10,10,\n", "li.csv"),
    (
        "Answers of Li\n\n| | C1 | S2 | C3 | OUTPUT | total |\n|---|---|---|---|---|---|\n"
        "| params | 156 | 12 | 1517 | 0 | 60000 |\n| output | 6x28x28 | 6x14x14 | 16x10x10 | 10 | - |\n",
        "li.md",
    ),
]
EXPECTED = {
    "C1.params": "right", "S2.params": "right", "C3.params": "wrong", "OUTPUT.params": "right", "params": "right",
    "C1.output": "right", "S2.output": "right", "C3.output": "right", "OUTPUT.output": "right",
}  # fmt: skip


@pytest.mark.parametrize(("text", "name"), ACROSS)
def test_a_table_with_a_column_per_layer(text: str, name: str) -> None:
    assert verdicts(of(text, name)) == EXPECTED


def test_places_are_those_of_the_cells() -> None:
    sheet = of(ACROSS[0][0])
    wrong = next(a for a in sheet.answers if a.text == "1517")
    assert wrong.position is not None
    assert wrong.position[:2] == (2, 15)


@pytest.mark.parametrize(
    "text",
    [
        "layer,params,output\nC1,156,6x28x28\nOUTPUT,0,10\n",  # a row per layer
        "layer,quantity,answer\nC1,params,156\n",
        "quantity,answer\nparams,60000\nmacs,328096\n",  # a row per answer about the network
        "C1,params,156\nC3,params,1516\n",
    ],
)
def test_tables_that_stand_are_read_as_before(text: str) -> None:
    assert set(verdicts(of(text)).values()) == {"right"}


def test_more_cells_than_layers_are_a_problem_and_the_other_rows_stay() -> None:
    sheet = of(",C1,C3\nparams,156,1,516\noutput,6x28x28,16x10x10\n")
    assert [answer.quantity for answer in sheet.answers] == ["output", "output"]
    assert sheet.problems[0].problem == "4 cells under 3 headings"


# --- workbooks

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture
def book(tmp_path: Path) -> Any:
    def saved(*pages: list[list[object]], name: str = "li.xlsx") -> str:
        made = openpyxl.Workbook()
        made.remove(made.active)
        for rows in pages:
            page = made.create_sheet()
            for row in rows:
                page.append(row)
        made.save(tmp_path / name)
        return str(tmp_path / name)

    return saved


def test_a_workbook_is_graded(book: Any) -> None:
    rows = [["layer", "params", "输出"], ["C1", 156, "6x28x28"], ["C3", 1516.0, None], ["total", "60,000", None]]
    assert verdicts(read_sheet(book([], rows))) == {
        "C1.params": "right", "C1.output": "right", "C3.params": "right", "params": "right",
    }  # fmt: skip


def test_a_workbook_that_lies_across(book: Any) -> None:
    assert verdicts(read_sheet(book([["", "C1", "C3"], ["params", 156, 1517]]))) == {
        "C1.params": "right",
        "C3.params": "wrong",
    }


def test_the_place_in_a_workbook_is_row_and_column(book: Any) -> None:
    path = book([["layer", "quantity", "answer"], ["C1", "params", 156], ["C3", None, 7]])
    sheet = read_sheet(path)
    assert sheet.problems[0].problem == "an answer without a quantity"
    assert sheet.problems[0].position is not None
    assert sheet.problems[0].position[:2] == (3, 1)


def test_a_class_of_workbooks(book: Any, tmp_path: Path) -> None:
    for name, params in (("li.xlsx", 156), ("wang.xlsx", 157)):
        book([["layer", "params"], ["C1", params]], name=name)
    result = CliRunner().invoke(group(), ["check", "lenet5", str(tmp_path), "--marks", "--format", "csv"])
    assert [line.split(",")[0] for line in result.stdout.splitlines()[1:]] == ["li", "wang"]


def test_workbooks_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(SpecError, match=r"not a workbook of the form \.xlsx"):
        read_sheet(str(broken))
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(SpecError, match="not a workbook"):
        read_sheet(str(broken))
    with zipfile.ZipFile(broken, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(SpecError, match="larger than 50 MB"):
        read_sheet(str(broken))
    with pytest.raises(SpecError, match="cannot be read"):
        read_sheet(str(tmp_path / "gone.xlsx"))


def test_without_openpyxl(book: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book([["layer", "params"], ["C1", 156]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(CnncalcError, match=r"pip install 'cnncalc\[xlsx\]'"):
        read_sheet(path)
