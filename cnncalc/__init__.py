"""cnncalc: a calculator for CNN architectures that shows its work.

    >>> import cnncalc
    >>> report = cnncalc.analyze("lenet5")
    >>> report.totals.params, report["C3"].connections
    (60000, 151600)

Names are loaded when they are first used, so that importing is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncalc import conventions, reference
    from cnncalc.answers import Item, Mistake, Result
    from cnncalc.api import (
        Sweep,
        analyze,
        check,
        explain,
        from_torch,
        identify,
        load,
        receptive_field,
        reconcile,
        sweep,
        to_keras,
        to_torch,
        verify,
        weights_of,
    )
    from cnncalc.derivations import Derivation
    from cnncalc.errors import CnncalcError, Position, Problem, ShapeError, SpecError, SpecWarning
    from cnncalc.evidence import Check, Verification
    from cnncalc.fields.sets.units import Patch, UnitField
    from cnncalc.graph import Expectation, Graph, Group, Node, UnknownLayerError
    from cnncalc.report import Report, Row, Settings, Totals, Verdict
    from cnncalc.testing import assert_budget

__all__ = [
    "Check",
    "CnncalcError",
    "Derivation",
    "Expectation",
    "Graph",
    "Group",
    "Item",
    "Mistake",
    "Node",
    "Patch",
    "Position",
    "Problem",
    "Report",
    "Result",
    "Row",
    "Settings",
    "ShapeError",
    "SpecError",
    "SpecWarning",
    "Sweep",
    "Totals",
    "UnitField",
    "UnknownLayerError",
    "Verdict",
    "Verification",
    "__version__",
    "analyze",
    "assert_budget",
    "check",
    "conventions",
    "explain",
    "from_torch",
    "identify",
    "load",
    "receptive_field",
    "reconcile",
    "reference",
    "sweep",
    "to_keras",
    "to_torch",
    "verify",
    "weights_of",
]

_API = (
    "Sweep", "analyze", "check", "explain", "from_torch", "identify", "load", "receptive_field",
    "reconcile", "sweep", "to_keras", "to_torch", "verify", "weights_of",
)  # fmt: skip
_HOMES = {
    **dict.fromkeys(_API, "api"),
    **dict.fromkeys(("Item", "Mistake", "Result"), "answers"),
    **dict.fromkeys(("CnncalcError", "Position", "Problem", "ShapeError", "SpecError", "SpecWarning"), "errors"),
    **dict.fromkeys(("Check", "Verification"), "evidence"),
    "Derivation": "derivations",
    **dict.fromkeys(("Patch", "UnitField"), "fields.sets.units"),
    **dict.fromkeys(("Expectation", "Graph", "Group", "Node", "UnknownLayerError"), "graph"),
    **dict.fromkeys(("Report", "Row", "Settings", "Totals", "Verdict"), "report"),
    "assert_budget": "testing",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("cnncalc")
    if name in ("conventions", "reference"):  # rooms of their own: cnncalc.reference.run(graph, image)
        from importlib import import_module

        return import_module(f"cnncalc.{name}")
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"cnncalc.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'cnncalc' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
