"""What each layer costs to run and to train, beside what it counts: bytes moved and kept, products of gradients.

Whether a gradient is needed follows from what is trained: forward, a value needs one if it depends on a trained
weight; back, a layer has one if an output of the network depends on it; both by way of layers that have a derivative.
What is kept is memory: a value that
several layers keep is kept once, and counts where the first of them keeps it. docs/memory.md has the rules.
Bytes and operations are those of all samples of a batch; weights are moved once, however many samples there are.
"""

from collections.abc import Callable, Sequence
from math import prod

from cnncalc.graph import Graph, Node
from cnncalc.layers.base import POINTWISE, Facts
from cnncalc.layers.gradients import CUT, INDEX, STRAIGHT, Kept
from cnncalc.report import BYTES, Settings

Known = bool | None  # None: not known


MASK = 1  # bytes for each element that dropout may leave out: on accelerators; on CPUs it is a value (PyTorch)


def count_costs(graph: Graph, facts: Sequence[Facts], settings: Settings) -> list[dict[str, int | None]]:
    """What every node costs, by name, from its facts as they are counted."""
    size, batch = BYTES[settings.dtype], settings.batch
    needed = find_gradients(graph, facts)
    kept = find_kept(graph, facts, size, batch, needed)
    first = len(graph.inputs)
    found: list[dict[str, int | None]] = []
    for i, (node, claimed) in enumerate(zip(graph.nodes, facts, strict=True)):
        macs, parts = count_backward_macs(node, claimed, needed, needed[first + i]), kept[i]
        found.append(
            {
                "backward_flops": None if macs is None else 2 * macs * batch,
                "moved_bytes": count_moved(graph, node, claimed, size, batch),
                "saved_bytes": None if parts is None else sum([part.size for part in parts]),
            }
        )
    return found


def count_moved(graph: Graph, node: Node, facts: Facts, size: int, batch: int) -> int | None:
    """Bytes of a layer's weights, of what it reads and of what it writes; a value that it reads twice counts once."""
    shapes = [facts.output, *(graph.shape(value) for value in dict.fromkeys(node.reads))]
    if facts.weights is None or () in shapes:
        return None
    return size * (facts.weights + batch * sum(map(prod, shapes)))


def is_any(values: Sequence[Known]) -> Known:
    """Whether one of them is so: known where one is, or none is unknown."""
    return True if True in values else None if None in values else False


def is_trained(facts: Facts) -> Known:
    """Whether training changes a weight of a layer."""
    return None if facts.trainable_params is None else facts.trainable_params > 0


def find_gradients(graph: Graph, facts: Sequence[Facts]) -> list[Known]:
    """For each value whether a gradient reaches it: it depends on a trained weight, and an output depends on it.

    Through a layer without a derivative (`step`, `hopfield`) none goes: neither to what is before it nor on from it.
    """
    needed: list[Known] = [False] * len(graph.inputs)
    for node, claimed in zip(graph.nodes, facts, strict=True):
        needed.append(depends_on_trained(claimed, [needed[v] for v in node.reads]))
    leads = find_leading(graph, [is_smooth(claimed) for claimed in facts])
    return [needs if leading else False for needs, leading in zip(needed, leads, strict=True)]


def is_smooth(facts: Facts) -> bool:
    """Whether a gradient goes through a layer."""
    return facts.kept is None or facts.kept.smooth


def depends_on_trained(facts: Facts, entering: Sequence[Known]) -> Known:
    """Whether the output of a layer depends on a trained weight, by whether what enters does."""
    return is_any([is_trained(facts), *entering]) if is_smooth(facts) else False


def find_leading(graph: Graph, smooth: Sequence[bool]) -> list[bool]:
    """For each value whether an output of the network depends on it, through operations that are smooth."""
    first = len(graph.inputs)
    leads = [False] * (first + len(graph.nodes))
    for value in graph.outputs:
        leads[value] = True
    # Backwards: all that read a value come behind the node that gives it.
    for i in range(len(graph.nodes) - 1, -1, -1):
        if leads[first + i] and smooth[i]:
            for value in graph.nodes[i].reads:
                leads[value] = True
    return leads


def count_backward_macs(node: Node, facts: Facts, needed: Sequence[Known], output: Known) -> int | None:
    """Multiply-accumulates of a layer's gradients for one sample; `output`: whether one reaches its output."""
    products = facts.backward
    # Without a gradient there are no products, unless it is not even known which there would be.
    if output is False or products is None:
        return None if products is None else 0
    trained = is_trained(facts)
    entering = [needed[v] for v in node.reads]
    # Each product with what it is needed for: a trained weight, what enters, or either of them.
    parts: list[tuple[int, Known]] = [(products.weights, trained), (products.inside, is_any([trained, *entering]))]
    parts.append((products.entering, is_any(entering)))
    if facts.frozen and trained:  # of some weights alone: which products are theirs is not known
        parts[0] = products.weights, None
    parts += zip(products.inputs, entering, strict=False)
    if any(asked is None and macs for macs, asked in parts) or (output is None and any(macs for macs, _ in parts)):
        return None
    return sum(macs for macs, asked in parts if asked)


