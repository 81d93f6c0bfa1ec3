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


def put_into(room: Any, samples: Any) -> Any:
    """Each sample at the beginning of its place."""
    for i, each in enumerate(samples):
        room[i, :, : each.shape[1], : each.shape[2]] = each
    return room


def put_inside(y: Any, x: Any) -> Any:
    """A part along three axes, another that is added to, and one place of an axis."""
    y[:, 1:3, 2:5, 1:4] = x[:, 1:3, 2:5, 1:4]
    y[:, 1:, 2:] += x[:, 1:, 2:]
    y[..., -1] = x[..., 0]
    return y


def put_back(x: Any, rank: int = 2) -> Any:
    """What was pooled where it stood, and changed on the way."""
    pool, unpool = getattr(F, f"max_pool{rank}d"), getattr(F, f"max_unpool{rank}d")
    y, places = pool(x, 3, 2, 1, return_indices=True)
    return unpool(y.tanh(), places, 3, 2, 1, output_size=x.shape[2:])


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
    "tokens attend": lambda x: F.scaled_dot_product_attention(*[x.flatten(2).transpose(1, 2)] * 3),
    "heads attend": lambda x: F.scaled_dot_product_attention(
        *torch.unbind(torch.stack([x, x.tanh(), x.sigmoid()]).view(3, len(x), 2, 2, 30).transpose(3, 4))
    ),
    "attention written out": lambda x: (
        (x.flatten(2).transpose(1, 2) @ x.flatten(2)).div(2).softmax(-1) @ x.flatten(2).transpose(1, 2)
    ),
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcdh", x, x.sigmoid()),
    "einsum, transposed": lambda x: torch.einsum("bchw,bcvw->bvch", x, x.tanh()),
    "windows as samples": lambda x: (
        F.avg_pool2d(x.view(len(x), 4, 2, 3, 5).transpose(1, 2).reshape(-1, 4, 3, 5), 2, 1)
        .view(len(x), 2, 4, 2, 4)
        .flatten(1)
    ),
    "samples behind": lambda x: x.flatten(2).permute(2, 0, 1).softmax(2).permute(1, 2, 0).relu(),
    "parts of what comes before the samples": lambda x: x.flatten(2).permute(1, 0, 2)[2],
    "every second of the last but one": lambda x: torch.cat(
        [x.permute(0, 2, 3, 1)[:, 0::2, :4][..., :], x.permute(0, 2, 3, 1)[:, 1::2, 1:]], -1
    ),
    "padded, channels last": lambda x: F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 2, 0, 1)).permute(0, 3, 1, 2),
    "padded by nothing": lambda x: F.pad(x, (0, 0, 0, 0)) + F.pad(x, (0, 0), "constant", 0.0),
    "stacked in front": lambda x: torch.stack([x, x.tanh()], 0)[1],
    "comparisons": lambda x: (x[:, :2] > x[:, 1:3]).float() - (x[:, :2] < x[:, 2:]).float(),
    "nothing in front": lambda x: torch.cat([x[:, :, :0], x[:, :, 0:].tanh()], 2),
    "turned round": lambda x: x.flip(1) + torch.flip(x, (2, 3)),
    "elements by their numbers": lambda x: torch.cat([x[:, [0, 2, -1]], x.index_select(1, torch.tensor([1, 1]))], 1),
    "elements of the last axis": lambda x: x[..., [4, 0, 1]],
    "copies": lambda x: x.repeat(1, 2, 1, 1) + x.tile((2, 1, 1)) + x.repeat_interleave(2, 1),
    "windows of two axes": lambda x: x.unfold(2, 3, 3).unfold(3, 2, 1),
    "patches": lambda x: x.unfold(2, 3, 3).unfold(3, 5, 5).permute(0, 2, 3, 1, 4, 5).reshape(len(x), 2, -1),
    "windows as columns": lambda x: F.unfold(x, (3, 2), padding=(1, 0), stride=2, dilation=(1, 2)),
    "columns added up": lambda x: F.fold(F.unfold(x, 3, padding=1), (6, 5), 3, padding=1),
    "columns of every second place": lambda x: F.fold(
        F.unfold(x, (3, 2), padding=(1, 0), stride=2, dilation=(1, 2)), (6, 5), (3, 2), (1, 2), (1, 0), 2
    ),
    "one or the other": lambda x: torch.where(x > 0, x, x * 0.1) + torch.where(x[:, :1] < 1, 2.5, x.tanh()),
    "masked where it is large": lambda x: x.masked_fill(x > 0.5, 0.25),
    "standard deviations": lambda x: torch.cat([x.std((2, 3)), x.var((2, 3), unbiased=False)], 1),
    "variances along an axis": lambda x: torch.var(x, 1, correction=2, keepdim=True),
    "logarithm of a sum": lambda x: torch.logsumexp(x, dim=1),
    "root mean square": lambda x: F.rms_norm(x, (5,)) + F.rms_norm(x, (6, 5), eps=0.5),
    "a product and a sum": lambda x: torch.baddbmm(
        x.flatten(2) @ x.flatten(2).transpose(1, 2), x.flatten(2), x.flatten(2).transpose(1, 2), beta=2, alpha=0.5
    ),
    "einsum without a sum": lambda x: torch.einsum("bchw,bc->bhcw", x, x.mean((2, 3))),
    "einsum, axes without letters": lambda x: torch.einsum("b...w,bcvw->bcv...", x.mean(1), x.tanh()),
    "scores scaled otherwise": lambda x: F.scaled_dot_product_attention(x, x.tanh(), x, scale=0.7),
    "all ask one": lambda x: F.scaled_dot_product_attention(x, x[:, :1].expand(-1, 4, -1, -1), x),
    "einsum of windows": lambda x: torch.einsum("bqc,bkc->bqk", *[x.permute(0, 2, 3, 1).reshape(-1, 5, 4)] * 2).view(
        len(x), 6, 5, 5
    ),
    "windows that share a sample": lambda x: (
        x.mean(2).repeat_interleave(3, 0) + x.view(len(x), 4, 3, 2, 5).mean(3).transpose(1, 2).reshape(-1, 4, 5)
    ).view(len(x), 3, 4, 5),
    "queries that share keys": lambda x: F.scaled_dot_product_attention(x, x[:, :2], x[:, 2:].tanh(), enable_gqa=True),
    "samples one by one": lambda x: torch.stack([2 * each.flip(0) for each in x]),
    "samples one by one, with their axis": lambda x: torch.cat([each[None].mean(1, keepdim=True) for each in x]),
    "samples in axes of their own": lambda x: torch.stack([each.T.relu() for each in x.mean(1)], 1).transpose(0, 1),
    "samples written into a larger tensor": lambda x: put_into(x.new_zeros((len(x), 4, 8, 6)), x) * 2,
    "two batches, one behind the other": lambda x: (lambda y: torch.cat([y[: len(x)] - y[len(x) :], *y.chunk(2)], 1))(
        F.instance_norm(F.avg_pool2d(torch.cat([x, x.flip(2)], 0), 2))
    ),
    "norms of windows": lambda x: (
        F.group_norm(x.view(len(x) * 2, 2, 6, 5), 2).view_as(x) + F.instance_norm(x.view(-1, 2, 6, 5)).view_as(x)
    ),
    "windows stretched and brought to a size": lambda x: F.adaptive_avg_pool2d(
        F.interpolate(x.view(len(x) * 2, 2, 6, 5), scale_factor=2), (3, 4)
    ).view(len(x), 4, 3, 4),
    "put back where it stood": put_back,
    "put back where it stood along an axis": lambda x: put_back(x.flatten(2), 1),
    "read at places": lambda x: F.grid_sample(x, x[:, :2, 1:, 1:].tanh().permute(0, 2, 3, 1), align_corners=False),
    "read at places of each window": lambda x: F.grid_sample(
        x.view(-1, 2, 6, 5), x.flatten(1).reshape(len(x) * 2, 2, 15, 2).tanh(), "bilinear", "border", True
    ).view(len(x), 2, 2, 2, 15),
    "parts of several axes written over": lambda x: put_inside(x.relu(), x),
    "sums up to each element": lambda x: x.cumsum(2) + torch.cumsum(x, -1),
    "a quarter of a turn": lambda x: torch.rot90(x, 1, [2, 3]) + torch.rot90(x, 3, (2, 3)).flip(2, 3),
    "half a turn": lambda x: torch.rot90(x, 2, [1, 3]),
    "the least, and both": lambda x: x.min(2)[0] + torch.aminmax(x, dim=2)[1] - torch.aminmax(x, dim=2)[0],
    "spread and mean": lambda x: torch.cat([*torch.var_mean(x, 2), *torch.std_mean(x, -2)], 1),
    "between two values": lambda x: torch.lerp(x[:, :2], x[:, 2:], 0.25),
    "turned matrices": lambda x: x.mT @ x + (x.transpose(-1, -2) @ x).mH,
    "the largest, whose places nobody asks for": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
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


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), "as large as the map that was pooled"),
        (lambda x: F.max_unpool2d(x, x.argsort(-1), 1), "places are not those of a max pooling"),
        (
            lambda x: x[:, :, :3, :2] + F.max_pool2d(x, 2, return_indices=True)[1],
            "max_pool2d_with_indices is not known",
        ),
    ],
)
def test_places_that_cannot_be_followed_are_refused(function: Callable[[Any], Any], reason: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=reason):
        cnncalc.from_torch(Calling(function), (4, 6, 5))


