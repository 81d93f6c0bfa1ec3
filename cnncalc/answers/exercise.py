"""Random networks that fit, questions about them, and the key. The same seed gives the same exercise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from cnncalc.analysis import analyze_graph
from cnncalc.answers.recounting import value_of
from cnncalc.errors import CnncalcError, Source
from cnncalc.language import _
from cnncalc.report import Report
from cnncalc.spec import graph_from_text

LARGEST_MACS = 50_000_000  # of a layer: numbers that can be worked out by hand


class Level(NamedTuple):
    """What an exercise is made of: how many steps, which of them, and what is asked."""

    steps: tuple[int, int]
    sizes: tuple[int, ...]
    makers: tuple[str, ...]
    quantities: tuple[str, ...]


MAKERS: dict[str, Callable[[Random], str]] = {
    "conv": lambda r: f"conv {filters(r)} k{r.choice((3, 5))} relu",
    "padded": lambda r: f"conv {filters(r)} k{(k := r.choice((3, 5, 7)))} p{k // 2} relu",
    "strided": lambda r: f"conv {filters(r)} k{r.choice((3, 5, 7))} s2 p{r.choice((0, 1, 2))} relu",
    "pointwise": lambda r: f"conv {filters(r)} k1 relu",
    "normed": lambda r: f"conv {filters(r)} k3 p1 nobias bn relu",
    "dilated": lambda r: f"conv {filters(r)} k3 d2 p{r.choice((0, 2))} relu",
    "grouped": lambda r: f"conv {r.choice((8, 16, 32))} k3 p1 g{r.choice((2, 4))} relu",
    "depthwise": lambda r: f"depthwise k3 p1 s{r.choice((1, 2))} relu",
    "pool": lambda r: r.choice(("maxpool 2", "avgpool 2")),
    "overlapping": lambda r: "maxpool k3 s2",
    "subsample": lambda r: "subsample 2 tanh",
}
LEVELS = {
    "easy": Level((2, 3), (20, 28, 32), ("conv", "conv", "pool"), ("output", "params")),
    "medium": Level((3, 5), (28, 32, 48, 64), ("conv", "padded", "strided", "pool", "overlapping", "pointwise"),
                    ("output", "params", "connections", "macs", "receptive_field")),
    "hard": Level((4, 7), (32, 48, 64, 96), ("padded", "strided", "normed", "dilated", "grouped", "depthwise",
                  "overlapping", "subsample", "pointwise"),
                  ("output", "params", "connections", "macs", "flops", "receptive_field")),
}  # fmt: skip
POINTS = {"connections": 2, "macs": 2, "flops": 2, "receptive_field": 2}


class Exercise(NamedTuple):
    """A network as a spec, the questions as a Markdown sheet to fill in, the key as CSV."""

    spec: str
    questions: str
    key: str


def filters(random: Random) -> int:
    return random.choice((4, 6, 8, 12, 16, 20, 32))


def make_exercise(seed: int, level: str, count: int) -> Exercise:
    """A network of this level, and at most `count` questions about it."""
    random = Random(f"{seed} {level}")  # seeded with a text: the same on every machine
    text, report = network(random, LEVELS[level], f"Exercise {seed}, {level}")
    asked = [
        (row.name, quantity)
        for row in report.layers
        if row.shown_with is None
        for quantity in LEVELS[level].quantities
        if value_of(report, row.name, quantity) not in (None, 0)
    ]
    asked.append(("total", "params"))
    chosen = set(random.sample(asked, min(count, len(asked))))
    ordered = [entry for entry in asked if entry in chosen]
    return Exercise(text, questions_of(report, text, ordered), key_of(report, ordered))


def network(random: Random, level: Level, name: str) -> tuple[str, Report]:
    """Steps drawn one after the other; one that does not fit is left out."""
    size = random.choice(level.sizes)
    head = f"name: {name}\ninput: {random.choice((1, 3))}x{size}x{size}\nlayers:\n"
    steps: list[str] = []
    for number in range(1, random.randint(*level.steps) + 1):
        for _attempt in range(20):
            step = f"  - L{number}: {MAKERS[random.choice(level.makers)](random)}\n"
            report = fitting(head + "".join([*steps, step]))
            if report is not None:
                steps.append(step)
                break
    end = f"  - OUT: dense {random.choice((4, 5, 10))}\n"
    if random.random() < 0.4:
        end = f"  - HIDDEN: dense {random.choice((20, 32, 64, 84))} relu\n" + end
    text = head + "".join(steps) + end
    return text, analyze_graph(graph_from_text(Source("<exercise>", text)))


def fitting(text: str) -> Report | None:
    """The report of a network that fits and leaves something to look at."""
    try:
        report = analyze_graph(graph_from_text(Source("<exercise>", text)))
    except CnncalcError:
        return None
    last = report.layers[-1]
    small = all((row.macs or 0) <= LARGEST_MACS for row in report.layers)
    return report if small and min(last.output[1:]) >= 2 else None


def in_words(quantity: str) -> str:
    return {
        "output": _("shape of the output"),
        "params": _("trained parameters, biases too"),
        "connections": _("connections: what every unit reads through a weight, and its bias"),
        "macs": _("multiply-accumulates, without biases"),
        "flops": _("2 per multiply-accumulate, and 1 per bias; without the activation"),
        "receptive_field": _("receptive field in the input, per axis"),
    }[quantity]


def questions_of(report: Report, text: str, asked: list[tuple[str, str]]) -> str:
    """A sheet to fill in: `cnncalc check` grades it as it is."""
    rows = [f"| {layer} | {quantity} |  | {in_words(quantity)} |" for layer, quantity in asked]
    head = ["| layer | quantity | answer | note |", "|-------|----------|--------|------|"]
    return "\n".join([f"# {report.name}", "", "```yaml", text.rstrip(), "```", "", *head, *rows, ""])


def key_of(report: Report, asked: list[tuple[str, str]]) -> str:
    """The right numbers and their points, as a sheet."""
    lines = ["layer,quantity,answer,points"]
    for layer, quantity in asked:
        value = value_of(report, None if layer == "total" else layer, quantity)
        shown = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
        lines.append(f"{layer},{quantity},{shown},{POINTS.get(quantity, 1)}")
    return "\n".join([*lines, ""])
