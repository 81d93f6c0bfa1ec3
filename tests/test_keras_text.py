"""Networks as Keras models: the text, and, where Keras is installed, what it computes, and what comes back.

Tolerance: 1e-4 of the largest value; the largest difference met is 2e-6. Any backend will do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import bundled_graph
from click.testing import CliRunner
from kinds_run import KINDS_RUN, of_options

import cnncalc
from cnncalc import reference
from cnncalc.cli import group
from cnncalc.interop.keras.write.text import layer_weights
from cnncalc.shipped import VARIANTS, bundled

NETWORKS = [*bundled(), *VARIANTS]
REFUSED = {  # and why
    **dict.fromkeys(["vit-b16", "vit-ti16", "vit-s16", "vit-l16", "vit-b32"], "no layer for the kind parameter"),
    **dict.fromkeys(
        ["swin-t", "swin-s", "swin-b", "maxvit-t", "coatnet-0", "mobilevit-s"], "Keras attends to all positions"
    ),
    "perceptron": "no layer for the kind step",
    "rbf-network": "no layer for the kind gaussian_rbf",
    "hopfield": "no layer for the kind hopfield",
    "mgu": "no layer for the kind mgu",
    "lenet-1989": "one bias for every map",
    "lenet5": "no layer for the kind subsample",
    "lenet5-full-c3": "no layer for the kind subsample",
    "alexnet": "no layer for the kind lrn",
    "alexnet-one-tower": "no layer for the kind lrn",
    "googlenet": "no layer for the kind lrn",
    "deepface": "no layer for the kind local",
    "example-local": "no layer for the kind local",
    "nin": "averages padding that counts",
}
WRITTEN = [name for name in NETWORKS if name not in REFUSED]
TOLERANCE = 1e-4
MOST_MACS = 3 * 10**9
MOST_PARAMS = 30 * 10**6


@pytest.mark.parametrize("name", REFUSED)
def test_what_keras_cannot_express_is_refused_and_the_layer_named(name: str) -> None:
    graph = bundled_graph(name)
    with pytest.raises(cnncalc.CnncalcError, match=REFUSED[name]) as caught:
        cnncalc.to_keras(graph)
    assert str(caught.value).partition(":")[0] in {node.name for node in graph.nodes}


def test_a_resnet_reads_as_a_person_writes_it() -> None:
    text = cnncalc.to_keras("resnet50")
    assert text.count("def ") == 1
    assert "def bottleneck(" in text
    assert 'layers.Conv2D(4 * channels, 1, use_bias=False, name=f"{name}_conv3")(y)' in text
    assert 'for i in range(1, 6):\n    x = bottleneck(x, 256, name=f"stage3_{i}", padding="same")' in text
    assert text.endswith('model = keras.Model(inputs, x, name="resnet_50")\n')


def test_chains_of_blocks_within_a_chain_are_called_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("""\
input: 3x9x9
blocks: {b: {params: {c: required}, layers: [conv $c k1 relu, conv $c k3 p1]}}
layers:
  - features:
      - 0: b 8
      - 1: [0: b 8, 1: b 8]
      - 2: [0: b 16, 1: b 16]
""")
    done = CliRunner().invoke(group(), ["convert", str(tmp_path / "net.yaml"), "--to", "keras"])
    assert done.exit_code == 0, done.output
    assert (
        """\
x = b(inputs, 8, name="features_0")
x = b(x, 8, name="features_1_0")
x = b(x, 8, name="features_1_1")
x = b(x, 16, name="features_2_0")
x = b(x, 16, name="features_2_1")
"""
        in done.output
    )  # torchvision's EfficientNet, which ended in an error of ours


def test_parts_of_the_channels_are_read_back() -> None:
    net = "8x9x9; conv 8 k1; slice 2:5; split 3 part=1"
    done = CliRunner().invoke(group(), ["convert", "-e", net, "--to", "keras"])
    assert done.exit_code == 0, done.output  # it was refused: ShuffleNet
    assert "x = x[..., 2:5]\nx = x[..., 1:2]\n" in done.output


def test_two_layers_of_one_name_are_refused() -> None:
    with pytest.raises(cnncalc.CnncalcError, match="two layers would be called a_relu in Keras"):
        cnncalc.to_keras("3x8x8; a: conv 4 k3 relu; a_relu: conv 4 k3")


SNIPPETS = {
    "the same weights in two places": """
