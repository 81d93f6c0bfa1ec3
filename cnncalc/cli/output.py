"""Where results go and in which format, and how an error ends a run: what commands do with what they found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from errno import EPIPE
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

import click

from cnncalc.errors import CnncalcError, visible
from cnncalc.formats import ALIASES, ENDINGS, EVERYWHERE, write_page
from cnncalc.formats.page import Page
from cnncalc.language import _, reason_of

F = TypeVar("F", bound=Callable[..., Any])


class FormatType(click.Choice):  # type: ignore[type-arg]  # generic in new versions of click only
    """One of the formats; names of before are understood, and not shown."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(ALIASES.get(value, value), param, ctx)


class Output:
    """Where a page goes, and in which format: what --format and -o say, decided here for all commands."""

    __slots__ = ("formats", "named", "on_terminal", "path")

    def __init__(self, named: str | None, path: str | None, formats: Collection[str]) -> None:
        self.named, self.path, self.formats = named, path, formats
        self.on_terminal = path in (None, "-") and terminal_width() is not None

    @property
    def format(self) -> str:
        """What --format names, or what goes with the place. Raises CnncalcError for an ending that is no format."""
        if self.named is not None:
            return self.named
        return "table" if self.on_terminal else format_for(self.path or "", self.formats)

    @property
    def width(self) -> int | None:
        """Columns of the terminal where the page goes to one, or is laid out as for one."""
        if self.format == "table":
            from shutil import get_terminal_size  # it brings every compression of archives along

            return get_terminal_size().columns
        return terminal_width() if self.on_terminal else None

    def text(self, page: Page) -> str:
        """The page as it is written."""
        # As https://no-color.org asks.
        colour = self.on_terminal and self.format == "table" and "NO_COLOR" not in os.environ
        return write_page(page, self.format, self.width, colour)

    def write(self, page: Page) -> None:
        """Write the page to where it was asked to go; where it cannot be written, that ends the run."""
        write(self.text(page), self.path)


def output_options(*more: str, checked: bool = True) -> Callable[[F], F]:
    """--format and -o, which come as one value, `out`; `more` are formats of findings that the command has.

    checked  whether an ending that is no format is refused before the command runs, in any case
    """
    formats = (*EVERYWHERE, *more)

    def decorate(function: F) -> F:
        @wraps(function)
        def choose(format_: str | None, output: str | None, **others: Any) -> Any:
            out = Output(format_, output, formats)
            # Asked now, for a command may work for minutes before it writes.
            if checked:
                with errors_end_the_run():
                    _known = out.format
            return function(out=out, **others)

        decorated = click.option(
            "-o", "--output", metavar="FILE", help=_("Write to a file; its ending chooses the format.")
        )(choose)
        how = _("[default: table on a terminal, else plain]")
        return cast(F, click.option("--format", "format_", type=FormatType(formats), help=how)(decorated))

    return decorate


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None if it is none."""
    # A program in a window has no stream at all.
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    try:
        # Some consoles say 0 where they do not know.
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def format_for(path: str, formats: Collection[str]) -> str:
    """The format that the ending of a file's name asks for; plain text if it has none. Raises CnncalcError."""
    ending = os.path.splitext(path)[1].lower().lstrip(".")
    found = ENDINGS.get(ending, ending if ending in formats else "plain")
    # An ending that means nothing is refused, and one whose format this command does not have.
    if (ending and ending not in (*ENDINGS, *formats)) or found not in formats:
        raise CnncalcError(
            _(
                "no format goes by .{ending}: name one with --format, of {names}",
                ending=ending,
                names=", ".join(formats),
            )
        )
    return found


def write(text: str | bytes, output: str | None) -> None:
    """Results to standard output, or to a file: the whole of it, or the file stays as it was."""
    if output is None or output == "-":
        try:
            click.echo(text, nl=False)
        except OSError as error:
            if error.errno == EPIPE:  # a reader that went away
                raise
            from cnncalc.cli.endings import forget_output

            forget_output()
            fail(_("standard output cannot be written: {reason}", reason=reason_of(error)))
        return
    write_files({output: text})


def write_files(files: Mapping[str, str | bytes]) -> None:
    """Results to files, by their paths: all of them, or every one stays as it was."""
    from contextlib import ExitStack

    from cnncalc.formats.files import replace_file

    path = ""
    try:
        # Left at the end alone: leaving is what puts each file in its place.
        with ExitStack() as until_all_are_written:
            for path, text in files.items():
                file = until_all_are_written.enter_context(replace_file(path))
                file.write(text.encode() if isinstance(text, str) else text)
                file.flush()
    except OSError as error:
        fail(_("{output}: cannot be written: {reason}", output=visible(path) or repr(path), reason=reason_of(error)))


def say_written(target: str | None, count: int, form: str) -> None:
    """Say what was written to a file, on standard error; nothing where it went to standard output."""
    if target not in (None, "-"):
        click.echo(_("{target}: {count:,} layers, as {form}", target=visible(target), count=count, form=form), err=True)


# --- what goes wrong


@contextmanager
def errors_end_the_run() -> Iterator[None]:
    """A CnncalcError is printed to standard error, and the status is 2."""
    try:
        yield
    except CnncalcError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what is wrong and stop with status 2."""
    complain(message)
    sys.exit(2)


def complain(error: CnncalcError | str) -> None:
    """What is wrong, on standard error; nothing in it is a command to the log of a CI server."""
    text = str(error)
    if os.environ.get("GITHUB_ACTIONS"):
        from cnncalc.formats.github import defuse

        text = defuse(text)
    # Line by line, for `visible` writes out line breaks as well.
    click.echo("\n".join(map(visible, text.split("\n"))), err=True)
