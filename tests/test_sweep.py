"""Sweeps: members from ranges, lists, braces and tables; conditions, orders, fronts; every format; Python."""

from __future__ import annotations

import csv
import json
import re
import shlex
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import group
from cnncalc.errors import CnncalcError
from cnncalc.families.conditions import read_conditions
from cnncalc.families.space import read_values
from cnncalc.families.sweeping import find_unbeaten

NET = "3x16x16; conv $f k$k; relu; gap; dense 10"


def run(*arguments: str, status: int = 0) -> str:
    """What the command prints, errors too."""
    done = CliRunner().invoke(group(), ["sweep", *arguments])
    assert done.exit_code == status, done.output
    return done.output


def rows(*arguments: str) -> list[dict[str, str]]:
    lines = run(*arguments, "--format", "csv").splitlines(keepends=True)
    return list(csv.DictReader(line for line in lines if "members are no networks" not in line))  # on standard error


@pytest.mark.parametrize(
    ("text", "how", "values"),
    [
        ("16..19", {}, [16, 17, 18, 19]),
        ("16..64..16", {}, [16, 32, 48, 64]),
        ("5..1..-2", {}, [5, 3, 1]),
        ("5 .. 7", {}, [5, 6, 7]),
        ("１６..１７", {}, [16, 17]),
        ("8, 32..34", {}, [8, 32, 33, 34]),
        ("[relu, silu]", {}, ["relu", "silu"]),
        ("[3, 4, 6, 3]", {"of_lists": True}, ["[3, 4, 6, 3]"]),
        ("[[3, 4], [6, 3]]", {"of_lists": True}, ["[3, 4]", "[6, 3]"]),
        ("3x{8..10}x{same}", {"of_shapes": True}, [[3, 8, 8], [3, 9, 9], [3, 10, 10]]),
        ("{1,3}x{8..9}", {"of_shapes": True}, [[1, 8], [1, 9], [3, 8], [3, 9]]),
    ],
)  # fmt: skip
def test_values_as_people_write_them(text: str, how: dict[str, bool], values: list[Any]) -> None:
    found = read_values(text, **how)
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == values


@pytest.mark.parametrize(
    ("text", "problem"),
    [("4..8..-1", "never comes to its end"), ("1..99999999999", "more than"), ("", "no values"), ("{same}", "braces")],
)
def test_values_that_are_none(text: str, problem: str) -> None:
    with pytest.raises(CnncalcError, match=problem):
        read_values(text)


def test_every_combination_has_a_row_with_the_numbers_of_its_network() -> None:
    found = rows("-e", NET, "--over", "f=4,8", "--over", "k=3..5")
    assert [(row["f"], row["k"]) for row in found] == [(f, k) for f in "48" for k in "345"]
    for row in found:
        totals = cnncalc.analyze(NET, f=int(row["f"]), k=int(row["k"])).totals
        assert (row["params"], row["macs"], row["reason"]) == (str(totals.params), str(totals.macs), "")
        assert row["receptive_field"] == "16x16"


def test_members_from_a_table_have_a_line_each(tmp_path: Path) -> None:
    table = tmp_path / "members.csv"
    table.write_text("f,k\n4,3\n8,20\n")
    found = rows("-e", NET, "--members", str(table), "--columns", "conv1.output")
    assert [(row["f"], row["k"], row["conv1.output"]) for row in found] == [("4", "3", "4x14x14"), ("8", "20", "")]
    assert found[1]["reason"] == "conv1: a 20x20 window does not fit the 16x16 input (padding 0)"
    table.write_text("f,k\n4\n")
    assert "members.csv:2: every line has 2 values" in run("-e", NET, "--members", str(table), status=2)


def test_tables_of_spreadsheets_may_have_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("\ufefff;k\n1;3\n2;5\n", encoding="utf-8")
    assert [(row["f"], row["k"]) for row in rows("-e", NET, "--members", str(path))] == [("1", "3"), ("2", "5")]


def test_words_change_the_structure_and_have_rows_of_their_own() -> None:
    net = "3x16x16; conv 4 k3; $act; conv 4 k3"
    found = rows("-e", net, "--over", "act=[relu, silu, none]")
    expected = [str(cnncalc.analyze(net, act=act).totals.flops) for act in ("relu", "silu", "none")]
    assert [row["flops"] for row in found] == expected
    assert len(set(expected)) == 3


