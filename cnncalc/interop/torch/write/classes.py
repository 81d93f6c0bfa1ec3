"""Classes for kinds that PyTorch has no module for, as text: a file gets those that it uses."""

from __future__ import annotations

CLASSES = {
    "TableConv2d": '''\
class TableConv2d(nn.Conv2d):
    """A convolution whose filter i reads only the input maps that row i of a table lists.

    weight: (pairs, *kernel), one row of the table behind the other.
    """

    def __init__(self, in_channels, out_channels, kernel_size, table, **options):
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.register_buffer(
            "rows",
            torch.tensor([i for i, row in enumerate(table) for _ in row]),
            persistent=False,
        )
        self.register_buffer(
            "columns", torch.tensor([j for row in table for j in row]), persistent=False
        )
        self.weight = nn.Parameter(self.weight.detach()[self.rows, self.columns])
        self.table = table

    def cnncalc_layer(self):
        names = ["stride", "padding", "dilation", "table"]
        options = {name: getattr(self, name) for name in names}
        options |= {"filters": self.out_channels, "kernel": self.kernel_size}
        return "conv", {**options, "bias": self.bias is not None}

    def forward(self, x):
        weight = x.new_zeros(self.out_channels, self.in_channels, *self.kernel_size)
        weight = weight.index_put((self.rows, self.columns), self.weight)
        return self._conv_forward(x, weight, self.bias)
''',
    "TableLinear": '''\
class TableLinear(nn.Linear):
    """A dense layer whose unit i reads only the inputs that row i of a table lists.

    weight: (pairs,), one row of the table behind the other.
    """

    def __init__(self, in_features, out_features, table, **options):
        super().__init__(in_features, out_features, **options)
        self.register_buffer(
            "rows",
            torch.tensor([i for i, row in enumerate(table) for _ in row]),
            persistent=False,
        )
        self.register_buffer(
            "columns", torch.tensor([j for row in table for j in row]), persistent=False
        )
        self.weight = nn.Parameter(self.weight.detach()[self.rows, self.columns])
        self.table = table

    def cnncalc_layer(self):
        options = {"units": self.out_features, "table": self.table}
        return "dense", {**options, "bias": self.bias is not None}

    def forward(self, x):
        weight = x.new_zeros(self.out_features, self.in_features)
        weight = weight.index_put((self.rows, self.columns), self.weight)
        return F.linear(x, weight, self.bias)
''',
    "Subsample": '''\
class Subsample(nn.Module):
    """LeCun's subsampling: the sum of a window, times a coefficient, plus a bias.

    Both are trained, one of each for every map.
    """

    def __init__(self, channels, kernel_size, stride=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride or kernel_size
        self.weight = nn.Parameter(torch.rand(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def cnncalc_layer(self):
        return "subsample", {"kernel": self.kernel_size, "stride": self.stride}

    def forward(self, x):
        total = F.avg_pool2d(x, self.kernel_size, self.stride, divisor_override=1)
        return total * self.weight[:, None, None] + self.bias[:, None, None]
''',
    "RBF": '''\
class RBF(nn.Module):
    """The squared distance of the input from each centre. The centres are not trained."""

    def __init__(self, in_features, out_features):
        super().__init__()
        centres = torch.randint(0, 2, (out_features, in_features)) * 2.0 - 1
        self.centres = nn.Parameter(centres, requires_grad=False)

    def cnncalc_layer(self):
        return "rbf", {"units": len(self.centres)}

    def forward(self, x):
        return (x[:, None] - self.centres).square().sum(2)
''',
    "GaussianRBF": '''\
class GaussianRBF(nn.Module):
    """exp(-d / width) of the squared distance d of the input from each centre."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(out_features, in_features))
        self.width = nn.Parameter(torch.ones(out_features))

    def cnncalc_layer(self):
        return "gaussian_rbf", {"units": len(self.centres)}

    def forward(self, x):
        return torch.exp(-(x[:, None] - self.centres).square().sum(2) / self.width)
''',
    "LocalConv2d": '''\
class LocalConv2d(nn.Module):
    """A convolution that shares no weights: every place has kernels of its own.

    weight: (*size, out_channels, in_channels, *kernel), bias: (out_channels, *size).
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        size,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        bias=True,
    ):
        super().__init__()
        self.window = nn.Unfold(kernel_size, dilation, padding, stride)
        kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.weight = nn.Parameter(
            torch.randn(*size, out_channels, in_channels, *kernel) * 0.01
        )
        self.bias = nn.Parameter(torch.zeros(out_channels, *size)) if bias else None
        self.options = {"filters": out_channels, "kernel": kernel, "stride": stride}
        self.options |= {"padding": padding, "dilation": dilation, "bias": bias}

    def cnncalc_layer(self):
        return "local", self.options

    def forward(self, x):
        places = self.window(x).unflatten(2, self.weight.shape[:2])
        y = torch.einsum("nkhw,hwfk->nfhw", places, self.weight.flatten(3))
        return y if self.bias is None else y + self.bias
''',
}
