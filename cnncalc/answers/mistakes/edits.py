"""Mistakes in the arithmetic of one layer, as edits of its derivation.

A Case is a layer and what enters it. Its facts are run on numbers that remember (trace.py), with a symbol for every
option and every size, per axis: k0, k1, n0, n1, c, f, b. An edit changes the case: a symbol gets another value, an
operation is taken for another, a size or an option is replaced, another kind stands in the layer's place. Then the
same trees are worked out again. Fractions are allowed on the way: `p -> p/2` is padding on one side alone, `b -> 1/f`
one bias for the whole layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

from cnncalc.analysis.derivations.symbols import LETTERS
from cnncalc.errors import CnncalcError
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.trace import Traced, symbol

Number = Any  # int, or Fraction where an edit leaves one
Numbers = dict[str, Any]  # quantity -> value under an edit; `output` is a tuple
NOTHING: Mapping[str, Any] = {}
CLAIMED = ("params", "fixed_params", "buffers", "connections", "macs")


class Case(NamedTuple):
    """A layer under edits, on what enters it.

    flat       the map whose flattening is the input vector, if there is one
    direct     that map, or the input map, is the network's own input
    letters    symbols that have another value
    operators  operations that are taken for another: {"//": "ceil"}
    output     what becomes of the output shape
    read       what is read off in place of the quantities: from all numbers, those that change
    """

    layer: Layer
    shapes: tuple[Shape, ...]
    flat: Shape | None = None
    direct: bool = False
    letters: Mapping[str, Number] = NOTHING
    operators: Mapping[str, str] = NOTHING
    output: Callable[[tuple[Number, ...]], tuple[Number, ...]] | None = None
    read: Callable[[Numbers], Numbers] | None = None

    @property
    def sizes(self) -> Shape:
        return self.shapes[0][1:]

    def options(self, **changes: Any) -> Case | None:
        """Options with other values; None if the layer has them already, or does not have them."""
        mine = vars(self.layer)
        if any(name not in mine for name in changes) or all(mine[name] == value for name, value in changes.items()):
            return None
        return self._replace(layer=self.layer.replace(**changes))


Change = Callable[[Case], Case | None]


class Edit(NamedTuple):
    """A mistake: its id in the catalogue, how far-fetched it is, the quantities it can spoil, and what it changes."""

    id: str
    rank: int
    of: frozenset[str]
    change: Change
    pairs: bool = True  # may be made together with another


class Step(NamedTuple):
    """One operation on values that stand at places of a list, and where its result goes.

    causes  what changes the result where it changes: symbols, operators, and OUTPUT
    """

    place: int
    operator: str
    parts: tuple[int, ...]
    causes: frozenset[str]


OUTPUT = "output"  # beside names of symbols and signs of operators: that another output was put in


class Trace(NamedTuple):
    """Facts on symbols, and in what order they are worked out.

    symbols  what the symbols stand for
    values   all numbers, as the layer is
    named    the places of each symbol
    places   those of the output, and of what else is claimed
    steps    those that lead to the output, and the others
    chosen   by what changes, the steps whose results do: filled as it is asked for
    """

    facts: Facts
    symbols: Mapping[str, int]
    values: list[int]
    named: Mapping[str, list[int]]
    places: Mapping[str, tuple[int, ...]]
    steps: tuple[list[Step], list[Step]]
    chosen: dict[frozenset[str], tuple[list[Step], list[Step]]]

    def choose(self, changed: frozenset[str]) -> tuple[list[Step], list[Step]]:
        """The steps whose results change with one of these: symbols, operators, OUTPUT."""
        found = self.chosen.get(changed)
        if found is None:
            before, behind = ([step for step in steps if step.causes & changed] for steps in self.steps)
            found = self.chosen[changed] = (before, behind)
        return found


@lru_cache(maxsize=4096)
def trace_facts(layer: Layer, shapes: tuple[Shape, ...]) -> Trace:
    """The facts on symbols, and the values of these. Raises ShapeError."""
    known: dict[str, int] = {}

    def insert(name: str, value: int) -> Traced:
        known[name] = int(value)
        return symbol(name, value)

    first = shapes[0]
    if len(first) == 1:
        entered: Shape = (insert("n", first[0]),)
    else:
        entered = (insert("c", first[0]), *(insert(f"n{i}", n) for i, n in enumerate(first[1:])))
    facts = name_letters(layer, len(first) - 1, insert).facts(entered, *shapes[1:])
    order = _Order()
    places = {OUTPUT: order.place(facts.output)}
    order.begin_behind(places[OUTPUT])
    for name in CLAIMED:
        claimed = getattr(facts, name)
        places[name] = () if claimed is None else order.place((claimed,))
    places["work"] = order.place(tuple((facts.work or {}).values()))
    return Trace(facts, known, order.values, order.named, places, (order.before, order.steps), {})


class _Order:
    """Numbers that remember how they were made, as steps in the order in which they can be worked out."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.named: dict[str, list[int]] = {}
        self.before: list[Step] = []
        self.steps: list[Step] = []
        self.known: dict[int, int] = {}  # by identity: a number that is used twice is worked out once
        self.causes: dict[int, frozenset[str]] = {}

    def begin_behind(self, output: tuple[int, ...]) -> None:
        """What is placed from here on may use the output, in whose place another may be put."""
        self.before, self.steps = self.steps, []
        for place in output:
            self.causes[place] = self.causes.get(place, frozenset()) | {OUTPUT}

    def place(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Where these stand, behind all that they are made of."""
        waiting = list(numbers[::-1])  # a sum of thousands of terms is nested as deep
        while waiting:
            number = waiting[-1]
            parts = getattr(number, "parts", ())
            missing = [part for part in parts if isinstance(part, Traced) and id(part) not in self.known]
            if not isinstance(number, Traced) or id(number) in self.known:
                waiting.pop()
            elif missing and not number.name:
                waiting += missing[::-1]
            else:
                waiting.pop()
                self.known[id(number)] = self._add(number)
        return tuple(map(self._of, numbers))

    def _of(self, number: int) -> int:
        """A place; each time another one for what is no result."""
        return self.known[id(number)] if isinstance(number, Traced) else self._append(number)

    def _append(self, number: int) -> int:
        self.values.append(int(number))
        return len(self.values) - 1

    def _add(self, number: Traced) -> int:
        if number.name:
            place = self._append(number)
            self.named.setdefault(number.name, []).append(place)
            self.causes[place] = frozenset((number.name,))
            return place
        parts = tuple(map(self._of, number.parts))
        place = self._append(number)
        causes = frozenset((number.operator,)).union(*(self.causes.get(part, ()) for part in parts))
        self.causes[place] = causes
        self.steps.append(Step(place, number.operator, parts, causes))
        return place


def name_letters(layer: Layer, rank: int, made: Callable[[str, int], Traced]) -> Layer:
    """The layer with a symbol for every option that has a letter: one for each axis, also where axes agree."""
    values = dict(vars(layer))
    # A pool without a stride moves by its kernel: a symbol of its own, for one may be mistaken without the other.
    if "stride" in values and values["stride"] is None:
        values["stride"] = values["kernel"]
    changes: dict[str, Any] = {}
    # Axes that agree have a symbol each: a mistake may be made along one of them.
    for name, value in values.items():
        letter = LETTERS.get(name)
        if letter is None or value is None or isinstance(value, (str, float)):
            continue
        if isinstance(value, bool):
            if name == "bias":
                changes[name] = made("b", int(value))
        elif isinstance(value, int):
            changes[name] = made(letter, value)
        elif isinstance(value, tuple):
            along = value * rank if len(value) == 1 else value
            changes[name] = tuple(_on_axis(letter, i, v, made) for i, v in enumerate(along))
    return layer.replace(**changes)


def _on_axis(letter: str, axis: int, value: Any, made: Callable[[str, int], Traced]) -> Any:
    if not isinstance(value, tuple):
        return made(f"{letter}{axis}", value)
    before, after = value
    # One symbol, so that a mistake is made on both sides.
    if before == after:
        p = made(f"{letter}{axis}", before)
        return p, p
    return made(f"{letter}{axis}", before), made(f"{letter}{axis}'", after)


def numbers(case: Case) -> Numbers | None:
    """Every quantity of a case under its edits; None where the edited layer cannot be applied."""
    try:
        trace = trace_facts(case.layer, case.shapes)
    except CnncalcError:
        return None
    values: list[Number] = trace.values.copy()
    changed = {*case.letters, *case.operators}
    if case.output is not None:
        changed.add(OUTPUT)
    for name, new in case.letters.items():
        for place in trace.named.get(name, ()):
            values[place] = new
    # First what leads to the output, which an edit may replace, then the counts that read it.
    before, behind = trace.choose(frozenset(changed))
    try:
        work_out(before, values, case.operators)
        output = tuple(values[place] for place in trace.places[OUTPUT])
        if case.output is not None:
            output = case.output(output)
            # The counts use the same numbers, and follow.
            for place, new in zip(trace.places[OUTPUT], output, strict=False):
                values[place] = new
        work_out(behind, values, case.operators)
    except ZeroDivisionError:
        # An edit may leave a stride or a divisor of 0.
        return None
    result: Numbers = {"output": output, "values": prod(output)}
    for name in CLAIMED:
        place_of = trace.places[name]
        result[name] = values[place_of[0]] if place_of else None
    result["stored"] = (
        None if None in (result["params"], result["fixed_params"]) else (result["params"] + result["fixed_params"])
    )
    result["flops"] = None
    if trace.facts.macs is not None and trace.facts.work is not None:
        result["flops"] = 2 * result["macs"] + sum(values[place] for place in trace.places["work"])
    if case.read is not None:
        result.update(case.read(result))
    return result


def work_out(steps: list[Step], values: list[Number], operators: Mapping[str, str]) -> None:
    """The results of steps, put into their places."""
    for place, operator, parts, _causes in steps:
        values[place] = COMPUTE[operators.get(operator, operator)]([values[part] for part in parts])


def _ceil(parts: list[Number]) -> Number:
    # Rounded up, also where an edit has left fractions.
    return -(-parts[0] // parts[1])


COMPUTE: dict[str, Callable[[list[Number]], Number]] = {
    "+": sum,
    "-": lambda parts: parts[0] - parts[1],
    "*": lambda parts: parts[0] * parts[1],
    "//": lambda parts: parts[0] // parts[1],
    "/": lambda parts: Fraction(parts[0]) / parts[1],
    "ceil": _ceil,
    "%": lambda parts: parts[0] % parts[1],
    "**": lambda parts: parts[0] ** parts[1],
    "neg": lambda parts: -parts[0],
}


# Ways in which an edit changes a case. Each gives None where it does not apply.


def letter(name: str, rule: Callable[[Callable[[str], Number]], Number | None]) -> Change:
    """A symbol with another value, on every axis. The rule is given the values of the letters of that axis."""

    def change(case: Case) -> Case | None:
        symbols = values_of_symbols(case)
        changed: dict[str, Number] = {}
        for one in symbols:
            if one.rstrip("'0123456789") != name:
                continue
            axis = one.strip("'")[len(name) :]

            def get(other: str, axis: str = axis) -> Number:
                key = other + axis if other + axis in symbols else other
                return case.letters.get(key, symbols.get(key, 0))

            new = rule(get)
            if new is not None and new != symbols[one]:
                changed[one] = new
        if not changed or changed.keys() & case.letters.keys():
            return None
        return case._replace(letters={**case.letters, **changed})

    return change


def values_of_symbols(case: Case) -> Mapping[str, int]:
    """The symbols of a case and what they stand for; empty where the layer cannot be applied."""
    try:
        return trace_facts(case.layer, case.shapes).symbols
    except CnncalcError:
        return {}


def operators(**taken: str) -> Change:
    """An operation for another."""
    taken = {{"floor": "//"}.get(name, name): other for name, other in taken.items()}

    def change(case: Case) -> Case | None:
        if case.operators or case.output is not None or not slides(case):
            return None
        return case._replace(operators=taken)

    return change


def output(rule: Callable[[Case, tuple[Number, ...]], tuple[Number, ...] | None]) -> Change:
    """Another output shape; the rule is given the one that comes out, channels first."""

    def change(case: Case) -> Case | None:
        now = None if case.operators else numbers(case)
        new = None if now is None else rule(case, now["output"])
        if now is None or new is None or overlaps(case, now["output"], new):
            return None
        before = case.output or (lambda shape: shape)
        return case._replace(output=lambda shape: rule(case, before(shape)) or before(shape))

    return change


def overlaps(case: Case, now: tuple[Number, ...], new: tuple[Number, ...]) -> bool:
    """Whether an axis of the output would be changed a second time: two mistakes are made on different ones."""
    plain = numbers(case._replace(output=None)) if case.output is not None else None
    if plain is None or len(plain["output"]) != len(new):
        return case.output is not None
    # An axis that the first edit has changed, and the second would change again.
    return any(a != b != c for a, b, c in zip(plain["output"], now, new, strict=True))


def options(when: Callable[[Layer], bool] = lambda layer: True, **changes: Any) -> Change:
    return lambda case: case.options(**changes) if when(case.layer) else None


def read(rule: Callable[[Numbers, Case], Numbers | None]) -> Change:
    """Another number read off."""

    def change(case: Case) -> Case | None:
        return None if case.read is not None else case._replace(read=lambda found: rule(found, case) or {})

    return change


def kind(names: tuple[str, ...], other: str, **given: Callable[[Case], Any]) -> Change:
    """Another kind of layer in its place, with the options that both have and those that are given."""

    def change(case: Case) -> Case | None:
        if case.layer.kind not in names or case.layer.kind == other:
            return None
        cls = layer_class(other)
        mine = {name: value for name, value in vars(case.layer).items() if name in cls.options}
        mine |= {name: make(case) for name, make in given.items()}
        if mine.get("stride", 0) is None:
            mine["stride"] = mine["kernel"]
        return case._replace(layer=cls(kind=other, **mine))

    return change


def layer_class(name: str) -> type[Layer]:
    from cnncalc.layers import KINDS

    return KINDS[name].load()


def slides(case: Case) -> bool:
    return "kernel" in vars(case.layer)


def has_filters(case: Case) -> bool:
    """A layer with filters, as against one that only pools."""
    return "filters" in vars(case.layer) or "multiplier" in vars(case.layer)


def apply_edits(case: Case, edits: tuple[Edit, ...], most: int) -> Iterator[tuple[tuple[Edit, ...], Numbers]]:
    """What every edit makes of a case, and every pair of edits whose ranks add up to no more than `most`."""
    single: list[tuple[Edit, Case]] = []
    for edit in edits:
        changed = edit.change(case)
        found = None if changed is None else numbers(changed)
        if changed is not None and found is not None:
            yield (edit,), found
            single.append((edit, changed))
    # In both orders, for an edit may change what another one finds.
    for first, changed in single:
        for second, _case in single:
            if first.id == second.id or not (first.pairs and second.pairs and first.of & second.of):
                continue
            if first.rank + second.rank > most:
                continue
            both = second.change(changed)
            found = None if both is None else numbers(both)
            if found is not None:
                yield (first, second), found
