"""Random small networks, as hypothesis draws them: every step that fits is kept, one that does not is left out."""

from __future__ import annotations

from typing import Any

from cases import write_yaml
from hypothesis import strategies as st

import cnncalc
from cnncalc.graph import Graph

Step = dict[str, Any]
Draw = st.DrawFn
SIZES = {1: (5, 40), 2: (4, 14), 3: (2, 6)}  # of an axis, by the number of axes


class Growing:
    """A spec that grows step by step; what enters the next step is known."""

    def __init__(self, draw: Draw, inputs: dict[str, tuple[int, ...]]) -> None:
        self.draw = draw
        self.inputs = inputs
        self.layers: list[Step] = []
        self.graph: Graph | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        if self.graph is None:
            return next(iter(self.inputs.values()))
        return self.graph.facts[-1].output

    def spec(self, layers: list[Step]) -> str:
        sizes = {name: "x".join(map(str, shape)) for name, shape in self.inputs.items()}
        top = {"input": sizes["input"]} if len(sizes) == 1 else {"inputs": sizes}
        return write_yaml({**top, "layers": layers}, default_flow_style=None, width=10_000)

    def add(self, step: Any, **beside: Any) -> bool:
        """Whether the step fits; its name is L and a number."""
        named = {f"L{len(self.layers)}": {**step, **beside} if isinstance(step, dict) else step}
        try:
            graph = cnncalc.load(self.spec([*self.layers, named]))
        except cnncalc.CnncalcError:
            return False
        if sum(facts.macs or 0 for facts in graph.facts) > 2_000_000:
            return False
        self.layers.append(named)
        self.graph = graph
        return True


def per_axis(draw: Draw, rank: int, low: int, high: int) -> list[int]:
    """One value for all axes, or one for each."""
    if draw(st.booleans()):
        return [draw(st.integers(low, high))]
    return [draw(st.integers(low, high)) for _ in range(rank)]


def sides(draw: Draw, rank: int, most: int) -> Any:
    """Padding: the same on both sides, or not; now and then `same`."""
    which = draw(st.sampled_from(("none", "same", "even", "odd", "odd")))
    if which == "none":
        return 0
    if which == "same":
        return "same"
    if which == "even":
        return per_axis(draw, rank, 0, most)
    return [[draw(st.integers(0, most)), draw(st.integers(0, most))] for _ in range(rank)]


def sliding(draw: Draw, shape: tuple[int, ...]) -> Step:
    """A layer that slides a window."""
    rank = len(shape) - 1
    kind = draw(
        st.sampled_from(("conv", "conv", "depthwise", "local", "maxpool", "avgpool", "lppool", "subsample", "tconv"))
    )
    options: Step = {"kernel": per_axis(draw, rank, 1, 4), "stride": per_axis(draw, rank, 1, 3)}
    options["dilation"] = per_axis(draw, rank, 1, 3)
    pooling = kind in ("maxpool", "avgpool", "lppool", "subsample")
    options["padding"] = sides(draw, rank, 1 if pooling else 4)
    if pooling:
        options["rounding"] = draw(st.sampled_from(("floor", "ceil")))
        if draw(st.booleans()):
            del options["stride"]
    else:
        options["bias"] = draw(st.booleans())
    if kind == "avgpool":
        options["count_include_pad"] = draw(st.booleans())
    if kind == "conv":
        options["groups"] = draw(st.sampled_from([g for g in (1, 1, 2, 3) if shape[0] % g == 0]))
        options["filters"] = options["groups"] * draw(st.integers(1, 3))
        if draw(st.integers(0, 5)) == 0:
            options["bias"] = "per_unit"
        if options["groups"] == 1 and draw(st.integers(0, 5)) == 0:
            maps = st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=shape[0], unique=True)
            options["table"] = [sorted(draw(maps)) for _ in range(options["filters"])]
    elif kind == "local":
        options["filters"] = draw(st.integers(1, 2))
    elif kind == "depthwise":
        options["multiplier"] = draw(st.integers(1, 2))
    elif kind == "tconv":
        options["groups"] = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]))
        options["filters"] = options["groups"] * draw(st.integers(1, 2))
        options["output_padding"] = per_axis(draw, rank, 0, draw(st.integers(0, 2)))
        return {"transposed_conv": options}
    return {kind: options}


def moving(draw: Draw, shape: tuple[int, ...]) -> Any:
    """A layer that moves, copies or normalises values, or works on each by itself."""
    rank = len(shape) - 1
    return draw(
        st.sampled_from(
            (
                f"upsample {draw(st.integers(1, 3))} {draw(st.sampled_from(('nearest', 'bilinear', 'bicubic')))}",
                {"upsample": {"factor": per_axis(draw, rank, 1, 3)}},
                {
                    "pad": {
                        "padding": [[draw(st.integers(0, 3)), draw(st.integers(0, 3))] for _ in range(rank)],
                        "mode": draw(st.sampled_from(("constant", "reflect", "replicate", "circular"))),
                    }
                },
                {"crop": {"cropping": [[draw(st.integers(0, 1)), draw(st.integers(0, 2))] for _ in range(rank)]}},
                {"crop": {"size": [max(1, n - draw(st.integers(0, 3))) for n in shape[1:]]}},
                f"adaptive_avgpool {draw(st.integers(1, 3))}",
                "pixel_unshuffle 2",
                "pixel_shuffle 2",
                "channel_shuffle 2",
                f"split 2 part={draw(st.integers(0, 1))}",
                {"slice": {"range": f"{draw(st.integers(0, 2))}:end"}},
                {"slice": {"range": "1:end", "axis": {1: "l", 2: "w", 3: "d"}[rank]}},
                f"permute {','.join(map(str, (0, *reversed(range(1, rank + 1)))))}",
                draw(st.sampled_from(("relu", "sigmoid", "gelu", "mish", "prelu", "maxout 2", "glu", "softmax"))),
                draw(st.sampled_from(("batchnorm", "layernorm", "groupnorm 2", "instancenorm affine=true", "lrn 3"))),
            )
        )
    )