class Held(nn.Module):
    """A function of a value and of trained numbers, by name."""

    def __init__(self, function: Callable[..., Any], **shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.randn(shape)))

    def forward(self, x: Any) -> Any:
        return self.function(x, *self.parameters())


TOKENS = lambda x: x.flatten(2).transpose(1, 2)  # noqa: E731
# What enters is (N, 4, 6, 5): the module, and MACs by hand.
HOLDING: dict[str, tuple[Any, int]] = {
    "attention to itself": (lambda: Within(nn.MultiheadAttention(4, 2, batch_first=True)), 4 * 30 * 16 + 2 * 900 * 4),
    "a sequence first": (lambda: Within(nn.MultiheadAttention(4, 2), first=True), 4 * 30 * 16 + 2 * 900 * 4),
    "no biases": (lambda: Within(nn.MultiheadAttention(4, 2, bias=False, batch_first=True)), 4 * 30 * 16 + 7200),
    "an encoder's layer": (
        lambda: nn.Sequential(Tokens(), nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)),
        30 * (4 * 16 + 2 * 32) + 2 * 900 * 4,
    ),
    "an encoder's layer that does not look ahead": (lambda: Ahead(), 30 * (4 * 16 + 2 * 32) + 2 * 900 * 4),
    "a query of its own": (lambda: Asking(), 2 * 16 + 2 * 30 * 16 + 2 * 30 * 4),
    "attention written out that does not look ahead": (
        lambda: Held(
            lambda x, w: (
                ((TOKENS(x) @ w) @ x.flatten(2)).masked_fill(torch.ones(30, 30).tril() == 0, -torch.inf).softmax(-1)
            ),
            w=(4, 4),
        ),
        30 * 16 + 900 * 4,
    ),
    "a root mean square with a scale": (lambda: nn.RMSNorm(5), 0),
    "einsum by a matrix": (lambda: Held(lambda x, w: torch.einsum("oc,bchw->bohw", w, x), w=(7, 4)), 30 * 28),
    "einsum by heads": (lambda: Held(lambda x, w: torch.einsum("bchw,hwdk->bcdk", x, w), w=(6, 5, 2, 3)), 4 * 30 * 6),
    "einsum by relative positions": (
        lambda: Held(lambda x, w: torch.einsum("bchw,hkw->bchk", x, w), w=(6, 3, 5)),
        4 * 30 * 3,
    ),
    "a query that is projected": (
        lambda: Held(
            lambda x, q, w: (F.linear(q.expand(len(x), -1, -1), w) @ x.flatten(2)).softmax(-1), q=(1, 2, 4), w=(4, 4)
        ),
        2 * 16 + 2 * 30 * 4,
    ),
    "a gate on one side and on the other": (
        lambda: Held(
            lambda x, g, p: (1 - g.sigmoid()) * x.softmax(-1) + g.sigmoid() * p.softmax(-1),
            g=(1, 4, 1, 1),
            p=(1, 4, 6, 5),
        ),
        0,
    ),
    "a group norm with a scale alone": (
        lambda: Held(lambda x, w: F.group_norm(x, 2, w), w=(4,)),
        0,
    ),
    "two layers both ways, and what they end with": (lambda: Ends("GRU"), 30 * 2 * 3 * 3 * (7 + 9)),
    "what two layers of an LSTM end with": (lambda: Ends("LSTM"), 30 * 2 * 4 * 3 * (7 + 9)),
    "a linear layer on tokens": (lambda: Held(lambda x, w: F.linear(TOKENS(x), w), w=(7, 4)), 30 * 28),
    "a matrix of weights": (lambda: Held(lambda x, w: TOKENS(x) @ w, w=(4, 7)), 30 * 28),
    "a token of its own": (
        lambda: Held(lambda x, c: torch.cat((c.expand(len(x), -1, -1), TOKENS(x)), 1), c=(1, 1, 4)),
        0,
    ),
    "positions": (lambda: Held(lambda x, p: TOKENS(x) + p, p=(1, 30, 4)), 0),
    "a number less": (lambda: Held(lambda x, p: p - x, p=(1, 4, 1, 1)), 0),
    "positions taken from a table": (
        lambda: Held(lambda x, t: TOKENS(x) + t[torch.arange(30) % 7], t=(7, 4)),
        0,
    ),
    "affine": (lambda: Held(lambda x, b, a: torch.addcmul(b, a, TOKENS(x)), b=(4,), a=(4,)), 0),
    "weights with a gain": (
        lambda: Held(
            lambda x, w, g: F.conv2d(x, g * F.batch_norm(w.view(1, 3, -1), None, None, training=True).view_as(w)),
            w=(3, 4, 3, 3),
            g=(3, 1, 1, 1),
        ),
        12 * 108,
    ),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 3, 3)), 12 * 108),
    "a convolution of windows": (
        lambda: Held(
            lambda x, w: F.conv2d(x.view(len(x), 4, 2, 3, 5).transpose(1, 2).reshape(-1, 4, 3, 5), w, padding=1),
            w=(4, 4, 3, 3),
        ),
        30 * 144,
    ),
    "a batch behind the other": (
        lambda: Held(
            lambda x, w, g, b: F.instance_norm(F.conv2d(torch.cat([x, -x], 0), w), weight=g, bias=b).chunk(2)[1],
            w=(3, 4, 3, 3),
            g=(3,),
            b=(3,),
        ),
        2 * 12 * 108,
    ),
    "a convolution in space and time of heads": (
        lambda: Held(
            lambda x, w: F.conv3d(x.view(len(x) * 2, 2, 2, 3, 5), w, padding=1, groups=2).view_as(x),
            w=(2, 1, 3, 3, 3),
        ),
        4 * 30 * 27,
    ),
    "a number written into a part": (lambda: Held(lambda x, w: put_number(F.conv2d(x, w)), w=(3, 4, 1, 1)), 30 * 12),
    "matrices whose rows are samples": (
        lambda: Held(
            lambda x, w: (x.permute(3, 0, 1, 2).reshape(5, -1, 6) @ w).view(5, len(x), 4, 2).transpose(0, 1),
            w=(5, 6, 2),
        ),
        5 * 4 * 12,
    ),
    "a space transformer": (
        lambda: Held(
            lambda x, w: F.grid_sample(
                x,
                F.affine_grid(F.linear(x.flatten(1), w).view(-1, 2, 3), list(x.shape), align_corners=False),
                align_corners=False,
            ),
            w=(6, 120),
        ),
        720 + 30 * 6,
    ),
    "cells of an LSTM": (lambda: Stepping(nn.LSTMCell), 30 * 4 * 5 * 9),
    "cells that are gated": (lambda: Stepping(nn.GRUCell), 30 * 3 * 5 * 9),
    "simple cells": (lambda: Stepping(nn.RNNCell), 30 * 5 * 9),
    "all pairs": (
        lambda: Held(lambda x, w, b: F.bilinear(x.mean((2, 3)), x.amax((2, 3)), w, b), w=(7, 4, 4), b=(7,)),
        7 * 16,
    ),
    "a matrix that is used both ways": (
        lambda: Held(lambda x, w: F.linear(F.linear(TOKENS(x), w).relu(), w.t()), w=(7, 4)),
        30 * 2 * 28,
    ),
    "a column of weights": (lambda: Held(lambda x, w: TOKENS(x) @ w, w=(4,)), 30 * 4),
    "rows of a map, each a sequence": (lambda: RowByRow(), 30 * 4 * 3 * 7),
    "channels moved in time": (lambda: Held(lambda x, w: move_in_time(F.conv2d(x, w)), w=(4, 4, 1, 1)), 30 * 16),
    "a norm of windows": (
        lambda: nn.Sequential(nn.Conv2d(4, 6, 1), Rows(), nn.BatchNorm1d(6), nn.Linear(6, 2)),
        30 * 24 + 30 * 12,
    ),
}


