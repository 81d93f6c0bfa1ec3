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
    window = " ".join(write_number(value) for value in (scene.left, scene.top, scene.width, scene.height))
    label = escape(scene.title)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cd" viewBox="{window}" width="{write_number(scene.width)}" '
        f'height="{write_number(scene.height)}" style="max-width:100%;height:auto" role="img" aria-label="{label}" '
        f'xml:lang="{_("en")}" font-family="{FONTS}">'
    ]
    lines += [f"<title>{label}</title>"] if label else []
    lines += [f"<desc>{escape(scene.description)}</desc>"] if scene.description else []
    paper = Box(scene.left, scene.top, scene.width, scene.height, fill=PAPER)
    lines.append(write_styles([paper, *scene.items]))
    for item in (paper, *scene.items):
        lines += write_element(item)
    return "\n".join([*lines, "</svg>"]) + "\n"


def write_styles(items: Iterable[Item]) -> str:
    """The colours on dark paper of the roles that are used."""
    used = set()
    for item in leaves_of(items):
        used |= {("fill", getattr(item, "fill", NONE)), ("stroke", getattr(item, "stroke", NONE))}
    rules = [
        f".cd .{name[0]}-{role}{{{name}:{colours_of(role)[1]}}}" for name, role in sorted(used) if role != NONE
    ]  # fmt: skip
    return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"


def write_element(item: Item) -> list[str]:
    """The lines of an item."""
    if isinstance(item, Group):
        inner = [text for part in item.items for text in write_element(part)]
        return ["<g>", *write_tooltip(item.title), *inner, "</g>"]
    if isinstance(item, Image):
        data = b64encode(item.data).decode()
        return [
            f'<image {write_corners(item)} preserveAspectRatio="none" href="data:{item.media_type};base64,{data}"/>'
        ]
    if isinstance(item, Text):
        return [write_text(item)]
    if isinstance(item, Box):
        start = f"rect {write_corners(item)}" + (f' rx="{write_number(item.radius)}"' if item.radius else "")
        sharp = item.stroke == NONE and not item.radius  # neighbours meet without a seam
        start += ' shape-rendering="crispEdges"' if sharp else ""
    else:
        start = f'path d="{outline(item)}"'
    start += write_paint(item)
    if not item.title:
        return [f"<{start}/>"]
    return [f"<{start}>{''.join(write_tooltip(item.title))}</{start.split(' ')[0]}>"]


def write_corners(item: Box | Image) -> str:
    """Where a rectangle begins, and how large it is."""
    place = f'x="{write_number(item.x)}" y="{write_number(item.y)}"'
    return f'{place} width="{write_number(item.width)}" height="{write_number(item.height)}"'


def write_text(item: Text) -> str:
    place = f'x="{write_number(item.x)}" y="{write_number(item.y)}"'
    if item.turned:
        place += f' transform="rotate(-90 {write_number(item.x)} {write_number(item.y)})"'
    anchor = "" if item.anchor == START else f' text-anchor="{item.anchor}"'
    bold = ' font-weight="bold"' if item.bold else ""
    return (
        f'<text {place} font-size="{write_number(item.size)}"{anchor}{bold} class="f-{item.fill}" '
        f'fill="{colours_of(item.fill)[0]}">{"".join(write_tooltip(item.title))}{escape(item.words)}</text>'
    )


def write_paint(item: Box | Path) -> str:
    """Fill and stroke: by class and by attribute."""
    classes = [f"{name}-{role}" for name, role in (("f", item.fill), ("s", item.stroke)) if role != NONE]
    text = f' class="{" ".join(classes)}"' if classes else ""
    text += f' fill="{NONE if item.fill == NONE else colours_of(item.fill)[0]}"'
    text += "" if item.opacity == 1 else f' fill-opacity="{write_number(item.opacity)}"'
    if item.stroke != NONE:
        text += f' stroke="{colours_of(item.stroke)[0]}"'
        text += "" if item.thick == 1 else f' stroke-width="{write_number(item.thick)}"'
        text += ' stroke-dasharray="5 3"' if item.dashed else ""
    return text


def outline(path: Path) -> str:
    return "".join(f"{name}{' '.join(map(write_number, numbers))}" for name, *numbers in path.commands)  # type: ignore[arg-type]


def write_tooltip(title: str) -> list[str]:
    return [f"<title>{escape(title)}</title>"] if title else []


def write_number(value: float) -> str:
    """A length with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def escape(text: str) -> str:
    """Text in which nothing is a tag; control characters and marks of direction are written out."""
    from cnncalc.errors import visible

    return "\n".join(map(visible, text.split("\n"))).translate(SPECIAL)
