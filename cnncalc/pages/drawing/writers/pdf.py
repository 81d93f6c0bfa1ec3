"""PDF by ReportLab: vectors, and text as text in the fonts that every reader of PDF has.

Latin letters are those of Helvetica, Chinese, Japanese and Korean ones those of the reader's own font for them; for
other scripts a font of this machine is embedded. A letter that none of them has is written out, as \\u05e9.
"""

from __future__ import annotations

import os
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cnncalc.errors import visible
from cnncalc.pages.drawing.colours import NONE, PAPER, colours_of
from cnncalc.pages.drawing.extra import require
from cnncalc.pages.drawing.scene import END, MIDDLE, Box, Image, Path, Scene, Text, leaves_of

if TYPE_CHECKING:
    Canvas = Any

POINTS = 0.75  # of a pixel
CHINESE = "STSong-Light"
SIGNS = {"→": "\xae", "←": "\xac"}  # where they stand in the font Symbol
FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arialuni.ttf", "arial.ttf", "Arial.ttf")
FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts",
    "/System/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip


def render(scene: Scene) -> bytes:
    """The scene as a page of its size; the same scene gives the same bytes. Raises CnncalcError without ReportLab."""
    canvas_module = require("reportlab.pdfgen.canvas", ".pdf")
    buffer = BytesIO()
    size = (scene.width * POINTS, scene.height * POINTS)
    canvas = canvas_module.Canvas(buffer, pagesize=size, invariant=1, pageCompression=1)
    canvas.setTitle(visible(scene.title))
    canvas.setSubject(visible(scene.description))
    canvas.setLineJoin(1)
    # A scene has y downwards, and its window may begin anywhere.
    canvas.transform(POINTS, 0, 0, POINTS, -scene.left * POINTS, (scene.top + scene.height) * POINTS)
    paper = Box(scene.left, scene.top, scene.width, scene.height, fill=PAPER)
    fonts = Fonts()
    for item in (paper, *leaves_of(scene.items)):
        draw(canvas, fonts, item)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def draw(canvas: Canvas, fonts: Fonts, item: Box | Path | Text | Image) -> None:
    """One item; y goes down in a scene and up on a page."""
    if isinstance(item, Text):
        draw_text(canvas, fonts, item)
    elif isinstance(item, Image):
        reader = require("reportlab.lib.utils", ".pdf").ImageReader(BytesIO(item.data))
        canvas.drawImage(reader, item.x, -item.y - item.height, item.width, item.height, mask="auto")
    else:
        fill, stroke = item.fill != NONE, item.stroke != NONE
        if fill:
            canvas.setFillColor(colours_of(item.fill)[0], item.opacity)
        if stroke:
            canvas.setStrokeColor(colours_of(item.stroke)[0])
            canvas.setLineWidth(item.thick)
            canvas.setDash([5, 3] if item.dashed else [])
        if isinstance(item, Box):
            place = (item.x, -item.y - item.height, item.width, item.height)
            # A corner rounder than half a side would be none.
            radius = min(item.radius, item.width / 2, item.height / 2)
            canvas.roundRect(*place, radius, stroke, fill) if radius else canvas.rect(*place, stroke, fill)
        else:
            canvas.drawPath(outline(canvas, item), stroke, fill)


def outline(canvas: Canvas, item: Path) -> Any:
    path = canvas.beginPath()
    for name, *numbers in item.commands:
        # Every second number is a y, which goes up on a page.
        values = [-n if i % 2 else n for i, n in enumerate(numbers)]  # type: ignore[operator]
        {"M": path.moveTo, "L": path.lineTo, "C": path.curveTo, "Z": path.close}[str(name)](*values)
    return path


def draw_text(canvas: Canvas, fonts: Fonts, item: Text) -> None:
    """A line of text, piece by piece: each in the font that has its letters."""
    pieces = fonts.pieces(item.words, item.bold)
    widths = [canvas.stringWidth(text, font, item.size) for font, text in pieces]
    x = -{MIDDLE: 0.5, END: 1.0}.get(item.anchor, 0.0) * sum(widths)
    canvas.setFillColor(colours_of(item.fill)[0], 1)
    canvas.saveState()
    canvas.translate(item.x, -item.y)
    if item.turned:
        canvas.rotate(90)
    for (font, text), width in zip(pieces, widths, strict=True):
        canvas.setFont(font, item.size)
        canvas.drawString(x, 0, text)
        x += width
    canvas.restoreState()


class Fonts:
    """The fonts that are used, each made known when a letter first needs it."""

    def __init__(self) -> None:
        self.other: str | None = None
        self.searched = False

    def pieces(self, words: str, bold: bool) -> list[tuple[str, str]]:
        """A text in pieces (font, text) that one font has."""
        found = [self.of(letter, bold) for letter in visible(words)]
        return [(font, "".join(text for _f, text in piece)) for font, piece in groupby(found, key=lambda pair: pair[0])]

    def of(self, letter: str, bold: bool) -> tuple[str, str]:
        """The font for a letter, and how it is written in that."""
        latin = "Helvetica-Bold" if bold else "Helvetica"
        if letter in SIGNS:
            return "Symbol", SIGNS[letter]
        # Helvetica has here what the code page of Windows has.
        try:
            letter.encode("cp1252")
            return latin, letter
        except UnicodeEncodeError:
            pass
        from unicodedata import east_asian_width

        metrics = require("reportlab.pdfbase.pdfmetrics", ".pdf")
        if east_asian_width(letter) in "WF":
            if CHINESE not in metrics.getRegisteredFontNames():
                metrics.registerFont(require("reportlab.pdfbase.cidfonts", ".pdf").UnicodeCIDFont(CHINESE))
            return CHINESE, letter
        name = self.find()
        if name and ord(letter) in metrics.getFont(name).face.charToGlyph:
            return name, letter
        return latin, repr(ascii(letter))[2:-2].replace("\\\\", "\\")

    def find(self) -> str | None:
        """The name of a font of this machine that has many scripts, made known; None where there is none."""
        if not self.searched:
            self.searched = True
            paths = (os.path.join(folder, name) for folder, names in font_folders() for name in FONTS if name in names)
            path = next(paths, None)
            if path is not None:
                self.other = os.path.splitext(os.path.basename(path))[0].replace(" ", "")
                font = require("reportlab.pdfbase.ttfonts", ".pdf").TTFont(self.other, path)
                require("reportlab.pdfbase.pdfmetrics", ".pdf").registerFont(font)
        return self.other


def font_folders() -> list[tuple[str, set[str]]]:
    """The folders with fonts, in one order on every run, and the names of their files."""
    found = []
    for top in FOLDERS:
        for folder, inner, names in os.walk(os.path.expanduser(top)):
            inner.sort()
            found.append((folder, set(names)))
    return found
