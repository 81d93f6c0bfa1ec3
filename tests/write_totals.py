"""Writes cnncalc/network_totals.json, the totals of every bundled network and variant, and network_numbers.json,
what the shipped conventions print of them. Run it when a network is new, or when a convention counts otherwise.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import cnncalc
from cnncalc.conventions.identifying import candidates, count_without_biases
from cnncalc.report import Report
from cnncalc.shipped import VARIANTS, bundled

FILE = Path(__file__).resolve().parent.parent / "cnncalc" / "network_totals.json"
NUMBERS = FILE.with_name("network_numbers.json")
QUANTITIES = ("params", "connections", "macs", "flops")


@cache
def reports() -> dict[str, Report]:
    return {name: cnncalc.analyze(name) for name in (*bundled(), *VARIANTS)}


def totals() -> dict[str, dict[str, int]]:
    """By name, the totals that are known."""
    found = {}
    for name, report in reports().items():
        one = report.totals
        found[name] = {q: getattr(one, q) for q in QUANTITIES if not one.is_partial(q) and getattr(one, q)}
        bare = count_without_biases(report)
        if bare is not None:
            found[name]["weights"] = bare
    return found


def numbers() -> dict[str, list[int]]:
    """By name, every number that `cnncalc identify` holds another one against, from the smallest on."""
    return {name: sorted({one.number for one in candidates(name, report)}) for name, report in reports().items()}


def as_text(found: dict[str, Any]) -> str:
    """A line for each network."""
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in found.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(as_text(totals()), encoding="utf-8")
    NUMBERS.write_text(as_text(numbers()), encoding="utf-8")
