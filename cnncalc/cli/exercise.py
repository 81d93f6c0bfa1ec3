"""cnncalc exercise [SPEC]"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import SPEC, Asked, lang_option, network_options
from cnncalc.cli.output import errors_end_the_run, fail, write, write_files
from cnncalc.errors import Source
from cnncalc.language import _

if TYPE_CHECKING:
    from cnncalc.answers.exercise import Exercise

LEVELS = ("easy", "medium", "hard")
MOST_QUESTIONS, MOST_VARIANTS = 200, 500


@click.command("exercise", cls=OwnHelp)
@click.argument("spec", type=SPEC, required=False)
@network_options
@click.option("--like", metavar="SPEC", help=_("A network with the layers of this one and other numbers."))
@click.option("--seed", type=click.IntRange(min=0), help=_("The same seed gives the same exercise.  [default: any]"))
@click.option("--level", type=click.Choice(LEVELS), help=_("How hard; of a spec, what is asked.  [default: easy]"))
@click.option(
    "--questions", "--count", type=click.IntRange(1, MOST_QUESTIONS), default=8, show_default=True,
    help=_("Questions at most."),
)  # fmt: skip
@click.option(
    "--variants", type=click.IntRange(1, MOST_VARIANTS), metavar="N",
    help=_("N exercises with the same questions and other numbers, each with its key; needs -o."),
)  # fmt: skip
@click.option("--backwards", is_flag=True, help=_("Hide the padding or the kernel of a layer, and ask for it."))
@click.option("--answers", is_flag=True, help=_("Print the key too."))
@click.option("--force", is_flag=True, help=_("Write over files that are there."))
@click.option("-o", "--output", "stem", metavar="NAME", help=_("Write files that begin so.  [default: print]"))
@lang_option
def command(
    spec: str | None,
    asked: Asked,
    like: str | None,
    seed: int | None,
    level: str | None,
    questions: int,
    variants: int | None,
    backwards: bool,
    answers: bool,
    force: bool,
    stem: str | None,
) -> None:
    """Questions about a network, and the key: a random one that fits, any spec, or variants of one.

    `cnncalc exercise` prints a sheet to fill in. With -o NAME it writes NAME.yaml, the network, NAME-questions.md and
    NAME-key.csv: `cnncalc check NAME.yaml NAME-questions.md --key NAME-key.csv` grades it.
    """
    if like is not None and (spec is not None or asked.expression is not None):
        raise click.UsageError(_("Name a network once: SPEC, -e or --like."))
    if variants is not None and stem is None:
        raise click.UsageError(_("--variants writes files: say how they begin with -o NAME."))
    # Short enough to be copied from a sheet, which prints it.
    seed = int.from_bytes(os.urandom(3), "big") if seed is None else seed
    with errors_end_the_run():
        source = asked.about(like if like is not None else spec, asked.expression)
        named = source.spec is not None or asked.expression is not None
        made = draw_exercises(source if named else None, seed, level, questions, variants or 0, like is not None)
        if backwards:
            from cnncalc.answers.exercise import ask_backwards

            made = [ask_backwards(one) for one in made]
        if stem is None:
            text = made[0].questions + (f"\n```csv\n{made[0].key}```\n" if answers else "")
            write(text, None)
            return
        files = files_of(made, stem, numbered=variants is not None)
        # All or none: half a set of variants is worse than an old one.
        there = [path for path in files if os.path.lexists(path)]
        if there and not force:
            fail(_("{path} is there already: --force writes over it", path=there[0]))
    write_files(files)
    click.echo("\n".join(files))


def draw_exercises(
    source: Asked | None, seed: int, level: str | None, questions: int, variants: int, like: bool
) -> list[Exercise]:
    """The exercises that are asked for: of a random network, or of one that is named."""
    from cnncalc.answers.exercise import exercises_about, make_exercise
    from cnncalc.interop.spec.writing import to_spec
    from cnncalc.spec import graph_from_text

    if source is not None:
        return exercises_about(
            source.graph(), to_spec, seed, level or "medium", questions, variants, other_numbers=like
        )
    first = make_exercise(seed, level or "easy", questions)
    if not variants:
        return [first]
    graph = graph_from_text(Source("<exercise>", first.spec))
    return exercises_about(graph, to_spec, seed, level or "easy", questions, variants)


def files_of(made: list[Exercise], stem: str, *, numbered: bool) -> dict[str, str]:
    """The files of each exercise: network, questions, key."""
    files: dict[str, str] = {}
    # So that files sort as they are numbered.
    digits = len(str(len(made)))
    for number, one in enumerate(made, 1):
        name = f"{stem}-{number:0{digits}}" if numbered else stem
        files |= {f"{name}.yaml": one.spec, f"{name}-questions.md": one.questions, f"{name}-key.csv": one.key}
    return files
