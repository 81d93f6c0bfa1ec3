"""cnncalc check SPEC [ANSWERS ...]"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import (
    SPEC,
    Asked,
    convention_option,
    count_again,
    lang_option,
    network_options,
    pass_over_others,
    size_options,
    skip_option,
)
from cnncalc.cli.output import Output, complain, errors_end_the_run, fail, output_options
from cnncalc.errors import visible
from cnncalc.formats import EVERYWHERE
from cnncalc.formats.page import Page
from cnncalc.language import _, reason_of, speaking
from cnncalc.report import Report, Settings
from cnncalc.spec_files import is_spec, specs_in

if TYPE_CHECKING:
    from cnncalc.answers import Grader
    from cnncalc.pages.gradebook import Marks


class Grading(NamedTuple):
    """How answers are graded and what is said of them, as the options have it."""

    hint: bool
    explain: bool
    strict: bool
    accept: tuple[str, ...]
    key: str | None
    marks: bool
    feedback: str | None
    report: str | None

    @property
    def of_a_class(self) -> bool:
        return self.marks or self.feedback is not None or self.report is not None


@click.command("check", cls=OwnHelp)
@click.argument("words", type=SPEC, nargs=-1, metavar="SPEC [ANSWERS]...")
@network_options
@size_options
@click.option("--hint", is_flag=True, help=_("Say where to look, never the right number."))
@click.option("--explain", is_flag=True, help=_("Add the derivation of what is not right."))
@click.option("--strict", is_flag=True, help=_("No points for what is right under another convention."))
@click.option(
    "--accept", multiple=True, type=click.Choice(["no-bias", "bias"]),
    help=_("Take for a convention, not a mistake: biases left out, or counted where there are none."),
)  # fmt: skip
@click.option(
    "--key", metavar="FILE", help=_("The exam: a sheet with its questions, their points, what else is accepted.")
)
@convention_option
@click.option("--marks", is_flag=True, help=_("Grade many sheets: a table per student, and the class."))
@click.option("--feedback", metavar="DIR", help=_("Write a page for every student, HTML and Markdown."))
@click.option("--report", metavar="FILE", help=_("Write a page for the teacher: each question and its mistakes."))
@skip_option
@output_options("junit", "github", "sarif")
@lang_option
def command(
    words: tuple[str, ...],
    asked: Asked,
    dtype: str,
    batch: int,
    convention: str | None,
    skip_others: bool,
    out: Output,
    **options: Any,
) -> None:
    """Hold answers against a network, or a spec against what it expects of itself.

    `cnncalc check lenet5 C3.connections=41600` and `cnncalc check lenet5 answers.csv` grade answers: YAML, JSON, CSV
    or a Markdown table. `cnncalc check a.yaml b.yaml specs/` compares each spec with its `expect:` block.
    Status 1 if an answer is not right or an expectation does not hold.
    """
    how = Grading(**options)
    if how.hint and how.explain:
        raise click.UsageError(_("--hint hides the numbers that --explain derives: choose one."))
    with errors_end_the_run():
        if skip_others:
            words, passed_over = pass_over_others(words)
            # Of what was named nothing is a spec: in a commit without specs all is well.
            if passed_over and not words:
                sys.exit(0)
        # With -e there is no spec among the words: all of them are answers.
        inline = asked.expression is not None
        spec, rest = (None, words) if inline else (words[0] if words else None, words[1:])
        if not how.of_a_class and how.key is None and means_expectations(rest):
            each = [asked.about(path) for path in specs_in(words)]
            status = hold_expectations([asked, *each] if inline else each, convention, out)
        else:
            graph = asked.about(spec, asked.expression).graph()
            report = count_again(analyze_graph(graph, Settings(dtype, batch)), convention)
            status = grade_answers(report, rest, how, out)
    sys.exit(status)


def hold_expectations(asked: Sequence[Asked], convention: str | None, out: Output) -> int:
    """Specs compared with what they expect of themselves. The status: 2 if one cannot be used, 1 if one fails."""
    from cnncalc.cli.expectations import check_spec, page_of

    found = [check_spec(one, convention) for one in asked]
    if not found:
        raise click.UsageError(_("There is no spec in what is named."))
    for one in found:
        if one.error is not None:
            complain(one.error)
    out.write(page_of(found, out))
    # What cannot be used weighs more than what fails: nobody knows whether it would hold.
    return 2 if any(one.error for one in found) else int(not all(one.holds for one in found))


def grade_answers(report: Report, words: Sequence[str], how: Grading, out: Output) -> int:
    """Answers held against a report; the status: 2 if none can be used, 1 if one is not right."""
    from cnncalc.answers import Grader, read_key

    key = read_key(how.key) if how.key is not None else None
    grader = Grader(report, strict=how.strict, accept=how.accept, key=key)
    for message in grader.key_messages():
        complain(message)
    # A key alone is shown filled in, for its teacher to look over.
    if how.key is not None and not words:
        from cnncalc.pages.grades import key_page

        out.write(key_page(grader.fill_in()))
        return 0
    # A class is graded as a whole: there is a gradebook even where some sheets cannot be read.
    if how.of_a_class:
        return grade_class(grader, words, how, out)
    page, holds, unusable = grade_sheets(grader, words, how)
    if page is not None:
        out.write(page)
    return 2 if unusable else int(not holds)


def is_inline(word: str) -> bool:
    """`C3.connections=41600` or `C3 has 151,600 connections`, where there is no file of this name."""
    from cnncalc.answers.sheets.sentences import statements_in

    return not os.path.lexists(word) and ("=" in word or bool(statements_in(word)))


def join_answer(words: Sequence[str]) -> Sequence[str]:
    """`C3 has 151,600 connections` that a shell took apart, put together; other words as they are."""
    whole = " ".join(words)
    # Only where no word means something by itself: a file, or an answer.
    apart = len(words) > 1 and not any(os.path.lexists(word) or is_inline(word) for word in words)
    return [whole] if apart and is_inline(whole) else words


def means_expectations(rest: Sequence[str]) -> bool:
    """Whether all words behind the first are specs too: then their expectations are asked for."""
    return all(not is_inline(word) and is_spec(word) for word in rest)


def grade_sheets(grader: Grader, words: Sequence[str], how: Grading) -> tuple[Page | None, bool, bool]:
    """One person's answers, from files and the command line: a page where any is usable; all right; none usable."""
    from cnncalc.answers import from_words
    from cnncalc.answers.sheets.folders import others_in, sheets_in, why_not_read
    from cnncalc.answers.sheets.reading import read_sheets
    from cnncalc.pages.grades import sheets_page

    words = join_answer(words)
    inline = [word for word in words if is_inline(word)]
    named = [word for word in words if word not in inline]
    paths = sheets_in(named)
    for path in others_in(named):
        complain(why_not_read(path))
    sheets = [sheet for path in paths for sheet in read_sheets(path)]
    if inline:
        sheets.append(from_words(inline))
    if not sheets:
        raise click.UsageError(_("Give answers: LAYER.quantity=value, or a file."))
    results = [grader.grade(sheet) for sheet in sheets]
    # Sheets of one class often have the same remarks.
    for message in dict.fromkeys(message for result in results for message in result.all_messages()):
        complain(message)
    usable = any(result.items for result in results)
    page = sheets_page(results, grader.report, hint=how.hint, explain=how.explain) if usable else None
    return page, all(result.holds for result in results), not usable


