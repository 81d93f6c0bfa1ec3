"""What commands share: the SPEC argument, overriding options, writing results, and how errors end a run."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import EPIPE
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, TypeVar, cast

import click

from cnncalc.cli.docstrings import docstring_of
from cnncalc.errors import CnncalcError, Source, visible
from cnncalc.formats import ALIASES, ENDINGS, EVERYWHERE, write_page
from cnncalc.formats.page import Page
from cnncalc.graph import Graph
from cnncalc.language import LANGUAGES, _, reason_of
from cnncalc.layers.base import shape_text
from cnncalc.sources import load_graph, reader_of, with_shapes
from cnncalc.spec import MAX_OPERATIONS, graph_from_text
from cnncalc.spec.values import shape as read_shape

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cnncalc.report import Report

F = TypeVar("F", bound=Callable[..., Any])
MOST_SAMPLES = 10**12  # at once, as numbers of specs go


class SpecType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A spec file, `-`, or the name of a bundled network; completes both names and files."""

    name = "spec"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from cnncalc.shipped import known_names

        names = [CompletionItem(name) for name in known_names() if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


SPEC = SpecType()


def lang_option(function: F) -> F:
    """--lang, and the command's help in the language in use.

    `main` reads --lang before a command is loaded, since help texts are made then; here it is only checked.
    """
    function.__doc__ = _(docstring_of(function))
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        expose_value=False,
        help=_("Language of texts and messages.  [default: that of the locale]"),
    )(function)


class Reading(TypedDict):
    """How networks are read: keywords of `load_graph` and of `Asked`."""

    max_operations: int
    allow_unknown: bool


class Asked:
    """The network that a command line asks for: SPEC or -e NET, with what is changed of it.

    params, inputs  NAME=VALUE, and SHAPE or NAME=SHAPE, as they were given
    """

    __slots__ = ("allow_unknown", "expression", "inputs", "max_operations", "params", "spec")

    def __init__(
        self,
        spec: str | None,
        expression: str | None = None,
        params: tuple[str, ...] = (),
        inputs: tuple[str, ...] = (),
        *,
        max_operations: int = MAX_OPERATIONS,
        allow_unknown: bool = False,
    ) -> None:
        self.spec, self.expression = spec, expression
        self.params, self.inputs = params, inputs
        self.max_operations, self.allow_unknown = max_operations, allow_unknown

    @property
    def name(self) -> str:
        return self.spec or self.expression or ""

    @property
    def reading(self) -> Reading:
        """How it is read, for networks beside it."""
        return Reading(max_operations=self.max_operations, allow_unknown=self.allow_unknown)

    @property
    def is_model(self) -> bool:
        """Whether another program wrote it."""
        return self.spec is not None and reader_of(self.spec) is not None

    def replace(self, params: tuple[str, ...], inputs: tuple[str, ...]) -> Asked:
        """The same with other parameters and inputs."""
        return Asked(
            self.spec, self.expression, params, inputs,
            max_operations=self.max_operations, allow_unknown=self.allow_unknown,
        )  # fmt: skip

    def with_words(self, *words: str | None) -> tuple[Asked, tuple[str | None, ...]]:
        """What is asked for, and the words behind it: with -e no word is a spec, and the first is one of them."""
        # click fills SPEC first: with -e, the word that it found is the one for what follows.
        if self.expression is None or self.spec is None or words[-1] is not None:
            return self, words
        alone = self.replace(self.params, self.inputs)
        alone.spec = None
        return alone, (self.spec, *words[:-1])

    def changes(self) -> tuple[dict[str, str], dict[str, str]]:
        """What --set and --input change. Raises UsageError."""
        # A shape alone is that of the only input, whose name is empty.
        shapes = _once([_pair(text) if "=" in text else ("", text) for text in self.inputs], "--input")
        return overrides(self.params, "--set"), shapes

    def graph(self, most: int | None = None) -> Graph:
        """Raises SpecError, or UsageError where nothing is named, or two networks.

        most  operations, unless --max-operations says how many
        """
        if self.spec is None and self.expression is None:
            raise click.UsageError(_("Give a SPEC or -e NET."))
        if self.spec is not None and self.expression is not None:
            raise click.UsageError(_("Give a SPEC or -e NET, not both."))
        values, shapes = self.changes()
        most = self.max_operations if most is None else self.limit(most)
        if self.expression is not None:
            source = Source("-e", self.expression)
            return graph_from_text(source, params=values, inputs=shapes, max_operations=most, inline=True)
        unknown = self.allow_unknown
        return load_graph(self.spec or "", params=values, inputs=shapes, max_operations=most, allow_unknown=unknown)

    def limit(self, most: int) -> int:
        """So many operations, unless --max-operations says how many."""
        running = click.get_current_context(silent=True)  # there is none while a shell completes a word
        default = click.core.ParameterSource.DEFAULT
        said = running is None or running.get_parameter_source("max_operations") is not default
        return self.max_operations if said else most


