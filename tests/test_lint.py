"""`cnncalc lint`: every rule on a spec that has its finding and one that has not, and against what NumPy computes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from cases import read_yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_specs import networks

import cnncalc
from cnncalc import reference
from cnncalc.cli import group
from cnncalc.errors import Source, SpecError
from cnncalc.graph import Graph
from cnncalc.layers.ranges import UNCHANGED, behind
from cnncalc.layers.windows import Window
from cnncalc.pages.lint import as_problem
from cnncalc.reference.weights import name_array
from cnncalc.shipped import VARIANTS, bundled
from cnncalc.sources import read_source
from cnncalc.spec.findings import RULES, findings_in
from cnncalc.spec.findings.network import Network
from cnncalc.spec.findings.ranges import ranges
from cnncalc.spec.findings.windows import gaps

GOLDEN = read_yaml(Path(__file__).parent / "lint.yaml")


def run(*arguments: str, **extra: str) -> Result:
    return CliRunner().invoke(group(), ["lint", *arguments], env=extra)


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings_in(Source("net.yaml", text))]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_examples_of_a_rule_have_its_finding_alone_and_none(rule: object) -> None:
    assert codes(rule.bad) == [rule.code]  # type: ignore[attr-defined]
    assert codes(rule.good) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", GOLDEN, ids=[case["case"] for case in GOLDEN])
def test_findings(case: dict[str, object]) -> None:
    source = Source("net.yaml", str(case["spec"]))
    told = []
    for finding in findings_in(source):
        found = as_problem(finding)
        told.append(f"{finding.position.line}:{finding.position.column} {found.problem}")
        told += [f"  {line}" for line in found.trail]
    assert told == str(case.get("findings") or "").splitlines()


def test_golden_cases_reach_every_rule() -> None:
    assert [code for code in RULES if not any(f" {code}: " in str(case.get("findings")) for case in GOLDEN)] == []


@pytest.mark.parametrize("name", bundled())
def test_what_is_found_in_a_bundled_network_is_known(name: str) -> None:
    assert findings_in(read_source(name)) == []


def test_variants_have_what_is_known_of_them() -> None:
    """The stride in a 1x1 convolution of ResNet v1 and the biases of Keras's."""
    found = {name: {finding.code for finding in findings_in(read_source(name))} for name in VARIANTS}
    assert {name: found[name] for name in found if found[name]} == {
        "resnet50-v1": {"unread-pixels"},
        "resnet50-keras": {"unread-pixels", "bias-before-norm"},
    }
    of_keras = findings_in(read_source("resnet50-keras"))
    # Every convolution has biases: 53,120 numbers are stored as statistics, 2 per channel.
    assert sum(f.params for f in of_keras) == 53120 // 2


# --- held against what NumPy computes


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks())
def test_a_pixel_is_unread_if_and_only_if_changing_it_changes_nothing(network: tuple[str, Graph]) -> None:
    text, _graph = network
    net = Network.of_spec(Source("net.yaml", text))
    with np.errstate(invalid="ignore"):
        maps = [np.nan_to_num(y) for y in reference.run(net.graph, seed=1).values()]
    weights = reference.draw(net.graph, seed=1)
    for value, readers in enumerate(net.readers):
        reaches = [net.graph.facts[i].reach for i in readers]
        if not readers or not all(isinstance(r, tuple) and all(isinstance(w, Window) for w in r) for r in reaches):
            continue
        x = np.asarray(maps[value], dtype=np.float64)[np.newaxis]
        for axis, marks in enumerate(gaps(net, value)):
            n = x.shape[axis + 2]
            with np.errstate(invalid="ignore"):
                read = [changes(net, readers, weights, x, axis + 2, i) for i in range(n)]
            assert [bool(mark) for mark in marks or bytes(n)] == [not r for r in read], (text, value, axis)


def changes(net: Network, readers: list[int], weights: object, x: np.ndarray, axis: int, i: int) -> bool:
    """Whether what reads a map gives something else when index i of an axis is another."""
    other = x.copy()
    row = other[(slice(None),) * axis + (i,)]
    row[...] = np.random.default_rng(i).uniform(100, 1000, row.shape)
    for reader in readers:
        node = net.graph.nodes[reader]
        found = reference.find_reference(node.layer.kind)
        owner = reference.owner(net.graph, node)
        names = found.weights(owner.layer, *(net.graph.shape(v) for v in owner.reads))
        own = {name: weights[name_array(owner, name)] for name in names}  # type: ignore[index]
        if not np.array_equal(found.forward(node.layer, own, x), found.forward(node.layer, own, other), equal_nan=True):
            return True
    return False


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks(), seed=st.integers(0, 10**6))
def test_every_value_lies_in_its_range(network: tuple[str, Graph], seed: int) -> None:
    text, graph = network
    with np.errstate(invalid="ignore"):  # the mean of no pixels
        maps = {name: np.nan_to_num(y) for name, y in reference.run(graph, seed=seed).items()}
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    for name, (low, high) in zip(names, ranges(graph), strict=True):
        slack = 1e-4 * max(1.0, float(np.abs(maps[name]).max()))
        assert low - slack <= maps[name].min(), (name, text)
        assert maps[name].max() <= high + slack, (name, text)


