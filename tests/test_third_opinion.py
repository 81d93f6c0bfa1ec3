"""A third opinion: ONNX Runtime computes the same numbers from the same weights as the reference.

Claims and reference were written by the same people. The models are made from the claims
(`interop/onnx/write/model.py`), the maps come from somebody else's operators, and every map of a network is compared,
not only its last.

Tolerance: 1e-4 of the largest value of a map. float32 carries 6e-8; a sum of n products in another order differs by
about sqrt(n) of that, n being 25088 at most in the bundled networks, and errors add up over up to 150 layers: 4e-6 is
the most that was seen. A wrong window, weight or constant differs by 1e-2 and more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from option_sets import MOST_MACS, MOST_WEIGHTS, TOO_LARGE, graphs, layers

import cnncalc
from cnncalc import reference
from cnncalc.graph import Graph
from cnncalc.layers import KINDS
from cnncalc.shipped import VARIANTS, bundled

onnx = pytest.importorskip("onnx", reason="no third opinion: pip install 'cnncalc[third-opinion]'")
ort = pytest.importorskip("onnxruntime", reason="no third opinion: pip install 'cnncalc[third-opinion]'")

from cnncalc.interop.onnx.write.model import to_model  # noqa: E402
from cnncalc.interop.onnx.write.table import WRITERS, NotInOnnxError, Write, writer_of  # noqa: E402

pytestmark = pytest.mark.onnx

TOLERANCE = 1e-4
NOT_EXPRESSED: set[str] = set()  # kinds that ONNX cannot express: there is none
NOT_COMPARED = {  # networks, and why
    **dict.fromkeys(("vit-l16", "vit-b32", "vit-s16"), "the layers of vit-b16, more or less of them"),
    **dict.fromkeys(("swin-s", "swin-b"), "the layers of swin-t, more of them"),
    "example-full-connection": "10^12 weights: nobody can store them",
}
ALL = list(graphs())
NETWORKS = [name for name in (*bundled(), *VARIANTS) if name not in NOT_COMPARED]


def opinion(graph: Graph, images: dict[str, Any], weights: dict[str, Any]) -> dict[str, Any]:
    """Every map of a network as ONNX Runtime computes it, each operator as it is written."""
    model = to_model(graph, weights)
    model.graph.output.extend(model.graph.value_info)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    del model
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, images), strict=True))


def differences(graph: Graph, samples: int) -> list[str]:
    """Maps that differ by more than the tolerance, or whose shapes do; run on noise with drawn weights."""
    random = np.random.default_rng(3)
    images = {name: random.standard_normal((samples, *shape), dtype=np.float32) for name, shape in graph.inputs.items()}
    weights = reference.draw(graph, seed=1)
    theirs = opinion(graph, images, weights)
    wrong = []
    with np.errstate(invalid="ignore"):  # the root and the logarithm of what is negative: no number for both
        for node, ours, _ in reference.steps(graph, list(images.values()), weights):
            other = theirs.pop(node.name)
            nowhere = np.isnan(ours)
            same = ours.shape == other.shape and np.array_equal(nowhere, np.isnan(other))
            away = distance(np.where(nowhere, 0, ours), np.where(nowhere, 0, other)) if same else distance(ours, other)
            if not away <= TOLERANCE:
                wrong.append(f"{node.name} ({node.layer.kind}): {away:.1e} of the largest value, {other.shape}")
    assert not theirs, "maps that the reference does not have"
    return wrong


def distance(ours: Any, other: Any) -> float:
    """The largest difference over the largest value; NaN where a value is none, infinite for other shapes."""
    if ours.shape != other.shape:
        return float("inf")
    largest = np.abs(other).max()
    return float(np.abs(ours - other).max() / (largest if largest else 1))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_map_of_a_bundled_network_is_what_onnx_runtime_computes(name: str) -> None:
    graph = cnncalc.load(name)
    assert graph.nodes
    assert differences(graph, samples=1) == []


@pytest.mark.parametrize(("name", "graph"), ALL, ids=[name for name, _ in ALL])
def test_every_map_of_a_case_is_what_onnx_runtime_computes(name: str, graph: Graph) -> None:
    """In a batch of two, so that nothing reads the neighbouring sample."""
    assert differences(graph, samples=2) == []


@pytest.mark.parametrize("kind", [row.name for row in KINDS.values() if row.family == "activation"])
def test_an_activation_of_large_values_is_what_onnx_runtime_computes(kind: str) -> None:
    """Values up to 1000: the exponential of 89 is too large for float32."""
    needed = {"maxout": " 2", "clamp": " low=-1 high=20", "power": " 3"}
    graph = cnncalc.load(f"6x7x9; {kind}{needed.get(kind, '')}")
    image = np.linspace(-1000, 1000, 2 * 6 * 7 * 9, dtype=np.float32)
    image = np.random.default_rng(5).permutation(image).reshape(2, 6, 7, 9)
    weights = reference.draw(graph)
    [name] = [node.name for node in graph.nodes]
    theirs = opinion(graph, {"input": image}, weights)[name]
    with np.errstate(all="ignore"):  # exp of 1000 is infinite, the root of -1000 no number: for both
        ours = reference.run(graph, image, weights)[name]
    defined = np.isfinite(ours)
    assert np.array_equal(ours[~defined], theirs[~defined], equal_nan=True)
    assert distance(ours[defined], theirs[defined]) <= TOLERANCE


def test_what_is_left_out_is_what_is_listed() -> None:
    assert {kind for kind in KINDS if writer_of(kind) is None} == NOT_EXPRESSED
    assert WRITERS.keys() <= KINDS.keys()
    assert {node.layer.kind for _, graph in ALL for node in graph.nodes} == KINDS.keys() - NOT_EXPRESSED
    for name, graph in ALL:
        totals = cnncalc.analyze(graph).totals
        assert (totals.params or 0) <= MOST_WEIGHTS, name
        assert (totals.macs or 0) <= MOST_MACS, name
    assert len(TOO_LARGE) == 2


# Which of its numbers stands at which place is not said: such a layer is counted, and computed by nobody.
NOT_COMPUTED = {("parameter", "stored")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_a_kind_takes_several_values(kind: str) -> None:
    found = [layer for _, layer, _ in layers(kind, ALL)]
    options = [option for option in KINDS[kind].load().options if (kind, option) not in NOT_COMPUTED]
    once = [option for option in options if len({getattr(layer, option) for layer in found}) < 2]
    assert once == []


def test_numbers_that_stand_nobody_knows_where_are_refused() -> None:
    graph = cnncalc.load("7x9; {add: [identity, parameter 7x9 stored=20]}")
    with pytest.raises(NotInOnnxError, match="numbers that stand at several places"):
        to_model(graph, reference.draw(graph))


def written_by(kind: str) -> Write:
    """The writer of a kind, whose file is loaded once: what a test puts in its place stays there."""
    write = writer_of(kind)
    assert write is not None
    return write


def test_a_difference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slope of 0.011 instead of 0.01 is beyond the tolerance, and so is a window that starts one element later."""
    net = cnncalc.load("3x8x8; conv 4 k3 same s2; leaky_relu")
    assert differences(net, samples=1) == []
    write = written_by("leaky_relu")
    monkeypatch.setitem(WRITERS, "leaky_relu", lambda o, layer, x: write(o, layer.replace(alpha=0.011), x))
    assert [line.split()[0] for line in differences(net, samples=1)] == ["leaky_relu1"]
    monkeypatch.undo()
    conv = written_by("conv")
    monkeypatch.setitem(WRITERS, "conv", lambda o, layer, x: conv(o, layer.replace(padding=((1, 0),)), x))
    assert [line.split()[0] for line in differences(net, samples=1)] == ["conv1", "leaky_relu1"]


