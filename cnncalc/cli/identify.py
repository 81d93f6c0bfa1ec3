"""cnncalc identify SPEC NUMBER"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import (
    CONVENTION,
    SPEC,
    Asked,
    batch_option,
    lang_option,
    network_options,
)
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.report import Report, Settings

FLIPPED = {"0": "1", "1": "0", "true": "false", "false": "true"}  # parameters that turn a part on or off


@click.command("identify", cls=OwnHelp)
@click.argument("words", type=SPEC, nargs=-1, required=True, metavar="[SPEC] NUMBER")
@network_options
@batch_option
@click.option(
    "--convention", "more", type=CONVENTION, multiple=True, metavar="FILE",
    help=_("One more convention, from a file; may be given again."),
)  # fmt: skip
@output_options()
@lang_option
def command(
    words: tuple[str, ...],
    asked: Asked,
    batch: int,
    more: tuple[str, ...],
    out: Output,
) -> None:
    """Whose number is it: which tool, unit or variant of a network gives a total that someone published.

    `cnncalc identify resnet50 4133742592`, `cnncalc identify resnet50 4.1 GFLOPs`. K, M, G and T are powers of 1000, or
    of 1024 where that fits. The variants of a bundled network are tried too, and parameters that turn a part on or off.
    Without a SPEC, as in `cnncalc identify 61706`, all bundled networks are looked through.
    Where no total of a SPEC is the number, its layers are looked through too. Status 1 if nothing gives the number.
    """
    from cnncalc.conventions import SHIPPED, convention
    from cnncalc.conventions.identifying import identify
    from cnncalc.pages.conventions import identified_page

    inline = asked.expression is not None
    alone = not inline and is_number(" ".join(words))
    # To the shell `4.1 GFLOPs` is two words.
    text = " ".join(words if alone or inline else words[1:])
    if not text:
        raise click.UsageError(_("Give a number too."))
    with errors_end_the_run():
        known = [convention(name) for name in dict.fromkeys((*SHIPPED, *more))]
        if alone:
            networks = analyze_bundled(text, batch, asked=batch == 1 and not more)
        else:
            networks = analyze_variants(asked if inline else asked.about(words[0]), batch)
        matches, near = identify(text, networks, known, layers=not alone)
        out.write(identified_page(text, matches, near))
    if not matches:
        sys.exit(1)


def is_number(text: str) -> bool:
    """Whether this is a number, and no network and a number behind it."""
    from cnncalc.answers.notation import read

    try:
        return bool(read(text, shaped=False))
    except CnncalcError:
        return False


def analyze_bundled(text: str, batch: int, asked: bool) -> Iterator[tuple[str, Report]]:
    """The bundled networks and their variants: those with a total that is just this number, else all that may be meant.

    asked  these are the conventions and the batch of which it is written down what they print of each network
    """
    from cnncalc.conventions.identifying import EXACT, match_number, meanings
    from cnncalc.shipped import known_totals

    readings = meanings(text)
    totals = known_totals()
    hit = [
        name
        for name, of in totals.items()
        if any(match_number(n, *r) == EXACT for n in of.values() for r, _u in readings)
    ]
    # A total that is exactly this number spares the analysis of all other networks.
    for name in hit or (find_meant(text) if asked else totals):
        yield name, analyze_graph(Asked(name).graph(), Settings(batch=batch))


def find_meant(text: str) -> list[str]:
    """The bundled networks of which some convention prints this number; if there are none, those that come nearest."""
    from cnncalc.conventions.identifying import NEAREST, match_number, meanings
    from cnncalc.shipped import known_numbers

    readings, numbers = meanings(text), known_numbers()
    found = [name for name, of in numbers.items() if any(match_number(n, *r) for n in of for r, _u in readings)]
    if found:
        return found
    target = readings[0][0][0]
    apart = {name: sorted(abs(n - target) for n in of)[:NEAREST] for name, of in numbers.items()}
    # Networks that cannot have one of the nearest numbers need no analysis.
    farthest = sorted(distance for several in apart.values() for distance in several)[NEAREST - 1]
    return [name for name, several in apart.items() if several[0] <= farthest]


def analyze_variants(asked: Asked, batch: int) -> Iterator[tuple[str, Report]]:
    """The network as asked for; of a bundled one its variants; and each switch among its parameters turned."""
    from cnncalc import shipped

    settings = Settings(batch=batch)
    spec = asked.spec or ""
    options = [*(f"--set {pair}" for pair in asked.params), *(f"--input {shape}" for shape in asked.inputs)]
    name = " ".join([asked.name, *options])
    graph = asked.graph()
    yield name, analyze_graph(graph, settings)
    if spec == "-":  # read once
        return
    # A file that is called like a bundled network has no variants.
    if spec and not options and not os.path.lexists(spec):
        for other in shipped.siblings(spec):
            yield other, analyze_graph(Asked(other).graph(), settings)
    # What was asked for stays as it is: the other switches are turned.
    given = {pair.partition("=")[0].strip() for pair in asked.params}
    for parameter, value in graph.params.items():
        flipped = FLIPPED.get(str(value))
        if flipped is not None and parameter not in given:
            pair = f"{parameter}={flipped}"
            try:
                turned = asked.replace((*asked.params, pair), asked.inputs).graph()
            except CnncalcError:  # a number that happens to be 0 or 1, and cannot be the other
                continue
            yield f"{name} --set {pair}", analyze_graph(turned, settings)
