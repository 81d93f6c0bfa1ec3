"""From a document to a graph: parameters and inputs fixed, steps unrolled, outputs and expectations found."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from math import inf
from typing import Any, cast

from cnncalc.errors import OptionError, Position, Problem, SpecError, SpecWarning, UnknownValueError, describe, suggest
from cnncalc.graph import Claims, Expectation, Graph
from cnncalc.graph_builder import MAX_OPERATIONS, TooLargeError
from cnncalc.language import _, n_
from cnncalc.layers.base import Shape, shape_text
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.scope import Frame, collect_names, shape_scope
from cnncalc.spec.build.unroll import SMALLEST, LongError, Unroller
from cnncalc.spec.expressions import UNKNOWN, Value, parse_value, work_out
from cnncalc.spec.read.document import Document
from cnncalc.spec.read.expectations import read_expectations
from cnncalc.spec.steps import Argument
from cnncalc.spec.values import shape

DIFFERENT = 25  # of so many operations that are allowed one, where hardly any is like another
PATIENCE = 5_000  # steps before a network counts as long


def build(
    document: Document,
    *,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    max_operations: int = MAX_OPERATIONS,
    claims: Claims | None = None,
) -> Graph:
    """The network that a document describes. `params` and `inputs` override its own; raises SpecError."""
    draft = Draft(document.problems, max_operations, claims)
    scope = read_parameters(document, params or {}, draft)
    # C1.filters goes by a name that an expression can have.
    scope.update({alias: scope[name] for alias, name in document.aliases.items()})
    # Before any step: from here on every layer can be made.
    document.maker.work_out_defaults(scope)
    entry = read_inputs(document, inputs or {}, scope, draft)
    lines = document.source.text.split("\n")
    for problem in draft.warnings:
        told = problem._replace(problem=_("warning: {problem}", problem=problem.problem))
        warnings.warn(describe(told, document.source.name, lines), SpecWarning, stacklevel=3)
    inside = {**scope, **shape_scope(None if entry is None else draft.shapes[entry])}
    frame = Frame(prefix="", scope=inside, entry=entry, given=collect_names(document.layers))
    # A block that calls itself was noted when it was read; unrolled it would have no end.
    draft, result = (draft, None) if document.loop else unroll(document, draft, scope, entry, frame)
    outputs: tuple[int, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    # What is expected of a network that is wrong would be wrong too.
    if not draft.problems:
        outputs = find_outputs(document, result, frame, draft)
        names = [*draft.groups, *(node.name for node in draft.nodes)]
        expectations = read_expectations(
            document.expect, names, draft.problems, draft.left_out, as_written=not params and not inputs
        )
        if not draft.nodes:
            draft.note(_("the network has no layers"), document.layers.position)
    if draft.problems:
        raise SpecError(draft.problems, document.source, layers_that_fit(document, draft))
    return Graph(
        name=title(document.name, params or {}),
        source=document.citation,
        params={name: scope[name] for name in document.params},
        inputs=draft.inputs,
        nodes=tuple(draft.nodes),
        outputs=outputs,
        groups=draft.groups,
        expectations=expectations,
        facts=tuple(draft.facts),
        as_written=not params and not inputs,
        remarks=tuple(_("{name} ({n})", name=problem.problem, n=problem.hint) for problem in draft.warnings),
    )


def unroll(
    document: Document, draft: Draft, scope: Mapping[str, Value], entry: int | None, frame: Frame
) -> tuple[Draft, int | None]:
    """The draft with the operations of all steps, and the value that the last gives; problems are noted.

    A long network is built when a rehearsal has found nothing wrong with it.
    """
    # A second draft on which nothing has been built, for the second attempt.
    empty, noted = draft.again(), len(draft.problems)
    try:
        return draft, Unroller(document, draft, scope, allow_steps(document)).sequence(document.layers, entry, frame)
    except TooLargeError:
        return draft, None
    except LongError:
        # The rehearsal notes them again, and those that the first attempt did not come to.
        del draft.problems[noted:]
    from cnncalc.spec.build.rehearsal import Rehearsal  # which few networks need

    try:
        known = Rehearsal(document, empty.again(), scope).rehearse(document.layers, entry, frame.anew())
        if draft.problems:
            return empty, None
        # What repeats is quick; where hardly any step is like another, time is bounded by the steps.
        patience = inf if known else max(empty.max_operations // DIFFERENT, allow_steps(document))
        builder = Unroller(document, empty, scope, patience)
        try:
            return empty, builder.sequence(document.layers, entry, frame.anew())
        except LongError:
            empty.too_different(builder.at, int(patience))
    except TooLargeError:
        return empty, None


def allow_steps(document: Document) -> int:
    """How many steps to take before a network counts as long: at least those that are written down."""
    text = document.source.text
    written = sum(map(text.count, "\n,["))  # a step has a line of its own, or stands in a list
    return max(PATIENCE, 2 * written)


def layers_that_fit(document: Document, draft: Draft) -> Graph | None:
    """The graph of the layers before the first that does not fit; None where that is not what is wrong."""
    if not draft.fitting:
        return None
    first = len(draft.inputs)
    # Behind the first layer that does not fit shapes are guesses or missing.
    nodes = draft.nodes[: draft.fitting]
    read = {value for node in nodes for value in node.reads}
    return Graph(
        name=document.name,
        inputs=draft.inputs,
        nodes=tuple(nodes),
        outputs=tuple(value for value in range(first, first + len(nodes)) if value not in read),
        groups={path: group for path, group in draft.groups.items() if group.last <= draft.fitting},
        facts=tuple(draft.facts[: draft.fitting]),
        as_written=False,
    )


def title(name: str, params: Mapping[str, Any]) -> str:
    """The name of the spec, and what was changed of it: ResNet-101 is `ResNet-50 with depth=[3, 4, 23, 3]`."""
    changed = ", ".join(f"{key}={value}" for key, value in params.items())
    # A heading is one line: what does not fit into it is not named.
    shown = changed if len(changed) <= 60 and changed.isprintable() else n_("other parameters")
    return f"{name} with {shown}" if name and changed else name


def read_parameters(document: Document, given: Mapping[str, Any], draft: Draft) -> dict[str, Value]:
    """The spec's parameters with their values; those that are given outrank its own."""
    own = document.params
    scope: dict[str, Value] = {}
    for name in given.keys() - own.keys():
        hint = suggest(name, own) or (
            _("its parameters: {names}", names=", ".join(own)) if own else _("it has no parameters")
        )
        draft.note(_("the spec has no parameter '{name}'", name=name[:40]), None, hint)
    for name, argument in own.items():
        position: Position | None = None if name in given else argument.position
        try:
            scope[name] = parse_value(work_out(given.get(name, argument.value), scope))
        except OptionError as error:
            # Known to be there: what speaks of it is no second mistake.
            scope[name] = cast(Value, UNKNOWN)
            above = _("a parameter may use those above it")
            below = any(word in own and word not in scope for word in re.findall(r"\w+", str(argument.value)))
            problem = error.problem if position else _("parameter {name}: {problem}", name=name, problem=error.problem)
            if not isinstance(error, UnknownValueError):
                draft.note(problem, position, above if below else error.hint)
    return scope


