"""`cnncalc check`: notations, forms of sheets, conventions, bad input, marks, and expectations for CI."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import cnncalc
from cnncalc.answers import Grader, read_sheet
from cnncalc.answers.notation import read
from cnncalc.answers.sheets.reading import decode, sheets_from_text
from cnncalc.cli import group
from cnncalc.errors import CnncalcError, Source
from cnncalc.formats import EVERYWHERE, write_page
from cnncalc.pages.grades import sheets_page

LENET = cnncalc.analyze("lenet5")
COUNTS = ("params", "connections", "macs")
LAYERS = [row.name for row in LENET.layers if row.shown_with is None]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group(), ["check", *arguments])


def graded(text: str, name: str = "sheet.csv", **options: Any) -> Any:
    return Grader(LENET, **options).grade(sheets_from_text(Source(name, text))[0])


def fullwidth(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def x(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


NOTATIONS: dict[str, tuple[Callable[[int], str], Callable[[tuple[int, ...]], str]]] = {
    "plain": (str, x),
    "commas": (lambda n: f"{n:,}", lambda s: f"({', '.join(map(str, s))})"),
    "spaces": (lambda n: f"{n:,}".replace(",", " "), lambda s: " ".join(map(str, s))),
    "thousands": (lambda n: f"{n / 1000:.3f}k", lambda s: f"[{','.join(map(str, s))}]"),
    "millions": (lambda n: f"{n / 10**6:.6f} M", lambda s: "*".join(map(str, s))),
    "exponent": (lambda n: f"{n:.6e}", lambda s: "×".join(map(str, s))),
    "fullwidth": (lambda n: fullwidth(f"{n:,}"), lambda s: fullwidth(x(s))),
    "ten thousands": (lambda n: f"{n / 10**4:.4f}万", lambda s: "×".join(map(str, s))),
    "formula": (lambda n: f"({n}-1)*1+1", lambda s: f"{s[0]}@{x(s[1:])}" if len(s) > 1 else x(s)),
    "worked": (lambda n: f"2*{n}/2 = {n}", lambda s: f"{x(s[1:])}@{s[0]}" if len(s) > 1 else x(s)),
    "channels last": (lambda n: f"{n} ", lambda s: x((*s[1:], s[0]))),
}


def answers_in(notation: str) -> list[tuple[str, str, str]]:
    count, shape = NOTATIONS[notation]
    rows = [(layer, q, count(getattr(LENET[layer], q))) for layer in LAYERS for q in COUNTS]
    rows += [(layer, "output", shape(LENET[layer].output)) for layer in LAYERS]
    rows += [("total", q, count(getattr(LENET.totals, q))) for q in COUNTS]
    return rows


def as_csv(rows: list[tuple[str, str, str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([("layer", "quantity", "answer"), *rows])
    return out.getvalue()


def as_wide(rows: list[tuple[str, str, str]], headings: dict[str, str], layer: str) -> str:
    found: dict[str, dict[str, str]] = {}
    for name, quantity, answer in rows:
        found.setdefault(name, {})[quantity] = answer
    out = io.StringIO()
    table = [[layer, *headings.values()], *([n, *(r.get(q, "") for q in headings)] for n, r in found.items())]
    csv.writer(out).writerows(table)
    return out.getvalue()


def as_markdown(rows: list[tuple[str, str, str]]) -> str:
    lines = ["| layer | quantity | answer |", "|---|:--|--:|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    return "# My answers\n\n" + "\n".join(lines) + "\n"


ENGLISH = {"params": "Parameters", "connections": "Connections", "macs": "MACs", "output": "Output shape"}
CHINESE = {"params": "参数量", "connections": "连接数", "macs": "乘加次数", "output": "输出形状"}
FORMS: dict[str, Callable[[list[tuple[str, str, str]]], str]] = {
    "comma.csv": as_csv,
    "semicolon.csv": lambda rows: as_csv(rows, ";"),
    "tab.tsv": lambda rows: as_csv(rows, "\t"),
    "wide.csv": lambda rows: as_wide(rows, ENGLISH, "Layer"),
    "wide-zh.csv": lambda rows: as_wide(rows, CHINESE, "层"),
    "table.md": as_markdown,
    "table.txt": as_markdown,
    "dotted.yaml": lambda rows: "".join(f"{a}.{b}: {json.dumps(c)}\n" for a, b, c in rows),
    "plain.yaml": lambda rows: "answers:\n" + "".join(f"  - {{layer: {a}, quantity: {b}, answer: '{c}'}}\n"
                                                      for a, b, c in rows),
    "list.json": lambda rows: json.dumps([dict(zip(("layer", "quantity", "answer"), r, strict=True)) for r in rows],
                                         indent="\t"),
    "nested.json": lambda rows: json.dumps({n: {q: a for m, q, a in rows if m == n} for n, _q, _a in rows}),
    "words.txt": lambda rows: "".join(f"{a}.{b}={c}\n" for a, b, c in rows),
}  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", FORMS)
def test_a_correct_sheet_is_right_in_every_notation_and_form(notation: str, name: str) -> None:
    result = graded(FORMS[name](answers_in(notation)), name)
    assert not result.messages()
    allowed = ("right", "convention") if notation == "channels last" else ("right",)
    assert [i for i in result.items if i.verdict not in allowed] == []
    assert len(result.items) == len(LAYERS) * 4 + 3
    assert result.score == 1
    assert result.holds


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8-sig", "\r\n"), ("gbk", "\n"), ("utf-16", "\r\n"), ("utf-8", "\r")]
)
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "李.csv"
    path.write_bytes(f"层,参数量,输出{end}C1,156,6x28x28{end}C3,1516,16x10x10{end}".encode(encoding))
    result = Grader(LENET).grade(read_sheet(str(path)))
    assert [i.verdict for i in result.items] == ["right"] * 4
    assert result.sheet.name == "李"


def test_merged_cells_carry_the_layer_down() -> None:
    result = graded("层;项目;答案\nC1;参数;156\n;连接数;122304\nC3;参数;1516\n;连接数;151600\n总计;参数;60000\n")
    assert [(i.name, i.verdict) for i in result.items] == [
        ("C1.params", "right"), ("C1.connections", "right"), ("C3.params", "right"), ("C3.connections", "right"),
        ("params", "right"),
    ]  # fmt: skip


def test_thousands_and_shapes_without_quotes_in_a_csv() -> None:
    result = graded("layer,quantity,answer\nC3,connections,151,600\nC1,output,(6, 28, 28)\n")
    assert [i.verdict for i in result.items] == ["right", "right"]


@pytest.mark.parametrize(
    ("text", "value", "slack"),
    [
        ("41,600", 41600, 0), ("４１，６００", 41600, 0), ("41 600", 41600, 0), ("61.7k", 61700, 50),
        ("0.0617 M", 61700, 50), ("6.17e4", 61700, 50), ("6.17×10^4", 61700, 50), ("6.17万", 61700, 50),
        ("1.2亿", 120_000_000, 5_000_000), ("(5*5+1)*6", 156, 0), ("（5×5＋1）×6", 156, 0), ("5x5x6", 150, 0),
        ("≈ 156 个", 156, 0), ("2^10", 1024, 0), ("1/3", Fraction(1, 3), 0), ("**156**", 156, 0), ("010", 10, 0),
        ("-2", -2, 0), ("6e4", 60000, 0),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: Any, slack: int) -> None:
    assert next((r.value, r.slack) for r in read(text, shaped=False)) == (value, slack)


NO_NUMBERS = ["", "abc", "9**9**9", "1/0", "__import__('os')", "(" * 200, "1" * 400, "5 apples", "2**-1",
              "1.2.3.4", "nan", "inf", "6x", "1e999", "--", "9" * 100 + "*" + "9" * 100]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_said(text: str) -> None:
    with pytest.raises(CnncalcError):
        read(text, shaped=False)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("60k", "right"),
        ("60.0k", "right"),
        ("0.06M", "right"),
        ("59.9k", "wrong"),
        ("6e4", "right"),
        ("6.1万", "wrong"),
    ],
)
def test_rounded_answers_are_right_to_the_digits_given(answer: str, verdict: str) -> None:
    assert cnncalc.check(LENET, {"params": answer}, strict=True).items[0].verdict in (verdict, "convention")
    assert cnncalc.check("lenet5-modern", {"params": "61.7k"}).score == 1
    assert cnncalc.check("lenet5-modern", {"params": "61.8k"}).score == 0


@pytest.mark.parametrize(
    ("spec", "answer", "value", "convention"),
    [
        ("lenet5", "params", 60840, "with the fixed weights"),
        ("lenet5", "C1.macs", 235200, "FLOPs = 2 MACs"),
        ("lenet5", "C1.flops", 117600, "MACs, as one operation each"),
        ("resnet50", "params", 25_610_152, "Keras"),
        ("lenet5", "parameter_bytes", "237.7 KB", "1024"),
        ("lenet5", "C1.output", "28x28x6", "channels last"),
        ("example-odd-pooling", "pool1.output", None, "ceil"),
    ],
)
def test_right_under_another_convention(spec: str, answer: str, value: Any, convention: str) -> None:
    if value is None:
        net = "input: 2x7x7\nlayers:\n  - pool1: maxpool 2\n"
        item = cnncalc.check(net, {answer: "2x4x4"}).items[0]
    else:
        item = cnncalc.check(spec, {answer: value}).items[0]
    assert item.verdict == "convention"
    assert convention in item.convention
    assert item.earned == 1


@pytest.mark.parametrize(
    ("spec", "quantity", "answer", "verdict"),
    [
        # a batch stands before the shape, and nothing stands between them
        ("lenet5", "C1.output", "9x6x28x28", "right"),
        ("lenet5", "C1.output", "1x1x6x28x28", "right"),
        ("lenet5", "C1.output", "9x1x6x28x28", "wrong"),
        # a hundred values are too many for a size, ninety-nine are not
        ("1x10x10; identity", "identity1.output", "100", "convention"),
        ("1x9x11; identity", "identity1.output", "99", "wrong"),
        # 5.4 KB of 1024 bytes are 5529.6, 5.5 KB 5632; digits left out are up to 51.2 bytes: 5580 is so near, 5684 not
        ("1394; dense 1", "parameter_bytes", "5.4 KB", "convention"),
        ("1420; dense 1", "parameter_bytes", "5.5 KB", "wrong"),
    ],
)
def test_how_far_an_answer_may_be_from_the_number(spec: str, quantity: str, answer: str, verdict: str) -> None:
    assert cnncalc.check(spec, {quantity: answer}).items[0].verdict == verdict


def test_strict_gives_no_points_for_another_convention_but_reads_channels_last() -> None:
    result = cnncalc.check(LENET, {"C1.macs": 235200, "C1.output": "28x28x6"}, strict=True)
    assert [i.earned for i in result.items] == [0, 1]


def test_the_number_that_the_table_shows_is_right_too() -> None:
    assert cnncalc.check(LENET, {"C1.flops": "244,608"}).items[0].verdict == "right"


def test_points_and_alternatives() -> None:
    text = "C3.params: {answer: 2416, points: 3, accept: [2416, 2,416]}\nC1.params: {answer: 7, points: 0.5}\n"
    result = graded(text, "a.yaml")
    assert [(i.verdict, i.earned, i.points) for i in result.items] == [("right", 3, 3), ("wrong", 0, Fraction(1, 2))]
    rows = "layer,quantity,answer,points,accept\nC3,params,2416,3,2416|2500\nC1,params,156,2,\n"
    assert graded(rows).earned == 5
    assert cnncalc.check(LENET, [{"layer": "C1", "quantity": "params", "answer": 156, "points": 4}]).points == 4


BAD = {
    "layer,quantity,answer\nC33,params,5\nC1,params,156\n": (2, "did you mean C3"),
    "layer,quantity,answer\nC3,parms,5\nC1,params,156\n": (2, "did you mean params?"),
    "layer,quantity,answer\nC3,params,five\nC1,params,156\n": (2, "'five' is not a number"),
    "layer,quantity,answer\nC3,output,1x2x16x10x10\nC1,params,156\n": (2, "C3.output has 3 dimensions, the answer 5"),
    "layer,quantity,answer\nC1,params,156\nC1,params,157\n": (3, "a second answer for C1.params"),
    "layer,quantity,answer\n,params,156\nC1,params,156\n": (2, "an answer without a layer"),
    "layer,quantity,answer,points\nC1,connections,1,2,3,4\nC1,params,156,1\n": (2, "6 cells under 4 headings"),
    "layer,quantity,answer,points\nC1,params,156,lots\n": (2, "'lots' are no points"),
    "layer,params,colour\nC1,156,red\n": (1, "unknown heading 'colour'"),
    "layer,quantity,answer\ntotal,jump,1\nC1,params,156\n": (2, "jump belongs to a layer"),
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_with_its_line_and_the_rest_is_graded(text: str) -> None:
    line, said = BAD[text]
    result = graded(text, "answers/li.csv")
    assert [m for m in result.messages() if m.startswith(f"answers/li.csv:{line}:") and said in m], result.messages()
    assert [i.verdict for i in result.items if i.name == "C1.params"] == ["right"]


@pytest.mark.parametrize(("name", "text"), [("a.csv", ""), ("a.yaml", "\n"), ("a.json", "{}"), ("a.md", "# nothing\n"),
                                            ("a.csv", "layer,quantity,answer\n")])  # fmt: skip
def test_an_empty_sheet_is_said(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    done = run("lenet5", str(tmp_path / name))
    assert done.exit_code == 2
    assert f"{name}:1:" in done.output
    assert "Traceback" not in done.output


def test_a_key_given_twice_in_yaml_is_said_and_the_first_counts() -> None:
    result = graded("C1.params: 156\nC1.params: 7\nC3.params: 1516\n", "a.yaml")
    assert "a.yaml:2:1" in result.messages()[0]
    assert [i.verdict for i in result.items] == ["right", "right"]


def test_inline_words_formats_and_status() -> None:
    assert run("lenet5", "C3.connections=151600").exit_code == 0
    done = run("lenet5", "C3.connections=41600")
    assert done.exit_code == 1
    assert "151,600" in done.output
    assert run("lenet5", "C3.connections=x").exit_code == 1
    assert run("lenet5", "C3.connections=1", "--format", "junit").exit_code == 2
    assert run("lenet9", "C3.connections=1").exit_code == 2
    assert run("lenet5", "missing.csv").exit_code == 2
    assert run().exit_code == 2
    assert run("lenet5", "C3.params=\udcff", "--format", "json").exit_code == 1
    assert run("-e", "1x8x8; conv 2 k3", "conv1.params=20").exit_code == 0
    data = json.loads(run("lenet5", "C3.connections=41600", "params=60k", "--format", "json").output)
    assert [i["verdict"] for i in data["items"]] == ["wrong", "right"]
    assert data["score"] == 0.5
    assert "| C3.connections |" in run("lenet5", "C3.connections=41600", "--format", "markdown").output


def test_a_hint_never_shows_the_number_and_explain_derives_it() -> None:
    words = [f"{layer}.{q}=7777" for layer in LAYERS for q in ("params", "connections")]
    for form in ("plain", "markdown", "json"):
        shown = run("lenet5", *words, "--hint", "--format", form).output
        for number in ("151,600", "151600", "48,120", "48120", "expected"):
            assert number not in shown
    assert "params × m × m" in run("lenet5", "C3.connections=41600", "--explain").output
    assert run("lenet5", "C3.connections=1", "--explain", "--hint").exit_code == 2


def write_class(folder: Path) -> None:
    for i in range(6):
        rows = [(layer, q, str(getattr(LENET[layer], q) + (i % 2))) for layer in LAYERS for q in COUNTS]
        (folder / f"student{i}.csv").write_text(as_csv(rows), encoding="utf-8")
    (folder / "bad.csv").write_bytes(b"\x00\x01\xff\xfe")
    (folder / "empty.csv").write_text("", encoding="utf-8")


def test_marks_of_a_class(tmp_path: Path) -> None:
    write_class(tmp_path)
    done = run("lenet5", str(tmp_path), "--marks")
    assert done.exit_code == 1  # two sheets could not be read
    for said in ("student0", "the class", "the hardest numbers", "bad.csv:1:1", "empty.csv:1:1"):
        assert said in done.output
    data = json.loads(run("lenet5", str(tmp_path), "--marks", "--format", "json").output)
    assert data["students"]["student0"]["score"] == 1
    assert data["students"]["student1"]["score"] < 1
    assert len(data["errors"]) == 2
    table = list(csv.DictReader(io.StringIO(run("lenet5", str(tmp_path), "--marks", "--format", "csv").output)))
    assert len(table) == 6
    assert run("lenet5", *sorted(map(str, tmp_path.glob("s*.csv"))), "--marks").exit_code == 0


def test_a_key_gives_points_alternatives_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "key.csv").write_text("layer,quantity,answer,points,accept\nC3,params,1516,3,2416\nC1,params,156,2,\n")
    (tmp_path / "li.csv").write_text("layer,quantity,answer,points\nC3,params,2416,99\n")
    data = json.loads(
        run("lenet5", str(tmp_path / "li.csv"), "--key", str(tmp_path / "key.csv"), "--format", "json").output
    )
    assert (data["earned"], data["points"]) == (3, 5)
    assert [i["verdict"] for i in data["items"]] == ["right", "missing"]


def test_texts_of_students_are_no_formulas_of_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "li.csv").write_text('layer,quantity,answer\nC3,params,"+cmd|calc"\n')
    assert "'+cmd" in run("lenet5", str(tmp_path / "li.csv"), "--format", "csv").output


FAILING = "input: 1x8x8\nlayers:\n  - conv 2 k3\nexpect:\n  params: 21\n  macs: <= 4.2G\n  conv1.output: 2x6x6\n"


def test_expectations_in_every_format(tmp_path: Path) -> None:
    spec = tmp_path / "net, one.yaml"
    spec.write_text(FAILING, encoding="utf-8")
    (tmp_path / "notes.yaml").write_text("C1.params: 3\n", encoding="utf-8")
    for form in ("plain", "table", "markdown", "json", "junit", "github", "sarif"):
        done = run(str(tmp_path), "lenet5", "--format", form)
        assert done.exit_code == 1, done.output
    assert "params" in run(str(spec)).output
    cases = ElementTree.fromstring(run(str(spec), "lenet5", "--format", "junit").stdout)
    assert cases.attrib["failures"] == "1"
    assert [case.attrib["name"] for case in cases.iter("testcase") if case.find("failure") is not None] == ["params"]
    github = run(str(spec), "--format", "github").output
    assert github.startswith("::error file=")
    assert "net%2C one.yaml,line=5," in github
    log = json.loads(run(str(spec), "--format", "sarif").output)
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 5
    data = json.loads(run(str(spec), "--format", "json").output)
    assert [e["holds"] for e in data["specs"][0]["expectations"]] == [False, True, True]
    assert run("lenet5", "alexnet", "vgg16").exit_code == 0


def test_a_spec_that_cannot_be_used_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("input: 1x8x8\nlayers:\n  - conv 2 k99\n", encoding="utf-8")
    done = run(str(tmp_path / "bad.yaml"), "lenet5", "--format", "junit", "-o", str(tmp_path / "out.xml"))
    assert done.exit_code == 2
    found = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (found.attrib["errors"], found.attrib["failures"]) == ("1", "0")
    assert "line=3," in run(str(tmp_path / "bad.yaml"), "--format", "github").stdout


def test_what_does_not_hold_is_told_at_the_layer_and_in_the_summary_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "models" / "net.yaml"
    spec.parent.mkdir()
    spec.write_text("input: 1x8x8\nlayers:\n  - C1: conv 2 k3\nexpect: {C1.params: 21, params: 20}\n", encoding="utf-8")
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.chdir(spec.parent)
    for _time in range(2):
        first, counted = run("net.yaml", "--format", "github").output.splitlines()
        assert first.startswith("::error file=models/net.yaml,line=3,col=9,title=cnncalc%3A expectation::C1.params: ")
        assert counted == "expectations: 1 hold, 1 do not"
    assert summary.read_text(encoding="utf-8").count("| net.yaml | C1.params |") == 2
    run("net.yaml", "--format", "json")
    assert summary.read_text(encoding="utf-8").count("### cnncalc check") == 2


def test_every_problem_of_a_spec_is_a_finding(tmp_path: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("input: 1x8x8\nlayers:\n  - conv 2 k99\n  - konv 3\n", encoding="utf-8")
    lines = run(str(spec), "--format", "github").stdout.splitlines()
    assert ["line=3," in lines[0], "line=4," in lines[1]] == [True, True]
    results = json.loads(run(str(spec), "--format", "sarif").stdout)["runs"][0]["results"]
    assert [r["ruleId"] for r in results] == ["unusable", "unusable"]


def test_files_that_are_no_specs_can_be_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text("a: 1\n", encoding="utf-8")
    assert run(str(tmp_path / "notes.yaml"), "--skip-others").exit_code == 0
    assert run(str(tmp_path / "notes.yaml"), "lenet5", "--skip-others").exit_code == 0
    (tmp_path / "net.yaml").write_text(FAILING, encoding="utf-8")
    assert run(*map(str, tmp_path.iterdir()), "--skip-others").exit_code == 1


# The part of Jenkins's schema junit-10.xsd (xunit-plugin) that such a file touches.
JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "file", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"testcase", "properties", "system-out", "system-err"},
    ),
    "testcase": ({"name", "time", "classname", "group"}, {"name"}, {"failure", "error", "skipped"}),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
}


def test_junit_keeps_to_the_schema_of_ci_servers(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("input: 1x8x8\nlayers:\n  - conv 2 k99\n", encoding="utf-8")
    (tmp_path / "fails.yaml").write_text(FAILING, encoding="utf-8")
    root = ElementTree.fromstring(run(str(tmp_path), "lenet5", "--format", "junit").stdout)
    assert root.tag == "testsuites"
    for element in root.iter():
        allowed, needed, inside = JUNIT[element.tag]
        assert needed <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= inside


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.yaml", "a.json", "a.md", "a.txt", "a"]))
@settings(max_examples=300, deadline=None)
def test_random_bytes_never_give_a_traceback(data: bytes, name: str) -> None:
    try:
        result = Grader(LENET).grade(sheets_from_text(Source(name, decode(data, name)))[0])
    except CnncalcError:
        return
    assert result.items or result.problems
    result.messages()


ALPHABET = "C13layerquantitypmsoutput参数,;|\t\n.:=-0123456789xk*@()[]{}'\"&*!<\\%＋１ "


@given(st.text(ALPHABET, max_size=120), st.sampled_from(["a.csv", "a.yaml", "a.json", "a.md", "a.txt"]))
@settings(max_examples=400, deadline=None)
def test_random_sheets_never_give_a_traceback(text: str, name: str) -> None:
    head = {"a.csv": "layer,quantity,answer\n", "a.md": "|layer|params|output|\n|-|-|-|\n"}.get(name, "")
    try:
        result = graded(head + text, name)
        for form in EVERYWHERE:
            write_page(sheets_page([result], LENET), form)
    except CnncalcError:
        return


@given(st.text("0123456789.,x*@()[]+-/%^eEkKmM万 _'=", max_size=40), st.booleans())
@settings(max_examples=500, deadline=None)
def test_random_numbers_are_read_or_said_to_be_none(text: str, shaped: bool) -> None:
    try:
        assert read(text, shaped=shaped)
    except CnncalcError:
        return


def test_sixty_sheets_are_graded_with_one_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncalc.cli import check as module

    write_class(tmp_path)
    calls: list[object] = []
    whole = module.analyze_graph
    monkeypatch.setattr(module, "analyze_graph", lambda *a: calls.append(a) or whole(*a))
    run("lenet5", str(tmp_path), "--marks")
    assert len(calls) == 1


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
@pytest.mark.parametrize("seed", range(8))
def test_an_exercise_fits_and_its_key_is_right(level: str, seed: int) -> None:
    from cnncalc.answers.exercise import make_exercise

    made = make_exercise(seed, level, 12)
    assert made == make_exercise(seed, level, 12)
    grader = Grader(cnncalc.analyze(made.spec))
    key = grader.grade(sheets_from_text(Source("key.csv", made.key))[0])
    assert key.holds
    assert key.score == 1
    assert 5 <= len(key.items) <= 12
    empty = sheets_from_text(Source("questions.md", made.questions))[0]
    assert [p.problem for p in empty.problems] == ["the sheet is empty: there is no answer in it"]
    filled = made.questions
    for item in key.items:
        filled = filled.replace(f"| {item.layer or 'total'} | {item.quantity} |  |",
                                f"| {item.layer or 'total'} | {item.quantity} | {item.given} |")  # fmt: skip
    result = Grader(grader.report, key=sheets_from_text(Source("key.csv", made.key))[0]).grade(
        sheets_from_text(Source("questions.md", filled))[0]
    )
    assert result.score == 1
    assert result.points == key.points


def test_exercise_writes_three_files_and_never_over_others(tmp_path: Path) -> None:
    arguments = ["exercise", "--seed", "7", "--level", "hard", "-o", str(tmp_path / "e")]
    assert CliRunner().invoke(group(), arguments).exit_code == 0
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["e-key.csv", "e-questions.md", "e.yaml"]
    assert CliRunner().invoke(group(), arguments).exit_code == 2
    assert CliRunner().invoke(group(), [*arguments, "--force"]).exit_code == 0
    assert run(str(tmp_path / "e.yaml"), str(tmp_path / "e-key.csv")).exit_code == 0


def test_a_question_without_an_answer_is_missing_and_costs_its_points() -> None:
    result = graded("layer,quantity,answer\nC1,params,156\nC3,params,\n")
    assert [(i.name, i.verdict) for i in result.items] == [("C1.params", "right"), ("C3.params", "missing")]
    assert result.score == 0.5
    assert [i.verdict for i in graded('{"C1.params": null, "C3.params": 1516}', "a.json").items] == ["missing", "right"]


@pytest.mark.parametrize(
    "text",
    [
        "Homework 3,,\nname,Li Lei,\n,,\nLayer,Parameters,Output\nC1,156,6x28x28\n",
        "姓名,李雷,\n,参数,输出\nC1,156,28x28x6\n",
        "Layer,Kernel,Parameters (all),Output shape (CxHxW)\nC1,5x5,156,6x28x28\n",
        "C1,params,156\nC1,output,6x28x28\n",
        "sep=;\nlayer;params;output\nC1;156;6x28x28\n",
        "layer\tparams\toutput\nC1\t156\t6 28 28\n",
    ],
)
def test_tables_as_spreadsheets_write_them(text: str) -> None:
    result = graded(text)
    assert not result.messages()
    assert {i.name: i.verdict in ("right", "convention") for i in result.items} == {
        "C1.params": True,
        "C1.output": True,
    }


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        ("conv1.padding=2", "right", ""),
        ("conv1.padding=p=2", "right", ""),
        ("conv1.padding=2x2", "right", ""),
        ("conv1.kernel=6", "right", "the network has another value; the output is the same"),
        ("conv1.padding=1", "wrong", "with it the output is 6x15x15, not 6x16x16"),
        ("conv1.kernel=40", "wrong", "with it there is no output: a 40x40 window does not fit the 32x32 input"),
        ("conv1.stride=1", "wrong", "with it the output is 6x32x32, not 6x16x16"),
        ("conv1.filters=16", "wrong", "with it the output is 16x16x16, not 6x16x16"),
        ("conv1.步长=2", "right", ""),
        ("maxpool1.stride=2", "right", ""),
        ("dense1.units=10", "right", ""),
    ],
)
def test_an_option_is_right_where_the_layer_has_the_same_output_with_it(answer: str, verdict: str, said: str) -> None:
    page = json.loads(
        run("-e", "3x32x32; conv 6 k5 s2 p2 relu; maxpool 2; dense 10", answer, "--format", "json").stdout
    )
    (item,) = page["items"]
    assert item["verdict"] == verdict
    assert said in " ".join(item["remarks"])
    assert bool(item["remarks"]) == bool(said)


def test_options_stand_in_sheets_and_keys_as_quantities_do(tmp_path: Path) -> None:
    """A row for each, a tree, and a key whose answers are accepted beside what gives the output."""
    assert graded("layer,quantity,answer\nC1,填充,0\nS2,步长,2\nC1,kernel,3\n").score == pytest.approx(2 / 3)
    assert graded("C1: {kernel: 5, stride: 1}\nS2.stride: 2\n", "sheet.yaml").score == 1
    key = sheets_from_text(Source("key.csv", "layer,quantity,answer,accept\nC1,padding,,1|2\n"))[0]
    assert Grader(LENET, key=key).fill_in() == [("C1", "padding", "0", 1)]
    assert graded("layer,quantity,answer\nC1,padding,2\n", key=key).score == 1
    assert graded("layer,quantity,answer\nC1,padding,3\n", key=key).score == 0
    missing = graded("layer,quantity,answer\nC3,params,1516\n", key=key)
    assert [item.verdict for item in missing.items] == ["right", "missing"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("F6.padding=2", "F6 has no padding"),
        ("padding=2", "the network has no padding"),
        ("C1.padding=abc", "C1.padding: 'abc' is not a padding"),
    ],
)
def test_an_option_that_is_not_there_or_cannot_be_read_is_said(answer: str, problem: str) -> None:
    done = run("lenet5", answer)
    assert done.exit_code in (1, 2)
    assert problem in done.output


NET = """input: 3x32x32
layers:
- conv 16 k3 p1 relu
- maxpool 2
- conv 32 k3 p1 relu
- maxpool 2
- dense 10
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("conv2 output = 32*16*16", "conv2.output"),
        ("params of conv1 = 448", "conv1.params"),
        ("conv 2 params = 4640", "conv2.params"),
        ("second conv layer params=4640", "conv2.params"),
        ("the first convolutional layer.macs=442,368", "conv1.macs"),
        ("receptive field of the second pooling layer=10", "maxpool2.receptive_field"),
        ("FC1 params = 20490", "dense1.params"),
        ("卷积层2.参数=4640", "conv2.params"),
        ("第二个卷积层的参数量=4640", "conv2.params"),
        ("第1层池化 输出=16x16x16", "maxpool1.output"),
        ("全连接层1 参数量=20490", "dense1.params"),
        ("conv1 padding = 1", "conv1.padding"),
    ],
)
def test_a_layer_may_be_said_by_its_place_among_its_kind(words: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    done = run(str(tmp_path / "net.yaml"), words)
    assert done.exit_code == 0, done.output
    assert said in done.stdout


def test_layers_are_counted_in_any_network_where_that_can_mean_one_alone() -> None:
    assert run("lenet5", "conv2.params=1516", "fc1.params=10164", "卷积层1 参数=156").exit_code == 0
    done = run("vgg16", "conv2 params=1")  # conv2_1 and conv2_2 are there, and a second convolution, conv1_2
    assert done.exit_code != 0
    assert "conv1_2" not in done.stdout


@pytest.mark.parametrize(
    ("words", "place"),
    [("conv9.params=3", "1:1"), ("lenet.foo=1", "1:1"), ("  C1.paramss=1", "1:3"), ("params=x y", "1:8")],
)
def test_a_problem_stands_at_the_words_that_it_is_about(words: str, place: str) -> None:
    assert f":{place}: " in run("lenet5", words).stderr


def test_a_problem_of_a_sheet_stands_at_its_cell(tmp_path: Path) -> None:
    sheet = tmp_path / "answers.csv"
    sheet.write_text("layer,quantity,answer\nC1,params,156\nC9,params,3\n\nC1,paramss,4\n")
    told = run("lenet5", str(sheet)).stderr
    assert "answers.csv:3:1: there is no layer 'C9'" in told
    assert "answers.csv:5:4: there is no quantity 'paramss'" in told


def test_a_hint_on_an_option_does_not_name_the_value() -> None:
    done = run("-e", "3x64x64; conv 6 k5 s2 p2", "conv1.padding=1", "--hint")
    assert "with it the output is 6x31x31, not 6x32x32" in done.output
    assert "expected" not in done.output
