"""What commands are asked by options that they share: which network, what of it is changed, how it is counted.

What reads a network is loaded when one is read: help and a shell that completes a word ask for options alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

import click

from cnncalc.errors import Source, visible
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.language import LANGUAGES, _
from cnncalc.layers.base import shape_text

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cnncalc.graph import Graph
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
        from cnncalc.sources import reader_of

        return self.spec is not None and reader_of(self.spec) is not None

    def about(self, spec: str | None, expression: str | None = None) -> Asked:
        """The same of another SPEC, or of a net in one line."""
        return Asked(
            spec, expression, self.params, self.inputs,
            max_operations=self.max_operations, allow_unknown=self.allow_unknown,
        )  # fmt: skip

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
        return self.about(None, self.expression), (self.spec, *words[:-1])

    def changes(self) -> tuple[dict[str, str], dict[str, str]]:
        """What --set and --input change. Raises UsageError."""
        # A shape alone is that of the only input, whose name is empty.
        shapes = _once([_pair(text) if "=" in text else ("", text) for text in self.inputs], "--input")
        return read_overrides(self.params, "--set"), shapes

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
            from cnncalc.spec import graph_from_text

            source = Source("-e", self.expression)
            return graph_from_text(source, params=values, inputs=shapes, max_operations=most, inline=True)
        from cnncalc.sources import load_graph

        unknown = self.allow_unknown
        return load_graph(self.spec or "", params=values, inputs=shapes, max_operations=most, allow_unknown=unknown)

    def limit(self, most: int) -> int:
        """So many operations, unless --max-operations says how many."""
        running = click.get_current_context(silent=True)  # there is none while a shell completes a word
        default = click.core.ParameterSource.DEFAULT
        said = running is None or running.get_parameter_source("max_operations") is not default
        return self.max_operations if said else most


def network_options(function: F) -> F:
    """Options that say which network it is, what of it is changed and how it is read, as one value, `asked`.

    It has no SPEC yet: a command that finds that among its words says so by `Asked.about`.
    """

    # Help is made of the docstring of the function inside.
    @wraps(function)
    def gather(
        expression: str | None,
        params: tuple[str, ...],
        inputs: tuple[str, ...],
        max_operations: int,
        allow_unknown: bool,
        **others: Any,
    ) -> Any:
        asked = Asked(None, expression, params, inputs, max_operations=max_operations, allow_unknown=allow_unknown)
        return function(asked=asked, **others)

    decorated: Any = gather
    # From the last to the first: decorators work from the inside, and help lists options from the outside.
    for decorate in (
        allow_unknown_option,
        max_operations_option,
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


def spec_options(function: F) -> F:
    """SPEC or -e and the options that change what it says, which come as one value, `asked`; and --lang."""

    @wraps(function)
    def gather(spec: str | None, asked: Asked, **others: Any) -> Any:
        return function(asked=asked.about(spec, asked.expression), **others)

    return cast(F, click.argument("spec", type=SPEC, required=False)(network_options(lang_option(gather))))


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
    from cnncalc.sources import with_shapes
    from cnncalc.spec.values import shape as read_shape

    given = Asked(None, inputs=inputs).changes()[1]
    # Read here once, so that what is no shape is told before any network is looked at.
    shapes = {name: shape_text(read_shape(text)) for name, text in given.items()}
    return [with_shapes(word, shapes) for word in words]


def read_overrides(pairs: Iterable[str], option: str) -> dict[str, str]:
    """NAME=VALUE texts as a mapping. Raises UsageError for what is none, or given twice."""
    return _once([_pair(text) for text in pairs], option)


def _once(pairs: list[tuple[str, str]], option: str) -> dict[str, str]:
    """The pairs as a mapping; a name that is given twice is an error."""
    # Not the last of them without a word: one of the two is a mistake.
    for name, times in Counter(name for name, _value in pairs).items():
        if times > 1:
            # The shape of the only input has no name.
            said = f"{option} {visible(name[:60])}".rstrip()
            raise click.UsageError(_("{said} is given {times} times.", said=said, times=times))
    return dict(pairs)


def _pair(text: str) -> tuple[str, str]:
    # A Chinese keyboard has an equals sign of its own.
    name, equals, value = (text if "=" in text else text.replace("＝", "=", 1)).partition("=")
    if not equals or not name:
        raise click.UsageError(_("'{text}' is not NAME=VALUE.", text=visible(text[:60])))
    return name.strip(), value.strip()


def skip_option(function: F) -> F:
    """--skip-others, as `skip_others`: for `pass_over_others`."""
    return click.option("--skip-others", is_flag=True, help=_("Pass over named files that are no specs."))(function)


def pass_over_others(words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """--skip-others: the words without readable files that are no specs, and how many those are, which is said."""
    from cnncalc.spec_files import without_others

    kept, count = without_others(words)
    if count == 1:
        click.echo(_("1 file that is no spec is passed over"), err=True)
    elif count:
        click.echo(_("{count} files that are no specs are passed over", count=count), err=True)
    return tuple(kept), count


def find_layer(graph: Graph, word: str | None) -> str | None:
    """The layer, block or input that a word means, in any case or counted (`conv2`); the word where it means none."""
    if word is None or word in graph.inputs or word in graph.groups or any(word == node.name for node in graph.nodes):
        return word
    from cnncalc.answers.layer_names import LayerNames

    # A word that means none stays, and whoever looks it up says which there are.
    return LayerNames(((node.name, node.layer.kind) for node in graph.nodes), graph.groups).find(word) or word


# --- how numbers are counted


def size_options(function: F) -> F:
    """--dtype and --batch: what bytes are per value, and work per sample."""
    from cnncalc.report import BYTES

    dtype = click.option(
        "--dtype", type=DtypeType(list(BYTES)), default="float32", show_default=True, help=_("Bytes per value.")
    )
    return dtype(batch_option(function))


class DtypeType(click.Choice):  # type: ignore[type-arg]  # generic in new versions of click only
    """A type of numbers, by its own name or another that people write: fp16, half."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from cnncalc.report import SAME_TYPES

        return super().convert(SAME_TYPES.get(str(value).casefold(), value), param, ctx)


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


# --- in which language


def lang_option(function: F) -> F:
    """--lang, and the command's help in the language in use.

    `main` reads --lang before a command is loaded, since help texts are made then; here it is only checked.
    """
    about = function.__doc__
    if about is None:
        # Where Python leaves docstrings out, what reads them from the source is loaded.
        from cnncalc.cli.docstrings import docstring_of

        about = docstring_of(function)
    function.__doc__ = _(cleandoc(about))
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        expose_value=False,
        help=_("Language of texts and messages.  [default: that of the locale]"),
    )(function)
