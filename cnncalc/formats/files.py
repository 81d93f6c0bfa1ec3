"""Files that are written as a whole: what was there stays as it was until all of the new is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES
from tempfile import NamedTemporaryFile
from typing import IO, Any


@contextmanager
def replace_file(path: str, *, binary: bool = True) -> Iterator[IO[Any]]:
    """A file to write into, which takes the place of the one at `path` when all is written, with its owner and mode.

    A device or a named pipe is written to as it is, a link is followed. Raises OSError, for a read-only file too.
    """
    mode, encoding = ("wb", None) if binary else ("w", "utf-8")
    if os.path.exists(path) and not os.path.isfile(path):  # /dev/stdout, a named pipe: there is nothing to replace
        with open(path, mode, encoding=encoding) as file:
            yield file
        return
    # A link stays a link: what it leads to is replaced.
    path = os.path.realpath(path)
    old = os.stat(path) if os.path.exists(path) else None
    if old is not None and not old.st_mode & 0o222:  # asked of the mode: to root everything is open
        raise PermissionError(EACCES, os.strerror(EACCES), path)
    folder = os.path.dirname(path)
    # In the same folder: only there can a file take another's place in one step.
    with Stops() as stops:
        file = NamedTemporaryFile(mode, dir=folder, prefix=".cnncalc-", delete=False, encoding=encoding)  # noqa: SIM115
        with file:
            try:
                stops.let_through()
                yield file
                file.flush()
                if old is not None and hasattr(os, "chown") and (old.st_uid, old.st_gid) != (os.getuid(), os.getgid()):
                    os.chown(file.name, old.st_uid, old.st_gid)
                os.chmod(file.name, 0o666 & ~_umask() if old is None else old.st_mode & 0o7777)
                os.replace(file.name, path)
            except BaseException:
                stops.free = False
                os.unlink(file.name)
                raise


class Stops:
    """Ctrl-C and the signal that ends a process, while a file is written: what was written so far is taken away.

    They wait where nobody would tidy up after them. Handlers of others stay as they are.
    """

    def __init__(self) -> None:
        self.free = False
        self.waiting = 0
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            if signal.getsignal(number) == usual:
                try:
                    self.before[number] = signal.signal(number, self.take)
                except ValueError:  # in another thread than the first: there is no signal then
                    return self
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.let_through()

    def take(self, number: int, _frame: Any) -> None:
        self.waiting = number
        if self.free:
            self.let_through()

    def let_through(self) -> None:
        """From now on signals end the run; one that has waited does now."""
        self.free = True
        if self.waiting:
            number, self.waiting = self.waiting, 0
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _umask() -> int:
    # It can only be asked for by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
