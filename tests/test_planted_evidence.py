"""The verifier is verified: a fault planted in a claim or in the reference must differ from the other side.

`test_planted_faults.py` plants faults in the claims and asks the cases; here nothing but running the network asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import cnncalc
from cnncalc import analysis, reference
from cnncalc.analysis.fields import state, steps
from cnncalc.layers import activation, conv, dense, merge, normalisation, pooling, recurrent, resampling, sliding
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.layers.windows import Window
from cnncalc.reference import base as slide
from cnncalc.reference import conv as conv_reference
from cnncalc.reference import pooling as pooling_reference
from cnncalc.reference.base import REFERENCES, Array, Reference, Slide

Plant = Callable[[pytest.MonkeyPatch], None]


def claim(layer: type[Layer], name: str, value: Callable[[Any, Facts, Shape], Any]) -> Plant:
    """A fault in one fact that a kind claims."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = layer.facts

        def wrong(self: Any, *shapes: Shape) -> Facts:
            facts = honest(self, *shapes)
            setattr(facts, name, value(self, facts, shapes[0]))
            return facts

        patch.setattr(layer, "facts", wrong)

    return plant


def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Plant:
    """A fault in one function, made from the honest one."""
    return lambda patch: patch.setattr(owner, name, make(getattr(owner, name)))


def done(kind: str, **changes: Callable[[Any], Any]) -> Plant:
    """A fault in what a kind's reference does: its forward or its weights, made from the honest ones."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest: Reference = reference.find_reference(kind)
        made = {name: make(getattr(honest, name)) for name, make in changes.items()}
        patch.setitem(REFERENCES, kind, honest._replace(**made))

    return plant


def slid(change: Callable[[Slide], Slide]) -> Plant:
    """A fault in how windows are slid in the reference."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for module in (conv_reference, pooling_reference):
            patch.setattr(module, "slides", lambda layer, size: [change(m) for m in slide.slides(layer, size)])

    return plant


def changed(**options: Any) -> Callable[[Any], Any]:
    """A forward pass that takes an option for another one."""
    return lambda honest: lambda layer, w, *xs: honest(layer.replace(**options), w, *xs)


def once_more(name: str) -> Callable[[Any], Any]:
    """Weights that hold one array twice."""
    return lambda honest: lambda layer, *xs: {**honest(layer, *xs), "again": honest(layer, *xs)[name]}


def moved(value: Any, **changes: str) -> Any:
    """Weights that are stored as something else."""
    return {name: weight._replace(stored=changes.get(name, weight.stored)) for name, weight in value.items()}


def fewer_gates(honest: Any) -> Any:
    def weights(layer: Any, *xs: Shape) -> Mapping[str, Any]:
        return {name: weight for name, weight in honest(layer, *xs).items() if not name.startswith("o_")}

    return weights


def unshared(patch: pytest.MonkeyPatch) -> None:
    """Weights that are shared, counted with every layer that uses them."""
    honest = analysis.analyze_graph

    def forgetful(graph: Any, settings: Any) -> Any:
        nodes = tuple(node._replace(weights_of=None) for node in graph.nodes)
        own = cnncalc.Graph(name="", inputs=graph.inputs, nodes=nodes, outputs=graph.outputs, groups=graph.groups)
        return honest(own, settings)

    patch.setattr("cnncalc.evidence.analyze_graph", forgetful)


def adding_biases_of_zero(honest: Any) -> Any:
    return lambda y, w: y


SHARED = "inputs: {a: 1x9, b: 1x9}\nlayers: ["
SHARED += "{l: {from: a, layers: [conv 2 k3]}}, {r: {from: b, layers: [conv 2 k3], weights: l}}]"
PEAK = "1x8x8; {residual: [conv 4 k3 p1 relu, conv 1 k1]}"
TABLE = "4x9x7; {conv: 3, kernel: 3, table: [[0, 1], [2], [1, 3]]}"

