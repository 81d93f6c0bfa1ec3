"""What training takes, against PyTorch: FLOPs of a step, and the memory of what is kept. Where torch is installed.

Everything runs on the device `meta`, which has shapes and no values: no network is too large. Kept is what
`saved_tensors_hooks` sees, each memory once, without parameters and buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

import cnncalc
from cnncalc.analysis.costs import find_gradients, find_kept
from cnncalc.analysis.timeline import Plan, plan_training
from cnncalc.graph import Graph
from cnncalc.shipped import bundled

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not compared with it")
from random_modules import random_modules  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402
from torch_twin import MOVED, NoTwinError, Twin, joined, moved  # noqa: E402

F = torch.nn.functional
pytestmark = pytest.mark.framework

BATCH = 2
FLOAT = 4
CONVOLUTIONAL = (
    "resnet18", "resnet34", "resnet50", "resnet50-v1", "resnet101", "resnet152", "vgg16", "googlenet-torchvision",
    "densenet121", "inception-v3", "squeezenet1_1", "alexnet-torchvision", "lenet5-modern", "nin", "hrnet", "unet",
    "dcgan-generator", "dcgan-discriminator",
)  # fmt: skip
# What PyTorch has no module for, or none that keeps what a derivative needs.
WITHOUT_TWIN = {
    "perceptron", "rbf-network", "hopfield", "lenet-1989", "lenet5", "lenet5-full-c3", "deepface", "vit-b16", "swin-t",
    "maxvit-t", "coatnet-0", "mobilevit-s", "rnn", "mgu", "gru", "lstm", "example-local", "example-odd-pooling",
}  # fmt: skip


def on_meta(graph: Graph) -> tuple[Any, list[Any]]:
    """The network in training mode, and what it reads."""
    with torch.device("meta"):
        return Twin(graph).train(), [torch.randn(BATCH, *shape) for shape in graph.inputs.values()]


def kept_by(run: Callable[[], Any], own: Iterable[Any]) -> int:
    """Bytes of all memory that autograd keeps, besides those of the tensors that are there anyway."""
    known = {tensor.untyped_storage()._cdata for tensor in own}
    seen: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        seen.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return sum(tensor.untyped_storage().nbytes() for key, tensor in seen.items() if key not in known)


def claimed(graph: Graph, mask: int = FLOAT) -> int:
    """What is claimed to be kept; dropout as on a CPU, where its mask is an array of values."""
    needed = find_gradients(graph, graph.facts)
    found = find_kept(graph, graph.facts, FLOAT, BATCH, needed, mask)
    assert None not in found
    return sum(store.size for stores in found for store in stores or ())


@pytest.mark.parametrize("name", [name for name in bundled() if name not in WITHOUT_TWIN])
def test_a_network_keeps_what_autograd_keeps(name: str) -> None:
    graph = cnncalc.load(name)
    net, images = on_meta(graph)
    assert claimed(graph) == kept_by(lambda: net(*images), [*net.parameters(), *net.buffers()])


@pytest.mark.parametrize("name", sorted(WITHOUT_TWIN))
def test_networks_that_are_not_compared_have_no_twin(name: str) -> None:
    with pytest.raises(NoTwinError):
        on_meta(cnncalc.load(name))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_training_step_takes_the_flops_that_pytorch_counts(name: str) -> None:
    report = cnncalc.analyze(name, batch=BATCH)
    net, images = on_meta(cnncalc.load(name))
    counter = FlopCounterMode(display=False)
    with counter:
        net(*images).sum().backward()
    assert counter.get_total_flops() == 2 * report.totals.macs + report.totals.backward_flops
    if name in ("resnet50", "vgg16", "densenet121"):  # the first layer's image needs no gradient
        assert report.totals.backward_flops == 4 * report.totals.macs - 2 * (report.layers[0].macs or 0)


def test_of_groups_pytorch_counts_too_much() -> None:
    """Its count of the weights' gradient leaves the groups out: it is as many times too large as there are groups."""
    report = cnncalc.analyze("mobilenet-v2", batch=BATCH)
    net, images = on_meta(cnncalc.load("mobilenet-v2"))
    counter = FlopCounterMode(display=False)
    with counter:
        net(*images).sum().backward()
    grouped = [(row, row.output[0]) for row in report if row.kind == "depthwise"]
    too_much = sum(2 * (row.macs or 0) * (groups - 1) for row, groups in grouped)
    assert counter.get_total_flops() - too_much == 2 * report.totals.macs + report.totals.backward_flops


# --- single layers: behind a convolution, so that what enters needs a gradient; the hooks see both

