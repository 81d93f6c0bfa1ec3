"""Families: columns of numbers, each equal to that of the single network."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import bundled_graph

from cnncalc import shipped
from cnncalc.errors import CnncalcError, Source
from cnncalc.families import Family, tracing
from cnncalc.families.numbers import Trace, value_of
from cnncalc.families.tape import SIMPLIFY, Tape
from cnncalc.quantities import LAYER_NAMES, NETWORK_NAMES
from cnncalc.sources import read_source


def test_a_net_in_one_line_has_the_parameters_that_its_expressions_name() -> None:
    family = Family(Source("-e", "1x32x32; conv 6 k$k s$s p$(p + in.h - in.w)"), inline=True)
    assert family.parameters == ("k", "s", "p")


def test_each_member_has_its_numbers_or_its_reason() -> None:
    family = Family(Source("-e", "1x32x32; conv 6 k$k"), inline=True)
    found = family.evaluate({"k": np.array([5, 33, 32])}, ["macs", "conv1.output", "receptive_field"])
    # 6 filters of 5x5 on 28x28 places; one of 32x32 on a single one
    assert found["macs"].items() == [6 * 25 * 28 * 28, None, 6 * 32 * 32]
    assert found["conv1.output"].items() == [(6, 28, 28), None, (6, 1, 1)]
    assert found["receptive_field"].item(0) == (5, 5)
    assert found.reasons == [None, "conv1: a 33x33 window does not fit the 32x32 input (padding 0)", None]


def test_shapes_of_the_input_are_a_column() -> None:
    family = Family(Source("-e", "1x32x32; conv $f k5"), inline=True)
    found = family.evaluate({"input": ["1x28x28", (3, 32, 32)], "f": [2, 4]}, ["params"])
    assert found["params"].items() == [2 * 26, 4 * 76]


@pytest.mark.parametrize(
    ("columns", "quantity", "problem"),
    [
        ({"g": [1]}, "macs", "no parameter 'g'"),
        ({"k": [1]}, "mac", "no quantity 'mac'"),
        ({"k": [1]}, "conv1.peak_activation_bytes", "no quantity"),
        ({"k": [1], "f": [1, 2]}, "macs", "lengths differ"),
    ],
)
def test_what_a_family_cannot_be_asked(columns: dict[str, list[int]], quantity: str, problem: str) -> None:
    family = Family(Source("-e", "1x32x32; conv $f k$k"), inline=True)
    with pytest.raises(CnncalcError, match=problem):
        family.evaluate(columns, [quantity])


def near(value: Any, rng: random.Random) -> Any:
    """A value like that of the spec: around it, or anywhere below its double."""
    if isinstance(value, list):
        return [near(item, rng) for item in value]
    if not isinstance(value, int) or rng.random() < 0.3:
        return value
    return max(0, rng.choice([value + 1, value + 8, value * 2, value // 2, rng.randint(1, max(2, 2 * value))]))


def random_members(name: str, count: int, rng: random.Random) -> dict[str, list[Any]]:
    """Values for the parameters and the input of a bundled spec."""
    graph = bundled_graph(name)
    columns = {param: [near(value, rng) for _ in range(count)] for param, value in graph.params.items()}
    if len(graph.inputs) == 1:
        channels, *size = next(iter(graph.inputs.values()))
        columns["input"] = []
        for _ in range(count):
            by = rng.choice([0, rng.randint(-20, 40)])
            sizes = [max(1, n + by + (rng.randint(0, 9) if rng.random() < 0.2 else 0)) for n in size]
            columns["input"].append((channels, *sizes))
    return columns


def differences(family: Family, columns: dict[str, Any], quantities: list[str]) -> list[Any]:
    """Where the columns say something else than the analysis of each member by itself."""
    found, singly = family.evaluate(columns, quantities), family.evaluate_singly(columns, quantities)
    pairs = [(name, found[name].items(), singly[name].items()) for name in quantities]
    pairs.append(("reason", list(found.reasons), list(singly.reasons)))
    return [
        (name, i, a, b) for name, one, other in pairs for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b
    ]


def specs_with_parameters() -> list[str]:
    """Found by their text: every process of pytest would read all of them."""
    return [name for name, path in shipped.bundled().items() if "\nparams:" in Path(path).read_text(encoding="utf-8")]


def test_specs_with_parameters_are_found() -> None:
    assert specs_with_parameters() == [name for name in shipped.bundled() if bundled_graph(name).params]


@pytest.mark.parametrize("name", ["alexnet", "dcgan-generator", "gru", "hopfield", "example-two-3x3", "mobilenet-v1"])
def test_random_members_of_a_spec_are_what_each_is_by_itself(name: str) -> None:
    rng = random.Random(name)
    layers = [node.name for node in bundled_graph(name).nodes]
    asked = [f"{rng.choice(layers)}.{rng.choice(LAYER_NAMES)}" for _ in range(8)]
    family = Family(read_source(name))
    assert differences(family, random_members(name, 6, rng), [*NETWORK_NAMES, *asked]) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cnncalc.errors.SpecWarning")  # a size of 100x8x1 among them is looked at twice
@pytest.mark.parametrize("name", specs_with_parameters())
def test_many_members_of_every_spec_are_what_each_is_by_itself(name: str) -> None:
    rng = random.Random(name)
    layers = [node.name for node in bundled_graph(name).nodes]
    family = Family(read_source(name))
    for _ in range(5):
        asked = [f"{rng.choice(layers)}.{rng.choice(LAYER_NAMES)}" for _ in range(8)]
        assert differences(family, random_members(name, 12, rng), [*NETWORK_NAMES, *asked]) == []


LAYERS = (
    "conv $f k$k s$s p$p", "conv $(2 * f) k3 g$g same", "conv $f k3 p1 x$n", "conv $f k$(k)x3 p$(p)x1 d$s",
    "depthwise k$k same", "maxpool k$k s$s ceil", "avgpool 2 p$(p // 3)", "transposed_conv $f k$k s$s", "upsample $s",
    "bn", "$act", "groupnorm $g", "adaptive_avgpool $a", "local 3 k$k", "pixel_shuffle $s", "lrn 3",
    "conv $f k1 $act", "dense $f axes=c",
    "{residual: [conv $f k3 p1 $act, conv $f k3 p1 s$s]}", "{concat: [conv $f k1, conv $g k3 p1, identity]}",
    "{multiply: [identity, [gap, conv $(in.c) k1 sigmoid]]}", "{add: [identity, [conv $(in.c) k$k same]]}",
    "{conv: $f k1, if: $(f > 3 * g)}", "{maximum: [identity, [maxpool k$k s1 same]]}", "subsample 2", "prelu",
)  # fmt: skip
PARAMS = {"f": (1, 14), "k": (1, 5), "s": (1, 3), "p": (0, 3), "g": (1, 4), "n": (1, 3), "a": (1, 6)}


def random_net(rng: random.Random) -> str:
    """A spec of a few layers, all of which are made of the parameters."""
    layers = [rng.choice(LAYERS) for _ in range(rng.randint(2, 6))]
    ends = rng.choice([[], ["gap", "dense $n"], ["flatten", "dense $f"]])
    lines = "".join(f"  - {layer}\n" for layer in [*layers, *ends])
    return f"params: {{f: 8, k: 3, s: 1, p: 1, g: 1, n: 1, a: 2, act: relu}}\ninput: 4x16x18\nlayers:\n{lines}"


def check_random_net(seed: int, count: int) -> int:
    """How many of the members of a random spec are networks; all of them must be what they are by themselves."""
    rng = random.Random(seed)
    text = random_net(rng)
    columns: dict[str, Any] = {name: [rng.randint(*ends) for _ in range(count)] for name, ends in PARAMS.items()}
    columns["act"] = [
        rng.choice(["relu", "silu", "none", "sgn"]) if rng.random() < 0.3 else "relu" for _ in range(count)
    ]
    columns["input"] = [(4, rng.randint(6, 20), rng.choice([12, 18])) for _ in range(count)]
    family = Family(Source("random", text))
    assert differences(family, columns, list(NETWORK_NAMES)) == [], text
    return family.evaluate(columns, ["macs"]).reasons.count(None)


def test_random_members_of_random_specs_are_what_each_is_by_itself() -> None:
    assert sum(check_random_net(seed, 8) for seed in range(5)) > 10


@pytest.mark.slow
def test_many_members_of_random_specs_are_what_each_is_by_itself() -> None:
    assert sum(check_random_net(seed, 50) for seed in range(1000, 1040)) > 500


NET = "2x20x24; conv $f k$k s$s p$p; relu; maxpool k2 ceil; conv $(min(2 * f, 24)) k3 g$g same; gap; dense $f"


def random_settings(count: int) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    limits = {"f": (1, 20), "k": (1, 24), "s": (1, 4), "p": (0, 4), "g": (1, 4)}
    return {name: rng.integers(low, high, count) for name, (low, high) in limits.items()}


def test_kernels_strides_groups_and_minima_are_followed() -> None:
    family = Family(Source("-e", NET), inline=True)
    columns = random_settings(150)
    assert differences(family, columns, [*NETWORK_NAMES, "conv1.output", "maxpool1.receptive_field"]) == []
    assert 20 < sum(reason is not None for reason in family.evaluate(columns, ["macs"]).reasons) < 130


@pytest.mark.parametrize(("planted", "compare"), [("is_less", int.__lt__), ("is_equal", int.__eq__)])
def test_a_decision_that_is_not_noted_is_caught(planted: str, compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members then get formulas of others that the code led another way."""
    family = Family(Source("-e", "4x8x8; conv $(8 if k < 5 else 4) k1 g$g p$k"), inline=True)
    columns = {"k": [3, 9, 3, 8], "g": [1, 1, 3, 4]}
    assert differences(family, columns, ["macs", "output"]) == []
    monkeypatch.setattr(Trace, planted, lambda _self, a, b: compare(value_of(a), value_of(b)))
    blind = Family(family.setting.source, inline=True)
    # And whoever else takes a formula over that such a comparison would have kept apart.
    assert (1 if planted == "is_less" else 2) in {row for _name, row, *_ in differences(blind, columns, ["macs"])}