def keeping(draw: Draw, shape: tuple[int, ...], channels: int) -> list[Any]:
    """Steps that keep the size: a convolution padded for it, on one side or both; down and up again; a gate."""
    rank = len(shape) - 1
    which = draw(st.sampled_from(("conv", "conv", "chain", "up", "down", "gate")))
    if which == "gate":
        return ["global_avgpool", f"conv {channels} k1", "sigmoid"]
    if which == "up":
        factor = draw(st.integers(2, 3))
        mode = draw(st.sampled_from(("nearest", "bilinear")))
        kernel, before = factor + draw(st.integers(0, 2)), draw(st.integers(0, 1))
        back = {"kernel": kernel, "stride": factor, "padding": [[before, kernel - factor - before]] * rank}
        return [f"upsample {factor} {mode}", {"conv": {"filters": channels, **back}}]
    if which == "down":
        factor = draw(st.integers(2, 3))
        return [
            {"conv": {"filters": channels, "kernel": factor, "stride": factor, "padding": "same"}},
            {"transposed_conv": {"filters": channels, "kernel": factor + 1, "stride": factor, "padding": "same"}},
            {"crop": {"size": list(shape[1:])}},
        ]
    steps = []
    for _ in range(1 if which == "conv" else 2):
        kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        before = draw(st.integers(0, dilation * (kernel - 1)))
        padding = [[before, dilation * (kernel - 1) - before]] * rank
        steps.append({"conv": {"filters": channels, "kernel": kernel, "dilation": dilation, "padding": padding}})
    return steps


def merge(draw: Draw, net: Growing) -> Step:
    """Branches that meet; now and then one from further back, or the input itself."""
    shape = net.shape
    kind = draw(st.sampled_from(("add", "add", "multiply", "maximum", "mean", "concat", "residual")))
    if kind == "residual":
        return {"residual": keeping(draw, shape, shape[0])}
    branches: list[Any] = [keeping(draw, shape, shape[0]) for _ in range(draw(st.integers(1, 2)))]
    other = draw(st.sampled_from(("identity", "from", "steps")))
    if other == "from" and net.layers:
        name = draw(st.sampled_from([next(iter(step)) for step in net.layers]))
        branches.append({"from": name})
    elif other == "steps" and kind == "concat":
        branches.append(keeping(draw, shape, draw(st.integers(1, 3))))
    else:
        branches.append("identity")
    if draw(st.booleans()):
        branches.reverse()
    return {kind: branches}


def ending(draw: Draw, shape: tuple[int, ...]) -> Any:
    """What sees all of the map."""
    ends = ["global_maxpool", "global_avgpool", "adaptive_maxpool 2", "dense 3", "dense 2 nobias", "flatten", "rbf 2"]
    if len(shape) == 2:
        ends += ["lstm 2", "gru 2 last", "mgu 2 bidirectional", "rnn 3 nobias"]
    return draw(st.sampled_from(ends))


def share(draw: Draw, net: Growing) -> None:
    """A convolution once more, with the weights of one that stands there."""
    used = draw(st.sampled_from(net.layers))
    ((name, layer),) = used.items()
    if isinstance(layer, dict) and "conv" in layer:
        conv = {**layer["conv"], "stride": draw(st.integers(1, 2))}
        if conv.get("bias") != "per_unit":
            net.add({"conv": conv}, weights=layer.get("weights", name))


def grow(draw: Draw, net: Growing) -> None:
    """One step more on maps."""
    which = draw(st.sampled_from(("sliding", "sliding", "moving", "merge", "merge", "shared", "join", "end")))
    if which == "sliding":
        net.add(sliding(draw, net.shape))
    elif which == "moving":
        net.add(moving(draw, net.shape))
    elif which == "merge":
        net.add(merge(draw, net))
    elif which == "join" and "b" in net.inputs:
        net.add({"concat": ["identity", {"from": "b"}]})
    elif which == "shared" and net.layers:
        share(draw, net)
    elif which == "end" and draw(st.booleans()):
        net.add(ending(draw, net.shape))


def networks(most: int = 5) -> st.SearchStrategy[tuple[str, Graph]]:
    """Specs of a few steps, and their graphs."""

    @st.composite
    def network(draw: Draw) -> tuple[str, Graph]:
        rank = draw(st.integers(1, 3))
        low, high = SIZES[rank]
        size = draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank, unique=True))
        inputs = {"input": (draw(st.integers(1, 4)), *size)}
        if draw(st.integers(0, 5)) == 0:
            inputs = {"a": inputs["input"], "b": inputs["input"]}
        net = Growing(draw, inputs)
        for _ in range(draw(st.integers(1, most))):
            if len(net.shape) != rank + 1:
                net.add(draw(st.sampled_from(("relu", "split 2 part=1", {"slice": {"range": "1:end"}}, "split 2"))))
                continue
            grow(draw, net)
        if net.graph is None:
            net.add({"conv": {"filters": 2, "kernel": 1}})
        assert net.graph is not None
        return net.spec(net.layers), net.graph

    return network()
