"""Mistakes in the arithmetic of one layer, as edits of its derivation.

A Case is a layer and what enters it. Its facts are run on numbers that remember (trace.py), with a symbol for every
option and every size, per axis: k0, k1, n0, n1, c, f, b. An edit changes the case: a symbol gets another value, an
operation is taken for another, a size or an option is replaced, another kind stands in the layer's place. Then the
same trees are worked out again. Fractions are allowed on the way: `p -> p/2` is padding on one side alone, `b -> 1/f`
one bias for the whole layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cached_property, lru_cache
from math import prod
from operator import add, floordiv, mod, mul, sub
from typing import Any, NamedTuple

from cnncalc.analysis.derivations.symbols import LETTERS
from cnncalc.errors import CnncalcError
from cnncalc.layers.base import Layer, Shape
from cnncalc.trace import Traced, symbol

Number = Any  # int, or Fraction where an edit leaves one
Numbers = dict[str, Any]  # quantity -> value under an edit; `output` is a tuple
NOTHING: Mapping[str, Any] = {}
CLAIMED = ("params", "fixed_params", "buffers", "connections", "macs")


class _Fields(NamedTuple):
    """What a Case is made of."""

    layer: Layer
    shapes: tuple[Shape, ...]
    flat: Shape | None = None
    direct: bool = False
    letters: Mapping[str, Number] = NOTHING
    operators: Mapping[str, str] = NOTHING
    output: Callable[[tuple[Number, ...]], tuple[Number, ...]] | None = None
    read: Callable[[Numbers], Numbers] | None = None


class Case(_Fields):
    """A layer under edits, on what enters it. Its numbers are worked out once, when they are first asked for.

    flat       the map whose flattening is the input vector, if there is one
    direct     that map, or the input map, is the network's own input
    letters    symbols that have another value
    operators  operations that are taken for another: {"//": "ceil"}
    output     what becomes of the output shape
    read       what is read off in place of the quantities: from all numbers, those that change
    """

    @property
    def sizes(self) -> Shape:
        return self.shapes[0][1:]

    @cached_property
    def bare(self) -> Numbers | None:
        """Every quantity under the edits, before another one is read off; None where the layer cannot be applied."""
        return _numbers(self)

    @cached_property
    def numbers(self) -> Numbers | None:
        """Every quantity under the edits; None where the edited layer cannot be applied. Not to be changed."""
        if self.bare is None or self.read is None:
            return self.bare
        return {**self.bare, **self.read(self.bare)}

    def read_off(self, rule: Callable[[Numbers], Numbers]) -> Case:
        """The same with other numbers read off: what they are read from stays, and is not worked out again."""
        changed = self._replace(read=rule)
        vars(changed)["bare"] = self.bare
        return changed

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
    """One operation on the values at two places of a list, and where its result goes.

    causes  what changes the result where it changes: the bits of symbols, operators, and OUTPUT
    """

    place: int
    operator: str
    left: int
    right: int
    causes: int


OUTPUT = "output"  # beside names of symbols and signs of operators: that another output was put in
# An operation and where it is made: the result's place, what is done, and the places of both parts.
Instruction = tuple[int, Callable[[Number, Number], Number], int, int]


class Trace(NamedTuple):
    """Facts on symbols, and in what order they are worked out.

    symbols  what the symbols stand for
    axes     by letter, its symbols with the axis that each belongs to
    values   all numbers, as the layer is
    named    the places of each symbol
    places   those of the output, and of what else is claimed
    steps    those that lead to the output, and the others
    bits     one for every symbol, operator and OUTPUT
    counts_flops  whether all is known that FLOPs are the sum of
    chosen   by what changes, what is to be done again: filled as it is asked for
    """

    symbols: Mapping[str, int]
    axes: Mapping[str, list[tuple[str, str]]]
    values: list[int]
    named: Mapping[str, list[int]]
    places: Mapping[str, tuple[int, ...]]
    steps: tuple[list[Step], list[Step]]
    bits: Mapping[str, int]
    counts_flops: bool
    chosen: dict[tuple[int, tuple[tuple[str, str], ...]], tuple[list[Instruction], list[Instruction]]]

    def choose(
        self, changed: Iterable[str], operators: Mapping[str, str]
    ) -> tuple[list[Instruction], list[Instruction]]:
        """The steps whose results change with one of these: symbols, operators, OUTPUT; other operators put in."""
        mask = 0
        for name in changed:
            mask |= self.bits.get(name, 0)
        key = mask, tuple(operators.items())
        found = self.chosen.get(key)
        if found is None:
            before, behind = (
                [
                    (s.place, COMPUTE[operators.get(s.operator, s.operator)], s.left, s.right)
                    for s in steps
                    if s.causes & mask
                ]
                for steps in self.steps
            )
            found = self.chosen[key] = (before, behind)
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
    axes: dict[str, list[tuple[str, str]]] = {}
    for name in known:
        letter = name.rstrip("'0123456789")
        axes.setdefault(letter, []).append((name, name.strip("'")[len(letter) :]))
    counts_flops = facts.macs is not None and facts.work is not None
    steps = order.before, order.steps
    return Trace(known, axes, order.values, order.named, places, steps, order.bits, counts_flops, {})


class _Order:
    """Numbers that remember how they were made, as steps in the order in which they can be worked out."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.named: dict[str, list[int]] = {}
        self.before: list[Step] = []
        self.steps: list[Step] = []
        self.known: dict[int, int] = {}  # by identity: a number that is used twice is worked out once
        self.bits: dict[str, int] = {}
        self.causes: list[int] = []  # by place

    def begin_behind(self, output: tuple[int, ...]) -> None:
        """What is placed from here on may use the output, in whose place another may be put."""
        self.before, self.steps = self.steps, []
        for place in output:
            self.causes[place] |= self.bit(OUTPUT)

    def bit(self, cause: str) -> int:
        return self.bits.setdefault(cause, 1 << len(self.bits))

    def place(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Where these stand, behind all that they are made of."""
        known = self.known
        waiting = list(numbers[::-1])  # a sum of thousands of terms is nested as deep
        while waiting:
            number = waiting[-1]
            if not isinstance(number, Traced) or id(number) in known:
                waiting.pop()
                continue
            missing = [part for part in number.parts if isinstance(part, Traced) and id(part) not in known]
            if missing and not number.name:
                waiting += missing[::-1]
            else:
                waiting.pop()
                known[id(number)] = self._add(number)
        return tuple(map(self._of, numbers))

    def _of(self, number: int) -> int:
        """A place; each time another one for what is no result."""
        return self.known[id(number)] if isinstance(number, Traced) else self._append(int(number), 0)

    def _append(self, value: int, causes: int) -> int:
        self.values.append(value)
        self.causes.append(causes)
        return len(self.values) - 1

    def _add(self, number: Traced) -> int:
        if number.name:
            place = self._append(int(number), self.bit(number.name))
            self.named.setdefault(number.name, []).append(place)
            return place
        place, *others = map(self._of, number.parts)
        if not others:  # of one part alone, as a sign
            return self._step(number.operator, place, place)
        # A sum of many terms is made term by term, each other operation has two parts.
        for other in others:
            place = self._step(number.operator, place, other)
        return place

    def _step(self, operator: str, left: int, right: int) -> int:
        """The place of what an operation gives of the values at two places."""
        causes = self.bit(operator) | self.causes[left] | self.causes[right]
        place = self._append(COMPUTE[operator](self.values[left], self.values[right]), causes)
        self.steps.append(Step(place, operator, left, right, causes))
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


def _numbers(case: Case) -> Numbers | None:
    trace = find_trace(case)
    if trace is None:
        return None
    values: list[Number] = trace.values.copy()
    for name, new in case.letters.items():
        for place in trace.named.get(name, ()):
            values[place] = new
    # First what leads to the output, which an edit may replace, then the counts that read it.
    changed = (*case.letters, *case.operators) if case.output is None else (*case.letters, *case.operators, OUTPUT)
    before, behind = trace.choose(changed, case.operators)
    try:
        work_out(before, values)
        output = tuple([values[place] for place in trace.places[OUTPUT]])
        if case.output is not None:
            output = case.output(output)
            # The counts use the same numbers, and follow.
            for place, new in zip(trace.places[OUTPUT], output, strict=False):
                values[place] = new
        work_out(behind, values)
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
    if trace.counts_flops:
        result["flops"] = 2 * result["macs"] + sum([values[place] for place in trace.places["work"]])
    return result


def find_trace(case: Case) -> Trace | None:
    """The layer's facts on symbols; None where it cannot be applied."""
    try:
        return trace_facts(case.layer, case.shapes)
    except CnncalcError:
        return None


def work_out(instructions: list[Instruction], values: list[Number]) -> None:
    """The results of steps, put into their places."""
    for place, compute, left, right in instructions:
        values[place] = compute(values[left], values[right])


COMPUTE: dict[str, Callable[[Number, Number], Number]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "//": floordiv,
    "/": lambda a, b: Fraction(a) / b,
    "ceil": lambda a, b: -(-a // b),  # rounded up, also where an edit has left fractions
    "%": mod,
    "**": pow,
    "neg": lambda a, _same: -a,
}


# Ways in which an edit changes a case. Each gives None where it does not apply.


def letter(name: str, rule: Callable[[Callable[[str], Number]], Number | None]) -> Change:
    """A symbol with another value, on every axis. The rule is given the values of the letters of that axis."""

    def change(case: Case) -> Case | None:
        trace = find_trace(case)
        if trace is None or name not in trace.axes:
            return None
        symbols = trace.symbols
        changed: dict[str, Number] = {}
        for one, axis in trace.axes[name]:

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
    trace = find_trace(case)
    return {} if trace is None else trace.symbols


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
        now = None if case.operators else case.numbers
        new = None if now is None else rule(case, now["output"])
        if now is None or new is None or overlaps(case, now["output"], new):
            return None
        before = case.output or (lambda shape: shape)
        return case._replace(output=lambda shape: rule(case, before(shape)) or before(shape))

    return change


def overlaps(case: Case, now: tuple[Number, ...], new: tuple[Number, ...]) -> bool:
    """Whether an axis of the output would be changed a second time: two mistakes are made on different ones."""
    plain = case._replace(output=None).numbers if case.output is not None else None
    if plain is None or len(plain["output"]) != len(new):
        return case.output is not None
    # An axis that the first edit has changed, and the second would change again.
    return any(a != b != c for a, b, c in zip(plain["output"], now, new, strict=True))


def options(when: Callable[[Layer], bool] = lambda layer: True, **changes: Any) -> Change:
    return lambda case: case.options(**changes) if when(case.layer) else None


def read(rule: Callable[[Numbers, Case], Numbers | None]) -> Change:
    """Another number read off."""

    def change(case: Case) -> Case | None:
        return None if case.read is not None else case.read_off(lambda found: rule(found, case) or {})

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


class Made(NamedTuple):
    """A mistake in a layer: the edit, the layer with it, and what its numbers are then."""

    edit: Edit
    case: Case
    numbers: Numbers


class Mistakes:
    """The mistakes in a layer: one at a time, and two. Each is made when it is first asked for."""

    def __init__(self, case: Case, edits: tuple[Edit, ...]) -> None:
        self.case, self.edits = case, edits
        self._made: dict[int, Made | None] = {}
        self._both: dict[tuple[int, int], Numbers | None] = {}

    def singles(self, quantity: str, most: int | None = None) -> Iterator[Made]:
        """One edit that spoils a quantity and can be made here, of a rank of no more than `most`."""
        return (made for _number, made in self._singles(quantity, most))

    def _singles(self, quantity: str, most: int | None = None) -> Iterator[tuple[int, Made]]:
        for number, edit in enumerate(self.edits):
            if quantity in edit.of and (most is None or edit.rank <= most):
                if number not in self._made:
                    changed = edit.change(self.case)
                    found = None if changed is None else changed.numbers
                    self._made[number] = None if changed is None or found is None else Made(edit, changed, found)
                made = self._made[number]
                if made is not None:
                    yield number, made

    def pairs(self, quantity: str, most: int) -> Iterator[tuple[tuple[Edit, Edit], Numbers]]:
        """Two edits that spoil a quantity, and the numbers then; their ranks add up to no more than `most`."""
        able = [(number, made) for number, made in self._singles(quantity) if made.edit.pairs]
        # In both orders, for an edit may change what another one finds.
        for i, first in able:
            for j, second in able:
                if first.edit.id == second.edit.id or first.edit.rank + second.edit.rank > most:
                    continue
                if (i, j) not in self._both:
                    both = make_both(first, second)
                    self._both[i, j] = None if both is None else both.numbers
                found = self._both[i, j]
                if found is not None:
                    yield (first.edit, second.edit), found


def make_both(first: Made, second: Made) -> Case | None:
    """A layer with two mistakes in it, made in this order; None where the second is none behind the first."""
    if first.case.read is None:
        return second.edit.change(first.case)
    # No change asks what will be read off, so that the second one is made as it is alone.
    return None if second.case.read is not None else second.case.read_off(first.case.read)
