"""Exercises: random networks that a teacher might draw, any network, or variants of one; questions, and the key.

The same seed gives the same exercise, on every machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from cnncalc.analysis import analyze_graph
from cnncalc.answers.options import own_value
from cnncalc.answers.recounting import value_of
from cnncalc.errors import CnncalcError, Source, visible
from cnncalc.formats import markdown
from cnncalc.graph import Graph
from cnncalc.language import _, enumerate_words, n_
from cnncalc.report import Report
from cnncalc.spec import graph_from_text

LARGEST_MACS = 50_000_000  # of a layer: numbers that can be worked out by hand
ATTEMPTS = 200  # draws of other numbers before a network is given up
GROWTH = ((1, 2), (2, 3), (3, 4), (5, 4), (4, 3), (3, 2), (2, 1))  # what filters and units become, times these


class Level(NamedTuple):
    """What an exercise is made of: how many steps, which of them, and what is asked.

    first  what the first step is drawn from: no network begins with a pool
    exact  whether every window must end at the border, so that no division leaves a rest
    """

    steps: tuple[int, int]
    sizes: tuple[int, ...]
    first: tuple[str, ...]
    makers: tuple[str, ...]
    quantities: tuple[str, ...]
    exact: bool = False


MAKERS: dict[str, Callable[[Random], str]] = {
    "conv": lambda r: f"conv {choose_filters(r)} k{r.choice((3, 5))} relu",
    "padded": lambda r: f"conv {choose_filters(r)} k{(k := r.choice((3, 5, 7)))} p{k // 2} relu",
    "strided": lambda r: f"conv {choose_filters(r)} k{r.choice((3, 5, 7))} s2 p{r.choice((0, 1, 2))} relu",
    "pointwise": lambda r: f"conv {choose_filters(r)} k1 relu",
    "normed": lambda r: f"conv {choose_filters(r)} k3 p1 nobias bn relu",
    "dilated": lambda r: f"conv {choose_filters(r)} k3 d2 p{r.choice((0, 2))} relu",
    "grouped": lambda r: f"conv {r.choice((8, 16, 32))} k3 p1 g{r.choice((2, 4))} relu",
    "depthwise": lambda r: f"depthwise k3 p1 s{r.choice((1, 2))} relu",
    "pool": lambda r: r.choice(("maxpool 2", "avgpool 2")),
    "overlapping": lambda r: "maxpool k3 s2",
    "subsample": lambda r: "subsample 2 tanh",
}
LEVELS = {
    "easy": Level((2, 3), (20, 28, 32), ("conv", "padded"), ("conv", "conv", "pool"), ("output", "params"), exact=True),
    "medium": Level((3, 5), (28, 32, 48, 64), ("conv", "padded", "strided"),
                    ("conv", "padded", "strided", "pool", "overlapping", "pointwise"),
                    ("output", "params", "connections", "macs", "receptive_field")),
    "hard": Level((4, 7), (32, 48, 64, 96), ("padded", "strided", "normed"),
                  ("padded", "strided", "normed", "dilated", "grouped", "depthwise", "overlapping", "subsample",
                   "pointwise"),
                  ("output", "params", "connections", "macs", "flops", "receptive_field")),
}  # fmt: skip
NAMES = (n_("easy"), n_("medium"), n_("hard"))  # of the levels, as a title has them
POOLS = ("pool", "overlapping", "subsample")
POINTS = {"connections": 2, "macs": 2, "flops": 2, "receptive_field": 2}
Asked = list[tuple[str, str]]  # layer, or `total`, and quantity
Writer = Callable[[Graph], str]  # the spec of a network


class Exercise(NamedTuple):
    """A network as a spec, the questions as a Markdown sheet to fill in, the key as CSV."""

    spec: str
    questions: str
    key: str


def choose_filters(random: Random) -> int:
    return random.choice((4, 6, 8, 12, 16, 20, 32))


def make_exercise(seed: int, level: str, count: int) -> Exercise:
    """A random network of this level, and at most `count` questions about it."""
    random = Random(f"{seed} {level}")  # seeded with a text: the same on every machine
    text, report = draw_network(random, LEVELS[level], _("Exercise {seed}, {level}", seed=seed, level=_(level)))
    return exercise_of(report, text, choose(random, [report], LEVELS[level].quantities, count))


def exercises_about(
    graph: Graph, writer: Writer, seed: int, level: str, count: int, variants: int = 0, *, other_numbers: bool = False
) -> list[Exercise]:
    """Exercises about a network: the same questions about it, or about variants of it with other numbers.

    variants       how many variants; 0: the network as it is
    other_numbers  whether the network itself is changed too, where no variants are asked for
    Raises CnncalcError where no other numbers fit together.
    """
    random = Random(f"{seed} {graph.name}")
    wanted = variants or 1
    changed = vary(random, graph, wanted) if variants or other_numbers else [graph]
    reports = [analyze_graph(one) for one in changed]
    asked = choose(random, reports, LEVELS[level].quantities, count)
    found = []
    for number, (one, report) in enumerate(zip(changed, reports, strict=True), 1):
        title = graph.name if one is graph else _("{name}, variant {n}", name=graph.name, n=number)
        text = with_title(writer(one), title)
        found.append(exercise_of(report, text, asked, title))
    return found


def with_title(text: str, title: str) -> str:
    """A spec under another name, and without what it expects: that would give the answers away."""
    lines = [line for line in text.split("\n") if not line.startswith(("name:", "source:", "expect:"))]
    kept = [line for line in lines if not line.startswith("  ") or not gives_away(lines, line)]
    name = json.dumps(
        visible(title), ensure_ascii=False
    )  # of a model it may hold anything; YAML reads what JSON quotes
    return f"name: {name}\n" + "\n".join(kept).strip("\n") + "\n"


def gives_away(lines: Sequence[str], line: str) -> bool:
    """Whether a line stands in the block of expectations: behind the layers, and no step."""
    return lines.index(line) > max((i for i, other in enumerate(lines) if other.lstrip().startswith("-")), default=0)


def choose(random: Random, reports: Sequence[Report], quantities: Sequence[str], count: int) -> Asked:
    """At most `count` questions that have an answer in each of the reports, in the order of the network."""
    # The same questions must have an answer in every variant.
    names = {row.name for row in reports[0].layers}
    every: Asked = [
        (row.name, quantity)
        for row in reports[0].layers
        if row.shown_with is None and row.name.rpartition("/")[0] not in names  # L1/batchnorm is a part of a step
        for quantity in quantities
        if all(value_of(report, row.name, quantity) not in (None, 0) for report in reports)
        and (len(row.output) > 1 or quantity not in ("output", "receptive_field"))  # of a vector nobody asks
    ]
    every += [("total", "params")] if value_of(reports[0], None, "params") else []
    chosen = set(random.sample(every, min(count, len(every))))
    # In the network's order, not in the one in which they were drawn.
    return [entry for entry in every if entry in chosen]


def exercise_of(report: Report, text: str, asked: Asked, title: str = "") -> Exercise:
    return Exercise(text, questions_of(report, text, asked, title or report.name), key_of(report, asked))


def draw_network(random: Random, level: Level, name: str) -> tuple[str, Report]:
    """Steps drawn one after the other; one that does not fit is left out. Two pools never follow each other."""
    size = random.choice(level.sizes)
    head = f'name: "{name}"\ninput: {random.choice((1, 3))}x{size}x{size}\nlayers:\n'
    steps: list[str] = []
    drawn = ""
    for number in range(1, random.randint(*level.steps) + 1):
        # Where nothing more fits, the network is shorter than it was to be.
        for _attempt in range(20):
            maker = random.choice(level.makers if steps else level.first)
            # A pool behind a pool is one larger pool, which nobody draws.
            if maker in POOLS and drawn in POOLS:
                continue
            step = f"  - L{number}: {MAKERS[maker](random)}\n"
            report = try_network(head + "".join([*steps, step]))
            if report is not None and (not level.exact or is_exact(report)):
                steps.append(step)
                drawn = maker
                break
    end = f"  - OUT: dense {random.choice((4, 5, 10))}\n"
    if random.random() < 0.4:
        end = f"  - HIDDEN: dense {random.choice((20, 32, 64, 84))} relu\n" + end
    text = head + "".join(steps) + end
    return text, analyze_graph(graph_from_text(Source("<exercise>", text)))


def try_network(text: str) -> Report | None:
    """The report of a network that fits and leaves something to look at."""
    try:
        report = analyze_graph(graph_from_text(Source("<exercise>", text)))
    except CnncalcError:
        return None
    last = report.layers[-1]
    small = all((row.macs or 0) <= LARGEST_MACS for row in report.layers)
    # A map of one element has no room for another window.
    return report if small and min(last.output[1:]) >= 2 else None


def is_exact(report: Report) -> bool:
    """Whether every window ends at the border of its map: no position is rounded away."""
    if report.graph is None:
        return False
    for node, facts in zip(report.graph.nodes, report.graph.facts, strict=True):
        options = vars(node.layer)
        # A pool without a stride moves by its kernel.
        stride = options.get("stride") or options.get("kernel")
        if stride is None or len(facts.output) < 2 or not node.reads:
            continue
        # n + p - d(k - 1) - 1 is a multiple of the stride: its division leaves no rest.
        if any((n + rest) % s for n, rest, s in windows(report.graph.shape(node.reads[0]), options, stride)):
            return False
    return True


def windows(entered: Sequence[int], options: Mapping[str, Any], stride: Any) -> list[tuple[int, int, int]]:
    """For each axis its size, what padding and kernel add to the steps, and the stride."""
    found = []
    for axis, n in enumerate(entered[1:]):
        # One value is that of all axes.
        k, s, p, d = (
            values[axis if len(values) > 1 else 0] if isinstance(values, tuple) else 1
            for values in (options["kernel"], stride, options.get("padding", ((0, 0),)), options.get("dilation", (1,)))
        )
        found.append((n, (sum(p) if isinstance(p, tuple) else 0) - d * (k - 1) - 1, s))
    return found


def vary(random: Random, graph: Graph, wanted: int) -> list[Graph]:
    """Networks of the same layers with other numbers: filters, units and the size of the input, each of its own."""
    found: dict[tuple[Any, ...], Graph] = {}
    for _attempt in range(ATTEMPTS * wanted):
        one = with_other_numbers(random, graph)
        if one is not None:
            # Numbers that were drawn twice are one variant.
            found.setdefault(identity(one), one)
            if len(found) == wanted:
                return list(found.values())
    raise CnncalcError(_("{name}: only {n} variants with other numbers fit together", name=graph.name, n=len(found)))


def identity(graph: Graph) -> tuple[Any, ...]:
    return (*graph.inputs.values(), *(node.layer for node in graph.nodes))


def with_other_numbers(random: Random, graph: Graph) -> Graph | None:
    """One draw; None where it does not fit, or nothing has changed.

    Equal numbers of filters stay equal, so that what is added still has one shape. What classes there are stays.
    """
    becomes: dict[int, int] = {}
    nodes = []
    for i, node in enumerate(graph.nodes):
        options = vars(node.layer)
        name = "filters" if "filters" in options else "units" if "units" in options else None
        # The last units are the classes, of which there are as many as before.
        last = i == len(graph.nodes) - 1 or all("units" not in vars(n.layer) for n in graph.nodes[i + 1 :])
        # Groups divide the filters, so those stay too.
        if name is not None and not (last and name == "units") and options.get("groups", 1) == 1:
            old = options[name]
            times, over = random.choice(GROWTH)
            # Even stays even: teachers halve numbers of filters.
            new = max(1, old * times // over)
            new = becomes.setdefault(old, new + new % 2 if old % 2 == 0 else new)
            node = node._replace(layer=node.layer.replace(**{name: new}))
        nodes.append(node)
    inputs = {name: choose_size(random, shape) for name, shape in graph.inputs.items()}
    try:
        one = Graph(name=graph.name, inputs=inputs, nodes=tuple(nodes), outputs=graph.outputs, groups=graph.groups)
    except CnncalcError:
        return None
    small = all(min(facts.output, default=1) >= 1 for facts in one.facts)
    return one if small and identity(one) != identity(graph) else None


def choose_size(random: Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A map as large, or a few pixels larger or smaller, the same along every axis."""
    # All even, so that maps that halve go on halving.
    shift = random.choice((0, 0, 2, 4, 8, 12, 16, -2, -4))
    return shape if len(shape) < 2 else (shape[0], *(max(1, n + shift) for n in shape[1:]))


