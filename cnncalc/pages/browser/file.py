"""The page as one file: its HTML, style and scripts out of page/, joined, with the data as an island.

The scripts are JavaScript modules. Joined, they are one: each stands behind those that it imports, without its
`import` and `export`; so no two may have a name in common. The policy in the page allows what it holds, by hashes,
and nothing from outside.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from cnncalc.formats.html import read_look
from cnncalc.pages.browser.data import json_text
from cnncalc.pages.drawing.colours import FAMILIES

START = "start.js"  # the module that reads the island and shows the page
OF_TWO = ("difference.js", "sides.js")  # modules that nothing calls where one network is shown
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(async )?function|const|let|class)", re.MULTILINE)


def read_part(name: str) -> str:
    """A file of the page."""
    return files("cnncalc.pages.browser").joinpath("page", name).read_text(encoding="utf-8")


def join_scripts(start: str = START, without: Collection[str] = ()) -> str:
    """A module with all that it imports, as one script that imports nothing; some modules are left out."""
    done: dict[str, str] = {}
    waiting: list[str] = []

    def add(name: str) -> None:
        if name in done:
            return
        if name in waiting:
            raise ValueError(f"{name} imports itself")
        waiting.append(name)
        text = read_part(name)
        # Imports first, so that a script stands behind what it uses.
        for other in IMPORT.findall(text):
            if other not in without:
                add(other)
        waiting.pop()
        done[name] = EXPORT.sub("", IMPORT.sub("", text))

    add(start)
    return "".join(f"// {name}\n{text}" for name, text in done.items())


def write_colours() -> str:
    """The colours that drawings have, as variables of the style: --conv, and --kind below .family-conv."""
    pairs = FAMILIES.items()
    # For both looks at once: the browser takes the one that it is in.
    variables = "".join(f"--{family}: light-dark({light}, {dark});" for family, (light, dark) in pairs)
    classes = "".join(f".report .family-{family} {{ --kind: var(--{family}); }}\n" for family in FAMILIES)
    return f".report {{ {variables} }}\n{classes}"


def join_styles(*, of_two: bool = True) -> str:
    """The style of the page: the look that all pages share, the colours of kinds, its own, and that of two networks."""
    own = read_part("page.css") + (read_part("sides.css") if of_two else "")
    style = shorten(read_look() + write_colours() + own)
    for wide in (" {", "{ ", " }", ": ", ", ", "; "):  # which stand in no text of it
        style = style.replace(wide, wide.strip())
    return style


def shorten(text: str) -> str:
    """A script or a style without indentation and lines of comments; no text in them goes on for lines."""
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/*")))


def name_source(text: str) -> str:
    """How a policy names what stands between the tags of an element."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def html_text(data: Mapping[str, Any], title: str) -> str:
    """The whole file. `title` is what the browser's tab shows, in the language in which the page opens."""
    of_two = len(data["networks"]) == 2
    # Shortened first: the policy's hashes are of the text as it stands in the page.
    style, script = join_styles(of_two=of_two), shorten(join_scripts(without=() if of_two else OF_TWO))
    policy = (
        f"default-src 'none'; script-src {name_source(script)}; style-src {name_source(style)}; img-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        # Browsers choose their letters by it: `zh` alone may be either script.
        "language": {"zh": "zh-CN"}.get(data["language"], data["language"]),
        "policy": policy,
        "title": escape(title),
        "style": style,
        "data": json_text(data),
        "script": script,
    }
    # In one pass and through a function: nothing within a part is filled in or taken for an escape.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], read_part("page.html"))
