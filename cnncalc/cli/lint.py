"""cnncalc lint SPECS"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import click

from cnncalc.cli.expectations import path_of, summarise
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import (
    SPEC,
    Asked,
    Reading,
    each_asked,
    inputs_option,
    lang_option,
    pass_over_others,
    reading_options,
    skip_option,
)
from cnncalc.cli.output import Output, complain, errors_end_the_run, output_options
from cnncalc.errors import CnncalcError, Source, suggest, visible
from cnncalc.formats import write_page
from cnncalc.language import _
from cnncalc.pages.lint import Linted, lint_page, rule_page, rules_page
from cnncalc.sources import load_graph, read_source, reader_of, split_shapes
from cnncalc.spec.findings import RULES, findings_in, findings_of
from cnncalc.spec_files import specs_in


@click.command("lint", cls=OwnHelp)
@click.argument("words", type=SPEC, nargs=-1, metavar="SPEC...")
@click.option("-e", "--expression", metavar="NET", help=_("A net without a file: 'SHAPE; STEP; STEP'."))
@click.option("--select", multiple=True, metavar="CODES", help=_("Look for these findings only, separated by commas."))
@click.option("--ignore", multiple=True, metavar="CODES", help=_("Do not look for these findings."))
@click.option("--explain", metavar="CODE", help=_("Say why a finding matters, with an example."))
@click.option("--list", "list_", is_flag=True, help=_("Name every finding."))
@skip_option
@inputs_option
@reading_options
@output_options("junit", "github", "sarif")
@lang_option
def command(
    words: tuple[str, ...],
    expression: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    explain: str | None,
    list_: bool,
    skip_others: bool,
    inputs: tuple[str, ...],
    reading: Reading,
    out: Output,
) -> None:
    """What is in a spec for sure and probably not meant: pixels that no window reads, biases before a norm.

    SPECS are files, folders, bundled networks and models of other programs. A comment `# cnncalc: ignore[CODE] why` at
    the line, or in the line before, lets a finding pass. Status 1 if something was found.
    """
    if explain is not None or list_:
        with errors_end_the_run():
            out.write(rules_page() if explain is None else rule_page(RULES[read_code(explain)]))
        return
    if skip_others:
        words, passed_over = pass_over_others(words)
        if passed_over and not words and expression is None:
            return
    if not words and expression is None:
        raise click.UsageError(_("Give a SPEC or -e NET."))
    # What is ignored goes last, so that a rule which is named in both is left out.
    codes = codes_of(select) or list(RULES)
    codes = [code for code in codes if code not in codes_of(ignore)]
    if not codes:
        raise click.UsageError(_("--ignore leaves nothing to look for."))
    with errors_end_the_run():
        found = [lint_spec(path, codes, reading) for path in each_asked(specs_in(words), inputs)]
        if expression is not None:
            shapes = Asked(None, inputs=inputs).changes()[1]
            found.append(lint_text(Source("-e", expression), "-e", codes, shapes, reading, inline=True))
        if not found:
            raise click.UsageError(_("There is no spec in what is named."))
        for one in found:
            if one.error is not None:
                complain(one.error)
        page = lint_page(found)
        if out.format == "github":
            summarise("### cnncalc lint\n\n" + write_page(page, "markdown"))
        out.write(page)
    # What cannot be used weighs more than a finding.
    sys.exit(2 if any(one.error for one in found) else int(any(one.findings for one in found)))


def codes_of(given: Sequence[str]) -> list[str]:
    """The codes in what --select or --ignore was given. Raises UsageError for one that there is not."""
    return [read_code(code.strip()) for text in given for code in text.split(",") if code.strip()]


def read_code(code: str) -> str:
    if code not in RULES:
        near = suggest(code, RULES) or _("`cnncalc lint --list` names them")
        raise click.UsageError(_("There is no finding called '{code}': {near}", code=visible(code[:40]), near=near))
    return code


def lint_spec(name: str, codes: Sequence[str], reading: Reading) -> Linted:
    """The findings in a spec or a model, or what is wrong with it."""
    try:
        if reader_of(name) is not None:
            return Linted(name, path_of(name), None, findings_of(load_graph(name, **reading), codes))
        text, shapes = split_shapes(name)
        source = read_source(text)
    except CnncalcError as error:
        return Linted(name, path_of(name), None, error=error)
    return lint_text(source, name, codes, shapes, reading)


def lint_text(
    source: Source,
    name: str,
    codes: Sequence[str],
    shapes: Mapping[str, str],
    reading: Reading,
    *,
    inline: bool = False,
) -> Linted:
    try:
        found = findings_in(source, inputs=shapes, inline=inline, codes=codes, max_operations=reading["max_operations"])
        return Linted(name, path_of(name), source, found)
    except CnncalcError as error:
        return Linted(name, path_of(name), source, error=error)