LAYERS = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid"),
    *("tanh", "mish", "softplus", "softsign", "identity", "relu inplace", "relu6 inplace", "leaky_relu inplace"),
    *("elu inplace", "silu inplace", "mish inplace", "hard_swish inplace", "hard_sigmoid inplace", "selu inplace"),
    *("softmax", "log_softmax", "glu", "prelu", "prelu per=channel", "dropout 0.3", "flatten", "lrn", "lrn size=4"),
    *("conv 4 k3", "conv 4 k3 s2 p1 nobias", "conv 6 k3 g3 d2", "depthwise k3", "depthwise 2 k2 s2", "conv 3 k1"),
    *("transposed_conv 4 k3 s2", "transposed_conv 4 k2 g2 nobias", "dense 7", "dense 7 nobias"),
    *("maxpool 2", "maxpool k3 s2 p1 ceil", "avgpool 2", "avgpool k3 s2 p1", "lppool 2", "lppool k3 s2 norm=3"),
    *("global_avgpool", "global_maxpool", "adaptive_avgpool 3", "adaptive_avgpool 1", "adaptive_maxpool 3"),
    *("batchnorm", "batchnorm noaffine", "instancenorm", "instancenorm affine=true", "groupnorm 2"),
    *("groupnorm 3 noaffine", "layernorm", "layernorm axes=all", "layernorm axes=spatial", "scale", "scale shift"),
    *("rescale 2", "rescale 2 offset=1", "upsample 2", "upsample 2 bilinear", "upsample 2 bicubic"),
    *("pixel_unshuffle 2", "channel_shuffle 2", "pad 1", "pad 1 reflect", "pad 1 replicate", "pad 1 circular"),
    *("reshape 3x2x80", "permute 0,2,1", "split 2", "slice 0:3", "crop 1", "crop 1; flatten; dense 3"),
    *("permute 0,2,1; reshape 480; dense 3", "split 2 part=1; conv 2 k3", "batchnorm relu inplace; conv 3 k1"),
    *("{residual: [conv 6 k1 bn]}; relu", "{concat: [conv 2 k1, maxpool k3 s1 p1]}; batchnorm", "relu; relu; sigmoid"),
    *("{multiply: [identity, conv 6 k1]}", "{multiply: [identity, conv 6 k1, conv 6 k3 p1]}"),
    *("{maximum: [identity, conv 6 k1]}", "{mean: [identity, conv 6 k1]}", "{multiply: [identity, global_avgpool]}"),
)  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("before", ["conv 6 k1", "conv 6 k1 bn relu"])
def test_a_layer_keeps_what_autograd_keeps(layer: str, before: str) -> None:
    graph = cnncalc.load(f"5x8x10; {before}; {layer}")
    net, images = on_meta(graph)
    assert claimed(graph) == kept_by(lambda: net(*images), [*net.parameters(), *net.buffers()])


@pytest.mark.parametrize("norm", ["instancenorm", "groupnorm 1 noaffine"])
@pytest.mark.parametrize(
    ("part", "left_out"), [("slice 0:3", 3 * 8 * 10), ("slice 1:end", 8 * 10), ("crop 1x0", 6 * 2 * 10)]
)
def test_a_norm_of_a_part_keeps_a_copy_of_it_which_is_not_claimed(norm: str, part: str, left_out: int) -> None:
    """docs/memory.md says so: PyTorch keeps the part alone, and all of the map behind the convolution is claimed."""
    graph = cnncalc.load(f"5x8x10; conv 6 k1; {part}; {norm}")
    net, images = on_meta(graph)
    kept = kept_by(lambda: net(*images), [*net.parameters(), *net.buffers()])
    assert claimed(graph) - kept == BATCH * FLOAT * left_out


def test_a_layer_that_nothing_trains_keeps_nothing() -> None:
    graph = cnncalc.load("5x8x10; relu; maxpool 2; sigmoid")
    net, images = on_meta(graph)
    assert claimed(graph) == kept_by(lambda: net(*images), []) == 0