@pytest.mark.parametrize("kind", UNCHANGED)
def test_on_its_range_a_function_gives_back_what_it_gets(kind: str) -> None:
    low, high = UNCHANGED[kind]
    x = np.linspace(low, min(high, 100.0), 101)
    graph = cnncalc.load(f"101; {kind}")
    y = list(reference.run(graph, x).values())[-1]
    np.testing.assert_allclose(y, x, rtol=1e-12)
    assert behind(graph.nodes[0].layer, [(low, high)]) == (low, high)
    outside = list(reference.run(graph, x - 1.0).values())[-1]
    assert not np.allclose(outside, x - 1.0)


@pytest.mark.parametrize("norm", ["instancenorm", "layernorm axes=spatial", "groupnorm 4"])
def test_a_norm_of_a_channel_takes_its_bias_away(norm: str) -> None:
    """Batch norm does so in training, over the batch; at inference its stored mean has taken the bias in."""
    graph = cnncalc.load(f"3x9x9; C: conv 4 k3; {norm}")
    weights = reference.draw(graph)
    outputs = []
    for bias in (weights["C.bias"], np.arange(4.0)):
        outputs.append(list(reference.run(graph, weights={**weights, "C.bias": bias}).values())[-1])
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-4)


def test_two_linear_layers_are_one() -> None:
    """The product of their matrices does what both do; the number of parameters told is that of the one."""
    found = findings_in(Source("net.yaml", "input: 6\nlayers: [dense 9, dense 4]\n"))
    graph, one = cnncalc.load("6; A: dense 9; B: dense 4"), cnncalc.load("6; C: dense 4")
    w = reference.draw(graph)
    name = next(key for key in w if key.startswith("A.") and w[key].ndim == 2).partition(".")[2]
    a, b = w[f"A.{name}"], w[f"B.{name}"]
    product = b @ a if a.shape == (9, 6) else a @ b
    bias = b @ w["A.bias"] + w["B.bias"] if a.shape == (9, 6) else w["A.bias"] @ b + w["B.bias"]
    x = np.arange(6.0)
    np.testing.assert_allclose(
        list(reference.run(graph, x, w).values())[-1],
        list(reference.run(one, x, {f"C.{name}": product, "C.bias": bias}).values())[-1],
        rtol=1e-5,
    )
    params = cnncalc.analyze("6; C: dense 4").totals.params
    assert f"of {params} parameters" in found[0].text


# --- comments that let findings pass

NET = "input: 3x32x32\nlayers:\n  - conv 8 k3 s2{here}\n  - conv 8 k1 p1\n"
PLAIN = NET.format(here="")
ABOVE = PLAIN.replace("  - conv 8 k3", "{}  - conv 8 k3")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (NET.format(here="  # cnncalc: ignore[unread-pixels] the paper's size"), ["blind-windows"]),
        (NET.format(here="  #cnncalc:ignore[unread-pixels]"), ["blind-windows"]),
        (ABOVE.format("  # cnncalc: ignore[unread-pixels]\n"), ["blind-windows"]),
        (ABOVE.format("  # cnncalc: ignore[unread-pixels]\n\n  # and\n"), ["blind-windows"]),
        (PLAIN + "# cnncalc: ignore-file[unread-pixels, blind-windows]\n", []),
        (NET.format(here="  # cnncalc: ignore[blind-windows]"), ["unread-pixels", "unused-ignore", "blind-windows"]),
        (PLAIN + "source: 'no comment # cnncalc: ignore-file[unread-pixels]'\n", ["unread-pixels", "blind-windows"]),
        (PLAIN + "source: nor#cnncalc:ignore\n", ["unread-pixels", "blind-windows"]),
    ],
)
def test_a_comment_lets_a_finding_pass(text: str, left: list[str]) -> None:
    assert codes(text) == left


@pytest.mark.parametrize(
    ("comment", "message", "column"),
    [
        ("ignore[unread-pixel]", "there is no finding called 'unread-pixel'", 37),
        ("ignore", "a comment for cnncalc that says nothing", 19),
        ("ignore[bias, unread-pixels]", "there is no finding called 'bias'", 37),
    ],
)
def test_a_comment_that_cannot_be_meant_is_an_error(comment: str, message: str, column: int) -> None:
    with pytest.raises(SpecError) as error:
        codes(NET.format(here=f"  # cnncalc: {comment}"))
    [found] = error.value.problems
    assert found.problem == message
    assert found.position is not None
    assert found.position[:2] == (3, column)
    assert found.hint


