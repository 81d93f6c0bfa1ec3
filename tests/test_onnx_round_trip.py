"""Networks written as ONNX and read again: the same report, the same weights, the same maps as ONNX Runtime."""

from __future__ import annotations

import subprocess
import sys
from math import prod
from pathlib import Path

import numpy as np
import pytest
from option_sets import graphs

import cnncalc
from cnncalc import analyze, load, reference
from cnncalc.shipped import VARIANTS, bundled

onnx = pytest.importorskip("onnx", reason="no ONNX: pip install 'cnncalc[third-opinion]'")
ort = pytest.importorskip("onnxruntime", reason="no ONNX Runtime: pip install 'cnncalc[third-opinion]'")

from cnncalc.interop.onnx.write.model import to_model  # noqa: E402

pytestmark = pytest.mark.onnx

# Networks with kinds for which ONNX has no operator: what they are written as is not read as a kind again.
NOT_READ = {
    "deepface": "unshared weights",
    "example-local": "unshared weights",
    "mgu": "a minimal gated unit, a loop in ONNX",
    "example-full-connection": "10^12 weights cannot be stored",
}
# Networks whose attention comes back as the products that it is made of.
IN_PIECES = (
    "vit-b16", "vit-ti16", "vit-s16", "vit-l16", "vit-b32", "coatnet-0", "swin-t", "swin-s", "swin-b", "maxvit-t",
    "mobilevit-s",
)  # fmt: skip
# Networks of kinds for which ONNX has no operator, and what they come back as: the operators that they are made of.
AS_OPERATORS = {
    "lenet5": ["parameter", "reshape", "subtract", "square", "reduce_sum"],  # distances to the centres of its rbf
    "rbf-network": [
        "parameter",
        "reshape",
        "subtract",
        "square",
        "reduce_sum",
        "scale",
        "negative",
        "exp",
        "flatten",
        "dense",
    ],
    "hopfield": ["dense", "parameter", "less", "rescale", "rescale", "rescale", "add"],
}
TOO_LARGE = {"example-full-connection", "vit-b16", "vit-s16", "vit-l16", "vit-b32", "swin-s", "swin-b"}
# Networks that come back with another kind in some places, as ONNX says it.
OTHERWISE = {
    "lenet-1989": "a bias for every unit is a shift behind",
    "lenet5-full-c3": "subsampling is a convolution of each map: every weight of its kernels is stored",
    "alexnet-torchvision": "an adaptive pooling with equal windows is a pooling",
    "shufflenet-v1-g1": "a shuffle of one group does nothing, and is gone",
}
SAME = [name for name in (*bundled(), *VARIANTS) if name not in (*NOT_READ, *OTHERWISE, *IN_PIECES, *AS_OPERATORS)]


def written(graph: cnncalc.Graph, folder: Path) -> str:
    path = str(folder / "model.onnx")
    onnx.save(to_model(graph, reference.draw(graph, seed=4)), path)
    return path


@pytest.mark.parametrize("name", SAME)
def test_a_bundled_network_comes_back_with_the_same_report(name: str, tmp_path: Path) -> None:
    graph = load(name)
    ours, theirs = analyze(graph).to_dict(), analyze(written(graph, tmp_path)).to_dict()
    for report in (ours, theirs):
        for row in (*report["layers"], report["totals"]):
            del row["saved_bytes"]  # ONNX does not say what is done in place; `convert` says that this is lost
    assert theirs["layers"] == ours["layers"]
    assert theirs["totals"] == ours["totals"]
    assert theirs["inputs"] == ours["inputs"]


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_comes_back_otherwise_has_the_same_shapes(name: str, tmp_path: Path) -> None:
    graph = load(name)
    ours, theirs = analyze(graph), analyze(written(graph, tmp_path))
    assert theirs.totals.output == ours.totals.output
    assert [row.kind for row in theirs] != [row.kind for row in ours]


@pytest.mark.parametrize("name", [name for name in IN_PIECES if name not in TOO_LARGE])
def test_attention_comes_back_as_its_products_with_the_same_totals(name: str, tmp_path: Path) -> None:
    graph = load(name)
    ours, theirs = analyze(graph).totals, analyze(written(graph, tmp_path)).totals
    same = ("params", "macs", "flops", "output")
    assert [getattr(theirs, each) for each in same] == [getattr(ours, each) for each in same]


