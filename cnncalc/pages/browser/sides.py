"""Two networks side by side, as data for the page: which layers stand beside which, and what differs in them.

The numbers of the layers are in the rows of either network; here are only their places there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.difference import QUANTITIES, Difference
from cnncalc.formats.numbers import with_sign
from cnncalc.pages.browser.pool import Text
from cnncalc.pages.difference import heading_of
from cnncalc.report import Row


def sides_data(found: Difference) -> dict[str, Any]:
    """The pairs of layers, in the language in use.

    pairs  [old operation, new operation, what differs...]: numbers of operations, -1 on the side that has no such
           layer, and places in `quantities`
    totals  the differences that are numbers, with their sign, by quantity
    """
    old, new = places_of(found.old.layers), places_of(found.new.layers)
    quantities = {name: i for i, name in enumerate(QUANTITIES)}
    return {
        "quantities": [[name, Text(heading_of(name))] for name in QUANTITIES],
        "pairs": [
            [
                -1 if layer.old is None else old[layer.old.name], -1 if layer.new is None else new[layer.new.name],
                *(quantities[change.quantity] for change in layer.changes),
            ]
            for layer in found.layers
        ],
        "totals": {change.quantity: with_sign(change.by) for change in found.totals if change.by is not None},
    }  # fmt: skip


def places_of(layers: Sequence[Row]) -> dict[str, int]:
    return {row.name: i for i, row in enumerate(layers)}
