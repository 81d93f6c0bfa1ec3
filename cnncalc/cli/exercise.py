"""cnncalc exercise"""

from __future__ import annotations

import os

import click

from cnncalc.cli.common import errors_end_the_run, fail, lang_option, write
from cnncalc.language import _

LEVELS = ("easy", "medium", "hard")


@click.command("exercise", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", type=click.IntRange(min=0), help=_("The same seed gives the same exercise.  [default: any]"))
@click.option("--level", type=click.Choice(LEVELS), default="easy", show_default=True)
@click.option("--count", type=click.IntRange(1, 200), default=8, show_default=True, help=_("Questions at most."))
@click.option("--force", is_flag=True, help=_("Write over files that are there."))
@click.option("-o", "--output", "stem", metavar="NAME", help=_("How the files begin.  [default: exercise-SEED]"))
@lang_option
def command(seed: int | None, level: str, count: int, force: bool, stem: str | None) -> None:
    """A random network that fits, questions about it, and the key, as three files.

    NAME.yaml is the network, NAME-questions.md a sheet to fill in, NAME-key.csv the key:
    `cnncalc check NAME.yaml NAME-questions.md --key NAME-key.csv` grades it.
    """
    with errors_end_the_run():
        from cnncalc.answers.exercise import make_exercise

        if seed is None:
            seed = int.from_bytes(os.urandom(3), "big")
        made = make_exercise(seed, level, count)
        stem = stem or f"exercise-{seed}"
        files = {f"{stem}.yaml": made.spec, f"{stem}-questions.md": made.questions, f"{stem}-key.csv": made.key}
        there = [path for path in files if os.path.lexists(path)]
        if there and not force:
            fail(_("{path} is there already: --force writes over it", path=there[0]))
    for path, text in files.items():
        write(text, path)
        click.echo(path)
