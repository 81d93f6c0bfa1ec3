"""What a block does, line by line, and what blocks of one kind have in common: from these a class is written.

A line is a layer with what stands behind it, `conv 64 k3 bn relu`. Blocks that differ in numbers alone are one class
with parameters; a line that some of them leave out (the projection of a residual) is a line that is perhaps there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.interop.python.text import Argument, Call, Code, Names, identifier, structure, values_in, with_values


class Line(NamedTuple):
    """One line of a block.

    name     of its result, inside the block
    modules  attribute to the call that makes it
    use      an expression: {0}, {1}, ... are what it reads, {name} a value of `values`; or what its writer knows
    reads    names of lines, or `in0`, `in1`, ... for what enters the block
    infix    `use` is an operator that may need brackets
    """

    name: str
    modules: Mapping[str, Call]
    use: Any
    reads: tuple[str, ...]
    values: Mapping[str, Any] = {}


class Body(NamedTuple):
    """A block: its lines in the order in which they run, how many values enter, which lines' results leave."""

    lines: tuple[Line, ...]
    entries: int
    results: tuple[str, ...]


def without(body: Body, missing: set[str]) -> Body | None:
    """The block without some lines, whose readers then read what these would have. None if one reads several."""
    passed: dict[str, str] = {}
    lines = []
    for line in body.lines:
        reads = tuple(passed.get(name, name) for name in line.reads)
        if line.name not in missing:
            lines.append(line._replace(reads=reads))
        elif len(reads) == 1:
            passed[line.name] = reads[0]
        else:
            return None
    return Body(tuple(lines), body.entries, tuple(passed.get(name, name) for name in body.results))


def alike(one: Body, other: Body) -> bool:
    """Whether two blocks differ in numbers alone."""
    return bool(outline(one) == outline(other))


def outline(body: Body) -> Any:
    """What a block has besides numbers."""
    lines = tuple(
        (line.name, tuple((a, structure(m)) for a, m in line.modules.items()), line.use, line.reads, tuple(line.values))
        for line in body.lines
    )
    return lines, body.entries, body.results


class Parameter(NamedTuple):
    """A parameter of a class, with its value in every block; a default where it has one."""

    name: str
    values: tuple[Any, ...]
    default: Any = None
    optional: bool = False


class Template(NamedTuple):
    """The class of several blocks.

    body        of the largest; values that differ are `Code` with a parameter in them
    parameters  of the class
    flags       line to the parameter that says whether it is there
    """

    body: Body
    parameters: tuple[Parameter, ...]
    flags: Mapping[str, str]

    def arguments(self, number: int) -> tuple[Argument, ...]:
        """Of the call that makes block `number`."""
        return tuple(
            Argument(p.name, p.values[number], p.default) if p.optional else Argument(p.name, p.values[number])
            for p in self.parameters
        )


def group(bodies: Sequence[Body]) -> list[tuple[int, list[int]]]:
    """Which blocks are one class: for each class its largest block, and all that belong to it."""
    classes: list[tuple[int, list[int]]] = []
    # Largest first: each smaller one is compared with the largest less the lines that it lacks.
    for number in sorted(range(len(bodies)), key=lambda n: -len(bodies[n].lines)):
        body = bodies[number]
        for largest, members in classes:
            whole = bodies[largest]
            missing = {line.name for line in whole.lines} - {line.name for line in body.lines}
            rest = without(whole, missing) if missing else whole
            if rest is not None and alike(rest, body):
                members.append(number)
                break
        else:
            classes.append((number, [number]))
    return [(largest, sorted(members)) for largest, members in sorted(classes, key=lambda c: min(c[1]))]


def template(bodies: Sequence[Body], largest: int, common: Callable[[str], str]) -> Template:
    """One class for blocks that `group` has put together. `common` gives the name of an argument's parameter."""
    whole = bodies[largest]
    known = [{line.name: line for line in body.lines} for body in bodies]
    found = Parameters(len(bodies), common)
    flags = {}
    # Lines that the same blocks leave out have one flag: a projection and the normalisation behind it.
    present: dict[tuple[bool, ...], str] = {}
    for line in whole.lines:
        there = tuple(line.name in lines for lines in known)
        if not all(there):
            if there not in present:
                present[there] = found.flag(f"has_{line.name}", there)
            flags[line.name] = present[there]
    slots = []
    for line in whole.lines:
        of_blocks = [lines.get(line.name) for lines in known]
        for attribute, module in line.modules.items():
            columns = [None if b is None else [v for _a, v in values_in(b.modules[attribute])] for b in of_blocks]
            for i, (argument, _value) in enumerate(values_in(module)):
                slots.append(Slot(attribute, argument, tuple(None if c is None else c[i] for c in columns)))
        for name in line.values:
            column = tuple(None if b is None else b.values[name] for b in of_blocks)
            slots.append(Slot(line.name, Argument(name, None), column))
    found.work_out(slots)
    # fill() below must meet the numbers in the order in which the loop above has met them.
    replaced = iter(slots)

    def fill(line: Line) -> Line:
        modules = {}
        for attribute, module in line.modules.items():
            texts = [found.text(next(replaced)) for _pair in values_in(module)]
            modules[attribute] = with_values(module, iter(texts))
        values = {name: found.text(next(replaced)) for name in line.values}
        return line._replace(modules=modules, values=values)

    lines = tuple(fill(line) for line in whole.lines)
    return Template(whole._replace(lines=lines), found.order(), flags)


