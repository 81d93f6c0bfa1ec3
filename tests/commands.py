"""`cnncalc` as people run it, in a process of its own, which is forked from one that has loaded Python already.

Starting Python and loading what a command reads takes ten times as long as most commands do, and the tests run many
hundreds. The process that forks (`forking.py`) runs no command itself: a command says at its end which modules it had
to load; these are there for the next. Those of `cnncalc.cli` hold texts of help, which are in a language: a command in
another than English loads them anew. What is settled when Python starts (the encoding, warnings) is that of the process
that forks: a test that asks for another starts Python anew.
"""

from __future__ import annotations

import atexit
import marshal
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO

SETTLED = {"PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}  # of the process that forks, and so of all commands
FORKING = Path(__file__).with_name("forking.py")


@cache
def forking(settled: tuple[tuple[str, str], ...]) -> str:
    """Where the process that forks listens. It is started by the first who asks."""
    folder = tempfile.TemporaryDirectory()
    path = str(Path(folder.name) / "socket")
    # As a text, so that modules are looked for where they are when a command is run with -m: in the folder it is run in
    environment = {**os.environ, **dict(settled)}
    environment.pop("PYTHONUNBUFFERED", None)  # what is buffered is where a full disk is told of late
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING.read_text(encoding="utf-8"), path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()

    def end() -> None:
        process.kill()
        process.communicate()  # waited for, so that what its commands took counts as time of the tests
        folder.cleanup()

    atexit.register(end)
    return path


def unnamed_file() -> IO[bytes]:
    return tempfile.TemporaryFile()


class Forked:
    """A command, or the program `code`, that runs. What it writes goes to `stdout` and `stderr`, or is kept for `end`.

    `limits`: of the process, in bytes, by their names in `resource`.
    """

    def __init__(
        self,
        words: Sequence[str],
        cwd: Path | None,
        environment: Mapping[str, str],
        *,
        settled: Mapping[str, str] = SETTLED,
        code: str = "",
        limits: Mapping[str, int] | None = None,
        input: bytes | int = b"",
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self.words = list(words)
        self.returncode: int | None = None
        self.open = stack = ExitStack()
        self.kept: list[IO[bytes] | None] = []
        streams = []
        for stream in (input, stdout, stderr):
            if isinstance(stream, int):
                self.kept.append(None)
                streams.append(stream)
            else:
                file = stack.enter_context(unnamed_file())
                file.write(stream or b"")
                file.seek(0)
                self.kept.append(file)
                streams.append(file.fileno())
        order = {
            "words": self.words, "folder": str(cwd or os.getcwd()), "environment": dict(environment), "code": code,
            "limits": dict(limits or {}),
        }  # fmt: skip
        self.connection = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.connection.connect(forking(tuple(settled.items())))
        data = marshal.dumps(order)
        socket.send_fds(self.connection, [len(data).to_bytes(4, "big")], streams)
        self.connection.sendall(data)
        self.answers = stack.enter_context(self.connection.makefile("rb", buffering=0))
        self.pid = int(self.answers.readline())

    def poll(self, timeout: float = 0.0) -> int | None:
        """Its status, or minus the signal that ended it; None while it runs."""
        if self.returncode is None and select.select([self.connection], [], [], timeout)[0]:
            self.returncode = int(self.answers.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
        """Waits for it, and ends it where it takes longer than `timeout` seconds."""
        if self.poll(timeout) is None:
            self.send_signal(signal.SIGKILL)
            self.poll(timeout)
            raise subprocess.TimeoutExpired(self.words, timeout)
        assert self.returncode is not None
        for file in self.kept[1:]:
            if file is not None:
                file.seek(0)
        out, err = (b"" if file is None else file.read() for file in self.kept[1:])
        self.open.close()
        return subprocess.CompletedProcess(self.words, self.returncode, out, err)


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
    done = Forked(words, cwd, environment, input=input.encode()).end(timeout)
    out, err = (data.decode().replace("\r\n", "\n") for data in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


# What a shell starts as `cnncalc`: hands all that it was given to the process that forks, and ends as the command did
STAND_IN = """
import _socket, array, marshal, os, sys
connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
connection.connect(sys.argv[1])
order = {"words": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ), "code": "", "limits": {}}
data = marshal.dumps(order)
streams = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
connection.sendmsg([len(data).to_bytes(4, "big")], streams)
while data:
    data = data[connection.send(data) :]
answers = b""
while answers.count(b"\\n") < 2:
    answers += connection.recv(100) or sys.exit("the process that forks is gone")
status = int(answers.split()[1])
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def put_stand_in(folder: Path) -> Path:
    """An executable `cnncalc` in this folder, for shells: the command, forked as those of the tests are."""
    path = folder / "cnncalc"
    start = shlex.join([sys.executable, "-I", "-S", "-X", "utf8", "-c", STAND_IN, forking(tuple(SETTLED.items()))])
    path.write_text(f'#!/bin/sh\nexec {start} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path