def read_inputs(document: Document, given: Mapping[str, Any], scope: Mapping[str, Value], draft: Draft) -> int | None:
    """Put the inputs into the draft; the value that the first step reads, or None if one is wrong."""
    own = dict(document.inputs)
    for name, text in given.items():
        target = next(iter(own)) if not name and len(own) == 1 else name
        if target not in own:
            problem = (
                _("input: there is no input '{name}'", name=name)
                if name
                else _("input: the network has several inputs")
            )
            hint = _("the inputs are: {names} (on the command line --input NAME=SHAPE)", names=", ".join(own))
            draft.note(problem, None, hint)
            continue
        own[target] = Argument(None, text, own[target].position)
    sound = bool(own)
    for name, argument in own.items():
        try:
            found = shape(work_out(argument.value, scope))
            if argument.name is None:
                check_override(found, document.inputs[name], scope)
            draft.input(name, found, argument.position)
            draft.places[name] = argument.position if argument.name else None
            if argument.name is None and len(found) == 2:
                draft.sequences.add(name)  # as the spec's own shape is: that has been checked
            if looks_like_channels_last(found):
                draft.warnings.append(warning_of_channels(found, draft.places[name]))
            elif looks_like_samples(found):
                draft.warnings.append(warning_of_samples(found, draft.places[name]))
        except UnknownValueError:
            sound = False
        except OptionError as error:
            sound = False
            place = argument.position if argument.name else None
            draft.note(error.problem if place else _("input: {problem}", problem=error.problem), place, error.hint)
    return 0 if sound else None