# Functions, for what has no module: a layer alone, on an input that needs a gradient.
FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "sqrt": ("sqrt", lambda x: x.sqrt()),
    "reciprocal": ("reciprocal", lambda x: x.reciprocal()),
    "exp": ("exp", lambda x: x.exp()),
    "log": ("log", lambda x: x.log()),
    "erf": ("erf", lambda x: x.erf()),
    "sin": ("sin", lambda x: x.sin()),
    "cos": ("cos", lambda x: x.cos()),
    "abs": ("abs", lambda x: x.abs()),
    "negative": ("negative", lambda x: -x),
    "sign": ("sign", lambda x: x.sign()),
    "round": ("round", lambda x: x.round()),
    "square": ("square", lambda x: x.square()),
    "power": ("power 2.5", lambda x: x**2.5),
    "clamp": ("clamp low=-1 high=1", lambda x: x.clamp(-1, 1)),
    "hardtanh": ("hardtanh", F.hardtanh),
    "log_sigmoid": ("log_sigmoid", F.logsigmoid),
    "tanhshrink": ("tanhshrink", F.tanhshrink),
    "softshrink": ("softshrink", F.softshrink),
    "hardshrink": ("hardshrink", F.hardshrink),
    "scaled_tanh": ("scaled_tanh", lambda x: 1.7159 * torch.tanh(x * (2 / 3))),
    "maxout": ("maxout 3", lambda x: x.reshape(BATCH, 2, 3, *x.shape[2:]).max(2)[0]),
    "reduce_sum": ("reduce_sum c", lambda x: x.sum(1, keepdim=True)),
    "reduce_mean": ("reduce_mean hw", lambda x: x.mean((2, 3), keepdim=True)),
    "reduce_max": ("reduce_max hw", lambda x: x.amax((2, 3), keepdim=True)),
    "reduce_norm": ("reduce_norm c", lambda x: x.norm(dim=1, keepdim=True)),
    "roll": ("roll 1 axis=h", lambda x: x.roll(1, 2)),
    "tile": ("tile 2 axis=h", lambda x: x.repeat(1, 1, 2, 1)),
    "take": ("take 3,1,1 axis=h", lambda x: torch.cat([x[:, :, 3:4], x[:, :, 1:2], x[:, :, 1:2]], 2)),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_function_keeps_what_autograd_keeps(kind: str) -> None:
    line, function = FUNCTIONS[kind]
    graph = cnncalc.load(f"6x8x10; scale; {line}")
    scale = torch.ones(1, 6, 1, 1, device="meta", requires_grad=True)
    x = torch.randn(BATCH, 6, 8, 10, device="meta")
    assert claimed(graph) == kept_by(lambda: function(x * scale), [scale])


@pytest.mark.parametrize("both", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_layers_keep_what_autograd_keeps(both: str, bidirectional: bool) -> None:
    more = " bidirectional" if bidirectional else ""
    graph = cnncalc.load(f"5x7; {both.lower()} 3 bias=double{more}")
    net = getattr(nn, both)(5, 3, bidirectional=bidirectional).to("meta")
    x = torch.randn(7, BATCH, 5, device="meta")
    assert claimed(graph) == kept_by(lambda: net(x), net.parameters())


def test_attention_keeps_its_projections_and_no_scores() -> None:
    """A scaled product that works its scores out again: on a CPU, with values, since `meta` has another."""
    c, n, heads = 12, 10, 3
    graph = cnncalc.load(f"{c}x{n}; attention {heads}")
    asks, tells, says, out = (nn.Linear(c, c) for _ in range(4))
    x = torch.randn(BATCH, n, c)

    def split(y: Any) -> Any:
        return y.reshape(BATCH, n, heads, c // heads).transpose(1, 2)

    def run() -> Any:
        y = F.scaled_dot_product_attention(split(asks(x)), split(tells(x)), split(says(x)))
        return out(y.transpose(1, 2).reshape(BATCH, n, c))

    own = [p for layer in (asks, tells, says, out) for p in layer.parameters()]
    assert claimed(graph) == kept_by(run, own)


def test_the_mask_of_dropout_is_a_byte_for_each_value_on_an_accelerator() -> None:
    graph = cnncalc.load("6x8x10; scale; dropout 0.5")
    scale = torch.ones(1, 6, 1, 1, device="meta", requires_grad=True)
    x = torch.randn(BATCH, 6, 8, 10, device="meta")
    found = kept_by(lambda: torch.native_dropout(x * scale, 0.5, True), [scale])
    assert claimed(graph, mask=1) == found == cnncalc.analyze(graph, batch=BATCH).totals.saved_bytes


@pytest.mark.parametrize("frozen", ["conv 4 k3", "dense 4", "batchnorm", "scale"])
def test_frozen_layers_keep_what_autograd_keeps(frozen: str) -> None:
    graph = cnncalc.load(f"6x8x10; conv 6 k1; flatten; {frozen} frozen" if "dense" in frozen
                         else f"6x8x10; conv 6 k1; {frozen} frozen")  # fmt: skip
    net, images = on_meta(graph)
    for parameter in list(net.steps[str(len(graph.nodes) - 1)].parameters()):
        parameter.requires_grad_(False)
    assert claimed(graph) == kept_by(lambda: net(*images), [*net.parameters(), *net.buffers()])


# --- the peak of a training step, against PyTorch's tracker of memory on tensors without values


class Frugal(Twin):
    """A twin that lets go of what nobody reads any more, as code with a variable for each map does."""

    def forward(self, *inputs: Any) -> Any:
        values = dict(enumerate(inputs))
        del inputs
        first = len(values)
        last = {v: i for i, (node, _owner, _function) in enumerate(self.plan) for v in node.reads}
        for i, (node, owner, function) in enumerate(self.plan):
            values[first + i] = self.step(node, owner, function, [values[v] for v in node.reads])
            for v in {*node.reads, first + i}:
                if last.get(v, -1) <= i and v not in self.graph.outputs:
                    del values[v]
        return values[self.graph.outputs[0]]

    def step(self, node: Any, owner: str, function: Any, xs: list[Any]) -> Any:
        if len(xs) > 1:
            return joined(node.layer, xs)
        if node.layer.kind in MOVED:
            return moved(node.layer, xs[0])
        return function(xs[0]) if function is not None else self.steps[owner](xs[0])


MAKERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.1),
    "momentum": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9),
    "adam": torch.optim.Adam,
}


