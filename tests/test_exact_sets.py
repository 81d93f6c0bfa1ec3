"""What single units see, to the pixel: against sets from another program, against what running gives, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
from element_sets import element_sets
from hypothesis import HealthCheck, assume, given, note, settings
from kinds_run import INPUTS, KINDS_RUN, layer_line
from random_specs import networks
from test_small_networks import NETWORKS, members, spec

import cnncalc
from cnncalc import reference
from cnncalc.analysis.fields.reads import Book
from cnncalc.analysis.fields.sets.hulls import unit_hulls
from cnncalc.analysis.fields.sets.regions import shadows
from cnncalc.analysis.fields.sets.taps import Reader, find_needed
from cnncalc.analysis.fields.sets.units import Patch, unit_field
from cnncalc.graph import Graph


@pytest.mark.parametrize("network", NETWORKS, ids=range(len(NETWORKS)))
def test_sets_and_hulls_of_small_networks_are_those_of_another_program(network: dict[str, Any]) -> None:
    graph = cnncalc.load(spec(network))
    last = graph.nodes[-1].name
    expected = [members(word) for word in network["sees"].split()]
    seen = [unit_field(graph, last, (i,)).inputs for i in range(len(expected))]
    assert [set(patches[0].indices[0]) if patches else set() for patches in seen] == expected
    ((_channels, (ends,)),) = unit_hulls(Book(graph), 0)[-1] or []
    assert [ends.at(i) for i in range(len(expected))] == [(min(s), max(s)) if s else None for s in expected]


def differing(graph: Graph, step: int = 1) -> list[tuple[str, tuple[int, ...]]]:
    """Units of any layer, one of every `step`, whose sets are not what running the network gives."""
    wrong = []
    reader = Reader(graph)
    for source, name in enumerate(graph.inputs):
        shape = graph.inputs[name]
        hulls = unit_hulls(Book(graph), source) if len(shape) > 1 else []
        for i, found in enumerate(element_sets(graph, name)):
            output = graph.facts[i].output
            value = len(graph.inputs) + i
            for unit in list(product(*map(range, output)))[::step]:
                claimed = find_needed(reader, {value: _one(unit)}).get(source)
                mask = Patch(name, shape, claimed, None).mask(channels=True) if claimed else np.zeros(shape, dtype=bool)
                if not (mask == found[(..., *unit)]).all():
                    wrong.append((graph.nodes[i].name, unit))
            if hulls and hulls[value] is not None and len(output) == len(shape):
                wrong += [(graph.nodes[i].name, (axis, o)) for axis, o in wrong_hulls(hulls[value] or [], found)]
    return wrong


def wrong_hulls(hulls: Any, found: Any) -> list[tuple[int, int]]:
    """(axis, place) where the hull over channels and other axes is not that of the sets that were found."""
    rank = found.ndim // 2
    wrong = []
    maps = found.any(axis=0).any(axis=rank - 1)  # of all channels
    for axis in range(1, rank):
        others = tuple(a for a in range(2 * rank - 2) if a not in (axis - 1, rank + axis - 2))
        planes = maps.any(axis=others)  # (pixels, places)
        for place in range(planes.shape[1]):
            pixels = np.flatnonzero(planes[:, place])
            ends = [axes[axis - 1].at(place) for _channels, axes in hulls]
            known = [end for end in ends if end is not None]
            claimed = (min(a for a, _ in known), max(b for _, b in known)) if known else None
            if claimed != ((pixels[0], pixels[-1]) if len(pixels) else None):
                wrong.append((axis, place))
    return wrong


def _one(unit: tuple[int, ...]) -> Any:
    from cnncalc.analysis.fields.sets.regions import product as region

    return region([1 << i for i in unit])


def graphs_of(kind: str) -> Iterator[tuple[int, str, Graph]]:
    """A kind on maps of up to two axes, with every set of options: (axes, options, network)."""
    ranks, options = KINDS_RUN[kind]
    for rank, more in product([r for r in ranks if r < 3], options):
        try:
            yield rank, more, cnncalc.load(f"input: {INPUTS[rank]}\nlayers:\n  - {layer_line(kind, more)}\n")
        except cnncalc.CnncalcError:  # options of another number of axes
            continue


def decided_by_values(graph: Graph) -> bool:
    """Whether the last layer says neither windows nor elements that its units read."""
    node, facts = graph.nodes[-1], graph.facts[-1]
    shapes = [graph.shape(v) for v in node.reads]
    return facts.reach is None and bool(shapes) and node.layer.elements(*shapes) is None


@pytest.mark.parametrize("kind", KINDS_RUN)
def test_every_kind_reads_what_it_says(kind: str) -> None:
    """And what values decide is not known element by element, which is said with the kind's name."""
    ran = 0
    for rank, more, graph in graphs_of(kind):
        if decided_by_values(graph):
            with pytest.raises(cnncalc.CnncalcError, match=kind):
                differing(graph, 131)
        else:
            assert differing(graph, 1 if rank == 0 else 11 if rank == 1 else 131) == [], (rank, more)
        ran += 1
    assert ran