def spec_options(function: F) -> F:
    """SPEC or -e and the options that change what it says, which come as one value, `asked`; and --lang."""

    @wraps(function)
    def gather(
        spec: str | None,
        expression: str | None,
        params: tuple[str, ...],
        inputs: tuple[str, ...],
        max_operations: int,
        allow_unknown: bool,
        **others: Any,
    ) -> Any:
        asked = Asked(spec, expression, params, inputs, max_operations=max_operations, allow_unknown=allow_unknown)
        return function(asked=asked, **others)

    decorated: Any = gather
    # From the last to the first: decorators work from the inside, and help lists options from the outside.
    for decorate in reversed(
        [
            click.argument("spec", type=SPEC, required=False),
            network_options,
            max_operations_option,
            allow_unknown_option,
            lang_option,
        ]
    ):
        decorated = decorate(decorated)
    return cast(F, decorated)


def network_options(function: F) -> F:
    """-e, --set and --input: which network it is, and what of it is changed; as `expression`, `params` and `inputs`."""
    decorated: Any = function
    for decorate in (
        click.option(
            "--input", "inputs", multiple=True, metavar="SHAPE", help=_("Another input shape, or NAME=SHAPE.")
        ),
        click.option(
            "--set", "params", multiple=True, metavar="NAME=VALUE",
            help=_("A value for a parameter of the spec, or LAYER.option."),
        ),
        click.option("-e", "--expression", metavar="NET", help=_("A net without a file: 'SHAPE; STEP; STEP'.")),
    ):  # fmt: skip
        decorated = decorate(decorated)
    return cast(F, decorated)


def size_options(function: F) -> F:
    """--dtype and --batch: what bytes are per value, and work per sample."""
    from cnncalc.report import BYTES

    dtype = click.option(
        "--dtype", type=click.Choice(list(BYTES)), default="float32", show_default=True, help=_("Bytes per value.")
    )
    return dtype(batch_option(function))


def batch_option(function: F) -> F:
    """--batch, from 1 to MOST_SAMPLES."""
    return click.option(
        "--batch", type=click.IntRange(1, MOST_SAMPLES), default=1, show_default=True, help=_("Samples at once.")
    )(function)


def exact_padding_option(function: F) -> F:
    """--exact-padding, as `exact_padding`: connections and MACs without those that read padding."""
    return click.option(
        "--exact-padding", is_flag=True, help=_("Count only taps that land on real input, not on padding.")
    )(function)


def skip_option(function: F) -> F:
    """--skip-others, as `skip_others`: for `pass_over_others`."""
    return click.option("--skip-others", is_flag=True, help=_("Pass over named files that are no specs."))(function)


def reading_options(function: F) -> F:
    """--max-operations and --allow-unknown of other commands that read networks, as one value, `reading`."""

    @wraps(function)
    def gather(max_operations: int, allow_unknown: bool, **others: Any) -> Any:
        return function(reading=Reading(max_operations=max_operations, allow_unknown=allow_unknown), **others)

    return cast(F, max_operations_option(allow_unknown_option(gather)))


def max_operations_option(function: F) -> F:
    """--max-operations, as `max_operations`."""
    return click.option(
        "--max-operations", type=click.IntRange(min=1), default=MAX_OPERATIONS, show_default=True, metavar="N",
        help=_("The largest network to unroll."),
    )(function)  # fmt: skip


def allow_unknown_option(function: F) -> F:
    """--allow-unknown, as `allow_unknown`: what is behind an operator that is not known is `?`."""
    return click.option(
        "--allow-unknown", is_flag=True, help=_("Go on behind operators of a model that are not known.")
    )(function)


def inputs_option(function: F) -> F:
    """--input of a command that takes several networks, as `inputs`: for `each_asked`."""
    return click.option(
        "--input", "inputs", multiple=True, metavar="SHAPE",
        help=_("Another input shape, or NAME=SHAPE, for all networks; SPEC@SHAPE says that of one."),
    )(function)  # fmt: skip


