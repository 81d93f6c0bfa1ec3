"""What no output depends on: rows that strides leave over, by network and size, with the work spent on them."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from cases import bundled_graph
from click.testing import CliRunner
from test_unit_views import rf

import cnncalc
from cnncalc import reference
from cnncalc.analysis.fields.reads import Book
from cnncalc.analysis.fields.sets.coverage import coverage, macs_of
from cnncalc.analysis.fields.sets.regions import everything
from cnncalc.cli import group


@pytest.mark.parametrize(
    ("network", "size", "lines"),
    [
        ("squeezenet1_0", "3x224x224", [(223, 223)]),
        ("inception-v3", "3x224x224", [(221, 223)]),
        ("alexnet-torchvision", "3x227x227", [(225, 226)]),
        ("vgg16", "3x224x224", []),
        ("resnet50", "3x224x224", []),
    ],
)
def test_rows_and_columns_that_are_never_read(network: str, size: str, lines: Any) -> None:
    """Source: torchvision's models, whose outputs stay bit-identical when these change."""
    found = coverage(cnncalc.load(network, input=size))
    unread = {entry.name: entry for entry in found.unread}
    assert unread["input"].lines == (lines, lines) if lines else "input" not in unread


def test_pixels_that_are_never_read_have_no_say_to_the_last_bit() -> None:
    graph = cnncalc.load("squeezenet1_0", input="3x96x96")
    (entry,) = (entry for entry in coverage(graph).unread if entry.name == "input")
    assert entry.lines == ([(95, 95)], [(95, 95)])
    assert entry.macs == 0  # pixels are given, not computed
    image = np.random.default_rng(0).normal(size=(3, 96, 96)).astype(np.float32)
    weights = reference.draw(graph, 0)
    changed = image.copy()
    changed[:, 95] = changed[:, :, 95] = 1e6
    last = graph.nodes[-1].name
    assert (reference.run(graph, image, weights)[last] == reference.run(graph, changed, weights)[last]).all()
    changed[:, 94] += 1
    assert (reference.run(graph, image, weights)[last] != reference.run(graph, changed, weights)[last]).any()


def test_rows_of_maps_that_nobody_reads_are_wasted_work() -> None:
    """VGG-16 at 299: every pixel is read, and six maps (three with their relu) have a last row that is not."""
    found = coverage(cnncalc.load("vgg16", input="3x299x299"))
    maps = [entry.name for entry in found.unread]
    assert maps == [name for at in ("conv1/1", "conv2/1", "conv4/2") for name in (at, f"{at}/relu")]
    first = found.unread[0]
    assert first.lines == ([(298, 298)], [(298, 298)])
    assert first.elements == 64 * (299**2 - 298**2)
    assert first.macs == first.elements * 9 * 64
    last = found.unread[4]
    assert found.macs == first.macs + 128 * (149**2 - 148**2) * 9 * 128 + 512 * (37**2 - 36**2) * 9 * 512
    assert (last.name, last.macs) == ("conv4/2", 512 * 73 * 9 * 512)
    assert found.total == cnncalc.analyze("vgg16", input="3x299x299").totals.macs


@pytest.mark.parametrize(
    "name", ["densenet121", "mobilenet-v2", "shufflenet-v1", "lenet5", "dcgan-generator", "deepface"]
)
def test_the_macs_of_all_units_are_the_macs_of_the_layer(name: str) -> None:
    graph = bundled_graph(name)
    book = Book(graph)
    for i, facts in enumerate(graph.facts):
        found = macs_of(book, i, everything(facts.output))
        if graph.nodes[i].layer.kind == "transposed_conv":  # what padding cuts off belongs to no unit
            assert found is not None
            assert facts.macs is not None
            assert 0 < found <= facts.macs
        else:
            assert found == facts.macs, graph.nodes[i]