class Slot(NamedTuple):
    """A number in a block: where it stands, and its value in each block; None in a block that has not got the line."""

    owner: str
    argument: Argument
    values: tuple[Any, ...]

    @property
    def fixed(self) -> bool:
        """Whether it is the same in all blocks that have it."""
        # By repr, as True and 1 are equal in Python.
        return len({repr(v) for v in self.values if v is not None}) <= 1


class Parameters:
    """The parameters with which the numbers of blocks are said: as few as there are."""

    def __init__(self, blocks: int, common: Callable[[str], str]) -> None:
        self.blocks = blocks
        self.common = common
        self.names = Names({"self", "super", "nn", "torch", "F", "x", "keras", "layers"})
        self.found: list[Parameter] = []
        self.texts: dict[int, Code] = {}

    def flag(self, name: str, there: tuple[bool, ...]) -> str:
        """A parameter that says whether a line is there."""
        parameter = Parameter(self.names(identifier(name)), there, default=False, optional=True)
        self.found.append(parameter)
        return parameter.name

    def work_out(self, slots: Sequence[Slot]) -> None:
        """Say each number that differs by a parameter; those that every block has come first."""
        varied = [slot for slot in slots if not slot.fixed]
        for slot in sorted(varied, key=lambda s: None in s.values):
            self.texts[id(slot)] = self.expression(slot.values) or self.new(slot, varied)

    def text(self, slot: Slot) -> Any:
        """What is written in a slot: its number, or an expression of parameters."""
        if slot.fixed:
            return next(v for v in slot.values if v is not None)
        return self.texts[id(slot)]

    def expression(self, values: tuple[Any, ...]) -> Code | None:
        """The values as a parameter, a multiple, a fraction, or a sum of two."""
        for p in self.found:
            if fits(values, p.values):
                return Code(p.name)
        numbers = [p for p in self.found if all(type(v) is int and v > 0 for v in p.values)]
        if not all(v is None or (type(v) is int and v > 0) for v in values):
            return None
        # One block proposes the factor and the others must agree: (64, 128) makes (256, 512) 4 * channels.
        at = next(i for i, v in enumerate(values) if v is not None)
        for p in numbers:
            k, rest = divmod(values[at], p.values[at])
            if not rest and k > 1 and fits(values, tuple(k * v for v in p.values)):
                return Code(f"{k} * {p.name}")
            # In the line below -1 fits nothing, as all numbers here are above 0.
            k, rest = divmod(p.values[at], values[at])
            if not rest and k > 1 and fits(values, tuple(v // k if v % k == 0 else -1 for v in p.values)):
                return Code(f"{p.name} // {k}")
        for i, p in enumerate(numbers):
            for q in numbers[i + 1 :]:
                if fits(values, tuple(a + b for a, b in zip(p.values, q.values, strict=True))):
                    return Code(f"{p.name} + {q.name}")
        return None

    def new(self, slot: Slot, varied: Sequence[Slot]) -> Code:
        """A parameter of its own for a number, with a name that tells it from its rivals."""
        # `channels` where one width says all others; `conv1_channels` where there are several.
        name = self.common(slot.argument.name)
        rivals = [s for s in varied if self.common(s.argument.name) == name and not fits(s.values, slot.values)]
        several = any(p.name.endswith("_channels") and p.name != "in_channels" for p in self.found)
        several = several or any(None not in s.values and not self.is_derived(s, slot) for s in rivals)
        if (name == "channels" and several) or name in self.names.taken:
            name = f"{slot.owner}_{name}"
        first = next(v for v in slot.values if v is not None)
        values = tuple(first if v is None else v for v in slot.values)
        name = identifier(name)
        default = slot.argument.default
        optional = any(repr(v) == repr(default) for v in values)
        self.found.append(Parameter(self.names(name), values, default if optional else None, optional))
        return Code(self.found[-1].name)

    def is_derived(self, slot: Slot, by: Slot) -> bool:
        """Whether a number would follow from another's parameter, or from one that is there."""
        if self.expression(slot.values) is not None:
            return True
        try:
            ratios = {a * 1000 // b for a, b in zip(slot.values, by.values, strict=True)}
        except (TypeError, ZeroDivisionError):
            return False
        return len(ratios) == 1

    def order(self) -> tuple[Parameter, ...]:
        """The parameters in the order of the signature."""
        # Python wants what has a default behind what has none; flags come last.
        return tuple(sorted(self.found, key=lambda p: (p.optional, p.optional and type(p.default) is bool)))


def fits(values: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether these are the values, wherever a block has one."""
    # True == 1 in Python: the flag `bias` is not to be said by a stride.
    return all(v is None or (type(v) is type(o) and v == o) for v, o in zip(values, others, strict=True))
