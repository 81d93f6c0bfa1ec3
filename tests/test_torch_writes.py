"""What a forward pass writes over: every value that a later call reads is the one that PyTorch has then.

A trace that dropped a write would read another network. Each module below is compared with PyTorch itself: the same
weights, the same image, the same output; or it is refused by the name of the function that was not followed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnncalc
from cnncalc import reference

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no module is read")

pytestmark = pytest.mark.framework
nn = torch.nn
F = nn.functional


class Net(nn.Module):
    """Two convolutions that keep the channels, and a forward pass of its own."""

    def __init__(self, run: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.a = nn.Conv2d(2, 2, 3, padding=1)
        self.b = nn.Conv2d(4, 5, 3, padding=1)
        self.run = run

    def forward(self, x: Any) -> Any:
        return self.run(self, x)


def slice_assigned(m: Any, x: Any) -> Any:
    y = x.clone()
    y[:, :2] = m.a(x[:, :2])
    return m.b(y)


def part_added_to(m: Any, x: Any) -> Any:
    y = x.clone()
    y[:, 1:3] += m.a(x[:, 2:])
    return m.b(y)


def filled(m: Any, x: Any) -> Any:
    y = torch.empty(x.shape[0], 4, *x.shape[2:])
    y[:, 2:] = m.a(x[:, :2])
    y[:, :2] = x[:, 2:]
    return m.b(y)


def rows_assigned(m: Any, x: Any) -> Any:
    y = F.relu(m.b(x))
    y[:, :, 3:] = torch.sigmoid(y[:, :, 3:])
    return y


def copied(m: Any, x: Any) -> Any:
    y = torch.empty_like(x)
    y.copy_(F.relu(x))
    return m.b(y)


def disjoint_parts(m: Any, x: Any) -> Any:
    y = x * 2
    one, other = y[:, :2], y[:, 2:]
    one.relu_()
    return torch.cat([other, m.a(one)], 1)


def scripted(m: Any, x: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there is a lot of it, deprecated or not
        return m.b(torch.jit.script(swish)(x))


def swish(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x)


FOLLOWED = [slice_assigned, part_added_to, filled, rows_assigned, copied, disjoint_parts, scripted]


@pytest.mark.parametrize("run", FOLLOWED, ids=lambda run: run.__name__)
def test_what_is_written_over_is_read_with_its_new_value(run: Callable[[Any, Any], Any]) -> None:
    module = Net(run).eval()
    graph = cnncalc.from_torch(module, (4, 6, 5))
    image = np.random.default_rng(0).standard_normal((4, 6, 5), dtype=np.float32)
    weights = {}
    for node in graph.nodes:
        for name, value in module.named_parameters():
            path, _dot, part = name.rpartition(".")
            if node.name == path:
                weights[f"{path}.{part}"] = value.detach().numpy()
    maps = reference.run(graph, image, weights)
    with torch.no_grad():
        expected = module(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(list(maps.values())[-1], expected, rtol=1e-4, atol=1e-5)


def view_written(m: Any, x: Any) -> Any:
    y = x.clone()
    y[:, :2].relu_()  # y is another one from here on
    return m.b(y)


def base_written(m: Any, x: Any) -> Any:
    y = x * 2
    part = y[:, :2]
    y.add_(1)
    return m.a(part)


def partly_filled(m: Any, x: Any) -> Any:
    y = torch.zeros(x.shape[0], 4, *x.shape[2:])
    y[:, :2] = m.a(x[:, :2])
    return m.b(y)


def constant_assigned(m: Any, x: Any) -> Any:
    y = x.clone()
    y[:, :, 0] = 0
    return m.b(y)


def test_a_number_may_be_written_into_a_part() -> None:
    graph = cnncalc.from_torch(Net(constant_assigned), (4, 6, 5))
    kinds = [node.layer.kind for node in graph.nodes]
    assert kinds == ["parameter", "slice", "concat", "conv"]
    assert cnncalc.analyze(graph).totals.params == 5 * (4 * 3 * 3 + 1)  # of b alone: the zeros are not trained


def written_out(m: Any, x: Any) -> Any:
    y = torch.empty(x.shape[0], 4, *x.shape[2:], device=x.device)
    torch.add(x[:, :2], x[:, 2:], out=y[:, :2])
    return m.b(y)


def data_replaced(m: Any, x: Any) -> Any:
    y = F.relu(x)
    y.data = torch.zeros_like(y) + m.b(x)[:, :4]
    return m.b(y)


REFUSED = [
    (view_written, "relu"),
    (base_written, "add"),
    (partly_filled, "setitem"),
    (written_out, "add"),
    (data_replaced, "set"),
]


@pytest.mark.parametrize(("run", "named"), REFUSED, ids=lambda x: getattr(x, "__name__", ""))
def test_a_write_that_is_not_followed_is_refused(run: Callable[[Any, Any], Any], named: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=named):
        cnncalc.from_torch(Net(run), (4, 6, 5))
    graph = cnncalc.from_torch(Net(run), (4, 6, 5), allow_unknown=True)
    assert cnncalc.analyze(graph).totals.left_out["macs"] > 0
