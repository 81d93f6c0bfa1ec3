"""cnncalc solve SPEC --find NAME=VALUES --where CONDITIONS"""

from __future__ import annotations

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, size_options, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.loading import pause_collection
from cnncalc.report import Settings


@click.command("solve", cls=OwnHelp)
@spec_options
@click.option(
    "--find", "finds", multiple=True, metavar="NAMES",
    help=_("What is sought, with its values: k=1..11,s=1..4, or a name alone; size is that of the input."),
)  # fmt: skip
@click.option("--where", multiple=True, metavar="CONDITIONS", help=_("What it has to meet: 'C1.output = 6x28x28'."))
@click.option("--maximize", metavar="NAME", default="", help=_("Only the solutions with the most of this number."))
@click.option("--minimize", metavar="NAME", default="", help=_("Only the solutions with the least of it."))
@size_options
@output_options()
def command(
    asked: Asked,
    finds: tuple[str, ...],
    where: tuple[str, ...],
    maximize: str,
    minimize: str,
    dtype: str,
    batch: int,
    out: Output,
) -> None:
    """Questions asked backwards: which values give a network that meets conditions.

    `cnncalc solve -e '1x32x32; conv 6 k$k s$s p$p' --find k=1..11,s=1..4,p=0..5 --where conv1.output=6x28x28` lists
    every solution, the usual one first. `cnncalc solve resnet50 --find width=8..512 --where 'macs <= 600M'
    --maximize params` finds the largest that is allowed. Status 1 where there is no solution, 2 where no member is a
    network.
    """
    with errors_end_the_run():
        from cnncalc.cli.sweep import family_asked_for, say_none, show_progress
        from cnncalc.families.asking import names_sought, read_finds, space_sought
        from cnncalc.families.conditions import read_conditions
        from cnncalc.families.solving import roles_in, solve
        from cnncalc.pages.solve import solve_page

        if not finds:
            raise click.UsageError(_("Say what is sought: --find NAME=VALUES, or --find size."))
        if maximize and minimize:
            raise click.UsageError(_("Either --maximize or --minimize."))
        conditions = [one for text in where for one in read_conditions(text)]
        if not conditions and not (maximize or minimize):
            raise click.UsageError(_("Say what it has to meet: --where CONDITIONS, or --maximize NAME."))
        family = family_asked_for(asked, Settings(dtype, batch))
        space = space_sought(family, read_finds(finds, names_sought(family)))
        roles = roles_in(family.setting.source.text)
        with pause_collection(), show_progress(space.size) as told:
            found = solve(family, space, conditions, maximize=maximize, minimize=minimize, roles=roles, told=told)
        out.write(solve_page(found))
        # That nothing is a network is another thing than that nothing fits: status 2.
        if 0 < found.seen == found.infeasible:
            raise CnncalcError(say_none(found.seen))
    if not len(found):
        raise click.exceptions.Exit(1)
