"""Graded answers as pages: the sheets of one person, or those of a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.analysis.derivations import QUANTITIES, Derivation
from cnncalc.analysis.derivations import explain as derivations_of
from cnncalc.analysis.derivations.board import board
from cnncalc.answers.grading import Item, Result
from cnncalc.answers.options import OPTIONS
from cnncalc.errors import CnncalcError, visible
from cnncalc.formats.numbers import exact_text
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.view import say_convention
from cnncalc.report import Report, as_json

RIGHT, WRONG = "✓", "✗"
MARKS = {"unreadable": "?", "missing": "-"}
MOST_NAMED = 3  # mistakes for one answer
FORM = ("layer", "quantity", "answer", "points")  # the columns of a key, in every language


def mark_of(item: Item) -> str:
    """Right, wrong, not to be read, or missing; nothing for what is not asked."""
    if not item.asked:
        return ""
    return MARKS.get(item.verdict) or (RIGHT if item.holds else WRONG)


def shorten(text: str) -> str:
    """What a student wrote, short and without control characters."""
    return visible(text if len(text) <= 40 else text[:37] + "...")


def place_to_look(item: Item) -> str:
    """Where the mistake may be, without the number."""
    # A question back, not an answer: nothing here may be worked out from the layer's own numbers.
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


def remark_on(item: Item, *, hint: bool) -> list[str]:
    """The remarks on an answer: its convention, what it leaves open, or the mistakes that give this number."""
    before = [] if item.asked else [_("not asked")]
    if item.verdict == "convention":
        if item.holds:
            return [*before, _("right, {convention}", convention=item.convention)]
        return [*before, _("right only {convention}: no points, as conventions are strict", convention=item.convention)]
    if item.verdict == "right":
        return [*before, item.remark] if item.remark else before
    return before + (say_mistakes(item, hint) if item.verdict == "wrong" else [])


def say_mistakes(item: Item, hint: bool) -> list[str]:
    """The mistakes behind a wrong answer. One that another may explain, or chance, is named with perhaps."""
    sentences = [m.sentence if m.sure else _("perhaps: {sentence}", sentence=m.sentence) for m in item.mistakes]
    if not hint or item.quantity in OPTIONS:  # of those, what another value gives, and never the value
        return sentences[:MOST_NAMED]
    # A hint must not give the answer away: some sentences work the right number out.
    right = {exact_text(item.expected), exact_text(item.expected).replace(",", "")}
    sentences = [s for s in sentences if not any(text in s for text in right)]
    return sentences[:MOST_NAMED] or [place_to_look(item)]


def answers_table(result: Result, *, hint: bool) -> Table:
    """A row per answer, with the remarks on it below."""
    rows, below = [], []
    for item in result.items:
        row = [item.name[:80], shorten(item.given), *([] if hint else [exact_text(item.expected)])]
        rows.append([*row, mark_of(item), points_text(item)])
        below.append(remark_on(item, hint=hint))
    heads = [_("answer"), _("given"), *([] if hint else [_("expected")]), "", _("points")]
    return Table(heads, rows, left=1, below=below, shortens=True)


def key_page(rows: Sequence[tuple[str, str, str, Any]]) -> Page:
    """The key, filled in: layer, quantity, right answer and points of every question."""
    texts = [[layer, quantity, answer, write_fraction(points)] for layer, quantity, answer, points in rows]
    heads = [_("layer"), _("quantity"), _("answer"), _("points")]
    data = [dict(zip(FORM, row, strict=True)) for row in texts]
    return Page("", [Section("key", Table(heads, texts, left=2), data=data)])


def points_text(item: Item) -> str:
    if not item.asked:
        return ""
    return f"{write_fraction(item.earned)}/{write_fraction(item.points)}"


def write_fraction(value: Any) -> str:
    # 1 and 0.5, without digits that say nothing.
    return f"{float(value):g}"


def sum_up(result: Result) -> str:
    return _("{earned} of {points} points ({percent} %)", earned=write_fraction(result.earned),
             points=write_fraction(result.points), percent=f"{100 * result.score:.0f}")  # fmt: skip


def result_page(result: Result) -> Page:
    """One sheet, graded."""
    notes = [*result.messages(), sum_up(result)]
    sections = [Section("", answers_table(result, hint=False)), Section("", notes=notes)]
    return Page("", sections, as_data(result, hint=False))


def sheets_page(results: Sequence[Result], report: Report, *, hint: bool = False, explain: bool = False) -> Page:
    """The sheets of one person, graded; the derivations of what is not right, if they are wanted."""
    sections = []
    for result in results:
        heading = (result.sheet.student or result.sheet.source.name) if len(results) > 1 else ""
        sections.append(Section("", answers_table(result, hint=hint), heading=heading))
        # Also what is right by another convention: the derivation shows where the two part.
        wrong = [item for item in result.items if item.verdict != "right"]
        sections += board(derive(wrong, report)).sections if explain else []
        sections.append(Section("", notes=[sum_up(result)]))
    if report.convention is not None:
        sections.append(Section("", notes=[say_convention(report)]))
    data = [as_data(result, hint=hint) for result in results]
    # One sheet is the usual case, and needs no list around it.
    facts = data[0] if len(data) == 1 else {"sheets": data}
    return Page("", sections, facts, records=lambda: sheet_records(results, hint))


def derive(items: Sequence[Item], report: Report) -> list[Derivation]:
    """The derivations of the numbers that these answers are about."""
    found: list[Derivation] = []
    for item in items:
        # Of a question asked backwards, for a padding or a kernel: what the layer has to give.
        quantity = "output" if item.quantity in OPTIONS else item.quantity
        if item.expected is not None and quantity in QUANTITIES:
            try:
                found += derivations_of(report, item.layer or "total", quantity)
            except CnncalcError:  # a total that is no sum
                continue
    return found


def as_data(result: Result, *, hint: bool = False) -> dict[str, Any]:
    """A result as JSON has it."""
    return {
        "sheet": result.sheet.student or result.sheet.source.name,
        "score": round(result.score, 6),
        "earned": float(result.earned),
        "points": float(result.points),
        "items": [
            {
                "name": item.name,
                "line": item.line,
                "given": item.given,
                **({} if hint else {"expected": as_json(item.expected)}),
                "verdict": item.verdict,
                "convention": item.convention or None,
                "mistakes": [m.id for m in item.mistakes],
                "sure": bool(item.mistakes) and all(m.sure for m in item.mistakes),
                "asked": item.asked,
                "remarks": remark_on(item, hint=hint),
                "points": float(item.points),
                "earned": float(item.earned),
            }
            for item in result.items
        ],
        "problems": result.messages(),
    }


def sheet_records(results: Sequence[Result], hint: bool) -> list[dict[str, Any]]:
    """A row per answer of each sheet, of CSV."""
    return [
        {
            "sheet": result.sheet.student or result.sheet.source.name,
            "answer": item.name,
            "given": item.given,
            # As a program reads it: without thousands apart, and nothing where only hints are given.
            "expected": None if hint or item.expected is None else exact_text(item.expected).replace(",", ""),
            "verdict": item.verdict,
            "convention": item.convention,
            "mistakes": " ".join(m.id for m in item.mistakes),
            "points": write_fraction(item.points),
            "earned": write_fraction(item.earned),
        }
        for result in results
        for item in result.items
    ]
