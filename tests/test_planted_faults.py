"""The tests are tested: a wrong rule planted in the claims must make some case come out wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import pytest
from cases import FOLDER, differences, load_cases

import cnncalc
from cnncalc.analysis import memory
from cnncalc.analysis.fields import steps
from cnncalc.layers import activation, conv, dense, merge, normalisation, pooling, sliding
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.layers.windows import Window

# The first of every file, then the second of each: whatever a fault is in, a case of it is near. Most faults are found
# in a layer; whole networks take longer.
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
CASES = [case for of in zip_longest(*map(load_cases, FILES)) for case in of]
CASES = sorted(filter(None, CASES), key=lambda case: "network" in case)
Change = Callable[[pytest.MonkeyPatch], None]


def facts_changed(layer: type[Layer], change: Callable[[Any, Facts, Shape], None]) -> Change:
    """A fault in what one kind claims."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = layer.facts

        def wrong(self: Any, *shapes: Shape) -> Facts:
            facts = honest(self, *shapes)
            change(self, facts, shapes[0])
            return facts

        patch.setattr(layer, "facts", wrong)

    return plant


def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Change:
    """A fault in one function, made from the honest one."""
    return lambda patch: patch.setattr(owner, name, make(getattr(owner, name)))


def set_fact(name: str, value: Callable[[Any, Facts, Shape], Any]) -> Callable[[Any, Facts, Shape], None]:
    return lambda layer, facts, x: setattr(facts, name, value(layer, facts, x))


def one_sided(positions: Callable[[Window, int], int]) -> Callable[[Window, int], int]:
    return lambda w, n: positions(w._replace(after=min(w.after, 0)), n)


