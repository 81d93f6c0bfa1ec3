"""Peak activation memory, worked out by hand on small graphs. Elements of one byte."""

from __future__ import annotations

import pytest

import cnncalc

# (net, peak elements and why)
NETS = {
    "in and out of the one layer: 64 + 64": ("1x8x8; conv 1 k3 p1", 128),
    "in and out of the largest step: 256 + 256": ("1x8x8; conv 4 k3 p1 relu; maxpool 2", 512),
    "the skip stays alive: 64 + 256 + 256 at the activation": (
        "1x8x8; {residual: [conv 4 k3 p1 relu, conv 1 k1]}",
        64 + 256 + 256,
    ),
    "without the skip the input is gone by then": ("1x8x8; conv 4 k3 p1 relu; conv 1 k1", 512),
    "a branch waits for the other: 64 + 128 + 128 + 192 would count the input too long": (
        "1x8x8; {concat: [conv 2 k1, conv 1 k1]}",
        128 + 64 + 192,
    ),
}


@pytest.mark.parametrize(("net", "peak"), NETS.values(), ids=NETS)
def test_the_peak_is_the_sum_of_what_is_alive(net: str, peak: int) -> None:
    assert cnncalc.analyze(net, dtype="int8").totals.peak_activation_bytes == peak


def test_an_output_lives_to_the_end() -> None:
    spec = "input: 1x100\nlayers: [A: conv 9 k1, B: conv 1 k1, C: conv 2 k1, D: conv 3 k1]\noutputs: [A, D]\n"
    # At D: A (900) waits to be given out, C (200) is read, D (300) is written.
    assert cnncalc.analyze(spec, dtype="int8").totals.peak_activation_bytes == 900 + 200 + 300


def test_an_input_that_is_read_late_lives_until_then() -> None:
    spec = "inputs: {a: 1x100, b: 5x100}\nlayers: [conv 9 k1, conv 5 k1, add: [identity, {from: b}]]\n"
    # At the second convolution: b (500) waits, 900 are read, 500 written.
    assert cnncalc.analyze(spec, dtype="int8").totals.peak_activation_bytes == 500 + 900 + 500
