"""How a page is written: a file per format, each with `render(page, width, colour)` and `escape(text)`.

A format is a row of FORMATS and a file of its name in this folder. Every page can be written in every one of them,
apart from those that are made of findings, where a page has none. A page is a value: see page.py.
"""

from importlib import import_module

from cnncalc.errors import CnncalcError
from cnncalc.formats.page import Page
from cnncalc.language import _


class Format:
    """A row of the table: endings of files that mean it, and whether it is made of the findings of a page."""

    __slots__ = ("endings", "of_findings")

    def __init__(self, endings: tuple[str, ...] = (), *, of_findings: bool = False) -> None:
        self.endings = endings
        self.of_findings = of_findings


FORMATS = {
    "table": Format(),
    "plain": Format(("txt", "text")),
    "markdown": Format(("md", "markdown")),
    "rst": Format(("rst",)),
    "csv": Format(("csv",)),
    "json": Format(("json",)),
    "latex": Format(("tex",)),
    "html": Format(("html", "htm")),
    "junit": Format(("xml",), of_findings=True),
    "sarif": Format(("sarif",), of_findings=True),
    "github": Format(of_findings=True),
}
EVERYWHERE = tuple(name for name, row in FORMATS.items() if not row.of_findings)
ENDINGS = {ending: name for name, row in FORMATS.items() for ending in row.endings}
ALIASES = {"text": "plain"}  # as it was called before


def write_page(page: Page, format: str, width: int | None = None, colour: bool = False) -> str:
    """The page in one of FORMATS, ending with a line break. Raises CnncalcError for a format that there is not.

    width   columns of the terminal; None where there is none
    colour  whether escape sequences for colours may be used
    """
    name = ALIASES.get(format, format)
    row = FORMATS.get(name)
    if row is None or (row.of_findings and page.findings is None):
        known = [other for other, row in FORMATS.items() if page.findings is not None or not row.of_findings]
        raise CnncalcError(_("unknown format '{format}': known: {names}", format=format, names=", ".join(known)))
    # By its name: a run loads the one format that it writes.
    text: str = import_module(f"cnncalc.formats.{name}").render(page, width, colour)
    return text
