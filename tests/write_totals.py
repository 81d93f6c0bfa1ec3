"""Writes cnncalc/network_totals.json: the totals of every bundled network and variant. Run it when one is new."""

from __future__ import annotations

import json
from pathlib import Path

import cnncalc
from cnncalc.conventions.identifying import without_biases
from cnncalc.shipped import VARIANTS, bundled

FILE = Path(__file__).resolve().parent.parent / "cnncalc" / "network_totals.json"
QUANTITIES = ("params", "connections", "macs", "flops")


def totals() -> dict[str, dict[str, int]]:
    """By name, the totals that are known."""
    found = {}
    for name in (*bundled(), *VARIANTS):
        report = cnncalc.analyze(name)
        one = report.totals
        found[name] = {q: getattr(one, q) for q in QUANTITIES if q not in one.left_out and getattr(one, q)}
        bare = without_biases(report)
        if bare is not None and "params" not in bare.totals.left_out:
            found[name]["weights"] = bare.totals.params
    return found


def as_text() -> str:
    """A line for each network."""
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in totals().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
