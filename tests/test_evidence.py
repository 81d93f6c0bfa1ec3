"""Every claim against its evidence: every kind, every case, every bundled network. Nothing passes silently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from math import prod

import numpy as np
import pytest
from cases import FOLDER, bundled_graph, load_cases, spec_of
from kinds_run import INPUTS, KINDS_RUN, layer_line

import cnncalc
from cnncalc.cli.options import Asked
from cnncalc.evidence import FIELDS, QUANTITIES, Verification
from cnncalc.evidence.fields import sees_all
from cnncalc.evidence.size import smaller
from cnncalc.graph import Graph
from cnncalc.layers import KINDS
from cnncalc.layers.base import WHOLE as ALL_OF_IT
from cnncalc.layers.windows import Listed
from cnncalc.shipped import bundled

FIT, WHOLE, FEW = "the network fits no longer image", "a unit sees the whole axis", "too few units lie in the middle"


def differing(found: Verification) -> list[str]:
    return [
        f"{c.layer or 'total'}.{c.quantity}: claimed {c.claimed}, {c.probe} found {c.measured}"
        for c in found.checks
        if c.verdict == "differs"
    ]


def not_passed(found: Verification) -> set[tuple[str, str, str]]:
    """(verdict, quantity, reason) of what neither holds nor differs, without numbers and names of inputs."""
    return {
        (c.verdict, c.quantity.split(" of ")[0], re.split(r",| of \d+ pixels", c.reason)[0])
        for c in found.checks
        if c.verdict in ("not measured", "not claimed")
    }


def verified(graph: Graph) -> tuple[list[str], set[tuple[str, str, str]]]:
    """What differs and what is not passed, with taps on padding and without."""
    wrong: list[str] = []
    left: set[tuple[str, str, str]] = set()
    for exact, quantities in ((False, QUANTITIES), (True, ("connections", "macs", "flops"))):
        found = cnncalc.verify(graph, exact_padding=exact, quantities=quantities)
        wrong += differing(found)
        left |= not_passed(found)
    return wrong, left


def graphs_of(kind: str) -> Iterable[tuple[str, Graph]]:
    yield from ((spec, cnncalc.load(spec)) for spec in OTHERS.get(kind, ()))
    ranks, many = KINDS_RUN[kind]
    for options in many:
        fitting = 0
        for rank in ranks:
            spec = f"input: {INPUTS[rank]}\nlayers:\n  - {layer_line(kind, options)}\n"
            try:
                yield spec, cnncalc.load(spec)
            except cnncalc.CnncalcError as error:
                if len(ranks) == 1:  # options per axis fit one number of axes
                    raise AssertionError(spec) from error
                continue
            fitting += 1
        assert fitting, f"{kind} {options} fits no input"


NO_PROBE = "no probe counts it"
KEPT = ("not measured", "saved_bytes", NO_PROBE)  # of a layer with a gradient: the reference has no backward pass
INSIDE = ("not measured", "activations", NO_PROBE)  # sums that do not come out
GRADIENTS = ("not measured", "backward_flops", NO_PROBE)  # of distances, and of states joined with what enters
JUMP_OF_WHOLE = ("not measured", "jump", WHOLE)
NO_JUMP = {("not measured", "jump", FIT)}  # at its own size alone
SHORT = {("not measured", "jump", FIT), ("not measured", "rf_start", FIT)}  # a size that is cut out stays as small
MIXED = {("not claimed", "receptive_field", FIT), ("not claimed", "local receptive_field", FIT)}
# How many taps read padding, where values decide.
ON_PADDING = {
    ("not claimed", quantity, reason)
    for quantity in ("connections", "macs", "flops")
    for reason in ("", "1 rows do not claim it")
}
# What one layer of a kind does not claim, or what cannot be measured of it. A kind that is not here or in OF_COSTS may
# leave open what its claims explain: see `explained`.
OF_KINDS: dict[str, set[tuple[str, str, str]]] = {
    # They see a whole axis, or mix axes, and every number of theirs holds all the same.
    **{kind: set() for kind in ("global_avgpool", "global_maxpool", "dense", "rbf", "gaussian_rbf", "hopfield")},
    **{kind: set() for kind in ("resample", "parameter", "concat")},
    "adaptive_avgpool": NO_JUMP,
    "adaptive_maxpool": NO_JUMP,
    "layernorm": {JUMP_OF_WHOLE, ("not claimed", "jump", WHOLE)},
    **{key: {JUMP_OF_WHOLE, ("not claimed", "jump", WHOLE)} for key in ("softmax", "log_softmax")},
    **{
        key: {("not claimed", "jump", WHOLE)}
        for key in ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_norm")
    },
    "attention": {JUMP_OF_WHOLE},
    **dict.fromkeys(("cross_attention", "dot_product_attention", "matmul", "grid_sample", "max_unpool"), MIXED),
    "deformable_conv": MIXED | ON_PADDING,
    **{key: {("not claimed", "jump", FIT)} for key in ("roll", "tile", "take")},
    "crop": NO_JUMP,
    "slice": NO_JUMP,
    "reshape": {("not claimed", "receptive_field", FIT), *NO_JUMP},
    "permute": {("not claimed", "receptive_field", FIT)},
    **{kind: {JUMP_OF_WHOLE} for kind in ("groupnorm", "instancenorm", "add", "multiply", "rnn", "mgu", "gru", "lstm")},
}  # fmt: skip
OF_COSTS: dict[str, set[tuple[str, str, str]]] = {
    "gaussian_rbf": {INSIDE, GRADIENTS},
    **{kind: {INSIDE} for kind in ("subsample", "hopfield", "attention", "cross_attention", "deformable_conv")},
    **{kind: {INSIDE, GRADIENTS} for kind in ("rnn", "mgu", "gru", "lstm")},
}
# Specs that fit one input only.
OTHERS: dict[str, tuple[str, ...]] = {
    "dense": ("12; {dense: {units: 3, table: [[0, 2], [1], [3, 4, 11]]}}",),
    "pixel_unshuffle": ("3x18; pixel_unshuffle 2", "3x14x10; pixel_unshuffle 2", "2x4x6x10; pixel_unshuffle 2"),
}


def explained(graph: Graph) -> set[tuple[str, str]]:
    """(verdict, quantity) that layers of no listed kind leave open because of what they claim to see."""
    found = set()
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        if node.layer.kind in OF_KINDS:  # which says it exactly
            continue
        steps = facts.reach if isinstance(facts.reach, tuple) else (facts.reach,)
        if ALL_OF_IT in steps:  # units that see all of an axis are no steps apart
            found |= {("not claimed", "jump"), ("not measured", "jump")}
        if any(isinstance(step, Listed) for step in steps):  # places that stand at no regular distance
            found |= {("not claimed", "jump")}
        if None in steps:  # values decide, or axes are mixed
            found |= {("not claimed", name) for name in (*FIELDS, "local receptive_field")}
    return found


def test_every_kind_is_run() -> None:
    assert KINDS_RUN.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS_RUN)
def test_a_kind_does_what_it_claims(kind: str) -> None:
    wrong: list[str] = []
    left: set[tuple[str, str, str]] = set()
    claims: set[tuple[str, str]] = set()
    for spec, graph in graphs_of(kind):
        differs, open_ = verified(graph)
        wrong += [f"{spec}: {text}" for text in differs]
        left |= open_
        claims |= explained(graph)
    assert wrong == []
    if kind in OF_KINDS or kind in OF_COSTS:
        assert left - {KEPT} == OF_KINDS.get(kind, set()) | OF_COSTS.get(kind, set())
    else:
        assert {(verdict, name) for verdict, name, _reason in left - {KEPT}} <= claims


@cache
def cases() -> dict[str, list[tuple[str, Graph]]]:
    """Every case that is small enough, once, by its file."""
    known = set()
    found: dict[str, list[tuple[str, Graph]]] = {}
    for name in CASE_FILES:
        for case in load_cases(name):
            graph = cnncalc.load(spec_of(case), set=case.get("set"))
            key = repr((graph.inputs, graph.nodes))
            weights = sum((f.params or 0) + (f.fixed_params or 0) for f in graph.facts)
            if key in known or weights > 2_000_000 or sum(f.macs or 0 for f in graph.facts) > 100_000_000:
                continue
            known.add(key)
            found.setdefault(name, []).append((case["case"], graph))
    return found


CASE_FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
FIELD = ("not claimed", "receptive_field", FIT)  # axes that are mixed
SEES_NOTHING = ("not claimed", "rf_start", "unit 0 sees nothing")
# What the cases of a file leave open: a reason that is not here is one that nobody has looked at.
OF_CASES: dict[str, set[tuple[str, str, str]]] = {
    "attention": {
        FIELD, ("not measured", "receptive_field", FIT), ("not measured", "local receptive_field", FIT), JUMP_OF_WHOLE,
        ("not claimed", "jump", WHOLE), ("not claimed", "jump", FIT),
        ("not claimed", "local receptive_field", FIT),
    },
    "language": {("not measured", "receptive_field", FIT), *SHORT, JUMP_OF_WHOLE},
    "networks": {JUMP_OF_WHOLE},
    "operations": {JUMP_OF_WHOLE},
    "peer_layers": {FIELD, *NO_JUMP, JUMP_OF_WHOLE, ("not claimed", "jump", WHOLE)},
    "receptive_fields": {SEES_NOTHING, *SHORT, JUMP_OF_WHOLE},
    "recurrent": {JUMP_OF_WHOLE},
    "unshared_and_sparse": MIXED | ON_PADDING,
    "shape_kinds": {FIELD, *SHORT, JUMP_OF_WHOLE, ("not claimed", "jump", WHOLE)},
    "torch_layers": {
        ("not measured", "jump", FEW), ("not measured", "rf_start", FEW), SEES_NOTHING, *NO_JUMP, JUMP_OF_WHOLE,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASE_FILES)
def test_every_case_holds_and_what_is_left_open_is_known(name: str) -> None:
    wrong: list[str] = []
    left: set[tuple[str, str, str]] = set()
    claims: set[tuple[str, str]] = set()
    for case, graph in cases()[name]:
        differs, open_ = verified(graph)
        wrong += [f"{case}: {text}" for text in differs]
        left |= open_
        claims |= explained(graph)
    assert wrong == []
    listed = OF_CASES.get(name, set())
    assert listed <= left
    more = left - listed - {KEPT, INSIDE, GRADIENTS}  # those are said kind by kind above
    assert {(verdict, quantity) for verdict, quantity, _reason in more} <= claims


def test_few_cases_are_too_large_to_be_run() -> None:
    assert sum(map(len, cases().values())) > 480


# A million units that read a million pixels each; a quarter of a gigabyte of weights on the one size that fits.
TOO_LARGE = {"example-full-connection", "example-dense-as-conv"}
# Their fields take seconds even of a smaller version: here they are counted alone. `cnncalc verify` holds them in full.
COUNTED = {"hrnet", "densenet121", "inception-v3", "coatnet-0", "maxvit-t", "mobilevit-s", "swin-t"}
# Windows that divide a map leave no choice but this.
SMALLER = {
    "swin-t": ({"window": "2", "dim": "12", "heads": "[1, 1, 2, 2]"}, "3x64x64"),
    "maxvit-t": ({"window": "2", "c": "32"}, "3x64x64"),
}


@pytest.mark.parametrize("name", sorted({*bundled(), "resnet50-v1", "lenet5-modern"} - TOO_LARGE))
def test_a_bundled_network_holds(name: str) -> None:
    """The small ones as they are, the others on a smaller version."""
    graph = bundled_graph(name)
    if name in SMALLER:
        params, size = SMALLER[name]
        graph = cnncalc.load(name, set=params, input=size)
    elif cost(graph) > 10_000_000:
        graph, changed = smaller(graph, lambda *changes: Asked(name, None, *changes).graph(), (), ())
        assert changed
    quantities = [q for q in QUANTITIES if name not in COUNTED or q not in FIELDS]
    found = cnncalc.verify(graph, quantities=quantities)
    assert differing(found) == []
    assert found.count_verdicts()["holds"] > 7 * len(graph.nodes)


def cost(graph: Graph) -> int:
    return sum((f.params or 0) + (f.macs or 0) + prod(f.output) for f in graph.facts)


def test_the_start_of_a_flattened_map_is_measured_beyond_the_border() -> None:
    """Where all units that lie at no border see as many pixels; of two branches that see 3 and 5 it is left open."""
    starts = {}
    for net in (
        "3x8x11; conv 2 k3x5 p1x2; flatten",
        "1x8x8; {concat: [[conv 2 k3 p1, flatten], [conv 2 k5 p2, flatten]]}",
    ):
        last = cnncalc.load(net).nodes[-1].name
        (check,) = (c for c in cnncalc.verify(net).checks if (c.layer, c.quantity) == (last, "rf_start"))
        starts[last] = check.verdict, check.claimed, check.measured
    assert starts["flatten1"] == ("holds", (-1, -2), (-1, -2))
    assert starts["concat1"][0] == "not measured"


@pytest.mark.parametrize(("longest", "whole"), [(49, False), (50, True), (98, True)])
def test_who_sees_most_of_a_long_image_sees_all_of_it(longest: int, whole: bool) -> None:
    """Half of it, or more: strides pass over the ends, and a field that is claimed is not a third as long."""
    low, high = np.array([0.0, 10.0, 0.0]), np.array([1.0, 11.0, longest])
    assert sees_all(low, high, 100) is whole