@pytest.mark.parametrize(
    ("text", "layer", "macs"),
    [
        # filters 2 and 3 of group 1, of 5 positions each: 2 filters x 5 places x 3 taps x 2 channels
        ("input: 4x7\nlayers:\n- c: conv 4 k3 g2\n- split 2\n- conv 1 k1", "c", 2 * 5 * 3 * 2),
        # of a table filter 1 reads three maps, filter 0 one
        (
            "input: 3x6\nlayers:\n- c: {conv: {filters: 2, kernel: 3, table: [[0], [0, 1, 2]]}}\n- split 2",
            "c",
            4 * 3 * 3,
        ),
        # of 9 outputs the last three, whose taps are 1 (of input 3), 2 (3 and 4) and 1 (of 4), x 2 channels x 1 filter
        ("2x5; transposed_conv 1 k3 s2 p1; slice 0:6 axis=l", "transposed_conv1", 2 * 4),
        ("1x9; conv 1 k3; lstm 2; slice 0:3 axis=l", "lstm1", None),
        ("6x6; subsample 2; slice 0:2 axis=l", "subsample1", 6),
    ],
)
def test_wasted_macs_are_counted_unit_by_unit(text: str, layer: str, macs: int | None) -> None:
    found = coverage(cnncalc.load(text))
    assert {entry.name: entry.macs for entry in found.unread}[layer] == macs
    assert found.macs == macs


def test_who_sees_the_whole_image() -> None:
    found = coverage(cnncalc.load("resnet50"))
    assert found.first_covering("input") == "stage3/4/conv2"
    assert found.first_covering("input", every=True) == "global_avgpool1"
    shares = {entry.layer: entry.share for entry in coverage(cnncalc.load("lenet5")).reached}
    assert shares["S4"] == 0.25
    assert shares["C5"] == 1


@pytest.mark.parametrize(("kernel", "some", "every"), [(6, False, False), (7, True, False), (13, True, True)])
def test_from_border_to_border_is_all_of_it(kernel: int, some: bool, every: bool) -> None:
    (entry,) = coverage(cnncalc.load(f"1x7; conv 1 k{kernel} same")).reached
    assert (entry.some, entry.all) == (some, every)


def test_channels_of_which_nothing_is_read() -> None:
    found = coverage(cnncalc.load("input: 4x5\nlayers:\n- c: conv 6 k3\n- split 3 part=1"))
    assert [(entry.name, entry.channels, entry.lines) for entry in found.unread] == [("c", [(0, 1), (4, 5)], ([],))]


def test_the_view() -> None:
    page = rf("vgg16", "--coverage", "--input", "3x299x299").stdout
    assert "conv1/1   64x299x299   298      298  38,208   22,007,808" in page
    assert "238,030,848 MACs are wasted, 0.9 % of all" in page
    assert "conv1/1/relu" not in page
    whole = rf("lenet5", "--coverage").stdout
    assert "every pixel and every value of every map is read" in whole
    data = json.loads(rf("squeezenet1_0", "--coverage", "--format", "json").stdout)
    assert data["unread"][0]["lines"] == [[[223, 223]], [[223, 223]]]
    assert data["wasted_macs"] == 0
    assert data["seen"][0] == {
        "name": "conv1",
        "input": "input",
        "share": 49 / 224**2,
        "some_unit_sees_all": False,
        "every_unit_sees_all": False,
    }


def test_shares_are_of_the_whole_image() -> None:
    """Of 8x8 pixels 3x3 are seen, then 5x5: 9 and 25 of 64."""
    done = CliRunner().invoke(group(), ["rf", "-e", "1x8x8; conv 1 k3 s2; maxpool 2", "--coverage"])
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines() if line.endswith(" -")]
    assert rows == [["conv1", "14.1", "%", "-"], ["maxpool1", "39.1", "%", "-"]]


@pytest.mark.parametrize("net", ["16000000x4x4; conv 16000000 k3 g16000000", "8000000x4x4; pixel_shuffle 2"])
def test_channels_that_are_too_many_to_be_told_apart_are_refused(net: str) -> None:
    with pytest.raises(cnncalc.CnncalcError, match="told apart up to 32 MB"):
        coverage(cnncalc.load(net))


def test_very_many_branches_that_see_alike_are_few_classes() -> None:
    branches = "".join(f"  - conv 1 k{1 + 2 * (i % 3)} p{i % 3}\n" for i in range(1200))
    found = coverage(cnncalc.load(f"input: 2x9x9\nlayers:\n- concat:\n{branches}"))
    assert found.reached[-1].share == Fraction(25, 81)
