"""cnncalc: a calculator for CNN architectures that shows its work.

    >>> import cnncalc
    >>> report = cnncalc.analyze("lenet5")
    >>> report.totals.params, report["C3"].connections
    (60000, 151600)

A spec is a file, the name of a bundled network, or text. What comes back prints as the command prints it.

    analyze(spec)               shapes, parameters, connections, MACs, FLOPs, receptive fields, memory
    explain(spec, layer, ...)   how a number comes about: formula, substitution, result
    check(spec, answers)        answers graded, with the mistake behind a wrong one
    verify(spec)                every number held against what running the network gives
    receptive_field(spec, ...)  the pixels that one unit depends on
    compare(spec, ...)          totals side by side
    diff(old, new)              what changed, layer by layer
    draw(spec, style)           a picture: the graph, the maps to scale, where costs and memory go
    lint(spec)                  what is there for sure and probably not meant
    sweep(spec, width=...)      the totals of a family
    solve(spec, find=...)       which values meet what is asked
    reconcile(spec, one, other) why two tools print different numbers
    identify(spec, number)      whose number it is
    networks()                  the bundled networks
    load(spec)                  the graph alone
    from_torch(module, shape)   the graph of a PyTorch module; to_torch(spec), to_keras(spec): the text of a model
    weights_of(model)           the weights that a model of another program holds
    assert_budget(spec, ...)    for tests: fails where a number is above its limit

`cnncalc.reference` runs networks in NumPy, `cnncalc.conventions` knows how other tools count. Names are loaded when
they are first used, so that importing is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# For type checkers and editors; when it runs, `__getattr__` below loads a name.
if TYPE_CHECKING:
    from cnncalc import conventions, reference
    from cnncalc.analysis.derivations import Derivation
    from cnncalc.analysis.fields.sets.units import Patch, UnitField
    from cnncalc.answers import Item, Mistake, Result
    from cnncalc.api import (
        analyze,
        check,
        compare,
        diff,
        draw,
        explain,
        from_torch,
        identify,
        lint,
        load,
        networks,
        receptive_field,
        reconcile,
        solve,
        sweep,
        to_keras,
        to_torch,
        verify,
        weights_of,
    )
    from cnncalc.conventions import Reconciled
    from cnncalc.conventions.identifying import Match
    from cnncalc.difference import Difference
    from cnncalc.errors import CnncalcError, Position, Problem, ShapeError, SpecError, SpecWarning
    from cnncalc.evidence import Check, Verification
    from cnncalc.families.results import Sweep
    from cnncalc.graph import Expectation, Graph, Group, Node, UnknownLayerError
    from cnncalc.report import Report, Row, Settings, Totals, Verdict
    from cnncalc.results import Comparison
    from cnncalc.spec.findings import Finding
    from cnncalc.testing import assert_budget

__all__ = [
    "Check",
    "CnncalcError",
    "Comparison",
    "Derivation",
    "Difference",
    "Expectation",
    "Finding",
    "Graph",
    "Group",
    "Item",
    "Match",
    "Mistake",
    "Node",
    "Patch",
    "Position",
    "Problem",
    "Reconciled",
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
    "compare",
    "conventions",
    "diff",
    "draw",
    "explain",
    "from_torch",
    "identify",
    "lint",
    "load",
    "networks",
    "receptive_field",
    "reconcile",
    "reference",
    "solve",
    "sweep",
    "to_keras",
    "to_torch",
    "verify",
    "weights_of",
]

# As api.__all__ has them, which is not loaded to look one up.
_API = (
    "analyze", "check", "compare", "diff", "draw", "explain", "from_torch", "identify", "lint", "load", "networks",
    "receptive_field", "reconcile", "solve", "sweep", "to_keras", "to_torch", "verify", "weights_of",
)  # fmt: skip
_HOMES = {
    **dict.fromkeys(_API, "api"),
    **dict.fromkeys(("Item", "Mistake", "Result"), "answers"),
    **dict.fromkeys(("CnncalcError", "Position", "Problem", "ShapeError", "SpecError", "SpecWarning"), "errors"),
    **dict.fromkeys(("Check", "Verification"), "evidence"),
    "Derivation": "analysis.derivations",
    "Difference": "difference",
    "Finding": "spec.findings",
    "Match": "conventions.identifying",
    "Reconciled": "conventions",
    "Comparison": "results",
    "Sweep": "families.results",
    **dict.fromkeys(("Patch", "UnitField"), "analysis.fields.sets.units"),
    **dict.fromkeys(("Expectation", "Graph", "Group", "Node", "UnknownLayerError"), "graph"),
    **dict.fromkeys(("Report", "Row", "Settings", "Totals", "Verdict"), "report"),
    "assert_budget": "testing",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in ("conventions", "reference"):  # rooms of their own: cnncalc.reference.run(graph, image)
        from importlib import import_module

        return import_module(f"cnncalc.{name}")
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"cnncalc.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'cnncalc' has no attribute '{name}'")


def _version() -> str:
    """That of the package as it is installed; of a checkout that is not, what its pyproject.toml says."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cnncalc")
    except PackageNotFoundError:
        import os
        import tomllib

        # A checkout that nobody has installed.
        project = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pyproject.toml")
        try:
            with open(project, "rb") as file:
                found: str = tomllib.load(file)["project"]["version"]
        except (OSError, KeyError, ValueError):
            return "unknown"
        return found


def __dir__() -> list[str]:
    # Also what has not been loaded yet, so that it is offered where names are completed.
    return __all__
