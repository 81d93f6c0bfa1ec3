"""What single taps count for in effective fields, for every kind without weights: the reference's responses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from kinds_run import KINDS_RUN, layer_line

import cnncalc
from cnncalc import reference
from cnncalc.analysis.fields.effective.moments import moments_of
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph

LARGE = {1: "12x60", 2: "12x26x23"}  # the middle is far from all borders


def weightless_graphs() -> Iterator[tuple[str, Graph]]:
    """(name, graph) of every kind with every set of options that the probes run it with, but for what has weights."""
    for kind, (ranks, many) in sorted(KINDS_RUN.items()):
        for options in many:
            for rank in [rank for rank in ranks if rank in LARGE]:
                line = layer_line(kind, options)
                spec = f"input: {LARGE[rank]}\nlayers:\n  - {line}\n"
                try:
                    graph = cnncalc.load(spec)
                except CnncalcError:  # options of another number of axes
                    continue
                if not any(facts.params or facts.fixed_params for facts in graph.facts):
                    yield spec, graph


def response(graph: Graph, axis: int) -> list[float] | None:
    """How much each place along an axis counts for the middle unit, over all channels and places; None: not linear."""
    shape = graph.inputs["input"]
    n = shape[1 + axis]
    rows = np.zeros((n + 2, *shape))
    noise = np.random.default_rng(0)
    for i in range(n):
        rows[i].swapaxes(0, 1 + axis)[i] = 1
    rows[n] = noise.normal(size=shape)
    rows[n + 1] = 2 * rows[n] + 3 * rows[0]
    last = graph.nodes[-1].name
    with np.errstate(divide="ignore", invalid="ignore"):  # a kind that divides by what it reads is not linear
        y = reference.run(graph, rows)[last]
    if not np.isfinite(y).all() or np.abs(y[n + 1] - 2 * y[n] - 3 * y[0]).max() > 1e-9 * max(1, np.abs(y).max()):
        return None
    middle = tuple(m // 2 for m in y.shape[2:])
    return [float(value) for value in y[(slice(0, n), slice(None), *middle)].mean(axis=1)]


def test_what_a_tap_counts_for_is_what_the_reference_gives_for_every_kind_without_weights() -> None:
    """A kind whose taps do not count alike and which does not say so has a wrong sigma."""
    compared: dict[str, int] = {}
    for name, graph in weightless_graphs():
        for axis in range(len(graph.inputs["input"]) - 1):
            last = len(graph.nodes)
            found = moments_of(graph, 0, axis, last=last)[last]
            weights = None if found is None else response(graph, axis)
            if (
                found is None
                or weights is None
                or abs(sum(weights)) < 1e-9
                or len(graph.shape(last)) != len(graph.inputs["input"])
            ):
                continue
            middle = graph.shape(last)[1 + axis] // 2
            turns, phase = divmod(middle, len(found.phases))
            unit = found.phases[phase]
            assert unit is not None, name
            mass = sum(weights)
            centre = sum(i * w for i, w in enumerate(weights)) / mass
            variance = sum(i * i * w for i, w in enumerate(weights)) / mass - centre**2
            assert float(unit.centre) + turns * found.span == pytest.approx(centre, abs=1e-6), name
            assert float(unit.variance) == pytest.approx(variance, abs=1e-6), name
            kind = graph.nodes[-1].layer.kind
            compared[kind] = compared.get(kind, 0) + 1
    assert compared.keys() >= {"avgpool", "blurpool", "crop", "identity", "pad", "upsample"}
    assert compared["blurpool"] >= 10
