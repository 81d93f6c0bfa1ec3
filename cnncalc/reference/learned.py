"""Numbers that stand in the network by themselves, and tables that are looked up."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.reference.base import Array, Weight, Weights, reference


@reference(
    "parameter",
    weights=lambda layer: {
        "value": Weight(
            layer.shape if layer.stored is None else (layer.stored,),
            -1.0,
            1.0,
            "params" if layer.trained else "fixed_params",
            value=True,
        )
    },
)
def parameter(layer: Any, w: Weights) -> Array:
    """The numbers themselves, the same for every sample: (1, *shape). Too few of them are taken again."""
    value = w["value"]
    if layer.stored is not None:
        places = int(np.prod(layer.shape))
        value = np.take(value, np.arange(places) % layer.stored) if layer.stored else np.zeros_like(value, shape=places)
    return value.reshape(1, *layer.shape)


@reference("embedding", weights=lambda layer, x: {"table": Weight((layer.size, layer.dim), -1.0, 1.0)})
def embedding(layer: Any, w: Weights, x: Array) -> Array:
    """The row of each index; what is no index of the table counts from its beginning again."""
    index = x if x.ndim == 2 else x[:, 0]
    look_up = getattr(index, "look_up", None)
    if look_up is not None:  # a probe: which numbers are looked up depends on the index alone
        return look_up(w["table"])
    # Random images hold any numbers: each is made an index, so that a network with an embedding can be run.
    rows = np.asarray(index).astype(int) % layer.size
    return np.moveaxis(w["table"][rows], -1, 1)
