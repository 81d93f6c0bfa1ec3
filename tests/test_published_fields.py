"""Receptive fields that others publish: 561 rows of TF-slim networks, torchvision's, and decoders."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cases import read_yaml

import cnncalc
from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.values import Grid, jump_of, sizes_of
from cnncalc.evidence.fields import find_seen

HERE = Path(__file__).parent
TABLE = read_yaml(HERE / "published_fields.yaml")


@pytest.mark.parametrize("size", [224, 321])
@pytest.mark.parametrize("network", TABLE)
def test_published_rows_of_a_network_come_out_to_the_unit(network: str, size: int) -> None:
    entry = TABLE[network]
    spec = TABLE[entry.get("as", network)]["spec"]
    report = cnncalc.analyze(f"input: 3x{size}x{size}\n{spec}")
    for endpoint, (field, jump, *padding) in entry["rows"].items():
        row = report[endpoint]
        assert (row.receptive_field, row.jump) == ((field, field), (jump, jump)), endpoint
        for before in (padding[0], padding[{224: 1, 321: 2}[size]]):
            assert before is None or row.rf_start == (-before, -before), endpoint


def test_the_table_has_every_published_row() -> None:
    assert sum(3 * len(entry["rows"]) for entry in TABLE.values()) == 561


@pytest.mark.parametrize(
    ("network", "layer", "field", "jump", "padding"),
    [
        ("alexnet-torchvision", "pool5", 195, 32, 66),
        ("vgg11", "pool5", 150, 32, 59),
        ("vgg16", "pool5", 212, 32, 90),
        ("resnet18", "stage4", 435, 32, 217),
        ("resnet50", "stage4", 427, 32, 213),
        ("googlenet-torchvision", "5b", 379, 32, 167),
        ("mobilenet-v2", "final", 491, 32, 245),
    ],
)
def test_last_maps_of_torchvision_see_what_its_gradients_say(
    network: str, layer: str, field: int, jump: int, padding: int
) -> None:
    """Source: dependency sets on the torch.fx graphs of torchvision 0.28, and float64 gradients of two neighbours."""
    report = cnncalc.analyze(network)
    row = next(row for row in report if row.name.startswith(layer) and row.receptive_field == (field, field))
    assert (row.jump, row.rf_start) == ((jump, jump), (-padding, -padding))


def unet(depth: int, kernel: int, up: str) -> str:
    """A U-Net whose convolutions keep the size, two on each level."""
    twice = f"conv 4 k{kernel} same x2"
    down = [[f"down{i}: {twice}", f"pool{i}: maxpool 2"] for i in range(depth)]
    ups = [
        [f"up{i}: {up}", f"join{i}: {{concat: [{{from: down{i}}}, identity]}}", f"conv{i}: {twice}"]
        for i in range(depth)
    ]
    steps = [step for level in (*down, [f"bottom: {twice}"], *reversed(ups)) for step in level]
    return "\n  - ".join(["input: 1x64\nlayers:", *steps])


def sizes_of_units(spec: str) -> tuple[list[int], list[Fraction]]:
    """The sizes that units of the last layer have, and how far their centres lie from their own places."""
    found = Pass(cnncalc.load(spec))
    ((grid,),) = found.of_nodes[-1].values()
    assert isinstance(grid, Grid)
    assert jump_of(grid) == 1
    centres = [Fraction(lo + hi, 2) - o for o, (lo, hi) in enumerate(zip(grid.lo, grid.hi, strict=True))]
    return sorted(set(sizes_of(grid))), centres


@pytest.mark.parametrize(
    ("up", "sizes", "furthest"),
    [
        ("transposed_conv 4 k2 s2", [188, 204], Fraction(11, 2)),
        ("transposed_conv 4 k3 s2 p1 output_padding=1", [204, 220], Fraction(25, 2)),
        ("transposed_conv 4 k4 s2 p1", [220, 236], Fraction(9, 2)),
        ("upsample 2 nearest", [188, 204], Fraction(11, 2)),
        ("upsample 2 bilinear", [220, 236], Fraction(9, 2)),
    ],
)
def test_units_of_a_decoder_see_more_or_less_by_their_place(up: str, sizes: list[int], furthest: Fraction) -> None:
    """Source: float64 gradients in torch 2.13 of all 16 phases; the centres also from the reference, unit by unit."""
    spec = unet(4, 3, up)
    found, centres = sizes_of_units(spec)
    assert found == sizes
    assert max(map(abs, centres)) == furthest
    longer = cnncalc.load(spec.replace("1x64", "1x512").replace("conv 4", "conv 1"))
    seen = find_seen(longer, "input", 0)[-1]
    for o in range(240, 272):  # far from both borders, each phase twice
        pixels = np.flatnonzero(seen[:, o])
        assert Fraction(int(pixels[0] + pixels[-1]), 2) - o == centres[o % 16]


@pytest.mark.parametrize(
    ("depth", "kernel", "smallest", "published"),
    [
        (3, 2, 46, 54),
        (3, 3, 92, 100),
        (3, 4, 138, 146),
        (3, 6, 222, 230),
        (3, 9, 360, 360),
        (4, 3, 188, 204),
        (4, 4, 282, 298),
        (4, 6, 470, 486),
        (5, 3, 380, 412),
    ],
)
def test_published_fields_of_u_nets_are_the_largest_of_their_units(
    depth: int, kernel: int, smallest: int, published: int
) -> None:
    """Source: vinloo/u-net-receptive-field-study, configurations; its 570 for depth 4 and 7x7 is of no unit."""
    sizes, _centres = sizes_of_units(unet(depth, kernel, "transposed_conv 4 k2 s2"))
    assert (sizes[0], sizes[-1]) == (smallest, published)
    if (depth, kernel) == (4, 3):
        assert sizes_of_units(unet(4, 7, "transposed_conv 4 k2 s2"))[0] == [564, 580]
