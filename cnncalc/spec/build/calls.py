"""The values that a block's parameters have in one call."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Listed

from cnncalc.errors import OptionError, UnknownValueError, suggest
from cnncalc.language import _
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.scope import Frame
from cnncalc.spec.expressions import Value, parse_value, worked_out
from cnncalc.spec.read import advice
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
                draft.note(_("one value too many for block {block}", block=step.block), where, hint, frame)
                break
            name = names[positional]
            positional += 1
        if name not in params and i == 0 and argument.name_position and advice.are_steps([name]):
            note_name(step, draft, frame)
            return None
        if name not in params:
            hint = suggest(name, names) or (
                _("its parameters: {names}", names=", ".join(names)) if names else _("it has none")
            )
            draft.note(
                _("block {block} has no parameter '{name}'", block=step.block, name=name[:40]), where, hint, frame
            )
        elif name in given and i < len(step.arguments):
            hint = _("keep one of them")
            if argument.name is None:
                hint = advice.surplus_argument(str(argument.value), names)
            draft.note(_("{name} is given twice to block {block}", name=name, block=step.block), where, hint, frame)
        else:
            given[name] = argument
    scope = dict(network)
    for name, default in params.items():
        value = given.get(name, default)
        if value is None and len(draft.problems) > problems:
            return None  # what is missing may be what is misspelt
        if value is None:
            hint = _("for example {block} {name}=64", block=step.block, name=name)
            draft.note(
                _("block {block} needs its parameter '{name}'", block=step.block, name=name), step.position, hint, frame
            )
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
    problem = _("'{block}' cannot be a step's name: it is a block", block=step.block)
    draft.note(problem, step.position, _("choose another name, {block}_1: ...", block=step.block), frame)
