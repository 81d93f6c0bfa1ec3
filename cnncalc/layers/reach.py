"""The words in which a layer says what its units see: shapes, what happens to an axis, which channels read which.

Below everything else in layers/, so that what tells elements and channels apart needs no kind of layer.
"""

from __future__ import annotations

from cnncalc.layers.windows import Listed, Phases, Window

Shape = tuple[int, ...]
Axes = tuple[int, ...]

# What a layer does to the receptive field of an axis, besides sliding a Window or stretching by Phases.
POINTWISE = "pointwise"  # a unit sees what the units at its own position see
WHOLE = "whole"  # a unit sees the whole axis
FLATTENED = "flattened"  # the units keep their fields, the axes are gone
Step = Window | Phases | Listed | str | None
Reach = str | tuple[Step, ...]

# Which channels of its input a channel of the output reads.
MIXED = "mixed"  # all of them
KEPT = "kept"  # its own, of every input
STACKED = "stacked"  # its own, where the inputs stand one behind the other
LINKED = "linked"  # those that `Layer.links` says
PARTED = "parted"  # the same, and channels that read alike see differently: each has a place of its own
