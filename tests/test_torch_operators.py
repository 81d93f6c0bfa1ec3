"""Functions of torch, one by one: what the reference computes from what was read is what PyTorch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnncalc
from cnncalc import reference
from cnncalc.interop.torch.write.text import state_dict

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no module is read")

from test_torch_text import module_of  # noqa: E402

pytestmark = pytest.mark.framework
nn = torch.nn
F = nn.functional
TOLERANCE = 1e-5  # of the largest value, or 1 where that is smaller; the largest difference met is 6e-7

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": torch.abs,
    "square": lambda x: x**2,
    "power": lambda x: x.abs() ** 1.5,
    "root": lambda x: (x * x + 1).sqrt(),
    "one over a root": lambda x: torch.rsqrt(x * x + 1),
    "reciprocal": lambda x: torch.reciprocal(x.abs() + 1),
    "exp and log": lambda x: torch.log(torch.exp(x)),
    "erf, sin, cos, sign": lambda x: torch.erf(x) + torch.sin(x) * torch.cos(x) - torch.sign(x),
    "rounded": lambda x: torch.floor(3 * x) + torch.ceil(2 * x) - torch.round(4 * x),
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "log sigmoid": F.logsigmoid,
    "shrunk": lambda x: F.softshrink(x) + F.hardshrink(x, 0.3) + F.tanhshrink(x),
    "clamped": lambda x: x.clamp(-0.5, 0.25) + x.clamp(min=0.1) + F.hardtanh(x),
    "differences": lambda x: x[:, :2] - x[:, 1:3],
    "quotients": lambda x: x[:, :2] / (x[:, 1:3].abs() + 1),
    "smaller ones": lambda x: torch.minimum(x[:, :2], x[:, 1:3]),
    "1 - x": lambda x: 1 - x,
    "pooled minus itself": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False) - x,
    "sums": lambda x: x.sum(1) + x.sum(1, keepdim=True)[:, 0],
    "means over rows": lambda x: x.mean(2),
    "means and largest over channels": lambda x: torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1),
    "largest along an axis": lambda x: x.max(1, keepdim=True)[0],
    "smallest": lambda x: x.amin((2, 3), keepdim=True),
    "norms": lambda x: x / (torch.norm(x, p=2, dim=(2, 3), keepdim=True) + 1),
    "normalised": F.normalize,
    "stacked": lambda x: torch.stack([x, x.relu()], 1).sum(1),
    "radix": lambda x: x.view(x.shape[0], 2, 2, 6, 5).sum(1),
    "apart": lambda x: torch.unbind(x, 1)[2].unsqueeze(1),
    "rolled": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "products of arrays": lambda x: torch.matmul(x, x.transpose(2, 3)),
    "to a size": lambda x: F.interpolate(x, size=(9, 7), mode="bilinear"),
    "corners kept": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
    "half the size": lambda x: F.interpolate(x[..., :4], scale_factor=0.5),
    "nearest, exactly": lambda x: F.interpolate(x, size=(4, 3), mode="nearest-exact"),
    "by area": lambda x: F.interpolate(x, size=(3, 2), mode="area"),
    "fixed numbers for each channel": lambda x: (x - torch.arange(4.0).view(1, 4, 1, 1)) / torch.tensor(2.0),
}


class Calling(nn.Module):
    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_read_computes_what_pytorch_computes(name: str) -> None:
    module = Calling(FUNCTIONS[name])
    graph = cnncalc.from_torch(module, (4, 6, 5))
    image = np.random.default_rng(3).standard_normal((4, 6, 5), dtype=np.float32)
    (last,) = graph.outputs
    ours = reference.run(graph, image, {})[graph.nodes[last - 1].name]
    theirs = module(torch.from_numpy(image)[None])[0].numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= TOLERANCE * max(1, np.abs(theirs).max())


REFUSED = {
    "over the samples": lambda x: x.sum(0, keepdim=True).expand(2, -1, -1, -1),
    "a factor that leaves a rest": lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"),
    "where the largest stands": lambda x: x.max(1)[1],
    "bounds that are tensors": lambda x: torch.clamp(x, x.mean((1, 2, 3), keepdim=True), None),
    "a number to a power": lambda x: 2**x,
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_that_is_no_kind_is_guessed(name: str) -> None:
    with pytest.raises(cnncalc.SpecError, match="not known here"):
        cnncalc.from_torch(Calling(REFUSED[name]), (4, 6, 5))


WRITTEN = [
    "4x6x5; dense 7 axes=c; gelu approximate=tanh; softmax axis=w; log_softmax axis=h",
    "4x6x5; abs; sqrt; square; log_sigmoid; exp; tanhshrink; softshrink 0.25; hardshrink; power 2; round to=floor",
    "4x6x5; clamp low=-0.5; hardtanh; clamp low=-0.25 high=0.5; sin; cos; erf; sign",
    "4x6x5; reduce_norm hw order=1; reduce_sum c",
    "4x6x5; reduce_max w; reduce_mean h; reduce_min c",
    "4x6x5; roll 2 axis=w; resample 9x7 bilinear align_corners; resample 4x5 nearest_exact; resample 8",
    "4x6x5; {concat: [identity, relu], axis: w}; subtract: [identity, sigmoid]; minimum: [identity, tanh]",
    "4x6x5; divide: [identity, [sigmoid, rescale 1 offset=2]]; {matmul: [identity, [{permute: [0, 2, 1]}]]}",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_computes_what_the_reference_computes(text: str) -> None:
    graph = cnncalc.load(
        "\n".join(["input: 4x6x5", "layers:", *(f"  - {step.strip()}" for step in text.split(";")[1:])])
    )
    module = module_of(cnncalc.to_torch(graph))
    weights = reference.draw(graph, seed=1)
    module.load_state_dict({key: torch.from_numpy(array) for key, array in state_dict(graph, weights).items()})
    image = np.random.default_rng(3).random((4, 6, 5), dtype=np.float32)
    (last,) = graph.outputs
    ours = reference.run(graph, image, weights)[graph.nodes[last - 1].name]
    theirs = module.eval()(torch.from_numpy(image)[None])[0].detach().numpy()
    assert np.abs(ours - theirs).max() <= TOLERANCE * max(1, np.abs(theirs).max())
    back = cnncalc.analyze(cnncalc.from_torch(module, (4, 6, 5))).totals
    totals = cnncalc.analyze(graph).totals
    assert (back.params, back.macs, back.flops) == (totals.params, totals.macs, totals.flops)
