"""Random command lines: any command with any of its options, and values that mean nothing, too much or something else.

A command ends in an answer or an error (`hold` of test_mutations.py says what is demanded), whatever it is told. What
it writes goes into a folder of the test. `--runslow` goes through thirty times as many; CNNCALC_SEED=N takes others.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import click
import pytest
from click.testing import CliRunner
from test_mutations import FIRST_SEED, bounded, hold

from cnncalc.cli import group

__all__ = ["bounded"]  # a fixture
pytestmark = [
    pytest.mark.filterwarnings("ignore::cnncalc.errors.SpecWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
FILES = {
    "good.yaml": "params: {n: 4, act: relu, deep: false}\ninput: 3x8x8\nlayers:\n- c: conv $n k3 $act\n- dense 2\n"
    "expect: {params: <999}\n",
    "bad.yaml": "input: 3x8x8\nlayers:\n- conv 4 k99\n",
    "answers.csv": "layer,quantity,answer\nc,params,112\n",
    "empty.txt": "",
    "net.lock": "good.yaml\tparams\t1\n",
}
NETS = (
    "3x8x8; conv 4 k3",
    "3; dense $n",
    "4x9; lstm 3",
    "1x8x8; conv $n k$k",
    "",
    ";",
    "3x8x8; {add: [identity, conv 3 k1]}",
)
WORDS = (
    *FILES, "0", "1", "-1", "", "9" * 30, "1e9", "nan", "inf", "x", "c", "dense1", "params", "macs", "c.params", "n",
    "params=0", "macs<=5", "n=1..4", "n=4..1", "n=1..1e9", "size", "size=1..9", "input=3x{4..9}x{same}", "act=relu",
    "act=[relu, tanh]", "3x8x8", "0x0x0", "3x9999999999x1", "a=b=c", "=", "==", "..", "1..", "$n", "$(n)", "\x1b[31m",
    "a\nb", "\u202e", "#x", "--", "-e", "nosuch", ".", "/dev/null", "lenet5", "alexnet,lenet5", "C1", "S2", "thop",
    "unread-pixels", "float16", "json", "csv", "out.json", "out.svg", "nosuch/out.csv", "é", "中文", "2.5", "1/3",
    "50%", "1k", "1KiB", "[1,2", "{", "}", "(", "'", '"', "`", "c[0,0]", "c[-1]", "c[999]", "*", "zz*", "n+1", "10^3",
    "True",
)  # fmt: skip


def random_command(random: Random) -> list[str]:
    """A command line; nine in ten options that choose among words choose one of these."""
    commands = group()
    context = click.Context(commands)
    name = random.choice([name for name in commands.list_commands(context) if name != "playground"])  # starts a server
    command = commands.get_command(context, name)
    assert command is not None
    options = [option for option in command.params if isinstance(option, click.Option) and option.name != "help"]
    words = [name]
    for option in random.choices(options, k=random.randint(0, 4)):
        words.append(random.choice(option.opts))
        if not option.is_flag:
            known = list(option.type.choices) if isinstance(option.type, click.Choice) else []
            words.append(str(random.choice(known if known and random.random() < 0.9 else WORDS)))
    if random.random() < 0.15:
        words += ["-e", random.choice(NETS)]
    return words + random.choices(("good.yaml", "lenet5", random.choice(WORDS)), k=random.choice((0, 1, 1, 1, 2)))


def go_through(count: int, folder: Path) -> None:
    """So many command lines, in a folder with the files that they name, one after the other."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        hold(random_command(Random(f"command {seed}")), seed)


@pytest.mark.usefixtures("bounded")
def test_a_random_command_ends_in_an_answer_or_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    go_through(100, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("bounded")
def test_random_commands_by_the_thousand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    go_through(3000, tmp_path)


@pytest.mark.parametrize(
    "words", [("kinds", "conv", "\u202e"), ("lenet5", "--\x1b[31m"), ("lenet5", "--dtype", "\x1b[2J")]
)
def test_words_that_cannot_be_shown_are_written_out_in_errors(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(group(), list(words))
    assert result.exit_code == 2
    assert repr(words[-1])[1:-1].lstrip("-") in result.output
    assert not [c for c in result.output if not c.isprintable() and c != "\n"]
