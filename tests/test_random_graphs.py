"""Random small graphs: shapes, counts and receptive fields against windows that are listed one by one."""

from __future__ import annotations

from typing import Any

from cases import write_yaml
from enumeration import Line, on_input, starts
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import cnncalc

SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def sliding(draw: st.DrawFn, kinds: tuple[str, ...] = ("conv", "depthwise", "maxpool", "avgpool", "subsample")) -> Any:
    """A layer that slides a window, options different on the two axes."""
    kind = draw(st.sampled_from(kinds))
    kernel = [draw(st.integers(1, 4)), draw(st.integers(1, 4))]
    layer: dict[str, Any] = {
        "kind": kind,
        "kernel": kernel,
        "stride": [draw(st.integers(1, 3)), draw(st.integers(1, 2))],
    }
    room = 4 if kind in ("conv", "depthwise") else 0
    sides = [[draw(st.integers(0, max(room, k - 1))), draw(st.integers(0, max(room, k - 1)))] for k in kernel]
    layer["padding"] = sides
    if kind in ("conv", "depthwise"):
        layer["dilation"] = [draw(st.integers(1, 3)), draw(st.integers(1, 2))]
        layer["bias"] = draw(st.booleans())
    else:
        layer["rounding"] = draw(st.sampled_from(("floor", "ceil")))
    if kind == "conv":
        layer["groups"] = draw(st.sampled_from((1, 2)))
        layer["filters"] = 2 * draw(st.integers(1, 3))
    if kind == "depthwise":
        layer["multiplier"] = draw(st.integers(1, 2))
    return layer


def step(layer: dict[str, Any]) -> dict[str, Any]:
    """The layer in long form."""
    options = {key: value for key, value in layer.items() if key not in ("kind", "filters")}
    main = layer.get("filters", "")
    return {layer["kind"]: {**options, **({"filters": main} if main else {})}}


def positions(layer: dict[str, Any], size: tuple[int, int]) -> list[list[int]]:
    dilation = layer.get("dilation", [1, 1])
    ceil = layer.get("rounding") == "ceil"
    return [
        starts(size[i], layer["kernel"][i], layer["stride"][i], *layer["padding"][i], dilation[i], ceil) for i in (0, 1)
    ]


def fits(layers: list[dict[str, Any]], size: tuple[int, int]) -> bool:
    """Whether every window finds a position and groups divide the channels."""
    channels = 4
    for layer in layers:
        found = positions(layer, size)
        if not all(found) or channels % layer.get("groups", 1):
            return False
        channels = layer.get("filters", channels * layer.get("multiplier", 1))
        size = (len(found[0]), len(found[1]))
    return True


@SETTINGS
@given(layers=st.lists(sliding(), min_size=1, max_size=4), h=st.integers(24, 40), w=st.integers(41, 60))
def test_a_chain_claims_what_listing_its_windows_gives(layers: list[dict[str, Any]], h: int, w: int) -> None:
    spec = write_yaml({"input": f"4x{h}x{w}", "layers": [step(layer) for layer in layers]})
    assume(fits(layers, (h, w)))
    report = cnncalc.analyze(spec)
    exact = cnncalc.analyze(spec, exact_padding=True)
    channels, size = 4, (h, w)
    lines = [Line.image(), Line.image()]
    for layer, row, on_image in zip(layers, report, exact, strict=True):
        kind, kernel = layer["kind"], layer["kernel"]
        dilation, bias = layer.get("dilation", [1, 1]), layer.get("bias", kind == "subsample")
        found = positions(layer, size)
        units = len(found[0]) * len(found[1])
        on_both = [on_input(found[i], kernel[i], dilation[i], size[i]) for i in (0, 1)]
        real_taps = on_both[0] * on_both[1]
        taps = units * kernel[0] * kernel[1]
        filters = layer.get("filters", channels * layer.get("multiplier", 1))
        if kind in ("conv", "depthwise"):
            pairs = filters * channels // layer["groups"] if kind == "conv" else filters
            expected = (
                pairs * kernel[0] * kernel[1] + bias * filters,
                pairs * taps + bias * filters * units,
                pairs * taps,
            )
            exactly = (pairs * real_taps + bias * filters * units, pairs * real_taps)
        elif kind == "subsample":
            expected = (2 * channels, channels * (taps + units), channels * units)
            exactly = (channels * (real_taps + units), channels * units)
        else:
            expected, exactly = (0, 0, 0), (0, 0)
        channels, size = filters, (len(found[0]), len(found[1]))
        assert row.output == (channels, *size)
        assert (row.params, row.connections, row.macs) == expected
        assert (on_image.connections, on_image.macs) == exactly
        lines = [
            line.windows(kernel[i], layer["stride"][i], layer["padding"][i][0], dilation[i])
            for i, line in enumerate(lines)
        ]
        assert row.receptive_field == tuple(line.largest_field() for line in lines)
        assert row.rf_start == tuple(line.start() for line in lines)


AXIS = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))


@SETTINGS
@given(down=AXIS, up=AXIS, side=st.integers(1, 5), nearest=st.booleans())
def test_fields_are_right_behind_upsampling_and_at_merges(
    down: tuple[int, int, int, int], up: tuple[int, int, int, int], side: int, nearest: bool
) -> None:
    """A long signal: a window, then a path that goes up and down again beside a path of its own."""
    k, s, p, d = up
    spec = {
        "input": "1x300",
        "layers": [
            {"A": {"conv": 1, "kernel": down[0], "stride": down[1], "padding": down[2], "dilation": down[3]}},
            {
                "U": f"upsample {s}"
                if nearest
                else {"transposed_conv": 1, "kernel": k, "stride": s, "dilation": d, "padding": p}
            },
            {"B": {"conv": 1, "kernel": side, "padding": [[side // 2, (side - 1) // 2]]}},
            {"M": {"add": ["identity", {"from": "U"}]}},
            {"D": f"maxpool {s}"},
        ],
    }
    report = cnncalc.analyze(write_yaml(spec))
    a = Line.image().windows(down[0], down[1], down[2], down[3])
    u = a.transposed(s, s, 0, 1) if nearest else a.transposed(k, s, p, d)
    b = u.windows(side, 1, side // 2, 1)
    for name, line in (("A", a), ("U", u), ("B", b), ("M", b.joined(u)), ("D", b.joined(u).windows(s, s, 0, 1))):
        field = report[name].receptive_field
        assert field == (line.largest_field(),), name
        assert (report[name].rf_start or (None,)) == (line.start(),), name
    jumps = [report[name].jump for name in ("A", "U", "D")]
    assert jumps[0] == jumps[2] == (down[1],)
    assert jumps[1] is not None
    assert jumps[1][0] is not None
    assert jumps[1][0] * s == down[1]
