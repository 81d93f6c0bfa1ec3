"""The layers that other tools were surveyed on: each is a case in tests/cases/peer_layers.yaml or says why not.

tests/peer_layers.yaml lists them all. test_cases.py checks outputs and the rest of each case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases import load_cases, read_yaml, report_of

SURVEYED = read_yaml(Path(__file__).parent / "peer_layers.yaml")
CASES = load_cases("peer_layers")
EXCEPTIONS = {
    "upsample size (7,9) nearest": "7x9 is no whole multiple of 12x10: upsample has whole factors",
    "mha 8 h2 L5 N2": "attention multiplies two computed matrices; the language has no such product",
    "embedding 100x8": "an embedding looks rows up by index; inputs are values, not indices",
    "unused Linear(100,100)": "a layer that is built and never called; every step of a spec is worked out",
    "keras: embedding": "an embedding looks rows up by index; inputs are values, not indices",
    "keras: mha h2 kd4": "attention multiplies two computed matrices; the language has no such product",
}


def names_of(case: dict[str, Any]) -> list[str]:
    return [case["case"], *case.get("also", [])]


def test_every_surveyed_layer_is_a_case_or_has_a_reason() -> None:
    stated = [name for case in CASES for name in names_of(case)]
    assert sorted([*stated, *EXCEPTIONS]) == sorted(SURVEYED)
    assert len(SURVEYED) == 99 + 42


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_case_states_output_and_parameters_and_has_those_of_the_survey(case: dict[str, Any]) -> None:
    stated = {key.removeprefix("total.") for key in case["expect"]}
    assert {"output", "params"} <= stated
    assert case["source"].startswith("keras 3.15.1: " if case["case"].startswith("keras: ") else "torch 2.13.0: ")
    assert {name: report_of(case).totals.params for name in names_of(case)} == {
        name: SURVEYED[name] for name in names_of(case)
    }