# Kinds without windows that say element by element what they read: they may not fall back to saying nothing.
SAID = {"concat", "cross_attention", "dense", "dot_product_attention", "matmul", "permute", "reshape"}


def test_which_kinds_are_decided_by_values() -> None:
    found = {kind for kind in KINDS_RUN if any(decided_by_values(graph) for *_, graph in graphs_of(kind))}
    assert found >= {"grid_sample", "deformable_conv", "max_unpool"}
    assert found.isdisjoint(SAID)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks())
def test_units_of_random_networks_see_what_running_them_gives(network: tuple[str, Graph]) -> None:
    text, graph = network
    note(text)
    assume(max(map(prod, graph.inputs.values())) * max(prod(f.output) for f in graph.facts) < 4_000_000)
    assert differing(graph, 17) == []


def test_a_cross_is_no_rectangle() -> None:
    """Parallel 1x3 and 3x1 in the last two modules of Inception v3. Source: float64 gradients in PyTorch."""
    patch = cnncalc.receptive_field("inception-v3", "7c/concat1", input="3x2000x2000").inputs[0]
    assert patch.pixels == 1_706_433
    assert patch.hull_pixels == 1311 * 1311
    assert len(patch.boxes) == 5
    assert patch.pixels == sum(prod(b - a + 1 for a, b in box) for box in patch.boxes)


def test_dilation_leaves_holes() -> None:
    """Three times k3 d2: 7 of 13 pixels along each axis; d4 then d1: 9 of 11. Source: PyTorch gradients."""
    patch = cnncalc.receptive_field("1x40x40; conv 1 k3 d2; conv 1 k3 d2; conv 1 k3 d2", "conv3").inputs[0]
    assert patch.pixels == 49
    assert patch.hull_pixels == 169
    assert [len(places) for places in patch.indices] == [7, 7]
    other = cnncalc.receptive_field("1x40; conv 1 k3 d4; conv 1 k3", "conv2").inputs[0]
    assert (other.pixels, other.hull_pixels) == (9, 11)


def test_border_units_see_what_is_left() -> None:
    """Rows of units at the corner and in the middle. Source: torchvision's models, float64 gradients."""
    corner = cnncalc.receptive_field("vgg16", "pool5", (0, 0)).inputs[0]
    assert (corner.hull, corner.unclipped) == (((0, 121),) * 2, ((-90, 121),) * 2)
    middle = cnncalc.receptive_field("alexnet-torchvision", "pool5", (3, 3)).inputs[0]
    assert (middle.hull, middle.unclipped) == (((30, 223),) * 2, ((30, 224),) * 2)
    hole = cnncalc.receptive_field("1x8; conv 1 k3 s2; conv 1 k3 p1", "conv2", (2,)).inputs[0]
    assert (hole.hull, hole.unclipped) == (((2, 6),), ((2, 8),))


