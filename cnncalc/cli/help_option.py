"""The option --help of every command, in our own words.

Click asks gettext for the sentence beside it whenever a command begins, whether anybody wants help or not, and gettext
loads `locale` and looks for files: a seventieth of the whole run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cnncalc.language import _

NAMES = ["-h", "--help"]


class OwnHelp(click.Command):
    """A command with -h and --help; those within a group have them too."""

    help_option: click.Option | None = None

    def __init__(self, name: str | None, *, context_settings: Mapping[str, Any] | None = None, **extra: Any) -> None:
        settings = {"help_option_names": NAMES, **(context_settings or {})}
        super().__init__(name, context_settings=settings, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from cnncalc.formats import FORMATS

            # Other programs have an option for each format, or -f.
            wanted = error.option_name.lstrip("-")
            if wanted not in FORMATS and error.option_name != "-f":
                raise
            meant = f"--format {wanted if wanted in FORMATS else 'json'}"
            raise click.UsageError(
                _("no option '{name}': write {meant}", name=error.option_name, meant=meant), ctx
            ) from None

    def get_help_option(self, ctx: click.Context) -> click.Option:
        # One, however often it is asked for: click finds an option again by its identity.
        if self.help_option is None:
            self.help_option = click.Option(
                NAMES,
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=show_help,
                help=_("Show this message and exit."),
            )
        return self.help_option


def show_help(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()
