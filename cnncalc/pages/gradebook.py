"""A class as pages: its marks, a gradebook, what each student is told, and what to talk about at the blackboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.analysis.derivations.board import board
from cnncalc.answers.grading import VERDICTS, Item, Result, find_commonest
from cnncalc.answers.sheets.folders import Class
from cnncalc.formats.numbers import exact_text
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.grades import answers_table, as_data, derive, mark_of, remark_on, shorten, sum_up, write_fraction
from cnncalc.report import Report, name_of

MOST = 10  # mistakes and numbers in a list
FOR_THE_BOARD = 3  # mistakes per question that are worth talking about


class Marks(NamedTuple):
    """A class, graded: a result for everyone who was read, and what became of the rest."""

    results: Mapping[str, Result]
    read: Class


def marks_page(marks: Marks, *, hint: bool = False) -> Page:
    """A table per student, the class, its commonest mistakes, and who was not read."""
    results = marks.results
    ranked = find_commonest(results)
    sections = [
        Section("", answers_table(result, hint=hint), heading=name, notes=[*result.messages(), sum_up(result)])
        for name, result in results.items()
    ]
    sections += make_class_sections(marks)
    facts = {
        "students": {name: as_data(result, hint=hint) for name, result in results.items()},
        "mistakes": [{"answer": a, "mistake": m, "sentence": s, "times": n} for a, m, s, n in ranked],
        "errors": dict(marks.read.unread),
        "notes": list(marks.read.notes),
    }
    return Page(_("marks"), sections, facts, records=lambda: make_gradebook(results))


def class_page(marks: Marks) -> Page:
    """The class, without the tables of its students."""
    return Page(_("marks"), make_class_sections(marks), records=lambda: make_gradebook(marks.results))


def make_class_sections(marks: Marks) -> list[Section]:
    """The class as a table, its commonest mistakes, its hardest numbers, and who was not read."""
    results = marks.results
    sections = [Section("", class_table(results), heading=_("the class"), notes=list(say_counts(marks)))]
    ranked = find_commonest(results)
    if ranked:
        rows = [[str(times), name] for name, _mistake, _sentence, times in ranked[:MOST]]
        below = [[sentence] for _name, _mistake, sentence, _times in ranked[:MOST]]
        table = Table([_("times"), _("answer")], rows, left=2, below=below)
        sections.append(Section("", table, heading=_("the commonest mistakes")))
    hard = find_hardest(results)
    if hard:
        rows = [[name[:80], str(wrong), str(all)] for name, wrong, all in hard[:MOST]]
        table = Table([_("answer"), _("not right"), _("of")], rows)
        sections.append(Section("", table, heading=_("the hardest numbers")))
    if marks.read.unread:
        notes = [line for error in marks.read.unread.values() for line in error.split("\n")]
        sections.append(Section("", heading=_("sheets that could not be read"), notes=notes))
    if marks.read.notes:
        notes = [line for note in marks.read.notes for line in note.split("\n")]
        sections.append(Section("", heading=_("passed over"), notes=notes))
    return sections


def say_counts(marks: Marks) -> list[str]:
    """How many were read, how many files were not, and the average of the scores."""
    results = marks.results
    told = [_("read: {n}", n=len(results))]
    if marks.read.unread:
        told.append(_("not read: {n}", n=len(marks.read.unread)))
    if results:
        # Of scores, not of points: students may have been given different sheets.
        mean = sum(result.score for result in results.values()) / len(results)
        told.append(_("average: {percent} %", percent=f"{100 * mean:.0f}"))
    return told


def class_table(results: Mapping[str, Result]) -> Table:
    """A row per student: points, and how many answers were right, wrong and so on."""
    rows = []
    for name, result in results.items():
        verdicts = [item.verdict for item in result.items if item.asked]
        counts = [str(verdicts.count(v) or "") for v in VERDICTS]
        rows.append(
            [name, write_fraction(result.earned), write_fraction(result.points), f"{100 * result.score:.0f}", *counts]
        )
    by_verdict = [_("right"), _("by convention"), _("wrong"), _("unreadable"), _("missing")]
    # What goes first on a narrow terminal: what is rare, and last what the class is about.
    heads = [_("student"), _("earned"), _("points"), "%", *by_verdict]
    return Table(heads, rows, dispensable=[by_verdict[i] for i in (1, 3, 4, 0, 2)], shortens=True)


def find_hardest(results: Mapping[str, Result]) -> list[tuple[str, int, int]]:
    """(answer, how many were not right, of how many), the hardest first."""
    counts: dict[str, list[int]] = {}
    for result in results.values():
        for item in result.items:
            if item.asked:
                entry = counts.setdefault(item.name, [0, 0])
                entry[0] += not item.holds
                entry[1] += 1
    # Sorting keeps the order of the questions among those that are equally hard.
    return sorted(((n, w, a) for n, (w, a) in counts.items() if w), key=lambda entry: -entry[1])


def make_gradebook(results: Mapping[str, Result]) -> list[dict[str, Any]]:
    """A row per student: the points of every question, their total, and of how many."""
    questions = list(dict.fromkeys(item.name for r in results.values() for item in r.items if item.asked))
    rows = []
    for name, result in results.items():
        # Every row has every question, in one order, as a spreadsheet wants it.
        earned: dict[str, Any] = dict.fromkeys(questions)
        earned |= {item.name: plain_number(item.earned) for item in result.items if item.asked}
        total = {"total": plain_number(result.earned), "of": plain_number(result.points)}
        rows.append({"student": name, **earned, **total, "percent": round(100 * result.score, 1)})
    return rows


def plain_number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def feedback_page(name: str, result: Result, report: Report) -> Page:
    """What one student is told: the points, every answer, and for what was not right how the number comes about."""
    # The remarks come below, each with the derivation that it is about.
    told = answers_table(result, hint=False)._replace(below=())
    sections = [Section("", told, notes=[sum_up(result), *result.messages()])]
    for item in result.items:
        remarks = remark_on(item, hint=False)
        if not item.holds:
            given = shorten(item.given) or _("no answer")
            heading = _("{name}: {text}", name=f"{mark_of(item)} {item.name}", text=given)
            sections.append(Section("", heading=heading, notes=remarks or [_("no common mistake gives this number")]))
            sections += board(derive([item], report)).sections
        elif remarks:
            sections.append(Section("", heading=f"{mark_of(item)} {item.name}", notes=remarks))
    title = _("{student}: {network}", student=name, network=name_of(report))
    return Page(title, sections, as_data(result), document=True)


def report_page(marks: Marks, report: Report) -> Page:
    """For the teacher: the class, then every question with its commonest mistakes, in words for the blackboard."""
    by_name: dict[str, list[Item]] = {}
    for result in marks.results.values():
        for item in result.items:
            if item.asked:
                by_name.setdefault(item.name, []).append(item)
    sections = [*make_class_sections(marks)]
    for name, items in by_name.items():
        right = sum(item.holds for item in items)
        notes = [_("right: {right} of {n}; the answer is {number}", right=right, n=len(items),
                   number=exact_text(items[0].expected))]  # fmt: skip
        # By mistake: the sentence that is said, and how many students made it.
        counts: dict[str, tuple[str, int]] = {}
        for item in items:
            # The likeliest alone: a student made one mistake, whatever else would give the number.
            for mistake in item.mistakes[:1] if item.verdict == "wrong" else ():
                counts[mistake.id] = mistake.sentence, counts.get(mistake.id, ("", 0))[1] + 1
        ranked = sorted(counts.values(), key=lambda entry: -entry[1])[:FOR_THE_BOARD]
        notes += [_("{n} of {m}: {sentence}", n=n, m=len(items), sentence=sentence) for sentence, n in ranked]
        sections.append(Section("", heading=name, notes=notes))
        if right < len(items):
            # How the number comes about is for those questions that somebody got wrong.
            sections += board(derive(items[:1], report)).sections
    return Page(_("{network}: the class", network=name_of(report)), sections, document=True)
