"""HTML: a page of its own, or the table alone for a notebook. No scripts, nothing loaded."""

from __future__ import annotations

from html import escape

from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, View, cells, headings, notes, shown_rows, title, total_cells
from cnncalc.report import Report

STYLE = """
.cnncalc { font: 14px/1.45 system-ui, sans-serif; }
.cnncalc table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.cnncalc th, .cnncalc td { padding: .2em .8em; text-align: right; white-space: nowrap; }
.cnncalc .left { text-align: left; }
.cnncalc thead th { border-bottom: 2px solid; }
.cnncalc tbody tr:nth-child(even) { background: rgba(128, 128, 128, .1); }
.cnncalc tfoot td { border-top: 2px solid; font-weight: 600; }
.cnncalc dl { display: grid; grid-template-columns: max-content auto; gap: .15em 1em; }
.cnncalc dt { opacity: .7; }
.cnncalc dd { margin: 0; }
""".strip()

PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 2em; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def render(report: Report, view: View) -> str:
    """A whole page."""
    return PAGE.format(language=_("en"), title=escape(title(report)), body=fragment(report, view))


def fragment(report: Report, view: View | None = None) -> str:
    """The heading, the table and the notes, with their style."""
    view = view or View()
    columns = view.columns_for(report)
    classes = [' class="left"' if COLUMNS[name].left else "" for name in columns]

    def line(texts: list[str], tag: str) -> str:
        inner = "".join(f"<{tag}{c}>{escape(text)}</{tag}>" for c, text in zip(classes, texts, strict=True))
        return f"<tr>{inner}</tr>"

    head = line(headings(columns, report), "th")
    body = "\n".join(line(cells(report, row, columns), "td") for row in shown_rows(report, view))
    foot = line(total_cells(report, columns), "td")
    said = "\n".join(f"<dt>{escape(subject)}</dt><dd>{escape(text)}</dd>" for subject, text in notes(report))
    return (
        f'<div class="cnncalc">\n<style>\n{STYLE}\n</style>\n<h3>{escape(title(report))}</h3>\n'
        f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n<tfoot>{foot}</tfoot>\n</table>\n"
        f"<dl>\n{said}\n</dl>\n</div>\n"
    )