def move_in_time(y: Any) -> Any:
    """Two channels one row up, one a row down, and the last as it is; zeros come in."""
    moved = torch.zeros_like(y)
    moved[:, :2, :-1] = y[:, :2, 1:]
    moved[:, 2:3, 1:] = y[:, 2:3, :-1]
    moved[:, 3:] = y[:, 3:]
    return moved


def put_number(y: Any) -> Any:
    y[:, 0] = 0.5
    return y


class Stepping(nn.Module):
    """A cell that goes over the places of a map, from zeros."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.cell = cell(4, 5)

    def forward(self, x: Any) -> Any:
        state = x.new_zeros(len(x), 5)
        cell = torch.zeros(len(x), 5, device=x.device)
        for place in TOKENS(x).unbind(1):
            if isinstance(self.cell, nn.LSTMCell):
                state, cell = self.cell(place, (state, cell))
            else:
                state = self.cell(place, state)
        return state


class RowByRow(nn.Module):
    """An LSTM along every row."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        rows = x.permute(0, 2, 3, 1).reshape(-1, 5, 4)
        return self.inner(rows)[0].view(len(x), 6, 5, 3)


class Within(nn.Module):
    """nn.MultiheadAttention on the positions of a map."""

    def __init__(self, inner: Any, first: bool = False) -> None:
        super().__init__()
        self.inner, self.first = inner, first

    def forward(self, x: Any) -> Any:
        y = x.flatten(2).permute(2, 0, 1) if self.first else TOKENS(x)
        return self.inner(y, y, y, need_weights=False)[0]