class Store:
    """Memory that is kept, in bytes: `value` is the number of the value in it, None for what is worked out besides."""

    __slots__ = ("size", "value")

    def __init__(self, value: int | None, size: int) -> None:
        self.value, self.size = value, size


class Stores:
    """Which memory each value is in: its own, that of another that it is a view of, or that of a weight.

    whole  whether its elements stand in their order, so that they can be seen under another shape
    """

    def __init__(self, inputs: int) -> None:
        self.of: list[int] = list(range(inputs))  # the value whose memory it is; -1: a weight's
        self.whole: list[bool] = [True] * inputs

    def add(self, node: Node, facts: Facts) -> None:
        """Place the output of the next node."""
        own, shares = len(self.of), facts.kept.shares if facts.kept is not None else ""
        if not node.reads:
            self.of.append(-1)
            self.whole.append(True)
            return
        source = node.reads[0]
        same_places = facts.reach == POINTWISE  # under the same shape, or some channels, which lie one behind the other
        # In place, cut off, or under another shape while elements lie in their order: no memory of its own.
        if node.layer.inplace or shares == CUT or (shares == STRAIGHT and (same_places or self.whole[source])):
            self.of.append(self.of[source])
            self.whole.append((shares != CUT or same_places) and self.whole[source])
        else:
            self.of.append(own)
            self.whole.append(True)


def find_kept_values(kept: Kept, node: Node, facts: Facts, needed: Sequence[Known], own: int) -> list[int]:
    """The numbers of the values that a layer keeps; `own` is that of its output."""
    trained = is_trained(facts)
    entering = [needed[v] for v in node.reads]
    # Inputs that are combined one after the other: what each step needs is kept.
    if kept.between:
        return [node.reads[i] for i in range(len(entering)) if keeps_one_by_one(kept, entering, max(i, 1), first=not i)]
    found = [node.reads[i] for i in kept.inputs]
    found += [node.reads[i] for i in kept.trained if trained]
    found += [node.reads[i] for i in kept.others if is_any([*entering[:i], *entering[i + 1 :]])]
    return [*found, own] if kept.result else found


def keeps_one_by_one(kept: Kept, entering: Sequence[Known], step: int, *, first: bool) -> Known:
    """Whether what is combined at a step (input `step` with all before it) is kept: what was there first, or the input.

    For the gradient of the other one alone, or for that of any of the two.
    """
    before = is_any(entering[:step])
    if (0 if first else step) in kept.inputs:
        return is_any([before, entering[step]])
    return entering[step] if first else before


def count_kept_numbers(kept: Kept, entering: Sequence[Known]) -> int:
    """Numbers for each sample that a layer keeps besides what enters and what comes out."""
    between = [n for i, n in enumerate(kept.between, start=2) if keeps_one_by_one(kept, entering, i, first=True)]
    return sum(between[1:], between[0]) if between else kept.values


def find_kept(
    graph: Graph, facts: Sequence[Facts], size: int, batch: int, needed: Sequence[Known], mask: int = MASK
) -> list[list[Store] | None]:
    """For each layer what it is the first to keep, in bytes of all samples; None where that is not known."""
    keeping = Keeping(len(graph.inputs), lambda place: prod(graph.shape(place)), size, batch, mask)
    outputs = needed[len(graph.inputs) :]
    return [keeping.keep(node, f, needed, output) for node, f, output in zip(graph.nodes, facts, outputs, strict=True)]


class Keeping:
    """What layers keep, one after the other: a value counts where the first of them keeps it.

    elements  how many a value has, by its number
    seen      the values that are kept so far, and -1: weights are kept anyway
    """

    def __init__(self, inputs: int, elements: Callable[[int], int], size: int, batch: int, mask: int = MASK) -> None:
        self.stores = Stores(inputs)
        self.seen = {-1}
        self.elements, self.size, self.batch, self.mask = elements, size, batch, mask

    def keep(self, node: Node, facts: Facts, needed: Sequence[Known], output: Known) -> list[Store] | None:
        """What the next layer is the first to keep; None where that is not known.

        needed  for each value before it whether it needs a gradient; output: whether one reaches its output
        """
        # The number of its output, taken before that is placed.
        own = len(self.stores.of)
        self.stores.add(node, facts)
        kept = facts.kept
        if kept is None or output is None:
            return None
        if not output:
            return []
        parts: list[Store] = []
        for value in find_kept_values(kept, node, facts, needed, own):
            place = self.stores.of[value]
            if place not in self.seen:
                self.seen.add(place)
                parts.append(Store(place, self.batch * self.size * self.elements(place)))
        values = count_kept_numbers(kept, [needed[v] for v in node.reads])
        # Statistics are kept once, all else for each sample.
        numbers = self.size * values + INDEX * kept.indices + self.mask * kept.mask
        besides = self.batch * numbers + self.size * kept.once
        return [*parts, Store(None, besides)] if besides else parts
