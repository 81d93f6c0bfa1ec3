"""Answers in lines as people write them, in files and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cnncalc.cli import group as make_group

CASES = yaml.safe_load((Path(__file__).parent / "answer_sentences.yaml").read_text(encoding="utf-8"))


def check(*words: str) -> tuple[dict[str, str], str]:
    """The verdict of every answer, in order, and what was said on standard error."""
    done = CliRunner().invoke(make_group(), ["check", "lenet5", *words, "--format", "json"])
    assert done.exit_code in (0, 1), done.output
    items = json.loads(done.stdout)["items"]
    return {item["name"]: item["verdict"] for item in items}, done.stderr


@pytest.mark.parametrize("case", CASES["lines"], ids=lambda case: case["line"])
def test_a_line_is_read_as_a_person_means_it(case: dict[str, Any], tmp_path: Path) -> None:
    sheet = tmp_path / "li.txt"
    sheet.write_text(case["line"] + "\n", encoding="utf-8")
    expected = {**dict.fromkeys(case.get("right", []), "right"), **dict.fromkeys(case.get("wrong", []), "wrong")}
    assert check(case["line"]) == (expected, "")
    assert check(str(sheet)) == (expected, "")


@pytest.mark.parametrize("case", CASES["texts"], ids=range(len(CASES["texts"])))
def test_a_text_is_read_line_by_line(case: dict[str, Any], tmp_path: Path) -> None:
    sheet = tmp_path / case["name"]
    sheet.write_text(case["text"], encoding="utf-8")
    verdicts, said = check(str(sheet))
    assert verdicts == dict.fromkeys(case["right"], "right")
    problems = [line for line in said.splitlines() if line.startswith(str(sheet))]
    assert [int(line.removeprefix(f"{sheet}:").split(":")[0]) for line in problems] == case.get("problems", [])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("network", ["lenet5", "vgg16"])
def test_what_is_printed_is_a_sheet_of_right_answers(network: str, language: str, tmp_path: Path) -> None:
    sheet = tmp_path / "printed.txt"
    printed = CliRunner().invoke(make_group(), ["--lang", language, network], env={"COLUMNS": "100"})
    sheet.write_text(printed.stdout, encoding="utf-8")
    done = CliRunner().invoke(make_group(), ["--lang", "en", "check", network, str(sheet), "--format", "json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    rows = [line for line in printed.stdout.split("\n\n")[1].splitlines() if not line.startswith("--")]
    assert found["score"] == 1
    assert len(found["items"]) >= 3 * len(rows)  # every row of the table has three numbers and more
    assert done.stderr.count("\n") == 3  # that what stands below the table is passed over
    assert "passed over" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "layer params output\nC1 156 6x28x28\nC3 1516 16x10x10\n",
        "Answers of Li\n\nlayer   params    output\nC1         156   6x28x28\nC3       1,516  16x10x10\n",
        "层        参数量  输出\nC1             156  6x28x28\nC3            1516  16x10x10\n",
        "          C1        C3\nparams   156     1,516\noutput  6x28x28   16x10x10\n",
    ],
)
def test_columns_may_have_blanks_between_them(text: str, tmp_path: Path) -> None:
    sheet = tmp_path / "li.txt"
    sheet.write_text(text, encoding="utf-8")
    found, said = check(str(sheet))
    assert found == dict.fromkeys(("C1.params", "C1.output", "C3.params", "C3.output"), "right")
    assert said == ""


def test_an_empty_cell_between_blanks_is_no_answer(tmp_path: Path) -> None:
    sheet = tmp_path / "li.txt"
    sheet.write_text("layer  params  macs     output\nC1        156          6x28x28\nC3              150000\n")
    assert check(str(sheet)) == (dict.fromkeys(("C1.params", "C1.output", "C3.macs"), "right"), "")


def test_a_sentence_need_not_be_quoted() -> None:
    assert check("C3", "has", "1516", "parameters") == ({"C3.params": "right"}, "")


def test_words_that_state_nothing_are_files_that_are_missing() -> None:
    done = CliRunner().invoke(make_group(), ["check", "lenet5", "C3", "answers5.txt"])
    assert done.exit_code == 2
    assert "C3:1:1" in done.stderr


def test_a_layer_without_a_quantity_is_told_what_to_write(tmp_path: Path) -> None:
    sheet = tmp_path / "li.txt"
    sheet.write_text("C1.params: 156\nc3 = 1517\n")
    verdicts, said = check(str(sheet))
    assert verdicts["c3"] == "unreadable"
    assert f"{sheet}:2:1: " in said
    assert "c3.params" in said


@pytest.mark.parametrize(
    "text",
    [
        "C1: 156\nC3: 1,516\nC5: 48000\n",
        "C1 = 156\nthe second conv layer = 1516\nC5 = 48000\n",
        "C1 156\nC3 1516\nC5 48000\n",
        "C1,156\nC3,1,516\nC5,48000\n",
        "C1\t156\nC3\t1516\nC5\t48000\n",
        "layer,answer\nC1,156\nC3,1516\nC5,48000\n",
        "| C1 | 156 |\n|---|---|\n| C3 | 1516 |\n| C5 | 48000 |\n",
        '{"C1": 156, "C3": 1516, "C5": 48000}',
    ],
)
def test_a_layer_and_a_number_alone_are_what_most_of_them_are_right_as(text: str, tmp_path: Path) -> None:
    sheet = tmp_path / ("li.json" if text[0] == "{" else "li.txt")
    sheet.write_text(text)
    verdicts, said = check(str(sheet))
    assert list(verdicts.values()) == ["right", "right", "wrong"]  # C5 has 48,120 of them
    assert all(name.endswith(".params") for name in verdicts)
    assert f"{sheet}:" in said
    assert "2 of 3" in said
    assert "LAYER.params" in said


@pytest.mark.parametrize("text", ["S2: 7\nC3: 7\n", "F6: 10164\n"])
def test_nobody_is_graded_by_a_guess(text: str, tmp_path: Path) -> None:
    """Nothing is right, or as much as the parameters as the connections are: of F6 10,164 both."""
    sheet = tmp_path / "li.txt"
    sheet.write_text(text)
    assert set(check(str(sheet))[0].values()) == {"unreadable"}


@pytest.mark.parametrize("word", ["fc", "the dense layer", "全连接层"])
def test_the_one_layer_of_its_kind_goes_by_it(word: str) -> None:
    net = ["check", "-e", "1x8x8; conv 2 k3; conv 3 k3; fc 5", "--format", "json"]
    items = json.loads(CliRunner().invoke(make_group(), [*net, f"{word}: 245 params"]).stdout)["items"]
    assert [(item["name"], item["verdict"]) for item in items] == [("dense1.params", "right")]
    several = CliRunner().invoke(make_group(), [*net, "convolution: 20 params"])  # means neither for sure
    assert "there is no layer 'convolution'" in several.stderr


def test_a_key_says_what_numbers_alone_are(tmp_path: Path) -> None:
    sheet, key = tmp_path / "li.txt", tmp_path / "key.csv"
    sheet.write_text("F6: 10164\nC1: 122,304\n")
    key.write_text("layer,quantity\nC1,connections\nF6,connections\n")
    assert check(str(sheet), "--key", str(key))[0] == {"F6.connections": "right", "C1.connections": "right"}
    sheet.write_text("C1: 156\n")
    assert check(str(sheet), "--key", str(key))[0]["C1.connections"] == "wrong"  # the key asks for nothing else


def test_a_report_in_json_is_a_sheet(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert CliRunner().invoke(make_group(), ["lenet5", "-o", str(report)]).exit_code == 0
    verdicts, said = check(str(report))
    assert set(verdicts.values()) == {"right"}
    assert {"C3.connections", "C3.trainable_params", "params", "receptive_field"} <= verdicts.keys()
    assert said == ""
    report.write_text(report.read_text().replace('"params": 1516', '"params": 2416'))
    assert [name for name, verdict in check(str(report))[0].items() if verdict != "right"] == ["C3.params"]


@pytest.mark.parametrize(
    ("words", "as_if"),
    [
        (["explain", "lenet5", "c3", "parameters"], ["explain", "lenet5", "C3", "params"]),
        (["explain", "lenet5", "conv2", "参数量"], ["explain", "lenet5", "C3", "params"]),
        (["explain", "lenet5", "第二个卷积层", "RF"], ["explain", "lenet5", "C3", "receptive_field"]),
        (["explain", "lenet5", "output"], ["explain", "lenet5", "total", "output"]),  # not the layer OUTPUT
        (["explain", "lenet5", "C3", "rf", "--from", "c1"], ["explain", "lenet5", "C3", "rf", "--from", "C1"]),
        (["rf", "lenet5", "conv2"], ["rf", "lenet5", "--to", "C3"]),
        (["rf", "-e", "1x9x9; conv 2 k3", "Conv1"], ["rf", "-e", "1x9x9; conv 2 k3", "--to", "conv1"]),
        (["rf", "lenet5", "--unit", "conv2[1,1]"], ["rf", "lenet5", "--unit", "C3[1,1]"]),
        (["verify", "lenet5", "--layer", "conv2", "--quantity", "参数量"],
         ["verify", "lenet5", "--layer", "C3", "--quantity", "params"]),
    ],
)  # fmt: skip
def test_a_layer_and_a_quantity_may_be_said_wherever_they_are_named(words: list[str], as_if: list[str]) -> None:
    done, expected = (CliRunner().invoke(make_group(), arguments) for arguments in (words, as_if))
    assert expected.exit_code == 0, expected.output
    assert done.output == expected.output


def test_networks_are_found_by_a_part_of_their_names() -> None:
    done = CliRunner().invoke(make_group(), ["networks", "Mobile-Net", "--format", "csv"])
    names = [line.split(",")[0] for line in done.stdout.splitlines()[1:]]
    assert "mobilenet-v2" in done.stdout
    assert names
    assert not any("vgg" in line for line in done.stdout.splitlines())
    missing = CliRunner().invoke(make_group(), ["networks", "renset"])
    assert missing.exit_code == 2
    assert "renset" in missing.stderr


def test_cells_without_headings_are_a_table_and_no_sentences(tmp_path: Path) -> None:
    sheet = tmp_path / "li.txt"
    sheet.write_text("C1;156;2\nC3;1516;2\n")
    done = CliRunner().invoke(make_group(), ["check", "lenet5", str(sheet)])
    assert done.exit_code == 2
    assert "the first line is no heading" in done.stderr
