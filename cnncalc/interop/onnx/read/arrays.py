"""The values of an ONNX model's tensors, when somebody asks for them: in the file, or in one beside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from math import prod
from typing import Any

from cnncalc.interop.onnx.read.file import TYPES, TensorData, fix, numbers
from cnncalc.interop.onnx.read.wire import Span, WireError, float32
from cnncalc.language import _

LETTERS = {1: "f", 6: "i", 7: "q", 11: "d"}  # of ONNX's types, in struct


def raw_of(stored: TensorData) -> Callable[[], tuple[str, bytes]] | None:
    """The letter of a tensor's type and its bytes, when they are asked for; None where the file has no such bytes."""
    raw, letter = stored.raw, LETTERS.get(stored.dtype)
    if raw is None or letter is None or stored.external is not None:
        return None
    return lambda: (letter, raw.bytes())


def array(stored: TensorData, folder: str) -> Any:
    """The values of a tensor as a NumPy array. Raises WireError where they are not what its shape says."""
    import numpy as np

    name, size = TYPES.get(stored.dtype, ("", 0))
    count = prod(stored.dims)
    if not name or name == "float8":
        raise WireError(_("'{name}' holds values of a type that is not read", name=stored.name[:60]), 0)
    if stored.external is not None:
        data = external_bytes(stored, folder, count * size)
    elif stored.raw is not None:
        data = stored.raw.bytes()
    else:
        return unpack(stored, name, count).reshape(stored.dims)
    if len(data) != count * size:
        raise short(stored)
    if name == "bfloat16":
        # bfloat16 is the upper half of a float32.
        bits = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).reshape(stored.dims)
    return np.frombuffer(data, np.dtype(name).newbyteorder("<")).reshape(stored.dims)


def unpack(stored: TensorData, name: str, count: int) -> Any:
    """Values in fields of their own: float_data and the like."""
    import numpy as np

    found: list[Any] = []
    # Fields of TensorProto: 4 float, 5 int32 (and all that is shorter), 7 int64, 10 double, 11 uint64.
    for number, value in stored.packed:
        if number in (5, 7, 11):
            found += numbers(value)
        elif isinstance(value, Span) and number in (4, 10):
            found += np.frombuffer(value.bytes(), "<f4" if number == 4 else "<f8").tolist()
        elif number == 4:
            found.append(float32(fix(value)))
        elif number == 10:
            found += np.frombuffer(fix(value), "<f8").tolist()
    if len(found) != count:
        raise short(stored)
    if name in ("float16", "bfloat16"):  # their bits
        bits = np.array(found, np.uint16)
        return bits.view(np.float16) if name == "float16" else (bits.astype(np.uint32) << 16).view(np.float32)
    return np.array(found, name)


def external_bytes(stored: TensorData, folder: str, size: int) -> bytes:
    """Values that stand in a file beside the model's, and nowhere else."""
    entries = stored.external or {}
    location = entries.get("location", "")
    path = os.path.join(folder, location)
    # `..` or a link would make a model read any file of the machine.
    inside = os.path.realpath(path).startswith(os.path.realpath(folder or ".") + os.sep)
    if not location or os.path.isabs(location) or not inside:
        raise WireError(
            _("the weights of '{name}' are said to be outside the model's folder", name=stored.name[:60]), 0
        )
    try:
        start = int(entries.get("offset", "0") or 0)
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            raise ValueError
        with open(path, "rb") as file:
            file.seek(start)
            data = file.read(size)
    except (OSError, ValueError):
        problem = _(
            "the weights of '{name}' are in {file}, which is missing or no file",
            name=stored.name[:60],
            file=location[:60],
        )
        raise WireError(problem, 0) from None
    return data


def short(stored: TensorData) -> WireError:
    return WireError(
        _("'{name}' does not hold as many values as its shape {shape} says", name=stored.name[:60], shape=stored.dims),
        0,
    )