class Ahead(nn.Module):
    """A layer of an encoder in which each position attends to those before it alone."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

    def forward(self, x: Any) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(30)
        return self.inner(TOKENS(x), src_mask=mask, is_causal=True)


class Asking(nn.Module):
    """Attention pooling by nn.MultiheadAttention: a trained query asks all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(1, 1, 4))
        self.inner = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        y = TOKENS(x)
        return self.inner(self.query.expand(len(y), -1, -1), y, y)[0][:, 0]


class Ends(nn.Module):
    """Two layers of three units, both ways, whose last states are joined."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.inner = getattr(nn, kind)(4, 3, 2, bidirectional=True, batch_first=True)

    def forward(self, x: Any) -> Any:
        _y, states = self.inner(TOKENS(x))
        states = states[0] if isinstance(states, tuple) else states
        return torch.cat([states[-2], states[-1]], 1)


class Masked(nn.Module):
    """A convolution whose map is multiplied with fixed numbers, one for every place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 2, 3, padding=1)
        self.register_buffer("mask", torch.ones(6, 5).triu())

    def forward(self, x: Any) -> Any:
        return self.conv(x) * self.mask


class Tokens(nn.Module):
    """The positions of a map, one behind the other."""

    def forward(self, x: Any) -> Any:
        return TOKENS(x)


