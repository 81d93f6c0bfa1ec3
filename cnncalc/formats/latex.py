"""LaTeX for the packages booktabs, longtable and amsmath, and any Unicode engine for names that are not ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncalc.errors import columns_of
from cnncalc.formats import plain
from cnncalc.formats.page import Derived, Page, Section, Table, in_one
from cnncalc.language import _

MARKS = {
    **{mark: "\\" + mark for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\^{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
}
# Signs of ours, which pdfTeX has in no font of its own.
SIGNS = {
    **{sign: rf"\ensuremath{{\{name}}}" for sign, name in
       (("✓", "surd"), ("✗", "times"), ("≤", "le"), ("≥", "ge"), ("≈", "approx"), ("→", "to"))},
    "−": r"\ensuremath{-}",
    "█": r"\rule{0.8ex}{1.4ex}",
}  # fmt: skip
EVERY = re.compile("[" + "".join(map(re.escape, (*MARKS, *SIGNS))) + "]")
A_PAGE = 40  # rows: a longer table goes on over the next ones
# From so many characters in a line on, what makes it fit the text of a page 12 cm wide.
SIZES = ((130, r"\tiny"), (95, r"\scriptsize"), (75, r"\footnotesize"), (0, r"\small"))


def escape(text: str) -> str:
    """Text in which nothing is a command, a comment or a formula."""
    return EVERY.sub(lambda found: MARKS.get(found[0]) or SIGNS[found[0]], plain.escape(text).replace("\xa0", " "))


def comment(text: str) -> str:
    """A comment: on one line, whatever the text."""
    return "% " + plain.escape(text).replace("\xa0", " ")


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """Tables, with everything else as comments; of what is to be read, a document's sections."""
    if page.document:
        return document(page)
    packages = ["booktabs", *(["longtable"] if any(is_long(s.table) for s in page.sections) else [])]
    needed = _("needs \\usepackage{{{packages}}}", packages=",".join(packages))
    lines = [*([comment(page.title)] if page.title else []), f"% {needed}"]
    for i, section in enumerate(page.sections):
        lines += [""] * bool(i)
        lines += [comment(section.heading)] if section.heading else []
        if section.table is not None and section.table.rows:
            lines += table_lines(section.table)
        lines += [comment(line) for line in section.picture]
        lines += [comment(in_one(note)) for note in section.notes]
    return "\n".join(lines) + "\n"


def is_long(table: Table | None) -> bool:
    """Whether a table needs more than a page."""
    return table is not None and len(table.rows) > A_PAGE


def table_lines(table: Table) -> list[str]:
    """A tabular; a longtable with its head on every page where there are many rows."""
    table = table.with_remarks(_("remarks"))
    # As wide as tabulate made them, which left two columns more above than a number needs, and escaped afterwards.
    widths = [max(w, columns_of(heading) + 2) for w, heading in zip(table.widths(), table.headings, strict=True)]
    left = [table.is_left(i) for i in range(len(widths))]
    padded = [list(map(plain.align, row, widths, left)) for row in table.lines()]
    # Escaped behind the padding: commands are longer than what they print.
    head, *rows = [" " + " & ".join(map(escape, row)) + r" \\" for row in padded]
    if table.foot:
        rows.insert(len(rows) - 1, r"\midrule")
    shape = "".join("l" if at_left else "r" for at_left in left)
    if not is_long(table):
        lines = [rf"\begin{{tabular}}{{{shape}}}", r"\toprule", head, r"\midrule", *rows]
        return [*lines, r"\bottomrule", r"\end{tabular}"]
    # A longtable cannot be scaled as a whole: smaller letters are what is left.
    size = next(size for least, size in SIZES if sum(table.widths()) >= least)
    return [
        rf"\begingroup{size}\setlength{{\tabcolsep}}{{2pt}}",
        rf"\begin{{longtable}}{{@{{}}{shape}@{{}}}}",
        *(r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *rows),
        r"\end{longtable}",
        r"\endgroup",
    ]


def document(page: Page) -> str:
    """Sections with what is said, letters and aligned equations."""
    lines = ["% " + _("needs \\usepackage{amsmath}, and for Chinese \\usepackage{ctex}")]
    lines += [rf"\section*{{{escape(page.title)}}}"] if page.title else []
    for section in page.sections:
        lines += ["", rf"\subsection*{{{escape(section.heading)}}}"] if section.heading else [""]
        lines += [escape(in_one(note)) + r"\par" for note in section.notes]
        lines += simple_table(section) + derivation(section.derived or Derived((), ()))
    return "\n".join(lines).strip() + "\n"


def simple_table(section: Section) -> list[str]:
    """A small table inside a text, without rules."""
    if section.table is None:
        return []
    table = section.table.with_remarks(_("remarks")).map_texts(escape)
    rows = [" & ".join(row) + r" \\" for row in table.lines()]
    return [rf"\begin{{tabular}}{{{'l' * len(table.headings)}}}", *rows, r"\end{tabular}\par"]


def derivation(found: Derived) -> list[str]:
    """The letters in a line, then the equations."""
    letters = [in_one((f"${' = '.join(letter.parts('latex'))}$", escape(meaning))) for letter, meaning in found.symbols]
    lines = [_("; ").join(letters) + r"\par"] if letters else []
    return lines + ([equations([line.parts("latex") for line in found.lines])] if found.lines else [])


def equations(lines: Sequence[Sequence[str]]) -> str:
    r"""`align*`: a line each, aligned at the first sign of equality."""
    rows = []
    for first, *rest in lines:
        whole = " = ".join(rest)
        if len(whole) <= 120:
            rows.append(f"  {first} &= {whole}")
        else:  # too wide for a page
            rows += [f"  {first} &= {rest[0]}", *(f"    &= {part}" for part in rest[1:])]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
