"""`cnncalc rf SPEC --unit`: the pixels of one unit in a table, as a picture, as SVG and as data."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.pages.picture import ASCII, picture

NET = "1x20x20; conv 1 k3 d2; conv 1 k3 d2; conv 1 k3 d2 p4"


def rf(*arguments: str) -> Result:
    from cnncalc.cli.rf import command

    return CliRunner().invoke(command, list(arguments))


def test_a_unit_on_the_page() -> None:
    result = rf("-e", NET, "--unit", "conv3[2,3]")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "conv3[2,3] of 1x16x16: input 1x20x20"
    assert lines[4].split() == ["h", "20", "6", "0", "10", "5", "-2..10", "2"]
    assert lines[5].split() == ["w", "20", "6", "1", "11", "5", "-1..11", "1"]
    assert "36 of 400 pixels are seen (9.0 %), in 36 boxes: 29.8 % of the 121 between the ends" in lines
    assert "places {0, 2, .., 10} x {1, 3, .., 11}" in lines
    assert "pixels are counted from 0" in lines


def test_the_picture_has_a_mark_for_every_pixel() -> None:
    patch = cnncalc.receptive_field("1x6x5; conv 1 k3 p2 d2", "conv1", (0, 1)).inputs[0]
    padding, seen, between = "::::::::::", "::..##..##..", "::.........."
    missed = "  .........."
    assert picture(patch, 40, ASCII) == [padding, padding, seen, between, seen, missed, missed, missed]


def test_a_wide_picture_fits_its_width_and_shows_what_is_seen_in_part() -> None:
    patch = cnncalc.receptive_field("inception-v3", "7c/concat1", input="3x2000x2000").inputs[0]
    lines = picture(patch, 60, ASCII)
    assert max(map(len, lines)) <= 60
    drawn = "".join(lines)
    assert set(drawn) == {"#", "+", "-", "."}
    each = 2 * (-(-2000 // (2 * len(lines)))) ** 2  # pixels of a character, twice as high as wide
    assert drawn.count("#") * each < 1_706_433 < sum(drawn.count(sign) for sign in "#+-") * each


def test_a_terminal_without_blocks_gets_ascii() -> None:
    from cnncalc.pages.picture import BLOCKS, marks_for

    assert marks_for("ascii") == marks_for(None) == marks_for("no such") == ASCII
    assert marks_for("utf-8") == BLOCKS


def test_a_unit_as_data() -> None:
    data = json.loads(rf("-e", NET, "--unit", "conv3[2,3]", "--exact", "--format", "json").stdout)
    (seen,) = data["seen"]
    assert data["layer"] == "conv3"
    assert data["unit"] == [2, 3]
    assert seen["indices"] == [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]
    assert seen["without_borders"] == [[-2, 10], [-1, 11]]
    assert seen["pixels"] == seen["box_count"] == len(seen["boxes"]) == 36


def test_all_units_of_a_layer_as_data() -> None:
    data = json.loads(rf("-e", "1x8; conv 1 k3 s2; conv 1 k3 p1", "--all-units", "--format", "json").stdout)
    assert [row["fields"] for row in data["layers"]] == [[[[0, 2], [2, 4], [4, 6]]], [[[0, 4], [0, 6], [2, 6]]]]
    exact = json.loads(
        rf("-e", "1x9; conv 1 k2 d4", "--unit", "conv1", "--all-units", "--exact", "--format", "json").stdout
    )
    assert exact["layers"][0]["sets"] == [[[0, 4], [1, 5], [2, 6], [3, 7], [4, 8]]]


def test_units_that_see_nothing_are_null() -> None:
    data = json.loads(rf("-e", "1x3; transposed_conv 1 k1 s2", "--all-units", "--format", "json").stdout)
    assert data["layers"][0]["fields"] == [[[0, 0], None, [1, 1], None, [2, 2]]]
    page = rf("-e", "1x3; transposed_conv 1 k1 s2", "--unit", "transposed_conv1[1]").stdout
    assert "this unit sees nothing of the input" in page


def test_an_svg_has_a_box_for_every_box(tmp_path: Path) -> None:
    target = tmp_path / "unit.svg"
    assert rf("-e", NET, "--unit", "conv3[2,3]", "--svg", str(target)).exit_code == 0
    root = ElementTree.parse(target).getroot()
    (path,) = [e for e in root if e.get("class") == "seen"]
    assert (path.get("d") or "").count("z") == 36
    assert [e.get("class") for e in root if e.tag.endswith("rect")] == [None, "image", "field"]
    image, field = (e for e in root if e.get("class") in ("image", "field"))
    assert float(field.get("width") or 0) / float(image.get("width") or 1) == pytest.approx(13 / 20, abs=1e-5)
    texts = [e.text for e in root if e.tag.endswith("text")]
    assert texts == ["conv3[2,3] of 1x16x16: input 1x20x20", "1", "11", "0", "10"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--unit", "conv3[16,0]"), "there is no unit conv3[16,0]: conv3 is 1x16x16, counted from 0 to 15,15"),
        (("--unit", "conv3[a]"), "is no unit: write the layer and the place of a unit"),
        (("--unit", "conv4"), "there is no layer 'conv4': did you mean"),
        (("--svg", "x.svg"), "--svg draws what one unit sees"),
        (("--exact",), "--exact needs --unit"),
        (("--local",), "--local goes with"),
        (("--halo", "--coverage"), "One view at a time: --coverage --halo."),
        (("--unit", "conv1", "--to", "conv2"), "Views of units go without --to"),
        (("--unit", "conv3[1,1]", "--all-units"), "leave out the place of one"),
    ],
)
def test_what_does_not_go_together(arguments: tuple[str, ...], said: str) -> None:
    result = rf("-e", NET, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
