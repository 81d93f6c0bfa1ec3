"""Unpooling in specs: a network that is known for it, and what does not fit."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

import cnncalc
from cnncalc import reference

SEGNET = dedent("""
    name: SegNet
    input: 3x360x480
    blocks:
      up:
        params: {pooled: required}
        layers:
          - max_unpool: [identity, {from: $pooled}]
            kernel: 2
    layers:
      - e1: conv 64 k3 same bn relu x2
      - maxpool 2
      - e2: conv 128 k3 same bn relu x2
      - maxpool 2
      - e3: conv 256 k3 same bn relu x3
      - maxpool 2
      - e4: conv 512 k3 same bn relu x3
      - maxpool 2
      - e5: conv 512 k3 same bn relu x3
      - maxpool 2
      - up e5
      - conv 512 k3 same bn relu x3
      - up e4
      - conv 512 k3 same bn relu x2
      - conv 256 k3 same bn relu
      - up e3
      - conv 256 k3 same bn relu x2
      - conv 128 k3 same bn relu
      - up e2
      - conv 128 k3 same bn relu
      - conv 64 k3 same bn relu
      - up e1
      - conv 64 k3 same bn relu
      - scores: conv 11 k3 same
""")


def test_segnet_is_written_in_a_few_lines() -> None:
    """Badrinarayanan, Kendall, Cipolla 2017: 11 classes of CamVid at 360x480, 29.45 million parameters."""
    report = cnncalc.analyze(cnncalc.load(SEGNET))
    # 14,714,688 of VGG-16, by hand 14,718,795 of the decoder, and 2 for each of 4,224 and 3,712 maps that are normed.
    assert report.totals.params == 29_449_355
    rows = {row.name: row for row in report.layers}
    assert rows["scores"].output == (11, 360, 480)
    # 45 rows are pooled to 22: the last one is read by no window, and comes back as zeros.
    put = [row.output for row in report.layers if row.kind == "max_unpool"]
    assert put == [(512, 22, 30), (512, 45, 60), (256, 90, 120), (128, 180, 240), (64, 360, 480)]
    assert rows["scores"].receptive_field is None  # values decide


def test_values_return_to_where_they_stood() -> None:
    graph = cnncalc.load("1x2x5; p: maxpool 2; {max_unpool: [identity, {from: input}], kernel: 2}")
    image = np.array([[[1, 7, 3, 3, 9], [2, 0, 3, 3, 9]]], dtype=np.float32)
    found = list(reference.run(graph, image, {}).values())[-1]
    # Of equal ones the first; the last column is in no window.
    assert found.reshape(2, 5).tolist() == [[0, 7, 3, 0, 0], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ("{max_unpool: [maxpool 2, identity], kernel: 3}", "4x3x4 enters, and pooling 4x6x8 gives 4x2x2"),
        ("{max_unpool: [maxpool 2], kernel: 2}", "max_unpool"),
        ("{max_unpool: [identity, identity, identity], kernel: 1}", "takes values, and the map whose maxima"),
        ("{max_unpool: [maxpool 2, identity]}", "kernel"),
    ],
)
def test_what_does_not_fit_is_said(layer: str, told: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=told):
        cnncalc.load(f"4x6x8; {layer}")
