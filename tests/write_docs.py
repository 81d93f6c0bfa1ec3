"""Writes the generated parts of the docs: python tests/write_docs.py. A test compares them with the program."""

from __future__ import annotations

import os
from itertools import groupby

from checkout import ROOT

from cnncalc.answers.mistakes.catalogue import EDITS
from cnncalc.answers.mistakes.in_fields import MISTAKES
from cnncalc.answers.mistakes.sentences import HOW, REASON
from cnncalc.cli.kinds import options_of, write_option
from cnncalc.conventions import SHIPPED, Convention, Rule, convention
from cnncalc.conventions.quantities import QUANTITIES
from cnncalc.conventions.reading import folder, read_convention
from cnncalc.layers import KINDS
from cnncalc.quantities import OF_A_LAYER, OF_THE_NETWORK
from cnncalc.spec.findings import RULES

DOCS = ROOT / "docs"
HEAD = ["| kinds | if | count | source |", "|---|---|---|---|"]
MARKED = {name: (f"<!-- {name} -->\n", f"<!-- end of {name} -->\n") for name in ("quantities", "conventions")}
ABOUT_LINT = """\
# Findings

Written by `python tests/write_docs.py`. `cnncalc lint --explain CODE` says the same.

```sh
cnncalc lint net.yaml models/ resnet50        # files, folders, bundled networks
cnncalc lint net.onnx@3x224x224               # models of other programs; what is about words is not looked for there
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
            lines += [f"- {write_option(option).strip()}" for option in options_of(layer)]
            lines += [""] if layer.options else []
    return "\n".join(lines)


def conventions_page() -> str:
    """The page as it is, its generated parts anew."""
    page = (DOCS / "conventions.md").read_text(encoding="utf-8")
    for name, text in (("quantities", quantities_table()), ("conventions", conventions_tables())):
        begin, end = MARKED[name]
        before, _begin, rest = page.partition(begin)
        page = f"{before}{begin}{text}{end}{rest.partition(end)[2]}"
    return page


def report_page() -> str:
    """docs/quantities.md as it is, its table of fields anew."""
    page = (DOCS / "quantities.md").read_text(encoding="utf-8")
    begin, end = "<!-- fields -->\n", "<!-- end of fields -->\n"
    rows = [*OF_A_LAYER, *(quantity for quantity in OF_THE_NETWORK if not quantity.of_layer)]
    table = ["| field | meaning |", "|---|---|", *(f"| `{row.name}` | {row.remark} |" for row in rows), ""]
    before, _begin, rest = page.partition(begin)
    return before + begin + "\n".join(table) + end + rest.partition(end)[2]


def quantities_table() -> str:
    rows = [f"| `{name}` | {text} |" for name, text in QUANTITIES.items()]
    return "\n".join(["| name | stands for |", "|---|---|", *rows, ""])


def conventions_tables() -> str:
    base = read_convention(os.path.join(folder(), "pytorch.yaml"))
    about = "No tool: layers for which PyTorch has nothing. Its rules come first in the tools that run a PyTorch model."
    rows = [row_of(rule, base) for rule in base.rules]
    shared = ["### pytorch", "", about, "", *HEAD, *rows, ""]
    return "\n".join(["\n".join(shared), *(table_of(convention(name)) for name in SHIPPED)])


def table_of(one: Convention) -> str:
    """A convention with all of its rules."""
    about = [f"{one.calls}: {one.unit}."]
    about += [f"Version: {one.version}."] if one.version else []
    about += [f"{one.project}."] if one.project else []
    about += ["A batch counts as one sample."] if one.one else []
    lines = [f"### {one.name}", "", " ".join(about), ""]
    lines += [line for note in one.notes for line in (note, "")]
    lines += HEAD
    lines += [row_of(rule, one) for rule in one.rules if rule.origin == one.name]
    last = one.otherwise
    lines += [row_of(last, one)] if last and last.origin == one.name else []
    origins = [rule.origin for rule in one.rules]
    own = origins.index(one.name) if one.name in origins else 0
    before, behind = dict.fromkeys(origins[:own]), [name for name in dict.fromkeys(origins[own:]) if name != one.name]
    texts = [f"Before these the rules of `{name}`." for name in before]
    texts += [f"Behind these the rules of `{name}`." for name in behind if name not in before]
    lines += ["", " ".join(texts)] if texts else []
    return "\n".join([*lines, ""])


def row_of(rule: Rule, one: Convention) -> str:
    kinds = ", ".join(sorted(rule.kinds or ())) or "all"
    kinds = "all others" if rule is one.otherwise else f"all but {', '.join(sorted(rule.but))}" if rule.but else kinds
    said = [f"`{rule.counted}`" if rule.counted else ""]
    said += [f"unknown: {rule.unknown}" if rule.unknown else "", f"fails: {rule.fails}" if rule.fails else ""]
    said += [f"params `{rule.params}`" if rule.params else "", f"once for `{rule.once}`" if rule.once else ""]
    said += [rule.note]
    cells = [kinds, f"`{rule.condition}`" if rule.condition else "", "; ".join(filter(None, said)), rule.source]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def lint_page() -> str:
    """Every finding with why it matters, a spec that has it and one that has not."""
    parts = [ABOUT_LINT]
    for rule in RULES.values():
        parts.append(f"## {rule.code}\n\n{rule.title[0].upper()}{rule.title[1:]}. {rule.why}\n\n")
        parts.append(f"```yaml\n{rule.bad}```\n\nWithout:\n\n```yaml\n{rule.good}```\n\n")
    return "".join(parts).rstrip() + "\n"


ABOUT_MISTAKES = """\
# Mistakes

Written by `python tests/write_docs.py`. What `cnncalc check` says of a wrong number, by the id that JSON has.

All mistakes are made in every place where they can be made: in the layer that is asked about, in those before it, in
all of a kind, two at once. The answer is looked up among what comes out. At most three are named, by two measures:

- **The rank** is how far-fetched a mistake is: the lower, the commoner, and the sooner it is named. One inherited from
  a layer before ranks 2 to 4 higher, one in a single layer of a total 8 higher; two at once have both ranks and 6 to 10
  more. What one mistake explains needs no second; beside a common one none is named that is 20 ranks rarer.
- **The share** is how special the number is: what part of the whole numbers near by (within a half, within a fifth, of
  as many digits) mistakes up to this rank would give too. Above 1.8 % it is named with *perhaps*, as it is where
  several mistakes give the number; above 60 % nothing beyond rank 20 is named. So of random wrong numbers fewer than
  2 % are told without *perhaps* what went wrong.

"""


def mistakes_page() -> str:
    """Every mistake that is known, the commonest first: rank, id, and what is said of the number."""
    ranks: dict[str, int] = {}
    known = [(edit.id, edit.rank) for edit in EDITS] + [(name, rank) for name, rank, _rule in MISTAKES]
    for name, rank in known:
        if "+" not in name:
            ranks[name] = min(rank, ranks.get(name, rank))
    lines = [ABOUT_MISTAKES + "| rank | id | the number is what comes out |", "|--:|---|---|"]
    for name in sorted(HOW, key=lambda name: (ranks.get(name, 99), name)):
        reason = f": {REASON[name]()}" if name in REASON else ""
        lines.append(f"| {ranks.get(name, '')} | `{name}` | {HOW[name]()}{reason} |")
    return "\n".join(lines) + "\n\nThose without a rank are found in totals, by bytes, or between layers.\n"


PAGES = {
    "mistakes.md": mistakes_page,
    "kinds.md": kinds_page,
    "lint.md": lint_page,
    "conventions.md": conventions_page,
    "quantities.md": report_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
