"""The tools themselves, run on the PyTorch twin of a spec: where torch and they are installed.

Each prints what the convention of its name says. `thop` is the module of two packages: which one is installed decides.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import pytest

import cnncalc
from cnncalc.conventions import convention, under

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no tool can be run")

import torch_tools  # noqa: E402  (they need torch)
import torch_twin  # noqa: E402

pytestmark = [pytest.mark.framework, pytest.mark.filterwarnings("ignore")]

LAYERS = [  # none of them in the survey
    "7x9x11; conv 6 k5 s2 p2", "6x9x11; conv 4 k3x2 s1x2 g2 nobias", "6x9x11; conv 6 k4 same", "5x13; conv 7 k3 s2 p1",
    "4x5x7x6; conv 6 k3 p1 g2", "6x9x11; depthwise k5 p2 multiplier=2", "6x9x7; transposed_conv 9 k3 s3 g3",
    "6x13; transposed_conv 4 k4 s2 p1", "6x9x11; maxpool 3 s2 ceil", "6x9x11; avgpool 3 s2 p1 ceil",
    "6x9x11; avgpool 3 s2 p1 count_include_pad=false", "8x8x8; adaptive_avgpool 7", "6x9x11; adaptive_avgpool 4x3",
    "6x9x11; adaptive_maxpool 2", "6x9x11; lppool 2", "6x9x11; batchnorm noaffine", "12; batchnorm",
    "6x9x11; groupnorm 3 noaffine", "6x9x11; instancenorm affine=true", "6x9x11; layernorm", "6x9x11; lrn 3",
    "6x9; upsample 3 bilinear", "4x3x5x4; upsample 2 bilinear", "6x9x11; softmax", "6x9x11; glu", "6x9x11; selu",
    "6x9x11; hard_swish built=function", "6x9x11; elu built=function", "6x9x11; leaky_relu inplace",
    "6x9x11; conv 4 k3 scale", "6x9x11; scale shift", "6x9x11; rescale 2 offset=1",
    "9x7; lstm 5 bias=double bidirectional", "9x7; gru 5 nobias", "9x7; rnn 5 bias=double last",
]  # fmt: skip
BLOCK = """
input: 3x33x29
blocks:
  gate:
    layers: [{multiply: [identity, [global_avgpool, conv 4 k1 silu, conv $(in.c) k1 sigmoid]]}]
layers:
  - conv 8 k3 s2 p1 nobias bn silu
  - {residual: [conv 16 k1 nobias bn relu inplace, depthwise k3 p1 nobias bn hard_swish, gate, conv 8 k1 nobias bn]}
  - {concat: [identity, [conv 4 k3 p1, gelu]]}
  - {add: [identity, conv 12 k1], built: function}
  - {relu6: , built: function}
  - upsample 2 bilinear
  - transposed_conv 6 k4 s2 p1 bn prelu
  - maxpool 3 s2 p1
  - adaptive_avgpool 3
  - dense 10 softmax
"""
NETWORKS = ["resnet18", "mobilenet-v2", "googlenet-torchvision", "dcgan-generator", "unet", "squeezenet1_1", BLOCK]
DISTRIBUTIONS = {
    "torchinfo-1.8": ("torchinfo", "1.8"), "fvcore": ("fvcore", "0.1.5"), "ptflops": ("ptflops", "0.7"),
    "ptflops-aten": ("ptflops", "0.7"), "thop": ("thop", "0.1.1"), "ultralytics-thop": ("ultralytics-thop", "2.2"),
    "torch": ("torch", "2."), "torchprofile": ("torchprofile", "0.1"), "torchscan": ("torchscan", "0.2"),
    "torchscan-flops": ("torchscan", "0.2"),
}  # fmt: skip


def installed(name: str) -> bool:
    """Whether the tool is there, in a version that the convention is about."""
    distribution, wanted = DISTRIBUTIONS[name]
    try:
        there = version(distribution).startswith(wanted)
    except PackageNotFoundError:
        return False
    if distribution == "thop" and there:
        try:
            version("ultralytics-thop")
        except PackageNotFoundError:
            return True
        return False  # its module is hidden by the other package's
    return there


def tool_of(name: str) -> object:
    tools = {**torch_tools.TOOLS, **torch_tools.MORE}
    return tools["thop" if name == "ultralytics-thop" else name]


TOOLS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"{DISTRIBUTIONS[name]} not installed"))
    for name in DISTRIBUTIONS
]


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("spec", [*LAYERS, *NETWORKS], ids=lambda s: s if len(s) < 60 else "block")
def test_a_tool_prints_what_its_convention_says(spec: str, name: str) -> None:
    if name.startswith("ptflops") and find_spec("torchvision"):
        try:
            import torchvision  # noqa: F401  (ptflops imports it where it is there)
        except RuntimeError as error:
            pytest.skip(f"torchvision is broken here: {error}")
    graph = cnncalc.load(spec)
    for batch in (1, 3) if spec in LAYERS else (1,):
        if spec.startswith("12;") and batch == 1 and name == "torch":
            continue
        torch.manual_seed(0)
        printed = torch_tools.printed(tool_of(name), torch_twin.twin(graph), torch_twin.images(graph, batch))  # type: ignore[arg-type]
        found = under(cnncalc.analyze(graph, batch=batch), convention(name))
        assert found.convention is not None
        quantity = found.convention.number
        assert quantity not in found.totals.left_out
        assert getattr(found.totals, quantity) == printed[0], f"batch {batch}"
        assert printed[1] in (None, found.totals.params)
