"""Asked from Python: results print as the commands print them, names are public, the README's code is typed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import commands
import pytest
from checkout import ROOT

import cnncalc


def run(*arguments: str) -> str:
    return commands.cnncalc(*arguments).stdout


UNIT = ("lenet5", "C3", (2, 4))
RESULTS: list[tuple[Any, tuple[str, ...]]] = [
    (lambda: cnncalc.analyze("lenet5"), ("lenet5",)),
    (lambda: cnncalc.diff("lenet5", "lenet5-modern"), ("diff", "lenet5", "lenet5-modern")),
    (lambda: cnncalc.compare("lenet5", "alexnet"), ("compare", "lenet5", "alexnet")),
    (lambda: cnncalc.check("lenet5", {"C3.params": "1,516"}), ("check", "lenet5", "C3.params=1,516")),
    (lambda: cnncalc.verify("lenet5"), ("verify", "lenet5")),
    (lambda: cnncalc.reconcile("lenet5", "thop", "fvcore"), ("conventions", "lenet5", "--reconcile", "thop", "fvcore")),
    (lambda: cnncalc.explain("lenet5", "C3", "macs"), ("explain", "lenet5", "C3", "macs")),
]


@pytest.mark.parametrize(("result", "command"), RESULTS, ids=[" ".join(words) for _result, words in RESULTS])
def test_a_result_prints_what_the_command_prints(result: Any, command: tuple[str, ...]) -> None:
    found = result()
    printed = run(*command)
    assert str(found).strip() in printed
    assert len(str(found).splitlines()) >= len(printed.splitlines()) - 3  # apart from what stands around it
    if not isinstance(found, cnncalc.Derivation):  # which shows itself in Markdown
        assert found._repr_html_().startswith("<")


def test_a_field_and_a_family_print_as_tables() -> None:
    field = cnncalc.receptive_field(*UNIT)
    assert str(field).split("\n", 1)[1] in run("rf", "lenet5", "--unit", "C3[2,4]")
    family = cnncalc.sweep("resnet50", width=range(16, 49, 16))
    rows = [line.split() for line in str(family).splitlines()]
    assert rows[0][0] == "width"
    assert [row[:2] for row in rows[2:]] == [["16", "1,993,976"], ["32", "6,917,640"], ["48", "14,771,992"]]
    assert "<table" in family._repr_html_()


def test_the_mask_of_a_patch_is_an_image() -> None:
    patch = cnncalc.receptive_field(*UNIT).inputs[0]
    assert patch.mask().shape == (32, 32)
    assert patch.mask().sum() == patch.pixels == 196
    assert patch.mask(channels=True).shape == (1, 32, 32)


def test_findings_networks_and_differences_are_public() -> None:
    assert [finding.code for finding in cnncalc.lint("1x8x8; conv 2 k3 s2 p0; dense 2")] == ["unread-pixels"]
    assert cnncalc.lint("1x8x8; conv 2 k3 s2 p0; dense 2", ignore=["unread-pixels"]) == []
    assert {"lenet5", "resnet101"} <= set(cnncalc.networks())
    assert cnncalc.diff("lenet5", "lenet5").same
    assert cnncalc.compare("lenet5", "alexnet").reports[0].totals.params == 60_000
    # Modules of these names would take their place as soon as they were loaded
    run_first = (
        "import cnncalc, cnncalc.cli.lint, cnncalc.cli.networks; print(cnncalc.networks()[0], cnncalc.lint('lenet5'))"
    )
    done = subprocess.run([sys.executable, "-c", run_first], capture_output=True, text=True, check=True)
    assert done.stdout == "perceptron []\n"


@pytest.mark.parametrize(
    "ask",
    [
        lambda report: cnncalc.explain(report, "C1", "params", batch=2),
        lambda report: cnncalc.check(report, {"params": 60000}, batch=2),
        lambda report: cnncalc.identify(report, 60000, batch=2),
        lambda report: cnncalc.reconcile(report, "thop", "fvcore", batch=2),
        lambda report: cnncalc.draw(report, "maps", batch=2),
    ],
    ids=["explain", "check", "identify", "reconcile", "draw"],
)
def test_parameters_beside_a_report_are_not_passed_over(ask: Callable[[cnncalc.Report], Any]) -> None:
    with pytest.raises(cnncalc.CnncalcError, match=r"a report is fixed: give parameters to analyze\(\)"):
        ask(cnncalc.analyze("lenet5"))


def test_no_module_has_the_name_of_a_function() -> None:
    package = Path(cnncalc.__file__).parent
    modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert modules & set(cnncalc.__all__) == {"conventions", "reference"}  # rooms, and meant as such


def test_a_module_of_pytorch_says_who_reads_it() -> None:
    class Net:
        def state_dict(self) -> dict[str, Any]:
            return {}

    with pytest.raises(cnncalc.CnncalcError, match=r"Net is no spec: .*cnncalc\.from_torch\(module, input_shape\)"):
        cnncalc.analyze(Net())  # type: ignore[arg-type]
    with pytest.raises(cnncalc.CnncalcError, match="int is no spec"):
        cnncalc.analyze(3)  # type: ignore[arg-type]


def test_help_begins_with_the_functions() -> None:
    functions = [name for name in cnncalc.__all__ if name[0].islower() and name not in ("conventions", "reference")]
    text = cnncalc.__doc__ or ""
    assert [name for name in functions if f"{name}(" not in text] == []


@pytest.mark.skipif(find_spec("mypy") is None, reason="needs mypy")
def test_the_code_of_the_readme_is_typed(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    code = "\n".join(blocks).replace("import cnncalc\n", "import cnncalc\nmodule: object = None\n", 1)
    code += (
        "\nreveal_type(cnncalc.explain(report, 'C3', 'macs').value)\n"
        "derivation: cnncalc.Derivation = cnncalc.explain(report, 'C3', 'macs')\n"
        "several: list[cnncalc.Derivation] = cnncalc.explain(report, 'C3')\n"
    )
    (tmp_path / "readme.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", str(tmp_path / "readme.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
