"""Which mistake gives a wrong answer: all that are known are made, and the answer is looked up among the results.

    diagnose(report, "C3", "connections", [241600])     # full_instead_of_sparse

What is found for one number of a report is kept as long as the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from cnncalc.answers.mistakes.in_fields import field_mistakes
from cnncalc.answers.mistakes.in_networks import Found, Network, on_map_of, pairs, plain, singles, total_mistakes
from cnncalc.answers.mistakes.sentences import SLIPS, sentence
from cnncalc.answers.mistakes.slips import binary_prefix, miswritten
from cnncalc.graph import Graph
from cnncalc.quantities import SUMMED
from cnncalc.report import BYTES, Report

MOST = 3  # mistakes that are named for one answer
# Of all numbers with as many digits, the part that mistakes may take up, in hundredths: what is least plausible goes.
PERCENT_OF_NUMBERS = 1.8
FEWEST = {1: 4, 2: 7}  # ... but so many of short numbers, by their digits, though none beyond this rank
NEAR = 16
MOST_BEFORE = 12  # ranks of a mistake before a layer and of one in it that are tried together
MOST_MAPS = 8  # maps of other layers that may have been flattened
FAR = 20  # beside a plausible mistake, none is named that is so much less plausible; a slip of the pen is
FROM_VARIANTS = 10  # the rank up to which a mistake's number is also looked for with a slip of the pen


class Mistake(NamedTuple):
    """A mistake that gives `value`: its id in the catalogue, or two joined by +, and what the number answers."""

    id: str
    sentence: str
    value: Any


class Candidate(NamedTuple):
    rank: int
    id: str
    value: Any
    where: str
    of: Any = None


class Question(NamedTuple):
    """One number of a report: what is right, in all readings, and what the mistakes give."""

    right: frozenset[Any]
    number: int | None
    wrong: dict[Any, list[Candidate]]


_questions: WeakKeyDictionary[Report, dict[tuple[str | None, str], Question]] = WeakKeyDictionary()
_networks: WeakKeyDictionary[Report, Network] = WeakKeyDictionary()


def diagnose(report: Report, layer: str | None, quantity: str, values: Iterable[Any]) -> list[Mistake]:
    """The mistakes behind a wrong answer, the likeliest first: at most three, none where no known one fits.

    layer     None stands for the total
    values    what the answer can be read as: ints, Fractions, or tuples of these for shapes and fields
    """
    known = _questions.setdefault(report, {})
    question = known.get((layer, quantity))
    if question is None:
        question = known[layer, quantity] = asked(report, layer, quantity)
    found: dict[str, tuple[int, Mistake]] = {}
    for value in values:
        if value in question.right:
            return []
        candidates = list(question.wrong.get(value, ()))
        if not candidates and isinstance(value, int) and question.number and binary_prefix(question.number, value):
            candidates.append(Candidate(64, "gflops_1024", value, ""))
        for c in candidates:
            if c.id not in found or found[c.id][0] > c.rank:
                found[c.id] = c.rank, Mistake(c.id, sentence(c.id, value, c.where, c.of), value)
    ordered = sorted(found.values(), key=lambda entry: entry[0])
    nearest = ordered[0][0] if ordered else 0
    return [m for rank, m in ordered if rank - nearest <= FAR or m.id.rpartition("+")[2] in SLIPS][:MOST]


def asked(report: Report, layer: str | None, quantity: str) -> Question:
    """Everything about one number of a report that answers are compared with."""
    assert report.graph is not None
    network = _networks.get(report)
    if network is None:
        network = _networks[report] = Network(report.graph)
    subject = report.totals if layer is None else report[layer]
    actual = getattr(subject, quantity, None)
    if actual is None:
        return Question(frozenset(), None, {})
    right = frozenset(readings(actual))
    found = sorted(candidates(report, network, layer, quantity, actual), key=lambda c: c.rank)
    number = actual if isinstance(actual, int) else None
    if number is not None:
        found += sorted(slips(number, found), key=lambda c: c.rank)
    return Question(right, number, within_reason(found, right))


def readings(value: Any) -> Iterator[Any]:
    """A value, and the one number that stands for a shape or a field with equal axes; whole Fractions are ints."""
    if not isinstance(value, tuple):
        yield int(value) if isinstance(value, Fraction) and value.denominator == 1 else value
        return
    yield tuple(int(v) if isinstance(v, Fraction) and v.denominator == 1 else v for v in value)
    sizes = value[1:] if len(value) > 2 and len(set(value)) > 1 else value
    if len(set(sizes)) == 1:
        yield sizes[0]


def sensible(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(isinstance(v, (int, Fraction)) and v >= 0 for v in parts)


def within_reason(found: Sequence[Candidate], right: frozenset[Any]) -> dict[Any, list[Candidate]]:
    """What is found by value: of every length of number no more than chance could well hit."""
    wrong: dict[Any, list[Candidate]] = {}
    taken: dict[tuple[bool, int], int] = {}
    for candidate in found:
        for value in readings(candidate.value):
            if value in right or not sensible(value):
                continue
            parts = set(candidate.id.split("+"))
            others = [set(c.id.split("+")) for c in wrong.get(value, ())]
            if any(other < parts or (other == parts and len(parts) > 1) for other in others):
                continue  # what one mistake explains needs no second
            several = isinstance(value, tuple)
            alone = value[0] if several and len(set(value)) == 1 else value  # equal axes are one number
            if value not in wrong and isinstance(alone, int):
                digits = len(str(alone))
                room = int(9 * 10 ** (digits - 1) * PERCENT_OF_NUMBERS / 100)
                if digits in FEWEST:
                    room = FEWEST[digits]
                    if candidate.rank > NEAR:
                        continue
                if taken.get((several, digits), 0) >= room:
                    continue
                taken[several, digits] = taken.get((several, digits), 0) + 1
            wrong.setdefault(value, []).append(candidate)
    return wrong


def slips(right: int, found: Sequence[Candidate]) -> Iterator[Candidate]:
    """The right number miswritten; and the number of a mistake that is near at hand."""
    for rank, name, digit, value in miswritten(right):
        yield Candidate(rank, name, value, digit)
    for c in found:
        if c.rank <= FROM_VARIANTS and type(c.value) is int and "+" not in c.id:
            for rank, name, digit, value in miswritten(c.value):
                if name == "digit_dropped":
                    yield Candidate(rank + 5, f"{c.id}+{name}", value, digit, c.value)


def candidates(report: Report, network: Network, layer: str | None, quantity: str, actual: Any) -> Iterator[Candidate]:
    """Every mistake in a number of a report."""
    rows = places(report, layer)
    last = report.graph.outputs[0] - len(report.inputs) if layer is None and report.graph else rows[-1]
    if quantity == "receptive_field":
        if last >= 0 and report.graph is not None:
            for rank, name, field in field_mistakes(report.graph, last):
                yield Candidate(rank, name, field, "")
        return
    if quantity == "output":
        yield from (Candidate(*found) for found in of_layer(report, network, last, "output", 1))
        return
    scale, counted = unit_of(report, quantity)
    if quantity.endswith("_bytes") and isinstance(actual, int) and scale > 1 and actual % scale == 0:
        yield Candidate(12, "bytes_for_values", actual // scale, "")
    elif quantity == "activation_bytes":
        yield Candidate(14, "bytes_for_values", actual * 4, "")
    if counted is None:
        return
    if len(rows) == 1 and layer is not None:
        row = report.layers[rows[0]]
        if row.weights_of is None and _same(network, rows[0], counted, scale, actual):
            yield from (Candidate(*found) for found in of_layer(report, network, rows[0], counted, scale))
        return
    if any(
        not _same(network, i, counted, scale, getattr(report.layers[i], quantity))
        for i in rows
        if not shared(report, i)
    ):
        return
    if quantity in ("params", "buffers", "fixed_params", "parameter_bytes"):
        units = {i: 0 if shared(report, i) else scale for i in rows}
    else:
        units = dict.fromkeys(rows, scale)
    yield from (Candidate(*f) for f in total_mistakes(network, rows, counted, units.__getitem__))


def shared(report: Report, row: int) -> bool:
    return report.layers[row].weights_of is not None


def _same(network: Network, row: int, name: str, scale: int, actual: Any) -> bool:
    """Whether the derivation gives the report's number: not where padding is left out, or nothing is known."""
    found = network.plain[row]
    return found is not None and found.get(name) is not None and found[name] * scale == actual


