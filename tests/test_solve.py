"""Questions asked backwards, through the command and the function."""

from __future__ import annotations

import json
import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cases import read_yaml
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.cli import group
from cnncalc.families import solving

QUESTIONS = read_yaml(Path(__file__).parent / "inverse_questions.yaml")


def run(*argv: str) -> Result:
    return CliRunner().invoke(group(), ["solve", *argv])


def spec_of(net: str) -> list[str]:
    return ["-e", net] if ";" in net else [net]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["ask"])
def test_question_has_every_answer(question: dict[str, Any]) -> None:
    finds = ",".join(f"{name}={values}" for name, values in question["find"].items())
    best = ["--maximize", question["maximize"]] if "maximize" in question else []
    result = run(*spec_of(question["net"]), "--find", finds, "--where", question["where"], *best, "--format", "json")
    assert result.exit_code == 0, result.output
    found = [{name: row[name] for name in question["find"]} for row in json.loads(result.stdout)["solutions"]]
    assert found == question["answers"]


def random_question(rng: random.Random) -> tuple[str, dict[str, range], str, str, Any]:
    """A net, what is sought, the condition, the quantity that it is on and its value for one member."""
    size, channels = rng.randint(6, 40), rng.randint(1, 4)
    choices = {"k": range(1, rng.randint(3, 9)), "s": range(1, 4), "p": range(rng.randint(1, 4)), "f": range(1, 9)}
    names = rng.sample(sorted(choices), rng.randint(1, 3))
    find = {name: choices[name] for name in names}
    option = {name: f"${name}" if name in names else str(rng.choice(choices[name])) for name in choices}
    net = f"{channels}x{size}x{size}; conv {option['f']} k{option['k']} s{option['s']} p{option['p']}"
    net += rng.choice(["", "; maxpool 2", "; conv 3 k3 nobias relu", "; dense 7"])
    return net, find, *rng.choice([("conv1.output", "="), ("params", "<="), ("macs", ">="), ("receptive_field", "=")])


def all_members(net: str, find: dict[str, range], quantity: str) -> dict[tuple[int, ...], Any]:
    """The number of every member that is a network, each analyzed by itself."""
    found = {}
    layer, _dot, name = quantity.rpartition(".")
    for values in product(*find.values()):
        text = net
        for letter, value in zip(find, values, strict=True):
            text = text.replace(f"${letter}", str(value))
        try:
            report = cnncalc.analyze(text)
        except cnncalc.CnncalcError:
            continue
        found[values] = getattr(report[layer], name) if layer else report.totals.known(name)
    return found


def check_against_all(seed: int) -> None:
    rng = random.Random(seed)
    net, find, quantity, relation = random_question(rng)
    members = all_members(net, find, quantity)
    if not members:
        return
    value = rng.choice(list(members.values()))
    if value is None:
        return
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    compare = {"=": lambda v: v == value, "<=": lambda v: v <= value, ">=": lambda v: v >= value}[relation]
    wanted = {values for values, number in members.items() if number is not None and compare(number)}
    solved = cnncalc.solve(net, find=find, where=f"{quantity} {relation} {text}")
    found = [tuple(member[name] for name in find) for member in solved.members]
    assert len(found) == len(set(found))
    assert set(found) == wanted, (net, quantity, relation, text)


