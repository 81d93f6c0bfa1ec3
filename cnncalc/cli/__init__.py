"""The command line: a table of commands, each loaded when it is used. `cnncalc SPEC` is `cnncalc analyze SPEC`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "analyze": "Shapes, parameters, connections, MACs, receptive fields, memory (the default command).",
    "explain": "How every number comes about: formula, substitution, result.",
    "check": "Answers graded, with the mistake behind a wrong one; or the expectations of specs, for CI.",
    "exercise": "A random network that fits, questions about it, and the key.",
    "verify": "Every number held against what running the network gives.",
    "compare": "Totals of several networks side by side.",
    "kinds": "The kinds of layers: options, other names, and how each is counted.",
    "networks": "The bundled networks, family by family, with their totals.",
}


class Commands(click.Group):
    """Finds commands by name; a first word that is none is the spec of `analyze`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        command: click.Command = import_module(f"cnncalc.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            check_for_misspelt_command(args[0])
            args = ["analyze", *args]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, and what could stand behind `analyze`: its options, bundled networks, files."""
        found = super().shell_complete(ctx, incomplete)
        analyze = self.get_command(ctx, "analyze")
        assert analyze is not None
        found += analyze.shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            from cnncalc.cli.common import SPEC

            found += SPEC.shell_complete(ctx, analyze.params[0], incomplete)
        return list({item.value: item for item in found}.values())


def check_for_misspelt_command(word: str) -> None:
    """Raise UsageError for a word that is no spec but nearly a command."""
    import os

    from cnncalc.networks import find, known_names

    if word.isalpha() and not os.path.lexists(word) and find(word) is None:
        from cnncalc.errors import suggest

        near = suggest(word, [*COMMANDS, *known_names()]) or ""
        if any(f"{command}?" in near or f"{command} or" in near for command in COMMANDS):
            raise click.UsageError(f"'{word}' is neither a command nor a spec: {near}")


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import cnncalc

        click.echo(f"cnncalc {cnncalc.__version__}")
        ctx.exit()


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": True},
    help="A calculator for CNN architectures that shows its work.\n\n"
    "`cnncalc SPEC` analyzes a spec: a file, - for standard input, or a bundled network such as lenet5. "
    "`cnncalc -e '1x32x32; conv 6 k5 tanh; dense 10'` needs no file.",
    epilog="Exit status: 0 fine; 1 the answer is no (an expectation does not hold); 2 the input is unusable.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Print the version."
)
def group() -> None:
    pass


def main(args: list[str] | None = None, **extra: Any) -> None:
    """The entry point: runs a command and exits with its status."""
    import gc

    gc.disable()  # a short life: collecting costs more than it frees, and what is built has no cycles
    group.main(args, **extra)
