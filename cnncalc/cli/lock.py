"""cnncalc lock SPECS"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from cnncalc import locking
from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import Output, complain, errors_end_the_run, fail, lang_option, output_options, write
from cnncalc.errors import CnncalcError, Position
from cnncalc.language import _
from cnncalc.sources import decoded, load_graph
from cnncalc.spec_files import specs_in


@click.command("lock", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("specs", nargs=-1)
@click.option("--check", is_flag=True, help=_("Write nothing; status 1 if a number is not as it was locked."))
@click.option("--file", "file", default="cnncalc.lock", show_default=True, metavar="FILE", help=_("The lock file."))
@output_options("junit", "github", "sarif")
@lang_option
def command(specs: tuple[str, ...], check: bool, file: str, out: Output) -> None:
    """Write the numbers of specs into a lock file, or hold the specs to it.

    SPECS are files and folders; with --check and none, those that the lock file names.
    """
    folder = os.path.dirname(os.path.abspath(file))
    with errors_end_the_run():
        locked = locked_in(file) if check else {}
        paths = sorted(specs_in(specs)) or sorted({os.path.join(folder, path) for path, _name in locked})
        if not paths:
            raise CnncalcError(_("there is no spec to lock: name files or folders"))
        now = Numbers(folder)
        for path in paths:
            if not check or os.path.lexists(path):
                now.add(path, go_on=check)
        if check:
            chosen = {relative(path, folder) for path in paths}
            held = {key: value for key, value in locked.items() if key[0] in chosen or not specs}
            sys.exit(report_drift(locking.drift(held, now.numbers), now, out))
    write(locking.text_of(now.numbers), file)
    count, many = len(now.numbers), len(paths)
    click.echo(_("{numbers} numbers of {specs} specs are locked in {file}", numbers=count, specs=many, file=file))


class Numbers:
    """The numbers of specs as they are now, and where their layers stand; specs that cannot be used are noted."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.numbers: dict[tuple[str, str], str] = {}
        self.places: dict[tuple[str, str], tuple[str, Position | None]] = {}  # (path, layer) to file and position
        self.unusable: dict[str, CnncalcError] = {}

    def add(self, path: str, *, go_on: bool) -> None:
        """Take a spec in. Raises CnncalcError where it cannot be used, unless the others are to be seen too."""
        try:
            report = analyze_graph(load_graph(path))
        except CnncalcError as error:
            if not go_on:
                raise
            self.unusable[path] = error
            return
        name = relative(path, self.folder)
        self.numbers.update(locking.numbers_of(name, report))
        self.places[name, ""] = (path, None)
        if report.graph is not None:
            self.places.update({(name, node.name): (path, node.position) for node in report.graph.nodes})


def report_drift(found: Sequence[locking.Drift], now: Numbers, out: Output) -> int:
    """Say what is not as it was locked; the exit status."""
    from cnncalc.cli.expectations import summarise
    from cnncalc.formats import write_page
    from cnncalc.pages.drift import drift_page

    unreadable = {relative(path, now.folder) for path in now.unusable}
    found = [line for line in found if line.path not in unreadable]
    for error in now.unusable.values():
        complain(error)
    held = len(now.numbers) - sum(line.now is not None for line in found)
    page = drift_page(found, held=held, places=now.places, unusable=now.unusable)
    if out.format == "github":
        summarise("### cnncalc lock\n\n" + write_page(page, "markdown"))
    out.write(page)
    if found:
        count = len(found)
        click.echo(_("{count} numbers are not as they were locked; `cnncalc lock` accepts them", count=count), err=True)
    return 2 if now.unusable else int(bool(found))


def relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def locked_in(file: str) -> dict[tuple[str, str], str]:
    try:
        with open(file, "rb") as opened:
            return locking.read(decoded(opened.read(), file), file)
    except OSError as error:
        fail(_("{file}: cannot be read: {why}; `cnncalc lock SPECS` writes it", file=file, why=error.strerror or ""))