def places(report: Report, layer: str | None) -> list[int]:
    """The rows that are added up; of a block, with the one that gives its result at the end."""
    if layer is None:
        return list(range(len(report.layers)))
    for i, row in enumerate(report.layers):
        if row.name == layer:
            return [i]
    report[layer]  # raises where there is none
    group = report.groups[layer]
    result = group.result - len(report.inputs) if group.result >= len(report.inputs) else group.last - 1
    return [*(i for i in range(group.first, group.last) if i != result), result]


def unit_of(report: Report, quantity: str) -> tuple[int, str | None]:
    """What one counts in the report, and the name among the numbers of a case."""
    batch, size = report.settings.batch, BYTES[report.settings.dtype]
    if quantity == "activation_bytes":
        return batch * size, "values"
    if quantity in ("macs", "flops"):
        return batch, quantity
    if quantity == "parameter_bytes":
        return size, "stored"
    return (1, quantity) if quantity in SUMMED else (size, None)


def of_layer(report: Report, network: Network, node: int, quantity: str, scale: int) -> Iterator[Found]:
    """Mistakes in a layer, those inherited from the layers before it, and numbers of other layers."""

    def scaled(value: Any) -> Any:
        return value if isinstance(value, tuple) else value * scale

    case = network.cases[node]
    for edit, numbers in singles(*case[:4]):
        if quantity in edit.of and numbers.get(quantity) is not None:
            yield Found(edit.rank, edit.id, scaled(numbers[quantity]))
    for edits, numbers in pairs(*case[:4]):
        if len(edits) == 2 and all(quantity in edit.of for edit in edits) and numbers.get(quantity) is not None:
            name = "+".join(edit.id for edit in edits)
            yield Found(sum(edit.rank for edit in edits) + 10, name, scaled(numbers[quantity]))
    for rank, name, where, results in network.spreading(node):
        found = results[node]
        if found is not None and found.get(quantity) is not None:
            yield Found(rank, name, scaled(found[quantity]), where)
        if quantity != "output" and rank <= MOST_BEFORE:
            shapes = tuple(
                network.graph.shape(v) if v < len(report.inputs) else whole(results[v - len(report.inputs)])
                for v in network.graph.nodes[node].reads
            )
            if shapes != case.shapes:
                for edit, numbers in singles(case.layer, shapes, None, False):
                    if quantity in edit.of and edit.rank <= MOST_BEFORE and numbers.get(quantity) is not None:
                        yield Found(rank + edit.rank + 12, f"{name}+{edit.id}", scaled(numbers[quantity]))
    for far, name, where, numbers in elsewhere(network, node):
        if quantity in ("params", "stored", "connections", "macs") and numbers.get(quantity):
            yield Found(far, name, scaled(numbers[quantity]), where)
    if quantity in ("macs", "connections", "flops"):
        for other in (node - 1, node + 1, node - 2, node + 2):
            if 0 <= other < len(network.cases) and report.layers[other].macs:
                yield from (
                    Found(17, "used_wrong_map_size", v * scale) for v in on_map_of(network, node, other, quantity)
                )
    if quantity == "output":
        yield from other_shapes(report, network, node)


