"""`cnncalc rf SPEC --unit`: the pixels of one unit in a table, as a picture, as SVG and as data."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.pages.picture import ASCII, draw_picture

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
    assert draw_picture(patch, 40, ASCII) == [padding, padding, seen, between, seen, missed, missed, missed]


def test_a_wide_picture_fits_its_width_and_shows_what_is_seen_in_part() -> None:
    patch = cnncalc.receptive_field("inception-v3", "7c/concat1", input="3x2000x2000").inputs[0]
    lines = draw_picture(patch, 60, ASCII)
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


def svg_of(tmp_path: Path, *arguments: str) -> ElementTree.Element:
    target = tmp_path / "field.svg"
    result = rf(*arguments, "--svg", str(target))
    assert result.exit_code == 0, result.stderr
    return ElementTree.parse(target).getroot()


def elements(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [e for e in root.iter() if e.tag.endswith("}" + kind)]


def test_an_svg_has_a_box_for_every_box_and_says_what_the_dashed_one_is(tmp_path: Path) -> None:
    root = svg_of(tmp_path, "-e", NET, "--unit", "conv3[2,3]")
    (path,) = [e for e in elements(root, "path") if e.get("class") == "f-accent"]
    assert (path.get("d") or "").count("Z") == 36
    field, legend = [e for e in elements(root, "rect") if e.get("stroke-dasharray")]
    (image,) = [e for e in elements(root, "rect") if "f-panel" in (e.get("class") or "")]
    assert float(field.get("width") or 0) / float(image.get("width") or 1) == pytest.approx(13 / 20, abs=1e-4)
    assert legend.get("stroke") == field.get("stroke")
    texts = [e.text or "" for e in elements(root, "text")]
    assert texts[:5] == ["conv3[2,3] of 1x16x16: input 1x20x20", "1", "11", "0", "10"]
    assert texts[5:] == [
        "seen", "dashed: from the first to the last pixel that it would see if the image went on at its borders",
    ]  # fmt: skip


def test_the_pyramid_has_a_line_for_each_layer_with_what_is_seen_of_it(tmp_path: Path) -> None:
    """The numbers are those of the table of --to."""
    root = svg_of(tmp_path, "alexnet", "--to", "pool5")
    texts = ["".join([e.text or "", *(child.tail or "" for child in e)]) for e in elements(root, "text")]
    table = json.loads(rf("alexnet", "--to", "pool5", "--format", "json").stdout)["layers"]
    shown = [row for row in table if row["name"] in texts]
    assert [row["name"] for row in shown][:2] == ["conv1", "conv1/lrn"]
    for row in shown:
        count, size = row["seen_by_target"][-1], "x".join(map(str, row["receptive_field"]))
        assert any(text.startswith(f"{count} of ") and text.endswith(f"RF {size}") for text in texts), row
    assert "1 of 6 units; RF 195x195" in texts


def test_the_field_over_the_image_is_to_scale(tmp_path: Path) -> None:
    root = svg_of(tmp_path, "lenet5", "--to", "S4")
    (image,) = [e for e in elements(root, "rect") if "f-panel" in (e.get("class") or "")]
    framed = [e for e in elements(root, "rect") if e.get("class") == "s-peak"]
    pixel = float(image.get("width") or 0) / 32
    assert float(framed[0].get("width") or 0) / pixel == pytest.approx(16, abs=0.01)
    assert (float(framed[0].get("x") or 0) - float(image.get("x") or 0)) / pixel == pytest.approx(8, abs=0.01)


def test_a_picture_lies_behind_as_a_part_of_the_file(tmp_path: Path) -> None:
    picture = tmp_path / "cat.gif"
    picture.write_bytes(
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    )
    for words in (("--to", "S4"), ("--unit", "S4"), ("--effective", "--unit", "S4")):
        root = svg_of(tmp_path, "lenet5", *words, "--image", str(picture))
        (image,) = elements(root, "image")
        assert (image.get("href") or "").startswith("data:image/gif;base64,R0lGOD")
    wrong = tmp_path / "cat.txt"
    wrong.write_text("a cat")
    for path, said in ((wrong, "no picture that can be shown"), (tmp_path / "dog.png", "No such file")):
        result = rf("lenet5", "--to", "S4", "--svg", str(tmp_path / "x.svg"), "--image", str(path))
        assert result.exit_code == 2
        assert said in result.stderr
        assert not (tmp_path / "x.svg").exists()


def test_the_heat_of_an_effective_field_is_hottest_in_the_middle(tmp_path: Path) -> None:
    root = svg_of(tmp_path, "-e", "1x33x33; conv 4 k3; conv 4 k3; conv 4 k3", "--effective", "--unit", "conv3")
    hot = [e for e in elements(root, "rect") if (e.get("class") or "").startswith("f-heat-") and e.get("y") != "574"]
    (image,) = [e for e in elements(root, "rect") if "f-panel" in (e.get("class") or "")]
    pixel = float(image.get("width") or 0) / 33
    top = max(int((e.get("class") or "").removeprefix("f-heat-")) for e in hot)
    inside = [e for e in hot if float(e.get("y") or 0) < float(image.get("y") or 0) + 33 * pixel]
    assert sum(round(float(e.get("width") or 0) / pixel) for e in inside) == 7 * 7
    (middle,) = [e for e in inside if e.get("class") == f"f-heat-{top}"]
    assert (float(middle.get("x") or 0) - float(image.get("x") or 0)) / pixel == pytest.approx(16, abs=0.01)


def test_what_has_no_field_to_draw_is_said(tmp_path: Path) -> None:
    target = str(tmp_path / "x.svg")
    result = rf("-e", "1x8x8; conv 2 k3; dense 3", "--effective", "--unit", "dense1", "--svg", target)
    assert result.exit_code == 2
    assert "is not defined" in result.stderr
    assert rf("-e", NET, "--to", "conv3", "--image", "cat.png").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--unit", "conv3[16,0]"), "there is no unit conv3[16,0]: conv3 is 1x16x16, counted from 0 to 15,15"),
        (("--unit", "conv3[a]"), "is no unit: write the layer and the place of a unit"),
        (("--unit", "conv4"), "there is no layer 'conv4': did you mean"),
        (("--svg", "x.svg"), "--svg draws what one unit sees"),
        (("--halo", "--svg", "x.svg"), "--svg draws what one unit sees"),
        (("--unit", "conv1", "--image", "x.png"), "--image lies behind a drawing"),
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
