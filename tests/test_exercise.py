"""`cnncalc exercise`: keys worked out again by formulas of our own, networks like a teacher's, variants, Chinese."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc import language
from cnncalc.answers.exercise import Exercise, make_exercise
from cnncalc.cli import group
from cnncalc.cli import main as whole_program


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group(), ["exercise", *arguments])


def key_of(text: str) -> dict[tuple[str, str], str]:
    return {(row["layer"], row["quantity"]): row["answer"] for row in csv.DictReader(io.StringIO(text))}


def numbers_by_hand(spec: str) -> dict[tuple[str, str], str]:
    """Every number of an exercise's network, by the formulas of a textbook; nothing of the package is used."""
    shape = tuple(map(int, (re.search(r"input: (\S+)", spec) or ["", ""])[1].split("x")))
    found: dict[tuple[str, str], str] = {}
    field, jump, total = 1, 1, 0
    for name, kind, options in re.findall(r"- (\w+): (\w+)(.*)", spec):
        given = dict(re.findall(r"\b([kspdg])(\d+)", options))
        bare = re.findall(r"(?<=\s)\d+(?=\s|$)", options)
        k = int(given.get("k", bare[0] if kind in ("maxpool", "avgpool", "subsample") and bare else 1))
        pools = kind in ("maxpool", "avgpool", "subsample")
        s, p, d, g = (int(given.get(x, y)) for x, y in (("s", k if pools else 1), ("p", 0), ("d", 1), ("g", 1)))
        c = shape[0]
        if kind == "dense":
            n, m = 1, int(bare[0])
            for size in shape:
                n *= size
            shape, params, macs, connections = (m,), n * m + m, n * m, n * m + m
            flops = 2 * macs + m
        else:
            side = (shape[1] + 2 * p - d * (k - 1) - 1) // s + 1
            field, jump = field + d * (k - 1) * jump, jump * s
            f = c if pools or kind == "depthwise" else int(bare[0])
            g = c if kind == "depthwise" else g
            units, taps = f * side * side, k * k
            bias = 0 if "nobias" in options else 1
            shape = (f, side, side)
            if kind == "subsample":  # the sum of the window, times a coefficient, plus a bias
                params, macs, connections, flops = 2 * f, units, units * (taps + 1), units * (2 + taps)
            elif pools:
                params, macs, connections = 0, 0, units * taps
                flops = units * (taps - 1) if kind == "maxpool" else units * taps
            else:
                params = f * (taps * c // g + bias)
                macs, connections = units * taps * c // g, units * (taps * c // g + bias)
                flops = 2 * macs + units * bias
            found[name, "receptive_field"] = f"{field}x{field}"
        total += params + (2 * shape[0] if " bn" in options else 0)
        numbers = {"params": params, "macs": macs, "connections": connections, "flops": flops}
        found |= {(name, quantity): str(number) for quantity, number in numbers.items()}
        found[name, "output"] = "x".join(map(str, shape))
    return {**found, ("total", "params"): str(total)}


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_every_answer_of_the_key_by_hand(level: str) -> None:
    checked = 0
    for seed in range(60):
        made = make_exercise(seed, level, 15)
        by_hand = numbers_by_hand(made.spec)
        for question, answer in key_of(made.key).items():
            assert by_hand[question] == answer, (seed, question, made.spec)
            checked += 1
    assert checked > 200


def steps_of(made: Exercise) -> list[str]:
    return re.findall(r"- \w+: (\w+)", made.spec)


def test_networks_look_like_a_teacher_s() -> None:
    pools = {"maxpool", "avgpool", "subsample"}
    for level in ("easy", "medium", "hard"):
        for seed in range(60):
            made = make_exercise(seed, level, 5)
            steps = steps_of(made)
            assert steps[0] == "conv", made.spec
            assert not any({a, b} <= pools for a, b in pairwise(steps)), made.spec
            if level == "easy":
                sizes = [row.output[1] for row in cnncalc.analyze(made.spec).layers if len(row.output) == 3]
                halved = [a for a, b, step in zip(sizes, sizes[1:], steps[1:], strict=False) if step in pools and b]
                assert all(size % 2 == 0 for size in halved[:1]), made.spec


def test_without_arguments_it_prints_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run()
    assert done.exit_code == 0
    assert "| layer | quantity | answer | note |" in done.output
    assert list(tmp_path.iterdir()) == []
    assert run("--seed", "7", "--answers").output.startswith(run("--seed", "7").output)


def test_an_exercise_about_any_network_does_not_give_its_numbers_away(tmp_path: Path) -> None:
    done = run("lenet5", "--questions", "8", "--seed", "1", "-o", str(tmp_path / "e"))
    assert done.exit_code == 0
    questions = (tmp_path / "e-questions.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| [A-Z]\w+ \| ", questions, re.MULTILINE)) == 8 - ("| total |" in questions)
    for number in ("60,000", "60000", "340,908", "expect", "328096"):
        assert number not in questions + (tmp_path / "e.yaml").read_text(encoding="utf-8")
    check = ["check", str(tmp_path / "e.yaml"), str(tmp_path / "e-key.csv"), "--key", str(tmp_path / "e-key.csv")]
    assert CliRunner().invoke(group(), check).exit_code == 0
    assert run("resnet50", "--questions", "4", "--seed", "1").exit_code == 0