def whole(numbers: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in numbers["output"])


def elsewhere(network: Network, node: int) -> Iterator[tuple[int, str, str, Any]]:
    """The numbers of the weighted layers before, and those with the flattened map of an earlier layer."""
    graph, case = network.graph, network.cases[node]
    before = [i for i in range(node) if graph.facts[i].connections]
    for i in before[-2:]:
        yield 15, "stopped_too_early", graph.nodes[i].name, network.plain[i]
    if case.flat is None:
        return
    lengths = dict.fromkeys(
        length
        for facts in reversed(graph.facts[:node])
        if len(facts.output) > 1
        for length in (prod(facts.output), case.flat[0] * prod(facts.output[1:]))
        if length != case.shapes[0][0]
    )
    for length in list(lengths)[:MOST_MAPS]:
        found = plain(case.layer, ((length,),), None, False)
        if found is not None:
            yield 14, "wrong_flatten_size", "", found


def other_shapes(report: Report, network: Network, node: int) -> Iterator[Found]:
    """The shape of the layer before; the channels of all convolutions on the way to a concatenation."""
    graph, first = network.graph, len(network.graph.inputs)
    value, shape = graph.nodes[node].reads[0], graph.shape(first + node)
    seen_shapes = [shape]
    while value >= first and len(seen_shapes) <= 3:
        if graph.shape(value) not in seen_shapes:
            seen_shapes.append(graph.shape(value))
            yield Found(11 + len(seen_shapes), "stopped_too_early", graph.shape(value), graph.nodes[value - first].name)
        value = graph.nodes[value - first].reads[0]
    if value < first and len(seen_shapes) <= 3:
        yield Found(16, "stopped_too_early", graph.shape(value))
    reads = graph.nodes[node].reads
    if len(reads) > 1 and shape[0] == sum(graph.shape(v)[0] for v in reads):
        behind = [ancestors(graph, v) for v in reads]
        branches = {v for one in behind for v in one if not all(v in other for other in behind)}
        depth = sum(graph.shape(v)[0] for v in branches if v >= first and has_filters(graph, v))
        if depth and prod(shape):
            yield Found(12, "concat_counts_reduce_layers", (depth, *shape[1:]))


def ancestors(graph: Graph, value: int) -> set[int]:
    """A value and all that it is made of."""
    found: set[int] = set()
    waiting = [value]
    while waiting:
        v = waiting.pop()
        if v not in found:
            found.add(v)
            waiting += graph.nodes[v - len(graph.inputs)].reads if v >= len(graph.inputs) else ()
    return found


def has_filters(graph: Graph, value: int) -> bool:
    return "filters" in vars(graph.nodes[value - len(graph.inputs)].layer)
