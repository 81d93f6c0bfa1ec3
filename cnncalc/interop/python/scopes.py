"""The blocks of a network as a tree: which of them can be written as a class or a function of their own.

A group of operations can be one if a single value leaves it. `stage1: bottleneck 64 x3` is a chain of such groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from cnncalc.graph import Graph
from cnncalc.layers import KINDS

UNNAMED = ("from",)  # steps that are no block, though they have a name
GROUP = "group"  # what a model of another program calls a part says nothing of what is in it


class Scope:
    """The nodes first..last, made by one step: `entries` are the values that enter, `result` the one that leaves."""

    def __init__(self, path: str, kind: str, first: int, last: int, result: int | None) -> None:
        self.path = path
        self.kind = kind
        self.family = family(path) if kind == GROUP else kind
        self.first = first
        self.last = last
        self.result = result
        self.entries: list[int] = []
        self.items: list[int | Scope] = []  # node indices and blocks, in the order in which they run

    @property
    def chain(self) -> bool:
        """Repetitions of one block, each reading what the one before it gives and nothing else."""
        blocks = [item for item in self.items if isinstance(item, Scope)]
        return (
            bool(blocks)
            and len(blocks) == len(self.items)
            and all(block.path == f"{self.path}/{i}" for i, block in enumerate(blocks))
            and all(len(block.entries) == 1 for block in blocks)
            and all(b.entries[0] == a.result for a, b in pairwise(blocks))
        )

    @property
    def blocks(self) -> list[Scope]:
        """The blocks directly in it."""
        return [item for item in self.items if isinstance(item, Scope)]


def scopes(graph: Graph) -> Scope:
    """The whole network as a scope; inside it every block of which there are several, and chains of such blocks."""
    first = len(graph.inputs)
    root = Scope("", "", 0, len(graph.nodes), None)
    users = Users(graph)
    found = [
        Scope(path, group.kind, group.first, group.last, group.result)
        for path, group in graph.groups.items()
        if group.kind not in UNNAMED
        and group.kind not in KINDS
        and is_closed(graph, users, group.first, group.last, group.result)
    ]
    # Outer blocks in front of those inside them, which the tree is built from.
    found.sort(key=lambda s: (s.first, -s.last, s.path.count("/")))
    tree(root, found, graph)
    chains = {scope.path for scope in found if scope.chain}
    times = Counter(scope.kind for scope in found if scope.path not in chains)
    # A class for what stands once would only be one more place to look at.
    kept = [s for s in found if s.path in chains or times[s.kind] > 1]
    parents = {s.path.rpartition("/")[0] for s in kept}
    # A chain of blocks that are none of their own would be an nn.Sequential of single layers.
    lonely = chains - parents
    # Once more, as what stood in scopes that are not kept belongs to those around them.
    for scope in (root, *kept):
        scope.items = []
    tree(root, [s for s in kept if s.path not in lonely], graph)
    root.entries = list(range(first))
    return root


class Users:
    """Who is the last to use a value, or to share its weights: the number of a node, or beyond all for an output."""

    def __init__(self, graph: Graph) -> None:
        self.last: dict[int, int] = {}
        for i, node in enumerate(graph.nodes):
            for v in node.reads:
                self.last[v] = i
        self.last |= dict.fromkeys(graph.outputs, len(graph.nodes))
        self.sharing: dict[int, int] = {n.weights_of: i for i, n in enumerate(graph.nodes) if n.weights_of is not None}


def is_closed(graph: Graph, users: Users, start: int, stop: int, result: int) -> bool:
    """Whether `result` is the one value of nodes start..stop that anything else reads, or leaves the network.

    Weights that are shared across the border are a reason against it, too.
    """
    first = len(graph.inputs)
    inside = range(first + start, first + stop)
    if result not in inside:
        return False
    for v, node in zip(inside, graph.nodes[start:stop], strict=True):
        if v != result and users.last.get(v, -1) >= stop:
            return False
        if users.sharing.get(v, -1) >= stop or (node.weights_of is not None and node.weights_of not in inside):
            return False
    return True


def tree(root: Scope, found: list[Scope], graph: Graph) -> None:
    """Put scopes, outer ones first, into each other, and the nodes between them; find what enters each."""
    first = len(graph.inputs)
    # Scopes are intervals of nodes, nested: those that are open at a node are a stack.
    open_scopes = [root]
    waiting = list(reversed(found))
    for i, node in enumerate(graph.nodes):
        while open_scopes[-1].last <= i:
            open_scopes.pop()
        while waiting and waiting[-1].first == i:
            scope = waiting.pop()
            scope.entries = []
            open_scopes[-1].items.append(scope)
            open_scopes.append(scope)
        open_scopes[-1].items.append(i)
        for scope in open_scopes[1:]:
            scope.entries += [v for v in node.reads if v < first + scope.first and v not in scope.entries]


def family(path: str) -> str:
    """What a part of another program's model is probably one of several of: `layer` of layer2/0, or `downsample`."""
    word = next((part for part in reversed(path.split("/")) if not part.isdigit()), "block")
    # Numbers count parts of one kind, and a list of them is called by the plural: `layers`, `blocks`.
    word = word.rstrip("0123456789_") or word
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def families(root: Scope) -> list[list[Scope]]:
    """The blocks that are to be written, those together that may be one class, each behind those inside it.

    Blocks of one family are tried as one class, also where one has another of them inside: `downsample` of layer1/0.
    A family some of whose blocks are inside others of it falls apart by how deep they are.
    """
    blocks = [scope for scope in every_scope(root) if scope is not root and not scope.chain]
    keys: dict[str, tuple[str, int]] = {scope.path: (scope.family, 0) for scope in blocks}
    for scope in reversed(blocks):  # inner ones first
        own = [keys[inner.path][1] for inner in inside(scope) if inner.family == scope.family]
        keys[scope.path] = (scope.family, 1 + max(own) if own else 0)
    ordered = in_order(blocks, keys)
    if ordered is None:  # two families, each inside the other somewhere
        keys = {scope.path: (scope.family, height(scope)) for scope in blocks}
        ordered = sorted({keys[scope.path] for scope in blocks}, key=lambda key: key[1])
    members: dict[tuple[str, int], list[Scope]] = {key: [] for key in ordered}
    for scope in blocks:
        members[keys[scope.path]].append(scope)
    return list(members.values())


def in_order(blocks: list[Scope], keys: Mapping[str, tuple[str, int]]) -> list[tuple[str, int]] | None:
    """The keys, each behind those of the blocks inside its own. None if there is no such order."""
    needed: dict[tuple[str, int], dict[tuple[str, int], None]] = {}
    for scope in blocks:
        needed.setdefault(keys[scope.path], {}).update({keys[inner.path]: None for inner in inside(scope)})
    found: dict[tuple[str, int], None] = {}
    while len(found) < len(needed):
        ready = [key for key, inner in needed.items() if key not in found and all(k in found for k in inner)]
        if not ready:
            return None
        found |= dict.fromkeys(ready)
    return list(found)


def inside(scope: Scope) -> list[Scope]:
    """The blocks next inside one; a chain as the blocks that it is."""
    found: list[Scope] = []
    for block in scope.blocks:
        found += inside(block) if block.chain else [block]
    return found


def every_scope(scope: Scope) -> list[Scope]:
    """A scope and all blocks in it, the outer ones first."""
    return [scope, *(inner for block in scope.blocks for inner in every_scope(block))]


def height(scope: Scope) -> int:
    """How many blocks stand in each other."""
    return 1 + max((height(block) for block in scope.blocks), default=0)