def test_variants_ask_the_same_of_other_numbers(tmp_path: Path) -> None:
    assert run("lenet5-modern", "--variants", "30", "--seed", "2", "-o", str(tmp_path / "v")).exit_code == 0
    keys = [key_of(path.read_text(encoding="utf-8")) for path in sorted(tmp_path.glob("v-*-key.csv"))]
    specs = {path.read_text(encoding="utf-8") for path in tmp_path.glob("v-*.yaml")}
    assert len(keys) == len(specs) == 30
    assert len({tuple(key) for key in keys}) == 1
    assert len({tuple(key.values()) for key in keys}) > 25
    for path in sorted(tmp_path.glob("v-*.yaml"))[:4]:
        key = str(path).replace(".yaml", "-key.csv")
        assert CliRunner().invoke(group(), ["check", str(path), key, "--key", key]).exit_code == 0
    assert run("lenet5", "--variants", "3").exit_code == 2  # where to?


def test_like_a_network_has_its_layers_and_other_numbers() -> None:
    done = run("--like", "lenet5-modern", "--seed", "3").output
    assert re.findall(r"- \w+: (\w+)", done) == ["conv", "maxpool", "conv", "maxpool", "dense", "dense", "dense"]
    assert "conv 6 k5" not in done or "conv 16 k5" not in done
    assert run("lenet5", "--like", "vgg16").exit_code == 2
    assert run("-e", "3x32x32; conv 8 k3; dense 10", "--seed", "1").exit_code == 0


def test_the_note_under_flops_says_what_counts() -> None:
    """Of a pool there are no multiply-accumulates: comparisons, or additions and a division, count."""
    for seed in range(40):
        made = make_exercise(seed, "hard", 60)
        for name, kind in re.findall(r"- (\w+): (\w+)", made.spec):
            note = re.search(rf"\| {name} \| flops \|  \| (.*) \|", made.questions)
            if note is None:
                continue
            pooled = {
                "maxpool": "1 for every comparison; ",
                "subsample": "2 for every multiply-accumulate, 1 for every",
            }
            assert note[1].startswith(pooled.get(kind, "2 for every multiply-accumulate")), (kind, note[1])


@pytest.fixture
def english_again() -> Iterator[None]:
    yield
    language.use("en")


@pytest.mark.usefixtures("english_again")
@pytest.mark.parametrize("seed", ["4", "5", "6"])
def test_in_chinese(seed: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        whole_program(["exercise", "--seed", seed, "--level", "hard", "--lang", "zh", "-o", str(tmp_path / seed)])
    capsys.readouterr()
    questions = (tmp_path / f"{seed}-questions.md").read_text(encoding="utf-8")
    assert questions.startswith(f"# 练习 {seed}")
    assert not re.findall(r"[a-z]{4,}", questions.split("```")[2])  # nothing of the sheet is English
    filled = questions
    for answer in key_of((tmp_path / f"{seed}-key.csv").read_text(encoding="utf-8")).values():
        filled = filled.replace("|  |", f"| {answer} |", 1)
    (tmp_path / "filled.md").write_text(filled, encoding="utf-8")
    check = ["check", str(tmp_path / f"{seed}.yaml"), str(tmp_path / "filled.md")]
    assert CliRunner().invoke(group(), check).exit_code == 0, filled


@pytest.mark.parametrize("words", [("--level", "hard"), ("lenet5",), ("--lang", "zh"), ("--variants", "2")])
def test_a_number_may_be_hidden_and_asked_for(words: tuple[str, ...], tmp_path: Path) -> None:
    """It stands neither in the sheet nor beside an output that gives it away; the key earns everything."""
    stem = str(tmp_path / "x")
    assert run("--seed", "4", "--backwards", *words, "-o", stem).exit_code == 0
    sheets = sorted(tmp_path.glob("*-questions.md"))
    assert len(sheets) == (2 if "--variants" in words else 1)
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        (line,) = [line for line in text.split("\n") if " p? " in f"{line} " or " k? " in f"{line} "]
        layer = line.split("- ")[1].split(":")[0]
        key = sheet.with_name(sheet.name.replace("-questions.md", "-key.csv"))
        rows = [row.split(",")[:2] for row in key.read_text(encoding="utf-8").split("\n")]
        assert [layer, "padding" if " p? " in f"{line} " else "kernel"] in rows
        assert [layer, "output"] not in rows
        spec = str(sheet).replace("-questions.md", ".yaml")
        done = CliRunner().invoke(group(), ["check", spec, str(key), "--key", str(key)])
        assert done.exit_code == 0, done.output
        blank = CliRunner().invoke(group(), ["check", spec, str(sheet), "--key", str(key), "--format", "json"])
        assert {item["verdict"] for item in json.loads(blank.stdout)["items"]} == {"missing"}


def test_where_nothing_can_be_hidden_it_is_said() -> None:
    done = run("xor", "--backwards")
    assert done.exit_code == 2
    assert "nothing to ask backwards" in done.output
