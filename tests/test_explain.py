"""Every derivation gives the number of the table, and its printed formula and substitution evaluate to it."""

from __future__ import annotations

import ast
import math
import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cases import FOLDER, bundled_report, load_cases, report_of

import cnncalc
from cnncalc.analysis.derivations import QUANTITIES, Derivation, explain, walk
from cnncalc.analysis.derivations.words import remarks
from cnncalc.quantities import SUMMED
from cnncalc.report import Report
from cnncalc.shipped import bundled
from cnncalc.trace import Traced, symbol

CASES = [case for path in sorted(FOLDER.glob("*.yaml")) if path.stem != "networks" for case in load_cases(path.stem)]


def evaluated(text: str, bindings: dict[str, int] | None = None) -> int:
    """A printed formula worked out as arithmetic, by nothing of ours."""
    if bindings:
        text = any_of(tuple(bindings)).sub(lambda match: f"({bindings[match[0]]})", text)
    return worked_out(text)


@cache
def any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """One of the names; the longest first, for `m_1` begins with `m`."""
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, longest_first))})(?![\w(])")


@cache
def worked_out(text: str) -> int:
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text).replace("×", "*").replace("^", "**").replace(" mod ", " % ")
    text = re.sub(r"\d+", lambda match: f"F({match[0]})", text)
    value = eval(text, {"F": Fraction, "floor": math.floor, "ceil": math.ceil, "__builtins__": {}})
    assert value == int(value), text
    return int(value)


def wrong(report: Report, found: list[Derivation]) -> list[str]:
    """What of these derivations does not come out."""
    faults: list[str] = []
    bindings: dict[str, int] = {}
    for derivation in found:
        bindings |= {name: value for name, (value, _m) in derivation.symbols.items() if value is not None}
        name = f"{derivation.layer}.{derivation.quantity}"
        for line in derivation.steps:
            if not line.derived or derivation.quantity == "receptive_field":
                continue
            if evaluated(line.substitution()) != line.value:
                faults.append(f"{name}: {line.substitution()} is not {line.value}")
            if evaluated(line.formula(), bindings) != line.value:
                faults.append(f"{name}: {line.formula()} is not {line.value} with {bindings}")
            bindings[line.name] = line.value
        if derivation.steps and isinstance(derivation.value, int) and derivation.steps[-1].value != derivation.value:
            faults.append(f"{name}: {derivation.steps[-1].value} is not {derivation.value}")
        row = report[derivation.layer] if derivation.layer else report.totals
        if derivation.value != getattr(row, derivation.quantity):
            faults.append(f"{name}: {derivation.value} is not in the table")
    return faults


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_formula_and_substitution_of_every_case_evaluate_to_the_number_of_the_table(case: dict[str, Any]) -> None:
    report = report_of({**case, "settings": {}})
    for row in report:
        assert wrong(report, explain(report, row.name)) == []
        for quantity in ("connections", "macs", "params"):
            assert wrong(report, explain(report, row.name, quantity)) == []


@pytest.mark.parametrize("name", ["lenet5", "resnet34", "googlenet", "shufflenet-v1", "dcgan-generator", "lstm"])
def test_a_walk_through_a_network_explains_every_number(name: str) -> None:
    report = bundled_report(name)
    pages = walk(report)
    assert wrong(report, pages) == []
    shown = [row.name for row in report if row.shown_with is None]
    assert list(dict.fromkeys(page.layer for page in pages)) == shown


@pytest.mark.parametrize("name", sorted(bundled()))
def test_totals_are_sums_of_their_terms(name: str) -> None:
    report = bundled_report(name)
    for quantity in (name for name in SUMMED if name in QUANTITIES):
        (total,) = explain(report, "total", quantity)
        assert total.value == getattr(report.totals, quantity)
        if total.steps[-1].derived and total.steps[-1].number:
            assert evaluated(total.substituted) == total.value


