"""Effective receptive fields: against published variances and widths, and against responses of the reference."""

from __future__ import annotations

import json
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from test_unit_views import rf

import cnncalc
from cnncalc import reference
from cnncalc.analysis.fields.effective.moments import moments_of
from cnncalc.analysis.fields.effective.profile import Profile, profiles_of
from cnncalc.analysis.fields.table import find_value
from cnncalc.graph import Graph

# (network, layer, field, variance as an exact number or to four decimals, 95.45 % of the mass, above 4.55 % of the
# peak). Source: float64 gradients of torchvision 0.28 models with equal weights, pools as means, batch norm left out.
MEASURED = [
    ("alexnet-torchvision", "pool5", 195, 874, 117, 147),
    ("vgg16", "pool5", 212, Fraction(9167, 12), 110, 136),
    ("resnet50", "stage4", 427, 1308, 147, 179),
    ("googlenet-torchvision", "5b", 379, 1701.8561, 165, 203),
    ("densenet121", "batchnorm1", 2071, 850.5033, 121, 143),
    ("mobilenet-v2", "final", 491, Fraction(6722, 3), 189, 235),
    ("inception-v3", "7c", 1311, 4999.0074, 287, 351),
]


@pytest.mark.parametrize(("network", "layer", "field", "variance", "central", "above"), MEASURED)
def test_published_variances_and_widths(
    network: str, layer: str, field: int, variance: Any, central: int, above: int
) -> None:
    graph = cnncalc.load(network)
    value = find_value(graph, layer)
    for axis in (0, 1):
        found = moments_of(graph, 0, axis, last=value)[value]
        assert found is not None
        exact = found.mixture.variance
        assert exact == variance if not isinstance(variance, float) else round(float(exact), 4) == variance
        (profile,) = profiles_of(graph, value, 0, axis) or []
        assert profile is not None
        assert (len(profile.weights), profile.central_width(), profile.width_above()) == (field, central, above)
        assert profile.variance == exact
        assert Fraction(sum(profile.weights), profile.denominator) == found.mixture.mass


def test_paths_are_counted() -> None:
    """Sixteen sums of two branches. Source: as above."""
    graph = cnncalc.load("resnet50")
    value = find_value(graph, "stage4")
    found = moments_of(graph, 0, 0, last=value)[value]
    assert found is not None
    assert found.mixture.mass == 2**16


def test_gates_are_left_out() -> None:
    """EfficientNet-B0 with its squeeze-and-excitation off: 5611.3333, mass 2^9. Source: as above."""
    lines = ["input: 3x224x224", "blocks:", "  mb:"]
    lines += [
        "    params: {c: required, k: required, e: required, stride: 1, in: required, sq: required}",
        "    layers:",
    ]
    lines += ["      - conv ${e*in} k1 nobias bn silu", "      - depthwise k$k s$stride same bn silu"]
    stages = [(16, 3, 1, 1, 1), (24, 3, 2, 2, 6), (40, 5, 2, 2, 6), (80, 3, 3, 2, 6), (112, 5, 3, 1, 6)]
    stages += [(192, 5, 4, 2, 6), (320, 3, 1, 1, 6)]
    steps, c = ["conv 32 k3 s2 p1 nobias bn silu"], 32
    for out, k, times, stride, expansion in stages:
        for i in range(times):
            s, wide = stride if i == 0 else 1, c * expansion
            gate = f"{{multiply: [identity, [global_avgpool, conv {max(1, c // 4)} k1 silu, conv {wide} k1 sigmoid]]}}"
            inner = [f"conv {wide} k1 nobias bn silu"] if expansion > 1 else []
            inner += [f"depthwise k{k} s{s} p{k // 2} nobias bn silu", gate, f"conv {out} k1 nobias bn"]
            steps += [f"{{residual: [{', '.join(inner)}]}}"] if s == 1 and c == out else inner
            c = out
    text = "input: 3x224x224\nlayers:\n" + "".join(
        f"- {step}\n" for step in [*steps, "last: conv 1280 k1 nobias bn silu"]
    )
    graph = cnncalc.load(text)
    value = find_value(graph, "last")
    found = moments_of(graph, 0, 0, last=value)[value]
    assert found is not None
    assert found.mixture.variance == Fraction(16834, 3)
    assert found.mixture.mass == 2**9
    assert graph.shape(value) == (1280, 7, 7)


