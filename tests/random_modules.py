"""Random small networks that PyTorch has modules for, from a number: the same number gives the same text of a spec.

Tamer than random_graphs.py, so that nearly every one has a twin (torch_twin.py): branches, parts, factors,
layers that are frozen. No group norm: of a part of a map PyTorch's keeps a copy. No channel shuffle: one
that moves nothing is a view.
"""

from __future__ import annotations

import random
from typing import Any

from cases import write_yaml

import cnncalc

ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid"),
    *("tanh", "mish", "softplus", "softsign", "identity", "softmax", "log_softmax", "prelu", "prelu per=channel"),
    *("dropout 0.3", "scale", "scale shift", "rescale 2", "batchnorm", "batchnorm noaffine", "layernorm"),
    *("layernorm axes=all", "instancenorm", "lrn"),
)  # fmt: skip
ON_VECTORS = ("dense 5", "dense 4 nobias", "dense 3", "dense 4 frozen", "split 2 part=1", "slice 1:end", "glu")
POOLS = (
    *("maxpool 2", "maxpool k3 s2 p1", "avgpool 2", "avgpool k3 s1 p1", "global_avgpool", "global_maxpool"),
    *("adaptive_avgpool 2", "adaptive_avgpool 1", "adaptive_maxpool 3", "lppool 2", "maxpool k2 s1 d2"),
)  # fmt: skip
MOVES = (
    *("flatten", "reshape -1", "dense 4", "split 2 part=0", "split 2 part=1", "slice 1:end", "pad 1", "pad 1 reflect"),
    *("pixel_unshuffle 2", "upsample 2", "upsample 2 bilinear", "glu"),
)  # fmt: skip
RECURRENT = ("lstm 3 bias=two", "gru 2 bias=two", "rnn 3 bias=two", "gru 3 nobias bidirectional")


def branches(rng: random.Random, shape: tuple[int, ...], names: list[str]) -> Any:
    """Where paths meet, two or three of them."""
    c, parts = shape[0], list[Any](["identity"])
    for _ in range(rng.randint(1, 2)):
        which = rng.randrange(5)
        if which == 0 and names:
            parts.append({"from": rng.choice(names)})
        elif which == 1 and len(shape) > 1:
            parts.append(["global_avgpool", f"conv {c} k1", "sigmoid"])
        elif which == 2:
            parts.append(rng.choice(("relu", "sigmoid", "batchnorm", "tanh", "identity", "scale")))
        elif len(shape) == 1:
            parts.append(f"dense {c}")
        else:
            parts.append({"conv": {"filters": c, "kernel": rng.choice((1, 3)), "padding": "same"}})
    rng.shuffle(parts)
    return {rng.choice(("add", "multiply", "maximum", "mean", "concat")): parts}


def window(rng: random.Random, shape: tuple[int, ...]) -> Any:
    """A convolution, perhaps in groups, the other way round, or frozen."""
    c, kernel, stride = shape[0], rng.randint(1, 3), rng.randint(1, 2)
    if rng.random() < 0.2:
        return {"depthwise": {"kernel": kernel, "stride": stride, "multiplier": rng.randint(1, 2)}}
    groups = rng.choice([g for g in (1, 1, 1, 2, 3, c) if c % g == 0])
    options = {
        "filters": groups * rng.randint(1, 4),
        "kernel": kernel,
        "stride": stride,
        "padding": rng.randint(0, 1),
        "groups": groups,
        "bias": rng.random() < 0.6,
    }
    if rng.random() < 0.1:
        options["frozen"] = True
    return {"transposed_conv" if rng.random() < 0.25 else "conv": options}


def step(rng: random.Random, shape: tuple[int, ...], names: list[str]) -> Any:
    """Any step that might fit behind a map or a vector."""
    draw = rng.random()
    if draw < 0.3:
        return rng.choice(ACTIVATIONS)
    if draw < 0.45:
        return branches(rng, shape, names)
    if len(shape) == 1:
        return rng.choice(ON_VECTORS)
    if draw < 0.58:
        return rng.choice(MOVES)
    if draw < 0.7:
        return rng.choice(POOLS)
    if len(shape) == 2 and draw < 0.75:
        return rng.choice(RECURRENT)
    return window(rng, shape)


def random_modules(seed: int, steps: int = 8) -> str:
    """The text of a spec with at most so many steps."""
    rng = random.Random(seed)
    rank = rng.choice((0, 1, 2, 2, 2, 3))
    current = (rng.choice((2, 3, 4, 6)), *(rng.randint(4, 9) for _ in range(rank)))
    top = {"input": "x".join(map(str, current))}
    found: list[Any] = []
    for _ in range(rng.randint(2, steps)):
        for _attempt in range(4):
            named = {f"n{len(found)}": step(rng, current, [name for one in found for name in one])}
            try:
                graph = cnncalc.load(as_text(top, [*found, named]))
            except cnncalc.CnncalcError:
                continue
            if all(facts.output for facts in graph.facts):
                found.append(named)
                current = graph.facts[-1].output
                break
    return as_text(top, found)


def as_text(top: dict[str, str], layers: list[Any]) -> str:
    return write_yaml({**top, "layers": layers}, default_flow_style=None, width=10_000)