class Rows(nn.Module):
    """Every position as a sample of its own."""

    def forward(self, x: Any) -> Any:
        return TOKENS(x).flatten(0, 1)


@pytest.mark.parametrize("name", HOLDING)
def test_numbers_of_a_module_are_counted_once_however_it_uses_them(name: str) -> None:
    make, macs = HOLDING[name]
    module = make().eval()
    totals = cnncalc.analyze(cnncalc.from_torch(module, (4, 6, 5))).totals
    assert totals.params == sum(p.numel() for p in module.parameters())
    assert totals.macs == macs
    assert totals.left_out == {}


@pytest.mark.parametrize("kind", [nn.GRUCell, nn.LSTMCell, nn.RNNCell])
def test_a_cell_computes_what_it_computes_in_pytorch(kind: Any) -> None:
    class Once(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = kind(5, 5)

        def forward(self, x: Any) -> Any:
            steps = x[:, 0].unbind(1)
            made = self.cell(steps[0], tuple(steps[1:3]) if kind is nn.LSTMCell else steps[1])
            return torch.cat(made, 1) if kind is nn.LSTMCell else made

    module = Once().eval()
    graph = cnncalc.from_torch(module, (4, 6, 5))
    kept = [node.name for node in graph.nodes if node.layer.kind == "dense"]
    weights = {
        f"{name}.{ours}": getattr(module.cell, f"{ours}_{theirs}").detach().numpy()
        for name, theirs in zip(kept, ("ih", "hh"), strict=True)
        for ours in ("weight", "bias")
    }
    image = np.random.default_rng(3).standard_normal((4, 6, 5), dtype=np.float32)
    (last,) = graph.outputs
    ours = reference.run(graph, image, weights)[graph.nodes[last - 1].name]
    theirs = module(torch.from_numpy(image)[None])[0].detach().numpy()
    assert np.abs(ours - theirs).max() <= TOLERANCE


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("first", [False, True])
def test_weights_of_attention_that_are_asked_for_are_what_they_are_in_pytorch(first: bool, average: bool) -> None:
    class Shown(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(4, 2, batch_first=not first)

        def forward(self, x: Any) -> Any:
            y = x.transpose(0, 1) if first else x
            made, weights = self.inner(y, y, y, average_attn_weights=average)
            made = made.transpose(0, 1) if first else made
            return torch.cat([made.flatten(1), weights.flatten(1)], 1)

    module = Shown().eval()
    graph = cnncalc.from_torch(module, (5, 4))
    totals = cnncalc.analyze(graph).totals
    assert (totals.params, totals.macs) == (80, 4 * 5 * 16 + 2 * 25 * 4)
    into, out = (node.name for node in graph.nodes if node.layer.kind == "dense")
    inner = module.inner
    held = {into: (inner.in_proj_weight, inner.in_proj_bias), out: (inner.out_proj.weight, inner.out_proj.bias)}
    weights = {f"{name}.weight": pair[0].detach().numpy() for name, pair in held.items()}
    weights |= {f"{name}.bias": pair[1].detach().numpy() + 0 for name, pair in held.items()}
    tokens = np.random.default_rng(3).standard_normal((5, 4), dtype=np.float32)
    (last,) = graph.outputs
    ours = reference.run(graph, tokens, weights)[graph.nodes[last - 1].name]
    theirs = module(torch.from_numpy(tokens)[None])[0].detach().numpy()
    assert np.abs(ours - theirs).max() <= TOLERANCE


def test_weights_of_attention_to_another_sequence_are_refused() -> None:
    class Between(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Any, y: Any) -> Any:
            return self.inner(x, y, y)

    with pytest.raises(cnncalc.SpecError, match="its weights are followed where a sequence attends to itself"):
        cnncalc.from_torch(Between(), [(5, 4), (6, 4)])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_tokens_enter_as_whole_numbers_where_a_table_is_looked_up(mode: str) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.bag = nn.Embedding(11, 6), nn.EmbeddingBag(7, 6, mode=mode)
            self.inner = nn.Linear(6, 6)

        def forward(self, tokens: Any, others: Any, mask: Any) -> Any:
            y = self.inner(self.table(tokens)) * mask.unsqueeze(-1)
            return F.linear(y, self.table.weight), self.bag(others)

    graph = cnncalc.from_torch(Words(), {"tokens": (5,), "others": (3,), "mask": (5,)})
    totals = cnncalc.analyze(graph).totals
    assert (totals.params, totals.macs) == (66 + 42 + 42, 5 * 36 + 5 * 66)


def test_numbers_that_the_forward_pass_makes_have_no_say_in_what_is_seen() -> None:
    assert cnncalc.verify(cnncalc.from_torch(Masked(), (4, 6, 5))).holds


def test_what_stands_behind_something_unknown_is_not_called_unknown_itself() -> None:
    def between(x: Any) -> Any:
        y = torch.erfinv(x.flatten(2).transpose(1, 2).reshape(-1, 10, 4))
        return y.view(len(x), 3, 10, 4).transpose(1, 3).unbind(2)[0].relu()

    with pytest.raises(cnncalc.SpecError, match="erfinv") as caught:
        cnncalc.from_torch(Calling(between), (4, 6, 5))
    assert len(caught.value.problems) == 1


def test_where_numbers_stand_that_are_taken_from_a_table_is_not_guessed() -> None:
    graph = cnncalc.from_torch(HOLDING["positions taken from a table"][0](), (4, 6, 5))
    with pytest.raises(cnncalc.CnncalcError, match="which of its numbers stands at which place is not known"):
        reference.run(graph)


REFUSED = {
    "over the samples": lambda x: x.sum(0, keepdim=True).expand(2, -1, -1, -1),
    "a factor that leaves a rest": lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"),
    "where the largest stands": lambda x: x.max(1)[1],
    "bounds that are tensors": lambda x: torch.clamp(x, x.mean((1, 2, 3), keepdim=True), None),
    "a number to a power": lambda x: 2**x,
    "a part of what is taken off": lambda x: torch.rsub(x, 1, alpha=3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_that_is_no_kind_is_guessed(name: str) -> None:
    with pytest.raises(cnncalc.SpecError, match="not known here"):
        cnncalc.from_torch(Calling(REFUSED[name]), (4, 6, 5))


class Sequences(nn.Module):
    """A recurrent layer whose sequence or last state comes out; it begins as `start` says."""

    def __init__(self, kind: str, *, first: bool, last: bool, start: str = "") -> None:
        super().__init__()
        self.inner = getattr(nn, kind)(6, 5, batch_first=first)
        self.first, self.last, self.start = first, last, start
        self.began = nn.Parameter(torch.randn(1, 1, 5)) if start == "trained" else None

    def forward(self, x: Any) -> Any:
        x = x if self.first else x.transpose(0, 1)
        states = x.new_zeros(1, x.shape[int(not self.first)], 5) if self.start else None
        if self.start == "ones":
            states += 1
        if self.began is not None:
            states = self.began.expand(-1, len(states[0]), -1).contiguous()
        y, state = self.inner(x) if states is None else self.inner(x, states)
        state = state[0] if isinstance(state, tuple) else state
        return state[-1] if self.last else (y if self.first else y.transpose(0, 1))


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("kind", "start"), [("LSTM", ""), ("GRU", ""), ("RNN", ""), ("GRU", "zeros")])
def test_sequences_are_read_with_their_steps_first_and_by_their_last_state(
    kind: str, start: str, first: bool, last: bool
) -> None:
    module = Sequences(kind, first=first, last=last, start=start).eval()
    graph = cnncalc.from_torch(module, (7, 6))
    totals = cnncalc.analyze(graph).totals
    assert totals.params == sum(p.numel() for p in module.parameters())
    assert totals.left_out == {}
    assert graph.facts[-1].output == ((5,) if last else (7, 5))


@pytest.mark.parametrize("start", ["ones", "trained"])
def test_a_sequence_that_does_not_begin_at_zeros_is_refused(start: str) -> None:
    with pytest.raises(cnncalc.SpecError, match="it does not start from a state of zeros"):
        cnncalc.from_torch(Sequences("GRU", first=True, last=False, start=start), (7, 6))


def test_a_sequence_whose_first_axis_is_that_of_the_samples_by_mistake_is_refused() -> None:
    """nn.GRU without batch_first takes what stands second for the samples."""
    gru = nn.GRU(6, 5)
    with pytest.raises(cnncalc.SpecError, match="the second axis of its sequence is not that of the samples"):
        cnncalc.from_torch(Calling(lambda x: gru(x)[0]), (7, 6))


def test_an_argument_that_no_handler_asks_for_is_refused_by_its_name() -> None:
    assert cnncalc.from_torch(Calling(lambda x: F.softplus(x, threshold=20)), (4, 6, 5))
    with pytest.raises(cnncalc.SpecError, match="the argument threshold is 2"):
        cnncalc.from_torch(Calling(lambda x: F.softplus(x, threshold=2)), (4, 6, 5))


def test_scores_that_are_scaled_otherwise_have_their_queries_scaled_before() -> None:
    def attend(scale: float) -> Any:
        return Calling(lambda x: F.scaled_dot_product_attention(x, x, x, scale=scale))

    read = cnncalc.analyze(cnncalc.from_torch(attend(5**-0.5), (4, 6, 5)))
    assert [row.kind for row in read] == ["dot_product_attention"]
    read = cnncalc.analyze(cnncalc.from_torch(attend(1.0), (4, 6, 5)))
    assert [row.kind for row in read] == ["rescale", "dot_product_attention"]


def test_what_is_taken_off_stands_behind() -> None:
    graph = cnncalc.from_torch(Calling(lambda x: torch.rsub(x, x.relu())), (4, 6, 5))
    assert [row.kind for row in cnncalc.analyze(graph)] == ["relu", "subtract"]
    assert "return y - x" in cnncalc.to_torch(graph)


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


class Blurred(nn.Module):
    """A fixed filter for every map, as blur pools of timm keep it in a buffer."""

    def __init__(self, *row: float) -> None:
        super().__init__()
        one = torch.tensor(row) / sum(row)
        self.register_buffer("filt", (one[:, None] * one[None]).repeat(4, 1, 1, 1), persistent=False)

    def forward(self, x: Any) -> Any:
        return F.conv2d(F.pad(x, [1] * 4, mode="reflect"), self.filt, stride=2, groups=4)


def test_fixed_binomial_filters_are_a_blur_pool() -> None:
    module = Blurred(1, 2, 1)
    graph = cnncalc.from_torch(module, (4, 6, 5))
    assert [node.layer.kind for node in graph.nodes] == ["pad", "blurpool"]
    image = np.random.default_rng(3).standard_normal((4, 6, 5), dtype=np.float32)
    ours = list(reference.run(graph, image, {}).values())[-1]
    assert np.abs(ours - module(torch.from_numpy(image)[None])[0].numpy()).max() < TOLERANCE
    with pytest.raises(cnncalc.SpecError, match="its filters are fixed, and no binomial ones"):
        cnncalc.from_torch(Blurred(1, 3, 1), (4, 6, 5))


class Pooled(nn.Module):
    """Attention pooling: a trained query asks all tokens; a norm of a scale alone."""

    def __init__(self) -> None:
        super().__init__()
        self.latent, self.gain = nn.Parameter(torch.randn(1, 1, 4)), nn.Parameter(torch.randn(4))

    def forward(self, x: Any) -> Any:
        tokens = F.layer_norm(TOKENS(x), (4,), self.gain, None)
        asks = self.latent.expand(len(x), -1, -1).type_as(tokens)
        return F.scaled_dot_product_attention(asks, tokens, tokens)


def test_a_trained_query_and_a_norm_of_a_scale_alone_are_counted_once() -> None:
    totals = cnncalc.analyze(cnncalc.from_torch(Pooled(), (4, 6, 5))).totals
    assert (totals.params, totals.macs) == (8, 2 * 30 * 4)
    assert totals.left_out == {}
