"""The values that a block's parameters have in one call."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Listed

from cnncalc.errors import OptionError, UnknownValueError, suggest
from cnncalc.spec import advice
from cnncalc.spec.draft import Draft
from cnncalc.spec.expressions import Value, parse_value, worked_out
from cnncalc.spec.scope import Frame
from cnncalc.spec.steps import Argument, CallStep


def block_scope(
    step: CallStep,
    arguments: Listed[Argument],
    params: Mapping[str, Argument | None],
    network: Mapping[str, Value],
    draft: Draft,
    frame: Frame,
) -> dict[str, Value] | None:
    """The names known inside a call: the network's parameters, and the block's own, which outrank them.

    Values without a name go to the block's `params` in order; what is not given has its default. None if
    one is wrong, which is noted in the draft.
    """
    names = list(params)
    given: dict[str, Argument] = {}
    problems = len(draft.problems)
    positional = 0
    for i, argument in enumerate(arguments):
        name = argument.name
        where = argument.name_position or argument.position
        if name is None:
            if positional == len(names) and advice.are_steps([str(a.value) for a in arguments if a.name is None]):
                note_name(step, draft, frame)
                return None
            if positional == len(names):
                hint = advice.surplus_argument(str(argument.value), names)
                draft.note(f"one value too many for block {step.block}", where, hint, frame)
                break
            name = names[positional]
            positional += 1
        if name not in params and i == 0 and argument.name_position and advice.are_steps([name]):
            note_name(step, draft, frame)
            return None
        if name not in params:
            hint = suggest(name, names) or (f"its parameters: {', '.join(names)}" if names else "it has none")
            draft.note(f"block {step.block} has no parameter '{name[:40]}'", where, hint, frame)
        elif name in given and i < len(step.arguments):
            hint = "keep one of them"
            if argument.name is None:
                hint = advice.surplus_argument(str(argument.value), names)
            draft.note(f"{name} is given twice to block {step.block}", where, hint, frame)
        else:
            given[name] = argument
    scope = dict(network)
    for name, default in params.items():
        value = given.get(name, default)
        if value is None and len(draft.problems) > problems:
            return None  # what is missing may be what is misspelt
        if value is None:
            hint = f"for example {step.block} {name}=64"
            draft.note(f"block {step.block} needs its parameter '{name}'", step.position, hint, frame)
            continue
        try:
            known = frame.scope if name in given else scope
            scope[name] = parse_value(worked_out(value.value, known))
        except UnknownValueError:
            return None
        except OptionError as error:
            draft.note(f"{name}: {error.problem}", value.position, error.hint, frame)
            return None
    return scope if len(draft.problems) == problems else None


def note_name(step: CallStep, draft: Draft, frame: Frame) -> None:
    """A block's name in front of another step: `head: conv 6 k5` beside a block called head."""
    problem = f"'{step.block}' cannot be a step's name: it is a block"
    draft.note(problem, step.position, f"choose another name, {step.block}_1: ...", frame)
