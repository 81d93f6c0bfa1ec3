"""Drawings of networks: a report in, a scene of boxes, lines and texts out, one writer per format.

A style is a row of STYLES and a module with `scene(report, wish)`. A format is a row of FORMATS and a module of
`writers/`: with `render(scene)`, or with `render_network(report, wish)` where it has a layout of its own.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.errors import CnncalcError, suggest
from cnncalc.language import _, n_

if TYPE_CHECKING:
    from cnncalc.pages.drawing.scene import Scene
    from cnncalc.report import Report


class Style(NamedTuple):
    """Where a style's scene is made, what it shows, and which fields of a wish it heeds."""

    module: str
    about: str
    heeds: tuple[str, ...] = ()


class Format(NamedTuple):
    """How a drawing is written: endings of files, whether it is text, and whether it lays out the graph by itself."""

    endings: tuple[str, ...]
    module: str
    binary: bool = False
    of_network: bool = False


STYLES: dict[str, Style] = {
    "graph": Style(
        "pages.drawing.styles.graph", n_("the dataflow: a box for each row, frames round blocks"), ("depth", "color")
    ),
    "maps": Style(
        "pages.drawing.styles.maps",
        n_("each map or stack of maps to scale, with the window that connects it"),
        ("depth", "log"),
    ),
    "blocks": Style(
        "pages.drawing.styles.blocks",
        n_("a stack of boxes, as thick as there are channels and as high as the maps; skips as arcs"),
        ("depth", "log"),
    ),
    "costs": Style(
        "pages.drawing.styles.costs",
        n_("where parameters, MACs and activations are: a bar for each row"),
        ("depth", "quantities", "sort", "top"),
    ),
    "memory": Style(
        "pages.drawing.styles.memory", n_("what is alive at each operation, tensor by tensor, with the peak")
    ),
}
DEFAULT = "graph"
FORMATS: dict[str, Format] = {
    "svg": Format(("svg",), "pages.drawing.writers.svg"),
    "mermaid": Format(("mmd", "mermaid"), "pages.drawing.writers.mermaid", of_network=True),
    "dot": Format(("dot", "gv"), "pages.drawing.writers.dot", of_network=True),
    "tikz": Format(("tex", "tikz"), "pages.drawing.writers.tikz"),
    "pdf": Format(("pdf",), "pages.drawing.writers.pdf", binary=True),
    "png": Format(("png",), "pages.drawing.writers.png", binary=True),
}


class Wish(NamedTuple):
    """What is asked of a drawing.

    depth     levels of blocks that are shown; None: as many as can be read
    color     the quantity that heats the nodes of `graph`; empty: none
    quantities  what `costs` shows; empty: parameters, MACs and activations
    sort      the quantity by which rows are ordered, the largest first; empty: in the order in which they run
    top       how many rows are shown; None: all
    log       sizes by their logarithms
    """

    depth: int | None = None
    color: str = ""
    quantities: tuple[str, ...] = ()
    sort: str = ""
    top: int | None = None
    log: bool = False


NOTHING: Mapping[str, Any] = MappingProxyType({})


class Drawing:
    """A drawing of a network, which a notebook shows: `.svg`, `.save(path)`, and `.scene` for writers."""

    def __init__(self, report: "Report", style: str = DEFAULT, wish: Wish | None = None) -> None:
        self.report, self.style, self.wish = report, check_style(style), wish or Wish()
        check_wish(self.style, self.wish)
        self._scene: Scene | None = None

    @property
    def scene(self) -> "Scene":
        """The boxes, lines and texts."""
        if self._scene is None:
            self._scene = import_module(f"cnncalc.{STYLES[self.style].module}").scene(self.report, self.wish)
        return self._scene

    @property
    def svg(self) -> str:
        """The drawing as the text of an SVG file."""
        return str(self.render("svg"))

    def render(self, format: str, **options: Any) -> str | bytes:
        """The drawing in one of FORMATS. Raises CnncalcError for one that there is not, or that the style has not."""
        row = FORMATS[check_format(format)]
        writer = import_module(f"cnncalc.{row.module}")
        if row.of_network:
            # What lays out the graph by itself knows boxes and lines alone.
            if self.style != "graph":
                raise CnncalcError(_("{format} is written of the style graph alone", format=format))
            written: str | bytes = writer.render_network(self.report, self.wish, **options)
        else:
            written = writer.render(self.scene, **options)
        return written

    def save(self, path: "str | os.PathLike[str]", **options: Any) -> None:
        """Write the drawing to a file, in the format that its ending says. Raises CnncalcError, OSError.

        options  standalone=True: TikZ as a document that compiles by itself
        """
        name = os.fsdecode(path)
        # Before a file is begun: where that fails, none is there.
        written = self.render(format_of(name), **options)
        from cnncalc.formats.files import replace_file

        with replace_file(name) as file:
            file.write(written.encode() if isinstance(written, str) else written)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing {self.style} of {self.report.name or 'unnamed'}>"


def format_of(path: str) -> str:
    """The format that the ending of a file's name asks for. Raises CnncalcError."""
    ending = os.path.splitext(path)[1].lower().lstrip(".")
    for name, row in FORMATS.items():
        if ending in row.endings:
            return name
    known = ", ".join(f".{ending}" for row in FORMATS.values() for ending in row.endings)
    if not ending:
        raise CnncalcError(_("the ending of a drawing's file says its format: one of {endings}", endings=known))
    raise CnncalcError(_("no drawing goes by .{ending}: known are {endings}", ending=ending, endings=known))


def render_scene(scene: "Scene", path: str) -> str | bytes:
    """A scene in the format that the ending of a file's name says; as SVG where it says none that scenes have."""
    ending = os.path.splitext(path)[1].lower().lstrip(".")
    # What lays out a network by itself has nothing for fields.
    row = next((row for row in FORMATS.values() if ending in row.endings and not row.of_network), FORMATS["svg"])
    written: str | bytes = import_module(f"cnncalc.{row.module}").render(scene)
    return written


def check_wish(style: str, wish: Wish) -> None:
    """Raise CnncalcError for what is asked of a style that does not heed it, with the styles that do."""
    for name, value, usual in zip(Wish._fields, wish, Wish(), strict=True):
        # What has its usual value was not asked for.
        if value != usual and name not in STYLES[style].heeds:
            others = ", ".join(other for other, row in STYLES.items() if name in row.heeds)
            raise CnncalcError(_("{option} is not for the style {style}, but for {others}", option=name, style=style,
                                 others=others))  # fmt: skip


def check_style(name: str) -> str:
    """The name of a style. Raises CnncalcError with the nearest one."""
    if name not in STYLES:
        raise CnncalcError(_("there is no style '{name}': {hint}", name=str(name)[:40], hint=hint_for(name, STYLES)))
    return name


def check_format(name: str) -> str:
    """The name of a format. Raises CnncalcError with the nearest one."""
    if name not in FORMATS:
        raise CnncalcError(
            _("no drawing is written as '{name}': {hint}", name=str(name)[:40], hint=hint_for(name, FORMATS))
        )
    return name


def hint_for(name: str, known: Mapping[str, Any]) -> str:
    return suggest(str(name), known) or _("known: {names}", names=", ".join(known))
