"""Members in pieces: what a block came to in one member serves in others, and each is what it is by itself."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

import cnncalc
from cnncalc import shipped
from cnncalc.errors import Source
from cnncalc.families import Family
from cnncalc.families.piecewise import Piecewise
from cnncalc.families.questions import questions_of
from cnncalc.families.singly import evaluate_singly
from cnncalc.quantities import NETWORK_NAMES
from cnncalc.report import Settings
from cnncalc.sources import read_source
from cnncalc.spec.build import pieces
from tests.test_families import random_members

QUESTIONS = questions_of(NETWORK_NAMES)
SETTINGS = (Settings(), Settings("float16", 3, exact_padding=True))


def differences(setting: Any, members: list[Any]) -> tuple[list[Any], Piecewise]:
    """Where members in pieces are something else than each by itself; and how many were in pieces."""
    piecewise = Piecewise(setting)
    found, singly = piecewise.evaluate(members, QUESTIONS), evaluate_singly(setting, members, QUESTIONS)
    pairs = [(name, found[name].items(), singly[name].items()) for name in QUESTIONS]
    pairs.append(("reason", list(found.reasons), list(singly.reasons)))
    wrong = [(name, i, a, b) for name, x, y in pairs for i, (a, b) in enumerate(zip(x, y, strict=True)) if a != b]
    return wrong, piecewise


def check_bundled(name: str, count: int, settings: Settings) -> int:
    """Random members of a bundled spec; how many of them were in pieces."""
    columns = random_members(name, count, random.Random(f"{name}{settings}"))
    family = Family(read_source(name), settings=settings)
    members = [family.split({key: values[i] for key, values in columns.items()}) for i in range(count)]
    wrong, piecewise = differences(family.setting, [({}, {}), *members])
    assert wrong == []
    return piecewise.served


@pytest.mark.parametrize("name", ["nin-d2l", "resnet50", "googlenet-d2l", "shufflenet-v1", "vit-b16"])
def test_members_of_a_spec_with_blocks_are_in_pieces(name: str) -> None:
    assert check_bundled(name, 2, SETTINGS[len(name) % 2]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped.bundled())
def test_many_members_of_every_spec_with_blocks_are_what_each_is_by_itself(name: str) -> None:
    if not cnncalc.load(name).groups:
        pytest.skip("no block")
    for settings in SETTINGS:
        check_bundled(name, 8, settings)


STEPS = (
    "conv $c k3 p1", "conv $(in.c) k1 bn relu", "conv $c k$k same $act", "maxpool 2", "avgpool k3 s1 p1", "bn relu",
    "identity", "dropout 0.5", "{relu: '', inplace: true}", "upsample 2", "depthwise k3 p1", "rescale 0",
    "{conv: 4 k1, if: $(op == \"b\")}", "{relu: '', if: $(op == \"a\")}", "{conv: $c k3 p1, frozen: true}",
    "{residual: [conv $c k3 p1, bn, relu]}", "{concat: [conv $c k1, identity, maxpool k3 s1 p1]}",
    "{multiply: [identity, [gap, conv $(in.c) k1 sigmoid]]}", "{from: in, layers: [conv $c k1]}", "softmax",
    "instancenorm", "{add: [identity, {from: in, layers: [conv $(in.c) k1]}]}", "channel_shuffle 2", "space_to_depth 2",
    "transposed_conv $c k2 s2", "slice 0:2", "sign", "crop 1",
)  # fmt: skip
TOP = ("inner c=$f", "outer $op c=$f", "outer $other", "inner", "outer $third k=1 x$n", "conv 8 k3 p1", "empty $op")


def random_spec(rng: random.Random) -> str:
    """Three blocks in each other, some of whose steps are there by a word; parameters of the network hide behind c."""
    inner = "".join(f"      - {rng.choice(STEPS)}\n" for _ in range(rng.randint(1, 4)))
    steps = [rng.choice(STEPS) for _ in range(rng.randint(1, 3))]
    steps.insert(
        rng.randint(0, len(steps)),
        rng.choice(
            [
                "inner c=$c",
                "inner",
                "inner c=$(in.c)",
                "inner c=$(2 * (in.c // 2) - in.c % 3)",
                "{add: [inner c=4, conv 4 k1]}",
            ]
        ),
    )
    outer = "".join(f"      - {step}\n" for step in steps)
    top = "".join(f"  - {rng.choice(TOP)}\n" for _ in range(rng.randint(2, 5)))
    top += rng.choice(["", "  - mid: conv 8 k3 p1\n", "  - mid: outer $op c=$f\n  - {from: in, layers: [inner]}\n"])
    outputs = "outputs: [mid, last]\n" if "mid" in top else ""
    end = rng.choice(["  - gap\n  - dense 10\n", "  - conv 2 k1\n", "", "  - global_maxpool\n", "  - dense 5\n"])
    return (
        "params: {op: a, other: b, third: c, c: 8, k: 3, act: relu, f: 6, n: 2}\n"
        "input: 8x16x16\nblocks:\n"
        f"  inner:\n    params: {{c: 8}}\n    layers:\n{inner}"
        f"  outer:\n    params: {{op: required, c: 8, k: $k}}\n    layers:\n{outer}"
        '  empty:\n    params: {op: required}\n    layers:\n      - {conv: 8 k1, if: $(op == "b")}\n'
        f"layers:\n{top}{end}  - last: identity\n{outputs}"
    )


def check_random(seed: int) -> tuple[int, int]:
    """Members of a random spec; how many there were, and how many of these in pieces."""
    rng = random.Random(seed)
    text = random_spec(rng)
    words = [dict(zip(("op", "other", "third"), w, strict=True)) for w in product("abc", repeat=3)]
    members = [
        (
            {
                **rng.choice(words),
                "c": rng.choice([8, 8, 4]),
                "f": rng.choice([6, 8]),
                "act": rng.choice(["relu", "none"]),
            },
            {},
        )
        for _ in range(5)
    ]
    family = Family(Source("random", text), settings=rng.choice(SETTINGS))
    wrong, piecewise = differences(family.setting, members)
    assert wrong == [], text
    return piecewise.served, len(members)


def test_members_of_random_specs_are_what_each_is_by_itself() -> None:
    counts = [check_random(seed) for seed in range(60)]
    assert sum(served for served, _members in counts) > 50


@pytest.mark.slow
def test_members_of_many_random_specs_are_what_each_is_by_itself() -> None:
    for seed in range(100, 1600):
        check_random(seed)


def test_a_name_that_a_block_speaks_of_and_that_is_not_known_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that are told apart by too little are taken for one another: the tests above would see it."""
    cells = [dict(zip("abcdef", ops, strict=True)) for ops in (["none"] * 6, ["nor_conv_3x3"] * 6)]
    setting = Family(read_source("nas-bench-201")).setting
    assert differences(setting, [(cell, {}) for cell in cells])[0] == []
    monkeypatch.setattr(pieces, "as_key", lambda _scope, _names: ())
    assert differences(setting, [(cell, {}) for cell in cells])[0] != []


