"""Drawings: what is in them, that they can be read by every program, and that the command says what it cannot draw."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest
from commands import Forked
from test_cli import on_terminal, run
from test_determinism import WORLDS

import cnncalc
from cnncalc import language
from cnncalc.graph import BEHIND_UNKNOWN, Graph
from cnncalc.pages.drawing import FORMATS, STYLES, Drawing
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.pages.drawing.scene import Box, Path, Text, leaves_of

SVG = "{http://www.w3.org/2000/svg}"
NETWORKS = ["lenet5", "resnet50", "unet", "example-1d", "lstm", "swin-t"]
ADD, CONCAT = "{{add: [{{from: {}}}, {{from: {}}}]}}", "{{concat: [{{from: {}}}, {{from: {}}}]}}"
NASTY = ['a<b>&"c"', "x" * 200, "卷积层", "שכבה", "it's", "]]>", "&amp;"]


def texts(svg: str) -> list[str]:
    """The texts that are seen, without the tooltips."""
    tree = ElementTree.fromstring(svg)
    return [
        "".join([element.text or "", *(child.tail or "" for child in element)]) for element in tree.iter(f"{SVG}text")
    ]


def boxes_of(drawing: Drawing) -> list[Box]:
    return [item for item in leaves_of(drawing.scene.items) if isinstance(item, Box)]


def renamed(name: str) -> Graph:
    """A network with this name, whose layers have it too, as a model's file may say."""
    graph = cnncalc.load("1x8x8; conv 2 k3; dense 3")
    nodes = tuple(node._replace(name=name) for node in graph.nodes)
    return Graph(name=name, inputs=graph.inputs, nodes=nodes, outputs=graph.outputs, groups={})


def spec_of(shape: str, *steps: str) -> str:
    return "\n".join([f"input: {shape}", "layers:", *(f"  - {step}" for step in steps), ""])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_drawing_is_xml_with_a_title_and_loads_nothing(network: str, style: str) -> None:
    svg = cnncalc.draw(network, style).svg
    tree = ElementTree.fromstring(svg)
    title = tree.find(f"{SVG}title")
    assert title is not None
    assert title.text == tree.get("aria-label")
    assert tree.get("role") == "img"
    assert tree.get("viewBox")
    assert not {element.tag for element in tree.iter()} & {f"{SVG}script", f"{SVG}foreignObject", f"{SVG}use"}
    assert re.findall(r"https?://[^\s\"<]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|@import|href=", svg)
    assert "prefers-color-scheme: dark" in svg


def test_the_same_network_gives_the_same_bytes_in_another_process() -> None:
    drawn = f"''.join(cnncalc.draw('unet', style).svg for style in {list(STYLES)!r})"
    code = f"import cnncalc, sys; sys.stdout.buffer.write({drawn}.encode())"
    one, other = (Forked([], None, os.environ, settled=world, code=code).end().stdout for world in WORLDS[:2])
    assert one == other != b""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NASTY)
def test_names_of_any_letters_are_texts_and_no_tags(name: str, style: str) -> None:
    drawing = cnncalc.draw(renamed(name), style)
    tree = ElementTree.fromstring(drawing.svg)
    assert name in "".join(tree.itertext())  # if not whole where it is drawn, then where a pointer rests


@pytest.mark.parametrize("style", STYLES)
def test_control_characters_are_written_out(style: str) -> None:
    svg = cnncalc.draw(renamed("a\x1b[31m\u202eb\n\x00"), style).svg
    ElementTree.fromstring(svg)
    assert "\x1b" not in svg
    assert "\u202e" not in svg


def test_the_maps_of_lenet_are_named_as_in_1998_and_as_many_as_there_are() -> None:
    drawing = cnncalc.draw("lenet5", "maps")
    said = texts(drawing.svg)
    assert [text for text in said if re.match(r"\w+: \d", text)] == [
        "input: 1@32x32", "C1: 6@28x28", "S2: 6@14x14", "C3: 16@10x10", "S4: 16@5x5", "C5: 120@1x1", "F6: 84",
        "OUTPUT: 10",
    ]  # fmt: skip
    plates: dict[tuple[float, float], int] = {}
    for box in boxes_of(drawing):
        if box.fill.endswith("-lit"):
            plates[box.width, box.height] = plates.get((box.width, box.height), 0) + 1
    assert sorted(plates.values()) == [1, 6, 6, 16, 16]
    widest = max(width for width, _height in plates)
    sides = sorted(round(32 * width / widest, 6) for width, _height in plates)
    assert sides == [5, 10, 14, 28, 32]  # to scale


