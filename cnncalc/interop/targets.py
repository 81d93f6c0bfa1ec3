"""What a network can be written as: one row for each form, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cnncalc.graph import Graph


class Target(NamedTuple):
    """A form.

    endings  of file names that ask for it, in small letters
    module   in cnncalc.interop, with convert(graph, weights) -> text or bytes; `weights` is called for LAYER.name to
             array where the form holds them
    binary   it is no text, and goes to no terminal
    weights  it holds weights
    """

    endings: tuple[str, ...]
    module: str
    binary: bool = False
    weights: bool = False

    def convert(self, graph: Graph, weights: Callable[[], Mapping[str, Any]]) -> str | bytes:
        """The network in this form. Raises CnncalcError where it cannot be said."""
        text: str | bytes = import_module(f"cnncalc.interop.{self.module}").convert(graph, weights)
        return text


TARGETS = {
    "spec": Target((".yaml", ".yml"), "spec.writing"),
    "onnx": Target((".onnx",), "onnx.write.model", binary=True, weights=True),
    "torch": Target((".py",), "torch.write.text"),
    "keras": Target((), "keras.write.text"),  # Python, too: it is asked for by name
}


def target_for(path: str) -> str | None:
    """The form that the ending of a file's name asks for; None if it asks for none."""
    return next((name for name, target in TARGETS.items() if path.lower().endswith(target.endings)), None)