def test_conditions_orders_and_fronts_are_those_of_all_members_one_by_one() -> None:
    arguments = ["-e", NET, "--over", "f=1..12", "--over", "k=1..18"]
    everything = [row for row in rows(*arguments) if not row["reason"]]
    assert len(everything) == 12 * 16
    kept = [row for row in everything if int(row["macs"]) <= 20_000 and int(row["params"]) > 200]
    assert rows(*arguments, "--where", "macs <= 20k and params > 200") == kept
    best = sorted(kept, key=lambda row: -int(row["params"]))[:7]
    assert rows(*arguments, "--where", "macs<=20k, 200<params", "--sort", "-params", "--top", "7") == best
    front = {
        (row["f"], row["k"])
        for row in everything
        if not any(
            int(o["macs"]) <= int(row["macs"])
            and int(o["params"]) >= int(row["params"])
            and (o["macs"], o["params"]) != (row["macs"], row["params"])
            for o in everything
        )
    }
    assert {(row["f"], row["k"]) for row in rows(*arguments, "--pareto", "macs,-params")} == front


def test_a_front_is_what_no_other_beats() -> None:
    rng = np.random.default_rng(2)
    points = rng.integers(0, 6, (60, 3))
    best = [i for i, p in enumerate(points) if not any((q <= p).all() and (q < p).any() for q in points)]
    assert sorted(find_unbeaten(list(points.T)).tolist()) == best


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("C1.output = 6x28x28", True), ("C1.output = 6x28", False), ("receptive_field >= 32", True),
        ("receptive_field > 32", False), ("params = 61706", True), ("60k <= params <= 0.1M", True),
        ("params != 61706", False), ("macs ≤ 416520", True), ("macs <= 416,519", False),
        ("params >= 60,000, macs<=416,520", True), ("params >= 61,000 且 macs ≥ 1 KiB", True), ("macs <= 41万", False),
        ("macs <= 42万", True), ("macs = 3x3", False), ("macs != 3x3", True),
        ("S2.jump = 2", True), ("S2.jump != 2", False),
    ],
)  # fmt: skip
def test_conditions_on_numbers_and_shapes(text: str, holds: bool) -> None:
    names = {condition.name for condition in read_conditions(text)}
    found = cnncalc.sweep("lenet5-modern", quantities=sorted(names), where=text)
    assert len(found) == holds


def test_a_table_for_people_says_which_members_are_no_networks() -> None:
    shown = run("-e", NET, "--over", "k=15..18", "--set", "f=4", "--sort", "macs")
    assert "2 of 4 members" in shown
    assert "conv1: a 17x17 window does not fit the 16x16 input (padding 0) (1)" in shown
    assert re.search(r"(?m)^16 +3,126 ", shown)  # 4 filters of 16x16x3, 10 units of 4 inputs, a bias each


def test_no_member_that_is_a_network_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    table = tmp_path / "members.csv"
    table.write_text("k\n9\n10\n", encoding="utf-8")
    for given in (["--over", "k=9..10"], ["--members", str(table)]):
        for how in (
            ["--format", "csv"],
            ["--format", "json"],
            [],
            ["--where", "macs > 1"],
            ["--top", "1", "--sort", "k"],
        ):
            shown = run("-e", "1x8x8; conv 2 k$k", *given, *how, status=2)
            assert "none of the 2 members is a network" in shown
            assert "a 10x10 window does not fit" in shown


def test_full_width_signs_are_understood() -> None:
    assert [row["f"] for row in rows("-e", NET, "--over", "f＝１..３", "--over", "k=1")] == ["1", "2", "3"]


def test_the_first_members_are_those_of_all() -> None:
    assert "the first 2 of 900,000 members" in run("-e", NET, "--over", "f=1..900000", "--over", "k=1", "--top", "2")


def test_conditions_that_no_member_meets_are_no_error() -> None:
    for how in ([], ["--format", "csv"], ["--format", "jsonl"], ["--sort", "k"]):
        shown = run("-e", "1x8x8; conv 2 k$k", "--over", "k=1..9", "--where", "macs <= 1", *how)
        assert "none of 9 members meets macs <= 1" in shown
        assert "1 of 9 members are no networks" in shown


def test_json_has_exact_numbers_and_reasons() -> None:
    page = json.loads(
        run("-e", NET, "--over", "k=16..17", "--set", "f=4", "--format", "json", "--columns", "macs,output")
    )
    assert page["members"][0] == {"k": 16, "macs": 3112, "output": [10], "reason": None}
    assert page["members"][1]["macs"] is None
    assert page["infeasible"] == 1
    lines = run("-e", NET, "--over", "k=16..17", "--set", "f=4", "--format", "jsonl", "--columns", "macs,output")
    assert [json.loads(line) for line in lines.splitlines()] == page["members"]


