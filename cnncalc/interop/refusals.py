"""Files that are named and not read. A pickle runs whatever is in it: none is ever loaded."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from cnncalc.errors import CnncalcError, Problem, Source, SpecError
from cnncalc.language import _

HEAD = 4096


def read(spec: str, **settings: Any) -> NoReturn:
    """Say what the file is, and what could be read instead. Raises SpecError."""
    with open(spec, "rb") as file:
        head = file.read(HEAD)
    problem, hint = say(os.path.splitext(spec)[1].lower(), head)
    raise unusable_file(spec, problem, hint)


def unusable_file(spec: str, problem: str, hint: str | None = None) -> SpecError:
    """The error for a file that cannot be used as a whole."""
    return SpecError([Problem(problem, None, hint)], Source(spec, ""))


def say(ending: str, head: bytes) -> tuple[str, str]:
    """(problem, hint) for a file with these first bytes."""
    export = _("export the model to ONNX, and name that file")
    # A pickle begins with its protocol: 0x80, then 2 to 5.
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return _("this is a pickle, which runs whatever is in it: it is never loaded"), export
    if head.startswith(b"PK") and ending in (".npz", ".npy"):
        return _("these are arrays of NumPy, not a network"), _("name the spec; arrays are given with --weights")
    if head.startswith(b"PK") and (b"data.pkl" in head or ending in (".pt", ".pth", ".ckpt")):
        return _("this is a checkpoint of PyTorch, which holds a pickle: it is never loaded"), export
    if head.startswith(b"\x89HDF"):
        hint = _("save it in the format .keras, or export it to ONNX")
        return _("this is an HDF5 file, which is not read"), hint
    if head.startswith(b"\x93NUMPY"):
        return _("these are arrays of NumPy, not a network"), _("name the spec; arrays are given with --weights")
    if head[4:8] == b"TFL3":
        return _("this is a model of TensorFlow Lite, which is not read"), export
    return _("not a spec, and no model of a format that is read"), export


class MissingPackageError(CnncalcError):
    """A package that only this feature needs is not installed."""