def test_the_window_between_two_maps_is_as_large_as_its_kernel() -> None:
    boxes = boxes_of(cnncalc.draw("1x32x32; conv 6 k5; maxpool 2", "maps"))
    plate = max(box.width for box in boxes)
    windows = [box.width for box in boxes if box.stroke == "accent"]
    assert windows == [pytest.approx(plate * 5 / 32), pytest.approx(plate * 2 / 32)]


@pytest.mark.parametrize("style", ["maps", "blocks"])
def test_skips_are_drawn(style: str) -> None:
    """As many arrows come to figures as there are readings that are not of the neighbour on the left."""
    convs = [f"{name}: conv 4 k3 p1" for name in "abc"]
    spec = spec_of("3x16x16", *convs, f"s: {ADD.format('a', 'c')}", CONCAT.format("b", "s"))
    scene = cnncalc.draw(spec, style).scene
    heads = [item for item in leaves_of(scene.items) if isinstance(item, Path) and item.stroke == "none"]
    assert len(heads) == 2


def test_what_is_read_from_another_line_is_named_at_both_ends() -> None:
    middle = [f"b{i}: conv 40 k3 p1" for i in range(20)]
    spec = spec_of("3x64x64", "a: conv 4 k3 p1", *middle, "c: conv 4 k1", f"s: {ADD.format('c', 'a')}")
    said = texts(cnncalc.draw(spec, "maps").svg)
    assert {"→ s", "← a"} <= set(said)


def test_the_bars_of_costs_are_as_long_as_their_numbers() -> None:
    bars = [box.width for box in boxes_of(cnncalc.draw("lenet5", "costs", quantities=["macs"]))]
    macs = [row.macs or 0 for row in cnncalc.analyze("lenet5") if row.macs]
    assert [bar / max(bars) for bar in bars] == [pytest.approx(n / max(macs), abs=0.004) for n in macs]
    said = texts(cnncalc.draw("lenet5", "costs").svg)
    assert {"117,600", "35.8 %", "328,096", "60,000"} <= set(said)


def test_bars_are_sorted_and_the_first_are_shown() -> None:
    said = texts(cnncalc.draw("lenet5", "costs", sort="params", top=2).svg)
    assert [text for text in said if text in ("C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT")] == ["C5", "F6"]


def test_the_memory_that_is_drawn_is_that_of_the_report() -> None:
    report = cnncalc.analyze("unet", batch=2, dtype="float16")
    said = texts(cnncalc.draw(report, "memory").svg)
    assert report.totals.peak_activation_bytes == 167_362_560 * 2 * 2 // 4  # 159.6 MiB for one sample in float32
    assert "peak 159.6 MiB at up4/concat1" in said
    boxes = boxes_of(cnncalc.draw(report, "memory"))
    frame = next(box for box in boxes if box.stroke == "peak")
    middle = frame.x + frame.width / 2
    inside = [box.height for box in boxes if box.stroke == "paper" and box.x < middle < box.x + box.width]
    assert sum(inside) == pytest.approx(frame.height)


def test_a_very_large_network_is_folded_to_what_can_be_read() -> None:
    steps = "; ".join("conv 2 k1" for _ in range(900))
    for style in STYLES:
        scene = cnncalc.draw(f"1x4x4; {steps}", style).scene
        assert sum(isinstance(item, Text) for item in leaves_of(scene.items)) < 700


def test_a_terminal_gets_bars_that_fit(tmp_path: pathlib.Path) -> None:
    from cnncalc.errors import columns_of
    from cnncalc.pages.drawing import Wish
    from cnncalc.pages.drawing.bars import draw_bars

    report = cnncalc.analyze("resnet50")
    for width in (40, 80, 120):
        lines = draw_bars(report, Wish(depth=2), width)
        assert max(map(columns_of, lines[2:])) <= width
        assert any(line.startswith("stage1/0") and "█" in line for line in lines)


def test_a_terminal_has_bars_in_its_letters_and_language() -> None:
    seen = on_terminal("draw", "lenet5", "--quantity", "macs", columns=60, LC_ALL="C.UTF-8")
    assert max(map(len, seen.splitlines())) <= 60
    assert "C3     █" in seen
    assert "LeNet-5，输入 1x32x32" in run("draw", "lenet5", "--lang", "zh").stdout
    assert "C3     #" in run("draw", "lenet5", PYTHONIOENCODING="ascii").stdout
    refused = on_terminal("draw", "lenet5", "--style", "maps")
    assert "a terminal shows no drawing of this style: name a file with -o net.svg" in refused


