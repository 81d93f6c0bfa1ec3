"""Which mistake is behind a wrong number: the questions of courses, every id of the catalogue, numbers of chance."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc
from cnncalc.answers import Mistake, diagnose

HOMEWORK = yaml.safe_load((Path(__file__).parent / "homework.yaml").read_text(encoding="utf-8"))
QUESTIONS = HOMEWORK["questions"]


@cache
def report_of(spec: str, dtype: str = "float32") -> Any:
    return cnncalc.analyze(spec, dtype=dtype)


def split(ask: str) -> tuple[str | None, str]:
    layer, _dot, quantity = ask.rpartition(".")
    return (None if layer == "total" else layer), quantity


def number(text: Any) -> Any:
    """An int, a Fraction, or a tuple of ints."""
    if isinstance(text, str) and "x" in text:
        return tuple(int(part) for part in text.split("x"))
    value = Fraction(str(text))
    return int(value) if value.denominator == 1 else value


def ids(report: Any, ask: str, value: Any) -> list[str]:
    return [mistake.id for mistake in diagnose(report, *split(ask), [number(value)])]


def claimed(report: Any, ask: str) -> Any:
    layer, quantity = split(ask)
    return getattr(report.totals if layer is None else report[layer], quantity)


def alike(id: str) -> set[str]:
    return set(id.split("+"))


def wrong_answers() -> list[tuple[dict[str, Any], Any, str]]:
    return [(q, value, id) for q in QUESTIONS for value, id in q["wrong"].items()]


def given(question: dict[str, Any]) -> Any:
    return report_of(question["spec"], question.get("dtype", "float32"))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_the_right_answer_is_the_report_s_and_no_mistake(question: dict[str, Any]) -> None:
    report, right = given(question), number(question["answer"])
    actual = claimed(report, question["ask"])
    assert actual == right or (isinstance(actual, tuple) and set(actual[-2:]) == {right} or actual == (right,))
    assert diagnose(report, *split(question["ask"]), [right]) == []


@pytest.mark.parametrize(("question", "value", "id"), wrong_answers(), ids=lambda v: v["id"] if isinstance(v, dict) else v)
def test_the_mistake_behind_a_wrong_answer_is_among_three(question: dict[str, Any], value: Any, id: str) -> None:
    found = ids(given(question), question["ask"], value)
    assert len(found) <= 3
    assert any(alike(id) <= alike(one) for one in found)