@pytest.mark.parametrize("name", AS_OPERATORS)
def test_what_has_no_operator_comes_back_as_those_that_it_is_made_of(name: str, tmp_path: Path) -> None:
    graph = load(name)
    ours, theirs = analyze(graph), analyze(written(graph, tmp_path))
    made_of = AS_OPERATORS[name]
    assert [row.kind for row in theirs][-len(made_of) :] == made_of
    assert prod(theirs.totals.output) == prod(ours.totals.output)
    assert not theirs.totals.left_out


@pytest.mark.parametrize("name", [name for name in NOT_READ if name not in TOO_LARGE])
def test_what_has_no_operator_is_said_to_be_unknown(name: str, tmp_path: Path) -> None:
    with pytest.raises(cnncalc.SpecError, match=r"is not (read|known) here"):
        load(written(load(name), tmp_path))


def test_most_cases_come_back_as_they_were_and_no_weight_is_another(tmp_path: Path) -> None:
    """Of the lines of option_sets.py and the cases, those that are read back alike, and what they compute."""
    alike = 0
    for name, graph in graphs():
        path = written(graph, tmp_path)
        try:
            again = load(path)
        except cnncalc.SpecError:
            continue
        if analyze(graph).to_dict()["layers"] != analyze(again).to_dict()["layers"]:
            continue
        alike += 1
        weights = reference.draw(graph, seed=4)
        held = cnncalc.weights_of(path, again)
        assert held is not None
        maps = reference.run(graph, None, weights)
        found = reference.run(again, {key: maps[key] for key in graph.inputs}, held)
        last = graph.nodes[-1].name
        np.testing.assert_allclose(found[last], maps[last], rtol=1e-4, atol=1e-5, err_msg=name)
    assert alike > 460


@pytest.mark.parametrize("name", ["lenet5-modern", "squeezenet1_1", "shufflenet-v1", "lstm"])
def test_an_imported_network_computes_what_onnx_runtime_does(name: str, tmp_path: Path) -> None:
    path = written(load(name), tmp_path)
    graph = load(path)
    [(entry, shape)] = graph.inputs.items()
    image = np.random.default_rng(0).standard_normal((1, *shape), dtype=np.float32)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    [theirs] = session.run(None, {entry: image})
    ours = reference.run(graph, image, cnncalc.weights_of(path))[graph.nodes[-1].name]
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cnncalc", "convert", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_convert_to_onnx_and_back(tmp_path: Path) -> None:
    assert run("squeezenet1_1", "a.onnx", "--seed", "3", cwd=tmp_path).returncode == 0
    onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)
    assert run("a.onnx", "b.yaml", cwd=tmp_path).returncode == 0
    assert analyze(str(tmp_path / "b.yaml")).totals.params == 1_235_496
    assert run("a.onnx", "c.onnx", cwd=tmp_path).returncode == 0  # with the weights of the model
    before, after = (cnncalc.weights_of(str(tmp_path / name)) for name in ("a.onnx", "c.onnx"))
    assert before is not None
    assert after is not None
    assert all((before[name] == after[name]).all() for name in before)


def test_weights_come_out_of_a_file(tmp_path: Path) -> None:
    weights = reference.draw(load("lenet5-modern"), seed=9)
    np.savez(tmp_path / "w.npz", **weights)
    assert run("lenet5-modern", "a.onnx", "--weights", "w.npz", cwd=tmp_path).returncode == 0
    held = cnncalc.weights_of(str(tmp_path / "a.onnx"))
    assert held is not None
    assert (held["C1.weight"] == weights["C1.weight"]).all()
    np.savez(tmp_path / "w.npz", **{**weights, "C1.weight": weights["C1.weight"][:3]})
    done = run("lenet5-modern", "b.onnx", "--weights", "w.npz", cwd=tmp_path)
    assert done.returncode == 2
    assert "C1.weight is 3x1x5x5, the layer stores 6x1x5x5" in done.stderr
    (tmp_path / "w.npz").write_bytes(b"no")
    done = run("lenet5-modern", "b.onnx", "--weights", "w.npz", cwd=tmp_path)
    assert (done.returncode, "not an .npz" in done.stderr) == (2, True)
    assert not (tmp_path / "b.onnx").exists()
