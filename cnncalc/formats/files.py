"""Files that are written as a whole: what was there stays as it was until all of the new is."""

from __future__ import annotations

import os
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
    with NamedTemporaryFile(mode, dir=folder, prefix=".cnncalc-", delete=False, encoding=encoding) as file:
        try:
            yield file
            file.flush()
            if old is not None and hasattr(os, "chown") and (old.st_uid, old.st_gid) != (os.getuid(), os.getgid()):
                os.chown(file.name, old.st_uid, old.st_gid)
            os.chmod(file.name, 0o666 & ~_umask() if old is None else old.st_mode & 0o7777)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    # It can only be asked for by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
