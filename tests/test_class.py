"""A class: forms, workbooks, folders; the key as the exam; gradebook, feedback and the page for the teacher."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.answers import Grader
from cnncalc.answers.sheets.reading import read_sheets
from cnncalc.cli import group

FORM = (
    "提交时间,姓名,学号,1. C1.params (2分),2. C3 参数量,3. C1层的输出大小,4. F6 connections,全网参数量\n"
    "2026-3-1,李雷,1,150,2416,28²,10164,60k\n"
    "2026-3-1,韩梅梅,2,156,1516,6个28×28,,61706\n"
    "2026-3-2,李雷,3,156,1516,27x27,10081,6万\n"
)
KEY = (
    "layer,quantity,answer,points,accept\nC1,params,,2,no-bias\nC3,params,,1,\nC1,output,,1,\nF6,connections,,1,\n"
    "total,params,,2,\n"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group(), ["check", "lenet5", *arguments])


def data(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--format", "json").stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "form.csv").write_text(FORM, encoding="utf-8")
    (tmp_path / "key.csv").write_text(KEY, encoding="utf-8")
    return tmp_path


def test_a_row_for_each_student_is_read_as_sheets(folder: Path) -> None:
    students = data(str(folder / "form.csv"), "--marks")["students"]
    assert list(students) == ["李雷", "韩梅梅", "李雷 (2)"]  # handed in twice: both are shown
    assert [s["points"] for s in students.values()] == [6, 6, 6]  # 2 for the first question, as its heading says
    assert {i["name"]: i["verdict"] for i in students["韩梅梅"]["items"]} == {
        "C1.params": "right", "C3.params": "right", "C1.output": "right", "F6.connections": "missing",
        "params": "wrong",
    }  # fmt: skip
    assert len(data(str(folder / "form.csv"))["sheets"]) == 3


@pytest.mark.parametrize(
    "head",
    [
        "Timestamp,Email Address,Q1: C1 params,Q2: C3 params",
        "First name,Last name,C1.params,C3.params",
        "Name,C1.params,C3.params",
        "学号,C1的参数量,C3 的参数个数",
        "student,number of parameters of C1,number of parameters of C3",
        "姓名,C1 可训练参数个数（2 分）,C3 number of parameters",
        "姓名,第1题 请计算C1层的参数量,第2题：求 C3 的可训练参数个数是多少？",
        "Name,Q1. For layer C1: number of parameters,2) What is the number of parameters of C3?",
    ],
)
def test_headings_of_forms(head: str, tmp_path: Path) -> None:
    row = {"Timestamp": "now,a@b.c", "First name": "Ann,Lee"}.get(head.split(",")[0], "Ann Lee")
    (tmp_path / "form.csv").write_text(f"{head}\n{row},156,1516\n", encoding="utf-8")
    (sheet,) = read_sheets(str(tmp_path / "form.csv"))
    items = Grader(cnncalc.analyze("lenet5")).grade(sheet).items
    assert [(i.layer, i.quantity, i.verdict) for i in items] == [("C1", "params", "right"), ("C3", "params", "right")]
    assert sheet.name == ("a@b.c" if "Email" in head else "Ann Lee")
    assert sheet.notes == ()


def test_a_column_that_is_no_question_is_said(tmp_path: Path) -> None:
    (tmp_path / "form.csv").write_text("Name,C1.params,favourite colour\nAnn,156,red\n", encoding="utf-8")
    assert "form.csv:1:16: the column 'favourite colour' is passed over" in run(str(tmp_path), "--marks").output


def test_a_column_of_names_beside_a_row_per_answer(tmp_path: Path) -> None:
    text = "student,layer,quantity,answer\nAnn,C1,params,156\nAnn,C3,params,7\nBob,C1,params,150\n"
    (tmp_path / "all.csv").write_text(text, encoding="utf-8")
    students = data(str(tmp_path / "all.csv"), "--marks")["students"]
    assert {name: [i["verdict"] for i in s["items"]] for name, s in students.items()} == {
        "Ann": ["right", "wrong"],
        "Bob": ["wrong"],
    }


def test_the_key_is_the_exam(folder: Path) -> None:
    """What is not asked earns and costs nothing; all have one total; missing answers count."""
    (folder / "wang.csv").write_text("layer,quantity,answer\nC1,params,156\nS4,params,3\nC5,params,48120\n")
    found = data(str(folder), "--marks", "--key", str(folder / "key.csv"))["students"]
    assert {s["points"] for s in found.values()} == {7}
    assert found["wang"]["earned"] == 2
    assert [(i["verdict"], i["asked"]) for i in found["wang"]["items"]] == [
        ("right", True), ("wrong", False), ("right", False), *[("missing", True)] * 4,
    ]  # fmt: skip
    assert found["李雷"]["items"][0]["convention"] == "without biases"  # the key's own column: no-bias


def test_an_empty_key_is_a_form_that_is_filled_in(folder: Path) -> None:
    filled = run("--key", str(folder / "key.csv"), "--format", "csv").stdout
    assert filled.splitlines()[1:] == ["C1,params,156,2", "C3,params,1516,1", "C1,output,6x28x28,1",
                                       "F6,connections,10164,1", "total,params,60000,2"]  # fmt: skip
    (folder / "wide.csv").write_text("layer,params,output\nC1,,\nS2,,\n")
    filled = run("--key", str(folder / "wide.csv"), "--format", "csv").stdout
    assert filled.splitlines()[1:] == [
        "C1,params,156,1",
        "C1,output,6x28x28,1",
        "S2,params,12,1",
        "S2,output,6x14x14,1",
    ]


def test_where_the_key_has_another_answer_both_are_right_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "key.csv").write_text("layer,quantity,answer\nC3,params,2416\n")
    for answer in ("C3.params=2416", "C3.params=1516"):
        done = run(answer, "--key", str(tmp_path / "key.csv"))
        assert done.exit_code == 0
        assert "key.csv:2:11: C3.params: the key says 2416, cnncalc counts 1516" in done.stderr
    assert run("C3.params=2415", "--key", str(tmp_path / "key.csv")).exit_code == 1


def test_nothing_of_a_class_is_lost_silently(folder: Path) -> None:
    (folder / "scan.pdf").write_bytes(b"%PDF")
    (folder / "empty.csv").write_text("")
    (folder / ".DS_Store").write_text("x")
    inside = folder / "Bob_4711_file"
    inside.mkdir()
    (inside / "answers.csv").write_text("layer,quantity,answer\nC1,params,156\n")
    (folder / "Eve_4712_file").mkdir()
    (folder / "Eve_4712_file" / "answers.csv").write_text("layer,quantity,answer\nC1,params,157\n")
    found = data(str(folder), "--marks", "--key", str(folder / "key.csv"))
    assert sorted(Path(path).name for path in found["errors"]) == ["empty.csv", "scan.pdf"]
    assert {"answers", "Eve_4712_file/answers"} < found["students"].keys()
    said = run(str(folder), "--marks", "--key", str(folder / "key.csv")).output
    for part in ("read: 5", "not read: 2", "scan.pdf", "empty.csv"):
        assert part in said


def test_a_gradebook_has_a_row_per_student_and_a_column_per_question(folder: Path) -> None:
    done = run(str(folder / "form.csv"), "--marks", "--key", str(folder / "key.csv"), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["student"] for row in rows] == ["李雷", "韩梅梅", "李雷 (2)"]
    questions = ["C1.params", "C3.params", "C1.output", "F6.connections", "params"]
    assert list(rows[0]) == ["student", *questions, "total", "of", "percent"]
    assert list(rows[0].values())[1:] == ["2", "0", "1", "1", "2", "6", "7", "85.7"]


def test_feedback_for_every_student_in_their_language(folder: Path) -> None:
    (folder / "ann.csv").write_text("layer,quantity,answer\nC3,connections,41600\nC1,params,156\n")
    out = folder / "out"
    assert run(str(folder / "form.csv"), str(folder / "ann.csv"), "--feedback", str(out)).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{name}.{ending}" for name in ("ann", "李雷", "李雷_(2)", "韩梅梅") for ending in ("html", "md")
    )
    english = (out / "ann.md").read_text(encoding="utf-8")
    assert "241,600" in english  # the mistake
    assert "151,600" in english  # and how the number comes about
    assert "params" in english
    chinese = (out / "李雷.html").read_text(encoding="utf-8")
    assert '<html lang="zh' in chinese
    assert "得到的结果" in chinese
    assert "http" not in chinese.replace("http://www.w3.org", "")  # nothing is loaded


def test_a_page_for_the_teacher(folder: Path) -> None:
    report = folder / "class.html"
    run(str(folder / "form.csv"), "--report", str(report), "--key", str(folder / "key.csv"))
    page = report.read_text(encoding="utf-8")
    for part in ("right: 1 of 3", "1 of 3: 10,081 is what comes out", "C3.params"):
        assert part in page


def test_names_of_students_are_names_of_files_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "form.csv").write_text(
        "Name,C1.params\n../../evil,156\n<b>x</b>,1\nA,2\na,3\n=1+1,4\n", encoding="utf-8"
    )
    out = tmp_path / "out"
    run(str(tmp_path / "form.csv"), "--feedback", str(out))
    assert len(list(out.iterdir())) == 10
    assert not list(tmp_path.glob("*.html"))
    assert all("<b>x" not in path.read_text(encoding="utf-8") for path in out.glob("*.html"))


def test_marks_fit_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncalc.answers.sheets.folders import read_class
    from cnncalc.errors import columns_of
    from cnncalc.formats import write_page
    from cnncalc.pages.gradebook import Marks, marks_page

    grader = Grader(cnncalc.analyze("lenet5"))
    read = read_class([str(folder)], [])
    marks = Marks({name: grader.grade(sheet) for name, sheet in read.sheets.items()}, read)
    for width in (60, 80):
        lines = [line for line in write_page(marks_page(marks), "table", width).splitlines() if str(folder) not in line]
        assert max(map(columns_of, lines)) <= width


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030", "utf-8", "utf-8-sig", "gbk")


def test_sixty_sheets_in_three_seconds(tmp_path: Path) -> None:
    for i in range(60):
        rows = "".join(f"{name},参数量,{100 + i}\n" for name in ("C1", "S2", "C3", "S4", "C5", "F6", "总计"))
        text = f"层,项目,答案\nC1,输出,6x28x{28 - i % 2}\n{rows}"
        (tmp_path / f"学生{i:02}.csv").write_bytes(text.encode(ENCODINGS[i % len(ENCODINGS)]))
    start = time.perf_counter()
    done = run(str(tmp_path), "--marks", "--format", "csv")
    assert time.perf_counter() - start < 3
    assert len(done.stdout.splitlines()) == 61


# --- conventions and mistakes

KEY_WITHOUT_BIAS = "layer,quantity,answer,accept\nC1,params,156,无偏置\nC3,params,,\n"


def test_a_forgotten_bias_is_a_mistake_unless_it_is_accepted(tmp_path: Path) -> None:
    done = run("C1.params=150")
    assert done.exit_code == 1
    assert "without the biases" in done.output
    assert run("C1.params=150", "--accept", "no-bias").exit_code == 0
    assert cnncalc.check("lenet5", {"C1.params": 150}).score == 0
    (tmp_path / "key.csv").write_text(
        "layer,quantity,answer,accept\nC1,params,156,无偏置\nC3,params,,\n", encoding="utf-8"
    )
    items = data("C1.params=150", "C3.params=1500", "--key", str(tmp_path / "key.csv"))["items"]
    assert [i["verdict"] for i in items] == ["convention", "wrong"]


def test_from_python_with_a_key_and_what_is_accepted(folder: Path) -> None:
    result = cnncalc.check("lenet5", {"C1.params": 150, "C3.params": 1500}, key=folder / "key.csv", accept=["no-bias"])
    assert (result.earned, result.points) == (3, 7)
    assert cnncalc.check("lenet5", {"C3.params": 1500}).earned == 0


def test_strict_prints_a_cross_and_names_the_convention() -> None:
    done = run("C1.macs=235,200", "--strict")
    assert done.exit_code == 1
    assert "✗" in done.output
    assert "✓" not in done.output
    assert "FLOPs = 2 MACs" in done.output
    assert run("C1.macs=235,200").exit_code == 0


def test_a_size_alone_is_right_and_the_channels_are_remarked() -> None:
    for answer in ("28", "28x28", "28²", "28 by 28"):
        done = run(f"C1.output={answer}")
        assert done.exit_code == 0, answer
        assert "channels were not given" in done.output


def test_batch_and_dtype() -> None:
    assert run("C1.activation_bytes=75,264", "--batch", "4").exit_code == 0
    assert run("C1.activation_bytes=9.2 KiB", "--dtype", "float16").exit_code == 0
    assert run("params=1", "--batch", "0").exit_code == 2


def test_perhaps_stands_before_what_chance_may_have_made() -> None:
    done = CliRunner().invoke(group(), ["check", "-e", "1x5x5; conv 1 k3", "conv1.output=2"])
    assert "perhaps: " in done.output
    done = CliRunner().invoke(group(), ["check", "-e", "3x227x227; conv 96 k11 s4", "conv1.params=34848"])
    assert "    34,848 is what comes out without the biases" in done.output


# --- workbooks


@pytest.fixture
def book(tmp_path: Path) -> Any:
    openpyxl = pytest.importorskip("openpyxl")

    def saved(pages: dict[str, list[list[object]]]) -> str:
        made = openpyxl.Workbook()
        made.remove(made.active)
        for title, rows in pages.items():
            page = made.create_sheet(title)
            for row in rows:
                page.append(row)
        made.save(tmp_path / "class.xlsx")
        return str(tmp_path / "class.xlsx")

    return saved


def test_a_form_in_a_workbook_behind_a_cover_page(book: Any) -> None:
    path = book({
        "封面": [["神经网络 期中考试"], ["2026"]],
        "答卷": [["姓名", "C1.params", "总参数量"], ["李雷", 156, "60,000"], ["韩梅梅", 150.0, 61706]],
    })  # fmt: skip
    found = data(path, "--marks")
    assert {name: s["earned"] for name, s in found["students"].items()} == {"李雷": 2, "韩梅梅": 0}
    assert any("封面" in note for note in found["notes"])


def test_pages_of_different_numbers_are_one_person_s_and_of_the_same_ones_several(book: Any) -> None:
    one = book({"a": [["layer", "params"], ["C1", 156]], "b": [["layer", "output"], ["C1", "6x28x28"]]})
    assert [len(sheet.answers) for sheet in read_sheets(one)] == [2]
    two = book({"Ann": [["layer", "params"], ["C1", 156]], "Bob": [["layer", "params"], ["C1", 150]]})
    assert [(s.name, s.answers[0].text) for s in read_sheets(two)] == [("Ann", "156"), ("Bob", "150")]


def test_a_formula_without_a_stored_value_is_said_to_be_one(book: Any) -> None:
    path = book({"a": [["layer", "params"], ["C1", "=B7*2"], ["C3", "=(5*5*6+1)*16"]]})
    done = run(path)
    assert "the formula =B7*2 without a stored value" in done.output
    items = data(path)["items"]
    assert [i["verdict"] for i in items] == ["unreadable", "wrong"]  # 2,416: what the second one comes to