@pytest.mark.parametrize(
    ("name", "batch", "optimizer"),
    [
        ("resnet34", 8, "sgd"),
        ("resnet50", 16, "adam"),
        ("mobilenet-v2", 8, "momentum"),
        ("densenet121", 4, "sgd"),
        ("googlenet-torchvision", 8, "adam"),
        ("vgg16", 4, "sgd"),
        ("unet", 1, "sgd"),
        ("squeezenet1_1", 8, "sgd"),
        ("alexnet-torchvision", 128, "momentum"),
    ],
)
def test_the_peak_of_training_is_that_of_pytorchs_tracker(name: str, batch: int, optimizer: str) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    graph = cnncalc.load(name)
    with FakeTensorMode():
        net = Frugal(graph).train()
        images = [torch.randn(batch, *shape) for shape in graph.inputs.values()]
        steps = MAKERS[optimizer](net.parameters())
        tracker = MemTracker()
        tracker.track_external(net, steps, *images)
        with tracker:
            for _ in range(2):  # the state of the optimizer is there from the second step on
                y = net(*images)
                y.sum().backward()
                del y
                steps.step()
                steps.zero_grad()
                tracker.reset_mod_stats()
        (found,) = tracker.get_tracker_snapshot("peak").values()
    peak = plan_training(graph, Plan(batch=batch, optimizer=optimizer, mask=FLOAT)).peak()
    assert abs(peak - found["Total"]) < 0.02 * found["Total"]


# --- random networks: what they keep, and the FLOPs of a step

NOT_COUNTED = {"rnn", "gru", "lstm"}  # by FlopCounterMode
# What PyTorch refuses, or whose twin keeps a view of more than the spec says it reads.
REFUSED = (RuntimeError, ValueError, NoTwinError)
# Bytes of channels that are claimed and not kept: an instance norm reads the others, and keeps a copy of those alone.
COPIED = {1079: BATCH * FLOAT * 4 * 9, 1893: BATCH * FLOAT * 10 * 7 * 8}


def training_differs(seed: int) -> list[str]:
    """What PyTorch says of a random network that is not what is claimed; nothing where it has none."""
    text = random_modules(seed)
    graph = cnncalc.load(text)
    try:
        net, images = on_meta(graph)
        for i, node in enumerate(graph.nodes):
            if node.layer.frozen is True:
                net.steps[str(i)].requires_grad_(False)
        net(*images)
    except REFUSED:
        return []
    found = []
    kept = kept_by(lambda: net(*images), [*net.parameters(), *net.buffers()])
    if kept != claimed(graph) - COPIED.get(seed, 0):
        found.append(f"seed {seed}: kept {kept}, claimed {claimed(graph)}\n{text}")
    if {node.layer.kind for node in graph.nodes} & NOT_COUNTED:
        return found
    report = cnncalc.analyze(graph, batch=BATCH)
    with FlopCounterMode(display=False) as counter:
        y = net(*images)
        if y.requires_grad:
            y.sum().backward()
    counted = counter.get_total_flops() - sum(
        2 * (row.macs or 0) * (groups_of(graph, i) - 1)
        for i, row in enumerate(report)
        if row.trainable_params and row.backward_flops
    )
    if counted != 2 * report.totals.macs + report.totals.backward_flops:
        found.append(f"seed {seed}: {counted} FLOPs, claimed {report.totals.backward_flops} backward\n{text}")
    return found


def groups_of(graph: Graph, number: int) -> int:
    """Of a convolution; 1 of other layers."""
    layer: Any = graph.nodes[number].layer
    if layer.kind == "depthwise":
        return graph.shape(graph.nodes[number].reads[0])[0]
    return layer.groups if layer.kind in ("conv", "transposed_conv") else 1


def test_random_networks_train_as_pytorch_says() -> None:
    assert [line for seed in range(60) for line in training_differs(seed)] == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 3000, 500))
def test_two_thousand_random_networks_train_as_pytorch_says(first: int) -> None:
    assert [line for seed in range(first, first + 500) for line in training_differs(seed)] == []
