"""`verify` holds the pixels that units see against planes of pixels: exactly, or by samples of a large image."""

from __future__ import annotations

from typing import Any

import pytest

import cnncalc
from cnncalc.analysis.fields.sets import taps
from cnncalc.evidence import Verification, units
from cnncalc.layers.windows import Window

SPEC = "2x17x14; conv 3 k3 d2 p2; maxpool 2; conv 4 k3 p1"


def seen(found: Verification) -> list[tuple[str | None, Any, Any, str]]:
    return [(c.layer, c.claimed, c.measured, c.verdict) for c in found.checks if c.quantity.startswith("seen_pixels")]


def test_three_units_of_the_last_map_are_counted_pixel_by_pixel() -> None:
    found = cnncalc.verify(SPEC, quantities=["seen_pixels"])
    assert seen(found) == [
        ("conv2[0,0]", 36, 36, "holds"),
        ("conv2[4,3]", 100, 100, "holds"),
        ("conv2[7,6]", 42, 42, "holds"),
    ]


def test_a_large_image_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "ELEMENTS", 1)
    assert {verdict for *_rest, verdict in seen(cnncalc.verify(SPEC, quantities=["seen_pixels"]))} == {"holds"}


def test_every_input_has_its_pixels() -> None:
    spec = (
        "inputs: {a: 1x9, b: 1x9}\nlayers:\n- add: [{from: a, layers: [conv 2 k3]}, {from: b, layers: [conv 2 k2 d2]}]"
    )
    found = cnncalc.verify(spec, quantities=["seen_pixels"])
    assert [check.quantity for check in found.checks] == ["seen_pixels of a"] * 3 + ["seen_pixels of b"] * 3
    assert [check.measured for check in found.checks] == [3, 3, 3, 2, 2, 2]
    assert found.holds


@pytest.mark.parametrize("elements", [units.ELEMENTS, 1])
@pytest.mark.parametrize("wrong", ["wider", "narrower", "shifted"])
def test_a_wrong_set_differs(monkeypatch: pytest.MonkeyPatch, wrong: str, elements: int) -> None:
    """Planted: windows that read one tap more, or one less, or the neighbour."""
    right = taps.pull

    def planted(step: Any, wanted: int) -> int:
        if isinstance(step, Window) and step.kernel == 3:
            kernel = {"wider": 4, "narrower": 2, "shifted": 3}[wrong]
            step = step._replace(kernel=kernel, before=step.before + (wrong == "shifted"))
        return right(step, wanted)

    monkeypatch.setattr(taps, "pull", planted)
    monkeypatch.setattr(units, "ELEMENTS", elements)
    assert not cnncalc.verify(SPEC, quantities=["seen_pixels"]).holds


def test_nothing_is_claimed_of_vectors() -> None:
    assert seen(cnncalc.verify("12; dense 3", quantities=["seen_pixels"])) == []