inputs: {a: 3x9x9, b: 3x9x9}
blocks: {tower: {layers: [conv 4 k3 relu, conv 5 k3]}}
layers:
  - left: {from: a, layers: [tower]}
  - right: {from: b, layers: [tower], weights: left}
  - both: {add: [{from: left, layers: [identity]}, {from: right, layers: [identity]}]}
outputs: [both, left]
""",
    "a dense layer behind a map with places": "3x9x8; conv 4 k3; maxpool 2; relu; dense 5 relu; dense 3",
    "padding on one side": "3x9x8; {conv: 4, kernel: 3, padding: [[0, 2], [1, 0]], stride: 2}; maxpool 3 s2 same",
    "padding below any value": "3x9x8; conv 4 k3; maxpool 3 s2 p1; tanh; maxpool 2 s2 ceil",
    "layers that move elements": "8x6x6; pad 1; crop 1; permute 0,2,1; slice 1:5 axis=h; channel_shuffle 2; upsample 2 "
    "bilinear; slice 2:6; split 2 part=1; reshape 4x8x-1; global_maxpool",
    "normalisation": "6x7x9; layernorm; rmsnorm; groupnorm 3; instancenorm affine=true; prelu per=channel; "
    "batchnorm noaffine; "
    "batchnorm affine=shift; {rescale: [1, 2, 3, 4, 5, 6], offset: 0.5}",
    "what stands between a flattened map and its dense layer": "3x4x5; flatten; gelu; batchnorm; dropout; rmsnorm; "
    "softmax; prelu per=channel; layernorm; dense 60; dense 60; dense 4",
    "sequences": "4x6; lstm 3 bidirectional; gru 5; gru 2 bias=double last",
    "transposed": "4x5x7; transposed_conv 6 k4 s2 p1; transposed_conv 2 k3 s3",
    "transposed to a multiple of the size": "4x5x7; transposed_conv 3 k3x5 s2 same",
    "a border cut off": "4x5x7; transposed_conv 6 k3 s2 p1; transposed_conv 3 k2 s3",
    "signals and volumes": "4x17; conv 3 k3 bn relu; avgpool 2; reshape 3x1x1x7; conv 2 k1x1x3 bn; maxpool 1x1x2",
    "activations": "6x5; elu 0.5; leaky_relu 0.2; selu; silu; hard_swish; hard_sigmoid; mish; softplus; gelu; softmax",
    "attention": "8x3x5; {add: [identity, [layernorm, attention heads=2]]}; attention heads=3 dim=6 value_dim=12 out=4 "
    "nobias gelu; flatten; dense 3",
    "attention to others": """
inputs: {a: 6x9, b: 4x7}
layers:
  - mixed: {cross_attention: [{from: a, layers: [identity]}, {from: b, layers: [conv 5 k1]}], heads: 2, dim: 8}
