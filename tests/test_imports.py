"""Who may import whom, and what a command may load before it answers."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from trees import tree_of

import cnncalc

PACKAGE = Path(cnncalc.__file__).parent
# From each room, the rooms that it may look into. cli, api and sources stand above all of it.
ARROWS = {
    "language": set(),
    "quantities": set(),  # a table, read everywhere, which reads nothing
    "errors": set(),
    "arithmetic": set(),
    "layers": {"errors", "arithmetic"},
    "graph": {"errors", "layers"},
    "graph_builder": {"errors", "layers", "graph"},
    "pieces": {"layers", "graph"},
    "spec": {"errors", "arithmetic", "layers", "graph", "graph_builder", "pieces"},
    "spec.findings": {"errors", "layers", "graph", "spec"},
    "report": {
        "errors",
        "arithmetic",
        "layers",
        "graph",
        "formats",
        "display",
    },  # formats: for to_json; display: for notebooks
    "analysis": {"errors", "arithmetic", "layers", "graph", "pieces", "report", "analysis.fields"},
    "formats": {"errors"},
    "display": {"formats"},
    # pages: their results, and how a formula is written
    "pages": {
        "formats",
        "graph",
        "errors",
        "report",
        "analysis",
        "evidence",
        "analysis.derivations",
        "difference",
        "answers",
        "spec.findings",
        "locking",
        "analysis.fields",
        "conventions",
        "results",
        "families",
        "pages.drawing",
    },
    "analysis.fields": {"errors", "arithmetic", "layers", "graph", "report", "display"},  # report: what a jump is
    "reference": {"errors", "layers", "graph"},  # of layers: the table of kinds, and nothing that computes
    # fields: what is claimed of units, which the probes share nothing with
    "evidence": {"errors", "layers", "graph", "analysis", "report", "reference", "analysis.fields", "display"},
    "pages.drawing": {"errors", "layers", "graph", "analysis", "report", "analysis.fields", "formats"},
    "trace": set(),
    "analysis.derivations": {"errors", "layers", "graph", "analysis", "analysis.fields", "report", "trace", "formats"},
    # shipped: the totals that people look up; formats: a heading of a sheet in Markdown
    "answers": {
        "formats",
        "errors",
        "layers",
        "graph",
        "spec",
        "analysis",
        "analysis.fields",
        "report",
        "analysis.derivations",
        "trace",
        "shipped",
        "display",
    },
    # of reference: which weights there are; of spec: how values are written; of fields: what is compared
    "interop": {"errors", "layers", "graph", "graph_builder", "analysis", "spec", "reference", "analysis.fields"},
    # spec: its expressions and positions; answers: how numbers are written
    "conventions": {"errors", "layers", "graph", "spec", "analysis", "report", "sources", "answers", "display"},
    # formats: how cells are written; drawing: the plot
    "families": {
        "errors",
        "arithmetic",
        "layers",
        "graph",
        "graph_builder",
        "pieces",
        "spec",
        "analysis",
        "analysis.fields",
        "report",
        "analysis.derivations",
        "trace",
        "formats",
        "pages.drawing",
        "display",
    },
    "results": {"report", "display"},
    "difference": {"report", "display"},
    "revisions": {"errors", "sources", "spec_files"},
    "locking": {"errors", "report"},
    "shipped": set(),
    "spec_files": {"errors", "shipped", "spec"},
    "sources": {"errors", "shipped", "graph", "spec", "interop"},
    "loading": {"errors", "graph", "report", "sources", "spec", "interop"},
    "api": {
        "loading",
        "errors",
        "graph",
        "spec",
        "analysis",
        "report",
        "sources",
        "conventions",
        "evidence",
        "analysis.derivations",
        "answers",
        "analysis.fields",
        "interop",
        "results",
        "families",
        "difference",
        "spec.findings",
        "shipped",
        "pages.drawing",
    },
    # the page in a browser: what it shows, as data
    "pages.browser": {
        "errors",
        "layers",
        "graph",
        "spec",
        "analysis",
        "analysis.fields",
        "report",
        "analysis.derivations",
        "conventions",
        "difference",
        "formats",
        "pages",
        "pages.drawing",
    },
    "testing": {"api", "loading", "errors", "graph", "spec", "report", "analysis.derivations", "formats", "pages"},
    "pytest_plugin": {"api", "errors", "graph", "report", "spec_files", "testing"},
    "cli": {
        "pages.browser",
        "errors",
        "layers",
        "graph",
        "graph_builder",
        "spec",
        "analysis",
        "report",
        "formats",
        "pages",
        "shipped",
        "sources",
        "evidence",
        "analysis.derivations",
        "difference",
        "revisions",
        "spec.findings",
        "locking",
        "spec_files",
        "answers",
        "analysis.fields",
        "conventions",
        "interop",
        "loading",
        "families",
        "reference",
        "pages.drawing",
    },
}
LATE = {("report", "formats"), ("report", "display")}  # only inside functions


def room_of(parts: Sequence[str]) -> str:
    """The room in which a module stands: one within another has arrows of its own."""
    inner = ".".join(parts[:2])
    return inner if inner in ARROWS else parts[0]


def import_statements(path: Path) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import of a module, wherever it stands, and whether it stands at module level."""
    body, nodes = tree_of(path)
    top = {id(node) for node in body}
    return [(node, id(node) in top) for kind in (ast.Import, ast.ImportFrom) for node in nodes.get(kind, ())]