def test_channels_are_told_apart() -> None:
    spec = "input: 2x9\nlayers:\n- concat: [identity, conv 2 k3 p1]\n- d: depthwise k3 p1\n- s: split 2 part=1"
    assert [cnncalc.receptive_field(spec, "d", (c, 4)).inputs[0].pixels for c in range(4)] == [3, 3, 5, 5]
    first = cnncalc.receptive_field(spec, "d", (0, 4)).inputs[0]
    assert first.by_channel == [([(0, 0)], 0b111000)]
    assert cnncalc.receptive_field(spec, "s", (4,)).inputs[0].by_channel == [([(0, 1)], 0b1111100)]


def test_gates_count_unless_they_are_left_out() -> None:
    gate = "- multiply: [identity, [global_avgpool, conv 4 k1]]"
    spec = f"input: 4x9x9\nlayers:\n- c: conv 4 k3 p1\n- g: groupnorm 2\n{gate}"
    assert cnncalc.receptive_field(spec, "multiply1", (4, 4)).inputs[0].pixels == 81
    assert cnncalc.receptive_field(spec, "multiply1", (4, 4), local=True).inputs[0].pixels == 9


def test_units_that_see_nothing_and_inputs_that_are_not_reached() -> None:
    assert cnncalc.receptive_field("1x5; transposed_conv 1 k1 s2", "transposed_conv1", (1,)).inputs == ()
    two = "inputs: {a: 1x5, b: 1x5}\nlayers:\n- c: {from: a, layers: [conv 1 k3]}\n- d: {from: b, layers: [conv 1 k3]}"
    assert [patch.source for patch in cnncalc.receptive_field(two, "c", (0,)).inputs] == ["a"]


@pytest.mark.parametrize(
    ("layer", "unit", "said"),
    [
        ("C3", (10, 0), r"there is no unit C3\[10,0\]: C3 is 16x10x10, counted from 0 to 9,9"),
        ("C3", (16, 0, 0), "counted from 0 to 15,9,9"),
        ("C3", (1,), r"a unit of C3 \(16x10x10\) is C3\[5,5\]"),
        ("F6", (1, 1), r"a unit of F6 \(a vector of 84\) is F6\[42\]"),
        ("C33", None, "there is no layer 'C33': did you mean C3"),
    ],
)
def test_a_unit_that_does_not_exist(layer: str, unit: Any, said: str) -> None:
    with pytest.raises(cnncalc.CnncalcError, match=said):
        cnncalc.receptive_field("lenet5", layer, unit)


@pytest.mark.parametrize(
    ("text", "layer", "unit"),
    [
        ("squeezenet1_0", "fire5/concat1", (0, 0)),
        ("1x23x19; conv 3 k3 s2 d2; conv 2 k3 s3; maxpool 2", "conv2", (1, 1)),
        ("input: 2x13x12\nlayers:\n- add: [conv 3 k1x3 p0x1, conv 3 k3x1 p1x0]\n- conv 2 k3 s2", "conv3", (1, 3)),
    ],
)
def test_what_is_not_seen_has_no_say_to_the_last_bit(text: str, layer: str, unit: tuple[int, int]) -> None:
    """10^6 in place of all unseen pixels leaves the unit bit-identical, a pixel of its own does not."""
    graph = cnncalc.load(text, input="3x96x96" if text == "squeezenet1_0" else None)
    patch = unit_field(graph, layer, unit).inputs[0]
    image = np.random.default_rng(1).normal(size=patch.shape).astype(np.float32)
    weights = reference.draw(graph, 0)
    here = reference.run(graph, image, weights)[layer][(..., *unit)]
    changed = np.where(patch.mask(channels=True), image, np.float32(1e6))
    assert not patch.mask(channels=True).all()
    assert (reference.run(graph, changed, weights)[layer][(..., *unit)] == here).all()
    own = tuple(np.argwhere(patch.mask(channels=True))[patch.pixels // 2])
    changed[own] += 1e3
    assert (reference.run(graph, changed, weights)[layer][(..., *unit)] != here).any()


def test_shadows_are_the_places_of_any_element() -> None:
    assert shadows(((0b1, 0b110), (0b100, 0b1)), 2) == [0b101, 0b111]
