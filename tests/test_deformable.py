"""Convolutions whose taps are moved: the reference against the definition tap by tap, and what other libraries have.

Definition: Dai et al. 2017, equations 2 to 4, and Zhu et al. 2018, equation 1, for the weights of taps. A place outside
the image is read as zero, and one between elements by the tent of equation 4, g(a, b) = max(0, 1 - |a - b|).
"""

from __future__ import annotations

import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from onnx_bytes import Model
from option_sets import graphs, layers

import cnncalc
from cnncalc import reference
from cnncalc.cli import group
from cnncalc.conventions import convention, under
from cnncalc.graph import Graph, Node

ALL = [(name, layer, shapes) for name, layer, shapes in layers("deformable_conv", list(graphs("deform")))]


def enumerate_taps(layer: Any, w: Any, x: Any, offsets: Any, weights: Any = None) -> Any:
    """(N, F, *positions) by the tent function over all elements of the image: no element is looked for."""
    n, c, height, width = x.shape
    (kh, kw), (sh, sw), (dh, dw) = (
        tuple(v) * 2 if len(v) == 1 else v for v in (layer.kernel, layer.stride, layer.dilation)
    )
    top, left = (list(layer.padding) * 2 if len(layer.padding) == 1 else layer.padding)[0][0], layer.padding[-1][0]
    sets = offsets.shape[1] // (2 * kh * kw)
    y = np.zeros((n, len(w["weight"]), *offsets.shape[2:]))
    fan_in, per_group = c // layer.groups, len(w["weight"]) // layer.groups
    rows, columns = np.arange(height), np.arange(width)
    for i, o, p, q in np.ndindex(*y.shape):
        total = w["bias"][o] if "bias" in w else 0.0
        for channel in range(fan_in):
            full = o // per_group * fan_in + channel
            for a, b in np.ndindex(kh, kw):
                tap = full // (c // sets) * kh * kw + a * kw + b
                at = p * sh - top + a * dh + offsets[i, 2 * tap, p, q]
                beside = q * sw - left + b * dw + offsets[i, 2 * tap + 1, p, q]
                tents = np.outer(np.maximum(0, 1 - abs(rows - at)), np.maximum(0, 1 - abs(columns - beside)))
                share = 1.0 if weights is None else weights[i, tap, p, q]
                total = total + w["weight"][o, channel, a, b] * (tents * x[i, full]).sum() * share
        y[i, o, p, q] = total
    return y


def of_one(layer: Any, shapes: Any) -> tuple[Graph, dict[str, Any], dict[str, Any]]:
    """A network of one layer, values for what enters and for its weights. Offsets lead outside on all sides."""
    names = [f"x{i}" for i in range(len(shapes))]
    node = Node("layer", layer, tuple(range(len(shapes))))
    graph = Graph(name="one", inputs=dict(zip(names, shapes, strict=True)), nodes=(node,), outputs=(len(shapes),),
                  groups={})  # fmt: skip
    random = np.random.default_rng(3)
    image = {name: 2 * random.standard_normal((2, *shape), dtype=np.float32) for name, shape in graph.inputs.items()}
    return graph, image, reference.draw(graph, seed=4)


@pytest.mark.parametrize("which", range(4))
def test_the_reference_is_the_definition_tap_by_tap(which: int) -> None:
    _name, layer, shapes = ALL[which]
    if layer.padding == "same":
        pytest.fail("the enumeration above knows padding in numbers alone")
    graph, image, weights = of_one(layer, shapes)
    own = {key.removeprefix("layer."): values for key, values in weights.items()}
    ours = reference.run(graph, image, weights)["layer"]
    np.testing.assert_allclose(ours, enumerate_taps(layer, own, *image.values()), rtol=1e-4, atol=1e-4)


def test_without_offsets_it_is_a_convolution() -> None:
    options = "kernel: 3, padding: 1, stride: 2, groups: 2"
    moved = cnncalc.load(f"4x8x9; {{deformable_conv: [identity, parameter 18x4x5 fixed], filters: 6, {options}}}")
    still = cnncalc.load(f"4x8x9; {{conv: 6, {options}}}")
    weights = reference.draw(moved, seed=1)
    [offsets] = [name for name, values in weights.items() if values.shape[-3:] == (18, 4, 5)]
    weights[offsets] = np.zeros_like(weights[offsets])
    of_conv = {f"{still.nodes[0].name}.{name.rpartition('.')[2]}": v for name, v in weights.items() if name != offsets}
    image = np.random.default_rng(2).standard_normal((2, 4, 8, 9)).astype(np.float32)
    one = reference.run(moved, {"input": image}, weights)[moved.nodes[-1].name]
    other = reference.run(still, {"input": image}, of_conv)[still.nodes[-1].name]
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    claims = [(graph.facts[-1].params, graph.facts[-1].connections, graph.facts[-1].macs) for graph in (moved, still)]
    assert claims[0] == claims[1]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("[identity, conv 17 k3], filters: 2, kernel: 3", "offsets of 9 taps are 18x5x7"),
        ("[identity, conv 18 k3 p1], filters: 2, kernel: 3", "offsets of 9 taps are 18x5x7"),
        ("[identity, conv 36 k3], filters: 2, kernel: 3", "2 sets of offsets do not divide 3 channels"),
        ("[identity, conv 18 k3, conv 8 k3], filters: 2, kernel: 3", "weights of taps are 9x5x7"),
        ("[identity, conv 18 k3, conv 9 k3, conv 9 k3], filters: 2, kernel: 3", "takes an image, the offsets"),
        ("[identity, conv 18 k3], filters: 4, kernel: 3, groups: 2", "2"),
    ],
)
def test_what_does_not_fit_is_said(step: str, said: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=said):
        cnncalc.load(f"3x7x9; {{deformable_conv: {step}}}")


