"""An example of every kind of layer, small enough to be worked out on the board.

What a kind requires is filled in by the name of the option, or its row in `layers` has a step, and it stands on the
first input that suits it: no kind is named here.
"""

from __future__ import annotations

from cnncalc.errors import Source, SpecError
from cnncalc.graph import Graph
from cnncalc.layers import MERGES, Kind
from cnncalc.spec import graph_from_text

# Images, sequences, vectors: the first that a kind takes.
INPUTS = ("8x14x14", "8x14", "8", "1x14")
# Values for what has to be given, by the option; 2 for all others.
VALUES = {
    "filters": "16",
    "units": "10",
    "kernel": "3",
    "size": "7",
    "dim": "16",
    "heads": "2",
    "shape": "4x-1",
    "order": "0,2,1",
    "range": "0:4",
    "axes": "hw",
    "padding": "1",
}


def example_of(kind: Kind) -> tuple[str, Graph] | None:
    """A step of this kind and the network of an input and that step; None where no input suits it."""
    # Nobody wrote these specs: whether one fits is found by building it.
    step = step_of(kind)
    for shape in INPUTS:
        try:
            graph = graph_from_text(Source("", f"input: {shape}\nlayers:\n  - example: {step}\n"))
        except SpecError:
            continue
        return step, graph
    return None


def step_of(kind: Kind) -> str:
    """A step with what the kind cannot do without, as one writes it."""
    if kind.example:
        return kind.example
    if kind.name in MERGES:
        return f"{{{kind.name}: [identity, identity]}}"
    words = [kind.name]
    for name, option in kind.load().options.items():
        if option.required:
            value = VALUES.get(name, "2")
            words.append(value if option.main else f"{option.flag}{value}" if option.flag else f"{name}={value}")
    return " ".join(words)
