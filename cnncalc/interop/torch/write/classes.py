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
    "Attention": '''\
class Attention(nn.Module):
    """Self-attention of several heads over the positions of a map (N, C, *size), or of its windows."""

    def __init__(
        self, channels, heads, dim=None, value_dim=None, out_channels=None, project=True,
        bias=True, window=None, grid=None, shift=None, relative_bias=None, pairs=None,
    ):
        super().__init__()
        dim = dim or channels
        value_dim = value_dim or dim
        self.heads, self.window, self.grid, self.shift = heads, window, grid, shift
        self.options = {"dim": dim, "value_dim": value_dim, "project": project, "bias": bias}
        for name, width in (("query", dim), ("key", dim), ("value", value_dim)):
            self.add(name, width, channels, bias in (True, "in"))
        if project:
            self.options["out"] = out_channels or channels
            self.add("out", out_channels or channels, value_dim, bias in (True, "out"))
        self.relative_bias = relative_bias
        if relative_bias:
            rows = 1
            for w in relative_bias:
                rows *= 2 * w - 1
            self.relative = nn.Parameter(torch.zeros(rows, heads))
        if pairs:
            self.pairs = nn.Parameter(torch.zeros(heads, pairs, pairs))

    def add(self, name, width, channels, bias):
        weight = torch.empty(width, channels)
        setattr(self, name, nn.Parameter(nn.init.xavier_uniform_(weight)))
        if bias:
            setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(width)))

    def cnncalc_layer(self):
        options = {"heads": self.heads, "window": self.window, "grid": self.grid, **self.options}
        options |= {"shift": self.shift, "relative_bias": bool(self.relative_bias)}
        options |= {"pair_bias": hasattr(self, "pairs")}
        return "attention", {name: value for name, value in options.items() if value is not None}

    def project(self, name, x):
        bias = getattr(self, f"{name}_bias", None)
        y = getattr(self, name) @ x
        return y if bias is None else y + bias[:, None]

    def forward(self, x):
        n, c, *size = x.shape
        tokens = torch.arange(x[0, 0].numel()).reshape(size)
        if self.shift:
            tokens = tokens.roll([-s for s in self.shift], list(range(len(size))))
        order = self.in_windows(tokens)  # (windows, tokens of a window)
        flat = x.reshape(n, c, -1)

        def heads(name):
            y = self.project(name, flat)[:, :, order]  # (N, width, windows, tokens)
            return y.unflatten(1, (self.heads, -1)).permute(0, 3, 1, 4, 2)

        q, k, v = heads("query"), heads("key"), heads("value")
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if self.relative_bias:
            scores = scores + self.relative[self.distances()].permute(2, 0, 1)
        if hasattr(self, "pairs"):
            scores = scores + self.pairs
        if self.shift:
            scores = scores.masked_fill(self.apart(order, size)[:, None], float("-inf"))
        y = (scores.softmax(-1) @ v).permute(0, 2, 4, 1, 3).flatten(3).flatten(1, 2)
        y = y[:, :, order.flatten().argsort()]
        if "out" in self.options:
            y = self.project("out", y)
        return y.reshape(n, -1, *size)

    def in_windows(self, tokens):
        """The numbers of the tokens in each window, or at one place of each cell of the grid."""
        if not self.window and not self.grid:
            return tokens.reshape(1, -1)
        for axis, w in enumerate(self.window or self.grid):
            split = (-1, w) if self.window else (w, -1)
            tokens = tokens.unflatten(2 * axis, split)
        first, second = list(range(0, tokens.ndim, 2)), list(range(1, tokens.ndim, 2))
        outer, inner = (first, second) if self.window else (second, first)
        windows = tokens.permute(*outer, *inner)
        return windows.flatten(0, len(outer) - 1).flatten(1)

    def distances(self):
        """(tokens, tokens): the row of the table for how far apart two positions are."""
        places = torch.cartesian_prod(*(torch.arange(w) for w in self.relative_bias))
        places = places.reshape(-1, len(self.relative_bias))
        rows = 0
        for axis, w in enumerate(self.relative_bias):
            apart = places[:, None, axis] - places[None, :, axis] + w - 1
            rows = rows * (2 * w - 1) + apart
        return rows

    def apart(self, order, size):
        """(windows, tokens, tokens): what came around the border does not see what did not."""
        places = torch.stack(torch.unravel_index(order, size))
        shifts = torch.tensor(self.shift)[:, None, None]
        wrapped = places < shifts
        return (wrapped[..., :, None] != wrapped[..., None, :]).any(0)
''',
    "CrossAttention": '''\
class CrossAttention(nn.Module):
    """Attention of the positions of one map (N, C, *size) to those of another (N, E, *others)."""

    def __init__(
        self, channels, other_channels, heads, dim=None, value_dim=None, out_channels=None,
        project=True, bias=True,
    ):
        super().__init__()
        dim = dim or channels
        value_dim = value_dim or dim
        self.heads = heads
        self.options = {"dim": dim, "value_dim": value_dim, "project": project, "bias": bias}
        self.add("query", dim, channels, bias in (True, "in"))
        self.add("key", dim, other_channels, bias in (True, "in"))
        self.add("value", value_dim, other_channels, bias in (True, "in"))
        if project:
            self.options["out"] = out_channels or channels
            self.add("out", out_channels or channels, value_dim, bias in (True, "out"))

    def add(self, name, width, channels, bias):
        weight = torch.empty(width, channels)
        setattr(self, name, nn.Parameter(nn.init.xavier_uniform_(weight)))
        if bias:
            setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(width)))

    def cnncalc_layer(self):
        return "cross_attention", {"heads": self.heads, **self.options}

    def project(self, name, x):
        bias = getattr(self, f"{name}_bias", None)
        y = getattr(self, name) @ x.flatten(2)
        return y if bias is None else y + bias[:, None]

    def forward(self, x, others):
        q, k, v = (
            self.project(name, y).unflatten(1, (self.heads, -1)).transpose(2, 3)
            for name, y in (("query", x), ("key", others), ("value", others))
        )
        y = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).flatten(1, 2)
        if "out" in self.options:
            y = self.project("out", y)
        return y.reshape(len(x), -1, *x.shape[2:])
''',
    "DeformConv2d": '''\
class DeformConv2d(nn.Module):
    """A convolution whose taps are moved by offsets (N, 2 D K, *positions) of K taps, D sets of them.

    Another value, (N, D K, *positions), may weigh the taps. Parameters, arguments and results are those of
    torchvision.ops.DeformConv2d, which may stand here where torchvision is installed.
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True
    ):
        super().__init__()
        # Its parameters are drawn, and what it takes is understood, as by a convolution.
        like = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.weight, self.bias = like.weight, like.bias
        self.kernel_size, self.stride = like.kernel_size, like.stride
        self.padding, self.dilation, self.groups = like.padding, like.dilation, groups

    def cnncalc_layer(self):
        names = ["stride", "padding", "dilation", "groups"]
        options = {name: getattr(self, name) for name in names}
        options |= {"filters": len(self.weight), "kernel": self.kernel_size}
        return "deformable_conv", {**options, "bias": self.bias is not None}

    def forward(self, x, offset, mask=None):
        n, c, *size = x.shape
        taps, positions = self.weight[0, 0].numel(), offset.shape[2:]
        sets = offset.shape[1] // (2 * taps)
        moved = offset.reshape(n * sets, taps, 2, *positions)
        places = []
        for axis in (1, 0):  # grid_sample takes x before y, from -1 to 1
            tap = torch.arange(self.kernel_size[axis], device=x.device) * self.dilation[axis]
            tap = tap.repeat_interleave(self.kernel_size[1]) if axis == 0 else tap.repeat(self.kernel_size[0])
            start = torch.arange(positions[axis], device=x.device) * self.stride[axis] - self.padding[axis]
            shape = (-1, 1) if axis == 0 else (1, -1)
            at = moved[:, :, axis] + tap.reshape(-1, 1, 1) + start.reshape(shape)
            places.append((2 * at + 1) / size[axis] - 1)
        grid = torch.stack(places, -1).flatten(1, 2)  # (N * sets, taps * rows, columns, 2)
        read = F.grid_sample(x.reshape(n * sets, c // sets, *size), grid, align_corners=False)
        if mask is not None:
            read = read * mask.reshape(n * sets, 1, *read.shape[2:])
        read = read.reshape(n, self.groups, c // self.groups * taps, -1)
        y = self.weight.reshape(self.groups, len(self.weight) // self.groups, -1) @ read
        y = y.reshape(n, -1, *positions)
        return y if self.bias is None else y + self.bias[:, None, None]
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
    "BlurPool": '''\
