"""What a network can be written as: one row for each form, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cnncalc.graph import Graph


class Conversion(NamedTuple):
    """What a network was written as.

    again   what that is read as again, where the form may say it in other words; None: as what it was
    unread  why it could not be read again
    """

    result: str | bytes
    again: Graph | None = None
    unread: str = ""


class Target(NamedTuple):
    """A form.

    endings  of file names that ask for it, in small letters
    module   in cnncalc.interop, with convert(graph, weights) -> Written; `weights` is called for LAYER.name to array
             where the form holds them
    binary   it is no text, and goes to no terminal
    weights  it holds weights
    """

    endings: tuple[str, ...]
    module: str
    binary: bool = False
    weights: bool = False

    def convert(self, graph: Graph, weights: Callable[[], Mapping[str, Any]]) -> Conversion:
        """The network in this form. Raises CnncalcError where it cannot be said."""
        written: Conversion = import_module(f"cnncalc.interop.{self.module}").convert(graph, weights)
        return written


TARGETS = {
    "spec": Target((".yaml", ".yml"), "spec.writing"),
    "onnx": Target((".onnx",), "onnx.write.model", binary=True, weights=True),
    "torch": Target((".py",), "torch.write.text"),
    "keras": Target((), "keras.write.text"),  # Python, too: it is asked for by name
}


def target_for(path: str) -> str | None:
    """The form that the ending of a file's name asks for; None if it asks for none."""
    return next((name for name, target in TARGETS.items() if path.lower().endswith(target.endings)), None)
