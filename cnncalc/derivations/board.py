"""Derivations as a teacher would write them: text for a terminal, Markdown, LaTeX, or HTML with MathML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cnncalc.errors import columns_of
from cnncalc.formats.grid import Grid, draw
from cnncalc.formats.lines import wrapped
from cnncalc.formats.markdown import escaped
from cnncalc.language import _
from cnncalc.pages.view import number, sizes

if TYPE_CHECKING:
    from cnncalc.derivations.lines import Derivation

FORMATS = ("text", "markdown", "latex", "html")
WIDEST = 100  # columns of a line of text


def render(found: Sequence[Derivation], format: str, heading: str = "", width: int = WIDEST) -> str:
    """The derivations one below the other; each symbol is explained once. `width` is that of a terminal, for text."""
    if format == "text":
        return text(found, heading, min(width, WIDEST))
    return {"markdown": markdown, "latex": latex, "html": html}[format](found, heading)


def title_of(derivation: Derivation) -> str:
    """`C3.connections = 151,600`."""
    name = f"{derivation.layer}.{derivation.title}" if derivation.layer else f"{_('total')} {derivation.title}"
    return f"{name} = {shown(derivation.value)}"


def shown(value: Any) -> str:
    return sizes(value) if isinstance(value, tuple) else number(value)


def new_symbols(found: Sequence[Derivation]) -> list[list[tuple[str, int | None, str]]]:
    """For each derivation the letters that no earlier one has explained."""
    known: set[tuple[str, int | None]] = set()
    result = []
    for derivation in found:
        fresh = [(name, value, meaning) for name, (value, meaning) in derivation.symbols.items()
                 if (name, value) not in known]  # fmt: skip
        known |= {(name, value) for name, value, _meaning in fresh}
        result.append(fresh)
    return result


def text(found: Sequence[Derivation], heading: str = "", width: int = WIDEST) -> str:
    """For a terminal of so many columns."""
    from cnncalc.derivations.formulas import TEXT

    parts = [heading, "=" * columns_of(heading), ""] if heading else []
    for derivation, symbols in zip(found, new_symbols(found), strict=True):
        parts.append(title_of(derivation))
        for remark in derivation.remarks:
            first, *others = wrapped(remark, width, 2)
            parts += ["  " + first, *others]
        if derivation.table:
            head, *rows = derivation.table
            parts += [f"    {line}" for line in draw(Grid(head, rows, left=2 if len(head) == 3 else 1)).splitlines()]
        if symbols:
            letters = [name if value is None else f"{name} = {value:,}" for name, value, _m in symbols]
            widest = max(map(len, letters))
            parts += [
                f"    {letter:<{widest}}  {meaning}".rstrip()
                for letter, (_n, _v, meaning) in zip(letters, symbols, strict=True)
            ]
        parts += [f"  {line}" for line in aligned([line.parts(TEXT) for line in derivation.steps], width - 2)]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def aligned(lines: Sequence[Sequence[str]], width: int) -> list[str]:
    """`name = formula`, and every further `= ...` on a line of its own below where it gets long."""
    result = []
    for first, *rest in lines:
        whole = " = ".join([first, *rest])
        if columns_of(whole) <= width:
            result.append(whole)
            continue
        indent = " " * len(first)
        for i, part in enumerate(rest):
            head = f"{indent if i else first} = "
            lines = wrap(part, max(20, width - len(head)), break_long_words=False, break_on_hyphens=False)
            result += [head + lines[0], *(f"{indent}   {line}" for line in lines[1:])]
    return result


def markdown(found: Sequence[Derivation], heading: str = "") -> str:
    from cnncalc.derivations.formulas import LATEX

    parts = [f"## {escaped(heading)}", ""] if heading else []
    for derivation, symbols in zip(found, new_symbols(found), strict=True):
        parts += [f"### {escaped(title_of(derivation))}", ""]
        parts += [part for remark in derivation.remarks for part in (escaped(remark), "")]
        if derivation.table:
            head, *rows = derivation.table
            parts += [draw(Grid(head, rows, left=2 if len(head) == 3 else 1), "markdown")]
        parts += [f"- ${LATEX.symbol(name)}{'' if value is None else f' = {LATEX.number(value)}'}$: {escaped(meaning)}"
                  for name, value, meaning in symbols]  # fmt: skip
        parts += [""] * bool(symbols)
        parts += [part for line in derivation.steps for part in ("$$" + " = ".join(line.parts(LATEX)) + "$$", "")]
    return "\n".join(parts).rstrip() + "\n"


def latex(found: Sequence[Derivation], heading: str = "") -> str:
    parts = ["% needs \\usepackage{amsmath}, and for Chinese \\usepackage{ctex}"]
    parts += [rf"\section*{{{in_latex(heading)}}}"] if heading else []
    from cnncalc.derivations.formulas import LATEX

    for derivation, symbols in zip(found, new_symbols(found), strict=True):
        parts += ["", rf"\subsection*{{{in_latex(title_of(derivation))}}}"]
        parts += [in_latex(remark) + r"\par" for remark in derivation.remarks]
        if derivation.table:
            head, *rows = derivation.table
            parts += [rf"\begin{{tabular}}{{{'l' * len(head)}}}"]
            parts += [" & ".join(map(in_latex, row)) + r" \\" for row in (head, *rows)]
            parts += [r"\end{tabular}\par"]
        letters = [f"${LATEX.symbol(name)}{'' if value is None else f' = {LATEX.number(value)}'}$: {in_latex(meaning)}"
                   for name, value, meaning in symbols]  # fmt: skip
        parts += ["; ".join(letters) + r"\par"] if letters else []
        parts += [derivation.to_latex()] if derivation.steps else []
    return "\n".join(parts).strip() + "\n"


def in_latex(plain: str) -> str:
    for mark in "&%$#_{}":
        plain = plain.replace(mark, "\\" + mark)
    return plain.replace("~", r"\textasciitilde{}").replace("^", r"\textasciicircum{}")


def html(found: Sequence[Derivation], heading: str = "") -> str:
    from cnncalc.derivations.formulas import MATHML

    parts = [
        "<!DOCTYPE html>", f'<html lang="{_("en")}"><head><meta charset="utf-8">', f"<title>{escape(heading)}</title>",
        "<style>body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}math{font-size:1.1em}"
        "table{border-collapse:collapse}td,th{padding:.1em .7em;text-align:left}h2{margin-top:2em}</style>",
        "</head><body>",
        f"<h1>{escape(heading)}</h1>",
    ]  # fmt: skip
    for derivation, symbols in zip(found, new_symbols(found), strict=True):
        parts.append(f"<h2>{escape(title_of(derivation))}</h2>")
        parts += [f"<p>{escape(remark)}</p>" for remark in derivation.remarks]
        if derivation.table:
            head, *rows = derivation.table
            parts.append("<table><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>")
            parts += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
            parts.append("</table>")
        if symbols:
            parts.append("<ul>")
            for name, value, meaning in symbols:
                letter = math([MATHML.symbol(name), *([] if value is None else [MATHML.number(value)])])
                parts.append(f"<li>{letter}: {escape(meaning)}</li>")
            parts.append("</ul>")
        parts += [f"<p>{math(line.parts(MATHML))}</p>" for line in derivation.steps]
    return "\n".join([*parts, "</body></html>", ""])


def math(parts: Sequence[str]) -> str:
    return f'<math displaystyle="true">{"<mo>=</mo>".join(parts)}</math>'
