"""Layers that use the weights of other layers: `weights: NAME`."""

from __future__ import annotations

from cnncalc.errors import Position, suggest
from cnncalc.graph import Node
from cnncalc.layers.base import Facts
from cnncalc.spec.draft import Draft
from cnncalc.spec.scope import Frame

# What a layer may have of its own and still use another one's weights: how it moves over its input.
OF_ITS_OWN = ("stride", "padding", "dilation", "rounding", "output_padding")


def tied(
    draft: Draft, path: str, start: int, name: str, position: Position, frame: Frame
) -> tuple[str, str | None] | None:
    """Let the nodes from `start` on use the weights of the step called `name`, one by one in order.

    Returns (problem, hint) if that cannot be, None if it is done.
    """
    there = draft.find(name, draft.spans, frame)
    if there is None or there == path:
        hint = suggest(name, draft.spans) or "name a step before it: its layers are used again"
        return f"there is no step '{name[:40]}' whose weights could be used", hint
    owners = with_weights(draft, *draft.spans[there])
    users = with_weights(draft, start, len(draft.nodes))
    if len(owners) != len(users) or not owners:
        problem = f"{len(users)} layers with weights cannot use those of {there}, which has {len(owners)}"
        return problem, "the same layers in the same order"
    for owner, user in zip(owners, users, strict=True):
        a, b = draft.nodes[owner], draft.nodes[user]
        if weights_of(a, draft.facts[owner]) != weights_of(b, draft.facts[user]):
            problem = f"{b.name} cannot use the weights of {a.name}: they are not of the same shape"
            return problem, "kind, filters, kernel and what enters must be the same; stride and padding may differ"
        first = a.weights_of if a.weights_of is not None else len(draft.inputs) + owner
        draft.nodes[user] = b._replace(weights_of=first)
    return None


def with_weights(draft: Draft, first: int, last: int) -> list[int]:
    """The nodes that store numbers. One that does not know how many it stores is among them."""
    stored = [(f.params, f.fixed_params, f.buffers) for f in draft.facts[first:last]]
    return [first + i for i, numbers in enumerate(stored) if any(n is None or n > 0 for n in numbers)]


def weights_of(node: Node, facts: Facts) -> object:
    """What two layers must have in common to use the same weights."""
    options = {name: value for name, value in vars(node.layer).items() if name not in OF_ITS_OWN}
    return options, facts.params, facts.fixed_params, facts.buffers
