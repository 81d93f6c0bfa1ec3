"""Attributes of an HDF5 file, read in a process of their own: the library that reads it never ends on some files.

It is compiled code, which no signal of Python's interrupts, and a file that is damaged can make it run for ever or
crash. So h5py is asked in another process, with a second of the processor and bounded memory, and for attributes alone:
no link is followed and no data set is opened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from cnncalc.errors import CnncalcError
from cnncalc.language import _

SECONDS = 60  # until it is given up where a system has no limit on the processor's time
READING = """
import json, math, signal, sys, time
path, names, most, folders = json.load(sys.stdin)
sys.path[:] = folders
import h5py
try:
    import resource
except ImportError:
    pass
else:
    signal.setitimer(signal.ITIMER_PROF, 1)  # ends the process; limits are of whole seconds
    for limit, value in ((resource.RLIMIT_CPU, math.ceil(time.process_time()) + 1), (resource.RLIMIT_DATA, 10 * most)):
        hard = resource.getrlimit(limit)[1]
        if hard == resource.RLIM_INFINITY or value < hard:
            resource.setrlimit(limit, (value, hard))
out = sys.stdout.buffer
try:
    with h5py.File(path, "r") as file:
        for name in names:
            value = file.attrs.get(name)
            data = value.encode("utf-8", "replace") if isinstance(value, str) else value
            if isinstance(data, bytes):
                data = bytes(data[: most + 1])
                out.write(b"%d\\n" % len(data) + data)
            else:
                out.write(b"-1\\n" if value is None else b"-2\\n")
except BaseException as error:
    out.flush()
    sys.stderr.buffer.write(f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:300])
    sys.exit(3)
"""


class Hdf5Error(CnncalcError):
    """A file that cannot be read, or no package that does: `hint` says what to do."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.hint = hint


def attributes(path: str, names: Sequence[str], most: int) -> list[bytes | bool]:
    """The texts of attributes; False for one that is not there, True for one that is no text.

    most  bytes, of one text; of one that is longer, most + 1 are given

    Raises Hdf5Error.
    """
    try:
        there = find_spec("h5py") is not None
    except ValueError:
        there = False
    if not there:
        raise Hdf5Error(
            _("this is an HDF5 file, which is read with the package h5py"),
            _("pip install 'cnncalc[keras]'; or save the model as net.keras, or model.to_json() as config.json"),
        )
    order = json.dumps([os.path.abspath(path), list(names), most, sys.path]).encode()
    # -I and -S: nothing of the user's environment runs there; where packages are is handed over.
    command = [sys.executable or "python3", "-I", "-S", "-c", READING]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, input=order, capture_output=True, timeout=SECONDS, check=False, env=environment
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Hdf5Error(_("the HDF5 file is damaged: the package h5py does not come to an end on it")) from None
    except OSError as error:
        raise Hdf5Error(_("h5py cannot be asked: {reason}", reason=error)) from None
    if done.returncode < 0:
        raise Hdf5Error(_("the HDF5 file is damaged: the package h5py does not come to an end on it"))
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Hdf5Error(_("the HDF5 file is damaged: {error}", error=told[:300]))
    return take_apart(done.stdout)


def take_apart(answer: bytes) -> list[bytes | bool]:
    """What stands in an answer: a length and a text for each attribute."""
    found: list[bytes | bool] = []
    while answer:
        length, _newline, answer = answer.partition(b"\n")
        count = int(length)
        found.append(answer[:count] if count >= 0 else count == -2)
        answer = answer[max(count, 0) :]
    return found
