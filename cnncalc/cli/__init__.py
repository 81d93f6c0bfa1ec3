"""The command line: a table of commands, each loaded when it is used. `cnncalc SPEC` is `cnncalc analyze SPEC`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.language import LANGUAGES, _, n_, of_environment, use

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "analyze": n_("Shapes, parameters, connections, MACs, receptive fields, memory (the default command)."),
    "rf": n_("Receptive fields: layer by layer, back from a layer, where paths meet, channel by channel."),
    "draw": n_("A picture of the network: its graph, its maps to scale, where costs and memory go."),
    "report": n_("One page that explains a network, for a browser: layers, derivations, receptive fields, costs."),
    "explain": n_("How every number comes about: formula, substitution, result."),
    "check": n_("Answers graded, with the mistake behind a wrong one; or the expectations of specs, for CI."),
    "exercise": n_("A random network that fits, questions about it, and the key."),
    "verify": n_("Every number held against what running the network gives."),
    "memory": n_("What is in memory while a network runs or is trained: the peak, by kind, step by step; what fits."),
    "compare": n_("Totals of several networks side by side."),
    "sweep": n_("A spec for many values of its parameters and many sizes of its input, at once."),
    "solve": n_("Questions asked backwards: which width, kernel or input meets what is asked."),
    "diff": n_("What changed from one network to another, layer by layer and in total."),
    "lint": n_("What is in a spec for sure and probably not meant: pixels that no window reads, biases before a norm."),
    "format": n_("Specs written in the one style: one line per layer, comments kept."),
    "conventions": n_("How other tools count: what each would print for a network, and why they differ."),
    "identify": n_("Whose number is it: which tool, unit or variant gives a total that someone published."),
    "convert": n_("A network in another form: a spec, ONNX, PyTorch, Keras."),
    "lock": n_("The numbers of specs written into a lock file, or held to it."),
    "kinds": n_("The kinds of layers: options, other names, and how each is counted."),
    "playground": n_("The page that runs cnncalc in a browser, served on this machine."),
    "networks": n_("The bundled networks, family by family, with their totals."),
}


class Commands(OwnHelp, click.Group):
    """Finds commands by name; a first word that is none is the spec of `analyze`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # A command's file is loaded when it is asked for: it alone says what else is needed.
        from importlib import import_module

        command: click.Command = import_module(f"cnncalc.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # Others' programs have a command for it; a file of this name is a spec all the same.
        if args and args[0] == "help" and not os.path.lexists(args[0]):
            args = [*args[1:2], "--help"]
            if args[0] not in COMMANDS:
                click.echo(ctx.get_help(), color=ctx.color)
                ctx.exit()
        # A shell that completes a word wants no complaint.
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            check_for_misspelt_command(args[0])
        if args and args[0] not in COMMANDS:
            args = ["analyze", *args]
        return super().resolve_command(ctx, args)

    def make_context(self, *words: Any, **extra: Any) -> click.Context:
        context: click.Context = interruptible(lambda: super(Commands, self).make_context(*words, **extra))
        return context

    def invoke(self, ctx: click.Context) -> Any:
        return interruptible(lambda: self.invoke_warning(ctx))

    def invoke_warning(self, ctx: click.Context) -> Any:
        """Run the command; what a spec probably means otherwise is said once, on standard error."""
        from cnncalc.errors import SpecWarning

        told: set[str] = set()
        # Others' warnings go on as they did; ours are messages, each told once however many layers it is about.
        show = warnings.showwarning

        def tell(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, SpecWarning):
                show(message, category, filename, lineno, file, line)
            elif str(message) not in told:
                told.add(str(message))
                click.echo(str(message), err=True)

        with warnings.catch_warnings():
            warnings.simplefilter("always", SpecWarning)
            warnings.showwarning = tell
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(what)) for name, what in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, and what could stand behind `analyze`: its options, bundled networks, files."""
        found = super().shell_complete(ctx, incomplete)
        analyze = self.get_command(ctx, "analyze")
        assert analyze is not None
        # A first word that is no command belongs to `analyze`: so may what is being typed.
        found += analyze.shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            from cnncalc.cli.options import SPEC

            found += SPEC.shell_complete(ctx, analyze.params[0], incomplete)
        # What both offer stands there once.
        return list({item.value: item for item in found}.values())


def interruptible(work: Callable[[], Any]) -> Any:
    """What the work gives. An interrupt becomes an exception of our own: click makes status 1 of it, "Aborted!"."""
    try:
        return work()
    except KeyboardInterrupt:
        from cnncalc.cli.endings import InterruptedRun

        raise InterruptedRun from None
    except click.ClickException as error:  # what was given is in it, with line breaks, which logs take for commands
        from cnncalc.errors import visible

        error.message = visible(error.message)  # type: ignore[misc, unused-ignore]
        raise
    except EOFError as error:  # so it does of an archive, or of Python's own, that is cut short
        raise RuntimeError(f"EOFError: {error}") from error


def check_for_misspelt_command(word: str) -> None:
    """Raise UsageError for a word that is no spec but nearly a command."""
    import os

    # A name with a dot or a slash is a file, and one that exists is meant as it stands.
    if not word.isalpha() or os.path.lexists(word):
        return
    from cnncalc.shipped import find, known_names

    if find(word) is None:
        from cnncalc.errors import nearest, suggest

        known = [*COMMANDS, *known_names()]
        # Only where a command is among the nearest: else the network that is missing is said by whoever looks for it.
        if any(near in COMMANDS for near in nearest(word, known)):
            hint = suggest(word, known)
            raise click.UsageError(_("'{word}' is neither a command nor a spec: {hint}", word=word, hint=hint))


def show_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    # While a word is completed click calls this too.
    if wanted and not ctx.resilient_parsing:
        import cnncalc

        click.echo(f"cnncalc {cnncalc.__version__}")
        ctx.exit()


def group() -> Commands:
    """The command `cnncalc`, with its help in the language in use."""
    about = _("A calculator for CNN architectures that shows its work.")
    usage = _(
        "`cnncalc SPEC` analyzes a spec: a file, - for standard input, or a bundled network such as lenet5. "
        "`cnncalc -e '1x32x32; conv 6 k5 tanh; dense 10'` needs no file."
    )
    version = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show_version,
        help=_("Print the version."),
    )
    # For help, and to refuse what is no language: `language_of` has read it before.
    language = click.Option(
        ["--lang"],
        type=click.Choice(LANGUAGES),
        expose_value=False,
        help=_("Language of texts and messages.  [default: that of the locale]"),
    )
    # For help alone: `without_debug` has taken it out before.
    debug = click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        help=_("Show tracebacks of errors inside a reader of models."),
    )
    return Commands(
        "cnncalc",
        params=[version, language, debug],
        # Options that the group does not know are those of `analyze`, which is not named.
        context_settings={"ignore_unknown_options": True},
        help=f"{about}\n\n{usage}",
        epilog=_(
            "Exit status: 0 fine; 1 the answer is no (an expectation does not hold); 2 the input is unusable; "
            "3 cnncalc itself is at fault."
        ),
    )


def language_of(args: Sequence[str]) -> str:
    """What --lang asks for, or else the locale. One that is not known is left to the command to refuse."""
    wanted = of_environment()
    # By hand, before click: its own texts and all help are made in the language that is found here.
    for word, following in zip(args, [*args, ""][1:], strict=True):
        if word == "--":
            break
        given = following if word == "--lang" else word.removeprefix("--lang=") if word.startswith("--lang=") else ""
        wanted = given if given in LANGUAGES else wanted
    return wanted


def without_debug(args: list[str]) -> list[str]:
    """The arguments without --debug, which may stand anywhere before `--`; it is kept in the environment."""
    end = args.index("--") if "--" in args else len(args)
    if "--debug" in args[:end]:
        # In the environment, where readers of models look for it.
        os.environ["CNNCALC_DEBUG"] = "1"
        args = [word for i, word in enumerate(args) if word != "--debug" or i >= end]
    return args


def settle_streams() -> None:
    """Files and pipes get UTF-8 and plain line ends, whatever the locale; a terminal gets what it can show."""
    for stream in (sys.stdout, sys.stderr):
        # What a test or a notebook puts in place of a stream has its own encoding.
        if isinstance(stream, TextIOWrapper):
            # Whoever names an encoding means it; what it lacks becomes a question mark, and not a traceback.
            if stream.isatty() or os.environ.get("PYTHONIOENCODING"):
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")


def main(args: list[str] | None = None, **extra: Any) -> None:
    """The entry point: runs a command and exits with its status. Whatever no command expected ends it in a line."""
    try:
        run(args, **extra)
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("CNNCALC_DEBUG"):
            raise
        # Only where something went wrong: no run that ends well pays for it.
        from cnncalc.cli.endings import end_run

        sys.exit(end_run(error))


def run(args: list[str] | None = None, **extra: Any) -> None:
    """A command, in the language that is asked for."""
    settle_streams()
    args = without_debug(sys.argv[1:] if args is None else args)
    language = language_of(args)
    use(language)
    if language != "en":
        from cnncalc.cli.translated import translate_click

        translate_click(language)
    # Set by the shell's script when a word is to be completed.
    if "_CNNCALC_COMPLETE" in os.environ:
        from cnncalc.cli.completion import prepare

        prepare()
    group().main(args, **extra)
