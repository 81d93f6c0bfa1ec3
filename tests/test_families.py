"""Families: columns of numbers, each equal to that of the single network."""

from __future__ import annotations

import numpy as np
import pytest

from cnncalc.errors import CnncalcError, Source
from cnncalc.families import Family


def test_a_net_in_one_line_has_the_parameters_that_its_expressions_name() -> None:
    family = Family(Source("-e", "1x32x32; conv 6 k$k s$s p$(p + in.h - in.w)"), inline=True)
    assert family.parameters == ("k", "s", "p")


def test_each_member_has_its_numbers_or_its_reason() -> None:
    family = Family(Source("-e", "1x32x32; conv 6 k$k"), inline=True)
    found = family.evaluate({"k": np.array([5, 33, 32])}, ["macs", "conv1.output", "receptive_field"])
    # 6 filters of 5x5 on 28x28 places; one of 32x32 on a single one
    assert found["macs"].items() == [6 * 25 * 28 * 28, None, 6 * 32 * 32]
    assert found["conv1.output"].items() == [(6, 28, 28), None, (6, 1, 1)]
    assert found["receptive_field"].item(0) == (5, 5)
    assert found.reasons == [None, "conv1: a 33x33 window does not fit the 32x32 input (padding 0)", None]


def test_shapes_of_the_input_are_a_column() -> None:
    family = Family(Source("-e", "1x32x32; conv $f k5"), inline=True)
    found = family.evaluate({"input": ["1x28x28", (3, 32, 32)], "f": [2, 4]}, ["params"])
    assert found["params"].items() == [2 * 26, 4 * 76]


@pytest.mark.parametrize(
    ("columns", "quantity", "problem"),
    [
        ({"g": [1]}, "macs", "no parameter 'g'"),
        ({"k": [1]}, "mac", "no quantity 'mac'"),
        ({"k": [1]}, "conv1.peak_activation_bytes", "no quantity"),
        ({"k": [1], "f": [1, 2]}, "macs", "lengths differ"),
    ],
)
def test_what_a_family_cannot_be_asked(columns: dict[str, list[int]], quantity: str, problem: str) -> None:
    family = Family(Source("-e", "1x32x32; conv $f k$k"), inline=True)
    with pytest.raises(CnncalcError, match=problem):
        family.evaluate(columns, [quantity])
