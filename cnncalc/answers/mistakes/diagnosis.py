"""Which mistake gives a wrong answer: all that are known are made, and the answer is looked up among the results.

    diagnose(report, "C3", "connections", [241600])     # full_instead_of_sparse

What is found for one number of a report is kept as long as the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from cnncalc.answers.mistakes.chance import SPECIAL, Chance
from cnncalc.answers.mistakes.in_fields import field_mistakes
from cnncalc.answers.mistakes.in_layers import layer_mistakes
from cnncalc.answers.mistakes.in_sums import Sum, sum_mistakes
from cnncalc.answers.mistakes.sentences import SLIPS, make_sentence
from cnncalc.answers.mistakes.slips import binary_prefix, miswrite
from cnncalc.answers.mistakes.spreading import Found, Network
from cnncalc.quantities import SUMMED
from cnncalc.report import BYTES, Report
from cnncalc.shipped import known_totals

MOST = 3  # mistakes that are named for one answer
COMMON = 20  # the rank beyond which nothing is said of a number that chance may well hit ...
LIKELY = 0.6  # ... where so many of the numbers near by are explained
FAR = 20  # beside a plausible mistake, none is named that is so much less plausible; a slip of the pen is
FROM_VARIANTS = 10  # the rank up to which a mistake's number is also looked for with a slip of the pen


class Mistake(NamedTuple):
    """A mistake that gives `value`: its id in the catalogue, or two joined by +, and what the number answers.

    sure  no other mistake gives it, and it is too special a number to be chance
    """

    id: str
    sentence: str
    value: Any
    sure: bool = True


class Question(NamedTuple):
    """One number of a report: what is right, in all forms, and what the mistakes give."""

    right: frozenset[Any]
    actual: Any
    wrong: dict[Any, list[Found]]
    chance: Chance


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
        question = known[layer, quantity] = ask(report, layer, quantity)
    found: dict[str, tuple[int, Mistake]] = {}
    for value in [form for given in values for form in list_forms(given, question.actual, quantity)]:
        if value in question.right:
            return []
        candidates = list(question.wrong.get(value, ()))
        if not candidates and is_binary(question.actual, value):
            candidates.append(Found(64, "gflops_1024", value, ""))
        for c in candidates:
            share = question.chance.share(value, c.rank)
            # So small a number that almost every other one is explained too: nothing is said.
            if c.rank > COMMON and share > LIKELY:
                continue
            if c.id not in found or found[c.id][0] > c.rank:
                told = make_sentence(c.id, c.value, c.where, c.of)
                found[c.id] = c.rank, Mistake(c.id, told, c.value, share <= SPECIAL)
    ordered = sorted(found.values(), key=lambda entry: entry[0])
    nearest = ordered[0][0] if ordered else 0
    # A slip of the pen is of another sort than a mistake in thinking, and is named beside it.
    named = [m for rank, m in ordered if rank - nearest <= FAR or m.id.rpartition("+")[2] in SLIPS][:MOST]
    # Of several explanations none is sure.
    return named if len(named) == 1 else [mistake._replace(sure=False) for mistake in named]


def is_binary(right: Any, value: Any) -> bool:
    return isinstance(right, int) and bool(right) and isinstance(value, int) and binary_prefix(right, value)


def ask(report: Report, layer: str | None, quantity: str) -> Question:
    """Everything about one number of a report that answers are compared with."""
    assert report.graph is not None
    network = _networks.get(report)
    if network is None:
        network = _networks[report] = Network(report.graph)
    subject = report.totals if layer is None else report[layer]
    actual = getattr(subject, quantity, None)
    if actual is None:
        return Question(frozenset(), None, {}, Chance({}, ()))
    right = frozenset(find_forms(actual, quantity))
    found = sorted(find_candidates(report, network, layer, quantity, actual), key=lambda c: c.rank)
    # Behind all of them, since a mistake's number may be miswritten too.
    if isinstance(actual, int):
        found += sorted(find_slips(actual, found), key=lambda c: c.rank)
    wrong = gather_by_value(found, right, quantity)
    return Question(right, actual, wrong, Chance({value: many[0].rank for value, many in wrong.items()}, right))


def find_forms(value: Any, quantity: str) -> list[Any]:
    """A value as it may be given: a shape, the size of its map, and the one number for equal axes."""
    if not isinstance(value, tuple):
        return [as_whole(value)]
    value = tuple(map(as_whole, value))
    found = [value]
    along = value[1:] if quantity == "output" and len(value) > 1 else value
    if len(along) > 1 and along != value:
        found.append(along)
    if len(set(along)) == 1:
        found.append(along[0])
    return found


def list_forms(value: Any, actual: Any, quantity: str) -> Iterator[Any]:
    """What an answer may mean, as `forms` has it: without its batch, and with the channels behind the sizes too."""
    if not isinstance(value, tuple):
        yield as_whole(value)
        return
    value = tuple(map(as_whole, value))
    if len(value) == 1:
        yield value[0]
        return
    rank = len(actual) if isinstance(actual, tuple) else 0
    if quantity == "output" and len(value) == rank + 1:
        value = value[1:]
    yield value
    if quantity == "output" and len(value) == rank:
        # As TensorFlow writes it, channels last.
        yield (value[-1], *value[:-1])
    if len(set(value)) == 1 and len(value) < rank:
        yield value[0]


def as_whole(value: Any) -> Any:
    """A whole Fraction as an int."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


def is_sensible(value: Any) -> bool:
    for part in value if isinstance(value, tuple) else (value,):
        if not isinstance(part, (int, Fraction)) or part < 0:
            return False
    return True