def check_override(found: Shape, own: Argument, scope: Mapping[str, Value]) -> None:
    """Raise OptionError for a shape with an axis less or more than the spec's own: `--input 32x32` for 1x32x32.

    With more it is refused where it has samples in front for sure, and is no volume in place of an image.
    """
    usual = shape(work_out(own.value, scope))
    # One axis alone is a vector, which may well be meant.
    if 2 <= len(found) == len(usual) - 1:
        hint = _("write {value}", value=shape_text((usual[0], *found)))
    elif len(found) == len(usual) + 1 and (found[1:] == usual or found[0] != usual[0] == found[1]):
        hint = _("samples are no axis here: write {value}, and --batch for more", value=shape_text(found[1:]))
    else:
        return
    problem = _(
        "{given} has {count} axes, and {written} in the spec has {own}",
        given=shape_text(found),
        count=len(found),
        written=shape_text(usual),
        own=len(usual),
    )
    raise OptionError(problem, hint)


def looks_like_channels_last(found: Shape) -> bool:
    """Whether a shape is probably height, width and channels: 224x224x3."""
    return len(found) == 3 and found[2] in (1, 3, 4) and min(found[:2]) >= SMALLEST


def looks_like_samples(found: Shape) -> bool:
    """Whether a shape is probably one of images with their number in front: 1x3x224x224."""
    return len(found) == 4 and found[1] == 3 != found[0] and min(found[2:]) >= SMALLEST


def warning_of_samples(found: Shape, position: Position | None) -> Problem:
    problem = _("{shape} is read as channels, depth, height and width", shape=shape_text(found))
    hint = _("samples are no axis here: write {value}, and --batch for more", value=shape_text(found[1:]))
    return Problem(problem, position, hint)


def warning_of_channels(found: Shape, position: Position | None) -> Problem:
    h, w, c = found
    problem = _("{shape} is read as {h} channels of {rest}", shape=shape_text(found), h=h, rest=shape_text((w, c)))
    hint = _("channels stand first: write {shape} for an image of that size", shape=shape_text((c, h, w)))
    return Problem(problem, position, hint)


def find_outputs(document: Document, result: int | None, frame: Frame, draft: Draft) -> tuple[int, ...]:
    """The values that the network gives: the steps named under `outputs:`, or the last one."""
    if not document.outputs:
        return () if result is None else (result,)
    # A dict as a set that keeps the order in which outputs are named.
    found: dict[int, None] = {}
    for name in document.outputs:
        if name.text in draft.left_out:
            continue
        value = draft.resolve(name.text, name.position, frame)
        if value in found:
            draft.note(
                _("the output '{name}' is named twice", name=name.text[:40]), name.position, _("keep one of them")
            )
        elif value is not None:
            found[value] = None
    if not found and all(name.text in draft.left_out for name in document.outputs):
        draft.note(_("every output is left out"), document.outputs[0].position, _("its `if:` does not hold"))
    return tuple(found)