# In a claim: the spec, and the quantities of which one must differ.
IN_CLAIMS: dict[str, tuple[Plant, str, str]] = {
    "ceil for floor": (
        replaced(Window, "positions", lambda honest: lambda w, n: honest(w._replace(ceil=True), n)),
        "1x9x8; maxpool k2", "output",
    ),
    "floor for ceil": (
        replaced(Window, "positions", lambda honest: lambda w, n: honest(w._replace(ceil=False), n)),
        "1x9x8; maxpool k2 ceil", "output",
    ),
    "padding on one side": (
        replaced(Window, "positions", lambda honest: lambda w, n: honest(w._replace(after=0), n)),
        "1x9x8; conv 2 k3 p1", "output",
    ),
    "height and width swapped": (
        replaced(sliding, "per_axis", lambda honest: lambda *a: honest(*a)[::-1]),
        "1x9x8; {conv: 2, kernel: [3, 2]}", "output",
    ),
    "dilation forgotten in the size": (
        replaced(Window, "positions", lambda honest: lambda w, n: honest(w._replace(dilation=1), n)),
        "1x19; conv 2 k3 d2", "output",
    ),
    "groups ignored": (
        replaced(conv.Conv, "maps_read", lambda honest: lambda self, c: c),
        "4x9x7; conv 6 k3 g2", "params",
    ),
    "the table ignored": (
        replaced(
            conv.Conv, "count_stored", lambda honest: lambda self, c, k, b: honest(self.replace(table=None), c, k, b)
        ),
        TABLE, "connections",
    ),
    "bias counted twice": (
        claim(conv.Conv, "params", lambda layer, f, x: f.params + layer.bias * layer.filters),
        "2x9; conv 3 k3", "params",
    ),
    "bias left out of the connections": (
        claim(conv.Conv, "connections", lambda layer, f, x: f.macs), "2x9; conv 3 k3", "connections",
    ),
    "bias counted as a MAC": (
        claim(conv.Conv, "macs", lambda layer, f, x: f.connections), "2x9; conv 3 k3", "macs",
    ),
    "a bias that nobody adds": (
        claim(pooling.Subsample, "work", lambda layer, f, x: {"add": f.work["add"] - f.macs}),
        "2x8x6; subsample 2", "flops",
    ),
    "the mean that does not divide": (
        claim(pooling.AvgPool, "work", lambda layer, f, x: {"add": f.work["add"]}), "2x8x6; avgpool 2", "flops",
    ),
    "softmax without divisions": (
        claim(activation.Softmax, "work", lambda layer, f, x: {k: v for k, v in f.work.items() if k != "divide"}),
        "10; softmax", "flops",
    ),
    "buffers as parameters": (
        claim(normalisation.BatchNorm, "params", lambda layer, f, x: f.params + f.buffers), "5x4; batchnorm", "params",
    ),
    "no buffers at all": (
        claim(normalisation.BatchNorm, "buffers", lambda layer, f, x: 0), "5x4; batchnorm", "buffers",
    ),
    "fixed as trained": (
        claim(dense.RBF, "params", lambda layer, f, x: f.fixed_params), "12; rbf 3", "params",
    ),
    "output padding ignored": (
        replaced(conv, "per_axis",
                 lambda honest: lambda v, size, o: honest((0,) if o == "output_padding" else v, size, o)),
        "2x7; transposed_conv 3 k3 s2 output_padding=1", "output",
    ),
    "a transposed convolution by its output": (
        claim(conv.TransposedConv, "macs", lambda layer, f, x: f.params * f.output[1]),
        "2x7; transposed_conv 3 k3 s2 nobias", "macs",
    ),
    "`same` pads the odd element before": (
        replaced(sliding, "same_padding", lambda honest: lambda *a: honest(*a)[::-1]),
        "1x20; conv 1 k4 same", "rf_start",
    ),
    "concat counted as add": (
        claim(merge.Concat, "output", lambda layer, f, x: x), "2x9; {concat: [identity, conv 2 k3 same]}", "output",
    ),
    "LSTM with three gates": (replaced(recurrent.LSTM, "gates", lambda honest: 3), "3x5; lstm 4", "params"),
    "bidirectional counted once": (
        claim(recurrent.Recurrent, "macs", lambda layer, f, x: f.macs // 2), "3x5; gru 4 bidirectional", "macs",
    ),
    "weights that are shared counted twice": (unshared, SHARED, "params"),
    "peak memory without the inputs": (
        replaced(analysis, "peak_elements", lambda honest: lambda graph: honest(graph) - 64), PEAK,
        "peak_activation_bytes",
    ),
    "stride forgotten in the field": (
        replaced(steps, "slide", lambda honest: lambda f, w: honest(f, w)._replace(span=f.span)),
        "1x40; conv 1 k3 s2; conv 1 k3", "receptive_field",
    ),
    "jump not multiplied": (
        replaced(steps, "slide", lambda honest: lambda f, w: honest(f, w)._replace(span=w.stride)),
        "1x40; maxpool 2; maxpool 3", "jump",
    ),
    "dilation forgotten in the field": (
        replaced(steps, "slide", lambda honest: lambda f, w: honest(f, w._replace(dilation=1))),
        "1x40; conv 1 k3 d3", "receptive_field",
    ),
    "padding forgotten in the start": (
        replaced(steps, "slide", lambda honest: lambda f, w: honest(f, w._replace(before=0))),
        "1x40; conv 1 k3 p1", "rf_start",
    ),
    "the first branch taken for the union": (
        replaced(steps, "union", lambda honest: lambda a, b, one: a),
        "1x40; {add: [identity, conv 1 k5 p2]}", "receptive_field",
    ),
    "phases of an upsampling forgotten": (
        replaced(
            steps, "stretch",
            lambda honest: lambda f, p: honest(f, p._replace(taps=p.taps[:1] * len(p.taps))),
        ),
        "1x40; upsample 3 bilinear; maxpool 3", "receptive_field",
    ),
    "the start of a flattened map": (
        replaced(steps, "flatten", lambda honest: lambda field: honest(field)._replace(start=-3)),
        "1x40; conv 1 k5 p2; flatten", "rf_start",
    ),
    "a norm of one place that ends there": (
        replaced(state.Found, "grows", lambda honest: lambda found, number: False),
        "2x5x4; maxpool 4; groupnorm 1; conv 1 k2 d3 same", "receptive_field",
    ),
    "holes that are forgotten": (
        replaced(steps, "with_holes", lambda honest: lambda united, branch, others: tuple(united)),
        "4x9x9; {mean: [[conv 4 k3 s3, transposed_conv 4 k1 s3 output_padding=2], identity]}; crop 1x0; maxpool 1 s3x1",
        "receptive_field",
    ),
    "flatten sees everything": (
        replaced(steps, "flatten", lambda honest: lambda field: steps.Whole(None)),
        "1x40; conv 1 k3; flatten", "receptive_field",
    ),
    "pooling to a size that is a point": (
        claim(pooling.GlobalPool, "reach", lambda layer, f, x: "pointwise"), "2x9x7; global_avgpool", "receptive_field",
    ),
    "upsampling by one too many": (
        claim(resampling.Upsample, "output", lambda layer, f, x: (x[0], *(n + 1 for n in f.output[1:]))),
        "1x9; upsample 2", "output",
    ),
}  # fmt: skip

EXACTLY: dict[str, tuple[Plant, str, str]] = {
    "taps on padding counted": (
        replaced(conv.Convolution, "on_padding", lambda honest: lambda self, x: (0, 0)), "1x9x7; conv 2 k3 p1", "macs",
    ),
    "what a transposed convolution loses counted": (
        replaced(conv.TransposedConv, "on_padding", lambda honest: lambda self, x: (0, 0)),
        "1x9; transposed_conv 2 k3 p1", "connections",
    ),
    "subsampling on padding counted": (
        replaced(pooling.Subsample, "on_padding", lambda honest: lambda self, x: (0, 0)),
        "2x9; subsample k3 p1", "connections",
    ),
    "padding after a map forgotten": (
        replaced(Window, "taps_on_input", lambda honest: lambda w, n: honest(w, n + w.after)),
        "1x9x7; conv 2 k3 p1", "connections",
    ),
}  # fmt: skip

IN_THE_REFERENCE: dict[str, tuple[Plant, str, str]] = {
    "one window too few": (
        slid(lambda m: m._replace(starts=m.starts[:-1])), "1x9x8; maxpool k2", "output",
    ),
    "windows that start one later": (
        slid(lambda m: m._replace(starts=range(m.starts.start + 1, m.starts.stop, m.starts.step))),
        "1x40; conv 1 k3", "rf_start",
    ),
    "windows without the stride": (
        slid(lambda m: m._replace(starts=range(m.starts[0], m.starts[-1] + 1))), "1x40; conv 1 k3 s2", "output",
    ),
    "taps without the dilation": (
        slid(lambda m: m._replace(taps=range(len(m.taps)))), "1x40; conv 1 k3 d2", "receptive_field",
    ),
    "padding all in front": (
        slid(lambda m: m._replace(before=m.before + m.after, after=0)), "1x40; conv 1 k3 p1", "rf_start",
    ),
    "groups ignored by the weights": (
        done("conv", weights=lambda honest: lambda layer, *xs: honest(layer.replace(groups=1), *xs),
             forward=changed(groups=1)),
        "4x9x7; conv 6 k3 g2", "macs",
    ),
    "a bias that is stored twice": (done("conv", weights=once_more("bias")), "2x9; conv 3 k3", "params"),
    "a bias that is not added": (
        replaced(conv_reference, "add_bias", adding_biases_of_zero),
        "2x9; conv 3 k3", "connections",
    ),
    "statistics that are trained": (
        done("batchnorm", weights=lambda honest: lambda *a: moved(honest(*a), mean="params", variance="params")),
        "5x4; batchnorm", "buffers",
    ),
    "centres that are trained": (
        done("rbf", weights=lambda honest: lambda *a: moved(honest(*a), centres="params")), "12; rbf 3", "fixed_params",
    ),
    "a gate that has no weights": (done("lstm", weights=fewer_gates), "3x5; lstm 4", "output"),  # it cannot be run
    "the other direction forgotten": (
        done("gru", forward=changed(bidirectional=False)), "3x5; gru 4 bidirectional", "output",
    ),
    "a mean that is a sum": (
        done("avgpool", forward=lambda honest: lambda layer, w, x: honest(layer, w, x) * 4),
        "2x8x6; avgpool 2", "flops",
    ),
    "a merge that adds the first branch alone": (
        done("add", forward=lambda honest: lambda layer, w, *xs: honest(layer, w, xs[0], xs[0])),
        "1x40; {add: [identity, conv 1 k5 p2]}", "receptive_field",
    ),
    "a merge that joins where it adds": (
        done("add", forward=lambda honest: lambda layer, w, *xs: np.concatenate(xs, axis=1)),
        "2x9; {add: [identity, relu]}", "output",
    ),
    "phases of an upsampling off by one": (
        done("upsample", forward=lambda honest: lambda layer, w, x: np.take(
            x, [max((o - 1) // 3, 0) for o in range(3 * x.shape[2])], axis=2)),
        "1x40; upsample 3", "rf_start",
    ),
    "a filter that reads no second map": (
        done("conv", forward=lambda honest: lambda layer, w, x: honest(layer.replace(table=None, groups=4, filters=4),
             {"weight": w["weight"][:4, None], "bias": np.zeros(4, dtype=np.float32)}, x)[:, :3]),
        TABLE, "connections",
    ),
    "a cut on one side alone": (
        replaced(conv_reference, "borders",
                 lambda honest: lambda *a: [(before, 0) for before, _ in honest(*a)]),
        "2x7; transposed_conv 3 k3 s2 p1", "output",
    ),
    "a map turned on its side": (
        done("relu", forward=lambda honest: lambda layer, w, x: honest(layer, w, x).swapaxes(-1, -2)),
        "1x9x8; relu", "output",
    ),
    "an exponential too many": (
        done("sigmoid", forward=lambda honest: lambda layer, w, x: honest(layer, w, np.exp(x))), "10; sigmoid", "flops",
    ),
}  # fmt: skip

ALL = {
    **{f"claim: {name}": (*row, False) for name, row in IN_CLAIMS.items()},
    **{f"claim, on real input: {name}": (*row, True) for name, row in EXACTLY.items()},
    **{f"reference: {name}": (*row, False) for name, row in IN_THE_REFERENCE.items()},
}


@pytest.mark.parametrize(("plant", "spec", "quantity", "exact"), ALL.values(), ids=ALL)
def test_a_planted_fault_differs(
    plant: Plant, spec: str, quantity: str, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cnncalc.verify(cnncalc.load(spec), exact_padding=exact).holds  # nothing is wrong before
    plant(monkeypatch)
    found = cnncalc.verify(cnncalc.load(spec), exact_padding=exact)
    failed = ("not measured",) if found.failure else ()  # what cannot be run is not measured, and does not hold
    assert not found.holds
    assert quantity in {check.quantity for check in found.checks if check.verdict in ("differs", *failed)}


def misread(honest: Callable[..., Array]) -> Callable[..., Array]:
    return lambda layer, w, *xs: honest(layer.replace(padding=((1, 1),)), w, *xs)


def test_an_option_that_both_sides_misread_is_seen_by_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/evidence.md says why: golden values and frameworks are there for these."""
    honest = conv.Conv.facts
    monkeypatch.setattr(conv.Conv, "facts", lambda self, x: honest(self.replace(padding=((1, 1),)), x))
    done("conv", forward=misread)(monkeypatch)
    assert cnncalc.verify(cnncalc.load("1x9x7; conv 2 k3")).holds
    assert cnncalc.analyze("1x9x7; conv 2 k3")["conv1"].output == (2, 9, 7)  # it should be 2x7x5
