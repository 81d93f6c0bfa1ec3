"""Graded answers as pages: the sheets of one person, or those of a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.answers.grading import VERDICTS, Item, Result, commonest
from cnncalc.derivations import QUANTITIES, Derivation
from cnncalc.derivations import explain as derivations_of
from cnncalc.derivations.board import board
from cnncalc.errors import CnncalcError, visible
from cnncalc.formats.numbers import number, sizes
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.view import counted_by
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


def answers_table(result: Result, hint: bool) -> Table:
    """A row per answer, with the remarks on it below."""
    rows, below = [], []
    for item in result.items:
        row = [item.name[:80], written(item.given), *([] if hint else [shown(item.expected)])]
        rows.append([*row, MARKS[item.verdict], points_text(item)])
        remarks = said(item, hint)
        before = _("perhaps: ") if item.verdict == "wrong" and len(remarks) > 1 else ""
        below.append([f"{before}{remark}" for remark in remarks])
    heads = [_("answer"), _("given"), *([] if hint else [_("expected")]), "", _("points")]
    return Table(heads, rows, left=1, below=below)


def points_text(item: Item) -> str:
    return f"{fraction(item.earned)}/{fraction(item.points)}"


def fraction(value: Any) -> str:
    return f"{float(value):g}"


def summary(result: Result) -> str:
    return _("{earned} of {points} points ({percent} %)", earned=fraction(result.earned),
             points=fraction(result.points), percent=f"{100 * result.score:.0f}")  # fmt: skip


def sheets_page(results: Sequence[Result], report: Report, *, hint: bool = False, explain: bool = False) -> Page:
    """The sheets of one person, graded; the derivations of what is not right, if they are wanted."""
    sections = []
    for result in results:
        heading = result.sheet.source.name if len(results) > 1 else ""
        sections.append(Section("", answers_table(result, hint), heading=heading))
        sections += board(derived(result, report)).sections if explain else []
        sections.append(Section("", notes=[summary(result)]))
    if report.convention is not None:
        sections.append(Section("", notes=[counted_by(report)]))
    data = [as_data(result, hint=hint) for result in results]
    facts = data[0] if len(data) == 1 else {"sheets": data}
    return Page("", sections, facts, records=lambda: sheet_records({r.sheet.source.name: r for r in results}, hint))


def derived(result: Result, report: Report) -> list[Derivation]:
    """The derivations of the numbers that were not right."""
    found: list[Derivation] = []
    for item in result.items:
        if item.verdict != "right" and item.expected is not None and item.quantity in QUANTITIES:
            try:
                found += derivations_of(report, item.layer or "total", item.quantity)
            except CnncalcError:  # a total that is no sum
                continue
    return found


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


def class_page(results: Mapping[str, Result], errors: Mapping[str, str], *, hint: bool = False) -> Page:
    """A table per student, the class, its commonest mistakes, and the sheets that could not be read."""
    ranked = commonest(results)
    sections = [
        Section("", answers_table(result, hint), heading=name, notes=result.messages())
        for name, result in results.items()
    ]
    sections.append(Section("", class_table(results), heading=_("the class")))
    if ranked:
        rows = [[str(times), name, sentence] for name, _mistake, sentence, times in ranked[:10]]
        table = Table([_("times"), _("answer"), _("mistake")], rows, left=3)
        sections.append(Section("", table, heading=_("the commonest mistakes")))
    hard = hardest(results)
    if hard:
        rows = [[name[:80], str(wrong), str(all)] for name, wrong, all in hard[:10]]
        sections.append(
            Section("", Table([_("answer"), _("not right"), _("of")], rows), heading=_("the hardest numbers"))
        )
    if errors:
        notes = [line for error in errors.values() for line in error.split("\n")]
        sections.append(Section("", heading=_("sheets that could not be read"), notes=notes))
    facts = {
        "students": {name: as_data(result, hint=hint) for name, result in results.items()},
        "mistakes": [{"answer": a, "mistake": m, "sentence": s, "times": n} for a, m, s, n in ranked],
        "errors": dict(errors),
    }
    return Page("", sections, facts, records=lambda: class_records(results, errors, hint))


def class_table(results: Mapping[str, Result]) -> Table:
    """A row per student: points, and how many answers were right, wrong and so on."""
    rows = []
    for name, result in results.items():
        verdicts = [item.verdict for item in result.items]
        counts = [str(verdicts.count(v) or "") for v in VERDICTS]
        rows.append([name, fraction(result.earned), fraction(result.points), f"{100 * result.score:.0f}", *counts])
    heads = [_("student"), _("earned"), _("points"), "%", _("right"), _("by convention"), _("wrong"), _("unreadable"),
             _("missing")]  # fmt: skip
    return Table(heads, rows)


def hardest(results: Mapping[str, Result]) -> list[tuple[str, int, int]]:
    """(answer, how many were not right, of how many), the hardest first."""
    counts: dict[str, list[int]] = {}
    for result in results.values():
        for item in result.items:
            entry = counts.setdefault(item.name, [0, 0])
            entry[0] += item.verdict not in ("right", "convention")
            entry[1] += 1
    return sorted(((n, w, a) for n, (w, a) in counts.items() if w), key=lambda entry: -entry[1])


def class_records(results: Mapping[str, Result], errors: Mapping[str, str], hint: bool) -> list[dict[str, Any]]:
    """A row per student and answer, of CSV; a sheet that could not be read has one row."""
    rows = [{"student": row.pop("sheet"), **row} for row in sheet_records(results, hint)]
    unread = [{"student": name, "verdict": "error", "convention": error} for name, error in errors.items()]
    empty = dict.fromkeys(RECORD)
    return [*rows, *({**empty, **row} for row in unread)]


RECORD = ("student", "answer", "given", "expected", "verdict", "convention", "mistakes", "points", "earned")


def sheet_records(results: Mapping[str, Result], hint: bool) -> list[dict[str, Any]]:
    """A row per answer of each sheet, of CSV."""
    return [
        {
            "sheet": name,
            "answer": item.name,
            "given": item.given,
            "expected": None if hint or item.expected is None else shown(item.expected).replace(",", ""),
            "verdict": item.verdict,
            "convention": item.convention,
            "mistakes": " ".join(m.id for m in item.mistakes),
            "points": fraction(item.points),
            "earned": fraction(item.earned),
        }
        for name, result in results.items()
        for item in result.items
    ]
