"""Layers that use the weights of other layers: `weights: NAME`."""

from __future__ import annotations

from typing import Any

from cnncalc.errors import suggest
from cnncalc.language import _
from cnncalc.layers.base import shape_text
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.scope import Frame

# What a layer may have of its own and still use another one's weights: how it moves over its input.
OF_ITS_OWN = (
    "stride", "padding", "dilation", "rounding", "output_padding", "built", "inplace", "frozen", "last",
)  # fmt: skip


def tie_weights(draft: Draft, path: str, start: int, name: str, frame: Frame) -> tuple[str, str] | None:
    """Let the nodes from `start` on use the weights of the step called `name`, one by one in order.

    Returns (problem, hint) if that cannot be, None if it is done.
    """
    there = draft.find(name, draft.spans, frame)
    if there is None or there == path:
        return unusable(draft, path, name, frame)
    owners = draft.stored.get(there)
    if owners is None:  # looked for once: a step may be used very often
        owners = draft.stored[there] = with_weights(draft, *draft.spans[there])
    users = with_weights(draft, start, len(draft.nodes))
    if len(owners) != len(users) or not owners:
        own, its = (layers_with_weights(len(n)) for n in (users, owners))
        problem = _(
            "{path} cannot use the weights of {there}: it has {own}, {there} has {its}",
            path=path,
            there=there,
            own=own,
            its=its,
        )
        return problem, _("the same layers in the same order")
    for owner, user in zip(owners, users, strict=True):
        a, b = draft.nodes[owner], draft.nodes[user]
        different = difference(draft, owner, user)
        if different is not None:
            problem = _("{b} cannot use the weights of {a}: {different}", b=b.name, a=a.name, different=different)
            return problem, _("kind, filters, kernel and what enters must be the same; stride and padding may differ")
        # Of weights that are themselves borrowed the first owner counts, so that chains have length one.
        first = a.weights_of if a.weights_of is not None else len(draft.inputs) + owner
        draft.nodes[user] = b._replace(weights_of=first)
    return None


def with_weights(draft: Draft, first: int, last: int) -> list[int]:
    """The nodes that store numbers. One that does not know how many it stores is among them."""
    stored = [(f.params, f.fixed_params, f.buffers) for f in draft.facts[first:last]]
    return [first + i for i, numbers in enumerate(stored) if any(n is None or n > 0 for n in numbers)]


def layers_with_weights(count: int) -> str:
    return _("{count} layer with weights", count=count) if count == 1 else _("{count} layers with weights", count=count)


def difference(draft: Draft, owner: int, user: int) -> str | None:
    """What keeps the user from using the owner's weights; None if nothing does."""
    theirs, ours = vars(draft.nodes[owner].layer), vars(draft.nodes[user].layer)
    a, b = draft.facts[owner], draft.facts[user]
    for option in ("kind", *ours):  # the kind first: the options of another one say nothing
        if option not in OF_ITS_OWN and ours[option] != theirs.get(option):
            here, there = _text(ours[option]), _text(theirs.get(option))
            return _("{option} is {here} here and {there} there", option=option, here=here, there=there)
    # Options alike and numbers not: then what enters has another number of channels.
    if (a.params, a.fixed_params, a.buffers) != (b.params, b.fixed_params, b.buffers):
        here, there = (shape_text(draft.shapes[draft.nodes[node].reads[0]]) for node in (user, owner))
        return _("{here} enters here and {there} there", here=here, there=there)
    return None


def _text(value: Any) -> str:
    """An option's value as a spec has it: `3x1`, `true`."""
    if isinstance(value, tuple):
        return shape_text(value) if len(str(value)) < 40 else _("another one")
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def unusable(draft: Draft, path: str, name: str, frame: Frame) -> tuple[str, str]:
    """(problem, hint) for a name that is that of no step before this one."""
    what = f"'{name[:40]}'"
    before = _("name a step before it: its layers are used again")
    if draft.find(name, draft.left_out, frame) is not None:
        return _("{what} is left out here, and has no weights", what=what), _("its `if:` does not hold")
    if draft.find(name, draft.declared, frame) == path or f"{path}/".startswith(f"{name}/"):
        return _("{what} cannot use weights of its own", what=what), before
    if name in draft.inputs:
        return _("{what} is an input, and has no weights", what=what), before
    inside = draft.inside(name)
    if name in frame.given and inside is None:
        return _("{what} comes later, in line {line}", what=what, line=frame.given[name].line), before
    return _("there is no step {what} whose weights could be used", what=what), inside or suggest(
        name, draft.spans
    ) or before
