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


class Trace(NamedTuple):
    facts: Facts
    symbols: Mapping[str, int]


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
    return Trace(facts, known)


def name_letters(layer: Layer, rank: int, made: Callable[[str, int], Traced]) -> Layer:
    """The layer with a symbol for every option that has a letter: one for each axis, also where axes agree."""
    values = dict(vars(layer))
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
    if before == after:
        p = made(f"{letter}{axis}", before)
        return p, p
    return made(f"{letter}{axis}", before), made(f"{letter}{axis}'", after)


def numbers(case: Case) -> Numbers | None:
    """Every quantity of a case under its edits; None where the edited layer cannot be applied."""
    try:
        facts = trace_facts(case.layer, case.shapes).facts
    except CnncalcError:
        return None
    known: dict[int, Number] = {}

    def value(node: Any) -> Number:
        if not isinstance(node, Traced):
            return node
        found = known.get(id(node))
        if found is None:
            if node.name:
                found = case.letters.get(node.name, int(node))
            else:
                parts = [value(part) for part in node.parts]
                found = COMPUTE[case.operators.get(node.operator, node.operator)](parts)
            known[id(node)] = found
        return found

    try:
        output = tuple(value(n) for n in facts.output)
        if case.output is not None:
            output = case.output(output)
            # The counts use the same nodes, and follow.
            for node, new in zip(facts.output, output, strict=False):
                known[id(node)] = new
        result: Numbers = {"output": output, "values": prod(output)}
        for name in ("params", "fixed_params", "buffers", "connections", "macs"):
            result[name] = value(getattr(facts, name))
        result["stored"] = (
            None if None in (result["params"], result["fixed_params"]) else (result["params"] + result["fixed_params"])
        )
        result["flops"] = None
        if facts.macs is not None and facts.work is not None:
            result["flops"] = 2 * result["macs"] + sum(value(n) for n in facts.work.values())
    except ZeroDivisionError:
        return None
    if case.read is not None:
        result.update(case.read(result))
    return result


def _ceil(parts: list[Number]) -> Number:
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
