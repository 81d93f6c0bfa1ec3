"""What commands share: the SPEC argument, overriding options, writing results, and how errors end a run."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from errno import EPIPE
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from cnncalc.errors import CnncalcError, Source, visible
from cnncalc.graph import Graph
from cnncalc.sources import read_source
from cnncalc.spec import MAX_OPERATIONS, graph_from_text

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


class SpecType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A spec file, `-`, or the name of a bundled network; completes both names and files."""

    name = "spec"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from cnncalc.networks import known_names

        names = [CompletionItem(name) for name in known_names() if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


SPEC = SpecType()


def spec_options(function: F) -> F:
    """SPEC or -e, and the options that change what it says."""
    for decorate in reversed(
        [
            click.argument("spec", type=SPEC, required=False),
            click.option("-e", "--expression", metavar="NET", help="A net without a file: 'SHAPE; STEP; STEP'."),
            click.option(
                "--set", "params", multiple=True, metavar="NAME=VALUE", help="A value for a parameter of the spec."
            ),
            click.option(
                "--input", "inputs", multiple=True, metavar="SHAPE", help="Another input shape, or NAME=SHAPE."
            ),
            click.option(
                "--max-operations",
                type=click.IntRange(min=1),
                default=MAX_OPERATIONS,
                show_default=True,
                metavar="N",
                help="The largest network to unroll.",
            ),
        ]
    ):
        function = decorate(function)
    return function


def load_spec(
    spec: str | None, expression: str | None, params: tuple[str, ...], inputs: tuple[str, ...], max_operations: int
) -> Graph:
    """The graph of what the command line names. Raises SpecError, or UsageError where it names nothing."""
    if (spec is None) == (expression is None):
        raise click.UsageError("Give a SPEC or -e NET." if spec is None else "Give a SPEC or -e NET, not both.")
    source = Source("-e", expression) if expression is not None else read_source(spec or "")
    return graph_from_text(
        source,
        params=overrides(params, "--set"),
        inputs=_once([_pair(text) if "=" in text else ("", text) for text in inputs], "--input"),
        max_operations=max_operations,
        inline=expression is not None,
    )


def overrides(pairs: Iterable[str], option: str) -> dict[str, str]:
    """NAME=VALUE texts as a mapping. Raises UsageError for what is none, or given twice."""
    return _once([_pair(text) for text in pairs], option)


def _once(pairs: list[tuple[str, str]], option: str) -> dict[str, str]:
    """The pairs as a mapping; a name that is given twice is an error."""
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise click.UsageError(f"{option} {visible(name[:60])} is given {times} times.".replace("  ", " "))
    return dict(pairs)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"'{visible(text[:60])}' is not NAME=VALUE.")
    return name.strip(), value.strip()


@contextmanager
def errors_end_the_run() -> Iterator[None]:
    """A CnncalcError is printed to standard error, and the status is 2."""
    try:
        yield
    except CnncalcError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what is wrong and stop with status 2."""
    click.echo("\n".join(map(visible, message.split("\n"))), err=True)
    sys.exit(2)


def format_for(path: str, formats: Collection[str]) -> str:
    """The format that the ending of a file's name asks for, of those that there are; plain text if it has none."""
    from cnncalc.render import SUFFIXES

    ending = os.path.splitext(path)[1].lower().lstrip(".")
    found = SUFFIXES.get(ending, "plain")
    if (ending and ending not in SUFFIXES) or found not in formats:
        raise CnncalcError(f"no format goes by .{ending}: name one with --format, of {', '.join(formats)}")
    return found


def write(text: str, output: str | None) -> None:
    """Results to standard output, or to a file: the whole of it, or the file stays as it was."""
    if output is None or output == "-":
        try:
            click.echo(text, nl=False)
        except OSError as error:
            if error.errno == EPIPE:  # a reader that went away
                raise
            fail(f"standard output cannot be written: {error.strerror}")
        return
    try:
        if os.path.exists(output) and not os.path.isfile(output):
            with open(output, "w", encoding="utf-8") as file:  # /dev/stdout, a named pipe
                file.write(text)
        else:
            _replace(os.path.realpath(output), text)
    except OSError as error:
        fail(f"{visible(output) or repr(output)}: cannot be written: {error.strerror}")


def _replace(path: str, text: str) -> None:
    from tempfile import NamedTemporaryFile

    directory = os.path.dirname(path)
    with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=directory, prefix=".cnncalc-", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            mode = os.stat(path).st_mode & 0o7777 if os.path.exists(path) else 0o666 & ~_umask()
            os.chmod(file.name, mode)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
