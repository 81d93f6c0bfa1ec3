"""cnncalc networks"""

from __future__ import annotations

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import lang_option
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.errors import CnncalcError, suggest, visible
from cnncalc.language import _
from cnncalc.pages.totals import networks_page


@click.command("networks", cls=OwnHelp)
@click.argument("part", required=False)
@output_options()
@click.option("--sources", is_flag=True, help=_("Also the publication that each network comes from."))
@lang_option
def command(part: str | None, out: Output, sources: bool) -> None:
    """The bundled networks, family by family, with their totals.

    Each is a spec that can be named wherever a SPEC is taken: `cnncalc resnet50`. `also` are variants of the
    same spec: `cnncalc resnet101`. Names are compared without case, spaces, hyphens, underscores and dots.
    `cnncalc networks res` lists those with `res` in their name, in a variant's, or in that of their family.
    """
    from cnncalc.analysis import analyze_graph
    from cnncalc.shipped import FAMILIES, VARIANTS, bundled, plain_name
    from cnncalc.sources import read_source
    from cnncalc.spec import graph_from_text

    paths = bundled()
    families = {}
    variants: dict[str, list[str]] = {}
    with errors_end_the_run():
        wanted = plain_name(part or "")
        for family, names in FAMILIES.items():
            for name in names:
                variants[name] = [variant for variant, (base, _params) in VARIANTS.items() if base == name]
            # Reports are made of those alone that are shown: all would take seconds.
            called = [n for n in names if any(wanted in plain_name(word) for word in (family, n, *variants[n]))]
            if called:
                families[family] = [(name, analyze_graph(graph_from_text(read_source(paths[name])))) for name in called]
        if not families:
            hint = suggest(part or "", variants) or _("`cnncalc networks` lists them all")
            raise CnncalcError(_("no bundled network is called {name}: {hint}", name=visible(part or ""), hint=hint))
        out.write(networks_page(families, variants, sources=sources))
