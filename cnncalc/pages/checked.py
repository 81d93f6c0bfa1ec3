"""Graded answers: one sheet as plain text, Markdown or JSON; a class as tables, CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.answers.grading import VERDICTS, Item, Result, commonest
from cnncalc.errors import CnncalcError, visible
from cnncalc.formats.grid import Grid, draw
from cnncalc.language import _
from cnncalc.pages.view import number, sizes
from cnncalc.report import Report, listed

MARKS = {"right": "✓", "convention": "✓", "wrong": "✗", "unreadable": "?", "missing": "-"}


def shown(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, tuple):
        return sizes(value)
    return number(value) if isinstance(value, int) else str(value)


def written(text: str) -> str:
    """What a student wrote, short and without control characters."""
    return visible(text if len(text) <= 40 else text[:37] + "...")


def place_to_look(item: Item) -> str:
    """Where the mistake may be, without the number."""
    layer = item.layer or _("the network")
    return {
        "params": _("{layer}: how deep is one filter, how many are there, and who has a bias?", layer=layer),
        "connections": _("{layer}: what does one unit read, its bias too, and how many units are there?", layer=layer),
        "macs": _("{layer}: multiplications of one unit, times the units", layer=layer),
        "flops": _("{layer}: what is counted besides the multiplications?", layer=layer),
        "output": _(
            "{layer}: the size that enters, padding on both sides, kernel, stride, and the channels", layer=layer
        ),
        "receptive_field": _("{layer}: each kernel adds k - 1 steps, as wide as all strides before it", layer=layer),
    }.get(item.quantity, _("{layer}: look at its shape and its options again", layer=layer))


def said(item: Item, hint: bool) -> list[str]:
    """The remarks on an answer: its convention, or the mistakes that give this number."""
    if item.verdict == "convention":
        return [_("right, {convention}", convention=item.convention)]
    if item.verdict != "wrong":
        return []
    sentences = [m.sentence for m in item.mistakes]
    if hint:
        right = {shown(item.expected), shown(item.expected).replace(",", "")}
        sentences = [s for s in sentences if not any(text in s for text in right)]
        return sentences[:3] or [place_to_look(item)]
    return sentences[:3]


def grid_of(result: Result, hint: bool, *, remarks: bool = False) -> Grid:
    """A row per answer; the remarks in a column of their own where lines below a row are not possible."""
    rows = []
    for item in result.items:
        row = [visible(item.name[:80]), written(item.given), *([] if hint else [shown(item.expected)])]
        row += [MARKS[item.verdict], points_text(item)]
        rows.append([*row, *(["; ".join(said(item, hint))] if remarks else [])])
    heads = [_("answer"), _("given"), *([] if hint else [_("expected")]), "", _("points")]
    return Grid([*heads, *([_("remarks")] if remarks else [])], rows, left=1)


def points_text(item: Item) -> str:
    return f"{fraction(item.earned)}/{fraction(item.points)}"


def fraction(value: Any) -> str:
    return f"{float(value):g}"


def summary(result: Result) -> str:
    return _("{earned} of {points} points ({percent} %)", earned=fraction(result.earned),
             points=fraction(result.points), percent=f"{100 * result.score:.0f}")  # fmt: skip


def render(result: Result, format: str, report: Report, *, hint: bool = False, explain: bool = False) -> str:
    """One sheet, graded."""
    if format == "json":
        return json.dumps(as_data(result, hint=hint), indent=2, ensure_ascii=False) + "\n"
    parts = []
    if format == "markdown":
        parts.append(draw(grid_of(result, hint, remarks=True), format))
    else:
        head, rule, *lines = draw(grid_of(result, hint)).splitlines() if result.items else ["", ""]
        text = [head, rule]
        for item, line in zip(result.items, lines, strict=True):
            remarks = said(item, hint)
            text.append(line)
            several = item.verdict == "wrong" and len(remarks) > 1
            before = _("perhaps: ") if several else ""
            text += [f"    {before}{remark}" for remark in remarks]
        parts.append("\n".join(text) + "\n" if result.items else "")
    if explain:
        parts.append(derived(result, report, format))
    parts.append(summary(result) + "\n")
    return "\n".join(part for part in parts if part)


def derived(result: Result, report: Report, format: str) -> str:
    """The derivations of the numbers that were not right."""
    from cnncalc.derivations import QUANTITIES, Derivation
    from cnncalc.derivations import explain as derivations_of
    from cnncalc.derivations.board import render as draw_board

    found: list[Derivation] = []
    for item in result.items:
        if item.verdict != "right" and item.expected is not None and item.quantity in QUANTITIES:
            try:
                found += derivations_of(report, item.layer or "total", item.quantity)
            except CnncalcError:  # a total that is no sum
                continue
    return draw_board(found, "markdown" if format == "markdown" else "text") if found else ""


def as_data(result: Result, *, hint: bool = False) -> dict[str, Any]:
    """A result as JSON has it."""
    return {
        "sheet": result.sheet.source.name,
        "score": round(result.score, 6),
        "earned": float(result.earned),
        "points": float(result.points),
        "items": [
            {
                "name": item.name,
                "line": item.line,
                "given": item.given,
                **({} if hint else {"expected": listed(item.expected)}),
                "verdict": item.verdict,
                "convention": item.convention or None,
                "mistakes": [m.id for m in item.mistakes],
                "remarks": said(item, hint),
                "points": float(item.points),
                "earned": float(item.earned),
            }
            for item in result.items
        ],
        "problems": result.messages(),
    }


def render_class(results: Mapping[str, Result], errors: Mapping[str, str], format: str, *, hint: bool = False) -> str:
    """A table per student, the class, its commonest mistakes, and the sheets that could not be read."""
    ranked = commonest(results)
    if format == "json":
        data = {
            "students": {name: as_data(result, hint=hint) for name, result in results.items()},
            "mistakes": [{"answer": a, "mistake": m, "sentence": s, "times": n} for a, m, s, n in ranked],
            "errors": dict(errors),
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if format == "csv":
        return draw(long_grid(results, errors, hint), "csv")
    heading = "## {}\n" if format == "markdown" else "{}\n"
    parts = []
    for name, result in results.items():
        parts.append(heading.format(visible(name)) + "\n" + draw(grid_of(result, hint, remarks=True), format))
        parts += [message + "\n" for message in result.messages()]
    parts.append(heading.format(_("the class")) + "\n" + draw(class_grid(results), format))
    if ranked:
        rows = [[str(times), name, sentence] for name, _mistake, sentence, times in ranked[:10]]
        grid = Grid([_("times"), _("answer"), _("mistake")], rows, left=3)
        parts.append(heading.format(_("the commonest mistakes")) + "\n" + draw(grid, format))
    hard = hardest(results)
    if hard:
        grid = Grid(
            [_("answer"), _("not right"), _("of")], [[visible(n[:80]), str(w), str(a)] for n, w, a in hard[:10]], left=1
        )
        parts.append(heading.format(_("the hardest numbers")) + "\n" + draw(grid, format))
    if errors:
        parts.append(heading.format(_("sheets that could not be read")) + "\n" + "\n".join(errors.values()) + "\n")
    return "\n".join(parts)


def class_grid(results: Mapping[str, Result]) -> Grid:
    rows = []
    for name, result in results.items():
        verdicts = [item.verdict for item in result.items]
        counts = [str(verdicts.count(v) or "") for v in VERDICTS]
        rows.append(
            [visible(name), fraction(result.earned), fraction(result.points), f"{100 * result.score:.0f}", *counts]
        )
    heads = [_("student"), _("earned"), _("points"), "%", _("right"), _("by convention"), _("wrong"), _("unreadable"),
             _("missing")]  # fmt: skip
    return Grid(heads, rows)


def hardest(results: Mapping[str, Result]) -> list[tuple[str, int, int]]:
    """(answer, how many were not right, of how many), the hardest first."""
    counts: dict[str, list[int]] = {}
    for result in results.values():
        for item in result.items:
            entry = counts.setdefault(item.name, [0, 0])
            entry[0] += item.verdict not in ("right", "convention")
            entry[1] += 1
    return sorted(((n, w, a) for n, (w, a) in counts.items() if w), key=lambda entry: -entry[1])


def long_grid(results: Mapping[str, Result], errors: Mapping[str, str], hint: bool) -> Grid:
    """A row per student and answer; a sheet that could not be read has one row."""
    rows: list[Sequence[str]] = []
    for name, result in results.items():
        for item in result.items:
            expected = "" if hint or item.expected is None else shown(item.expected).replace(",", "")
            rows.append([cell(name), cell(item.name), cell(item.given), expected, item.verdict, item.convention,
                         " ".join(m.id for m in item.mistakes), fraction(item.points),
                         fraction(item.earned)])  # fmt: skip
    rows += [[cell(name), "", "", "", "error", cell(error), "", "", ""] for name, error in errors.items()]
    heads = ["student", "answer", "given", "expected", "verdict", "convention", "mistakes", "points", "earned"]
    return Grid(heads, rows)


def cell(text: str) -> str:
    """A text of others for a spreadsheet, which would work out what begins like a formula."""
    text = visible(text.replace("\n", " "))
    return "'" + text if text[:1] in ("=", "+", "-", "@") and not text[1:].replace(".", "").isdigit() else text
