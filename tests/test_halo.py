"""Tiles: cut, run and stitched with the reference, they give the outputs of the whole image, and no fewer will do."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from test_unit_views import rf

import cnncalc
from cnncalc import reference
from cnncalc.analysis.fields.tiles import Halo, halos


def unet(up: str, size: str, depth: int = 4, channels: int = 2) -> str:
    """A U-Net whose convolutions keep the size; `up` leads back up."""
    lines = [f"input: 1x{size}", "layers:"]
    for level in range(depth):
        lines += [f"- e{level}a: conv {channels} k3 p1", f"- e{level}: conv {channels} k3 p1", "- avgpool 2"]
    lines += [f"- conv {channels} k3 p1", f"- conv {channels} k3 p1"]
    for level in reversed(range(depth)):
        lines += [f"- {up}", f"- concat: [identity, {{from: e{level}}}]"]
        lines += [f"- d{level}a: conv {channels} k3 p1", f"- d{level}: conv {channels} k3 p1"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("up", "before", "after"),
    [
        ("transposed_conv 2 k2 s2", 94, 94),  # half the field says 102, the worst unit's reach 107
        ("transposed_conv 2 k4 s2 p1", 109, 109),
        ("upsample 2", 94, 94),
        ("upsample 2 bilinear", 109, 109),
        ("transposed_conv 2 k3 s2 p1 output_padding=1", 94, 109),
    ],
)
def test_the_halo_of_a_unet(up: str, before: int, after: int) -> None:
    """Source of 94 and 109 on the left: random weights in PyTorch; the others by running tiles, below."""
    (halo,) = halos(cnncalc.load(unet(up, "320")), "d0")
    assert halo == Halo("d0", 0, 16, 0, Fraction(1), before, after, Fraction(0))
    assert halo.overlap == -(-(before + after) // 16) * 16


NETS = [
    (unet("transposed_conv 2 k2 s2", "240", depth=3), "d0"),
    (unet("transposed_conv 2 k3 s2 p1 output_padding=1", "240", depth=3), "d0"),
    (unet("upsample 2 bilinear", "160", depth=2), "d0"),
    ("2x143; conv 3 k3 s2 p1; conv 3 k5 p2 d2; subsample 3 s2 p1; conv 2 k4 same", "conv3"),
    ("2x150; pad 3 reflect; conv 3 k7; conv 3 k3 s2 same; conv 2 k3 p0", "conv3"),
    ("2x120; conv 3 k3 s3 p2; transposed_conv 3 k5 s2 p1; crop 1; conv 2 k2", "conv2"),
    ("input: 2x140\nlayers:\n- concat: [conv 2 k9 p4, [pad 2 replicate, conv 1 k5]]\n- conv 2 k3 s2 p1", "conv3"),
    ("input: 2x144\nlayers:\n- add: [[conv 2 k2 s2, upsample 2], [conv 2 k3 s3, upsample 3]]\n- conv 2 k3 p1", "conv3"),
    ("1x120; conv 8 k3 p1; pixel_shuffle 2; conv 2 k5 p2; pixel_unshuffle 4; conv 2 k3 p1", "conv3"),
]


@pytest.mark.parametrize(("text", "layer"), NETS)
def test_tiles_give_what_the_whole_image_gives_and_no_more_than_is_said(text: str, layer: str) -> None:
    """With whole numbers, whose sums are exact in any order: what is right is bit-identical, what is wrong differs."""
    graph = cnncalc.load(text)
    (halo,) = halos(graph, layer)
    n = graph.inputs["input"][1]
    weights = {
        name: whole_numbers(array.shape, seed) for seed, (name, array) in enumerate(reference.draw(graph).items())
    }
    image = whole_numbers(graph.inputs["input"], 99, most=97)
    whole = reference.run(graph, image, weights)[layer]
    begin = halo.period * -(-n // 3 // halo.period)
    length = (n - begin) // 2 // halo.period * halo.period + halo.remainder
    for first, last in ((begin, n), (0, begin + halo.remainder), (begin, begin + length)):
        tile = cnncalc.load(text, input=f"{image.shape[0]}x{last - first}")
        found = reference.run(tile, image[:, first:last], weights)[layer]
        shift = int(first / halo.jump)
        beside = whole[:, shift : shift + found.shape[1]]
        same = (found[:, : beside.shape[1]] == beside).all(axis=0)
        left = halo.before if first else 0
        right = halo.after if last < n else 0
        assert same[left : len(same) - right].all()
        if first and left:
            assert not same[left - 1]
        if last < n and right:
            assert not same[len(same) - right]


@pytest.mark.parametrize(("text", "layer"), NETS)
def test_tiles_that_overlap_as_said_make_up_the_whole_output(text: str, layer: str) -> None:
    """Tiles of one length, each from a step behind the one before it; with a step more outputs are missing."""
    graph = cnncalc.load(text)
    (halo,) = halos(graph, layer)
    channels, n = graph.inputs["input"]
    room = halo.overlap + 2 * halo.period
    length = room + (halo.remainder - room) % halo.period
    image = whole_numbers((channels, n + length), 7)
    last = (n + length - halo.remainder) // halo.period * halo.period + halo.remainder  # as long as it may be
    weights = {
        name: whole_numbers(array.shape, seed) for seed, (name, array) in enumerate(reference.draw(graph).items())
    }

    def outputs(first: int, stop: int) -> Any:
        part = cnncalc.load(text, input=f"{channels}x{stop - first}")
        return reference.run(part, image[:, first:stop], weights)[layer]

    whole = outputs(0, last)
    made: dict[int, Any] = {}
    for first in range(0, last - length + 1, length - halo.overlap):
        tile = outputs(first, first + length)
        left = halo.before if first else 0
        for i in range(left, tile.shape[1] - halo.after):
            made[int(first / halo.jump) + i] = tile[:, i]
    assert sorted(made) == list(range(max(made) + 1))
    assert all((whole[:, i] == column).all() for i, column in made.items())
    assert max(made) > (length - halo.overlap) / halo.jump
    fewer = halo.overlap - halo.period
    if fewer >= 0:  # between two tiles that share a period less some output is wrong or missing
        kept = tile.shape[1] - halo.before - halo.after
        assert (length - fewer) / halo.jump > kept


def whole_numbers(shape: Any, seed: int, most: int = 2) -> Any:
    """Small, so that no sum is rounded."""
    return np.random.default_rng(seed).integers(1, most + 1, size=shape).astype(np.float64)


def test_real_weights_are_equal_to_rounding() -> None:
    text = unet("transposed_conv 2 k2 s2", "240", depth=3)
    graph = cnncalc.load(text)
    (halo,) = halos(graph, "d0")
    image = np.random.default_rng(3).normal(size=(1, 240))
    weights = reference.draw(graph, 1)
    whole = reference.run(graph, image, weights)["d0"][:, 80:]
    tile = reference.run(cnncalc.load(text, input="1x160"), image[:, 80:], weights)["d0"]
    np.testing.assert_allclose(tile[:, halo.before :], whole[:, halo.before :], rtol=1e-9, atol=1e-12)
    assert abs(tile[:, halo.before - 1] - whole[:, halo.before - 1]).max() > 1e-9


@pytest.mark.parametrize(
    ("text", "layer", "said"),
    [
        (
            "1x16x16; conv 2 k3; groupnorm 1; conv 2 k3",
            "conv2",
            "groupnorm1 sees the whole image: no tile gives its outputs",
        ),
        ("1x16x16; conv 2 k3; dense 4", "dense1", "dense1 is no map of the image's axes"),
        ("1x16x16; pad 2 circular; conv 2 k3", "conv1", "pad1 sees the whole image"),
        ("1x16x16; conv 2 k3; crop size=4", "crop1", "crop1 does something else on another size"),
        ("1x16x16; conv 2 k3; adaptive_avgpool 3", "adaptive_avgpool1", "adaptive_avgpool1 sees the whole image"),
        ("input: 1x9x9\nlayers:\n- add: [conv 1 k2 s2, conv 1 k6]", "add1", "branches meet in add1 whose jumps differ"),
    ],
)
def test_no_tile_gives_what_needs_the_whole_image(text: str, layer: str, said: str) -> None:
    with pytest.raises(cnncalc.CnncalcError, match=said):
        halos(cnncalc.load(text), layer)


def test_the_view() -> None:
    data = json.loads(rf("resnet50", "--halo", "--format", "json").stdout)
    assert data["layer"] == "stage4/2/add1"
    row = {"period": 32, "remainder": 0, "jump": 32, "wrong_before": 7, "wrong_after": 6, "overlap": 416}
    assert data["axes"] == [{"axis": "h", **row}, {"axis": "w", **row}]
    page = rf("-e", "1x40x43; conv 2 k3 s4; conv 2 k3", "--halo").stdout
    assert "w     multiples of 4  4 x n + 3     4             0            0        7" in page


def test_tiles_of_a_network_whose_crops_follow_from_its_input() -> None:
    """U-Net: 572 pixels give 388 outputs. Tiles begin at multiples of 16, so that they share 572 - 384 pixels."""
    graph = cnncalc.load("unet", set={"width": 1})
    found = halos(graph, "scores", lambda inputs: cnncalc.load("unet", set={"width": 1}, input=dict(inputs)))
    assert [(h.period, h.before, h.after, h.overlap) for h in found] == [(16, 0, 0, 188)] * 2
    with pytest.raises(cnncalc.CnncalcError, match="its own size alone"):
        halos(graph, "scores")


def test_a_network_that_grows_with_its_image_has_no_tiles() -> None:
    def network(sizes: Any) -> Any:
        more = "relu; " if sizes["input"] != (1, 16) else ""
        return cnncalc.load(f"{sizes['input'][0]}x{sizes['input'][1]}; conv 1 k3 p1; {more}C2: conv 1 k3 p1")

    with pytest.raises(cnncalc.CnncalcError, match="on another size the network has other layers"):
        halos(network({"input": (1, 16)}), "C2", network)


@pytest.mark.parametrize("middle", ["conv {c} k3 g{c}", "channel_shuffle {g}", "pixel_shuffle 2", "split 2"])
def test_halos_ask_no_channels_of_which_there_may_be_very_many(middle: str) -> None:
    few, many = (
        halos(cnncalc.load(f"input: {c}x16x16\nlayers: [{middle.format(c=c, g=c // 4)}, last: conv 4 k3]\n"), "last")
        for c in (16, 10**8)
    )
    assert few == many
