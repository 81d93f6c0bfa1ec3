"""Networks as PyTorch modules: the text, and, where torch is installed, what it computes with the reference's weights.

Tolerance: 1e-4 of the largest value, as for ONNX Runtime; the largest difference met is 4e-6.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import bundled_graph
from kinds_run import KINDS_RUN, of_options

import cnncalc
from cnncalc import reference
from cnncalc.interop.torch.write.text import state_dict, state_names
from cnncalc.shipped import VARIANTS, bundled

NETWORKS = [*bundled(), *VARIANTS]
REFUSED = {  # and why
    "hopfield": "nothing for the kind hopfield",
    "mgu": "nothing for the kind mgu",
    "rnn": "two biases for every gate",
    "gru": "two biases for every gate",
    "lstm": "two biases for every gate",
    "example-local": "written for images",
}
WRITTEN = [name for name in NETWORKS if name not in REFUSED]
MOST_MACS = 5 * 10**9
TOLERANCE = 1e-4


def module_of(text: str) -> Any:
    """The network of a text: its last class."""
    names: dict[str, Any] = {"__name__": "network"}
    exec(compile(text, "network.py", "exec"), names)
    return [value for value in names.values() if isinstance(value, type)][-1]()


@pytest.mark.parametrize("name", REFUSED)
def test_what_pytorch_cannot_express_is_refused_and_the_layer_named(name: str) -> None:
    graph = bundled_graph(name)
    with pytest.raises(cnncalc.CnncalcError, match=REFUSED[name]) as caught:
        cnncalc.to_torch(graph)
    assert str(caught.value).partition(":")[0] in {node.name for node in graph.nodes}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_array_of_the_reference_has_its_place_in_the_module(name: str) -> None:
    graph = bundled_graph(name)
    places = state_names(graph)
    assert places.keys() == reference.Drawn(graph).weights.keys()
    assert len({key for key, _move in places.values()}) == len(places)


def test_a_resnet_reads_as_a_person_writes_it() -> None:
    text = cnncalc.to_torch("resnet50")
    assert text.count("class ") == 2
    assert "class Bottleneck(nn.Module):" in text
    assert "def __init__(self, in_channels, channels, stride=1, has_projection=False):" in text
    assert "self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)" in text
    assert "Bottleneck(256, 128, stride=2, has_projection=True)," in text
    assert "*(Bottleneck(1024, 256) for _ in range(5))," in text
    assert "return F.relu(y + x)" in text


def test_names_of_the_spec_are_attributes() -> None:
    places = state_names(cnncalc.load("resnet50"))
    assert places["stage1/0/conv1/batchnorm.mean"][0] == "stage1.0.conv1_batchnorm.running_mean"
    assert places["conv1.weight"][0] == "conv1.weight"


def test_a_name_that_python_does_not_allow_is_changed_and_two_stay_two() -> None:
    text = cnncalc.to_torch("3x8x8\n---".replace("\n---", "; forward: conv 4 k3; class: conv 5 k1; train: relu"))
    assert "self.forward_2 = nn.Conv2d(3, 4, 3)" in text
    assert "self.class_ = nn.Conv2d(4, 5, 1)" in text


SHARED = """
inputs: {a: 3x9x9, b: 3x9x9}
blocks: {tower: {layers: [conv 4 k3 relu, conv 5 k3]}}
layers:
  - left: {from: a, layers: [tower]}
  - right: {from: b, layers: [tower], weights: left}
  - wide: {from: a, layers: [conv 4 k3 s2], weights: left/tower1/conv1}
  - both: {add: [{from: left, layers: [identity]}, {from: right, layers: [identity]}]}
outputs: [both, wide]
"""
SNIPPETS = {
    "same weights in two places, once with another stride": SHARED,
    "a name as a parameter": "3x9x9; a: conv 4 k3 p1; residual: [conv 4 k3 p1 bn relu]; dense 3",
    "merges": "4x9x7; {multiply: [identity, [global_avgpool, conv 4 k1 sigmoid]]}; {mean: [identity, relu, tanh]}; "
    "{maximum: [identity, sigmoid, [conv 4 k1]]}; {concat: [identity, {add: [identity, tanh]}]}",
    "padding on one side": "3x9x8; {conv: 4, kernel: 3, padding: [[0, 2], [1, 0]], stride: 2}; maxpool 3 s2 same",
    "layers that move elements": "8x6x6; pixel_shuffle 2; pad 1 reflect; crop 1; permute 0,2,1; slice 2:7 axis=h; "
    "reshape 4x15x-1; split 2 part=1; channel_shuffle 2; upsample 2 bilinear",
    "normalisation": "6x7x9; layernorm; layernorm axes=hw; groupnorm 3; instancenorm affine=true; lrn 3; prelu "
    "per=channel; batchnorm noaffine; layernorm axes=all noaffine; rmsnorm; rmsnorm axes=hw epsilon=0.1; "
    "rmsnorm axes=all noaffine",
    "sequences": "4x6; lstm 3 bias=double bidirectional; gru 5 bias=double last",
    "weights of their own": "4x9x7; local 3 k3 s2; subsample 2; dense 4; gaussian_rbf 3",
    "fixed filters": "4x9x11; conv 6 k3; blurpool 3; blurpool 5x2 s1x2 p2x0 d1x2; dense 3",
    "transposed": "4x5x7; transposed_conv 6 k3 s2 p1 output_padding=1 g2; "
    "transposed_conv 3 k3x5 s3x2 same; transposed_conv 2 k2 s3 nobias same",
    "signals and volumes": "4x17; conv 3 k3 bn relu; avgpool 2; reshape 3x1x1x7; conv 2 k1x1x3 bn; maxpool 1x1x2",
    "blocks in blocks": """