def grade_class(grader: Grader, words: Sequence[str], how: Grading, out: Output) -> int:
    """A sheet per student; who is not read is listed with the reason. Status 1 then, 2 where nobody is."""
    from cnncalc.answers.sheets.folders import read_class
    from cnncalc.pages.gradebook import Marks, class_page, marks_page, report_page

    if how.explain:
        raise click.UsageError(_("--explain is for one sheet: for a class, --feedback DIR."))
    if not words:
        fail(_("there are no sheets to grade"))
    read = read_class(words, [how.key] if how.key else [], with_progress)
    marks = Marks({name: grader.grade(sheet) for name, sheet in read.sheets.items()}, read)
    if how.feedback is not None:
        write_feedback(marks, grader, how.feedback)
    if how.report is not None:
        # Its own ending says the format: --format is that of the marks.
        Output(None, how.report, EVERYWHERE).write(report_page(marks, grader.report))
    out.write(marks_page(marks, hint=how.hint) if how.marks else class_page(marks))
    if not marks.results:
        return 2
    return int(bool(read.unread))


def write_feedback(marks: Marks, grader: Grader, folder: str) -> None:
    """A page for every student, HTML and Markdown, in the language in which the student wrote."""
    from cnncalc.pages.gradebook import feedback_page

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        fail(_("{output}: cannot be written: {reason}", output=visible(folder), reason=reason_of(error)))
    taken: set[str] = set()
    for name, sheet in marks.read.sheets.items():
        # A student's name is no path: what file systems might take for more becomes `_`.
        stem = choose_name(re.sub(r"[^\w.()-]+", "_", name).strip("._") or "student", taken)
        # One sign of Chinese is enough: names of layers and quantities are English in every sheet.
        with speaking("zh" if re.search("[一-鿿]", sheet.source.text + sheet.student) else None):
            # Graded again, for what is said of an answer is put into words while it is graded.
            page = feedback_page(name, grader.again().grade(sheet), grader.report)
            for ending in ("html", "md"):
                Output(None, os.path.join(folder, f"{stem}.{ending}"), EVERYWHERE).write(page)


def choose_name(stem: str, taken: set[str]) -> str:
    """A file's name that no other student has, whatever case means to the file system; it is taken from now on."""
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return name


def with_progress(paths: Sequence[str]) -> Iterator[str]:
    """The paths, with a bar on standard error while sheets are read; nothing through a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from paths
        return
    with click.progressbar(paths, label=_("grading"), file=sys.stderr) as bar:
        yield from bar
