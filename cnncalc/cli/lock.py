"""cnncalc lock SPECS"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from cnncalc import locking
from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Reading, each_asked, inputs_option, lang_option, reading_options
from cnncalc.cli.output import Output, complain, errors_end_the_run, fail, output_options, write
from cnncalc.errors import CnncalcError, Position, visible
from cnncalc.language import _, reason_of
from cnncalc.sources import LARGEST_FILE, decode, file_of, load_graph, reader_of
from cnncalc.spec_files import is_spec_file, is_yaml, specs_below, specs_in


@click.command("lock", cls=OwnHelp)
@click.argument("specs", nargs=-1, type=click.Path())
@click.option("--check", is_flag=True, help=_("Write nothing; status 1 if a number is not as it was locked."))
@click.option(
    "--update-expect", is_flag=True, help=_("Write the numbers as they are now into the expect: blocks of the specs.")
)
@click.option("--file", "file", default="cnncalc.lock", show_default=True, metavar="FILE", help=_("The lock file."))
@inputs_option
@reading_options
@output_options("junit", "github", "sarif")
@lang_option
def command(
    specs: tuple[str, ...],
    check: bool,
    update_expect: bool,
    file: str,
    inputs: tuple[str, ...],
    reading: Reading,
    out: Output,
) -> None:
    """Write the numbers of specs into a lock file, or hold the specs to it.

    SPECS are files, folders and models of other programs, with --input or as `net.onnx@3x224x224` on that input;
    without any, those that the lock file names, and what is new in its folders. Numbers of specs that are not named
    stay in the file as they are.
    """
    if inputs and (update_expect or not specs):
        raise click.UsageError(_("--input goes with SPECS whose numbers are locked."))
    if check and update_expect:
        raise click.UsageError(_("--check writes nothing: choose it or --update-expect."))
    with errors_end_the_run():
        lock = Lock(file, must=check)
        paths, gone = lock.specs_meant(specs, inputs), lock.specs_gone(specs)
        if not paths and not gone:
            raise CnncalcError(_("there is no spec to lock: name files or folders"))
        if update_expect:
            from cnncalc.cli.expect_blocks import update_expectations

            update_expectations(paths, reading)
            return
        now = Numbers(lock.folder, reading)
        for path in paths:
            now.add(path, go_on=check)
        written = {lock.name_of(path) for path in paths} | gone
        if check:
            held = {key: value for key, value in lock.numbers.items() if key[0] in written}
            sys.exit(report_drift(locking.find_drifts(held, now.numbers), now, out))
        # Two people who lock different specs must not undo each other, nor two commands that run at once: what stands
        # in the file now counts, not what stood there before the numbers were worked out.
        lock = Lock(file)
        kept = {key: value for key, value in lock.numbers.items() if key[0] not in written}
        covered = lock.covering(specs, paths)
    write(locking.text_of({**kept, **now.numbers}, covered), file)
    for name in sorted(gone):
        click.echo(_("{path}: is gone, and locked no longer", path=visible(name)))
    count, many = len(now.numbers), len(paths)
    locked = _("{numbers} numbers of {specs} specs are locked in {file}", numbers=count, specs=many, file=visible(file))
    click.echo(locked)


class Lock:
    """A lock file: what is in it, and which specs it stands for. Paths in it start from its folder."""

    def __init__(self, file: str, *, must: bool = False) -> None:
        """Reads what there is. Ends the run where it cannot be read, or must be there and is not."""
        self.folder = os.path.dirname(os.path.abspath(file))
        there = must or os.path.lexists(file)
        self.numbers, self.covered = read_locked(file) if there else locking.Locked({}, set())
        self.names = {path for path, _name in self.numbers}

    def path_of(self, name: str) -> str:
        """A path of the file as one from where the command runs."""
        # A bundled network and an imported module have one name wherever one stands.
        own = file_of(name) is None or is_bundled(name, self.folder)
        return name if own else os.path.relpath(os.path.join(self.folder, name))

    def name_of(self, path: str) -> str:
        return make_relative(path, self.folder)

    def is_gone(self, name: str) -> bool:
        """Whether the file of a spec or a model is there no longer."""
        path = file_of(self.path_of(name))
        return path is not None and not is_bundled(name, self.folder) and not os.path.lexists(path)

    def specs_meant(self, words: Sequence[str], inputs: tuple[str, ...] = ()) -> list[str]:
        """The specs that are named, or else those of the file that are there and what is new in its folders."""
        if words:
            return sorted(each_asked(specs_in(words), inputs))
        found = {self.path_of(name) for name in self.names if not self.is_gone(name)}
        for folder in self.covered:
            top = self.path_of(folder.removesuffix("*"))
            below = map(os.path.normpath, specs_below(top) if os.path.isdir(top) else ())
            # `models/*` has what lies in the folder itself.
            found.update(path for path in below if not folder.endswith("*") or (os.path.dirname(path) or ".") == top)
        return sorted(found)

    def specs_gone(self, words: Sequence[str]) -> set[str]:
        """The locked specs that are there no longer: all, or those of the folders that are named."""
        # Of what is not named nothing is known: it may be gone on purpose.
        gone = set(filter(self.is_gone, self.names))
        folders = tuple(prefix_of(folder) for folder in self.folders_in(words))
        return {name for name in gone if not words or name.startswith(folders)} if folders or not words else set()

    def folders_in(self, words: Sequence[str]) -> set[str]:
        return {self.name_of(word) + "/" for word in words if os.path.isdir(word)}

    def covering(self, words: Sequence[str], paths: Sequence[str]) -> set[str]:
        """The folders of which every spec is locked now: those named, and those whose specs are named one by one."""
        found = self.covered | self.folders_in(words)
        names = {self.name_of(path) for path in paths} | self.names
        # `folder/*`: whoever locks all files of a folder by name means those that will come, too.
        files = [path for path in paths if reader_of(path) is None and not is_bundled(path)]
        for where in {os.path.dirname(path) or "." for path in files}:
            beside = [os.path.join(where, name) for name in os.listdir(where)]
            folder = self.name_of(where) + "/"
            whole = any(folder.startswith(prefix_of(other)) for other in found if not other.endswith("*"))
            if not whole and {self.name_of(path) for path in beside if is_yaml(path) and is_spec_file(path)} <= names:
                found.add(f"{folder}*")
        return found


def prefix_of(folder: str) -> str:
    """What the paths in a folder begin with."""
    return "" if folder == "./" else folder


class Numbers:
    """The numbers of specs as they are now, and where their layers stand; specs that cannot be used are noted."""

    def __init__(self, folder: str, reading: Reading) -> None:
        self.folder, self.reading = folder, reading
        self.numbers: dict[tuple[str, str], str] = {}
        self.places: dict[tuple[str, str], tuple[str, Position | None]] = {}  # (path, layer) to file and position
        self.unusable: dict[str, CnncalcError] = {}

    def add(self, path: str, *, go_on: bool) -> None:
        """Take a spec in. Raises CnncalcError where it cannot be used, unless the others are to be seen too."""
        try:
            report = analyze_graph(load_graph(path, **self.reading))
        except CnncalcError as error:
            if not go_on:
                raise
            self.unusable[path] = error
            return
        name = make_relative(path, self.folder)
        self.numbers.update(locking.numbers_of(name, report))
        # Of a spec as a whole there is a file, and no line.
        self.places[name, ""] = (file_of(path) or path, None)
        if report.graph is not None:
            self.places.update({(name, node.name): (path, node.position) for node in report.graph.nodes})


def report_drift(found: Sequence[locking.Drift], now: Numbers, out: Output) -> int:
    """Say what is not as it was locked; the exit status."""
    from cnncalc.cli.expectations import summarise
    from cnncalc.formats import write_page
    from cnncalc.pages.drift import drift_page

    # A spec that cannot be used is said once, not once more for each of its numbers.
    unreadable = {make_relative(path, now.folder) for path in now.unusable}
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


def make_relative(path: str, folder: str) -> str:
    """A path as one from a folder; a module that is imported and a bundled network keep their names."""
    own = file_of(path) is None or is_bundled(path)
    # With / on every system: the file is one for all who work on it.
    return path if own else os.path.relpath(path, folder).replace(os.sep, "/")


def is_bundled(name: str, folder: str = ".") -> bool:
    """Whether this names a bundled network, and no file of a folder that is called so."""
    word = file_of(name)
    if word is None or os.path.basename(word) != word or os.path.lexists(os.path.join(folder, word)):
        return False
    from cnncalc import shipped

    return shipped.find(word) is not None


def read_locked(file: str) -> locking.Locked:
    try:
        # On a pipe this would wait for ever.
        if os.path.exists(file) and not os.path.isfile(file):
            fail(_("{file}: no file that could be read", file=visible(file)))
        with open(file, "rb") as opened:
            return locking.read(decode(opened.read(LARGEST_FILE + 1), file), file)
    except OSError as error:
        fail(_("{file}: cannot be read: {why}; `cnncalc lock SPECS` writes it", file=file, why=reason_of(error)))
