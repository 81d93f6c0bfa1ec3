"""cnncalc networks"""

from __future__ import annotations

import json
from typing import Any

import click

from cnncalc.cli.common import errors_end_the_run, lang_option, write
from cnncalc.cli.totals import drawn, terminal_width, totals_as_data, totals_grid
from cnncalc.formats.grid import FORMATS, Grid
from cnncalc.formats.lines import wrapped
from cnncalc.language import _


@click.command("networks", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--format", "format_", type=click.Choice(FORMATS), default="plain", show_default=True)
@click.option("--sources", is_flag=True, help=_("Also the publication that each network comes from."))
@lang_option
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
            also = {name: [variant for variant, (base, _params) in VARIANTS.items() if base == name] for name in names}
            for name, report in reports:
                data.append(
                    {"family": family, **totals_as_data(name, report), "source": report.source, "variants": also[name]}
                )
            grids.append((family, grid))
    write(listing(data, grids, format_, sources), None)


def listing(data: list[dict[str, Any]], grids: list[tuple[str, Grid]], format_: str, sources: bool) -> str:
    """The whole text: a table for each family, the variants, and the sources if they are wanted."""
    if format_ == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if format_ == "csv":
        rows = [[family, *row] for family, grid in grids for row in grid.rows]
        return drawn(Grid(["family", *grids[0][1].headings], rows), "csv")
    parts = []
    for family, grid in grids:
        title = f"### {_(family)}\n" if format_ == "markdown" else _(family)
        parts.append(f"{title}\n{drawn(grid, format_)}\n")
    # A no-break space keeps a variant and its spec in one line.
    variants = ", ".join(f"{variant}\xa0({entry['name']})" for entry in data for variant in entry["variants"])
    parts.append(paragraph(_("variants of these specs: {variants}", variants=variants)).replace("\xa0", " "))
    if sources:
        parts += ["\n", *(paragraph(f"{entry['name']}: {entry['title']}. {entry['source']}") for entry in data)]
    return "".join(parts)


def paragraph(text: str) -> str:
    """A long line in lines that a terminal takes whole; names are never cut."""
    return "\n".join(wrapped(text, min(100, terminal_width() or 100))) + "\n"
