"""cnncalc check SPEC [ANSWERS ...]"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import (
    SPEC,
    Asked,
    Output,
    complain,
    convention_option,
    counted,
    errors_end_the_run,
    fail,
    lang_option,
    output_options,
    pass_over_others,
)
from cnncalc.errors import CnncalcError
from cnncalc.formats.page import Page
from cnncalc.language import _
from cnncalc.spec_files import is_spec, specs_in

if TYPE_CHECKING:
    from cnncalc.answers import Grader


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("words", type=SPEC, nargs=-1, metavar="SPEC [ANSWERS]...")
@click.option("-e", "--expression", metavar="NET", help=_("A net without a file: 'SHAPE; STEP; STEP'."))
@click.option("--set", "params", multiple=True, metavar="NAME=VALUE", help=_("A value for a parameter of the spec."))
@click.option("--input", "inputs", multiple=True, metavar="SHAPE", help=_("Another input shape, or NAME=SHAPE."))
@click.option("--hint", is_flag=True, help=_("Say where to look, never the right number."))
@click.option("--explain", is_flag=True, help=_("Add the derivation of what is not right."))
@click.option("--strict", is_flag=True, help=_("No points for what is right under another convention."))
@click.option("--key", metavar="FILE", help=_("A sheet with the questions: their points, what else is accepted."))
@convention_option
@click.option("--marks", is_flag=True, help=_("Grade many sheets: a table per student, and the class."))
@click.option("--skip-others", is_flag=True, help=_("Pass over named files that are no specs."))
@output_options("junit", "github", "sarif")
@lang_option
def command(
    words: tuple[str, ...],
    expression: str | None,
    params: tuple[str, ...],
    inputs: tuple[str, ...],
    hint: bool,
    explain: bool,
    strict: bool,
    key: str | None,
    convention: str | None,
    marks: bool,
    skip_others: bool,
    out: Output,
) -> None:
    """Hold answers against a network, or a spec against what it expects of itself.

    `cnncalc check lenet5 C3.connections=41600` and `cnncalc check lenet5 answers.csv` grade answers: YAML, JSON, CSV
    or a Markdown table. `cnncalc check a.yaml b.yaml specs/` compares each spec with its `expect:` block.
    Status 1 if an answer is not right or an expectation does not hold.
    """
    if hint and explain:
        raise click.UsageError(_("--hint hides the numbers that --explain derives: choose one."))
    with errors_end_the_run():
        if skip_others:
            words, passed_over = pass_over_others(words)
            if passed_over and not words:
                sys.exit(0)
        spec, rest = (None, words) if expression is not None else (words[0] if words else None, words[1:])
        asked = Asked(spec, expression, params, inputs)
        task = "marks" if marks else "expectations" if expectations_meant(spec, rest) and key is None else "answers"
        if task == "expectations":
            from cnncalc.cli.expectations import checked, page_of

            if expression is not None or params or inputs:
                found = [checked(asked, convention)]
            else:
                found = [checked(Asked(path), convention) for path in specs_in(words)]
            if not found:
                raise click.UsageError(_("There is no spec in what is named."))
            for one in found:
                if one.error is not None:
                    complain(one.error)
            out.write(page_of(found, out))
            sys.exit(2 if any(one.error for one in found) else int(not all(one.holds for one in found)))
        from cnncalc.answers import Grader, read_sheet

        report = counted(analyze_graph(asked.graph()), convention)
        grader = Grader(report, strict=strict, key=read_sheet(key) if key else None)
        page, holds, unusable = (class_marks if marks else one_sheet)(grader, rest, hint, explain)
        if page is not None:
            out.write(page)
    sys.exit(2 if unusable else int(not holds))


def is_inline(word: str) -> bool:
    """`C3.connections=41600`, where there is no file of this name."""
    return "=" in word and not os.path.lexists(word)


def expectations_meant(spec: str | None, rest: Sequence[str]) -> bool:
    """Whether all words are specs: then their expectations are asked for."""
    return all(not is_inline(word) and is_spec(word) for word in rest)


def sheets_in(words: Sequence[str]) -> list[str]:
    """Files with answers: those named, and those in folders that are named."""
    from cnncalc.answers.sheets.reading import ENDINGS

    found = []
    for word in words:
        inside = sorted(os.listdir(word)) if os.path.isdir(word) else None
        found += [word] if inside is None else [os.path.join(word, n) for n in inside if n.lower().endswith(ENDINGS)]
    return list(dict.fromkeys(found))


def one_sheet(grader: Grader, words: Sequence[str], hint: bool, explain: bool) -> tuple[Page | None, bool, bool]:
    """One person's answers, from files and the command line: a page where any is usable; all right; none usable."""
    from cnncalc.answers import from_words, read_sheet
    from cnncalc.pages.checked import sheets_page

    inline = [word for word in words if is_inline(word)]
    sheets = [read_sheet(path) for path in sheets_in([word for word in words if word not in inline])]
    if inline:
        sheets.append(from_words(inline))
    if not sheets:
        raise click.UsageError(_("Give answers: LAYER.quantity=value, or a file."))
    results = [grader.grade(sheet) for sheet in sheets]
    for message in [*key_messages(grader), *(m for result in results for m in result.messages())]:
        complain(message)
    usable = any(result.items for result in results)
    page = sheets_page(results, grader.report, hint=hint, explain=explain) if usable else None
    return page, all(result.holds for result in results), not usable


def key_messages(grader: Grader) -> list[str]:
    return [_("key: {problem}", problem=problem.problem) for problem in grader.key_problems]


def class_marks(grader: Grader, words: Sequence[str], hint: bool, explain: bool) -> tuple[Page | None, bool, bool]:
    """A sheet per student; one that cannot be read is listed with its error."""
    from cnncalc.answers import Result, read_sheet
    from cnncalc.pages.checked import class_page

    if explain:
        raise click.UsageError(_("--explain is for one sheet, not for --marks."))
    paths = sheets_in(words)
    if not paths:
        fail(_("there are no sheets to grade"))
    for message in key_messages(grader):
        complain(message)
    results: dict[str, Result] = {}
    errors: dict[str, str] = {}
    with progress_over(paths) as steps:
        for path in steps:
            try:
                result = grader.grade(read_sheet(path))
            except CnncalcError as error:
                errors[path] = str(error)
                continue
            if not result.sheet.answers:
                errors[path] = "\n".join(result.messages())
                continue
            name = result.sheet.name
            results[name if name not in results else path] = result
    return class_page(results, errors, hint=hint), not errors, not results


@contextmanager
def progress_over(paths: Sequence[str]) -> Iterator[Iterable[str]]:
    """The paths, with a bar on standard error while sheets are graded; nothing through a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield paths
        return
    with click.progressbar(paths, label=_("grading"), file=sys.stderr) as bar:
        yield bar
