"""Drawings as a browser shows them: no text lies over another, by the boxes it measures, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_draw import NASTY, renamed

import cnncalc
from cnncalc import language
from cnncalc.pages.drawing import STYLES

pytestmark = pytest.mark.browser
WIDTHS = (1200, 400)
SOME = ("unet", "swin-t")
ALLOWED = 0.6  # pixels of the drawing by which boxes may meet: rounding

# What is wrong with the drawing: texts over each other or outside, a part that is cut off, a width beyond the window.
LOOK = """allowed => {
  const svg = document.documentElement, view = svg.viewBox.baseVal, found = [];
  const right = view.x + view.width, bottom = view.y + view.height;
  const boxes = [...svg.querySelectorAll('text')].map(text => {
    const b = text.getBBox(), turn = text.transform.baseVal.consolidate();
    const corners = [[b.x, b.y], [b.x + b.width, b.y + b.height]].map(([x, y]) => {
      const m = turn && turn.matrix;
      return m ? [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f] : [x, y];
    });
    const xs = corners.map(p => p[0]), ys = corners.map(p => p[1]);
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), text.lastChild.textContent];
  });
  if (!boxes.length) found.push('no text at all');
  boxes.forEach((a, i) => {
    if (a[0] < view.x - allowed || a[1] < view.y - allowed || a[2] > right + allowed || a[3] > bottom + allowed)
      found.push('outside: ' + a[4]);
    for (const b of boxes.slice(i + 1))
      if (a[0] < b[2] - allowed && b[0] < a[2] - allowed && a[1] < b[3] - allowed && b[1] < a[3] - allowed)
        found.push(a[4] + ' over ' + b[4]);
  });
  const all = svg.getBBox();
  if (all.x < view.x - 1 || all.y < view.y - 1 || all.x + all.width > right + 1 || all.y + all.height > bottom + 1)
    found.push('cut off');
  if (svg.getBoundingClientRect().width > innerWidth + 1) found.push('wider than the window');
  return found;
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def faults(page: Any, svg: str, folder: Path) -> list[str]:
    """What is wrong with a drawing at any of the widths."""
    path = folder / "net.svg"
    path.write_text(svg, encoding="utf-8")
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.as_uri())
        found += [f"{width}: {fault}" for fault in page.evaluate(LOOK, ALLOWED)]
    return found


def test_a_text_over_another_and_one_outside_are_found(page: Any, tmp_path: Path) -> None:
    """The look itself: on a drawing with faults."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 50 40" width="50" height="40" font-size="10">'
    texts = '<text x="2" y="12">one</text><text x="4" y="14">two</text><text x="30" y="30">three and more</text>'
    found = faults(page, f"{head}{texts}</svg>", tmp_path)
    assert found[:3] == ["1200: one over two", "1200: outside: three and more", "1200: cut off"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", SOME)
def test_nothing_lies_over_a_text_and_nothing_is_cut_off(name: str, style: str, page: Any, tmp_path: Path) -> None:
    assert faults(page, cnncalc.draw(name, style).svg, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_every_bundled_network_in_every_style(style: str, page: Any, tmp_path: Path) -> None:
    for name in cnncalc.networks():
        assert faults(page, cnncalc.draw(name, style).svg, tmp_path) == [], name


@pytest.mark.parametrize("style", [pytest.param(s, marks=() if s == "maps" else pytest.mark.slow) for s in STYLES])
def test_names_of_any_letters_have_their_room(style: str, page: Any, tmp_path: Path) -> None:
    for name in NASTY:
        assert faults(page, cnncalc.draw(renamed(name), style).svg, tmp_path) == [], name


@pytest.mark.parametrize("style", [pytest.param(s, marks=() if s == "memory" else pytest.mark.slow) for s in STYLES])
def test_chinese_has_its_room(style: str, page: Any, tmp_path: Path) -> None:
    with language.speaking("zh"):
        assert faults(page, cnncalc.draw("unet", style).svg, tmp_path) == []


@pytest.mark.parametrize(
    "words", [("--to", "S4"), ("--unit", "S4[0,0]"), ("--effective", "--unit", "S4")], ids=" ".join
)
def test_fields_have_their_room(words: tuple[str, ...], page: Any, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cnncalc.cli import group

    target = tmp_path / "field.svg"
    done = CliRunner().invoke(group(), ["rf", "lenet5", *words, "--svg", str(target)])
    assert done.exit_code == 0, done.output
    assert faults(page, target.read_text(encoding="utf-8"), tmp_path) == []


def test_dark_paper_has_light_letters(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    path.write_text(cnncalc.draw("lenet5", "maps").svg, encoding="utf-8")
    seen = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        seen[scheme] = page.evaluate(
            "() => ['.f-paper', '.f-ink'].map(name => getComputedStyle(document.querySelector(name)).fill)"
        )
    page.emulate_media(color_scheme="light")
    assert seen == {
        "light": ["rgb(255, 255, 255)", "rgb(31, 35, 40)"],
        "dark": ["rgb(20, 23, 27)", "rgb(230, 232, 235)"],
    }
