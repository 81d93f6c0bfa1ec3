"""Layers that use the weights of other layers: `weights: NAME`."""

from __future__ import annotations

from typing import Any

from cnncalc.errors import suggest
from cnncalc.layers.base import shape_text
from cnncalc.spec.draft import Draft
from cnncalc.spec.scope import Frame

# What a layer may have of its own and still use another one's weights: how it moves over its input.
OF_ITS_OWN = ("stride", "padding", "dilation", "rounding", "output_padding")


def tied(draft: Draft, path: str, start: int, name: str, frame: Frame) -> tuple[str, str] | None:
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
        counts = [f"{len(n)} layer{'s' * (len(n) != 1)} with weights" for n in (users, owners)]
        problem = f"{path} cannot use the weights of {there}: it has {counts[0]}, {there} has {counts[1]}"
        return problem, "the same layers in the same order"
    for owner, user in zip(owners, users, strict=True):
        a, b = draft.nodes[owner], draft.nodes[user]
        different = difference(draft, owner, user)
        if different is not None:
            problem = f"{b.name} cannot use the weights of {a.name}: {different}"
            return problem, "kind, filters, kernel and what enters must be the same; stride and padding may differ"
        first = a.weights_of if a.weights_of is not None else len(draft.inputs) + owner
        draft.nodes[user] = b._replace(weights_of=first)
    return None


def with_weights(draft: Draft, first: int, last: int) -> list[int]:
    """The nodes that store numbers. One that does not know how many it stores is among them."""
    stored = [(f.params, f.fixed_params, f.buffers) for f in draft.facts[first:last]]
    return [first + i for i, numbers in enumerate(stored) if any(n is None or n > 0 for n in numbers)]


def difference(draft: Draft, owner: int, user: int) -> str | None:
    """What keeps the user from using the owner's weights; None if nothing does."""
    theirs, ours = vars(draft.nodes[owner].layer), vars(draft.nodes[user].layer)
    a, b = draft.facts[owner], draft.facts[user]
    for option in ("kind", *ours):  # the kind first: the options of another one say nothing
        if option not in OF_ITS_OWN and ours[option] != theirs.get(option):
            return f"{option} is {_text(ours[option])} here and {_text(theirs.get(option))} there"
    if (a.params, a.fixed_params, a.buffers) != (b.params, b.fixed_params, b.buffers):
        shapes = [shape_text(draft.shapes[draft.nodes[node].reads[0]]) for node in (user, owner)]
        return f"{shapes[0]} enters here and {shapes[1]} there"
    return None


def _text(value: Any) -> str:
    """An option's value as a spec has it: `3x1`, `true`."""
    if isinstance(value, tuple):
        return shape_text(value) if len(str(value)) < 40 else "another one"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def unusable(draft: Draft, path: str, name: str, frame: Frame) -> tuple[str, str]:
    """(problem, hint) for a name that is that of no step before this one."""
    what = f"'{name[:40]}'"
    before = "name a step before it: its layers are used again"
    if draft.find(name, draft.left_out, frame) is not None:
        return f"{what} is left out here, and has no weights", "its `if:` does not hold"
    if draft.find(name, draft.declared, frame) == path or f"{path}/".startswith(f"{name}/"):
        return f"{what} cannot use weights of its own", before
    if name in draft.inputs:
        return f"{what} is an input, and has no weights", before
    inside = draft.inside(name)
    if name in frame.given and inside is None:
        return f"{what} comes later, in line {frame.given[name].line}", before
    return f"there is no step {what} whose weights could be used", inside or suggest(name, draft.spans) or before
