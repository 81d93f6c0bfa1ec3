"""Variances of effective fields, measured by one pass of three planes; planted faults in tap weights are seen."""

from __future__ import annotations

from fractions import Fraction

import pytest

import cnncalc
from cnncalc.evidence import EFFECTIVE
from cnncalc.layers import elements

STEPS = "1x40x40; upsample 2 bilinear; conv 1 k3; blurpool 3 s2; conv 2 k3 d2; maxpool 2; avgpool 3 s2"


@pytest.mark.parametrize(
    "spec",
    ["lenet5", "squeezenet1_1", STEPS, "1x30; transposed_conv 2 k4 s2 p1; conv 1 k3 s2; upsample 3; lppool 3 s2"],
)
def test_effective_fields_are_what_a_linear_pass_gives(spec: str) -> None:
    checks = cnncalc.verify(spec, quantities=(EFFECTIVE,)).checks
    assert checks
    assert {check.verdict for check in checks} == {"holds"}


def test_the_variance_of_two_windows_by_hand() -> None:
    """(k^2 - 1) / 12 of each, times the jump squared: 8/12 + 4 * 3/12."""
    check = cnncalc.verify("1x40; conv 1 k3 s2; conv 1 k2", quantities=(EFFECTIVE,)).checks[-1]
    assert check.claimed == check.measured == (round(float(Fraction(8, 12) + 4 * Fraction(3, 12)), 4),)


def test_other_tap_weights_of_an_interpolation_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "tent_weights", lambda factor: ((Fraction(1, 2),) * 2,) * factor)
    checks = cnncalc.verify("1x40; upsample 2 bilinear", quantities=(EFFECTIVE,)).checks
    assert [check.verdict for check in checks] == ["differs"]


def test_masses_that_go_by_convention_are_not_measured_where_they_meet() -> None:
    checks = cnncalc.verify("1x40; {add: [maxpool 3 s1 p1, conv 1 k3 p1]}", quantities=(EFFECTIVE,)).checks
    assert [check.verdict for check in checks] == ["holds", "holds", "not measured"]
