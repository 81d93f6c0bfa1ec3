"""Positions and taps of windows, by formula, are those that are found by sliding."""

from __future__ import annotations

from enumeration import on_input, starts
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnncalc.layers.windows import Window, floor_sum, interpolation_phases, transposed_phases

SMALL = st.integers(1, 6)


@settings(max_examples=400, deadline=None)
@given(
    n=st.integers(1, 23),
    k=SMALL,
    s=SMALL,
    d=st.integers(1, 4),
    b=st.integers(0, 7),
    a=st.integers(0, 7),
    ceil=st.booleans(),
)
def test_a_window_has_as_many_positions_and_taps_as_are_found_by_sliding_it(
    n: int, k: int, s: int, d: int, b: int, a: int, ceil: bool
) -> None:
    window = Window(k, s, b, a, d, ceil)
    assume(window.span <= n + b + a)
    assume(not ceil or a < window.span)  # pooling refuses windows that would lie in padding alone
    found = starts(n, k, s, b, a, d, ceil)
    assert window.positions(n) == len(found)
    assert window.taps_on_input(n) == on_input(found, k, d, n)


def test_taps_on_a_huge_axis_are_counted_without_walking_over_it() -> None:
    window = Window(10**9, 7, 10**8, 10**8, 3)
    assert 0 < window.taps_on_input(10**12) < window.kernel * window.positions(10**12)


@given(n=st.integers(0, 60), m=st.integers(1, 20), a=st.integers(0, 50), b=st.integers(0, 50))
def test_a_floor_sum_is_the_sum_of_its_floors(n: int, m: int, a: int, b: int) -> None:
    assert floor_sum(n, m, a, b) == sum((a * i + b) // m for i in range(n))


@given(k=SMALL, s=SMALL, b=st.integers(-3, 5), d=st.integers(1, 4))
def test_the_phases_of_a_transposed_convolution_list_every_input_that_reaches_an_output(
    k: int, s: int, b: int, d: int
) -> None:
    phases = transposed_phases(k, s, b, d)
    assert phases is not None
    for o in range(3 * s):
        reached = sorted(i for i in range(-60, 60) for t in range(k) if i * s + t * d - b == o)
        assert sorted(o // s + t for t in phases.taps[o % s]) == reached


def test_interpolation_reads_one_two_or_four_neighbours_and_one_where_it_falls_on_an_element() -> None:
    # Half-pixel centres: output o lies at (o + 0.5) / 2 - 0.5, between elements; at factor 3 the middle is on one.
    assert interpolation_phases(2, 1).taps == ((0,), (0,))  # type: ignore[union-attr]
    assert [list(t) for t in interpolation_phases(2, 2).taps] == [[-1, 0], [0, 1]]  # type: ignore[union-attr]
    assert [list(t) for t in interpolation_phases(3, 2).taps] == [[-1, 0], [0], [0, 1]]  # type: ignore[union-attr]
    assert [list(t) for t in interpolation_phases(2, 4).taps] == [[-2, -1, 0, 1], [-1, 0, 1, 2]]  # type: ignore[union-attr]


def test_patterns_too_long_to_write_out_are_not_known() -> None:
    assert transposed_phases(10**9, 2, 0, 1) is None
    assert interpolation_phases(10**9, 2) is None