def imports(path: Path) -> list[tuple[str, bool]]:
    """(room, at module level) of every import of ours."""
    found = []
    for node, at_top in import_statements(path):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "cnncalc":
            names = [node.module] if node.module != "cnncalc" else [f"cnncalc.{alias.name}" for alias in node.names]
            found += [(room_of(name.split(".")[1:]), at_top) for name in names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_arrows_run_one_way(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] in ("__init__", "__main__"):
        return
    own = room_of(parts)
    for room, at_top in imports(path):
        known = {own, "language", "quantities", *ARROWS[own]}
        assert room in known, f"{path.name} may not import {room}"
        assert (own, room) not in LATE or not at_top, f"{path.name} imports {room} at module level"


def test_a_person_who_looks_for_a_room_has_twelve_doors() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert len(rooms) <= 12, sorted(rooms)
    assert {own.split(".")[0] for own in ARROWS if (PACKAGE / own.split(".")[0]).is_dir()} == rooms


def test_no_room_names_a_kind_of_layer_but_layers() -> None:
    """An analysis or a format that asks for a kind would have to be changed for the next one."""
    from cnncalc.layers import KINDS

    for room in ("analysis", "report.py", "graph.py"):
        files = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
        for path in files:
            if path.is_relative_to(PACKAGE / "analysis" / "derivations"):  # sentences: some kinds have one of their own
                continue
            strings = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
            assert not strings & KINDS.keys(), path


def loaded_by(*arguments: str) -> set[str]:
    """The modules that are loaded when a command has run."""
    code = (
        "import sys\nfrom cnncalc.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_a_spec_through_a_pipe_loads_neither_numpy_nor_rich_nor_tabulate() -> None:
    loaded = loaded_by("lenet5")
    slow = {
        "numpy",
        "rich",
        "tabulate",
        "dataclasses",
        "importlib.metadata",
        "locale",
        "difflib",
        "json",
        "fractions",
        "html",
        "shutil",
    }
    assert not loaded & slow
    assert "yaml" in loaded


def test_tuples_that_every_start_defines_have_annotations_that_are_worked_out() -> None:
    """Of a NamedTuple with postponed annotations each field is compiled when it is defined: a tenth of the start."""
    for name in loaded_by("lenet5"):
        path = PACKAGE.parent / (name.replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if name.startswith("cnncalc.") and "(NamedTuple)" in path.read_text(encoding="utf-8"):
            assert "from __future__ import annotations" not in path.read_text(encoding="utf-8"), path


def test_explaining_and_grading_load_what_they_need(tmp_path: Path) -> None:
    assert not loaded_by("explain", "lenet5", "C1", "params") & {
        "fractions",
        "html",
        "json",
        "numpy",
        "rich",
        "zipfile",
    }
    sheet = tmp_path / "answers.csv"
    sheet.write_text("layer,params\nC1,156\n", encoding="utf-8")
    assert not loaded_by("check", "lenet5", str(sheet)) & {"html", "numpy", "openpyxl", "rich", "shutil", "zipfile"}


@pytest.mark.parametrize("words", [("conventions", "lenet5"), ("lenet5", "--convention", "thop")])
def test_conventions_need_neither_numpy_nor_rich_nor_tabulate(words: tuple[str, ...]) -> None:
    assert not loaded_by(*words) & {"numpy", "rich", "tabulate", "dataclasses", "importlib.metadata"}


def test_the_command_begins_before_click_is_loaded() -> None:
    """So that importing it is not looked through by the collector: `main` turns that off first."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _colon, name = project["scripts"]["cnncalc"].partition(":")
    code = f"import gc, sys, {module} as m\nprint('click' in sys.modules, callable(m.{name}))\n"
    code += f"sys.argv = ['', '--version']\ntry:\n    m.{name}()\n"
    code += "finally:\n    print(gc.isenabled(), gc.get_freeze_count() > 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    first, *_version, last = done.stdout.splitlines()
    assert (first, last) == ("False True", "False True"), done.stderr


def test_a_family_of_layers_is_loaded_when_a_spec_names_it() -> None:
    loaded = loaded_by("-e", "1x8x8; conv 2 k3")
    families = {name.rpartition(".")[2] for name in loaded if name.startswith("cnncalc.layers.")}
    assert families == {"base", "gradients", "reach", "options", "windows", "sliding", "tables", "conv"}


@pytest.mark.parametrize("words", ["--version", "--help", "analyze --help", "rf --help", "kinds"])
def test_help_and_version_read_no_spec(words: str) -> None:
    assert "yaml" not in loaded_by(*words.split())


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import sys, cnncalc; print(sorted(m for m in sys.modules if m.startswith('cnncalc')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['cnncalc']"


# Modules that stand in circles today, by the room that holds the circle ("cnncalc": it goes through several). A number
# may fall and never rises; at zero its row goes.
IN_CIRCLES: dict[str, int] = {}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, modules: set[str]) -> set[str]:
    """The modules of ours that a file names in an import, wherever it stands: in a function or for types alone too."""
    named: set[str] = set()
    for node, _at_top in import_statements(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= {name if name in modules else node.module for name in inside}
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
    return (named & modules) - {module_name(path)}


def find_circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The largest sets of modules in which each leads to each other, by arrows (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    circles: list[set[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in arrows[module]:
            if other not in number:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            start = path.index(module)
            if len(path) - start > 1:
                circles.append(set(path[start:]))
            del path[start:]

    for module in arrows:
        if module not in number:
            visit(module)
    return circles


def room_around(circle: set[str]) -> str:
    """The package that holds a whole circle, at most two below the top."""
    names = sorted(circle)
    first, last = names[0].split("."), names[-1].split(".")
    return ".".join(a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(first[:3], last[:3], strict=False)))


def test_circles_of_a_graph_that_is_known() -> None:
    arrows = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"d"}, "f": {"a", "d"}}
    assert sorted(map(sorted, find_circles(arrows))) == [["a", "b", "c"], ["d", "e"]]


def test_modules_import_each_other_in_no_circle() -> None:
    """Lazy imports and those for types alone count: a circle behind them is one that a reader walks all the same."""
    paths = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    circles = find_circles({name: imported_modules(path, set(paths)) for name, path in paths.items()})
    found: Counter[str] = Counter()
    for circle in circles:
        found[room_around(circle)] += len(circle)
    assert dict(found) == IN_CIRCLES, [sorted(circle) for circle in circles]


# Functions above the limit of ruff's C901, by file, until they are taken apart. What is a table in disguise says so
# where it stands, beside its `noqa`.
TOO_COMPLEX: dict[str, int] = {}


def run_ruff(*options: str) -> list[dict[str, Any]]:
    """What ruff finds in the package and its tests, with the limit of pyproject and without its exceptions by file."""
    top = PACKAGE.parent
    settings = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    limit = f"lint.mccabe.max-complexity={settings['mccabe']['max-complexity']}"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--config", limit, "--output-format", "json"]
    done = subprocess.run(
        [*command, *options, "cnncalc", "tests", "benchmarks"], cwd=top, capture_output=True, text=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(find_spec("ruff") is None, reason="needs ruff")
def test_no_function_is_complex_that_is_not_on_the_list() -> None:
    found = Counter(
        Path(finding["filename"]).relative_to(PACKAGE.parent).as_posix() for finding in run_ruff("--select=C901")
    )
    assert dict(found) == TOO_COMPLEX


def test_an_exception_from_the_limit_of_complexity_has_its_reason() -> None:
    for folder in (PACKAGE, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            for line in path.read_text(encoding="utf-8").splitlines():
                if re.search(r"  #\s*noqa: C901", line):
                    assert re.search(r"noqa: C901 - .{5,}", line), f"{path}: {line.strip()}"


# Where several quantities are named together, and why no row of quantities.py could say it.
NAMES_QUANTITIES = {
    "quantities.py",
    "layers/base.py",  # the fields of Facts
    "analysis/costs.py",  # what it works out
    "evidence/counts.py",  # what each probe measures
    "analysis/derivations/words.py",  # sentences beside single numbers
    "answers/mistakes/",  # the catalogue: which numbers a mistake changes
    "answers/exercise.py", "answers/recounting.py",  # what is asked on each level; how else people count
    "answers/sheets/tables.py", "pages/grades.py",  # hints in words
    "pages/fields.py",  # its own three columns
    "formats/table.py",  # colours
    "report.py",  # what a convention replaces
    "analysis/derivations/costs.py",  # how each of those that are no facts comes about
}  # fmt: skip


def test_nothing_lists_quantities_but_their_table() -> None:
    """A list of names elsewhere would have to be found for the next quantity."""
    from cnncalc.quantities import QUANTITIES

    found = set()
    for path in PACKAGE.rglob("*.py"):
        nodes = tree_of(path).nodes
        lists = [node for kind in (ast.List, ast.Tuple, ast.Set) for node in nodes.get(kind, ())]
        for items in [*(node.elts for node in lists), *(node.keys for node in nodes.get(ast.Dict, ()))]:
            names = {item.value for item in items if isinstance(item, ast.Constant)} & QUANTITIES.keys()
            if len(names) > 2:
                found.add(path.relative_to(PACKAGE).as_posix())
    allowed = {name for name in found if any(name.startswith(known) for known in NAMES_QUANTITIES)}
    assert found - allowed == set()
    assert all(any(name.startswith(known) for name in found) for known in NAMES_QUANTITIES - {"quantities.py"})