def say_in_words(report: Report, layer: str, quantity: str) -> str:
    """What is asked, for those who do not know the word."""
    if quantity == "flops":
        return say_what_flops_count(report, layer)
    if quantity == "params" and any(row.params and row.name.startswith(layer + "/") for row in report.layers):
        return _("trained parameters, biases too, without those of the norm behind it")
    return {
        "output": _("shape of the output"),
        "params": _("trained parameters, biases too"),
        "connections": _("connections: what every unit reads through a weight, and its bias"),
        "macs": _("multiply-accumulates, without biases"),
        "receptive_field": _("receptive field in the input, per axis"),
    }[quantity]


def say_what_flops_count(report: Report, layer: str) -> str:
    """What counts as an operation in this layer: of a pool, comparisons or additions."""
    row = next(i for i, row in enumerate(report.layers) if row.name == layer)
    work = report.graph.facts[row].work if report.graph is not None else None
    names = {"add": _("addition"), "multiply": _("multiplication"), "compare": _("comparison"), "divide": _("division")}
    operations = enumerate_words(names.get(name, name) for name, times in (work or {}).items() if times)
    if not report.layers[row].macs:
        return _("1 for every {operations}; without the activation", operations=operations)
    if not operations:
        return _("2 for every multiply-accumulate; without the activation")
    return _(
        "2 for every multiply-accumulate, 1 for every other {operations}; without the activation", operations=operations
    )