def test_what_is_not_known_is_a_question_and_no_zero() -> None:
    graph = cnncalc.load("3x16x16; conv 4 k3; conv 5 k3; dense 3")
    facts = (graph.facts[0], *[BEHIND_UNKNOWN] * (len(graph.nodes) - 1))
    lost = Graph(name="", inputs=graph.inputs, nodes=graph.nodes, outputs=graph.outputs, groups={}, facts=facts)
    assert "conv2: ?" in texts(cnncalc.draw(lost, "maps").svg)
    assert "conv2  ?" in texts(cnncalc.draw(lost, "blocks").svg)
    assert texts(cnncalc.draw(lost, "costs").svg).count("?") == 2 * 4
    with pytest.raises(cnncalc.CnncalcError, match="a layer has a shape that is not known"):
        _ = cnncalc.draw(lost, "memory").svg


def test_the_command_writes_what_the_ending_says(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "net.svg"
    done = run("draw", "lenet5", "--style", "blocks", "-o", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{path}: 14 layers, as svg\n")
    assert path.read_text(encoding="utf-8") == cnncalc.draw("lenet5", "blocks").svg
    piped = run("draw", "lenet5", "--style", "blocks")
    assert piped.stdout == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "net.bmp"), "no drawing goes by .bmp: known are .svg"),
        (("-o", "net"), "the ending of a drawing's file says its format"),
        (("--quantity", "mcas"), "no layer has the quantity 'mcas': did you mean macs?"),
        (("--sort", "colour"), "no layer has the quantity 'colour'"),
        (("--style", "map"), "maps"),
        (("--style", "memory", "--sort", "macs"), "sort is not for the style memory, but for costs"),
        (("--log",), "log is not for the style costs, but for maps, blocks"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_no_file_is_left(
    words: tuple[str, ...], message: str, tmp_path: pathlib.Path
) -> None:
    done = run("draw", "lenet5", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_are_shortened_in_the_middle_and_widths_know_wide_letters() -> None:
    assert fit("stage1/0/conv1/batchnorm", 60, 12) == "stage…rm"
    assert width_of("卷积", 10) == pytest.approx(2 * 10 * 1.04)
    assert width_of("ab", 10) < width_of("ab", 10, bold=True) < width_of("mm", 10, bold=True)


def test_every_format_has_an_ending_and_every_style_a_sentence() -> None:
    assert all(row.endings for row in FORMATS.values())
    assert all(row.about for row in STYLES.values())


def test_a_drawing_shows_itself_in_a_notebook_and_saves_itself(tmp_path: pathlib.Path) -> None:
    drawing = cnncalc.draw("lenet5", "maps")
    drawing.save(tmp_path / "a.svg")
    assert drawing._repr_svg_() == drawing.svg == (tmp_path / "a.svg").read_text(encoding="utf-8")
    with pytest.raises(cnncalc.CnncalcError, match="there is no style 'mapps': did you mean maps"):
        cnncalc.draw("lenet5", "mapps")
    with pytest.raises(cnncalc.CnncalcError, match="a report is fixed"):
        cnncalc.draw(cnncalc.analyze("lenet5"), "maps", batch=2)


# --- other formats


@pytest.mark.parametrize("style", STYLES)
def test_tikz_has_every_text_of_the_drawing(style: str) -> None:
    from cnncalc.pages.drawing.writers.tikz import write_letters

    drawing = cnncalc.draw("unet", style)
    tex = str(drawing.render("tikz"))
    words = [item.words for item in leaves_of(drawing.scene.items) if isinstance(item, Text)]
    assert tex.count(r"\node[") == len(words)
    assert all(f"{{{write_letters(text)}}};" in tex for text in words)
    assert "documentclass" not in tex
    assert str(drawing.render("tikz", standalone=True)).rstrip().endswith(r"\end{document}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex with standalone and TikZ")
@pytest.mark.parametrize("style", [pytest.param(s, marks=() if s == "maps" else pytest.mark.slow) for s in STYLES])
def test_a_document_of_tikz_compiles_by_itself(style: str, tmp_path: pathlib.Path) -> None:
    """A name that holds what LaTeX reads as commands among them."""
    drawing = cnncalc.draw(renamed(r"a_b$ \input{x} % ^~# [c] <d> &"), style)
    drawing.save(tmp_path / "net.tex", standalone=True)
    compile_tex("pdflatex", tmp_path)


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="needs xelatex with ctex and TikZ")
def test_a_chinese_document_of_tikz_compiles(tmp_path: pathlib.Path) -> None:
    with language.speaking("zh"):
        drawing = cnncalc.draw(renamed("卷积层"), "memory")
        drawing.save(tmp_path / "net.tex", standalone=True)
    assert "XeLaTeX" in (tmp_path / "net.tex").read_text(encoding="utf-8")
    compile_tex("xelatex", tmp_path)


def compile_tex(program: str, folder: pathlib.Path) -> None:
    words = [program, "-interaction=nonstopmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, errors="replace")
    if "standalone.cls' not found" in done.stdout or "ctex.sty' not found" in done.stdout:
        pytest.skip("needs LaTeX's standalone, and ctex for Chinese")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "net.pdf").stat().st_size > 1000


@pytest.mark.skipif(find_spec("reportlab") is None, reason="needs reportlab")
@pytest.mark.parametrize("name", ["lenet5", *NASTY])
def test_pdf_has_the_drawing_and_its_title_in_the_same_bytes(name: str, tmp_path: pathlib.Path) -> None:
    drawing = cnncalc.draw(cnncalc.load(name) if name == "lenet5" else renamed(name), "maps")
    written = drawing.render("pdf")
    assert isinstance(written, bytes)
    assert written.startswith(b"%PDF-")
    assert written == drawing.render("pdf")
    width, height = (float(n) for n in re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+)", written).groups())  # type: ignore[union-attr]
    assert (width, height) == pytest.approx((drawing.scene.width * 0.75, drawing.scene.height * 0.75), abs=0.01)


@pytest.mark.skipif(find_spec("resvg_py") is None, reason="needs resvg-py")
def test_png_has_two_pixels_for_each_of_the_drawing(tmp_path: pathlib.Path) -> None:
    drawing = cnncalc.draw("lenet5", "maps")
    drawing.save(tmp_path / "net.png")
    data = (tmp_path / "net.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert (width, height) == pytest.approx((2 * drawing.scene.width, 2 * drawing.scene.height), abs=1.5)


@pytest.mark.parametrize(("ending", "module"), [("pdf", "reportlab"), ("png", "resvg")])
def test_a_library_that_is_missing_is_named_and_no_file_is_written(
    ending: str, module: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("reportlab", "reportlab.pdfgen", "reportlab.pdfgen.canvas", "resvg_py"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(cnncalc.CnncalcError, match=rf"as .{ending} need {module}: pip install 'cnncalc\[draw\]'"):
        cnncalc.draw("lenet5", "maps").save(tmp_path / f"net.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_standalone_is_for_tikz() -> None:
    done = run("draw", "lenet5", "--standalone", "-o", "net.svg")
    assert done.returncode == 2
    assert "--standalone is for TikZ" in done.stderr


# --- notebooks


def test_results_show_as_tables_and_pictures_and_no_raw_tuples() -> None:
    field = cnncalc.receptive_field("lenet5", "C3", (2, 4))
    results = {
        "Result": cnncalc.check("lenet5", {"C3.params": "1,516"}),
        "Verification": cnncalc.verify("1x8x8; conv 2 k3"),
        "Difference": cnncalc.diff("lenet5", "lenet5-modern"),
        "Sweep": cnncalc.sweep("resnet50", classes=range(10, 12)),
        "Comparison": cnncalc.compare("lenet5", "alexnet"),
        "UnitField": field,
    }
    for name, result in results.items():
        html = result._repr_html_()
        assert "<table>" in html, name
        assert not re.search(rf"{name}\(|Report\(|\(\(|=\(", html), name
        assert re.fullmatch(rf"<{name} ?.{{3,90}}>", repr(result)), repr(result)
    drawn = field._repr_html_()
    (svg,) = re.findall(r"<svg.*?</svg>", drawn, re.DOTALL)
    assert "C3[2,4]" in texts(svg)
    assert "█" not in drawn  # the picture in characters is for terminals


def test_a_network_that_is_too_large_to_draw_is_refused_unless_more_is_allowed(tmp_path: Path) -> None:
    for command in ("draw", "report"):
        done = run(command, "-e", "3x8x8; relu x999999", "-o", "never.svg")
        assert done.returncode == 2
        assert "--max-operations" in done.stderr
    (tmp_path / "other.yaml").write_text("input: 3x8x8\nlayers:\n  - relu x999999\n", encoding="utf-8")
    done = run("report", "lenet5", str(tmp_path / "other.yaml"), "-o", str(tmp_path / "never.html"))
    assert done.returncode == 2
    assert "the network has more than 50,000 operations" in done.stderr
    done = run("draw", "-e", "3x8x8; relu x9", "--max-operations", "8")
    assert done.returncode == 2
