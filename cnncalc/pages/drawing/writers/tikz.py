"""TikZ for LaTeX: a picture to put into a document, or with `standalone` one that compiles by itself.

Letters are those of Helvetica, whose widths the layouts reckon with. What has letters that pdfLaTeX does not know is
for XeLaTeX or LuaLaTeX, and says so.
"""

from __future__ import annotations

from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.formats.latex import comment, escape
from cnncalc.language import _
from cnncalc.pages.drawing.colours import NONE, colours_of
from cnncalc.pages.drawing.scene import END, MIDDLE, START, Box, Image, Path, Scene, Text, leaves_of

POINTS = 0.75  # of a pixel
ANCHORS = {START: "base west", MIDDLE: "base", END: "base east"}
ARROWS = {
    "→": r"\ensuremath{\rightarrow}",
    "←": r"\ensuremath{\leftarrow}",
    "…": r"\ldots{}",
    "×": r"\ensuremath{\times}",
}


def render(scene: Scene, *, standalone: bool = False) -> str:
    """The scene as LaTeX, ending with a line break. Raises CnncalcError for pictures of pixels."""
    items = list(leaves_of(scene.items))
    if any(isinstance(item, Image) for item in items):
        raise CnncalcError(_("TikZ has no place for a picture of pixels: write SVG, PDF or PNG"))
    words = [item.words for item in items if isinstance(item, Text)]
    plain = all(letter.isascii() or letter in ARROWS for text in words for letter in text)
    roles = sorted(
        {
            role
            for item in items
            for role in (getattr(item, "fill", NONE), getattr(item, "stroke", NONE))
            if role != NONE
        }
    )
    lines = [comment(scene.title)] if scene.title else []
    if not plain:
        lines.append(comment(_("for XeLaTeX or LuaLaTeX: it has letters that pdfLaTeX does not know")))
    if standalone:
        lines += write_preamble(plain)
    else:
        lines.append(comment(_("needs \\usepackage{{{packages}}}", packages="tikz")))
    lines += [rf"\definecolor{{{colour_name(role)}}}{{HTML}}{{{colours_of(role)[0][1:].upper()}}}" for role in roles]
    lines.append(r"\begin{tikzpicture}[x=0.75pt,y=-0.75pt,line join=round,every node/.style={inner sep=0pt}]")
    lines += [write_command(item) for item in items if not isinstance(item, Image)]
    lines.append(r"\end{tikzpicture}")
    lines += [r"\end{document}"] if standalone else []
    return "\n".join(lines) + "\n"


def write_preamble(plain: bool) -> list[str]:
    """What stands before the picture in a file of its own."""
    fonts = [r"\usepackage[T1]{fontenc}", r"\usepackage{textcomp}", r"\usepackage[scaled]{helvet}"]
    if not plain:
        fonts = [
            r"\usepackage{fontspec}",
            r"\usepackage[UTF8,fontset=fandol]{ctex}",
            r"\IfFontExistsTF{texgyreheros-regular.otf}"
            r"{\setsansfont{texgyreheros-regular.otf}[BoldFont=texgyreheros-bold.otf]}{}",
            r"\setCJKsansfont{FandolHei-Regular.otf}[BoldFont=FandolHei-Bold.otf]",
        ]
    return [
        r"\documentclass[border=4pt]{standalone}", r"\usepackage{tikz}", *fonts,
        r"\renewcommand{\familydefault}{\sfdefault}", r"\begin{document}",
    ]  # fmt: skip


def colour_name(role: str) -> str:
    return f"cd-{role}"


def write_command(item: Box | Path | Text) -> str:
    """One command."""
    if isinstance(item, Text):
        size = f"{item.size * POINTS:.2f}"
        options = [
            f"anchor={ANCHORS[item.anchor]}",
            *(["rotate=90"] if item.turned else []),
            f"text={colour_name(item.fill)}",
        ]
        font = rf"\fontsize{{{size}}}{{{size}}}\selectfont" + (r"\bfseries" if item.bold else "")
        return (
            rf"\node[{','.join(options)},font={font}] at {write_point(item.x, item.y)} {{{write_letters(item.words)}}};"
        )
    options = [] if item.fill == NONE else [f"fill={colour_name(item.fill)}"]
    options += [f"fill opacity={item.opacity:.2f}"] if item.opacity != 1 else []
    if item.stroke != NONE:
        options += [f"draw={colour_name(item.stroke)}", f"line width={item.thick * POINTS:.2f}pt"]
        options += ["dash pattern=on 3.75pt off 2.25pt"] if item.dashed else []
    if isinstance(item, Box):
        radius = min(item.radius, item.width / 2, item.height / 2) * POINTS
        options += [f"rounded corners={radius:.2f}pt"] if radius else []
        corner = write_point(item.x + item.width, item.y + item.height)
        return rf"\path[{','.join(options)}] {write_point(item.x, item.y)} rectangle {corner};"
    return rf"\path[{','.join(options)}] {' '.join(write_steps(item))};"


def write_steps(path: Path) -> list[str]:
    """The pieces of a path."""
    found = []
    for name, *numbers in path.commands:
        points = [write_point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        if name == "C":
            found.append(f".. controls {points[0]} and {points[1]} .. {points[2]}")
        elif name == "Z":
            found.append("-- cycle")
        else:
            found.append(points[0] if name == "M" else f"-- {points[0]}")
    return found


def write_point(x: Any, y: Any) -> str:
    return f"({x:.2f},{y:.2f})"


def write_letters(words: str) -> str:
    """A text in which nothing is a command; spaces stay as many as there are."""
    text: str = escape(words)
    for letter, command in ARROWS.items():
        text = text.replace(letter, command)
    return text.replace("  ", r"\ \ ").replace("[", "{[}").replace("]", "{]}")