def test_taps_on_padding_are_not_known() -> None:
    step = "{deformable_conv: [identity, conv 18 k3 p1], filters: 2, kernel: 3, padding: 1}"
    report = cnncalc.analyze(f"3x7x9; {step}", exact_padding=True)
    assert report.layers[-1].macs is report.layers[-1].connections is None
    assert report.layers[-1].params == 56
    assert {"macs", "connections"} <= set(report.totals.left_out)


def test_gradients_of_what_is_read_are_counted_where_anything_that_enters_is_trained() -> None:
    step = "filters: 2, kernel: 3}"
    fixed = cnncalc.analyze(f"3x7x9; {{deformable_conv: [identity, parameter 18x5x7 fixed], {step}").layers[-1]
    trained = cnncalc.analyze(f"3x7x9; {{deformable_conv: [identity, conv 18 k3], {step}").layers[-1]
    assert (fixed.backward_flops, trained.backward_flops) == (2 * 1890, 4 * 1890)  # 35 places * 2 filters * 27


# --- PyTorch


def torch_with_operator() -> Any:
    """torchvision.ops, with an operator that gives zeros where the wheel has none for this build of torch."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    import torchvision_operators

    torchvision_operators.import_models()
    import torchvision.extension
    import torchvision.ops.deform_conv as ops

    if not torchvision.extension._has_ops():
        ops._assert_has_ops = lambda: None
        if not DECLARED:
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.impl("deform_conv2d", give_zeros, "CompositeExplicitAutograd")
            DECLARED.append(library)
    return ops


DECLARED: list[Any] = []


def give_zeros(x: Any, weight: Any, offset: Any, *others: Any) -> Any:
    return x.new_zeros((len(x), len(weight), *offset.shape[2:]))


def networks() -> dict[str, Any]:
    """Modules, and what they are read as: kind, parameters, MACs of their last layer."""
    ops = torch_with_operator()
    import torch
    from torch import nn

    class Deformed(nn.Module):  # type: ignore[misc]
        def __init__(self, inner: Any, sets: int = 1, masked: bool = False, stride: int = 1) -> None:
            super().__init__()
            self.sets, self.masked = sets, masked
            self.ask, self.inner = nn.Conv2d(4, 27 * sets, 3, stride, padding=1), inner

        def forward(self, x: Any) -> Any:
            asked, n = self.ask(x), 18 * self.sets
            return self.inner(x, asked[:, :n], asked[:, n:].sigmoid() if self.masked else None)

    class Function(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(6, 4, 3, 3))
            self.offsets = nn.Parameter(torch.zeros(1, 18, 6, 7))

        def forward(self, x: Any) -> Any:
            return ops.deform_conv2d(x, self.offsets.expand(len(x), -1, -1, -1), self.weight)

    return {
        "module": Deformed(ops.DeformConv2d(4, 6, 3, padding=1)),
        "masked": Deformed(ops.DeformConv2d(4, 6, 3, padding=1, bias=False), masked=True),
        "groups": Deformed(ops.DeformConv2d(4, 6, 3, stride=2, padding=1, groups=2), sets=2, masked=True, stride=2),
        "function": Function(),
    }


@pytest.mark.framework
@pytest.mark.parametrize(
    ("name", "branches", "params", "macs"),
    [("module", 2, 222, 15552), ("masked", 3, 216, 15552), ("groups", 3, 114, 2160), ("function", 2, 216, 9072)],
)
def test_torchvision_is_read(name: str, branches: int, params: int, macs: int) -> None:
    module = networks()[name]
    graph = cnncalc.from_torch(module, (4, 8, 9))
    last = graph.nodes[-1]
    assert (last.layer.kind, len(last.reads)) == ("deformable_conv", branches)
    assert (graph.facts[-1].params, graph.facts[-1].macs) == (params, macs)
    assert sum(facts.params or 0 for facts in graph.facts) == sum(p.numel() for p in module.parameters())


@pytest.mark.framework
def test_a_bias_of_numbers_that_the_pass_makes_is_not_lost() -> None:
    ops = torch_with_operator()
    import torch

    class Biased(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.ask, self.weight = torch.nn.Conv2d(4, 18, 3), torch.nn.Parameter(torch.zeros(6, 4, 3, 3))

        def forward(self, x: Any) -> Any:
            return ops.deform_conv2d(x, self.ask(x), self.weight, bias=torch.ones(6))

    with pytest.raises(cnncalc.SpecError, match="its bias is made of constants"):
        cnncalc.from_torch(Biased(), (4, 8, 9))


@pytest.mark.framework
@pytest.mark.parametrize("name", ["module", "masked", "groups"])
def test_tools_print_for_it_what_their_conventions_say(name: str) -> None:
    module = networks()[name].eval()
    import torch
    import torch_tools

    report = cnncalc.analyze(cnncalc.from_torch(module, (4, 8, 9)))
    compared = []
    for tool, count in torch_tools.TOOLS.items():
        if find_spec(tool.partition("-")[0]) is None:
            continue
        counted = under(report, convention(tool))
        printed, _params = torch_tools.printed(count, copy.deepcopy(module), (torch.zeros(1, 4, 8, 9),))
        assert getattr(counted.totals, counted.convention.number) == printed, tool
        compared.append(tool)
    assert "torch" in compared


@pytest.mark.framework
@pytest.mark.parametrize("which", range(len(ALL)))
def test_the_class_that_is_written_computes_it(which: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from cnncalc.interop.torch.write.readback import last_class, run
    from cnncalc.interop.torch.write.text import state_dict, to_torch

    _name, layer, shapes = ALL[which]
    graph, image, weights = of_one(layer, shapes)
    text = to_torch(graph)
    module = vars(run(text))[last_class(text)]()
    module.load_state_dict({key: torch.from_numpy(v) for key, v in state_dict(graph, weights).items()})
    with torch.no_grad():
        theirs = module(*map(torch.from_numpy, image.values())).numpy()
    np.testing.assert_allclose(reference.run(graph, image, weights)["layer"], theirs, rtol=1e-4, atol=1e-4)


def test_keras_has_none() -> None:
    net = "3x7x9; {D: {deformable_conv: [identity, conv 18 k3], filters: 2, kernel: 3}}"
    done = CliRunner().invoke(group(), ["convert", "-e", net, "-", "--to", "keras"])
    assert done.exit_code == 2
    assert "D: Keras has no layer for the kind deformable_conv" in done.output


# --- ONNX


def model(opset: int, inputs: str, **options: Any) -> Model:
    """Offsets, and weights of taps, of two sets for halves of the channels, by convolutions of the input."""
    made = Model(1, 4, 6, 5, opset=opset).weight("o", 36, 4, 3, 3).weight("m", 18, 4, 3, 3).weight("w", 6, 2, 3, 3)
    made.weight("b", 6).op("Conv", "x o", "moved", strides=[2, 2]).op("Conv", "x m", "weighed", strides=[2, 2])
    return made.op("DeformConv", inputs, "y", strides=[2, 2], **options)


@pytest.mark.parametrize(
    ("opset", "inputs", "params"), [(19, "x w moved b", 114), (22, "x w moved - weighed", 108), (22, "x w moved", 108)]
)
def test_the_operator_of_onnx_is_read(opset: int, inputs: str, params: int, tmp_path: Path) -> None:
    path = model(opset, inputs, group=2, offset_group=2).save(tmp_path)
    graph = cnncalc.load(path)
    assert (graph.nodes[-1].layer.kind, graph.facts[-1].params) == ("deformable_conv", params)
    weights = cnncalc.weights_of(path)
    image = np.random.default_rng(1).standard_normal((1, 4, 6, 5)).astype(np.float32)
    values = reference.run(graph, {next(iter(graph.inputs)): image}, weights)
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    values = {**dict.fromkeys(graph.inputs, image), **values}
    node = graph.nodes[-1]
    own = {key.rpartition(".")[2]: v for key, v in weights.items() if key.rpartition(".")[0] == node.name}
    theirs = enumerate_taps(node.layer, own, *(values[names[v]] for v in node.reads))
    np.testing.assert_allclose(values[node.name], theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": 2}, "offset_group is 1"),
        ({"group": 4, "offset_group": 2}, "its weights are for 8 channels"),
        ({"group": 2, "offset_group": 2, "kernel_shape": [3, 2]}, "kernel_shape is 3x2"),
        ({"group": 2, "offset_group": 2, "dilations": [9, 9]}, "does not fit"),
    ],
)
def test_an_operator_that_contradicts_itself_is_refused(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(cnncalc.SpecError, match=said):
        cnncalc.load(model(19, "x w moved b", **options).save(tmp_path))
