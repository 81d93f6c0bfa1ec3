"""Cases as data: a spec, the numbers that it must give, and where each of them comes from.

A file in tests/cases/ is a list. A case has `spec` (the text of one), or `network` (the name of a bundled one),
or `input` and `layer` or `layers`; `set` gives values for parameters;
`expect` maps `quantity` (of the last step, or of the only layer) or `LAYER.quantity` or `total.quantity`
to a number or a shape as text; `settings` are those of `analyze`.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import cnncalc
from cnncalc.graph import Graph
from cnncalc.report import Report

FOLDER = Path(__file__).parent / "cases"
# Of libyaml where it is built in: ten times as fast, and every process of pytest collects all cases
LOADER, DUMPER = getattr(yaml, "CSafeLoader", yaml.SafeLoader), getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def read_yaml(path: Path) -> Any:
    """What a YAML file holds; each caller has a copy of its own."""
    return deepcopy(_read_once(path))


@cache
def _read_once(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), LOADER)


@cache
def bundled_graph(name: str) -> Graph:
    """A bundled network or a variant by its name, read once for all tests of a process; none of them changes it."""
    return cnncalc.load(name)


@cache
def bundled_report(name: str) -> Report:
    """The report of the same, counted once."""
    return cnncalc.analyze(bundled_graph(name))


def load_cases(name: str) -> list[Any]:
    """Every case of a file, each with a name of its own and a source."""
    cases: list[Any] = read_yaml(FOLDER / f"{name}.yaml")
    names = [case["case"] for case in cases]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    assert all(case.get("source") for case in cases), [c["case"] for c in cases if not c.get("source")]
    return cases


def write_yaml(data: Any, **options: Any) -> str:
    """Data as YAML, keys as they come."""
    text: str = yaml.dump(data, Dumper=DUMPER, sort_keys=False, **options)
    return text


def spec_of(case: dict[str, Any]) -> str:
    """The text of a case's spec, or the name of a bundled network."""
    if "network" in case:
        return str(case["network"])
    if "spec" in case:
        return str(case["spec"])
    keys = ("params", "input", "inputs", "defaults", "blocks", "outputs")
    top = {key: case[key] for key in keys if key in case}
    top["layers"] = case["layers"] if "layers" in case else [case["layer"]]
    return write_yaml(top, default_flow_style=None, width=1000)


def report_of(case: dict[str, Any]) -> Report:
    return cnncalc.analyze(spec_of(case), set=case.get("set"), **case.get("settings", {}))


def differences(case: dict[str, Any]) -> list[str]:
    """What does not come out as the case says: `quantity: expected x, is y`."""
    report = report_of(case)
    assert case["expect"], case["case"]
    wrong = []
    for key, expected in case["expect"].items():
        actual = as_text(number(report, key))
        if actual != as_text(expected):
            wrong.append(f"{case['case']}: {key}: expected {as_text(expected)}, is {actual}")
    return wrong


def number(report: Report, key: str) -> Any:
    layer, _, quantity = key.rpartition(".")
    if layer == "total":
        return getattr(report.totals, quantity)
    if layer:
        return getattr(report[layer], quantity)
    main = [row for row in report if row.shown_with is None]
    return getattr(main[-1], quantity)


def as_text(value: Any) -> str:
    """Shapes as 6x4x5, fractions as 1/2."""
    if isinstance(value, (tuple, list)):
        return "x".join(map(as_text, value))
    return "unknown" if value is None else str(value).replace(",", "") if not isinstance(value, str) else value
