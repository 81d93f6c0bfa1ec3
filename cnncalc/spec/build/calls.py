"""The values that a block's parameters have in one call."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Listed

from cnncalc.errors import OptionError, UnknownValueError, suggest
from cnncalc.language import _
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.scope import Frame
from cnncalc.spec.expressions import Value, parse_value, work_out
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
    # Counted, not raised: so all that is wrong with a call is reported at once.
    problems = len(draft.problems)
    given = match_arguments(step, arguments, list(params), draft, frame)
    if given is None:
        return None
    # Filled in order: a default may speak of the parameters before it, and not of those behind.
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
            # What a call gives is worked out where the call stands, a default inside the block.
            known = frame.scope if name in given else scope
            scope[name] = parse_value(work_out(value.value, known))
        except UnknownValueError:
            return None
        except OptionError as error:
            draft.note(_("{name}: {text}", name=name, text=error.problem), value.position, error.hint, frame)
            return None
    return scope if len(draft.problems) == problems else None


def match_arguments(
    step: CallStep, arguments: Listed[Argument], names: list[str], draft: Draft, frame: Frame
) -> dict[str, Argument] | None:
    """The arguments of a call by the parameters that they are for; a wrong one is noted.

    None where the call is none: the block's name stands in front of another step.
    """
    given: dict[str, Argument] = {}
    # Values without a name are taken in the order in which the block names its parameters.
    free = iter(names)
    unnamed = [str(argument.value) for argument in arguments if argument.name is None]
    for i, argument in enumerate(arguments):
        name = argument.name if argument.name is not None else next(free, None)
        where = argument.name_position or argument.position
        # Only the first key, or a value that nothing is left for, is suspected: others are options of that step.
        misread = advice.are_steps(unnamed) if name is None else i == 0 and is_step_key(argument, names)
        if misread:
            note_name(step, draft, frame)
            return None
        if name is None:
            hint = advice.surplus_argument(str(argument.value), names)
            draft.note(_("one value too many for block {block}", block=step.block), where, hint, frame)
            break
        if name not in names:
            own = _("its parameters: {names}", names=", ".join(names)) if names else _("it has none")
            problem = _("block {block} has no parameter '{name}'", block=step.block, name=name[:40])
            draft.note(problem, where, suggest(name, names) or own, frame)
        # Behind the call's own arguments come those of `first:` and `last:`, which are there to replace them.
        elif name in given and i < len(step.arguments):
            surplus = advice.surplus_argument(str(argument.value), names) if argument.name is None else None
            problem = _("{name} is given twice to block {block}", name=name, block=step.block)
            draft.note(problem, where, surplus or _("keep one of them"), frame)
        else:
            given[name] = argument
    return given


def is_step_key(argument: Argument, names: Listed[str]) -> bool:
    """Whether a key beside a block is that of another step: `{head: {conv: 6, kernel: 5}}`."""
    name = argument.name
    return name is not None and argument.name_position is not None and name not in names and advice.are_steps([name])


def note_name(step: CallStep, draft: Draft, frame: Frame) -> None:
    """A block's name in front of another step: `head: conv 6 k5` beside a block called head."""
    problem = _("'{block}' cannot be a step's name: it is a block", block=step.block)
    draft.note(problem, step.position, _("choose another name, {block}_1: ...", block=step.block), frame)