@pytest.mark.parametrize("seed", range(25))
def test_nothing_is_missed(seed: int) -> None:
    check_against_all(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_nothing_is_missed_in_many_questions(seed: int) -> None:
    check_against_all(seed)


def test_usual_solution_comes_first() -> None:
    solved = cnncalc.solve(
        "1x28x28; conv 6 k$k p$p", find={"p": range(6), "k": range(1, 12)}, where="conv1.output=6x28x28"
    )
    assert solved.members[0] == {"p": 0, "k": 1}
    halved = cnncalc.solve(
        "1x28x28; conv 6 k$k s2 p$p", find={"k": range(2, 8), "p": range(4)}, where="conv1.output = 6x14x14"
    )
    assert [member["k"] for member in halved.members] == [3, 5, 7, 2, 4, 6]  # odd kernels before even ones


def test_formula_that_was_solved_is_shown() -> None:
    result = run(
        "-e", "1x32x32; conv 6 k$k s$s p$p", "--find", "k=1..11,s=1..4,p=0..5", "--where", "conv1.output=6x28x28"
    )
    assert "floor((2 × p - k + 32) / s) + 1 = 28" in result.stdout
    result = run("-e", "1x32x32; conv $f k3", "--find", "f=1..40", "--where", "macs <= 200k")
    assert "macs: 8,100 × f ≤ 200,000" in result.stdout  # 9 x 30 x 30 each


def test_no_solution_comes_with_the_nearest() -> None:
    result = run(
        "-e", "1x32x32; conv 6 k$k s2", "--find", "k=1..11", "--where", "conv1.output=6x28x28", "--format", "json"
    )
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["solutions"] == []
    assert [row["k"] for row in answer["nearest"]] == [1, 2, 3]
    assert answer["nearest"][0]["conv1.output"] == [6, 16, 16]


def test_the_nearest_miss_by_shares_of_what_is_asked() -> None:
    """10 f parameters, 8,100 f MACs: f=1 lacks two thirds of the MACs, f=3 has twice too many parameters more."""
    asked = ("--find", "f=1..3", "--where", "params = 10, macs = 24300", "--format", "json")
    answer = json.loads(run("-e", "1x32x32; conv $f k3", *asked).stdout)
    assert [row["f"] for row in answer["nearest"]] == [1, 2, 3]  # by 0.67, 1.33 and 2


def test_no_member_that_is_a_network_is_an_error() -> None:
    result = run("-e", "1x8x8; conv 6 k$k", "--find", "k=9..12", "--where", "macs <= 5")
    assert result.exit_code == 2
    assert "none of the 4 members is a network" in result.output
    assert "a 9x9 window does not fit" in result.output


def test_words_behind_a_name_are_its_values_and_ranges_may_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    net = "1x64x64; conv $f k3 $act"
    asked = ("--where", "flops < 1M", "--maximize", "flops", "--format", "json")
    for find in ("f=1..400,act=[relu,silu]", "act=relu,silu,f=400..1；", "f=400..1，act=relu, silu"):
        found = json.loads(run("-e", net, "--find", find, *asked).stdout)
        assert [(row["f"], row["act"]) for row in found["solutions"]] == [(13, "relu")]
    assert "the best of 23 solutions among 800 members" in run("-e", net, "--find", find, *asked[:-2]).stdout
    monkeypatch.setattr(solving, "MOST_MEMBERS", 100)
    found = json.loads(run("-e", net, "--find", "f=400..1,act=relu", *asked).stdout)
    assert [row["f"] for row in found["solutions"]] == [13]


def test_size_is_that_of_the_input() -> None:
    result = run("lenet5-modern", "--find", "size", "--where", "params=61706", "--format", "json")
    assert [row["input"] for row in json.loads(result.stdout)["solutions"]] == [[1, n, n] for n in range(32, 36)]


@pytest.mark.parametrize(
    ("net", "find", "where", "stretches"),
    [
        ("1x32x32; conv $f k3", "f=1..9000", "params <= 10000", [1, 1000]),  # 10 f
        ("1x32x32; conv $f k3", "f=1..9000", "params = 12340", [1234]),
        ("1x32x32; conv $f k3", "f=1..9000", "params = 12345", []),
        ("1x32x32; conv $f k3", "f=1..9000", "500 <= params, params < 1000", [50, 99]),
        ("1x$(n)x$(n); conv 2 k3", "n=3..9000", "conv1.output = 2x100x100", [102]),
        ("1x9000x9000; conv 2 k$k", "k=1..9000", "conv1.output >= 2x8000x8000", [1, 1001]),  # falls along k
    ],
)
def test_large_spaces_are_bisected(
    net: str, find: str, where: str, stretches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = find[0]
    every = [
        row[name]
        for row in json.loads(run("-e", net, "--find", find, "--where", where, "--format", "json").stdout)["solutions"]
    ]
    monkeypatch.setattr(solving, "MOST_MEMBERS", 100)
    answer = json.loads(run("-e", net, "--find", find, "--where", where, "--format", "json").stdout)
    assert answer["bisected"] == name
    assert [row[name] for row in answer["solutions"]] == stretches
    assert sorted({min(every), max(every)} if every else []) == stretches


def test_every_combination_of_the_others_is_bisected(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["-e", "1x40x40; conv $f k$k s$s", "--find", "k=1..7..2,f=1..2000,s=1..2", "--where"]
    asked += ["50 <= params, params <= 5000, macs <= 3M", "--format", "json"]
    every: dict[tuple[int, int], list[int]] = {}
    for row in json.loads(run(*asked).stdout)["solutions"]:
        every.setdefault((row["k"], row["s"]), []).append(row["f"])
    monkeypatch.setattr(solving, "MOST_MEMBERS", 100)
    answer = json.loads(run(*asked).stdout)
    found: dict[tuple[int, int], list[int]] = {}
    for row in answer["solutions"]:
        found.setdefault((row["k"], row["s"]), []).append(row["f"])
    assert answer["bisected"] == "f"
    assert len(found) == 8
    assert found == {key: sorted({min(values), max(values)}) for key, values in every.items()}


def test_conditions_on_words_choose_among_what_is_bisected(monkeypatch: pytest.MonkeyPatch) -> None:
    net = "3x32x32; conv $f k3; $act; gap; dense 10"
    asked = ("--find", "f=1..500,act=[relu,silu,tanh]", "--where", "macs <= 6M, act != silu, act!=tanh, f < 240")
    each = json.loads(run("-e", net, *asked, "--format", "json").stdout)
    monkeypatch.setattr(solving, "MOST_MEMBERS", 100)
    ends = json.loads(run("-e", net, *asked, "--format", "json").stdout)
    assert ends["bisected"] == "f"
    assert [(row["f"], row["act"]) for row in ends["solutions"]] == [(1, "relu"), (239, "relu")]
    assert [ends["solutions"][i]["macs"] for i in (0, 1)] == [each["solutions"][i]["macs"] for i in (0, -1)]


def test_what_neither_rises_nor_falls_is_not_bisected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "MOST_MEMBERS", 100)
    result = run("-e", "1x9x9; conv $(1 + n % 7) k3", "--find", "n=1..5000", "--where", "params <= 20")
    assert result.exit_code == 2
    assert "rises and falls" in result.output
    result = run("-e", "6x9x9; conv 6 g$g", "--find", "g=1..5000", "--where", "params <= 20")
    assert result.exit_code == 2
    assert "not every value gives a network" in result.output


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--find", "q=1..9", "--where", "macs=1"], "q"),
        (["--find", "k=1..9", "--where", "macs"], "is no condition"),
        (["--find", "k=1..9", "--where", "mac=7"], "did you mean macs?"),
        (["--find", "k=1..9"], "--where"),
        (["--where", "macs=1"], "--find"),
        (["--find", "=3", "--where", "macs=1"], "does not say what is sought"),
        (["--find", "size=0..4", "--where", "macs=1"], "from 1 on"),
        (["--find", "k=9..1..2", "--where", "macs=1"], "never comes to its end"),
        (["--find", "k,k", "--where", "macs=1"], "given twice"),
        (["--find", "k=1..9", "--where", "conv.output=6x28x28"], "no layer 'conv': did you mean conv1?"),
        (["--find", "k=40..41", "--where", "conv1.output=6x28x28"], "none of the 2 members"),
        (["--find", "k", "--maximize", "macs", "--minimize", "params"], "Either"),
    ],
)
def test_mistakes_are_told(argv: list[str], told: str) -> None:
    result = run("-e", "1x32x32; conv 6 k$k", *argv)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_solved_shows_itself() -> None:
    solved = cnncalc.solve("1x32x32; conv 6 k$k", find={"k": range(1, 12)}, where="conv1.output=6x28x28")
    assert "28" in str(solved)
    assert "<table>" in solved._repr_html_()