FAULTS: dict[str, Change] = {
    "ceil for floor": replaced(Window, "positions", lambda honest: lambda w, n: honest(w._replace(ceil=True), n)),
    "floor for ceil": replaced(Window, "positions", lambda honest: lambda w, n: honest(w._replace(ceil=False), n)),
    "one position too few": replaced(Window, "positions", lambda honest: lambda w, n: max(1, honest(w, n) - 1)),
    "stride forgotten in the size": replaced(
        Window, "positions", lambda honest: lambda w, n: honest(w._replace(stride=1), n)
    ),
    "dilation forgotten in the size": replaced(
        Window, "positions", lambda honest: lambda w, n: honest(w._replace(dilation=1), n)
    ),
    "padding on one side": replaced(Window, "positions", one_sided),
    "height and width swapped": replaced(sliding, "per_axis", lambda honest: lambda *a: honest(*a)[::-1]),
    "same pads the odd element before": replaced(sliding, "same_padding", lambda honest: lambda *a: honest(*a)[::-1]),
    "groups ignored": replaced(conv.Conv, "maps_read", lambda honest: lambda self, c: c),
    "the table ignored": replaced(
        conv.Conv, "count_stored", lambda honest: lambda self, c, k, b: honest(self.replace(table=None), c, k, b)
    ),
    "bias counted twice": facts_changed(
        conv.Conv, set_fact("params", lambda layer, facts, x: facts.params + layer.bias * layer.filters)
    ),
    "the groups of a deformable convolution ignored": replaced(
        conv.DeformableConv, "maps_read", lambda honest: lambda self, c: c
    ),
    "one set of offsets, however many there are": replaced(
        conv.DeformableConv, "count_sets", lambda honest: lambda self, c, k, o, p: min(1, honest(self, c, k, o, p))
    ),
    "reading between elements for nothing": facts_changed(
        conv.DeformableConv, set_fact("work", lambda layer, facts, x: {})
    ),
    "one bias for a whole layer": facts_changed(
        dense.Dense, set_fact("params", lambda layer, facts, x: layer.units * x[0] + layer.bias)
    ),
    "bias counted as a MAC": facts_changed(conv.Conv, set_fact("macs", lambda layer, facts, x: facts.connections)),
    "bias left out of the connections": facts_changed(
        conv.Conv, set_fact("connections", lambda layer, facts, x: facts.macs)
    ),
    "the multiplier forgotten": replaced(conv.Depthwise, "filters_on", lambda honest: lambda self, c: c),
    "transposed convolution without its groups": facts_changed(
        conv.TransposedConv, set_fact("params", lambda layer, facts, x: facts.params * layer.groups)
    ),
    "subsampling as a convolution": facts_changed(
        pooling.Subsample, set_fact("params", lambda layer, facts, x: 5 * x[0])
    ),
    "connections as parameters times positions": facts_changed(
        pooling.Subsample, set_fact("connections", lambda layer, facts, x: facts.params * facts.output[1] ** 2)
    ),
    "RBF centres trained": facts_changed(dense.RBF, set_fact("params", lambda layer, facts, x: facts.fixed_params)),
    "buffers as parameters": facts_changed(
        normalisation.BatchNorm, set_fact("params", lambda layer, facts, x: facts.params + facts.buffers)
    ),
    "concat counted as add": facts_changed(merge.Concat, set_fact("output", lambda layer, facts, x: x)),
    "a bias counted twice in the operations": facts_changed(
        conv.TransposedConv, set_fact("work", lambda layer, facts, x: {"add": 2 * sum(facts.work.values())})
    ),
    "an activation that costs nothing": facts_changed(
        activation.Activation, set_fact("work", lambda layer, facts, x: {})
    ),
    "padding counted although it is to be left out": replaced(
        conv.Convolution, "on_padding", lambda honest: lambda self, x: (0, 0)
    ),
    "what a transposed convolution loses, forgotten": replaced(
        conv.TransposedConv, "on_padding", lambda honest: lambda self, x: (0, 0)
    ),
    "stride forgotten in the field": replaced(
        steps, "slide", lambda honest: lambda f, w: honest(f, w)._replace(span=f.span)
    ),
    "dilation forgotten in the field": replaced(
        steps, "slide", lambda honest: lambda f, w: honest(f, w._replace(dilation=1))
    ),
    "padding forgotten in the start": replaced(
        steps, "slide", lambda honest: lambda f, w: honest(f, w._replace(before=0))
    ),
    "the first branch taken for the union": replaced(steps, "union", lambda honest: lambda a, b, one: a),
    "phases forgotten": replaced(
        steps, "stretch", lambda honest: lambda f, p: honest(f, p._replace(taps=p.taps[:1] * len(p.taps)))
    ),
}


def is_wrong(case: dict[str, Any]) -> bool:
    """Whether a case comes out wrong, or breaks."""
    try:
        return bool(differences(case))
    except (cnncalc.CnncalcError, ArithmeticError, TypeError, ValueError):
        return True


def test_nothing_is_wrong_before_a_fault_is_planted() -> None:
    """The first cases of the files; of all others tests/test_cases.py says so, and below each that caught a fault."""
    assert [case["case"] for case in CASES[: len(FILES)] if is_wrong(case)] == []


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(plant: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    caught = next(filter(is_wrong, CASES), None)
    assert caught is not None
    monkeypatch.undo()
    assert not is_wrong(caught)


def test_a_peak_without_the_skip_is_caught() -> None:
    """Memory has cases of its own: without lifetimes the peak of a residual is too small."""
    net = "1x8x8; {residual: [conv 4 k3 p1 relu, conv 1 k1]}"
    honest = cnncalc.load(net)
    chain = honest.nodes[-1]._replace(reads=honest.nodes[-1].reads[:1])
    assert memory.peak_elements(honest) == 64 + 256 + 256
    forgetful = cnncalc.Graph(
        name="",
        inputs=honest.inputs,
        nodes=(*honest.nodes[:-1], chain),
        outputs=honest.outputs,
        groups={},
        facts=honest.facts,
    )
    assert memory.peak_elements(forgetful) < 64 + 256 + 256