def test_the_questions_with_which_the_tutorials_begin() -> None:
    report = cnncalc.analyze("lenet5")

    def last(layer: str, quantity: str) -> str:
        return " = ".join(cnncalc.explain(report, layer, quantity).steps[-1].parts())

    assert last("C3", "params") == "params = 60 × k × k + b × f = 60 × 5 × 5 + 1 × 16 = 1,516"
    assert last("C3", "connections") == "connections = params × m × m = 1,516 × 10 × 10 = 151,600"
    assert last("S2", "params") == "params = 2 × c = 2 × 6 = 12"
    assert last("S2", "connections") == ("connections = (k × k + 1) × c × m × m = (2 × 2 + 1) × 6 × 14 × 14 = 5,880")
    assert last("F6", "connections") == "connections = params = 10,164"
    assert last("OUTPUT", "connections") == "connections = n × m = 84 × 10 = 840"
    table = cnncalc.explain(report, "C3", "params").table
    assert sum(int(row[2]) for row in table[1:]) == 60
    said = " ".join(cnncalc.explain(report, "OUTPUT", "connections").remarks)
    assert "A distance has no bias" in said
    total = cnncalc.explain(report, "total", "connections")
    assert total.substituted == "122,304 + 5,880 + 151,600 + 2,000 + 48,120 + 10,164 + 840"


def test_the_walk_back_of_the_tutorials_instance() -> None:
    found = cnncalc.explain("example-field-30", "pool3", "receptive_field")
    assert [line.value for line in found.steps] == [2, 4, 6, 12, 14, 28, 30]
    assert found.steps[-1].parts() == ["RF(conv1)", "(RF - 1) × s + k", "(28 - 1) × 1 + 3", "30"]
    inner = cnncalc.explain("example-field-30", "pool3", "receptive_field", since="pool1")
    assert [line.value for line in inner.steps] == [2, 4, 6, 12, 14]
    assert [row[3] for row in found.table[1:]] == ["3", "4", "8", "10", "18", "26", "30"]


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "resnet50", "googlenet", "inception-v3", "densenet121"])
def test_the_walk_back_gives_the_field_of_the_forward_pass(name: str) -> None:
    report = bundled_report(name)
    for row in report:
        found = explain(report, row.name, "receptive_field")
        if found and found[0].steps:
            last = {line.name.partition("(")[0]: line.value for line in found[0].steps}
            assert row.receptive_field is not None
            assert set(last.values()) <= set(row.receptive_field), row.name


def test_a_block_is_the_sum_of_its_layers() -> None:
    report = cnncalc.analyze("resnet50")
    found = {entry.quantity: entry for entry in explain(report, "stage1/0")}
    assert found["params"].value == report["stage1/0"].params
    assert evaluated(found["params"].substituted) == found["params"].value
    assert found["output"].layer == "stage1/0/add1/relu"


def test_the_floor_is_made_visible() -> None:
    (found,) = explain(cnncalc.analyze("3x224x224; conv 8 k3 s2"), "conv1", "output")
    assert found.remarks[-1] == (
        "The division leaves a rest: the last 1 of 224 elements are read by no window. "
        "Rounding up would give 112 instead of 111."
    )
    (ceil,) = explain(cnncalc.analyze("3x224x224; maxpool 3 s2 ceil"), "maxpool1", "output")
    assert ceil.formula == "ceil((n + 2 × p - d × (k - 1) - 1) / s) + 1"
    assert "Rounding is up" in ceil.remarks[-1]


def test_same_padding_is_worked_out_first() -> None:
    (found,) = explain(cnncalc.analyze("3x224x224; conv 8 k3 s2 same"), "conv1", "output")
    assert [line.name for line in found.steps] == ["P", "p_1", "p_2", "m"]
    assert [line.value for line in found.steps] == [1, 0, 1, 112]
    assert found.formula == "floor((n + p_1 + p_2 - d × (k - 1) - 1) / s) + 1"


