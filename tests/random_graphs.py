"""Random small graphs from a number: every kind with its options, branches that begin anywhere, any order of steps.

`random_graph(seed)` gives the text of a spec that fits together; the same number gives the same one. Wilder than
random_specs.py: places on flattened maps, parts of vectors, maps of one unit, padding that repeats the map.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from cases import write_yaml

import cnncalc

MOST_MACS = 300_000
SIZES = {0: (2, 12), 1: (3, 11), 2: (3, 10), 3: (2, 6)}  # of an axis, by the number of axes
POOLS = ("maxpool", "avgpool", "lppool", "subsample")
POINTWISE = ("relu", "sigmoid", "scale", "shift", "rescale", "dropout", "prelu", "batchnorm", "tanh", "celu")
NORMS = ("layernorm", "groupnorm 1", "instancenorm", "lrn 3", "softmax", "groupnorm 2")
ON_VECTORS = ("dense 3", "dense 4 maxout 2", "split 2 part=1", "split 3 part=1", "slice 1:end", "rbf 3", "hopfield",
              "gaussian_rbf 2", "maxout 2", "softmax", "dense 2 nobias", "channel_shuffle 2", "lrn 3")  # fmt: skip


def several(rng: random.Random, rank: int, low: int, high: int) -> list[int]:
    """One number for all axes, or one for each."""
    return [rng.randint(low, high) for _ in range(rank if rng.random() < 0.6 else 1)]


def sides(rng: random.Random, rank: int, most: int) -> Any:
    """Padding: none, `same`, alike on both sides or not."""
    kind = rng.randrange(4)
    if kind < 2:
        return 0 if kind else "same"
    return (
        several(rng, rank, 0, most)
        if kind == 2
        else [[rng.randint(0, most), rng.randint(0, most)] for _ in range(rank)]
    )


def window(rng: random.Random, shape: tuple[int, ...]) -> Any:
    """A layer that slides a window, or takes its steps back."""
    rank, c = len(shape) - 1, shape[0]
    kind = rng.choice(("conv", "conv", "depthwise", "local", "transposed_conv", "transposed_conv", *POOLS, "blurpool"))
    if kind == "blurpool":
        return f"blurpool {rng.randint(2, 4)} s{rng.randint(1, 3)}"
    options: dict[str, Any] = {"kernel": several(rng, rank, 1, 4), "stride": several(rng, rank, 1, 3)}
    options["dilation"] = several(rng, rank, 1, 3)
    options["padding"] = sides(rng, rank, 1 if kind in POOLS else 3)
    groups = rng.choice([g for g in (1, 1, 2, 3, c) if c % g == 0])
    if kind in POOLS:
        options["rounding"] = rng.choice(("floor", "ceil"))
    elif kind == "depthwise":
        options["multiplier"] = rng.randint(1, 2)
    else:
        options["filters"] = groups * rng.randint(1, 3) if kind != "local" else rng.randint(1, 2)
        options["bias"] = rng.random() < 0.7
        if kind != "local":
            options["groups"] = groups
    if kind == "conv" and groups == 1 and rng.random() < 0.2:
        options["table"] = [sorted(rng.sample(range(c), rng.randint(1, c))) for _ in range(options["filters"])]
        del options["groups"]
    return {kind: options}


def moving(rng: random.Random, shape: tuple[int, ...]) -> Any:
    """A layer that moves, leaves out or repeats elements."""
    rank = len(shape) - 1
    letters = {1: ("l",), 2: ("h", "w"), 3: ("d", "h", "w")}[rank]
    mode = rng.choice(("constant", "reflect", "replicate", "circular"))
    last = rng.randint(1, shape[1])
    return rng.choice((
        {"pad": {"padding": [[rng.randint(0, 3), rng.randint(0, 3)] for _ in range(rank)], "mode": mode}},
        {"crop": {"cropping": [[rng.randint(0, 2), rng.randint(0, 2)] for _ in range(rank)]}},
        {"upsample": {"factor": several(rng, rank, 1, 3), "mode": rng.choice(("nearest", "bilinear", "bicubic"))}},
        {"slice": {"range": f"{rng.randint(0, 2)}:{last}", "axis": letters[0]}},
        {"slice": {"range": "1:end"}}, f"split 2 part={rng.randrange(2)}", "pixel_shuffle 2", "pixel_unshuffle 2",
        "channel_shuffle 2", "channel_shuffle 3", f"adaptive_avgpool {rng.randint(1, 4)}",
        {"adaptive_maxpool": {"size": several(rng, rank, 1, 4)}}, "global_avgpool",
        f"permute {','.join(map(str, rng.sample(range(rank + 1), rank + 1)))}",
    ))  # fmt: skip


def branches(rng: random.Random, shape: tuple[int, ...], names: list[str]) -> Any:
    """Where paths meet: element by element, or one behind the other."""
    kind = rng.choice(("add", "multiply", "maximum", "mean", "concat", "concat"))
    parts: list[Any] = ["identity"]
    for _ in range(rng.randint(1, 2)):
        which = rng.randrange(4)
        if which == 0 and names:
            parts.append({"from": rng.choice(names)})
        elif which == 1 and len(shape) > 1:
            parts.append(["global_avgpool", f"conv {shape[0]} k1"])
        elif len(shape) == 1:
            parts.append(f"dense {shape[0] if kind != 'concat' else rng.randint(1, 3)}")
        else:
            filters = shape[0] if kind != "concat" else rng.randint(1, 3)
            parts.append({"conv": {"filters": filters, "kernel": rng.choice((1, 3)), "padding": "same"}})
    rng.shuffle(parts)
    return {kind: parts}


def step(rng: random.Random, shape: tuple[int, ...], names: list[str]) -> Any:
    """Any step that might fit behind a map or a vector."""
    draw = rng.random()
    if draw < 0.15:
        return rng.choice(POINTWISE + NORMS)
    if draw < 0.3:
        return branches(rng, shape, names)
    if len(shape) == 1:
        return rng.choice(ON_VECTORS)
    if len(shape) > 4 or draw < 0.38:
        return rng.choice(("flatten", "dense 3", "reshape -1", f"reshape {shape[0]}x-1", "dense 4"))
    if draw < 0.42 and len(shape) == 2:
        return rng.choice(("lstm 2", "gru 2 last", "rnn 3 bidirectional", "mgu 2"))
    return window(rng, shape) if draw < 0.72 else moving(rng, shape)


def random_graph(seed: int, steps: int = 7) -> str:
    """The text of a spec with at most so many steps."""
    rng = random.Random(seed)
    rank = rng.choice((0, 1, 1, 2, 2, 2, 3))
    shape = "x".join(map(str, [rng.choice((1, 2, 3, 4, 6)), *(rng.randint(*SIZES[rank]) for _ in range(rank))]))
    if rank == 0:
        shape = str(rng.randint(*SIZES[0]))
    several_inputs = rng.random() < 0.15
    top: dict[str, Any] = {"inputs": {"a": shape, "b": shape}} if several_inputs else {"input": shape}
    found: list[Any] = []
    names = ["a", "b"] if several_inputs else []
    current = tuple(map(int, shape.split("x")))
    for _ in range(rng.randint(2, steps)):
        for _attempt in range(4):
            named = {f"n{len(found)}": step(rng, current, names)}
            text = write_yaml({**top, "layers": [*found, named]}, default_flow_style=None, width=10_000)
            shown = fitting(text)
            if shown is not None:
                found.append(named)
                names.append(next(iter(named)))
                current = shown
                break
    return write_yaml({**top, "layers": found}, default_flow_style=None, width=10_000)


def fitting(text: str) -> tuple[int, ...] | None:
    """The shape of the last layer, if the spec fits together and is not too much work."""
    try:
        graph = cnncalc.load(text)
    except cnncalc.CnncalcError:
        return None
    if sum(facts.macs or 0 for facts in graph.facts) > MOST_MACS or not all(facts.output for facts in graph.facts):
        return None
    return graph.facts[-1].output


def disagreements(seeds: range, check: Callable[[str], list[str]]) -> list[str]:
    """What `check` has to say of the graphs of these numbers, each with its number and its text."""
    found = []
    for seed in seeds:
        text = random_graph(seed)
        found += [f"seed {seed}: {line}\n{text}" for line in check(text)]
    return found
