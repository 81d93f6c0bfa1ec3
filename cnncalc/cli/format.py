"""cnncalc format FILES"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import lang_option, pass_over_others, skip_option
from cnncalc.cli.output import errors_end_the_run, fail, write
from cnncalc.errors import CnncalcError, visible
from cnncalc.language import _, reason_of
from cnncalc.sources import read_source
from cnncalc.spec_files import specs_in

BOM = "\ufeff"


@click.command("format", cls=OwnHelp)
@click.argument("files", type=click.Path(), nargs=-1, metavar="FILE...")
@click.option(
    "--check", is_flag=True, help=_("Write nothing; status 1 if a file is not in style, with the difference.")
)
@click.option("--diff", is_flag=True, help=_("Write nothing; show what would change."))
@skip_option
@lang_option
def command(files: tuple[str, ...], check: bool, diff: bool, skip_others: bool) -> None:
    """Write specs in the one style: one line per layer, the names and the order of the language, comments kept.

    FILES are files, folders, or - for standard input, whose text goes to standard output. The network must be the same
    before and after, or nothing is written. Needs ruamel.yaml: pip install 'cnncalc[format]'.
    """
    if skip_others:
        files, passed_over = pass_over_others(files)
        if passed_over and not files:
            return
    with errors_end_the_run():
        paths = specs_in(files)
    if not paths:
        raise click.UsageError(_("Give files or folders with specs, or -."))
    changed, unusable = 0, 0
    for path in paths:
        try:
            before, after = read_texts(path)
        except CnncalcError as error:
            click.echo(str(error), err=True)
            unusable += 1
            continue
        changed += before != after
        if check or diff:
            click.echo("".join(write_difference(path, before, after)), nl=False)
        elif path == "-":
            write(after, None)
        elif before != after:
            write(after, path)
            click.echo(_("{file}: written in style", file=visible(path)))
    if "-" not in paths or check:
        kept = len(paths) - changed - unusable
        told = _("not in style: {changed}, in style: {kept}", changed=changed, kept=kept)
        if not (check or diff):
            told = _("changed: {changed}, as they were: {kept}", changed=changed, kept=kept)
        if unusable:
            told = _("{told}, unusable: {unusable}", told=told, unusable=unusable)
        click.echo(told, err=True)
    sys.exit(2 if unusable else int(check and changed > 0))


def read_texts(path: str) -> tuple[str, str]:
    """The text of a file as it is, and in style: with its line ends, and the mark at the start if it has one."""
    from cnncalc.spec.style import format_spec

    if path != "-" and not os.path.lexists(path):
        raise CnncalcError(_("{file}: there is no such file", file=visible(path)))
    if path == "-":
        text = read_source("-")
        return text.text, format_spec(text)
    source = read_source(path)
    try:
        # Line ends as they are, for those of Windows are to stay.
        with open(path, encoding="utf-8", newline="") as file:
            before = file.read()
    except OSError as error:
        fail(_("{output}: cannot be read: {reason}", output=visible(path), reason=reason_of(error)))
    first = before.split("\n", 1)[0]
    end = "\r\n" if first.endswith("\r") else "\n"
    return before, (BOM if before.startswith(BOM) else "") + format_spec(source).replace("\n", end)


def write_difference(path: str, before: str, after: str) -> Iterator[str]:
    """A unified diff."""
    from difflib import unified_diff

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in unified_diff(old, new, path, path):
        # As diff and git say it; the next line would be glued on otherwise.
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
