"""An example of every kind of layer, small enough to be worked out on the board.

What a kind requires is filled in by the name of the option, and it stands on the first input that suits it, so that a
new kind has an example without being named here.
"""

from __future__ import annotations

from cnncalc.errors import Source, SpecError
from cnncalc.graph import Graph
from cnncalc.layers import MERGES, Kind
from cnncalc.spec import graph_from_text

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
GIVEN = {"parameter": "parameter 8x14x14", "crop": "crop 1", "clamp": "clamp low=0 high=6", "permute": "permute 0,2,1"}
BRANCHES = {
    "cross_attention": "{cross_attention: [identity, conv 8 k3], heads: 2}",
    # Two numbers for each of 9 taps.
    "deformable_conv": "{deformable_conv: [identity, conv 18 k3 p1], filters: 16, kernel: 3, padding: 1}",
    # Two coordinates of each place, as the last axis.
    "grid_sample": "{grid_sample: [identity, [conv 2 k3, 'permute 1,2,0']]}",
    "max_unpool": "{max_unpool: [maxpool 2, identity], kernel: 2}",
    "dot_product_attention": "{dot_product_attention: [identity, identity, identity]}",
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
    if kind.name in GIVEN:
        return GIVEN[kind.name]
    if kind.name in MERGES:
        return BRANCHES.get(kind.name, f"{{{kind.name}: [identity, identity]}}")
    words = [kind.name]
    for name, option in kind.load().options.items():
        if option.required:
            value = VALUES.get(name, "2")
            words.append(value if option.main else f"{option.flag}{value}" if option.flag else f"{name}={value}")
    return " ".join(words)
