"""Every case in tests/cases comes out to the unit."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cases import FOLDER, differences, load_cases, report_of

from cnncalc.layers import KINDS
from cnncalc.shipped import ALIASES, VARIANTS, bundled, find, folder, known_names

FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
CASES = [pytest.param(case, id=f"{name}: {case['case']}") for name in FILES for case in load_cases(name)]


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_the_case_come_out(case: dict[str, Any]) -> None:
    assert differences(case) == []


def test_every_kind_has_a_case_for_its_operations() -> None:
    """A kind whose work no case states could be wrong without anybody noticing."""
    stated: set[str] = set()
    for case in (case for name in FILES for case in load_cases(name)):
        of_flops = [key.rpartition(".")[0] for key in case["expect"] if key.rpartition(".")[2] == "flops"]
        report = report_of(case) if of_flops else None
        for layer in of_flops:
            assert report is not None
            stated |= {row.kind for row in report} if layer in ("", "total") else {report[layer].kind}
    assert KINDS.keys() - stated == set()


def test_every_bundled_network_and_variant_is_held_to_published_totals() -> None:
    totals = {"total.params", "total.macs"}
    held = {case.get("network") for case in load_cases("networks") if totals <= case["expect"].keys()}
    assert {*bundled(), *VARIANTS} - held == set()


def test_every_spec_has_a_name_in_a_family_and_every_name_a_spec() -> None:
    assert {file.removesuffix(".yaml") for file in os.listdir(folder())} == bundled().keys()
    assert set(ALIASES.values()) <= {*bundled(), *VARIANTS}
    assert {base for base, _ in VARIANTS.values()} <= bundled().keys()
    for name in known_names():
        base, params = VARIANTS.get(ALIASES.get(name, name), (ALIASES.get(name, name), {}))
        assert find(name) == (bundled()[base], params)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("RegNetX-1.6GF", "regnetx-1.6gf"),
        ("regnet_x_1_6gf", "regnetx-1.6gf"),
        ("regnet_x_16gf", "regnetx-16gf"),
        ("mobilenet_v1_0_25", "mobilenet-v1-0.25"),
        ("mobilenetv1025", "mobilenet-v1-0.25"),
        ("SqueezeNet 1.1.yaml", "squeezenet1_1"),
    ],
)
def test_a_name_may_be_written_otherwise(name: str, known: str) -> None:
    found = find(name)
    assert found is not None
    assert found == find(known)