def test_only_what_is_looked_for_makes_a_comment_superfluous() -> None:
    text = NET.format(here="  # cnncalc: ignore[bias-before-norm]")
    source = Source("net.yaml", text)
    assert [f.code for f in findings_in(source, codes=["unused-ignore"])] == []
    assert [f.code for f in findings_in(source, codes=["unused-ignore", "bias-before-norm"])] == ["unused-ignore"]


# --- the command


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "网络.yaml").write_text(NET.format(here=""), encoding="utf-8")
    (tmp_path / "good.yaml").write_text("input: 3x32x32\nlayers: [conv 8 k3]\n")
    (tmp_path / "notes.yaml").write_text("todo: much\n")
    return tmp_path


def test_files_and_folders(specs: Path) -> None:
    result = run(str(specs))
    assert result.exit_code == 1
    assert (
        "网络.yaml:3:5: unread-pixels: conv1: no window reads row 31, column 31 of the 32x32 that enter"
        in result.output
    )
    assert result.output.splitlines()[-1].startswith("findings: 2, in 1 of 2 specs")
    assert run(str(specs / "good.yaml")).output == "no findings; specs: 1\n"
    assert run(str(specs / "good.yaml")).exit_code == 0


def test_a_broken_spec_hides_no_other(specs: Path) -> None:
    (specs / "broken.yaml").write_text("input: 3x32x32\nlayers: [conv]\n")
    result = run(str(specs), "-o", str(specs / "out.txt"))
    assert result.exit_code == 2
    assert "conv needs its" in result.stderr
    assert "unread-pixels" in (specs / "out.txt").read_text(encoding="utf-8")


def test_select_and_ignore(specs: Path) -> None:
    assert "blind" not in run(str(specs), "--select", "unread-pixels").output
    assert run(str(specs), "--ignore", "unread-pixels,blind-windows").exit_code == 0
    assert run(str(specs), "--ignore", "unread-pixels", "--ignore", "blind-windows").exit_code == 0
    wrong = run(str(specs), "--select", "unread-pixel")
    assert wrong.exit_code == 2
    assert "did you mean unread-pixels?" in wrong.stderr


def test_formats(specs: Path) -> None:
    data = json.loads(run(str(specs), "--format", "json").output)
    found = data["specs"][1]["findings"][1]
    assert (found["code"], found["line"], found["column"], found["layers"]) == ("blind-windows", 4, 5, ["conv2"])
    github = run(str(specs), "--format", "github").output.splitlines()
    assert github[0].startswith("::warning file=")
    assert ",line=3,col=5,title=cnncalc%3A unread-pixels::conv1: no window" in github[0]
    xml = ElementTree.fromstring(run(str(specs), "--format", "junit").output)
    assert {key: xml.attrib[key] for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "2",
        "errors": "0",
    }
    log = json.loads(run(str(specs), "--format", "sarif").output)["runs"][0]
    assert [rule["id"] for rule in log["tool"]["driver"]["rules"]] == ["blind-windows", "unread-pixels"]
    assert {result["level"] for result in log["results"]} == {"warning"}
    assert "| blind-windows" in run(str(specs), "--format", "markdown").output


def test_the_summary_of_a_job(specs: Path, tmp_path: Path) -> None:
    run(str(specs), "--format", "github", GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert "### cnncalc lint" in (tmp_path / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", RULES)
def test_every_finding_is_explained(code: str) -> None:
    result = run("--explain", code)
    assert result.exit_code == 0
    assert RULES[code].bad.split("\n")[0] in result.output


def test_a_net_without_a_file() -> None:
    assert "-e:1:23: useless-activation: conv1/relu2" in run("-e", "3x8x8; conv 4 k3 relu relu").output
    assert run("-e", "3x8x8; conv 4 k3 relu").exit_code == 0


def test_nothing_to_look_at(tmp_path: Path) -> None:
    assert run().exit_code == 2
    assert run(str(tmp_path)).exit_code == 2
    assert run(str(tmp_path), "--skip-others").exit_code == 2
    assert run(str(tmp_path / "gone.yaml")).exit_code == 2


def test_a_large_network_is_no_trouble() -> None:
    """Thousands of layers of one line; axes that are longer than anyone enumerates."""
    [found] = findings_in(Source("-e", "3x64; conv 3 k3 p1 bn x10000"), inline=True)
    assert found.uses == 10000
    assert found.params == 30000
    assert findings_in(Source("-e", "1x1000000000000; conv 1 k2 s3"), inline=True) == []