def each_asked(words: Iterable[str], inputs: tuple[str, ...]) -> list[str]:
    """The networks that are named, on these inputs; one that says its own keeps them.

    Raises UsageError, and OptionError for what is no shape.
    """
    given = Asked(None, inputs=inputs).changes()[1]
    shapes = {name: shape_text(read_shape(text)) for name, text in given.items()}
    return [with_shapes(word, shapes) for word in words]


class ConventionType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """The name of a convention, or a file that says one; completes both."""

    name = "convention"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from cnncalc.conventions import SHIPPED

        names = [CompletionItem(name) for name in SHIPPED if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


CONVENTION = ConventionType()


def convention_option(function: F) -> F:
    """--convention: the numbers of another tool in place of ours."""
    return click.option(
        "--convention",
        type=CONVENTION,
        metavar="NAME",
        help=_("Count as another tool does: thop, fvcore, ... (see `cnncalc conventions`), or a file."),
    )(function)


def count_again(report: Report, convention: str | None, *, judged: bool = False) -> Report:
    """The report under a convention, if one is asked for. `judged`: expectations are about its numbers."""
    if convention is None:
        return report
    from cnncalc.conventions import convention as found
    from cnncalc.conventions import under

    return under(report, found(convention), judged=judged)


def overrides(pairs: Iterable[str], option: str) -> dict[str, str]:
    """NAME=VALUE texts as a mapping. Raises UsageError for what is none, or given twice."""
    return _once([_pair(text) for text in pairs], option)


def _once(pairs: list[tuple[str, str]], option: str) -> dict[str, str]:
    """The pairs as a mapping; a name that is given twice is an error."""
    for name, times in Counter(name for name, _value in pairs).items():
        if times > 1:
            said = f"{option} {visible(name[:60])}".rstrip()
            raise click.UsageError(_("{said} is given {times} times.", said=said, times=times))
    return dict(pairs)


def _pair(text: str) -> tuple[str, str]:
    # A Chinese keyboard has an equals sign of its own.
    name, equals, value = (text if "=" in text else text.replace("＝", "=", 1)).partition("=")
    if not equals or not name:
        raise click.UsageError(_("'{text}' is not NAME=VALUE.", text=visible(text[:60])))
    return name.strip(), value.strip()


def pass_over_others(words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """--skip-others: the words without readable files that are no specs, and how many those are, which is said."""
    from cnncalc.spec_files import without_others

    kept, count = without_others(words)
    if count == 1:
        click.echo(_("1 file that is no spec is passed over"), err=True)
    elif count:
        click.echo(_("{count} files that are no specs are passed over", count=count), err=True)
    return tuple(kept), count


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
    if (ending and ending not in (*ENDINGS, *formats)) or found not in formats:
        raise CnncalcError(
            _(
                "no format goes by .{ending}: name one with --format, of {names}",
                ending=ending,
                names=", ".join(formats),
            )
        )
    return found


def complain(error: CnncalcError | str) -> None:
    """What is wrong, on standard error; nothing in it is a command to the log of a CI server."""
    text = str(error)
    if os.environ.get("GITHUB_ACTIONS"):
        from cnncalc.formats.github import defuse

        text = defuse(text)
    click.echo("\n".join(map(visible, text.split("\n"))), err=True)


def say_written(target: str | None, count: int, form: str) -> None:
    """Say what was written to a file, on standard error; nothing where it went to standard output."""
    if target not in (None, "-"):
        click.echo(_("{target}: {count:,} layers, as {form}", target=visible(target), count=count, form=form), err=True)


def write(text: str | bytes, output: str | None) -> None:
    """Results to standard output, or to a file: the whole of it, or the file stays as it was."""
    if output is None or output == "-":
        try:
            click.echo(text, nl=False)
        except OSError as error:
            if error.errno == EPIPE:  # a reader that went away
                raise
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


def meant_layer(graph: Graph, word: str | None) -> str | None:
    """The layer, block or input that a word means, in any case or counted (`conv2`); the word where it means none."""
    if word is None or word in graph.inputs or word in graph.groups or any(word == node.name for node in graph.nodes):
        return word
    from cnncalc.answers.layer_names import LayerNames

    return LayerNames(((node.name, node.layer.kind) for node in graph.nodes), graph.groups).find(word) or word
