"""What each kind does, in NumPy: a forward pass that shares no arithmetic with the claims.

    weights = reference.draw(graph, seed=0)
    maps = reference.run(graph, image, weights)      # every intermediate map by its layer's name

The same file names as layers/; the kinds' functions are the definitions, written to be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, Node
from cnncalc.language import _
from cnncalc.reference.base import REFERENCES, Array
from cnncalc.reference.values import WeightError, as_input, as_weights
from cnncalc.reference.weights import Drawn, NoReferenceError, allocate, draw, find_reference, name_array, owner

__all__ = [
    "REFERENCES",
    "Drawn",
    "NoReferenceError",
    "WeightError",
    "allocate",
    "draw",
    "find_reference",
    "name_array",
    "owner",
    "run",
    "steps",
]


def run(
    graph: Graph, inputs: Any = None, weights: Mapping[str, Any] | None = None, *, seed: int = 0
) -> dict[str, Array]:
    """Feed an image and get every map: input and layer names to arrays, in the order in which they run.

    graph    what `cnncalc.load` returns
    inputs   an array of the input's shape, (C, H, W), or with a batch in front, (N, C, H, W); with several
             inputs a mapping of names to arrays; drawn from the seed where not given
    weights  LAYER.name to array, or what np.load gives of an .npz; drawn from the seed where not given at all

    Computes in float32, or in float64 where the image is. Raises CnncalcError that names the layer and both
    shapes where something does not fit.
    """
    options = ((node.name, vars(node.layer).get("stored")) for node in graph.nodes)
    made = next((name for name, stored in options if stored is not None), None)
    if made is not None:
        raise CnncalcError(_("{name}: which of its numbers stands at which place is not known", name=made))
    values = dict(as_input(graph, inputs, seed))
    alone = all(value.ndim == len(shape) for value, shape in zip(values.values(), graph.inputs.values(), strict=True))
    if alone:
        values = {name: value[np.newaxis] for name, value in values.items()}
    stored = draw(graph, seed) if weights is None else as_weights(graph, weights)
    results = dict(values)
    for node, y, _alive in steps(graph, list(values.values()), stored, keep=True):
        results[node.name] = y
    return {name: value[0] for name, value in results.items()} if alone else results


def steps(
    graph: Graph, values: Sequence[Array], weights: Mapping[str, Array], *, keep: bool = False
) -> Iterator[tuple[Node, Array, Mapping[int, Array]]]:
    """Run a network node by node: each with its output, and all that is alive then, by the number of its value.

    What nobody reads any more is let go, unless all is to be kept.
    """
    alive: dict[int, Array] = dict(enumerate(values))
    first = len(graph.inputs)
    samples = len(values[0])
    last_use = {v: i for i, node in enumerate(graph.nodes) for v in node.reads}
    for v in range(first):
        if v not in last_use and v not in graph.outputs and not keep:
            del alive[v]
    for i, node in enumerate(graph.nodes):
        source = owner(graph, node)
        found = find_reference(node.layer.kind)
        names = found.weights(source.layer, *(graph.shape(v) for v in source.reads))
        own = {name: weights[name_array(source, name)] for name in names}
        y = found.forward(node.layer, own, *(alive[v] for v in node.reads))
        if not node.reads:  # the same for every sample
            y = np.broadcast_to(y, (samples, *y.shape[1:]), subok=True)
        alive[first + i] = y
        del own
        yield node, y, alive
        if not keep:
            for v in {*node.reads, first + i}:
                if last_use.get(v, -1) <= i and v not in graph.outputs:
                    del alive[v]
