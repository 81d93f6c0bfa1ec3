"""Every case in tests/cases comes out to the unit."""

from __future__ import annotations

from typing import Any

import pytest
from cases import FOLDER, differences, load_cases

FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
CASES = [pytest.param(case, id=f"{name}: {case['case']}") for name in FILES for case in load_cases(name)]


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_the_case_come_out(case: dict[str, Any]) -> None:
    assert differences(case) == []
