"""How much every pixel counts for a unit, measured: the network as a linear map of what is put in.

With equal weights a unit is a weighted sum of pixels, w(x) for the one at x. Put in 1, x and x^2 along one axis, it is
the sum of w, of w x and of w x^2: mass, centre and variance come out of one forward pass with three planes. Windows are
means of their taps, activations and norms pass on what they get, sums of branches are sums; fixed weights
(interpolation, blur) are the reference's own. What is assumed: Luo, Li, Urtasun, Zemel 2016, arXiv:1701.04128.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan, nan
from typing import Any

import numpy as np

from cnncalc.analysis.fields.effective.moments import Axis, moments_of
from cnncalc.errors import CnncalcError
from cnncalc.evidence.apart import without_gates
from cnncalc.evidence.arrays import Probe, frame, go_on, plain, run_watched
from cnncalc.evidence.counts import Measured, catch_stop
from cnncalc.evidence.fields import Claimed, NoWeights, lengthen, longer_by
from cnncalc.graph import Graph, Node
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import POINTWISE
from cnncalc.reference.base import Array

PROBE = "moments"
CLOSE = 1e-6  # of a pixel squared, relative: float64 on positions of some thousand pixels


class Shares(Probe):
    """Values of a linear map: what is combined is added up, with the weights that are there."""

    nothing = 0.0
    numbers = np.float32
    goes_on = True
    axis: int

    @classmethod
    def along(cls, axis: int) -> type[Shares]:
        """Shares along one spatial axis, counted from 0; along the others what is padded goes on as the map does."""
        return type("Shares", (cls,), {"axis": axis})

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        values = [plain(item) for item in inputs]
        seeing = [isinstance(item, Shares) for item in inputs]
        if method == "reduce":  # the largest of a window is any of them
            combine = np.sum if ufunc is np.add else np.mean
            result = combine(values[0], **{k: v for k, v in options.items() if k in ("axis", "keepdims")})
        elif ufunc is np.matmul and not all(seeing):
            weights = values[0] if seeing[1] else values[1]
            # Weights are shares here: divided by their sum, a window is the mean of its taps.
            total = weights.sum(axis=-1 if seeing[1] else -2, keepdims=True)
            result = np.matmul(*values) / np.where(total == 0, 1, total)
        elif all(seeing) and ufunc in (np.add, np.maximum):  # the largest of two is either, one as often as the other
            result = values[0] + values[1]
        elif len(values) == 2 and not all(seeing) and ufunc in (np.multiply, np.divide):
            result = ufunc(*values)
        else:
            mine = values[seeing.index(True)]
            result = np.broadcast_to(mine, np.broadcast_shapes(*map(np.shape, values)))
        result = np.array(result, dtype=np.float64)
        if out is not None:
            plain(out[0])[...] = result
            return out[0]
        return result.view(type(self))

    def surround(self, sides: Sequence[tuple[int, int]]) -> Array:
        mine = [pair if axis == self.axis else (0, 0) for axis, pair in enumerate(sides)]
        others = [(0, 0) if axis == self.axis else pair for axis, pair in enumerate(sides)]
        return go_on(frame(plain(self), mine, 0), others).view(type(self))

    def pour(self, where: Any, values: Array) -> None:
        self.view(np.ndarray)[where] += plain(values)


def passing_on(graph: Graph) -> Graph:
    """The network with what works on each value by itself, and norms, taken out; names and order stay."""
    bare = without_gates(graph)
    passes_on = KINDS["identity"].load()(kind="identity")
    nodes: list[Node] = []
    for node, facts in zip(bare.nodes, bare.facts, strict=True):
        by_itself = len(node.reads) == 1 and (facts.reach == POINTWISE or facts.local == POINTWISE)
        alike = by_itself and bare.shape(node.reads[0]) == facts.output and node.layer.channels in ("kept", "linked")
        nodes.append(node._replace(layer=passes_on, weights_of=None) if alike else node)
    return Graph(
        name=graph.name, inputs=graph.inputs, nodes=tuple(nodes), outputs=graph.outputs, groups=graph.groups,
        as_written=False,
    )  # fmt: skip


def measure_spreads(graph: Graph, source: str, claimed: Claimed) -> Iterator[tuple[int, tuple[Any, ...], Measured]]:
    """(node, variances claimed, variances measured) per axis, of the first phase that a unit in the middle has.

    Left out are nodes whose effective field is not defined: see analysis/fields/effective/moments.py.
    """
    number = list(graph.inputs).index(source)
    axes = range(len(graph.inputs[source]) - 1)
    claims = [moments_of(graph, number, axis) for axis in axes]
    found = [measure_axis(graph, source, axis, claimed, claims[axis]) for axis in axes]
    first = len(graph.inputs)
    for node in range(len(graph.nodes)):
        variances = tuple(None if (axis := along[first + node]) is None else first_of(axis) for along in claims)
        if any(variance is not None for variance in variances):
            measured = [along[node] for along in found]
            values = tuple(round_measured(c, m.value) for c, m in zip(variances, measured, strict=True))
            reason = next((m.reason for m in measured if m.value is None), "")
            yield node, tuple(map(round_variance, variances)), Measured(values, PROBE, reason)


def first_of(axis: Axis) -> float | None:
    """The variance of the first phase that sees anything, in pixels squared."""
    return next((float(unit.variance) for unit in axis.phases if unit is not None), None)


def round_variance(variance: float | None) -> float | None:
    return None if variance is None else round(variance, 4)


def round_measured(claimed: float | None, measured: float | None) -> float | None:
    """What was measured as claims are shown; within what float64 loses, the claim itself."""
    if claimed is not None and measured is not None and abs(claimed - measured) <= CLOSE * max(1.0, claimed):
        return round_variance(claimed)
    return round_variance(measured)


def measure_axis(
    graph: Graph, source: str, axis: int, claimed: Claimed, claims: Sequence[Axis | None]
) -> list[Measured]:
    """For each node the variance along one axis, of one unit in the middle; None where it cannot be measured."""
    n = graph.inputs[source][1 + axis]
    try:
        bare = passing_on(graph)
    except CnncalcError as error:
        return [Measured(None, PROBE, str(error))] * len(graph.nodes)
    longer = lengthen(bare, source, axis, n + longer_by(claimed, axis))
    if longer is None:
        return [Measured(None, PROBE, _("the network fits no longer image"))] * len(graph.nodes)
    found: list[Measured] = []
    first = len(graph.inputs)
    ratios: list[float | None] = [1.0 if name == source else None for name in graph.inputs]
    with np.errstate(all="ignore"), catch_stop() as failure:
        run = run_watched(longer, planes_of(longer, source, axis), NoWeights(longer, Shares))
        for i, (_node, y, _alive) in enumerate(run):
            claim = claims[first + i]
            # For each branch the mass that was measured over the one claimed: a sum weighs branches by their mass.
            entering = {round(r, 6) for v in graph.nodes[i].reads if (r := ratios[v]) is not None}
            if claim is None or np.ndim(y) != len(graph.inputs[source]) + 1:
                ratios.append(None)
                found.append(Measured(None, PROBE))
            elif len(entering) > 1 or any(
                map(isnan, entering)
            ):  # how much each branch counts goes by what a mass is taken to be
                ratios.append(nan)
                found.append(Measured(None, PROBE, _("branches meet whose masses are a matter of convention")))
            else:
                measured, ratio = variance_in_the_middle(np.asarray(y), axis, claim)
                ratios.append(ratio)
                found.append(measured)
    reason = failure[0] if failure else ""
    return [*found, *[Measured(None, PROBE, reason)] * (len(graph.nodes) - len(found))]


def planes_of(graph: Graph, source: str, axis: int) -> list[Array]:
    """Three planes: 1, x and x^2 along an axis, x counted from the middle; nothing of the other inputs."""
    planes: list[Array] = []
    for name, shape in graph.inputs.items():
        plane = np.zeros((3, *shape))
        if name == source:
            n = shape[1 + axis]
            x = (np.arange(n) - n // 2).reshape(-1, *(1,) * (len(shape) - 2 - axis))
            plane[0], plane[1], plane[2] = 1.0, x, x * x
        planes.append(plane.view(Shares.along(axis)))
    return planes


def variance_in_the_middle(y: Array, axis: int, claim: Axis) -> tuple[Measured, float]:
    """The variance of a unit in the middle, of the phase that is claimed first; and its mass over that claimed."""
    others = tuple(i for i in range(1, y.ndim) if i != 2 + axis)
    # Moments of what units see: how much they get of ones, of places, and of places squared.
    mass, first, second = y.mean(axis=others)
    period = len(claim.phases)
    phase, known = next((o, unit) for o, unit in enumerate(claim.phases) if unit is not None)
    # The unit in the middle, moved to its period's phase: of 10 units at period 4, phase 1, number 4 + 1.
    unit = len(mass) // 2 // period * period + phase
    if unit >= len(mass) or mass[unit] <= 0:
        return Measured(None, PROBE, _("units in the middle see nothing")), nan
    variance = float(second[unit] / mass[unit] - (first[unit] / mass[unit]) ** 2)
    return Measured(variance, PROBE), float(mass[unit]) / float(known.mass)
