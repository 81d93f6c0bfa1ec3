"""The process that forks one for each command that the tests run: `commands.py` starts it with the path of its socket.

A connection brings what is to run and its three streams. It is told the number of the process, and then how that
ended: its status, or minus the signal. What a command had to load is loaded here too, for the next. Ends with its
standard input, which is a pipe of the tests.
"""

import gc
import marshal
import os
import resource
import select
import socket
import sys
from importlib import import_module
from typing import Any

import cnncalc.__main__
import cnncalc.analysis
import cnncalc.cli
import cnncalc.formats.plain
import cnncalc.pages.network
import cnncalc.sources
from cnncalc.layers import KINDS

STREAMS = [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)]


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What is to run, and its streams: four bytes say how long it is."""
    head, streams, _, _ = socket.recv_fds(connection, 4, 3)
    size, data = int.from_bytes(head, "big"), b""
    while len(data) < size:
        data += connection.recv(size - len(data))
    return marshal.loads(data), streams


def become(order: dict[str, Any], streams: list[int]) -> None:
    """This process is as one that was started for the command."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    opened = [
        os.fdopen(number, "w" if number else "r", encoding=encoding, errors=errors, closefd=False)
        for number, (encoding, errors) in enumerate(STREAMS)
    ]
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = opened
    sys.stderr.reconfigure(line_buffering=True)
    for name, limit in order["limits"].items():
        sys.dont_write_bytecode = True  # what Python compiles could be cut as well
        if name == "RLIMIT_AS":  # beyond what is loaded here for all commands, and for this one perhaps needlessly
            limit += loaded_bytes()
        resource.setrlimit(getattr(resource, name), (limit, limit))
    sys.argv = ["-c" if order["code"] else "cnncalc", *order["words"]]


def loaded_bytes() -> int:
    """The addresses that this process has taken; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def forget_commands() -> None:
    """Their texts of help are English, as they were loaded here: they are to be loaded anew."""
    for name in set(sys.modules) - AT_FIRST:
        if name.startswith("cnncalc.cli."):
            room, _, last = name.rpartition(".")
            del sys.modules[name]
            getattr(sys.modules.get(room), "__dict__", {}).pop(last, None)


def run(order: dict[str, Any], streams: list[int], told: int) -> None:
    """Ends the process. Where not all can be written, or something is raised, Python itself says so, as it does."""
    become(order, streams)
    english = not order["code"] and cnncalc.cli.language_of(order["words"]) == "en"
    if not english:
        forget_commands()
    loaded = set(sys.modules)
    try:
        if order["code"]:
            exec(compile(order["code"], "<string>", "exec"), {"__name__": "__main__"})
        else:
            cnncalc.__main__.main()
        status: Any = 0
    except SystemExit as end:
        status = end.code or 0
    finally:
        new = [name for name in sys.modules if name not in loaded and (english or not name.startswith("cnncalc.cli."))]
        os.write(told, "\n".join(new).encode())
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(status)
    if isinstance(status, int):
        os._exit(status)
    sys.exit(status)


def load(names: list[str]) -> None:
    for name in names:
        try:
            import_module(name)
        except Exception:  # made by the command, or where only it could find it
            pass
    gc.freeze()


def answer(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(b"%d\n" % number)
    except OSError:  # nobody waits for it any more
        pass


def serve(listener: socket.socket) -> None:
    running: dict[int, tuple[int, socket.socket]] = {}  # by the pipe that closes when the process ends
    names: dict[int, bytes] = {}
    while True:
        for ready in select.select([0, listener.fileno(), *running], [], [])[0]:
            if ready == 0:
                return
            if ready == listener.fileno():
                connection = listener.accept()[0]
                order, streams = receive(connection)
                hear, told = os.pipe()
                child = os.fork()
                if child == 0:
                    listener.close()
                    connection.close()
                    os.close(hear)
                    run(order, streams, told)
                for descriptor in (told, *streams):
                    os.close(descriptor)
                running[hear], names[hear] = (child, connection), b""
                answer(connection, child)
            elif data := os.read(ready, 1 << 16):
                names[ready] += data
            else:
                child, connection = running.pop(ready)
                answer(connection, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                connection.close()
                os.close(ready)
                load(names.pop(ready).decode().split())


for family in {row.family for row in KINDS.values()}:
    import_module(f"cnncalc.layers.{family}")
AT_FIRST = set(sys.modules)
gc.freeze()
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print("listens", flush=True)
    serve(listener)
