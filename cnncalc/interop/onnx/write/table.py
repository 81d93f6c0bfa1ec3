"""Who writes which kind of layer: a small function for each, in the file that is called like the kind's family.

    @writes("conv")
    def conv(ops: Part, layer: Any, x: Value) -> str: ...

It appends operators by `ops("Conv", ...)` and returns the name of its result. A kind that is one operator, whatever its
options, is a row of `writes_operators`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.interop.onnx.write.part import Part, Value
from cnncalc.layers import KINDS

Write = Callable[..., str]
WRITERS: dict[str, Write] = {}


class NotInOnnxError(CnncalcError):
    """A layer that the operators of ONNX cannot express, or that nobody has written yet."""


def writes(*kinds: str) -> Callable[[Write], Write]:
    """Declare the writer of one or several kinds."""

    def declare(write: Write) -> Write:
        WRITERS.update(dict.fromkeys(kinds, write))
        return write

    return declare


def writes_operators(operators: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
    """Declare kinds that are one operator of the same inputs, with attributes that no option changes."""

    def write(ops: Part, layer: Any, *values: Value) -> str:
        name, attributes = operators[layer.kind]
        return ops(name, *(value.name for value in values), **attributes)

    WRITERS.update(dict.fromkeys(operators, write))


def writer_of(kind: str) -> Write | None:
    """Who writes a kind; None for one that nobody does. The file of its family is loaded now."""
    if kind not in WRITERS and kind in KINDS:
        try:
            import_module(f"cnncalc.interop.onnx.write.{KINDS[kind].family}")
        except ModuleNotFoundError:
            return None
    return WRITERS.get(kind)