HEAD = "params: {op: a}\ninput: 3x16x16\nblocks:\n"


@pytest.mark.parametrize(
    "text",
    [
        # a step of the network reads a step inside a block
        HEAD + "  b:\n    layers:\n      - x: conv 4 k3\nlayers:\n  - y: b\n  - {from: y/x, layers: [conv 2 k1]}\n",
        # weights that are shared between two calls
        HEAD + "  b:\n    layers:\n      - x: conv 3 k1\nlayers:\n  - y: b\n  - {conv: 3 k1, weights: y/x}\n",
        # nobody reads what a call gives, or what enters it
        HEAD + "  b:\n    layers: [conv 4 k3]\nlayers:\n  - y: b\n  - {from: in, layers: [conv 2 k1]}\n",
        HEAD + "  b:\n    layers: [{parameter: 4x2x2}, conv 4 k1]\nlayers:\n  - conv 30 k3\n  - b\n",
        # an image without channels
        "params: {op: a}\ninput: 28x28\nblocks:\n  b:\n    layers: [conv 4 k3]\nlayers:\n  - b\n",
        # what is wrong inside a block, and a network without an operation
        HEAD + "  b:\n    layers: [conv 4 k30]\nlayers:\n  - b\n",
        HEAD + "  b:\n    layers: [{relu: '', if: $(op == \"b\")}]\nlayers:\n  - b\n",
    ],
)
def test_what_pieces_do_not_tell_the_network_as_a_whole_does(text: str) -> None:
    wrong, piecewise = differences(Family(Source("apart", text)).setting, [({"op": "a"}, {}), ({"op": "c"}, {})])
    assert wrong == []
    assert piecewise.served == 0


def test_what_is_remembered_is_forgotten_when_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MOST_REMEMBERED", 100)
    setting = Family(read_source("nas-bench-201")).setting
    cells = random.Random(1).sample(list(product(("none", "skip_connect", "nor_conv_1x1"), repeat=6)), 12)
    wrong, piecewise = differences(setting, [(dict(zip("abcdef", cell, strict=True)), {}) for cell in cells])
    assert wrong == []
    assert piecewise.served == 12
    assert piecewise.pieces is not None
    assert piecewise.pieces.remembered < 300


@pytest.mark.parametrize(("values", "in_pieces"), [(range(10, 22), 24), (range(10, 13), 6), (range(10, 60), 0)])
def test_words_and_numbers_together_are_what_each_member_is_by_itself(values: range, in_pieces: int) -> None:
    """A structure of a few members is evaluated in pieces, one of many by formulas."""
    family = Family(read_source("nas-bench-201"))
    columns = {"b": ["none"] * len(values) + ["skip_connect"] * len(values), "classes": [*values, *values]}
    found = family.evaluate(columns, [*NETWORK_NAMES])
    assert family._piecewise.served == in_pieces
    some = [0, len(values) - 1, len(values), -1]
    singly = family.evaluate_singly({k: [v[i] for i in some] for k, v in columns.items()}, [*NETWORK_NAMES])
    for name in NETWORK_NAMES:
        assert [found[name].item(i) for i in some] == singly[name].items()


def test_what_a_call_is_given_may_speak_of_the_shape_around_it() -> None:
    """The same call on the same shape, in two calls of the block around it: what enters that is 3 and 4 channels."""
    text = (
        "params: {op: a}\ninput: 3x16x16\nblocks:\n"
        "  gate:\n    params: {s: required}\n    layers: [conv $s k1, conv 4 k1]\n"
        "  outer:\n    layers: [conv 4 k3 p1, gate $(in.c)]\n"
        "layers: [outer, outer, dense 5]\n"
    )
    wrong, piecewise = differences(Family(Source("in", text)).setting, [({"op": "a"}, {}), ({"op": "b"}, {})])
    assert wrong == []
    assert piecewise.served == 2