LINEAR = [
    "2x48x40; conv 4 k3 p1; conv 3 k5x1 s2 p2x0; conv 4 k3 d2 p2",
    "2x48x40; conv 4 k3 p1; avgpool 3 s2 p1; transposed_conv 2 k3 s2 p1; conv 2 k3 p1",
    "1x48x40; conv 2 k3 p1; transposed_conv 2 k4 s2 p1; conv 2 k3 s3; upsample 3; conv 1 k5 p2",
    "1x48x40; conv 2 k3 p1; upsample 2 bilinear; conv 2 k3 p1; upsample 3 bilinear; avgpool 4",
    "1x48x40; conv 8 k3 p1; pixel_shuffle 2; conv 2 k3 p1; pixel_unshuffle 2; conv 8 k3 p1 g2",
    "concat: [conv 4 k1, conv 2 k5 p2, identity] | conv 3 k3 s2 p1 | add: [identity, conv 3 k3 p1]",
    "concat: [conv 3 k3 p1, identity] | channel_shuffle 2 | split 3 part=1 | depthwise k3 p1",
    "mean: [conv 3 k3 p1, identity, avgpool k3 s1 p1] | pad 3 reflect | transposed_conv 2 k1 s2",
]


@pytest.mark.parametrize("text", LINEAR)
def test_profiles_are_what_the_reference_answers_to_single_rows(text: str) -> None:
    """All weights of a layer equal, such that it is a mean: then a unit's answer to a row of ones is its profile."""
    if "|" in text:
        text = "input: 3x48x40\nlayers:\n" + "".join(f"- {step}\n" for step in text.split(" | "))
    graph = cnncalc.load(text)
    value = len(graph.inputs) + len(graph.nodes) - 1
    profiles = profiles_of(graph, value, 0, 0)
    assert profiles is not None
    answers = to_rows(graph)
    units = len(answers)
    for unit in range(units // 3, 2 * units // 3 + 1):
        profile = profiles[unit % len(profiles)]
        expected = np.zeros(answers.shape[1])
        if profile is not None:
            start = profile.start + unit // len(profiles) * span_of(graph, value)
            weights = [w / profile.denominator for w in profile.weights]
            expected[start : start + len(weights)] = weights
        np.testing.assert_allclose(answers[unit], expected, atol=1e-12)


def span_of(graph: Graph, value: int) -> int:
    found = moments_of(graph, 0, 0)[value]
    assert found is not None
    return found.span


def to_rows(graph: Graph) -> Any:
    """(units, rows): what the units in the middle answer to each row, as a mean over channels and six columns."""
    weights = {name: np.zeros(array.shape) for name, array in reference.draw(graph).items()}
    for node in graph.nodes:
        array = weights.get(f"{node.name}.weight")
        if array is None:
            continue
        read = array.size // array.shape[0]  # a filter's weights
        if node.layer.kind == "transposed_conv":  # (inputs, filters, *kernel): the mean over the phases that read
            strides = vars(node.layer)["stride"]
            read = array.shape[0] * Fraction(prod(array.shape[2:]), min(strides[0], array.shape[2]) ** 2)
        array += float(1 / Fraction(read))
    rows = graph.inputs["input"][1]
    images = np.zeros((rows, *graph.inputs["input"]))
    for i in range(rows):
        images[i, :, i] = 1
    last = reference.run(graph, images, weights)[graph.nodes[-1].name]
    middle = last.shape[3] // 2
    return last[..., middle : middle + 6].mean(axis=(1, 3)).T


def test_rules_of_width() -> None:
    profile = Profile((1, 2, 10, 60, 20, 5, 2), 100, -3, 0)
    assert profile.central_width() == 5
    assert profile.central_width(Fraction(1, 2)) == 1
    assert profile.width_above() == 4
    assert profile.width_above(Fraction(1, 60)) == 6


def test_the_view() -> None:
    result = rf("alexnet-torchvision", "--effective", "--unit", "pool5")
    assert result.exit_code == 0, result.stderr
    assert "pool5              29.5635       874      31     1" in result.stdout
    assert "assumed: equal weights" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith("h w"))
    assert row.split() == ["h", "w", "-", "195", "29.5635", "117", "147", "60.0", "%"]
    data = json.loads(rf("vgg16", "--effective", "--unit", "maxpool1", "--exact", "--format", "json").stdout)
    (axis,) = data["profiles"][0]["axes"][0]
    assert axis["weights"] == ["1/18", "1/6", "5/18", "5/18", "1/6", "1/18"]
    assert data["layers"][0]["variance"] == ["2/3", "2/3"]
    assert data["layers"][0]["mass"] == data["layers"][0]["phases"] == [1, 1]
    dense = next(entry for entry in data["layers"] if entry["name"] == "fc6")
    assert dense["sigma"] == dense["variance"] == [None, None]
