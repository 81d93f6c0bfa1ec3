"""The style graph as a browser shows it: no text over another, none outside its box, nothing cut off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.pages.drawing import Drawing, Wish
from cnncalc.pages.drawing.graph import Tree
from cnncalc.shipped import FAMILIES

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run")  # fmt: skip
# Pairs of texts whose boxes meet, and texts that leave the window or the box that they are written in.
MEASURED = """() => {
  const texts = [...document.querySelectorAll("text")].map(text => {
    const b = text.getBBox(), rect = text.parentNode.querySelector("rect"), r = rect && rect.getBBox();
    const inside = !r || text.parentNode.tagName !== "g" || (b.x >= r.x && b.x + b.width <= r.x + r.width);
    return {words: text.textContent, x: b.x, y: b.y, r: b.x + b.width, b: b.y + b.height, inside};
  });
  const window = document.documentElement.viewBox.baseVal, found = [];
  texts.sort((a, b) => a.y - b.y);
  texts.forEach((a, i) => {
    const [r, b] = [window.x + window.width, window.y + window.height];
    if (!a.inside || a.x < window.x || a.y < window.y || a.r > r || a.b > b) found.push(a.words);
    for (let k = i + 1; k < texts.length && texts[k].y < a.b; k++) {
      const other = texts[k];
      if (a.x < other.r && other.x < a.r && a.y + 1 < other.b - 1 && other.y + 1 < a.b - 1)
        found.push(`${a.words} | ${other.words}`);
    }
  });
  return [texts.length, found];
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A page of Chromium, driven by Playwright; skipped where either is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: no drawing is opened")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with playwright.sync_playwright() as driver:
        path = path or driver.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("there is no Chromium: no drawing is opened")
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser.new_page()
        finally:
            browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for family in FAMILIES.values() for name in family])
def test_no_text_stands_over_another_or_leaves_its_box(name: str, page: Any, tmp_path: Path) -> None:
    report = cnncalc.analyze(name)
    for depth in range(1, Tree(report).depth + 1):
        measure(page, Drawing(report, "graph", Wish(depth=depth, color="macs")), tmp_path)


def test_names_in_any_script_and_of_any_length_stay_in_their_boxes(page: Any, tmp_path: Path) -> None:
    layers = [f"{'卷积' * 40}: conv 2 k3 p1", "W" * 90 + ": conv 2 k3 p1 relu", "שלום: conv 2 k3 p1", "iiiii: dense 3"]
    spec = "\n".join(["name: '<b>&\"网络'", "input: 1x8x8", "layers:", *(f"  - {layer}" for layer in layers)])
    drawing = Drawing(cnncalc.analyze(spec), "graph", Wish(color="params"))
    assert measure(page, drawing, tmp_path) == 4 * 4 + 2 + 1 + 3  # layers, the input, the title, the legend


def measure(page: Any, drawing: Drawing, folder: Path) -> int:
    """How many texts there are; fails where a text is where it may not be."""
    path = folder / "drawing.svg"
    drawing.save(path)
    page.goto(path.as_uri())
    count, found = page.evaluate(MEASURED)
    assert found == []
    return int(count)