def test_a_formula_that_is_wrong_for_its_own_member_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIMPLIFY, "+", lambda _tape, a, b: ("-", (a, b)))
    family = Family(Source("-e", NET), inline=True)
    assert differences(family, random_settings(30), ["macs", "output"]) == []


def test_members_that_have_nothing_in_common_are_analyzed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "MANY_RUNS", 6)
    family = Family(Source("-e", "1x8x8; conv 2 k3 p1 x$n"), inline=True)
    columns = {"n": list(range(1, 40))}
    assert differences(family, columns, ["macs", "receptive_field"]) == []
    (tree,) = family._trees.values()
    assert tree.runs < 10


def test_numbers_beyond_64_bits_are_exact() -> None:
    family = Family(Source("-e", "1000x300000x300000; conv $f k$k p$(k // 2) nobias; conv $f k$k nobias"), inline=True)
    columns = {"f": [3, 10**6, 10**9], "k": [3, 5, 29]}
    found = family.evaluate(columns, ["macs", "params"])
    assert found["macs"].values.dtype == object
    assert found["params"].items()[1] == 1000 * 10**6 * 25 + 10**12 * 25
    assert found["macs"].items()[2] > 2**63
    assert differences(family, columns, ["macs", "params", "flops", "peak_activation_bytes"]) == []