def test_the_model_is_a_plain_onnx_file() -> None:
    graph = cnncalc.load("lenet5")
    model = to_model(graph, reference.draw(graph))
    assert [value.name for value in model.graph.input] == ["input"]
    assert [value.name for value in model.graph.output] == ["OUTPUT"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert {"C1.weight", "C1.bias", "OUTPUT.centres"} <= {array.name for array in model.graph.initializer}
    fixed = to_model(graph, reference.draw(graph), batch=4)
    assert fixed.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 4


def test_a_claimed_shape_that_onnx_does_not_infer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    written_by("relu")
    monkeypatch.setitem(WRITERS, "relu", lambda o, layer, x: o("GlobalAveragePool", x.name))
    with pytest.raises(cnncalc.CnncalcError, match="ONNX cannot hold this network") as told:
        to_model(cnncalc.load("3x8x8; relu"), {})
    assert isinstance(told.value.__cause__, onnx.shape_inference.InferenceError)


def test_shared_weights_are_stored_once() -> None:
    net = "3x8x8; {A: conv 3 k3 p1}; {B: {conv: 3, kernel: 3, padding: 1, weights: A}}"
    graph = cnncalc.load(net)
    model = to_model(graph, reference.draw(graph))
    assert sorted(array.name for array in model.graph.initializer) == ["A.bias", "A.weight"]
    assert differences(graph, samples=1) == []


def test_a_model_larger_than_a_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.interop.onnx.write.model.LARGEST_MODEL", 1000)
    graph = cnncalc.load("25; dense 10")
    with pytest.raises(cnncalc.CnncalcError, match=r"GB of weights: an ONNX model in one piece holds 2 GB"):
        to_model(graph, reference.draw(graph))


def test_what_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = cnncalc.load("8; {odd: relu}")
    written_by("relu")
    monkeypatch.delitem(WRITERS, "relu")
    with pytest.raises(NotInOnnxError, match="odd: the kind relu cannot be written"):
        to_model(graph, {})
    with pytest.raises(cnncalc.CnncalcError, match=r"dense1\.weight is missing"):
        to_model(cnncalc.load("8; dense 2"), {})
