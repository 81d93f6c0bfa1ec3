"""cnncalc sweep SPEC --over NAME=VALUES"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, exact_padding_option, read_overrides, size_options, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options, write
from cnncalc.errors import CnncalcError, Source, open_file
from cnncalc.language import _, reason_of
from cnncalc.loading import pause_collection
from cnncalc.report import Settings
from cnncalc.sources import LARGEST_FILE, decode, read_source

if TYPE_CHECKING:
    from cnncalc.families.family import Family
    from cnncalc.families.sweeping import Sweeping, Wish
    from cnncalc.pages.plotting import Plot

STREAMED = ("csv", "jsonl", "parquet")  # written part by part, whatever the number of members


@click.command("sweep", cls=OwnHelp)
@spec_options
@click.option(
    "--over", "overs", multiple=True, metavar="NAME=VALUES",
    help=_("Values of a parameter: 16..128, 16..128..8, [relu, silu]; of the input: 3x{128..320..32}x{same}."),
)  # fmt: skip
@click.option("--members", metavar="FILE", help=_("Members from a CSV: a column per parameter, a line per member."))
@click.option("--columns", metavar="NAMES", help=_("These numbers: macs,C3.output. [default: all totals]"))
@click.option(
    "--where", multiple=True, metavar="CONDITIONS", help=_("Members that meet them: 'macs <= 600M and params <= 5M'.")
)
@click.option(
    "--sort", metavar="NAME", default="", help=_("Order by a number or a parameter; -NAME: the largest first.")
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help=_("The first N members only."))
@click.option("--pareto", metavar="NAMES", default="", help=_("Members that none other beats: macs,-receptive_field."))
@click.option("--svg", metavar="FILE", help=_("A scatter plot of the members."))
@click.option(
    "--plot", "axes", metavar="X,Y", help=_("The two numbers of the plot. [default: those of --pareto, or macs,params]")
)
@click.option("--parts", metavar="FOLDER", help=_("Parquet in partitions, into a folder; a later run goes on with it."))
@click.option(
    "--partition", type=click.IntRange(min=1), metavar="N", help=_("Members of a partition.  [default: 262144]")
)
@click.option(
    "--dask",
    "workers",
    metavar="WHERE",
    help=_("Let workers of Dask write the partitions: `local`, or the address of a scheduler, tcp://..."),
)
@size_options
@exact_padding_option
@output_options("jsonl", "parquet")
def command(
    asked: Asked,
    overs: tuple[str, ...],
    members: str | None,
    columns: str | None,
    where: tuple[str, ...],
    sort: str,
    top: int | None,
    pareto: str,
    svg: str | None,
    axes: str | None,
    parts: str | None,
    partition: int | None,
    workers: str | None,
    dtype: str,
    batch: int,
    exact_padding: bool,
    out: Output,
) -> None:
    """The numbers of a spec for many values of its parameters and sizes of its input, at once.

    `cnncalc sweep resnet50 --over width=16..128..8 --over "input=3x{160..320..32}x{same}"` has a row for every
    combination. What is no network is listed with its reason; status 2 where none of them is one.
    """
    with errors_end_the_run():
        from cnncalc.families.asking import SHOWN, space_from_texts, wish_of
        from cnncalc.families.sweeping import Sweeping

        family = family_asked_for(asked, Settings(dtype, batch, exact_padding))
        table = read_members(members)
        if not overs and not table:
            raise click.UsageError(_("Say what varies: --over NAME=VALUES, or --members FILE."))
        space = space_from_texts(family, read_overrides(overs, "--over").items(), table)
        named = None if columns is None else [name.strip() for name in columns.replace("，", ",").split(",")]
        wish = wish_of(named, " and ".join(where), sort, top, pareto)
        if parts is not None or workers is not None or partition is not None:
            write_parts(Sweeping(family, space, wish), parts, partition, workers, svg)
            return
        plot = None if svg is None else plot_asked_for(axes, wish)
        if plot is not None:
            wish = wish._replace(others=(plot.x_name, plot.y_name))
        # The plot has every member that meets the conditions, the table the best of them.
        sweeping = Sweeping(family, space, wish, None if plot is None else plot.add)
        with pause_collection():
            show(sweeping, out, None if named is not None else SHOWN, plot)
        # Behind the table, in which every member has its reason.
        if sweeping.none_is_sound:
            raise CnncalcError(say_none(sweeping.seen))
        if plot is not None and svg is not None:
            draw(plot, svg, asked.name, joined=bool(wish.pareto))


def show(sweeping: Sweeping, out: Output, shown: Any, plot: Plot | None) -> None:
    """The members of a sweep, in the format that is asked for; a plot sees which are kept."""
    with show_progress(sweeping.space.size) as told:
        if out.format in STREAMED:
            write_stream(sweeping, out, told, plot)
            return
        from cnncalc.families.results import result_of

        found = result_of(sweeping, told, shown)
    if plot is not None:
        plot.add(found.part, kept=not sweeping.wish.keeps_all)
    from cnncalc.pages.sweep import sweep_page

    out.write(sweep_page(found))


def say_none(members: int) -> str:
    """That none of so many members is a network."""
    if members == 1:
        return _("the only member is no network")
    return _("none of the {seen:,} members is a network", seen=members)


def family_asked_for(asked: Asked, settings: Settings) -> Family:
    """The family of a SPEC or a net. Raises UsageError where there is none or both, and SpecError."""
    from cnncalc.families.asking import family_of

    if (asked.spec is None) == (asked.expression is None):
        asked.graph()  # says what is missing
    inline = asked.expression is not None
    source = Source("-e", asked.expression or "") if inline else read_source(asked.spec or "")
    params, inputs = asked.changes()
    return family_of(source, inline, settings, asked.max_operations, params, inputs)


def read_members(path: str | None) -> dict[str, list[str]]:
    """The columns of a table of members; `-` is standard input."""
    from cnncalc.families.asking import read_table

    if path is None:
        return {}
    try:
        if path == "-":
            data = b"" if sys.stdin is None else sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with open_file(path) as file:
                data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CnncalcError(_("{name}: cannot be read: {reason}", name=path, reason=reason_of(error))) from None
    return read_table(decode(data, path), path)


def write_parts(
    sweeping: Sweeping, folder: str | None, partition: int | None, workers: str | None, svg: str | None
) -> None:
    """Write the members in partitions, and say how many there are."""
    from cnncalc.families.partitions import MEMBERS, Job, write_partitions
    from cnncalc.families.writing import import_parquet

    wish = sweeping.wish
    if folder is None:
        raise click.UsageError(_("--dask and --partition go with --parts FOLDER."))
    if wish.sort or wish.top is not None or wish.pareto or svg is not None:
        raise click.UsageError(_("--parts writes all members: --sort, --top, --pareto and --svg go without it."))
    # Asked before hours of work, not behind them.
    import_parquet()
    job = Job(sweeping.family.setting, sweeping.space, wish, folder, partition or MEMBERS)
    try:
        with show_progress(sweeping.space.size) as told:
            found = write_partitions(job, told, workers)
    except OSError as error:
        raise CnncalcError(_("{output}: cannot be written: {reason}", output=folder, reason=reason_of(error))) from None
    rows, infeasible = sum(entry.rows for entry in found), sum(entry.infeasible for entry in found)
    told_of = {"files": len(found), "folder": folder, "rows": rows, "infeasible": infeasible}
    click.echo(_("{files:,} partitions in {folder}: {rows:,} rows, {infeasible:,} members are no networks", **told_of))
    if infeasible == sweeping.space.size:
        raise CnncalcError(say_none(infeasible))


def plot_asked_for(axes: str | None, wish: Wish) -> Plot:
    """The plot of two numbers: those that are named, or those that members compete in."""
    from cnncalc.pages.plotting import Plot

    # A Chinese keyboard has a comma of its own.
    named = axes.replace("，", ",").split(",") if axes else [name.removeprefix("-") for name in wish.pareto[:2]]
    names = [name.strip() for name in named if name.strip()] or ["macs", "params"]
    if len(names) != 2:
        raise CnncalcError(_("a plot has two numbers: --plot macs,params"))
    return Plot(names)


def draw(plot: Plot, path: str, name: str, *, joined: bool) -> None:
    """Write the plot as SVG."""
    from cnncalc.pages.drawing.scatter import scene
    from cnncalc.pages.drawing.writers.svg import render

    points = plot.choose_points()
    count = f"{len(points):,}"
    about = _("members of {name}, at {count} places", name=name, count=count)  # several may lie on one
    write(render(scene(points, plot.x_name, plot.y_name, about, joined=joined)), path)


def write_stream(sweeping: Sweeping, out: Output, told: Callable[[int], None] | None, plot: Plot | None) -> None:
    """Write the parts as they come."""
    from cnncalc.families import writing
    from cnncalc.families.sweeping import empty_part
    from cnncalc.pages.sweep import notes_on

    quantities = sweeping.wish.quantities
    with open_output(out.path, binary=out.format == "parquet") as file:
        closing: Callable[[], None] | None = None
        if out.format == "parquet":
            write_part, closing = writing.parquet_writer(file, quantities)
        else:
            write_part = (writing.csv_writer if out.format == "csv" else writing.json_writer)(file, quantities)
        written = 0
        for part in sweeping.parts(told):
            write_part(part)
            written += len(part)
            if plot is not None:
                plot.add(part, kept=not sweeping.wish.keeps_all)
        # A table without rows still has its columns.
        if not written:
            write_part(empty_part(sweeping))
        if closing is not None:
            closing()
    if sweeping.none_is_sound or not written:  # what a table says below its rows
        notes = notes_on(sweeping.wish.conditions, written, sweeping.seen, sweeping.examples)
        click.echo("\n".join(notes), err=True)
    elif sweeping.infeasible and not sweeping.wish.keeps_all:
        count, seen = sweeping.infeasible, sweeping.seen
        click.echo(_("{count:,} of {seen:,} members are no networks", count=count, seen=seen), err=True)


@contextmanager
def open_output(path: str | None, *, binary: bool) -> Iterator[IO[Any]]:
    """Where results go. A file is there when all of it has been written, or stays as it was."""
    if path in (None, "-"):
        if binary:
            yield sys.stdout.buffer
        else:
            yield sys.stdout
        return
    from cnncalc.formats.files import replace_file

    try:
        with replace_file(path or "", binary=binary) as file:
            yield file
    except OSError as error:
        raise CnncalcError(_("{output}: cannot be written: {reason}", output=path, reason=reason_of(error))) from None


@contextmanager
def show_progress(members: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error, where that is a terminal and there is something to wait for."""
    # Fewer are done before anybody has read a bar.
    if members < 20_000 or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=members, label=_("members"), file=sys.stderr) as bar:
        yield bar.update