def questions_of(report: Report, text: str, asked: Asked, title: str) -> str:
    """A sheet to fill in: `cnncalc check` grades it as it is."""
    words = {
        "output": _("output"), "params": _("params"), "connections": _("connections"), "macs": _("macs"),
        "flops": _("flops"), "receptive_field": _("receptive_field"),
    }  # fmt: skip
    named = [(_("total") if layer == "total" else layer, layer, quantity) for layer, quantity in asked]
    rows = [
        f"| {name} | {words[quantity]} |  | {say_in_words(report, layer, quantity)} |"
        for name, layer, quantity in named
    ]
    head = [f"| {_('layer')} | {_('quantity')} | {_('answer')} | {_('note')} |", "|-------|----------|--------|------|"]
    return "\n".join([f"# {markdown.escape(title)}", "", "```yaml", text.rstrip(), "```", "", *head, *rows, ""])


HIDDEN = (("padding", r"p[1-9][0-9]*"), ("kernel", r"k[0-9]+"))  # what may be asked backwards, as it stands in a line


def ask_backwards(made: Exercise) -> Exercise:
    """The exercise with a number of one layer hidden, for its output. Raises CnncalcError: there is none."""
    report = analyze_graph(graph_from_text(Source("<exercise>", made.spec)))
    steps = [
        (option, flag, line)
        for option, flag in HIDDEN
        for line in re.finditer(
            rf"^  - ([\w+-]+): (?:conv|depthwise)\b[^\n]*? {flag}(?![\w.])[^\n]*$", made.spec, re.MULTILINE
        )
    ]
    if not steps:
        raise CnncalcError(_("no convolution has a name and a kernel in its line: nothing to ask backwards"))
    # The padding before the kernel, in the first line that has one.
    option, flag, line = steps[0]
    layer = line[1]
    shape = "x".join(map(str, report[layer].output))
    hidden = re.sub(rf" {flag}(?![\w.])", f" {option[0]}?", line[0], count=1)
    word = {"padding": _("padding"), "kernel": _("kernel")}[option]
    note, output = _("so that the output is {shape}", shape=shape), _("output")
    row = f"| {layer} | {word} |  | {note} |\n"
    # What is told now is asked for no longer.
    given = re.compile(rf"^\| {re.escape(layer)} \| {re.escape(output)} \|[^\n]*\n", re.MULTILINE)
    questions = given.sub("", made.questions.replace(line[0], hidden)) + row
    key = re.sub(rf"^{re.escape(layer)},output,[^\n]*\n", "", made.key, flags=re.MULTILINE)
    return Exercise(made.spec, questions, f"{key}{layer},{option},{own_value(report, layer, option)},1\n")


def key_of(report: Report, asked: Asked) -> str:
    """The right numbers and their points, as a sheet."""
    lines = ["layer,quantity,answer,points"]
    for layer, quantity in asked:
        value = value_of(report, None if layer == "total" else layer, quantity)
        shown = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
        lines.append(f"{layer},{quantity},{shown},{POINTS.get(quantity, 1)}")
    return "\n".join([*lines, ""])