class BlurPool(nn.Module):
    """Each map of (N, C, H, W) through a binomial filter, 1 2 1 over 4 for a window of 3. Nothing is trained."""

    def __init__(self, kernel_size, stride=2, padding=0, dilation=1):
        super().__init__()
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.stride, self.padding, self.dilation = stride, padding, dilation
        rows = []
        for size in self.kernel_size:
            row = [1.0]
            for _ in range(size - 1):
                row = [(a + b) / 2 for a, b in zip([0.0, *row], [*row, 0.0])]
            rows.append(torch.tensor(row))
        self.register_buffer("filter", rows[0][:, None] * rows[1], persistent=False)

    def cnncalc_layer(self):
        options = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return "blurpool", {"kernel": self.kernel_size, **options}

    def forward(self, x):
        c = x.shape[1]
        filters = self.filter.to(x.dtype).expand(c, 1, *self.kernel_size)
        return F.conv2d(x, filters, None, self.stride, self.padding, self.dilation, c)
''',
    "Numbers": '''\
class Numbers(nn.Module):
    """Trained numbers of a shape, for one sample, of which fewer are stored: they are taken again in their order.

    Where none is stored they are zeros, as of a mask that forbids nothing.
    """

    def __init__(self, shape, stored):
        super().__init__()
        self.shape = shape
        self.value = nn.Parameter(torch.zeros(stored))
        places = torch.arange(torch.Size(shape).numel()) % max(1, stored)
        self.register_buffer("places", places, persistent=False)

    def forward(self):
        if not len(self.value):
            return torch.zeros(1, *self.shape, device=self.value.device)
        return self.value[self.places].view(1, *self.shape)
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