def test_parquet_has_the_same_numbers(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "found.parquet"
    run("-e", NET, "--over", "k=15..17", "--set", "f=4", "-o", str(path))
    table = parquet.read_table(path).to_pydict()
    assert table["k"] == [15, 16, 17]
    assert table["receptive_field"] == [[16, 16], [16, 16], None]
    assert [n is None for n in table["macs"]] == [False, False, True]


def test_a_plot_has_a_mark_for_every_member(tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    run("-e", NET, "--over", "f=1..9", "--over", "k=1..3", "--pareto", "macs,-params", "--svg", str(path))
    text = path.read_text(encoding="utf-8")
    assert text.count("<title>f=") == 27
    assert "f=9, k=3: macs 47,718, params 352" in text  # 9 filters of 3x3x3 on 14x14 places, and 90 weights more


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--over", "g=1..3"], "no parameter 'g'"),
        (["--over", "k=1..3", "--columns", "mac"], "no quantity 'mac': did you mean macs?"),
        (["--over", "k=1..3", "--set", "f=2", "--columns", "conv9.macs"], "no layer 'conv9': did you mean conv1?"),
        (["--over", "k=1..3", "--where", "macs"], "'macs' is no condition"),
        (["--over", "k=1..3", "--where", "macs <= ((("], "'(((' is no number"),
        (["--over", "k=1..3", "--where", "3 < 4"], "names no quantity"),
        (["--over", "k=1..3", "--plot", "macs", "--svg", "x.svg"], "two numbers"),
        (["--over", "k=1..3", "-o", "x.doc"], "no format goes by .doc"),
        (["--over", "k=1..3", "--set", "k=2"], "k is given twice"),
        (["--over", "input={3x9x9}", "--input", "3x8x8"], "input is given twice"),
        (["--over", "k=1..3", "--set", "f=2", "--columns", "感受野"], "did you mean receptive_field?"),
        (["--over", "k=1..3"], "f: no value is given"),
        (["--over", "k=1..3", "--columns", "jump"], "only a layer has one: LAYER.jump"),
        (["--over", "k=1..3", "--columns", ","], "'' names no quantity"),
        (["--over", "k=1..3", "--sort", "-"], "'-' names no quantity"),
        (["--over", "f=[a,b"], "[ and ] are not pairs"),
        (["--over", "f=1-3"], "'1-3' is no range: write 16..128"),
        (["--over", "f=1...3"], "'1...3' is no range"),
        (["--over", "f=9999999999999999999..1"], "is no range"),
        (["--over", "k=1..3", "--where", "macs < 1 or macs > 3"], "there is no `or`"),
        (["--over", "k=1..3", "--where", "macs =< 1"], "write <= for =<"),
        ([], "Say what varies"),
        (["--over", "k=1", "--members", "none.csv"], "cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_told(arguments: list[str], problem: str) -> None:
    assert problem in run("-e", NET, *arguments, status=2)


def test_several_inputs_have_a_column_each() -> None:
    branches = "[{from: a, layers: [conv 2 k3]}, {from: b, layers: [conv 4 k3]}]"
    net = f"inputs: {{a: 3x8x8, b: 5x8x8}}\nlayers:\n  - {{concat: {branches}}}\n"
    found = cnncalc.sweep(net, over={}, input={"a": ["3x8x8", "7x8x8"], "b": "5x8x8"})
    assert found["params"].tolist() == [2 * 28 + 4 * 46, 2 * 64 + 4 * 46]
    with pytest.raises(CnncalcError, match=r"no parameter 'input'.*input\.a"):
        cnncalc.sweep(net, input="3x8x8")


def commands_of_the_page() -> list[str]:
    page = (Path(__file__).parent.parent / "docs" / "families.md").read_text(encoding="utf-8")
    return [line for line in re.findall("(?m)^    cnncalc sweep (.*)$", page) if "--parts" not in line]


@pytest.mark.parametrize("line", commands_of_the_page())
def test_every_command_of_the_page_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run(*shlex.split(line))
    assert len(shown.splitlines()) > 5


def test_lists_in_python_are_several_values_where_a_parameter_is_a_number() -> None:
    several = cnncalc.sweep(
        "resnet34", width=[8, 16], depth=[[1, 1, 1, 1], [2, 1, 1, 1]], input=["3x64x64", (3, 96, 96)]
    )
    assert len(several) == 8
    one = cnncalc.sweep("resnet34", width=16, depth=[2, 1, 1, 1], input=(3, 96, 96))
    assert one["macs"].tolist() == [several["macs"][7]]
    expected = [
        cnncalc.analyze("resnet34", width=w, depth=d, input=(3, n, n)).totals.macs
        for w, d, n in product([8, 16], [[1, 1, 1, 1], [2, 1, 1, 1]], [64, 96])
    ]
    assert several["macs"].tolist() == expected
    assert several["macs"].dtype == np.int64


def test_columns_go_to_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = cnncalc.sweep("1x8x8; conv $f k3", f=[1, 2], quantities=["params", "output"]).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["params"].tolist() == [10, 20]
    assert frame["output"].tolist() == [(1, 6, 6), (2, 6, 6)]