input: 3x16x16
blocks:
  inner: {params: {c: required, k: 3}, layers: [conv $c k$k same bn relu]}
  outer: {params: {c: required}, layers: [inner $c x2, residual: [inner $c 5, inner $c 1], dropout 0.1]}
layers: [a: outer 4 x2, b: outer 8 x3, dense 3]
""",
}


@pytest.mark.framework
@pytest.mark.parametrize("name", [*WRITTEN, *SNIPPETS])
def test_the_module_computes_what_the_reference_computes(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: modules are not run")
    if name == "example-full-connection":
        pytest.skip("10^12 weights")
    graph = cnncalc.load(SNIPPETS.get(name, name))
    computes_the_same(torch, graph, cnncalc.to_torch(graph))


@pytest.mark.framework
@pytest.mark.parametrize("kind", KINDS_RUN)
def test_a_kind_with_every_set_of_options_computes_the_same_or_is_refused_by_name(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: modules are not run")
    for graph in of_options(kind):
        text, refused = written_or_refused(graph)
        if refused:
            assert refused.partition(":")[0] in {node.name for node in graph.nodes}
        else:
            computes_the_same(torch, graph, text)


def written_or_refused(graph: cnncalc.Graph) -> tuple[str, str]:
    """The text, or why there is none."""
    try:
        return cnncalc.to_torch(graph), ""
    except cnncalc.CnncalcError as error:
        return "", str(error)


def computes_the_same(torch: Any, graph: cnncalc.Graph, text: str) -> None:
    """The module of a text has as many numbers as are claimed, and with those of the reference gives what it gives."""
    totals = cnncalc.analyze(graph).totals
    module = module_of(text).eval()
    held = sum(p.numel() for p in module.parameters())
    assert held == totals.params + totals.fixed_params
    if totals.macs is None or totals.macs > MOST_MACS:
        return
    weights = reference.draw(graph)
    state = {key: torch.from_numpy(np.ascontiguousarray(a)) for key, a in state_dict(graph, weights).items()}
    kept = module.load_state_dict(state, strict=False)
    assert not kept.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in kept.missing_keys if "torch" not in key)
    with np.errstate(all="ignore"):  # roots and logarithms of what is negative, on both sides
        maps = reference.run(graph, None, weights)
    with torch.no_grad():
        given = module(*(torch.from_numpy(maps[i])[None] for i in graph.inputs))
    results = given if isinstance(given, tuple) else (given,)
    for v, theirs in zip(graph.outputs, results, strict=True):
        ours = list(maps.values())[v]
        assert ours.shape == tuple(theirs.shape[1:])
        known, other = np.isfinite(ours), theirs[0].detach().numpy()
        assert np.array_equal(known, np.isfinite(other))
        ours, other = ours[known], other[known]
        assert np.abs(ours - other).max(initial=0) <= TOLERANCE * (np.abs(ours).max(initial=0) or 1)


def test_the_text_is_laid_out_as_ruff_and_black_would(tmp_path: Path) -> None:
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    texts = {name: cnncalc.to_torch(SNIPPETS.get(name, name)) for name in [*WRITTEN, *SNIPPETS]}
    for number, text in enumerate(texts.values()):
        (tmp_path / f"network{number}.py").write_text(text, encoding="utf-8")
    options = ["--isolated", "--no-cache", "--diff", "--quiet"]
    done = subprocess.run([ruff, "format", *options, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    options = ["--isolated", "--no-cache", "--select", "E,F,W,I,N", "--ignore", "N812,E501", "--quiet"]
    done = subprocess.run([ruff, "check", *options, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.framework
def test_numbers_that_are_fewer_than_their_places_are_a_class_of_the_file() -> None:
    """Which number stands where no spec says: they are taken again in their order."""
    torch = pytest.importorskip("torch")
    net = (
        "4x6; {add: [identity, parameter 4x6 stored=5]}; {concat: [identity, parameter 2x6 stored=3]}; "
        "{add: [identity, parameter 1x6 stored=0]}"
    )
    text = cnncalc.to_torch(net)
    module = module_of(text)
    assert sum(p.numel() for p in module.parameters()) == 8
    with torch.no_grad():
        for number, p in enumerate(module.parameters()):
            p.copy_(torch.arange(p.numel()) + 10.0 * number)
        y = module(torch.zeros(3, 4, 6))
    assert y.shape == (3, 6, 6)
    assert y[2, :4].flatten().tolist() == [i % 5 for i in range(24)]
    assert y[1, 4:].flatten().tolist() == [10 + i % 3 for i in range(12)]


def test_numbers_that_are_stored_and_not_trained_are_refused() -> None:
    with pytest.raises(cnncalc.CnncalcError, match="parameter1: numbers that are stored and not trained"):
        cnncalc.to_torch("4x6; {add: [identity, parameter 4x6 fixed]}")
