"""A user changes one character of a bundled spec: an error that shows the place, or numbers that add up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import cnncalc
from cnncalc.quantities import SUMMED
from cnncalc.shipped import bundled

TEXTS = {name: Path(path).read_text(encoding="utf-8") for name, path in bundled().items()}
SHORTER_IS_LIKELIER = [1 / len(text) for text in TEXTS.values()]
CHARACTERS = "0123456789abcdefgkmnoprstvx[]{}() :;,-_$#.*'\"&!|>%@`\n\t=+<é/"
EDITS = 1000


def edited(number: int) -> tuple[str, str]:
    """A bundled spec with one character replaced, deleted or inserted; the same for the same number."""
    choose = random.Random(number)
    name = choose.choices([*TEXTS], SHORTER_IS_LIKELIER)[0]
    text = TEXTS[name]
    at = choose.randrange(len(text))
    new = choose.choice([choose.choice(CHARACTERS), ""])
    return name, text[:at] + new + text[at + (new == "" or choose.random() < 0.5) :]


def adds_up(text: str) -> bool:
    """The rows give the totals; False where the text cannot be read, of which the error is checked."""
    try:
        report = cnncalc.analyze(text, max_operations=3000)
    except cnncalc.SpecError as error:
        check_places(error, text.split("\n"))
        return False
    for quantity in SUMMED:
        assert sum(getattr(row, quantity) for row in report) == getattr(report.totals, quantity)
    return True


def check_places(error: cnncalc.SpecError, lines: list[str]) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.problem
        assert problem.position is not None
        line, column, width = problem.position
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1
        assert width >= 1


@pytest.mark.parametrize("first", range(0, EDITS, 100))
def test_one_character_changed_gives_an_error_with_a_place_or_numbers_that_add_up(first: int) -> None:
    read = 0
    for number in range(first, first + 100):
        name, text = edited(number)
        try:
            read += adds_up(text)
        except Exception as error:
            raise AssertionError(f"edit {number}, of {name}:\n{text}") from error
    assert 20 < read < 80  # both outcomes are common


@pytest.mark.parametrize(
    ("name", "old", "new", "numbers"),
    [
        ("lenet5-modern", "conv 16 k5", "conv 26 k5", {"C3.params": 3926, "C5.params": 78120}),
        ("lenet-d2l", "k5 p2", "k5 p1", {"C1.output": (6, 26, 26), "S4.output": (16, 4, 4), "F5.params": 30840}),
        ("lenet-ng", "input: 3x", "input: 1x", {"conv1.params": 156, "total.params": 61706}),
        ("mlp-5-6-6-2", "input: 5", "input: 8", {"hidden1.macs": 48, "total.params": 110}),
        ("example-stride-field", "k3 s2", "k3 s1", {"A.output": (1, 5, 5), "B.receptive_field": (4, 4)}),
        ("example-three-3x3", "c: 64", "c: 60", {"three.params": 97200, "one.params": 176400}),
        ("example-shared-kernels", "stride: 8", "stride: 9", {"maps.output": (100, 111, 111)}),
        ("vgg16", "classes: 1000", "classes: 1001", {"fc8.params": 4101097}),
    ],
)
def test_one_character_changed_gives_the_numbers_of_the_other_network(
    name: str, old: str, new: str, numbers: dict[str, object]
) -> None:
    assert TEXTS[name].count(old) == 1
    report = cnncalc.analyze(TEXTS[name].replace(old, new))
    for key, value in numbers.items():
        layer, _, quantity = key.rpartition(".")
        assert getattr(report.totals if layer == "total" else report[layer], quantity) == value
