"""Modules of torchvision as the reader finds them: what other tools print for them, live, to the unit.

Needs torchvision, thop, ptflops, fvcore and torchinfo; where one of them is missing, its column is left out.
"""

from __future__ import annotations

import copy
from importlib.util import find_spec
from typing import Any

import pytest

import cnncalc
from cnncalc.conventions import convention, under

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no module is read")
import torch_tools  # noqa: E402
import torchvision_operators  # noqa: E402

try:
    models = torchvision_operators.import_models()
except ImportError:
    pytest.skip("torchvision is not installed: no modules to count", allow_module_level=True)

pytestmark = [pytest.mark.framework, pytest.mark.filterwarnings("ignore")]
NETWORKS = [
    "alexnet", "vgg11_bn", "resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "densenet121", "googlenet",
    "inception_v3", "squeezenet1_0", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "mnasnet1_0",
    "shufflenet_v2_x1_0", "efficientnet_b0", "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny",
]  # fmt: skip
TOOLS = {
    "thop": torch_tools.thop,
    "ptflops": torch_tools.ptflops,
    "fvcore": torch_tools.fvcore,
    "torchinfo-1.8": torch_tools.torchinfo,
}
SIZES = {"alexnet": 224, "inception_v3": 299}  # others take images of 64 pixels


QUICK = ("squeezenet1_0", "mobilenet_v2")  # the others take minutes together
MARKED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]


@pytest.mark.parametrize("name", MARKED)
def test_tools_print_for_a_module_what_their_conventions_say(name: str) -> None:
    fresh: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = getattr(models, name)(weights=None, **fresh).eval()
    shape = (3, SIZES.get(name, 64), SIZES.get(name, 64))
    report = cnncalc.analyze(cnncalc.from_torch(module, shape))
    for tool, count in TOOLS.items():
        if find_spec(tool.partition("-")[0]) is None:
            continue
        counted = under(report, convention(tool))
        with torch.no_grad():
            printed, _params = count(copy.deepcopy(module), (torch.zeros(1, *shape),))
        assert getattr(counted.totals, counted.convention.number) == printed, tool


class Attending(torch.nn.Module):  # type: ignore[misc]
    """nn.MultiheadAttention to itself."""

    def __init__(self, width: int, heads: int, *, bias: bool = True) -> None:
        super().__init__()
        self.inner = torch.nn.MultiheadAttention(width, heads, bias=bias, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x, need_weights=False)[0]


class Products(torch.nn.Module):  # type: ignore[misc]
    """Scores of tokens by a function, and numbers of the module's own."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function, self.own = function, torch.nn.Parameter(torch.zeros(1, 9, 8))

    def forward(self, x: Any) -> Any:
        return self.function(x + self.own)


ATTENTION: dict[str, tuple[Any, tuple[int, int]]] = {
    "two heads": (lambda: Attending(8, 2), (9, 8)),
    "three heads": (lambda: Attending(12, 3), (7, 12)),
    "no biases": (lambda: Attending(8, 2, bias=False), (9, 8)),
    "dot products": (lambda: Products(lambda x: torch.nn.functional.scaled_dot_product_attention(x, x, x)), (9, 8)),
    "a product": (lambda: Products(lambda x: x @ x.transpose(1, 2)), (9, 8)),
    "an einsum": (lambda: Products(lambda x: torch.einsum("bnc,bmc->bnm", x, x)), (9, 8)),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_tools_print_for_attention_what_their_conventions_say(name: str) -> None:
    """With gradients, as the tools run it where nothing is said; what is unknown is said to be."""
    make, shape = ATTENTION[name]
    module = make().eval()
    report = cnncalc.analyze(cnncalc.from_torch(module, shape))
    for tool, count in TOOLS.items():
        if find_spec(tool.partition("-")[0]) is None:
            continue
        counted = under(report, convention(tool))
        number = getattr(counted.totals, counted.convention.number)
        printed, _params = count(copy.deepcopy(module), (torch.zeros(1, *shape),))
        if tool == "ptflops" and name in ("a product", "an einsum"):  # torch.matmul alone is counted
            assert "macs" in counted.totals.left_out
            continue
        assert number == printed, tool