def test_closed_forms_keep_the_letters_that_are_free() -> None:
    report = cnncalc.analyze("lenet5")
    (params,) = explain(report, "C1", "params", free=("c", "f"))
    assert params.formula == "(25 × c + 1) × f"
    (output,) = explain(cnncalc.analyze("alexnet"), "conv1", "output", free="n")
    assert output.formula == "floor((n - 11) / 4) + 1"
    assert "227, 231" in output.remarks[-1]
    with pytest.raises(cnncalc.CnncalcError, match="nothing here depends on y: letters of this layer: n, p"):
        explain(report, "C1", "params", free="y")
    for n in range(11, 60):
        rows = cnncalc.analyze(f"3x{n}x{n}; conv 8 k11 s4")
        assert evaluated(output.formula, {"n": n}) == rows["conv1"].output[1]


def test_which_path_decides_is_said() -> None:
    (found,) = explain(cnncalc.analyze("resnet50"), "stage1/0/add1", "receptive_field")
    assert any("most is seen by way of stage1/0/conv3" in remark for remark in found.remarks)


def test_a_shared_layer_says_where_its_weights_are_counted() -> None:
    report = cnncalc.analyze("input: 1x9x9\nlayers:\n- a: conv 1 k3\n- b: {conv: 1, kernel: 3, weights: a}\n")
    (found,) = explain(report, "b", "params")
    assert found.value == 0
    assert found.remarks == ("It uses the weights of a: they are counted there, once.",)


def test_settings_are_told_apart_from_the_formula() -> None:
    report = cnncalc.analyze("1x8x8; conv 2 k3 p1", exact_padding=True)
    (found,) = explain(report, "conv1", "macs")
    assert found.value == report["conv1"].macs
    assert f"it is {found.value}" in found.remarks[-1]


def test_what_does_not_exist_is_said() -> None:
    report = cnncalc.analyze("lenet5")
    with pytest.raises(cnncalc.UnknownLayerError, match="there is no layer 'C9'"):
        explain(report, "C9")
    with pytest.raises(cnncalc.CnncalcError, match="no quantity 'connectoins': did you mean connections"):
        explain(report, "C3", "connectoins")
    with pytest.raises(cnncalc.CnncalcError, match="F6 does not come before C3"):
        explain(report, "C3", "receptive_field", since="F6")


def test_traced_numbers_are_ints_with_a_memory() -> None:
    k, c = symbol("k", 5), symbol("c", 3)
    n = (k * k * c + 1) * 6
    assert n == 456
    assert isinstance(n, Traced)
    assert math.prod([k, k]).operator == "*"  # type: ignore[attr-defined]
    assert 0 + k is k
    assert 1 * k is k
    assert k * 0 == 0
    assert not isinstance(k * 0, Traced)
    assert (-(-k // c)).operator == "ceil"
    assert f"{n} {n!s}" == "456 456"


def test_no_formula_is_written_down_beside_the_code() -> None:
    """Sentences of the teacher hold no arithmetic: every formula is run, not typed."""
    folder = Path(cnncalc.__file__).parent / "analysis" / "derivations"
    for path in (folder / "words.py", folder / "fields.py", folder / "symbols.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                assert not re.search(r"[×*/]|\w \+ \w|\w - \w|\d\(", node.value), (path.name, node.value)


def test_every_quantity_can_be_asked_for() -> None:
    report = cnncalc.analyze("lenet5")
    for quantity in QUANTITIES:
        assert [found.quantity for found in explain(report, "C1", quantity)] == [quantity]


def test_a_quantity_without_sentences_has_its_formula_alone() -> None:
    report = cnncalc.analyze("lenet5")
    assert report.graph is not None
    for layer in (node.layer for node in report.graph.nodes):
        assert remarks(layer, ((1, 32, 32),), "one that is new", dict.fromkeys(SUMMED, 1)) == []


def test_a_derivation_goes_into_a_paper_and_shows_itself_in_a_notebook() -> None:
    params = cnncalc.explain("lenet5", "C1", "params")
    first, *lines, last = params.to_latex().splitlines()
    assert (first, last) == ("\\begin{align*}", "\\end{align*}")
    assert [line.endswith("= 156") for line in lines] == [True]
    # The notebook's formula is the paper's, without the mark at which several lines are aligned.
    assert f"$${lines[0].strip().replace('&', '')}$$" in params._repr_markdown_()
