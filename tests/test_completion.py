"""What a shell offers behind what is typed: asked of bash, zsh and fish, with the script that each is given."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from commands import put_stand_in

# What is typed, what must be offered, and what must not
LINES = [
    ("cnncalc expl", {"explain"}, {"lenet5"}),
    ("cnncalc resn", {"resnet18", "resnet50"}, {"explain"}),
    ("cnncalc net", {"networks", "net.yaml"}, {"lenet5"}),
    ("cnncalc explain len", {"lenet5"}, {"explain"}),
    ("cnncalc explain lenet5 C", {"C1", "C3", "C5"}, {"F6"}),
    ("cnncalc explain net.yaml fir", {"first"}, {"second"}),
    ("cnncalc explain lenet5 C3 par", {"params"}, {"macs"}),
    ("cnncalc explain lenet5 total peak", {"peak_activation_bytes"}, {"params"}),
    ("cnncalc rf lenet5 --to S", {"S2", "S4"}, {"C3"}),
    ("cnncalc lenet5 --columns name,rec", {"name,receptive_field"}, {"name,params"}),
    ("cnncalc kinds subs", {"subsample"}, {"conv"}),
    ("cnncalc check sub", {"sub/"}, {"subsample"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some files, and a `cnncalc` on the path."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "net.yaml").write_text("input: 3\nlayers: [first: dense 2, second: dense 2]\n", encoding="utf-8")
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "bin").mkdir()
    put_stand_in(folder / "bin")
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb"}


def run(shell: str, script: str, folder: Path) -> str:
    words = {"bash": ["bash", "--norc"], "fish": ["fish", "--no-config"]}[shell]
    done = subprocess.run(
        [*words, "-c", script], cwd=folder, env=environment(folder), capture_output=True, encoding="utf-8", timeout=60
    )
    return done.stdout


def offered_by_bash(folder: Path, line: str) -> set[str]:
    """What its function leaves in COMPREPLY, as readline calls it."""
    script = f"""
        eval "$(_CNNCALC_COMPLETE=bash_source cnncalc)"
        compopt() {{ :; }}
        COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $(complete -p cnncalc | sed 's/.*-F //; s/ .*//') cnncalc
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(run("bash", script, folder).splitlines())


def offered_by_fish(folder: Path, line: str) -> set[str]:
    found = run("fish", f"_CNNCALC_COMPLETE=fish_source cnncalc | source; complete -C '{line}'", folder)
    return {entry.partition("\t")[0] for entry in found.splitlines()}


def offered_by_zsh(folder: Path, line: str) -> set[str]:
    """What it lists below the line when the key is pressed, in a terminal of its own."""
    setup = (
        "PS1='> '; autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-prompt ''; LISTMAX=1000; "
        'setopt no_auto_menu no_list_ambiguous no_always_last_prompt; eval "$(_CNNCALC_COMPLETE=zsh_source cnncalc)"; '
        "echo rea''dy\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**environment(folder), "COLUMNS": "200"})
    try:
        os.write(terminal, setup.encode())
        read_until(terminal, "ready\r\n")
        os.write(terminal, f"{line}\t\t".encode())
        text = read_until(terminal, None)
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(terminal)
    return set(text.replace(line.rpartition(" ")[0], " ").split())


def read_until(terminal: int, end: str | None) -> str:
    """What a terminal shows up to a text, or until nothing came for two seconds."""
    text, start = "", time.monotonic()
    while time.monotonic() - start < 60 and not (end and end in text):
        if not select.select([terminal], [], [], 20 if end or not text.count("\n") else 2)[0]:
            break
        text += os.read(terminal, 4096).decode("utf-8", "replace")
    return text


# A terminal for each takes long: of zsh, which has click's own script, three lines stand for all
CASES = [(shell, *case) for shell in ("bash", "fish") for case in LINES] + [("zsh", *LINES[i]) for i in (1, 2, 4)]


@pytest.mark.parametrize(("shell", "line", "offered", "hidden"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_a_shell_offers_what_may_follow(
    shell: str, line: str, offered: set[str], hidden: set[str], folder: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    ask = {"bash": offered_by_bash, "fish": offered_by_fish, "zsh": offered_by_zsh}[shell]
    found = ask(folder, line)
    assert offered <= found
    assert not hidden & found


def test_a_network_that_cannot_be_read_offers_nothing_and_says_nothing(folder: Path) -> None:
    for line in ("cnncalc explain nosuch.yaml C", "cnncalc nosuch --col", "cnncalc lenet --col"):
        script = f"COMP_WORDS='{line}' COMP_CWORD={line.count(' ')} _CNNCALC_COMPLETE=bash_complete cnncalc 2>&1"
        assert "Traceback" not in run("bash", script, folder)
