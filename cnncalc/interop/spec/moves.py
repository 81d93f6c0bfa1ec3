"""Values as other axes show them: what reshapes and permutations make of a value, without moving anything.

An axis of the view is a list of parts of the value's axes (axis_parts.py). What looks along whole parts alone can
look at the value itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cnncalc.interop.axis_parts import Axis, Part, regroup, whole
from cnncalc.layers.base import Shape


class Cut(NamedTuple):
    """A part of an axis that is none of the value's own: nothing was cut yet.

    source  which slice of the old network it is
    start   elements of `axis` of the value that stand before it
    axes    what is seen now, in parts of what that slice gives
    scaled  by which layers of the old network it was multiplied since
    """

    source: int
    axis: int
    start: int
    axes: tuple[Axis, ...]
    scaled: tuple[int, ...] = ()


class View(NamedTuple):
    """A value of a graph, and the axes under which it is seen; perhaps only a part of them."""

    value: int
    axes: tuple[Axis, ...]
    cut: Cut | None = None

    @property
    def shape(self) -> Shape:
        return tuple(prod(part.size for part in axis) for axis in self.axes)


def plain(value: int, shape: Shape) -> View:
    """A value as it is."""
    return View(value, tuple(whole(i, n) for i, n in enumerate(shape)))


def permute(view: View, order: Sequence[int]) -> View:
    """The axes of a view in another order; a part that is not cut yet has them so, too."""
    cut = view.cut and view.cut._replace(axes=tuple(view.cut.axes[i] for i in order))
    return View(view.value, tuple(view.axes[i] for i in order), cut)


def reshape(view: View, shape: Shape) -> View | None:
    """The same elements in the same order under another shape; None where a part would have to be cut unevenly."""
    axes = regroup(view.axes, shape)
    inside = None if view.cut is None else regroup(view.cut.axes, shape)
    if axes is None or (inside is None and view.cut is not None):
        return None
    return View(view.value, axes, None if view.cut is None or inside is None else view.cut._replace(axes=inside))


def is_whole(axis: Axis, number: int, shape: Shape) -> bool:
    """Whether an axis of a view is all of one axis of its value, of this shape."""
    return axis == whole(number, shape[number])


def with_channels(view: View, value: int, channels: int) -> View:
    """The same view of a value that differs in its channels, which are an axis of the view by themselves."""
    return View(value, (whole(0, channels), *view.axes[1:]))


class Steps(NamedTuple):
    """What brings a value into the axes of a view: a shape of its parts, their order, and the shape that comes out."""

    parts: Shape
    order: tuple[int, ...]
    shape: Shape


def steps_of(view: View, shape: Shape) -> Steps:
    """How the axes of a view are made of a value of this shape."""
    seen = [part for axis in view.axes for part in axis]
    ordered = sorted(seen, key=lambda part: (part.axis, -part.stride))
    # Neighbours that stay together in the view move as one.
    groups: list[list[Part]] = []
    for part in ordered:
        last = groups[-1][-1] if groups else None
        if last is not None and seen.index(part) == seen.index(last) + 1:
            groups[-1].append(part)
        else:
            groups.append([part])
    order = sorted(range(len(groups)), key=lambda i: seen.index(groups[i][0]))
    return Steps(tuple(prod(part.size for part in group) for group in groups), tuple(order), view.shape)
