"""`cnncalc` as people run it, in a process of its own, which is forked from one that has loaded Python already.

Starting Python and loading what a command reads takes ten times as long as most commands do, and the tests run many
hundreds. The process that forks runs no command itself, and what it has loaded does not depend on the language: a
command says at its end which modules it had to load; these are there for the next, but for those of `cnncalc.cli`,
which hold texts of help. What is settled when Python starts (the encoding, warnings) is that of it: a test that asks
for another starts Python anew.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

SETTLED = {"PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}  # of the process that forks, and so of all commands
STREAMS = ("in", "out", "err")

FORKING = """
import gc, io, json, os, sys
import cnncalc.__main__, cnncalc.cli, cnncalc.analysis, cnncalc.formats.plain, cnncalc.pages.network, cnncalc.sources
from cnncalc.layers import KINDS
from importlib import import_module
for family in {row.family for row in KINDS.values()}:
    import_module("cnncalc.layers." + family)

KINDS_OF_STREAMS = [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)]

def run(words, folder, environment, streams, told):
    loaded = set(sys.modules)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
    sys.stdin, sys.stdout, sys.stderr = [
        open(number, "w" if number else "r", encoding=encoding, errors=errors)
        for number, (encoding, errors) in enumerate(KINDS_OF_STREAMS)
    ]
    sys.argv = ["cnncalc", *words]
    try:
        cnncalc.__main__.main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        import traceback
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(told, "\\n".join(name for name in sys.modules if name not in loaded).encode())
    os._exit(status)

def load(names):
    for name in names:
        if not name.startswith("cnncalc.cli"):
            try:
                import_module(name)
            except Exception:  # made by the command itself
                pass

gc.freeze()
for line in sys.stdin:
    hear, told = os.pipe()
    child = os.fork()
    if child == 0:
        run(*json.loads(line), told)
    os.close(told)
    print(child, flush=True)
    with open(hear, encoding="utf-8") as names:
        new = names.read().split()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    load(new)
    gc.freeze()
"""


@cache
def forking(settled: tuple[tuple[str, str], ...]) -> tuple[subprocess.Popen[bytes], Path]:
    """The process that forks, and the folder of its streams."""
    folder = tempfile.TemporaryDirectory()
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **dict(settled)},
    )  # fmt: skip

    def end() -> None:
        process.kill()
        process.communicate()  # waited for, so that what its commands took counts as time of the tests
        folder.cleanup()

    atexit.register(end)
    return process, Path(folder.name)


def run_forked(
    words: Sequence[str],
    cwd: Path | None,
    environment: Mapping[str, str],
    *,
    settled: Mapping[str, str] = SETTLED,
    input: bytes = b"",
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """A command in this environment. `settled`: what Python was told where it started."""
    process, folder = forking(tuple(settled.items()))
    assert process.stdin is not None
    assert process.stdout is not None
    streams = [folder / name for name in STREAMS]
    for path, data in zip(streams, (input, b"", b""), strict=True):
        path.write_bytes(data)
    order = [words, str(cwd or os.getcwd()), dict(environment), [str(path) for path in streams]]
    process.stdin.write(json.dumps(order).encode() + b"\n")
    child = int(process.stdout.readline())
    if not select.select([process.stdout], [], [], timeout)[0]:
        os.kill(child, signal.SIGKILL)
        process.stdout.readline()
        raise subprocess.TimeoutExpired(list(words), timeout)
    status = int(process.stdout.readline())
    return subprocess.CompletedProcess(list(words), status, streams[1].read_bytes(), streams[2].read_bytes())


def cnncalc(
    *words: str, cwd: Path | None = None, input: str = "", timeout: float = 60, **env: str
) -> subprocess.CompletedProcess[str]:
    """What the command printed, and its status. `env`: what is other in its environment."""
    environment = {**os.environ, **SETTLED, **env}
    if any(name.startswith("PYTHON") and SETTLED.get(name) != value for name, value in env.items()):
        command = [sys.executable, "-m", "cnncalc", *words]
        return subprocess.run(
            command, cwd=cwd, input=input, env=environment, capture_output=True, encoding="utf-8", timeout=timeout
        )
    done = run_forked(words, cwd, environment, input=input.encode(), timeout=timeout)
    out, err = (data.decode().replace("\r\n", "\n") for data in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
