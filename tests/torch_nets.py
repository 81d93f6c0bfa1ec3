"""Modules as people write them, each with what it tests. Imported where torch is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

F = nn.functional


class Flat(nn.Module):
    """The tutorial's LeNet: functions, view with -1, one pooling module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Any) -> Any:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 400)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Excitation(nn.Module):
    """Squeeze and excitation with view and expand, in place, and Hardswish."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(nn.Linear(8, 4), nn.ReLU(inplace=True), nn.Linear(4, 8), nn.Hardsigmoid())

    def forward(self, x: Any) -> Any:
        x = self.body(x)
        b, c, _, _ = x.shape
        y = self.gate(self.squeeze(x).view(b, c)).view(b, c, 1, 1)
        return x * y.expand_as(x)


class Shuffled(nn.Module):
    """Channel shuffle by view and transpose, split by chunk, concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 6, 1), nn.ReLU())

    def forward(self, x: Any) -> Any:
        left, right = x.chunk(2, dim=1)
        x = torch.cat((left, self.branch(right)), dim=1)
        n, c, h, w = x.size()
        x = x.view(n, 2, c // 2, h, w)
        x = torch.transpose(x, 1, 2).contiguous()
        return x.view(n, -1, h, w)


class Next(nn.Module):
    """A ConvNeXt block: channels last for LayerNorm and Linear, a trained scale, a residual in place."""

    def __init__(self) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.wide = nn.Linear(8, 32)
        self.act = nn.GELU()
        self.narrow = nn.Linear(32, 8)
        self.gamma = nn.Parameter(torch.ones(8))

    def forward(self, x: Any) -> Any:
        y = self.dwconv(x).permute(0, 2, 3, 1)
        y = self.gamma * self.narrow(self.act(self.wide(self.norm(y))))
        x += y.permute(0, 3, 1, 2)
        return x.mean([-2, -1])


class Up(nn.Module):
    """Transposed convolution, interpolation, pixel shuffle, padding by F.pad, a strided slice."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)
        self.norm = nn.GroupNorm(3, 6)
        self.shuffle = nn.PixelShuffle(2)
        self.last = nn.Conv2d(7, 3, 3, dilation=2, padding_mode="reflect", padding=2)

    def forward(self, x: Any) -> Any:
        y = self.norm(self.up(x))
        z = F.interpolate(x, scale_factor=2, mode="bilinear")
        z = F.pad(self.shuffle(F.pad(z, (1, 1, 0, 0)))[..., 1:-1], (-1, -1))
        return self.last(torch.cat([y, z[:, :1, ::2, : y.shape[-1]]], 1))


class Shared(nn.Module):
    """The same module on two inputs, and the same weights with another stride."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

    def forward(self, a: Any, b: Any) -> Any:
        wide = F.conv2d(a, self.tower[0].weight, self.tower[0].bias, stride=2)
        return (self.tower(a) - 0.5) / 2 + self.tower(b), wide


class Scaled(nn.Module):
    """transform_input: arithmetic with numbers, slices of one channel, ceil, silu by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x: Any) -> Any:
        first = torch.unsqueeze(x[:, 0], 1) * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
        second = torch.unsqueeze(x[:, 1], 1) * 2 - 1
        third = x[:, 2:3]
        y = self.conv(torch.cat((first, second, third), 1))
        return self.pool(y * torch.sigmoid(y))


class Sequence(nn.Module):
    """Conv1d, LSTM with the batch first, the last state, softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 8, 5, padding="same")
        self.lstm = nn.LSTM(8, 6, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Any) -> Any:
        y, _ = self.lstm(self.conv(x).transpose(1, 2))
        return F.log_softmax(self.head(y[:, -1]), dim=1)


# module, input shapes, what it holds: kinds in order, params, macs
NETS: dict[str, tuple[type[nn.Module], list[tuple[int, ...]], list[str], int, int]] = {
    "Flat": (
        Flat, [(1, 32, 32)],
        ["conv", "relu", "maxpool", "conv", "relu", "maxpool", "flatten", "dense", "relu", "dense", "relu", "dense"],
        61706, 416520,
    ),
    "Excitation": (
        Excitation, [(3, 9, 7)],
        ["conv", "batchnorm", "hard_swish", "global_avgpool", "flatten", "dense", "relu", "dense", "hard_sigmoid",
         "reshape", "upsample", "multiply"],
        216 + 16 + 36 + 40, 216 * 63 + 64,
    ),
    "Shuffled": (
        Shuffled, [(12, 8, 6)], ["split", "split", "depthwise", "conv", "relu", "concat", "channel_shuffle"],
        60 + 42, (54 + 36) * 48,
    ),
    "Next": (
        Next, [(8, 10, 6)],
        ["depthwise", "layernorm", "dense", "gelu", "dense", "scale", "add", "global_avgpool", "flatten"],
        8 * 50 + 16 + 288 + 264 + 8, 60 * (8 * 49 + 256 + 256),
    ),
    "Shared": (
        Shared, [(3, 9, 8), (3, 9, 8)], ["conv", "conv", "relu", "rescale", "rescale", "conv", "relu", "add"],
        112, 108 * (42 * 2 + 12),
    ),
    "Up": (
        Up, [(4, 8, 6)],
        ["transposed_conv", "groupnorm", "upsample", "pad", "pixel_shuffle", "slice", "crop", "maxpool", "slice",
         "concat", "pad", "conv"],
        222 + 12 + 192, 48 * 216 + 192 * 189,
    ),
    "Scaled": (
        Scaled, [(3, 15, 12)],
        ["slice", "rescale", "rescale", "slice", "rescale", "rescale", "slice", "concat", "conv", "sigmoid", "multiply",
         "maxpool"],
        112, 108 * 35,
    ),
    "Sequence": (
        Sequence, [(3, 20)],
        ["conv", "lstm", "lstm", "slice", "flatten", "dense", "log_softmax"],
        128 + 2 * 4 * 6 * (8 + 6 + 2) + 2 * 4 * 6 * (12 + 6 + 2) + 52, 20 * (120 + 48 * 14 + 48 * 18) + 48,
    ),
}  # fmt: skip
