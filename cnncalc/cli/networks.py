"""cnncalc networks"""

from __future__ import annotations

import click

from cnncalc.cli.common import errors_end_the_run


@click.command("networks", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """The bundled networks with their sources and totals.

    Each is a spec that can be named wherever a SPEC is taken: `cnncalc resnet50`.
    """
    from cnncalc.analysis import analyze_graph
    from cnncalc.networks import bundled
    from cnncalc.render.plain import aligned
    from cnncalc.sources import read_source
    from cnncalc.spec import graph_from_text

    table = [["name", "input", "layers", "params", "MACs", "connections"]]
    said = []
    with errors_end_the_run():
        for name, path in bundled().items():
            report = analyze_graph(graph_from_text(read_source(path)))
            totals = report.totals
            shape = ", ".join("x".join(map(str, shape)) for shape in report.inputs.values())
            numbers = [len(report), totals.params, totals.macs, totals.connections]
            table.append([name, shape, *(f"{n:,}" for n in numbers)])
            said.append(f"{name}: {report.name}. {report.source}")
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(aligned(text, w, i < 2) for i, (text, w) in enumerate(zip(row, widths, strict=True))))
    click.echo("\n" + "\n".join(said))