def test_the_layer_that_rules_out_a_size_is_named() -> None:
    """24 - 4 is 20; of 24 the fifth layer is left a map of 3x3: 24, 20, 10, 6, 3."""
    asked = ("lenet5", "--find", "size", "--where", "C1.output=6x20x20")
    result = run(*asked)
    assert result.exit_code == 1
    said = "input=1x24x24 would give C1.output=6x20x20, but C5: a 5x5 window does not fit the 3x3 input (padding 0)"
    assert said in result.output
    assert "C1: a 5x5 window" not in result.output  # reasons of members that nobody asked for
    found = json.loads(run(*asked, "--format", "json").stdout)["forbidden"]
    assert found["input"] == [1, 24, 24]
    assert found["reason"].startswith("C5: ")


def test_no_layer_is_named_for_what_no_member_would_give() -> None:
    net = "3x8x8; conv 4 k$k; conv 4 k3; maxpool 2"
    said = run("-e", net, "--find", "k=1..20", "--where", "conv1.output=4x2x2")
    assert "k=7 would give conv1.output=4x2x2, but conv2: a 3x3 window does not fit" in said.output
    for conditions in (("conv1.output=5x2x2",), ("conv1.output=4x2x2", "k <= 6"), ("params = 3",)):
        found = run("-e", net, "--find", "k=1..20", *(word for text in conditions for word in ("--where", text)))
        assert found.exit_code == 1
        assert "would give" not in found.output
        assert "15 of 20 members are no networks" in found.output
