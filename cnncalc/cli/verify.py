"""cnncalc verify SPEC"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from cnncalc.cli.completion import LayerType, QuantityType
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, exact_padding_option, find_layer, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, fail, output_options
from cnncalc.language import _, use


@click.command("verify", cls=OwnHelp)
@spec_options
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    type=LayerType(),
    help=_("Only this layer or block; may be given again."),
)
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAME",
    type=QuantityType(),
    help=_("Only this quantity; may be given again."),
)
@exact_padding_option
@click.option("--fast", is_flag=True, help=_("A smaller input and width, where the spec allows it."))
@click.option("--all", "show_all", is_flag=True, help=_("Show what holds too, number by number."))
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help=_("Of the weights and the image.")
)
@output_options()
def command(
    asked: Asked,
    layers: tuple[str, ...],
    quantities: tuple[str, ...],
    exact_padding: bool,
    fast: bool,
    show_all: bool,
    seed: int,
    out: Output,
) -> None:
    """Hold every number against what running the network gives.

    The network is run in NumPy, by code that shares no arithmetic with the claims. Status 1 if a number differs.
    What could not be measured is listed with the reason.
    """
    with errors_end_the_run():
        graph = asked.graph()
        from cnncalc.evidence import QUANTITIES, verify
        from cnncalc.evidence.size import check_memory, smaller

        scaled = ""
        if fast:
            # The shape that a model of another program needs is no wish: a smaller one will do.
            kept = () if asked.is_model else asked.inputs
            graph, scaled = smaller(graph, lambda *changes: asked.replace(*changes).graph(), asked.params, kept)
        check_memory(graph, _("choose a smaller --input") if fast else _("--fast runs a smaller version of it"))
        if out.format in ("json", "csv"):
            use("en")  # for programs: reasons are those of every language
        with progress_bar(len(graph.nodes)) as progress:
            found = verify(
                graph,
                quantities=quantities or QUANTITIES,
                layers=[find_layer(graph, layer) or layer for layer in layers] or None,
                exact_padding=exact_padding,
                seed=seed,
                progress=progress,
            )
        from cnncalc.pages.verification import verification_page

        out.write(verification_page(found, show_all=show_all or bool(layers or quantities), scaled=scaled))
    # Status 0 would say that something was compared.
    if not found.compares and not found.failure:
        fail(_("nothing of what was asked for could be measured, so that nothing was compared"))
    if not found.holds:
        sys.exit(1)


@contextmanager
def progress_bar(steps: int) -> Iterator[Callable[[str], None] | None]:
    """A line on a terminal that says what runs; nothing through a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn(_("{task.completed} of {task.total}")))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_("running"), total=steps)
        names = 0

        def tell(name: str) -> None:
            nonlocal names
            names += 1
            bar.update(task, completed=min(names, steps), description=name[:40])

        yield tell
