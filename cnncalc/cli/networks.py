"""cnncalc networks"""

from __future__ import annotations

import json

import click

from cnncalc.cli.common import errors_end_the_run
from cnncalc.cli.totals import drawn, totals_as_data, totals_grid
from cnncalc.render.grid import FORMATS, Grid


@click.command("networks", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--format", "format_", type=click.Choice(FORMATS), default="plain", show_default=True)
@click.option("--sources", is_flag=True, help="Also the publication that each network comes from.")
def command(format_: str, sources: bool) -> None:
    """The bundled networks, family by family, with their totals.

    Each is a spec that can be named wherever a SPEC is taken: `cnncalc resnet50`. `also` are variants of the
    same spec: `cnncalc resnet101`. Names are compared without case, spaces, hyphens, underscores and dots.
    """
    from cnncalc.analysis import analyze_graph
    from cnncalc.networks import FAMILIES, VARIANTS, bundled
    from cnncalc.sources import read_source
    from cnncalc.spec import graph_from_text

    paths = bundled()
    data = []
    grids: list[tuple[str, Grid]] = []
    with errors_end_the_run():
        for family, names in FAMILIES.items():
            reports = [(name, analyze_graph(graph_from_text(read_source(paths[name])))) for name in names]
            grid = totals_grid(reports, plain_numbers=format_ == "csv").without(["buffers", "peak activation bytes"])
            also = {name: [variant for variant, (base, _) in VARIANTS.items() if base == name] for name in names}
            for name, report in reports:
                data.append(
                    {"family": family, **totals_as_data(name, report), "source": report.source, "variants": also[name]}
                )
            grids.append((family, grid))
    if format_ == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif format_ == "csv":
        rows = [[family, *row] for family, grid in grids for row in grid.rows]
        click.echo(drawn(Grid(["family", *grids[0][1].headings], rows), "csv"), nl=False)
    else:
        for family, grid in grids:
            title = f"### {family}\n" if format_ == "markdown" else family
            click.echo(f"{title}\n{drawn(grid, format_)}")
        variants = ", ".join(f"{variant} ({base})" for variant, (base, _) in VARIANTS.items())
        click.echo(f"variants of these specs: {variants}")
        if sources:
            click.echo("\n" + "\n".join(f"{entry['name']}: {entry['title']}. {entry['source']}" for entry in data))