""",
    "merges": "4x9x7; {multiply: [identity, [global_avgpool, conv 4 k1 sigmoid]]}; {mean: [identity, relu, tanh]}; "
    "{maximum: [identity, sigmoid, [conv 4 k1]]}; {concat: [identity, {add: [identity, tanh]}]}",
}


NOT_BACK = (  # operators and slices, which no configuration says; and a border that is there before it is cut off
    "padding below any value", "padding on one side", "layers that move elements", "a border cut off",
)  # fmt: skip


def plain(name: str) -> str:
    return re.sub(r"[^\w-]", "_", name)


def last(array: Any) -> Any:
    return np.moveaxis(array, 0, -1) if array.ndim > 1 else array


@pytest.mark.framework
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's, under a new NumPy
@pytest.mark.parametrize("name", [*WRITTEN, *SNIPPETS])
def test_the_model_computes_what_the_reference_computes_and_comes_back(name: str, tmp_path: Path) -> None:
    if "KERAS_BACKEND" not in os.environ:
        os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="Keras is not installed: models are not run", exc_type=ImportError)
    graph = cnncalc.load(SNIPPETS.get(name, name))
    report = cnncalc.analyze(graph)
    totals = report.totals
    if (totals.params or 0) > MOST_PARAMS:
        pytest.skip("its weights are not drawn here")
    # Keras itself warns that its backends pad otherwise there: the numbers are claimed, the values not compared.
    padded = any(node.layer.kind == "transposed_conv" and node.layer.padding == "same" for node in graph.nodes)
    model = model_of(keras, graph, cnncalc.to_keras(graph), run=not padded or keras.backend.backend() != "torch")
    path = tmp_path / "config.json"
    path.write_text(model.to_json(), encoding="utf-8")
    if name in NOT_BACK:
        return
    back = cnncalc.analyze(cnncalc.load(path))
    same = ("params", "macs", "connections", "flops", "buffers")
    assert [getattr(back.totals, q) for q in same] == [getattr(totals, q) for q in same]
    if name in SNIPPETS:
        return
    theirs = {plain(row.name): (row.kind, row.output, row.params, row.macs, row.receptive_field) for row in back}
    for row in report:
        if row.kind != "channel_shuffle" or graph.params.get("g") != 1:  # of one group: nothing moves
            assert theirs[plain(row.name)] == (row.kind, row.output, row.params, row.macs, row.receptive_field)


def model_of(keras: Any, graph: cnncalc.Graph, text: str, *, run: bool = True) -> Any:
    """The model of a text, which has as many numbers as are claimed, and with those of the reference gives the same."""
    names: dict[str, Any] = {}
    exec(compile(text, "network.py", "exec"), names)
    model = names["model"]
    totals = cnncalc.analyze(graph).totals
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == totals.params
    if (totals.macs or 0) > MOST_MACS or not run:
        return model
    weights = reference.draw(graph)
    for layer, arrays in layer_weights(graph, weights).items():
        model.get_layer(layer).set_weights(arrays)
    with np.errstate(all="ignore"):  # roots and logarithms of what is negative, on both sides
        maps = reference.run(graph, None, weights)
    images = [last(maps[name])[None] for name in graph.inputs]
    given = model(images if len(images) > 1 else images[0], training=False)
    for v, theirs in zip(graph.outputs, given if isinstance(given, list) else [given], strict=True):
        ours, computed = last(list(maps.values())[v]), keras.ops.convert_to_numpy(theirs)[0]
        assert ours.shape == computed.shape
        known = np.isfinite(ours)
        assert np.array_equal(known, np.isfinite(computed))
        away = np.abs(ours[known] - computed[known]).max(initial=0)
        assert away <= TOLERANCE * (np.abs(ours[known]).max(initial=0) or 1)
    return model


@pytest.mark.framework
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's, under a new NumPy
@pytest.mark.parametrize("kind", KINDS_RUN)
def test_a_kind_with_every_set_of_options_computes_the_same_or_is_refused_by_name(kind: str) -> None:
    if "KERAS_BACKEND" not in os.environ:
        os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="Keras is not installed: models are not run", exc_type=ImportError)
    for graph in of_options(kind):
        text, refused = written_or_refused(graph)
        if refused:
            assert refused.partition(":")[0] in {node.name for node in graph.nodes}
        else:
            [node] = [node for node in graph.nodes if node.layer.kind == kind][-1:]
            model_of(keras, graph, text, run=not differs_by_backend(node.layer))


def differs_by_backend(layer: Any) -> bool:
    """What Keras's backends do not agree on, with uneven `same` padding; and a map that is flattened channels last."""
    return layer.kind == "flatten" or (layer.kind in ("avgpool", "transposed_conv") and layer.padding == "same")


def written_or_refused(graph: cnncalc.Graph) -> tuple[str, str]:
    """The text, or why there is none."""
    try:
        return cnncalc.to_keras(graph), ""
    except cnncalc.CnncalcError as error:
        return "", str(error)


def test_the_text_is_laid_out_as_ruff_and_black_would(tmp_path: Path) -> None:
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    for number, name in enumerate([*WRITTEN, *SNIPPETS]):
        text = cnncalc.to_keras(SNIPPETS.get(name, name))
        (tmp_path / f"network{number}.py").write_text(text, encoding="utf-8")
    for command in (["format", "--diff"], ["check", "--select", "E,F,W,I", "--ignore", "E501"]):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--no-cache", "--quiet", str(tmp_path)], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (0, "")


def test_what_is_read_back_as_another_network_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncalc.interop.keras.write import text as writer

    graph = cnncalc.load("3x8x8; conv 4 k3 bn relu; conv 5 k3; global_avgpool; dense 3")
    right = cnncalc.to_keras(graph)
    assert writer.convert(graph, None).result == right
    for wrong, named in (
        (right.replace("layers.Conv2D(5, 3", "layers.Conv2D(5, 1"), "conv2 stores 25 weights"),
        (right.replace("x = layers.BatchNormalization(", "layers.BatchNormalization("), "conv1/batchnorm stores"),
        (right.replace("layers.Dense(3", "layers.Dense(three"), "does not run"),
    ):
        assert wrong != right
        monkeypatch.setattr(writer, "to_keras", lambda graph, text=wrong: text)
        with pytest.raises(cnncalc.CnncalcError, match=named):
            writer.convert(graph, None)
