"""SVG: text as text, no script, nothing loaded from elsewhere.

Every element has its colour on light paper as an attribute, which every program understands; a style sheet gives it
the one on dark paper where the reader prefers that. Names of classes begin with `cd-`, since in a notebook several
drawings share one page.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from cnncalc.language import _
from cnncalc.pages.drawing.colours import NONE, PAPER, colours_of
from cnncalc.pages.drawing.scene import START, Box, Group, Image, Item, Path, Scene, Text, leaves_of

FONTS = (
    "Helvetica, Arial, 'Liberation Sans', 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
)
SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def render(scene: Scene) -> str:
    """The scene as a file, ending with a line break."""
    window = " ".join(number(value) for value in (scene.left, scene.top, scene.width, scene.height))
    label = escape(scene.title)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cd" viewBox="{window}" width="{number(scene.width)}" '
        f'height="{number(scene.height)}" style="max-width:100%;height:auto" role="img" aria-label="{label}" '
        f'xml:lang="{_("en")}" font-family="{FONTS}">'
    ]
    lines += [f"<title>{label}</title>"] if label else []
    lines += [f"<desc>{escape(scene.description)}</desc>"] if scene.description else []
    paper = Box(scene.left, scene.top, scene.width, scene.height, fill=PAPER)
    lines.append(style_sheet([paper, *scene.items]))
    for item in (paper, *scene.items):
        lines += element(item)
    return "\n".join([*lines, "</svg>"]) + "\n"


def style_sheet(items: Iterable[Item]) -> str:
    """The colours on dark paper of the roles that are used."""
    used = set()
    for item in leaves_of(items):
        used |= {("fill", getattr(item, "fill", NONE)), ("stroke", getattr(item, "stroke", NONE))}
    rules = [
        f".cd .{name[0]}-{role}{{{name}:{colours_of(role)[1]}}}" for name, role in sorted(used) if role != NONE
    ]  # fmt: skip
    return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"


def element(item: Item) -> list[str]:
    """The lines of an item."""
    if isinstance(item, Group):
        inner = [text for part in item.items for text in element(part)]
        return ["<g>", *tooltip(item.title), *inner, "</g>"]
    if isinstance(item, Image):
        data = b64encode(item.data).decode()
        return [
            f'<image x="{number(item.x)}" y="{number(item.y)}" width="{number(item.width)}" '
            f'height="{number(item.height)}" preserveAspectRatio="none" href="data:{item.media_type};base64,{data}"/>'
        ]
    if isinstance(item, Text):
        return [text_element(item)]
    if isinstance(item, Box):
        start = (
            f'rect x="{number(item.x)}" y="{number(item.y)}" width="{number(item.width)}" '
            f'height="{number(item.height)}"' + (f' rx="{number(item.radius)}"' if item.radius else "")
        )
        sharp = item.stroke == NONE and not item.radius  # neighbours meet without a seam
        start += ' shape-rendering="crispEdges"' if sharp else ""
    else:
        start = f'path d="{outline(item)}"'
    start += paint(item)
    return [f"<{start}/>"] if not item.title else [f"<{start}>{''.join(tooltip(item.title))}</{start.split(' ')[0]}>"]


def text_element(item: Text) -> str:
    place = f'x="{number(item.x)}" y="{number(item.y)}"'
    if item.turned:
        place += f' transform="rotate(-90 {number(item.x)} {number(item.y)})"'
    anchor = "" if item.anchor == START else f' text-anchor="{item.anchor}"'
    bold = ' font-weight="bold"' if item.bold else ""
    return (
        f'<text {place} font-size="{number(item.size)}"{anchor}{bold} class="f-{item.fill}" '
        f'fill="{colours_of(item.fill)[0]}">{"".join(tooltip(item.title))}{escape(item.words)}</text>'
    )


def paint(item: Box | Path) -> str:
    """Fill and stroke: by class and by attribute."""
    classes = [f"{name}-{role}" for name, role in (("f", item.fill), ("s", item.stroke)) if role != NONE]
    text = f' class="{" ".join(classes)}"' if classes else ""
    text += f' fill="{NONE if item.fill == NONE else colours_of(item.fill)[0]}"'
    text += "" if item.opacity == 1 else f' fill-opacity="{number(item.opacity)}"'
    if item.stroke != NONE:
        text += f' stroke="{colours_of(item.stroke)[0]}"'
        text += "" if item.thick == 1 else f' stroke-width="{number(item.thick)}"'
        text += ' stroke-dasharray="5 3"' if item.dashed else ""
    return text


def outline(path: Path) -> str:
    return "".join(f"{name}{' '.join(map(number, numbers))}" for name, *numbers in path.commands)  # type: ignore[arg-type]


def tooltip(title: str) -> list[str]:
    return [f"<title>{escape(title)}</title>"] if title else []


def number(value: float) -> str:
    """A length with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def escape(text: str) -> str:
    """Text in which nothing is a tag; control characters and marks of direction are written out."""
    from cnncalc.errors import visible

    return "\n".join(map(visible, text.split("\n"))).translate(SPECIAL)