def gather_by_value(found: Sequence[Found], right: frozenset[Any], quantity: str) -> dict[Any, list[Found]]:
    """What is found by value, the commonest first; what one mistake explains needs no second."""
    wrong: dict[Any, list[Found]] = {}
    for candidate in found:
        if not is_sensible(candidate.value):
            continue
        for value in find_forms(candidate.value, quantity):
            if value in right:
                continue
            others = wrong.setdefault(value, [])
            if not others or not is_explained(candidate.id, others):
                others.append(candidate)
    return wrong


def is_explained(id: str, others: Sequence[Found]) -> bool:
    """Whether of two mistakes together one gives the same value alone, or both do in the other order."""
    parts = parts_of(id)
    for other in others:
        known = parts_of(other.id)
        if known < parts or (known == parts and len(parts) > 1):
            return True
    return False


@lru_cache(maxsize=4096)
def parts_of(id: str) -> frozenset[str]:
    """The mistakes that an id names: one, or several joined by +."""
    return frozenset(id.split("+"))


def find_slips(right: int, found: Sequence[Found]) -> Iterator[Found]:
    """The right number miswritten; and the number of a mistake that is near at hand."""
    for rank, name, digit, value in miswrite(right):
        yield Found(rank, name, value, digit)
    for c in found:
        if c.rank <= FROM_VARIANTS and type(c.value) is int and "+" not in c.id:
            for rank, name, digit, value in miswrite(c.value):
                if name == "digit_dropped":
                    yield Found(rank + 5, f"{c.id}+{name}", value, digit, c.value)


def find_candidates(report: Report, network: Network, layer: str | None, quantity: str, actual: Any) -> Iterator[Found]:
    """Every mistake in a number of a report."""
    rows = find_places(report, layer)
    # Values are numbered inputs first.
    last = network.graph.outputs[0] - len(report.inputs) if layer is None else rows[-1]
    if quantity == "receptive_field":
        if last >= 0:
            yield from (Found(rank, name, field, "") for rank, name, field in field_mistakes(network.graph, last))
    elif quantity == "output":
        yield from layer_mistakes(report, network, last, "output", 1)
    else:
        yield from find_in_bytes(report, quantity, actual)
        yield from find_in_counts(report, network, layer, rows, quantity, actual)
        if layer is None:
            yield from find_in_other_networks(quantity)


def find_in_other_networks(quantity: str) -> Iterator[Found]:
    """The totals of the bundled networks: people look up the number of a namesake."""
    for name, totals in known_totals().items():
        if totals.get(quantity):
            yield Found(17, "different_architecture", totals[quantity], name)


def find_in_bytes(report: Report, quantity: str, actual: Any) -> Iterator[Found]:
    """Values in place of bytes, bits, and values of another size; the input kept beside the activations."""
    if not quantity.endswith("_bytes") or not isinstance(actual, int):
        return
    size = BYTES[report.settings.dtype]
    if size > 1 and actual % size == 0:
        yield Found(12, "bytes_for_values", actual // size, "")
    elif size == 1:
        # Of a type of one byte, values and bytes are as many: then those of float32 are taken.
        yield Found(14, "bytes_for_values", actual * 4, "")
    yield Found(16, "bits_for_bytes", actual * 8, "")
    for other in {1, 2, 4, 8} - {size, 1}:
        yield Found(18, "another_dtype", actual // size * other, "")
    if quantity == "activation_bytes":
        held = sum(prod(shape) for shape in report.inputs.values()) * report.settings.batch * size
        yield Found(15, "counted_the_input", actual + held, "")


def find_in_counts(
    report: Report, network: Network, layer: str | None, rows: list[int], quantity: str, actual: Any
) -> Iterator[Found]:
    """Mistakes in a count of one layer, or in the sum over several."""
    scale, counted = unit_of(report, quantity)
    if counted is None:
        return
    if len(rows) == 1 and layer is not None:
        if not shares_weights(report, rows[0]) and is_derived(network, rows[0], counted, scale, actual):
            yield from layer_mistakes(report, network, rows[0], counted, scale)
        return
    # Where one term is counted in a way that the derivation does not know, sums of mistakes would be guesses.
    own = [i for i in rows if not shares_weights(report, i)]
    if not all(is_derived(network, i, counted, scale, getattr(report.layers[i], quantity)) for i in own):
        return
    if quantity in ("params", "buffers", "fixed_params", "parameter_bytes"):
        # A layer that uses the weights of another stores none.
        units = {i: 0 if shares_weights(report, i) else scale for i in rows}
    else:
        units = dict.fromkeys(rows, scale)
    yield from sum_mistakes(Sum(network, rows, counted, units))


def shares_weights(report: Report, row: int) -> bool:
    return report.layers[row].weights_of is not None


def is_derived(network: Network, row: int, name: str, scale: int, actual: Any) -> bool:
    """Whether the derivation gives the report's number: not where padding is left out, or nothing is known."""
    found = network.plain[row]
    return found is not None and found.get(name) is not None and found[name] * scale == actual


def find_places(report: Report, layer: str | None) -> list[int]:
    """The rows that are added up; of a block, with the one that gives its result at the end."""
    if layer is None:
        return list(range(len(report.layers)))
    for i, row in enumerate(report.layers):
        if row.name == layer:
            return [i]
    report[layer]  # raises where there is none
    group = report.groups[layer]
    result = group.result - len(report.inputs) if group.result >= len(report.inputs) else group.last - 1
    # The result stands last: the size of a block is that of what it gives.
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
