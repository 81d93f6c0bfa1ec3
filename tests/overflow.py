"""What sticks out of a page, by the boxes that the browser measures."""

from __future__ import annotations

from typing import Any

MEASURE = """(root) => {
  const cut = (element) => {
    for (let above = element.parentElement; above; above = above.parentElement) {
      if (getComputedStyle(above).overflowX !== "visible") return true;
    }
    return false;
  };
  const width = document.documentElement.clientWidth;
  const found = [];
  for (const element of document.querySelectorAll(root + " *")) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!box.width || !box.height || style.clipPath !== "none") continue;
    const name = `${element.tagName} ${element.getAttribute("class")}`;
    if (box.right > width + 1 && !cut(element)) found.push(`${name}: beyond the window`);
    const html = !(element instanceof SVGElement) && element.clientWidth && style.overflowX === "visible";
    if (html && element.scrollWidth > element.clientWidth + 1) found.push(`${name}: wider than its place`);
    const lines = box.height / parseFloat(style.fontSize);
    if (element.matches(".card .number") && lines > 1.9) found.push(`${name}: broken`);
    const ratio = element.width / element.height;
    const stretched = element.tagName === "CANVAS" && Math.abs(box.width / box.height / ratio - 1) > 0.1;
    if (stretched && box.height > 30) found.push(`${name}: stretched`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  return [...new Set(found)];
}"""


def what_sticks_out(page: Any, root: str) -> list[str]:
    """Elements below a selector that lie outside the window or are wider than their place; numbers in two lines."""
    found: list[str] = page.evaluate(MEASURE, root)
    return found