def test_ratios_are_those_of_python_where_doubles_hold_both_numbers_and_where_not() -> None:
    family = Family(Source("-e", "3x16x16; conv $f k3; dense $n"), inline=True)
    columns = {"f": [3, 7, 10**9], "n": [10, 13, 10**9 + 7]}
    assert differences(family, columns, ["arithmetic_intensity", "conv1.arithmetic_intensity"]) == []
    small = {name: values[:2] for name, values in columns.items()}
    assert differences(Family(family.setting.source, inline=True), small, ["arithmetic_intensity"]) == []


def test_int64_holds_what_bounds_prove_and_nothing_more() -> None:
    """Bounds that claimed too much would let a product wrap around, without a word."""
    family = Family(Source("-e", "1x8x8; conv $f k1 nobias; conv $f k1 nobias"), inline=True)
    columns = {"f": np.array([1, 3 * 10**9, 4 * 10**9])}
    assert family.evaluate(columns, ["params"])["params"].items() == [
        2,
        9 * 10**18 + 3 * 10**9,
        16 * 10**18 + 4 * 10**9,
    ]
    small = family.evaluate({"f": np.array([1, 10**6])}, ["params"])["params"]
    assert small.values.dtype in (np.int64, object)
    assert small.items() == [2, 10**12 + 10**6]


@pytest.mark.parametrize(
    ("question", "a", "b", "answer", "decided"),
    [
        # a is of 1..4, b of 4..9: that a < b does not hold for all, that b < a for none
        ("<", 4, 4, False, True),
        ("<", 3, 4, True, True),
        (">", 4, 4, False, False),
        ("=", 4, 4, True, True),
        ("=", 3, 4, False, True),
        # against numbers: below and above all values, and at the first and the last
        ("< 1", 1, 4, False, False),
        ("< 5", 4, 4, True, False),
        ("< 4", 4, 4, False, True),
        ("= 0", 1, 4, False, False),
        ("= 1", 1, 4, True, True),
        ("= 4", 4, 4, True, True),
        ("= 5", 4, 4, False, False),
    ],
)
def test_bounds_decide_what_is_so_for_every_member_and_nothing_else(
    question: str, a: int, b: int, answer: bool, decided: bool
) -> None:
    trace = Trace(Tape({"a": (1, 4), "b": (4, 9)}), {"a": a, "b": b})
    one, other = trace.parameter("a"), trace.parameter("b")
    sign, _space, number = question.partition(" ")
    right = int(number) if number else other
    found = {"<": lambda: one < right, ">": lambda: one > right, "=": lambda: one == right}[sign]()
    assert found is answer
    assert bool(trace.decisions) is decided
