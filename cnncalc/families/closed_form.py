"""The formula that a question asked backwards comes down to: `(32 + 2 p - k) / s + 1 = 28`.

What is sought stands in it as letters. It is what the network's own arithmetic left behind for one member, with the
known numbers brought together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from cnncalc.analysis.derivations.lines import Line
from cnncalc.families.conditions import Condition
from cnncalc.families.family import Family
from cnncalc.families.tape import PARAMETER, Operand, Step, Tape
from cnncalc.trace import Traced, symbol, symbols_in

LONGEST = 60  # characters of a formula that is still read at a glance
OPERATIONS: dict[Any, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
}  # what is written with signs; of others nothing is shown


def closed_forms(family: Family, member: Mapping[str, Any], conditions: list[Condition]) -> list[str]:
    """A line for each condition whose formula is short: the formula with letters, the relation, the number.

    member  the values of one member that is a network; the formula holds for those that go the same way
    """
    # A condition on a parameter itself needs no formula.
    names = [condition.name for condition in conditions if condition.name not in member]
    tape, values, answers = family.formulas(member, names)
    lines = []
    for condition in conditions:
        formula = answers.get(condition.name)
        if formula is None:
            continue
        wanted = condition.value if isinstance(condition.value, tuple) else (condition.value,) * len(formula.parts)
        pairs = zip(formula.parts, wanted, strict=True) if len(wanted) == len(formula.parts) else ()
        # The axes of a square map have one formula, which is shown once.
        for operand, value in dict.fromkeys(pairs):
            text = formula_text(tape, operand, values)
            if text is not None and not isinstance(value, str):
                number = f"{value:,}" if isinstance(value, int) else value
                lines.append(f"{condition.name}: {text} {condition.relation} {number}")
    return list(dict.fromkeys(lines))


def formula_text(tape: Tape, operand: Operand | Fraction | None, values: Mapping[str, int]) -> str | None:
    """A step of a tape as a formula of its parameters; None where it is none of them, or long."""
    if not isinstance(operand, Step):
        return None
    number = as_traced(tape, operand, values)
    if not isinstance(number, Traced):
        return None
    text = Line("", number, free=frozenset(s.name for s in symbols_in(number))).formula()
    return text if len(text) <= LONGEST else None


def as_traced(tape: Tape, operand: Operand, values: Mapping[str, int]) -> int | None:
    """The step as a number that knows its formula; None where an operation in it has no sign."""
    known: dict[int, int | None] = {}
    for number in steps_below(tape, operand):
        operation, operands = tape.steps[number]
        if operation == PARAMETER:
            known[number] = symbol(letter_of(operands[0]), values[operands[0]])
            continue
        parts = [known[part.number] if isinstance(part, Step) else part for part in operands]
        if operation not in OPERATIONS or None in parts:
            known[number] = None
        else:
            known[number] = OPERATIONS[operation](*parts)
    return known[operand.number]


def steps_below(tape: Tape, operand: Step) -> list[int]:
    """The steps that a step is made of, and itself, each behind its own operands."""
    found: set[int] = set()
    stack = [operand.number]
    while stack:
        number = stack.pop()
        if number not in found:
            found.add(number)
            stack += [part.number for part in tape.steps[number][1] if isinstance(part, Step)]
    # Steps are numbered as they were made: operands come before what is made of them.
    return sorted(found)


def letter_of(parameter: str) -> str:
    """The letter for a parameter: of the sizes of an input, which vary together, `n`."""
    return "n" if parameter.startswith("input") and parameter.endswith("]") else parameter
