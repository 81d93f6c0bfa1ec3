"""Writes the generated parts of the docs: python tests/write_docs.py. A test compares them with the program."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from cnncalc.cli.kinds import option_line, options_of
from cnncalc.layers import KINDS
from cnncalc.lint import RULES

DOCS = Path(__file__).parent.parent / "docs"
ABOUT_LINT = """\
# Findings

Written by `python tests/write_docs.py`. `cnncalc lint --explain CODE` says the same.

```sh
cnncalc lint net.yaml models/ resnet50        # files, folders, bundled networks
cnncalc lint models/ --ignore unread-pixels   # or --select; several are separated by commas
cnncalc lint models/ --format github          # or plain, markdown, json, junit, sarif
```

A finding is something that is so for sure, on the shapes that the spec has, and probably not meant. What is only a
matter of taste is none. A line of a block that is called often is told once, with the layers that have the finding.
Status 0 without findings, 1 with some, 2 where a spec cannot be used.

What is meant as it is gets a comment, at the line or in the line before, with the reason:

```yaml
- conv 96 k7 s2 relu    # cnncalc: ignore[unread-pixels] as in the paper, the last row of 224 stays unread
```

`# cnncalc: ignore-file[unread-pixels]` stands for the whole file; several codes are separated by commas. A comment that
ignores nothing is a finding itself, a code that there is not an error.

"""


def kinds_page() -> str:
    """Every kind with its description, options and other names."""
    lines = [
        "# Kinds",
        "",
        "Written by `python tests/write_docs.py`. `cnncalc kinds KIND` shows the arithmetic of a kind too.",
        "",
        "Names are compared without regard to case, `_`, `-` and a 1d, 2d or 3d: `Conv2D`, `MaxPool2d` and",
        "`max_pooling` are understood. In brackets how an option is written in a one-line step.",
        "",
    ]
    for family, rows in groupby(KINDS.values(), key=lambda row: row.family):
        lines += [f"## {family}", ""]
        for row in rows:
            layer = row.load()
            lines += [f"### {row.name}", "", " ".join((layer.__doc__ or "").split()), ""]
            if row.aliases:
                lines += [f"Also: {', '.join(f'`{alias}`' for alias in row.aliases)}", ""]
            lines += [f"- {option_line(option).strip()}" for option in options_of(layer)]
            lines += [""] if layer.options else []
    return "\n".join(lines)


def lint_page() -> str:
    """Every finding with why it matters, a spec that has it and one that has not."""
    parts = [ABOUT_LINT]
    for rule in RULES.values():
        parts.append(f"## {rule.code}\n\n{rule.title[0].upper()}{rule.title[1:]}. {rule.why}\n\n")
        parts.append(f"```yaml\n{rule.bad}```\n\nWithout:\n\n```yaml\n{rule.good}```\n\n")
    return "".join(parts).rstrip() + "\n"


PAGES = {"kinds.md": kinds_page, "lint.md": lint_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
