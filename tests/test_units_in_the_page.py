"""What units see, as the page walks it, held against `rf --unit`: random units of the bundled networks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

import cnncalc
from cnncalc.analysis.fields.sets.regions import products, runs
from cnncalc.analysis.fields.sets.units import unit_field
from cnncalc.graph import Graph
from cnncalc.pages.browser.file import join_scripts
from cnncalc.pages.browser.network import nodes_data
from cnncalc.pages.browser.units import borders_data, reads_data
from cnncalc.shipped import bundled

pytestmark = pytest.mark.browser

SMALL = (
    "lenet5",
    "example-stride-field",
    "example-odd-pooling",
    "lenet-maxpool",
    "dcgan-generator",
    "unet",
    "resnet34",
)
MORE = {
    # reads that no bundled network has: places in a list, groups by table, another order, gates, one axis, three axes
    "reflected": "2x9x12; pad 1 reflect; conv 3 k3; conv 4 k3 s2; conv 2 k2 d2",
    "adaptive": "1x11x13; conv 2 k3; adaptive_avgpool 4x3; conv 2 k2",
    "shuffled": "8x9x9; conv 8 k3 g4; channel_shuffle 4; conv 8 k3 g2",
    "one axis": "3x40; conv 4 k5 s2; maxpool 3; conv 2 k3",
    "three axes": "1x9x8x7; conv 2 k3; maxpool 2; flatten; dense 3",
    "vector": "1x8x8; conv 2 k3; flatten; slice 5:20; dense 4",
}
WALK = """([net, asked]) => asked.map(([value, unit, local]) => {
  const { found } = window.walk.seenBy(net, value, unit, local);
  return net.inputs.map((_, i) => ({
    region: found.has(i) ? window.walk.products(found.get(i)).map((places) => places.map(window.walk.runsOf)) : [],
    outer: window.walk.withoutBorders(net, value, unit, i),
  }));
})"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    names = "seenBy, products, runsOf, withoutBorders"
    page = browser.new_page()
    page.set_content("<p>")
    page.add_script_tag(content=f"{join_scripts('fields.js')};window.walk = {{ {names} }};")
    yield page
    page.close()


def net_of(graph: Graph) -> dict[str, Any]:
    """The part of a network's data that the walk reads."""
    report = cnncalc.analyze(graph)
    inputs = [[name, list(shape)] for name, shape in graph.inputs.items()]
    return {"inputs": inputs, "nodes": nodes_data(report), "reads": reads_data(graph), "borders": borders_data(graph)}


def asked_of(graph: Graph, count: int, seed: str) -> list[tuple[str, int, list[int], bool]]:
    """Random units: (layer, value, place, local), some of one channel alone."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        number = chance.randrange(len(graph.nodes))
        shape = graph.facts[number].output
        axes = shape if len(shape) == 1 or chance.random() < 0.3 else shape[1:]
        unit = [chance.choice([0, n - 1, chance.randrange(n)]) for n in axes]
        found.append((graph.nodes[number].name, len(graph.inputs) + number, unit, chance.random() < 0.3))
    return found


def check(page: Any, graph: Graph, count: int, seed: str) -> None:
    asked = asked_of(graph, count, seed)
    answers = page.evaluate(WALK, [net_of(graph), [list(entry[1:]) for entry in asked]])
    sizes = dict(zip(graph.inputs, answers[0], strict=True)).keys()
    for (layer, value, unit, local), answer in zip(asked, answers, strict=True):
        claimed = unit_field(graph, layer, unit, local=local)
        by_name = {patch.source: patch for patch in claimed.inputs}
        for name, found in zip(sizes, answer, strict=True):
            patch = by_name.get(name)
            expected = (
                [[[list(run) for run in runs(mask)] for mask in places] for places in products(patch.region)]
                if patch
                else []
            )
            assert sorted(found["region"]) == sorted(expected), (layer, unit, local)
            if patch and patch.unclipped and not local and len(unit) < max(2, len(graph.shape(value))):
                assert found["outer"] == [span and list(span) for span in patch.unclipped], (layer, unit)


@pytest.mark.parametrize("name", SMALL)
def test_units_of_a_bundled_network_see_what_the_command_says(page: Any, name: str) -> None:
    check(page, cnncalc.load(name), 6, name)


@pytest.mark.parametrize("name", MORE)
def test_units_behind_every_kind_of_read_see_what_the_command_says(page: Any, name: str) -> None:
    check(page, cnncalc.load(MORE[name]), 12, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(bundled()))
def test_units_of_every_bundled_network_see_what_the_command_says(page: Any, name: str) -> None:
    check(page, cnncalc.load(name), 6, f"{name} again")
