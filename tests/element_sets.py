"""Which elements of the input every element of every map depends on, by running one plane for each of them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from cnncalc import reference
from cnncalc.evidence.arrays import Sets
from cnncalc.evidence.fields import NoWeights
from cnncalc.graph import Graph


def element_sets(graph: Graph, source: str) -> list[Any]:
    """For each node a boolean array (*input shape, *output shape)."""
    planes: list[Any] = []
    count = prod(graph.inputs[source])
    for name, shape in graph.inputs.items():
        if name == source:
            planes.append(Sets.pack_pixels([], list(np.ndindex(*shape)), shape))
        else:
            planes.append(np.zeros((-(-count // 64), *shape)).view(Sets))
    found = []
    with np.errstate(all="ignore"):
        for _node, y, _alive in reference.steps(graph, planes, NoWeights(graph, Sets)):
            values = Sets.unpack(y, count)
            found.append(values.reshape(*graph.inputs[source], *values.shape[1:]))
    return found
