"""HTML: a page of its own, or its contents alone for a notebook. No scripts, nothing loaded."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escape_markup

from cnncalc.formats import plain
from cnncalc.formats.page import Derived, Note, Page, Section, Table, in_one
from cnncalc.language import _

STYLE = """
.cnncalc { font: 14px/1.45 system-ui, sans-serif; }
.cnncalc .box { overflow-x: auto; }
.cnncalc table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.cnncalc table th, .cnncalc table td { padding: .2em .8em; text-align: right; white-space: nowrap; }
.cnncalc table th.left, .cnncalc table td.left { text-align: left; }
.cnncalc table tr.below td { text-align: left; white-space: normal; padding-left: 2.4em; opacity: .85; }
.cnncalc thead th { border-bottom: 2px solid; }
.cnncalc tbody tr:nth-child(even) { background: rgba(128, 128, 128, .1); }
.cnncalc tfoot td { border-top: 2px solid; font-weight: 600; }
.cnncalc dl { display: grid; grid-template-columns: max-content minmax(0, auto); gap: .15em 1em; }
.cnncalc dt { opacity: .7; }
.cnncalc dd { margin: 0; overflow-wrap: anywhere; }
.cnncalc pre { line-height: 1; }
.cnncalc math { font-size: 1.1em; }
@media (max-width: 30em) { .cnncalc dl { display: block; } }
""".strip()

AROUND = """
body { margin: 0; padding: 16px; }
main { box-sizing: border-box; margin: 0 auto; padding: 8px 28px 20px; background: var(--surface);
  border: 1px solid var(--line); border-radius: 10px; width: fit-content; max-width: 100%; }
main.document { width: auto; max-width: 60em; }
.look .cnncalc { font: inherit; }
.look h1 { font-size: 22px; } .look h2 { font-size: 17px; } .look h3 { font-size: 16px; }
.look .cnncalc thead th { color: var(--muted); border-bottom: 1px solid var(--strong-line); }
.look .cnncalc tbody td { border-bottom: 1px solid var(--line); }
.look .cnncalc tbody tr:nth-child(even) { background: none; }
.look .cnncalc tbody tr:hover { background: var(--accent-ground); }
.look .cnncalc tfoot td { border-top: 1px solid var(--strong-line); }
.look .cnncalc dt { color: var(--muted); opacity: 1; }
.look .cnncalc .box:has(> math) { padding: 8px 12px; background: var(--page); border-radius: 8px; }
.look .good { color: var(--good); font-weight: 600; } .look .bad { color: var(--bad); font-weight: 600; }
.look summary { cursor: pointer; color: var(--accent); }
@media (max-width: 30em) { body { padding: 6px; } main { padding: 4px 12px 12px; } }
@media print { .look { background: #fff; color-scheme: light; } main { border: 0; padding: 0; max-width: none; } }
"""

WHOLE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body class="look">
<main class="{shape}">
{body}
</main>
</body>
</html>
"""


MARKED = {"✓": ' class="good"', "✗": ' class="bad"'}  # cells that are a mark alone


def escape(text: str) -> str:
    """Text in which nothing is a tag; control characters are written out."""
    return escape_markup(plain.escape(text))


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """A whole page."""
    style = read_look() + AROUND
    shape = "document" if page.document else "tables"
    return WHOLE.format(language=_("en"), title=escape(page.title), style=style, shape=shape, body=fragment(page))


def read_look() -> str:
    # Loaded here: the fragments of a notebook need no look of their own.
    """The colours and letters that all pages for a browser share."""
    from importlib.resources import files

    return files("cnncalc.formats").joinpath("look.css").read_text(encoding="utf-8")


def fragment(page: Page) -> str:
    """Headings, tables, pictures and notes, with their style."""
    parts = [f'<div class="cnncalc">\n<style>\n{STYLE}\n</style>']
    # A fragment inside a notebook or another page leaves the larger headings to it.
    top = 1 if page.document else 3
    parts += [f"<h{top}>{escape(page.title)}</h{top}>"] if page.title else []
    for section in page.sections:
        parts += [f"<h{top + 1}>{escape(section.heading)}</h{top + 1}>"] if section.heading else []
        if section.derived is not None:
            parts += notes_lines(section.notes)
        if section.table is not None and section.table.rows:
            table = table_text(section.table)
            summary = f"<details><summary>{escape(section.folded)}</summary>" if section.folded else ""
            parts.append(f"{summary}\n{table}\n</details>" if summary else table)
        parts += picture_lines(section)
        parts += derivation(section.derived) if section.derived is not None else []
    return "\n".join([*parts, "</div>", ""])


def picture_lines(section: Section) -> list[str]:
    """The drawing, or the picture in characters; then the notes, unless they stand above arithmetic."""
    # A browser draws: characters are for what cannot.
    drawn = section.drawing() if section.drawing is not None else ""
    parts = [f'<div class="box">\n{drawn}</div>'] if drawn else []
    if section.picture and not drawn:
        lines = "\n".join(map(escape, section.picture))
        parts.append(f'<div class="box"><pre>{lines}</pre></div>')
    if section.derived is None:
        parts += notes_lines([note for note in section.notes if not drawn or note != section.caption])
    return parts


def table_text(table: Table) -> str:
    """A table in a box in which it scrolls where a screen is narrow; remarks stand below their rows, and wrap."""
    table = table.map_texts(escape)
    classes = [' class="left"' if table.is_left(i) else "" for i in range(len(table.headings))]

    def line(texts: Sequence[str], tag: str) -> str:
        inner = "".join(f"<{tag}{MARKED.get(text, c)}>{text}</{tag}>" for c, text in zip(classes, texts, strict=True))
        return f"<tr>{inner}</tr>"

    rows = []
    for i, row in enumerate(table.rows):
        rows.append(line(row, "td"))
        told = table.below[i] if table.below else ()
        rows += [f'<tr class="below"><td colspan="{len(classes)}">{text}</td></tr>' for text in told]
    body = "\n".join(rows)
    foot = f"\n<tfoot>{line(table.foot, 'td')}</tfoot>" if table.foot else ""
    head = line(table.headings, "th")
    return f'<div class="box"><table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>{foot}\n</table></div>'


def notes_lines(notes: Sequence[Note]) -> list[str]:
    """Sentences as paragraphs, and those with a subject as a list of what is said of what."""
    lines = []
    # Notes with a subject are one list, as long as no sentence comes between them.
    inside = False
    for note in notes:
        if isinstance(note, tuple) != inside:
            lines.append("</dl>" if inside else "<dl>")
            inside = not inside
        lines.append(f"<dt>{escape(note[0])}</dt><dd>{escape(note[1])}</dd>" if isinstance(note, tuple)
                     else f"<p>{escape(note)}</p>")  # fmt: skip
    return [*lines, "</dl>"] if inside else lines


def derivation(found: Derived) -> list[str]:
    """The letters as a list, and the arithmetic in MathML, each line in a box of its own."""
    lines = ["<ul>"] if found.symbols else []
    for letter, meaning in found.symbols:
        lines.append(f"<li>{in_one((math(letter.parts('mathml')), escape(meaning)))}</li>")
    lines += ["</ul>"] if found.symbols else []
    return lines + [f'<p class="box">{math(line.parts("mathml"))}</p>' for line in found.lines]


def math(parts: Sequence[str]) -> str:
    """An equation of parts that are MathML."""
    return f'<math displaystyle="true">{"<mo>=</mo>".join(parts)}</math>'
