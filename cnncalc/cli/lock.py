"""cnncalc lock SPECS"""

from __future__ import annotations

import os
import sys

import click

from cnncalc import locking
from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import errors_end_the_run, fail, lang_option, write
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.sources import decoded, load_graph

MOST_LINES = 40  # of a drift that are shown


@click.command("lock", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("specs", nargs=-1)
@click.option("--check", is_flag=True, help=_("Write nothing; status 1 if a number is not as it was locked."))
@click.option("--file", "file", default="cnncalc.lock", show_default=True, metavar="FILE", help=_("The lock file."))
@lang_option
def command(specs: tuple[str, ...], check: bool, file: str) -> None:
    """Write the numbers of specs into a lock file, or hold the specs to it.

    SPECS are files and folders; with --check and none, those that the lock file names.
    """
    folder = os.path.dirname(os.path.abspath(file))
    with errors_end_the_run():
        locked = locked_in(file) if check else {}
        paths = locking.spec_files(specs) or sorted({os.path.join(folder, path) for path, _name in locked})
        if not paths:
            raise CnncalcError(_("there is no spec to lock: name files or folders"))
        now = numbers_now(paths, folder, check)
    if not check:
        write(locking.text_of(now), file)
        click.echo(
            _("{numbers} numbers of {specs} specs are locked in {file}", numbers=len(now), specs=len(paths), file=file)
        )
        return
    chosen = {relative(path, folder) for path in paths}
    found = locking.drift({key: value for key, value in locked.items() if key[0] in chosen or not specs}, now)
    for line in found[:MOST_LINES]:
        before, after = line.locked or _("(not locked)"), line.now or _("(gone)")
        click.echo(f"{line.path}: {line.name}: {before} -> {after}")
    if len(found) > MOST_LINES:
        click.echo(_("and {more} more", more=len(found) - MOST_LINES))
    if found:
        click.echo(
            _("{count} numbers are not as they were locked; `cnncalc lock` accepts them", count=len(found)), err=True
        )
        sys.exit(1)
    click.echo(_("{count} numbers are as they were locked", count=len(now)))


def numbers_now(paths: list[str], folder: str, check: bool) -> dict[tuple[str, str], str]:
    """The numbers of all specs. In a check, a spec that is gone has none."""
    found: dict[tuple[str, str], str] = {}
    for path in paths:
        if check and not os.path.lexists(path):
            continue
        report = analyze_graph(load_graph(path))
        found.update(locking.numbers_of(relative(path, folder), report))
    return found


def relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def locked_in(file: str) -> dict[tuple[str, str], str]:
    try:
        with open(file, "rb") as opened:
            return locking.read(decoded(opened.read(), file), file)
    except OSError as error:
        fail(_("{file}: cannot be read: {why}; `cnncalc lock SPECS` writes it", file=file, why=error.strerror or ""))
