"""PNG by resvg: the SVG of the scene in pixels, twice as many as it has in each direction, with the machine's fonts."""

from __future__ import annotations

from cnncalc.pages.drawing.extra import require
from cnncalc.pages.drawing.scene import Scene
from cnncalc.pages.drawing.writers import svg

ZOOM = 2.0  # pixels for each of the drawing's
MOST = 16_000  # pixels along a side


def render(scene: Scene) -> bytes:
    """The scene on light paper. Raises CnncalcError without resvg."""
    resvg = require("resvg_py", ".png")
    # Pixels take memory by the area: no side is longer than MOST.
    zoom = min(ZOOM, MOST / max(scene.width, scene.height))
    width = max(1, round(scene.width * zoom))
    return bytes(resvg.svg_to_bytes(svg_string=svg.render(scene), width=width))
